"""One run: from a model and its numbers to a result."""
