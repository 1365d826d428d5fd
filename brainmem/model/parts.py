"""The parts of a model, and every text of it that may name its parameters and variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar

from brainmem.model import nouns
from brainmem.model.fields import NOTHING, TEXT, kinds_of

__all__ = ["TUPLES", "inner", "parts", "texts", "texts_of", "unchecked", "with_texts"]

M = TypeVar("M", bound=nouns.Model)

# The fields of a model that hold its parts, with the word for one of them in messages.
TUPLES = {
    "parameters": "parameter",
    "choices": "choice",
    "curves": "curve",
    "populations": "population",
    "projections": "projection",
    "rules": "rule",
    "patterns": "pattern",
    "stimuli": "stimulus",
    "observables": "observable",
    "limits": "limit",
}


def inner(where: str, noun: Any) -> Iterator[tuple[str, Any]]:
    """Yield a noun and those that it holds, such as the spiking text of a rule, each with its name in messages."""
    yield where, noun
    if isinstance(noun, nouns.LearningRule) and isinstance(noun.spiking, nouns.SpikingRule):
        yield f"{where}, spiking text", noun.spiking
    if isinstance(noun, nouns.Repeat):
        yield from ((where, each) for each in noun.body)


def parts(model: nouns.Model) -> Iterator[tuple[str, Any]]:
    """Yield every part of a model with its name in messages, the model itself first: ``("rule 'hebb'", rule)``."""
    yield "", model
    if isinstance(model.reference, nouns.Reference):
        yield "reference", model.reference
    for field, kind in TUPLES.items():
        for noun in getattr(model, field):
            name = noun.condition if isinstance(noun, nouns.Limit) else noun.name
            yield from inner(f"{kind} {name!r}", noun)
    yield from ((f"phase {phase.name!r}", phase) for phase in model.protocol.phases)
    for entry in model.protocol.schedule:
        yield from inner("schedule", entry)
    if isinstance(model.recalled, nouns.Recalled):
        yield "recalled", model.recalled


def texts(model: nouns.Model) -> Iterator[tuple[str, str, str]]:
    """Yield every text of a model that may name its parameters and variables, as (part, field, text)."""
    for where, noun in parts(model):
        yield from ((where, field, text) for field, text in texts_of(noun))


def texts_of(noun: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts of a noun over parameters and variables, as (field, text); not those of nouns within."""
    for name, kind in kinds_of(noun).items():
        if kind.role == TEXT:
            yield from _strings(name, getattr(noun, name))


def _strings(field: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _strings(field, item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(f"{field}[{key!r}]", item)


def with_texts(noun: Any, change: Callable[[str], str]) -> dict[str, Any]:
    """Return the fields of a noun that hold texts and words, changed, also those of the nouns within."""
    return {
        name: _mapped(getattr(noun, name), change) for name, kind in kinds_of(noun).items() if kind.role != NOTHING
    }  # fmt: skip


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, Mapping):
        return {name: _mapped(item, change) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **with_texts(value, change))
    return value


def unchecked(model: M, **changes: Any) -> M:
    """Return a copy with other fields, which `MemoryModel.replace` would check as if a user had written them."""
    new = copy(model)
    for name, value in changes.items():
        object.__setattr__(new, name, value)
    return new
