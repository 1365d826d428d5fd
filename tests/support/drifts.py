"""Mean drifts of split rules, measured with spikes in plain numpy, and the rate rule's.

The texts of the split are evaluated as Python, in the order of a time step: clock-driven part, events before the
traces change, traces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from brainmem.translation.split.core import RateReading, SplitRule, split_rule

RATE_MAX = 100.0
RATE = RateReading("r", 0, 1, "r_s", "r_expected", tau="tau")
SIGNED = replace(RATE, low=-1)
CONSTANTS = {
    "rate_max": RATE_MAX, "w": 0.5, "eta": 1.0, "alpha": 1.0, "theta": 0.3, "theta_post": 0.4, "third_post": -0.7,
    "A": 1.0, "target_post": -0.4, "u_post": -0.5, "eps": 1.0, "plastic": 1.0,
}  # fmt: skip
Spikes = Iterator[tuple[np.ndarray, np.ndarray]]


def poisson_spikes(s: tuple[float, float], *, pairs: int, steps: int, dt: float, cells: int, seed: int) -> Spikes:
    """Yield (pre, post) spike counts of every pair of units, per cell."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        pre, post = (rng.binomial(cells, RATE_MAX * dt * value, size=pairs) / cells for value in s)
        yield pre, post


@dataclass(frozen=True)
class Estimate:
    """A mean over independent pairs, with its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: np.ndarray) -> Estimate:
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))


def measure_drift(
    rules: Mapping[str, SplitRule],
    spikes: Spikes,
    *,
    s: tuple[float, float],
    reading: RateReading,
    dt: float,
    tau: float,
    warm_up: int = 0,
) -> dict[str, Estimate]:
    """Return the mean drift of every rule at constant w. Traces start at `s`, the noise-free normalised rates."""
    code = {name: [compile(part or "0", str(name), "eval") for part in texts(rule)] for name, rule in rules.items()}
    expected = [reading.low + (reading.high - reading.low) * value for value in s]
    names = {**CONSTANTS, "tau": tau, "r_expected_pre": expected[0], "r_expected_post": expected[1]}
    span, step = reading.high - reading.low, 0
    total = dict.fromkeys(rules, 0.0)
    trace = None
    for step, counts in enumerate(spikes):
        trace = [np.full(counts[0].shape, value) for value in s] if trace is None else trace
        if step >= warm_up:
            names |= {"count_pre": counts[0], "count_post": counts[1]}
            names |= {"r_pre": reading.low + span * trace[0], "r_post": reading.low + span * trace[1]}
            for name, (on_pre, on_post, clocked) in code.items():
                total[name] += eval(clocked, names) * dt + eval(on_pre, names) + eval(on_post, names)
        trace = [x * (1 - dt / tau) + count / (tau * RATE_MAX) for x, count in zip(trace, counts, strict=True)]
    return {name: Estimate.of(value / ((step + 1 - warm_up) * dt)) for name, value in total.items()}


def texts(rule: SplitRule) -> tuple[str, str, str]:
    return rule.on_pre, rule.on_post, rule.clocked


def split(text: str, reading: RateReading, **options) -> SplitRule:
    return split_rule("w", text, "1", pre=reading, post=reading, **options)


def rate_drift(text: str, reading: RateReading, s: tuple[float, float], tau: float) -> float:
    """Return what the rate rule says."""
    r_pre, r_post = (reading.low + (reading.high - reading.low) * value for value in s)
    return eval(text, {**CONSTANTS, "tau": tau, "r_pre": r_pre, "r_post": r_post})


POISSON_S = (0.75, 0.9)
POISSON_TAU, POISSON_DT = 0.02, 0.0005


def poisson_drift(
    rules: Mapping[str, SplitRule], reading: RateReading, *, cells: int, seed: int
) -> dict[str, Estimate]:
    spikes = poisson_spikes(POISSON_S, pairs=2500, steps=5000, dt=POISSON_DT, cells=cells, seed=seed)
    return measure_drift(rules, spikes, s=POISSON_S, reading=reading, dt=POISSON_DT, tau=POISSON_TAU)
