"""Checks of a cell of the user's own: its text, names and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.equations.equations import dimensions_and_type_from_string
from brian2.units import Quantity, get_dimensions, have_same_dimensions, second

from brainmem.errors import RuleError, closest, quoted
from brainmem.intake.units import has_unit, without_unit
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.flags import check_draws
from brainmem.model.checks.place import Place, listed
from brainmem.model.checks.reading import entries_at
from brainmem.model.checks.reserved import object_meaning, own_meaning
from brainmem.model.checks.scope import Scope, shown_unit, time_names
from brainmem.model.checks.statements import Statements
from brainmem.model.checks.text import Entry, number, variable
from brainmem.text.draws import draw
from brainmem.text.equations import identifiers, unit_text
from brainmem.text.expression import evaluate

if TYPE_CHECKING:
    from brainmem.model.cell import Cell

__all__ = ["METHODS", "check_cell", "input_unit", "membrane_of", "names_of", "noise_of", "statements_of", "values_of"]

METHODS = ("euler", "exponential_euler", "heun", "milstein", "rk2", "rk4", "exact")
SHARED = {"tau_m": second, "t_ref": second, "sigma_v": 1}  # of the spiking variant, read where a cell has none
FLAGS = {
    "differential": {"unless refractory"},
    "subexpression": {"constant over dt"},
    "parameter": {"constant", "shared"},
}
LONGEST = 40  # letters of a name
# Of an input that is not declared: the first that fits.
UNITS = ("1", "amp", "volt", "siemens", "amp/metre**2", "siemens/metre**2", "volt/second", "hertz", "coulomb", "ohm")


def check_cell(cell: Cell) -> None:
    """Raise `RuleError` for a cell that no program could be made of; all that is wrong with its text at once."""
    _check_kinds(cell)
    place = _place(cell)
    found = Findings()
    values = values_of(cell)
    entries = entries_of(cell, found)
    found.close(place.where)
    for name in {*values, *entries}:
        if reason := own_meaning(name):
            raise place.error(f"the name {name!r} {reason}. Rename it.")
    _check_roles(place, cell, entries, values)
    scope = scope_of(cell, entries, values)
    for entry in entries.values():
        found.passes(_check_entry, _place(cell, "equations", cell.equations), entry, scope)
    found.passes(_check_condition, _place(cell, "threshold"), cell.threshold, scope)
    states = {name: variable(entry) for name, entry in entries.items() if entry.kind != "subexpression"}
    for name in (*values, cell.input):
        states.pop(name, None)
    reset = _place(cell, "reset", statements_of(cell.reset))
    Statements(
        reset, scope, states, at_events=False, owner="the cell", changing="a reset changes the variables of its cell"
    ).changed(found)
    found.passes(_check_refractory, _place(cell, "refractory"), cell.refractory, values.get("refractory"), scope)
    found.close(place.where)
    noise_of(cell)
    _check_initial(place, cell, entries, values)


def _place(cell: Cell, part: str = "", text: str = "") -> Place:
    return Place(f"Cell {cell.name!r}" + (f", {part}" if part else ""), text)


def _check_kinds(cell: Cell) -> None:
    if not isinstance(cell.name, str) or not cell.name.isidentifier() or len(cell.name) > LONGEST:
        raise RuleError(f"Cell(): name={quoted(cell.name)} must be a word of letters, digits and _, such as 'adex'.")
    place = _place(cell)
    if reason := object_meaning(cell.name) or own_meaning(cell.name):
        raise place.error(f"the name {cell.name!r} {reason}. Choose another name.")
    for field in ("equations", "threshold", "reset", "input"):
        if not isinstance(given := getattr(cell, field), str):
            raise place.error(f"{field}={quoted(given)} must be text in Brian2's words.")
    if not isinstance(cell.noise, str | None):
        raise place.error(f"noise={quoted(cell.noise)} must be text, such as the name of a parameter, or None.")
    for field in ("parameters", "initial"):
        given = getattr(cell, field)
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise place.error(f"{field}={quoted(given)} must be a mapping of names to values, such as {{'C': 100*pF}}.")
    if not isinstance(cell.method, str) or cell.method not in METHODS:
        near = closest(str(cell.method), METHODS)
        raise place.error(f"method={quoted(cell.method)} is not allowed; choose one of {', '.join(METHODS)}.{near}")


def values_of(cell: Cell) -> dict[str, Any]:
    """Return the values of a cell's parameters, and of the time for which it is refractory.

    Raises
    ------
    RuleError
        For what is no finite number.
    """
    given = dict(cell.parameters)
    if cell.refractory is not None and not isinstance(cell.refractory, str):
        given["refractory"] = cell.refractory
    done: dict[str, Any] = {}
    todo = dict(given)
    while todo:
        ready = [name for name, value in todo.items() if not (isinstance(value, str) and _reads(value) & set(todo))]
        if not ready:
            raise _place(cell).error(
                f"parameters depend on each other in a circle: {listed(todo)}. Give one of them a number."
            )
        for name in ready:
            done[name] = _value(cell, name, todo.pop(name), done)
    return {name: done[name] for name in given}


def _reads(value: str) -> set[str]:
    return identifiers(value)


def _value(cell: Cell, name: str, given: Any, known: Mapping[str, Any]) -> Any:
    place = _place(cell, f"parameter {name!r}" if name != "refractory" else "refractory")
    value = given
    try:
        if isinstance(given, str):
            value = evaluate(given, known)
        elif has_unit(given) and not isinstance(given, Quantity):
            bare, dimensions = without_unit(given)
            value = Quantity(bare, dim=get_dimensions(evaluate(unit_of(dimensions), {})))
        array = np.asarray(value)
    except (RuleError, ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise place.error(f"{quoted(given)} is no number. {error}") from error
    if isinstance(value, bool | np.bool_) or array.ndim or array.dtype.kind not in "iuf" or not np.isfinite(array):
        raise place.error(f"{quoted(given)} must be one finite number, with its unit, or text over other parameters.")
    return value if isinstance(value, Quantity) and not have_same_dimensions(value, 1) else float(array)


def unit_of(dimensions: Any) -> str:
    """Return Brian2 text for seven exponents of base units."""
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candela")
    return "*".join(f"{name}**{power}" for name, power in zip(names, dimensions, strict=True) if power) or "1"


def entries_of(cell: Cell, found: Findings | None = None) -> dict[str, Entry]:
    """Return the equations of a cell; its input among them, with the unit that fits where none is declared."""
    place = _place(cell, "equations", cell.equations)
    entries, whole = entries_at(place, Findings() if found is None else found, FLAGS)
    read = {name for entry in entries.values() for name in entry.names}
    if not whole or cell.input in {*entries, *cell.parameters} or cell.input not in read:
        return entries
    for unit in UNITS:
        dimensions, _ = dimensions_and_type_from_string(unit)
        tried = {**entries, cell.input: Entry(cell.input, "parameter", unit, dimensions=dimensions)}
        quiet, scope = Findings(), scope_of(cell, tried, values_of(cell))
        if all(quiet.passes(_check_entry, place, entry, scope) for entry in tried.values()):
            return tried
    known = {*scope_of(cell, entries, values_of(cell)).names, cell.input}
    if any(name not in known and not own_meaning(name) for name in read):  # of which the checks of the text tell
        return {**entries, cell.input: Entry(cell.input, "parameter", "1")}
    return entries


def names_of(cell: Cell) -> tuple[str, ...]:
    """Return every name of a cell's own: variables, input, parameters."""
    entries = entries_of(cell)
    return tuple(dict.fromkeys((*entries, cell.input, *values_of(cell))))


