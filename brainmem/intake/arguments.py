"""Check the arguments of public functions: each holds what it is meant for, or is refused before anything else is done.

``@takes(RuleError, seed=SEED, progress=CALLABLE)`` stands above a function; a value of another kind is refused with the
function, the argument, the value and what is allowed.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from brainmem.errors import BrainmemError, closest, quoted
from brainmem.intake.numbers import read_number, read_whole, take
from brainmem.intake.units import NO_UNIT, SECONDS, Dimensions

__all__ = [
    "ANYTHING",
    "ARRAY",
    "CALLABLE",
    "DEVICE",
    "EPOCHS",
    "FLAG",
    "INTEGER",
    "MAPPING",
    "NAMES",
    "NUMBER",
    "PATH",
    "RESULT",
    "RESULTS",
    "SEED",
    "SEEDS",
    "SPAN",
    "TEXT",
    "TRIALS",
    "WHOLE",
    "Kind",
    "a",
    "count",
    "either",
    "instance",
    "number",
    "one_of",
    "optional",
    "seeds_of",
    "several",
    "takes",
]

MOST_SEEDS = 100_000  # that a number may stand for
LONGEST_NAME = 255  # bytes of a file's name
F = TypeVar("F", bound=Callable[..., Any])
Read = Callable[[str, Any, type[BrainmemError]], Any]


@dataclass(frozen=True)
class Kind:
    """What an argument may hold: `read` returns the value to use, or raises the error for another."""

    read: Read


def takes(error: type[BrainmemError], **kinds: Kind) -> Callable[[F], F]:
    """Return a decorator that reads the arguments named by their kinds, and refuses others with `error`."""

    def wrap(function: F) -> F:
        signature = inspect.signature(function)
        label = f"{function.__qualname__}()"
        rest = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD), None)
        for name in kinds:
            if name not in signature.parameters and rest is None:
                raise TypeError(f"{label} has no argument {name!r}")

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            bound = _bound(label, signature, args, kwargs)
            for name, kind in kinds.items():
                held = bound.arguments if name in bound.arguments else bound.arguments.get(rest or "", {})
                if name in held:
                    held[name] = kind.read(f"{label}: {name}={quoted(held[name])}", held[name], error)
            if rest is not None:
                _refuse_unknown(label, bound.arguments.get(rest, {}), [*kinds, *signature.parameters], rest, error)
            try:
                return function(*bound.args, **bound.kwargs)
            except MemoryError as reason:
                raise error(
                    f"{label}: the memory of this machine does not hold what was asked for ({reason})."
                ) from reason

        checked.__dict__["takes"] = kinds
        return cast(F, checked)

    return wrap


def _bound(label: str, signature: inspect.Signature, args: tuple, kwargs: dict[str, Any]) -> inspect.BoundArguments:
    """Return the arguments of a call by name; a `TypeError`, as of any function in Python, names the function too."""
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as reason:
        names = list(signature.parameters)
        for name in kwargs:
            if name not in names:
                raise TypeError(_unknown(label, name, names)) from None
        raise TypeError(f"{label}: {reason}. Its arguments are {', '.join(names)}.") from None


def _unknown(label: str, name: str, names: list[str]) -> str:
    return f"{label} has no argument {name!r}.{closest(name, names)} Its arguments are {', '.join(names)}."


def _refuse_unknown(
    label: str, given: Mapping[str, Any], known: list[str], rest: str, error: type[BrainmemError]
) -> None:
    names = list(dict.fromkeys(name for name in known if name != rest))
    for name in given:
        if name not in names:
            raise error(_unknown(label, name, names))


def a(wanted: str, holds: Callable[[Any], bool]) -> Kind:
    """Return the kind of values for which `holds` is true; `wanted` says in the message what these are."""

    def read(what: str, given: Any, error: type[BrainmemError]) -> Any:
        if not holds(given):
            raise error(f"{what} must be {wanted}.")
        return given

    return Kind(read)


def optional(kind: Kind) -> Kind:
    """Return the kind that allows None beside `kind`."""
    return Kind(lambda what, given, error: None if given is None else kind.read(what, given, error))


def either(first: Kind, other: Kind) -> Kind:
    """Return the kind of what one of two kinds allows; messages are those of the first."""

    def read(what: str, given: Any, error: type[BrainmemError]) -> Any:
        try:
            return other.read(what, given, error)
        except error:
            return first.read(what, given, error)

    return Kind(read)


def one_of(*options: Any) -> Kind:
    """Return the kind of a value that is one of some."""

    def read(what: str, given: Any, error: type[BrainmemError]) -> Any:
        if not isinstance(given, str | int | None) or isinstance(given, bool) or given not in options:
            near = closest(given, [item for item in options if isinstance(item, str)]) if isinstance(given, str) else ""
            raise error(f"{what} is not allowed; choose one of {', '.join(map(repr, options))}.{near}")
        return str(given) if isinstance(given, str) else given

    return Kind(read)


def count(least: int = 0) -> Kind:
    """Return the kind of whole numbers from `least` on."""
    return Kind(lambda what, given, error: read_whole(given, what=what, error=error, least=least))


def number(dimensions: Dimensions = NO_UNIT, *, infinite: bool = False) -> Kind:
    """Return the kind of single numbers, of which quantities are converted to base SI units."""

    def read(what: str, given: Any, error: type[BrainmemError]) -> Any:
        if infinite and isinstance(given, float) and np.isinf(given):
            return given
        return read_number(given, what=what, error=error, dimensions=dimensions)

    return Kind(read)


def instance(wanted: str, *types: type) -> Kind:
    """Return the kind of objects of some classes."""
    return a(wanted, lambda given: isinstance(given, types))


def several(wanted: str, holds: Callable[[Any], bool], *, alone: bool = False) -> Kind:
    """Return the kind of lists and tuples of values for which `holds` is true, which are read as tuples."""

    def read(what: str, given: Any, error: type[BrainmemError]) -> Any:
        if alone and holds(given):
            return given
        items, wrong = _items(given)
        if wrong or not all(map(holds, items)):
            raise error(f"{what} must be {wanted}.")
        return items

    return Kind(read)


def _items(given: Any) -> tuple[tuple[Any, ...], bool]:
    """Return the entries of a list of any kind, and whether a value is none."""
    if isinstance(given, str | bytes | Mapping | Path) or not isinstance(given, Iterable):
        return (), True
    try:
        return tuple(given), False
    except Exception:  # a foreign object decides what its iteration raises
        return (), True


def _is_text(given: Any) -> bool:
    """Tell whether a value is text that a file can hold: half a character (a surrogate) cannot be written."""
    return isinstance(given, str) and not any("\ud800" <= sign <= "\udfff" for sign in given)


def _is_path(given: Any) -> bool:
    if not isinstance(given, str | os.PathLike) or isinstance(os.fspath(given), bytes):
        return False
    return bool(os.fspath(given).strip())


def _read_path(what: str, given: Any, error: type[BrainmemError]) -> Any:
    if not _is_path(given):
        raise error(f"{what} must be the path of a file or folder, as text or Path.")
    text = os.fspath(given)
    try:
        length = len(os.fsencode(Path(text).name))
    except UnicodeEncodeError:
        raise error(f"{what} cannot be the path of a file: it holds half a character. Choose another.") from None
    if "\0" in text:
        raise error(f"{what} cannot be the path of a file: it holds a zero byte. Choose another.")
    if length > LONGEST_NAME:
        raise error(f"{what}: The name is too long: {length} bytes, of at most {LONGEST_NAME}. Give a shorter one.")
    return given


def _read_seeds(what: str, given: Any, error: type[BrainmemError]) -> tuple[int, ...]:
    """Return the seeds, each once; a number stands for as many."""
    wrong = isinstance(given, bool | str | bytes | Mapping)
    whole = _is_whole(given)
    seeds = range(int(given)) if whole and given <= MOST_SEEDS else _items(given)[0]
    seeds = tuple(seeds)
    if wrong or not seeds or not all(_is_seed(item) for item in seeds):
        raise error(f"{what}: give how many (1 or more), or whole numbers of at least 0.")
    return tuple(dict.fromkeys(int(item) for item in seeds))


def seeds_of(given: int | Iterable[int]) -> tuple[int, ...]:
    """Return the seeds that a number stands for, which a default may be, or those that are listed."""
    return tuple(range(given)) if isinstance(given, int) else tuple(given)


def _is_seed(given: Any) -> bool:
    return _is_whole(given) and 0 <= given < 2**63


def _is_whole(given: Any) -> bool:
    return isinstance(given, int | np.integer) and not isinstance(given, bool | np.timedelta64)


def _are_epochs(given: Any) -> bool:
    array = type(given) is np.ndarray and given.ndim == 1
    several = array or isinstance(given, list | tuple | range | set | frozenset)
    return _is_whole(given) or (several and all(map(_is_whole, given)))


def _is_device(given: Any) -> bool:
    return isinstance(given, str) or (hasattr(given, "kernels") and hasattr(given, "threads"))


def _is_result(given: Any) -> bool:
    return hasattr(given, "require_complete") and hasattr(given, "data") and not isinstance(given, type)


def _is_mapping(given: Any) -> bool:
    return isinstance(given, Mapping) and all(isinstance(name, str) for name in given)


def _read_trials(what: str, given: Any, error: type[BrainmemError]) -> Any:
    if isinstance(given, str):
        if given != "items":
            raise error(f"{what} must be a whole number of at least 1, or 'items', a trial for each item.")
        return given
    return read_whole(given, what=what, error=error, least=1)


def _read_array(what: str, given: Any, error: type[BrainmemError]) -> Any:
    try:
        take(given)
    except ValueError as reason:
        raise error(f"{what} must be an array of numbers: {reason}.") from reason.__cause__
    return given


ANYTHING = Kind(lambda what, given, error: given)  # what it must be is said where it is read
ARRAY = Kind(_read_array)
FLAG = a("True or False", lambda given: isinstance(given, bool | np.bool_))
DEVICE = a("a Device, or the name of one", _is_device)
EPOCHS = a("an epoch, or several: whole numbers from 0", _are_epochs)
INTEGER = a("a whole number", _is_whole)
TEXT = a("text", _is_text)
PATH = Kind(_read_path)
CALLABLE = a("a function", callable)
MAPPING = a("a mapping from names to values, such as {'name': value}", _is_mapping)
NAMES = several("a tuple of names, such as ('weights',)", lambda item: isinstance(item, str))
SEEDS = Kind(_read_seeds)
SEED = Kind(lambda what, given, error: read_whole(given, what=what, error=error, most=None))
TRIALS = Kind(_read_trials)
WHOLE = count(1)
NUMBER = number()
SPAN = number(SECONDS)
RESULT = a("a Result, as simulate() and Result.load() return", _is_result)
RESULTS = several(
    "a Result, or a list of Results, as simulate() returns; load files with Result.load()", _is_result, alone=True
)
