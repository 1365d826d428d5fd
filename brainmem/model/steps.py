"""The steps that the entries of a schedule list, as columns of whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.counts import Counts, counted, counts_of, ends_of_range
from brainmem.model.nouns import Each, Model, Repeat
from brainmem.text.expression import names_in

__all__ = [
    "EPOCH",
    "FIRST",
    "ITEM",
    "LONGEST",
    "PHASE",
    "REPEAT",
    "check_epochs",
    "check_length",
    "columns_of",
    "counts_run",
    "phases_shown",
    "range_shown",
]

LONGEST = 2_000_000  # steps of a protocol; each takes some hundred bytes
PHASE, ITEM, REPEAT, EPOCH, FIRST = range(5)  # the columns of a schedule, FIRST where a new occasion begins


def check_length(model: Model, entry: Each | Repeat, parameters: Mapping[str, Any], before: int) -> None:
    """Refuse a protocol whose steps would fill the memory, before they are made."""
    times = _times(model, entry, parameters)
    length = before + float(times)
    if length <= LONGEST:
        length += sum(_length(model, each, parameters, times) for each in _body(entry)) - times
    if max(length, times) > LONGEST:
        values = ", ".join(f"{name} = {parameters[name]}" for name in sorted(_named(entry) & parameters.keys()))
        raise RuleError(
            f"Model {model.name!r}: its protocol would have {'at least ' if times > LONGEST else ''}"
            f"{max(length, times):.3g} steps"
            f"{f' with {values}' if values else ''}; at most {LONGEST} are allowed. Lower these numbers."
        )


def _body(entry: Each | Repeat) -> tuple[Each, ...]:
    return entry.body if isinstance(entry, Repeat) else (entry,)


def _length(model: Model, each: Each, parameters: Mapping[str, Any], times: int) -> float:
    """Return how many steps an `Each` has in all epochs."""
    counts = _counts(model, each, parameters, _runs(each, parameters, times))
    return float(np.sum(counts.comings * counts.repeats.astype(float))) * len(phases_shown(each))


def _named(entry: Each | Repeat) -> set[str]:
    """Return the names by which an entry counts its steps."""
    texts = [entry.times] if isinstance(entry, Repeat) else []
    for each in _body(entry):
        texts += [*ends_of_range(each.items), each.draws, each.repeats]
    return set().union(*(names_in(text) for text in texts if isinstance(text, str)), set())


def _times(model: Model, entry: Each | Repeat, parameters: Mapping[str, Any]) -> int:
    if not isinstance(entry, Repeat):
        return 1
    try:
        return int(counted("times", entry.times, parameters, np.ones(1, dtype=int))[0])
    except RuleError as error:
        raise RuleError(f"Model {model.name!r}, Repeat({entry.times!r}, ...): {error}") from error


def phases_shown(each: Each) -> tuple[str, ...]:
    """Return the names of the phases that an `Each` runs for one item."""
    return (each.phases,) if isinstance(each.phases, str) else each.phases


def _counts(model: Model, each: Each, parameters: Mapping[str, Any], epochs: np.ndarray) -> Counts:
    """Return the numbers of an `Each` in the epochs in which it runs."""
    try:
        return counts_of(each, parameters, epochs)
    except RuleError as error:
        raise RuleError(f"Model {model.name!r}, Each({each.phases!r}): {error}") from error


def _runs(each: Each, parameters: Mapping[str, Any], times: int) -> np.ndarray:
    """Return the epochs in which an `Each` runs."""
    epochs = np.arange(1, times + 1)
    return epochs if each.epochs is None else epochs[np.isin(epochs, _epochs(each.epochs, parameters))]


def range_shown(model: Model, entry: Each | Repeat, each: Each, parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Return the first item that an `Each` of an entry may show in any epoch, and the one behind the last."""
    counts = _counts(model, each, parameters, _runs(each, parameters, _times(model, entry, parameters)))
    first, size = counts.first[counts.size > 0], counts.size[counts.size > 0]
    return (int(first.min()), int((first + size).max())) if first.size else (0, 0)


