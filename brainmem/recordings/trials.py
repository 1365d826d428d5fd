"""Trials of a recording: taken apart where the state starts anew, brought to one length, and told apart by kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from brainmem.errors import ResultError, closest, number_of, quoted
from brainmem.intake.numbers import read_number
from brainmem.intake.units import SECONDS
from brainmem.recordings.raw import Intervals, Raw
from brainmem.recordings.recording import MISSING, OVER, SEEN

__all__ = ["Trials", "evenly", "given_step", "kinds_of", "marked", "padded", "trials_of"]

FEWEST = 2  # samples of a trial
_KIND = re.compile(r"(trial[\s_]?)?(types?|kinds?|conditions?)([\s_]?(names?|labels?))?", re.I)
# Steps between samples that differ by less than this part are one step.
EVEN = 1e-3
_APART = 0.1  # part by which the steps of two sources may differ
# Gaps of more steps are not filled, and longer steps (seconds) are doubted.
_LONGEST_GAP, _SLOW = 5.0, 1.0


@dataclass(frozen=True)
class Trials:
    """Trials of the same units, each with samples of its own.

    `values` are arrays (time, unit), `times` the seconds of their samples, None where they are not told; `split` says
    whether they were taken out of one series, `columns` what a table tells of each.
    """

    values: tuple[np.ndarray, ...]
    times: tuple[np.ndarray | None, ...]
    names: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    split: bool = False
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def trials_of(raws: Sequence[Raw], resets: Any) -> Trials:
    """Return the trials of some sources, taken apart where a series holds several.

    Raises
    ------
    ResultError
        For sources of other units, regions or steps, and `resets` that do not fit.
    """
    first = raws[0]
    for other in raws[1:]:
        _check_same(first, other)
    if any(len(raw.starts) > 1 for raw in raws) and len(raws) > 1:
        raise ResultError(f"{first.source}: give one table with a column of trials, or several tables without one.")
    starts = starts_of(resets, raws)
    short = next((raw for raw in raws if raw.values.shape[1] < FEWEST), None)
    if short is not None:
        held = number_of(short.values.shape[1], "sample")
        raise ResultError(f"{short.source}: a trial has {held}, and {FEWEST} are needed. Leave it out.")
    tables = [raw.intervals for raw in raws if raw.intervals is not None and resets is None]
    by_times = len(tables) == len(raws) and all(raw.times is not None for raw in raws)
    values, times, notes, columns = _within(raws, tables) if by_times else (*_between(raws, starts), (), {})
    notes = tuple(dict.fromkeys((*(note for raw in raws for note in raw.notes), *notes)))
    regions = next((raw.regions for raw in raws if raw.regions), ())
    split = len(starts) > 1 or by_times
    found = Trials(tuple(values), tuple(times), first.names, first.source, notes, regions, split, columns)
    _check_clocks(found, raws)
    return found


def _between(raws: Sequence[Raw], starts: Sequence[int]) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Return values and times of trials, each of which ends where the next begins."""
    values, times = [], []
    for raw in raws:
        ends = [*starts[1:], raw.values.shape[1]]
        for table in raw.values:
            for begin, end in zip(starts, ends, strict=True):
                values.append(table[begin:end])
                times.append(None if raw.times is None else raw.times[begin:end])
    return values, times


