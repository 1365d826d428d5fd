"""What a source of activity holds before it is checked: values as they were found, perhaps times, names and regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from brainmem.errors import ResultError
from brainmem.intake.columns import check_no_clock
from brainmem.intake.numbers import take
from brainmem.intake.units import SECONDS, unit_name

__all__ = ["Intervals", "Raw", "each_once", "number_name", "raw_of", "taken", "three", "times_of"]


@dataclass(frozen=True)
class Intervals:
    """When trials begin and end, (trial, 2) in seconds, and what a table tells of each, by column."""

    spans: np.ndarray
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """What a source holds: values (item, time, unit), NaN and all, in the order found.

    `times` are seconds of the samples, or None where the source tells none; `names` those of the units, `regions`
    theirs where the source tells; `starts` the samples at which trials begin that stand behind each other; `intervals`
    the times of trials, between which samples belong to none; `notes` say what was decided in reading.
    """

    values: np.ndarray
    names: tuple[str, ...]
    times: np.ndarray | None = None
    source: str = "array"
    notes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    starts: tuple[int, ...] = (0,)
    intervals: Intervals | None = None


def raw_of(given: Any, source: str, *, times: Any = None, names: Sequence[str] = (), regions: Sequence[str] = (),
           notes: Sequence[str] = (), units_first: bool = False) -> Raw:  # fmt: skip
    """Return an array (time, unit) or (trial, time, unit), and what is known of it, after checking that they fit.

    Raises
    ------
    ResultError
        For something else than numbers, another number of axes, times of another number or unit, and a first column
        that counts rows.
    """
    values = three(taken(given, source), source)
    values = np.swapaxes(values, 1, 2) if units_first else values
    if values.shape[0] == 1 and values.shape[2]:
        check_no_clock(values[0, :, 0], "its first column", source, ResultError)
    known = each_once(names) if names else tuple(str(k) for k in range(values.shape[2]))
    clock = None if times is None else times_of(times, values.shape[1], source)
    return Raw(values, known, clock, source, tuple(notes), tuple(regions))


def taken(given: Any, source: str) -> np.ndarray:
    """Return an array of numbers, or refuse something else."""
    try:
        return take(given).values
    except ValueError as reason:
        raise ResultError(f"{source}: expected an array of numbers; {reason}.") from reason.__cause__


def three(values: np.ndarray, source: str) -> np.ndarray:
    """Return an array as (trial, time, unit)."""
    if values.ndim not in (2, 3):
        raise ResultError(
            f"{source}: a recording has shape (time, unit), or (trial type, time, unit); this one has {values.shape}."
        )
    return values[None] if values.ndim == 2 else values


def times_of(times: Any, samples: int, source: str) -> np.ndarray:
    """Return the times of samples in seconds."""
    try:
        found = take(times)
    except ValueError as reason:
        raise ResultError(f"{source}: times: {reason}.") from reason.__cause__
    if found.dimensions not in (None, SECONDS):
        raise ResultError(f"{source}: times have the unit {unit_name(found.dimensions)}, and s is wanted.")
    if found.values.size != samples:
        raise ResultError(f"{source}: {found.values.size} times for {samples} samples; each sample needs one.")
    return found.values.ravel()


def each_once(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of which no two are the same."""
    found: dict[str, None] = {}
    for name in names:
        number = sum(other == name or other.startswith(f"{name}.") for other in found)
        found[f"{name}.{number}" if name in found else name] = None
    return tuple(found)


def number_name(value: float) -> str:
    """Return the name of a unit that is called by a number, of which no two have one name.

    >>> number_name(1234567.0), number_name(2.5)
    ('1234567', '2.5')
    """
    return str(int(value)) if float(value).is_integer() else repr(float(value))
