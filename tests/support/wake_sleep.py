"""One text for both variants: binary units that are visited one at a time, or cells, learn awake and unlearn asleep.

Awake, patterns are imposed and added to the couplings; asleep, the network relaxes from a random state, and the state
that it reaches is taken off (Hopfield, Feinstein & Palmer 1983).
"""

from __future__ import annotations

from typing import Any

from brian2 import Hz, ms, second

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Repeat,
)

__all__ = ["SPIKING", "units", "wake_sleep"]

EQUATIONS = """
    h : 1                                             # sum_j J_ij x_j
    norm2 : 1                                         # |J_i|^2
    cue : 1                                           # the state imposed
    drive = recurrent*h/sqrt(norm2 + 1e-9) + clamp*cue : 1
    phi = tanh(gain*drive) : 1
    dx/dt = (phi - x)/tau : 1                         # cells; the rate variant visits units instead
"""
VISIT = "x = sign(recurrent*h + clamp*cue + 1e-12*x)"
SPIKING = {
    **{"T_sweep": 0.2 * second, "T_wake": "0.5*second", "T_sleep": 0.2 * second, "force": 2.0},
    **{"spike_dt": 1 * ms, "rate_max": 95 * Hz, "t_ref": 8 * ms, "sigma_v": 0.15},
}


def units(**changes: Any) -> Population:
    """Return units that the rate variant visits, and whose equation cells follow."""
    parts: dict[str, Any] = {"rate": "x", "drive": "drive", "transfer": "phi", "rate_range": (-1, 1)}
    return Population("units", **{"equations": EQUATIONS, "sequential": VISIT, **parts, **changes})


def phases() -> tuple[Phase, ...]:
    """Return what happens awake, asleep and in tests; a sweep of the rate variant is longer in spikes."""
    hint = "force*memory*(1 - 2*(permutation() < damage))"
    return (
        Phase(
            "settle",
            duration="T_sweep",
            start={"cue": "memory"},
            gates={"clamp": 1},
            spiking={"duration": "0.3*second"},
        ),
        Phase("imprint", duration="T_wake", gates={"clamp": 1, "plus": 1}),
        Phase("judge", duration="T_sweep", start={"cue": "memory"}, gates={"clamp": 1}, restore=True, spiking=None),
        Phase(
            "kick",
            duration="T_sweep",
            start={"cue": "force*signs()"},
            gates={"clamp": 1},
            spiking={"duration": "150*ms"},
        ),
        Phase(
            "relax",
            duration="200*T_sweep",
            until="flips < 0.5",
            gates={"recurrent": 1},
            spiking={"duration": "350*ms", "until": ""},
        ),
        Phase("consolidate", duration="T_sleep", gates={"recurrent": 1, "minus": "eps*asleep"}),
        Phase(
            "hint",
            duration="T_sweep",
            start={"cue": hint},
            gates={"clamp": 1},
            restore=True,
            spiking={"duration": "150*ms"},
        ),
        Phase(
            "recall",
            duration="200*T_sweep",
            until="flips < 0.5",
            gates={"recurrent": 1},
            average="",
            restore=True,
            spiking={"duration": "550*ms", "until": "", "average": "100*ms"},
        ),
    )


def wake_sleep(**changes: Any) -> MemoryModel:
    """Return the model; `changes` replace fields."""
    test = Each(("hint", "recall"), items="P")
    parts: dict[str, Any] = {
        "parameters": (
            Parameter("N", 50),
            Parameter("P", 15),
            Parameter("blocks", 5),
            Parameter("dreams", 40),
            Parameter("eps", 0.05),
            Parameter("asleep", 1.0, meaning="sign of what sleep takes off; 0 shuts it"),
            Parameter("gain", 8.0),
            Parameter("tau", 50 * ms),
            Parameter("damage", 5, meaning="units of a hint that are wrong"),
            Parameter("force", 1.0, meaning="how strongly random states and hints are imposed"),
            Parameter("T_sweep", 1 * second, meaning="one visit to each unit"),
            Parameter("T_wake", 1 * second),
            Parameter("T_sleep", 1 * second),
        ),
        "populations": (units(),),
        "projections": (
            Projection(
                "couplings",
                "units",
                "units",
                current="h_post = w*x_pre : 1 (summed)\nnorm2_post = w**2 : 1 (summed)",
                initial={"w": "zeros()"},
            ),
        ),
        "rules": (
            LearningRule(
                "plus_minus",
                "couplings",
                continuous="dw/dt = (plus/T_wake - minus/T_sleep)*x_pre*x_post/N_pre : 1",
                during=("imprint", "consolidate"),
            ),
        ),
        "patterns": (Pattern("memory", "units", items="P", values=(-1, 1)),),
        "observables": (
            Observable("flips", "int(x_change != 0)", population="units", reduce="sum"),
            Observable("energy", "-0.5*x*h", population="units", reduce="sum"),
        ),
        "protocol": Protocol(
            phases(),
            (
                Each(("settle", "imprint"), items="P"),
                Each("judge", items="P", order="random"),
                Repeat("blocks", (test, Each(("kick", "relax", "consolidate"), items="dreams"))),
            ),
        ),
        "recalled": Recalled(phase="recall", target="memory", score="overlap", threshold=0.9),
        "rate_dt": "T_sweep",
        "time_unit": "T_sweep",
        "spiking": SPIKING,
    }
    return MemoryModel("wake_sleep", **{**parts, **changes})
