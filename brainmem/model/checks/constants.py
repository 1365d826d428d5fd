"""Check what parameters alone decide: no part of a text may be without value, such as ``1/(a - b)`` where a = b.

It is checked when a model is made, with the default values, and when a run is prepared, with those given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model import nouns
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.lines import line_power
from brainmem.model.checks.place import Place
from brainmem.model.checks.reading import equation_texts
from brainmem.model.parts import parts, texts_of
from brainmem.text.constant import Known, constant_value, known
from brainmem.text.equations import Equation, identifiers, read_equations, split_statement
from brainmem.text.slices import joined, slice_texts

__all__ = ["check_constants", "note_constants"]

EQUATIONS = ("equations", "current", "variables", "continuous", "clocked")
STATEMENTS = ("periodic", "episodic", "on_pre", "on_post", "sequential")
SLICES = ("source_units", "target_units")
ENDS = ("_pre", "_post")
# How messages about a line or field begin, and the error for one.
Told = tuple[str, RuleError]


def check_constants(model: Any, values: Mapping[str, Any]) -> None:
    """Raise a `RuleError` for every part of a model's texts that has no value with these values of parameters."""
    found = Findings()
    note_constants(model, values, found)
    found.close(f"Model {model.name!r}")


def note_constants(model: Any, values: Mapping[str, Any], found: Findings) -> None:
    """Note such parts; those of a text about which an error has been noted already are not told again."""
    told = [str(error) for error in (*found.errors, *found.follows)]
    for where, single in _Constants(model, known(values), values).errors():
        if not any(message.startswith(where) for message in told):
            found.note(single)


@dataclass
class _Constants:
    """Reads all texts of a model with what is known of the names in them."""

    model: Any
    parameters: dict[str, Known]
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.units = {item.name: self._of_units(item) for item in self.model.populations}
        self.synapses = {item.name: self._of_synapses(item) for item in self.model.projections}

    def errors(self) -> Iterator[Told]:
        """Yield how messages about a line or field begin, with the error for one in which a part has no value."""
        for where, noun in parts(self.model):
            if isinstance(noun, nouns.Parameter | nouns.Choice):  # told with the parameter's value; a form is checked
                continue
            prefix = f"Model {self.model.name!r}{f', {where}' if where else ''}"
            names = self._names(noun, where)
            for field, text in texts_of(noun):
                if text.strip():
                    yield from self._of_text(Place(prefix, text), field, text, names)

    def _of_text(self, place: Place, field: str, text: str, names: Mapping[str, Known]) -> Iterator[Told]:
        if field in EQUATIONS:
            for line in _lines(text):
                _, slip = constant_value(line.expr or "0", names)
                if slip:
                    yield _at_line(place, place.line_of(line.name), slip)
        elif field in STATEMENTS:
            yield from _of_statements(place, dict(names))
        else:
            for expr in _ends_of(text) if field in SLICES else (text,):
                _, slip = constant_value(expr, names)
                if slip:
                    named = "" if field == "condition" else f"{field}={text!r}"
                    yield f"{place.where}: {named}", place.error(f"{named}: {slip}".removeprefix(": "))

    def _names(self, noun: Any, where: str) -> dict[str, Known]:
        """Return what a noun's texts may know."""
        if isinstance(noun, nouns.Population):
            return self.units[noun.name]
        if isinstance(noun, nouns.Observable):
            return self.units[noun.population]
        if isinstance(noun, nouns.Projection):
            return self.synapses[noun.name]
        if isinstance(noun, nouns.LearningRule):
            return self.synapses[noun.projection]
        if isinstance(noun, nouns.SpikingRule):
            rule = next(item for item in self.model.rules if item.spiking is noun)
            return self.synapses[rule.projection]
        return self.parameters

    def _size(self, population: str) -> int | None:
        size = self.model.population(population).size
        size = self.values.get(size) if isinstance(size, str) else size
        return int(size) if isinstance(size, int | np.integer) else None

    def _of_units(self, population: Any) -> dict[str, Known]:
        """Return what equations of units may know: parameters, their own number, what follows from these."""
        names = {name: value for name, value in self.parameters.items() if name != "N"}
        size = self._size(population.name)
        if size is not None:
            names["N"] = Known(float(size), size)
        return _followed(_lines(population.equations), names)

    def _of_synapses(self, projection: Any) -> dict[str, Known]:
        names = {name: value for name, value in self.parameters.items() if name != "N"}
        for end, owner in zip(ENDS, (projection.source, projection.target), strict=True):
            own = self.units[owner]
            lines = {line.name for line in _lines(self.model.population(owner).equations)}
            names |= {f"{name}{end}": own[name] for name in lines & own.keys()}
        names |= self._counts(projection)
        rules = (rule for rule in self.model.rules if rule.projection == projection.name and rule.continuous)
        texts = (projection.variables, *(rule.continuous for rule in rules))
        return _followed([line for text in texts for line in _lines(text)], names)

    def _counts(self, projection: Any) -> dict[str, Known]:
        """Return the numbers of units at both ends; without any there is no synapse to compute anything."""
        source, target = self._size(projection.source), self._size(projection.target)
        if source is None or target is None:
            return {}
        try:
            post, pre = joined(projection, (source, target), self.values).shape
        except RuleError:  # told elsewhere
            return {}
        return {f"N{end}": Known(float(count), count) for end, count in zip(ENDS, (pre, post), strict=True) if count}


def _lines(text: str) -> tuple[Equation, ...]:
    """Return the equations of a text, none where it cannot be read, which is told elsewhere."""
    if any(line_power(line) for _, line in equation_texts(Place("", text))):  # Brian2 would compute it for ever
        return ()
    try:
        return read_equations(text)
    except Exception:  # of Brian2's parser, of several kinds
        return ()


def _ends_of(text: str) -> tuple[str, ...]:
    try:
        return tuple(filter(None, slice_texts(text)))
    except RuleError:
        return ()


def _followed(lines: Iterable[Equation], names: Mapping[str, Known]) -> dict[str, Known]:
    """Return names with those of subexpressions whose value follows from them."""
    found = dict(names)
    open_ = [line for line in lines if line.kind == "subexpression" and "summed" not in line.flags]
    while True:
        values = {line.name: (constant_value(line.expr, found)[0], line) for line in open_}
        more = {name: _follows(line.expr, value, found) for name, (value, line) in values.items() if value is not None}
        if not more:
            return found
        found |= more
        open_ = [line for line in open_ if line.name not in more]


def _at_line(place: Place, line: int, slip: str) -> tuple[str, RuleError]:
    return f"{place.where}, line {line} (", place.error(slip, line=line)


def _follows(text: str, value: Any, names: Mapping[str, Known]) -> Known:
    return Known(value, f"{value:g}", tuple(identifiers(text) & names.keys()))


def _of_statements(place: Place, names: dict[str, Known]) -> Iterator[Told]:
    """Yield errors of statements in their order; each knows the values that those before have named."""
    for number, line in place.statements:
        try:
            name, operator, text = split_statement(line)
        except (AssertionError, SyntaxError, ValueError, IndexError):  # told elsewhere
            continue
        value, slip = constant_value(text, names)
        if not slip and operator == "/=" and value == 0:
            _, slip = constant_value(f"{name}/({text})", names)
        if slip:
            yield _at_line(place, number, slip)
        names.pop(name, None)
        if operator == "=" and value is not None:
            names[name] = _follows(text, value, names)
