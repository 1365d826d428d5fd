"""Start values: those a run begins with, and those a phase sets when it begins; each trial draws its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.curves import curve_functions
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Pattern, Phase, Projection
from brainmem.model.plan import Plan
from brainmem.model.together import Together
from brainmem.numbers.allowed import require_allowed, sample
from brainmem.numbers.arrays import check_matrix, load_array
from brainmem.numbers.ended import Ended
from brainmem.numbers.streams import side_by_side, stream
from brainmem.numbers.weights import check_shared, draw_weights, present
from brainmem.text import draw, evaluate
from brainmem.text.counter import CounterDraws, start_seed
from brainmem.text.curves import CurveFunction
from brainmem.text.draws import TRIAL
from brainmem.text.equations import identifiers
from brainmem.text.slices import Ends
from brainmem.translation.protocol import owner_of
from brainmem.translation.restarts import Restart, restarts, rows_of_trials
from brainmem.translation.text import WHOLE, Initial, Translation

__all__ = [
    "Drawing",
    "Given",
    "of_trial",
    "own_tables",
    "size_of",
    "start_names",
    "start_tables",
    "start_values",
]


@dataclass(frozen=True)
class Given:
    """What a user sets for one run; everything else is drawn or has its default."""

    parameters: Mapping[str, Any]
    inputs: Mapping[str, Any]
    weights: Mapping[str, Any]
    initial: Mapping[str, Any]
    notes: tuple[str, ...] = ()  # what was decided in reading them
    after: Ended | None = None  # the state in which the run before ended


def size_of(text: str | int, parameters: Mapping[str, Any]) -> int:
    """Return the integer that a size text stands for."""
    return int(evaluate(str(text), parameters))


@dataclass(frozen=True)
class Drawing:
    """What the start values of a run are drawn from.

    Attributes
    ----------
    translated : Translation
    parameters : mapping
        Resolved values by name.
    patterns : mapping of str to ndarray, shape (items, [trial,] [frames,] unit)
    seed : int
    first : int
        How many starts of phases the runs have numbered that went before.
    """

    translated: Translation
    parameters: Mapping[str, Any]
    patterns: Mapping[str, np.ndarray]
    seed: int
    first: int = 0

    @property
    def model(self) -> MemoryModel:
        """The model as it was translated."""
        return self.translated.model

    @property
    def called(self) -> dict[str, CurveFunction]:
        """The functions of the model's curves."""
        return curve_functions(self.model.curves)

    @property
    def trials(self) -> range:
        """The numbers of the trials, one of a plain run."""
        return range(max(1, self.translated.trials))


