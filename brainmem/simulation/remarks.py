"""What a run has to be told about itself: steps too long, rates cut, phases that never ended, patterns that do not fit.

A remark is one sentence with the object, the number and what to do. The serious ones are warnings too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
import xarray as xr
from brian2.core.namespace import DEFAULT_UNITS
from brian2.parsing.sympytools import sympy_to_str

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population
from brainmem.model.phases import turns
from brainmem.model.pruning import acting_rules
from brainmem.model.reading import patterns_read
from brainmem.numbers.run import Numbers
from brainmem.simulation.curve_ranges import beyond_curves
from brainmem.text import evaluate
from brainmem.text.derivative import derivative
from brainmem.text.equations import Equation, identifiers, read_equations
from brainmem.translation.controller import CONTROLLER, stop_apart
from brainmem.translation.recorded import Recorded
from brainmem.translation.text import Translation

__all__ = ["Remark", "remarks_on_run", "remarks_on_setting"]

LARGE = 64e6  # bytes of mean rates
FAR = 10.0  # ranges beyond the range of rates that are no rounding and no overshoot
ROUNDING = 1e-6


@dataclass(frozen=True)
class Remark:
    """One sentence about a run; a serious one is a warning too."""

    text: str
    serious: bool = False


def remarks_on_setting(
    translated: Translation, numbers: Numbers, given: Mapping[str, Any], dt: float
) -> Iterator[Remark]:
    """Yield what can be said of a run before it begins; `given` are the user's own patterns and stimuli."""
    yield from _long_steps(translated, numbers, dt)
    yield from _short_phases(translated, numbers, dt)
    yield from _sources_left(translated.model, given)
    yield from _idle_rules(translated)
    yield from _carried_over(translated, numbers)
    yield from _waiting(translated, numbers)


def _carried_over(translated: Translation, numbers: Numbers) -> Iterator[Remark]:
    """Yield what goes on from item to item in a run one after the other, and not where items run as trials."""
    if translated.shown is None:
        return
    model, first = translated.model, numbers.plan.phases[numbers.plan.phase[0]]
    began = {(turn.population, name) for turn in turns(model) for name in turn.targets if turn.moment == "begin"}
    for population in () if first.restore else model.populations:
        moved = [line.name for line in read_equations(population.equations) if line.kind == "differential"]
        moved += [population.state] if population.sequential else []
        for name in dict.fromkeys(moved):
            if name not in first.start and (population.name, name) not in began:
                yield Remark(
                    f"trials='items': the phase {first.name!r} does not set {name!r} of {population.name!r}, which in "
                    "each trial begins with start values of its own; in a run of one item after the other it goes on "
                    "from the item before."
                )


def _waiting(translated: Translation, numbers: Numbers) -> Iterator[Remark]:
    """Yield phases with an end condition that items shown as trials end together."""
    if translated.shown is None or stop_apart(translated.model):
        return
    for phase in numbers.plan.phases:
        if phase.until and phase.name in numbers.plan.phases_run:
            yield Remark(
                f"trials='items': the phase {phase.name!r} lasts until all trials fulfil {phase.until!r}; in a run of "
                "one item after the other each item has an end of its own."
            )


def _idle_rules(translated: Translation) -> Iterator[Remark]:
    """Yield rules that act in phases which this variant leaves out."""
    written, model = translated.written, translated.model
    if written is None or model.protocol.whole is None:
        return
    acting = {rule.name for rule in acting_rules(model, model.protocol)}
    for rule in acting_rules(written, model.protocol.whole):
        if rule.name not in acting:
            yield Remark(
                f"Rule {rule.name!r} changes nothing in the {translated.variant} variant, which leaves out the phases "
                "in which it acts (spiking=None): what it learns in the other variant is not learned here.",
                serious=True,
            )


def _long_steps(translated: Translation, numbers: Numbers, dt: float) -> Iterator[Remark]:
    names = {**DEFAULT_UNITS, **numbers.parameters}
    populations = {item.name for item in translated.model.populations}
    for item in (*translated.groups, *translated.connections):
        kind = "population" if item.name in populations else "group" if item in translated.groups else "projection"
        for line in read_equations(item.equations):
            tau = _time_constant(line, names) if line.kind == "differential" else None
            if tau is not None and dt > tau * (1 + ROUNDING):
                yield Remark(
                    f"The time step {translated.dt} = {1e3 * dt:g} ms is longer than the time constant of "
                    f"{1e3 * tau:g} ms in d{line.name}/dt = {line.expr} ({kind} {item.name!r}): Euler's method "
                    "overshoots there, and diverges beyond twice the time constant. Shorten the step.",
                    serious=True,
                )


