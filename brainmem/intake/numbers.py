"""Turn whatever a user gives for numbers into a float array with unit and labels, or refuse it.

Every array and every number of a user comes in here: patterns, weights, start values, parameters, times, recordings.
Units are converted or refused, masks become NaN, names of axes are obeyed; text, complex numbers, sparse and ragged
arrays are refused with what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.errors import BrainmemError, RuleError, quoted
from brainmem.intake.labels import in_order, is_frame, labels_of
from brainmem.intake.units import NO_UNIT, Dimensions, has_unit, unit_name, without_unit

__all__ = ["Numbers", "Refused", "check_finite", "read_array", "read_number", "read_whole", "take"]

LARGEST = 10**10  # entries; a longer list would be read for hours
LARGEST_WHOLE = 2**63 - 1  # that files and C++ hold


class Refused(ValueError):
    """Why a value is not taken for numbers; the message goes on a sentence that names what it was given for."""


@dataclass(frozen=True)
class Numbers:
    """What a value holds: floats, NaN where it has no value.

    Attributes
    ----------
    values : float array
        In base SI units.
    dimensions : tuple of float, optional
        Exponents of the seven base units; None for plain numbers.
    axes : tuple of str
        Names of the axes; empty where they have none.
    """

    values: np.ndarray
    dimensions: Dimensions | None = None
    axes: tuple[str, ...] = ()


def take(given: Any) -> Numbers:
    """Return the numbers of a value of any kind.

    Raises
    ------
    Refused
        For what holds no real numbers.
    """
    try:
        return _taken(given)
    except Refused:
        raise
    except MemoryError as error:
        raise Refused(f"{_kind(given)} is too large for the memory of this machine") from error
    except Exception as error:  # a foreign object decides what its conversion raises
        raise Refused(f"{_kind(given)} cannot be read as numbers: {' '.join(str(error).split())[:200]}") from error


def read_array(
    given: Any,
    *,
    what: str,
    error: type[BrainmemError] = RuleError,
    axes: Sequence[str] = (),
    dimensions: Dimensions | None = None,
) -> np.ndarray:
    """Return a value as a float array, its named axes in the order of `axes`.

    Parameters
    ----------
    given : anything
    what : str
        What it was given for, the beginning of the message.
    error : type
        Of the exception that refuses it.
    axes : sequence of str
        Names that axes may have, in the order wanted; those of arrays without names are trusted.
    dimensions : tuple of float, optional
        Of the unit that quantities must have; any when not given. Plain numbers are base SI units.
    """
    try:
        found = take(given)
        if dimensions is not None:
            _check_dimensions(given, found, dimensions)
        return _ordered(given, found, axes)
    except ValueError as reason:
        raise error(f"{what}: expected an array of numbers; {reason}.") from reason.__cause__


def _ordered(given: Any, found: Numbers, axes: Sequence[str]) -> np.ndarray:
    """Return numbers with their named axes in order; names of a table of pandas may be any."""
    if not (found.axes and axes):
        return found.values
    try:
        return in_order(found.values, found.axes, axes)
    except ValueError:
        if is_frame(given):
            return found.values
        raise


def read_number(
    given: Any,
    *,
    what: str,
    error: type[BrainmemError] = RuleError,
    dimensions: Dimensions = NO_UNIT,
) -> float:
    """Return one finite number in base SI units; true and false are none."""
    if isinstance(given, bool | np.bool_):
        raise error(f"{what} must be a number{_got(what, given)}.")
    try:
        found = take(given)
        if found.values.ndim:
            raise Refused(f"{quoted(given)} is no single number")
        _check_dimensions(given, found, dimensions)
    except ValueError as reason:
        raise error(f"{what} must be a number{_in_unit(dimensions)}: {reason}.") from reason.__cause__
    number = float(found.values)
    if not np.isfinite(number):
        raise error(f"{what} must be a finite number{_in_unit(dimensions)}{_got(what, given)}.")
    return number


def read_whole(
    given: Any, *, what: str, error: type[BrainmemError] = RuleError, least: int = 0, most: int | None = LARGEST_WHOLE
) -> int:
    """Return a whole number of at least `least`, of Python or numpy."""
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool | np.timedelta64)
    if isinstance(given, np.ndarray) and given.ndim == 0 and given.dtype.kind in "iu" and not has_unit(given):
        whole = True
    if not whole or int(given) < least:
        raise error(f"{what} must be a whole number of at least {least}{_got(what, given)}.")
    if most is not None and int(given) > most:
        raise error(f"{what} is too large{_got(what, given)}: the largest allowed is {most}.")
    return int(given)


def check_finite(values: np.ndarray, *, what: str, axes: Sequence[str] = (), error: type[BrainmemError]) -> None:
    """Refuse an array that holds NaN (also of a mask) or infinity, and say where the first stands."""
    bad = np.argwhere(~np.isfinite(values))
    if not len(bad):
        return
    first = tuple(int(k) for k in bad[0])
    names = axes if len(axes) == len(first) else [f"axis {k}" for k in range(len(first))]
    place = ", ".join(f"{name} {k}" for name, k in zip(names, first, strict=True))
    raise error(
        f"{what}: {len(bad)} values are not finite (NaN, masked or infinite), the first ({values[first]}) in {place}. "
        "Fill or drop these rows first."
    )


def _taken(given: Any) -> Numbers:
    if isinstance(given, np.ma.MaskedArray):
        inner = _taken(np.ma.getdata(given))
        return Numbers(np.where(np.ma.getmaskarray(given), np.nan, inner.values), inner.dimensions)
    if has_unit(given):
        values, dimensions = without_unit(given)
        found = _taken(values)
        return Numbers(found.values, dimensions)
    _refuse_others(given)
    labelled = labels_of(given)
    if labelled is not None:
        found = _taken(labelled[0])
        return Numbers(found.values, found.dimensions, labelled[1])
    if isinstance(given, list | tuple | range):
        return _of_list(given)
    return _of_array(np.asarray(given), given)


def _refuse_others(given: Any) -> None:
    """Refuse what numpy would take for an object, or for something else than it is."""
    if isinstance(given, str | bytes | bytearray):
        raise Refused(f"{quoted(given)} is not a number but text")
    if isinstance(given, complex | np.complexfloating):
        raise Refused(f"{given!r} is complex: take its real part, .real")
    if hasattr(given, "toarray") and hasattr(given, "nnz"):
        raise Refused(f"{_kind(given)} is sparse: give its .toarray()")
    if hasattr(given, "data_vars"):
        raise Refused(f"{_kind(given)} holds several arrays ({', '.join(map(str, given.data_vars))}): give one of them")
    wrong = isinstance(given, Mapping | set | frozenset | type) or callable(given) or hasattr(given, "__next__")
    if given is None or wrong:
        raise Refused(f"{quoted(given)} is no array of numbers")


def _of_list(given: Sequence[Any]) -> Numbers:
    if len(given) > LARGEST:
        raise Refused(f"{quoted(given)} holds {len(given)} entries, more than can be read")
    if isinstance(given, range) or not any(map(_is_special, given)):
        return _of_array(_stacked(given), given)
    parts = [_of_missing(item) if _is_missing(item) else _taken(item) for item in given]
    units = {part.dimensions for part in parts if part.dimensions is not None}
    plain = any(part.dimensions is None and np.isfinite(part.values).any() for part in parts)
    if len(units) > 1 or (units and plain and units != {NO_UNIT}):
        named = sorted({unit_name(unit) for unit in units} | ({"no unit"} if plain else set()))
        raise Refused(f"{quoted(given)} mixes units ({', '.join(named)})")
    return Numbers(_stacked([part.values for part in parts]), next(iter(units), None))


def _stacked(given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError as error:
        raise Refused(f"{quoted(given)} is ragged: its rows have different lengths") from error


def _is_special(item: Any) -> bool:
    """Tell whether an entry of a list is more than a plain number, so that numpy would drop something of it."""
    if isinstance(item, list | tuple):
        return any(map(_is_special, item))
    return not (isinstance(item, bool | int | float) or type(item) is np.ndarray or _is_plain(item))


def _is_plain(item: Any) -> bool:
    return isinstance(item, np.bool_ | np.integer | np.floating) and not has_unit(item)


def _is_missing(item: Any) -> bool:
    return item is None or type(item).__name__ in ("NAType", "NaTType")


def _of_missing(item: Any) -> Numbers:
    return Numbers(np.asarray(np.nan))


def _of_array(array: np.ndarray, given: Any) -> Numbers:
    if array.dtype.kind in "biuf":
        with np.errstate(over="ignore"):
            return Numbers(array.astype(float))
    if array.dtype.kind == "m":
        return _taken(array)
    if array.dtype.kind == "c":
        raise Refused(f"{_kind(given)} is complex: take its real part, .real")
    if array.dtype.kind in "US":
        first = array.ravel()[0] if array.size else ""
        raise Refused(f"{_kind(given)} holds text, the first {str(first)!r}: convert it, for example .astype(float)")
    if array.dtype.kind == "M":
        raise Refused(f"{_kind(given)} holds dates: subtract the first, t - t[0]")
    if array.dtype.names:
        raise Refused(f"{_kind(given)} has fields ({', '.join(array.dtype.names)}): give the array of one of them")
    if array.dtype.kind == "O" and array.ndim:
        found = _of_list(
            [item.item() if isinstance(item, np.ndarray) and not item.ndim else item for item in array.flat]
        )
        if found.values.shape != (array.size,):
            raise Refused(f"{_kind(given)} holds arrays of several lengths, or other objects")
        return Numbers(found.values.reshape(array.shape), found.dimensions)
    raise Refused(f"{_kind(given)} is no array of numbers")


def _check_dimensions(given: Any, found: Numbers, wanted: Dimensions) -> None:
    if found.dimensions is not None and not np.allclose(found.dimensions, wanted):
        raise Refused(f"{quoted(given)} has the unit {unit_name(found.dimensions)}, and {unit_name(wanted)} is wanted")


def _got(what: str, given: Any) -> str:
    return "" if what.endswith(quoted(given)) else f", got {quoted(given)}"


def _in_unit(dimensions: Dimensions) -> str:
    return "" if dimensions == NO_UNIT else f" in {unit_name(dimensions)}"


def _kind(given: Any) -> str:
    name = type(given).__name__
    shape = getattr(given, "shape", None)
    return f"{name} of shape {tuple(shape)}" if isinstance(shape, tuple) and shape else quoted(given)
