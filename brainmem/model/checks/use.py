"""Checks that everything declared is used, and everything read is set."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from brainmem.errors import closest
from brainmem.model.by_variant import phases_of_both
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.place import listed, place_of
from brainmem.model.checks.text import ModelText, summed_into
from brainmem.model.curves import curve_names
from brainmem.model.nouns import Model, Population, Projection
from brainmem.model.parts import inner, texts, texts_of, unchecked
from brainmem.model.phases import set_by_phases
from brainmem.model.reading import model_names

__all__ = ["check_named", "check_shown", "check_use"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_use(text: ModelText, whole: Model) -> None:
    """Note parameters that no text names, stimuli that no phase shows, and variables that nothing sets.

    `whole` is the model as written, of which the text is what one variant runs: the other may use or set them.
    """
    if not whole.chosen:  # another form may use it
        check_named(whole, "parameter", whole.parameters, text.found)
        check_named(whole, "curve", whole.curves, text.found)
        check_shown(whole, text.found)
    both = unchecked(text.model, protocol=replace(text.model.protocol, phases=phases_of_both(whole)))
    for population in text.model.populations:
        _check_set(text, population, set_by_phases(both, population))
    for projection in text.model.projections:
        for name in projection.initial:
            text.found.passes(_check_weight_read, text, projection, name)


def check_named(model: Any, kind: str, items: Iterable[Any], found: Findings) -> None:
    """Note those of `items` that no text of a model names."""
    used = {name for _, _, text in texts(model) for name in _names(text)}
    for item in items:
        if not used.intersection(curve_names([item]) if kind == "curve" else [item.name]):
            near = closest(item.name, used - {other.name for other in items})
            reason = f"nothing in the model names it.{near} Remove it, or use it in an equation."
            found.note(place_of(model, kind, item.name).error(reason))


def check_shown(model: Any, found: Findings) -> None:
    """Note stimuli that no phase shows, in no form of the model."""
    shown = {name for phase in phases_of_both(model) for name in phase.stimuli}
    shown |= {
        name for item in model.choices for option in item.options for text in item.texts(option).values()
        for name in _names(text)
    }  # fmt: skip
    read = model_names(model)
    for item in (item for item in model.stimuli if item.name not in shown):
        advice = (
            f"so that it would be 0 throughout in the equations that read it. Show it: Phase(..., "
            f"stimuli=({item.name!r},))."
            if item.name in read
            else "and no equation reads it. Where draws, starts or measures read it, declare it as a Pattern, in "
            f"patterns=, which nobody is shown; or show it: Phase(..., stimuli=({item.name!r},))."
        )
        found.note(place_of(model, "stimulus", item.name).error(f"no phase shows it, {advice}"))


def _names(given: str) -> set[str]:
    return {name for line in given.splitlines() for name in NAME.findall(line.split("#")[0])}


def _check_set(text: ModelText, population: Population, phased: Collection[str]) -> None:
    place = place_of(text.model, "population", population.name, population.equations)
    summed = summed_into(text, population.name)
    visited = {population.state, f"{population.state}_change"}
    for name, entry in text.neurons[population.name].items():
        if entry.kind == "parameter" and not {name} & {*summed, *visited, *phased, *population.initial}:
            reason = (
                f"nothing sets {name!r}, so it would be 0 throughout. Sum into it with a projection "
                f"(current='{name}_post = ... (summed)'; summed here: {listed(summed)}), or give initial=, "
                f"or let a phase set it (start=, begin=, end=)."
            )
            text.found.note(place.error(reason, line=entry.line))


def _check_weight_read(text: ModelText, projection: Projection, name: str) -> None:
    """Raise for start weights of a variable that no text of its projection defines or reads."""
    own = [projection, *(rule for rule in text.model.rules if rule.projection == projection.name)]
    given = [found for noun in own for _, part in inner("", noun) for found in texts_of(part)]
    known = {word for field, part in given if not field.startswith("initial[") for word in _names(part)}
    variables = set(text.synapses[projection.name]) - {name}
    if not known & {name, f"d{name}"}:
        raise place_of(text.model, "projection", projection.name).error(
            f"initial={name!r} sets a variable that nothing reads.{closest(name, variables)} "
            f"Variables: {listed(sorted(variables))}."
        )
