"""Fits of several regions, held against a reference in numpy of the training of Perich et al. (2020)."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from brainmem import RuleError, fit, get_model, measure, surrogate
from brainmem.study.recurrent import recurrent_weights
from tests.support.regions_reference import currents, pvar, train

STEP, TAU = 0.01, 0.1
# Training as in the example of Perich et al.: all synapses, the error of the rate, weak input.
LIKE_CURBD = {"p": 1.0, "tau": "0.1*second", "h0": 0.01, "tau_wn": "0.1*second", "eps": 0.001, "error_on": "rate"}
PASSES = 8


def fitted(recording, steps, passes=PASSES, **parameters):
    given = {**LIKE_CURBD, "tests": 1, "passes": passes, **parameters}
    return fit(recording, parameters=given, steps=steps, seed=1)


def reference(found, steps, passes=PASSES):
    """Train in numpy from the start weights, inputs and start state of a fit, in the recording's order."""
    back = np.argsort(found.order)
    start = found.result.plastic_w.values[0][np.ix_(back, back)]
    activity = found.recording.rates[0][:-1]  # the last sample ends the last step
    inputs, first = found.result.h.values[0][:, back], found.result.onset.values[0][back]
    return train(activity, start, inputs, start=first, step=STEP, tau=TAU, passes=passes, between=steps)


@pytest.fixture(scope="module")
def recording():
    return surrogate(60, kind="regions", duration=6.0, seed=1)


@pytest.fixture(scope="module")
def found(recording):
    return fitted(recording, 1)


def test_a_surrogate_of_regions_knows_the_currents_that_made_it(recording):
    assert recording.signed
    assert recording.regions == ("A",) * 20 + ("B",) * 20 + ("C",) * 20
    assert np.abs(recording.rates).max() == 1
    # tau dx/dt + x is what regions and inputs give; region A has no input from outside.
    rates = recording.rates[0] * float(recording.notes[0].split()[-1])
    x = np.arctanh(np.clip(rates[:, :20], -1 + 1e-12, 1 - 1e-12))
    needed = TAU / STEP * np.diff(x, axis=0) + x[:-1]
    given = recording.currents.sel({"target region": "A"}).sum("source region").values.T[:-1]
    inside = np.abs(rates[:-1, :20]) < 0.9
    np.testing.assert_allclose(needed[inside], given[inside], atol=0.05)
    between = recording.currents.sel({"target region": "A", "source region": "B"}).values
    assert np.sum(np.abs(between).max(axis=1) > 0) == 1  # 5 % of 20 units


@pytest.mark.slow
def test_the_network_is_that_of_the_reference(found):
    trained = reference(found, 1)
    assert found.pvar == pytest.approx(trained.pvar, abs=1e-4)
    np.testing.assert_allclose(found.recurrent.values, trained.weights, atol=1e-4)
    assert pvar(found.targets[0], found.rates[0]) == pytest.approx(found.pvar, abs=0.005)
    for (target, source), wanted in currents(trained.weights, trained.rates, np.array(found.recording.regions)).items():
        own = found.currents.sel({"target region": target, "source region": source}).values.T[1 : len(wanted)]
        assert measure.pearson(own.ravel(), wanted[1:].ravel()) > 0.9999


@pytest.mark.slow
def test_several_steps_between_samples_learn_at_samples_alone(recording):
    found = fitted(recording, 4, passes=3)
    trained = reference(found, 4, passes=3)
    assert found.result.data.attrs["dt"] == pytest.approx(STEP / 4)
    assert found.pvar == pytest.approx(trained.pvar, abs=0.005)
    np.testing.assert_allclose(found.recurrent.values, trained.weights, atol=1e-3)


@pytest.mark.slow
def test_currents_tell_the_truth_as_well_as_the_reference_does(found):
    trained = reference(found, 1)
    truth, own, wanted = found.recording.currents, [], []
    for (target, source), theirs in currents(trained.weights, trained.rates, np.array(found.recording.regions)).items():
        pair = {"target region": target, "source region": source}
        true = truth.sel(pair).values.T[: len(theirs)].ravel()
        own.append(measure.pearson(found.currents.sel(pair).values.T[: len(theirs)].ravel(), true))
        wanted.append(measure.pearson(theirs.ravel(), true))
    np.testing.assert_allclose(own, wanted, atol=0.01)


def test_currents_are_found_in_part_within_regions_and_not_between_them(found):
    """As the README of recordings says, with the couplings of the surrogate."""
    alike = {}
    for target in "ABC":
        for source in "ABC":
            pair = {"target region": target, "source region": source}
            own, true = found.currents.sel(pair).values, found.recording.currents.sel(pair).values
            alike[target, source] = measure.pearson(own.ravel(), true[:, : own.shape[1]].ravel())
    within = [value for (target, source), value in alike.items() if target == source]
    between = [value for (target, source), value in alike.items() if target != source]
    assert 0.2 < min(within) < max(within) < 0.9
    assert max(between) < 0.2


