"""A model beside itself: every unit, sum and rule that depends on rates a second time, as the rate variant has it.

Text to text: ``dx/dt = (phi - x)/tau`` gets ``dx_twin/dt = (phi_twin - x_twin)/tau`` beside it in the same population,
``u_post = w*x_pre`` gets ``u_twin_post = w*x_twin_pre`` in the same projection. In the spiking variant x is then read
from spikes, and x_twin, which is declared no rate, goes on as the equations say: both networks in one run, with the
same patterns, weights, start values and time steps. Rules have their own twins, which read the twins of rates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from brainmem.errors import RuleError
from brainmem.model.acting import acts
from brainmem.model.memory import MemoryModel
from brainmem.model.names import twin_name
from brainmem.model.nouns import (
    Each,
    LearningRule,
    Observable,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
)
from brainmem.model.parts import unchecked
from brainmem.model.phases import turns
from brainmem.model.reading import Summed, summed_lines
from brainmem.model.steps import range_shown
from brainmem.text.equations import (
    identifiers,
    read_equations,
    rename,
    split_statement,
    statement_lines,
    write_equations,
)
from brainmem.translation.dependence import dependents
from brainmem.translation.noise import Name
from brainmem.translation.restarts import draws_random
from brainmem.verification.shadow import Held, held_by

__all__ = ["shortened", "twinned"]


def shortened(model: MemoryModel, parameters: Mapping[str, Any], items: int | None) -> MemoryModel:
    """Return a model whose protocol shows each of at most `items` items once in one epoch; None leaves these whole.

    Phases that restore the state, and phases after the last in which a rule acts, are left out where no rule acts in
    them.
    """
    schedule: list[Each | Repeat] = []
    for entry in model.protocol.schedule:
        body = entry.body if isinstance(entry, Repeat) else (entry,)
        fewer = (_fewer(model, entry, each, parameters, items) for each in body)
        found = (_without_tests(model, each, parameters) for each in fewer)
        kept = tuple(each for each in found if each.phases)
        if isinstance(entry, Repeat) and kept:
            schedule.append(Repeat(entry.times if items is None else 1, kept))  # all epochs: weights are held
        elif kept:
            schedule += kept
    while schedule and not any(_acting(model, name, parameters) for name in _phases(schedule[-1])):
        schedule.pop()
    if not schedule:
        raise RuleError(f"Model {model.name!r}: no rule acts in any phase of its protocol, so there is no drift.")
    return model.replace(protocol=Protocol(model.protocol.phases, tuple(schedule)))


def _fewer(
    model: MemoryModel, entry: Each | Repeat, each: Each, parameters: Mapping[str, Any], items: int | None
) -> Each:
    if items is None:
        return each
    first, stop = range_shown(model, entry, each, parameters)
    order = "fixed" if each.order == "drawn" else each.order
    return replace(each, items=(first, min(stop, first + items)), order=order, draws=None, repeats=1, epochs=None)


def _without_tests(model: MemoryModel, each: Each, parameters: Mapping[str, Any]) -> Each:
    kept = (name for name in _names(each) if not model.protocol.phase(name).restore or _acting(model, name, parameters))
    return replace(each, phases=tuple(kept))


def _names(each: Each) -> tuple[str, ...]:
    return (each.phases,) if isinstance(each.phases, str) else each.phases


def _phases(entry: Each | Repeat) -> list[str]:
    return [name for each in (entry.body if isinstance(entry, Repeat) else (entry,)) for name in _names(each)]


def _acting(model: MemoryModel, phase: str, parameters: Mapping[str, Any]) -> bool:
    running = model.protocol.phase(phase)
    return any(acts(model, rule, running, parameters, held_by(model, rule)) for rule in model.rules)


def twinned(held: Held, parameters: Mapping[str, Any], reported: Sequence[str] = ()) -> MemoryModel:
    """Return the model of `held` with a twin of all that depends on rates.

    Of the observables those stay that end phases, then of the rate network, and those named in `reported`.

    Raises
    ------
    RuleError
        Where a name that is needed is taken.
    """
    return _Twins(held, parameters, tuple(reported)).result()


@dataclass(frozen=True)
class _Twins:
    held: Held
    parameters: Mapping[str, Any]
    reported: tuple[str, ...]

    @property
    def model(self) -> MemoryModel:
        return self.held.model

    def result(self) -> MemoryModel:
        model = self.model
        begun = dict(self._begun())
        changed: dict[str, Any] = {
            "populations": tuple(self._population(item) for item in model.populations),
            "projections": tuple(self._projection(item) for item in model.projections),
            "rules": (*model.rules, *(self._rule(rule) for rule in model.rules)),
            "observables": tuple(self._observables()),
            "patterns": (*model.patterns, *begun.values()),
            "protocol": replace(
                model.protocol, phases=tuple(self._phase(phase, begun) for phase in model.protocol.phases)
            ),
            "recalled": None,
        }
        return unchecked(model, **changed)

    @cached_property
    def dependent(self) -> set[Name]:
        """What has a twin."""
        return dependents(self.model)

    # Texts

    def _own(self, owner: str) -> dict[str, str]:
        return {name: twin_name(name) for other, name in self.dependent if other == owner}

    def _seen(self, projection: Projection) -> dict[str, str]:
        """Return the twins of names as synapses write them; one without suffix is the synapse's, or the target's."""
        names: dict[str, str] = {}
        for owner, end in ((projection.source, "_pre"), (projection.target, "_post")):
            names |= {f"{name}{end}": f"{twin}{end}" for name, twin in self._own(owner).items()}
        return {**self._own(projection.target), **names, **self._own(projection.name)}

    def _population(self, item: Population) -> Population:
        twins = self._own(item.name)
        lines = read_equations(item.equations)
        self._check_free(f"population {item.name!r}", {line.name for line in lines}, set(twins.values()))
        added = [
            replace(line, name=twins[line.name], expr=rename(line.expr, twins)) for line in lines if line.name in twins
        ]
        initial = {twins[name]: text for name, text in item.initial.items() if name in twins}
        return replace(item, equations=write_equations([*lines, *added]), initial={**item.initial, **initial})

    def _projection(self, item: Projection) -> Projection:
        seen, twins = self._seen(item), self._own(item.name)
        sums = [
            replace(summed.line, name=f"{own[summed.variable]}{summed.end}", expr=rename(summed.line.expr, seen))
            for summed in (Summed(item, line) for line in summed_lines(item))
            if summed.variable in (own := self._own(summed.onto))
        ]
        lines = read_equations(item.variables)
        shadows = {self.held.name(rule, variable) for rule, owner, variable in self.held.shadows if owner == item.name}
        twins |= {name: twin_name(name) for name in shadows}
        self._check_free(f"projection {item.name!r}", {line.name for line in lines}, set(twins.values()))
        added = [
            replace(line, name=twins[line.name], expr=rename(line.expr, seen)) for line in lines if line.name in twins
        ]
        initial = {twins[name]: text for name, text in item.initial.items() if name in twins}
        return replace(
            item,
            current="\n".join(map(str, [*summed_lines(item), *sums])),
            variables="\n".join(map(str, [*lines, *added])),
            initial={**item.initial, **initial},
        )

    def _rule(self, item: LearningRule) -> LearningRule:
        projection = self.model.projection(item.projection)
        names = self._seen(projection) | {
            (shadow := self.held.name(rule, variable)): twin_name(shadow)
            for rule, owner, variable in self.held.shadows
            if owner == projection.name
        }
        if item.continuous:
            lines = [
                replace(line, name=names.get(line.name, line.name), expr=rename(line.expr, names))
                for line in read_equations(item.continuous)
            ]
            text = write_equations(lines)
        else:
            text = rename(item.text, names)
        bounds = {names.get(name, name): limits for name, limits in item.bounds.items()}
        changed: dict[str, Any] = {"name": twin_name(item.name), item.form: text, "bounds": bounds, "spiking": None}
        return replace(item, **changed)

    def _observables(self) -> Iterator[Observable]:
        """Yield what ends phases, of the rate network, so that both networks end them together; and `reported`."""
        watched = identifiers(" ".join(phase.until for phase in self.model.protocol.phases))
        for item in self.model.observables:
            if item.name in watched:
                yield replace(item, expression=rename(item.expression, self._own(item.population)))
            elif item.name in self.reported:
                yield item

    def _check_free(self, where: str, taken: set[str], needed: set[str]) -> None:
        taken = taken | {item.name for item in self.model.parameters} | {item.name for item in self.model.all_patterns}
        if both := sorted(taken & needed):
            raise RuleError(
                f"Model {self.model.name!r}, {where}: the name {both[0]!r} is needed for the rate network that runs "
                f"beside the spiking one. Rename that variable."
            )

    # How phases begin

    def _begun(self) -> Iterator[tuple[tuple[str, str], Pattern]]:
        """Yield a pattern for every random start value, so that both networks begin with the same."""
        for phase in self.model.protocol.phases:
            for variable, text in phase.start.items():
                owner = self._owner(variable)
                if owner and draws_random(text):
                    yield (phase.name, variable), self._beginning(phase, variable, text, owner)

    def _owner(self, variable: str) -> str:
        return next((owner for owner, name in self.dependent if name == variable), "")

    def _beginning(self, phase: Phase, variable: str, text: str, owner: str) -> Pattern:
        read = [item for item in self.model.all_patterns if item.name in identifiers(text)]
        first = {item.name: f"first({item.name})" for item in read if item.every}
        lines = {line.name: line for line in read_equations(self.model.population(owner).equations)}
        return Pattern(
            f"{variable}_at_{phase.name}",
            owner,
            items=read[0].items if read else self._items(phase),
            draw=_first_frames(text, first),
            unit=lines[variable].unit,
        )

    def _items(self, phase: Phase) -> int:
        """Return the largest number of items that a phase comes with."""
        counts = [1]
        for entry in self.model.protocol.schedule:
            for each in entry.body if isinstance(entry, Repeat) else (entry,):
                if phase.name in _names(each):
                    counts.append(range_shown(self.model, entry, each, self.parameters)[1])
        return max(counts)

    def _phase(self, phase: Phase, begun: Mapping[tuple[str, str], Pattern]) -> Phase:
        start = dict(phase.start)
        for variable, text in phase.start.items():
            same = begun[phase.name, variable].name if (phase.name, variable) in begun else text
            start[variable] = same
            if self._owner(variable):
                start[twin_name(variable)] = same
        return replace(phase, start=start, begin=self._statements(phase, "begin"), end=self._statements(phase, "end"))

    def _statements(self, phase: Phase, moment: str) -> dict[str, str]:
        """Return the statements of a phase, each that depends on rates a second time for the rate network."""
        found: dict[str, str] = {}
        for turn in (turn for turn in turns(self.model) if (turn.phase, turn.moment) == (phase, moment)):
            names = self._own(turn.population)
            lines = []
            for line in statement_lines(turn.code):
                target, operator, value = split_statement(line)
                twin = [f"{names[target]} {operator} {rename(value, names)}"] if target in names else []
                lines += [line, *twin]
            found[turn.population] = "\n".join(lines)
        return found


def _first_frames(text: str, first: Mapping[str, str]) -> str:
    for name, call in first.items():
        text = rename(text, {name: call})
    return text
