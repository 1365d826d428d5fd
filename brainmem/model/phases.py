"""What phases do to the variables of units when they begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from brainmem.model.nouns import Model, Phase, Population
from brainmem.model.parts import unchecked
from brainmem.model.reading import sums_onto
from brainmem.text.equations import Equation, read_equations
from brainmem.text.statements import one_on_a_line, targets_of

__all__ = ["MOMENTS", "Turn", "held_lines", "set_by_phases", "turns", "with_starts"]

M = TypeVar("M", bound=Model)
MOMENTS = ("begin", "end")


@dataclass(frozen=True)
class Turn:
    """Statements that run on the units of a population when a step of a phase begins or ends, one on each line."""

    phase: Phase
    moment: str
    population: str
    code: str

    @property
    def targets(self) -> tuple[str, ...]:
        """What they set: variables of the units, and names of their own."""
        return targets_of(self.code)


def turns(model: Model, population: str | None = None) -> Iterator[Turn]:
    """Yield the statements that phases run, of all populations or of one."""
    for phase in model.protocol.phases:
        for moment in MOMENTS:
            for name, text in getattr(phase, moment).items():
                if population in (None, name):
                    yield Turn(phase, moment, name, one_on_a_line(text))


def set_by_phases(model: Model, population: Population) -> dict[str, str]:
    """Return the variables declared without a right-hand side (``kept : 1``) that phases set, with their units."""
    names = {name for phase in model.protocol.phases for name in phase.start}
    names |= {name for turn in turns(model, population.name) for name in turn.targets}
    lines = read_equations(population.equations) if names else ()
    return {
        line.name: line.unit
        for line in lines
        if line.kind == "parameter" and line.name in names and line.name != population.state
    }


def held_lines(model: Model, population: Population) -> tuple[Equation, ...]:
    """Return the variables of a population that keep a value from step to step."""
    summed = {item.variable for item in sums_onto(model, population.name)}
    lines = read_equations(population.equations)
    return tuple(line for line in lines if line.kind != "subexpression" and line.name not in summed)


def with_starts(model: M, names: Iterable[str]) -> M:
    """Return a model in which variables of units (``"units.kept"``) that begin at 0 may be given other start values."""
    names = set(names)
    populations = tuple(_with_starts(model, item, names) for item in model.populations)
    return model if populations == model.populations else unchecked(model, populations=populations)


def _with_starts(model: Model, population: Population, names: set[str]) -> Population:
    prefix = f"{population.name}."
    if not any(name.startswith(prefix) for name in names):
        return population
    wanted = (line.name for line in held_lines(model, population) if prefix + line.name in names)
    zeros: Mapping[str, str] = {name: "zeros()" for name in wanted if name not in population.initial}
    return replace(population, initial={**population.initial, **zeros})
