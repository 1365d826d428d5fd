"""Checks of texts that become numbers: sizes, durations, gates, draws, limits."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, second

from brainmem.checks.names import CELL_PARAMETERS
from brainmem.checks.place import Place, check_choice, listed, place_of
from brainmem.checks.scope import shown_unit
from brainmem.checks.text import ModelText, read_unit, summed_into
from brainmem.equations import evaluate
from brainmem.equations.expression import FUNCTIONS, names_in, parse, walk
from brainmem.errors import RuleError, closest
from brainmem.translation.subsets import Ends, joined, slice_texts

__all__ = ["check_values"]

NONE = get_dimensions(1)


def check_values(text: ModelText) -> None:
    """Check every text that is evaluated when a run is prepared, with the default parameters."""
    model = text.model
    place = Place(f"Model {model.name!r}")
    for name in ("rate_dt", "time_unit"):
        _time(text, place, name, getattr(model, name))
    for population in model.populations:
        _check_population(text, population)
    for rule in model.rules:
        if rule.every:
            _time(text, place_of(model, "rule", rule.name), "every", rule.every)
    for item in model.limits:
        _check_limit(text, item)
    for projection in model.projections:
        _check_subsets(text, projection)
    drawn = _check_stimuli(text)
    for phase in model.protocol.phases:
        _check_phase(text, phase, drawn)
    _check_weights(text, drawn)
    for name, value in model.spiking.items():
        check_choice(place, "spiking parameter", name, CELL_PARAMETERS)
        _number(text, place, f"spiking[{name!r}]", value)


def _number(text: ModelText, place: Place, field: str, given: Any) -> Any:
    try:
        value = evaluate(given, text.values) if isinstance(given, str) else given
        array = np.asarray(value, dtype=float)
    except (RuleError, TypeError, ValueError) as error:
        raise place.error(f"{field}={given!r} is no number. {error}") from error
    if array.ndim or not np.isfinite(array):
        raise place.error(f"{field}={given!r} must be one finite number, got {value!r}.")
    return value


def _time(text: ModelText, place: Place, field: str, given: Any) -> float:
    _require_text(place, field, given)
    value = _number(text, place, field, given)
    if get_dimensions(value) is not second.dim or float(np.asarray(value)) <= 0:
        raise place.error(f"{field}={given!r} must be a time longer than 0 (such as '100*ms'), got {value!r}.")
    return float(np.asarray(value))


def _require_text(place: Place, field: str, given: Any) -> None:
    if not isinstance(given, str):
        raise place.error(f"{field}={given!r} must be text, such as '100*ms', '0' or the name of a parameter.")


def _count(text: ModelText, place: Place, field: str, given: Any) -> None:
    value = given
    if isinstance(given, str):
        check_choice(place, field, given, [name for name, v in text.values.items() if isinstance(v, int)])
        value = text.values[given]
    if not isinstance(value, int | np.integer) or value < 1:
        raise place.error(f"{field}={given!r} must be a whole number of at least 1, or the parameter that holds it.")


def _check_population(text: ModelText, population) -> None:
    place = place_of(text.model, "population", population.name)
    entries = text.neurons[population.name]
    _count(text, place, "size", population.size)
    sums = summed_into(text, population.name)
    for name, draw in population.initial.items():
        if name in sums:
            raise place.error(
                f"initial={name!r} cannot be set: projection {sums[name]!r} sums into {name!r} at every step. "
                f"Give start values to the variables that the sum reads, or weights to {sums[name]!r}."
            )
        settable = [key for key, entry in entries.items() if entry.kind != "subexpression"]
        if name not in settable:
            raise place.error(f"initial={name!r} cannot be set.{closest(name, settable)} Allowed: {listed(settable)}.")
        _check_draw(place, f"initial[{name!r}]", draw, entries[name].dimensions, text.values)
        _check_eye(place, f"initial[{name!r}]", draw, (_size(text, population.name),))
    if population.rate:
        _check_range(text, place, population, entries[population.rate].dimensions)


def _check_range(text: ModelText, place: Place, population, dimensions: Any) -> None:
    given = population.rate_range
    if not isinstance(given, tuple) or len(given) != 2:
        raise place.error(f"rate_range={given!r} must be (rate of silence, highest rate).")
    for value in given:
        if not isinstance(value, int | float) or isinstance(value, Quantity):
            _require_text(place, "a rate_range with unit", value)
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
    place = place_of(text.model, "phase", phase.name)
    duration = _time(text, place, "duration", phase.duration)
    if phase.average and _time(text, place, "average", phase.average) > duration * (1 + 1e-12):
        raise place.error(f"average={phase.average!r} is longer than the phase, duration={phase.duration!r}.")
    for gate, given in phase.gates.items():
        value = _number(text, place, f"gates[{gate!r}]", given)
        if get_dimensions(value) is not NONE:
            raise place.error(f"gates[{gate!r}]={given!r} must have no unit, got {value!r}.")
    for name, draw in phase.start.items():
        owner, dimensions = next((key, e[name].dimensions) for key, e in text.neurons.items() if name in e)
        others = {item.name for item in text.model.stimuli if item.population != owner}
        known = {key: value for key, value in drawn.items() if key not in others}
        _check_draw(place, f"start[{name!r}]", draw, dimensions, known)
        _check_eye(place, f"start[{name!r}]", draw, (_size(text, owner),))


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
        place = place_of(text.model, "stimulus", item.name)
        dimensions = read_unit(text.model, "stimulus", item)
        _count(text, place, "items", item.items)
        framed = _check_frames(text, place, item)
        own = {"item": 0.5, "unit": 0.5, **({"time": 0.5 * second} if framed else {})}
        _check_draw(place, "draw", item.draw, dimensions, {**own, **known}, framed=framed)
        _check_eye(place, "draw", item.draw, (_value(text, item.items), _size(text, item.population)))
        if item.values is not None and not (item.values and all(map(math.isfinite, item.values))):
            raise place.error(f"values={item.values!r} must be finite numbers, such as (-1, 1).")
        known[item.name] = _one(dimensions)
    return known


def _check_frames(text: ModelText, place: Place, item) -> bool:
    """Check how many frames a stimulus has and how long each is shown; return whether it has any."""
    if bool(item.every) != (item.frames != ""):
        raise place.error(
            f"frames={item.frames!r} and every={item.every!r} belong together: how many rows an item has, and how long "
            "each is shown. Give both, or neither for a row that stays."
        )
    if not item.every:
        return False
    _time(text, place, "every", item.every)
    frames = _number(text, place, "frames", item.frames)
    if not isinstance(frames, int | np.integer) or frames < 1:
        raise place.error(
            f"frames={item.frames!r} must be a whole number of at least 1, such as 'round(T/every)', got {frames!r}."
        )
    return True


def _check_weights(text: ModelText, known: dict[str, Any]) -> None:
    """Check start weights, which may read stimuli and the weights before them as ``projection_variable``."""
    known = dict(known)
    for projection in text.model.projections:
        place = place_of(text.model, "projection", projection.name)
        for name, draw in projection.initial.items():
            entry = text.synapses[projection.name][name]
            if entry.kind == "subexpression":
                raise place.error(f"initial={name!r} cannot be set: an equation defines it at every moment.")
            _check_draw(place, f"initial[{name!r}]", draw, entry.dimensions, known)
            ends = _ends(text, projection)
            diagonal = not (ends.absent and ends.overlap)
            _check_eye(place, f"initial[{name!r}]", draw, ends.shape, diagonal=diagonal)
            known[f"{projection.name}_{name}"] = _one(entry.dimensions)


def _ends(text: ModelText, projection) -> Ends:
    return joined(projection, (_size(text, projection.source), _size(text, projection.target)), text.values)


def _check_subsets(text: ModelText, projection) -> None:
    """Check the slices that take a part of a projection's populations."""
    place = place_of(text.model, "projection", projection.name)
    whole = [name for name, value in text.values.items() if isinstance(value, int)]
    for side in ("source_units", "target_units"):
        given = getattr(projection, side)
        if not isinstance(given, str):
            raise place.error(f"{side}={given!r} must be text, such as ':n' for the first n units.")
        try:
            used = set().union(*(names_in(part) for part in slice_texts(given) if part)) if given else set()
        except RuleError as error:
            raise place.error(f"{side}={given!r}: {error}") from error
        for name in sorted(used - set(whole)):
            raise place.error(
                f"{side}={given!r}: {name!r} is no parameter that is a whole number.{closest(name, whole)} "
                f"Allowed: {listed(whole)}. For a fraction p of the units declare Parameter('n', 'round(p*N)')."
            )
    try:
        _ends(text, projection)
    except RuleError as error:
        raise place.error(str(error).partition(", ")[2]) from error


