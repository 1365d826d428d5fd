"""Time per step of compiled runs, as ratios to a plain-numpy loop measured in the same process (``make bench``)."""

from __future__ import annotations

import time

import numpy as np
import pytest

from brainmem import get_model, simulate

pytestmark = pytest.mark.bench
PAIRS = 5
STEPS = 4000


def numpy_seconds(units: int) -> float:
    """Return the time per step of the learning rule in plain numpy (simultaneous Euler)."""
    rng = np.random.default_rng(0)
    w, x = rng.normal(0, units**-0.5, (units, units)), rng.uniform(-1, 1, units)
    cue, target = rng.choice([-1.0, 1.0], (2, units))
    begin = time.perf_counter()
    for _ in range(500):
        u = w @ x
        change = (0.03 / units * (target - x))[:, None] * (x[None, :] - u[:, None] * w)
        x = x + 0.1 * (np.tanh(4 * (u + 0.6 * cue)) - x)
        w += 0.1 * change
    return (time.perf_counter() - begin) / 500


def compiled_seconds(units: int, variant: str) -> float:
    """Return the time per step of a built run, its start and output included."""
    model = get_model("kurikawa2020")
    step = 0.0025 if variant == "rate" else 0.001
    parameters = {
        "N": units,
        "M": 1,
        "epochs": 1,
        "test_epochs": (),
        "m_stop": 2.0,
        "T_learn": f"{STEPS * step}*second",
    }
    simulate(model, variant, parameters=parameters)  # builds
    begin = time.perf_counter()
    simulate(model, variant, parameters=parameters)
    return (time.perf_counter() - begin) / STEPS


@pytest.mark.parametrize("variant", ["rate", "spiking"])
@pytest.mark.parametrize("units", [100, 500])
def test_time_per_step_over_numpy(units, variant, capsys):
    ratios = np.array([compiled_seconds(units, variant) / numpy_seconds(units) for _ in range(PAIRS)])
    with capsys.disabled():
        print(
            f"\n{variant:8s} N={units}: {np.median(ratios):.2f} of numpy's time per step "
            f"({ratios.min():.2f} to {ratios.max():.2f}, {PAIRS} pairs)"
        )
    assert np.isfinite(ratios).all()
