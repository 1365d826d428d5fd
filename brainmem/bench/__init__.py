"""Measure brainmem beside its peers: ``brainmem bench``.

A `Case` names what is measured, at which sizes, and its goals; its one function opens the *contenders*, functions
that measure themselves once and return seconds. `measure_case` calls them in turn, so that a slow moment of the
machine falls on all of them, and every ratio is taken within one round. The cases stand in `brainmem.bench.cases`.
"""

from __future__ import annotations

from brainmem.bench.registry import Case, Effort, Goal, choose
from brainmem.bench.rounds import Row, Spread, measure_case, spread

__all__ = ["Case", "Effort", "Goal", "Row", "Spread", "choose", "measure_case", "spread"]