def _within(
    raws: Sequence[Raw], tables: Sequence[Intervals]
) -> tuple[list[np.ndarray], list[np.ndarray | None], tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return values and times of the trials of a table, a note on them, and the columns that all tables have.

    Samples between trials belong to none, and trials of fewer than two samples are left out.
    """
    shared = [name for name in tables[0].columns if all(name in table.columns for table in tables)]
    columns: dict[str, list[str]] = {name: [] for name in shared}
    values, times = [], []
    for raw, table in zip(raws, tables, strict=True):
        clock = np.zeros(0) if raw.times is None else raw.times
        for number, (begin, end) in enumerate(table.spans):
            own = (clock >= begin - 1e-9) & (clock < end - 1e-9)
            if own.sum() < FEWEST:
                continue
            values.append(raw.values[0, own])
            times.append(clock[own])
            for name in shared:
                columns[name].append(table.columns[name][number])
    every = sum(len(table.spans) for table in tables)
    if not values:
        raise ResultError(
            f"{raws[0].source}: none of the {number_of(every, 'trial')} in its table of trials has {FEWEST} samples of "
            "the series. Read it as one series: resets=(0,)."
        )
    gone = f"; {number_of(every - len(values), 'trial')} without samples left out" if len(values) < every else ""
    note = f"its table of trials says where {len(values)} begin and end (resets=(0,) reads one series){gone}"
    return values, times, (note,), {name: tuple(cells) for name, cells in columns.items()}


def _check_same(first: Raw, other: Raw) -> None:
    """Refuse a source whose units are others."""
    if other.names != first.names:
        raise ResultError(
            f"Trials need the same units: {first.source} has (time, unit) = {first.values.shape[1:]}, "
            f"{other.source} has {other.values.shape[1:]}"
            f"{'' if len(other.names) != len(first.names) else ', and their units have other names'}."
        )
    if first.regions and other.regions and first.regions != other.regions:
        raise ResultError(f"Trials need the same units: the regions in {other.source} are not those in {first.source}.")


def starts_of(resets: Any, raws: Sequence[Raw]) -> tuple[int, ...]:
    """Return the samples at which trials begin; ``(0,)`` where nothing says that there are several.

    Raises
    ------
    ResultError
        For samples that are not there, trials of one sample, and a recording whose trials stand apart already.
    """
    raw, trials = raws[0], sum(len(item.values) for item in raws)
    what = f"resets={quoted(resets)}" if resets is not None else "its column of trials"
    if resets is not None and trials > 1:
        raise ResultError(
            f"{raw.source}: {what} says where the trials of one series begin, and it holds {trials} trials that stand "
            "apart already. Leave resets out."
        )
    given = raw.starts if resets is None else resets.tolist() if hasattr(resets, "tolist") else resets
    whole = isinstance(given, list | tuple | range) and all(
        isinstance(item, int | np.integer) and not isinstance(item, bool) for item in given
    )
    samples = raw.values.shape[1]
    if not whole:
        raise ResultError(f"{what} must list the numbers of the samples at which trials begin.")
    found = sorted({0, *map(int, given)})
    if found[0] < 0 or found[-1] >= samples:
        raise ResultError(f"{raw.source}: {what} must lie between 0 and {samples - 1}, its samples.")
    sizes = np.diff([*found, samples])
    if len(found) > 1 and min(sizes) < FEWEST:
        raise ResultError(
            f"{raw.source}: a trial of {what} has fewer than {FEWEST} samples, the one from sample "
            f"{found[int(np.argmin(sizes))]}."
        )
    return tuple(found)


def _check_clocks(trials: Trials, raws: Sequence[Raw]) -> None:
    """Refuse times that do not ascend within a trial, and sources whose samples are closer than those of others."""
    for times in trials.times:
        if times is not None:
            _check_ascending(times, trials)
    middle = [(raw, float(np.median(np.diff(raw.times)))) for raw in raws if raw.times is not None]
    for raw, step in middle:
        if not np.isclose(step, middle[0][1], rtol=_APART):
            raise ResultError(
                f"Trials need the same times: those of {raw.source} differ from those of {middle[0][0].source}. Their "
                f"samples are {step:g} s and {middle[0][1]:g} s apart. Interpolate one of them first."
            )


def _check_ascending(times: np.ndarray, trials: Trials) -> None:
    wrong = np.flatnonzero(~(np.diff(times) > 0))
    if len(wrong):
        at = int(wrong[0])
        alone = len(trials.values) < 2
        hint = f" If a trial begins there, say so: resets=(0, {at + 1}), or a column 'trial'." if alone else ""
        raise ResultError(
            f"{trials.source}: times must ascend, and sample {at + 1} has {times[at + 1]:g} s after {times[at]:g} s."
            f"{hint}"
        )


def evenly(trials: Trials, step: Any) -> tuple[Trials, float]:
    """Return trials whose samples are evenly spaced, each interpolated by itself, and the seconds between them.

    Raises
    ------
    ResultError
        When the step is not told, told in two ways, or samples are missing for long.
    """
    clocks = [times for times in trials.times if times is not None]
    if not clocks:
        return trials, given_step(step, trials.source)
    steps = np.concatenate([np.diff(times) for times in clocks])
    even = float(np.median(steps))
    if step is not None and not np.isclose(given_step(step, trials.source), even, rtol=0.01):
        raise ResultError(
            f"{trials.source}: step={quoted(step)}, but its times are {even:g} s apart. Leave step out, or remove the "
            "times."
        )
    if np.max(np.abs(steps - even)) <= EVEN * even:
        return replace(trials, notes=(*trials.notes, *_doubts(float(np.mean(steps))))), float(np.mean(steps))
    found, uneven = [], 0
    for number, (values, times) in enumerate(zip(trials.values, trials.times, strict=True)):
        own = np.diff(times) if times is not None else np.zeros(0)
        if times is None or np.max(np.abs(own - even)) <= EVEN * even:
            found.append(values)
            continue
        uneven += 1
        found.append(_interpolated(values, times, even, trials, number))
    where = f" in {uneven} of {len(found)} trials" if len(found) > 1 else ""
    note = f"samples {steps.min():g} ... {steps.max():g} s apart{where} were interpolated to every {even:g} s"
    return replace(trials, values=tuple(found), notes=(*trials.notes, note, *_doubts(even))), even


def _interpolated(values: np.ndarray, times: np.ndarray, even: float, trials: Trials, number: int) -> np.ndarray:
    """Return a trial (time, unit) at even times from its first sample on."""
    steps = np.diff(times)
    which = f"trial {number} of {trials.source}" if len(trials.values) > 1 else trials.source
    if steps.max() > _LONGEST_GAP * even:
        at = int(np.argmax(steps))
        raise ResultError(
            f"{which}: samples are {even:g} s apart, but {steps[at]:g} s pass after {times[at]:g} s. Such a gap is not "
            "filled: give the part before or after it."
        )
    wanted = np.arange(times[0], times[-1] + 1e-9 * even, even)
    if len(wanted) < FEWEST:
        raise ResultError(f"{which}: it lasts {times[-1] - times[0]:g} s, less than the {even:g} s between samples.")
    return np.stack([np.interp(wanted, times, unit) for unit in values.T], axis=-1)


def _doubts(step: float) -> tuple[str, ...]:
    asked = f"samples are {step:g} s apart: if the times are milliseconds, say so (time_ms above a column, or a unit)"
    return (asked,) if step > _SLOW else ()


def given_step(step: Any, source: str) -> float:
    """Return the seconds between samples as given, or refuse what is no such time."""
    if step is None:
        raise ResultError(
            f"{source} does not tell when its samples were taken. Give step=, the seconds between two samples (--step "
            "on the command line), or a column 'time' of a table."
        )
    seconds = read_number(step, what=f"step={quoted(step)}", error=ResultError, dimensions=SECONDS)
    if not seconds > 0:
        raise ResultError(f"step={quoted(step)} must be a time longer than 0, in seconds.")
    return seconds


def padded(pieces: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return trials (time, unit) as one array (trial, time, unit), their last samples held on, and their lengths."""
    lengths = np.array([len(piece) for piece in pieces])
    longest = int(lengths.max())
    held = [piece[np.minimum(np.arange(longest), len(piece) - 1)] for piece in pieces]
    return np.stack(held), lengths


def marked(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Fill values that are missing between their neighbours in time, and mark these and what lies behind a trial's end.

    Returns
    -------
    values, seen : (trial, time, unit) arrays
        `seen` is None where all was recorded.
    """
    good = np.isfinite(values)
    over = np.arange(values.shape[1])[None, :] >= lengths[:, None]
    if good.all() and not over.any():
        return values, None
    values, at = values.copy(), np.arange(values.shape[1])
    for trial, unit in np.argwhere(~good.all(axis=1)):
        known = good[trial, :, unit]
        if known.any():
            values[trial, :, unit] = np.interp(at, at[known], values[trial, known, unit])
        else:  # this trial tells nothing of the unit
            others = values[:, :, unit]
            values[trial, :, unit] = others[np.isfinite(others)].mean() if np.isfinite(others).any() else 0.0
    seen = np.where(over[:, :, None], OVER, np.where(good, SEEN, MISSING)).astype(np.int8)
    return values, seen


def kinds_of(kinds: Any, trials: Trials) -> tuple[str, ...]:
    """Return the kind of each trial: those given, or in a column of the table of trials, which may be named.

    When not given, those of a column such as ``trial_type``; else one for all where one series was taken apart, else
    none.
    """
    count = len(trials.values)
    if kinds is None:
        column = next((name for name in trials.columns if _KIND.fullmatch(name)), None)
        return trials.columns[column] if column else ("all",) * count if trials.split else ()
    if isinstance(kinds, str) and trials.columns:
        if kinds not in trials.columns:
            held = ", ".join(map(repr, trials.columns))
            raise ResultError(
                f"{trials.source}: kinds={kinds!r} is no column of its table of trials, which has {held}."
                f"{closest(kinds, trials.columns)}"
            )
        return trials.columns[kinds]
    given: Any = kinds
    given = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(given, list | tuple) or not all(isinstance(item, str | int) for item in given):
        raise ResultError(
            f"kinds={quoted(kinds)} must hold one name for each trial, such as ('left', 'right'), or be a column of "
            "the source's table of trials."
        )
    if len(given) != count:
        counts = f"{number_of(len(given), 'name')} for {number_of(count, 'trial')}"
        raise ResultError(f"{trials.source}: kinds= has {counts}; each needs one.")
    return tuple(map(str, given))
