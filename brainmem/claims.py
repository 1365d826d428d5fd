"""What a paper's ``claims.py`` imports: the experiment that a claim is checked with, and what may be expected of it."""

from brainmem.study.claims import Experiment, Finding, at_least, at_most, near, within

__all__ = ["Experiment", "Finding", "at_least", "at_most", "near", "within"]
