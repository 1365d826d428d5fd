"""Models whose rules read statistics over their synapses, and what the same rules make of weights in plain numpy."""

from __future__ import annotations

import numpy as np
from brian2 import Hz, ms

from brainmem import Each, LearningRule, MemoryModel, Parameter, Phase, Population, Projection, Protocol, shuffle_order

DT, SEED = 1e-3, 4
PHASES = (Phase("learn", duration="4*dt_m", gates={"plastic": 1}), Phase("rest", duration="3*dt_m"))
PROTOCOL = Protocol(PHASES, (Each(("learn", "rest"), items=2),))
OPEN = [step % 7 < 4 for step in range(14)]  # the time steps of phase "learn"
PARAMETERS = (Parameter("dt_m", 1 * ms), Parameter("tau", 8 * ms), Parameter("eta", 60 * Hz))


def feedforward() -> MemoryModel:
    """Return 6 units that decay onto 5: mean-subtracted Hebb, pruning at a quantile, scaling, a shuffled variable."""
    hebb = "z = x_pre*y_post : 1\ndw/dt = plastic*eta*(z - mean(z)) : 1\ndv/dt = plastic*eta*(shuffle(v) - v) : 1"
    scale = "old = w\nw += 0.2*(0.3 - mean(w))\nw += 0.1*(mean(abs(w - mean(w))) - w)\nw -= 0.01*old"
    return MemoryModel(
        "feedforward",
        parameters=(*PARAMETERS, Parameter("pruned", 0.4), Parameter("both", "2*dt_m")),
        populations=(
            Population("inputs", "dx/dt = -x/tau : 1", size=6, initial={"x": "uniform(0.5, 1)"}),
            Population("outputs", "u : 1\ndy/dt = -y/tau : 1", size=5, initial={"y": "uniform(0.5, 1)"}),
        ),
        projections=(
            Projection(
                "onto",
                "inputs",
                "outputs",
                current="u_post = w*x_pre : 1 (summed)",
                initial={"w": "normal(0, 1)", "v": "normal(0, 1)"},
            ),
        ),
        rules=(
            LearningRule("hebb", "onto", continuous=hebb),
            LearningRule("prune", "onto", periodic="w *= int(w**2 >= quantile(w**2, pruned/2))", every="both"),
            LearningRule("scale", "onto", episodic=scale, at=("rest",), bounds={"w": (-2, 2)}),
        ),
        protocol=PROTOCOL,
        rate_dt="dt_m",
    )


def feedforward_in_numpy(w: np.ndarray, v: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both variables after the run of `feedforward`."""
    updates = 0
    for step, open_ in enumerate(OPEN):
        if open_:
            z = np.outer(y, x)
            order = shuffle_order(5, 6, update=updates, rule="hebb", seed=SEED)
            w = w + DT * 60 * (z - z.mean())
            v = v + DT * 60 * (v.ravel()[order] - v)
            updates += 1
        if step % 2 == 0:
            w = w * (w**2 >= np.quantile(w**2, 0.2))
        x, y = x - DT * x / 8e-3, y - DT * y / 8e-3
        if step % 7 == 6:
            old = w
            w = w + 0.2 * (0.3 - w.mean())
            w = w + 0.1 * (np.abs(w - w.mean()).mean() - w)
            w = np.clip(w - 0.01 * old, -2, 2)
    return w, v


def recurrent() -> MemoryModel:
    """Return 9 units with a symmetric rule whose rate is shuffled, a network with its diagonal, and a part of one."""
    decay = "dw/dt = plastic*eta*shuffle(exp(-a*abs(w)))*(x_pre*x_post - w) : 1"
    ends = {"source": "units", "target": "units"}
    return MemoryModel(
        "recurrent_shuffles",
        parameters=(*PARAMETERS, Parameter("a", 1.5)),
        populations=(Population("units", "u : 1\ndx/dt = -x/tau : 1", size=9, initial={"x": "uniform(-1, 1)"}),),
        projections=(
            Projection("tied", **ends, current="u_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 1)"}),
            Projection("whole", **ends, current="", self_connections=True, initial={"s": "normal(0, 1)"}),
            Projection("part", **ends, current="", source_units=":6", target_units="2:", initial={"r": "normal(0, 1)"}),
        ),
        rules=(
            LearningRule("decay", "tied", continuous=decay),
            LearningRule("mix", "whole", episodic="s = shuffle(s)\ns = shuffle(s)", at=("learn", "rest")),
            LearningRule("swap", "part", periodic="r = shuffle(r) + 0*quantile(r, 1)", every="5*dt_m"),
        ),
        protocol=PROTOCOL,
        rate_dt="dt_m",
    )


def recurrent_in_numpy(w: np.ndarray, s: np.ndarray, r: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the three variables after the run of `recurrent`."""
    updates, episodes, periods = 0, 0, 0
    for step, open_ in enumerate(OPEN):
        if open_:
            order = shuffle_order(9, 9, update=updates, rule="decay", seed=SEED, recurrent=True)
            w = w + DT * 60 * np.exp(-1.5 * np.abs(w)).ravel()[order] * (np.outer(x, x) - w)
            updates += 1
        if step % 5 == 0:
            r = r.ravel()[shuffle_order(7, 6, update=periods, rule="swap", seed=SEED, recurrent=True, shift=2)]
            periods += 1
        x = x - DT * x / 8e-3
        if step % 7 in (3, 6):
            for call in (0, 1):
                order = shuffle_order(
                    9, 9, update=episodes, rule="mix", seed=SEED, call=call, recurrent=True, self_connections=True
                )
                s = s.ravel()[order]
            episodes += 1
    return w, s, r
