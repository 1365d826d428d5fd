"""Read a model's equations through Brian2's parser, line by line where it must be, and its parameters."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from brian2.equations.equations import (
    Equations,
    SingleEquation,
    dimensions_and_type_from_string,
)

from brainmem.errors import RuleError
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.flags import FLAGS, check_flags
from brainmem.model.checks.lines import line_power, line_slip, unit_slip
from brainmem.model.checks.place import Place, left_side, listed, place_of
from brainmem.model.checks.text import Entry, ModelText
from brainmem.model.nouns import LearningRule, Model, Observable, Pattern, Population, Projection
from brainmem.model.parameters import circle_error, value_of
from brainmem.text.equations import equation_of, identifiers
from brainmem.text.expression import names_in

__all__ = ["entries_at", "equation_texts", "read_model", "spiking_place"]

# How an equation begins.
_BEGINS = re.compile(r"^[^\W\d]\w*\s*(/\s*dt\s*=|[=:])")


def read_model(model: Model, found: Findings) -> ModelText:
    """Read all equations and parameters of a model; what cannot be read is noted and left out."""
    text = ModelText(model, found, _values(model, found), _units(model, found))
    for item in model.populations:
        text.neurons[item.name] = _neurons(text, item)
    for rule in model.rules:
        clocked = rule.spiking.clocked if rule.spiking else ""
        text.rules[rule.name] = _read(text, rule.name, place_of(model, "rule", rule.name, rule.continuous))
        text.clocked[rule.name] = _read(text, rule.name, spiking_place(model, rule, "clocked", clocked))
    for item in model.projections:
        sums = _read(text, item.name, place_of(model, "projection", item.name, item.current))
        text.sums[item.name] = tuple(sums.values())
        text.synapses[item.name] = _synapses(text, item)
    return text


def spiking_place(model: Model, rule: LearningRule, part: str, given: str) -> Place:
    """Return the place of a part of a rule's spiking text."""
    return place_of(model, f"rule {rule.name!r}, spiking text", part, given)


def _read(text: ModelText, owner: str, place: Place) -> dict[str, Entry]:
    entries, whole = entries_at(place, text.found)
    if not whole:
        text.unread.add(owner)
    return entries


def _values(model: Model, found: Findings) -> dict[str, Any]:
    """Return the parameters' default values, as far as they have one."""
    texts = {item.name: item.value for item in model.parameters}
    values: dict[str, Any] = {}
    for name in _in_order(model, texts, found):
        with found:
            values[name] = value_of(model, name, texts, values)
        if name not in values:
            found.lose(name)
    return {name: values[name] for name in texts if name in values}


def _in_order(model: Model, texts: dict[str, Any], found: Findings) -> list[str]:
    """Return parameters after those that they read, without those that read each other in a circle."""
    reads = {name: _names(value) & set(texts) for name, value in texts.items()}
    while True:
        try:
            return list(TopologicalSorter(reads).static_order())
        except CycleError as error:
            ring = error.args[1][:-1]
            found.note(circle_error(model, texts, ring))
            found.lose(*ring)
            reads = {name: needs - set(ring) for name, needs in reads.items() if name not in ring}


def _names(value: Any) -> set[str]:
    try:
        return names_in(value) if isinstance(value, str) else set()
    except RuleError:  # told when it is evaluated
        return set()


def _read_unit(model: Model, kind: str, item: Pattern | Observable) -> Any:
    """Return the dimensions of an object's `unit` text."""
    try:
        if slip := line_power(item.unit) or _unit_line(item.unit):
            raise ValueError(slip)
        dimensions, dtype = dimensions_and_type_from_string(item.unit)
    except Exception as error:
        raise place_of(model, kind, item.name).error(f"unit={item.unit!r} is no unit: {_reason(error)}") from error
    if dtype != "float":
        raise place_of(model, kind, item.name).error(f"unit={item.unit!r} must be a unit such as '1' or 'Hz'.")
    return dimensions


def _unit_line(unit: str) -> str:
    """Explain a unit that cannot stand in a line of equations."""
    return "" if unit.isprintable() and not set(unit) & set("#:") else "it must be one line without comment."


