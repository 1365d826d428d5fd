"""What a paper says: the nouns of a model's text, and the checks of it."""