def counts_run(
    model: Model, entry: Each | Repeat, parameters: Mapping[str, Any]
) -> Iterator[tuple[Each, np.ndarray, Counts]]:
    """Yield each `Each` of an entry with the epochs in which it runs, and its numbers in them."""
    times = _times(model, entry, parameters)
    for each in _body(entry):
        epochs = _runs(each, parameters, times)
        yield each, epochs, _counts(model, each, parameters, epochs)


def check_epochs(model: Model, entry: Repeat, parameters: Mapping[str, Any]) -> None:
    """Refuse a list of epochs of which none comes: its phases would be missing from the result without a word."""
    times = _times(model, entry, parameters)
    for each in entry.body:
        epochs = () if each.epochs is None else _epochs(each.epochs, parameters)
        if epochs and times and not set(epochs) & set(range(1, times + 1)):
            name = f"{each.epochs} = " if isinstance(each.epochs, str) else "epochs="
            raise RuleError(
                f"Model {model.name!r}: {name}{epochs} names no epoch from 1 to {times}, so that phase "
                f"{', '.join(phases_shown(each))!r} would never run. Choose among these epochs, or give () to leave "
                "the phase out."
            )


def columns_of(
    model: Model, entry: Each | Repeat, parameters: Mapping[str, Any], rng: np.random.Generator
) -> np.ndarray:
    """Return the columns of an entry's steps, (column, step)."""
    body, times = _body(entry), _times(model, entry, parameters)
    runs = [_runs(each, parameters, times) for each in body]
    counts = [_counts(model, each, parameters, epochs) for each, epochs in zip(body, runs, strict=True)]
    orders = _orders(body, runs, counts, rng)
    names = [phase.name for phase in model.protocol.drawn.phases]
    parts = []
    for each, epochs, count, items in zip(body, runs, counts, orders, strict=True):
        phases = np.array([names.index(name) for name in phases_shown(each)])
        often = np.repeat(count.repeats, count.comings)
        coming = np.repeat(np.arange(len(items)), often)
        part = np.empty((5, len(coming), len(phases)), dtype=int)
        part[PHASE] = phases
        part[ITEM] = items[coming][:, np.newaxis]
        part[REPEAT] = _numbered(often)[:, np.newaxis]
        part[EPOCH] = np.repeat(epochs, count.comings)[coming][:, np.newaxis]
        part[FIRST] = np.arange(len(phases)) == 0
        parts.append(part.reshape(5, -1))
    joined = np.concatenate(parts, axis=1)
    return joined[:, np.argsort(joined[EPOCH], kind="stable")]


def _numbered(sizes: np.ndarray) -> np.ndarray:
    """Return the numbers 0, 1, 2, ... of each of several groups of these sizes, one group behind the other."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _orders(
    body: tuple[Each, ...], runs: list[np.ndarray], counts: list[Counts], rng: np.random.Generator
) -> list[np.ndarray]:
    """Return the items that each `Each` shows, (item,): those of one epoch behind those of the epoch before."""
    shown = [_numbered(count.comings) + np.repeat(count.first, count.comings) for count in counts]
    drawing = [k for k, each in enumerate(body) if each.order in ("random", "drawn")]
    places = [(int(epoch), k, row) for k in drawing for row, epoch in enumerate(runs[k])]
    ends = [np.cumsum(count.comings) for count in counts]
    for _, k, row in sorted(places):
        first, size, comings = (int(column[row]) for column in (counts[k].first, counts[k].size, counts[k].comings))
        if comings:
            drawn = rng.permutation(size) if body[k].order == "random" else rng.integers(size, size=comings)
            shown[k][ends[k][row] - comings : ends[k][row]] = first + drawn
    return shown


def _epochs(value: str | tuple[int, ...], parameters: Mapping[str, Any]) -> tuple[int, ...]:
    given = parameters[value] if isinstance(value, str) else value
    return tuple(int(item) for item in np.atleast_1d(given))
