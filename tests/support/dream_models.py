"""Networks of units that are updated one at a time: dreams that relax from random starts and are unlearned."""

from __future__ import annotations

import numpy as np
from brian2 import second

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    simulate,
)

N, DREAMS = 30, 6
SWEEP = 1 * second
COMPILED = Device("cpp_standalone")
PLAIN = Device("cpp_standalone", kernels="plain")
NUMPY = Device("runtime")
CYTHON = Device("runtime", target="cython")
ZERO_TEMPERATURE = "S = sign(h + tie*S)"
GLAUBER = "S = 2*int(rand() < 1/(1 + exp(-2*h/T))) - 1"


def spins(sequential: str = ZERO_TEMPERATURE, equations: str = "h : 1\nS : 1", **changes) -> Population:
    return Population(
        "spins",
        equations,
        rate="S",
        rate_range=(-1, 1),
        sequential=sequential,
        initial={"S": "signs()"},
        **changes,
    )


RECURRENT = Projection(
    "recurrent", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "normal(0, 1/sqrt(N))"}
)
UNLEARNING = LearningRule("unlearning", "recurrent", episodic="w += -(eps/N_pre)*S_pre*S_post", at=("dream",))
DREAM = Phase("dream", duration="100*sweep", until="flips < 0.5", start={"S": "signs()"}, average="sweep")


def dreams(population: Population | None = None, **changes) -> MemoryModel:
    """Return a network that relaxes from random starts to fixed points, each of which it unlearns."""
    parts = {
        "parameters": (
            Parameter("N", N),
            Parameter("dreams", DREAMS),
            Parameter("eps", 0.5),
            Parameter("tie", 1e-12),
            Parameter("sweep", SWEEP),
        ),
        "populations": (population or spins(),),
        "projections": (RECURRENT,),
        "rules": (UNLEARNING,),
        "observables": (Observable("flips", "int(S_change != 0)", population="spins", reduce="sum"),),
        "protocol": Protocol(phases=(DREAM,), schedule=(Repeat("dreams", (Each("dream", items=1, repeats=1),)),)),
        "rate_dt": "sweep",
        "time_unit": "sweep",
        "varied": True,
    }
    return MemoryModel("dreams", **(parts | changes))


def symmetric(size: int = N, seed: int = 0) -> np.ndarray:
    w = np.random.default_rng(seed).normal(size=(size, size)) / np.sqrt(size)
    w = (w + w.T) / 2
    np.fill_diagonal(w, 0)
    return w


def run(model: MemoryModel, device: Device, w: np.ndarray | None = None, seed: int = 3, **options):
    options = {"record": ("weights", "S", "h"), "interval": SWEEP} | options
    return simulate(model, device=device, seed=seed, weights={} if w is None else {"recurrent": w}, **options).data


def by_dream(data) -> list[slice]:
    """Return the samples of each dream."""
    ends = np.cumsum(np.round(data["step_duration"].values).astype(int))
    return [slice(begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


def unlearned(w: np.ndarray, s: np.ndarray, eps: float = 0.5) -> np.ndarray:
    w = w - eps / len(s) * np.outer(s, s)
    np.fill_diagonal(w, 0)
    return w
