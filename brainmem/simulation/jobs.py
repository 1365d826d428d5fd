"""What is to be built for a run that is ready: its blueprint, with what ``record=`` asks to be recorded."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.build.blueprint import Blueprint
from brainmem.engine.device import BuildJob
from brainmem.errors import RuleError, closest
from brainmem.model.nouns import Parameter
from brainmem.numbers.instance import Instance
from brainmem.simulation.ready import Ready
from brainmem.text.lines import read_lines
from brainmem.translation.text import Translation

__all__ = ["job_of"]


def job_of(ready: Ready, record: tuple[str, ...], interval: Any) -> BuildJob:
    """Return what to build, so that it serves every run that differs in numbers only."""
    return BuildJob("brainmem.build.network:build", _blueprint(ready, record, interval))


def _blueprint(ready: Ready, record: tuple[str, ...], interval: Any) -> Blueprint:
    step = 10 * ready.dt if interval is None else _sampled(float(np.asarray(interval)), ready.dt)
    return Blueprint(
        translated=_without_numbers(ready.translated),
        sizes=ready.sizes,
        dt=ready.dt,
        periods=ready.periods,
        kernels=ready.kernels,
        ends={name: ends for name, ends in ready.instance.ends.items() if not ends.whole},
        **_recorded(ready.translated, ready.instance, record, step),
    )


def _without_numbers(translated: Translation) -> Translation:
    """Return what is left of a translation without defaults, descriptions and draws, which no program depends on."""
    model = copy(translated.model)
    nothing: dict[str, Any] = {"name": "", "description": "", "reference": None, "recalled": None, "parameters": ()}
    nothing |= {
        "limits": (),
        "choices": (),
        "chosen": {},
        "spiking": {},
        "rate_dt": "",
        "time_unit": "",
        "varied": False,
        "carried": False,
    }
    for name, value in nothing.items():
        object.__setattr__(model, name, value)  # not checked again: it is no model any more
    names = tuple(Parameter(item.name, 0.0) for item in translated.parameters)
    return replace(
        translated, model=model, parameters=names, options={}, splits=(), changes=(), reported=(), written=None
    )


def _recorded(translated: Translation, instance: Instance, record: tuple[str, ...], step: float) -> dict[str, Any]:
    traces: dict[str, float] = {}
    spikes: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    for name in record:
        if name == "weights":
            weights = () if translated.trials else tuple(instance.weights)
        elif name == "spikes":
            spikes = tuple(item.name for item in translated.groups if item.name.endswith("_cells"))
        else:
            traces[_trace_key(translated, name)] = step
    return {"traces": traces, "spikes": spikes, "weights": weights}


def _trace_key(translated: Translation, name: str) -> str:
    readable = {
        f"{item.name}.{line.name}": line.name
        for item in translated.groups
        for line in read_lines(item.equations)
        if "linked" not in line.flags and "shared" not in line.flags
    }
    matches = [key for key, short in readable.items() if name in (key, short)]
    own = [key for key in matches if key.split(".")[0] in {item.name for item in translated.model.populations}]
    matches = own or matches  # a unit's variable, where its cells have one of the same name
    if len(matches) != 1:
        known = ["weights", "spikes", *readable]
        reason = "is ambiguous" if matches else "names nothing that can be recorded"
        raise RuleError(
            f"record={name!r} {reason} in the {translated.variant} variant of {translated.model.name!r}; allowed: "
            f"{', '.join(matches or known)}.{closest(name, [*known, *readable.values()])}"
        )
    return matches[0]


def _sampled(interval: float, dt: float) -> float:
    """Return the time between samples, a whole number of time steps."""
    if not 0 < interval < 1e9:
        raise RuleError(f"interval={interval:g} s must be a time longer than 0 and shorter than 1e9 s.")
    steps = round(interval / dt)
    if steps < 1 or abs(interval / dt - steps) > 1e-6:
        raise RuleError(
            f"interval={1e3 * interval:g} ms is no multiple of the time step of {1e3 * dt:g} ms, at whose ends samples "
            f"are taken. Take {1e3 * dt * max(1, steps):g} ms."
        )
    return float(f"{steps * dt:.12g}")
