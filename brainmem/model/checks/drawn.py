"""Checks of what is drawn before a run: patterns, stimuli, start values and start weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError
from typing import Any

import numpy as np
from brian2.units import get_dimensions, second

from brainmem.errors import RuleError, closest
from brainmem.model.checks.draws import FRAMES, NONE, TABLES, WEIGHTS, check_draw, check_eye, one
from brainmem.model.checks.item_sums import check_item_sums, rows_of
from brainmem.model.checks.place import Place, listed, place_of
from brainmem.model.checks.shapes import Shape, check_shape
from brainmem.model.checks.text import Entry, ModelText, summed_into
from brainmem.model.checks.values import check_units, number_of, size_of, time_of, whole_of
from brainmem.model.curves import curve_functions
from brainmem.model.nouns import Pattern, Phase, Population, Projection
from brainmem.model.reading import drawing_order, used_names
from brainmem.text.constant import require_value
from brainmem.text.draws import TRIAL
from brainmem.text.equations import identifiers
from brainmem.text.slices import Ends, joined

__all__ = ["check_drawn"]

ROWS = 7  # of start values, as many as a phase has items and repeats; any number will do


@dataclass(frozen=True)
class Drawn:
    """What draws may read.

    Attributes
    ----------
    values : dict of str to number or Quantity
        A number with the unit of each.
    shapes : dict of str to tuple of int or None
        The shape of each that is an array, None where it is not known.
    """

    values: dict[str, Any]
    shapes: dict[str, Shape | None]

    def with_array(self, name: str, dimensions: Any, shape: Shape | None) -> Drawn:
        """Return this with one array more."""
        return Drawn({**self.values, name: one(dimensions)}, {**self.shapes, name: shape})

    def check(
        self,
        place: Place,
        field: str,
        draw: str,
        dimensions: Any,
        shape: Shape | None,
        *further: Mapping[str, Any],
        table: bool = False,
        diagonal: bool = True,
    ) -> None:
        """Raise unless a draw reads what is known and gives the unit and the shape of what it sets.

        It may call `further` functions. That of a pattern is a `table` of items, along which values may stay the same.
        """
        try:
            require_value(draw, {name: value for name, value in self.values.items() if name not in self.shapes})
        except RuleError as error:
            raise place.error(f"{field}={draw!r}: {error}") from error
        check_draw(place, field, draw, dimensions, self.values, *further)
        if shape is None:
            return
        check_eye(place, field, draw, shape, diagonal=diagonal)
        used = identifiers(draw)
        read = {name: found for name, found in self.shapes.items() if used_names([name]) & used}
        known = {name: found for name, found in read.items() if found is not None}
        if known.keys() == read.keys():
            try:
                check_shape(draw, known, shape, expand=table)
            except RuleError as error:
                raise place.error(f"{field}={draw!r}: {str(error).removeprefix(f'{draw!r}: ')}") from error


def check_drawn(text: ModelText) -> None:
    """Check the texts that patterns, stimuli, start values and start weights are drawn from."""
    several = {name: (len(value),) for name, value in text.values.items() if isinstance(value, tuple)}
    drawn = Drawn({**text.values, **curve_functions(text.model.curves)}, dict(several))
    for population in text.model.populations:
        for name in population.initial:
            text.found.passes(_check_initial, text, population, name, drawn)
    for item in _in_order(text):
        if item.name in text.units:
            shape = _check_pattern(text, item, drawn)
            drawn = drawn.with_array(item.name, text.units[item.name], shape)
    for phase in text.model.protocol.phases:
        for name in phase.start:
            text.found.passes(_check_start, text, phase, name, drawn)
    for projection in text.model.projections:
        for name in projection.initial:
            entry, ends = text.synapses[projection.name][name], _ends(text, projection)
            text.found.passes(_check_weight, text, projection, entry, ends, drawn)
            shape = None if ends is None else ends.shape
            drawn = drawn.with_array(f"{projection.name}_{name}", entry.dimensions, shape)


def _in_order(text: ModelText) -> tuple[Pattern, ...]:
    """Return patterns and stimuli after those that they are drawn from, without those in a circle, which are noted."""
    items = text.model.all_patterns
    while True:
        try:
            return drawing_order(items)
        except CycleError as error:
            ring = error.args[1][::-1]
            text.found.note(_circle(text, {item.name: item for item in items}, ring))
            text.found.lose(*ring)
            items = tuple(item for item in items if item.name not in ring)


def _circle(text: ModelText, items: Mapping[str, Pattern], ring: Sequence[str]) -> RuleError:
    """Return the error for patterns that are drawn from each other; each of the `ring` reads the next."""
    draws = ", ".join(f"{name} = {items[name].draw!r}" for name in ring[:-1])
    first = items[ring[0]]
    return place_of(text.model, first.kind, first.name).error(
        f"its draw depends on itself: {' <- '.join(ring)} ({draws}). Draw one of them without the others."
    )


def _check_initial(text: ModelText, population: Population, name: str, drawn: Drawn) -> None:
    place = place_of(text.model, "population", population.name)
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
    size = size_of(text, population.name)
    field, draw = f"initial[{name!r}]", population.initial[name]
    known = _in_place(text, place, field, draw, drawn, {"unit": _shape(size), TRIAL: ()})
    known.check(place, field, draw, entries[name].dimensions, _shape(size))


def _in_place(
    text: ModelText, place: Place, field: str, draw: str, drawn: Drawn, shapes: Mapping[str, Shape | None]
) -> Drawn:
    """Return what a start value may read, with the numbers that say where it belongs, of these shapes."""
    text.found.passes(_check_own, place, field, draw, shapes.keys() & drawn.values.keys())
    arrays = {name: shape for name, shape in shapes.items() if shape != ()}
    return Drawn({**dict.fromkeys(shapes, 0.5), **drawn.values}, {**arrays, **drawn.shapes})


def _shape(*sizes: int | None) -> Shape | None:
    """Return a shape, None where a size is not known, of which an error is told elsewhere."""
    known = tuple(size for size in sizes if size is not None)
    return known if len(known) == len(sizes) else None


def _check_pattern(text: ModelText, item: Pattern, drawn: Drawn) -> Shape | None:
    """Check a pattern or stimulus; return the shape of its table."""
    place, passes = place_of(text.model, item.kind, item.name), text.found.passes
    passes(check_units, text, place, "items", item.items)
    passes(_check_frames, text, place, item)
    if item.values is not None and not (item.values and all(map(_is_finite, item.values))):
        text.found.note(place.error(f"values={item.values!r} must be finite numbers, such as (-1, 1)."))
    items, units = whole_of(text, item.items), size_of(text, item.population)
    shape = _shape(items, *([_frames(text, item)] if item.every else []), units)
    framed = bool(item.every)
    own = _coordinates(shape, framed)
    passes(_check_own, place, "draw", item.draw, own.values.keys() & drawn.values.keys())
    earlier = {name: _in_frames(found, framed) for name, found in drawn.shapes.items()}
    wider = Drawn({**own.values, **drawn.values}, {**own.shapes, **earlier})
    further = (TABLES, FRAMES) if framed else (TABLES,)
    check = partial(wider.check, table=True)
    passes(check, place, "draw", item.draw, text.units[item.name], shape, *further)
    return shape


def _coordinates(shape: Shape | None, framed: bool) -> Drawn:
    """Return the numbers of items, units and trials, and the times of frames, as the draw of a pattern reads them."""
    values = {"item": 0.5, "unit": 0.5, TRIAL: 0.5, **({"time": 0.5 * second} if framed else {})}
    shapes: dict[str, Shape | None] = dict.fromkeys(name for name in values if name != TRIAL)
    for axis, name in enumerate(("item", "time", "unit") if framed else ("item", "unit")):
        if shape is not None:
            shapes[name] = tuple(size if number == axis else 1 for number, size in enumerate(shape))
    return Drawn(values, shapes)


def _in_frames(shape: Shape | None, framed: bool) -> Shape | None:
    """Return the shape of a pattern where one with frames reads it: the same in all frames."""
    return (shape[0], 1, shape[1]) if framed and shape is not None and len(shape) == 2 else shape


def _check_own(place: Place, field: str, draw: str, both: set[str]) -> None:
    """Refuse a name that a draw may read as the number of an item, and as a parameter or another pattern."""
    for name in sorted(both & identifiers(draw)):
        raise place.error(
            f"{field}={draw!r} reads {name!r}, which is the {name} of a value here, and the name of a parameter, "
            "pattern or stimulus too. Rename that."
        )


def _is_finite(value: Any) -> bool:
    return get_dimensions(value) is NONE and math.isfinite(value)


def _check_frames(text: ModelText, place: Place, item: Pattern) -> None:
    """Check how many frames a pattern has, and how long each is shown."""
    if bool(item.every) != (item.frames != ""):
        raise place.error(
            f"frames={item.frames!r} and every={item.every!r} belong together: how many rows an item has, and how long "
            "each is shown. Give both, or neither for a row that stays."
        )
    if not item.every:
        return
    time_of(text, place, "every", item.every)
    frames = number_of(text, place, "frames", item.frames)
    if not isinstance(frames, int | np.integer) or frames < 1:
        raise place.error(
            f"frames={item.frames!r} must be a whole number of at least 1, such as 'round(T/every)', got {frames!r}."
        )


def _frames(text: ModelText, item: Pattern) -> int | None:
    """Return how many frames a pattern has, None where that is wrong."""
    try:
        frames = number_of(text, Place(""), "frames", item.frames)
    except RuleError:
        return None
    return int(frames) if isinstance(frames, int | np.integer) and frames >= 1 else None


def _check_start(text: ModelText, phase: Phase, name: str, drawn: Drawn) -> None:
    """Check a start value: one row for each item and repeat, drawn over rows of patterns of the same population."""
    owners = [key for key, entries in text.neurons.items() if name in entries]
    if len(owners) != 1:  # which is told elsewhere
        return
    place, size = place_of(text.model, "phase", phase.name), size_of(text, owners[0])
    others = {item.name for item in text.model.all_patterns if item.population != owners[0]}
    values = {key: value for key, value in drawn.values.items() if key not in others}
    shapes = {item.name: _shape(ROWS, size) for item in text.model.all_patterns}
    dimensions, draw = text.neurons[owners[0]][name].dimensions, phase.start[name]
    known = Drawn(values, {**drawn.shapes, **shapes})
    own = {"item": _shape(ROWS, size), "unit": _shape(ROWS, size), TRIAL: ()}
    known = _in_place(text, place, f"start[{name!r}]", draw, known, own)
    if "eye" in identifiers(draw):
        known.check(place, f"start[{name!r}]", draw, dimensions, _shape(size))
    known.check(place, f"start[{name!r}]", draw, dimensions, _shape(ROWS, size))


def _check_weight(text: ModelText, projection: Projection, entry: Entry, ends: Ends | None, drawn: Drawn) -> None:
    place, draw = place_of(text.model, "projection", projection.name), projection.initial[entry.name]
    if entry.kind == "subexpression":
        reason = f"initial={entry.name!r} cannot be set: an equation defines it at every moment."
        raise place.error(reason, about=entry.name)
    shape, diagonal = (None, True) if ends is None else (ends.shape, not (ends.absent and ends.overlap))
    field = f"initial[{entry.name!r}]"
    check_item_sums(place, field, text, projection, draw, drawn.shapes)
    values, shapes = rows_of(text, projection, shape)
    known = Drawn({**values, **drawn.values}, {**drawn.shapes, **shapes})
    known.check(place, field, draw, entry.dimensions, shape, WEIGHTS, diagonal=diagonal)


def _ends(text: ModelText, projection: Projection) -> Ends | None:
    """Return the units that a projection joins, None where a size or a slice is wrong."""
    source, target = size_of(text, projection.source), size_of(text, projection.target)
    if source is None or target is None:
        return None
    try:
        return joined(projection, (source, target), text.values)
    except RuleError:
        return None
