"""Comparison of variants whose differences are known."""

import json
import subprocess
import sys

import numpy as np
import pytest
import synthetic

from brainmem.comparison import compare, matched_rates
from brainmem.errors import ResultError
from brainmem.result import Result


def with_weights(result, change):
    weights = result.recurrent_w.values
    moved = weights[0] + change(weights[-1] - weights[0])
    return Result(result.data.assign(recurrent_w=(("epoch", "post", "pre"), np.stack([*weights[:-1], moved]))))


def test_a_variant_that_copies_the_other_agrees_fully():
    comparison = compare(synthetic.result("rate"), synthetic.result("spiking"))
    for phase in ("learn", "recall"):
        assert comparison.get("rate_pearson", phase).mean == pytest.approx(1)
        assert comparison.get("rate_nrmse", phase).mean == pytest.approx(0, abs=1e-12)
    for key in ("weight_correlation", "weight_slope", "weight_norm_ratio"):
        assert comparison.get(key).mean == pytest.approx(1)
    assert comparison.get("recalled_rate", epoch=2).mean == 0.5
    assert comparison.get("recalled_difference", epoch=2).mean == 0


def test_results_of_different_translations_are_not_compared_together():
    spiking = [synthetic.result("spiking", seed=k, options=f'{{"neuron": "{name}"}}') for k, name in enumerate("ab")]
    with pytest.raises(ResultError, match="were translated differently"):
        compare([synthetic.result("rate", seed=k) for k in range(2)], spiking)


def test_slope_and_norm_ratio_measure_how_much_less_was_learned():
    comparison = compare(synthetic.result("rate"), synthetic.result("spiking", change=0.7))
    assert comparison.get("weight_slope").mean == pytest.approx(0.7)
    assert comparison.get("weight_norm_ratio").mean == pytest.approx(0.7)
    assert comparison.get("weight_correlation").mean == pytest.approx(1)


def test_the_opposite_weight_change_has_correlation_minus_one():
    spiking = with_weights(synthetic.result("spiking"), lambda change: -2 * change)
    comparison = compare(synthetic.result("rate"), spiking)
    assert comparison.get("weight_correlation").mean == pytest.approx(-1)
    assert comparison.get("weight_slope").mean == pytest.approx(-2)
    assert comparison.get("weight_norm_ratio").mean == pytest.approx(2)


def test_synapses_that_never_changed_do_not_count():
    mask = np.random.default_rng(0).random((synthetic.UNITS, synthetic.UNITS)) < 0.1
    noise = np.random.default_rng(1).normal(size=mask.shape)
    rate = with_weights(synthetic.result("rate"), lambda change: mask * change)
    spiking = with_weights(synthetic.result("spiking"), lambda change: mask * noise * 0.05)
    change = (rate.recurrent_w.values[-1] - rate.recurrent_w.values[0])[mask]
    wanted = np.corrcoef(change, 0.05 * noise[mask])[0, 1]
    assert compare(rate, spiking).get("weight_correlation").mean == pytest.approx(wanted)


def test_nrmse_of_noisy_rates_is_the_noise_over_the_signal():
    comparison = compare(synthetic.result("rate"), synthetic.result("spiking", noise=0.19))
    assert comparison.get("rate_nrmse", "learn").mean == pytest.approx(0.2, rel=0.05)
    assert comparison.get("rate_pearson", "learn").mean == pytest.approx(1 / np.sqrt(1 + 0.2**2), rel=0.02)


def test_seeds_are_paired_whatever_their_order():
    rates = [synthetic.result("rate", seed) for seed in (2, 0, 1)]
    spikings = [synthetic.result("spiking", seed, change=1 - 0.1 * seed) for seed in (0, 1, 2)]
    comparison = compare(rates, spikings)
    slope = comparison.get("weight_slope")
    assert comparison.seeds == (0, 1, 2)
    assert slope.values == pytest.approx((1, 0.9, 0.8))
    assert (slope.mean, slope.sd, slope.n) == pytest.approx((0.9, 0.1, 3))


def test_steps_are_matched_by_item_epoch_and_repeat_not_by_position():
    rate, spiking = synthetic.result("rate"), synthetic.result("spiking")
    order = np.random.default_rng(0).permutation(spiking.data.sizes["step"])
    shuffled = Result(spiking.data.isel(step=order))
    first, second = matched_rates(rate, shuffled, phase="recall", name="mean_x")
    np.testing.assert_array_equal(first, second)
    assert compare(rate, shuffled).get("rate_nrmse", "recall").mean == pytest.approx(0, abs=1e-12)


def test_one_seed_has_no_spread():
    agreement = compare(synthetic.result("rate"), synthetic.result("spiking")).get("weight_slope")
    assert np.isnan(agreement.sd)
    assert agreement.n == 1


