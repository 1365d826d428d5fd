"""What the parts of a model say together: rules of a projection, names used, what patterns are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

from brainmem.errors import RuleError
from brainmem.model.names import during_gate
from brainmem.model.nouns import LearningRule, Model, Parameter, Pattern, Projection
from brainmem.text.equations import Equation, identifiers, read_equations
from brainmem.text.expression import names_in
from brainmem.text.ranking import RANKED

__all__ = [
    "EXTREMES",
    "Summed",
    "constants_in",
    "drawing_order",
    "drawn_from",
    "extreme_of",
    "model_names",
    "patterns_read",
    "rules_of",
    "summed_lines",
    "sums_of",
    "sums_onto",
    "used_names",
]

# What a summed equation is flagged with, in place of a sum, where it takes the least or greatest value.
EXTREMES = ("min", "max")


@dataclass(frozen=True)
class Summed:
    """A sum over synapses: ``u_post = w*x_pre`` onto units of the target, ``v_pre = w*y_post`` onto the source's."""

    projection: Projection
    line: Equation

    @property
    def variable(self) -> str:
        """The variable of the units that takes the sum."""
        return self.line.name.removesuffix("_pre").removesuffix("_post")

    @property
    def extreme(self) -> str:
        """``"min"`` or ``"max"`` where it is no sum but the least or greatest value, else ``""``."""
        return extreme_of(self.line)

    @property
    def ranks(self) -> bool:
        """Whether it counts the units that stand before each."""
        return RANKED in self.line.flags

    @property
    def compares(self) -> bool:
        """Whether it compares what it runs over: of noisy values it is not what it is of their means."""
        return bool(self.extreme) or self.ranks

    @property
    def end(self) -> str:
        """The ending of the units that take the sum, ``"_post"`` or ``"_pre"``."""
        return "_pre" if self.line.name.endswith("_pre") else "_post"

    @property
    def other_end(self) -> str:
        """The ending of the units over which it runs."""
        return "_post" if self.end == "_pre" else "_pre"

    @property
    def onto(self) -> str:
        """The population that takes the sum."""
        return self.projection.source if self.end == "_pre" else self.projection.target

    @property
    def over(self) -> str:
        """The population over whose units it runs."""
        return self.projection.target if self.end == "_pre" else self.projection.source


def extreme_of(line: Equation) -> str:
    """Return ``"min"`` or ``"max"`` where a summed equation takes the least or greatest value, else ``""``."""
    return next((flag for flag in line.flags if flag in EXTREMES), "")


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
    for spiking in (rule.spiking for rule in model.rules if rule.spiking):
        texts += [spiking.on_pre, spiking.on_post, spiking.clocked]
    return used_names(texts)


def drawing_order(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """Return patterns and stimuli so that each comes after those that its draw reads.

    Raises
    ------
    graphlib.CycleError
        When they are drawn from each other in a circle.
    """
    known = {item.name: item for item in patterns}
    drawn_from = {name: _read_by(item.draw) & set(known) for name, item in known.items()}
    return tuple(known[name] for name in TopologicalSorter(drawn_from).static_order())


def drawn_from(patterns: Iterable[Pattern], names: set[str], *, without: set[str]) -> set[str]:
    """Return `names` and those of all patterns that are drawn from these, directly or through others.

    Parameters
    ----------
    without : set of str
        Patterns that are given and not drawn.
    """
    found = set(names)
    for item in drawing_order(patterns):
        if item.name not in without and _read_by(item.draw) & found:
            found.add(item.name)
    return found


def _read_by(draw: str) -> set[str]:
    try:
        return names_in(draw)
    except RuleError:  # told when it is checked
        return set()


def patterns_read(model: Model) -> set[str]:
    """Return the stimuli, and the patterns that starts, start weights or the recall criterion read, by name.

    Other patterns serve to draw these, or are kept for measures.
    """
    texts = [text for phase in model.protocol.phases for text in phase.start.values()]
    texts += [text for projection in model.projections for text in projection.initial.values()]
    read = used_names(texts) | ({model.recalled.target} if model.recalled else set())
    return {item.name for item in model.stimuli} | (read & {item.name for item in model.patterns})


def used_names(texts: Iterable[str]) -> set[str]:
    """Return every name in the texts, with ``_pre`` and ``_post`` removed too."""
    names = set().union(*(identifiers(text) for text in texts), set())
    return names | {name.removesuffix("_pre").removesuffix("_post") for name in names}


def summed_lines(projection: Projection) -> tuple[Equation, ...]:
    """Return a projection's summed equations."""
    return read_equations(projection.current)


def sums_of(model: Model) -> Iterator[Summed]:
    """Yield every sum over synapses of a model."""
    return (Summed(projection, line) for projection in model.projections for line in summed_lines(projection))


def sums_onto(model: Model, population: str) -> tuple[Summed, ...]:
    """Return the sums that units of a population take."""
    return tuple(item for item in sums_of(model) if item.onto == population)
