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

from dataclasses import replace
from typing import Any

from brainmem.model.memory import MemoryModel
from brainmem.model.names import expected_name, key_of_rank
from brainmem.model.nouns import LearningRule, Observable, Population, Projection
from brainmem.model.parts import unchecked
from brainmem.model.reading import EXTREMES, Summed, summed_lines
from brainmem.text.equations import (
    DRAWS,
    Equation,
    definitions,
    identifiers,
    read_equations,
    split_statement,
    statement_lines,
    write_equations,
    written_out,
)
from brainmem.text.ranking import before
from brainmem.translation.changed import Change, Expected
from brainmem.translation.expected_phases import PhaseTexts
from brainmem.translation.leading import stored_variables
from brainmem.translation.noise import Name, Noise
from brainmem.translation.products import Noisy, expected_text, mean_text, noise_in, noiseless_text

__all__ = ["expect"]

NOISES = "xi"


def expect(model: MemoryModel, *, read: str | None = None) -> Expected:
    """Return `model` with its texts made right in the mean; `read` is how all rules read, None for each its own way."""
    return _Pass(model, read).result()


class _Pass:
    """One pass over a model: changes texts where they read noise beyond linearly, and notes what they then read."""

    def __init__(self, model: MemoryModel, read: str | None) -> None:
        self.model, self.read, self.noise = model, read, Noise(model, read)
        self.wanted: dict[Name, None] = {}  # expected variables that some text reads
        self.changes: list[Change] = []
        self.phases = PhaseTexts(self.noise, self._as_seen, expected_name)

    def result(self) -> Expected:
        if not any(p.rate and not p.sequential for p in self.model.populations):
            return Expected(self.model)
        rules = tuple(self._rule(rule) for rule in self.model.rules)
        observables = tuple(self._observable(item) for item in self.model.observables)
        populations = {p.name: self._population(p) for p in self.model.populations}
        projections = {p.name: self._projection(p) for p in self.model.projections}
        for turn, code in self.phases.changes():
            self._changed(f"phase {turn.phase.name}, {turn.moment} of {turn.population}", turn.code, code)
        self._add_expected(populations, projections)
        changed = unchecked(
            self.model,
            rules=rules,
            observables=observables,
            populations=tuple(populations.values()),
            projections=tuple(projections.values()),
            protocol=self.phases.protocol(self.wanted),
        )
        states = {
            p.name: tuple(name for owner, name in self.wanted if owner == p.name and self._keeps(owner, name))
            for p in self.model.populations
        }
        rates = frozenset(owner for owner, name in self.wanted if name == self.noise.population_of(owner).rate)
        return Expected(
            changed,
            {name: found for name, found in states.items() if found},
            rates,
            tuple(self.changes),
            tuple(item.name for item in self.model.observables if self._is_reported(item)),
            tuple(sorted(self.noise.deciding)),
        )

    def _keeps(self, owner: str, name: str) -> bool:
        return self.noise.is_state(owner, name) or self.noise.is_kept(owner, name)

    def _within(self, owner: str, *, of: set[str] | None = None) -> Noisy:
        """Return the noisy names that a population's own equations read; `of` only these."""
        names = {name: noise for (other, name), noise in self.noise.sources.items() if other == owner}
        names = {name: noise for name, noise in names.items() if not self.noise.own_phi(owner, name)}
        chosen = names if of is None else {name: noise for name, noise in names.items() if name in of}
        return Noisy(chosen, lambda name: self._want(owner, name), compared=self._deciding(owner))

    def _deciding(self, owner: str) -> frozenset[str]:
        return frozenset(name for other, name in self.noise.deciding if other == owner)

    def _across(self, projection: Projection, *, carried: bool = False) -> Noisy:
        """Return the noisy names that synapses read; with `carried`, rates and sums stay noisy in every product."""
        seen_as, sums = self.noise.across(projection), self.noise.sums
        names = {seen: noise for seen, (_, noise) in seen_as.items()}
        owners = {seen: key for seen, (key, _) in seen_as.items()}
        compared = frozenset(seen for seen, key in owners.items() if key in self.noise.deciding)
        held = {seen for seen, key in owners.items() if self.noise.is_rate(*key) or key in sums} if carried else set()

        def want(seen: str) -> str:
            found = self._want(*owners[seen])
            return f"{found}{seen.removeprefix(owners[seen][1])}" if found else ""

        return Noisy(names, want, frozenset(held) - compared, compared)

    def _want(self, owner: str, name: str) -> str:
        """Return the name of an expected variable and remember that it is read; none where a state has other noise."""
        line = self.noise.lines[owner].get(name)
        random = line is not None and bool(line.names & DRAWS or NOISES in line.expr)
        if random:
            return ""
        self.wanted.setdefault((owner, name))
        return expected_name(name)

    def _changed(self, where: str, before: str, after: str) -> str:
        if after != before:
            self.changes.append(Change(where, before, after))
        return after

    def _population(self, population: Population) -> Population:
        lines = [self._line(population, line) for line in read_equations(population.equations)]
        return replace(population, equations=write_equations(lines))

    def _line(self, population: Population, line: Equation) -> Equation:
        owner, name = population.name, line.name
        if not line.expr or (owner, name) not in self.noise.fed or self.noise.is_rate(owner, name):
            return line
        own, rank = self.noise.own_text(owner, line.expr), self.noise.compared(owner).get(name)
        if name in (population.drive, population.transfer) and population.rate:
            noisy = self._within(owner, of=self.noise.own_noise(owner))
            text = self._whole(owner, own, noisy, inside=name == population.transfer)
        elif rank is not None:
            of = self.noise.own_noise(owner) if rank in self.noise.deciding else None
            text = self._whole(owner, line.expr, self._as_seen(owner, of=of), extreme=True)
        elif line.kind == "differential":
            text = self._whole(owner, own, self._within(owner))
        else:
            return line  # written out where it is read
        shown = f"d{name}/dt" if line.kind == "differential" else name
        self._changed(f"{owner}: {shown}", own, text)
        return replace(line, expr=text)

    def _whole(self, owner: str, text: str, noisy: Noisy, *, inside: bool = False, extreme: bool = False) -> str:
        """Return a text right in the mean; subexpressions are written out only where that changes it.

        Of an `extreme` among many it reads only what is expected: that of noisy values is not that of their means.
        """
        written = self.noise.written(owner, text)
        found = noiseless_text(written, noisy) if extreme else mean_text(written, noisy, inside=inside)
        return text if found == written else found

    def _projection(self, projection: Projection) -> Projection:
        if not projection.current.strip():
            return projection
        return replace(
            projection,
            current=write_equations(self._sum(Summed(projection, line)) for line in summed_lines(projection)),
        )

    def _sum(self, item: Summed) -> Equation:
        projection, line, key = item.projection, item.line, (item.onto, item.variable)
        if key not in self.noise.fed or key in self.noise.into_drives or item.ranks:
            return line  # of ranks, what is compared has been changed
        text = self._synaptic(projection, line.expr, self._across(projection), extreme=bool(item.extreme))
        return replace(line, expr=self._changed(f"{projection.name}: {line.name}", line.expr, text))

    def _synaptic(self, projection: Projection, text: str, noisy: Noisy, *, extreme: bool = False) -> str:
        written = self.noise.ends_written(projection, text)
        found = noiseless_text(written, noisy) if extreme else mean_text(written, noisy)
        return text if found == written else found

    def _is_reported(self, item: Observable) -> bool:
        """Tell whether an observable that only a result reads goes beyond what is linear in noisy rates."""
        if item.name in self.noise.watched:
            return False
        written, noisy = self.noise.written(item.population, item.expression), self._as_seen(item.population)
        if _beyond_linear(written, noisy) or (item.reduce in EXTREMES and noise_in(written, noisy.sources)):
            return True
        todo, seen = {(item.population, name) for name in identifiers(item.expression)}, set[Name]()
        while todo:
            seen |= todo
            if any(self._gains(*key) for key in todo - self.noise.fed):
                return True
            todo = {read for key in todo for read in self.noise.reads(*key)} - seen
        return False

    def _gains(self, owner: str, name: str) -> bool:
        """Tell whether a sum or state reads something noisy beyond linearly."""
        if (owner, name) in self.noise.sums:
            item = self.noise.sums[owner, name]
            written, noisy = self.noise.ends_written(item.projection, item.line.expr), self._across(item.projection)
            return _beyond_linear(written, noisy) or bool(item.compares and noise_in(written, noisy.sources))
        if self.phases.gains(owner, name):
            return True
        return self.noise.is_state(owner, name) and _beyond_linear(
            self.noise.written(owner, self.noise.lines[owner][name].expr), self._as_seen(owner)
        )

    def _observable(self, item: Observable) -> Observable:
        if item.name not in self.noise.watched:
            return item
        noisy, extreme = self._as_seen(item.population), item.reduce in EXTREMES
        text = self._whole(item.population, item.expression, noisy, extreme=extreme)
        return replace(item, expression=self._changed(f"observable {item.name}", item.expression, text))

    def _as_seen(self, owner: str, *, of: set[str] | None = None) -> Noisy:
        """Return the noisy names of a population as others read them, its rate from spikes in both forms."""
        sources = self.noise.sources.items()
        names = {name: noise for (other, name), noise in sources if other == owner and (of is None or name in of)}
        return Noisy(names, lambda name: self._want(owner, name), compared=self._deciding(owner))

    def _rule(self, rule: LearningRule) -> LearningRule:
        if not self.noise.corrected(rule):
            return rule
        projection = self.model.projection(rule.projection)
        if rule.continuous:
            lines = [self._rule_line(rule, projection, line) for line in read_equations(rule.continuous)]
            return replace(rule, continuous=write_equations(lines))
        text = self._statements(projection, rule)
        return replace(rule, **{rule.form: self._changed(f"rule {rule.name}", rule.text, text)})

    def _read_by(self, rule: LearningRule, projection: Projection, target: str, text: str) -> Noisy:
        """Return the noisy names that a change of a variable reads.

        Rates and sums stay noisy in every product, unless all is read at one moment, or a variable that synapses
        gather from them is a factor: it has their noise of before.
        """
        noisy, gathered = self._across(projection), self.noise.gathered(projection)
        gathered = {name: noise for name, noise in gathered.items() if name in identifiers(text) - {target}}
        if gathered:
            return noisy.joined(gathered)
        at_once = rule.form != "continuous" and (self.read or rule.read) == "auto"
        return noisy if at_once else self._across(projection, carried=True)

    def _rule_line(self, rule: LearningRule, projection: Projection, line: Equation) -> Equation:
        if line.kind != "differential":
            return line
        own = definitions(read_equations(rule.continuous), stored=True)
        whole = written_out(line.expr, own)
        text = self._synaptic(projection, whole, self._read_by(rule, projection, line.name, whole))
        changed = text != written_out(line.expr, own)
        return replace(line, expr=self._changed(f"rule {rule.name}", line.expr, text)) if changed else line

    def _statements(self, projection: Projection, rule: LearningRule) -> str:
        """Return statements right in the mean; noisy names of their own are written out where they are read."""
        local: dict[str, str] = {}
        found = []
        stored = stored_variables(self.model, projection)
        for line in statement_lines(rule.text):
            target, operator, value = split_statement(line)
            whole = written_out(value, local)
            noisy = self._read_by(rule, projection, target, whole)
            text = self._synaptic(projection, whole, noisy)
            if (
                target not in stored
                and operator == "="
                and noise_in(self.noise.ends_written(projection, whole), noisy.sources)
            ):
                local[target] = whole
                continue
            local.pop(target, None)
            found.append(f"{target} {operator} {value if text == whole and whole == value else text}")
        return "\n".join(found) if "\n".join(found) != "\n".join(statement_lines(rule.text)) else rule.text

    def _add_expected(self, populations: dict[str, Population], projections: dict[str, Projection]) -> None:
        """Give every expected variable that is read its equation; these may read others."""
        done: set[Name] = set()
        while todo := [key for key in self.wanted if key not in done]:
            for owner, name in todo:
                done.add((owner, name))
                self.phases.ask(owner, name)
                if self.noise.is_rate(owner, name):
                    continue  # made with the unit's readout
                if (owner, name) in self.noise.sums:
                    self._add_sum(owner, name, populations, projections)
                elif self.noise.is_state(owner, name):
                    self._add_state(owner, name, populations)
                elif self.noise.is_kept(owner, name):
                    unit = self.noise.lines[owner][name].unit
                    self._declare(owner, Equation(expected_name(name), "parameter", unit), populations)

    def _add_sum(self, owner: str, name: str, populations: dict[str, Any], projections: dict[str, Any]) -> None:
        item = self.noise.sums[owner, name]
        projection, line = item.projection, item.line
        if item.ranks:
            self._add_rank(item, populations, projections)
            return
        text = expected_text(self.noise.ends_written(projection, line.expr), self._across(projection))
        new = Equation(f"{expected_name(name)}{item.end}", "subexpression", line.unit, text, line.flags)
        old = projections[projection.name]
        projections[projection.name] = replace(old, current=f"{old.current}\n{new}")
        self._declare(owner, Equation(expected_name(name), "parameter", line.unit), populations)

    def _add_rank(self, item: Summed, populations: dict[str, Any], projections: dict[str, Any]) -> None:
        """Add the rank of what is expected, beside one that noise decides."""
        owner, name, key = item.onto, expected_name(item.variable), key_of_rank(item.variable)
        value = self.noise.written(owner, self.noise.lines[owner][key].expr)
        text = expected_text(value, self._as_seen(owner))
        self._declare(owner, Equation(key_of_rank(name), "subexpression", "1", text), populations)
        self._declare(owner, Equation(name, "parameter", "1"), populations)
        new = replace(item.line, name=f"{name}_post", expr=before(key_of_rank(name)))
        old = projections[item.projection.name]
        projections[item.projection.name] = replace(old, current=f"{old.current}\n{new}")

    def _add_state(self, owner: str, name: str, populations: dict[str, Any]) -> None:
        line = self.noise.lines[owner][name]
        own = self.noise.own_text(owner, line.expr)
        text = expected_text(self.noise.written(owner, own), self._within(owner))
        self._declare(owner, replace(line, name=expected_name(name), expr=text), populations)

    def _declare(self, owner: str, line: Equation, populations: dict[str, Any]) -> None:
        old = populations[owner]
        populations[owner] = replace(old, equations=f"{old.equations}\n{line}")


def _beyond_linear(text: str, noisy: Noisy) -> bool:
    return mean_text(text, Noisy(noisy.sources, expected_name)) != text