def _units(model: Model, found: Findings) -> dict[str, Any]:
    """Return the dimensions of patterns, stimuli and observables, as far as their units can be read."""
    units = {}
    items = [(item.kind, item) for item in model.all_patterns] + [("observable", item) for item in model.observables]
    for kind, item in items:
        with found:
            units[item.name] = _read_unit(model, kind, item)
        if item.name not in units:
            found.lose(item.name)
    return units


def entries_at(
    place: Place, found: Findings, flags: Mapping[str, Collection[str]] = FLAGS
) -> tuple[dict[str, Entry], bool]:
    """Return the equations at a place, by name, and whether every line could be read; others are noted.

    `flags` are those allowed, by kind of equation.
    """
    if not place.statements:
        return {}, True
    try:
        if slips := [slip for _, line in equation_texts(place) if (slip := line_power(line))]:
            raise ValueError(slips[0])
        equations, whole = list(Equations(place.text).values()), True
    except Exception as error:
        equations, whole = _read_lines(place, error, found), False
    entries = [_entry(place, equation, found, flags) for equation in equations]
    return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.line)}, whole


def _entry(place: Place, equation: SingleEquation, found: Findings, flags: Mapping[str, Collection[str]]) -> Entry:
    own = equation_of(equation)
    entry = Entry(
        *(getattr(own, item.name) for item in fields(own)),
        dimensions=equation.dim,
        dtype={"boolean": bool, "integer": int}.get(equation.var_type, float),
        line=place.line_of(equation.varname),
    )
    with found:
        check_flags(place, entry, flags)
    return entry


def _read_lines(place: Place, error: Exception, found: Findings) -> list[Any]:
    """Return the equations that can be read one by one, and note the others."""
    read: dict[str, Any] = {}
    noted = len(found.errors)
    for number, line in equation_texts(place):
        try:
            if slip := line_power(line):
                raise ValueError(slip)
            equations = list(Equations(line).values())
        except Exception as wrong:
            found.lose(left_side(line))
            if "cycle" not in str(wrong):
                found.note(place.error(_explained(line, wrong), line=number))
            continue
        for equation in equations:
            if equation.varname in read:
                reason = f"Duplicate definition of variable {equation.varname!r}."
                found.note(place.error(reason, line=number))
            read[equation.varname] = equation
    if "cycle" in str(error):
        found.note(_cycle_error(place))
    if slip := _noise_error(place, read):
        found.note(slip)
    if len(found.errors) == noted:
        found.note(place.error(f"{_reason(error)} The text:\n{place.text.strip()}"))
    return list(read.values())


def _noise_error(place: Place, read: Mapping[str, SingleEquation]) -> RuleError | None:
    """Return the error for several equations that read 'xi', of which Brian2 asks whether it is the same noise."""
    names = [name for name, item in read.items() if item.expr is not None and "xi" in item.expr.identifiers]
    if len(names) < 2:
        return None
    own = " and ".join(f"xi_{name}" for name in names)
    return place.error(
        f"{listed(f'd{name}/dt' for name in names)} hold noise, 'xi', under one name. Write {own} where it is "
        "independent, and one name such as xi_1 in each where it is the same noise.",
        line=place.line_of(names[1]),
    )


def equation_texts(place: Place) -> list[tuple[int, str]]:
    """Return each equation with the number of its first line; one may go on over several lines, up to its unit."""
    texts: list[tuple[int, str]] = []
    for number, line in place.statements:
        if texts and ":" not in texts[-1][1] and not _BEGINS.match(line):
            texts[-1] = (texts[-1][0], f"{texts[-1][1]} {line}")
        else:
            texts.append((number, line))
    return texts


def _explained(line: str, error: Exception) -> str:
    if said := line_power(line) or line_slip(line):
        return said
    if "'xi" in str(error):
        return "this is not a differential equation, and only these can read 'xi', Brian2's noise."
    if "unit spec" in str(error):
        return unit_slip(line) or _reason(error)
    return f"not a Brian2 equation ('dx/dt = ... : unit', 'x = ... : unit' or 'x : unit'). {_reason(error)}"


def _cycle_error(place: Place) -> RuleError:
    """Return the error for equations of one text that read each other in a circle."""
    found = {}
    for number, line in place.statements:
        match = re.match(r"^(\w+)\s*=([^:]*):", line)
        if match:
            found[match[1]] = (place, number, identifiers(match[2]))
    return _circle_error(found) or place.error("equations depend on each other in a circle.")


