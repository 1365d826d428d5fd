"""The mean drift of split rules: against the rate rule, and against the theory of its bias.

Spikes are simulated here in plain numpy and the texts of the split are evaluated as Python, in the
order of a time step: clock-driven part, events before the traces change, traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from brainmem.translation.split.terms import UnitNoise
from tests.support.drifts import (
    CONSTANTS,
    POISSON_DT,
    POISSON_S,
    POISSON_TAU,
    RATE,
    RATE_MAX,
    SIGNED,
    Estimate,
    Spikes,
    measure_drift,
    poisson_drift,
    rate_drift,
    split,
)

OJA = "eta*(r_pre*r_post - alpha*r_post**2*w)"
BCM = "eta*r_pre*r_post*(r_post - theta_post)"
CUBIC = "-eta*r_post**3"
RULES = {
    "delta": ("plastic*(eps/tau)*(target_post - r_post)*(r_pre - u_post*w)", SIGNED),
    "hebb": ("eta*r_pre*r_post", RATE),
    "covariance": ("eta*(r_pre - theta)*(r_post - theta)", RATE),
    "oja": (OJA, RATE),
    "bcm": (BCM, RATE),
    "three factors": ("third_post*r_pre*r_post", RATE),
    "coincidence": ("A*(2*r_pre - 1)*(2*r_post - 1)", RATE),
}


def lif_spikes(current: tuple[float, float], *, pairs: int, steps: int, dt: float, cells: int, seed: int) -> Spikes:
    """Yield (pre, post) spike counts of every pair of units of noisy LIF cells, per cell."""
    rng = np.random.default_rng(seed)
    tau_m, sigma_v, held = 0.010, 0.3, round(0.002 / dt)
    drive = np.array(current)[:, None, None]
    v = rng.random((2, pairs, cells))
    since = np.full(v.shape, held)
    for _ in range(steps):
        since += 1
        noise = rng.standard_normal(v.shape, dtype=np.float32)
        v += (since > held) * ((drive - v) * (dt / tau_m) + sigma_v * np.sqrt(2 * dt / tau_m) * noise)
        spikes = v > 1
        v[spikes] = 0
        since[spikes] = 0
        pre, post = spikes.mean(axis=2)
        yield pre, post


@pytest.mark.parametrize(
    ("options", "cells", "seed"),
    [
        ({}, 1, 1),
        ({"pairing": "causal"}, 1, 2),
        ({"pairing": "anticausal"}, 3, 3),
        ({"read": "event"}, 1, 4),
        ({"read": "drive"}, 1, 5),
    ],
    ids=["auto", "causal", "anticausal, 3 cells", "event", "drive"],
)
def test_the_mean_drift_of_independent_poisson_units_is_the_rate_rules(options, cells, seed):
    for reading in (RATE, SIGNED):
        chosen = {name: text for name, (text, kind) in RULES.items() if kind is reading}
        rules = {name: split(text, reading, neuron="poisson", **options) for name, text in chosen.items()}
        for name, found in poisson_drift(rules, reading, cells=cells, seed=seed).items():
            expected = rate_drift(chosen[name], reading, POISSON_S, POISSON_TAU)
            assert found.error < 0.01 * abs(expected), name
            assert abs(found.mean - expected) < 3 * found.error, (name, found, expected)


def test_reading_every_rate_from_traces_gives_oja_another_drift():
    rule = split(OJA, RATE, read="trace")
    found = poisson_drift({"oja": rule}, RATE, cells=1, seed=6)["oja"]
    expected = rate_drift(OJA, RATE, POISSON_S, POISSON_TAU)
    assert found.mean < 0.7 * expected
    assert abs(found.mean - expected) > 30 * found.error
    square = next(term for term in rule.terms if term.monomial == "r_post**2")
    bias = -CONSTANTS["alpha"] * CONSTANTS["w"] * POISSON_S[1] ** 2
    bias *= square.relative_bias(UnitNoise(1, POISSON_S[1] * RATE_MAX, 1, POISSON_TAU))
    # The formula is for continuous time; a Bernoulli spike per step is more regular by nu*dt.
    finite_step = abs(bias) * (POISSON_DT / POISSON_TAU + POISSON_S[1] * RATE_MAX * POISSON_DT)
    assert abs(found.mean - expected - bias) < 3 * found.error + finite_step


LIF_TAU, LIF_DT, LIF_CELLS = 0.05, 0.00025, 2
LIF_RULES = {"oja": OJA, "bcm": BCM, "cubic": CUBIC}


@dataclass(frozen=True)
class Regular:
    """LIF units at constant drive: rates and F from one set of units, drifts from another."""

    s: tuple[Estimate, Estimate]
    fano: Estimate
    drift: Mapping[tuple[str, str], Estimate]

    @property
    def rate(self) -> float:
        return self.s[1].mean * RATE_MAX

    @property
    def b(self) -> float:
        """Relative: b/nu**2."""
        return 1 / (2 * LIF_TAU * self.rate * LIF_CELLS)


def lif(seed: int) -> Spikes:
    return lif_spikes((1.1, 1.3), pairs=1400, steps=14000, dt=LIF_DT, cells=LIF_CELLS, seed=seed)


LIF_WARM_UP = 2000


@pytest.fixture(scope="module")
def regular() -> Regular:
    s, variance = calibrate(lif(seed=11))
    rate = s[1].mean * RATE_MAX
    b = s[1].mean / (2 * LIF_TAU * RATE_MAX * LIF_CELLS)
    fano = Estimate(variance.mean / b, variance.error / b)
    assert 30 < rate < 90
    rules = {
        (name, read): split(text, RATE, read=read)
        for name, text in LIF_RULES.items()
        for read in ("trace", "event", "drive")
    }
    means = (s[0].mean, s[1].mean)
    drift = measure_drift(rules, lif(seed=12), s=means, reading=RATE, dt=LIF_DT, tau=LIF_TAU, warm_up=LIF_WARM_UP)
    return Regular(s, fano, drift)


def calibrate(spikes: Spikes) -> tuple[tuple[Estimate, Estimate], Estimate]:
    """Return the normalised rates of both sides and the variance of the post trace, each over units."""
    trace, count, square, total, steps = 0.0, np.zeros(1), 0.0, 0.0, 0
    for step, counts in enumerate(spikes):
        if step >= LIF_WARM_UP:
            count = count + np.array(counts)
            square, total, steps = square + trace**2, total + trace, steps + 1
        trace = trace * (1 - LIF_DT / LIF_TAU) + counts[1] / (LIF_TAU * RATE_MAX)
    s = tuple(Estimate.of(side / (steps * LIF_DT * RATE_MAX)) for side in count)
    mean = total.mean() / steps
    return s, Estimate.of(square / steps - 2 * mean * total / steps + mean**2)


@pytest.mark.full
def test_the_lif_cells_fire_more_regularly_than_poisson(regular):
    assert regular.fano.mean + 5 * regular.fano.error < 0.5


# The term with a power of r_post, and its value at the rates of the units.
POWERS = {
    "oja": ("r_post**2", lambda pre, post: -CONSTANTS["alpha"] * CONSTANTS["w"] * post**2),
    "bcm": ("r_pre*r_post**2", lambda pre, post: pre * post**2),
    "cubic": ("r_post**3", lambda pre, post: -(post**3)),
}


def predicted(regular: Regular, name: str, read: str, *, pre: float, post: float, fano: float) -> float:
    """Return the rate rule's drift plus the bias that the split states."""
    monomial, value = POWERS[name]
    term = next(term for term in split(LIF_RULES[name], RATE, read=read).terms if term.monomial == monomial)
    bias = value(pre, post) * term.relative_bias(UnitNoise(fano, post * RATE_MAX, LIF_CELLS, LIF_TAU))
    return rate_drift(LIF_RULES[name], RATE, (pre, post), LIF_TAU) + bias