def test_different_starting_weights_are_noted_and_not_compared():
    spiking = synthetic.result("spiking")
    spiking = Result(spiking.data.assign(recurrent_w=spiking.recurrent_w + 0.1))
    comparison = compare(synthetic.result("rate"), spiking)
    assert "changes of recurrent_w are not compared: the variants started from different weights" in comparison.notes
    with pytest.raises(ResultError, match="weight_slope"):
        comparison.get("weight_slope")


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        ("", "recall is not compared: the model has no recall criterion"),
        (
            json.dumps(synthetic.CRITERION | {"phase": "test"}),
            "recall is not compared: No step of the result has the phase 'test'. It has: learn, recall.",
        ),
        (json.dumps(synthetic.CRITERION | {"target": "goal"}), "holds no variable 'goal'"),
    ],
)
def test_models_without_recall_are_compared_in_the_rest(criterion, said):
    comparison = compare(
        synthetic.result("rate", recalled_by=criterion), synthetic.result("spiking", recalled_by=criterion)
    )
    assert said in str(comparison)
    assert comparison.get("rate_pearson", "learn").mean == pytest.approx(1)
    assert not comparison.recalled
    with pytest.raises(ResultError, match="'recalled_rate'.*none matches"):
        comparison.get("recalled_rate")


def test_a_criterion_asked_for_that_does_not_fit_is_an_error():
    with pytest.raises(ResultError, match="the phase 'test'. It has: learn, recall"):
        compare(synthetic.result("rate"), synthetic.result("spiking"), phase="test")


def test_the_dataset_holds_every_agreement_by_seed_and_epoch():
    seeds = (0, 1)
    spikings = [synthetic.result("spiking", seed, recalled={1: seed, 2: 3, 5: 6}) for seed in seeds]
    data = compare([synthetic.result("rate", seed) for seed in seeds], spikings).to_dataset()
    assert data.rate_pearson_recall.dims == ("seed",)
    assert data.recalled_spiking_recall.sel(seed=1).values == pytest.approx([1 / 6, 0.5, 1])
    assert data.recalled_difference_recall.sel(epoch=1).values == pytest.approx([0, 1 / 6])
    assert data.attrs["model"] == "synthetic2024"


def test_the_table_and_repr_show_every_quantity():
    comparison = compare(synthetic.result("rate"), synthetic.result("spiking"))
    text = repr(comparison)
    for part in ("synthetic2024", "seeds 0", "rates, Pearson r (recall)", "slope (recurrent_w)", "epoch 5"):
        assert part in text
    assert len({len(line) for line in comparison.table().splitlines()}) == 1
    assert all(isinstance(cell, str) for row in comparison.rows() for cell in row)


@pytest.mark.parametrize(
    ("rate", "spiking", "message"),
    [
        ({}, {"model": "other2020"}, "two models: 'synthetic2024' and 'other2020'"),
        (
            {},
            {"parameters": {"gamma": {"value": 1.0, "unit": "1"}}},
            r"differ in parameters: gamma \(0.6 and 1.0\)",
        ),
        ({}, {"seed": 5}, r"rate variant has seeds \[0\] and the spiking variant \[5\]"),
        ({"complete": 0}, {}, "before its protocol ended"),
    ],
)
def test_what_cannot_be_compared_is_refused(rate, spiking, message):
    with pytest.raises(ResultError, match=message):
        compare(synthetic.result("rate", **rate), synthetic.result("spiking", **spiking))


def test_parameters_that_only_one_variant_has_are_no_difference():
    spiking = synthetic.result("spiking", parameters={"cells_per_unit": {"value": 4, "unit": "1"}})
    assert compare(synthetic.result("rate"), spiking).get("weight_slope").mean == pytest.approx(1)


def test_swapped_or_duplicate_or_foreign_arguments_are_refused():
    rate, spiking = synthetic.result("rate"), synthetic.result("spiking")
    with pytest.raises(ResultError, match="Expected rate results, got a spiking one"):
        compare(spiking, rate)
    with pytest.raises(ResultError, match="Two rate results have the seed 0"):
        compare([rate, rate], spiking)
    with pytest.raises(ResultError, match=r"load files with Result\.load"):
        compare(["run.nc"], spiking)
    with pytest.raises(ResultError, match="no rate result"):
        compare([], spiking)


def test_different_stimuli_with_one_seed_are_refused():
    spiking = synthetic.result("spiking")
    spiking = Result(spiking.data.assign(cue=-spiking.cue))
    with pytest.raises(ResultError, match="different stimuli 'cue'"):
        compare(synthetic.result("rate"), spiking)


def test_an_ambiguous_or_misspelt_agreement_lists_the_choices():
    comparison = compare(synthetic.result("rate"), synthetic.result("spiking"))
    with pytest.raises(ResultError, match=r"2 match.*'rate_pearson', 'learn', 'rate_pearson', 'recall'"):
        comparison.get("rate_pearson")
    with pytest.raises(ResultError, match="Did you mean 'rate_pearson'"):
        comparison.get("rate_person")


def test_steps_without_an_average_are_left_out():
    spiking = synthetic.result("spiking")
    rates = spiking.mean_x.values.copy()
    rates[:2] = np.nan
    spiking = Result(spiking.data.assign(mean_x=(("step", "unit"), rates)))
    first, _ = matched_rates(synthetic.result("rate"), spiking, phase="learn", name="mean_x")
    assert len(first) == 5 * synthetic.ITEMS - 2


def test_weights_recorded_once_are_noted():
    results = [Result(synthetic.result(variant).data.isel(epoch=[0])) for variant in ("rate", "spiking")]
    assert "record=('weights',)" in str(compare(*results))


def test_compare_is_the_function_whatever_was_imported_first():
    code = "import brainmem.report; from brainmem import plot, compare, measure; assert callable(compare)"
    folders = [path for path in sys.path if path]
    assert subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {folders}; {code}"]).returncode == 0
