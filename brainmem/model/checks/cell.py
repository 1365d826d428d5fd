"""Checks of a cell of the user's own: its text, names and units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import get_dimensions, second

from brainmem.errors import RuleError, closest, quoted
from brainmem.model.checks.cell_methods import METHODS, check_method
from brainmem.model.checks.cell_parts import (
    check_entry,
    entries_of,
    noise_of,
    number_of,
    place_in,
    scope_of,
    statements_of,
    values_of,
)
from brainmem.model.checks.draws import check_draw
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.place import Place, listed
from brainmem.model.checks.reading import equation_texts
from brainmem.model.checks.reserved import meaning, object_meaning, own_meaning
from brainmem.model.checks.scope import DRAWS, Scope, shown_unit
from brainmem.model.checks.statements import Statements
from brainmem.model.checks.text import Entry, variable
from brainmem.text.draws import draw
from brainmem.text.equations import identifiers
from brainmem.text.expression import evaluate

if TYPE_CHECKING:
    from brainmem.model.cell import Cell

__all__ = ["check_cell", "check_refractory_time"]

LONGEST = 40  # letters of a name
_DECLARED = re.compile(r"^(?:d(\w+)\s*/\s*dt\s*=|(\w+)\s*[=:])")
NO_TIME = "it must be a time (2*ms), or a condition that holds while the cell cannot spike again ('v > -40*mV')."


def check_cell(cell: Cell) -> None:
    """Raise `RuleError` for a cell that no program could be made of; all that is wrong with its text at once."""
    _check_kinds(cell)
    _check_names(cell)
    place = place_in(cell)
    found = Findings()
    values = values_of(cell)
    entries = entries_of(cell, found)
    found.close(place.where)
    _check_roles(place, cell, entries, values)
    scope = scope_of(cell, entries, values)
    for entry in entries.values():
        found.passes(check_entry, place_in(cell, "equations", cell.equations), entry, scope)
    found.passes(_check_condition, place_in(cell, "threshold"), cell.threshold, scope)
    states = _states(cell, entries, values)
    reset = Statements(
        place_in(cell, "reset", statements_of(cell.reset)),
        scope,
        {name: variable(entry) for name, entry in states.items()},
        owner="the cell",
        changing="a reset changes the variables of its cell",
    )
    changed = reset.changed(found)
    for name, line in reset.local.items():
        if reason := _with_cell(cell, name):
            found.note(reset.place.error(f"the name {name!r} {reason}. Rename it.", line=line))
    found.passes(_check_refractory, cell, entries, values, scope)
    found.close(place.where)
    _check_initial(place, cell, states, values)
    for entry in states.values():
        found.passes(_check_state, place_in(cell, "equations", cell.equations), entry, {*changed, *cell.initial})
    found.close(place.where)
    noise_of(cell)
    check_method(cell)


def _states(cell: Cell, entries: Mapping[str, Entry], values: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the equations and declarations of the variables that hold the state of a cell."""
    others = {*values, cell.input}
    return {name: entry for name, entry in entries.items() if entry.kind != "subexpression" and name not in others}


def _check_kinds(cell: Cell) -> None:
    if not isinstance(cell.name, str) or not cell.name.isidentifier() or len(cell.name) > LONGEST:
        raise RuleError(f"Cell(): name={quoted(cell.name)} must be a word of letters, digits and _, such as 'adex'.")
    place = place_in(cell)
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


def _check_names(cell: Cell) -> None:
    """Refuse names that mean something else, as they stand or with the name of the cell in front."""
    place = place_in(cell, "equations", cell.equations)
    found = Findings()
    for number, name in _declared(place):
        if reason := own_meaning(name, declared=True) or _with_cell(cell, name):
            found.note(place.error(f"the name {name!r} {reason}. Rename it.", line=number))
    place = place_in(cell)
    for name in (*cell.parameters, cell.input):
        if name == "refractory":
            found.note(place.error(f"the name {name!r} is that of a field: give the time, or text, as refractory=."))
        elif name and (reason := own_meaning(name) or _with_cell(cell, name)):
            found.note(place.error(f"the name {name!r} {reason}. Rename it."))
    found.close(place.where)


