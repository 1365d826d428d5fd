"""What a paper's ``claims.py`` imports: rows of claims, what may be expected, the experiment that runs them."""

from brainmem.model.claim import Row
from brainmem.study.claims import Experiment, Finding, at_least, at_most, near, within
from brainmem.study.tables import findings

__all__ = ["Experiment", "Finding", "Row", "at_least", "at_most", "findings", "near", "within"]
