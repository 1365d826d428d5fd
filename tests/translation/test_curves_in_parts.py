"""Curves in the less common parts of models: each part computes what it does with the curve's formula in its place."""

from __future__ import annotations

import re

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Curve,
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    Stimulus,
    simulate,
    translate,
)

RAMP = Curve("ramp", x=[-1, 2], y=[-0.5, 1])
FORMULA = r"(0.5*clip(\1, -1, 2))"
RUNTIME, COMPILED = Device("runtime", target="numpy"), Device()


def delayed(*, curve: bool, plastic: bool = True) -> MemoryModel:
    """Return a network whose currents come late and call `ramp`, as do means over synapses and sums of items."""

    def text(given: str) -> str:
        return given if curve else re.sub(r"ramp\(((?:[^()]|\([^()]*\))*)\)", FORMULA, given)

    return MemoryModel(
        "late",
        parameters=(
            Parameter("N", 6),
            Parameter("M", 3),
            Parameter("tau", 5 * ms),
            *([Parameter("eta", 0.3)] if plastic else []),
        ),
        curves=(RAMP,) if curve else (),
        populations=(
            Population("units", text("h : 1\ndx/dt = (ramp(h) + cue - x)/tau : 1"), initial={"x": text("3*ramp(0.4)")}),
        ),
        stimuli=(Stimulus("cue", "units", draw=text("ramp(uniform(-2, 4))")),),
        projections=(
            Projection(
                "recurrent",
                "units",
                "units",
                current=text("h_post = w*ramp(x_pre) : 1 (summed)"),
                initial={"w": text("sum_items(ramp(cue_post)*cue_pre)/N")},
                delay="0.7*ms",
            ),
        ),
        rules=(
            LearningRule("learn", "recurrent", continuous=text("dw/dt = eta*(ramp(mean(w)) - ramp(x_pre)*w)/tau : 1")),
        )
        if plastic
        else (),
        observables=(Observable("level", text("ramp(x)"), population="units", reduce="mean"),),
        protocol=Protocol((Phase("show", duration="4*ms", stimuli=("cue",)),), (Each("show"),)),
        rate_dt="0.1*ms",
    )


RECORDED = ("x", "h")


def same(first, second, names, tolerance: float = 1e-10) -> None:
    for name in names:
        assert np.ptp(first[name].values) > 1e-3, name
        np.testing.assert_allclose(first[name].values, second[name].values, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("device", [RUNTIME, COMPILED], ids=str)
def test_delayed_sums_means_over_synapses_and_sums_of_items_call_curves(device):
    options = {"device": device, "seed": 1, "record": (*RECORDED, "weights"), "interval": 0.1 * ms}
    first, second = (simulate(delayed(curve=curve), **options) for curve in (True, False))
    same(first, second, (*RECORDED, "recurrent_w", "level"))
    assert "ramp(x_late_recurrent_pre)" in str(translate(delayed(curve=True)))


@pytest.mark.slow
@pytest.mark.parametrize("device", [RUNTIME, COMPILED], ids=str)
@pytest.mark.parametrize("trials", [2, "items"])
def test_trials_and_items_as_trials_call_curves(device, trials):
    options = {"device": device, "seed": 1, "record": RECORDED, "interval": 0.1 * ms, "trials": trials}
    first, second = (simulate(delayed(curve=curve, plastic=False), **options) for curve in (True, False))
    assert first.x.sizes["trial"] == (3 if trials == "items" else 2)
    same(first, second, (*RECORDED, "level"))


def spins(*, curve: bool) -> MemoryModel:
    field = "ramp(h)" if curve else "(0.5*clip(h, -1, 2))"
    return MemoryModel(
        "spins",
        parameters=(Parameter("N", 12), Parameter("sweep", 1 * ms)),
        curves=(RAMP,) if curve else (),
        populations=(
            Population(
                "spins", "h : 1\nS : 1", rate="S", rate_range=(-1, 1), sequential=f"S = 0.4*S + {field}",
                initial={"S": "signs()"},
            ),
        ),
        projections=(
            Projection(
                "recurrent", "spins", "spins", current="h_post = w*S_pre : 1 (summed)",
                initial={"w": "normal(0, 1/sqrt(N))"},
            ),
        ),
        protocol=Protocol((Phase("fall", duration="8*sweep"),), (Repeat(2, (Each("fall", items=1),)),)),
        rate_dt="sweep",
        time_unit="sweep",
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("device", [RUNTIME, COMPILED], ids=str)
def test_units_that_are_updated_one_at_a_time_call_curves(device):
    options = {"device": device, "seed": 2, "record": ("S", "h"), "interval": 1 * ms}
    first, second = (simulate(spins(curve=curve), **options) for curve in (True, False))
    same(first, second, ("S", "h"))


def c_names(*, names: tuple[str, ...]) -> MemoryModel:
    lines = [f"a{k} = {name}(r) + {name}_integral(r) + {name}_slope(r) : 1" for k, name in enumerate(names)]
    return MemoryModel(
        "names",
        parameters=(Parameter("N", 3), Parameter("tau", 10 * ms)),
        curves=tuple(Curve(name, x=[0, 1, 2], y=[0, 1, 3]) for name in names),
        populations=(
            Population("units", "\n".join([*lines, "y0_values : 1", "dr/dt = (y0_values - r)/tau : 1"]),
                       initial={"y0_values": "uniform(0, 3)"}),
        ),
        protocol=Phase("go", duration="5*ms"),
        rate_dt="1*ms",
    )  # fmt: skip


@pytest.mark.slow
def test_curves_have_the_names_of_functions_of_c():
    """Functions of C++'s headers, a namespace, and words within the code of curves."""
    names = ("y0", "erf", "time", "index", "std", "read", "guess", "rows", "last")
    found = simulate(c_names(names=names), seed=1, record=("r", *(f"a{k}" for k in range(len(names)))), interval=1 * ms)
    curve = Curve("one", x=[0, 1, 2], y=[0, 1, 3])
    expected = curve(found.r.values) + curve.integral(found.r.values) + curve.slope(found.r.values)
    for k in range(len(names)):
        np.testing.assert_allclose(found[f"a{k}"].values, expected, rtol=1e-12)
