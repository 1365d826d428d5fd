"""What the parts of a model say together: rules of a projection, names used, stimuli shown."""

from __future__ import annotations

from collections.abc import Iterable

from brainmem.model.nouns import LearningRule, Model, Parameter, Projection, Stimulus
from brainmem.text.lines import Line, identifiers, read_lines

__all__ = [
    "constants_in",
    "during_gate",
    "model_names",
    "rules_of",
    "shown_stimuli",
    "summed_lines",
    "used_names",
]


def during_gate(rule: str) -> str:
    """Return the name of the gate that is open in the phases of a rule's `during`."""
    return f"{rule}_during"


def rules_of(model: Model, projection: Projection) -> tuple[LearningRule, ...]:
    """Return the rules of a projection in the order in which they run."""
    rules = [rule for rule in model.rules if rule.projection == projection.name]
    return tuple(sorted(rules, key=lambda rule: rule.order))


def constants_in(texts: Iterable[str], parameters: Iterable[Parameter]) -> tuple[str, ...]:
    """Return the parameters that occur in some of the texts, in their declared order.

    ``N`` is not one of them: in equations it is Brian2's own name for a group's size.
    """
    used = set().union(*(identifiers(text) for text in texts), set()) - {"N"}
    return tuple(item.name for item in parameters if item.name in used)


def model_names(model: Model) -> set[str]:
    """Return every name in the equations, rules, observables and statements of a model (``_pre``/``_post`` removed)."""
    texts = [text for population in model.populations for text in (population.equations, population.sequential)]
    texts += [text for projection in model.projections for text in (projection.current, projection.variables)]
    texts += [rule.text for rule in model.rules]
    texts += [item.expression for item in model.observables]
    texts += [text for phase in model.protocol.phases for part in (phase.begin, phase.end) for text in part.values()]
    texts += [during_gate(rule.name) for rule in model.rules if rule.during]
    for rule in (rule for rule in model.rules if rule.spiking):
        texts += [rule.spiking.on_pre, rule.spiking.on_post, rule.spiking.clocked]
    return used_names(texts)


def shown_stimuli(model: Model) -> tuple[Stimulus, ...]:
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
