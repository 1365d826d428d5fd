"""Units updated one at a time: what a visit runs, and how summed fields follow a change of state at once.

A sum over the presynaptic side has one term for each unit. When a single unit ``k`` changes its state, only its own
term changes, so that the sum follows exactly by the difference of that term: for ``h_post = w*S_pre`` by
``w*S_change_pre``, column ``k`` of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from brainmem.model.nouns import MemoryModel, Population, Projection
from brainmem.translation import schedule
from brainmem.translation.common import rules_of, summed_lines
from brainmem.text.lines import DRAWS, Line, calls_of, definitions, identifiers, read_lines, rename, written_out
from brainmem.translation.text import Visits

__all__ = ["change_of", "expanded", "state_lines", "statement", "swept_sums", "unit_lines", "visits_of", "whole_sign"]


def change_of(population: Population) -> str:
    """Return the name of the variable that holds how far the last visit moved a unit's state."""
    return f"{population.state}_change"


def unit_lines(population: Population) -> tuple[Line, ...]:
    """Return a population's equations, with the change of its state where it is updated one unit at a time."""
    lines = read_lines(population.equations)
    unit = [line.unit for line in lines if line.name == population.state]
    return (*lines, *(Line(change_of(population), "parameter", text) for text in unit))


def state_lines(population: Population) -> dict[str, str]:
    """Return the variables that keep a value from step to step, with their units."""
    lines = read_lines(population.equations)
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


def expanded(expr: str, lines: Mapping[str, Line]) -> str:
    """Return `expr` with subexpressions written out, except those stored once per step.

    `lines` are keyed by the name under which `expr` reads them.
    """
    return written_out(expr, definitions(replace(line, name=name) for name, line in lines.items()))


def synapse_lines(population: Population, projection: Projection) -> dict[str, Line]:
    """Return what the synapses from a population to itself read, by the names that they use."""
    found = {line.name: line for line in _variables(projection)}
    own = unit_lines(population)
    for end in ("_pre", "_post"):
        names = {line.name: f"{line.name}{end}" for line in own}
        found |= {
            f"{line.name}{end}": Line(line.name, line.kind, line.unit, rename(line.expr, names), line.flags)
            for line in own
        }
    return found


def _variables(projection: Projection) -> tuple[Line, ...]:
    return read_lines(projection.variables) if projection.variables.strip() else ()


def swept_sums(population: Population, projection: Projection) -> dict[str, str]:
    """Return the sums of a projection that read the state which a sweep of `population` changes, written out."""
    if not (population.state and projection.source == projection.target == population.name):
        return {}
    lines = synapse_lines(population, projection)
    written = {line.name: expanded(line.expr, lines) for line in summed_lines(projection)}
    moved = {f"{name}{end}" for name in (population.state, change_of(population)) for end in ("_pre", "_post")}
    return {name: expr for name, expr in written.items() if identifiers(expr) & moved}


def _follow(population: Population, expr: str) -> str:
    """Return what a change of the presynaptic state adds to a sum of `expr`."""
    after, change = (sympy.Symbol(f"{name}_pre", real=True) for name in (population.state, change_of(population)))
    term = str_to_sympy(expr)
    return sympy_to_str(sympy.expand(term - term.subs(after, after - change)))


def visits_of(model: MemoryModel, population: Population) -> Visits | None:
    """Return the visits of a population's units, None where all units are updated together."""
    if not population.sequential:
        return None
    own = {projection.name: swept_sums(population, projection) for projection in model.projections}
    name, sums = next(((name, sums) for name, sums in own.items() if sums), ("", {}))
    when, order = schedule.SWEEP
    return Visits(
        code=statement(population),
        state=population.state,
        change=change_of(population),
        when=when,
        order=order,
        projection=name,
        sums=sums,
        follow={sum_: _follow(population, expr) for sum_, expr in sums.items()},
        every_step=bool(name) and not _steady(model, population, model.projection(name), sums),
    )


def _steady(model: MemoryModel, population: Population, projection: Projection, sums: Mapping[str, str]) -> bool:
    """Whether nothing but visits changes the sums within a step of the protocol."""
    if any(not rule.episodic for rule in rules_of(model, projection)):
        return False
    own = {line.name for line in unit_lines(population) if line.name in _constant(model, population)}
    shown = {item.name for item in model.stimuli if item.population == population.name} | set(model.protocol.gates)
    units = {f"{name}{end}" for name in own | shown for end in ("_pre", "_post")}
    known = units | {f"{population.state}_pre"} | set(projection.initial) | {"N_pre", "N_post"}
    known |= {line.name for line in _variables(projection)} | {item.name for item in model.parameters}
    read = set().union(*(str_names(expr) for expr in sums.values()))
    return read <= known


def _constant(model: MemoryModel, population: Population) -> set[str]:
    """Return the variables of a population that only `initial` sets."""
    summed = {
        line.name.removesuffix("_post")
        for projection in model.projections
        if projection.target == population.name
        for line in summed_lines(projection)
    }
    lines = read_lines(population.equations)
    return {line.name for line in lines if line.kind == "parameter"} - summed - {population.state}


def str_names(expr: str) -> set[str]:
    """Return the names of variables in a text, without those of functions."""
    return {symbol.name for symbol in str_to_sympy(expr).free_symbols}
