"""Refuse a model whose text is wrong, when it is made."""


def check_model(model):
    """Raise a `RuleError` for the first thing that is wrong."""
