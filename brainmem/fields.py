"""What the fields of a model's parts hold, and every text of a model, found by it.

`FIELDS` tells for each noun of `brainmem.spec` what its fields hold. A field that is added there is checked, read for
the names that it uses, and takes the forms of choices, once it stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

import numpy as np

from brainmem import spec
from brainmem.errors import quoted

__all__ = ["BOUND", "FIELDS", "TUPLES", "Kind", "inner", "kinds_of", "parts", "texts", "texts_of", "with_texts"]

NOTHING, WORD, TEXT = "nothing", "word", "text"


@dataclass(frozen=True)
class Kind:
    """What a field may hold.

    Attributes
    ----------
    holds : callable
        Tells whether a value is of this kind.
    wanted : str
        The end of the message for another: ``"... must be {wanted}."``; ``<given>`` stands for a text that was given.
    role : {"nothing", "word", "text"}
        What a text in the field is: no part of the equations (a name, prose), a word or the name of another part, or
        text over parameters and variables. Choices may stand for the latter two.
    items : Kind, optional
        The kind of each value of a mapping.
    vital : bool
        Whether no other check of the part makes sense without it.
    """

    holds: Callable[[Any], bool]
    wanted: str = ""
    role: str = NOTHING
    items: Kind | None = None
    vital: bool = True

    def slip(self, field: str, given: Any) -> str:
        """Explain a value that is not of this kind, ``""`` for one that is."""
        if not self.holds(given):
            example = repr(given) if isinstance(given, str) else "'name'"
            return f"{field}={quoted(given)} must be {self.wanted.replace('<given>', example)}."
        if self.items is None:
            return ""
        return next(filter(None, (self.items.slip(f"{field}[{key!r}]", item) for key, item in given.items())), "")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Tell whether a value is one real number, with or without unit; true and false count as 1 and 0."""
    plain = isinstance(value, int | float | np.bool_ | np.integer | np.floating)
    return plain or (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf")


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value))


