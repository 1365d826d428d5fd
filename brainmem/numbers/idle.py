"""Parameters that a user gives in vain: what alone reads them is given too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.parts import unchecked
from brainmem.model.pruning import unread_parameters
from brainmem.text.expression import names_in

__all__ = ["check_effects"]


def check_effects(model: MemoryModel, given: Mapping[str, Any]) -> None:
    """Refuse a parameter that only the default of another one reads, where that is given another value.

    Raises
    ------
    RuleError
        As ``parameters={"P": 20, "alpha": 0.5}`` of a model with ``P = round(alpha*N)``, which alone reads alpha.
    """
    texts = {item.name: item.value for item in model.parameters if isinstance(item.value, str) and item.name in given}
    behind = {name: names_in(text) & given.keys() for name, text in texts.items()}
    if not any(behind.values()):
        return
    replaced = tuple(replace(item, value=given.get(item.name, item.value)) for item in model.parameters)
    idle = set(unread_parameters(unchecked(model, parameters=replaced, limits=())))
    for name, read in behind.items():
        for other in sorted(read & idle - {item.removeprefix("parameter ") for item in model.unused}):
            raise RuleError(
                f"Model {model.name!r}: parameters= gives {other} = {given[other]} and {name} = {given[name]}, but "
                f"only {name} = {texts[name]!r} reads {other}, and the number given stands in its place: {other} would "
                "change nothing. Give one of the two."
            )
