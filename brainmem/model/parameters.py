"""Give every parameter of a model its value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, get_unit, have_same_dimensions
from brian2.units.fundamentalunits import get_or_create_dimension

from brainmem.errors import RuleError, closest, quoted
from brainmem.intake.units import has_unit, without_unit
from brainmem.model.curves import curve_functions
from brainmem.model.nouns import Model, Parameter
from brainmem.text.constant import require_value
from brainmem.text.expression import evaluate, names_in

__all__ = ["circle_error", "resolve_parameters", "value_of"]


def resolve_parameters(
    model: Model, overrides: Mapping[str, Any], *, parameters: tuple[Parameter, ...] | None = None
) -> dict[str, Any]:
    """Return the value of every parameter, text evaluated in the order in which parameters depend on each other.

    Parameters
    ----------
    model : MemoryModel
    overrides : mapping of str to number, Quantity, tuple or text
        Values in place of the defaults, of the same unit; text may read other parameters.
    parameters : tuple of Parameter, optional
        In place of ``model.parameters``, when a translation has added its own.

    Returns
    -------
    dict of str to int, float, Quantity or tuple of int
        In the order declared. A parameter whose default is a whole number stays one.

    Raises
    ------
    RuleError
        For unknown names, texts that depend on each other, other units than the default's, values not finite.
    """
    parameters = model.parameters if parameters is None else parameters
    _check_known(model, overrides, parameters)
    defaults = _evaluated(model, {item.name: item.value for item in parameters})
    if not overrides:
        return defaults
    single = {item.name: item.value for item in parameters if not isinstance(defaults[item.name], tuple)}
    given = _evaluated(model, {item.name: overrides.get(item.name, item.value) for item in parameters}, single)
    return {item.name: _like(model, item, given[item.name], defaults[item.name]) for item in parameters}


def _check_known(model: Model, overrides: Mapping[str, Any], parameters: tuple[Parameter, ...]) -> None:
    known = [item.name for item in parameters]
    for name in overrides:
        if name not in known:
            made = f" It is a choice that has been made: {model.chosen[name]!r}." if name in model.chosen else ""
            raise RuleError(
                f"Model {model.name!r} has no parameter {name!r}.{made}{closest(str(name), known)} "
                f"Parameters: {', '.join(known) or 'none'}."
            )


def _evaluated(
    model: Model,
    texts: Mapping[str, Any],
    single: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """Return numbers for texts and numbers; `single` holds the defaults of those that are one number."""
    done: dict[str, Any] = {}
    for name in _ordered(model, texts):
        done[name] = value_of(model, name, texts, done, single)
    return {name: done[name] for name in texts}


def value_of(
    model: Model,
    name: str,
    texts: Mapping[str, Any],
    done: Mapping[str, Any],
    single: Mapping[str, Any] = {},
) -> Any:
    """Return the number that a parameter's text or number stands for; those that it reads are `done`."""
    value = _converted(model, name, texts[name])
    if isinstance(value, str):
        value = _evaluate(model, name, value, texts, done)
        if isinstance(value, bool):
            raise RuleError(
                f"Model {model.name!r}, parameter {name!r}: {texts[name]!r} is true or false and not a number: write "
                f"int({texts[name].strip()}), which is 1 or 0."
            )
    if name in single and _is_several(value):
        raise _several(model, name, texts[name], single[name])
    return _number(model, name, value)


def _converted(model: Model, name: str, value: Any) -> Any:
    """Return quantities of other packages as Brian2's; masked numbers and other values stay."""
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value
    if isinstance(value, Quantity) or not has_unit(value):
        return value
    try:
        number, dimensions = without_unit(value)
    except ValueError as error:
        raise RuleError(f"Model {model.name!r}, parameter {name!r}: {quoted(value)}: {error}.") from error
    return Quantity(number, dim=get_or_create_dimension(list(dimensions)))


def _is_several(value: Any) -> bool:
    return isinstance(value, tuple | list | range | set | frozenset) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )


def _several(model: Model, name: str, given: Any, default: Any) -> RuleError:
    return RuleError(
        f"Model {model.name!r}, parameter {name!r}: {quoted(given)} is not a number: it must be one number, such as "
        f"its default {default!r}. To run the model with several values, use brainmem.sweep(model, "
        f"parameters={{{name!r}: [...]}}, store='folder')."
    )


