"""Comparison of variants whose differences are known."""

import json
import subprocess
import sys

import numpy as np
import pytest

from brainmem import freeze, get_model, plot, simulate
from brainmem.errors import ResultError
from brainmem.measure import recall_table
from brainmem.results.comparison import compare, matched_rates
from brainmem.results.result import Result
from tests.support import synthetic


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
    with pytest.raises(ResultError, match=r"'recalled_rate'.*none matches"):
        comparison.get("recalled_rate")


def test_a_criterion_asked_for_that_does_not_fit_is_an_error():
    with pytest.raises(ResultError, match=r"the phase 'test'\. It has: learn, recall"):
        compare(synthetic.result("rate"), synthetic.result("spiking"), phase="test")


def test_the_dataset_holds_every_agreement_by_seed_and_epoch():
    seeds = (0, 1)
    spikings = [synthetic.result("spiking", seed, recalled={1: seed, 2: 3, 5: 6}) for seed in seeds]
    data = compare([synthetic.result("rate", seed) for seed in seeds], spikings).to_dataset()
    assert data.rate_pearson_recall.dims == ("seed",)
    assert data.recalled_spiking_recall.sel(seed=1).values == pytest.approx([1 / 6, 0.5, 1])
    assert data.recalled_difference_recall.sel(epoch=1).values == pytest.approx([0, 1 / 6])
    assert data.attrs["model"] == "synthetic2024"
    assert json.loads(data.attrs["recalled"]) == synthetic.CRITERIA


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


PHI = {"x": [0, 1], "y": [0, 2], "x_unit": "1", "y_unit": "hertz", "zero_at": None, "meaning": "", "source": "ours"}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"phi": {**PHI, "y": [0, 3]}}, r"differ in curves: phi \(other y\)\. Run both with the same curves"),
        ({"phi": {**PHI, "x": [0, 2], "y_unit": "1"}}, r"differ in curves: phi \(other x and y\)"),
        ({"phi": {**PHI, "zero_at": 1.0}}, r"differ in curves: phi \(other zero_at\)"),
        ({}, r"differ in curves: phi \(of one only\)"),
        ({"phi": {**PHI, "meaning": "measured", "source": "fig. 1"}}, ""),
    ],
)
def test_results_of_other_curves_are_not_compared(other, said):
    rate, spiking = (synthetic.result(v, curves=json.dumps({"phi": PHI})) for v in ("rate", "spiking"))
    compare(rate, spiking)
    changed = [synthetic.result(variant, 1, curves=json.dumps(other)) for variant in ("rate", "spiking")]
    if not said:
        compare(rate, synthetic.result("spiking", curves=json.dumps(other)))
        return
    with pytest.raises(ResultError, match=f"the rate and the spiking run, {said}"):
        compare(rate, synthetic.result("spiking", curves=json.dumps(other)))
    with pytest.raises(ResultError, match=f"seeds 0 and 1, {said}"):
        compare([rate, changed[0]], [spiking, changed[1]])
    with pytest.raises(ResultError, match="The rate results differ in their curves"):
        plot.recall_curve([rate, changed[0]])


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
    with pytest.raises(ResultError, match="different tables 'cue'"):
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
    code = "import brainmem.study.report; from brainmem import plot, compare, measure; assert callable(compare)"
    folders = [path for path in sys.path if path]
    assert subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {folders}; {code}"]).returncode == 0


# Trials, several populations


def by_hand(rate, spiking):
    """Return the mean over units of Pearson's correlation over samples, and the NRMSE, of (sample, unit) rates."""
    each = [np.corrcoef(x, y)[0, 1] for x, y in zip(rate.T, spiking.T, strict=True)]
    return np.mean(each), np.sqrt(np.mean((spiking - rate) ** 2)) / np.sqrt(np.mean((rate - rate.mean()) ** 2))


