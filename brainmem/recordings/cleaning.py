"""Check recorded rates, leave out what cannot be used, and normalise the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError, quoted
from brainmem.intake.arguments import FLAG, SPAN, takes
from brainmem.intake.numbers import read_number
from brainmem.intake.units import SECONDS
from brainmem.recordings.files import Raw, read_raw

__all__ = ["NEGATIVE", "Recording", "read_recording"]

NEGATIVE = ("drop", "clip", "shift")
FEWEST_SAMPLES, FEWEST_UNITS = 20, 5
# Steps between samples that differ by less than this part are one step.
_EVEN = 1e-3
# Gaps of more steps are not filled, and longer steps are doubted.
_LONGEST_GAP, _SLOW = 5.0, 1.0


@dataclass(frozen=True)
class Recording:
    """Rates of recorded units, ready to be targets.

    Attributes
    ----------
    rates : (trial type, time, unit) float array
        Between 0 and 1; each unit's peak over all trial types is 1.
    step : float
        Seconds between samples.
    units : tuple of str
        Names of the units kept: headers of a table, or their numbers from 0.
    dropped : mapping of str to str
        Units left out, and why.
    notes : tuple of str
        What else was changed.
    source : str
        Where the rates come from.
    """

    rates: np.ndarray
    step: float
    units: tuple[str, ...]
    dropped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: str = "array"

    @property
    def duration(self) -> float:
        """Seconds from the first sample to the last."""
        return self.step * (self.rates.shape[1] - 1)

    @takes(ResultError, step=SPAN)
    def resampled(self, step: float) -> np.ndarray:
        """Return the rates every `step` seconds, (trial type, frame, unit), interpolated linearly between samples.

        A frame lasts `step`, and the last one ends at the last sample.
        """
        if not self.duration >= step > 0:
            raise ResultError(f"step={step:g} s must be above 0, and at most the duration of {self.duration:g} s.")
        frames = int(np.floor(self.duration / step * (1 + 1e-9)))
        position = np.arange(frames) * (step / self.step)
        before = np.minimum(position.astype(int), self.rates.shape[1] - 2)
        share = (position - before)[None, :, None]
        return (1 - share) * self.rates[:, before] + share * self.rates[:, before + 1]

    def __str__(self) -> str:
        trials, samples, units = self.rates.shape
        lines = [
            f"{self.source}: {units} units, {samples} samples every {self.step:g} s ({self.duration:g} s)"
            + (f", {trials} trial types" if trials > 1 else "")
        ]
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  dropped unit {name}: {reason}" for name, reason in self.dropped.items()]
        return "\n".join(lines)


@takes(ResultError, units_first=FLAG)
def read_recording(source: Any, *, step: Any = None, units_first: bool = False, negative: str = "drop") -> Recording:
    """Read recorded rates and make them targets: checked, evenly sampled, each unit's peak at 1.

    Parameters
    ----------
    source : path, array, Neo signal, or a list of these
        Rates or deconvolved activity, (time, unit) or (trial type, time, unit). Files: ``.npy``; ``.npz`` (one array
        for each trial type, and ``time`` or ``step``); ``.csv``, with or without a header, where a column ``time`` (or
        ``time_ms``) holds the times. A list has one entry for each trial type.
    step : float or Quantity, optional
        Seconds between samples, where the source does not tell.
    units_first : bool
        The table is (unit, time).
    negative : {"drop", "clip", "shift"}
        What becomes of units with values below 0: they are left out, or such values become 0, or the unit's lowest
        value is subtracted.

    Returns
    -------
    Recording
        ``print(recording)`` tells which units were dropped, and why: NaN or infinite values, negative ones, no change.

    Raises
    ------
    ResultError
        For a source that cannot be read, times that do not ascend, fewer than 20 samples, or fewer than 5 usable units.
    """
    if not isinstance(negative, str) or negative not in NEGATIVE:
        raise ResultError(f"negative={quoted(negative)} is not allowed; choose one of {', '.join(NEGATIVE)}.")
    raw = _joined([read_raw(item, units_first=units_first) for item in _sources(source)])
    samples = raw.values.shape[1]
    if samples < FEWEST_SAMPLES:
        hint = " Set units_first=True if rows are units." if raw.values.shape[2] >= FEWEST_SAMPLES else ""
        raise ResultError(f"{raw.source}: {samples} samples are too few; {FEWEST_SAMPLES} are needed.{hint}")
    raw, seconds, notes = _evenly(raw, step)
    return _cleaned(raw, seconds, (*raw.notes, *notes, *_turned(raw, units_first)), negative)


def _sources(source: Any) -> list[Any]:
    """Return the sources of a list, one for each trial type; rows of numbers are one source."""
    return list(source) if isinstance(source, list | tuple) and any(map(_is_source, source)) else [source]


def _is_source(item: Any) -> bool:
    if isinstance(item, list | tuple):
        return len(item) > 0 and isinstance(item[0], list | tuple | np.ndarray)
    axes = getattr(item, "ndim", 0)
    return isinstance(item, str | Path) or hasattr(item, "magnitude") or (isinstance(axes, int) and axes >= 2)


def _joined(raws: Sequence[Raw]) -> Raw:
    """Return several sources as the trial types of one, after checking that they have the same units and times."""
    first = next((raw for raw in raws if raw.times is not None), raws[0])
    for other in raws:
        if other.values.shape[1:] != first.values.shape[1:] or other.names != first.names:
            raise ResultError(
                f"Trial types need the same units and as many samples: {first.source} has (time, unit) = "
                f"{first.values.shape[1:]}, {other.source} has {other.values.shape[1:]}"
                f"{'' if other.names == first.names else ', and their units have other names'}."
            )
        if other.times is not None:
            _check_ascending(other)
        if other.times is not None and first.times is not None:
            apart = np.max(np.abs((other.times - other.times[0]) - (first.times - first.times[0])))
            if not apart <= _EVEN * abs(first.times[-1] - first.times[0]):
                raise ResultError(
                    f"Trial types need the same times: those of {other.source} differ from those of {first.source} by "
                    f"up to {apart:g} s. Interpolate one of them first."
                )
    notes = tuple(dict.fromkeys(note for raw in raws for note in raw.notes))
    values = np.concatenate([item.values for item in raws])
    return replace(first, values=values, source=raws[0].source, notes=notes)


def _check_ascending(raw: Raw) -> None:
    times = np.zeros(0) if raw.times is None else raw.times
    wrong = np.flatnonzero(~(np.diff(times) > 0))
    if len(wrong):
        at = int(wrong[0])
        raise ResultError(
            f"{raw.source}: times must ascend, and sample {at + 1} has {times[at + 1]:g} s after {times[at]:g} s."
        )


def _evenly(raw: Raw, step: Any) -> tuple[Raw, float, tuple[str, ...]]:
    """Return samples at even times and the seconds between them."""
    if raw.times is None:
        return raw, _given_step(step, raw.source), ()
    _check_ascending(raw)
    steps = np.diff(raw.times)
    even = float(np.median(steps))
    if step is not None and not np.isclose(_given_step(step, raw.source), even, rtol=0.01):
        raise ResultError(
            f"{raw.source}: step={step!r}, but its times are {even:g} s apart. Leave step out, or remove the times."
        )
    if np.max(np.abs(steps - even)) <= _EVEN * even:
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
    return replace(raw, values=values, times=times), even, (note,)


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


def _cleaned(raw: Raw, step: float, notes: tuple[str, ...], negative: str) -> Recording:
    dropped, kept, changed = {}, [], 0
    for unit, name in enumerate(raw.names):
        values = raw.values[:, :, unit]
        reason = _unusable(values, step, negative)
        if reason:
            dropped[name] = reason
            continue
        lowest = values.min()
        changed += bool(lowest < 0)
        values = np.maximum(values, 0) if negative == "clip" else values - min(lowest, 0)
        kept.append((name, values / values.max()))
    if changed:
        done = "set to 0" if negative == "clip" else "shifted up to 0"
        notes = (*notes, f"values below 0 of {changed} units were {done}")
    if len(kept) < FEWEST_UNITS:
        raise ResultError(_too_few(raw, kept, dropped))
    rates = np.stack([values for _, values in kept], axis=-1)
    return Recording(rates, step, tuple(name for name, _ in kept), dropped, notes, raw.source)


def _unusable(values: np.ndarray, step: float, negative: str) -> str:
    """Return why a unit's values (trial type, time) cannot be a target; nothing where they can."""
    bad = ~np.isfinite(values)
    if bad.any():
        return (
            f"{bad.sum()} of {values.size} values are NaN or infinite, the first at {np.argwhere(bad)[0][1] * step:g} s"
        )
    low, high = values.min(), values.max()
    if high - low <= 1e-12 * max(abs(low), abs(high), np.finfo(float).tiny):
        return f"constant, {high:g} at all times"
    if negative == "drop" and low < 0:
        return f"{np.count_nonzero(values < 0)} values below 0, the lowest {low:g} (use negative='clip' or 'shift')"
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
