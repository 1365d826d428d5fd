"""Checks of texts that become numbers: sizes, durations, gates, limits."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, second

from brainmem.errors import RuleError, closest
from brainmem.model.checks.draws import NONE
from brainmem.model.checks.place import Place, check_choice, listed, place_of
from brainmem.model.checks.reserved import CELL_PARAMETERS
from brainmem.model.checks.scope import shown_unit
from brainmem.model.checks.text import ModelText
from brainmem.model.fields import TIME
from brainmem.model.nouns import Limit, Phase, Population, Projection
from brainmem.text import evaluate
from brainmem.text.constant import require_value
from brainmem.text.expression import names_in
from brainmem.text.slices import slice_texts, subset

__all__ = ["check_count", "check_units", "check_values", "number_of", "size_of", "time_of", "whole_of"]

MOST = 2**31 - 1  # the largest number of a unit in Brian2


def check_values(text: ModelText) -> None:
    """Check every text that is evaluated when a run is prepared, with the default parameters."""
    model, passes = text.model, text.found.passes
    place = Place(f"Model {model.name!r}")
    for name in ("rate_dt", "time_unit"):
        passes(time_of, text, place, name, getattr(model, name))
    for population in model.populations:
        _check_population(text, population)
    for rule in (rule for rule in model.rules if rule.every):
        passes(time_of, text, place_of(model, "rule", rule.name), "every", rule.every)
    for item in (item for item in model.projections if item.delay):
        passes(time_of, text, place_of(model, "projection", item.name), "delay", item.delay)
    for item in model.limits:
        passes(_check_limit, text, item)
    for projection in model.projections:
        _check_subsets(text, projection)
    for item in (item for item in model.observables if item.units):
        place = place_of(model, "observable", item.name)
        passes(_check_slice, text, place, "units", item.units, item.population)
    for phase in model.protocol.phases:
        _check_phase(text, phase)
    for name, value in model.spiking.items():
        passes(_check_cell, text, place, name, value)


def _check_cell(text: ModelText, place: Place, name: str, value: Any) -> None:
    check_choice(place, "spiking parameter", name, [*CELL_PARAMETERS, *(item.name for item in text.model.parameters)])
    number_of(text, place, f"spiking[{name!r}]", value)


def number_of(text: ModelText, place: Place, field: str, given: Any) -> Any:
    """Return the number that a text stands for, or raise where it is not one finite number."""
    try:
        require_value(given, text.values)
    except RuleError as error:
        raise place.error(f"{field}={given!r}: {error}") from error
    try:
        value = evaluate(given, text.values) if isinstance(given, str) else given
        array = np.asarray(value, dtype=float)
    except (RuleError, ArithmeticError, TypeError, ValueError) as error:
        raise place.error(f"{field}={given!r} is no number. {error}") from error
    if array.ndim or not np.isfinite(array):
        raise place.error(f"{field}={given!r} must be one finite number, got {value!r}.")
    return value


def time_of(text: ModelText, place: Place, field: str, given: Any) -> float:
    """Return the seconds that a text stands for, or raise where it is not a time longer than 0."""
    value = number_of(text, place, field, given)
    if get_dimensions(value) is not get_dimensions(second) or float(np.asarray(value)) <= 0:
        raise place.error(f"{field}={given!r} must be a time longer than 0 (such as '100*ms'), got {value!r}.")
    return float(np.asarray(value))


def check_count(text: ModelText, place: Place, field: str, given: Any, *, least: int) -> None:
    """Raise unless something is a number of units, items or repetitions, or the parameter that holds it."""
    value = given
    if isinstance(given, str):
        check_choice(place, field, given, [name for name, v in text.values.items() if isinstance(v, int)])
        value = text.values[given]
    if not least <= value <= MOST:
        most = f" and at most {MOST}" if value > MOST else ""
        raise place.error(
            f"{field}={given!r} must be a whole number of at least {least}{most}, or the parameter that holds it."
        )


def check_units(text: ModelText, place: Place, field: str, given: Any) -> None:
    """Raise unless something is a number of units or items; see `check_count`."""
    check_count(text, place, field, given, least=1)


def _check_population(text: ModelText, population: Population) -> None:
    place = place_of(text.model, "population", population.name)
    entries = text.neurons[population.name]
    text.found.passes(check_units, text, place, "size", population.size)
    if population.rate in entries:
        text.found.passes(_check_range, text, place, population, entries[population.rate].dimensions)


def _check_range(text: ModelText, place: Place, population: Population, dimensions: Any) -> None:
    given = population.rate_range
    if len(given) != 2:
        raise place.error(f"rate_range={given!r} must be (rate of silence, highest rate).")
    for value in given:
        if isinstance(value, Quantity):
            raise place.error(f"a rate_range with unit={value!r} must be {TIME.wanted}.")
    low, high = (number_of(text, place, "rate_range", value) for value in given)
    for value in (low, high):
        if get_dimensions(value) is not dimensions:
            raise place.error(
                f"rate_range={given!r} must have the unit of {population.rate!r}, {shown_unit(dimensions)}, "
                f"got {value!r}."
            )
    if not float(np.asarray(low)) < float(np.asarray(high)):
        raise place.error(f"rate_range={given!r}: the first must be below the second.")


def _check_phase(text: ModelText, phase: Phase) -> None:
    place, passes = place_of(text.model, "phase", phase.name), text.found.passes
    if passes(time_of, text, place, "duration", phase.duration) and phase.average:
        passes(_check_average, text, place, phase)
    for gate, given in phase.gates.items():
        passes(_check_gate, text, place, gate, given)


def _check_average(text: ModelText, place: Place, phase: Phase) -> None:
    duration, average = (time_of(text, place, name, getattr(phase, name)) for name in ("duration", "average"))
    if average > duration * (1 + 1e-12):
        raise place.error(f"average={phase.average!r} is longer than the phase, duration={phase.duration!r}.")


def _check_gate(text: ModelText, place: Place, gate: str, given: Any) -> None:
    value = number_of(text, place, f"gates[{gate!r}]", given)
    if get_dimensions(value) is not NONE:
        raise place.error(f"gates[{gate!r}]={given!r} must have no unit, got {value!r}.")


def _check_limit(text: ModelText, item: Limit) -> None:
    place = Place(f"Model {text.model.name!r}, limit {item.condition!r}")
    try:
        require_value(item.condition, text.values)
        value = evaluate(item.condition, text.values)
    except RuleError as error:
        raise place.error(str(error)) from error
    if not isinstance(value, bool | np.bool_):
        raise place.error(f"it must be a condition, such as 'M < 2*N', got {value!r}.")


def _check_subsets(text: ModelText, projection: Projection) -> None:
    """Check the slices that take a part of a projection's populations."""
    place = place_of(text.model, "projection", projection.name)
    for side in ("source", "target"):
        given, population = getattr(projection, f"{side}_units"), getattr(projection, side)
        text.found.passes(_check_slice, text, place, f"{side}_units", given, population)


def _check_slice(text: ModelText, place: Place, name: str, given: str, population: str) -> None:
    """Check a slice that takes a part of a population."""
    size, field = size_of(text, population), f"{name}={given!r}"
    whole = [name for name, value in text.values.items() if isinstance(value, int)]
    try:
        used = set().union(*(names_in(part) for part in slice_texts(given) if part)) if given else set()
        for name in sorted(used - set(whole)):
            raise RuleError(
                f"{name!r} is no parameter that is a whole number.{closest(name, whole)} "
                f"Allowed: {listed(whole)}. For a fraction p of the units declare Parameter('n', 'round(p*N)').",
                about=name,
            )
        if size is not None:
            subset(given, size, text.values)
    except RuleError as error:
        raise place.error(f"{field}: {error}") from error


def whole_of(text: ModelText, given: Any) -> int | None:
    """Return a number of units or items, None where it is wrong, which is told elsewhere."""
    value = text.values.get(given) if isinstance(given, str) else given
    return int(value) if isinstance(value, int | np.integer) and value >= 1 else None


def size_of(text: ModelText, population: str) -> int | None:
    """Return the number of units of a population; see `whole_of`."""
    return whole_of(text, text.model.population(population).size)
