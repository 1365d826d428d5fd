"""The networks in ANNarchy, its matrices dense.

ANNarchy updates neurons before synapses. What a rule reads of a neuron is therefore kept from before the update, so
that both see the state at the beginning of the step; factors that are the same for a whole row are computed there.
Powers are written as products of stored factors: ANNarchy would call pow() for them.
"""

from __future__ import annotations

import tempfile

import ANNarchy
import numpy as np

from brainmem.bench.networks import Start

__all__ = ["load", "load_fast"]

# Brian2 compiles with -ffast-math, ANNarchy as it is installed does not. Both are of interest.
FAST = "-O3 -march=native -ffast-math"

# Lines that stand before the rate's own equation, and the synapse's equation (None: fixed weights).
RULES = {
    "static": ("", None),
    "plastic": (
        "before = r\n square = r*r",
        "square = w*w\n dw/dt = speed*(post.before*pre.before - w*post.square - cubic*square*w)",
    ),
    "rank_one": (
        "before = r\n quick = speed*(target - r)",
        "dw/dt = post.quick*(pre.before - post.u*w)",
    ),
}


def load(network: str, start: Start) -> _Network:
    """Return the network called `network`, compiled in a temporary folder with ANNarchy's own flags."""
    return _Network(network, start, "default")


def load_fast(network: str, start: Start) -> _Network:
    """Return the network called `network`, compiled with the flags that Brian2 uses."""
    return _Network(network, start, FAST)


class _Network:
    def __init__(self, network: str, start: Start, flags: str) -> None:
        self.start = start
        lines, rule = RULES[network]
        self.net = ANNarchy.Network(dt=1.0)
        self.units = self.net.create(len(start.x), _neuron(start, lines))
        synapse = None if rule is None else _synapse(start, rule)
        self.weights = self.net.connect(self.units, self.units, "exc", synapse)
        self.weights.all_to_all(weights=0.0, allow_self_connections=True, storage_format="dense")
        self.net.config(num_threads=1)
        self.folder = tempfile.TemporaryDirectory(prefix="brainmem-bench-")
        self.net.compile(directory=f"{self.folder.name}/", silent=True, compiler_flags=flags)

    def prepare(self, steps: int) -> None:
        self.units.r, self.units.h, self.units.target = self.start.x, self.start.h, self.start.target
        self.weights.w = self.start.w

    def advance(self, steps: int) -> None:
        self.net.simulate(float(steps))

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self.weights.connectivity_matrix()), np.asarray(self.units.r)


def _neuron(start: Start, lines: str):
    local = {name: ANNarchy.Parameter(0.0, locality="local") for name in ("h", "target")}
    numbers = {"tau": 1 / start.step, "beta": start.beta, "speed": start.step * start.eps}
    equations = f"u = sum(exc)\n{lines}\ntau*dr/dt = tanh(beta*(u + h)) - r : init = 0.0"
    return ANNarchy.Neuron(parameters={**numbers, **local}, equations=equations)


def _synapse(start: Start, rule: str):
    numbers = {"speed": start.step * start.eps, "cubic": start.cubic}
    return ANNarchy.Synapse(parameters=numbers, equations=rule)