def _time_constant(line: Equation, names: Mapping[str, Any]) -> float | None:
    """Return the time constant of a variable's own decay in seconds, None where parameters alone do not set it."""
    slope = _slope(line.expr, line.name)
    if not slope or not identifiers(slope) <= set(names):
        return None
    try:
        value = float(np.asarray(evaluate(slope, names)))
    except (RuleError, TypeError, ValueError):
        return None
    return -1 / value if value < 0 else None


@lru_cache(maxsize=4096)
def _slope(expr: str, name: str) -> str:
    """Return by how much a derivative changes with its own variable, ``""`` where algebra cannot tell."""
    try:
        found = derivative(expr, name)
        return "" if found.has(sympy.Derivative) else sympy_to_str(found)
    except (SyntaxError, ArithmeticError, TypeError, ValueError, KeyError, NotImplementedError, AttributeError):
        return ""


def _short_phases(translated: Translation, numbers: Numbers, dt: float) -> Iterator[Remark]:
    for phase in translated.model.protocol.phases:
        seconds = float(np.asarray(evaluate(phase.duration, numbers.parameters)))
        if seconds < dt * (1 - ROUNDING):
            yield Remark(
                f"Phase {phase.name!r} lasts {phase.duration} = {1e3 * seconds:g} ms, less than the time step "
                f"{translated.dt} = {1e3 * dt:g} ms, and takes a whole step. Shorten the step.",
                serious=True,
            )


