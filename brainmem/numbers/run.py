"""Fill a translation with numbers: patterns, weights, start values and the tables of the protocol.

Orders, patterns, weights and start values are drawn here with numpy and passed to the device as arrays, so that every
device, and both variants, start from the same numbers. Values that phases draw anew come from a counter generator on
the device (`brainmem.text.counter`), and noise from the device's own.
"""

from __future__ import annotations

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
from brainmem.model.together import Together, plan_together
from brainmem.numbers.allowed import check_unset
from brainmem.numbers.checked import check_delays, check_limits, check_not_empty, check_sizes, time_step
from brainmem.numbers.ended import NOTHING
from brainmem.numbers.idle import check_effects
from brainmem.numbers.items import check_items, of_items
from brainmem.numbers.patterns import frame_table, patterns_of, shown_rows, value_rows
from brainmem.numbers.starts import Drawing, Given, own_tables, start_names, start_tables, start_values
from brainmem.text import evaluate
from brainmem.text.counter import start_seed
from brainmem.text.shuffles import shuffle_seed
from brainmem.text.sites import visit_seed
from brainmem.text.slices import Ends
from brainmem.translation.controller import SHUFFLE_SEED, START_SEED, VISIT_SEED, run_numbers
from brainmem.translation.ends import ends_of
from brainmem.translation.text import Translation

