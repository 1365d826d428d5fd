"""Arrange what a run wrote into a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from brainmem.model.cues import uncued
from brainmem.model.memory import MemoryModel
from brainmem.model.plan import loops_run
from brainmem.numbers.run import Numbers
from brainmem.results.result import Result
from brainmem.simulation.arranged import Outputs, apart, described, dim_of, rows_run, unit_of, within
from brainmem.simulation.records import Records, end_label, mean_label, total_of
from brainmem.simulation.state import state_at_end, streams_at_end
from brainmem.simulation.traces import spikes, traces
from brainmem.simulation.weights import weights_after
from brainmem.text.equations import unit_text
from brainmem.translation.controller import CONTROLLER, TRIAL
from brainmem.translation.recorded import COMPLETE, Recorded
from brainmem.translation.text import Translation

__all__ = ["collect", "versions"]

PACKAGES = ("brainmem", "brian2", "numpy", "scipy", "sympy", "cython")


def collect(
    translated: Translation,
    numbers: Numbers,
    outputs: Outputs,
    *,
    dt: float,
    seed: int,
    device: str,
    calibration: Mapping[str, Any],
    notes: tuple[str, ...],
    schedule: str,
    dense: Mapping[str, str] = MappingProxyType({}),
    records: Records,
) -> Result:
    """Return the run as a `Result`: per-step records, patterns, weights, traces, and all it took to make it."""
    model = translated.model
    outputs = {Recorded(*name): values for name, values in outputs.items()}
    data = xr.Dataset(
        _steps(translated, numbers, outputs)
        | _averages(model, translated, numbers, outputs, dt)
        | _patterns(model, numbers)
        | weights_after(translated, numbers, records, outputs, ended=_epochs_ended(numbers, outputs), dense=dense)
        | _ends(translated, numbers, outputs)
        | (state_at_end(translated, numbers, outputs, dense=dense) if records.state else {})
        | traces(translated, numbers, outputs, dt)
        | spikes(translated, numbers, outputs, dt)
    )
    if translated.shown is not None:
        item = described("trial", np.array(translated.shown), "1", "item that the trial shows")
        data = data.assign_coords(trial_item=item)
    complete = int(np.ravel(outputs[COMPLETE])[0] > 0.5)
    data.attrs = {
        "model": model.name,
        "variant": translated.variant,
        "seed": seed if seed < 2**63 else str(seed),  # files hold no larger integer
        "device": device,
        "complete": complete,
        "dt": dt,
        "parameters": json.dumps(_parameters(translated, numbers)),
        "curves": json.dumps({item.name: item.described for item in model.curves}),
        "choices": json.dumps(dict(model.chosen)),
        "protocol": model.protocol.name,
        "options": json.dumps(dict(translated.options)),
        "versions": json.dumps(versions()),
        "equations": str(translated),
        "schedule": schedule,
        "calibration": json.dumps(dict(calibration)) if calibration else "",
        "notes": json.dumps(list(notes)),
        "repeats": json.dumps(_repeats(translated, numbers, outputs)),
        "recalled": json.dumps(model.recalled.of(translated.variant)) if model.recalled else "",
        "reference": json.dumps(asdict(model.reference)) if model.reference else "",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if records.state:
        data.attrs["streams"] = streams_at_end(numbers, outputs)
    return Result(data)


def versions() -> dict[str, str]:
    """Return the versions of the packages a result depends on."""
    return {name: _version(name) for name in PACKAGES}


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _parameters(translated: Translation, numbers: Numbers) -> dict[str, dict[str, Any]]:
    in_rate = {name: {"in_rate": _value(value)["value"]} for name, value in numbers.in_rate.items()}
    return {
        item.name: {
            **_value(numbers.parameters[item.name]),
            **in_rate.get(item.name, {}),
            "meaning": item.meaning,
            "source": item.source,
        }
        for item in translated.parameters
    }


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"value": list(value), "unit": "1"}
    if isinstance(value, int | np.integer):
        return {"value": int(value), "unit": "1"}
    return {"value": float(np.asarray(value)), "unit": unit_text(value)}


def _steps(translated: Translation, numbers: Numbers, outputs: Outputs) -> dict[str, xr.Variable]:
    plan, rows = numbers.plan, rows_run(outputs)
    names = np.array([phase.name for phase in plan.phases], dtype=object)
    elapsed = np.asarray(outputs[Recorded(CONTROLLER, "elapsed", "steps")])
    found = {
        "step_phase": described("step", names[plan.phase[rows]], "", "phase"),
        "step_item": described(
            "step", plan.item[rows] if translated.shown is None else 0 * rows - 1, "1", "item shown"
        ),
        "step_epoch": described("step", plan.epoch[rows], "1", "epoch, from 1"),
        "step_repeat": described("step", plan.repeat[rows], "1", "repeat of the item"),
        "step_duration": described("step", elapsed, "s", "duration of the step"),
    }
    if (flags := uncued(translated.model, plan)).any():
        meaning = "1 where the state goes back to random values and to no pattern, so that what it reaches is chance"
        found["step_uncued"] = described("step", flags[rows].astype(float), "1", meaning)
    fulfilled = outputs.get(Recorded(CONTROLLER, "fulfilled", "steps"))
    if fulfilled is not None:
        values = np.where(plan.by_phase(lambda phase: bool(phase.until))[rows], np.ravel(fulfilled), np.nan)
        meaning = "1 where the end condition held when the step ended, 0 where its longest duration was over"
        found["step_fulfilled"] = described("step", values, "1", meaning)
    if (lasted := _lasted(outputs)) is not None:
        stopped = np.asarray(outputs[Recorded(TRIAL, "stopped", "steps")]).reshape(lasted.shape)
        until = plan.by_phase(lambda phase: bool(phase.until))[rows, np.newaxis]
        found["trial_duration"] = described(("step", "trial"), lasted, "s", "duration of the step")
        meaning = "1 where the end condition held in the trial, 0 where the longest duration was over"
        found["trial_fulfilled"] = described(("step", "trial"), np.where(until, stopped, np.nan), "1", meaning)
    for item in translated.model.observables:
        observer = TRIAL if translated.trials else CONTROLLER
        values = np.asarray(outputs[Recorded(observer, item.name, "steps")]).reshape(len(elapsed), -1)
        values = within(item, numbers, rows, values)
        dims, values = (("step", "trial"), values) if translated.trials else ("step", values[:, 0])
        found[item.name] = described(dims, values, item.unit, f"{item.name} when the step ends")
    return found


def _repeats(translated: Translation, numbers: Numbers, outputs: Outputs) -> list[dict[str, Any]]:
    """Return how each `Repeat` of the schedule that has a condition ended, in its order; see `Result.repeats`."""
    plan, rows = numbers.plan, rows_run(outputs)
    held = np.ravel(outputs.get(Recorded(CONTROLLER, "loop_fulfilled", "steps"), np.zeros(len(rows))))
    found = []
    written = (translated.written or translated.model).protocol
    for number, entry in enumerate(loops_run(written, [phase.name for phase in plan.phases]), 1):
        ended = np.flatnonzero(plan.loop[rows] == number)
        times = int(numbers.parameters[entry.times] if isinstance(entry.times, str) else entry.times)
        fulfilled = bool(ended.size and held[ended[-1]] > 0.5)
        epochs = int(plan.epoch[rows[ended[-1]]]) if fulfilled else times
        found.append({"until": entry.until, "times": times, "epochs": epochs, "fulfilled": fulfilled})
    return found


def _lasted(outputs: Outputs) -> np.ndarray | None:
    """Return how long the phase of every step lasted for each trial, (step, trial); None where they end together."""
    lasted = outputs.get(Recorded(TRIAL, "lasted", "steps"))
    if lasted is None:
        return None
    return np.asarray(lasted).reshape(len(outputs[Recorded(CONTROLLER, "elapsed", "steps")]), -1)


def _averages(
    model: MemoryModel, translated: Translation, numbers: Numbers, outputs: Outputs, dt: float
) -> dict[str, xr.Variable]:
    elapsed = np.asarray(outputs[Recorded(CONTROLLER, "elapsed", "steps")])
    begin = numbers.arrays["table.step_average"][rows_run(outputs)]
    lasted = _lasted(outputs)
    lasted = np.reshape(elapsed, (-1, 1)) if lasted is None else lasted
    samples = np.round((lasted - begin[:, None]) / dt)
    samples[samples < 1] = np.nan
    phases = numbers.plan.phase[rows_run(outputs)] + 1
    totals = {item.owner: item for item in outputs if item.kind in ("steps", "ends") and _is_total(model, item)}
    found = {}
    for population in (item for item in model.populations if item.name in totals):
        item, label = totals[population.name], mean_label(model, population)
        kept = np.isin(phases, item.at) if item.at else np.full(len(phases), True)
        total = np.asarray(outputs[item])
        width = total.size // kept.sum() if kept.any() else total.shape[-1]  # units stand side by side for every trial
        mean = total.reshape(kept.sum(), width) / (np.tile(samples[kept], width // samples.shape[1]) * dt)
        dims, mean = apart(translated, numbers, population.name, mean)
        unit = unit_of(translated.group(population.name), population.rate or "")
        step = "step" if kept.all() else f"{label}_step"
        found[label] = described((step, *dims), mean, unit, f"average {population.rate}")
        if not kept.all():
            found[step] = described(step, np.flatnonzero(kept), "1", "number of the step, from 0")
    return found


def _is_total(model: MemoryModel, item: Recorded) -> bool:
    """Tell whether something recorded is what mean rates are made from."""
    return any(item.owner == found.name and item.variable == total_of(found) for found in model.populations)


def _patterns(model: MemoryModel, numbers: Numbers) -> dict[str, xr.Variable]:
    shared = len({item.items for item in model.all_patterns}) == 1
    frames = len({(item.frames, item.every) for item in model.all_patterns if item.every}) == 1
    found = {}
    for item in model.all_patterns:
        values = numbers.patterns[item.name]
        shown = ("frame" if frames else f"{item.name}_frame",) if item.every else ()
        apart = ("trial",) if values.ndim == 3 + len(shown) else ()
        dims = ("item" if shared else f"{item.name}_item", *apart, *shown, dim_of(model, item.population))
        found[item.name] = described(dims, values, item.unit, item.name)
    return found


def _epochs_ended(numbers: Numbers, outputs: Outputs) -> np.ndarray:
    """Return the numbers of the epochs, and of entries beside them, that ended."""
    found = numbers.plan.snapshot[rows_run(outputs)]
    return found[found > 0]


def _ends(translated: Translation, numbers: Numbers, outputs: Outputs) -> dict[str, xr.Variable]:
    """Return the variables of units kept as steps ended; those of some phases have an axis that numbers their steps."""
    model = translated.written or translated.model
    phases = numbers.plan.phase[rows_run(outputs)] + 1
    found = {}
    for item, values in outputs.items():
        if item.kind != "ends" or _is_total(translated.model, item):
            continue
        label = end_label(model, item.owner, item.variable)
        dims, values = apart(translated, numbers, item.owner, np.asarray(values))
        step = f"{label}_step" if item.at else "step"
        unit = unit_of(translated.group(item.owner), item.variable)
        found[label] = described((step, *dims), values, unit, f"{item.variable} as the step ends")
        if item.at:
            found[step] = described(step, np.flatnonzero(np.isin(phases, item.at)), "1", "number of the step, from 0")
    return found