def _or(*kinds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(holds(value) for holds in kinds)


def _none(value: Any) -> bool:
    return value is None


def _several(holds: Callable[[Any], bool], *types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types) and all(map(holds, value))


def _text(example: str, role: str = TEXT) -> Kind:
    return Kind(_is_text, f"text, such as {example}", role)


def _mapping(example: str, items: Kind) -> Kind:
    return Kind(_is_mapping, f"a mapping from names, such as {example}", items.role, items)


def _count(least: int) -> Kind:
    return Kind(
        _or(_is_text, _is_whole), f"a whole number of at least {least}, or the parameter that holds it", TEXT
    )  # fmt: skip


def _or_none(noun: type) -> Kind:
    return Kind(lambda value: value is None or isinstance(value, noun), f"a {noun.__name__} or None", TEXT)


# What it must be is said, and checked, where it is used.
ELSEWHERE = Kind(lambda value: True)
PARTS = Kind(lambda value: True, role=TEXT)
PROSE = Kind(_is_text, "text for a reader", vital=False)
FLAG = Kind(lambda value: isinstance(value, bool | np.bool_), "True or False", vital=False)
WHOLE = Kind(_is_whole, "a whole number")
YEAR = Kind(_is_whole, "a whole number, such as 2020", vital=False)
NUMBER = Kind(_or(_is_number, _is_text), "a number, or text over parameters", TEXT)
NORM = Kind(_or(_none, _is_number), "a positive number, or None")
BOUND = Kind(
    lambda value: NUMBER.holds(value) and not hasattr(value, "dim"),
    "a plain number, or text over parameters and units, such as '0.5*volt'",
)
RANGE = Kind(_several(NUMBER.holds, tuple), "(rate of silence, highest rate)", TEXT)
VALUES = Kind(_or(_none, _several(_is_number, tuple, list)), "finite numbers, such as (-1, 1)")
TIME = _text("'100*ms', '0' or the name of a parameter")
EQUATIONS = _text("'dx/dt = -x/tau : 1'")
STATEMENTS = _text("'w += eta'")
EXPRESSION = _text("'x*target'")
CONDITION = _text("'overlap > 0.95'")
UNITS = _text("':n' for the first n units")
UNIT = _text("'1' or 'Hz'", WORD)
DRAWS = _mapping("{'x': 'uniform(-1, 1)'}", TIME)
FRAMES = Kind(_or(_is_text, _is_whole), "a whole number of at least 1, such as 'round(T/every)'", TEXT)
NAME = Kind(_is_text, "a name, as text", WORD)
NAME_OR_NONE = Kind(_or(_none, _is_text), "a name, as text, or None", WORD)
NAMES = Kind(_several(_is_text, tuple), "a tuple of names, such as (<given>,)", WORD)
PHASES = Kind(_several(_is_text, tuple), "a tuple of phase names, such as (<given>,)", WORD)
PHASE = Kind(_or(_is_text, _several(_is_text, tuple, list)), "the name of a phase, or a tuple of names", WORD)
EPOCHS = Kind(
    _or(_none, _is_text, _is_whole, _several(_is_whole, tuple)),
    "whole numbers counted from 1, or the parameter that holds them",
    TEXT,
)

FIELDS: dict[type, dict[str, Kind]] = {
    spec.MemoryModel: {
        "name": ELSEWHERE,
        **dict.fromkeys(("parameters", "populations", "projections", "rules", "stimuli", "observables"), PARTS),
        **dict.fromkeys(("protocol", "limits", "choices"), PARTS),
        "reference": Kind(_or_none(spec.Reference).holds, "a Reference or None"),
        "rate_dt": TIME,
        "time_unit": TIME,
        "spiking": _mapping("{'rate_max': 100*Hz}", NUMBER),
        "description": PROSE,
        "varied": FLAG,
        "chosen": _mapping("{'error_on': 'rate'}", Kind(_is_text, "text")),
    },
    spec.Reference: {**dict.fromkeys(("authors", "title", "journal", "doi", "arxiv"), PROSE), "year": YEAR},
    spec.Parameter: {
        "name": ELSEWHERE,
        "value": Kind(lambda value: True, role=TEXT),
        **dict.fromkeys(("meaning", "source"), PROSE),
    },
    spec.Choice: {
        "name": ELSEWHERE,
        "options": Kind(_is_mapping, "the texts of at least two forms, by name", TEXT),
        "default": Kind(_is_text, "the name of an option"),
        **dict.fromkeys(("meaning", "source"), PROSE),
    },
    spec.Stimulus: {
        "name": ELSEWHERE,
        "population": NAME,
        "items": _count(1),
        "draw": TIME,
        "values": VALUES,
        "distinct": FLAG,
        "unit": UNIT,
        "frames": FRAMES,
        "every": TIME,
    },
    spec.Population: {
        "name": ELSEWHERE,
        "equations": EQUATIONS,
        "size": _count(1),
        **dict.fromkeys(("rate", "drive", "transfer"), NAME_OR_NONE),
        "rate_range": RANGE,
        "sequential": _text("'S = sign(h)'"),
        "initial": DRAWS,
    },
    spec.Projection: {
        "name": ELSEWHERE,
        **dict.fromkeys(("source", "target"), NAME),
        "current": _text("'u_post = w*x_pre : 1 (summed)'"),
        "variables": EQUATIONS,
        "initial": DRAWS,
        "row_norm": NORM,
        "self_connections": FLAG,
        **dict.fromkeys(("source_units", "target_units"), UNITS),
    },
    spec.SpikingRule: {
        **dict.fromkeys(("on_pre", "on_post"), STATEMENTS),
        "clocked": EQUATIONS,
        "why": PROSE,
    },
    spec.LearningRule: {
        "name": ELSEWHERE,
        "projection": NAME,
        "continuous": EQUATIONS,
        **dict.fromkeys(("periodic", "episodic"), STATEMENTS),
        "every": TIME,
        "at": PHASES,
        "order": WHOLE,
        "bounds": Kind(_is_mapping, "a mapping from names, such as {'w': (0, 1)}", TEXT),
        **dict.fromkeys(("read", "pairing"), NAME),
        "spiking": _or_none(spec.SpikingRule),
        "equation": PROSE,
    },
    spec.Observable: {
        "name": ELSEWHERE,
        "expression": EXPRESSION,
        **dict.fromkeys(("population", "reduce"), NAME),
        "unit": UNIT,
    },
    spec.Phase: {
        "name": ELSEWHERE,
        "duration": TIME,
        "until": CONDITION,
        "stimuli": NAMES,
        "gates": _mapping("{'plastic': 1}", NUMBER),
        "start": DRAWS,
        "average": TIME,
        "aside": FLAG,
    },
    spec.Each: {
        "phases": PHASE,
        **dict.fromkeys(("items", "repeats"), _count(0)),
        "order": NAME,
        "epochs": EPOCHS,
    },
    spec.Repeat: {"times": _count(0), "body": PARTS},
    spec.Protocol: {"phases": PARTS, "schedule": PARTS},
    spec.Limit: {"condition": _text("'M < 2*N'"), "reason": PROSE},
}
# The fields of a model that hold its parts, with the word for one of them in messages.
TUPLES = {
    "parameters": "parameter",
    "choices": "choice",
    "populations": "population",
    "projections": "projection",
    "rules": "rule",
    "stimuli": "stimulus",
    "observables": "observable",
    "limits": "limit",
}


def kinds_of(noun: Any) -> dict[str, Kind]:
    """Return the kind of each field of a noun."""
    return next(FIELDS[base] for base in type(noun).__mro__ if base in FIELDS)


def inner(where: str, noun: Any) -> Iterator[tuple[str, Any]]:
    """Yield a noun and those that it holds, such as the spiking text of a rule, each with its name in messages."""
    yield where, noun
    if isinstance(noun, spec.LearningRule) and isinstance(noun.spiking, spec.SpikingRule):
        yield f"{where}, spiking text", noun.spiking
    if isinstance(noun, spec.Repeat):
        yield from ((where, each) for each in noun.body)


def parts(model: spec.MemoryModel) -> Iterator[tuple[str, Any]]:
    """Yield every part of a model with its name in messages, the model itself first: ``("rule 'hebb'", rule)``."""
    yield "", model
    if isinstance(model.reference, spec.Reference):
        yield "reference", model.reference
    for field, kind in TUPLES.items():
        for noun in getattr(model, field):
            name = noun.condition if isinstance(noun, spec.Limit) else noun.name
            yield from inner(f"{kind} {name!r}", noun)
    yield from ((f"phase {phase.name!r}", phase) for phase in model.protocol.phases)
    for entry in model.protocol.schedule:
        yield from inner("schedule", entry)


def texts(model: spec.MemoryModel) -> Iterator[tuple[str, str, str]]:
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
