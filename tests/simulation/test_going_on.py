"""A run that goes on from a result is the rest of one run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms

from brainmem import (
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
    Result,
    RuleError,
    Spiking,
    Stimulus,
    freeze,
    get_model,
    simulate,
)
from brainmem.simulation import ready

RUNTIME = Device("runtime")
STATE = ("weights", "state", "end_x")


def network(*schedule, **fields):
    """Units that learn and adapt, with a slow variable, a kept one and a single unit that all read."""
    units = Population(
        "units",
        """
        u : 1
        kept : 1
        drive = (1 - plastic)*u + cue - 0.3*a - 0.2*tone + 0.1*kept : 1
        phi = clip(drive, 0, 1) : 1
        dx/dt = (phi - x)/tau : 1
        da/dt = (x - a)/(5*tau) : 1
        """,
        rate="x",
        drive="drive",
        transfer="phi",
        rate_range=(0, 1),
        initial={"x": "uniform(0, 1)"},
    )
    single = Population("single", "dtone/dt = (0.5 - tone + activity)/(3*tau) : 1", size=1)
    rule = LearningRule(
        "covary",
        "recurrent",
        continuous="dw/dt = plastic*eta*eligible : 1\ndeligible/dt = ((x_pre - p)*(x_post - p) - eligible)/(2*tau) : 1",
    )
    return MemoryModel(
        "going_on",
        parameters=(
            Parameter("N", 20),
            Parameter("M", 3),
            Parameter("p", 0.5),
            Parameter("tau", 20 * ms),
            Parameter("eta", 2 * Hz),
        ),
        populations=(units, single),
        projections=(
            Projection(
                "recurrent",
                "units",
                "units",
                current="u_post = w*x_pre : 1 (summed)",
                initial={"w": "normal(0, 0.1)"},
                **fields,
            ),
        ),
        rules=(rule,),
        stimuli=(Stimulus("cue", "units", draw="binary(p)"),),
        observables=(Observable("activity", "x", population="units"),),
        protocol=Protocol(
            (
                Phase(
                    "learn", duration="10*tau", stimuli=("cue",), gates={"plastic": 1}, end={"units": "kept = kept + x"}
                ),
                Phase("rest", duration="7*tau"),
                Phase("kick", duration="5*tau", start={"x": "uniform(0, 1)"}),
                Phase("test", duration="5*tau", stimuli=("cue",), start={"x": "zeros()"}, restore=True),
            ),
            schedule,
        ),
        rate_dt="0.1*tau",
    )


PARTS = {
    "of learning": ((Each("learn"),), (Each("rest", items=1),)),
    "of random orders": ((Each("learn", order="random"),), (Each("learn", order="random"),)),
    "of random starts": ((Each("kick"),), (Each("kick"), Each("rest"))),
    "behind a test": ((Each("learn"), Each("test")), (Each("rest", items=1),)),
}


def in_parts(make, parts, variant="rate", *, folder=None, **options):
    """Return the run of both parts at once, the first part, and the second part behind the first."""
    first, second = parts
    whole = simulate(make(*first, *second), variant, record=STATE, **options)
    one = simulate(make(*first), variant, record=STATE, **options)
    if folder is not None:
        one = Result.load(one.save(folder / "one.nc"))
    return whole, one, simulate(make(*second), variant, record=STATE, after=one, **options)


def assert_goes_on(whole, one, other, *, tolerance=0.0):
    steps = one.data.sizes["step"]
    assert whole.data.sizes["step"] == steps + other.data.sizes["step"]
    for name in ("end_x", "mean_x", "activity", "step_item"):
        wanted = whole[name].values[steps:]
        np.testing.assert_allclose(other[name].values, wanted, rtol=0, atol=tolerance, err_msg=name)
        assert np.any(wanted) or name == "step_item"
    states = [str(name) for name in whole.data if str(name).startswith("state_") and name in other]
    assert {"state_recurrent_eligible", "state_recurrent_w", "state_single_tone", "state_units_kept"} <= {*states}
    for name in states:
        # of variables that are counted or summed up over the whole run there are none
        np.testing.assert_allclose(other[name].values, whole[name].values, rtol=0, atol=tolerance, err_msg=name)
    np.testing.assert_allclose(other.recurrent_w.values[-1], whole.recurrent_w.values[-1], rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", PARTS)
def test_two_runs_are_one(case, tmp_path):
    assert_goes_on(*in_parts(network, PARTS[case], device=RUNTIME, seed=3, folder=tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("device", [Device(), pytest.param(Device(kernels="plain"), marks=pytest.mark.full)], ids=str)
def test_two_compiled_runs_are_one(device):
    assert_goes_on(*in_parts(network, PARTS["of learning"], device=device, seed=3))


@pytest.mark.slow
@pytest.mark.parametrize("case", ["of learning", "behind a test"])
def test_cells_without_noise_go_on_with_their_membranes_and_spikes(case, monkeypatch):
    noisy = ready.calibrate
    monkeypatch.setattr(
        ready, "calibrate", lambda cell, values, **more: noisy(cell, {**values, "sigma_v": 0.3}, **more)
    )
    variant = Spiking(neuron="lif", cells_per_unit=3)
    quiet = {"parameters": {"sigma_v": 0.0}, "device": RUNTIME, "seed": 3}
    found = in_parts(network, PARTS[case], variant, **quiet)
    assert (found[2].state_units_cells_lastspike.values <= 0).all()
    if case == "of learning":
        assert_goes_on(*found, tolerance=1e-9)
    else:  # cells are drawn anew where a state is put back
        np.testing.assert_allclose(found[2].end_x.values, found[0].end_x.values[-1:], atol=0.3)


@pytest.mark.slow
def test_noise_goes_on_with_other_numbers_and_the_same_mean():
    variant = Spiking(neuron="poisson", cells_per_unit=50)
    parts = (Each("learn"),), (Each("learn"), Each("rest", items=1))
    whole, one, other = in_parts(network, parts, variant, device=RUNTIME, seed=3)
    rates = whole.mean_x.values[one.data.sizes["step"] :]
    np.testing.assert_allclose(other.mean_x.values, rates, atol=0.2)
    assert np.abs(other.mean_x.values - rates).max() > 1e-3
    assert np.abs(other.mean_x.values[:3] - one.mean_x.values).max() > 1e-3


def test_visits_of_a_second_run_are_not_those_of_the_first():
    parameters = {"N": 40, "P": 4, "cues": 1}
    weights = {"couplings": np.random.default_rng(0).normal(size=(40, 40)) * ~np.eye(40, dtype=bool)}
    options = {"parameters": parameters, "protocol": "recall", "device": RUNTIME, "record": ("state", "end_x")}
    first = simulate("ventura2024", weights=weights, **options)
    second = simulate("ventura2024", after=first, **options)
    np.testing.assert_array_equal(second.couplings_w.values[0], weights["couplings"])
    np.testing.assert_array_equal(second.memory.values, first.memory.values)
    assert (second.select(phase="test").end_x.values != first.select(phase="test").end_x.values).any()
    other = simulate("ventura2024", after=first, seed=5, **options)
    fresh = simulate("ventura2024", weights=weights, inputs={"memory": first.memory.values}, seed=5, **options)
    np.testing.assert_array_equal(other.end_x.values, fresh.end_x.values)  # streams of the seed given


def test_trials_begin_where_a_run_without_them_ended_and_a_trial_is_gone_on_from():
    model = get_model("kurikawa2020")
    small = {"parameters": {"N": 17, "M": 3, "T_recall": "4*tau", "T_average": "tau"}, "device": RUNTIME, "seed": 2}
    recall = freeze(model.replace(replace(model.protocol.phase("recall"), start={})), "recall")
    learned = simulate(recall, record=("weights", "state"), **small)
    alone = simulate(recall, after=learned, **small)
    many = simulate(recall, after=learned, trials=3, record=("state",), **small)
    for trial in range(3):
        np.testing.assert_allclose(many.mean_x.values[:, trial], alone.mean_x.values, atol=1e-12)
    assert many.state_units_x.dims == ("trial", "state_units")
    again = simulate(recall, after=many, trials=3, **small)
    third = simulate(recall, after=many.select(trial=1), **small)
    np.testing.assert_allclose(again.mean_x.values[:, 1], third.mean_x.values, atol=1e-12)
    with pytest.raises(RuleError, match=r"after=result.select\(trial=0\)"):
        simulate(recall, after=many, **small)


def test_what_is_given_takes_the_place_of_what_the_result_holds():
    first = simulate(network(Each("learn")), record=STATE, device=RUNTIME)
    given = {"weights": {"recurrent": np.ones((20, 20)) - np.eye(20)}, "initial": {"units.x": np.full(20, 0.25)}}
    given["inputs"] = {"cue": 1 - first.cue.values}
    found = simulate(network(Each("learn")), after=first, device=RUNTIME, record=("weights", "x"), **given)
    assert found.recurrent_w.values[0].sum() == 20 * 19
    np.testing.assert_array_equal(found.cue.values, given["inputs"]["cue"])
    before = simulate(network(Each("learn")), after=first, device=RUNTIME, record=("x",))
    assert abs(found.x.values[0] - 0.25).max() < 0.1 < abs(before.x.values[0] - 0.25).max()


def test_a_result_keeps_no_state_unless_it_is_asked_for():
    plain = simulate(network(Each("learn")), device=RUNTIME)
    assert not [name for name in plain.data if str(name).startswith("state_")]
    with pytest.raises(RuleError, match=r"record=\('weights', 'state'\)"):
        simulate(network(Each("learn")), after=plain, device=RUNTIME)


def test_it_is_told_what_a_run_goes_on_from_and_what_that_did_not_have():
    first = simulate(network(Each("learn")), record=STATE, device=RUNTIME, seed=4)
    plain = network(Each("learn"))
    units = replace(plain.populations[0], equations=plain.populations[0].equations + "\nfatigue : 1")
    tired = plain.replace(
        units, replace(plain.protocol.phase("learn"), end={"units": "fatigue = fatigue + x"}), name="tired"
    )
    notes = simulate(tired, after=first, device=RUNTIME).notes
    assert any("goes on from the rate run of" in note and "seed 4" in note and "cue" in note for note in notes)
    assert any("the run before had no units.fatigue" in note for note in notes)


def test_a_run_laid_out_by_item_does_not_say_in_which_state_it_ended():
    model = get_model("kurikawa2020")
    small = {"parameters": {"N": 17, "M": 3, "T_recall": "4*tau", "T_average": "tau"}, "device": RUNTIME, "seed": 2}
    recall = freeze(model, "recall")
    shown = simulate(recall, trials="items", record=STATE, **small)
    with pytest.raises(RuleError, match="does not hold the state"):
        simulate(recall, after=shown.by_item(), **small)


def refused():
    model = network(Each("learn"))
    return {
        "another size": (model, "rate", {"parameters": {"N": 21}, "inputs": {"cue": np.ones((3, 21))}}, "needs"),
        "other patterns": (model, "rate", {"parameters": {"M": 4}}, "'cue'.*another may be given by inputs="),
        "the other variant": (model, "spiking", {}, "the spiking variant has others"),
        "another model": ("rajan2016", "rate", {}, "this run needs"),
        "no result": (model, "rate", {"after": "one.nc"}, "must be a Result"),
    }


@pytest.mark.parametrize("case", refused())
def test_what_cannot_go_on_is_refused_with_the_reason(case):
    first = simulate(network(Each("learn")), record=STATE, device=RUNTIME)
    model, variant, options, says = refused()[case]
    with pytest.raises(RuleError, match=says):
        simulate(model, variant, device=RUNTIME, **{"after": first, **options})


def test_other_cells_are_refused():
    first = simulate(network(Each("learn")), Spiking(neuron="poisson"), record=STATE, device=RUNTIME)
    with pytest.raises(RuleError, match="were translated with"):
        simulate(network(Each("learn")), Spiking(neuron="lif"), after=first, device=RUNTIME)


def test_protocols_of_a_model_follow_each_other():
    parameters = {"N": 40, "P": 3, "dreams": 2, "blocks": 1}
    options = {"parameters": parameters, "device": RUNTIME, "seed": 1}
    learned = simulate("ventura2024", protocol="hebb", record=("weights", "state"), **options)
    dreamt = simulate("ventura2024", protocol="recall", after=learned, **options)
    np.testing.assert_array_equal(dreamt.couplings_w.values[0], learned.couplings_w.values[-1])
    np.testing.assert_array_equal(dreamt.memory.values, learned.memory.values)


def test_state_is_recorded_as_a_whole():
    with pytest.raises(RuleError, match="recorded at the end"):
        simulate(network(Each("learn")), record={"state": (0,)}, device=RUNTIME)


def test_what_is_under_way_along_a_delay_is_not_kept():
    with pytest.raises(RuleError, match="is under way along it"):
        simulate(network(Each("learn"), delay="3*tau"), record=STATE, device=RUNTIME)