def _circle_error(defined: Mapping[str, tuple[Place, int, frozenset[str]]]) -> RuleError | None:
    """Return the error for a name that reads itself through others, given where each is defined and what it reads."""
    try:
        tuple(TopologicalSorter({name: reads & set(defined) for name, (_, _, reads) in defined.items()}).static_order())
    except CycleError as error:
        ring = error.args[1]
        place, line, _ = defined[ring[0]]
        return place.error(
            f"the value of {ring[0]!r} depends on itself ({' <- '.join(ring)}). Give one of them a memory, such as "
            f"'d{ring[0]}/dt = ...', or write it without the others.",
            line=line,
        )
    return None


def _reason(error: Exception) -> str:
    text = str(error.msg if isinstance(error, SyntaxError) else error).strip()
    text = re.sub(r"The following base units are allowed:.*", "", text, flags=re.DOTALL)
    text = re.sub(r"Parsing failed:.*?\^\s*", "", text, flags=re.DOTALL)
    return " ".join(text.split()).rstrip(".") + "."


def _neurons(text: ModelText, population: Population) -> dict[str, Entry]:
    place = place_of(text.model, "population", population.name, population.equations)
    entries = _read(text, population.name, place)
    if not place.statements:
        reason = "it has no equations. Write at least one, such as 'dx/dt = -x/tau : 1'."
        text.found.note(place.error(reason))
        text.found.lose(None)
    return entries | _change(text, place, population, entries)


def _change(text: ModelText, place: Place, population: Population, entries: dict[str, Entry]) -> dict[str, Entry]:
    """Return the variable that holds how far a visit moved the state of units that are updated one at a time."""
    state, name = entries.get(population.state), f"{population.state}_change"
    if state is None:
        return {}
    if name in entries:
        reason = f"{name!r} is what the last visit to a unit added to {population.state!r}. Choose another name."
        text.found.note(place.error(reason, line=entries[name].line))
    return {name: replace(state, name=name, line=0)}


def _synapses(text: ModelText, projection: Projection) -> dict[str, Entry]:
    """Collect synaptic variables; each may be defined once."""
    place = place_of(text.model, "projection", projection.name, projection.variables)
    found = _placed(place, _read(text, projection.name, place))
    owner = dict.fromkeys(found, f"the variables of projection {projection.name!r}")
    for rule in (rule for rule in text.model.rules if rule.projection == projection.name):
        place = place_of(text.model, "rule", rule.name, rule.continuous)
        for name, entry in text.rules[rule.name].items():
            if name in found:
                reason = (
                    f"{name!r} is defined already, by {owner[name]}. Define it once: add the terms of two "
                    "rules in one equation, and leave a variable with 'dw/dt' out of the projection's variables."
                )
                text.found.note(place.error(reason, line=entry.line))
            found[name], owner[name] = (place, entry), f"rule {rule.name!r}"
    _check_circles(text, projection, found)
    plain = {name: Entry(name, "parameter", "1") for name in projection.initial}
    return {**plain, **{name: entry for name, (_, entry) in found.items()}}


def _check_circles(text: ModelText, projection: Projection, found: Mapping[str, tuple[Place, Entry]]) -> None:
    """Note equations of several texts of synapses that read each other in a circle."""
    rules = [rule for rule in text.model.rules if rule.projection == projection.name]
    if text.unread & {projection.name, *(rule.name for rule in rules)}:
        return
    sums = {entry.name: entry for entry in text.sums[projection.name]}
    found = {**found, **_placed(place_of(text.model, "projection", projection.name, projection.current), sums)}
    clocked = [(rule, rule.spiking.clocked) for rule in rules if rule.spiking]
    own = [_placed(spiking_place(text.model, r, "clocked", given), text.clocked[r.name]) for r, given in clocked]
    for entries in (found, *({**found, **more} for more in own)):
        defined = {
            name: (place, entry.line, entry.names)
            for name, (place, entry) in entries.items()
            if entry.kind == "subexpression"
        }
        if error := _circle_error(defined):
            text.found.note(error)
            text.unread.add(projection.name)
            return


def _placed(place: Place, entries: Mapping[str, Entry]) -> dict[str, tuple[Place, Entry]]:
    return {name: (place, entry) for name, entry in entries.items()}
