"""Checks of the statements that phases run on units when they begin and end."""

from __future__ import annotations

from typing import Any

from brainmem.model.checks.generated import generated_names, named_in_statements
from brainmem.model.checks.neurons import neuron_scope
from brainmem.model.checks.place import Place, check_choice, listed, place_of
from brainmem.model.checks.reserved import CONTROLLER, meaning
from brainmem.model.checks.scope import DRAWS, Scope
from brainmem.model.checks.statements import Statements
from brainmem.model.checks.text import Entry, ModelText, summed_into, variable
from brainmem.model.phases import MOMENTS
from brainmem.model.visits import change_of
from brainmem.text.equations import identifiers
from brainmem.text.statements import one_on_a_line

__all__ = ["check_statements", "settable"]

CHANGING = "statements of a phase change the variables of the population that keep a value"


def settable(text: ModelText, population: Any) -> dict[str, Entry]:
    """Return the variables of a population that keep a value from step to step, which a phase may set."""
    summed, moved = summed_into(text, population.name), change_of(population)
    return {
        name: entry
        for name, entry in text.neurons[population.name].items()
        if entry.kind != "subexpression"
        and entry.dtype is float
        and "constant" not in entry.flags
        and name not in summed
        and name != moved
    }


def check_statements(text: ModelText, phase: Any) -> None:
    """Check what a phase runs when it begins and ends."""
    place, known = place_of(text.model, "phase", phase.name), [item.name for item in text.model.populations]
    for moment in MOMENTS:
        for name, given in getattr(phase, moment).items():
            if text.found.passes(check_choice, place, f"{moment}= of population", name, known):
                here = Place(f"{place.where}, {moment}[{name!r}]", one_on_a_line(given))
                text.found.passes(_check, text, here, moment, text.model.population(name))


def _check(text: ModelText, place: Place, moment: str, population: Any) -> None:
    own = settable(text, population)
    if not place.statements:
        raise place.error("it has no statements. Write one, such as 'kept = x', or leave the population out.")
    for number, line in place.statements:
        _check_draws(place, line, number)
        if moment == "begin":
            _check_formed(text, place, population, line, number)
    scope = _scope(text, population, moment)
    plastic = {name: variable(entry) for name, entry in own.items()}
    statements = Statements(place, scope, plastic, owner=f"population {population.name!r}", changing=CHANGING)
    if not statements.changed(text.found) and statements.whole:
        raise place.error(f"it changes no variable of population {population.name!r}; these are: {listed(own)}.")


def _scope(text: ModelText, population: Any, moment: str) -> Scope:
    """Return what statements may read: what equations may but the time; numbers of the network when a phase ends."""
    scope = neuron_scope(text, population)
    own = text.readable(population.name)
    scalars = [name for name in text.scalars if name not in own]
    late = {"t", "dt", *(scalars if moment == "begin" else ())}
    names = {name: item for name, item in scope.names.items() if name not in late}
    hints = {**scope.hints, "t": "write 'elapsed' for the time since the phase began.", "dt": "declare a parameter."}
    if moment == "begin":
        hints |= dict.fromkeys(
            scalars,
            "a number of the whole network is formed behind the beginning of a step. Read it in end= of the phase "
            "before, and keep it in a variable.",
        )
    what = "a number of the whole network, an observable or a variable of a single unit"
    made = {**_made(text), **dict.fromkeys(scalars, f"is {what}")}
    return Scope(names, hints, made, scope.functions if moment == "end" else {})


def _made(text: ModelText) -> dict[str, str]:
    """Return why statements may not give names to values that the group of the units has for something else."""
    beside = ("_expected",) if text.model.varied else ("_expected", "_twin")  # the latter by what checks spikes
    made = {f"{name}{end}": f"the value of {name!r} in spikes" for name in named_in_statements(text) for end in beside}
    made |= generated_names(text)
    return {name: meaning(name) for name in CONTROLLER} | {name: f"is used for {what}" for name, what in made.items()}


def _check_draws(place: Place, line: str, number: int) -> None:
    if drawn := sorted(DRAWS & identifiers(line)):
        raise place.error(
            f"{drawn[0]}() draws a random number, which would be another one on every device. Random values that a "
            "phase begins with are written in start=, such as start={'x': 'normal(0, 1)'}; noise of every time step "
            f"is drawn by the equations, 'noise = {drawn[0]}() : 1 (constant over dt)'.",
            line=number,
        )


def _check_formed(text: ModelText, place: Place, population: Any, line: str, number: int) -> None:
    """Refuse to read, where a phase begins, what is formed or drawn behind the beginning of a time step."""
    entries, summed = text.neurons[population.name], summed_into(text, population.name)
    todo, seen = sorted(identifiers(line)), set[str]()
    while todo:
        name = todo.pop()
        if name in seen or name not in entries:
            continue
        seen.add(name)
        inner = identifiers(entries[name].expr) if entries[name].kind == "subexpression" else set()
        todo += sorted(inner)
        what = f"projection {summed[name]!r} sums it" if name in summed else "it is drawn" if inner & DRAWS else ""
        if what:
            raise place.error(
                f"{name!r} is not known yet: {what} behind the beginning of a step. Read it in end= of the phase "
                "before, and keep it in a variable.",
                line=number,
            )
