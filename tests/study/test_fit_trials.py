"""Fits of trials: held out, of several kinds and lengths, with samples missing; and fits in spiking cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainmem import Recording, RuleError, Spiking, fit, freeze, get_model, measure, read_recording, simulate, surrogate
from brainmem.study.fit_run import frozen_run

STEP = 0.02
SHORT = {"p": 1.0, "tests": 3, "learn_step": "2*ms"}
UNITS, TRIAL = 24, 40


def bumps(rng, kind, samples=TRIAL):
    """Return a trial of a sequence that runs forth or back, noisy."""
    centres = np.linspace(0.05, 0.75, UNITS)[:: 1 if kind == "forth" else -1]
    times = STEP * np.arange(samples)[:, None]
    return np.exp(-((times - centres) ** 2) / 0.03) + 0.03 * rng.random((samples, UNITS))


KINDS = ("forth", "back", "forth", "forth", "back", "back")


@pytest.fixture(scope="module")
def trials():
    rng = np.random.default_rng(2)
    return [bumps(rng, kind) for kind in KINDS]


@pytest.fixture(scope="module")
def found(trials):
    return fit(np.stack(trials), step=STEP, kinds=KINDS, holdout=1 / 3, parameters=SHORT, seed=2)


@pytest.mark.slow
def test_one_trial_of_each_kind_is_held_out_and_has_a_pvar_of_its_own(found):
    assert sorted(KINDS[k] for k in found.held) == ["back", "forth"]
    assert len(found.held_tests) == 3
    assert f"pVar {found.held_pvar:.3f} of 2 trials held out ({found.held[0]}, {found.held[1]})" in str(found)
    own = [measure.pvar(found.targets[k], found.rates[k]) for k in range(6)]
    np.testing.assert_allclose(own, found.trials, atol=0.03)
    assert found.trials[list(found.held)].mean() == pytest.approx(found.held_pvar)
    assert np.delete(found.trials, found.held).mean() == pytest.approx(found.pvar)


@pytest.mark.slow
def test_the_mean_of_the_learned_trials_of_a_kind_stands_beside_the_held_out_ones(found):
    own = []
    for trial in found.held:
        others = [k for k in range(6) if KINDS[k] == KINDS[trial] and k != trial]
        own.append(measure.pvar(found.targets[trial], found.targets[others].mean(axis=0)))
    assert found.held_mean == pytest.approx(np.mean(own))
    assert found.held_pvar < found.held_mean < 1
    assert f"of their kind explains {found.held_mean:.3f}" in str(found)


def test_trials_that_were_held_out_teach_nothing_and_are_followed_since_they_repeat_a_kind(found):
    assert found.pvar > 0.8
    assert found.held_pvar > 0.7
    rates = found.recording.rates.copy()
    rates[list(found.held)] = np.flip(rates[list(found.held)], axis=2)
    other = replace(found.recording, rates=rates)
    changed = fit(other, holdout=list(found.held), parameters=SHORT, seed=2)
    np.testing.assert_array_equal(changed.weights["plastic"], found.weights["plastic"])
    assert changed.held_pvar < 0.3


@pytest.mark.slow
def test_the_scale_of_units_is_that_of_the_trials_that_are_learned(trials):
    """What is held out does not reach what is learned, not even through the normalisation."""
    values = np.stack([trials[0], trials[2], 3 * trials[3]])
    short = {"p": 1.0, "tests": 1, "passes": 1}
    found = fit(values, step=STEP, kinds=["go"] * 3, holdout=[2], parameters=short, seed=2)
    same = fit(values[[0, 1, 1]], step=STEP, kinds=["go"] * 3, holdout=[2], parameters=short, seed=2)
    np.testing.assert_allclose(found.recording.rates[:2], same.recording.rates[:2])
    np.testing.assert_allclose(found.weights["plastic"], same.weights["plastic"], atol=1e-9)
    np.testing.assert_allclose(np.abs(found.recording.rates[:2]).max(axis=(0, 1)), 1)
    highest = found.recording.rates[2].max()
    assert highest > 2
    assert f"the greatest value is 1 in the trials that are learned, and {highest:.3g} in those" in str(found)


def test_all_units_keep_their_ratio_where_they_were_normalised_together():
    values = np.random.default_rng(1).random((2, 30, 6)) * np.arange(1, 7)
    values[1] *= 2
    read = read_recording(values, step=STEP, normalise="all")
    found = read.scaled_by([0])
    np.testing.assert_allclose(found.rates, values / values[0].max())
    assert found.scaled_by([0]) is found
    by_hand = Recording(values, STEP, tuple("abcdef"))
    assert by_hand.scaled_by([0]) is by_hand


def test_trials_held_out_without_kinds_are_said_to_have_an_input_that_was_not_learned(trials):
    found = fit(np.stack(trials[:2]), step=STEP, holdout=[1], parameters={**SHORT, "tests": 1})
    assert any("name the kinds of trials, kinds=" in note for note in found.notes)


def test_trials_of_a_kind_have_one_input(found):
    sequence = [*np.setdiff1d(range(6), found.held), *found.held]
    inputs = {kind: [found.result.h.values[i] for i, k in enumerate(sequence) if KINDS[k] == kind] for kind in KINDS}
    for tables in inputs.values():
        assert all(np.array_equal(table, tables[0]) for table in tables)
    assert not np.array_equal(inputs["forth"][0], inputs["back"][0])


@pytest.mark.slow
def test_one_series_is_learned_trial_by_trial_with_its_lengths(trials):
    series = np.concatenate([trials[0], trials[2][:30], trials[3]])
    found = fit(series, step=STEP, resets=(0, 40, 70), holdout=[2], parameters=SHORT, seed=2)
    assert found.result.choices["samples"] == "marked"
    assert found.held == (2,)
    assert found.pvar > 0.8
    own = [np.nansum((t - r) ** 2) for t, r in zip(found.targets, found.rates, strict=True)]
    around = [np.nansum((t - np.nanmean(t)) ** 2) for t in found.targets]
    np.testing.assert_allclose(1 - np.divide(own, around), found.trials, atol=0.05)
    assert np.isnan(found.targets[1, -1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [None, 33])
def test_rates_are_those_of_their_trial_where_frames_are_no_multiple_of_the_interval(trials, steps):
    """A trial of 1287 steps of 1 ms is recorded every 10 ms, at other times in each trial."""
    found = fit(np.stack(trials[:3]), step=0.033, parameters={"p": 1.0, "tests": 1, "passes": 1}, steps=steps, seed=2)
    own = {**found.parameters, **({} if steps is None else {"rate_step": "1*ms"})}
    every = frozen_run(found.task, found.asked, found.result, found.weights, own, interval=0.001)
    shown = every.r.values.reshape(3, 1287, UNITS)[..., np.argsort(found.order)]
    at = np.round(np.arange(1, found.rates.shape[1]) * found.interval / 0.001).astype(int) - 1
    apart = np.abs(found.rates[:, 1:] - shown[:, at])
    assert apart.max() < (0.03 if steps is None else 1e-12)  # between those that were recorded, straight
    assert (apart.mean(axis=(1, 2)) < 2e-3).all()
    np.testing.assert_allclose(found.rates[:, 0], np.clip(found.recording.rates[:, 0], 0.01, 0.99), atol=1e-9)
    assert found.rates.shape[1] == (129 if steps is None else 40)


@pytest.mark.slow
def test_samples_that_are_missing_teach_nothing(trials):
    """What stands in their place changes nothing: neither weights nor pVar."""
    results = []
    for filler in (0.0, 1.0):
        values = np.stack(trials[:1])
        values[0, 10:20, :5] = np.nan
        recording = read_recording(values, step=STEP)
        rates = np.where(recording.seen > 0, recording.rates, filler)
        results.append(fit(type(recording)(**{**vars(recording), "rates": rates}), parameters=SHORT, seed=2))
    one, other = results
    np.testing.assert_array_equal(one.weights["plastic"], other.weights["plastic"])
    assert one.pvar == pytest.approx(other.pvar)
    assert 0.8 < one.pvar < 1


def test_a_model_without_marks_or_held_out_items_says_what_to_do(trials):
    model = get_model("rajan2016").choose(samples="all")
    gaps = np.stack(trials[:1])
    gaps[0, 3, 3] = np.nan
    with pytest.raises(RuleError, match=r"no stimulus 'seen' that leaves samples out\. Read it with missing='fill'"):
        fit(gaps, model, step=STEP)
    with pytest.raises(RuleError, match=r"values below 0, .* Read the recording with negative='shift'"):
        fit(np.stack(trials[:1]) - 0.5, model.choose(), step=STEP)
    with pytest.raises(RuleError, match="leaves no trial of kind 'forth' to learn"):
        fit(np.stack(trials), step=STEP, kinds=KINDS, holdout=[0, 2, 3])


SPIKY = {"p": 0.5, "tests": 1, "tau": "50*ms", "error_on": "total"}


@pytest.mark.slow
def test_a_fit_in_spikes_is_the_run_that_is_written_by_hand():
    made = surrogate(20, duration=0.5, step=0.01, width=0.12, bvar=0.7, seed=2)
    found = fit(made, parameters={**SPIKY, "learn_step": "2*ms"}, seed=1, device="runtime")
    assert found.result.choices["noise"] == "none"
    cells = found.spiking(4, seeds=(1,), neuron="poisson")
    assert cells.fit.result.choices["noise"] == "white"
    length = f"{cells.fit.result.R.shape[1] * 0.001!r}*second"
    noisy = {"N": 20, "T": length, "noise": "white", "learn_step": "2*ms", **SPIKY}
    shown = made.resampled(0.001)[:, :, found.order]
    trained = simulate("rajan2016", parameters=noisy, seed=1, inputs={"R": shown}, device="runtime")
    best = int(measure.pvar_of_tests(trained).mean(["item", "repeat"]).argmax("epoch")) + 1
    assert cells.rate_pvar == pytest.approx(float(measure.pvar_of_tests(trained).max()))
    spikes = simulate(
        freeze(get_model("rajan2016"), "test", items="sequences"),
        Spiking(neuron="poisson"),
        parameters={"N": 20, "T": length, "p": 0.5, "tau": "50*ms", "cells_per_unit": 4},
        seed=1,
        device="runtime",
        inputs={name: trained[name].values for name in ("R", "h", "onset")},
        weights={name: trained[f"{name}_w"].values[best] for name in ("plastic", "fixed")},
    )
    assert cells.tests[0, 0] == pytest.approx(measure.pvar_of_tests(spikes).item())
    assert cells.pvar == pytest.approx(cells.tests.mean())
    assert f"at rates {cells.rate_pvar:.3f}" in str(cells)
    assert cells.rates.shape[0] == 1
    assert cells.rates.shape[2] == 20


@pytest.mark.full
def test_signed_units_run_in_spikes_too():
    made = surrogate(15, kind="regions", duration=2.0, step=0.02, seed=1)
    found = fit(made, parameters={**SPIKY, "p": 1.0, "tests": 1, "h0": 0.1}, steps=10, seed=1, device="runtime")
    cells = found.spiking(16, seeds=1)
    assert cells.rates.min() < -0.5
    at = np.round(np.arange(1, 100) * found.interval / cells.interval).astype(int)
    assert measure.pearson(cells.rates[0, at].ravel(), cells.fit.rates[0, 1:100].ravel()) > 0.5
    assert cells.currents.dims == ("target region", "source region", "unit", "time")
    with pytest.raises(RuleError, match="tau belong to the fit"):
        found.spiking(4, parameters={"tau": 1})
