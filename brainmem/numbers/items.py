"""Whether patterns have the rows of all items that the steps of a protocol read of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Phase
from brainmem.model.plan import Plan
from brainmem.text.equations import identifiers

__all__ = ["check_items"]


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
