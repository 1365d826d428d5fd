"""Checks of populations whose units are updated one at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from brainmem.errors import closest
from brainmem.model.checks.neurons import neuron_scope
from brainmem.model.checks.place import Place, listed, place_of
from brainmem.model.checks.scope import Scope
from brainmem.model.checks.text import ModelText
from brainmem.model.nouns import Population, Projection
from brainmem.model.visits import change_of, expanded, swept_sums, whole_sign
from brainmem.text.equations import identifiers, read_equations

__all__ = ["check_sequential"]

TIMELESS = {
    "t": "all visits of a sweep happen at one time. Let a gate or a stimulus of the protocol change between phases.",
    "elapsed": "all visits of a sweep happen at one time. Let a gate or a stimulus change between phases.",
    "i": "the statement is the same for every unit. Declare a parameter of the units and set it by initial=.",
}


def check_sequential(text: ModelText) -> None:
    """Check the statements of visits, and that every sum can follow them."""
    for population in text.model.populations:
        if population.sequential and not text.unread & _joined(text, population):
            place = place_of(text.model, "population", population.name, population.sequential)
            for check in (_check_statement, _check_sums, _check_stored):
                text.found.passes(check, text, place, population)


def _joined(text: ModelText, population: Population) -> set[str]:
    """Return the names of a population and of the projections from it to itself."""
    own = (item for item in text.model.projections if item.source == item.target == population.name)
    return {population.name, *(item.name for item in own)}


def _check_statement(text: ModelText, place: Place, population: Population) -> None:
    entries = text.neurons[population.name]
    expr = _value(place, population)
    state = entries.get(population.state)
    settable = [name for name, item in entries.items() if item.kind == "parameter" and name != change_of(population)]
    if state is None or state.kind != "parameter" or state.name not in settable or state.flags:
        raise place.error(
            f"sequential={population.sequential!r} sets {population.state!r}, which is no state of the units."
            f"{closest(population.state, settable)} Declare it without a right-hand side, as 'S : 1', or with the "
            "equation that spiking cells follow, 'dS/dt = (phi - S)/tau : 1'. "
            f"Declared so: {listed(settable)}.",
            about=population.state,
        )
    if state.dtype is bool:
        raise place.error(f"the state {state.name!r} is true or false: declare it as '{state.name} : 1', with 0 or 1.")
    _check_reads(place, population, expr)
    scope = neuron_scope(text, population)
    names = {name: item for name, item in scope.names.items() if name not in TIMELESS}
    scope = Scope(names, scope.hints | TIMELESS)
    scope.require(place, expr, state.dimensions, what=f"the state {state.name!r}")
    if not whole_sign(expr) and "sign" in identifiers(expr):
        raise place.error(
            f"{expr!r}: sign(0) is 0, a value of its own where the field is 0. Write 'sign(x)' alone, which keeps the "
            f"state there, or a condition, such as int(h > 0)."
        )


def _value(place: Place, population: Population) -> str:
    """Return the right-hand side of a statement, or raise where there is not one statement."""
    if len(place.statements) != 1:
        raise place.error(
            "sequential= is one statement, such as 'S = sign(h)'. What it needs besides can be an equation of the "
            "population, such as 'p = 1/(1 + exp(-2*h/T)) : 1'."
        )
    try:
        node = ast.parse(place.statements[0][1]).body[0]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        node = None
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        raise place.error(f"{population.sequential.strip()!r} is no statement 'S = ...'.")
    return ast.unparse(node.value)


def _check_reads(place: Place, population: Population, expr: str) -> None:
    """Refuse what has no meaning within a sweep, also where an equation of the population reads it."""
    lines = {line.name: line for line in read_equations(population.equations)}
    for name in identifiers(expanded(expr, lines)) & set(TIMELESS):
        raise place.error(f"{population.sequential.strip()!r} reads {name!r}, but {TIMELESS[name]}")
    if change_of(population) in identifiers(expanded(expr, lines)):
        raise place.error(f"{change_of(population)!r} is known only after the visit.")


def _check_sums(text: ModelText, place: Place, population: Population) -> None:
    follows = {item.name: swept_sums(population, item) for item in text.model.projections}
    follows = {name: sums for name, sums in follows.items() if sums}
    if len(follows) > 1:
        raise place.error(
            f"projections {listed(follows)} all sum its state {population.state!r} onto itself. Make them one "
            "projection with a variable and a line of current= for each."
        )
    for projection in (item for item in text.model.projections if item.name in follows):
        _check_follow(text, population, projection, follows[projection.name])


def _check_follow(text: ModelText, population: Population, projection: Projection, sums: dict[str, str]) -> None:
    """Refuse sums of which more than the terms of one presynaptic unit change in a visit."""
    own = place_of(text.model, "projection", projection.name, projection.current)
    if projection.source_units or projection.target_units:
        raise own.error(
            f"a sum that follows the visits to {population.name!r} joins all of its units: leave out source_units= and "
            "target_units=, and give the pairs that are left out the weight 0."
        )
    if backward := [name for name in sums if name.endswith("_pre")]:
        raise own.error(
            f"{backward[0]!r} is summed onto presynaptic units, and a sum that follows the visits to "
            f"{population.name!r} is one onto postsynaptic units. Make it a projection of its own from another "
            "population, or write the sum of the weights' transpose.",
            line=own.line_of(backward[0]),
        )
    moved = {population.state, change_of(population), *(name.removesuffix("_post") for name in sums)}
    wrong = {f"{name}{end}" for name in moved for end in ("_pre", "_post")} - {f"{population.state}_pre"}
    for name, expr in sums.items():
        for found in sorted(identifiers(expr) & wrong):
            raise own.error(
                f"{name!r} reads {found!r}, which a visit changes too. A sum follows a visit at once only where it "
                f"reads {population.state}_pre and what stays as it is during the sweep, such as w*{population.state}"
                f"_pre. Multiply by {found.removesuffix('_post').removesuffix('_pre')} in an equation of the units.",
                line=own.line_of(name),
            )


def _check_stored(text: ModelText, place: Place, population: Population) -> None:
    """Refuse variables that are stored once per step and would go stale during the sweep."""
    for where, expr in _stored(text, population):
        raise place.error(
            f"{where} is stored once per time step, but {expr!r} changes at every visit. Take out the flag "
            "(constant over dt)."
        )


def _stored(text: ModelText, population: Population) -> Iterator[tuple[str, str]]:
    lines = {line.name: line for line in read_equations(population.equations)}
    moved = {population.state, *_swept_names(text, population)}
    for name, line in lines.items():
        if "constant over dt" in line.flags:
            for found in sorted(identifiers(expanded(line.expr, lines)) & moved):
                yield repr(name), found


def _swept_names(text: ModelText, population: Population) -> set[str]:
    sums = (swept_sums(population, item) for item in text.model.projections)
    return {name.removesuffix("_post") for found in sums for name in found}
