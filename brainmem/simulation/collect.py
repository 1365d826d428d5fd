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
from numpy.typing import ArrayLike

from brainmem.model.memory import MemoryModel
from brainmem.numbers.run import Numbers
from brainmem.results.result import Result
from brainmem.text.equations import read_equations, unit_text
from brainmem.text.slices import Ends
from brainmem.translation.controller import CONTROLLER, TRIAL
from brainmem.translation.recorded import COMPLETE, Recorded
from brainmem.translation.text import Connection, Group, Translation

__all__ = ["collect", "flatten", "matrix_of", "versions"]

Outputs = Mapping[Recorded, np.ndarray]
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
) -> Result:
    """Return the run as a `Result`: per-step records, patterns, weights, traces, and all it took to make it."""
    model = translated.model
    data = xr.Dataset(
        _steps(translated, numbers, outputs)
        | _averages(model, translated, numbers, outputs, dt)
        | _patterns(model, numbers)
        | _weights(translated, numbers, outputs, dense)
        | _traces(translated, numbers, outputs, dt)
        | _spikes(translated, numbers, outputs, dt)
    )
    complete = int(np.ravel(outputs[COMPLETE])[0] > 0.5)
    data.attrs = {
        "model": model.name,
        "variant": translated.variant,
        "seed": seed if seed < 2**63 else str(seed),  # files hold no larger integer
        "device": device,
        "complete": complete,
        "dt": dt,
        "parameters": json.dumps(_parameters(translated, numbers)),
        "choices": json.dumps(dict(model.chosen)),
        "protocol": model.protocol.name,
        "options": json.dumps(dict(translated.options)),
        "versions": json.dumps(versions()),
        "equations": str(translated),
        "schedule": schedule,
        "calibration": json.dumps(dict(calibration)) if calibration else "",
        "notes": json.dumps(list(notes)),
        "recalled": json.dumps(model.recalled.of(translated.variant)) if model.recalled else "",
        "reference": json.dumps(asdict(model.reference)) if model.reference else "",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
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
    return {
        item.name: {**_value(numbers.parameters[item.name]), "meaning": item.meaning, "source": item.source}
        for item in translated.parameters
    }


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"value": list(value), "unit": "1"}
    if isinstance(value, int | np.integer):
        return {"value": int(value), "unit": "1"}
    return {"value": float(np.asarray(value)), "unit": unit_text(value)}


def _variable(dims: str | tuple[str, ...], values: ArrayLike, units: str, long_name: str) -> xr.Variable:
    return xr.Variable(dims, values, {"units": units, "long_name": long_name})


def _steps(translated: Translation, numbers: Numbers, outputs: Outputs) -> dict[str, xr.Variable]:
    elapsed = np.asarray(outputs[Recorded(CONTROLLER, "elapsed", "steps")])
    steps = numbers.plan.steps[: len(elapsed)]
    found = {
        "step_phase": _variable("step", np.array([s.phase.name for s in steps], dtype=object), "", "phase"),
        "step_item": _variable("step", [s.item for s in steps], "1", "item shown"),
        "step_epoch": _variable("step", [s.epoch for s in steps], "1", "epoch, from 1"),
        "step_repeat": _variable("step", [s.repeat for s in steps], "1", "repeat of the item"),
        "step_duration": _variable("step", elapsed[: len(steps)], "s", "duration of the step"),
    }
    fulfilled = outputs.get(Recorded(CONTROLLER, "fulfilled", "steps"))
    if fulfilled is not None:
        held = np.ravel(fulfilled)[: len(steps)]
        values = np.where([bool(step.phase.until) for step in steps], held, np.nan)
        meaning = "1 where the end condition held when the step ended, 0 where its longest duration was over"
        found["step_fulfilled"] = _variable("step", values, "1", meaning)
    for item in translated.model.observables:
        observer = TRIAL if translated.trials else CONTROLLER
        values = np.asarray(outputs[Recorded(observer, item.name, "steps")]).reshape(len(elapsed), -1)[: len(steps)]
        dims, values = (("step", "trial"), values) if translated.trials else ("step", values[:, 0])
        found[item.name] = _variable(dims, values, item.unit, f"{item.name} when the step ends")
    return found


