"""Which trials of a recording are learned, and which are only tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.errors import RuleError, number_of
from brainmem.model.memory import MemoryModel
from brainmem.recordings import Recording

__all__ = ["TAUGHT", "Split", "split"]

TAUGHT = "taught"  # the parameter that says how many items are learned


@dataclass(frozen=True)
class Split:
    """The numbers of the trials that are learned and of those that are held out, and what was decided."""

    taught: np.ndarray
    held: np.ndarray
    notes: tuple[str, ...] = ()


def split(recording: Recording, holdout: Any, model: MemoryModel, seed: int) -> Split:
    """Return which trials are learned, and which are only tested; the latter drawn from each kind alike.

    Of each kind one trial or more is learned, so that of a kind with one trial none is drawn.

    Raises
    ------
    RuleError
        For a recording of one trial, kinds of which none would be left to learn, and a model that learns all.
    """
    trials = np.arange(len(recording.rates))
    if holdout is None:
        return Split(trials, trials[:0])
    if TAUGHT not in {item.name for item in model.parameters}:
        raise RuleError(
            f"Model {model.name!r}: holdout= needs a parameter {TAUGHT!r}, how many of its items are learned."
        )
    if len(trials) < 2:
        raise RuleError(
            f"fit(): holdout={holdout!r} leaves out trials, and {recording.source} has one. Say where trials begin: "
            "read_recording(..., resets=(0, 120, 240)), the numbers of the samples; or give a list of recordings."
        )
    given = holdout.tolist() if hasattr(holdout, "tolist") else holdout
    if isinstance(given, list | tuple):
        return _listed(given, recording)
    return _drawn(given, recording, np.random.default_rng([seed, 2020]))


def _listed(given: list[Any] | tuple[Any, ...], recording: Recording) -> Split:
    """Return the trials that were named."""
    trials = np.arange(len(recording.rates))
    whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in given)
    if not given or not whole or not all(0 <= k < len(trials) for k in given):
        raise RuleError(f"fit(): holdout={given!r} must list numbers of trials, from 0 to {len(trials) - 1}.")
    held = np.unique(np.array(given, dtype=int))
    taught = np.setdiff1d(trials, held)
    if not taught.size:
        raise RuleError(f"fit(): holdout={given!r} leaves no trial to learn. Hold out fewer.")
    kinds = recording.kinds
    untaught = sorted({kinds[k] for k in held} - {kinds[k] for k in taught}) if kinds else []
    if untaught:
        raise RuleError(f"fit(): holdout={given!r} leaves no trial of kind {untaught[0]!r} to learn. Hold out fewer.")
    return Split(taught, held)


def _drawn(given: Any, recording: Recording, rng: np.random.Generator) -> Split:
    """Return so many trials, or such a part of them, drawn at random from each kind."""
    trials = len(recording.rates)
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number or not (0 < given < 1 if isinstance(given, float) else given >= 1):
        raise RuleError(
            f"fit(): holdout={given!r} must be a part of the trials, above 0 and below 1, such as 0.2; a whole number, "
            f"how many; or a list of their numbers. There are {trials} trials."
        )
    kinds = np.array(recording.kinds or ["all"] * trials)
    own = {kind: np.flatnonzero(kinds == kind) for kind in dict.fromkeys(kinds.tolist())}
    spare = {kind: len(members) - 1 for kind, members in own.items()}
    if not any(spare.values()):
        raise RuleError(
            f"fit(): holdout={given!r} leaves one trial of each kind to learn, and each kind has but one. Give trials "
            "the same kind whose input is the same, kinds=('go', 'go', ...)."
        )
    if isinstance(given, float):
        sizes = {kind: min(spare[kind], max(1, round(given * len(members)))) for kind, members in own.items()}
    elif given > sum(spare.values()):
        raise RuleError(
            f"fit(): holdout={given} of {trials} trials are too many: one of each kind is learned, so "
            f"{number_of(sum(spare.values()), 'trial')} can be held out."
        )
    else:
        sizes = _shared_out(given, own, spare, rng)
    held = np.sort(np.concatenate([rng.permutation(own[kind])[: sizes[kind]] for kind in own]))
    alone = [kind for kind in own if not spare[kind]]
    note = f"{'kinds' if len(alone) > 1 else 'kind'} {', '.join(map(repr, alone))}: the only trial is learned"
    return Split(np.setdiff1d(np.arange(trials), held), held, (note,) if alone else ())


def _shared_out(
    number: int, own: dict[str, np.ndarray], spare: dict[str, int], rng: np.random.Generator
) -> dict[str, int]:
    """Return how many trials of each kind are held out, together `number`, in proportion to how many there are."""
    sizes, whole = dict.fromkeys(own, 0), sum(map(len, own.values()))
    order = [list(own)[k] for k in rng.permutation(len(own))]  # decides between kinds that are equal
    for _ in range(number):
        left = [kind for kind in order if sizes[kind] < spare[kind]]
        most = max(left, key=lambda kind: number * len(own[kind]) / whole - sizes[kind])
        sizes[most] += 1
    return sizes