def _value(text: ModelText, given: Any) -> int:
    return text.values[given] if isinstance(given, str) else int(given)


def _size(text: ModelText, population: str) -> int:
    return _value(text, text.model.population(population).size)


def _check_eye(place: Place, field: str, draw: str, shape: tuple[int, ...], *, diagonal: bool = True) -> None:
    """Refuse an identity matrix where nothing is square, or where its diagonal would be left out."""
    if "eye" not in {node.func.id for node in ast.walk(parse(draw)) if _calls_name(node)}:
        return
    if len(shape) != 2 or shape[0] != shape[1]:
        wanted = (
            f"a row of {shape[0]} values" if len(shape) == 1 else f"an array of {shape[0]} rows and {shape[1]} columns"
        )
        raise place.error(f"{field}={draw!r}: eye() is an identity matrix, and needed here is {wanted}.")
    if not diagonal:
        raise place.error(
            f"{field}={draw!r}: eye() has ones on its diagonal, the synapses of units onto themselves, which this "
            "projection leaves out. Write Projection(..., self_connections=True)."
        )


def _calls_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _one(dimensions: Any) -> Any:
    return 0.5 if dimensions is NONE else Quantity.with_dimensions(0.5, dimensions)


DRAWS = {
    "signs": lambda: 1.0,
    "normal": lambda mean, sd: mean + sd,
    "uniform": lambda low, high: low + 0.37 * (high - low),
    "binary": lambda p: 1.0 + 0 * p,
    "zeros": lambda: 0.0,
    "eye": lambda: 1.0,
    "permutation": lambda: 1.0,
    "first": lambda values: values,
    "ranks": lambda values: 1.0,
}


class _Scalar(ast.NodeTransformer):
    """Read a text over arrays as one over numbers, which have the same units."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return ast.BinOp(node.left, ast.Mult(), node.right) if isinstance(node.op, ast.MatMult) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return node.value if node.attr == "T" else node


def _trace(tau: Any) -> float:
    if get_dimensions(tau) is not second.dim:
        raise ValueError(f"filtered_noise(tau) needs a time, got {tau}")
    return 1.0


def _check_draw(
    place: Place, field: str, draw: Any, dimensions: Any, names: Mapping[str, Any], *, framed: bool = False
) -> None:
    """Raise unless a draw reads known names and has the unit of what it sets."""
    _require_text(place, field, draw)
    drawn = {**DRAWS, "filtered_noise": _trace} if framed else DRAWS
    try:
        value = walk(draw, names, {**FUNCTIONS, **drawn}, change=_Scalar())
    except RuleError as error:
        raise place.error(f"{field}={draw!r}: {str(error).removeprefix(f'{draw!r}: ')}") from error
    if get_dimensions(value) is not dimensions and not np.all(np.asarray(value) == 0):
        raise place.error(
            f"{field}={draw!r} has unit {shown_unit(value)}, but the variable has unit {shown_unit(dimensions)}."
        )