def statements_of(reset: str) -> str:
    """Return the statements of a reset, one on each line."""
    return "\n".join(part.strip() for part in reset.replace(";", "\n").splitlines() if part.strip())


def input_unit(cell: Cell) -> str:
    """Return the unit of a cell's input as Brian2 text."""
    entries = entries_of(cell)
    if cell.input in entries:
        return entries[cell.input].unit
    return unit_text(get_dimensions(values_of(cell)[cell.input]))


def _check_roles(place: Place, cell: Cell, entries: Mapping[str, Entry], values: Mapping[str, Any]) -> None:
    for name in set(values) & set(entries):
        if entries[name].kind != "parameter":
            raise place.error(f"{name!r} is an equation and a parameter. Take it out of one of them.")
        if get_dimensions(values[name]) is not entries[name].dimensions:
            raise place.error(
                f"parameter {name!r} = {values[name]!r} must have the unit that the equations declare, "
                f"{shown_unit(entries[name].dimensions)}."
            )
    known = [name for name, entry in entries.items() if entry.kind == "parameter"]
    known += [name for name in values if name not in known and name != "refractory"]
    if cell.input not in known:
        near = closest(cell.input, known)
        raise place.error(
            f"input={cell.input!r} must be the variable through which the drive enters, declared in the equations "
            f"without a right-hand side: '{cell.input or 'I'} : amp' (or another unit).{near} Declared: "
            f"{listed(known)}."
        )
    read = {name for entry in entries.values() for name in identifiers(entry.expr)} | identifiers(cell.threshold)
    if cell.input not in read:
        raise place.error(f"input={cell.input!r} stands in no equation, so that no drive could reach the cell.")
    if not cell.threshold.strip():
        raise _place(cell, "threshold").error("it is empty; write the condition of a spike, such as 'v > V_t'.")


