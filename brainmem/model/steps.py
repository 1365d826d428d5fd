"""The steps that the entries of a schedule list, as columns of whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.nouns import Each, Model, Repeat

__all__ = ["EPOCH", "FIRST", "ITEM", "PHASE", "REPEAT", "check_epochs", "check_length", "columns_of", "phases_shown"]

LONGEST = 2_000_000  # steps of a protocol; each takes some hundred bytes
PHASE, ITEM, REPEAT, EPOCH, FIRST = range(5)  # the columns of a schedule, FIRST where a new occasion begins


def check_length(model: Model, entry: Each | Repeat, parameters: Mapping[str, Any], before: int) -> None:
    """Refuse a protocol whose steps would fill the memory, before they are made."""
    times = _times(entry, parameters)
    body = entry.body if isinstance(entry, Repeat) else (entry,)
    items = [_comings(each, parameters) * _count(each.repeats, parameters) for each in body]
    shown = [len(phases_shown(each)) for each in body]
    epochs = [times if each.epochs is None else min(times, len(_epochs(each.epochs, parameters))) for each in body]
    length = before + max(times, sum(np.prod(part, dtype=float) for part in zip(items, shown, epochs, strict=True)))
    if max(length, *items) > LONGEST:
        used = {name for each in body for name in (each.items, each.draws, each.repeats)}
        used |= {entry.times} if isinstance(entry, Repeat) else set()
        values = ", ".join(
            f"{name} = {parameters[name]}" for name in sorted(item for item in used if isinstance(item, str))
        )
        raise RuleError(
            f"Model {model.name!r}: its protocol would have {max(length, *items):.3g} steps"
            f"{f' with {values}' if values else ''}; at most {LONGEST} are allowed. Lower these numbers."
        )


def _times(entry: Each | Repeat, parameters: Mapping[str, Any]) -> int:
    return _count(entry.times, parameters) if isinstance(entry, Repeat) else 1


def phases_shown(each: Each) -> tuple[str, ...]:
    """Return the names of the phases that an `Each` runs for one item."""
    return (each.phases,) if isinstance(each.phases, str) else each.phases


def _comings(each: Each, parameters: Mapping[str, Any]) -> int:
    """Return how many items come in an epoch."""
    return _count(each.items if each.draws is None else each.draws, parameters)


def check_epochs(model: Model, entry: Repeat, parameters: Mapping[str, Any]) -> None:
    """Refuse a list of epochs of which none comes: its phases would be missing from the result without a word."""
    times = _count(entry.times, parameters)
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
    times = _times(entry, parameters)
    body = entry.body if isinstance(entry, Repeat) else (entry,)
    epochs = np.arange(1, times + 1)
    runs = [
        epochs if each.epochs is None else epochs[np.isin(epochs, _epochs(each.epochs, parameters))] for each in body
    ]
    orders = _orders(model, body, runs, parameters, rng)
    names = [phase.name for phase in model.protocol.drawn.phases]
    parts = []
    for each, epochs_run, items in zip(body, runs, orders, strict=True):
        phases = np.array([names.index(name) for name in phases_shown(each)])
        shape = (*items.shape, _count(each.repeats, parameters, least=min(1, items.size)), len(phases))
        parts.append(np.empty((5, *shape), dtype=int))
        parts[-1][PHASE] = phases
        parts[-1][ITEM] = items[:, :, np.newaxis, np.newaxis]
        parts[-1][REPEAT] = np.arange(shape[2])[:, np.newaxis]
        parts[-1][EPOCH] = epochs_run[:, np.newaxis, np.newaxis, np.newaxis]
        parts[-1][FIRST] = np.arange(len(phases)) == 0
    joined = np.concatenate([part.reshape(5, -1) for part in parts], axis=1)
    return joined[:, np.argsort(joined[EPOCH], kind="stable")]


def _orders(
    model: Model,
    body: tuple[Each, ...],
    runs: list[np.ndarray],
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Return the items that each `Each` shows in the epochs in which it runs, (epoch, item)."""
    counts = [_count(each.items, parameters) for each in body]
    comings = [_comings(each, parameters) for each in body]
    shown = [np.tile(np.arange(size), (len(run), 1)) for size, run in zip(comings, runs, strict=True)]
    for each, count, size in zip(body, counts, comings, strict=True):
        if each.order == "drawn" and size and not count:
            raise RuleError(
                f"Model {model.name!r}: Each({each.phases!r}) draws {size} of {each.items} = 0 items. Give it some."
            )
    drawing = [k for k, each in enumerate(body) if each.order in ("random", "drawn")]
    places = [(int(epoch), k, row) for k in drawing for row, epoch in enumerate(runs[k])]
    for _, k, row in sorted(places):
        random = body[k].order == "random"
        shown[k][row] = rng.permutation(counts[k]) if random else rng.integers(counts[k], size=comings[k])
    return shown


def _count(value: str | int | None, parameters: Mapping[str, Any], *, least: int = 0) -> int:
    number = parameters[value] if isinstance(value, str) else 1 if value is None else value
    if not float(number).is_integer() or number < least:
        raise RuleError(f"{value!r} counts repetitions and must be a whole number of at least {least}, got {number!r}.")
    return int(number)


def _epochs(value: str | tuple[int, ...], parameters: Mapping[str, Any]) -> tuple[int, ...]:
    given = parameters[value] if isinstance(value, str) else value
    return tuple(int(item) for item in np.atleast_1d(given))
