"""Checks of names: those that Brian2, a compiler or the translation need, and those that would collide."""

from __future__ import annotations

from collections.abc import Iterator

from brainmem.errors import RuleError
from brainmem.model.checks.draws import DRAWS, TABLES, WEIGHTS
from brainmem.model.checks.generated import generated_names, generated_objects, generated_pattern
from brainmem.model.checks.place import Place, place_of
from brainmem.model.checks.reading import spiking_place
from brainmem.model.checks.reserved import CELL_PARAMETERS, SYNAPSES, function_meaning, meaning, object_meaning
from brainmem.model.checks.text import ModelText
from brainmem.model.curves import curve_names
from brainmem.model.nouns import LearningRule, Model, Projection
from brainmem.text.expression import FUNCTIONS
from brainmem.text.ranking import RANKING
from brainmem.text.statistics import STATISTICS

__all__ = ["CELL_PARAMETERS", "check_names"]

CALLED = "is a function that texts call"


def check_names(text: ModelText) -> None:
    """Refuse names with another meaning, and names that two things share."""
    made = generated_names(text)
    curves, called = {*curve_names(text.model.curves)}, {*FUNCTIONS, *DRAWS, *TABLES, *WEIGHTS, *RANKING, *STATISTICS}
    for place, name in _declared(text):
        used = made.get(name) or generated_pattern(name)
        reason = meaning(name) or (f"is used for {used}" if used else "")
        if name in curves and not reason:
            reason = CALLED if name in called else function_meaning(name)
        if reason and not (name == "N" and "parameter" in place.where):
            text.found.note(place.error(f"the name {name!r} {reason}. Choose another name."))
    _check_objects(text)
    _check_shared(text)
    _check_variables(text)


def _declared(text: ModelText) -> Iterator[tuple[Place, str]]:
    """Yield every name that equations may read, with its place."""
    model = text.model
    kinds = {"parameter": model.parameters, "pattern": model.patterns, "stimulus": model.stimuli}
    kinds |= {"observable": model.observables}
    for kind, items in kinds.items():
        for item in items:
            yield place_of(model, kind, item.name), item.name
    for curve in model.curves:
        yield from ((place_of(model, "curve", curve.name), name) for name in curve_names([curve]))
    for gate in model.protocol.gates:
        yield place_of(model, "gate", gate), gate
    for kind, owners in (("population", text.neurons), ("projection", text.synapses)):
        for owner, entries in owners.items():
            yield from ((place_of(model, kind, owner), name) for name in entries)
    for rule in model.rules:
        yield from ((spiking_place(model, rule, "clocked", ""), name) for name in text.clocked[rule.name])


def _check_objects(text: ModelText) -> None:
    """Refuse names of populations, projections and rules that Brian2 cannot use, or that stand for something else."""
    model = text.model
    taken = generated_objects(text)
    kinds = {"population": model.populations, "projection": model.projections, "rule": model.rules}
    for kind, items in kinds.items():
        for item in items:
            reason = object_meaning(item.name) or (f"is used for {taken[item.name]}" if item.name in taken else "")
            reason = reason or (_of_synapses(text, item) if kind == "rule" and item.episodic else "")
            if reason:
                place = place_of(model, kind, item.name)
                text.found.note(place.error(f"the name {item.name!r} {reason}. Choose another name."))


def _of_synapses(text: ModelText, rule: LearningRule) -> str:
    if rule.name in SYNAPSES:
        return "is an attribute of Brian2's synapses"
    return "is a variable of its projection" if rule.name in text.synapses[rule.projection] else ""


def _check_shared(text: ModelText) -> None:
    """Refuse one name for two of parameters, curves, patterns, stimuli, gates and observables."""
    model, seen = text.model, {}
    for kind, names in _global_names(model).items():
        for name in names:
            if name in seen:
                reason = f"{name!r} is the name of a {seen[name]} too. Rename one."
                text.found.note(place_of(model, kind, name).error(reason))
            seen[name] = kind


def _global_names(model: Model) -> dict[str, list[str]]:
    return {
        "parameter": [item.name for item in model.parameters],
        "curve": [*curve_names(model.curves)],
        "pattern": [item.name for item in model.patterns],
        "stimulus": [item.name for item in model.stimuli],
        "gate": list(model.protocol.gates),
        "observable": [item.name for item in model.observables],
    }


def _check_variables(text: ModelText) -> None:
    """Refuse variables that hide a parameter, gate or observable, or a pattern or stimulus of their own population."""
    model = text.model
    known = {name: kind for kind, names in _global_names(model).items() for name in names}
    for population in model.populations:
        others = {item.name for item in model.all_patterns if item.population != population.name}
        place = place_of(model, "population", population.name, population.equations)
        for entry in text.neurons[population.name].values():
            if entry.name in known and entry.name not in others:
                text.found.note(_collision(place, entry.name, known, entry.line))
    for projection in model.projections:
        place = place_of(model, "projection", projection.name)
        units = dict.fromkeys(_variables_of(text, projection), "variable of its units")
        for name in text.synapses[projection.name]:
            if name in units | known:
                text.found.note(_collision(place, name, units | known, 0))
        for rule in (rule for rule in model.rules if rule.projection == projection.name):
            place = spiking_place(model, rule, "clocked", rule.spiking.clocked if rule.spiking else "")
            for entry in text.clocked[rule.name].values():
                if entry.name in units | known:
                    text.found.note(_collision(place, entry.name, units | known, entry.line))


def _variables_of(text: ModelText, projection: Projection) -> set[str]:
    return {name for end in (projection.source, projection.target) for name in text.neurons[end]}


def _collision(place: Place, name: str, known: dict[str, str], line: int) -> RuleError:
    kind = known[name]
    article = "an" if kind[0] in "aeiou" else "a"
    return place.error(f"the variable {name!r} has the name of {article} {kind}. Rename one.", line=line)
