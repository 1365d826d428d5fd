"""Rajan, Harvey & Tank (2016): a small network learns a sequence through a part of its synapses."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, freeze, get_model, measure, simulate, translate

CHOICE = {"N": 120, "T": "2*second", "sigma": "0.12*second", "p": 0.4}
SMALL = {"N": 150, "T": "2*second", "sigma": "0.12*second", "p": 0.3, "tests": 4}


@pytest.fixture(scope="module")
def learned():
    return simulate("rajan2016", parameters=SMALL, seed=1)


def test_a_small_network_learns_the_sequence_in_eight_passes(learned):
    """At least .90, where the ceiling phi(f + h) leaves .95; a numerical reconstruction has .935."""
    found = measure.pvar_of_tests(learned)
    assert dict(found.sizes) == {"epoch": 4, "item": 1, "repeat": 1}
    assert found.max() >= 0.90
    R, h = learned.R.values, learned.h.values
    goal = np.clip(R, 0.01, 0.99)
    assert found.max() <= measure.pvar(R, 1 / (1 + np.exp(-(np.log(goal / (1 - goal)) + h)))) + 0.01


def test_the_weights_kept_from_the_best_test_show_its_pvar_in_a_pass_by_hand(learned):
    assert learned.plastic_w.shape == (5, 150, 45)
    found = measure.pvar_of_tests(learned)
    best = int(found.values.argmax()) + 1
    plastic, fixed = learned.plastic_w.values[best], learned.fixed_w.values[best]
    x, rates = _start(learned), []
    for h in learned.h.values[0]:
        rates.append(1 / (1 + np.exp(-x)))
        x = x + 0.1 * (-x + plastic @ rates[-1][:45] + fixed @ rates[-1][45:] + h)
    assert measure.pvar(learned.R.values[0], np.array(rates)) == pytest.approx(float(found.max()), abs=1e-9)


def _start(result):
    goal = np.clip(result.R.values[0, 0], 0.01, 0.99)
    return np.log(goal / (1 - goal))


def test_the_synapses_of_other_units_never_change(learned):
    np.testing.assert_array_equal(learned.fixed_w.values[-1], learned.fixed_w.values[0])


def test_a_network_without_plastic_synapses_does_not_learn():
    """The random network alone: its pVar is below 0."""
    short = {**SMALL, "p": 0.0, "tests": 1, "passes": 1, "T": "1*second"}
    result = simulate("rajan2016", parameters=short, seed=1, device="runtime")
    assert measure.pvar_of_tests(result).item() < 0
    assert result.plastic_w.shape == (2, 150, 0)


def test_targets_are_bumps_in_an_order_of_their_own(learned):
    peaks = np.argsort(np.argsort(learned.R.values[0].argmax(axis=0)))
    np.testing.assert_array_equal(peaks, learned.place.values[0])
    assert abs(np.corrcoef(peaks, np.arange(150))[0, 1]) < 0.4


def test_the_spiking_variant_reads_the_rule_from_traces():
    translated = translate(get_model("rajan2016"), "spiking")
    assert translated.group("units_cells").size.text == "N*cells_per_unit"
    assert [op.name for op in translated.connection("inverse").operations] == ["squares"]


@pytest.mark.parametrize(("options", "said"), [({"phase": "tset"}, "learn, test"), ({"target": "D"}, "no 'D'")])
def test_pvar_says_what_a_result_lacks(learned, options, said):
    with pytest.raises(ResultError, match=said):
        measure.pvar_of_tests(learned, **options)


def test_a_pass_starts_from_the_current_that_the_first_frame_needs(learned):
    np.testing.assert_allclose(learned.onset.values[0], _start(learned), rtol=1e-12)


@pytest.mark.slow
def test_fresh_noise_has_the_standard_deviation_that_was_asked_for_and_is_off_in_tests():
    """Without sums and input, x is an Ornstein-Uhlenbeck process of standard deviation noise_sd."""
    alone = {
        "N": 200, "T": "2*second", "sigma": "0.2*second", "p": 0.0, "g": 0.0, "h0": 0.0, "tests": 1, "passes": 1,
        "noise": "white", "noise_sd": 0.4, "peak": 0.5, "sequences": 1, "rate_step": "0.5*ms",
    }  # fmt: skip
    result = simulate("rajan2016", parameters=alone, seed=2, record=("x",), interval=0.02, device="runtime")
    x, half = result.x.values, len(result.x) // 2
    assert x[half // 2 : half].std() == pytest.approx(0.4, rel=0.03)
    np.testing.assert_allclose(x[-10:], 0, atol=1e-12)


def test_a_sparse_sequence_leaves_the_other_units_silent():
    short = {"N": 40, "T": "1*second", "sigma": "0.1*second", "p": 0.1, "tests": 1, "passes": 1, "coding_level": 0.3}
    R = simulate("rajan2016", parameters=short, seed=1, device="runtime").R.values[0]
    assert np.count_nonzero(R.max(axis=0) > 0) == 12
    assert sorted(R.argmax(axis=0)[R.max(axis=0) > 0]) == pytest.approx(list((np.arange(12) + 0.5) * 1000 / 12), abs=1)


@pytest.fixture(scope="module")
def chosen():
    merging = {"merging": "0.7*second", "merged": "0.8*second"}
    return simulate("rajan2016/choice", parameters={**CHOICE, **merging, "tests": 6}, seed=1)


def test_units_show_their_bump_in_the_trial_they_prefer(chosen):
    R, preferred = chosen.R.values, chosen.preferred.values[0]
    assert [np.count_nonzero(preferred == kind) for kind in range(3)] == [44, 48, 28]
    peaks = R.max(axis=1)
    assert np.all(peaks[0, preferred == 1] == 0)
    assert np.all(peaks[1, preferred == 0] == 0)
    np.testing.assert_array_equal(R[0][:, preferred == 2], R[1][:, preferred == 2])
    for kind in range(3):  # the bumps of each population tile the trial
        times = np.sort(R.max(axis=0)[:, preferred == kind].argmax(axis=0))
        size = len(times)
        np.testing.assert_allclose(times, (np.arange(size) + 0.5) * 2000 / size, atol=1)


def test_inputs_of_the_two_trials_differ_until_they_merge(chosen):
    h = chosen.h.values
    assert np.all(np.abs(h[0, 100:700] - h[1, 100:700]).mean(axis=1) > 0.2)
    np.testing.assert_array_equal(h[0, 801:], h[1, 801:])
    assert h[:, 300:].std() == pytest.approx(np.sqrt(0.5), rel=0.1)
    np.testing.assert_array_equal(chosen.onset.values[0], chosen.onset.values[1])


@pytest.mark.slow
def test_one_network_runs_both_trials_and_keeps_the_choice_after_the_inputs_have_merged(chosen):
    pvars = measure.pvar_of_tests(chosen).squeeze("repeat")
    assert pvars.dims == ("epoch", "item")
    assert pvars.mean("item").max() > 0.7
    best = int(pvars.mean("item").argmax("epoch")) + 1
    kept = {name: chosen[f"{name}_w"].values[best] for name in ("plastic", "fixed")}
    model = freeze(get_model("rajan2016/choice"), "test", items="sequences")
    inputs = {name: chosen[name].values for name in ("R", "h", "onset")}
    shown = simulate(model, parameters=CHOICE, weights=kept, inputs=inputs, record=("r",), interval=0.01)
    rates = shown.r.values[:400].reshape(2, 200, 120)
    several = simulate(model, parameters=CHOICE, weights=kept, inputs=inputs, trials=2)
    for trial in (0, 1):
        np.testing.assert_allclose(measure.pvar_of_tests(several).sel(trial=trial), measure.pvar_of_tests(shown))
    preferred = np.where(chosen.preferred.values[0] == 2, -1, chosen.preferred.values[0])
    assert measure.selectivity(rates[:, 150:190], preferred) > 0.5
    assert measure.selectivity(rates[::-1, 150:190], preferred) < -0.5


def test_low_rank_feedback_learns_read_outs_and_leaves_the_network_as_it_was():
    small = {"N": 100, "T": "1*second", "sigma": "0.08*second", "tests": 3, "K": 5}
    result = simulate("rajan2016/feedback", parameters=small, seed=1)
    assert measure.pvar_of_tests(result).max() > 0.98
    for name in ("fixed_w", "feedback_w"):
        np.testing.assert_array_equal(result[name].values[-1], result[name].values[0])
    gained = result.feedback_w.values[0] @ result.decoder_w.values[-1]
    assert np.linalg.matrix_rank(gained) == 5