def in_phase(result, phase, name="mean_x"):
    """Return the rates of a phase in the order of epoch, item and repeat, (step, ...)."""
    columns = [result[f"step_{key}"].values for key in ("repeat", "item", "epoch")]
    chosen = np.flatnonzero(result.step_phase.values == phase)
    order = np.lexsort([column[chosen] for column in columns])
    return result[name].values[chosen][order]


@pytest.mark.parametrize("trials", [1, 2, 5])
def test_trials_are_matched_one_by_one_and_units_by_units(trials):
    seeds = (0, 1)
    rate, spiking = ([synthetic.of_trials(synthetic.result(v, s), trials) for s in seeds] for v in ("rate", "spiking"))
    comparison = compare(rate, spiking)
    for phase in ("learn", "recall"):
        both = [
            [in_phase(r, phase).reshape(-1, synthetic.UNITS) for r in pair] for pair in zip(rate, spiking, strict=True)
        ]
        pearson, nrmse = zip(*(by_hand(*pair) for pair in both), strict=True)
        np.testing.assert_allclose(comparison.get("rate_pearson", phase).values, pearson, rtol=1e-12)
        np.testing.assert_allclose(comparison.get("rate_nrmse", phase).values, nrmse, rtol=1e-12)
    for variant, results in (("rate", rate), ("spiking", spiking)):
        tables = [recall_table(result).recalled.sel(epoch=2).item() for result in results]
        assert comparison.get(f"recalled_{variant}", epoch=2).values == pytest.approx(tables)
    assert plot.comparison(comparison).axes


def test_swapped_trials_are_no_agreement():
    rate = synthetic.of_trials(synthetic.result("rate"), 4, noise=1.0)
    spiking = synthetic.result("spiking")
    copy = Result(spiking.data.drop_vars(["mean_x", "recurrent_w"]).assign(mean_x=rate.mean_x))
    swapped = Result(copy.data.assign(mean_x=rate.mean_x[:, ::-1]))
    assert compare(rate, copy).get("rate_nrmse", "learn").mean == pytest.approx(0, abs=1e-12)
    assert compare(rate, swapped).get("rate_nrmse", "learn").mean > 0.5


def test_different_numbers_of_trials_are_refused_and_one_trial_is_a_run_without():
    rate, spiking = synthetic.result("rate"), synthetic.result("spiking")
    with pytest.raises(ResultError, match=r"with seed 0 the rate run has 3 and the spiking run 2.*same trials="):
        compare(synthetic.of_trials(rate, 3), synthetic.of_trials(spiking, 2))
    with pytest.raises(ResultError, match="the rate run has 1 and the spiking run 2"):
        compare(rate, synthetic.of_trials(spiking, 2))
    early = changed(rate, "learn", ended_early)
    alone = synthetic.of_trials(spiking, 1, noise=0)
    comparison = compare(early, alone)
    assert comparison.get("rate_nrmse", "learn").mean == pytest.approx(0, abs=1e-12)
    assert "4 of 30 steps are left out" in str(comparison)
    own = Result(alone.data.assign(cue=(("item", "trial", "unit"), alone.cue.values[:, None])))
    assert compare(rate, own).get("rate_nrmse", "learn").n == 1


def test_the_rates_of_every_population_have_their_own_rows():
    rate, spiking = (synthetic.of_two_populations(synthetic.result(variant)) for variant in ("rate", "spiking"))
    comparison = compare(rate, spiking)
    for phase in ("learn", "recall"):
        pearson, nrmse = by_hand(*(in_phase(result, phase, "mean_gain") for result in (rate, spiking)))
        assert comparison.get("rate_pearson", phase, rate="gain").mean == pytest.approx(pearson, rel=1e-12)
        assert comparison.get("rate_nrmse", phase, rate="gain").mean == pytest.approx(nrmse, rel=1e-12)
        assert comparison.get("rate_nrmse", phase, rate="x").mean == pytest.approx(0, abs=1e-12)
    with pytest.raises(ResultError, match=r"2 match.*'rate_pearson', 'learn', rate='gain', .*rate='x'"):
        comparison.get("rate_pearson", "learn")
    assert "rates, NRMSE (gain, recall)" in str(comparison)
    assert {"rate_nrmse_gain_learn", "rate_nrmse_x_learn", "weight_slope_recurrent_w"} <= set(comparison.to_dataset())
    assert comparison.get("recalled_rate", epoch=2).mean == 0.5
    titles = [axes.get_title(loc="left") for axes in plot.comparison(comparison).axes]
    assert titles[:4] == ["x, learn", "x, recall", "gain, learn", "gain, recall"]
    labels = {axes.get_xlabel() for axes in plot.comparison(comparison).axes}
    assert {"rate variant", "rate variant (hertz)"} <= labels


