"""Spike times of units, and the rates that they become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from brainmem.errors import ResultError
from brainmem.intake.numbers import take
from brainmem.intake.tables import Table
from brainmem.intake.units import time_unit
from brainmem.recordings.labelled import TRIAL, UNIT
from brainmem.recordings.raw import Intervals, Raw, number_name

__all__ = ["Spikes", "binned", "spikes_of_table", "spikes_of_trains"]

_MOST_SAMPLES = 1e7
_TIME = re.compile(r"(spike[\s_]?)?times?(stamps?)?([\s_]?[(\[]?(?P<unit>[mu]?s|m?sec|(milli)?seconds)[)\]]?)?", re.I)


@dataclass(frozen=True)
class Spikes:
    """Spike times of each unit, in seconds, and from when until when they were recorded, or to the last spike."""

    trains: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    start: float
    stop: float
    regions: tuple[str, ...] = ()
    source: str = "spike trains"
    notes: tuple[str, ...] = ()
    ended: bool = True
    intervals: Intervals | None = None


def spikes_of_table(table: Table) -> Spikes | None:
    """Return the spikes of a table with a unit and a time in each line, perhaps a region; None for another table."""
    names, source = table.names, table.source.strip("'\"")
    unit = next((k for k, name in enumerate(names) if UNIT.fullmatch(name)), None)
    time = next((k for k, name in enumerate(names) if _TIME.fullmatch(name)), None)
    trial = next((name for name in names if TRIAL.fullmatch(name)), "")
    if time is None or len(names) + bool(table.rows) - bool(trial) != 2 or (unit is None and not table.rows):
        return None
    if trial:
        raise ResultError(
            f"{source}: column {trial!r} tells the trial of each spike. Give one table for each trial, or times that "
            "run on over all trials and the bins at which these begin, resets=(0, 120, 240)."
        )
    found = _TIME.fullmatch(names[time])
    times = table.values[:, time] * (time_unit((found and found["unit"]) or "s") or 1.0)
    labels = np.array(table.rows) if table.rows else table.values[:, unit or 0]
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ResultError(f"{source}: a line has no unit. Name it, or leave the line out.")
    own, place = np.unique(labels, return_inverse=True)
    names = [number_name(name) if labels.dtype.kind == "f" else str(name) for name in own]
    number = [int(name) if name.isdigit() else np.inf for name in names]
    order = sorted(range(len(names)), key=number.__getitem__)  # and by name, as unique() returns them
    trains = _grouped(times, place, len(names))
    regions = _regions(place, next(iter(table.texts.values()), ()), names, source)
    return spikes_of_trains(
        [trains[k] for k in order], [names[k] for k in order], source=source, notes=table.notes,
        regions=tuple(regions[k] for k in order) if regions else (),
    )  # fmt: skip


def _grouped(values: np.ndarray, place: np.ndarray, groups: int) -> list[np.ndarray]:
    """Return the values of each group, in the order in which they come; one sort for all."""
    ends = np.cumsum(np.bincount(place, minlength=groups))[:-1]
    return np.split(values[np.argsort(place, kind="stable")], ends)


def _regions(place: np.ndarray, regions: Sequence[str], names: Sequence[str], source: str) -> tuple[str, ...]:
    """Return the region of each unit from those of its spikes."""
    if not regions:
        return ()
    found: dict[int, str] = {}
    for unit, region in dict.fromkeys(zip(place.tolist(), regions, strict=True)):
        if unit in found:
            both = ", ".join(map(repr, sorted((found[unit], region))))
            raise ResultError(f"{source}: unit {names[unit]!r} lies in regions {both}. Leave one of them out.")
        found[unit] = region
    return tuple(found[unit] for unit in range(len(names)))


def spikes_of_trains(
    trains: Sequence[Any], names: Sequence[str] = (), *, start: float | None = None, stop: float | None = None,
    source: str = "spike trains", **more: Any,
) -> Spikes:  # fmt: skip
    """Return spike trains after checking that they hold finite times, in seconds or with a unit."""
    found = []
    for place, train in enumerate(trains):
        name = names[place] if names else place
        try:
            times = np.sort(np.ravel(take(train).values)) if np.size(train) else np.zeros(0)
        except ValueError as reason:
            raise ResultError(f"{source}: spikes of unit {name}: {reason}.") from reason.__cause__
        if not np.isfinite(times).all():
            raise ResultError(f"{source}: spikes of unit {name} have times that are NaN or infinite. Leave them out.")
        found.append(times)
    every = np.concatenate(found) if found else np.zeros(0)
    if not every.size:
        raise ResultError(f"{source} holds no spike.")
    first = float(min(0.0, every.min())) if start is None else start
    last = float(every.max()) if stop is None else stop
    known = tuple(names) or tuple(map(str, range(len(found))))
    return Spikes(tuple(found), known, first, last, source=source, ended=stop is not None, **more)


def binned(spikes: Spikes, step: float, width: float) -> Raw:
    """Return rates in Hz: spikes counted in bins of `step` seconds, smoothed by a Gaussian of sd `width` seconds.

    Raises
    ------
    ResultError
        For a recording that is shorter than two bins, or would have too many.
    """
    span = (spikes.stop - spikes.start) / step
    bins = int(np.floor(span * (1 + 1e-9)) if spikes.ended else np.floor(span) + 1)
    if not 2 <= bins <= _MOST_SAMPLES:
        raise ResultError(
            f"{spikes.source}: from {spikes.start:g} to {spikes.stop:g} s there are {bins} bins of step={step:g} s. "
            "Are the spike times in seconds? Give step=, the width of a bin in seconds."
        )
    edges = spikes.start + step * np.arange(bins + 1)
    counts = np.stack([np.histogram(train, edges)[0] for train in spikes.trains], axis=-1)
    rates = gaussian_filter1d(counts / step, width / step, axis=0, mode="nearest") if width > 0 else counts / step
    centres = edges[:-1] + step / 2
    return Raw(
        rates[None], spikes.names, centres, spikes.source, spikes.notes, spikes.regions, intervals=spikes.intervals
    )
