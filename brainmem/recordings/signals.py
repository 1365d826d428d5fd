"""What files of other packages hold: signals (time, unit), or the spike times of units, which become rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from brainmem.errors import ResultError
from brainmem.intake.numbers import take
from brainmem.intake.tables import Table
from brainmem.intake.units import time_unit
from brainmem.recordings.labelled import SPIKE, TRIAL, UNIT

__all__ = ["Signals", "Spikes", "binned", "spikes_of_table", "spikes_of_trains"]

_MOST_SAMPLES = 1e7


@dataclass(frozen=True)
class Signals:
    """Values (time, unit), seconds of the samples, names and regions of the units where they are told."""

    values: np.ndarray
    times: np.ndarray | None
    names: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()


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


def spikes_of_table(table: Table) -> Spikes | None:
    """Return the spikes of a table with a unit and a time in each line, perhaps a region; None for another table."""
    names, source = table.names, table.source.strip("'\"")
    unit = next((k for k, name in enumerate(names) if UNIT.fullmatch(name)), None)
    time = next((k for k, name in enumerate(names) if SPIKE.fullmatch(name)), None)
    trial = next((name for name in names if TRIAL.fullmatch(name)), "")
    if time is None or len(names) + bool(table.rows) - bool(trial) != 2 or (unit is None and not table.rows):
        return None
    if trial:
        raise ResultError(
            f"{source}: column {trial!r} tells the trial of each spike. Give one table for each trial, or times that "
            "run on over all trials and the bins at which these begin, resets=(0, 120, 240)."
        )
    found = SPIKE.fullmatch(names[time])
    times = table.values[:, time] * (time_unit((found and found["unit"]) or "s") or 1.0)
    labels = table.rows or tuple(f"{value:g}" for value in table.values[:, unit or 0])
    known = sorted(set(labels), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    trains = [times[[label == name for label in labels]] for name in known]
    regions = _regions(labels, next(iter(table.texts.values()), ()), known, source)
    return spikes_of_trains(trains, known, source=source, notes=table.notes, regions=regions)


def _regions(labels: Sequence[str], places: Sequence[str], known: Sequence[str], source: str) -> tuple[str, ...]:
    """Return the region of each unit from those of its spikes."""
    if not places:
        return ()
    found = {name: {place for label, place in zip(labels, places, strict=True) if label == name} for name in known}
    several = next((name for name in known if len(found[name]) > 1), None)
    if several is not None:
        raise ResultError(f"{source}: unit {several!r} lies in regions {', '.join(map(repr, sorted(found[several])))}.")
    return tuple(found[name].pop() for name in known)


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


def binned(spikes: Spikes, step: float, width: float) -> Signals:
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
    smoothed = f", smoothed by a Gaussian of sd {width:g} s" if width > 0 else ", not smoothed"
    notes = (*spikes.notes, f"{sum(map(len, spikes.trains))} spikes were counted in bins of {step:g} s{smoothed}")
    return Signals(rates, edges[:-1] + step / 2, spikes.names, spikes.regions, spikes.source, notes)
