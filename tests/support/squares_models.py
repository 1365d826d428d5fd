"""Recursive least squares as model text (FORCE; PINning of a part of the columns), and the same in plain numpy."""

from __future__ import annotations

import numpy as np
from brian2 import ms

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    Stimulus,
)

# Errors that a rule may reduce: of the recurrent current, of the whole current, of the rate.
ERRORS = {"recurrent": "z - f", "total": "z + h - f", "rate": "r - 1/(1 + exp(-f))"}
SUM = {"initial": {"w": "normal(0, g/sqrt(N))"}, "self_connections": True}


def squares(*, error: str = "recurrent", every: str = "delta", weight: str = "1") -> MemoryModel:
    """Return N units of which the first n send plastic synapses to all; `weight` multiplies each unit's error."""
    units = Population(
        "units",
        f"""
        zf : 1
        zp : 1
        k : 1
        cn : 1
        z = zf + zp : 1
        err = {weight}*({ERRORS[error]}) : 1
        dx/dt = (-x + z + h)/tau : 1
        r = 1/(1 + exp(-x)) : 1
        """,
        size="N", rate="r", drive="x", transfer="r",
    )  # fmt: skip
    gain = Population("gain", "den : 1\nc = 1/(1 + den) : 1", size=1)
    projections = (
        Projection("fixed", "units", "units", current="zf_post = w*r_pre : 1 (summed)", source_units="n:", **SUM),
        Projection("plastic", "units", "units", current="zp_post = w*r_pre : 1 (summed)", source_units=":n", **SUM),
        Projection(
            "inverse", "units", "units", current="k_post = P*r_pre : 1 (summed)", initial={"P": "eye()/alpha"},
            self_connections=True, source_units=":n", target_units=":n",
        ),
        Projection("denominator", "units", "gain", current="den_post = r_pre*k_pre : 1 (summed)", source_units=":n"),
        Projection("spread", "gain", "units", current="cn_post = c_pre : 1 (summed)"),
    )  # fmt: skip
    rules = (
        LearningRule("weights", "plastic", periodic="w -= learning*cn_post*err_post*k_pre", every=every),
        LearningRule("squares", "inverse", periodic="P -= learning*cn_post*k_pre*k_post", every=every),
    )
    frames = {"items": 1, "frames": "round(T/delta)", "every": "delta"}
    return MemoryModel(
        "squares",
        parameters=(
            *(Parameter("N", 30), Parameter("n", 9), Parameter("passes", 2)),
            *(Parameter("g", 1.5), Parameter("alpha", 1.0), Parameter("h0", 1.0)),
            *(Parameter("tau", 10 * ms), Parameter("T", 500 * ms), Parameter("delta", 1 * ms)),
        ),
        populations=(units, gain),
        projections=projections,
        rules=rules,
        stimuli=(
            Stimulus("f", "units", draw="log(R/(1 - R))".replace("R", BUMP), **frames),
            Stimulus("h", "units", draw="h0*filtered_noise(100*ms)", **frames),
        ),
        protocol=Protocol(
            (
                Phase("learn", duration="T", stimuli=("f", "h"), gates={"learning": 1}, start={"x": "f"}),
                Phase("test", duration="T", stimuli=("f", "h"), start={"x": "f"}),
            ),
            (Repeat("passes", (Each(("learn", "test"), items=1),)),),
        ),
        rate_dt="delta",
        varied=True,  # not every test reads every parameter
    )


BUMP = "clip(exp(-(time - (unit + 0.5)*T/N)**2/(2*(0.06*T)**2)), 0.01, 0.99)"


class Squares:
    """The same network in plain numpy, from the equations of the method; J is one matrix ``[post, pre]``.

    Parameters
    ----------
    J : (N, N) array
    f, h : (step, unit) arrays
        Targets of the currents, and inputs.
    n : int
        The columns that are plastic.
    """

    def __init__(self, J, f, h, *, n, alpha, step=0.1, every=1, error="recurrent", weight=None):
        self.J, self.f, self.h, self.n = J.copy(), f, h, n
        self.P = np.eye(n) / alpha
        self.step, self.every, self.error = step, every, error
        self.weight = np.ones(len(J)) if weight is None else weight
        self.number = 0
        self.gains, self.visited, self.reached = [], [], []

    def run(self, learning):
        """Go once through all frames; return the rates that each step begins with, (step, unit).

        Those that it ends with are left in `reached`.
        """
        x, seen, self.reached = self.f[0].copy(), [], []
        for f, h in zip(self.f, self.h, strict=True):
            r = 1 / (1 + np.exp(-x))
            z = self.J @ r
            seen.append(r)
            if learning and self.number % self.every == 0:
                self._learn(r, self._error(z, r, f, h))
            x = x + self.step * (-x + z + h)
            self.reached.append(1 / (1 + np.exp(-x)))
            self.number += 1
        return np.array(seen)

    def _error(self, z, r, f, h):
        errors = {"recurrent": z - f, "total": z + h - f, "rate": r - 1 / (1 + np.exp(-f))}
        return self.weight * errors[self.error]

    def _learn(self, r, error):
        s = r[: self.n]
        k = self.P @ s
        c = 1 / (1 + s @ k)
        self.P -= c * np.outer(k, k)
        self.J[:, : self.n] -= c * np.outer(error, k)
        self.gains.append(c)
        self.visited.append(r)
