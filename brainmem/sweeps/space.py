"""Read the space in which a model is tuned, and the points of it that a user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.errors import RuleError, closest, quoted
from brainmem.model.choices import check_options
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Model, Parameter
from brainmem.model.parameters import resolve_parameters
from brainmem.model.protocols import check_protocol_name, form_of
from brainmem.model.variants import Variant
from brainmem.sweeps.axes import LOG, SCALES, Axis
from brainmem.sweeps.points import PROTOCOL, choosing, form_at
from brainmem.text.equations import unit_text
from brainmem.translation import translate

__all__ = ["Reader", "read_space", "read_starts"]

_EXAMPLE = "{'eta': (1e-3, 1, 'log'), 'theta': (0, 0.2), 'rule': ['hebb', 'delta']}"


@dataclass(frozen=True)
class Reader:
    """Reads values of parameters as a run would: in one form of a model, where other parameters have given values.

    Attributes
    ----------
    model : MemoryModel
        As given, with all of its forms.
    chosen : MemoryModel
        The form in which parameters are read.
    parameters : tuple of Parameter
        All that a run has, those of cells among them.
    fixed : dict
        What is given for every point; no choices.
    """

    model: MemoryModel
    chosen: Model
    parameters: tuple[Parameter, ...]
    fixed: Mapping[str, Any]

    @classmethod
    def of(cls, model: MemoryModel, variant: Variant, fixed: Mapping[str, Any], space: Mapping[str, Any]) -> Reader:
        """Return a reader for the first of the options that a space lists, and for what is `fixed`."""
        choices = choosing(model)
        listed = {name: space[name][0] for name in choices & space.keys() if space[name] and _is_list(space[name])}
        form = {**listed, **form_at(model, fixed)}
        protocol = form.pop(PROTOCOL, None) if model.protocols else None
        chosen, _ = form_of(model, form, protocol)
        translated = translate(chosen, variant)
        own = {name: value for name, value in fixed.items() if name not in choices}
        return cls(model, translated.model, translated.parameters, {**own, **variant.parameters})

    @property
    def choices(self) -> set[str]:
        """What chooses a form of the model."""
        return choosing(self.model)

    @property
    def names(self) -> list[str]:
        """All that may be tuned."""
        return [*(item.name for item in self.parameters), *sorted(self.choices)]

    def value(self, name: str, given: Any, what: str) -> tuple[Any, str]:
        """Return an option, or a parameter's value in base SI units, and the unit; errors begin with `what`."""
        try:
            return self._value(name, given)
        except RuleError as error:
            raise RuleError(f"{what}: {error}") from error

    def _value(self, name: str, given: Any) -> tuple[Any, str]:
        if name == PROTOCOL and self.model.protocols:
            check_protocol_name(self.model, given)
            return given, "1"
        if name in self.choices:
            check_options(self.model, {name: given})
            return given, "1"
        found = resolve_parameters(self.chosen, {**self.fixed, name: given}, parameters=self.parameters)[name]
        return _plain(found), "1" if isinstance(found, tuple) else unit_text(found)

    def usual(self, name: str) -> Any:
        """Return what a parameter or a choice is when nothing is given."""
        if name == PROTOCOL and self.model.protocols:
            return next(iter(self.model.protocols))
        if name in self.choices:
            return next(item.preset for item in self.model.choices if item.name == name)
        return _plain(resolve_parameters(self.chosen, self.fixed, parameters=self.parameters)[name])

    def check_known(self, names: Sequence[str], known: Sequence[str], what: str) -> None:
        """Raise `RuleError` for a name that is not known."""
        for name in names:
            if name not in known:
                raise RuleError(f"{what} has no {name!r}.{closest(str(name), known)} Known: {', '.join(known)}.")


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | tuple) else float(np.asarray(value))


def _is_list(given: Any) -> bool:
    return isinstance(given, list)


def read_space(space: Mapping[str, Any], reader: Reader) -> tuple[Axis, ...]:
    """Return the axes of ``tune(space=...)``.

    Raises
    ------
    RuleError
        For names that the model lacks, bounds that are none, options that do not exist.
    """
    if not space:
        raise RuleError(f"tune(): space={{}} names nothing to tune. Write for example {_EXAMPLE}.")
    reader.check_known(list(space), reader.names, f"tune(): space: model {reader.model.name!r}")
    for name in space:
        if name in reader.fixed:
            raise RuleError(f"tune(): {name!r} is given twice, in space= and among the parameters. Give it once.")
    return tuple(_axis(name, given, reader) for name, given in space.items())


def _axis(name: str, given: Any, reader: Reader) -> Axis:
    what = f"tune(): space: {name}={quoted(given)}"
    if isinstance(given, list):
        return _listed(name, given, reader, what)
    if name in reader.choices:
        raise RuleError(f"{what} must be a list of options, such as [{reader.usual(name)!r}, ...].")
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise RuleError(f"{what} must be bounds, (low, high) or (low, high, 'log'), or a list. Example: {_EXAMPLE}.")
    scale = given[2] if len(given) == 3 else SCALES[0]
    if not isinstance(scale, str) or scale not in SCALES:
        raise RuleError(f"{what}: the scale {quoted(scale)} must be one of {', '.join(map(repr, SCALES))}.")
    (low, unit), (high, _) = (reader.value(name, bound, what) for bound in given[:2])
    if isinstance(low, tuple):
        raise RuleError(f"{what}: this parameter is several numbers, which have no bounds. List what it may be.")
    if not low < high or not np.isfinite(float(high) - float(low)):
        raise RuleError(f"{what}: the first bound must be below the second, and their difference finite.")
    if scale == LOG and low <= 0:
        raise RuleError(
            f"{what}: on a logarithmic scale both bounds must be above 0. Leave 'log' out, or raise {low:g}."
        )
    return Axis(name, low, high, scale, whole=isinstance(low, int), unit=unit)


def _listed(name: str, given: list[Any], reader: Reader, what: str) -> Axis:
    found = [reader.value(name, item, what) for item in given]
    values = tuple(value for value, _ in found)
    if len(values) < 2 or len(set(values)) < len(values):
        raise RuleError(f"{what} must list at least two values, each once. What holds everywhere goes to parameters=.")
    return Axis(name, 0, len(values), options=values, unit=found[0][1])


def read_starts(starts: Sequence[Mapping[str, Any]], axes: Sequence[Axis], reader: Reader) -> list[tuple[Any, ...]]:
    """Return the values of given points along the axes; what a point leaves out is what the model has.

    Raises
    ------
    RuleError
        For names and values that the space does not have.
    """
    found = []
    for number, start in enumerate(starts):
        what = f"tune(): starts[{number}]={quoted(start)}"
        reader.check_known(list(start), [axis.name for axis in axes], f"{what}: the space")
        found.append(tuple(_on(axis, start, reader, what) for axis in axes))
    return found


def _on(axis: Axis, start: Mapping[str, Any], reader: Reader, what: str) -> Any:
    given = axis.name in start
    value = reader.value(axis.name, start[axis.name], what)[0] if given else reader.usual(axis.name)
    if not axis.allows(value):
        whose = "" if given else ", which the model has where none is given,"
        raise RuleError(f"{what}: {axis.name} = {axis.shown(value)}{whose} is outside its space, {axis}. Widen that.")
    return value
