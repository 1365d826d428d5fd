"""Curves in the texts of models: the same numbers on every device, in both variants, and no program of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from brian2 import Hz, amp, ms, nA
from scipy.integrate import cumulative_trapezoid

from brainmem import (
    Choice,
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
    RuleError,
    Spiking,
    TranslationError,
    arrays,
    freeze,
    get_model,
    script,
    simulate,
    translate,
)
from brainmem.numbers.loading import load_given
from brainmem.results.result import Result
from brainmem.simulation.jobs import job_of
from brainmem.simulation.ready import make_ready
from tests.support.scripts import run_script

PHI = Curve("phi", x=[-1, 0, 0.5, 2, 5] * nA, y=[0, 1, 12, 30, 33] * Hz, meaning="measured rate", source="fig. 1")
LONGER = Curve("phi", x=np.linspace(-1, 1.5, 400) ** 3 * nA, y=np.linspace(5, 40, 400) * Hz)
TANH = Curve.sampled("act", np.tanh, -30, 30, points=40001, zero_at=0)
RUNTIME = Device("runtime", target="numpy")
DEVICES = [
    RUNTIME,
    Device(),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]


def cells(curve: Curve = PHI, **fields: str) -> MemoryModel:
    """Return units that call all that a curve offers, far beyond its points too."""
    lines = """
    I : amp
    f = phi(I) : Hz
    F = phi_integral(I) : amp*Hz
    s = phi_slope(I) : Hz/amp
    dr/dt = (f - r)/tau : Hz
    """
    return MemoryModel(
        "cells",
        parameters=(Parameter("N", 9), Parameter("tau", 10 * ms), Parameter("I0", 1 * nA)),
        curves=(curve,),
        populations=(Population("units", fields.get("equations", lines), initial={"I": "uniform(-3, 9)*I0"}),),
        observables=(Observable("total", "F", population="units", unit="amp*Hz", reduce="sum"),),
        protocol=Phase("go", duration="5*ms", until=fields.get("until", "total > 1e3*phi_integral(I0)")),
        rate_dt="1*ms",
    )


def hopfield(call: str, curves: tuple[Curve, ...] = (), energy: str = "0*x") -> MemoryModel:
    """Return an additive net of symmetric weights, ``tau*du/dt = -u + W g(u)``."""
    return MemoryModel(
        "additive",
        parameters=(Parameter("N", 40), Parameter("M", 2), Parameter("tau", 10 * ms)),
        curves=curves,
        populations=(
            Population(
                "units",
                f"h : 1\nx = {call}(u) : 1\ndu/dt = (h - u)/tau : 1",
                rate="x",
                drive="u",
                transfer="x",
                rate_range=(-1, 1),
            ),
        ),
        patterns=(Pattern("memory", "units"),),
        projections=(
            Projection(
                "recurrent",
                "units",
                "units",
                current="h_post = w*x_pre : 1 (summed)",
                initial={"w": "2*memory.T @ memory/N"},
            ),
        ),
        observables=(Observable("energy", energy, population="units", reduce="sum"),),
        protocol=Phase("recall", duration="60*ms", start={"u": "0.2*memory + normal(0, 0.5)"}),
        rate_dt="0.2*ms",
    )


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("curve", [PHI, LONGER], ids=["5 points", "400 points"])
def test_value_integral_and_slope_are_those_of_numpy_and_scipy_on_every_device(device, curve):
    found = simulate(cells(curve), device=device, record=("f", "F", "s", "I"), interval=1 * ms, seed=3)
    drive, x, y = found.I.values[-1], curve.x.array, curve.y.array
    np.testing.assert_allclose(found.f.values[-1], np.interp(drive, x, y), rtol=1e-12)
    scale = np.abs(found.F.values[-1]).max()
    for at, value in zip(drive, found.F.values[-1], strict=True):
        nodes = np.sort([*x[(x > min(x[0], at)) & (x < max(x[0], at))], x[0], at])
        area = cumulative_trapezoid(np.interp(nodes, x, y), nodes)[-1]
        assert value == pytest.approx(area if at > x[0] else -area, abs=1e-12 * scale)
    np.testing.assert_allclose(found.s.values[-1], np.asarray(curve.slope(drive * amp)), rtol=1e-12)
    assert (drive < x[0]).any() or (drive > x[-1]).any()  # the ends are met


def test_curves_of_other_points_share_one_program():
    def job(curve: Curve):
        model = cells().replace(curve)
        ready = make_ready(translate(model), load_given(model, {}), seed=1, device=Device())
        return job_of(ready), ready.device_inputs()["table.phi"]

    (short, few), (long, many) = job(PHI), job(LONGER)
    assert short == long
    assert (len(few), len(many)) == (6, 401)


def test_the_integral_makes_an_energy_that_never_rises():
    model = hopfield("act", (TANH,), energy="-0.5*x*h + u*x - act_integral(u)")
    found = simulate(model, device=RUNTIME, record=("u", "h"), interval=0.2 * ms, seed=2, parameters={"N": 60, "M": 1})
    u, h = found.u.values, found.h.values
    energy = (-0.5 * TANH(u) * h + u * TANH(u) - TANH.integral(u)).sum(axis=1)
    exact = (-0.5 * np.tanh(u) * h + u * np.tanh(u) - np.log(np.cosh(u))).sum(axis=1)
    assert np.diff(energy).max() <= 1e-9
    assert energy[0] - energy[-1] > 1
    np.testing.assert_allclose(energy, exact, atol=60 * 1e-6)


@pytest.mark.parametrize("variant", ["rate", Spiking(neuron="poisson")], ids=["rate", "spiking"])
def test_a_tabulated_transfer_is_the_function_within_the_error_of_the_table(variant):
    first, second = hopfield("tanh"), hopfield("act", (TANH,))
    results = [simulate(item, variant, device=RUNTIME, seed=1) for item in (first, second)]
    np.testing.assert_allclose(*(item.mean_x.values for item in results), atol=1e-6)


def test_a_paper_with_a_tabulated_transfer_is_the_paper():
    model = get_model("kurikawa2020")
    units = model.populations[0]
    text = units.equations.replace("tanh(", "act(")
    fine = Curve.sampled("act", np.tanh, -20, 20, points=400001)
    table = model.replace(Population(**{**vars(units), "equations": text}), fine)
    small = {"N": 30, "M": 2, "starts": 1, "epochs": 1, "test_epochs": (1,)}
    runs = [simulate(item, device=RUNTIME, seed=1, parameters=small) for item in (model, table)]
    np.testing.assert_allclose(*(item.mean_x.values for item in runs), atol=1e-4)


def test_spiking_cells_read_what_is_expected_inside_a_curve():
    changed = hopfield("act", (TANH,)).replace(
        Population(
            "units",
            "h : 1\nx = act(u) : 1\ndu/dt = (h - u)/tau : 1\nda/dt = (act(x) - a)/tau : 1",
            rate="x", drive="u", transfer="x", rate_range=(-1, 1),
        ),
        Projection(
            "recurrent", "units", "units", current="h_post = w*x_pre + 0*a_pre : 1 (summed)",
            initial={"w": "2*memory.T @ memory/N"},
        ),
    )  # fmt: skip
    assert "act(x_phi)" in translate(changed, "spiking").group("units").equations
    rule = LearningRule("hebb", "recurrent", continuous="dw/dt = act(x_pre)*x_post/tau : 1")
    with pytest.raises(TranslationError, match=r"act\(x_pre\)"):
        translate(changed.replace(rule), "spiking")


@pytest.mark.parametrize("variant", ["rate", Spiking(neuron="poisson")], ids=["rate", "spiking"])
def test_the_printed_script_runs_to_the_same_numbers(tmp_path: Path, variant):
    model = hopfield("act", (TANH,), energy="-0.5*x*h + u*x - act_integral(u)")
    text = script(model, variant)
    assert "def curve_value(" in text
    found = run_script(tmp_path, text, arrays(model, variant, seed=4), {"energy": "protocol.energy[0]"})["energy"]
    assert float(found) == pytest.approx(float(simulate(model, variant, seed=4, device=RUNTIME).energy[-1]), abs=1e-9)


def test_draws_starts_weights_statements_rules_and_parameters_call_curves():
    model = MemoryModel(
        "everywhere",
        parameters=(Parameter("N", 5), Parameter("M", 2), Parameter("tau", 10 * ms), Parameter("g", "ramp(0.25)")),
        curves=(Curve("ramp", x=[0, 1], y=[0, 2]),),
        populations=(Population("units", "k : 1\nx : 1\ndy/dt = (g - y)/tau : 1", initial={"y": "ramp(0.5)"}),),
        patterns=(Pattern("memory", "units", draw="ramp(binary(0.5))", values=(0, 2)),),
        projections=(Projection("syn", "units", "units", variables="w : 1", initial={"w": "ramp(memory.T @ memory)"}),),
        rules=(LearningRule("hebb", "syn", episodic="w += ramp(k_post)", at=("go",)),),
        protocol=Phase("go", duration="2*ms", start={"k": "ramp(memory/4)"}, end={"units": "x = ramp_integral(k)"}),
        rate_dt="1*ms",
    )  # fmt: skip
    found = simulate(model, device=RUNTIME, seed=1, record=("end_x", "weights"))
    assert found.parameters["g"]["value"] == 0.5
    last = np.clip(found.memory.values[-1] / 4, 0, 1) * 2
    np.testing.assert_allclose(found.end_x.values[-1], last**2)
    grown = (found.syn_w[-1] - found.syn_w[0]).values
    steps = sum(2 * np.clip(row / 2, 0, 1) for row in found.memory.values)
    np.testing.assert_allclose(grown[~np.eye(5, dtype=bool)], np.repeat(steps, 4))


def test_a_result_keeps_the_curve_of_its_run(tmp_path: Path):
    simulate(cells(), device=RUNTIME).save(tmp_path / "run.nc")
    kept = Result.load(tmp_path / "run.nc").curves["phi"]
    again = Curve("phi", x=kept["x"] * amp, y=kept["y"] * Hz, meaning=kept["meaning"], source=kept["source"])
    assert again == PHI
    assert (kept["x_unit"], kept["y_unit"]) == ("amp", "hertz")


def test_choices_and_frozen_models_keep_the_curves_that_they_call():
    model = hopfield("act", (TANH,))
    chosen = MemoryModel(
        "chosen",
        parameters=model.parameters,
        curves=model.curves,
        choices=(Choice("g", {"table": "act(u)", "exact": "tanh(u)"}),),
        populations=(Population("units", "h : 1\nx = g : 1\ndu/dt = (h - u)/tau : 1"),),
        patterns=model.patterns,
        projections=model.projections,
        protocol=model.protocol,
        rate_dt=model.rate_dt,
    )
    tables = {
        option: [table.name for table in translate(chosen.choose(g=option)).tables] for option in ("table", "exact")
    }
    assert "act" in tables["table"]
    assert "act" not in tables["exact"]
    assert "act" in [table.name for table in translate(freeze(model, "recall", items=1)).tables]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"equations": "I : amp\nF = I*phi(tau) : amp*Hz"}, "tau"),
        ({"equations": "I : amp\nF = phi(I) : amp*Hz"}, "has unit"),
        ({"equations": "I : amp\nF = I*phi : amp*Hz"}, "write phi\\(x\\)"),
        ({"equations": "I : amp\nF = I*phi(I, I) : amp*Hz"}, "phi takes 1 argument"),
        ({"equations": "I : amp\nF = I*ph(I) : amp*Hz"}, "unknown function 'ph'"),
        ({"equations": "I : amp\nphi_slope : 1\nF = I*phi(I) : amp*Hz"}, "phi_slope"),
        ({"equations": "I : amp\nF = I*hertz : amp*Hz", "until": ""}, "nothing in the model names it"),
    ],
)
def test_calls_that_are_wrong_are_refused(change, said):
    with pytest.raises(RuleError, match=said):
        cells(**change)


def test_points_are_not_given_as_inputs():
    with pytest.raises(RuleError, match=r"model.replace\(Curve\('phi'"):
        simulate(cells(), device=RUNTIME, inputs={"phi": [[0, 1], [0, 1]]})
