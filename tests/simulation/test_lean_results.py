"""A run keeps the mean rates of phases that are scored, and those that are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms

from brainmem import Each, Result, ResultError, RuleError, compare, freeze, get_model, measure, simulate
from brainmem.measure.recall import mean_rate_name
from brainmem.simulation import remarks
from tests.support.counting_models import counting
from tests.support.stream_models import stream
from tests.support.two_populations import two_populations

NUMPY = "runtime"


def run(record=("weights",), *, device=NUMPY, variant="rate", **options) -> Result:
    return simulate(stream(), variant, seed=2, device=device, record=record, parameters={"P": 3}, **options)


@pytest.fixture(scope="module")
def whole() -> Result:
    return run()


def test_by_default_mean_rates_are_of_all_steps(whole):
    assert whole.mean_x.dims == ("step", "unit")
    assert len(whole.mean_x) == 9
    for record in (("x",), {"recurrent.w": ("last",)}):
        np.testing.assert_array_equal(run(record).mean_x, whole.mean_x)


@pytest.mark.parametrize("device", [NUMPY, "cpp_standalone"])
def test_without_records_those_of_scored_phases_are_left(whole, device):
    lean = run((), device=device)
    tests = np.flatnonzero(whole.step_phase.values == "recall")
    assert lean.mean_x.dims == ("mean_x_step", "unit")
    np.testing.assert_array_equal(lean.mean_x_step, tests)
    np.testing.assert_allclose(lean.mean_x, whole.mean_x[tests], atol=1e-9)
    selected = lean.select(phase="recall")
    assert selected.mean_x.dims == ("step", "unit")
    np.testing.assert_allclose(selected.select(epoch=3).mean_x, whole.select(phase="recall", epoch=3).mean_x, atol=1e-9)
    np.testing.assert_allclose(measure.recall_table(lean).score, measure.recall_table(whole).score, atol=1e-9)


def test_those_of_a_phase_may_be_asked_for(whole, tmp_path):
    learned = np.flatnonzero(whole.step_phase.values == "learn")
    found = run({"mean_x": ("learn",), "recurrent.w": ("last",)})
    np.testing.assert_array_equal(found.mean_x, whole.mean_x)  # with those scored it is all
    without = simulate(stream(recalled=None), seed=2, device=NUMPY, parameters={"P": 3}, record={"mean_x": ("learn",)})
    averaged = without.step_phase.values == "recall"  # which has an average
    assert averaged.any()
    np.testing.assert_array_equal(without.mean_x, whole.mean_x)
    without.save(tmp_path / "run.nc")
    np.testing.assert_array_equal(Result.load(tmp_path / "run.nc").select(phase="learn").mean_x, whole.mean_x[learned])
    np.testing.assert_array_equal(run(("mean_x",)).mean_x, whole.mean_x)


def test_each_population_keeps_its_own():
    model, asked = two_populations(), ("mean_slow_r",)
    options = {"device": NUMPY, "seed": 1, "parameters": {"T": 20 * ms}}
    whole, lean, none = (simulate(model, record=record, **options) for record in (("weights",), asked, ()))
    assert {"mean_slow_r", "mean_fast_r"} <= set(whole.data)
    assert "mean_fast_r" not in lean
    np.testing.assert_array_equal(lean.mean_slow_r, whole.mean_slow_r)
    assert not [name for name in none.data if name.startswith("mean_")]


def test_where_all_steps_are_scored_they_stand_along_the_steps():
    model = stream(Each("recall", items="P"))
    lean, whole = (simulate(model, seed=2, device=NUMPY, record=record) for record in ((), ("weights",)))
    assert lean.mean_x.dims == ("step", "unit")
    np.testing.assert_array_equal(lean.mean_x, whole.mean_x)


def test_trials_stand_side_by_side_as_they_did():
    model = freeze(get_model("kurikawa2020"), "learn", "recall")
    options = {"parameters": {"N": 10, "M": 3}, "seed": 1, "device": NUMPY, "trials": 2}
    whole, lean = (simulate(model, record=record, **options) for record in (("weights",), ()))
    tests = whole.select(phase="recall")
    assert tests.mean_x.dims == lean.select(phase="recall").mean_x.dims == ("step", "trial", "unit")
    np.testing.assert_array_equal(lean.select(phase="recall").mean_x, tests.mean_x)


def test_spiking_runs_are_lean_and_compared_where_both_have_rates(whole):
    rate, spiking = run(()), run((), variant="spiking")
    found = compare(rate, spiking)
    assert {item.part for item in found.agreements if item.key == "rate_pearson"} == {"recall"}
    notes = " ".join(found.notes)
    assert "phase 'learn' are not compared" in notes
    assert "record=('mean_x',)" in notes


def test_what_needs_others_says_what_to_record():
    lean = run(())
    with pytest.raises(ResultError, match=r"no mean rates 'mean_x' of the phase 'learn'.*\{'mean_x': \('learn',\)\}"):
        measure.recall_table(lean, phase="learn")
    bare = simulate(counting(), seed=3, device=NUMPY, record=())
    with pytest.raises(ResultError, match="kept no mean rates"):
        mean_rate_name(bare)


def test_mean_rates_are_among_what_can_be_recorded():
    with pytest.raises(RuleError, match=r"record='mean_y' names nothing.* mean_x.*Did you mean 'mean_x'"):
        run(("mean_y",))
    with pytest.raises(RuleError, match=r"record=\{'mean_x': \('lern',\)\}.*Did you mean 'learn'"):
        run({"mean_x": ("lern",)})


def test_large_ones_are_remarked_upon(whole, monkeypatch):
    assert not [note for note in whole.notes if "mean rates of all" in note]
    monkeypatch.setattr(remarks, "LARGE", 1000)
    assert "mean_x holds the mean rates of all 9 steps" in " ".join(run().notes)
    assert "mean rates of all" not in " ".join(run(()).notes)
