"""Check recorded rates, leave out what cannot be used, and normalise the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError, quoted
from brainmem.intake.arguments import ANYTHING, FLAG, SPAN, TEXT, one_of, optional, takes
from brainmem.intake.numbers import read_number
from brainmem.intake.units import SECONDS
from brainmem.recordings.files import Raw, as_raw, read_raw
from brainmem.recordings.neo import are_trains, is_neo, neo_trials
from brainmem.recordings.recording import MISSING, OVER, SEEN, Recording
from brainmem.recordings.regions import regions_of
from brainmem.recordings.signals import Spikes, binned, spikes_of_trains
from brainmem.recordings.trials import EVEN, check_ascending, joined, kinds_of, marked, split_trials, starts_of

__all__ = ["NEGATIVE", "NORMALISE", "read_recording"]

NEGATIVE = ("keep", "drop", "clip", "shift")
NORMALISE = ("unit", "all")
MISSING_VALUES = ("mark", "fill", "drop")
FEWEST_SAMPLES, FEWEST_UNITS = 20, 5
# Gaps of more steps are not filled, and longer steps are doubted.
_LONGEST_GAP, _SLOW = 5.0, 1.0
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
        between their neighbours in time; or the unit is left out. A unit without half of its values is left out anyway.
    regions : mapping, sequence or path, optional
        See `Recording.with_regions`. Not needed where a table has a line or a column ``region``.
    resets : sequence of int, optional
        The samples at which the trials of one series begin, which stand behind each other: a network starts each of
        them from its own first sample. Not needed where a table has a column ``trial``.
    kinds : sequence of str, optional
        The kind of each trial. Trials of one kind have the same input; those that were taken out of one series are of
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
    raw = joined(raws)
    samples = raw.values.shape[1]
    if samples < FEWEST_SAMPLES:
        hint = " Set units_first=True if rows are units." if raw.values.shape[2] >= FEWEST_SAMPLES else ""
        raise ResultError(f"{raw.source}: {samples} samples are too few; {FEWEST_SAMPLES} are needed.{hint}")
    raw, seconds, notes = _evenly(raw, step)
    raw = replace(raw, notes=(*raw.notes, *notes, *_turned(raw, units_first)))
    starts = starts_of(resets, raw)
    raw, lengths = split_trials(raw, starts)
    kinds = kinds_of(kinds, len(raw.values), raw.source, split=len(starts) > 1)
    places = raw.regions if regions is None else regions_of(regions, raw.names, raw.source)
    cleaned = _cleaned(raw, seconds, lengths, negative, normalise, missing)
    kept = [raw.names.index(name) for name in cleaned.units]
    return replace(cleaned, kinds=kinds, regions=tuple(places[k] for k in kept) if places else ())


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
    seconds = _BIN if step is None else _given_step(step, "spikes")
    if width is not None and width < 0:
        raise ResultError(f"width={width!r} must be 0 or more, in seconds.")
    sd = _WIDTH if width is None else width
    return [as_raw(binned(item, seconds, sd) if isinstance(item, Spikes) else item) for item in found]


def _sources(source: Any) -> list[Any]:
    """Return the sources of a list, one for each trial type; rows of numbers are one source."""
    return list(source) if isinstance(source, list | tuple) and any(map(_is_source, source)) else [source]


def _is_source(item: Any) -> bool:
    if isinstance(item, list | tuple):
        return len(item) > 0 and isinstance(item[0], list | tuple | np.ndarray)
    axes = getattr(item, "ndim", 0)
    known = isinstance(item, str | Path) or hasattr(item, "magnitude") or hasattr(item, "spiketrains")
    return known or are_trains(item) or (isinstance(axes, int) and axes >= 2)


def _evenly(raw: Raw, step: Any) -> tuple[Raw, float, tuple[str, ...]]:
    """Return samples at even times and the seconds between them."""
    if raw.times is None:
        return raw, _given_step(step, raw.source), ()
    check_ascending(raw)
    steps = np.diff(raw.times)
    even = float(np.median(steps))
    if step is not None and not np.isclose(_given_step(step, raw.source), even, rtol=0.01):
        raise ResultError(
            f"{raw.source}: step={step!r}, but its times are {even:g} s apart. Leave step out, or remove the times."
        )
    if np.max(np.abs(steps - even)) <= EVEN * even:
        return raw, float(np.mean(steps)), _doubts(float(np.mean(steps)))
    if steps.max() > _LONGEST_GAP * even:
        at = int(np.argmax(steps))
        raise ResultError(
            f"{raw.source}: samples are {even:g} s apart, but {steps[at]:g} s pass after {raw.times[at]:g} s. Such a "
            "gap is not filled: give the part before or after it."
        )
    times = np.arange(raw.times[0], raw.times[-1] + 1e-9 * even, even)
    values = np.empty((raw.values.shape[0], times.size, raw.values.shape[2]))
    for trial, unit in np.ndindex(values.shape[0], values.shape[2]):
        values[trial, :, unit] = np.interp(times, raw.times, raw.values[trial, :, unit])
    note = f"samples {steps.min():g} ... {steps.max():g} s apart were interpolated to every {even:g} s"
    lengths = None if raw.lengths is None else np.minimum(raw.lengths, times.size)
    return replace(raw, values=values, times=times, lengths=lengths), even, (note,)


def _turned(raw: Raw, units_first: bool) -> tuple[str, ...]:
    """Doubt the orientation where there are more units than samples, as in tables whose rows are units."""
    _, samples, units = raw.values.shape
    if units <= samples:
        return ()
    other = "leave units_first out" if units_first else "set units_first=True (--units-first) if rows are units"
    return (f"{units} units and only {samples} samples: {other}",)


def _doubts(step: float) -> tuple[str, ...]:
    asked = f"samples are {step:g} s apart: if the times are milliseconds, call their column time_ms"
    return (asked,) if step > _SLOW else ()


def _given_step(step: Any, source: str) -> float:
    if step is None:
        raise ResultError(
            f"{source} does not tell when its samples were taken. Give step=, the seconds between two samples (--step "
            "on the command line), or a column 'time'."
        )
    seconds = read_number(step, what=f"step={quoted(step)}", error=ResultError, dimensions=SECONDS)
    if not seconds > 0:
        raise ResultError(f"step={quoted(step)} must be a time longer than 0, in seconds.")
    return seconds


def _cleaned(raw: Raw, step: float, lengths: np.ndarray, negative: str, normalise: str, missing: str) -> Recording:
    values, seen = marked(raw.values, lengths)
    dropped, kept = {}, []
    for unit, name in enumerate(raw.names):
        reason = _unusable(values[:, :, unit], None if seen is None else seen[:, :, unit], step, negative, missing)
        if reason:
            dropped[name] = reason
        else:
            kept.append(unit)
    if len(kept) < FEWEST_UNITS:
        raise ResultError(_too_few(raw, kept, dropped))
    values, seen = values[:, :, kept], None if seen is None else seen[:, :, kept]
    values, notes = _without_negative(values, negative)
    peaks = np.abs(values).max(axis=(0, 1))
    scaled = f"each unit was divided by its greatest value (from {peaks.min():.4g} to {peaks.max():.4g})"
    if normalise == "all":
        peaks = np.full_like(peaks, peaks.max())
        scaled = f"all units were divided by the greatest value of all, {peaks[0]:.4g}"
    notes = [*raw.notes, *notes, *_gaps(seen, missing), scaled]
    if seen is not None and (missing != "mark" or (seen != MISSING).all()):
        seen = None if (seen != OVER).all() else np.where(seen == OVER, OVER, SEEN).astype(np.int8)
    return Recording(
        values / peaks, step, tuple(raw.names[k] for k in kept), dropped, tuple(notes), raw.source, seen=seen
    )


def _without_negative(values: np.ndarray, negative: str) -> tuple[np.ndarray, list[str]]:
    """Return values (trial, time, unit) as `negative` says, and a note on how many units that concerns."""
    lowest = values.min(axis=(0, 1))
    below, units = int(np.sum(lowest < 0)), values.shape[2]
    if not below:
        return values, []
    if negative == "clip":
        return np.maximum(values, 0), [f"values below 0 of {below} units were set to 0"]
    if negative == "shift":
        return values - np.minimum(lowest, 0), [f"values below 0 of {below} units were shifted up to 0"]
    return values, [f"{below} of {units} units have values below 0, which were kept (negative='drop', 'clip', 'shift')"]


def _gaps(seen: np.ndarray | None, missing: str) -> list[str]:
    """Return a note on values that are missing."""
    gone = 0 if seen is None else int(np.sum(seen == MISSING))
    if not gone:
        return []
    done = "filled, and not taught" if missing == "mark" else "filled between their neighbours"
    units = int(np.any(seen == MISSING, axis=(0, 1)).sum())
    return [f"{gone} values of {units} {'units' if units > 1 else 'unit'} are missing and were {done}"]


def _unusable(values: np.ndarray, seen: np.ndarray | None, step: float, negative: str, missing: str) -> str:
    """Return why a unit's values (trial, time) cannot be a target; nothing where they can."""
    gone = np.zeros(values.shape, bool) if seen is None else seen == MISSING
    if gone.any() and (missing == "drop" or gone.mean() > _MOST_MISSING):
        first = f"the first at {np.argwhere(gone)[0][1] * step:g} s"
        return f"{gone.sum()} of {values.size} values are NaN or infinite, {first}"
    low, high = values.min(), values.max()
    if high - low <= 1e-12 * max(abs(low), abs(high), np.finfo(float).tiny):
        return f"constant, {high:g} at all times"
    if negative == "drop" and low < 0:
        below = f"{np.count_nonzero(values < 0)} values below 0, the lowest {low:g}"
        return f"{below} (leave negative= out, or use 'clip' or 'shift')"
    if negative == "clip" and high <= 0:
        return f"no value above 0, the highest is {high:g}"
    return ""


def _too_few(raw: Raw, kept: Sequence[Any], dropped: Mapping[str, str]) -> str:
    shown = "; ".join(f"unit {name}: {reason}" for name, reason in list(dropped.items())[:5])
    more = f"; and {len(dropped) - 5} more" if len(dropped) > 5 else ""
    reasons = f" Dropped: {shown}{more}." if dropped else ""
    return (
        f"{raw.source}: {len(kept)} of {len(raw.names)} units can be used, and {FEWEST_UNITS} are needed.{reasons} "
        "Rows are samples and columns are units; set units_first=True for the other way round."
    )