def scope_of(cell: Cell, entries: Mapping[str, Entry], values: Mapping[str, Any]) -> Scope:
    """Return what the texts of a cell may read."""
    names = {name: number(name, get_dimensions(unit), scalar=True) for name, unit in SHARED.items()}
    names |= {name: number(name, get_dimensions(value), scalar=True) for name, value in values.items()}
    names |= {name: variable(entry) for name, entry in entries.items()}
    names |= {**time_names(), "lastspike": number("lastspike", get_dimensions(second))}
    return Scope(names)


def _check_entry(place: Place, entry: Entry, scope: Scope) -> None:
    if entry.kind == "parameter":
        return
    noises = {name for name in entry.names if name == "xi" or name.startswith("xi_")}
    own = Scope({**scope.names, **{name: number(name, get_dimensions(second**-0.5)) for name in noises}})
    if entry.dtype is bool:
        own.require_boolean(place, entry.expr, line=entry.line)
        return
    what = f"d{entry.name}/dt" if entry.kind == "differential" else repr(entry.name)
    own.require(place, entry.expr, entry.expected, what=what, line=entry.line)
    check_draws(place, entry)


def _check_condition(place: Place, text: str, scope: Scope) -> None:
    scope.dimensions(place, text)
    if not scope.is_condition(text):
        raise place.error(f"{text!r} must be a condition, such as 'v > V_t'.")


def _check_refractory(place: Place, given: Any, value: Any, scope: Scope) -> None:
    if given is None or given == "":
        return
    if isinstance(given, str):
        found = scope.dimensions(place, given)
        if scope.is_condition(given):
            return
    else:
        found = get_dimensions(scope.names["refractory"].dim)
    if found is not get_dimensions(second):
        raise place.error(
            f"{quoted(given)} has unit {shown_unit(found)}; it must be a time (2*ms), or a condition that holds while "
            "the cell cannot spike again ('v > -40*mV')."
        )
    if not isinstance(given, str) and float(np.asarray(value)) < 0:
        raise place.error(f"{quoted(given)} must be a time of at least 0.")


def membrane_of(cell: Cell) -> Entry | None:
    """Return the first variable of the threshold that has a differential equation."""
    entries = entries_of(cell)
    read = [entries[name] for name in entries if name in identifiers(cell.threshold)]
    return next((entry for entry in read if entry.kind == "differential"), None)


def noise_of(cell: Cell) -> str:
    """Return the term that `noise` adds to the equation of the membrane, ``""`` for none.

    Raises
    ------
    RuleError
        Where there is noise already, no membrane to add it to, or a unit that does not fit.
    """
    if cell.noise is None:
        return ""
    place, membrane, entries = _place(cell, "noise"), membrane_of(cell), entries_of(cell)
    if membrane is None:
        raise place.error(
            f"noise={cell.noise!r} is added to the equation of the membrane, and no variable of the threshold "
            f"{cell.threshold!r} has one (dv/dt = ...). Write the noise into the equations, with xi, and noise=None."
        )
    if "xi" in identifiers(membrane.expr):
        raise place.error(
            f"noise={cell.noise!r} would be added to d{membrane.name}/dt, which holds noise already, 'xi'. Leave one "
            "of them out; noise=None leaves the equations as they are."
        )
    found = scope_of(cell, entries, values_of(cell)).dimensions(place, cell.noise)
    root = get_dimensions(second**0.5)
    if found is membrane.dimensions:
        return f"({cell.noise})*sqrt(2/tau_m)*xi"
    if found is membrane.dimensions / root:
        return f"({cell.noise})*xi"
    wanted = shown_unit(membrane.dimensions)
    raise place.error(
        f"noise={cell.noise!r} has unit {shown_unit(found)}; it must have that of {membrane.name!r}, {wanted} (a "
        f"standard deviation, scaled with sqrt(2/tau_m)), or {shown_unit(membrane.dimensions / root)}."
    )


def _check_initial(place: Place, cell: Cell, entries: Mapping[str, Entry], values: Mapping[str, Any]) -> None:
    states = {n: e for n, e in entries.items() if e.kind != "subexpression" and n not in values and n != cell.input}
    for name, given in cell.initial.items():
        if name not in states:
            raise place.error(
                f"initial={{{name!r}: ...}} is no variable that could start somewhere.{closest(name, states)} "
                f"Variables: {listed(states)}."
            )
        if isinstance(given, str):
            try:
                draw(given, names=values, rng=np.random.default_rng(0), shape=(2,))
            except RuleError as error:
                raise place.error(f"initial={{{name!r}: {given!r}}}: {error}") from error
        else:
            value = _value(cell, name, given, {})
            if get_dimensions(value) is not states[name].dimensions and float(np.asarray(value)):
                raise place.error(
                    f"initial={{{name!r}: {quoted(given)}}} must have unit {shown_unit(states[name].dimensions)}."
                )
