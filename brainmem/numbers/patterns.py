"""The tables of patterns and stimuli: drawn or given by the user, and as the device reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import RuleError
from brainmem.model.curves import curve_functions
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Pattern, Stimulus
from brainmem.model.reading import drawing_order
from brainmem.numbers.arrays import check_patterns
from brainmem.numbers.starts import Given, of_trial, own_tables, size_of
from brainmem.numbers.streams import side_by_side, stream
from brainmem.text import draw, evaluate
from brainmem.text.draws import TRIAL, coordinates
from brainmem.text.equations import identifiers
from brainmem.translation.text import Translation

__all__ = ["frame_table", "patterns_of", "shown_rows", "value_rows"]

# A frame that begins within this part of a time step counts as begun, so that rounding decides nothing.
_ROUNDING = 1e-6


def patterns_of(translated: Translation, parameters: Mapping[str, Any], given: Given, seed: int) -> dict[str, Any]:
    """Return the table of every pattern, (items, unit) or (items, frames, unit), those of trials (items, trial, ...).

    Raises
    ------
    RuleError
        For given tables of another shape, or with values that the pattern does not allow.
    """
    model, tables = translated.model, {}
    for item in drawing_order(model.all_patterns):
        shape = _shape(model, item, parameters)
        if item.name in given.inputs:
            values = given.inputs[item.name]
            try:
                tables[item.name] = check_patterns(item, values, shape, model, trials=translated.trials)
            except RuleError as error:
                if given.after is None or item.name not in given.after.tables:
                    raise
                raise RuleError(
                    f"{error} It is that of the result which after= gives; another may be given by inputs=."
                ) from error
        else:
            tables[item.name] = _drawn(translated, item, shape, parameters, tables, seed)
    return tables


def _shape(model: MemoryModel, item: Pattern, parameters: Mapping[str, Any]) -> tuple[int, ...]:
    frames = (size_of(item.frames, parameters),) if item.every else ()
    return (size_of(item.items, parameters), *frames, size_of(model.population(item.population).size, parameters))


def _drawn(
    translated: Translation,
    item: Pattern,
    shape: tuple[int, ...],
    parameters: Mapping[str, Any],
    tables: Mapping[str, np.ndarray],
    seed: int,
) -> np.ndarray:
    """Return the table that is drawn from other `tables`; where trials have their own of these, one for each trial."""
    step = _every(item, parameters) if item.every else None

    def one(trial: int) -> np.ndarray:
        known = of_trial(translated.model, tables, trial)
        read = {name: t[:, None] if t.ndim == 2 and item.every else t for name, t in known.items()}
        called = curve_functions(translated.model.curves)
        names = {**coordinates(shape, step, trial=trial), **called, **parameters, **read}
        rng = stream(seed, item.name, trial)
        return draw(item.draw, names=names, rng=rng, shape=shape, expand=True, step=step)

    if translated.trials and (own_tables(translated.model, tables) | {TRIAL}) & identifiers(item.draw):
        return np.stack([one(trial) for trial in range(translated.trials)], axis=1)
    return one(0)


def _every(item: Pattern, parameters: Mapping[str, Any]) -> float:
    return float(np.asarray(evaluate(item.every, parameters)))


def frame_table(
    model: MemoryModel, item: Stimulus, parameters: Mapping[str, Any], frames: int, dt: float
) -> np.ndarray:
    """Return the frame of a stimulus that is shown after 0, 1, 2, ... time steps of a phase, up to its last.

    Raises
    ------
    RuleError
        When a frame is shorter than a time step, so that some would never be shown.
    """
    every = _every(item, parameters)
    if every < dt * (1 - _ROUNDING):
        raise RuleError(
            f"Model {model.name!r}: a frame of {item.name!r} lasts every={item.every!r} = {every:g} s, less than a "
            f"time step of {dt:g} s, so that frames would be left out. Lengthen it, or shorten the time step."
        )
    steps = np.arange(int(np.ceil(frames * every / dt)) + 1)
    return np.minimum(np.floor(steps * (dt / every) + _ROUNDING), frames - 1)


def shown_rows(items: ArrayLike, frames: int) -> np.ndarray:
    """Return the first row of each item (counted from 1, 0 for none) in a table with `frames` rows for each."""
    items = np.asarray(items)
    return np.where(items > 0, (items - 1) * frames + 1, 0)


def value_rows(item: Pattern, values: np.ndarray) -> np.ndarray:
    """Return a table as the device reads it: one row for each frame of each item, trials side by side."""
    if values.ndim == (4 if item.every else 3):
        values = side_by_side(np.moveaxis(values, 1, -2))
    return values.reshape(-1, values.shape[-1])