def test_networks_that_follow_the_same_activity_have_other_shares(recording):
    one, other = (fit(recording, parameters={"tests": 6}, seed=seed) for seed in (2, 3))
    assert min(one.pvar, other.pvar) > 0.9
    assert abs(one.shares.share - other.shares.share).max() > 0.1
    assert one.caution in str(one)


def test_a_signed_recording_is_learned_by_signed_units_and_the_report_says_so(found, tmp_path):
    assert found.result.choices["transfer"] == "tanh"
    text = str(found)
    assert "values below 0, so transfer = tanh" in text
    assert "regions: A (20 units), B (20 units), C (20 units)" in text
    assert "of both signs" in text
    folder = found.save(tmp_path / "fit")
    page = (folder / "fit.html").read_text()
    assert page.count("<img src=") == 4
    assert "from B" in page
    assert {"fit.html", "regions.png", "units.png", "currents.nc"} <= {file.name for file in folder.iterdir()}


def test_shares_and_weights_belong_to_pairs_of_regions(found):
    assert found.currents.dims == ("target region", "source region", "unit", "time")
    assert found.currents.sizes["time"] == found.rates.shape[1]
    np.testing.assert_allclose(found.shares.share.sum("source region"), 1)
    block = found.recurrent.values[:20, 20:40]
    assert found.region_weights["mean"].sel({"target region": "A", "source region": "B"}) == pytest.approx(block.mean())
    assert found.unit_pvar.sizes["unit"] == 60
    assert 0.2 < float(found.unit_pvar.median()) <= 1


@pytest.mark.slow
def test_parts_of_the_synapses_and_errors_of_currents_give_the_whole_matrix(recording):
    part = fitted(recording, 1, passes=1, p=0.5, error_on="total", tau="0.05*second")
    back = np.argsort(part.order)
    whole = np.hstack([part.weights["plastic"], part.weights["fixed"]])
    np.testing.assert_array_equal(part.recurrent.values, whole[np.ix_(back, back)])


def test_read_outs_that_feed_back_add_their_product():
    model = get_model("rajan2016/feedback").choose()
    rng = np.random.default_rng(0)
    weights = {
        "fixed": rng.normal(size=(9, 9)),
        "feedback": rng.normal(size=(9, 2)),
        "decoder": rng.normal(size=(2, 9)),
    }
    found = recurrent_weights(model, "units", 9, {}, weights)
    np.testing.assert_allclose(found, weights["fixed"] + weights["feedback"] @ weights["decoder"])


def test_a_fit_without_regions_says_how_to_name_them(recording):
    plain = fit(recording.rates[0], step=STEP, parameters={**LIKE_CURBD, "tests": 1, "passes": 1}, steps=1)
    with pytest.raises(RuleError, match=r"knows no regions. Name them: fit\(\.\.\., regions="):
        plain.currents  # noqa: B018


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"steps": 1, "parameters": {"tau": "10*ms"}},
            r"steps of 0\.02 s, longer than the time constant tau=0\.01 s .* Give steps=2 or more",
        ),
        ({"steps": 5, "parameters": {"rate_step": "1*ms"}}, "steps=5 decides rate_step"),
        ({"parameters": {"transfer": "logistic"}}, r"55 of 60 units have values below 0, .* leave transfer= out"),
        ({"holdout": 0.5}, "holdout=0.5 leaves out trials, and .* has one. Say where trials begin"),
        ({"regions": {"A": range(10)}}, "have no region"),
    ],
)
def test_what_does_not_fit_the_recording_is_refused(options, said):
    made = surrogate(60, kind="regions", duration=3.0, step=0.02, seed=1)
    with pytest.raises(Exception, match=said):
        fit(made, **options)


def timed(run):
    """Return what a function returns, and its seconds on the processor or on the clock, whichever are fewer.

    Other programs lengthen the one, threads of linear algebra the other.
    """
    begin, before = time.perf_counter(), sum(os.times()[:4])
    found = run()
    return found, min(time.perf_counter() - begin, sum(os.times()[:4]) - before)


@pytest.mark.full
@pytest.mark.parametrize("units", [180, 300])
def test_a_pass_takes_at_most_a_third_of_the_time_of_the_reference(units, monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "")  # optimised, as a user's programs are
    made = surrogate(units, kind="regions", duration=12.0, seed=1)
    fitted(made, 1)  # compiled
    spent = {}
    for passes in (1, 21):
        found, spent[passes] = timed(lambda n=passes: fitted(made, 1, passes=n))
    trained, theirs = timed(lambda: reference(found, 1, passes=20))
    assert (spent[21] - spent[1]) / 20 < theirs / 21 / 3
    assert reference(found, 1, passes=21).pvar == pytest.approx(found.pvar, abs=0.005)
    assert trained.pvar > 0.9