def _apart(
    translated: Translation, numbers: Numbers, owner: str, values: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the dimensions and values of a group's units, given as (row, unit), with the trials apart."""
    model = translated.model
    dim = _dim(model, owner) if any(p.name == owner for p in model.populations) else f"{owner}_index"
    if not translated.trials or owner == CONTROLLER:
        return (dim,), values
    if owner == TRIAL:
        return ("trial",), values
    apart = values.reshape(len(values), -1, translated.trials, _cells(translated, numbers, owner))
    return ("trial", dim), np.swapaxes(apart, 1, 2).reshape(len(values), translated.trials, -1)


def _cells(translated: Translation, numbers: Numbers, owner: str) -> int:
    """Return how many cells of the group `owner` stand for one unit."""
    return int(numbers.parameters["cells_per_unit"]) if translated.group(owner).size.cells else 1


def _dim(model: MemoryModel, population: str) -> str:
    """Return ``"unit"`` for the only population, or the only one with a rate."""
    main = [p.name for p in model.populations if p.rate] or [p.name for p in model.populations]
    return "unit" if main == [population] else f"{population}_unit"


def _averages(
    model: MemoryModel, translated: Translation, numbers: Numbers, outputs: Outputs, dt: float
) -> dict[str, xr.Variable]:
    elapsed = np.asarray(outputs[Recorded(CONTROLLER, "elapsed", "steps")])
    begin = numbers.arrays["table.step_average"][: len(elapsed)]
    samples = np.round((elapsed - begin) / dt)
    samples[samples < 1] = np.nan
    found = {}
    rates = [population.rate for population in model.populations]
    for population in model.populations:
        if population.rate:
            total = np.asarray(outputs[Recorded(population.name, f"{population.rate}_total", "steps")])
            mean = total.reshape(len(elapsed), -1) / (samples * dt)[:, None]
            dims, mean = _apart(translated, numbers, population.name, mean)
            name = population.rate if rates.count(population.rate) == 1 else f"{population.name}_{population.rate}"
            unit = _unit(translated.group(population.name), population.rate)
            found[f"mean_{name}"] = _variable(("step", *dims), mean, unit, f"average {population.rate}")
    return found


def _patterns(model: MemoryModel, numbers: Numbers) -> dict[str, xr.Variable]:
    shared = len({item.items for item in model.all_patterns}) == 1
    frames = len({(item.frames, item.every) for item in model.all_patterns if item.every}) == 1
    found = {}
    for item in model.all_patterns:
        values = numbers.patterns[item.name]
        shown = ("frame" if frames else f"{item.name}_frame",) if item.every else ()
        apart = ("trial",) if values.ndim == 3 + len(shown) else ()
        dims = ("item" if shared else f"{item.name}_item", *apart, *shown, _dim(model, item.population))
        found[item.name] = _variable(dims, values, item.unit, item.name)
    return found


def _weights(
    translated: Translation, numbers: Numbers, outputs: Outputs, dense: Mapping[str, str]
) -> dict[str, xr.Variable]:
    found: dict[str, Any] = {}
    for key, start in numbers.weights.items():
        owner, variable = key.split(".")
        snapshots = outputs.get(Recorded(owner, variable, "epochs"))
        matrices = [start]
        if snapshots is not None:
            matrices += [matrix_of(numbers.ends[owner], row, dense.get(owner)) for row in snapshots]
        elif numbers.ends[owner].empty:
            matrices += [start] * _snapshots(outputs)
        dims = ("epoch", f"{owner}_post", f"{owner}_pre") if len(numbers.weights) > 1 else ("epoch", "post", "pre")
        unit = _unit(translated.connection(owner), variable)
        found[f"{owner}_{variable}"] = _variable(dims, np.stack(matrices), unit, f"{variable} after every epoch")
        found |= _numbers(numbers.ends[owner], dims)
        found["epoch"] = _variable("epoch", np.arange(len(matrices)), "1", "epochs (and entries beside them) done")
    return found


def _snapshots(outputs: Outputs) -> int:
    """Return how often weights were recorded."""
    return max((len(rows) for (_, _, kind), rows in outputs.items() if kind == "epochs"), default=0)


def _numbers(ends: Ends, dims: tuple[str, ...]) -> dict[str, xr.Variable]:
    """Return the numbers of the units that weights join, where these are a part of their population."""
    parts = zip(dims[1:], (ends.target, ends.source), reversed(ends.sizes), strict=True)
    return {
        dim: _variable(dim, np.arange(*span), "1", "number of the unit in its population")
        for dim, span, size in parts
        if span != (0, size)
    }


def matrix_of(ends: Ends, flat: np.ndarray, first: str | None) -> np.ndarray:
    """Undo `flatten`."""
    post, pre = ends.shape
    if first is not None:
        return flat.reshape(post, pre) if first == "post" else flat.reshape(pre, post).T
    matrix = np.zeros((pre, post))
    matrix[ends.present.T] = flat
    return matrix.T


def _unit(item: Group | Connection, variable: str) -> str:
    """Return the unit of a variable of a group or a connection."""
    return next(line.unit for line in read_equations(item.equations) if line.name == variable)


def _traces(translated: Translation, numbers: Numbers, outputs: Outputs, dt: float) -> dict[str, xr.Variable]:
    model = translated.model
    traced = [(owner, name) for owner, name, kind in outputs if kind == "time" and name != "t"]
    found = {}
    for owner, variable in traced:
        label = _trace_label(model, owner, variable, [name for _, name in traced])
        dims, values = _apart(translated, numbers, owner, np.asarray(outputs[Recorded(owner, variable, "time")]))
        unit = _unit(translated.group(owner), variable)
        found[label] = _variable(("time", *dims), values, unit, f"{variable} in time")
        times = np.asarray(outputs[Recorded(owner, "t", "time")]) + dt  # Brian2 gives the time at which the step began
        found["time"] = _variable("time", times, "s", "time of the state")
    return found


def _trace_label(model: MemoryModel, owner: str, variable: str, traced: list[str]) -> str:
    """Return a name that no pattern, stimulus, observable or other trace has."""
    others = (*model.all_patterns, *model.observables)
    if owner in (CONTROLLER, TRIAL) or any(item.name == variable for item in others):
        return f"{variable}_trace"
    return f"{owner}_{variable}" if traced.count(variable) > 1 else variable


def _spikes(translated: Translation, numbers: Numbers, outputs: Outputs, dt: float) -> dict[str, xr.Variable]:
    owners = [owner for owner, name, kind in outputs if kind == "spikes" and name == "i"]
    found = {}
    for owner in owners:
        dim = "spike" if len(owners) == 1 else f"{_units_of(translated, owner)}_spike"
        times = np.asarray(outputs[Recorded(owner, "t", "spikes")]) + dt
        found[f"{dim}_time"] = _variable(dim, times, "s", "time of spike: the end of its time step")
        cell = np.asarray(outputs[Recorded(owner, "i", "spikes")])
        if translated.trials:
            cells = _cells(translated, numbers, owner)
            unit, trial = np.divmod(cell // cells, translated.trials)
            cell = unit * cells + cell % cells
            found[f"{dim}_trial"] = _variable(dim, trial, "1", "trial in which it fired")
        found[f"{dim}_cell"] = _variable(dim, cell, "1", "cell that fired")
    return found


def _units_of(translated: Translation, cells: str) -> str:
    """Return the population whose units a group of cells stands for."""
    return next(link.group for link in translated.group(cells).links.values() if link.each == "unit")


def flatten(
    translated: Translation,
    owner: str,
    matrix: np.ndarray,
    ends: Ends,
    dense: Mapping[str, str] = MappingProxyType({}),
) -> np.ndarray:
    """Return a matrix ``[post, pre]`` in the order of the device's synapses.

    `dense` tells which side stands first in the matrices of dense connections; Brian2's list is presynaptic-major,
    leaves out absent pairs and has synapses of its own for every trial.
    """
    if owner in dense:
        return np.ascontiguousarray(matrix if dense[owner] == "post" else matrix.T).ravel()
    columns = np.ascontiguousarray(matrix.T)
    trials = translated.trials or 1
    return np.repeat(columns, trials, axis=0)[np.repeat(ends.present.T, trials, axis=0)]
