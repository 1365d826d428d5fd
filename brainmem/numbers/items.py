"""The items that steps read of patterns and those that trials show: whether there are such rows, and which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Phase
from brainmem.model.parameters import resolve_parameters
from brainmem.model.plan import Plan
from brainmem.model.together import items_shown
from brainmem.text.equations import identifiers
from brainmem.translation.sizes import TRIALS
from brainmem.translation.text import Translation

__all__ = ["check_items", "of_items", "with_items"]


def check_items(model: MemoryModel, plan: Plan, patterns: Mapping[str, np.ndarray]) -> None:
    """Refuse items of which a phase shows, starts from or is scored against rows that a pattern does not have.

    Parameters
    ----------
    patterns : mapping of str to ndarray, shape (items, ...)

    Raises
    ------
    RuleError
        Which names the pattern, the phase, the item and the epoch.
    """
    for place, phase in enumerate(plan.phases):
        steps = np.flatnonzero(plan.phase == place)
        for name, reading in _read(model, phase) if steps.size else ():
            rows = len(patterns[name])
            beyond = steps[plan.item[steps] >= rows]
            if beyond.size:
                when = f" in epoch {plan.epoch[beyond[0]]}" if plan.epoch[-1] > 1 else ""
                given = next(item.items for item in model.all_patterns if item.name == name)
                raise RuleError(
                    f"Model {model.name!r}, phase {phase.name!r}: {reading} item {plan.item[beyond[0]]} of {name!r}"
                    f"{when}, which has only {rows} rows (items={given!r}), counted from 0. Raise that, or "
                    "lower the items of its Each in the schedule."
                )


def _read(model: MemoryModel, phase: Phase) -> Iterator[tuple[str, str]]:
    """Yield the patterns of which a phase reads rows, with how."""
    yield from ((name, "it shows") for name in phase.stimuli)
    names = {item.name for item in model.all_patterns}
    for variable, text in phase.start.items():
        yield from ((name, f"start[{variable!r}] = {text!r} reads") for name in sorted(identifiers(text) & names))
    if model.recalled and model.recalled.phase == phase.name:
        yield model.recalled.target, "it is scored against"


def with_items(translated: Translation, given: Mapping[str, Any]) -> Translation:
    """Return a translation whose trials are as many as the items that its protocol goes over, with these parameters.

    One whose trials show no items stays as it is.

    Raises
    ------
    RuleError
        For protocols that do not go over the same items throughout.
    """
    if translated.shown is None:
        return translated
    shown = items_shown(translated.model, resolve_parameters(translated.model, given, parameters=translated.parameters))
    number = tuple(replace(item, value=len(shown)) if item.name == TRIALS else item for item in translated.parameters)
    return replace(translated, parameters=number, trials=len(shown), shown=shown)


def of_items(table: np.ndarray, shown: range, *, own: bool) -> np.ndarray:
    """Return the rows that trials show, (1, trial, [frames,] unit), of a table (items, [trial if `own`,] ...)."""
    items = np.minimum(shown, len(table) - 1)  # what no step reads may have fewer
    rows = table[items, np.arange(len(shown))] if own else table[items]
    return rows[np.newaxis]
