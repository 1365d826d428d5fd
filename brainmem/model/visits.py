"""Units updated one at a time: the text of a visit, and the sums that follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from brainmem.model.nouns import Population, Projection
from brainmem.model.reading import summed_lines
from brainmem.text.equations import (
    DRAWS,
    Equation,
    calls_of,
    identifiers,
    inlined,
    read_equations,
    rename,
)

__all__ = [
    "change_of",
    "expanded",
    "state_lines",
    "statement",
    "swept_sums",
    "synapse_lines",
    "unit_lines",
    "variable_lines",
    "whole_sign",
]


def change_of(population: Population) -> str:
    """Return the name of the variable that holds how far the last visit moved a unit's state."""
    return f"{population.state}_change"


def unit_lines(population: Population) -> tuple[Equation, ...]:
    """Return a population's equations, with the change of its state where it is updated one unit at a time."""
    lines = read_equations(population.equations)
    unit = [line.unit for line in lines if line.name == population.state]
    return (*lines, *(Equation(change_of(population), "parameter", text) for text in unit))


def state_lines(population: Population) -> dict[str, str]:
    """Return the variables that keep a value from step to step, with their units."""
    lines = read_equations(population.equations)
    return {line.name: line.unit for line in lines if line.kind == "differential" or line.name == population.state}


def whole_sign(expr: str) -> str:
    """Return ``x`` where a text is ``sign(x)`` as a whole, else ``""``."""
    text = expr.strip()
    if not (text.startswith("sign(") and text.endswith(")")):
        return ""
    inner, depth = text.removeprefix("sign(").removesuffix(")"), 0
    for mark in inner:
        depth += (mark == "(") - (mark == ")")
        if depth < 0:
            return ""
    return inner


def statement(population: Population) -> str:
    """Return the statements of a visit; ``sign(x)`` keeps the state where ``x`` is 0, which Brian2's would make 0."""
    state, expr = population.state, population.visit
    lines, inner = list(population.visit_draws), whole_sign(expr)
    if inner and calls_of(inner, DRAWS):  # written twice, it would be drawn twice
        lines, inner = [*lines, f"{state}_field = {inner}"], f"{state}_field"
    lines.append(f"{state} = sign({inner}) + {state}*int(({inner}) == 0)" if inner else f"{state} = {expr}")
    return "\n".join(lines)


def expanded(expr: str, lines: Mapping[str, Equation]) -> str:
    """Return `expr` with subexpressions written out, except those stored once per step.

    `lines` are keyed by the name under which `expr` reads them.
    """
    return inlined(expr, (replace(line, name=name) for name, line in lines.items()))


def synapse_lines(population: Population, projection: Projection) -> dict[str, Equation]:
    """Return what the synapses from a population to itself read, by the names that they use."""
    found = {line.name: line for line in variable_lines(projection)}
    own = unit_lines(population)
    for end in ("_pre", "_post"):
        names = {line.name: f"{line.name}{end}" for line in own}
        found |= {
            f"{line.name}{end}": Equation(line.name, line.kind, line.unit, rename(line.expr, names), line.flags)
            for line in own
        }
    return found


def variable_lines(projection: Projection) -> tuple[Equation, ...]:
    """Return the variables of a projection's synapses."""
    return read_equations(projection.variables)


def swept_sums(population: Population, projection: Projection) -> dict[str, str]:
    """Return the sums of a projection that read the state which a sweep of `population` changes, written out."""
    if not (population.state and projection.source == projection.target == population.name) or projection.delay:
        return {}
    lines = synapse_lines(population, projection)
    written = {line.name: expanded(line.expr, lines) for line in summed_lines(projection)}
    moved = {f"{name}{end}" for name in (population.state, change_of(population)) for end in ("_pre", "_post")}
    return {name: expr for name, expr in written.items() if identifiers(expr) & moved}
