"""How many units and cells a group has, which pairs a connection joins, and what is read from where, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

__all__ = ["CELLS", "ONE", "TRIALS", "Link", "Pairs", "Size"]

# Number of trials run at once, and number of cells of a unit.
TRIALS, CELLS = "trials", "cells_per_unit"


@dataclass(frozen=True)
class Size:
    """How many there are of something: `units`, a number or a parameter, times the trials, times the cells of a unit.

    Element ``(unit*trials + trial)*cells_per_unit + cell`` is a cell of a unit in a trial.
    """

    units: str
    cells: bool = False
    trials: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it depends on."""
        return tuple(factor for factor in self._factors if not factor.isdigit())

    @property
    def text(self) -> str:
        """The product as a script would have it."""
        return "*".join(self._factors)

    def value(self, numbers: Mapping[str, Any]) -> int:
        """Return the product, with the values of parameters from `numbers`."""
        return math.prod(int(factor) if factor.isdigit() else int(numbers[factor]) for factor in self._factors)

    @property
    def _factors(self) -> tuple[str, ...]:
        alone = self.units == "1" and self.trials and not self.cells
        return (*(() if alone else (self.units,)), *((TRIALS,) * self.trials), *((CELLS,) * self.cells))

    def __str__(self) -> str:
        return self.text


ONE = Size("1")


class Pairs(Enum):
    """Which units a connection joins: all, all but each with itself, or the cells of a unit with that unit."""

    ALL = "all"
    NO_SELF = "no_self"
    OWN_CELLS = "own_cells"


@dataclass(frozen=True)
class Link:
    """A variable that units read from another group, as `linked_var` has it.

    Attributes
    ----------
    group, variable : str
        What is read.
    each : {"", "unit", "trial"}
        Whose own value is read: that of the only unit there, by all; of each unit, by its cells; of each trial, by
        all units of the trial.
    size : Size
        That of the group that reads.
    """

    group: str
    variable: str
    each: str = ""
    size: Size = ONE

    @property
    def text(self) -> str:
        """The element that each reads, as numpy text of ranges and sizes; empty where there is only one."""
        if self.each == "unit":
            return f"repeat(arange({replace(self.size, cells=False)}), {CELLS})"
        if self.each == "trial" and self.size.trials:
            trials = f"tile(arange({TRIALS}), {self.size.units})"
            return f"repeat({trials}, {CELLS})" if self.size.cells else trials
        return ""

    def positions(self, numbers: Mapping[str, Any]) -> np.ndarray | None:
        """Return the element that each reads, (element,) array; None where there is only one."""
        if not self.text:
            return None
        elements = np.arange(self.size.value(numbers))
        several = int(numbers[CELLS]) if self.size.cells else 1
        return elements // several if self.each == "unit" else elements // several % int(numbers[TRIALS])
