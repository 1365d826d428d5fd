"""Checks of projections: summed currents and synaptic variables."""

from __future__ import annotations

from collections.abc import Mapping

from brian2.core.variables import Variable

from brainmem.errors import closest
from brainmem.model.checks.flags import check_draws, check_shared
from brainmem.model.checks.generated import generated_names
from brainmem.model.checks.place import Place, listed, place_of
from brainmem.model.checks.scope import (
    Scope,
    foreign_hints,
    index,
    pattern_hints,
    shown_unit,
    suffixed,
    time_names,
    tuple_hints,
)
from brainmem.model.checks.text import Entry, ModelText, variable
from brainmem.model.nouns import Projection
from brainmem.model.scalars import single

__all__ = ["check_projections", "check_synaptic", "synapse_scope"]

COUNT = "in the text of synapses, N is the number of synapses. Write N_pre or N_post for the number of units."


def check_projections(text: ModelText) -> None:
    """Check every projection's summed currents and variables."""
    taken: dict[str, str] = {}
    for projection in text.model.projections:
        place = place_of(text.model, "projection", projection.name, projection.current)
        scope = synapse_scope(text, projection)
        for entry in text.sums[projection.name]:
            with text.found:
                _check_target(text, place, projection, entry)
                scope.require(place, entry.expr, entry.dimensions, what=repr(entry.name), line=entry.line)
                _check_single(place, projection, entry, taken)
        _check_variables(text, projection, scope)


def _check_single(place: Place, projection: Projection, entry: Entry, taken: dict[str, str]) -> None:
    onto, base, _ = _onto(projection, entry)
    key = f"{onto}.{base}"
    if key in taken:
        raise place.error(
            f"{base!r} of {onto!r} is summed by projection {taken[key]!r} already, and the later sum would replace the "
            f"earlier. Declare two variables in {onto!r} and add them in an equation.",
            line=entry.line,
        )
    taken[key] = projection.name


def _onto(projection: Projection, entry: Entry) -> tuple[str, str, str]:
    """Return the population that takes a sum, its variable there, and the ending that says so."""
    end = "_pre" if entry.name.endswith("_pre") else "_post"
    return (projection.source if end == "_pre" else projection.target), entry.name.removesuffix(end), end


def _check_target(text: ModelText, place: Place, projection: Projection, entry: Entry) -> None:
    onto, base, _ = _onto(projection, entry)
    if "summed" not in entry.flags or base == entry.name or entry.kind != "subexpression":
        raise place.error(
            "a current is a summed equation onto units of the target, such as 'u_post = w*x_pre : 1 (summed)', or onto "
            "those of the source, 'v_pre = w*y_post : 1 (summed)'.",
            line=entry.line,
        )
    declared = text.neurons[onto]
    slots = [name for name, item in declared.items() if item.kind == "parameter"]
    if base not in slots:
        raise place.error(
            f"{base!r} is not declared to be summed into by population {onto!r}."
            f"{closest(base, slots)} Add the line '{base} : unit' to its equations, without a right-hand side. "
            f"Declared so: {listed(slots)}.",
            line=entry.line,
            about=base,
        )
    if declared[base].dimensions is not entry.dimensions:
        raise place.error(
            f"{entry.name!r} has unit {shown_unit(entry.dimensions)}, but population {onto!r} declares "
            f"{base!r} with unit {shown_unit(declared[base].dimensions)}.",
            line=entry.line,
        )


def _check_variables(text: ModelText, projection: Projection, scope: Scope) -> None:
    place = place_of(text.model, "projection", projection.name, projection.variables)
    rules = {name for rule in text.model.rules for name in text.rules[rule.name] if rule.projection == projection.name}
    for entry in text.synapses[projection.name].values():
        if entry.line and entry.name not in rules:
            with text.found:
                _check_variable(place, projection, entry, scope)