def start_values(
    drawing: Drawing, given: Given, ends: Mapping[str, Ends]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the start values of neurons, as the device takes them, and of weights ``[post, pre]``."""
    first, weights = _of_trial(drawing, given, ends, 0, {})
    if not drawing.translated.trials:
        return first, weights
    drawn = [first, *(_of_trial(drawing, given, ends, trial, weights)[0] for trial in drawing.trials[1:])]
    arrays = {}
    for key in first:
        size = replace(drawing.translated.group(key.split(".")[0]).size, cells=False, trials=False)
        arrays[key] = side_by_side(np.stack([values[key] for values in drawn]), size.value(drawing.parameters))
    return arrays, weights


def _of_trial(
    drawing: Drawing, given: Given, ends: Mapping[str, Ends], trial: int, weights: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the start values of one trial, and the weights that all share: those passed, or drawn where none are."""
    translated, shared = drawing.translated, dict(weights)
    tables = of_trial(drawing.model, drawing.patterns, trial)
    names = {**dict.fromkeys(drawing.model.protocol.gates, 0.0), **drawing.called, **drawing.parameters, **tables}
    projections = {p.name: p for p in drawing.model.projections}
    arrays = {}
    for item in translated.initial:
        key = f"{item.owner}.{item.variable}"
        if item.owner in projections:
            if key not in shared:
                if item.owner not in given.weights and key not in given.initial:
                    check_shared(item, own_tables(drawing.model, drawing.patterns))
                shared[key] = _weights(drawing, projections[item.owner], ends[item.owner], item, names, given)
            value = shared[key]
            if not ends[item.owner].whole:
                names[f"{item.owner}_{item.variable}{WHOLE}"] = ends[item.owner].within(value)
        else:
            value = _neurons(drawing, item, names, given, trial)
            if item.owner:
                arrays[key] = value
        names[f"{item.owner}_{item.variable}" if item.owner else item.variable] = value
    return arrays, shared


def of_trial(model: MemoryModel, patterns: Mapping[str, np.ndarray], trial: int) -> dict[str, np.ndarray]:
    """Return the tables of one trial, (items, [frames,] unit)."""
    own = own_tables(model, patterns)
    return {name: table[:, trial] if name in own else table for name, table in patterns.items()}


def own_tables(model: MemoryModel, patterns: Mapping[str, np.ndarray]) -> set[str]:
    """Return the patterns of which every trial has its own table."""
    known = (item for item in model.all_patterns if item.name in patterns)
    return {item.name for item in known if patterns[item.name].ndim == (4 if item.every else 3)}


def _neurons(drawing: Drawing, item: Initial, names: Mapping[str, Any], given: Given, trial: int) -> np.ndarray:
    translated, seed = drawing.translated, drawing.seed
    owner = item.owner or item.stream.split(".")[0]
    size = replace(translated.group(owner).size, trials=False).value(names)
    key = f"{item.owner}.{item.variable}"
    if {key, item.stream} <= set(given.initial) and key != item.stream:
        raise RuleError(f"initial {key!r} and {item.stream!r} are the same start values. Give one of them.")
    if item.stream in given.initial and key not in given.initial:
        values = _given_start(item.stream, given.initial[item.stream], size, translated.trials, trial)
        return _of_model(drawing, item, values, names)
    if key in given.initial:
        values, what = _given_start(key, given.initial[key], size, translated.trials, trial), f"initial {key!r}"
    else:
        known = {"unit": np.arange(size), TRIAL: trial, **names}
        values = draw(item.draw, names=known, rng=stream(seed, item.stream or key, trial), shape=(size,))
        what = f"population {item.owner!r}, initial[{item.variable!r}]={item.draw!r},"
    among = f"trial {trial}, " if translated.trials else ""
    require_allowed(
        drawing.model, item.owner, item.variable, values, what=what, where=lambda unit: f"{among}unit {unit}"
    )
    return values


def _of_model(drawing: Drawing, item: Initial, values: np.ndarray, names: Mapping[str, Any]) -> np.ndarray:
    """Return start values of a variable for those given under the model's own name: of traces, for rates."""
    rng = stream(drawing.seed, item.stream)  # the text draws nothing
    found = draw(item.given, names={**names, "given": values}, rng=rng, shape=values.shape)
    if item.owner and not ((found >= 0) & (found <= 1)).all():
        population = drawing.model.population(item.owner)
        raise RuleError(
            f"initial {item.stream!r}: rates from {values.min():g} to {values.max():g} leave the rate_range "
            f"{population.rate_range} of {item.owner!r}, and spikes carry no others."
        )
    return found


def start_names(translated: Translation) -> set[str]:
    """Return the names under which start values may be given: the variables', and those the model has for them."""
    own = {item.stream for item in translated.initial if item.stream}
    return own | {f"{item.owner}.{item.variable}" for item in translated.initial if item.owner}


def _given_start(key: str, values: Any, size: int, trials: int, trial: int) -> np.ndarray:
    known = isinstance(values, np.ndarray) and values.dtype == float  # as loaded: no copy for every trial
    value = values if known else load_array(values, what=f"initial {key!r}")
    if trials and value.shape == (trials, size):
        value = value[trial]
    if value.shape != (size,) or not np.isfinite(value).all():
        many = f", or (trials, units) = ({trials}, {size})," if trials else ""
        raise RuleError(f"initial {key!r}: expected {size}{many} finite values, got shape {value.shape}.")
    return value


def _weights(
    drawing: Drawing, projection: Projection, ends: Ends, item: Initial, names: Mapping[str, Any], given: Given
) -> np.ndarray:
    first = item.variable == next(iter(projection.initial))
    key = f"{item.owner}.{item.variable}"
    found = {f"initial {key!r}": given.initial.get(key)}
    found |= {f"weights of {projection.name!r}": given.weights.get(projection.name)} if first else {}
    found = {what: matrix for what, matrix in found.items() if matrix is not None}
    if len(found) > 1:
        raise RuleError(
            f"Model {drawing.model.name!r}: {' and '.join(found)} are the same start values. Give one of them."
        )
    for what, matrix in found.items():
        return present(check_matrix(matrix, ends.shape, what=what), ends, drawing.model, projection)
    matrix = draw_weights(drawing.model, projection, ends, item, names, stream(drawing.seed, key))
    matrix = np.where(ends.present, matrix, 0.0)
    if first and projection.row_norm is not None and not ends.empty:
        matrix = matrix * (projection.row_norm / np.linalg.norm(matrix, axis=1, keepdims=True))
    return matrix


def start_tables(drawing: Drawing, plan: Plan, together: Together | None = None) -> dict[str, np.ndarray]:
    """Return the values that phases set when they begin, (row, unit of every trial), and the row of every step.

    Of trials that show an item each, `together` tells which start of the run one after the other each takes.
    """
    model = drawing.model
    tables: dict[str, np.ndarray] = {}
    keys = together.apart.starts if together else plan.starts
    for name, item in restarts(model).items():
        sets = plan.by_phase(lambda phase, name=name: name in phase.start)
        first = drawing.first if item.on_device else 0
        tables[f"{name}_row"] = (plan.start + first) * sets
        if not item.on_device:
            tables[f"{name}_start"] = (
                _of_items(drawing, item, together) if together else phase_starts(drawing, item, keys)
            )
            continue
        if together:
            numbers = np.vstack([0 * together.starts[:1], together.starts + first])
            tables[rows_of_trials(name)] = numbers[plan.start * sets]
        if name in (owner := owner_of(model, name)).values:
            _check_drawn(drawing, item, keys, size_of(owner.size, drawing.parameters))
    return tables


def _of_items(drawing: Drawing, item: Restart, together: Together) -> np.ndarray:
    """Return what trials that show an item each set, the values of the run that shows the items one after the other."""
    values = _phase_starts(drawing, item, together.apart.starts, 0)
    return side_by_side(values[together.starts - 1])


def phase_starts(drawing: Drawing, item: Restart, keys: np.ndarray) -> np.ndarray:
    """Return the values of a variable that phases set, (row, unit of every trial), also where the device draws them.

    `keys` are those of `Plan.starts`.
    """
    return side_by_side(np.stack([_phase_starts(drawing, item, keys, trial) for trial in drawing.trials], axis=1))


def _phase_starts(drawing: Drawing, restart: Restart, keys: np.ndarray, trial: int) -> np.ndarray:
    """Return the start values of one trial, (row, unit)."""
    model, name = drawing.model, restart.variable
    size = size_of(owner_of(model, name).size, drawing.parameters)
    values = np.zeros((len(keys), size))
    for phase in restart.phases:
        rows, items = _rows_of(model, phase, keys)
        values[rows - 1] = _drawn(drawing, restart, phase, rows, items, trial, size)
    return values


def _rows_of(model: MemoryModel, phase: Phase, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that belong to a phase, counted from 1, and the item of each."""
    own = np.flatnonzero(keys[:, 0] == model.protocol.phases.index(phase))
    return own + 1, keys[own, 1]


def _drawn(
    drawing: Drawing, restart: Restart, phase: Phase, rows: np.ndarray, items: np.ndarray, trial: int, size: int
) -> np.ndarray:
    """Return the start values of some rows of a phase, (row, unit), of one trial; refuse those not allowed."""
    model, name = drawing.model, restart.variable
    read = _at_begin(model, phase, name, items, of_trial(model, drawing.patterns, trial))
    rng: Any = stream(drawing.seed, f"{phase.name}.{name}", trial)
    if phase.fresh:
        rng = CounterDraws(start_seed(drawing.seed), rows + drawing.first, trial, restart.number(phase))
    shape, shown = (len(rows), size), drawing.translated.shown
    item, unit = np.broadcast_arrays(items[:, None], np.arange(size))
    places = {"item": item, "unit": unit, TRIAL: trial if shown is None else item - shown.start}
    values = draw(
        phase.start[name], names={**places, **drawing.called, **drawing.parameters, **read}, rng=rng, shape=shape
    )
    among = f"trial {trial}, " if drawing.translated.trials and shown is None else ""
    require_allowed(
        model,
        owner_of(model, name).name,
        name,
        values,
        what=f"phase {phase.name!r}, start[{name!r}]={phase.start[name]!r},",
        where=lambda row, unit: f"item {items[row]}, {among}unit {unit}",
        advice=f"It reads {', '.join(read)}: check what inputs= or the draw makes of it." if read else "",
    )
    return values


def _check_drawn(drawing: Drawing, restart: Restart, keys: np.ndarray, size: int) -> None:
    """Refuse values that the device would draw and the population does not allow, as far as some of them tell."""
    for phase in restart.phases:
        rows, items = _rows_of(drawing.model, phase, keys)
        some = sample(items, size)
        for trial in drawing.trials if drawing.translated.shown is None else range(1):
            _drawn(drawing, restart, phase, rows[some], items[some], trial, size)


def _read_by(model: MemoryModel, text: str) -> Iterator[Pattern]:
    return (item for item in model.all_patterns if item.name in identifiers(text))


def _at_begin(
    model: MemoryModel, phase: Phase, name: str, items: np.ndarray, patterns: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the rows of patterns that a start value reads, (items, unit): those of the items, their first frames."""
    read = {item.name: (item, patterns[item.name]) for item in _read_by(model, phase.start[name])}
    return {key: (table[:, 0] if item.every else table)[items] for key, (item, table) in read.items()}
