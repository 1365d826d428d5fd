"""The networks that are measured, in the vocabulary that users write, and the numbers they start from.

All are ``tau*dx/dt = tanh(beta*(W x + h)) - x`` with simultaneous Euler steps of 0.1 tau and synapses between all
pairs. They differ in what happens to W:

- ``static``: nothing;
- ``plastic``: Hebb's rule with a decay by the postsynaptic rate and a cubic decay, which moves W by no matrix
  of low rank;
- ``rank_one``: the rule of kurikawa2020, which scales each row of W and adds an outer product.

A unit projects to itself here, so that a peer's matrices need no treatment of their diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from brainmem import MemoryModel

__all__ = ["NAMES", "STEP", "Start", "model_of", "start_of"]

NAMES = ("static", "plastic", "rank_one")

STEP = 0.1  # tau
CUBIC = 0.5  # weight of the cubic decay
GAMMA = 0.6  # strength of the cue in kurikawa2020
RATE = {"static": 0.0, "plastic": 0.03, "rank_one": 0.03}  # learning rate times the number of units
BETA = {"static": 1.0, "plastic": 1.0, "rank_one": 4.0}
GAIN = {"static": 1.5, "plastic": 1.5, "rank_one": 1.0}  # standard deviation of W's entries times sqrt(units)


@dataclass(frozen=True)
class Start:
    """The numbers of one network.

    Attributes
    ----------
    w : (post, pre) float array
    x, h, target : (unit,) float arrays
        First rates, constant input, and the rates that rank_one learns.
    beta, eps, cubic, step : float
        Gain, learning rate per tau, weight of the cubic decay, Euler step in tau.
    """

    w: np.ndarray
    x: np.ndarray
    h: np.ndarray
    target: np.ndarray
    beta: float = field(kw_only=True)
    eps: float = field(kw_only=True)
    cubic: float = field(default=CUBIC, kw_only=True)
    step: float = field(default=STEP, kw_only=True)


def start_of(name: str, size: int) -> Start:
    """Return the numbers that every contender starts network `name` of `size` units from."""
    rng = np.random.default_rng(size)
    w = rng.normal(0.0, GAIN[name] / np.sqrt(size), (size, size))
    x, h = rng.uniform(-1, 1, size), GAMMA * rng.choice([-1.0, 1.0], size)
    return Start(w, x, h, rng.choice([-1.0, 1.0], size), beta=BETA[name], eps=RATE[name] / size)


def model_of(name: str) -> MemoryModel:
    """Return the model of network `name`; its parameter ``T`` is the duration of a run."""
    return _kurikawa() if name == "rank_one" else _written(name)


def _written(name: str) -> MemoryModel:
    from brainmem import LearningRule, MemoryModel, Projection

    rule = "dw/dt = (eps/tau)*(x_pre*x_post - w*x_post**2 - cubic*w**3) : 1"
    plastic = name == "plastic"
    recurrent = Projection(
        "recurrent",
        "units",
        "units",
        current="u_post = w*x_pre : 1 (summed)",
        initial={"w": "normal(0, 1/sqrt(N))"},
        self_connections=True,
    )
    return MemoryModel(
        f"bench_{name}",
        parameters=_parameters(plastic),
        populations=(_units(),),
        projections=(recurrent,),
        rules=(LearningRule("cubic_hebb", "recurrent", continuous=rule),) if plastic else (),
        protocol=_protocol(),
        rate_dt="rate_step",
        time_unit="tau",
    )


def _parameters(plastic: bool):
    from brian2 import ms

    from brainmem import Parameter

    learning = (
        Parameter("eps", f"{RATE['plastic']}/N", meaning="learning rate per unit of model time"),
        Parameter("cubic", CUBIC, meaning="weight of the cubic decay"),
    )
    return (
        Parameter("N", 100, meaning="number of units"),
        Parameter("tau", 10 * ms, meaning="time constant of the units"),
        Parameter("beta", BETA["static"], meaning="gain"),
        Parameter("rate_step", f"{STEP}*tau", meaning="Euler step"),
        Parameter("T", "10*tau", meaning="duration of a run"),
        *(learning if plastic else ()),
    )


def _units():
    from brainmem import Population

    equations = """
    u : 1
    h : 1
    drive = beta*(u + h) : 1
    phi = tanh(drive) : 1
    dx/dt = (phi - x)/tau : 1
    """
    return Population(
        "units",
        equations,
        rate="x",
        drive="drive",
        transfer="phi",
        rate_range=(-1, 1),
        initial={"x": "uniform(-1, 1)", "h": "normal(0, 1)"},
    )


def _protocol():
    """Return one phase; its average over the last step is the state that it ends in."""
    from brainmem import Each, Phase, Protocol, Repeat

    run = Phase("run", duration="T", average="rate_step")
    return Protocol(phases=(run,), schedule=(Repeat(1, (Each("run", items=1),)),))


def _kurikawa() -> MemoryModel:
    from brainmem import Each, Parameter, Protocol, Repeat, get_model

    model = get_model("kurikawa2020")
    learn = replace(model.protocol.phase("learn"), duration="T", until="", average="rate_step")
    recurrent = replace(model.projection("recurrent"), self_connections=True)
    return model.replace(
        name="bench_rank_one",
        parameters=(*model.parameters, Parameter("T", "10*tau", meaning="duration of a run")),
        projections=(recurrent,),
        observables=(),
        protocol=Protocol(phases=(learn,), schedule=(Repeat(1, (Each("learn", items=1),)),)),
    )
