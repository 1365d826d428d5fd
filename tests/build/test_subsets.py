"""Projections that join a part of a population: the same numbers as the model's text in numpy, on every target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainmem import (
    Device,
    LearningRule,
    Parameter,
    Population,
    Projection,
    Result,
    RuleError,
    Spiking,
    arrays,
    explain,
    simulate,
    translate,
)
from tests.support.dense_models import DT, model_of, rate_units
from tests.support.scripts import run_script
from tests.support.text_reference import Reference

RUNTIME, DENSE, PLAIN = Device("runtime"), Device(), Device(kernels="plain")
EXACT = {"rtol": 1e-12, "atol": 1e-12}
NORMAL = {"w": "normal(0, 0.5)"}


def parts(**changes):
    """Return 11 units that project to themselves in parts: beside the diagonal, across it, and outside of it."""
    units = rate_units("units", 11, {"s": "1", "s2": "1", "s3": "1", "s4": "1", "s5": "1"})
    own = {"initial": NORMAL, **changes}
    projections = (
        Projection("low", "units", "units", current="s_post = w*x_pre : 1 (summed)", source_units=":n", **own),
        Projection("high", "units", "units", current="s2_post = w*x_pre : 1 (summed)", source_units="n:", **own),
        Projection(
            "across", "units", "units", current="s3_post = w*x_pre/N_pre : 1 (summed)",
            source_units="2:n + 5", target_units="n:10", **own,
        ),
        Projection(
            "apart", "units", "units", current="s4_post = w*x_pre : 1 (summed)", source_units=":2", target_units="7:",
            **own,
        ),
        Projection(
            "early", "units", "units", current="s5_post = w*x_pre : 1 (summed)", source_units="6:", target_units=":9",
            **own,
        ),
    )  # fmt: skip
    rules = (
        LearningRule("hebb", "low", continuous="dw/dt = plastic*eta*(x_post*x_pre - s_post*w) : 1"),
        LearningRule("often", "high", periodic="w += 0.1*x_pre*x_post - 0.01*w", every="2*delta"),
        LearningRule("ends", "across", episodic="w += 0.2*x_pre*x_post", at=("learn", "dream")),
        LearningRule("slow", "early", continuous="dw/dt = eta*(s5_post - s4_post)*x_pre : 1", bounds={"w": (-1, 1)}),
    )
    return model_of((units,), projections, rules, name="parts", more=(Parameter("n", 4),))


MODEL = parts()
X = np.random.default_rng(3).uniform(-1, 1, 11)


def run(model, device=RUNTIME, **options):
    return simulate(model, seed=5, device=device, initial={"units.x": X}, **options)


def check_text(result, model):
    weights = {p.name: {"w": result[f"{p.name}_w"].values[0]} for p in model.projections}
    expected, means = Reference(model, weights, {"units": {"x": X}}, dt=DT).run()
    for p in model.projections:
        found = np.stack([epoch[p.name]["w"] for epoch in expected])
        np.testing.assert_allclose(result[f"{p.name}_w"].values[1:], found, **EXACT, err_msg=p.name)
    np.testing.assert_allclose(result.mean_x.values, [phase["units"]["x"] for phase in means], **EXACT)


@pytest.mark.slow
@pytest.mark.parametrize("device", [RUNTIME, DENSE, pytest.param(PLAIN, marks=pytest.mark.full)], ids=str)
def test_parts_of_a_population_agree_with_their_text_in_numpy(device):
    check_changed(MODEL, run(MODEL, device))


def test_parts_that_keep_self_connections_agree_with_their_text_in_numpy():
    model = parts(self_connections=True)
    check_changed(model, run(model))


def check_changed(model, result):
    check_text(result, model)
    changed = [np.abs(np.diff(result[f"{name}_w"].values[[0, -1]], axis=0)).max() for name in ("low", "high", "across")]
    assert min(changed) > 1e-3


@pytest.mark.cython
def test_parts_of_a_population_agree_with_their_text_in_cython():
    check_text(run(MODEL, Device("runtime", target="cython")), MODEL)


def test_weights_of_a_part_have_its_shape_and_the_numbers_of_its_units(tmp_path):
    result = run(MODEL)
    assert result.across_w.shape == (3, 6, 7)  # epochs, units 4 to 9, units 2 to 8
    run(MODEL).save(tmp_path / "parts.nc")
    again = Result.load(tmp_path / "parts.nc").data
    np.testing.assert_array_equal(again["across_post"], np.arange(4, 10))
    np.testing.assert_array_equal(again["across_pre"], np.arange(2, 9))
    assert "low_post" not in again.coords  # all units


def test_a_unit_does_not_meet_itself_whichever_parts_are_joined():
    result = run(MODEL)
    for name in ("low", "high", "across", "apart", "early"):
        w = result[f"{name}_w"].values
        post = result.data[f"{name}_post"].values if f"{name}_post" in result.data else np.arange(11)
        own = post[:, None] == result.data[f"{name}_pre"].values
        assert not w[:, own].any()
        assert w[0][~own].all()
    assert not run(parts(row_norm=1.0)).across_w.values[0][[0, 1], [2, 3]].any()


def test_rows_of_a_part_are_scaled_to_their_norm():
    w = run(parts(row_norm=2.0)).across_w.values[0]
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), 2.0)


def test_another_number_of_units_needs_no_other_text():
    smaller = run(MODEL, parameters={"n": 2})
    assert smaller.low_w.shape == (3, 11, 2)
    check_text(smaller, MODEL.replace(parameters=(*MODEL.parameters[:-1], Parameter("n", 2))))


def test_an_empty_part_adds_nothing():
    none, all_ = run(MODEL, parameters={"n": 0}), run(MODEL, parameters={"n": 0}, record=("s", "s2"))
    assert none.low_w.shape == (3, 11, 0)
    assert not all_.s.values.any()
    assert all_.s2.values.any()
    assert "joins no units" in explain(MODEL.replace(parameters=(*MODEL.parameters[:-1], Parameter("n", 0))))


@pytest.mark.parametrize("device", [RUNTIME, pytest.param(DENSE, marks=pytest.mark.full)], ids=str)
def test_trials_share_the_weights_of_a_part(device):
    frozen = MODEL.replace(rules=())
    starts = np.random.default_rng(4).uniform(-1, 1, (3, 11))
    many = simulate(frozen, seed=5, device=device, trials=3, initial={"units.x": starts})
    for trial in range(3):
        one = simulate(frozen, seed=5, device=RUNTIME, initial={"units.x": starts[trial]})
        np.testing.assert_allclose(many.mean_x.values[:, trial], one.mean_x.values, **EXACT)


@pytest.mark.slow
def test_the_spiking_variant_joins_the_same_units():
    model = MODEL.replace(rules=MODEL.rules[:1])
    one, other = (simulate(model, Spiking(neuron="poisson"), seed=2, device=d) for d in (DENSE, RUNTIME))
    assert one.low_w.shape == other.low_w.shape == (3, 11, 4)
    np.testing.assert_array_equal(one.across_w.values[-1], other.across_w.values[0])
    assert np.abs(one.low_w.values[-1] - one.low_w.values[0]).max() > 0


def test_a_drive_starts_where_it_is_told_though_a_part_projects_to_it():
    """In the current form the filtered input starts at the drive less the currents, which a part of the units send."""
    units = Population(
        "units",
        "s : 1\nz : 1\ndc/dt = (-c + s + z)/tau : 1\nr = 1/(1 + exp(-c)) : 1",
        size=6, rate="r", drive="c", transfer="r", initial={"c": "uniform(-1, 1)"},
    )  # fmt: skip
    projections = tuple(
        Projection(
            name, "units", "units", current=f"{sum_}_post = w*r_pre : 1 (summed)", initial=NORMAL, source_units=part
        )
        for name, sum_, part in (("low", "s", ":2"), ("high", "z", "2:"))
    )
    model = model_of((units,), projections, ())
    found = simulate(model, Spiking(neuron="poisson"), seed=1, device=RUNTIME, record=("c",), interval=DT)
    wanted = simulate(model, "rate", seed=1, device=RUNTIME, record=("c",), interval=DT)
    spiking_dt, tau = 0.5e-3, 4e-3
    assert np.abs(found.c.values[0] - wanted.c.values[0]).max() < 20 * spiking_dt / tau
    assert np.abs(np.diff(wanted.c.values[:1])).max() > 0.1


def test_the_script_takes_parts_as_brian2_does(tmp_path):
    text = str(translate(MODEL))
    assert "    units[2:n + 5],\n    units[n:10]," in text
    assert "condition='i + 2 != j + n'" in text
    numbers = arrays(MODEL, seed=5, initial={"units.x": X})
    found = run_script(tmp_path, text, numbers, {name: f"across.{name}" for name in "wij"})
    final = run(MODEL).across_w.values[-1]
    assert len(found["w"]) == np.count_nonzero(final)
    np.testing.assert_allclose(found["w"], final[found["j"], found["i"]], **EXACT)


WRONG = {
    "4": "is no slice",
    "::2": "is no slice",
    ":m": "'m' is no parameter that is a whole number",
    ":tau": "'tau' is no parameter that is a whole number",
    ":n/2": "counted in whole numbers",
    ":12": "0 <= first <= last <= 11",
    "-2:": "0 <= first <= last <= 11",
    "7:n": "0 <= first <= last <= 11",
}


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("side", ["source_units", "target_units"])
def test_a_slice_that_takes_no_part_is_refused(text, side):
    low = replace(MODEL.projections[0], **{"source_units": "", side: text})
    with pytest.raises(RuleError) as error:
        MODEL.replace(projections=(low, *MODEL.projections[1:]))
    assert WRONG[text] in str(error.value)
    assert "'low'" in str(error.value)
    assert side in str(error.value)


def test_a_part_that_values_of_a_run_make_too_large_is_refused():
    with pytest.raises(RuleError, match=r"'low', source_units=':n'.*units 0 to 12 of 11"):
        run(MODEL, parameters={"n": 12})


def test_visits_one_at_a_time_refuse_parts_of_their_own_sums():
    spins = Population("spins", "h : 1\nS : 1", rate="S", sequential="S = sign(h)", size=5)
    own = Projection(
        "own", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial=NORMAL, source_units=":2"
    )
    with pytest.raises(RuleError, match="joins all of its units"):
        model_of((spins,), (own,), ())
