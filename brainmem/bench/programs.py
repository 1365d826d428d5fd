"""Time our compiled programs, through `brainmem.simulate` as users call it."""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from brainmem.bench.networks import STEP, Start, model_of, start_of

if TYPE_CHECKING:
    from brainmem import Device, Result

__all__ = ["program_seconds", "rate_program", "run_network", "spiking_program"]

# One map, learned in a phase that never ends early; the duration is added for each run.
ONE_PHASE = {"M": 1, "epochs": 1, "test_epochs": (), "m_stop": 2.0}
# With mean activity of one half, units fire at 20 Hz.
RATE_MAX = 40.0  # Hz
SPIKE_STEP = 1e-3  # seconds


def program_seconds(run: Callable[[], Any]) -> float:
    """Return the CPU time of the programs that `run` starts and waits for; what happens in Python does not count."""
    begin = _of_children()
    run()
    return _of_children() - begin


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rate_program(network: str, size: int, device: Device, *, trials: int | None = None) -> Callable[[int], float]:
    """Compile a network of `brainmem.bench.networks` and return ``seconds(steps)`` of its program."""
    model, start = model_of(network), start_of(network, size)
    run_network(model, start, 1, device, trials=trials)
    return lambda steps: program_seconds(lambda: run_network(model, start, steps, device, trials=trials))


def run_network(model: Any, start: Start, steps: int, device: Device, *, trials: int | None = None) -> Result:
    """Simulate `steps` steps of a network from `start`; plastic weights are recorded at its two ends."""
    from brainmem import simulate

    size = len(start.x)
    stimuli = {item.name: (np.sign(start.h) if item.name == "cue" else start.target)[None, :] for item in model.stimuli}
    initial = {"units.x": start.x} | ({} if stimuli else {"units.h": start.h})
    return simulate(
        model,
        "rate",
        parameters={"N": size, "T": f"{steps * STEP!r}*tau"} | ({"M": 1} if stimuli else {}),
        device=device,
        inputs=stimuli,
        weights={"recurrent": start.w},
        initial=initial,
        record=("weights",) if model.rules else (),
        trials=trials,
    )


def spiking_program(size: int, device: Device) -> Callable[[int], float]:
    """Compile kurikawa2020 with one LIF cell per unit, at 20 Hz, while it learns; return ``seconds(steps)``."""
    from brainmem import simulate

    def run(steps: int) -> None:
        parameters = {**ONE_PHASE, "N": size, "cells_per_unit": 1, "rate_max": f"{RATE_MAX}*hertz"}
        parameters |= {"spike_dt": f"{SPIKE_STEP}*second", "T_learn": f"{steps * SPIKE_STEP!r}*second"}
        simulate("kurikawa2020", "spiking", parameters=parameters, device=device, record=())

    run(1)
    return lambda steps: program_seconds(lambda: run(steps))
