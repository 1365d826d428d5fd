"""Ranks of units among those of their population, written as sums over pairs of them.

What texts of a population call ``rank(h)`` becomes a variable that a projection of the population onto itself sums:
the number of units that stand before each. So it is formed in its order among the sums, anew where it is read, of one
moment with all that is read beside it, in both variants and in every trial. `brainmem.build` sorts in place of summing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from brainmem.model.names import key_of_rank, ranks_of
from brainmem.model.nouns import Model, Phase, Population, Projection
from brainmem.model.parts import unchecked
from brainmem.model.phases import turns
from brainmem.text.equations import Equation, read_equations, split_statement, write_equations
from brainmem.text.ranking import RANKED, before, calls_ranks, rounded, without_calls
from brainmem.text.statements import one_on_a_line

M = TypeVar("M", bound=Model)

__all__ = ["ranked_texts", "with_ranks_formed"]


def ranked_texts(model: Model, population: Population) -> Iterator[str]:
    """Yield the expressions of a population that may compare its units: equations, observables, ends of phases."""
    yield from (line.expr for line in read_equations(population.equations))
    yield from (item.expression for item in model.observables if item.population == population.name)
    for turn in turns(model, population.name):
        yield from (split_statement(line)[2] for line in turn.code.splitlines())


def with_ranks_formed(model: M) -> M:
    """Return a model in which projections count the units that stand before each, wherever a text ranks units.

    It is a copy, not checked again; a model that ranks none is returned as it is.
    """
    if not any(calls_ranks(text) for item in model.populations for text in ranked_texts(model, item)):
        return model
    taken = {line.name for item in model.populations for line in read_equations(item.equations)}
    ranks = {item.name: _Ranks(item, taken) for item in model.populations}
    observables = tuple(
        replace(item, expression=ranks[item.population].text(item.expression)) for item in model.observables
    )
    phases = tuple(_phase(phase, ranks) for phase in model.protocol.phases)
    populations = tuple(ranks[item.name].population() for item in model.populations)
    projections = (item.projection() for item in ranks.values() if item.found)
    return unchecked(
        model,
        populations=populations,
        projections=(*model.projections, *projections),
        observables=observables,
        protocol=replace(model.protocol, phases=phases),
    )


class _Ranks:
    """The ranks that the texts of one population read; `taken` are names of variables, to which theirs are added."""

    def __init__(self, own: Population, taken: set[str]) -> None:
        self.own, self.taken = own, taken
        self.found: dict[str, str] = {}  # the variable that holds the rank of a value

    def text(self, text: str) -> str:
        """Return an expression that reads variables in place of ranks."""
        return without_calls(text, self._variable)

    def _variable(self, value: str) -> str:
        if value not in self.found:
            number = 1
            while (name := f"rank_{number}") in self.taken:
                number += 1
            self.taken.add(name)
            self.found[value] = name
        return self.found[value]

    def population(self) -> Population:
        """Return the population with the variables that hold ranks, and the values that are compared."""
        lines = [replace(line, expr=self.text(line.expr)) for line in read_equations(self.own.equations)]
        if not self.found:
            return self.own
        for value, name in self.found.items():
            lines += [
                Equation(key_of_rank(name), "subexpression", "1", rounded(value)),
                Equation(name, "parameter", "1"),
            ]
        return replace(self.own, equations=write_equations(lines))

    def projection(self) -> Projection:
        """Return the projection that counts the units before each."""
        lines = (
            Equation(f"{name}_post", "subexpression", "1", before(key_of_rank(name)), ("summed", RANKED))
            for name in self.found.values()
        )
        name, own = ranks_of(self.own.name), self.own.name
        return Projection(name, own, own, current=write_equations(lines), self_connections=True)


def _phase(phase: Phase, ranks: dict[str, _Ranks]) -> Phase:
    return replace(phase, end={name: _statements(code, ranks[name]) for name, code in phase.end.items()})


def _statements(code: str, ranks: _Ranks) -> str:
    parts = (split_statement(line) for line in one_on_a_line(code).splitlines())
    return "\n".join(f"{target} {operator} {ranks.text(value)}" for target, operator, value in parts)
