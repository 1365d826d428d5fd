"""Numbers of the whole network that texts read by their bare names: observables, and variables of a single unit.

What reads ``den``, an `Observable`, or ``base``, a variable of a population of size 1, is written out before a model is
translated: an observable that something reads becomes a population of one unit with a projection onto it, and the
number goes back by a projection onto each population whose texts, or whose synapses, read it. So the sums are formed in
their order, and all that is read in one time step is of one moment, in both variants and in every trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from brainmem.model.names import carrier_of, gathering_of, spread_of, watched_of
from brainmem.model.nouns import LearningRule, Model, Observable, Population, Projection
from brainmem.model.parts import unchecked
from brainmem.model.phases import turns
from brainmem.model.ranked import with_ranks_formed
from brainmem.model.reading import EXTREMES
from brainmem.text.equations import identifiers, read_equations, rename, split_statement, statement_lines

M = TypeVar("M", bound=Model)

__all__ = [
    "Scalar",
    "reduced",
    "scalars_of",
    "single",
    "with_scalars_carried",
]


@dataclass(frozen=True)
class Scalar:
    """A number of the whole network: its name, the population of one unit that holds it, and its unit."""

    name: str
    holder: str
    unit: str
    observable: Observable | None = None


def single(population: Population) -> bool:
    """Tell whether a population is one unit, whatever its parameters are."""
    return str(population.size).strip() == "1"


def scalars_of(model: Model) -> dict[str, Scalar]:
    """Return the numbers of the whole network by name; a name that two single units have is none."""
    found: dict[str, list[Scalar]] = {}
    for population in filter(single, model.populations):
        for line in read_equations(population.equations):
            if line.unit != "boolean":
                unit = "1" if line.unit == "integer" else line.unit
                found.setdefault(line.name, []).append(Scalar(line.name, population.name, unit))
    known = {name: several[0] for name, several in found.items() if len(several) == 1}
    observed = {item.name: Scalar(item.name, carrier_of(item.name), item.unit, item) for item in model.observables}
    return {**observed, **known}


def with_scalars_carried(model: M) -> M:
    """Return a model in which projections carry the numbers of the whole network to what reads them.

    Ranks of units are formed first (`brainmem.model.ranked`), since observables may read them. It is a copy, not
    checked again; a model that reads none is returned as it is.
    """
    model = with_ranks_formed(model)
    changes = _Carried(model).changes()
    return unchecked(model, **changes) if changes else model


class _Carried:
    """One pass over a model."""

    def __init__(self, model: Model) -> None:
        self.model, self.scalars = model, scalars_of(model)
        self.read: dict[tuple[str, str], Scalar] = {}  # by its name and the population that gets it

    def changes(self) -> dict[str, Any]:
        """Return the fields of the model that change."""
        model = self.model
        projections = tuple(self._projection(item) for item in model.projections)
        rules = tuple(self._rule(item) for item in model.rules)
        for population in model.populations:
            self._note(population.name, self._names_of(population))
        for item in model.observables:
            self._note(item.population, identifiers(item.expression))
        watched = [self.scalars[name] for name in sorted(self._watched())]
        carried = list(self._carried())
        if not self.read and not watched and not carried:
            return {}
        return {
            "populations": (*map(self._with_variables, model.populations), *map(_carrier, carried)),
            "projections": (*projections, *map(self._gathering, carried), *self._spreads()),
            "rules": rules,
            "observables": (*(self._observable(item, carried) for item in model.observables), *map(_watching, watched)),
            "protocol": replace(
                model.protocol,
                phases=tuple(_with_conditions(item, watched) for item in model.protocol.phases),
                schedule=tuple(_with_conditions(item, watched) for item in model.protocol.schedule),
            ),
        }

    def _names_of(self, population: Population) -> set[str]:
        texts = [line.expr for line in read_equations(population.equations)]
        texts += [population.sequential, *(turn.code for turn in turns(self.model, population.name))]
        return set().union(*map(identifiers, texts))

    def _watched(self) -> set[str]:
        observed = {item.name for item in self.model.observables}
        return identifiers(self.model.protocol.conditions) & set(self.scalars) - observed

    def _taken(self, population: str) -> set[str]:
        """Return the names that mean something else in the texts of a population."""
        lines = {line.name for line in read_equations(self.model.population(population).equations)}
        return lines | {item.name for item in self.model.stimuli if item.population == population}

    def _note(self, population: str, names: Iterable[str]) -> None:
        """Remember that a population gets the numbers among these names."""
        for name in sorted(set(names) & set(self.scalars) - self._taken(population)):
            self.read[name, population] = self.scalars[name]

    def _synaptic(self, projection: Projection, text: str, own: Iterable[str]) -> str:
        """Return a text of synapses that reads the numbers as one of their units has them."""
        names: dict[str, str] = {}
        for name in sorted(identifiers(text) & set(self.scalars) - set(own)):
            if name in self._taken(projection.target):
                names[name] = f"{name}_post"
            elif name in self._taken(projection.source):
                names[name] = f"{name}_pre"
            else:
                names[name] = f"{name}_post"
                self._note(projection.target, [name])
        return rename(text, names) if names else text

    def _projection(self, item: Projection) -> Projection:
        own = self._own(item)
        return replace(
            item,
            current=self._synaptic(item, item.current, own),
            variables=self._synaptic(item, item.variables, own),
        )

    def _own(self, projection: Projection) -> set[str]:
        """Return the names that the synapses of a projection have themselves."""
        texts = [projection.variables, projection.current]
        texts += [rule.continuous for rule in self.model.rules if rule.projection == projection.name]
        return {line.name for line in read_equations(*texts)}

    def _rule(self, rule: LearningRule) -> LearningRule:
        projection = self.model.projection(rule.projection)
        own = self._own(projection)
        changed = {rule.form: self._synaptic(projection, rule.text, own | _assigned(rule))}
        if rule.spiking:
            parts = {name: getattr(rule.spiking, name) for name in ("on_pre", "on_post", "clocked")}
            written = {name: self._synaptic(projection, text, own) for name, text in parts.items()}
            return replace(rule, spiking=replace(rule.spiking, **written), **changed)
        return replace(rule, **changed)

    def _carried(self) -> Iterator[Observable]:
        """Yield the observables that something reads, and those of a part of a population."""
        read = {name for name, _ in self.read}
        return (item for item in self.model.observables if item.name in read or item.units)

    def _with_variables(self, population: Population) -> Population:
        lines = [f"{name} : {item.unit}" for (name, owner), item in self.read.items() if owner == population.name]
        return replace(population, equations="\n".join([population.equations, *lines])) if lines else population

    def _spreads(self) -> Iterator[Projection]:
        for (name, population), item in self.read.items():
            current = f"{name}_post = {name}_pre : {item.unit} (summed)"
            yield Projection(spread_of(name, population), item.holder, population, current=current)

    def _gathering(self, item: Observable) -> Projection:
        got = {name for name, population in self.read if population == item.population}
        names = {name: f"{name}_pre" for name in self._taken(item.population) | got}
        text = rename(item.expression, names)
        current = reduced(item, text)
        name, onto = gathering_of(item.name), carrier_of(item.name)
        return Projection(name, item.population, onto, current=current, source_units=item.units)

    def _observable(self, item: Observable, carried: list[Observable]) -> Observable:
        if item not in carried:
            return item
        return replace(item, expression=item.name, population=carrier_of(item.name), reduce="sum", units="")


def reduced(item: Observable, text: str) -> str:
    """Return the equation by which synapses reduce an expression of presynaptic units to an observable."""
    text = f"({text})/N_pre" if item.reduce == "mean" else text
    flags = ", ".join(["summed", *([item.reduce] if item.reduce in EXTREMES else [])])
    return f"{item.name}_post = {text} : {item.unit} ({flags})"


def _assigned(rule: LearningRule) -> set[str]:
    """Return the names that a rule's statements give to values of their own."""
    if rule.continuous:
        return set()
    return {split_statement(line)[0] for line in statement_lines(rule.text)}


def _carrier(item: Observable) -> Population:
    return Population(carrier_of(item.name), f"{item.name} : {item.unit}", size=1)


def _watching(item: Scalar) -> Observable:
    """Return the observable by which a condition reads a variable of a single unit."""
    return Observable(watched_of(item.name), item.name, population=item.holder, reduce="sum", unit=item.unit)


def _with_conditions(item: Any, watched: list[Scalar]) -> Any:
    """Return a phase or a part of the schedule whose condition reads variables of single units as observables."""
    names = {scalar.name: watched_of(scalar.name) for scalar in watched}
    return replace(item, until=rename(item.until, names)) if getattr(item, "until", "") and names else item
