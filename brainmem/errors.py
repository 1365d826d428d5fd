"""The errors that brainmem raises, and the one sentence form they share."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import Any

__all__ = [
    "BrainmemError",
    "DeviceError",
    "ModelNotFoundError",
    "ResultError",
    "RuleError",
    "TranslationError",
    "closest",
    "number_of",
    "plain_tracebacks",
    "quoted",
]

LONGEST = 60  # characters of a value that a message quotes


class BrainmemError(Exception):
    """Base class: catch this to catch every error that brainmem raises on purpose."""


class RuleError(BrainmemError):
    """A model's text is wrong: syntax, names, units, parameters.

    Attributes
    ----------
    errors : tuple of RuleError
        The single errors where a model has several, which one message lists; else empty.
    about : str
        The name that the error says is unknown or of another kind, if it is about one.
    """

    def __init__(self, message: str, *, errors: Iterable[RuleError] = (), about: str = "") -> None:
        super().__init__(message)
        self.errors, self.about = tuple(errors), about


class TranslationError(BrainmemError):
    """A correct model cannot be lowered to the variant asked for."""


class DeviceError(BrainmemError):
    """A device cannot compile or run what it was given, or its run went wrong."""


class ModelNotFoundError(BrainmemError):
    """No model of that name stands in the registry."""


class ResultError(BrainmemError):
    """A result cannot be read, written, or used for what was asked; `result` is that of a run that has ended."""

    result: Any = None


def plain_tracebacks() -> None:
    """Let Python show errors that nobody catches as it does without Brian2, which asks to report them as its own.

    Call it where Brian2 has been imported, which puts a hook of its own in place.
    """
    hook = getattr(sys.modules.get("brian2.utils.logger"), "brian_excepthook", None)
    if hook is not None and sys.excepthook is hook:
        sys.excepthook = sys.__excepthook__


def number_of(count: int, noun: str, several: str = "") -> str:
    """Return how many there are of something, in words that fit.

    >>> number_of(1, "unit"), number_of(3, "unit"), number_of(2, "value is", "values are")
    ('1 unit', '3 units', '2 values are')
    """
    return f"{count} {noun if count == 1 else several or noun + 's'}"


def closest(name: str, allowed: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the allowed name nearest to `name`, or ``""``."""
    names = list(allowed)
    same = [known for known in names if known.lower() == name.lower()]
    near = same or difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def quoted(value: Any) -> str:
    """Return a value as a message quotes it: on one line, and cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
