"""Pieces that both variants share: parameters of an object, summed inputs, episodic rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brainmem.model.nouns import LearningRule, MemoryModel, Parameter, Population, Projection, Stimulus
from brainmem.translation import schedule
from brainmem.translation.gates import during_gate
from brainmem.text.lines import (
    Line,
    definitions,
    identifiers,
    read_lines,
    written_out,
)
from brainmem.translation.schedule import RuleSlots
from brainmem.translation.text import Operation

__all__ = [
    "bounded",
    "clip_operation",
    "connect_text",
    "constants_in",
    "episode_event",
    "model_names",
    "projection_orders",
    "rules_of",
    "summed_lines",
    "synaptic_text",
    "used_names",
]


def rules_of(model: MemoryModel, projection: Projection) -> tuple[LearningRule, ...]:
    """Return the rules of a projection in the order in which they run."""
    rules = [rule for rule in model.rules if rule.projection == projection.name]
    return tuple(sorted(rules, key=lambda rule: rule.order))


def constants_in(texts: Iterable[str], parameters: Iterable[Parameter]) -> tuple[str, ...]:
    """Return the parameters that occur in some of the texts, in their declared order.

    ``N`` is not one of them: in equations it is Brian2's own name for a group's size.
    """
    used = set().union(*(identifiers(text) for text in texts), set()) - {"N"}
    return tuple(item.name for item in parameters if item.name in used)


def model_names(model: MemoryModel) -> set[str]:
    """Return every name in the model's equations, rules and observables (``_pre``/``_post`` removed)."""
    texts = [text for population in model.populations for text in (population.equations, population.sequential)]
    texts += [text for projection in model.projections for text in (projection.current, projection.variables)]
    texts += [rule.text for rule in model.rules]
    texts += [item.expression for item in model.observables]
    texts += [during_gate(rule.name) for rule in model.rules if rule.during]
    for rule in (rule for rule in model.rules if rule.spiking):
        texts += [rule.spiking.on_pre, rule.spiking.on_post, rule.spiking.clocked]
    return used_names(texts)


def shown_stimuli(model: MemoryModel) -> tuple[Stimulus, ...]:
    """Return the stimuli that a phase shows or an equation reads; others only serve to draw these."""
    shown = {name for phase in model.protocol.phases for name in phase.stimuli} | model_names(model)
    return tuple(item for item in model.stimuli if item.name in shown)


def used_names(texts: Iterable[str]) -> set[str]:
    """Return every name in the texts, with ``_pre`` and ``_post`` removed too."""
    names = set().union(*(identifiers(text) for text in texts), set())
    return names | {name.removesuffix("_pre").removesuffix("_post") for name in names}


def summed_lines(projection: Projection) -> tuple[Line, ...]:
    """Return a projection's summed equations."""
    return read_lines(projection.current) if projection.current.strip() else ()


def connect_text(model: MemoryModel, projection: Projection) -> str:
    """Return ``"all"`` or ``"no_self"``."""
    recurrent = projection.source == projection.target
    return "no_self" if recurrent and not projection.self_connections else "all"


def projection_orders(model: MemoryModel) -> dict[str, tuple[str, int]]:
    """Return (when, order) of every summed variable, keyed ``"population.variable"``."""
    summed = {
        f"{projection.target}.{line.name.removesuffix('_post')}": (projection, line)
        for projection in model.projections
        for line in summed_lines(projection)
    }
    depends = {key: _stored_names(model, projection, line) & set(summed) for key, (projection, line) in summed.items()}
    return schedule.sum_orders(depends)


def synaptic_text(model: MemoryModel, projection: Projection, text: str) -> str:
    """Return a text of a projection's synapses with their own subexpressions written out."""
    return written_out(text, _synaptic_helpers(model, projection))


def _stored_names(model: MemoryModel, projection: Projection, line: Line) -> set[str]:
    """Return ``"population.variable"`` of everything stored that a sum reads."""
    expr = synaptic_text(model, projection, line.expr)
    sides = ((projection.source, "_pre"), (projection.target, "_post"))
    return set().union(*(_base_names(model.population(name), expr, suffix) for name, suffix in sides))


def _synaptic_helpers(model: MemoryModel, projection: Projection) -> dict[str, str]:
    texts = [projection.variables, *(rule.continuous for rule in rules_of(model, projection))]
    return definitions(line for text in texts if text.strip() for line in read_lines(text))


def _base_names(population: Population, expr: str, suffix: str) -> set[str]:
    """Expand subexpressions until only stored variables remain."""
    lines = {line.name: line for line in read_lines(population.equations)}
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
