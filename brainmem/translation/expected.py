"""What neurons, sums, observables and rules read of spiking units is made right in the mean, where it matters.

A rate read from spikes is noisy, and so is all that follows from it. Where a network's dynamics or its rules read such
a quantity beyond linearly, the mean of what they read would not be the rate network's: a sliding threshold that follows
``y**2`` gains the variance of y. So one factor of each product stays the noisy one, and the others read what is
*expected*: the value that the model's own equations give for the drives of the cells, without the noise of spikes
(`products`). The expected rate of a unit is ``tau*dx_expected/dt = -x_expected + phi(drive)``, or phi(drive) itself
where the rate is a function of the drive; expected sums and states follow from the expected rates.

Left as they are: what nothing but a result reads (an observable, a loss: that is what the cells did), what rules with
``read="trace"`` read, and the drives of the cells themselves, whose noise is what spikes do to the network.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from brainmem.spec import LearningRule, MemoryModel, Observable, Population, Projection
from brainmem.translation.common import summed_lines
from brainmem.translation.leading import changes_in, leading_variables
from brainmem.translation.lines import (
    DRAWS,
    Line,
    definitions,
    identifiers,
    read_lines,
    rename,
    split_statement,
    statement_lines,
    write_lines,
    written_out,
)
from brainmem.translation.products import Noisy, expected_text, mean_text, noise_in

__all__ = ["Change", "Expected", "expect", "expected_name"]

Name = tuple[str, str]  # population and variable
NOISES = "xi"


def expected_name(name: str) -> str:
    """Return the name of what is expected in place of a noisy variable."""
    return f"{name}_expected"


@dataclass(frozen=True)
class Change:
    """A text that reads something noisy beyond linearly, and what it reads instead."""

    where: str
    before: str
    after: str


@dataclass(frozen=True)
class Expected:
    """A model whose texts are right in the mean when rates are read from spikes.

    Attributes
    ----------
    model : MemoryModel
    states : dict of str to tuple of str
        By population, the state variables that have an expected one beside them.
    rates : frozenset of str
        Populations whose expected rate is read.
    changes : tuple of Change
    reported : tuple of str
        Observables that nothing reads and whose mean holds noise of spikes: they stay what the cells did.
    """

    model: MemoryModel
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rates: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    reported: tuple[str, ...] = ()


def expect(model: MemoryModel, *, read: str | None = None) -> Expected:
    """Return `model` with its texts made right in the mean; `read` is how all rules read, None for each its own way."""
    return _Pass(model, read).result()


class _Pass:
    """One pass over a model: finds what is noisy and what matters, changes texts, and notes what they then read."""

    def __init__(self, model: MemoryModel, read: str | None) -> None:
        self.model, self.read = model, read
        self.lines = {p.name: {line.name: line for line in read_lines(p.equations)} for p in model.populations}
        self.sums = {
            (p.target, line.name.removesuffix("_post")): (p, line)
            for p in model.projections
            for line in summed_lines(p)
        }
        self.wanted: dict[Name, None] = {}  # expected variables that some text reads
        self.changes: list[Change] = []

    def result(self) -> Expected:
        if not any(p.rate and not p.sequential for p in self.model.populations):
            return Expected(self.model)
        rules = tuple(self._rule(rule) for rule in self.model.rules)
        observables = tuple(self._observable(item) for item in self.model.observables)
        populations = {p.name: self._population(p) for p in self.model.populations}
        projections = {p.name: self._projection(p) for p in self.model.projections}
        self._add_expected(populations, projections)
        changed = _copy_of(
            self.model,
            rules=rules,
            observables=observables,
            populations=tuple(populations.values()),
            projections=tuple(projections.values()),
        )
        states = {
            p.name: tuple(name for owner, name in self.wanted if owner == p.name and self._is_state(owner, name))
            for p in self.model.populations
        }
        rates = frozenset(owner for owner, name in self.wanted if name == self._population_of(owner).rate)
        return Expected(
            changed,
            {name: found for name, found in states.items() if found},
            rates,
            tuple(self.changes),
            tuple(item.name for item in self.model.observables if self._is_reported(item)),
        )

    # What is noisy

    def _population_of(self, name: str) -> Population:
        return self.model.population(name)

    def _is_state(self, owner: str, name: str) -> bool:
        line = self.lines[owner].get(name)
        return line is not None and line.kind == "differential" and name != self._population_of(owner).rate

    def _is_rate(self, owner: str, name: str) -> bool:
        return self._population_of(owner).rate == name

    def _current_form(self, owner: str) -> bool:
        population = self._population_of(owner)
        return bool(population.rate) and self.lines[owner][population.rate].kind != "differential"

    @cached_property
    def sources(self) -> dict[Name, frozenset[str]]:
        """Where the noise of each variable comes from, as others read it; variables without noise are left out."""
        found: dict[Name, frozenset[str]] = {
            (p.name, p.rate): frozenset({f"{p.name}.{p.rate}"}) for p in self.model.populations if p.rate
        }
        while True:
            new = {key: noise for key, noise in self._next(found) if noise != found.get(key, frozenset())}
            if not new:
                return found
            found |= new

    def _next(self, found: Mapping[Name, frozenset[str]]) -> Iterator[tuple[Name, frozenset[str]]]:
        for (owner, name), (projection, line) in self.sums.items():
            read = (found.get(key, frozenset()) for key in self._synaptic_reads(projection, line.expr))
            single = frozenset().union(*read)
            # Sums over the same units share their noise; that of a single unit is a small part of it, unless the unit
            # has a synapse onto itself.
            sums = frozenset(f"sum of {noise.removeprefix('sum of ')}" for noise in single)
            own = projection.self_connections and projection.source == projection.target
            yield (owner, name), sums | single if own else sums
        for owner, lines in self.lines.items():
            for name, line in lines.items():
                if line.expr and not self._is_rate(owner, name) and not self._is_transfer(owner, name):
                    reads = identifiers(line.expr) & set(lines)
                    own = [found.get((owner, other), frozenset()) for other in reads if not self._own_phi(owner, other)]
                    yield (owner, name), frozenset().union(*own, found.get((owner, name), frozenset()))

    def _is_transfer(self, owner: str, name: str) -> bool:
        """Tell whether a variable is the transfer of the drive, which carries no noise of the unit's own spikes."""
        return self._population_of(owner).transfer == name

    def _own_phi(self, owner: str, name: str) -> bool:
        """In the current form the unit's own equations read phi(drive), which its rate is."""
        return self._is_rate(owner, name) and self._current_form(owner)

    def _synaptic_reads(self, projection: Projection, text: str) -> set[Name]:
        """Return the variables of units that a text of synapses reads."""
        text = written_out(text, self._synaptic_definitions(projection))
        found = set()
        for name in identifiers(text):
            for end, owner in (("_pre", projection.source), ("_post", projection.target)):
                base = name.removesuffix(end)
                if name.endswith(end) and base in self.lines[owner]:
                    found.add((owner, base))
            if name in self.lines[projection.target]:
                found.add((projection.target, name))
        return found

    def _synaptic_definitions(self, projection: Projection) -> dict[str, str]:
        texts = [projection.variables]
        texts += [
            rule.continuous for rule in self.model.rules if rule.projection == projection.name and rule.continuous
        ]
        return definitions((line for text in texts if text.strip() for line in read_lines(text)), stored=True)

    # What matters

    @cached_property
    def fed(self) -> set[Name]:
        """The variables that the dynamics or the rules read, directly or through others."""
        found: set[Name] = set()
        todo = set(self._roots())
        while todo:
            found |= todo
            todo = {read for key in todo for read in self._reads(*key)} - found
        return found

    def _roots(self) -> Iterator[Name]:
        for population in self.model.populations:
            if population.rate:
                yield from ((population.name, name) for name in (population.transfer, population.drive) if name)
        for rule in self.model.rules:
            if self._corrected(rule):
                yield from self._synaptic_reads(self.model.projection(rule.projection), rule.text)
        for item in self.model.observables:
            if item.name in self.watched:
                yield from ((item.population, name) for name in identifiers(item.expression))

    def _reads(self, owner: str, name: str) -> set[Name]:
        if (owner, name) in self.sums:
            projection, line = self.sums[owner, name]
            return self._synaptic_reads(projection, line.expr)
        line = self.lines[owner].get(name)
        return {(owner, other) for other in identifiers(line.expr) & set(self.lines[owner])} if line else set()

    def _corrected(self, rule: LearningRule) -> bool:
        """Tell whether what a rule reads is made right: not for traces as they are, nor for a text of its own."""
        return rule.spiking is None and (self.read or rule.read) != "trace"

    # Names as a text sees them

    def _noisy_definitions(self, owner: str) -> dict[str, str]:
        """Return the subexpressions of a population that are noisy, as they may be written out."""
        population = self._population_of(owner)
        keep = {population.rate, population.transfer} - {None}
        found = definitions(self.lines[owner].values(), keep=keep, stored=True)
        return {name: expr for name, expr in found.items() if (owner, name) in self.sources}

    def _within(self, owner: str, *, of: set[str] | None = None) -> Noisy:
        """Return the noisy names that a population's own equations read; `of` only these."""
        names = {name: noise for (other, name), noise in self.sources.items() if other == owner}
        names = {name: noise for name, noise in names.items() if not self._own_phi(owner, name)}
        chosen = names if of is None else {name: noise for name, noise in names.items() if name in of}
        return Noisy(chosen, lambda name: self._want(owner, name))

    def _across(self, projection: Projection, *, carried: bool = False) -> Noisy:
        """Return the noisy names that synapses read; with `carried`, rates and sums stay noisy in every product."""
        names, owners, held = {}, {}, set()
        for end, owner in (("_pre", projection.source), ("_post", projection.target)):
            for (other, name), noise in self.sources.items():
                if other == owner:
                    seen = f"{name}{end}"
                    names[seen] = frozenset(tag if tag.startswith("sum of ") else f"{tag}{end}" for tag in noise)
                    owners[seen] = (owner, name, end)
                    if self._is_rate(owner, name) or (owner, name) in self.sums:
                        held.add(seen)

        def want(seen: str) -> str:
            owner, name, end = owners[seen]
            found = self._want(owner, name)
            return f"{found}{end}" if found else ""

        return Noisy(names, want, frozenset(held) if carried else frozenset())

    def _want(self, owner: str, name: str) -> str:
        """Return the name of an expected variable and remember that it is read; none where a state has other noise."""
        line = self.lines[owner].get(name)
        random = line is not None and bool(identifiers(line.expr) & DRAWS or NOISES in line.expr)
        if random:
            return ""
        self.wanted.setdefault((owner, name))
        return expected_name(name)

    def _written(self, owner: str, text: str, end: str = "") -> str:
        """Return a text with the noisy subexpressions of a population written out."""
        inner = self._noisy_definitions(owner)
        if not end:
            return written_out(text, inner)
        seen = {name: f"{name}{end}" for name in self._readable(owner)}
        return written_out(text, {f"{name}{end}": rename(expr, seen) for name, expr in inner.items()})

    def _readable(self, owner: str) -> set[str]:
        stimuli = {item.name for item in self.model.stimuli if item.population == owner}
        return {*self.lines[owner], *stimuli, *self.model.protocol.gates, "N"}

    # Texts

    def _changed(self, where: str, before: str, after: str) -> str:
        if after != before:
            self.changes.append(Change(where, before, after))
        return after

    def _population(self, population: Population) -> Population:
        lines = [self._line(population, line) for line in read_lines(population.equations)]
        return replace(population, equations=write_lines(lines))

    def _line(self, population: Population, line: Line) -> Line:
        owner, name = population.name, line.name
        if not line.expr or (owner, name) not in self.fed or self._is_rate(owner, name):
            return line
        own = self._own_text(owner, line.expr)
        if name in (population.drive, population.transfer) and population.rate:
            noisy = self._within(owner, of=self._own_noise(owner))
            text = self._whole(owner, own, noisy, inside=name == population.transfer)
        elif line.kind == "differential":
            text = self._whole(owner, own, self._within(owner))
        else:
            return line  # written out where it is read
        shown = f"d{name}/dt" if line.kind == "differential" else name
        self._changed(f"{owner}: {shown}", own, text)
        return replace(line, expr=text)

    def _own_text(self, owner: str, text: str) -> str:
        """Return a unit's own text; in the current form its rate is phi(drive) there, also within subexpressions."""
        if not self._current_form(owner):
            return text
        rate, inner = str(self._population_of(owner).rate), dict[str, str]()
        known = definitions(self.lines[owner].values(), keep={rate}, stored=True)
        while new := {n: e for n, e in known.items() if n not in inner and identifiers(e) & {rate, *inner}}:
            inner |= new
        return rename(written_out(text, inner), {rate: f"{rate}_phi"})

    def _own_noise(self, owner: str) -> set[str]:
        """Return what carries the noise of a unit's own spikes: its rate and the states that follow it, no sums."""
        rate = f"{owner}.{self._population_of(owner).rate}"
        found = {name for (other, name), noise in self.sources.items() if other == owner and rate in noise}
        return found - {self._population_of(owner).drive}

    def _whole(self, owner: str, text: str, noisy: Noisy, *, inside: bool = False) -> str:
        """Return a text right in the mean; subexpressions are written out only where that changes it."""
        written = self._written(owner, text)
        found = mean_text(written, noisy, inside=inside)
        return text if found == written else found

    def _projection(self, projection: Projection) -> Projection:
        if not projection.current.strip():
            return projection
        return replace(
            projection, current=write_lines(self._sum(projection, line) for line in summed_lines(projection))
        )

    def _sum(self, projection: Projection, line: Line) -> Line:
        key = projection.target, line.name.removesuffix("_post")
        if key not in self.fed or key in self._into_drives:
            return line
        text = self._synaptic(projection, line.expr, self._across(projection))
        return replace(line, expr=self._changed(f"{projection.name}: {line.name}", line.expr, text))

    @cached_property
    def _into_drives(self) -> set[Name]:
        """The sums of the current form that drives filter: there the filter moves to the spikes (`filters`)."""
        todo = {(p.name, str(p.drive)) for p in self.model.populations if p.rate and self._current_form(p.name)}
        found, seen = set[Name](), set[Name]()
        while todo:
            seen |= todo
            found |= {key for key in todo if key in self.sums}
            todo = {read for key in todo for read in self._reads(*key) if self._relays(key, read)} - seen
        return {key for key in found if self._sums_current_form(key)}

    def _relays(self, key: Name, read: Name) -> bool:
        """Tell whether a variable stands between a drive and the sums that it filters: no state of its own does."""
        line = self.lines[read[0]].get(read[1])
        return read in self.sums or (line is not None and line.kind == "subexpression" and not self._is_rate(*read))

    def _sums_current_form(self, key: Name) -> bool:
        projection, _ = self.sums[key]
        source = self._population_of(projection.source)
        return source.rate is None or self._current_form(projection.source)

    def _synaptic(self, projection: Projection, text: str, noisy: Noisy) -> str:
        written = self._ends_written(projection, text)
        found = mean_text(written, noisy)
        return text if found == written else found

    def _ends_written(self, projection: Projection, text: str) -> str:
        text = self._written(projection.source, text, "_pre")
        return self._written(projection.target, text, "_post")

    @cached_property
    def watched(self) -> set[str]:
        """The observables that end phases."""
        return identifiers(" ".join(phase.until for phase in self.model.protocol.phases))

    def _is_reported(self, item: Observable) -> bool:
        """Tell whether an observable that only a result reads goes beyond what is linear in noisy rates."""
        if item.name in self.watched:
            return False
        written = self._written(item.population, item.expression)
        if _beyond_linear(written, self._as_seen(item.population)):
            return True
        todo, seen = {(item.population, name) for name in identifiers(item.expression)}, set[Name]()
        while todo:
            seen |= todo
            if any(self._gains(*key) for key in todo - self.fed):
                return True
            todo = {read for key in todo for read in self._reads(*key)} - seen
        return False

    def _gains(self, owner: str, name: str) -> bool:
        """Tell whether a sum or state reads something noisy beyond linearly."""
        if (owner, name) in self.sums:
            projection, line = self.sums[owner, name]
            return _beyond_linear(self._ends_written(projection, line.expr), self._across(projection))
        return self._is_state(owner, name) and _beyond_linear(
            self._written(owner, self.lines[owner][name].expr), self._within(owner)
        )

    def _observable(self, item: Observable) -> Observable:
        if item.name not in self.watched:
            return item
        text = self._whole(item.population, item.expression, self._as_seen(item.population))
        return replace(item, expression=self._changed(f"observable {item.name}", item.expression, text))

    def _as_seen(self, owner: str) -> Noisy:
        """Return the noisy names of a population as others read them, its rate from spikes in both forms."""
        names = {name: noise for (other, name), noise in self.sources.items() if other == owner}
        return Noisy(names, lambda name: self._want(owner, name))

    def _rule(self, rule: LearningRule) -> LearningRule:
        if not self._corrected(rule):
            return rule
        projection = self.model.projection(rule.projection)
        if rule.continuous:
            lines = [self._rule_line(rule, projection, line) for line in read_lines(rule.continuous)]
            return replace(rule, continuous=write_lines(lines))
        text = self._statements(projection, rule)
        return replace(rule, **{rule.form: self._changed(f"rule {rule.name}", rule.text, text)})

    def _read_by(self, rule: LearningRule, projection: Projection, target: str, text: str) -> Noisy:
        """Return the noisy names that a change of a variable reads.

        Rates and sums stay noisy in every product, unless all is read at one moment, or a variable that synapses
        gather from them is a factor: it has their noise of before.
        """
        noisy, gathered = self._across(projection), self._gathered(projection)
        gathered = {name: noise for name, noise in gathered.items() if name in identifiers(text) - {target}}
        if gathered:
            return noisy.joined(gathered)
        at_once = rule.form != "continuous" and (self.read or rule.read) == "auto"
        return noisy if at_once else self._across(projection, carried=True)

    def _gathered(self, projection: Projection) -> dict[str, frozenset[str]]:
        """Return the noise of variables that synapses gather from rates and from which others change, as a trace is.

        Weights, which currents read, are not among them: they are to change slowly.
        """
        leading = leading_variables(self.model, projection) - identifiers(projection.current)
        known, found = self._across(projection).sources, dict[str, frozenset[str]]()
        changes = [
            (name, self._ends_written(projection, text))
            for rule in self.model.rules
            if rule.projection == projection.name
            for name, text in changes_in(self.model, rule)
            if name in leading
        ]
        while True:
            reads, new = {**known, **found}, dict(found)
            for name, text in changes:
                new[name] = new.get(name, frozenset()) | noise_in(text, reads)
            if new == found:
                return {name: noise for name, noise in found.items() if noise}
            found = new

    def _rule_line(self, rule: LearningRule, projection: Projection, line: Line) -> Line:
        if line.kind != "differential":
            return line
        own = definitions(read_lines(rule.continuous), stored=True)
        whole = written_out(line.expr, own)
        text = self._synaptic(projection, whole, self._read_by(rule, projection, line.name, whole))
        changed = text != written_out(line.expr, own)
        return replace(line, expr=self._changed(f"rule {rule.name}", line.expr, text)) if changed else line

    def _statements(self, projection: Projection, rule: LearningRule) -> str:
        """Return statements right in the mean; noisy names of their own are written out where they are read."""
        local: dict[str, str] = {}
        found = []
        stored = {line.name for line in self._stored(projection)}
        for line in statement_lines(rule.text):
            target, operator, value = split_statement(line)
            whole = written_out(value, local)
            noisy = self._read_by(rule, projection, target, whole)
            text = self._synaptic(projection, whole, noisy)
            if target not in stored and operator == "=" and noisy.of(_tree(self._ends_written(projection, whole))):
                local[target] = whole
                continue
            local.pop(target, None)
            found.append(f"{target} {operator} {value if text == whole and whole == value else text}")
        return "\n".join(found) if "\n".join(found) != "\n".join(statement_lines(rule.text)) else rule.text

    def _stored(self, projection: Projection) -> Iterator[Line]:
        texts = [projection.variables]
        texts += [rule.continuous for rule in self.model.rules if rule.projection == projection.name]
        yield from (line for text in texts if text.strip() for line in read_lines(text) if line.kind != "subexpression")
        yield from (Line(name, "parameter", "1") for name in projection.initial)

    # Expected variables

    def _add_expected(self, populations: dict[str, Population], projections: dict[str, Projection]) -> None:
        """Give every expected variable that is read its equation; these may read others."""
        done: set[Name] = set()
        while todo := [key for key in self.wanted if key not in done]:
            for owner, name in todo:
                done.add((owner, name))
                if self._is_rate(owner, name):
                    continue  # made with the unit's readout
                if (owner, name) in self.sums:
                    self._add_sum(owner, name, populations, projections)
                elif self._is_state(owner, name):
                    self._add_state(owner, name, populations)

    def _add_sum(self, owner: str, name: str, populations: dict[str, Any], projections: dict[str, Any]) -> None:
        projection, line = self.sums[owner, name]
        text = expected_text(self._ends_written(projection, line.expr), self._across(projection))
        new = Line(f"{expected_name(name)}_post", "subexpression", line.unit, text, line.flags)
        old = projections[projection.name]
        projections[projection.name] = replace(old, current=f"{old.current}\n{new}")
        self._declare(owner, Line(expected_name(name), "parameter", line.unit), populations)

    def _add_state(self, owner: str, name: str, populations: dict[str, Any]) -> None:
        line = self.lines[owner][name]
        own = self._own_text(owner, line.expr)
        text = expected_text(self._written(owner, own), self._within(owner))
        self._declare(owner, replace(line, name=expected_name(name), expr=text), populations)

    def _declare(self, owner: str, line: Line, populations: dict[str, Any]) -> None:
        old = populations[owner]
        populations[owner] = replace(old, equations=f"{old.equations}\n{line}")


def _beyond_linear(text: str, noisy: Noisy) -> bool:
    return mean_text(text, Noisy(noisy.sources, expected_name)) != text


def _tree(text: str) -> ast.Expression:
    return ast.parse(text, mode="eval")


def _copy_of(model: MemoryModel, **changes: Any) -> MemoryModel:
    new = copy(model)
    for name, value in changes.items():
        object.__setattr__(new, name, value)
    return new