def _sources_left(model: MemoryModel, given: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield the patterns and stimuli that follow what a given one would have been drawn from."""
    draws = {item.name: identifiers(item.draw) for item in model.all_patterns}
    behind = {name: _sources(name, draws) for name in draws}
    used = patterns_read(model)
    for name in given:
        for other in draws:
            shared = sorted((behind[name] & behind[other]) - set(given))
            if other in used and other not in given and shared and name not in behind[other]:
                yield Remark(
                    f"inputs= gives {name!r}, which would have been drawn from {', '.join(map(repr, shared))}; "
                    f"{other!r} is drawn from there too and follows what was drawn, not what was given. Give {other!r} "
                    f"too, or let its draw read {name!r}: ranks({name}) numbers the units by their values.",
                    serious=True,
                )


def _sources(name: str, draws: Mapping[str, set[str]]) -> set[str]:
    """Return the patterns that a pattern is drawn from, directly or through others."""
    found: set[str] = set()
    todo = [name]
    while todo:
        new = (draws[todo.pop()] & set(draws)) - found
        found |= new
        todo += new
    return found


def remarks_on_run(
    translated: Translation, numbers: Numbers, data: xr.Dataset, outputs: Mapping[Recorded, np.ndarray], dt: float
) -> Iterator[Remark]:
    """Yield what is to be said of a run that has ended; `data` are its records."""
    yield from _not_finite(translated.model, data)
    yield from _phases_without_end(translated.model, data)
    yield from _repeats_without_end(json.loads(data.attrs["repeats"]))
    yield from _large_means(data)
    yield from map(Remark, beyond_curves(translated.model, outputs))
    for population in translated.model.populations:
        if population.rate and translated.variant == "spiking":
            yield from _cut(translated, numbers, population, outputs, dt)
        elif population.rate:
            yield from _beyond(translated.model, numbers, population, data)


def _large_means(data: xr.Dataset) -> Iterator[Remark]:
    """Yield which mean rates fill the memory, where all steps have them."""
    for name, array in data.data_vars.items():
        if str(name).startswith("mean_") and array.dims[0] == "step" and array.nbytes > LARGE:
            yield Remark(
                f"{name} holds the mean rates of all {array.sizes['step']} steps, {array.nbytes / 1e6:.0f} MB; "
                f"record=() keeps those of scored phases alone, record={{{str(name)!r}: ('a phase',)}} of these too"
            )


def _not_finite(model: MemoryModel, data: xr.Dataset) -> Iterator[Remark]:
    """Yield which records hold no numbers; the device has warned of it."""
    partial = {item.name: item.during for item in model.observables if item.during}
    bad = [
        str(name)
        for name, array in data.data_vars.items()
        if array.dtype.kind == "f"
        and name not in ("step_fulfilled", *(f"{item}_trace" for item in partial))
        and not np.isfinite(array.values[_evaluated(partial.get(str(name)), data)]).all()
    ]
    if bad:
        yield Remark(
            f"{', '.join(bad)}: not finite somewhere in this run, which has diverged; its numbers mean nothing from "
            "there on, and figures of them are left out. Check the parameters and the time step."
        )


def _evaluated(during: tuple[str, ...] | None, data: xr.Dataset) -> Any:
    """Return which steps of a record are those of some phases; all of one without phases."""
    return ... if during is None else np.isin(data["step_phase"].values.astype(str), during)


def _phases_without_end(model: MemoryModel, data: xr.Dataset) -> Iterator[Remark]:
    if "step_fulfilled" not in data:
        return
    for phase in (phase for phase in model.protocol.phases if phase.until):
        held = data["step_fulfilled"].values[data["step_phase"].values == phase.name]
        missed = int(np.sum(held == 0))
        if missed:
            yield Remark(
                f"phase {phase.name!r} reached its longest duration ({phase.duration}) in {missed} of {held.size} "
                f"steps before its end condition held ({phase.until})"
            )


def _repeats_without_end(repeats: Iterable[Mapping[str, Any]]) -> Iterator[Remark]:
    for item in repeats:
        if item["times"] and not item["fulfilled"]:
            yield Remark(f"a Repeat ran all of its {item['times']} epochs before its condition held ({item['until']})")


def _cut(
    translated: Translation,
    numbers: Numbers,
    population: Population,
    outputs: Mapping[Recorded, np.ndarray],
    dt: float,
) -> Iterator[Remark]:
    """Yield how often rates were asked of the cells that they cannot carry."""
    unit = translated.units[population.name]
    over, under, beyond = (np.asarray(outputs[Recorded(population.name, name, "end")]) for name in unit.beyond)
    steps = round(float(np.sum(outputs[Recorded(CONTROLLER, "elapsed", "steps")])) / dt)
    count = float(beyond.sum())
    if count:
        low, high = _range(numbers, population)
        reached = [f"up to {high + (high - low) * over.max():.4g}"] if over.max() > 0 else []
        reached += [f"down to {low - (high - low) * under.max():.4g}"] if under.max() > 0 else []
        yield Remark(
            f"the drive of {population.name!r} asked for rates {population.rate} outside of rate_range "
            f"{population.rate_range} in {count / (steps * beyond.size):.2%} of all unit-steps "
            f"({' and '.join(reached)}), and spikes carry none of that. Widen rate_range"
        )


def _beyond(model: MemoryModel, numbers: Numbers, population: Population, data: xr.Dataset) -> Iterator[Remark]:
    """Yield where a rate network left the range of rates that its model declares."""
    name = next((n for n in (f"mean_{population.name}_{population.rate}", f"mean_{population.rate}") if n in data), "")
    values = data[name].values if name else np.array([])
    values = values[np.isfinite(values)]
    if not values.size:
        return
    low, high = _range(numbers, population)
    excess = max(float(values.max()) - high, low - float(values.min())) / (high - low)
    reached = f"{values.max() if values.max() - high > low - values.min() else values.min():.4g}"
    if excess > FAR:
        yield Remark(
            f"Mean rates {population.rate} of {population.name!r} reach {reached}, far outside of its rate_range "
            f"{population.rate_range}: the run has diverged, or rate_range is wrong.",
            serious=True,
        )
    elif excess > ROUNDING:
        yield Remark(
            f"mean rates {population.rate} of {population.name!r} reach {reached}, outside of its rate_range "
            f"{population.rate_range}; spiking cells would carry none of that. Widen rate_range"
        )


def _range(numbers: Numbers, population: Population) -> tuple[float, float]:
    low, high = (float(np.asarray(evaluate(str(end), numbers.parameters))) for end in population.rate_range)
    return low, high
