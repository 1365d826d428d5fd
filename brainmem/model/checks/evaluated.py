"""Checks of observables that are evaluated in some phases only: nothing reads them in others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from brainmem.errors import RuleError
from brainmem.model.checks.place import Place, listed, place_of
from brainmem.model.checks.text import Entry, ModelText
from brainmem.model.nouns import LearningRule, Observable, Phase, Projection
from brainmem.text.equations import identifiers

__all__ = ["check_evaluated"]


def check_evaluated(text: ModelText) -> None:
    """Refuse what reads an observable in phases in which it is not evaluated."""
    partial = {item.name: item for item in text.model.observables if item.during}
    if not partial:
        return
    for place, names, phases, advice in _readers(text):
        for name in sorted(names & set(partial)):
            if missing := [phase for phase in phases if phase not in partial[name].during]:
                text.found.note(_error(place, partial[name], missing, advice))


def _error(place: Place, item: Observable, missing: list[str], advice: str) -> RuleError:
    return place.error(
        f"it reads {item.name!r} in {'phase' if len(missing) == 1 else 'phases'} {listed(map(repr, missing))}, and the "
        f"observable {item.name!r} is evaluated during={item.during!r} alone. Add the phase to during= of the "
        f"observable{advice}.",
        about=item.name,
    )


Reader = tuple[Place, set[str], Iterable[str], str]  # where, the names read, in which phases, what else to do


def _readers(text: ModelText) -> Iterator[Reader]:
    """Yield what reads numbers of the whole network."""
    model = text.model
    phases = [phase.name for phase in model.protocol.phases]
    everywhere = ", or leave during= out: this text acts in all phases"
    for population in model.populations:
        names = _read(text.neurons[population.name].values()) | identifiers(population.sequential)
        place = place_of(model, "population", population.name)
        yield place, names - set(text.readable(population.name)), phases, everywhere
    for item in model.projections:
        place = place_of(model, "projection", item.name)
        yield place, _of_synapses(text, item), phases, everywhere
    for rule in model.rules:
        yield place_of(model, "rule", rule.name), _of_rule(text, rule), rule.at or rule.during or phases, _limits(rule)
    for item in model.observables:
        place = place_of(model, "observable", item.name)
        names = identifiers(item.expression) - set(text.readable(item.population))
        yield place, names, item.during or phases, f", or give {item.name!r} the same during="
    for phase in model.protocol.phases:
        yield from _of_phase(text, phase)


def _read(entries: Iterable[Entry]) -> set[str]:
    return set().union(*(entry.names for entry in entries))


def _of_synapses(text: ModelText, item: Projection) -> set[str]:
    """Return what currents and variables of a projection read, without what its rules do."""
    rules = set().union(*(text.rules.get(rule.name, {}) for rule in text.model.rules if rule.projection == item.name))
    own = text.synapses[item.name]
    stated = [entry for name, entry in own.items() if name not in rules]
    return _read([*text.sums[item.name], *stated]) - set(own)


def _limits(rule: LearningRule) -> str:
    return f", or name in {'at' if rule.episodic else 'during'}= of the rule phases of the observable alone"


def _of_rule(text: ModelText, rule: LearningRule) -> set[str]:
    entries = [*text.rules.get(rule.name, {}).values(), *text.clocked.get(rule.name, {}).values()]
    texts = ["" if rule.continuous else rule.text]
    texts += [rule.spiking.on_pre, rule.spiking.on_post] if rule.spiking else []
    return (_read(entries) | identifiers("\n".join(texts))) - set(text.synapses[rule.projection])


def _of_phase(text: ModelText, phase: Phase) -> Iterator[Reader]:
    """Yield what a phase reads: its end condition and, where it ends, its statements."""
    place = place_of(text.model, "phase", phase.name)
    yield Place(f"{place.where}, until {phase.until!r}"), identifiers(phase.until), [phase.name], ""
    for population, code in phase.end.items():
        if population in text.neurons:
            names = identifiers(code) - set(text.readable(population))
            yield Place(f"{place.where}, end[{population!r}]"), names, [phase.name], ""