def prediction(regular: Regular, name: str, read: str) -> Estimate:
    """Propagate the errors of the measured rates and F into the prediction."""
    centre = {"pre": regular.s[0].mean, "post": regular.s[1].mean, "fano": regular.fano.mean}
    errors = {"pre": regular.s[0].error, "post": regular.s[1].error, "fano": regular.fano.error}
    mean = predicted(regular, name, read, **centre)
    shifts = [
        predicted(regular, name, read, **{**centre, key: centre[key] + error}) - mean for key, error in errors.items()
    ]
    return Estimate(mean, float(np.linalg.norm(shifts)))


def remainder(regular: Regular, name: str) -> float:
    """Return what the formulas leave out: the finite step and, for cubes, the second order in b.

    In steps of dt the decay is off by dt/tau, and a cell that spikes at most once a step is more regular by rate*dt.
    """
    term = abs(POWERS[name][1](regular.s[0].mean, regular.s[1].mean))
    second = 2 * regular.b**2 if name == "cubic" else 0.0
    return term * (regular.b * (LIF_DT / LIF_TAU + regular.rate * LIF_DT) + second)


@pytest.mark.slow
@pytest.mark.parametrize("name", LIF_RULES)
@pytest.mark.parametrize("read", ["trace", "event"])
def test_the_bias_with_regular_lif_cells_is_the_one_stated(regular, name, read):
    found, expected = regular.drift[name, read], prediction(regular, name, read)
    unbiased = prediction(regular, name, "drive")
    tolerance = 3 * np.hypot(found.error, expected.error) + remainder(regular, name)
    assert abs(found.mean - expected.mean) < tolerance
    assert abs(found.mean - unbiased.mean) > 2 * tolerance, "the bias is too small to be told from none"


@pytest.mark.slow
@pytest.mark.parametrize("name", LIF_RULES)
def test_reading_repeated_rates_from_the_drive_removes_the_bias(regular, name):
    found, expected = regular.drift[name, "drive"], prediction(regular, name, "drive")
    assert found.error < 0.01 * abs(expected.mean)
    assert abs(found.mean - expected.mean) < 3 * np.hypot(found.error, expected.error)


def test_the_split_on_regular_cells_errs_more_than_the_traces_and_to_the_other_side(regular):
    truth = prediction(regular, "cubic", "drive").mean
    trace, event = (regular.drift["cubic", read].mean / truth - 1 for read in ("trace", "event"))
    assert event < 0 < trace < -event
