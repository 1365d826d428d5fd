"""What is to be built for a run that is ready: its program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.build.program import Program
from brainmem.engine.device import BuildJob
from brainmem.errors import RuleError
from brainmem.model.nouns import Parameter
from brainmem.model.parts import unchecked
from brainmem.simulation.ready import Ready
from brainmem.translation.recorded import with_ending
from brainmem.translation.text import Translation

__all__ = ["job_of"]


def job_of(ready: Ready, interval: Any = None) -> BuildJob:
    """Return what to build, so that it serves every run that differs in numbers only.

    `interval` is the time between samples of what is recorded in time; ten time steps when not given.
    """
    return BuildJob("brainmem.build.network:build", _program(ready, interval))


def _program(ready: Ready, interval: Any) -> Program:
    step = 10 * ready.dt if interval is None else _sampled(float(np.asarray(interval)), ready.dt)
    recorded = ready.records.recorded
    translated = _without_numbers(ready.translated)
    return Program(
        translated=with_ending(translated) if any(item.kind == "ends" for item in recorded) else translated,
        sizes=ready.sizes,
        dt=ready.dt,
        periods=ready.periods,
        kernels={name: replace(kernel, reason="") for name, kernel in ready.kernels.items()},
        ends={name: ends for name, ends in ready.numbers.ends.items() if not ends.whole},
        recorded=recorded,
        interval=step if any(item.kind == "time" for item in recorded) else 0.0,
    )


def _without_numbers(translated: Translation) -> Translation:
    """Return what is left of a translation without defaults, descriptions and draws, which no program depends on."""
    nothing: dict[str, Any] = {"name": "", "description": "", "reference": None, "recalled": None, "parameters": ()}
    nothing |= {
        "limits": (),
        "choices": (),
        "curves": tuple(item.without_numbers() for item in translated.model.curves),
        "chosen": {},
        "unused": (),
        "protocols": {},
        "protocol": replace(translated.model.protocol, name=""),
        "spiking": {},
        "rate_dt": "",
        "time_unit": "",
        "varied": False,
    }
    named = translated.model
    nothing["rules"] = tuple(replace(item, equation="") for item in named.rules)
    nothing["patterns"] = tuple(replace(item, draw="") for item in named.patterns)
    nothing["stimuli"] = tuple(replace(item, draw="") for item in named.stimuli)
    nothing["protocol"] = replace(named.protocol, whole=None)
    model = unchecked(named, **nothing)  # it is no model any more
    names = tuple(Parameter(item.name, 0.0) for item in translated.parameters)
    return replace(
        translated,
        model=model,
        parameters=names,
        initial=tuple(replace(item, draw="", stream="", given="") for item in translated.initial),
        tables=tuple(replace(item, meaning="") for item in translated.tables),
        spiking=None,
        units={},
        splits=(),
        changes=(),
        reported=(),
        written=None,
        shown=None,
    )


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
