"""Fill a translation with numbers: patterns, weights, start values and the tables of the protocol.

Orders, patterns, weights and start values are drawn here with numpy and passed to the device as arrays, so that every
device, and both variants, start from the same numbers. Values that phases draw anew come from a counter generator on
the device (`brainmem.text.counter`), and noise from the device's own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import RuleError, closest
from brainmem.model.by_variant import RATE, of_variant
from brainmem.model.checks.constants import check_constants
from brainmem.model.curves import curve_functions
from brainmem.model.memory import MemoryModel
from brainmem.model.names import settle_table, window_gate
from brainmem.model.nouns import Phase, Population
from brainmem.model.parameters import resolve_parameters
from brainmem.model.phases import held_lines, turns
from brainmem.model.plan import Plan, plan_protocol
from brainmem.model.reading import extreme_of
from brainmem.numbers.allowed import check_unset
from brainmem.numbers.idle import check_effects
from brainmem.numbers.items import check_items
from brainmem.numbers.patterns import frame_table, patterns_of, shown_rows, value_rows
from brainmem.numbers.starts import Drawing, Given, size_of, start_names, start_tables, start_values, stream
from brainmem.text import evaluate
from brainmem.text.constant import require_value
from brainmem.text.counter import start_seed
from brainmem.text.equations import identifiers, read_equations
from brainmem.text.shuffles import shuffle_seed
from brainmem.text.sites import visit_seed
from brainmem.text.slices import Ends
from brainmem.translation.controller import SHUFFLE_SEED, START_SEED, VISIT_SEED, run_numbers
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
    in_rate : dict
        Of the spiking variant, the parameters that the same run has otherwise in the rate variant, with values there.
    """

    parameters: dict[str, Any]
    plan: Plan
    arrays: dict[str, Any]
    patterns: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    ends: dict[str, Ends]
    duration: float
    in_rate: Mapping[str, Any] = field(default_factory=dict)


def numbers_of(translated: Translation, given: Given, seed: int) -> Numbers:
    """Draw, check and tabulate everything that a run of `translated` needs.

    Raises
    ------
    RuleError
        For unknown names, and for values, shapes or loads that the model does not allow.
    """
    model = translated.model
    parameters = resolve_parameters(model, given.parameters, parameters=translated.parameters)
    check_effects(translated.written or model, given.parameters)
    _check_limits(model, parameters)
    check_constants(_as_run(translated), parameters)
    _check_names(model, translated, given)
    _check_delays(translated, parameters)
    plan = plan_protocol(model, parameters, stream(seed, "protocol"))
    check_unset(model, plan, given.initial, spiking=translated.variant == "spiking")
    _check_sizes(model, parameters)
    patterns = patterns_of(translated, parameters, given, seed)
    check_items(model, plan, patterns)
    ends = ends_of(translated, parameters)
    _check_not_empty(translated, ends)
    drawing = Drawing(translated, parameters, patterns, seed)
    arrays, weights = start_values(drawing, given, ends)
    tables = _tables(translated, plan, parameters, patterns)
    rows = start_tables(drawing, plan)
    tables |= {name: _padded_rows(item) if item.ndim == 2 else _padded(item) for name, item in rows.items()}
    tables |= {name: item.rows for name, item in curve_functions(model.curves).items()}
    arrays |= {f"table.{item.name}": tables[item.name] for item in translated.tables if item.name in tables}
    arrays |= {f"param.{name}": _number(parameters[name]) for name in _constants(translated)}
    numbers = {"n_steps": len(plan), START_SEED: start_seed(seed), VISIT_SEED: visit_seed(seed)}
    numbers[SHUFFLE_SEED] = shuffle_seed(seed)
    arrays |= {f"param.{name}": float(numbers[name]) for name in run_numbers(model)}
    longest = arrays["table.step_duration"][: len(plan)][plan.own]
    duration = _whole_steps(longest, _time_step(translated, parameters))
    in_rate = _in_rate(translated, given, parameters)
    return Numbers(parameters, plan, arrays, patterns, weights, ends, duration, in_rate)


def _as_run(translated: Translation) -> MemoryModel:
    """Return the model before it was translated, as the variant runs it."""
    return of_variant(translated.written or translated.model, translated.variant)


