"""The record of a verification: each drift with its error, what was expected of it, and a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from brainmem.errors import ResultError
from brainmem.simulation.verdicts import SMALL, percent
from brainmem.verification.bias import ALL, Estimate
from brainmem.verification.drifts import cells_in_words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DriftRow", "Verification"]

QUARTER = 0.25  # of an expected bias
ERRORS = 3.0  # standard errors


@dataclass(frozen=True)
class DriftRow:
    """One rule's drift in one variable while phases of one name run.

    Attributes
    ----------
    rule, variable, phase : str
        ``"all phases"`` for their sum.
    cells_per_unit : int
    replayed : bool
        Whether the cells got the rates of the rate network.
    rate, spiking : float
        Root mean square over synapses of both drifts, in the unit of the variable per second; means over seeds.
    rate_mean, spiking_mean : float
        Means over synapses, likewise.
    along, shift : Estimate
        How far the spiking drift is off, along the rate rule's and on average over synapses (see `verification.bias`),
        with the standard error over seeds.
    expected : (float, float)
        Both as `explain` has them.
    """

    rule: str
    variable: str
    phase: str
    cells_per_unit: int
    replayed: bool
    rate: float
    spiking: float
    rate_mean: float
    spiking_mean: float
    along: Estimate
    shift: Estimate
    expected: tuple[float, float]

    @property
    def holds(self) -> bool | None:
        """Whether the drift is as expected: within 1 %, or a quarter of a larger bias, and three standard errors.

        None where a standard error is larger than what is allowed.
        """
        for found, expected in ((self.along, self.expected[0]), (self.shift, self.expected[1])):
            if not abs(found.value - expected) <= _allowed(expected) + ERRORS * np.nan_to_num(found.error):
                return False
        return True if self.coarse <= 1 else None

    @property
    def coarse(self) -> float:
        """The larger standard error of both, in units of what is allowed; above 1 it is too large to tell."""
        pairs = ((self.along, self.expected[0]), (self.shift, self.expected[1]))
        return max(np.nan_to_num(found.error / _allowed(expected), nan=np.inf) for found, expected in pairs)


def _allowed(expected: float) -> float:
    return max(SMALL, QUARTER * abs(expected))


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Attributes
    ----------
    model : str
    seeds : tuple of int
    rows : tuple of DriftRow
    verdicts : tuple of str
        What `explain` says of each rule.
    setting : str
        Weights, protocol and cells of the runs.
    """

    model: str
    seeds: tuple[int, ...]
    rows: tuple[DriftRow, ...]
    verdicts: tuple[str, ...]
    setting: str

    @property
    def passed(self) -> bool:
        """Whether no drift with replayed rates is off by more than expected."""
        return all(row.holds is not False for row in self.rows if row.replayed)

    def of(
        self, rule: str, variable: str = "", phase: str = "", *, replayed: bool = True, cells_per_unit: int = 0
    ) -> DriftRow:
        """Return one row; what is not named is the first variable, all phases, and the fewest cells.

        Raises
        ------
        ResultError
            When there is none.
        """
        fitting = [row for row in self.rows if (row.rule, row.replayed) == (rule, replayed)]
        fitting = [row for row in fitting if variable in ("", row.variable)]
        fitting = [row for row in fitting if cells_per_unit in (0, row.cells_per_unit)]
        fitting = [row for row in fitting if phase in ("", row.phase)]
        if not fitting:
            raise ResultError(
                f"No drift of rule {rule!r}, variable {variable!r}, phase {phase!r}, with {cells_per_unit or 'any'} "
                f"cells per unit; there are: {', '.join(dict.fromkeys(map(_address, self.rows)))}."
            )
        return min(fitting, key=lambda row: (row.phase != ALL, row.cells_per_unit))

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame, fractions as numbers."""
        import pandas as pd

        return pd.DataFrame([_record(row) for row in self.rows])

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.model}: drifts of its rules in spikes, beside the rate network ({self.setting})"
        for rule, variable in dict.fromkeys((row.rule, row.variable) for row in self.rows):
            yield f"\nrule {rule!r}, {variable}:"
            yield "  phase            cells  rates     rate drift  off along it         off on average       expected"
            own = [row for row in self.rows if (row.rule, row.variable) == (rule, variable)]
            yield from map(_line, own)
            yield from (f"  {text}" for text in _falls(own))
        yield "\nWhat explain says:"
        yield from (f"  {text}" for text in self.verdicts)
        yield self._conclusion()

    def _conclusion(self) -> str:
        replayed = [row for row in self.rows if row.replayed]
        wrong = sorted({row.rule for row in replayed if row.holds is False})
        if wrong:
            return f"With replayed rates not as expected: {', '.join(map(repr, wrong))}. The translation is to blame."
        rest = "the rest of a difference is the network's."
        if coarse := [row for row in replayed if row.holds is None]:
            known = f"With replayed rates all drifts that could be judged are as expected; {rest}"
            return f"{known}{_unsettled(coarse, len(self.seeds))}"
        return f"With replayed rates all rules drift as expected; {rest}"


def _unsettled(rows: list[DriftRow], seeds: int) -> str:
    """Say which drifts are too coarse to be judged, and how many seeds would do."""
    named = dict.fromkeys(f"{row.rule!r} with {cells_in_words(row.cells_per_unit)}" for row in rows)
    worst = max(row.coarse for row in rows)
    known = f"; about seeds={math.ceil(seeds * worst**2)} would do" if math.isfinite(worst) else ""
    return (
        f"\nNot decided for {', '.join(named)}: the standard error is larger than 1 %, or than a quarter of the bias. "
        f"Give more seeds or items{known}."
    )


def _address(row: DriftRow) -> str:
    return f"{row.rule}, {row.variable}, {row.phase}, {row.cells_per_unit}"


def _record(row: DriftRow) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("rule", "variable", "phase", "cells_per_unit", "replayed")}
    sizes = {name: getattr(row, name) for name in ("rate", "spiking", "rate_mean", "spiking_mean")}
    found = {"along": row.along.value, "along_error": row.along.error, "shift": row.shift.value}
    expected = {"along_expected": row.expected[0], "shift_expected": row.expected[1]}
    return {**plain, **sizes, **found, "shift_error": row.shift.error, **expected, "holds": row.holds}


def _line(row: DriftRow) -> str:
    rates = "replayed" if row.replayed else "free"
    expected = f"{percent(row.expected[0])}, {percent(row.expected[1])}"
    said = {True: "", False: "  NOT AS EXPECTED", None: "  not decided"}[row.holds] if row.replayed else ""
    found = f"{row.rate:>10.3g}  {row.along!s:<20} {row.shift!s:<20} {expected}{said}"
    return f"  {row.phase:<16} {row.cells_per_unit:>5}  {rates:<8}  {found}"


def _falls(rows: list[DriftRow]) -> Iterator[str]:
    """Say how the bias falls with the number of cells."""
    own = [row for row in rows if row.replayed and row.phase == rows[0].phase]
    if len(own) < 2 or abs(own[0].along.value) < SMALL:
        return
    few, many = own[0], own[-1]
    yield (
        f"from {few.cells_per_unit} to {cells_in_words(many.cells_per_unit)} it goes from {few.along} to {many.along}; "
        "what noise does falls as 1/cells, what changes of rates do stays"
    )