def _check_variable(place: Place, projection: Projection, entry: Entry, scope: Scope) -> None:
    if entry.kind == "differential":
        raise place.error("'dw/dt' is a rule: write it in LearningRule(continuous=...).", line=entry.line)
    if "shared" in entry.flags and entry.name in projection.initial:
        raise place.error(
            f"{entry.name!r} is shared by all synapses, and start values are given for every one of them. Take the "
            f"flag (shared) from {entry.name!r}, or leave it out of initial= and let it start at 0.",
            line=entry.line,
        )
    check_synaptic(place, entry, scope)


def check_synaptic(place: Place, entry: Entry, scope: Scope) -> None:
    """Check an equation of synapses: its flags, and what its right-hand side reads."""
    if "summed" in entry.flags:
        raise place.error("a summed equation belongs in Projection(current=...).", line=entry.line)
    if {"shared", "constant"} <= set(entry.flags):
        raise place.error(
            f"{entry.name!r} is one number that all synapses share and nothing changes: take this line out and "
            f"declare Parameter({entry.name!r}, value), which equations read by its name.",
            line=entry.line,
        )
    if entry.kind != "parameter":
        what = f"d{entry.name}/dt" if entry.kind == "differential" else repr(entry.name)
        scope.require(place, entry.expr, entry.expected, what=what, line=entry.line)
        check_draws(place, entry)
        check_shared(place, entry, scope, those="synapses")


def synapse_scope(text: ModelText, projection: Projection) -> Scope:
    """Return what currents and rules of a projection may read."""
    own = {name: variable(entry) for name, entry in text.synapses[projection.name].items()}
    source, target = text.readable(projection.source), text.readable(projection.target)
    names = {**own, **suffixed(source, "_pre"), **suffixed(target, "_post"), **text.constants, **time_names()}
    names |= text.gates
    ends = {projection.source: source, projection.target: target}
    apart = {name for end, found in ends.items() if not single(text.model.population(end)) for name in found}
    scalars = {name: item for name, item in text.scalars.items() if name not in {*apart, *names}}
    names |= scalars
    names |= {name: index(name) for name in ("i", "j", "N_pre", "N_post")}
    made = {name: f"is used for {what}" for name, what in generated_names(text).items()}
    made |= dict.fromkeys(scalars, "is a number of the whole network, an observable or a variable of a single unit")
    return Scope(names, _hints(text, projection, source, target), made)


def _hints(
    text: ModelText, projection: Projection, source: Mapping[str, Variable], target: Mapping[str, Variable]
) -> dict[str, str]:
    others = [p.name for p in text.model.populations if p.name not in (projection.source, projection.target)]
    joins = f"This projection joins {projection.source!r} and {projection.target!r}."
    hints = pattern_hints(text) | foreign_hints(text, others, joins)
    for name in {**source, **target}:
        forms = [f"{name}_pre"] * (name in source) + [f"{name}_post"] * (name in target)
        hints[name] = f"{name!r} belongs to the units. Write {' or '.join(forms)}."
    hints |= _one_end(projection.source, set(source) - set(target), "_pre", "_post")
    hints |= _one_end(projection.target, set(target) - set(source), "_post", "_pre")
    for name in {**source, **target}:
        said = f"write {name}_pre for the source's unit, {name}_post for the target's."
        hints |= {f"{name}_{index}": said for index in "ij"}
    for name in text.synapses[projection.name]:
        said = f"{name!r} belongs to the synapse. Write {name!r} alone."
        hints |= {f"{name}{end}": said for end in ("_pre", "_post", "_ij", "_ji")}
    for name in text.gates:
        said = f"{name!r} is a gate, one number for the whole network. Write {name!r} alone."
        hints |= {f"{name}{end}": said for end in ("_pre", "_post")}
    for name in text.values:
        hints |= {f"{name}{end}": f"{name!r} is a parameter. Write {name!r} alone." for end in ("_pre", "_post")}
    hints |= {"N": COUNT, "xi": "rules and currents have no noise of their own."}
    return {**hints, **tuple_hints(text)}


def _one_end(owner: str, names: set[str], right: str, wrong: str) -> dict[str, str]:
    """Return hints for names of one end of a projection, written as those of the other."""
    return {f"{n}{wrong}": f"{n!r} belongs to {owner!r} and not to the other end. Write {n}{right}." for n in names}
