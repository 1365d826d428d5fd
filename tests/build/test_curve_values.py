"""One network that calls a curve wherever a text may, against numpy alone: on every device and in single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Curve,
    Device,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    simulate,
)
from brainmem.results.result import Result
from brainmem.translation.restarts import restarts

X = np.array([-2.0, -1.5, 0.0, 0.3, 4.0])  # of unequal distances, between starts of -3 and 5
Y = np.array([1.0, -2.0, 0.5, 3.0, 2.0])
RUNTIME = Device("runtime", target="numpy")
DEVICES = [
    (RUNTIME, 1e-12),
    pytest.param((Device(), 1e-12), id="cpp"),
    pytest.param((Device(float=32), 1e-5), id="cpp, float32", marks=pytest.mark.full),
    pytest.param((Device("runtime", target="cython"), 1e-12), id="cython", marks=pytest.mark.cython),
]
RECORDED = ("u", "v", "f", "F", "s", "h", "r", "begun", "end_left", "weights")


def value(x: Any) -> np.ndarray:
    return np.interp(x, X, Y)


def slope(x: Any) -> np.ndarray:
    pieces = np.concatenate([[0.0], np.diff(Y) / np.diff(X), [0.0]])
    return pieces[np.searchsorted(X, x, side="right")]


@np.vectorize
def integral(x: float) -> float:
    """Return the sum of the trapezoids between the first point and x, which is exact for lines."""
    nodes = np.sort([*X[(min(X[0], x) < X) & (max(X[0], x) > X)], X[0], x])
    return float(np.sign(x - X[0]) * np.trapezoid(value(nodes), nodes))


def everywhere(draw: str = "phi(uniform(-3, 5))", start: str = "phi(uniform(-3, 5))") -> MemoryModel:
    """Return a network whose equations, current, rules, observable, condition, statements and draws call `phi`."""
    lines = """
    h : 1
    u : 1
    v : 1
    begun : 1
    left : 1
    f = phi(u) : 1
    F = phi_integral(u) : 1
    s = phi_slope(u) : 1
    dr/dt = (0.3 + (f + h)/50 - r)/tau : 1
    """
    start_values = {"u": "3*normal(0, 1) + phi(memory)", "v": start, "r": "zeros()"}
    return MemoryModel(
        "everywhere",
        parameters=(Parameter("N", 7), Parameter("M", 3), Parameter("tau", 10 * ms), Parameter("level", 0.2)),
        curves=(Curve("phi", x=X, y=Y),),
        populations=(Population("units", lines),),
        patterns=(Pattern("memory", "units", draw=draw),),
        projections=(
            Projection(
                "syn",
                "units",
                "units",
                current="h_post = 0.1*w*phi(u_pre) : 1 (summed)",
                initial={"w": "phi(memory.T @ memory/N)"},
            ),
            Projection("learns", "units", "units"),
        ),
        rules=(
            LearningRule("flow", "learns", continuous="dw/dt = phi_slope(u_pre)*phi_integral(u_post)/tau : 1"),
            LearningRule("jump", "syn", episodic="w += phi(u_pre) + phi_integral(r_post)", at=("show",)),
        ),
        observables=(Observable("total", "phi(r)", population="units", reduce="mean"),),
        protocol=Phase(
            "show",
            duration="20*ms",
            until="total > phi(level)",
            start=start_values,
            begin={"units": "begun = phi(u)"},
            end={"units": "left = phi_integral(u) + phi_slope(u)"},
        ),
        rate_dt="1*ms",
    )


@pytest.fixture(scope="module", params=DEVICES, ids=lambda item: str(item[0]))
def run(request) -> tuple[Result, float]:
    device, tolerance = request.param
    return simulate(everywhere(), device=device, seed=2, record=RECORDED, interval=1 * ms), tolerance


def near(found: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


def ends(found: Result) -> np.ndarray:
    """Return the place in the recording at which each step ends."""
    return np.round(np.cumsum(found.step_duration.values) / 1e-3).astype(int) - 1


def test_equations_and_statements_call_it(run):
    found, tolerance = run
    u = found.u.values
    assert (u < X[0]).any()
    assert (u > X[-1]).any()
    for name, expected in (("f", value(u)), ("F", integral(u)), ("s", slope(u)), ("begun", value(u))):
        near(found[name].values, expected, tolerance)
    last = u[ends(found)]
    near(found.end_left.values, integral(last) + slope(last), tolerance)


def test_currents_and_rules_call_it(run):
    found, tolerance = run
    u, r, at = found.u.values, found.r.values, ends(found)
    lengths = found.step_duration.values / 0.01
    flow = sum(T * np.outer(integral(row), slope(row)) for T, row in zip(lengths, u[at], strict=True))
    others = ~np.eye(len(u[0]), dtype=bool)
    near(found.learns_w.values[-1][others], flow[others], tolerance)
    weights = found.syn_w.values[0]
    memory = found.memory.values
    near(weights[others], value(memory.T @ memory / 7)[others], tolerance)
    for step, end in enumerate(at):
        near(found.h.values[end], 0.1 * np.where(others, weights, 0) @ value(u[end]), tolerance)
        assert step == 0 or not np.allclose(u[end], u[at[step - 1]])
        weights = weights + value(u[end])[None, :] + integral(r[end])[:, None]
    near(found.syn_w.values[-1][others], weights[others], tolerance)


def test_observables_and_conditions_call_it(run):
    found, tolerance = run
    at = ends(found)
    total = value(found.r.values).mean(axis=1)
    near(found.total.values, total[at], tolerance)
    assert found.step_fulfilled.values.all()
    expected = np.flatnonzero(total > value(0.2))
    first = [next(k for k in expected if k > before) for before in [-1, *at[:-1]]]
    assert list(at) == first
    assert 3 < found.step_duration.values[0] / 1e-3 < 19


def test_draws_of_patterns_and_start_values_call_it_on_the_device_too(run):
    found, tolerance = run
    plain = everywhere("uniform(-3, 5)", "uniform(-3, 5)")
    drawn = simulate(plain, device=RUNTIME, seed=2, record=("v",), interval=1 * ms)
    near(found.memory.values, value(drawn.memory.values), tolerance)
    assert restarts(everywhere())["v"].on_device
    np.testing.assert_array_less(0.1, np.ptp(found.v.values[0]))
    near(found.v.values[0], value(drawn.v.values[0]), tolerance)
