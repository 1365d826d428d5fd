"""Checks that everything declared is used, and everything read is set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from brainmem.checks.place import listed, place_of
from brainmem.checks.text import ModelText, summed_into
from brainmem.errors import closest
from brainmem.spec import Repeat

__all__ = ["check_named", "check_use", "model_texts"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_use(text: ModelText) -> None:
    """Raise for a parameter that no text names, and for a variable that nothing sets."""
    if not text.model.chosen:  # another form may use it
        check_named(text.model, "parameter", text.model.parameters, model_texts(text.model))
    _check_set(text)
    _check_weights_read(text)


def check_named(model: Any, kind: str, items: Iterable[Any], texts: Iterable[Any]) -> None:
    """Raise for the first of `items` that no text names."""
    used = {name for given in texts for name in _names(given)}
    for item in items:
        if item.name not in used:
            near = closest(item.name, used - {other.name for other in items})
            raise place_of(model, kind, item.name).error(
                f"nothing in the model names it.{near} Remove it, or use it in an equation."
            )


def _names(given: Any) -> set[str]:
    lines = str(given).splitlines()
    return {name for line in lines for name in NAME.findall(line.split("#")[0])}


def model_texts(model) -> Iterator[Any]:
    """Yield every text of a model that may name a parameter."""
    yield from (item.value for item in model.parameters if isinstance(item.value, str))
    yield from (model.rate_dt, model.time_unit, *model.spiking.values())
    yield from (item.condition for item in model.limits)
    yield from (item.expression for item in model.observables)
    for item in model.stimuli:
        yield from (item.items, item.draw, item.frames, item.every)
    for item in model.populations:
        yield from (item.equations, item.sequential, item.size, *item.rate_range, *item.initial.values())
    for item in model.projections:
        yield from (item.current, item.variables, *item.initial.values(), item.source_units, item.target_units)
    for item in model.rules:
        yield from (item.text, item.every, *(limit for limits in item.bounds.values() for limit in limits))
        if item.spiking:
            yield from (item.spiking.on_pre, item.spiking.on_post, item.spiking.clocked)
    yield from _protocol_texts(model.protocol)


def _protocol_texts(protocol) -> Iterator[Any]:
    for item in protocol.phases:
        yield from (item.duration, item.until, item.average, *item.gates.values(), *item.start.values())
    for entry in protocol.schedule:
        if isinstance(entry, Repeat):
            yield entry.times
        for each in entry.body if isinstance(entry, Repeat) else (entry,):
            yield from (each.items, each.repeats, each.epochs)


def _check_set(text: ModelText) -> None:
    for population in text.model.populations:
        place = place_of(text.model, "population", population.name, population.equations)
        summed = summed_into(text, population.name)
        visited = {population.state, f"{population.state}_change"}
        for name, entry in text.neurons[population.name].items():
            if entry.kind == "parameter" and not {name} & {*summed, *visited, *population.initial}:
                raise place.error(
                    f"nothing sets {name!r}, so it would be 0 throughout. Sum into it with a projection "
                    f"(current='{name}_post = ... (summed)'; summed here: {listed(summed)}), or give initial=.",
                    line=entry.line,
                )


def _check_weights_read(text: ModelText) -> None:
    """Raise for start weights of a variable that no text of its projection defines or reads."""
    for item in text.model.projections:
        known = {name for given in _projection_texts(text.model, item) for name in _names(given)}
        variables = set(text.synapses[item.name])
        for name in item.initial:
            if not known & {name, f"d{name}"}:
                raise place_of(text.model, "projection", item.name).error(
                    f"initial={name!r} sets a variable that nothing reads.{closest(name, variables - {name})} "
                    f"Variables: {listed(sorted(variables - {name}))}."
                )


def _projection_texts(model, projection) -> Iterator[str]:
    yield from (projection.current, projection.variables)
    for rule in (rule for rule in model.rules if rule.projection == projection.name):
        yield rule.text
        if rule.spiking:
            yield from (rule.spiking.on_pre, rule.spiking.on_post, rule.spiking.clocked)