def test_one_unit_has_a_correlation_over_steps():
    rate, spiking = (synthetic.of_trials(varying(synthetic.result(v)), 2, units=1) for v in ("rate", "spiking"))
    comparison = compare(rate, spiking, score="overlap")
    wanted = by_hand(*(in_phase(result, "learn").reshape(-1, 1) for result in (rate, spiking)))
    assert comparison.get("rate_pearson", "learn").mean == pytest.approx(wanted[0], rel=1e-12)
    assert comparison.get("rate_nrmse", "learn").mean == pytest.approx(wanted[1], rel=1e-12)
    assert comparison.get("recalled_rate", epoch=1).n == 1


def test_all_weights_are_compared_and_stimuli_with_frames_must_be_the_same():
    rng = np.random.default_rng(3)
    start, moved = rng.normal(size=(1, 5, 4)), rng.normal(size=(3, 5, 4))
    film = (("item", "frame", "unit"), rng.normal(size=(synthetic.ITEMS, 9, synthetic.UNITS)))
    pair = [
        Result(
            synthetic.result(variant).data.assign(
                film=film, readout_w=(("epoch", "readout_post", "readout_pre"), np.concatenate([start, start + change]))
            )
        )
        for variant, change in (("rate", moved), ("spiking", 0.6 * moved + 0.1))
    ]
    comparison = compare(*pair)
    assert comparison.get("weight_slope", "readout_w").mean == pytest.approx(0.6)
    assert comparison.get("weight_correlation", "readout_w").mean == pytest.approx(1)
    assert comparison.get("weight_slope", "recurrent_w").mean == pytest.approx(1)
    shown = pair[1].film.values.copy()
    shown[2, 3] = 0
    other = Result(pair[1].data.assign(film=(pair[1].film.dims, shown)))
    with pytest.raises(ResultError, match="have different tables 'film'"):
        compare(pair[0], other)


def test_one_population_may_be_asked_for():
    rate, spiking = (synthetic.of_two_populations(synthetic.result(variant)) for variant in ("rate", "spiking"))
    comparison = compare(rate, spiking, rate="gain")
    assert {item.rate for item in comparison.agreements if item.key.startswith("rate_")} == {"gain"}
    assert comparison.get("recalled_spiking", epoch=5).n == 1
    assert len(plot.comparison(comparison).axes) == 3
    with pytest.raises(ResultError, match=r"'gian' was recorded\. Did you mean 'gain'\? Rates recorded: x, gain"):
        compare(rate, spiking, rate="gian")


@pytest.mark.slow
def test_the_runs_of_a_frozen_model_are_compared_trial_by_trial(tmp_path):
    model = freeze(get_model("kurikawa2020"), "recall", items="M")
    small = {"N": 12, "M": 2, "T_recall": "3*tau", "T_average": "1*tau"}
    pair = [simulate(model, v, parameters=small, trials=3, device="runtime") for v in ("rate", "spiking")]
    loaded = [Result.load(result.save(tmp_path / f"{result.variant}.nc")) for result in pair]
    wanted = by_hand(*(result.mean_x.values.reshape(-1, 12) for result in pair))
    for comparison in (compare(*pair), compare(*loaded)):
        assert comparison.get("rate_pearson").mean == pytest.approx(wanted[0], rel=1e-10)
        assert comparison.get("rate_nrmse").mean == pytest.approx(wanted[1], rel=1e-10)
        assert "changes of recurrent_w are not compared: only the start was recorded" in str(comparison)