def _declared(place: Place) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each equation, also of those that cannot be read."""
    for number, line in equation_texts(place):
        if match := _DECLARED.match(line):
            yield number, match[1] or match[2]


def _with_cell(cell: Cell, name: str) -> str:
    """Return why a name cannot have that of its cell in front, ``""`` if it can."""
    full = f"{cell.name}_{name}"
    reason = meaning(full)
    return f"would be {full!r} in the translation, which {reason}" if reason else ""


def _check_roles(place: Place, cell: Cell, entries: Mapping[str, Entry], values: Mapping[str, Any]) -> None:
    for name in (name for name in values if name in entries):
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
    declared = entries.get(cell.input)
    if declared and declared.flags:
        raise place_in(cell, "equations", cell.equations).error(
            f"{cell.input!r} is the input, another number in each cell and step: take out the flag "
            f"({declared.flags[0]}).",
            line=declared.line,
        )
    read = {name for entry in entries.values() for name in identifiers(entry.expr)} | identifiers(cell.threshold)
    if cell.input not in read:
        raise place.error(f"input={cell.input!r} stands in no equation, so that no drive could reach the cell.")
    if not cell.threshold.strip():
        raise place_in(cell, "threshold").error("it is empty; write the condition of a spike, such as 'v > V_t'.")


def _check_condition(place: Place, text: str, scope: Scope) -> None:
    scope.dimensions(place, text)
    if not scope.is_condition(text):
        raise place.error(f"{text!r} must be a condition, such as 'v > V_t'.")


def _check_state(place: Place, entry: Entry, set_: set[str]) -> None:
    """Refuse a declared variable that nothing gives a value, and one that cannot be kept for each cell."""
    if entry.dtype is not float:
        raise place.error(
            f"{entry.name!r} holds the state of a cell, and states are numbers: declare it as '{entry.name} : 1'.",
            line=entry.line,
        )
    if entry.kind != "parameter":
        return
    if entry.name not in set_:
        raise place.error(
            f"{entry.name!r} is declared and has no value. Give it one in parameters={{{entry.name!r}: ...}}; where it "
            f"differs between cells or the reset changes it, in initial={{{entry.name!r}: ...}}; or write an equation.",
            line=entry.line,
        )
    if entry.flags:
        raise place.error(
            f"{entry.name!r} starts in each cell at a value of its own and may change: take out the flag "
            f"({entry.flags[0]}), or give its one value in parameters={{{entry.name!r}: ...}}.",
            line=entry.line,
        )


def _check_refractory(cell: Cell, entries: Mapping[str, Entry], values: Mapping[str, Any], scope: Scope) -> None:
    given, place = cell.refractory, place_in(cell, "refractory")
    if given is None or given == "":
        return
    if not isinstance(given, str):
        found = get_dimensions(values["refractory"])
    else:
        found = scope.dimensions(place, given)
        if drawn := sorted(identifiers(given) & DRAWS):
            raise place.error(
                f"{given!r} draws a number, {drawn[0]}(), which would be another one in every time step. Let the reset "
                "draw it into a variable of the cell."
            )
        if scope.is_condition(given):
            if not identifiers(given) & {*entries, "lastspike"}:
                raise place.error(f"{given!r} holds always or never: it reads no variable of the cell; {NO_TIME}")
            return
    if found is not get_dimensions(second):
        raise place.error(f"{quoted(given)} has unit {shown_unit(found)}; {NO_TIME}")
    check_refractory_time(cell, values)


def check_refractory_time(cell: Cell, values: Mapping[str, Any]) -> None:
    """Raise for a refractory period below 0, where these values of parameters decide it."""
    given = cell.refractory
    if given is None or given == "":
        return
    if isinstance(given, str):
        try:
            time = float(np.asarray(evaluate(given, values)))
        except (RuleError, TypeError, ValueError):  # it reads what differs between cells, or is a condition
            return
    else:
        time = float(np.asarray(values["refractory"]))
    if not 0 <= time < np.inf:
        shown = repr(given) if isinstance(given, str) else str(values["refractory"])
        raise place_in(cell, "refractory").error(f"{shown} is {time:g} s; it must be a time of at least 0, and finite.")


def _check_initial(place: Place, cell: Cell, states: Mapping[str, Entry], values: Mapping[str, Any]) -> None:
    for name, given in cell.initial.items():
        if name not in states:
            raise place.error(
                f"initial={{{name!r}: ...}} is no variable that could start somewhere.{closest(name, states)} "
                f"Variables: {listed(states)}."
            )
        if isinstance(given, str):
            check_draw(place, f"initial={{{name!r}: ...}}: {name}", given, states[name].dimensions, values)
            try:
                draw(given, names=values, rng=np.random.default_rng(0), shape=(2,))
            except RuleError as error:
                raise place.error(f"initial={{{name!r}: {given!r}}}: {error}") from error
        else:
            value = number_of(cell, name, given, {})
            if get_dimensions(value) is not states[name].dimensions and float(np.asarray(value)):
                raise place.error(
                    f"initial={{{name!r}: {quoted(given)}}} must have unit {shown_unit(states[name].dimensions)}."
                )
