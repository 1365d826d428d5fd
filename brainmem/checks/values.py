"""Checks of texts that become numbers: sizes, durations, gates, draws, limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, second

from brainmem.checks.draws import NONE, check_draw, check_eye, one
from brainmem.checks.place import Place, check_choice, listed, place_of
from brainmem.checks.reserved import CELL_PARAMETERS
from brainmem.checks.scope import shown_unit
from brainmem.checks.text import Entry, ModelText, summed_into
from brainmem.equations import evaluate
from brainmem.equations.expression import names_in
from brainmem.errors import RuleError, closest
from brainmem.fields import TIME
from brainmem.translation.lines import identifiers
from brainmem.translation.subsets import Ends, joined, slice_texts, subset

__all__ = ["check_count", "check_values"]

MOST = 2**31 - 1  # the largest number of a unit in Brian2


def check_values(text: ModelText) -> None:
    """Check every text that is evaluated when a run is prepared, with the default parameters."""
    model, passes = text.model, text.found.passes
    place = Place(f"Model {model.name!r}")
    for name in ("rate_dt", "time_unit"):
        passes(_time, text, place, name, getattr(model, name))
    for population in model.populations:
        _check_population(text, population)
    for rule in (rule for rule in model.rules if rule.every):
        passes(_time, text, place_of(model, "rule", rule.name), "every", rule.every)
    for item in model.limits:
        passes(_check_limit, text, item)
    for projection in model.projections:
        _check_subsets(text, projection)
    drawn = _check_stimuli(text)
    for phase in model.protocol.phases:
        _check_phase(text, phase, drawn)
    _check_weights(text, drawn)
    for name, value in model.spiking.items():
        passes(_check_cell, text, place, name, value)


def _check_cell(text: ModelText, place: Place, name: str, value: Any) -> None:
    check_choice(place, "spiking parameter", name, CELL_PARAMETERS)
    _number(text, place, f"spiking[{name!r}]", value)


def _number(text: ModelText, place: Place, field: str, given: Any) -> Any:
    try:
        value = evaluate(given, text.values) if isinstance(given, str) else given
        array = np.asarray(value, dtype=float)
    except (RuleError, ArithmeticError, TypeError, ValueError) as error:
        raise place.error(f"{field}={given!r} is no number. {error}") from error
    if array.ndim or not np.isfinite(array):
        raise place.error(f"{field}={given!r} must be one finite number, got {value!r}.")
    return value


def _time(text: ModelText, place: Place, field: str, given: Any) -> float:
    value = _number(text, place, field, given)
    if get_dimensions(value) is not second.dim or float(np.asarray(value)) <= 0:
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


def _check_units(text: ModelText, place: Place, field: str, given: Any) -> None:
    check_count(text, place, field, given, least=1)


def _check_population(text: ModelText, population) -> None:
    place = place_of(text.model, "population", population.name)
    entries = text.neurons[population.name]
    text.found.passes(_check_units, text, place, "size", population.size)
    for name, draw in population.initial.items():
        text.found.passes(_check_initial, text, place, population, name, draw)
    if population.rate in entries:
        text.found.passes(_check_range, text, place, population, entries[population.rate].dimensions)


def _check_initial(text: ModelText, place: Place, population, name: str, draw: str) -> None:
    entries, sums = text.neurons[population.name], summed_into(text, population.name)
    if name in sums:
        raise place.error(
            f"initial={name!r} cannot be set: projection {sums[name]!r} sums into {name!r} at every step. "
            f"Give start values to the variables that the sum reads, or weights to {sums[name]!r}."
        )
    settable = [key for key, entry in entries.items() if entry.kind != "subexpression"]
    if name not in settable:
        reason = f"initial={name!r} cannot be set.{closest(name, settable)} Allowed: {listed(settable)}."
        raise place.error(reason, about=name)
    check_draw(place, f"initial[{name!r}]", draw, entries[name].dimensions, text.values)
    check_eye(place, f"initial[{name!r}]", draw, (_size(text, population.name),))


def _check_range(text: ModelText, place: Place, population, dimensions: Any) -> None:
    given = population.rate_range
    if len(given) != 2:
        raise place.error(f"rate_range={given!r} must be (rate of silence, highest rate).")
    for value in given:
        if isinstance(value, Quantity):
            raise place.error(f"a rate_range with unit={value!r} must be {TIME.wanted}.")
    low, high = (_number(text, place, "rate_range", value) for value in given)
    for value in (low, high):
        if get_dimensions(value) is not dimensions:
            raise place.error(
                f"rate_range={given!r} must have the unit of {population.rate!r}, {shown_unit(dimensions)}, "
                f"got {value!r}."
            )
    if not float(np.asarray(low)) < float(np.asarray(high)):
        raise place.error(f"rate_range={given!r}: the first must be below the second.")


def _check_phase(text: ModelText, phase, drawn: Mapping[str, Any]) -> None:
    place, passes = place_of(text.model, "phase", phase.name), text.found.passes
    if passes(_time, text, place, "duration", phase.duration) and phase.average:
        passes(_check_average, text, place, phase)
    for gate, given in phase.gates.items():
        passes(_check_gate, text, place, gate, given)
    for name, draw in phase.start.items():
        passes(_check_start, text, place, name, draw, drawn)


def _check_average(text: ModelText, place: Place, phase) -> None:
    duration, average = (_time(text, place, name, getattr(phase, name)) for name in ("duration", "average"))
    if average > duration * (1 + 1e-12):
        raise place.error(f"average={phase.average!r} is longer than the phase, duration={phase.duration!r}.")


def _check_gate(text: ModelText, place: Place, gate: str, given: Any) -> None:
    value = _number(text, place, f"gates[{gate!r}]", given)
    if get_dimensions(value) is not NONE:
        raise place.error(f"gates[{gate!r}]={given!r} must have no unit, got {value!r}.")


def _check_start(text: ModelText, place: Place, name: str, draw: str, drawn: Mapping[str, Any]) -> None:
    owners = [key for key, entries in text.neurons.items() if name in entries]
    for owner in owners[:1]:  # none, or several, is told elsewhere
        others = {item.name for item in text.model.stimuli if item.population != owner}
        known = {key: value for key, value in drawn.items() if key not in others}
        check_draw(place, f"start[{name!r}]", draw, text.neurons[owner][name].dimensions, known)
        check_eye(place, f"start[{name!r}]", draw, (_size(text, owner),))


def _check_limit(text: ModelText, item) -> None:
    place = Place(f"Model {text.model.name!r}, limit {item.condition!r}")
    try:
        value = evaluate(item.condition, text.values)
    except RuleError as error:
        raise place.error(str(error)) from error
    if not isinstance(value, bool | np.bool_):
        raise place.error(f"it must be a condition, such as 'M < 2*N', got {value!r}.")


def _check_stimuli(text: ModelText) -> dict[str, Any]:
    """Check stimuli in the order in which they are drawn; return their names with units."""
    known = dict(text.values)
    for item in text.model.stimuli:
        if item.name in text.units:
            _check_stimulus(text, item, known)
            known[item.name] = one(text.units[item.name])
    return known


def _check_stimulus(text: ModelText, item, known: Mapping[str, Any]) -> None:
    place, passes = place_of(text.model, "stimulus", item.name), text.found.passes
    passes(_check_units, text, place, "items", item.items)
    passes(_check_frames, text, place, item)
    framed = bool(item.every)
    own = {"item": 0.5, "unit": 0.5, **({"time": 0.5 * second} if framed else {})}
    passes(_check_own, place, item, own.keys() & known.keys())
    if passes(check_draw, place, "draw", item.draw, text.units[item.name], {**own, **known}, framed):
        passes(check_eye, place, "draw", item.draw, (_whole(text, item.items), _size(text, item.population)))
    if item.values is not None and not (item.values and all(map(_is_finite, item.values))):
        text.found.note(place.error(f"values={item.values!r} must be finite numbers, such as (-1, 1)."))


def _check_own(place: Place, item, both: set[str]) -> None:
    """Refuse a name that a draw may read as the number of an item, and as a parameter or stimulus."""
    for name in sorted(both & identifiers(item.draw)):
        raise place.error(
            f"draw={item.draw!r} reads {name!r}, which is the {name} of a value here, and the name of a parameter or "
            "stimulus too. Rename that."
        )


def _is_finite(value: Any) -> bool:
    return get_dimensions(value) is NONE and math.isfinite(value)


def _check_frames(text: ModelText, place: Place, item) -> None:
    """Check how many frames a stimulus has, and how long each is shown."""
    if bool(item.every) != (item.frames != ""):
        raise place.error(
            f"frames={item.frames!r} and every={item.every!r} belong together: how many rows an item has, and how long "
            "each is shown. Give both, or neither for a row that stays."
        )
    if not item.every:
        return
    _time(text, place, "every", item.every)
    frames = _number(text, place, "frames", item.frames)
    if not isinstance(frames, int | np.integer) or frames < 1:
        raise place.error(
            f"frames={item.frames!r} must be a whole number of at least 1, such as 'round(T/every)', got {frames!r}."
        )


def _check_weights(text: ModelText, known: dict[str, Any]) -> None:
    """Check start weights, which may read stimuli and the weights before them as ``projection_variable``."""
    known = dict(known)
    for projection in text.model.projections:
        for name in projection.initial:
            entry = text.synapses[projection.name][name]
            text.found.passes(_check_weight, text, projection, entry, known)
            known[f"{projection.name}_{name}"] = one(entry.dimensions)


def _check_weight(text: ModelText, projection, entry: Entry, known: Mapping[str, Any]) -> None:
    place, draw = place_of(text.model, "projection", projection.name), projection.initial[entry.name]
    if entry.kind == "subexpression":
        reason = f"initial={entry.name!r} cannot be set: an equation defines it at every moment."
        raise place.error(reason, about=entry.name)
    check_draw(place, f"initial[{entry.name!r}]", draw, entry.dimensions, known)
    if ends := _ends(text, projection):
        diagonal = not (ends.absent and ends.overlap)
        check_eye(place, f"initial[{entry.name!r}]", draw, ends.shape, diagonal=diagonal)


def _ends(text: ModelText, projection) -> Ends | None:
    """Return the units that a projection joins, None where a size or a slice is wrong."""
    source, target = _size(text, projection.source), _size(text, projection.target)
    if source is None or target is None:
        return None
    try:
        return joined(projection, (source, target), text.values)
    except RuleError:
        return None


def _check_subsets(text: ModelText, projection) -> None:
    """Check the slices that take a part of a projection's populations."""
    for side in ("source", "target"):
        text.found.passes(_check_slice, text, projection, side)


def _check_slice(text: ModelText, projection, side: str) -> None:
    given, size = getattr(projection, f"{side}_units"), _size(text, getattr(projection, side))
    field, place = f"{side}_units={given!r}", place_of(text.model, "projection", projection.name)
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


def _whole(text: ModelText, given: Any) -> int | None:
    """Return a number of units or items, None where it is wrong, which is told elsewhere."""
    value = text.values.get(given) if isinstance(given, str) else given
    return int(value) if isinstance(value, int | np.integer) and value >= 1 else None


def _size(text: ModelText, population: str) -> int | None:
    return _whole(text, text.model.population(population).size)