# What has no number, and why


def changed(result, phase, change):
    """Return a result in which `change(rates)` stands for the rates of a phase."""
    rates, chosen = result.mean_x.values.copy(), (result.step_phase == phase).values
    rates[chosen] = change(rates[chosen])
    return Result(result.data.assign(mean_x=(result.mean_x.dims, rates)))


def only(result, phase, count):
    """Return a result with a few steps of one phase."""
    chosen = np.flatnonzero((result.step_phase == phase).values)[:count]
    return Result(result.data.isel(step=chosen))


def still(rates):
    return np.where(rates > 0, 0.1, np.nextafter(0.1, 1))  # the same up to rounding


def never_averaged(rates):
    return np.full_like(rates, np.nan)


def ended_early(rates):
    return np.where(np.arange(len(rates))[:, None] < 4, np.nan, rates)


def unit_still(rates):
    return np.where(np.arange(rates.shape[1]) < 2, 0.5, rates)


def varying(result):
    """Return a result without units that happen to be the same in all steps."""
    noise = np.random.default_rng(5).normal(size=result.mean_x.shape)
    return Result(result.data.assign(mean_x=(result.mean_x.dims, result.mean_x.values + noise)))


PAIR = [varying(synthetic.result(variant)) for variant in ("rate", "spiking")]
WITHOUT = {
    "one step": (
        [only(result, "learn", 1) for result in PAIR],
        "rates, Pearson r (learn) has no value: there is one step only",
    ),
    "still rates": (
        [changed(result, "learn", still) for result in PAIR],
        "rates, NRMSE (learn) has no value: the rates of the rate variant are the same",
    ),
    "still units": (
        [changed(result, "learn", still) for result in PAIR],
        "rates, Pearson r (learn) has no value: no unit has rates that vary over steps in both variants",
    ),
    "some units still": (
        [PAIR[0], changed(PAIR[1], "recall", unit_still)],
        "rates, Pearson r (recall) leaves out 2 of 40 units, whose rate does not vary over steps",
    ),
    "no averages": (
        [PAIR[0], changed(PAIR[1], "learn", never_averaged)],
        "rates 'x' in phase 'learn' are not compared: no step has an average in both variants",
    ),
    "some averages": (
        [changed(PAIR[0], "learn", ended_early), PAIR[1]],
        "rates 'x' in phase 'learn': 4 of 30 steps are left out, without an average",
    ),
    "a test without an average": (
        [changed(result, "recall", ended_early) for result in PAIR],
        "recall is not compared: 4 of the 36 steps of phase 'recall' have no average rates",
    ),
    "a phase of one variant": (
        [PAIR[0], Result(PAIR[1].data.isel(step=(PAIR[1].step_phase == "recall").values))],
        "rates 'x' in phase 'learn' are not compared: Only the rate variant ran the phase 'learn'.",
    ),
    "a phase of the other variant": (
        [Result(PAIR[0].data.isel(step=(PAIR[0].step_phase == "recall").values)), PAIR[1]],
        "rates 'x' in phase 'learn' are not compared: Only the spiking variant ran the phase 'learn'.",
    ),
    "steps of one variant": (
        [PAIR[0], Result(PAIR[1].data.isel(step=slice(3, None)))],
        "rates 'x' in phase 'learn': 3 steps that only one variant executed are left out",
    ),
    "no step in common": (
        [only(result, "learn", 1) for result in (PAIR[0], Result(PAIR[1].data.isel(step=slice(3, None))))],
        "No step of the phase 'learn' has the same item, epoch and repeat in both variants.",
    ),
    "weights of one variant": (
        [Result(PAIR[0].data.drop_vars("recurrent_w")), PAIR[1]],
        "changes of recurrent_w are not compared: they were not recorded by both; ask for record=('weights',)",
    ),
    "fixed weights": (
        [with_weights(result, lambda change: 0 * change) for result in PAIR],
        "changes of recurrent_w are not compared: neither variant changed them",
    ),
    "weights that one variant changed": (
        [with_weights(PAIR[0], lambda change: 0 * change), PAIR[1]],
        "weight changes, norm ratio (recurrent_w) has no value: the rate variant changed no synapse",
    ),
    "weights that all changed alike": (
        [with_weights(PAIR[0], lambda change: np.full_like(change, 0.1)), PAIR[1]],
        "weight changes, Pearson r (recurrent_w) has no value: one variant changed all synapses alike",
    ),
    "rates of one variant": (
        [PAIR[0], synthetic.of_two_populations(PAIR[1])],
        "rates 'gain' are not compared: they are missing in results of the rate variant",
    ),
}


