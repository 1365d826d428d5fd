"""Fill a translation with numbers: patterns, weights, start values and the tables of the protocol.

Everything random is drawn here with numpy and passed to the device as arrays, so that every
device, and both variants, start from the same numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import RuleError, closest
from brainmem.model.checks.constants import check_constants
from brainmem.model.memory import MemoryModel
from brainmem.model.names import settle_table, window_gate
from brainmem.model.nouns import Pattern, Phase
from brainmem.model.parameters import resolve_parameters
from brainmem.model.phases import held_lines, turns
from brainmem.model.plan import Plan, Step, plan_protocol
from brainmem.numbers.patterns import frame_table, patterns_of, shown_rows, value_rows
from brainmem.numbers.starts import Drawing, Given, size_of, start_names, start_tables, start_values, stream
from brainmem.text import evaluate
from brainmem.text.constant import require_value
from brainmem.text.counter import start_seed
from brainmem.text.sites import visit_seed
from brainmem.text.slices import Ends
from brainmem.translation.controller import START_SEED, VISIT_SEED, run_numbers
from brainmem.translation.ends import ends_of
from brainmem.translation.text import Translation

__all__ = ["Given", "Numbers", "numbers_of"]

_COPIES = 2  # of an array, at least, while a run is prepared
_MOST_STEPS = 1e13  # time steps of a run; more would take years
FOREVER = 1e9  # seconds; the duration of steps behind the last


@dataclass(frozen=True)
class Numbers:
    """The numbers of one run.

    Attributes
    ----------
    parameters : dict
        Resolved values with units, integers and tuples.
    arrays : dict of str to ndarray or float
        Device inputs by name, in base SI units; weights ``[post, pre]`` are still matrices.
    patterns : dict of str to ndarray, shape (items, [trial,] [frames,] unit)
        Tables of patterns and stimuli, with frames where one has some, with trials where each has its own.
    weights : dict of str to ndarray, shape (post, pre)
        Start values of synaptic variables by ``"projection.variable"``.
    ends : dict of str to Ends
        The units that each projection joins.
    duration : float
        Longest possible duration in seconds.
    """

    parameters: dict[str, Any]
    plan: Plan
    arrays: dict[str, Any]
    patterns: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    ends: dict[str, Ends]
    duration: float


def numbers_of(translated: Translation, given: Given, seed: int) -> Numbers:
    """Draw, check and tabulate everything that a run of `translated` needs.

    Raises
    ------
    RuleError
        For unknown names, and for values, shapes or loads that the model does not allow.
    """
    model = translated.model
    parameters = resolve_parameters(model, given.parameters, parameters=translated.parameters)
    _check_limits(model, parameters)
    check_constants(translated.written or model, parameters)
    _check_names(model, translated, given)
    _check_delays(translated, parameters)
    plan = plan_protocol(model, parameters, stream(seed, "protocol"))
    _check_sizes(model, parameters)
    patterns = patterns_of(translated, parameters, given, seed)
    ends = ends_of(translated, parameters)
    drawing = Drawing(translated, parameters, patterns, seed)
    arrays, weights = start_values(drawing, given, ends)
    tables = _tables(translated, plan, parameters, patterns)
    rows = start_tables(drawing, plan)
    tables |= {name: _padded_rows(item) if item.ndim == 2 else _padded(item) for name, item in rows.items()}
    arrays |= {f"table.{item.name}": tables[item.name] for item in translated.tables if item.name in tables}
    arrays |= {f"param.{name}": _number(parameters[name]) for name in _constants(translated)}
    numbers = {"n_steps": len(plan), START_SEED: start_seed(seed), VISIT_SEED: visit_seed(seed)}
    arrays |= {f"param.{name}": float(numbers[name]) for name in run_numbers(model)}
    duration = _whole_steps(arrays["table.step_duration"][: len(plan)], _time_step(translated, parameters))
    return Numbers(parameters, plan, arrays, patterns, weights, ends, duration)


def _number(value: Any) -> float:
    return float(np.asarray(value))


def _time_step(translated: Translation, parameters: Mapping[str, Any]) -> float:
    dt = _number(evaluate(translated.dt, parameters))
    if not (dt > 0 and np.isfinite(dt)):
        raise RuleError(
            f"Model {translated.model.name!r}: the time step {translated.dt} is {dt:g} s; it must be longer than 0."
        )
    return float(f"{dt:.12g}")


def _check_delays(translated: Translation, parameters: Mapping[str, Any]) -> None:
    """Refuse delays that are no multiple of the time step: they would silently be others."""
    dt = _time_step(translated, parameters)
    for item in (item for item in translated.connections if item.delay):
        seconds = _number(evaluate(item.delay, parameters))
        steps = seconds / dt
        if not (np.isfinite(steps) and steps > 0.5 and abs(steps - round(steps)) < 1e-6 * steps):
            raise RuleError(
                f"Model {translated.model.name!r}, projection {item.name!r}: delay={item.delay!r} is "
                f"{seconds * 1e3:.6g} ms, and must be a multiple of the time step, which is {translated.dt} = "
                f"{dt * 1e3:.6g} ms, at least one. Change one of the two; for no delay leave delay= out."
            )


def _check_sizes(model: MemoryModel, parameters: Mapping[str, Any]) -> None:
    """Refuse weights and patterns that the memory of this machine cannot hold, and populations without units."""
    sizes = {item.name: size_of(item.size, parameters) for item in model.populations}
    for name, units in sizes.items():
        if units < 1:
            raise RuleError(f"Model {model.name!r}: population {name!r} has {units} units; it needs at least 1.")
    held = {f"projection {p.name!r}": sizes[p.source] * sizes[p.target] for p in model.projections}
    for item in model.all_patterns:
        frames = size_of(item.frames, parameters) if item.every else 1
        held[f"{item.kind} {item.name!r}"] = size_of(item.items, parameters) * frames * sizes[item.population]
    largest = max(held, key=lambda name: held[name], default="")
    if largest and 8 * held[largest] * _COPIES > _memory():
        texts = {p.size for p in model.populations} | {s.items for s in model.all_patterns}
        counts = [f"{name} = {parameters[name]}" for name in sorted(map(str, texts)) if name in parameters]
        raise RuleError(
            f"Model {model.name!r}: {largest} has {held[largest]:g} numbers with {', '.join(counts) or 'these sizes'}, "
            f"and does not fit into the memory of this machine ({_memory() / 2**30:.0f} GiB). Take fewer."
        )


def _memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not every system tells
        return float("inf")


def _whole_steps(durations: np.ndarray, dt: float) -> float:
    """Return how long the phases last together: each ends with the time step that is nearest to its duration."""
    return float(dt * np.sum(np.maximum(1, np.floor(durations / dt + 0.5 + 1e-6))))


def _constants(translated: Translation) -> set[str]:
    return {name for item in (*translated.groups, *translated.connections) for name in item.constants}


def _check_limits(model: MemoryModel, parameters: Mapping[str, Any]) -> None:
    for limit in model.limits:
        try:
            require_value(limit.condition, parameters)
        except RuleError as error:
            raise RuleError(f"Model {model.name!r}, limit {limit.condition!r}: {error}") from error
        if not evaluate(limit.condition, parameters):
            values = {name: parameters[name] for name in parameters if name in limit.condition}
            shown = ", ".join(f"{name} = {value}" for name, value in values.items())
            raise RuleError(
                f"Model {model.name!r}: the parameters ({shown}) break {limit.condition!r}: {limit.reason}."
            )


KEPT = {"inputs": "pattern or stimulus", "weights": "projection with start weights", "initial": "start value"}


def _check_names(model: MemoryModel, translated: Translation, given: Given) -> None:
    known = {
        "inputs": {item.name for item in model.all_patterns},
        "weights": {item.name for item in model.projections if item.initial},
        "initial": start_names(translated),
    }
    for kind, allowed in known.items():
        for name in getattr(given, kind):
            if name not in allowed:
                could = allowed | (_held(translated.written or model) if kind == "initial" else set())
                raise RuleError(
                    f"Model {model.name!r} has no {KEPT[kind]} {name!r}, which {kind}= gives. "
                    f"It takes: {', '.join(sorted(could)) or 'none'}.{closest(name, could)}"
                )


def _held(model: MemoryModel) -> set[str]:
    return {f"{item.name}.{line.name}" for item in model.populations for line in held_lines(model, item)}


def _tables(
    translated: Translation, plan: Plan, parameters: Mapping[str, Any], patterns: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    model = translated.model
    names = [phase.name for phase in model.protocol.phases]
    durations = {phase.name: _number(evaluate(phase.duration, parameters)) for phase in model.protocol.phases}
    for name, seconds in durations.items():
        if not 0 < seconds <= FOREVER or seconds / _time_step(translated, parameters) > _MOST_STEPS:
            text = model.protocol.phase(name).duration
            raise RuleError(
                f"Phase {name!r}: duration={text!r} is {seconds:g} s; it must be longer than 0, and "
                f"shorter than {FOREVER:g} s and {_MOST_STEPS:g} time steps."
            )
    averages = {phase.name: _average_from(phase, durations, parameters) for phase in model.protocol.phases}
    steps = plan.steps
    tables = {
        "step_duration": _padded([durations[s.phase.name] for s in steps], FOREVER),
        "step_phase": _padded([names.index(s.phase.name) for s in steps], -1.0),
        "step_average": _padded([averages[s.phase.name] for s in steps], FOREVER),
        "step_snapshot": _padded([s.snapshot for s in steps]),
        "step_set_aside": _padded(plan.set_aside),
        "step_put_back": _padded(plan.put_back),
        "step_watched": _padded([bool(s.phase.until) for s in steps]),
        "step_item": _padded([s.item for s in steps]),
    }
    for item in model.stimuli:
        shown = [s.item + 1 if item.name in s.phase.stimuli else 0 for s in steps]
        values, rows = patterns[item.name], _in_range(model, item, shown, patterns)
        frames = values.shape[-2] if item.every else 1
        tables[f"{item.name}_row"] = _padded(shown_rows(rows, frames))
        if item.every:
            dt = _time_step(translated, parameters)
            frame = frame_table(model, item, parameters, frames, dt)
            tables[f"{item.name}_frame"] = _padded(frame, frames - 1.0)
    tabled = {item.name for item in translated.tables}
    for item in model.all_patterns:
        if f"{item.name}_values" in tabled:
            tables[f"{item.name}_values"] = _padded_rows(value_rows(item, patterns[item.name]))
    opened = {}
    for gate in model.protocol.gates:
        values = {p.name: _number(evaluate(str(p.gates.get(gate, 0)), parameters)) for p in model.protocol.phases}
        opened[gate] = np.array([values[s.phase.name] for s in steps])
        tables[f"{gate}_gate"] = _padded(opened[gate])
    for population in model.populations:
        jumps = {population.rate, population.drive} - {None}
        befores = (None, *steps[:-1])
        begun = [_set_before(model, population.name, *pair) for pair in zip(befores, steps, strict=True)]
        starts = [put or bool(jumps & names) for put, names in zip(plan.put_back, begun, strict=False)]
        tables[settle_table(population.name)] = _padded([True, *starts[1:]])
    for rule in (rule for rule in model.rules if rule.episodic):
        at = np.array([s.phase.name in rule.at for s in steps], dtype=float)
        for gate in translated.connection(rule.projection).gates.get(rule.name, ()):
            at *= opened[gate] != 0
        window = np.array([durations[s.phase.name] - averages[s.phase.name] for s in steps])
        tables[f"{rule.name}_at"] = _padded(at)
        tables[f"{window_gate(rule.name)}_rate"] = _padded(at / window)
    return tables


def _set_before(model: MemoryModel, population: str, before: Step | None, now: Step) -> set[str]:
    """Return the variables that are set between two steps: at the end of one, and at the beginning of the next."""
    moments = {(now.phase.name, "begin"), *([(before.phase.name, "end")] if before else [])}
    run = (turn for turn in turns(model, population) if (turn.phase.name, turn.moment) in moments)
    return set(now.phase.start).union(*(turn.targets for turn in run))


def _average_from(phase: Phase, durations: Mapping[str, float], parameters: Mapping[str, Any]) -> float:
    last = _number(evaluate(phase.average, parameters)) if phase.average else durations[phase.name]
    if not 0 < last <= durations[phase.name] * (1 + 1e-12):
        raise RuleError(
            f"Phase {phase.name!r}: average={phase.average!r} is {last:g} s; it must be longer than 0 and at "
            f"most the phase's duration of {durations[phase.name]:g} s."
        )
    return durations[phase.name] - last


def _in_range(model: MemoryModel, item: Pattern, rows: list[int], patterns: Mapping[str, np.ndarray]) -> list[int]:
    available = len(patterns[item.name])
    if max(rows) > available:
        raise RuleError(
            f"Model {model.name!r}: the protocol shows item {max(rows) - 1} of {item.name!r}, which has only "
            f"{available} rows. Raise {item.items!r} or lower the number of items in the schedule."
        )
    return rows


def _padded(values: ArrayLike, fill: float = 0.0) -> np.ndarray:
    """Add the row that holds behind the last step."""
    return np.append(np.asarray(values, dtype=float), fill)


def _padded_rows(values: np.ndarray) -> np.ndarray:
    """Put a row of zeros before the first, which stands for nothing shown."""
    return np.concatenate([np.zeros((1, values.shape[1])), values])
