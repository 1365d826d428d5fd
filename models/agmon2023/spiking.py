"""What bumps of spiking cells do, for the claims of Agmon and Burak (2023)."""

import numpy as np
from brainmem.models.agmon2023.networks import corrected, embedding, run
from brian2 import second

from brainmem import measure
from brainmem.claims import Experiment

CELLS = {"tau": "100*ms", "rate_max": "100*hertz", "cells_per_unit": 4}  # rate_max stands for 15 Hz
OF_THE_TABLE = {"tau_m": "20*ms", "t_ref": "2*ms", "sigma_v": 0.15, "rate_max": "45*hertz", "cells_per_unit": 1}


def spread(
    experiment: Experiment,
    seed: int,
    *,
    N: int,
    L: int,
    starts: int,
    scheme: str = "none",
    transfer: str = "root",
    **cells,
) -> dict[str, float]:
    """Release bumps of spiking cells; return rms displacements every half second, and the fraction on a wrong map."""
    maps = embedding(N, L, seed, stride=N // starts, transfer=transfer)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme, transfer=transfer)
    released = run(experiment, maps, M, "drift", record=("r", "end_r"), interval=0.5 * second, seed=seed,
                   parameters={**CELLS, **cells})  # fmt: skip
    rates = released.r.values.reshape(-1, len(maps.apart), N)
    times = np.round(2 * released.time.values) / 2  # records lie within half a step of these
    at = {f"{time:g} s": state for time, state in zip(times, rates, strict=True) if 0 < time < 3}
    at["3 s"] = released.end_r.values[0]
    begun = np.tile(np.arange(0, N, maps.stride), L)
    number = np.repeat(np.arange(L), starts)
    found = {}
    for name, state in at.items():
        scores = measure.bump_scores(state, maps.ring.rate, maps.place)
        own = scores[np.arange(len(state)), number].argmax(axis=-1)
        found[name] = np.sqrt((measure.displacement(own, begun, size=N) ** 2).mean())
    wrong = scores.max(axis=-1).argmax(axis=-1) != number  # after 3 s
    return {**found, "wrong map": wrong.mean()}


def transplanted(experiment: Experiment, seed: int, **point) -> dict[str, float]:
    """Return the same of cells that are driven by the current itself, as their measured curve is the transfer."""
    return spread(experiment, seed, transfer="tabulated", **{**OF_THE_TABLE, **point})