@pytest.mark.parametrize("case", WITHOUT)
def test_what_has_no_number_is_said_in_a_note(case):
    pair, said = WITHOUT[case]
    text = str(compare(*pair))
    assert said in text
    assert "nan" not in text


def test_a_comparison_of_nothing_at_all_is_a_list_of_reasons():
    pair = [only(Result(PAIR[0].data.drop_vars("recurrent_w")), "learn", 2), only(PAIR[1], "recall", 2)]
    comparison = compare(*pair)
    assert comparison.agreements == ()
    assert len(comparison.notes) >= 3
    assert len(comparison.to_dataset()) == 0
    with pytest.raises(ResultError, match="no rates and no weight changes to plot"):
        plot.comparison(comparison)


def test_a_seed_without_a_number_is_named_and_the_others_count():
    rates = [PAIR[0], varying(synthetic.result("rate", 1))]
    spikings = [changed(PAIR[1], "learn", never_averaged), varying(synthetic.result("spiking", 1))]
    comparison = compare(rates, spikings)
    pearson = comparison.get("rate_pearson", "learn")
    assert np.isnan(pearson.values[0])
    assert pearson.n == 1
    [note] = [note for note in comparison.notes if "not compared" in note]
    assert note.endswith("(seed 0)")


def test_seeds_of_different_settings_or_criteria_are_not_averaged():
    spikings = [synthetic.result("spiking", seed) for seed in (0, 1)]
    other = [synthetic.result(v, 1, parameters={"gamma": {"value": 9, "unit": "1"}}) for v in ("rate", "spiking")]
    with pytest.raises(ResultError, match=r"seeds 0 and 1, differ in parameters: gamma \(0.6 and 9\)"):
        compare([synthetic.result("rate"), other[0]], [spikings[0], other[1]])
    criterion = json.dumps(synthetic.CRITERION | {"threshold": 0.5})
    rates = [synthetic.result("rate"), synthetic.result("rate", 1, recalled_by=criterion)]
    assert "different recall criteria" in str(compare(rates, spikings))
    assert compare(rates, spikings, score="overlap", threshold=0.5, repeats="each").get("recalled_rate", epoch=5).n == 2


def test_the_warnings_of_results_are_repeated_once_with_their_seeds():
    cut, wrong = "rates of 'units' left rate_range", "the f-I curve was extrapolated"
    spikings = [
        synthetic.result(
            "spiking", seed, warnings=json.dumps([cut, wrong][: 1 + seed % 2]), notes=json.dumps(["w: read"])
        )
        for seed in range(3)
    ]
    rates = [synthetic.result("rate", seed, warnings=json.dumps([cut]) if seed == 2 else "") for seed in range(3)]
    comparison = compare(rates, spikings)
    assert comparison.notes[-3:] == (
        f"spiking: {cut} (seeds 0, 1, 2)",
        f"spiking: {wrong} (seed 1)",
        f"rate: {cut} (seed 2)",
    )
    assert "read" not in str(comparison)
    assert spikings[0].warnings == [cut]
    assert synthetic.result("rate").warnings == []
