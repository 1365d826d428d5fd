"""The numbers of one run: parameters, stimuli, start values, tables, measured curves."""
