"""What variables were some time ago: the functions that equations call, for numpy and for a reader.

A variable of a group is stored in every time step and read again `steps` later. What is stored lies in a ring: the
value of time step n in place n modulo `steps`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["DelayLines"]


class DelayLines:
    """The stored values of each delayed variable, by its number; arrays (steps, unit)."""

    def __init__(self) -> None:
        self.kept: dict[int, np.ndarray] = {}
        self.aside: dict[int, np.ndarray] = {}

    def store(self, value: Any, line: int, unit: Any, units: int, steps: float, step: int) -> Any:
        """Store the `value` of this time step, and return the one that is read in the next."""
        kept = self.kept[int(line)]
        kept[int(step) % len(kept), unit] = value
        return kept[(int(step) + 1) % len(kept), unit]

    def begin(
        self,
        value: Any,
        line: int,
        unit: Any,
        units: int,
        steps: float,
        step: int,
        put_back: Any,
        set_aside: Any,
        fresh: Any,
    ) -> Any:
        """Return what is read in this time step, the first of a phase.

        Before, what was set aside is put back, what is stored is set aside, or a `fresh` start makes every stored value
        that of now, as the beginning of a run does.
        """
        line, step, count = int(line), int(step), round(float(steps))
        if step == 0:
            self.kept[line], self.aside[line] = np.zeros((2, count, int(units)))
        kept, aside = self.kept[line], self.aside[line]
        latest_first = (step - 1 - np.arange(count)) % count
        unit, value = np.atleast_1d(unit), np.atleast_1d(value)
        if np.any(put_back > 0.5):
            kept[np.ix_(latest_first, unit)] = aside[:, unit]
        if np.any(set_aside > 0.5):
            aside[:, unit] = kept[np.ix_(latest_first, unit)]
        if np.any(fresh > 0.5) or step == 0:
            kept[:, unit] = value
        return kept[step % count, unit]