__all__ = ["Given", "Numbers", "numbers_of"]

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
    synapses : dict of str to ndarray, shape (post, pre)
        What a run that went before left in synaptic variables without start values.
    streams : dict
        How far random streams have got, for a run that goes on; see `brainmem.numbers.ended`.
    """

    parameters: dict[str, Any]
    plan: Plan
    arrays: dict[str, Any]
    patterns: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    ends: dict[str, Ends]
    duration: float
    in_rate: Mapping[str, Any] = field(default_factory=dict)
    synapses: Mapping[str, np.ndarray] = field(default_factory=dict)
    streams: Mapping[str, Any] = field(default_factory=dict)

    @property
    def begun(self) -> set[str]:
        """The variables, ``"owner.variable"``, that begin with values of their own."""
        return {*self.arrays, *self.weights, *self.synapses}


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
    check_limits(model, parameters)
    check_constants(_as_run(translated), parameters)
    _check_names(model, translated, given)
    check_delays(translated, parameters)
    after = given.after or NOTHING
    plan, together, orders = _plan(translated, parameters, after.orders_of(seed))
    check_unset(model, plan, {**given.initial, **after.state}, spiking=translated.variant == "spiking")
    check_sizes(model, parameters)
    patterns = patterns_of(translated, parameters, given, seed)
    check_items(model, together.apart if together else plan, patterns)
    ends = ends_of(translated, parameters)
    check_not_empty(translated, ends)
    drawing = Drawing(translated, parameters, patterns, seed, after.starts_of(seed))
    arrays, weights = start_values(drawing, given, ends)
    state, synapses = after.held(translated, parameters, {*given.initial, *given.weights}, ends)
    arrays, weights = arrays | state, weights | {name: w for name, w in synapses.items() if name in weights}
    tables = _tables(translated, plan, parameters, patterns, fresh=not state or after.beside)
    rows = start_tables(drawing, plan, together)
    tables |= {name: _padded_rows(item) if name.endswith("_start") else _padded(item) for name, item in rows.items()}
    tables |= {name: item.rows for name, item in curve_functions(model.curves).items()}
    arrays |= {f"table.{item.name}": tables[item.name] for item in translated.tables if item.name in tables}
    arrays |= {f"param.{name}": _number(parameters[name]) for name in _constants(translated)}
    numbers = {"n_steps": len(plan), START_SEED: start_seed(seed), VISIT_SEED: visit_seed(after.seed_of(seed))}
    numbers[SHUFFLE_SEED] = shuffle_seed(after.seed_of(seed))
    arrays |= {f"param.{name}": float(numbers[name]) for name in run_numbers(model)}
    longest = arrays["table.step_duration"][: len(plan)][plan.own]
    duration = _whole_steps(longest, time_step(translated, parameters))
    in_rate = _in_rate(translated, given, parameters)
    drawn = drawing.first + len(together.apart.starts if together else plan.starts)
    streams = {"orders": orders, "starts": drawn, "runs": after.runs_of(seed) + 1}
    synapses = {name: matrix for name, matrix in synapses.items() if name not in weights}
    return Numbers(parameters, plan, arrays, patterns, weights, ends, duration, in_rate, synapses, streams)


def _plan(
    translated: Translation, parameters: Mapping[str, Any], rng: np.random.Generator
) -> tuple[Plan, Together | None, dict[str, Any]]:
    """Return the plan, for trials that show an item each how it comes from that in turn, and where `rng` has got to."""
    if translated.shown is None:
        return plan_protocol(translated.model, parameters, rng), None, dict(rng.bit_generator.state)
    together = plan_together(translated.model, parameters, rng, translated.shown)
    return together.plan, together, dict(rng.bit_generator.state)


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


def _whole_steps(durations: np.ndarray, dt: float) -> float:
    """Return how long the phases last together: each ends with the time step that is nearest to its duration."""
    return float(dt * np.sum(np.maximum(1, np.floor(durations / dt + 0.5 + 1e-6))))


def _constants(translated: Translation) -> set[str]:
    return {name for item in (*translated.groups, *translated.connections) for name in item.constants}


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
    translated: Translation,
    plan: Plan,
    parameters: Mapping[str, Any],
    patterns: Mapping[str, np.ndarray],
    *,
    fresh: bool,
) -> dict[str, np.ndarray]:
    """Return the tables of the protocol; a `fresh` run goes on from no other."""
    model = translated.model
    durations = {phase.name: _number(evaluate(phase.duration, parameters)) for phase in model.protocol.phases}
    for name, seconds in durations.items():
        if not 0 < seconds <= FOREVER or seconds / time_step(translated, parameters) > _MOST_STEPS:
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
            dt = time_step(translated, parameters)
            frame = frame_table(model, item, parameters, frames, dt)
            tables[f"{item.name}_frame"] = _padded(frame, frames - 1.0)
    tabled, own = {item.name for item in translated.tables}, own_tables(model, patterns)
    for item in model.all_patterns:
        if f"{item.name}_values" in tabled:
            values = patterns[item.name]
            if translated.shown is not None:
                values = of_items(values, translated.shown, own=item.name in own)
            tables[f"{item.name}_values"] = _padded_rows(value_rows(item, values))
    opened = {}
    for gate in model.protocol.gates:
        values = {p.name: _number(evaluate(str(p.gates.get(gate, 0)), parameters)) for p in model.protocol.phases}
        opened[gate] = plan.by_phase(lambda phase, values=values: values[phase.name])
        tables[f"{gate}_gate"] = _padded(opened[gate])
    for population in model.populations:
        tables[settle_table(population.name)] = _padded(_set_anew(model, population, plan, fresh))
    for rule in (rule for rule in model.rules if rule.episodic):
        at = plan.by_phase(lambda phase, at=rule.at: float(phase.name in at))
        for gate in translated.connection(rule.projection).gates.get(rule.name, ()):
            at *= opened[gate] != 0
        tables[f"{rule.name}_at"] = _padded(at)
        tables[f"{window_gate(rule.name)}_rate"] = _padded(at / (duration - average))
    return tables


def _set_anew(model: MemoryModel, population: Population, plan: Plan, fresh: bool) -> np.ndarray:
    """Return where a rate or a drive is set between two steps: when one ends, or the next begins, or it is put back."""
    jumps = {population.rate, population.drive} - {None}
    found = {"begin": set[str](), "end": set[str]()}
    for turn in turns(model, population.name):
        found[turn.moment] |= {turn.phase.name} if jumps & set(turn.targets) else set()
    begun = plan.by_phase(lambda phase: bool(jumps & set(phase.start)) or phase.name in found["begin"])
    ended = plan.by_phase(lambda phase: phase.name in found["end"])[plan.before]
    return plan.put_back | begun | (np.where(plan.before < 0, fresh, ended) > 0)


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
    rows = np.asarray(values, dtype=float)
    return np.concatenate([rows, np.full((1, *rows.shape[1:]), fill)])


def _padded_rows(values: np.ndarray) -> np.ndarray:
    """Put a row of zeros before the first, which stands for nothing shown."""
    return np.concatenate([np.zeros((1, values.shape[1])), values])