def _ordered(model: Model, texts: Mapping[str, Any]) -> tuple[str, ...]:
    """Order parameters so that each comes after those its text reads."""
    depends = {name: _reads(model, name, value) & set(texts) for name, value in texts.items()}
    try:
        return tuple(TopologicalSorter(depends).static_order())
    except CycleError as error:
        raise circle_error(model, texts, error.args[1][:-1]) from error


def circle_error(model: Model, texts: Mapping[str, Any], ring: Iterable[str]) -> RuleError:
    """Return the error for parameters that depend on each other."""
    shown = ", ".join(f"{name} = {texts[name]!r}" for name in ring)
    return RuleError(
        f"Model {model.name!r}: parameters depend on each other in a circle: {shown}. Give one of them a number."
    )


def _reads(model: Model, name: str, value: Any) -> set[str]:
    if not isinstance(value, str):
        return set()
    try:
        return names_in(value)
    except RuleError as error:
        raise RuleError(f"Model {model.name!r}, parameter {name!r}: {error}") from error


def _evaluate(model: Model, name: str, text: str, texts: Mapping[str, Any], done: Mapping[str, Any]) -> Any:
    known = {other: done[other] for other in texts if other in done and other != name}
    try:
        require_value(text, known)
        return evaluate(text, {**curve_functions(model.curves), **known})
    except RuleError as error:
        raise RuleError(f"Model {model.name!r}, parameter {name!r}: {error}") from error


def _number(model: Model, name: str, value: Any) -> Any:
    """Return a Python int, float or tuple of int, or a Quantity, after checking that it is finite."""
    what = f"Model {model.name!r}, parameter {name!r}"
    if isinstance(value, tuple | list | range) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return tuple(_whole(what, item) for item in value)
    if isinstance(value, bool | np.bool_):
        raise RuleError(f"{what}: {value!r} is not a number. Write 1 or 0.")
    array = None if np.ma.isMaskedArray(value) else _scalar(value)
    if array is None:
        raise RuleError(f"{what}: {quoted(value)} is not a number, text over parameters, or tuple of whole numbers.")
    if not np.isfinite(array):
        raise RuleError(f"{what}: {value!r} is not finite.")
    if isinstance(value, Quantity) and not have_same_dimensions(value, 1):
        return value
    return int(array) if array.dtype.kind in "iu" else float(array)


def _scalar(value: Any) -> np.ndarray | None:
    """Return a real number as an array without axes, None for anything else."""
    try:
        array = np.asarray(value)
    except Exception:  # a list of lists of unequal length; a foreign object decides what its conversion raises
        return None
    return None if array.ndim or array.dtype.kind not in "iuf" else array


def _whole(what: str, value: Any) -> int:
    array = None if isinstance(value, Quantity) and not have_same_dimensions(value, 1) else _scalar(value)
    if array is None or float(array) != np.floor(array) or not np.isfinite(array):
        raise RuleError(f"{what}: {quoted(value)} must be a whole number.")
    return int(array)


def _like(model: Model, item: Parameter, value: Any, default: Any) -> Any:
    """Return a value given by the user as the kind of number that the default is."""
    what = f"Model {model.name!r}, parameter {item.name!r}"
    if isinstance(default, tuple):
        return value if isinstance(value, tuple) else (_whole(what, value),)
    if isinstance(value, tuple):
        raise RuleError(f"{what}: {value!r} must be one number, such as its default {item.value!r}.")
    if not have_same_dimensions(value, default):
        raise RuleError(f"{what}: {_shown(value)} must have the unit of its default {item.value!r}{_unit(default)}.")
    if isinstance(item.value, int | np.integer):
        return _integer(what, value, item.value)
    return float(value) if isinstance(default, float) and isinstance(value, int) else value


def _integer(what: str, value: Any, default: int | np.integer) -> int:
    if float(value) != np.floor(value):
        raise RuleError(
            f"{what}: {value!r} must be a whole number, as its default {default!r} is. "
            f"Where fractions make sense, declare the default as {float(default)!r}."
        )
    return int(value)


def _shown(value: Any) -> str:
    return f"{value!r} (no unit)" if have_same_dimensions(value, 1) else repr(value)


def _unit(default: Any) -> str:
    if have_same_dimensions(default, 1):
        return " (no unit)"
    return f" ({get_unit(get_dimensions(default))!s})"
