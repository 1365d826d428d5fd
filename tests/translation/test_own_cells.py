"""Cells of the user's own in a network: their text, their names, and what the network does with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms, mV, nS, pA

import brainmem
from brainmem import (
    Each,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    ResultError,
    Spiking,
    TranslationError,
    compare,
    explain,
    get_model,
    simulate,
    sweep,
    translate,
    verify,
)
from brainmem.sweeps.tuned import keep
from tests.support.own_cells import ADEX, CONDUCTANCE, HODGKIN_HUXLEY, MY_LIF, steps
from tests.support.scripts import run_script
from tests.support.small_models import SMALL

OWN = Spiking(neuron=ADEX)


def test_every_name_of_a_cell_has_its_own_in_front():
    translated = translate(get_model("kurikawa2020"), OWN)
    group = translated.group("units_cells")
    assert "adex_I = units_current(4096*x_activity*second) : amp" in group.equations
    assert "dadex_w/dt = (adex_a*(adex_v - adex_E_L) - adex_w)/adex_tau_w : amp" in group.equations
    assert (group.threshold, group.refractory) == ("adex_v > -40*mV", "adex_refractory")
    assert group.reset.splitlines() == ["adex_v = adex_V_r", "adex_w += adex_b"]
    assert "adex_w = units_adex_w(row*second, sample)" in str(translated)
    names = [item.name for item in translated.parameters]
    assert "adex_C" in names
    assert not {"tau_m", "t_ref", "sigma_v"} & set(names), "parameters that this cell does not read"
    assert {"tau_m", "t_ref", "sigma_v"} < {
        item.name for item in translate(get_model("kurikawa2020"), Spiking(neuron=MY_LIF)).parameters
    }


def test_the_short_form_has_the_text_that_it_always_had():
    group = translate(get_model("kurikawa2020"), "spiking").group("units_cells")
    assert "dv/dt = (I - v)/tau_m + sigma_v*sqrt(2/tau_m)*xi : 1 (unless refractory)" in group.equations
    assert (group.threshold, group.reset, group.refractory) == ("v > 1", "v = 0", "t_ref")


@pytest.mark.parametrize("name", ["x", "units"])
def test_names_that_the_model_has_are_refused(name):
    """A cell 'x' with a variable 'activity', or a parameter that would have the name of a table."""
    own = {"x": "activity", "units": "current"}[name]
    cell = replace(
        MY_LIF, name=name, parameters={own: 0.3}, noise=None, equations=MY_LIF.equations.replace("sigma_v", own)
    )
    with pytest.raises(TranslationError, match=f"the name '{name}_{own}', which the cell '{name}' needs, is taken"):
        translate(get_model("kurikawa2020"), Spiking(neuron=cell))


@pytest.mark.slow
def test_the_printed_script_runs_in_plain_brian2_and_gets_the_same_numbers(tmp_path):
    model = get_model("kurikawa2020")
    numbers = brainmem.arrays(model, OWN, parameters=SMALL, seed=5, device="runtime")
    saved = {"x": "units.x", **{name: f"recurrent.{name}" for name in "wij"}}
    out = run_script(tmp_path, brainmem.script(model, OWN, parameters=SMALL), numbers, saved)
    final = simulate(model, OWN, parameters=SMALL, seed=5, device="runtime").recurrent_w.values[-1]
    np.testing.assert_allclose(out["w"], final[out["j"], out["i"]], rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [ADEX, CONDUCTANCE], ids=lambda cell: cell.name)
def test_a_network_learns_in_these_cells_what_it_learns_in_rates(cell):
    """LIF cells: rates differ by 0.17 of their standard deviation, and weight changes correlate by 0.988."""
    small = {"N": 60, "M": 6, "starts": 1, "epochs": 2, "test_epochs": (2,)}
    rate = simulate("kurikawa2020", parameters=small, seed=1)
    spiking = simulate("kurikawa2020", Spiking(neuron=cell), parameters=small, seed=1)
    found = compare(rate, spiking)
    assert found.get("rate_nrmse", "learn").mean < 0.2
    assert found.get("weight_correlation").mean > 0.98
    assert found.get("weight_norm_ratio").mean == pytest.approx(1, abs=0.05)
    report, note = spiking.calibration["units"], next(n for n in spiking.notes if "driven through" in n)
    assert report["error"] < 0.02
    assert report["rms"] < 0.006
    assert report["response"]["off"] < 0.15
    assert f"cells '{cell.name}', driven through {cell.name}_{cell.input} from" in note
    assert spiking.options["cell"]["equations"].startswith("dv/dt")


def rates(result, cells: int, bin_ms: float = 2.0) -> np.ndarray:
    edges = np.arange(0, 1e3 * result.step_duration.values.sum() + bin_ms / 2, bin_ms)
    return np.histogram(1e3 * result.spike_time.values - 1e-6, edges)[0] / (cells * bin_ms * 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "dt", "bin_ms"),
    [(ADEX, 0.5, 2), pytest.param(HODGKIN_HUXLEY, 0.05, 10, marks=pytest.mark.full)],
    ids=["adex", "hh"],
)
def test_cells_begin_where_their_drive_would_have_brought_them(cell, dt, bin_ms):
    """At the start, and where a phase sets the rates: all variables are drawn, with their refractoriness.

    Cells without noise that began in one of the states that are kept fire together, so that short bins show these.
    """
    model = steps(0.1, 0.6, lasts="60*ms")
    phase = replace(model.protocol.phases[0], start={"x": "c"})
    model = model.replace(protocol=Protocol((phase,), model.protocol.schedule))
    found = rates(
        simulate(model, Spiking(neuron=cell, cells_per_unit=4000, spike_dt=dt * ms), record=("spikes",), seed=3),
        4000,
        bin_ms,
    )
    for part, rate in ((found[: 60 // bin_ms], 10.0), (found[60 // bin_ms :], 60.0)):
        assert np.abs(part - rate).max() < 4.5 * np.sqrt(rate / (4000 * 1e-3 * bin_ms)) + 2.0, part


@pytest.mark.slow
def test_runs_with_trials_and_on_the_runtime_device_reach_the_rates_asked_for():
    model = steps(0.2, 0.8, lasts="0.2*second")
    parameters = {"N": 50, "cells_per_unit": 4}
    one = simulate(model, OWN, parameters=parameters, seed=1, device="runtime")
    many = simulate(model, OWN, parameters=parameters, seed=1, trials=3)
    assert many.mean_x.sizes["trial"] == 3
    for values in (one.mean_x.values[1], *many.mean_x.values[1]):
        assert values.mean() == pytest.approx(0.8 - 0.6 * 0.125, abs=0.02)


OTHER_CELLS = {
    "reset": replace(ADEX, reset="v = V_r; w += 2*b"),
    "initial": replace(ADEX, initial={"v": "E_L + 1*mV"}),
    "parameter": replace(ADEX, parameters={**ADEX.parameters, "D": 1 * mV}),
    "refractory": replace(ADEX, refractory="t_ref"),
    "method": replace(ADEX, method="heun"),
}
OTHERS = {
    "reset": r"options: cell: reset: v = V_r; w \+= b there, v = V_r; w \+= 2\*b now",
    "initial": "options: cell: initial: v: E_L there",
    "parameter": r"parameters of the cell: adex_D: 2\. \* mvolt there, 1\. \* mvolt now",
    "refractory": "options: cell: refractory: refractory there, t_ref now",
    "method": "options: cell: method: euler there, heun now",
}


def value(result) -> float:
    return float(result.mean_x.values.mean())


@pytest.mark.parametrize("text", OTHERS)
def test_a_store_refuses_to_tune_another_cell(text, tmp_path, monkeypatch):
    monkeypatch.setattr("brainmem.sweeps.tune.search", lambda *given, **options: None)
    given = {"model": steps(0.2, 0.8), "objective": value, "space": {"adex_b": (1 * pA, 9 * pA)}, "store": tmp_path}
    keep(brainmem.tune(**given, variant=OWN))
    brainmem.tune(**given, variant=OWN)
    with pytest.raises(ResultError, match=f"holds another tuning. What differs: .*{OTHERS[text]}"):
        brainmem.tune(**given, variant=Spiking(neuron=OTHER_CELLS[text]))


@pytest.mark.slow
def test_sweeps_change_parameters_of_a_cell(tmp_path):
    model = steps(0.2, 0.8, lasts="0.1*second")
    found = sweep(
        model, OWN, parameters={"adex_b": [2 * pA, 5 * pA]}, seeds=1, store=tmp_path / "swept", device="runtime", jobs=1
    )
    assert len(list((tmp_path / "swept").glob("*.nc"))) == 2
    tops = [result.calibration["u"]["current"][-1] for result in found.results()]
    assert tops[0] < tops[1], "less adaptation needs less input"
    for text, said in OTHERS.items():
        with pytest.raises(ResultError, match=f"holds another sweep. What differs: .*{said}"):
            sweep(model, Spiking(neuron=OTHER_CELLS[text]), parameters={"adex_b": [2 * pA]}, store=tmp_path / "swept")
    with pytest.raises(brainmem.RuleError, match=r"no parameter 'adex_B'\. Did you mean 'adex_b'"):
        simulate(model, OWN, parameters={"adex_B": 2 * pA})
    with pytest.raises(brainmem.RuleError, match=r"adex_b.*must have the unit of its default"):
        simulate(model, OWN, parameters={"adex_b": 2 * nS})


def test_other_parameters_make_other_curves_of_one_program():
    """The text of a program has no numbers of the cell in it, so that sweeps compile once."""
    model, changed = steps(0.2, 0.8), replace(ADEX, parameters={**ADEX.parameters, "b": 0 * pA, "D": 1 * mV})
    assert str(translate(model, OWN)) == str(translate(model, Spiking(neuron=changed)))


@pytest.mark.slow
def test_explain_and_verify_take_it():
    assert "cells 'adex', driven through adex_I, in amp" in explain(get_model("kurikawa2020"), OWN, measured=False)
    small = {"N": 20, "M": 2, "epochs": 1, "test_epochs": (1,), "starts": 1, "T_learn": "20*tau", "T_recall": "4*tau"}
    small |= {"T_average": "2*tau"}
    check = verify("kurikawa2020", OWN, parameters=small, seeds=2, cells_per_unit=(4,), items=2)
    assert "adex cells" in str(check)
    assert check.passed


@pytest.mark.slow
def test_the_current_form_with_rates_in_hertz():
    """Square-root units whose rates lie between 0 and 15 Hz: spikes filtered with tau, at a rate_max of 15 Hz."""
    units = Population(
        "u",
        "rec : 1\nds/dt = (-s + rec + 4)/tau : 1\nr = A*sqrt(clip(s, 0, inf)) : Hz",
        size="N",
        rate="r",
        drive="s",
        transfer="r",
        rate_range=("0*Hz", "15*Hz"),
        initial={"s": "4 + zeros()"},
    )
    inhibition = Projection(
        "rec", "u", "u", current="rec_post = w*r_pre/Hz : 1 (summed)", initial={"w": "zeros() - 4/(10*N)"}
    )
    model = MemoryModel(
        "roots",
        parameters=(Parameter("N", 40), Parameter("tau", 50 * ms), Parameter("A", 5 * Hz)),
        populations=(units,),
        projections=(inhibition,),
        protocol=Protocol((Phase("rest", duration="1*second", average="0.5*second"),), (Each("rest", items=1),)),
        rate_dt="1*ms",
    )
    options = {"cells_per_unit": 16, "rate_max": 15 * Hz}
    rate, spiking = simulate(model), simulate(model, OWN, parameters=options, seed=1)
    assert spiking.mean_r.values.mean() == pytest.approx(rate.mean_r.values.mean(), rel=0.05)
    assert spiking.calibration["u"]["error"] < 0.02
