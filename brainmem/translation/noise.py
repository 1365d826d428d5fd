"""What is noisy in a model whose rates are read from spikes, where the noise comes from, and where it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from brainmem.model.memory import MemoryModel
from brainmem.model.names import key_of_rank
from brainmem.model.nouns import LearningRule, Population, Projection
from brainmem.model.phases import Turn, set_by_phases, turns
from brainmem.model.reading import Summed, sums_of
from brainmem.text.equations import (
    definitions,
    identifiers,
    read_equations,
    rename,
    split_statement,
    statement_lines,
    written_out,
)
from brainmem.translation.leading import changes_in, leading_variables
from brainmem.translation.products import noise_in

__all__ = ["Name", "Noise"]

Name = tuple[str, str]  # of a population or projection, and of a variable there


class Noise:
    """What of a model is noisy in spikes.

    Parameters
    ----------
    model : MemoryModel
    read : str or None
        How all rules read rates; None for each its own way.

    Attributes
    ----------
    lines : dict of str to dict of str to Equation
        By population, its equations by variable.
    sums : dict of Name to Summed
        What synapses sum up, by the population and variable that takes it.
    """

    def __init__(self, model: MemoryModel, read: str | None) -> None:
        self.model, self.read = model, read
        self.lines = {p.name: {line.name: line for line in read_equations(p.equations)} for p in model.populations}
        self.sums: dict[Name, Summed] = {(item.onto, item.variable): item for item in sums_of(model)}

    def population_of(self, name: str) -> Population:
        """Return the population called `name`."""
        return self.model.population(name)

    def is_state(self, owner: str, name: str) -> bool:
        """Tell whether a variable has an equation in time, and is no rate."""
        line = self.lines[owner].get(name)
        return line is not None and line.kind == "differential" and name != self.population_of(owner).rate

    def is_rate(self, owner: str, name: str) -> bool:
        """Tell whether a variable is its population's rate."""
        return self.population_of(owner).rate == name

    def current_form(self, owner: str) -> bool:
        """Tell whether a population's rate is a function of its drive, which has the equation in time."""
        population = self.population_of(owner)
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
        for (owner, name), item in self.sums.items():
            if item.ranks and (owner, name) not in self.deciding:
                continue  # of what is expected
            projection = item.projection
            read = (found.get(key, frozenset()) for key in self.synaptic_reads(projection, item.line.expr))
            single = frozenset().union(*read)
            # Sums over the same units share their noise; that of a single unit is a small part of it, unless the unit
            # has a synapse onto itself.
            sums = frozenset(f"sum of {noise.removeprefix('sum of ')}" for noise in single)
            own = projection.self_connections and projection.source == projection.target
            yield (owner, name), sums | single if own else sums
        for owner, lines in self.lines.items():
            for name, line in lines.items():
                if line.expr and not self.is_rate(owner, name) and not self._is_transfer(owner, name):
                    reads = line.names & set(lines)
                    own = [found.get((owner, other), frozenset()) for other in reads if not self.own_phi(owner, other)]
                    yield (owner, name), frozenset().union(*own, found.get((owner, name), frozenset()))
        for turn in self.turns:
            for name, value in self.settings(turn):
                names = identifiers(value) | {name}
                read = [found.get((turn.population, other), frozenset()) for other in names]
                yield (turn.population, name), frozenset().union(*read)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """What phases run on units when they begin and end."""
        return tuple(turns(self.model))

    def settings(self, turn: Turn) -> Iterator[tuple[str, str]]:
        """Yield what statements of a phase set, variables and names of their own, but rates, with the value of each."""
        for line in statement_lines(turn.code):
            name, _, value = split_statement(line)
            if not self.is_rate(turn.population, name):
                yield name, value

    def is_kept(self, owner: str, name: str) -> bool:
        """Tell whether phases set a variable by statements, and no equation changes it."""
        return name in self._kept[owner]

    @cached_property
    def _kept(self) -> dict[str, dict[str, str]]:
        return {p.name: set_by_phases(self.model, p) for p in self.model.populations}

    @cached_property
    def deciding(self) -> set[Name]:
        """The ranks of units that their own drives or transfers read: noise in what they compare decides, as in drives.

        Other ranks are those of what is expected.
        """
        todo = {(p.name, str(name)) for p in self.model.populations if p.rate for name in (p.drive, p.transfer)}
        seen = set[Name]()
        while todo:
            seen |= todo
            todo = {read for key in todo - self.sums.keys() for read in self.reads(*key) if self._relays(key, read)}
            todo -= seen
        return {key for key in seen & self.sums.keys() if self.sums[key].ranks}

    def compared(self, owner: str) -> dict[str, Name]:
        """Return the ranks of a population by the names of the values that are compared for them."""
        ranks = ((key, item) for key, item in self.sums.items() if key[0] == owner and item.ranks)
        return {key_of_rank(key[1]): key for key, _ in ranks}

    def _is_transfer(self, owner: str, name: str) -> bool:
        """Tell whether a variable is the transfer of the drive, which carries no noise of the unit's own spikes."""
        return self.population_of(owner).transfer == name

    def own_phi(self, owner: str, name: str) -> bool:
        """In the current form the unit's own equations read phi(drive), which its rate is."""
        return self.is_rate(owner, name) and self.current_form(owner)

    def synaptic_reads(self, projection: Projection, text: str) -> set[Name]:
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
        return definitions((line for line in read_equations(*texts)), stored=True)

    @cached_property
    def fed(self) -> set[Name]:
        """The variables that the dynamics or the rules read, directly or through others."""
        found: set[Name] = set()
        todo = set(self._roots())
        while todo:
            found |= todo
            todo = {read for key in todo for read in self.reads(*key)} - found
        return found

    def _roots(self) -> Iterator[Name]:
        for population in self.model.populations:
            if population.rate:
                yield from ((population.name, name) for name in (population.transfer, population.drive) if name)
        for rule in self.model.rules:
            if self.corrected(rule):
                yield from self.synaptic_reads(self.model.projection(rule.projection), rule.text)
        for item in self.model.observables:
            if item.name in self.watched:
                yield from ((item.population, name) for name in identifiers(item.expression))

    def reads(self, owner: str, name: str) -> set[Name]:
        """Return the variables that a variable's own text reads."""
        if (owner, name) in self.sums:
            item = self.sums[owner, name]
            return self.synaptic_reads(item.projection, item.line.expr)
        line = self.lines[owner].get(name)
        texts = [line.expr] if line else []
        texts += [
            value
            for turn in self.turns
            for target, value in self.settings(turn)
            if turn.population == owner and target == name
        ]
        return {(owner, other) for text in texts for other in identifiers(text)} & self._readings(owner)

    def _readings(self, owner: str) -> set[Name]:
        """Return the variables of a population, and the names that statements of phases give to values."""
        own = {name for turn in self.turns if turn.population == owner for name, _ in self.settings(turn)}
        return {(owner, name) for name in own.union(self.lines[owner])}

    def corrected(self, rule: LearningRule) -> bool:
        """Tell whether what a rule reads is made right: not for traces as they are, nor for a text of its own."""
        return rule.spiking is None and (self.read or rule.read) != "trace"

    def _noisy_definitions(self, owner: str) -> dict[str, str]:
        """Return the subexpressions of a population that are noisy, as they may be written out."""
        population = self.population_of(owner)
        keep = {name for name in (population.rate, population.transfer) if name is not None}
        found = definitions(self.lines[owner].values(), keep=keep, stored=True)
        return {name: expr for name, expr in found.items() if (owner, name) in self.sources}

    def written(self, owner: str, text: str, end: str = "") -> str:
        """Return a text with the noisy subexpressions of a population written out."""
        inner = self._noisy_definitions(owner)
        if not end:
            return written_out(text, inner)
        seen = {name: f"{name}{end}" for name in self._readable(owner)}
        return written_out(text, {f"{name}{end}": rename(expr, seen) for name, expr in inner.items()})

    def _readable(self, owner: str) -> set[str]:
        stimuli = {item.name for item in self.model.stimuli if item.population == owner}
        return {*self.lines[owner], *stimuli, *self.model.protocol.gates, "N"}

    def own_text(self, owner: str, text: str) -> str:
        """Return a unit's own text; in the current form its rate is phi(drive) there, also within subexpressions."""
        if not self.current_form(owner):
            return text
        rate, inner = str(self.population_of(owner).rate), dict[str, str]()
        known = definitions(self.lines[owner].values(), keep={rate}, stored=True)
        while new := {n: e for n, e in known.items() if n not in inner and identifiers(e) & {rate, *inner}}:
            inner |= new
        return rename(written_out(text, inner), {rate: f"{rate}_phi"})

    def own_noise(self, owner: str) -> set[str]:
        """Return what carries the noise of a unit's own spikes: its rate and the states that follow it, no sums."""
        rate = f"{owner}.{self.population_of(owner).rate}"
        found = {name for (other, name), noise in self.sources.items() if other == owner and rate in noise}
        return {name for name in found if name != self.population_of(owner).drive and (owner, name) not in self.sums}

    @cached_property
    def into_drives(self) -> set[Name]:
        """The sums of the current form that drives filter: there the filter moves to the spikes (`filters`)."""
        todo = {(p.name, str(p.drive)) for p in self.model.populations if p.rate and self.current_form(p.name)}
        found, seen = set[Name](), set[Name]()
        while todo:
            seen |= todo
            found |= {key for key in todo if key in self.sums}
            todo = {read for key in todo for read in self.reads(*key) if self._relays(key, read)} - seen
        return {key for key in found if self._sums_current_form(key)}

    def _relays(self, key: Name, read: Name) -> bool:
        """Tell whether a variable stands between a drive and the sums that it filters: no state of its own does."""
        line = self.lines[read[0]].get(read[1])
        return read in self.sums or (line is not None and line.kind == "subexpression" and not self.is_rate(*read))

    def _sums_current_form(self, key: Name) -> bool:
        over = self.sums[key].over
        return self.population_of(over).rate is None or self.current_form(over)

    def ends_written(self, projection: Projection, text: str) -> str:
        """Return a text of synapses with the noisy subexpressions of both populations written out."""
        text = self.written(projection.source, text, "_pre")
        return self.written(projection.target, text, "_post")

    @cached_property
    def watched(self) -> set[str]:
        """The observables that end phases, or repetitions."""
        return identifiers(self.model.protocol.conditions)

    def across(self, projection: Projection) -> dict[str, tuple[Name, frozenset[str]]]:
        """Return the noisy names that synapses read, each with its variable and where its noise comes from."""
        return {
            f"{name}{end}": ((owner, name), frozenset(_as_read(tag, end) for tag in noise))
            for end, owner in (("_pre", projection.source), ("_post", projection.target))
            for (other, name), noise in self.sources.items()
            if other == owner
        }

    def gathered(self, projection: Projection) -> dict[str, frozenset[str]]:
        """Return the noise of variables that synapses gather from rates and from which others change, as a trace is.

        Weights, which currents read, are not among them: they are to change slowly.
        """
        leading = leading_variables(self.model, projection) - identifiers(projection.current)
        known = {name: noise for name, (_, noise) in self.across(projection).items()}
        found = dict[str, frozenset[str]]()
        changes = [
            (name, self.ends_written(projection, text))
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


def _as_read(source: str, end: str) -> str:
    """Return a source of noise as synapses know it: of one of their units, or of many, which both ends share."""
    return source if source.startswith("sum of ") else f"{source}{end}"
