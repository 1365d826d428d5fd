"""Split a rule into what its neurons and its synapses compute."""
