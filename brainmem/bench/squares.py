"""Recursive least squares: one step of a network whose plastic columns learn, by our program and by a numpy loop.

The rule over the columns that leave a part of the units (here 12 %), with a target and an input that change in every
step, both read from tables: ``tau*dx/dt = -x + J r + h``, ``r = 1/(1 + exp(-x))``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from brainmem.bench.programs import program_seconds

if TYPE_CHECKING:
    from brainmem import Device, MemoryModel, Result

__all__ = ["PLASTIC", "SQUARES", "SquaresLoop", "SquaresStart", "run_squares", "squares_model", "squares_program"]

SQUARES = "squares"
PLASTIC = 0.12  # part of the units whose columns learn
FRAMES = 1024  # of a pass; runs of more steps go through several
GAIN, ALPHA, STEP = 1.5, 1.0, 0.1
WIDTH, CLIP = 0.06, 0.01  # of the bumps that units shall fire, in units of a pass, and how near to 0 and 1 they come


@dataclass(frozen=True)
class SquaresStart:
    """The numbers of one network.

    Attributes
    ----------
    w : (post, pre) float array
    f, h : (frame, unit) float arrays
        Targets of the currents, and inputs.
    order : (unit,) int array
        The units in random order; the first of them are plastic.
    plastic : int
        How many.
    """

    w: np.ndarray
    f: np.ndarray
    h: np.ndarray
    order: np.ndarray
    plastic: int

    @classmethod
    def of(cls, size: int) -> SquaresStart:
        """Return the numbers that every contender starts a network of `size` units from."""
        rng = np.random.default_rng(size)
        time, centre = np.ogrid[0 : 1 : FRAMES * 1j, 0 : 1 : size * 1j]
        bumps = np.clip(np.exp(-((time - centre) ** 2) / (2 * WIDTH**2)), CLIP, 1 - CLIP)
        f, h = np.log(bumps / (1 - bumps)), np.cumsum(rng.normal(0, 0.05, (FRAMES, size)), axis=0)
        w = rng.normal(0, GAIN / np.sqrt(size), (size, size))
        return cls(w, f, h, rng.permutation(size), max(1, round(PLASTIC * size)))


class SquaresLoop:
    """The network in plain numpy, as one writes it by hand: the plastic columns are those of a list of units."""

    def __init__(self, start: SquaresStart) -> None:
        self.start = start

    def prepare(self, steps: int) -> None:
        """Go back to the start."""
        self.w, self.P = self.start.w.copy(), np.eye(self.start.plastic) / ALPHA
        self.x = self.start.f[0].copy()

    def advance(self, steps: int) -> None:
        """Run so many steps; every pass begins at ``x = f``."""
        J, P, x, f, h = self.w, self.P, self.x, self.start.f, self.start.h
        plastic, frames = self.start.order[: self.start.plastic], min(steps, FRAMES)
        for step in range(steps):
            frame = step % frames
            x = f[0].copy() if frame == 0 else x
            r = 1 / (1 + np.exp(-x))
            z = J @ r
            k = P @ r[plastic]
            c = 1 / (1 + r[plastic] @ k)
            P -= c * np.outer(k, k)
            J[:, plastic] -= c * np.outer(z - f[frame], k)
            x += STEP * (-x + z + h[frame])
        self.x = x

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights ``[post, pre]`` and the currents."""
        return self.w, self.x


def squares_model() -> MemoryModel:
    """Return the model; its parameters ``frames`` and ``passes`` are the length of a run."""
    from brian2 import ms

    from brainmem import Each, LearningRule, MemoryModel, Parameter, Phase, Population, Projection, Protocol, Stimulus

    units = Population(
        "units",
        "zf : 1\nzp : 1\nk : 1\ncn : 1\nz = zf + zp : 1\nerr = z - f : 1\n"
        "dx/dt = (-x + z + h)/tau : 1\nr = 1/(1 + exp(-x)) : 1",
        rate="r",
        drive="x",
        transfer="r",
    )
    gain = Population("gain", "den : 1\nc = 1/(1 + den) : 1", size=1)
    weights = {"initial": {"w": "normal(0, 1)"}, "self_connections": True}
    projections = (
        Projection("fixed", "units", "units", current="zf_post = w*r_pre : 1 (summed)", source_units="n:", **weights),
        Projection("plastic", "units", "units", current="zp_post = w*r_pre : 1 (summed)", source_units=":n", **weights),
        Projection(
            "inverse",
            "units",
            "units",
            current="k_post = P*r_pre : 1 (summed)",
            initial={"P": f"eye()/{ALPHA}"},
            self_connections=True,
            source_units=":n",
            target_units=":n",
        ),
        Projection("denominator", "units", "gain", current="den_post = r_pre*k_pre : 1 (summed)", source_units=":n"),
        Projection("spread", "gain", "units", current="cn_post = c_pre : 1 (summed)"),
    )
    table = {"items": 1, "frames": "frames", "every": "delta", "draw": "zeros()"}
    return MemoryModel(
        "bench_squares",
        parameters=(
            Parameter("N", 500, meaning="number of units"),
            Parameter("n", f"int(clip(round({PLASTIC}*N), 1, N))", meaning="units whose columns learn"),
            Parameter("frames", FRAMES, meaning="time steps of a pass"),
            Parameter("passes", 1),
            Parameter("delta", 1 * ms, meaning="Euler step"),
            Parameter("tau", f"delta/{STEP}", meaning="time constant of the units"),
        ),
        populations=(units, gain),
        projections=projections,
        rules=(
            LearningRule("weights", "plastic", periodic="w -= learning*cn_post*err_post*k_pre", every="delta"),
            LearningRule("squares", "inverse", periodic="P -= learning*cn_post*k_pre*k_post", every="delta"),
        ),
        stimuli=(Stimulus("f", "units", **table), Stimulus("h", "units", **table)),
        protocol=Protocol(
            (Phase("learn", duration="frames*delta", stimuli=("f", "h"), gates={"learning": 1}, start={"x": "f"}),),
            (Each("learn", items=1, repeats="passes"),),
        ),
        rate_dt="delta",
    )


def run_squares(start: SquaresStart, steps: int, device: Device, *, record: tuple[str, ...] = ()) -> Result:
    """Simulate `steps` steps from `start`; the units stand in its order, so that the plastic ones come first."""
    from brainmem import simulate

    frames, order = min(steps, FRAMES), start.order
    w = start.w[np.ix_(order, order)]
    return simulate(
        squares_model(),
        parameters={"N": len(w), "frames": frames, "passes": steps // frames},
        device=device,
        inputs={"f": start.f[:frames, order], "h": start.h[:frames, order]},
        weights={"plastic": w[:, : start.plastic], "fixed": w[:, start.plastic :]},
        record=record,
    )


def squares_program(size: int, device: Device) -> Callable[[int], float]:
    """Return ``seconds(steps)`` of the network's program.

    Programs differ by the length of a pass, so that each number of steps is run once before it is timed.
    """
    start, compiled = SquaresStart.of(size), set()

    def seconds(steps: int) -> float:
        if min(steps, FRAMES) not in compiled:
            run_squares(start, min(steps, FRAMES), device)
            compiled.add(min(steps, FRAMES))
        return program_seconds(lambda: run_squares(start, steps, device))

    return seconds
