"""Pieces that both variants share: parameters of an object, summed inputs, episodic rules."""

from __future__ import annotations

from collections.abc import Mapping

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import LearningRule, Population, Projection
from brainmem.model.reading import Summed, rules_of, summed_lines, sums_of
from brainmem.text.equations import (
    definitions,
    identifiers,
    read_equations,
    written_out,
)
from brainmem.translation import schedule
from brainmem.translation.schedule import RuleSlots
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Operation

__all__ = [
    "bounded",
    "clip_operation",
    "episode_event",
    "pairs_of",
    "projection_orders",
    "summed_orders",
    "synaptic_text",
]


def pairs_of(projection: Projection) -> Pairs:
    """Return which units a projection joins."""
    return Pairs.NO_SELF if projection.no_self else Pairs.ALL


def projection_orders(model: MemoryModel) -> dict[str, tuple[str, int]]:
    """Return (when, order) of every summed variable, keyed ``"population.variable"``."""
    summed = {f"{item.onto}.{item.variable}": item for item in sums_of(model)}
    depends = {key: _stored_names(model, item) & set(summed) for key, item in summed.items()}
    return schedule.sum_orders(depends)


def summed_orders(projection: Projection, orders: Mapping[str, tuple[str, int]]) -> dict[str, tuple[str, int]]:
    """Return (when, order) of the sums of a projection, by their names in its synapses."""
    sums = (Summed(projection, line) for line in summed_lines(projection))
    return {item.line.name: orders[f"{item.onto}.{item.variable}"] for item in sums}


def synaptic_text(model: MemoryModel, projection: Projection, text: str) -> str:
    """Return a text of a projection's synapses with their own subexpressions written out."""
    return written_out(text, _synaptic_helpers(model, projection))


def _stored_names(model: MemoryModel, item: Summed) -> set[str]:
    """Return ``"population.variable"`` of everything stored that a sum reads."""
    projection = item.projection
    expr = synaptic_text(model, projection, item.line.expr)
    sides = ((projection.source, "_pre"), (projection.target, "_post"))[bool(projection.delay) :]  # earlier: known
    return set().union(*(_base_names(model.population(name), expr, suffix) for name, suffix in sides))


def _synaptic_helpers(model: MemoryModel, projection: Projection) -> dict[str, str]:
    texts = [projection.variables, *(rule.continuous for rule in rules_of(model, projection))]
    return definitions(line for line in read_equations(*texts))


def _base_names(population: Population, expr: str, suffix: str) -> set[str]:
    """Expand subexpressions until only stored variables remain."""
    lines = {line.name: line for line in read_equations(population.equations)}
    todo = [name.removesuffix(suffix) for name in identifiers(expr) if name.endswith(suffix)]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name in lines and lines[name].kind == "subexpression" and not lines[name].stored:
            todo += identifiers(lines[name].expr)
        else:
            found.add(f"{population.name}.{name}")
    return found


def bounded(variable: str, expression: str, bounds: Mapping[str, tuple]) -> str:
    """Return the statement that adds `expression` to `variable`, within its bounds if it has any."""
    if variable not in bounds:
        return f"{variable} += {expression}"
    low, high = bounds[variable]
    return f"{variable} = clip({variable} + {expression}, {low}, {high})"


def clip_operation(rule: LearningRule, slots: RuleSlots) -> tuple[Operation, ...]:
    """Return the operation that keeps clock-driven variables within their bounds."""
    if not rule.bounds:
        return ()
    code = "\n".join(f"{name} = clip({name}, {low}, {high})" for name, (low, high) in rule.bounds.items())
    return (Operation(f"{rule.name}_bounds", code, *slots.bounds),)


def episode_event(rule: LearningRule) -> tuple[str, tuple[str, str, int]]:
    """Return the event of the source units at which an episodic rule runs, and its condition."""
    return f"{rule.name}_episode", (f"ended*{rule.name}_at(step*second) > 0.5", *schedule.ENDED)
