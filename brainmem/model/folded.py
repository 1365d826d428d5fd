"""The texts of a model in which gates and stimuli are 0 throughout: what these multiply is not there any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import get_unit

from brainmem.errors import RuleError
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.neurons import neuron_scope
from brainmem.model.checks.place import Place
from brainmem.model.checks.reading import read_model
from brainmem.model.checks.scope import Scope
from brainmem.model.checks.synapses import synapse_scope
from brainmem.model.nouns import LearningRule, Model, Observable, Phase, Population, Projection, SpikingRule
from brainmem.model.phases import MOMENTS
from brainmem.model.reading import sums_of
from brainmem.text.equations import Equation, read_equations, unit_text, write_equations
from brainmem.text.folding import Known, Number, fold, fold_equation, fold_statements
from brainmem.text.statements import targets_of

__all__ = ["Folded", "rewritten"]


class Folded:
    """The parts of a model with these gates and stimuli 0.

    Subexpressions that are a number then, and sums of which every term is 0, are put in where they are read.

    Parameters
    ----------
    model : MemoryModel
        As written, checked.
    gates, stimuli : collection of str
        Those that are 0 throughout.
    """

    def __init__(self, model: Model, gates: Collection[str], stimuli: Collection[str]) -> None:
        self.model, self.gates = model, dict.fromkeys(gates, 0)
        shown = {item.name: item.population for item in model.stimuli if item.name in stimuli}
        self.known: dict[str, dict[str, Number]] = {
            item.name: {**self.gates, **{name: 0 for name, owner in shown.items() if owner == item.name}}
            for item in model.populations
        }
        self.empty: set[tuple[str, str]] = set()  # (projection, sum) of sums that are 0
        if self.gates or shown:
            while self._learn():
                pass

    def _learn(self) -> bool:
        """Note what else is known, and return whether something is."""
        before = sum(map(len, self.known.values())) + len(self.empty)
        for item in self.model.populations:
            roles = {item.rate, item.drive, item.transfer}  # whose lines say what the units are
            found = self._numbers(read_equations(item.equations), self.known[item.name], self._units(item))
            self.known[item.name] |= {name: value for name, value in found.items() if name not in roles}
        for summed in sums_of(self.model):
            item = summed.projection
            if fold(summed.line.expr, self._synaptic(item))[1] == 0:
                self.empty.add((item.name, summed.line.name))
                population = self.model.population(summed.onto)
                if summed.variable not in {population.rate, population.drive, population.transfer}:
                    self.known[summed.onto][summed.variable] = 0
        return sum(map(len, self.known.values())) + len(self.empty) > before

    def _numbers(self, lines: Iterable[Equation], known: Known, unit_of: Callable[[str], str]) -> dict[str, Number]:
        found = ((line.name, fold_equation(line, known, unit_of)[1]) for line in lines if line.name not in known)
        return {name: value for name, value in found if value is not None}

    def _synaptic(self, item: Projection) -> dict[str, Number]:
        """Return what is known in the text of synapses."""
        ends = (("_pre", item.source), ("_post", item.target))
        known = {f"{name}{end}": value for end, owner in ends for name, value in self.known[owner].items()}
        known |= self.gates
        lines = [*read_equations(item.variables)]
        lines += [line for rule in self.model.rules if rule.projection == item.name
                  for line in read_equations(rule.continuous)]  # fmt: skip
        while new := self._numbers(lines, known, lambda text: "1"):
            known |= new
        return known

    # Units of what 0 takes the place of

    @cached_property
    def _text(self) -> Any:
        return read_model(self.model, Findings())

    def _units(self, population: Population) -> Callable[[str], str]:
        return lambda text: _unit(neuron_scope(self._text, population), text)

    def _synaptic_units(self, projection: Projection) -> Callable[[str], str]:
        return lambda text: _unit(synapse_scope(self._text, projection), text)

    # The parts

    def population(self, item: Population) -> Population:
        """Return a population in which known lines are numbers and sums of zeros are declared as 0."""
        known, unit_of = self.known[item.name], self._units(item)
        lines = {line.name: line for line in read_equations(item.equations)}
        new: dict[str, Equation | None] = {name: fold_equation(line, known, unit_of)[0] for name, line in lines.items()}
        for summed in sums_of(self.model):
            if summed.onto == item.name and (summed.projection.name, summed.line.name) in self.empty:
                line = lines[summed.variable]
                zero = self.expression(summed.projection, summed.line.expr)
                new[line.name] = replace(line, kind="subexpression", expr=zero)
        changed = {name: line for name, line in new.items() if line != lines[name]}
        sequential = fold_statements(item.sequential, known, lambda name: True, unit_of)
        return replace(item, equations=rewritten(item.equations, changed), sequential=sequential)

    def projection(self, item: Projection) -> Projection:
        """Return a projection without the sums of which every term is 0."""
        known, unit_of = self._synaptic(item), self._synaptic_units(item)
        empty = {name for owner, name in self.empty if owner == item.name}
        current = self._lines(item.current, known, unit_of, without=empty)
        return replace(item, current=current, variables=self._lines(item.variables, known, unit_of))

    def expression(self, item: Projection, expr: str) -> str:
        """Return an expression over a projection's synapses."""
        return fold(expr, self._synaptic(item), self._synaptic_units(item))[0]

    def synaptic(self, item: Projection, text: str) -> str:
        """Return equations of a projection's synapses."""
        return self._lines(text, self._synaptic(item), self._synaptic_units(item))

    def _lines(self, text: str, known: Known, unit_of: Callable[[str], str], without: Collection[str] = ()) -> str:
        lines = {line.name: line for line in read_equations(text)}
        new = {name: None if name in without else fold_equation(line, known, unit_of)[0]
               for name, line in lines.items()}  # fmt: skip
        return rewritten(text, {name: line for name, line in new.items() if line != lines[name]})

    def rule(self, item: LearningRule) -> LearningRule:
        """Return a rule without the variables that it leaves as they are; one that changes none has no text."""
        projection = self.model.projection(item.projection)
        known, unit_of = self._synaptic(projection), self._synaptic_units(projection)
        stored = set(self._text.synapses[projection.name]) if known else set()

        def statements(code: str) -> str:
            return fold_statements(code, known, stored.__contains__, unit_of)

        if item.continuous:
            lines = {line.name: line for line in read_equations(item.continuous) if line.kind == "differential"}
            still = {name for name, line in lines.items() if fold(line.expr, known)[1] == 0}
            text = self._lines(item.continuous, known, unit_of, without=still) if still != set(lines) else ""
        else:
            text = statements(item.text)
        spiking = item.spiking and replace(
            item.spiking,
            on_pre=statements(item.spiking.on_pre),
            on_post=statements(item.spiking.on_post),
            clocked=self._lines(item.spiking.clocked, known, unit_of),
        )
        folded = replace(item, **{item.form: text}, spiking=spiking)
        return replace(folded, bounds={name: ends for name, ends in item.bounds.items() if name in _changed(folded)})

    def observable(self, item: Observable) -> Observable:
        """Return an observable; one that is 0 says so."""
        unit_of = self._units(self.model.population(item.population))
        return replace(item, expression=fold(item.expression, self.known[item.population], unit_of)[0])

    def phase(self, item: Phase) -> Phase:
        """Return a phase without the gates that are 0 throughout."""
        fields = self._of_phase({name: getattr(item, name) for name in ("gates", *MOMENTS)})
        if other := item.spiking:  # what differs in spikes
            fields["spiking"] = {**other, **self._of_phase(other)}
        return replace(item, **fields)

    def _of_phase(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {name: self._moment(fields[name]) for name in MOMENTS if name in fields}
        if "gates" in fields:
            found["gates"] = {name: value for name, value in fields["gates"].items() if name not in self.gates}
        return found

    def _moment(self, given: Any) -> dict[str, str]:
        found = {}
        for name, code in given.items():
            population = self.model.population(name)
            stored = {line.name for line in read_equations(population.equations)}
            text = fold_statements(code, self.known[name], stored.__contains__, self._units(population))
            if text.strip():
                found[name] = text
        return found


def _changed(rule: LearningRule) -> set[str]:
    """Return what the texts of a rule change."""
    own = rule.spiking or SpikingRule()
    lines = read_equations(rule.continuous, own.clocked)
    names = {line.name for line in lines if line.kind == "differential"}
    return names.union(*map(targets_of, (rule.periodic, rule.episodic, own.on_pre, own.on_post)))


def _unit(scope: Scope, text: str) -> str:
    try:
        return _shown(scope.dimensions(Place(""), text))
    except RuleError:
        return "1"


def _shown(dimensions: Any) -> str:
    """Return the name of a unit, or what it is made of."""
    name = getattr(get_unit(dimensions), "name", "")
    return name if name in DEFAULT_UNITS and not dimensions.is_dimensionless else unit_text(dimensions)


def rewritten(text: str, changed: dict[str, Equation | None]) -> str:
    """Return equations with some lines replaced, by name, or left out for None; comments and other lines stay."""
    if not changed:
        return text
    lines, left = [], dict(changed)
    for line in text.splitlines():
        code, mark, comment = line.partition("#")
        name = _defined(code)
        if name not in left:
            lines.append(line)
        elif (new := left.pop(name)) is not None:
            indent = line[: len(line) - len(line.lstrip())]
            unit = code.rpartition(":")[2].partition("(")[0].strip()  # as it was written
            lines.append(f"{indent}{replace(new, unit=unit)}" + (f"  {mark}{comment}" if mark else ""))
    if not left:
        return "\n".join(lines)
    found = (changed.get(line.name, line) for line in read_equations(text))  # equations on several lines
    return write_equations(line for line in found if line is not None)


def _defined(code: str) -> str:
    """Return the variable that a line of equations defines, ``""`` for none or part of an equation."""
    try:
        found = read_equations(code)
    except Exception:  # the first line of an equation on several
        return ""
    return found[0].name if len(found) == 1 else ""