def _in_rate(translated: Translation, given: Given, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that have another value in the rate variant of the same run, with that value."""
    if translated.written is None or translated.variant == RATE:
        return {}
    others = {item.name: item for item in of_variant(translated.written, RATE).parameters}
    items = tuple(others.get(item.name, item) for item in translated.parameters)
    if items == translated.parameters:
        return {}
    found = resolve_parameters(translated.model, given.parameters, parameters=items)
    return {name: value for name, value in found.items() if not np.array_equal(value, parameters[name])}


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


def _check_not_empty(translated: Translation, ends: Mapping[str, Ends]) -> None:
    """Refuse the least or greatest value of no unit, which is no number."""
    for item in translated.connections:
        if item.name in ends and ends[item.name].empty and any(map(extreme_of, read_equations(item.equations))):
            name = next(line.name for line in read_equations(item.equations)).removesuffix("_post")
            given = next(o for o in (translated.written or translated.model).observables if o.name == name)
            raise RuleError(
                f"Model {translated.model.name!r}, observable {name!r}: units={given.units!r} takes no unit with these "
                f"parameters, and reduce={given.reduce!r} of none is no number. Take at least one unit."
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
            values = {name: parameters[name] for name in parameters if name in identifiers(limit.condition)}
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
                if name in {item.name for item in model.curves}:
                    raise RuleError(
                        f"Model {model.name!r}: {name!r} is a curve, and {kind}= gives none. Take other points by "
                        f"model.replace(Curve({name!r}, x=..., y=...)): that needs no new program."
                    )
                could = allowed | (_held(_as_run(translated)) if kind == "initial" else set())
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
    durations = {phase.name: _number(evaluate(phase.duration, parameters)) for phase in model.protocol.phases}
    for name, seconds in durations.items():
        if not 0 < seconds <= FOREVER or seconds / _time_step(translated, parameters) > _MOST_STEPS:
            text = model.protocol.phase(name).duration
            raise RuleError(
                f"Phase {name!r}: duration={text!r} is {seconds:g} s; it must be longer than 0, and "
                f"shorter than {FOREVER:g} s and {_MOST_STEPS:g} time steps."
            )
    averages = {phase.name: _average_from(phase, durations, parameters) for phase in model.protocol.phases}
    duration = plan.by_phase(lambda phase: durations[phase.name])
    average = plan.by_phase(lambda phase: averages[phase.name])
    tables = {
        "step_duration": _padded(duration, FOREVER),
        "step_phase": _padded(plan.phase, -1.0),
        "step_average": _padded(average, FOREVER),
        "step_snapshot": _padded(plan.snapshot),
        "step_set_aside": _padded(plan.set_aside),
        "step_put_back": _padded(plan.put_back),
        "step_watched": _padded(plan.by_phase(lambda phase: bool(phase.until))),
        "step_item": _padded(plan.item),
        "step_skip": _padded(plan.skip),
        "step_loop": _padded(plan.loop),
        "step_leap": _padded(plan.leap),
    }
    for item in model.stimuli:
        shown = np.where(plan.by_phase(lambda phase, name=item.name: name in phase.stimuli), plan.item + 1, 0)
        frames = patterns[item.name].shape[-2] if item.every else 1
        tables[f"{item.name}_row"] = _padded(shown_rows(shown, frames))
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
        opened[gate] = plan.by_phase(lambda phase, values=values: values[phase.name])
        tables[f"{gate}_gate"] = _padded(opened[gate])
    for population in model.populations:
        tables[settle_table(population.name)] = _padded(_set_anew(model, population, plan))
    for rule in (rule for rule in model.rules if rule.episodic):
        at = plan.by_phase(lambda phase, at=rule.at: float(phase.name in at))
        for gate in translated.connection(rule.projection).gates.get(rule.name, ()):
            at *= opened[gate] != 0
        tables[f"{rule.name}_at"] = _padded(at)
        tables[f"{window_gate(rule.name)}_rate"] = _padded(at / (duration - average))
    return tables


def _set_anew(model: MemoryModel, population: Population, plan: Plan) -> np.ndarray:
    """Return where a rate or a drive is set between two steps: when one ends, or the next begins, or it is put back."""
    jumps = {population.rate, population.drive} - {None}
    found = {"begin": set[str](), "end": set[str]()}
    for turn in turns(model, population.name):
        found[turn.moment] |= {turn.phase.name} if jumps & set(turn.targets) else set()
    begun = plan.by_phase(lambda phase: bool(jumps & set(phase.start)) or phase.name in found["begin"])
    ended = plan.by_phase(lambda phase: phase.name in found["end"])[plan.before]
    return plan.put_back | begun | ended | (plan.before < 0)


def _average_from(phase: Phase, durations: Mapping[str, float], parameters: Mapping[str, Any]) -> float:
    last = _number(evaluate(phase.average, parameters)) if phase.average else durations[phase.name]
    if not 0 < last <= durations[phase.name] * (1 + 1e-12):
        raise RuleError(
            f"Phase {phase.name!r}: average={phase.average!r} is {last:g} s; it must be longer than 0 and at "
            f"most the phase's duration of {durations[phase.name]:g} s."
        )
    return durations[phase.name] - last


def _padded(values: ArrayLike, fill: float = 0.0) -> np.ndarray:
    """Add the row that holds behind the last step."""
    return np.append(np.asarray(values, dtype=float), fill)


def _padded_rows(values: np.ndarray) -> np.ndarray:
    """Put a row of zeros before the first, which stands for nothing shown."""
    return np.concatenate([np.zeros((1, values.shape[1])), values])
