"""Trials of a recording: taken apart where the state starts anew, brought to one length, and told apart by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.errors import ResultError, quoted
from brainmem.recordings.files import Raw
from brainmem.recordings.recording import MISSING, OVER, SEEN

__all__ = ["EVEN", "check_ascending", "joined", "kinds_of", "marked", "split_trials", "starts_of"]

FEWEST = 2  # samples of a trial
# Steps between samples that differ by less than this part are one step.
EVEN = 1e-3


def starts_of(resets: Any, raw: Raw) -> tuple[int, ...]:
    """Return the samples at which trials begin; ``(0,)`` where nothing says that there are several.

    Raises
    ------
    ResultError
        For samples that are not there, or that do not ascend, and for a recording whose trials stand apart already.
    """
    if resets is None:
        return raw.starts
    if len(raw.values) > 1:
        raise ResultError(
            f"{raw.source}: resets={quoted(resets)} says where the trials of one series begin, and it holds "
            f"{len(raw.values)} trials that stand apart already. Leave resets out."
        )
    given = resets.tolist() if hasattr(resets, "tolist") else resets
    whole = isinstance(given, list | tuple | range) and all(
        isinstance(item, int | np.integer) and not isinstance(item, bool) for item in given
    )
    samples = raw.values.shape[1]
    if not whole:
        raise ResultError(f"resets={quoted(resets)} must list the numbers of the samples at which trials begin.")
    found = sorted({0, *map(int, given)})
    if found[0] < 0 or found[-1] >= samples:
        raise ResultError(f"{raw.source}: resets={quoted(resets)} must lie between 0 and {samples - 1}, its samples.")
    shortest = min(np.diff([*found, samples]))
    if shortest < FEWEST:
        raise ResultError(f"{raw.source}: a trial of resets={quoted(resets)} has fewer than {FEWEST} samples.")
    return tuple(found)


def split_trials(raw: Raw, starts: Sequence[int]) -> tuple[Raw, np.ndarray]:
    """Return a series as trials of one length, and how many samples each of them has."""
    trials, samples = raw.values.shape[:2]
    if len(starts) < 2:
        return raw, raw.lengths if raw.lengths is not None else np.full(trials, samples)
    ends = [*starts[1:], samples]
    pieces = [raw.values[0, begin:end] for begin, end in zip(starts, ends, strict=True)]
    values, lengths = padded(pieces)
    times = None if raw.times is None else raw.times[: values.shape[1]]
    sizes = f"{lengths.min()} ... {lengths.max()}" if np.ptp(lengths) else f"{lengths[0]}"
    note = f"{len(pieces)} trials of {sizes} samples, each of which starts from its own first sample"
    return replace(raw, values=values, times=times, notes=(*raw.notes, note)), lengths


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


def kinds_of(kinds: Any, trials: int, source: str, *, split: bool) -> tuple[str, ...]:
    """Return the kind of each trial: those given, one for all where one series was taken apart, else none."""
    if kinds is None:
        return ("all",) * trials if split else ()
    given = kinds.tolist() if hasattr(kinds, "tolist") else kinds
    if not isinstance(given, list | tuple) or not all(isinstance(item, str | int) for item in given):
        raise ResultError(f"kinds={quoted(kinds)} must hold one name for each trial, such as ('left', 'right').")
    if len(given) != trials:
        raise ResultError(f"{source}: kinds= has {len(given)} names for {trials} trials; each needs one.")
    return tuple(map(str, given))


def joined(raws: Sequence[Raw]) -> Raw:
    """Return several sources as the trials of one, after checking that they have the same units and times.

    Trials may have other lengths; shorter ones hold their last sample.
    """
    first = max(raws, key=lambda raw: (raw.values.shape[1], raw.times is not None))
    for other in raws:
        if other.names != first.names:
            raise ResultError(
                f"Trials need the same units: {first.source} has (time, unit) = {first.values.shape[1:]}, "
                f"{other.source} has {other.values.shape[1:]}"
                f"{'' if len(other.names) != len(first.names) else ', and their units have other names'}."
            )
        if other.times is not None:
            check_ascending(other)
        if other.times is not None and first.times is not None:
            own = first.times[: len(other.times)]
            apart = np.max(np.abs((other.times - other.times[0]) - (own - own[0])))
            if not apart <= EVEN * abs(own[-1] - own[0]):
                raise ResultError(
                    f"Trials need the same times: those of {other.source} differ from those of {first.source} by "
                    f"up to {apart:g} s. Interpolate one of them first."
                )
    notes = tuple(dict.fromkeys(note for raw in raws for note in raw.notes))
    values, lengths = padded([trial for raw in raws for trial in raw.values])
    starts = raws[0].starts if len(raws) == 1 else (0,)
    if any(len(raw.starts) > 1 for raw in raws) and len(raws) > 1:
        raise ResultError(f"{first.source}: give one table with a column of trials, or several tables without one.")
    return replace(first, values=values, source=raws[0].source, notes=notes, starts=starts, lengths=lengths)


def check_ascending(raw: Raw) -> None:
    """Refuse times that do not ascend."""
    times = np.zeros(0) if raw.times is None else raw.times
    wrong = np.flatnonzero(~(np.diff(times) > 0))
    if len(wrong):
        at = int(wrong[0])
        raise ResultError(
            f"{raw.source}: times must ascend, and sample {at + 1} has {times[at + 1]:g} s after {times[at]:g} s."
        )
