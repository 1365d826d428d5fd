"""What each field of a model's parts may hold.

A field that is added to a noun of `brainmem.model.nouns` is checked, read for the names that it uses, and takes the
forms of choices, once it stands in `FIELDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import quoted
from brainmem.model import nouns

__all__ = ["BOUND", "DROP", "FIELDS", "NOTHING", "TEXT", "TIME", "Kind", "kinds_of"]

NOTHING, WORD, TEXT = "nothing", "word", "text"
DROP = object()


def _drop(given: Any) -> Any:
    return DROP


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
    instead : callable
        Returns what stands in for a value of another kind while the rest of the part is checked, or `DROP`, where no
        check of it would make sense.
    """

    holds: Callable[[Any], bool]
    wanted: str = ""
    role: str = NOTHING
    items: Kind | None = None
    instead: Callable[[Any], Any] = _drop

    def slip(self, field: str, given: Any) -> str:
        """Explain a value that is not of this kind, ``""`` for one that is."""
        if not self.holds(given):
            example = repr(given) if isinstance(given, str) else "'name'"
            return f"{field}={quoted(given)} must be {self.wanted.replace('<given>', example)}."
        if self.items is None:
            return ""
        return next(filter(None, (self.items.slip(f"{field}[{key!r}]", item) for key, item in given.items())), "")

    def or_else(self, value: Any) -> Kind:
        """Return this kind with a value that stands in for others."""
        return replace(self, instead=lambda given: value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Tell whether a value is one real number, with or without unit; true and false count as 1 and 0."""
    plain = isinstance(value, int | float | np.bool_ | np.integer | np.floating)
    return plain or (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf")


def _is_truth(value: Any) -> bool:
    """Tell whether a value is true or false, of Python or numpy; a number or a text is neither."""
    return isinstance(value, bool | np.bool_)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value))


def _is_none(value: Any) -> bool:
    return value is None


def _is_anything(value: Any) -> bool:
    return True


def _or(*kinds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(holds(value) for holds in kinds)


def _several(holds: Callable[[Any], bool], *types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types) and all(map(holds, value))


def _alone(given: Any) -> tuple[str, ...]:
    """Return the tuple that was meant by one name."""
    return (given,) if isinstance(given, str) else ()


def _text(example: str, role: str = TEXT) -> Kind:
    return Kind(_is_text, f"text, such as {example}", role)


def _mapping(example: str, items: Kind) -> Kind:
    return Kind(_is_mapping, f"a mapping from names, such as {example}", items.role, items).or_else({})


def _count(least: int) -> Kind:
    wanted = f"a whole number of at least {least}, or the parameter that holds it"
    return Kind(_or(_is_text, _is_whole), wanted, TEXT).or_else(1)


def _noun(kind: type) -> Kind:
    wanted = f"a {kind.__name__} or None"
    return Kind(_or(_is_none, lambda value: isinstance(value, kind)), wanted, TEXT).or_else(None)


ELSEWHERE = Kind(_is_anything)  # what it must be is said where it is checked
PARTS = Kind(_is_anything, role=TEXT)
PROSE = Kind(_is_text, "text for a reader").or_else("")
FLAG = Kind(_is_truth, "True or False").or_else(False)
WHOLE = Kind(_is_whole, "a whole number").or_else(0)
YEAR = Kind(_is_whole, "a whole number, such as 2020").or_else(0)
NUMBER = Kind(_or(_is_number, _is_text), "a number, or text over parameters", TEXT)
NORM = Kind(lambda value: value is None or (_is_number(value) and not _is_truth(value)), "a positive number").or_else(
    None
)
BOUND = Kind(
    lambda value: NUMBER.holds(value) and not hasattr(value, "dim"),
    "a plain number, or text over parameters and units, such as '0.5*volt'",
)
RANGE = Kind(_several(NUMBER.holds, tuple), "(rate of silence, highest rate)", TEXT)
VALUES = Kind(_or(_is_none, _several(_is_number, tuple, list)), "finite numbers, such as (-1, 1)").or_else(None)
ALLOWED = Kind(
    lambda value: _is_mapping(value) and all(item is not None and VALUES.holds(item) for item in value.values()),
    "a mapping from variables to finite numbers, such as {'S': (-1, 1)}",
).or_else({})
TIME = _text("'100*ms', '0' or the name of a parameter")
EQUATIONS = _text("'dx/dt = -x/tau : 1'")
STATEMENTS = _text("'w += eta'")
EXPRESSION = _text("'x*target'")
CONDITION = _text("'overlap > 0.95'")
UNITS = _text("':n' for the first n units").or_else("")
UNIT = _text("'1' or 'Hz'", WORD)
DRAWS = _mapping("{'x': 'uniform(-1, 1)'}", TIME)
BOUNDS = Kind(_is_mapping, "a mapping from names, such as {'w': (0, 1)}", TEXT).or_else({})
FRAMES = Kind(_or(_is_text, _is_whole), "a whole number of at least 1, such as 'round(T/every)'", TEXT)
NAME = Kind(_is_text, "a name, as text", WORD)
NAME_OR_NONE = Kind(_or(_is_none, _is_text), "a name, as text, or None", WORD)
NAMES = Kind(_several(_is_text, tuple), "a tuple of names, such as (<given>,)", WORD, instead=_alone)
PHASES = Kind(
    _several(_is_text, tuple),
    "a tuple of phase names, such as (<given>,)",
    WORD,
    instead=lambda given: _alone(given) or DROP,
)
PHASE = Kind(_or(_is_text, _several(_is_text, tuple, list)), "the name of a phase, or a tuple of names", WORD)
EPOCHS = Kind(
    _or(_is_none, _is_text, _is_whole, _several(_is_whole, tuple)),
    "whole numbers counted from 1, or the parameter that holds them",
    TEXT,
).or_else(None)
NUMBERED = Kind(_or(_is_text, _is_whole), "a whole number of at least 0, or text over parameters and epoch", TEXT)
DRAWN = Kind(_or(_is_none, NUMBERED.holds), f"{NUMBERED.wanted}, or None", TEXT).or_else(None)
RANGED = Kind(
    _or(NUMBERED.holds, lambda value: isinstance(value, tuple) and len(value) == 2 and all(map(NUMBERED.holds, value))),
    f"{NUMBERED.wanted}, or two of these, such as ('epoch - 1', 'epoch')",
    TEXT,
).or_else(1)

FIELDS: dict[type, dict[str, Kind]] = {
    nouns.Model: {
        "name": ELSEWHERE,
        **dict.fromkeys(("parameters", "populations", "projections", "rules"), PARTS),
        **dict.fromkeys(("patterns", "stimuli", "observables", "limits", "choices", "curves"), PARTS),
        **dict.fromkeys(("protocol", "protocols"), PARTS),
        "reference": replace(_noun(nouns.Reference), role=NOTHING),
        "recalled": PARTS,
        "rate_dt": TIME.or_else("0.1*ms"),
        "time_unit": TIME.or_else("1*second"),
        "spiking": _mapping("{'rate_max': 100*Hz}", NUMBER),
        "description": PROSE,
        "varied": FLAG,
        "chosen": _mapping("{'error_on': 'rate'}", Kind(_is_text, "text")),
        "unused": Kind(_several(_is_text, tuple), "a tuple of names").or_else(()),
    },
    nouns.Reference: {**dict.fromkeys(("authors", "title", "journal", "doi", "arxiv"), PROSE), "year": YEAR},
    nouns.Parameter: {"name": ELSEWHERE, "value": PARTS, **dict.fromkeys(("meaning", "source"), PROSE)},
    nouns.Choice: {
        "name": ELSEWHERE,
        "options": Kind(_is_mapping, "the texts of at least two forms, by name", TEXT),
        "default": Kind(_is_text, "the name of an option"),
        **dict.fromkeys(("meaning", "source"), PROSE),
    },
    nouns.Curve: {
        **dict.fromkeys(("name", "x", "y", "zero_at"), ELSEWHERE),
        **dict.fromkeys(("meaning", "source"), PROSE),
    },
    nouns.Pattern: {
        "name": ELSEWHERE,
        "population": NAME,
        "items": _count(1),
        "draw": TIME.or_else("0"),
        "values": VALUES,
        "distinct": FLAG,
        "unit": UNIT,
        "frames": FRAMES,
        "every": TIME,
    },
    nouns.Population: {
        "name": ELSEWHERE,
        "equations": EQUATIONS,
        "size": _count(1),
        **dict.fromkeys(("rate", "drive", "transfer"), NAME_OR_NONE),
        "rate_range": RANGE,
        "sequential": _text("'S = sign(h)'"),
        "initial": DRAWS,
        "values": ALLOWED,
    },
    nouns.Projection: {
        "name": ELSEWHERE,
        **dict.fromkeys(("source", "target"), NAME),
        "current": _text("'u_post = w*x_pre : 1 (summed)'").or_else(""),
        "variables": EQUATIONS.or_else(""),
        "initial": DRAWS,
        "row_norm": NORM,
        "self_connections": FLAG,
        **dict.fromkeys(("source_units", "target_units"), UNITS),
        "delay": TIME.or_else(""),
    },
    nouns.SpikingRule: {
        **dict.fromkeys(("on_pre", "on_post"), STATEMENTS.or_else("")),
        "clocked": EQUATIONS.or_else(""),
        "why": PROSE,
    },
    nouns.LearningRule: {
        "name": ELSEWHERE,
        "projection": NAME,
        "continuous": EQUATIONS,
        **dict.fromkeys(("periodic", "episodic"), STATEMENTS),
        "every": TIME,
        **dict.fromkeys(("at", "during"), PHASES),
        "order": WHOLE,
        "bounds": BOUNDS,
        "read": NAME.or_else("auto"),
        "pairing": NAME.or_else("symmetric"),
        "spiking": _noun(nouns.SpikingRule),
        "equation": PROSE,
    },
    nouns.Observable: {
        "name": ELSEWHERE,
        "expression": EXPRESSION,
        "population": NAME,
        "reduce": NAME.or_else("mean"),
        "unit": UNIT,
        "units": UNITS,
        "during": PHASES,
    },
    nouns.Phase: {
        "name": ELSEWHERE,
        "duration": TIME.or_else("1e9*second"),
        "until": CONDITION.or_else(""),
        "stimuli": NAMES,
        "gates": _mapping("{'plastic': 1}", NUMBER),
        "start": DRAWS,
        **dict.fromkeys(("begin", "end"), _mapping("{'units': 'kept = x'}", _text("'kept = x'"))),
        "average": TIME.or_else(""),
        **dict.fromkeys(("must_end", "restore", "paired"), FLAG),
        "spiking": Kind(
            _or(_is_none, _is_mapping),
            "None, or fields of the phase, such as {'duration': 'T_free', 'until': ''}",
            TEXT,
        ).or_else({}),
    },
    nouns.Each: {
        "phases": PHASE,
        "items": RANGED,
        "repeats": NUMBERED.or_else(1),
        "order": NAME.or_else("fixed"),
        "draws": DRAWN,
        "epochs": EPOCHS,
    },
    nouns.Repeat: {"times": _count(0), "body": PARTS, "until": CONDITION.or_else(""), "must_end": FLAG},
    nouns.Protocol: {"phases": PARTS, "schedule": PARTS, **dict.fromkeys(("name", "whole"), ELSEWHERE)},
    nouns.Recalled: {
        **dict.fromkeys(("phase", "target", "score", "repeats"), NAME),
        **dict.fromkeys(("threshold", "level"), ELSEWHERE),
        "spiking": replace(PARTS, role=WORD),
    },
    nouns.Limit: {"condition": _text("'M < 2*N'"), "reason": PROSE},
}


def kinds_of(noun: Any) -> dict[str, Kind]:
    """Return the kind of each field of a noun."""
    return next(FIELDS[base] for base in type(noun).__mro__ if base in FIELDS)
