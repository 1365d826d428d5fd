"""Check recorded rates, leave out what cannot be used, and normalise the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError, number_of, quoted
from brainmem.intake.arguments import ANYTHING, FLAG, SPAN, TEXT, one_of, optional, takes
from brainmem.recordings.files import read_raw
from brainmem.recordings.neo import are_trains, is_neo, neo_trials
from brainmem.recordings.raw import Raw
from brainmem.recordings.recording import MISSING, OVER, SEEN, Recording
from brainmem.recordings.spikes import Spikes, binned, spikes_of_trains
from brainmem.recordings.trials import Trials, evenly, given_step, kinds_of, marked, padded, trials_of

__all__ = ["NEGATIVE", "NORMALISE", "read_recording"]

NEGATIVE = ("keep", "drop", "clip", "shift")
NORMALISE = ("unit", "all")
MISSING_VALUES = ("mark", "fill", "drop")
FEWEST_SAMPLES, FEWEST_UNITS = 20, 5
_BIN, _WIDTH = 0.01, 0.05  # seconds, of spikes
_MOST_MISSING = 0.5


@takes(
    ResultError,
    units_first=FLAG,
    normalise=one_of(*NORMALISE),
    missing=one_of(*MISSING_VALUES),
    width=optional(SPAN),
    series=TEXT,
    spikes=FLAG,
    **dict.fromkeys(("regions", "resets", "kinds"), ANYTHING),
)
def read_recording(
    source: Any,
    *,
    step: Any = None,
    units_first: bool = False,
    negative: str = "keep",
    normalise: str = "unit",
    missing: str = "mark",
    regions: Any = None,
    resets: Any = None,
    kinds: Any = None,
    spikes: bool = False,
    width: float | None = None,
    series: str = "",
) -> Recording:
    """Read recorded activity and make it a target: checked, evenly sampled, normalised, taken apart into trials.

    Parameters
    ----------
    source : path, array, object of Neo, or a list of these
        Rates, deconvolved activity, dF/F or z-scores, (time, unit) or (trial, time, unit). Files: ``.npy``; ``.npz``
        (one array for each trial, and ``time`` or ``step``); ``.csv``, with or without a header, where a column
        ``time`` (or ``time_ms``) holds the times; ``.nwb``. A list has one entry for each trial, perhaps of other
        lengths. Spike times become rates: a table with columns ``unit`` and ``time``, Neo's spike trains, the units of
        a file of NWB, or with `spikes` a list of arrays, one for each unit.
    step : float or Quantity, optional
        Seconds between samples, where the source does not tell; of spikes the width of a bin, 0.01 when not given.
    units_first : bool
        The table is (unit, time).
    negative : {"keep", "drop", "clip", "shift"}
        What becomes of values below 0: they stay, and units with rates between -1 and 1 are fitted; or the units with
        such values are left out, or the values become 0, or the unit's lowest value is subtracted.
    normalise : {"unit", "all"}
        Whether the greatest value, signs aside, is 1 in each unit, or in all units together.
    missing : {"mark", "fill", "drop"}
        What becomes of values that are NaN or infinite: they are marked, and neither taught nor tested; or filled
        between their neighbours in time; or the unit is left out. A unit without half of its values is left out anyway;
        what a trial that is shorter than others lacks is not missing.
    regions : mapping, sequence or path, optional
        See `Recording.with_regions`. Not needed where a table has a line or a column ``region``.
    resets : sequence of int, optional
        The samples at which the trials of one series begin, which stand behind each other: a network starts each of
        them from its own first sample. Not needed where a table has a column ``trial``, or a file of NWB a table of
        trials, of which the samples from the beginning to the end of each are taken; ``(0,)`` takes it as one series.
    kinds : sequence of str, or str, optional
        The kind of each trial, or the column of a file's table of trials that tells it; ``trial_type``, ``condition``
        and the like are found. Trials of one kind have the same input; those that were taken out of one series are of
        one kind, and others each of its own, when not given.
    spikes : bool
        `source` lists the spike times of each unit, in seconds.
    width : float, optional
        Seconds; sd of the Gaussian that smooths rates of spikes, 0.05 when not given, 0 for none.
    series : str
        Which series of a file of NWB, where it holds several.

    Returns
    -------
    Recording
        ``print(recording)`` tells which units were dropped, and why, and what was decided.

    Raises
    ------
    ResultError
        For a source that cannot be read, times that do not ascend, fewer than 20 samples, or fewer than 5 usable units.
    """
    if not isinstance(negative, str) or negative not in NEGATIVE:
        raise ResultError(f"negative={quoted(negative)} is not allowed; choose one of {', '.join(NEGATIVE)}.")
    found = _read(source, units_first, spikes, series)
    raws = [item for item in found if isinstance(item, Raw)]
    if len(raws) < len(found):
        raws, step = _rates(found, step, width), None
    elif width is not None:
        raise ResultError(f"width={width:g} smooths rates of spikes, and the source holds rates. Leave width out.")
    samples, units = max(raw.values.shape[1] for raw in raws), raws[0].values.shape[2]
    if samples < FEWEST_SAMPLES:
        hint = " Set units_first=True if rows are units." if units >= FEWEST_SAMPLES else ""
        few = number_of(samples, "sample is", "samples are")
        raise ResultError(f"{raws[0].source}: {few} too few; {FEWEST_SAMPLES} are needed.{hint}")
    trials, seconds = evenly(trials_of(raws, resets), step)
    kinds = kinds_of(kinds, trials)
    found = _cleaned(trials, seconds, _Wanted(negative, normalise, missing), _turned(samples, units, units_first))
    found, places = replace(found, kinds=kinds), trials.regions if regions is None else regions
    return found.with_regions(places) if regions is not None or places else found


def _read(source: Any, units_first: bool, spikes: bool, series: str) -> list[Raw | Spikes]:
    """Return what each source holds: several are trials, or with `spikes` the units of one."""
    if spikes:
        given = list(source) if isinstance(source, list | tuple) else None
        if not given:
            raise ResultError(f"spikes=True: {quoted(source)} must list the spike times of each unit, in seconds.")
        return [spikes_of_trains(given)]
    items = [source] if is_neo(source) else [item for given in _sources(source) for item in neo_trials(given)]
    return [read_raw(item, units_first=units_first, series=series) for item in items]


def _rates(found: Sequence[Raw | Spikes], step: Any, width: float | None) -> list[Raw]:
    """Return sources of which some hold spikes, all as rates."""
    seconds = _BIN if step is None else given_step(step, "spikes")
    if width is not None and width < 0:
        raise ResultError(f"width={width!r} must be 0 or more, in seconds.")
    sd = _WIDTH if width is None else width
    rates = [binned(item, seconds, sd) if isinstance(item, Spikes) else item for item in found]
    spikes = sum(sum(map(len, item.trains)) for item in found if isinstance(item, Spikes))
    smoothed = f", smoothed by a Gaussian of sd {sd:g} s" if sd > 0 else ", not smoothed"
    note = f"{number_of(spikes, 'spike was', 'spikes were')} counted in bins of {seconds:g} s{smoothed}"
    return [replace(rates[0], notes=(*rates[0].notes, note)), *rates[1:]]


def _sources(source: Any) -> list[Any]:
    """Return the sources of a list, one for each trial type; rows of numbers are one source."""
    return list(source) if isinstance(source, list | tuple) and any(map(_is_source, source)) else [source]


def _is_source(item: Any) -> bool:
    if isinstance(item, list | tuple):
        return len(item) > 0 and isinstance(item[0], list | tuple | np.ndarray)
    axes = getattr(item, "ndim", 0)
    known = isinstance(item, str | Path) or hasattr(item, "magnitude") or hasattr(item, "spiketrains")
    return known or are_trains(item) or (isinstance(axes, int) and axes >= 2)


def _turned(samples: int, units: int, units_first: bool) -> tuple[str, ...]:
    """Doubt the orientation where there are more units than samples, as in tables whose rows are units."""
    if units <= samples:
        return ()
    other = "leave units_first out" if units_first else "set units_first=True (--units-first) if rows are units"
    return (f"{units} units and only {samples} samples: {other}",)


@dataclass(frozen=True)
class _Wanted:
    """What becomes of values below 0, of the greatest value, and of those that are missing."""

    negative: str
    normalise: str
    missing: str


def _cleaned(trials: Trials, step: float, wanted: _Wanted, doubts: Sequence[str]) -> Recording:
    values, lengths = padded(trials.values)
    values, seen = marked(values, lengths)
    dropped, kept = {}, []
    for unit, name in enumerate(trials.names):
        reason = _unusable(values[:, :, unit], None if seen is None else seen[:, :, unit], step, wanted)
        if reason:
            dropped[name] = reason
        else:
            kept.append(unit)
    if len(kept) < FEWEST_UNITS:
        raise ResultError(_too_few(trials, kept, dropped))
    values, seen = values[:, :, kept], None if seen is None else seen[:, :, kept]
    values, below = _without_negative(values, wanted.negative)
    peaks, scaled = _peaks(values, wanted.normalise)
    notes = [*trials.notes, *_apart(trials, lengths), *doubts, *below, *_gaps(seen, wanted.missing), scaled]
    if seen is not None and (wanted.missing != "mark" or (seen != MISSING).all()):
        seen = None if (seen != OVER).all() else np.where(seen == OVER, OVER, SEEN).astype(np.int8)
    units = tuple(trials.names[k] for k in kept)
    return Recording(
        values / peaks, step, units, dropped, tuple(notes), trials.source, seen=seen, numbers=tuple(kept),
        normalise=wanted.normalise,
    )  # fmt: skip


def _apart(trials: Trials, lengths: np.ndarray) -> list[str]:
    """Return a note on a series that was taken apart into trials."""
    if not trials.split:
        return []
    sizes = f"{lengths.min()} ... {lengths.max()}" if np.ptp(lengths) else f"{lengths[0]}"
    return [f"{len(lengths)} trials of {sizes} samples, each of which starts from its own first sample"]


def _peaks(values: np.ndarray, normalise: str) -> tuple[np.ndarray, str]:
    """Return what each unit of values (trial, time, unit) is divided by, and a note on that."""
    peaks = np.abs(values).max(axis=(0, 1))
    if normalise == "all":
        top = peaks.max()
        return np.full_like(peaks, top), f"all units were divided by the greatest value of all, {top:.4g}"
    return peaks, f"each unit was divided by its greatest value (from {peaks.min():.4g} to {peaks.max():.4g})"


def _without_negative(values: np.ndarray, negative: str) -> tuple[np.ndarray, list[str]]:
    """Return values (trial, time, unit) as `negative` says, and a note on how many units that concerns."""
    lowest = values.min(axis=(0, 1))
    below, units = int(np.sum(lowest < 0)), values.shape[2]
    if not below:
        return values, []
    if negative == "clip":
        return np.maximum(values, 0), [f"values below 0 of {number_of(below, 'unit')} were set to 0"]
    if negative == "shift":
        return values - np.minimum(lowest, 0), [f"values below 0 of {number_of(below, 'unit')} were shifted up to 0"]
    having = "unit has" if below == 1 else f"of {units} units have"
    return values, [f"{below} {having} values below 0, which were kept (negative='drop', 'clip', 'shift')"]


def _gaps(seen: np.ndarray | None, missing: str) -> list[str]:
    """Return a note on values that are missing."""
    gone = 0 if seen is None else int(np.sum(seen == MISSING))
    if not gone:
        return []
    done = "filled, and not taught" if missing == "mark" else "filled between their neighbours"
    values = number_of(gone, "value", "values")
    units = number_of(int(np.any(seen == MISSING, axis=(0, 1)).sum()), "unit")
    return [f"{values} of {units} {'is missing and was' if gone == 1 else 'are missing and were'} {done}"]


def _unusable(values: np.ndarray, seen: np.ndarray | None, step: float, wanted: _Wanted) -> str:
    """Return why a unit's values (trial, time) cannot be a target; nothing where they can.

    What stands behind the end of a trial is none of its values.
    """
    marks = np.full(values.shape, SEEN) if seen is None else seen
    gone, own = marks == MISSING, values[marks != OVER]
    if gone.any() and (wanted.missing == "drop" or gone.sum() > _MOST_MISSING * own.size):
        trial, sample = np.argwhere(gone)[0]
        where = f" of trial {trial}" if len(values) > 1 else ""
        are = "is" if gone.sum() == 1 else "are"
        return f"{gone.sum()} of {own.size} values {are} NaN or infinite, the first at {sample * step:g} s{where}"
    low, high = own.min(), own.max()
    if high - low <= 1e-12 * max(abs(low), abs(high), np.finfo(float).tiny):
        return f"constant, {high:g} at all times"
    if wanted.negative == "drop" and low < 0:
        below = f"{number_of(int(np.sum(own < 0)), 'value')} below 0, the lowest {low:g}"
        return f"{below} (leave negative= out, or use 'clip' or 'shift')"
    if wanted.negative == "clip" and high <= 0:
        return f"no value above 0, the highest is {high:g}"
    return ""


def _too_few(trials: Trials, kept: Sequence[Any], dropped: Mapping[str, str]) -> str:
    shown = "; ".join(f"unit {name}: {reason}" for name, reason in list(dropped.items())[:5])
    more = f"; and {len(dropped) - 5} more" if len(dropped) > 5 else ""
    reasons = f" Dropped: {shown}{more}." if dropped else ""
    return (
        f"{trials.source}: {len(kept)} of {number_of(len(trials.names), 'unit')} can be used, and {FEWEST_UNITS} are "
        f"needed.{reasons} Rows are samples and columns are units; set units_first=True for the other way round."
    )
