"""Measures against closed forms, identities and invariants."""

import inspect

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from brainmem import measure
from brainmem.errors import ResultError
from brainmem.results.result import Result
from tests.support import synthetic

samples = arrays(float, 8, elements=st.floats(-100, 100))


@given(samples, samples, st.floats(0.1, 10), st.floats(-50, 50))
def test_pearson_ignores_scale_and_offset_and_changes_sign(x, y, scale, offset):
    r = measure.pearson(x, y)
    if np.isnan(r) or min(x.std(), y.std()) < 1e-3:
        return
    assert -1 <= r <= 1
    assert measure.pearson(y, x) == pytest.approx(r)
    assert measure.pearson(scale * x + offset, y) == pytest.approx(r, abs=1e-6)
    assert measure.pearson(-x, y) == pytest.approx(-r, abs=1e-9)
    assert r == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)


def test_pearson_runs_along_an_axis_and_is_nan_for_constants():
    x = np.array([[1.0, 2, 4], [3, 3, 3]])
    r = measure.pearson(x, 2 * x + 1)
    assert r[0] == pytest.approx(1)
    assert np.isnan(r[1])
    assert measure.pearson(x.T, x.T, axis=0)[0] == pytest.approx(1)
    assert measure.pearson(1e200 * x[0], 1e-200 * x[0]) == pytest.approx(1)


@given(arrays(float, (3, 5), elements=st.floats(-10, 10)))
def test_pvar_is_one_minus_the_squared_nrmse(target):
    if target.std() < 1e-3:
        return
    output = target + np.linspace(-1, 1, 15).reshape(3, 5)
    assert measure.pvar(target, output) == pytest.approx(1 - measure.nrmse(output, target) ** 2)
    assert measure.pvar(target, target) == 1
    assert measure.pvar(target, np.full_like(target, target.mean())) == pytest.approx(0, abs=1e-9)


def test_pvar_uses_squares_not_norms():
    target, output = np.array([0.0, 2]), np.array([0.0, 1])
    assert measure.pvar(target, output) == pytest.approx(1 - 1 / 2)


def test_pvar_of_units_leaves_out_what_is_not_known():
    rng = np.random.default_rng(0)
    target, output = rng.random((3, 20, 4)), rng.random((3, 20, 4))
    target[:, 5:9, 1], target[..., 2], target[..., 3] = np.nan, np.nan, 0.3
    found = measure.unit_pvar(target, output)
    assert found[0] == pytest.approx(measure.pvar(target[..., 0], output[..., 0]))
    known = np.isfinite(target[..., 1])
    assert found[1] == pytest.approx(measure.pvar(target[..., 1][known], output[..., 1][known]))
    assert np.isnan(found[2:]).all()
    with pytest.raises(ResultError, match="target holds infinite values"):
        measure.unit_pvar(np.full((3, 2), np.inf), np.ones((3, 2)))


def test_a_pattern_overlaps_itself_fully_and_a_half_flipped_one_not_at_all():
    target, _ = synthetic.patterns()
    assert measure.overlap(target, target) == pytest.approx(np.ones(len(target)))
    flipped = np.where(np.arange(synthetic.UNITS) < synthetic.UNITS // 4, -1, 1) * target
    assert measure.overlap(flipped, target) == pytest.approx(0.5)
    assert measure.overlap(target[0], target[0]) == 1


def test_a_map_counts_by_the_fraction_of_its_starts():
    overlaps = np.array([[0.9, 0.9, 0.2], [0.1, 0.2, 0.3]])
    assert measure.recalled_fraction(overlaps, threshold=0.85) == pytest.approx(1 / 3)
    assert measure.recalled_fraction([0.9, 0.85], threshold=0.85) == 0.5


def test_recall_table_finds_the_maps_that_were_recalled():
    table = measure.recall_table(synthetic.result(recalled={1: 0, 2: 3, 5: 6}))
    assert table.epoch.values.tolist() == [1, 2, 5]
    assert table.recalled.values == pytest.approx([0, 0.5, 1])
    assert table.score.shape == (3, synthetic.ITEMS, synthetic.STARTS)
    assert table.score.sel(epoch=2).values[:3] == pytest.approx(0.95)
    assert table.score.sel(epoch=2).values[3:] == pytest.approx(0, abs=1e-12)


def test_the_pearson_score_ignores_the_amplitude():
    result = synthetic.result()
    faint = Result(result.data.assign(mean_x=0.1 * result.mean_x))
    assert measure.recall_table(faint).recalled.values[-1] == 0
    assert measure.recall_table(faint, score="pearson").recalled.values[-1] == 1


def test_recall_of_items_that_were_skipped_is_nan():
    result = synthetic.result()
    partial = Result(result.data.isel(step=~((result.step_item == 4) & (result.step_phase == "recall")).values))
    table = measure.recall_table(Result(partial.data))
    assert 4 not in table.item
    late = Result(
        result.data.isel(step=~((result.step_item == 4) & (result.step_epoch == 1) & (result.step_phase == "recall")))
    )
    table = measure.recall_table(late)
    assert np.isnan(table.score.sel(epoch=1, item=4)).all()
    assert table.recalled.values == pytest.approx([0, 0.5, 1])


def test_tests_that_an_epoch_cannot_tell_apart_are_refused():
    result = synthetic.result()
    twice = np.concatenate([np.arange(result.data.sizes["step"]), np.flatnonzero(result.step_phase == "recall")])
    with pytest.raises(ResultError, match="tests an item several times in one epoch"):
        measure.recall_table(Result(result.data.isel(step=twice)))


def test_recall_of_an_unfinished_or_untested_run_is_refused():
    with pytest.raises(ResultError, match="before its protocol ended"):
        measure.recall_table(synthetic.result(complete=0))
    with pytest.raises(ResultError, match="It has: learn, recall"):
        measure.recall_table(synthetic.result(), phase="test")
    with pytest.raises(ResultError, match="Rates recorded: x"):
        measure.recall_table(synthetic.result(), rate="y")
    with pytest.raises(ResultError, match="Did you mean 'pearson'"):
        measure.recall_table(synthetic.result(), score="person")


def test_capacity_is_where_the_fraction_falls_through_one_half():
    assert measure.capacity([0.1, 0.2, 0.3, 0.4], [0.87, 0.98, 0.53, 0.17]) == pytest.approx(0.3 + 0.1 * 3 / 36)
    assert measure.capacity([0.1, 0.2], [1, 0]) == pytest.approx(0.15)
    assert measure.capacity([0.1, 0.2], [0.4, 0.1]) == 0
    assert measure.capacity([0.1, 0.2], [1, 0.9]) == np.inf
    with pytest.raises(ResultError, match="must ascend"):
        measure.capacity([0.2, 0.1], [1, 0])


def test_the_designed_pseudo_inverse_has_no_interference_and_cancels_the_cue():
    targets, cues = synthetic.patterns()
    gamma, kappa, c, items = 0.6, 0.9, 0.4, len(targets)
    weights = measure.designed_pseudo_inverse(targets, cues, gamma=gamma, kappa=kappa, c=c)
    coordinates = measure.pattern_coordinates(weights, targets, cues)
    one = np.eye(items)
    assert coordinates == pytest.approx(np.block([[kappa * one, c * one], [-gamma * one, -gamma * one]]), abs=1e-9)
    assert measure.decorrelation_index(weights, targets, cues) == pytest.approx(0, abs=1e-9)
    assert targets @ weights.T + gamma * cues == pytest.approx(kappa * targets)


def test_the_designed_hebb_memory_interferes():
    targets, cues = synthetic.patterns()
    weights = measure.designed_hebb(targets, cues)
    assert weights == pytest.approx(
        sum(np.outer(t - e, t + e) for t, e in zip(targets, cues, strict=True)) / synthetic.UNITS
    )
    assert measure.decorrelation_index(weights, targets, cues) > 0.05


def test_the_decorrelation_index_is_rms_off_diagonal_over_mean_diagonal():
    targets, cues = synthetic.patterns(items=2, units=12, seed=3)
    columns = np.vstack([targets, cues]).T
    wanted = np.full((4, 4), 0.1)
    for row, col, value in [
        (0, 0, 1),
        (1, 1, 1),
        (0, 2, 2),
        (1, 3, 2),
        (2, 0, -1),
        (3, 1, -1),
        (2, 2, -2),
        (3, 3, -2),
    ]:
        wanted[row, col] = value
    weights = columns @ wanted @ np.linalg.pinv(columns)
    assert measure.decorrelation_index(weights, targets, cues) == pytest.approx(0.1 / 1.5)


def test_coordinates_reconstruct_weights_that_live_in_the_patterns():
    targets, cues = synthetic.patterns()
    weights = measure.designed_hebb(targets, cues)
    columns = np.vstack([targets, cues]).T
    coordinates = measure.pattern_coordinates(weights, targets, cues)
    assert columns @ coordinates @ np.linalg.pinv(columns) == pytest.approx(weights)


def test_dependent_patterns_are_refused():
    targets, _ = synthetic.patterns()
    with pytest.raises(ResultError, match="span only 6 dimensions"):
        measure.pattern_coordinates(np.eye(synthetic.UNITS), targets, targets)
    targets, cues = synthetic.patterns(items=30)
    with pytest.raises(ResultError, match="fewer items than half"):
        measure.decorrelation_index(np.eye(synthetic.UNITS), targets, cues)


def test_hebbian_stabilities_have_mean_one_over_root_alpha_and_unit_deviation():
    units, alpha = 1000, 0.3
    patterns = np.random.default_rng(0).choice([-1.0, 1.0], (int(alpha * units), units))
    delta = measure.stability(measure.hebb(patterns), patterns)
    assert delta.mean() == pytest.approx(alpha**-0.5, rel=0.01)
    assert delta.std() == pytest.approx(1, abs=0.02)
    assert (delta < 0).mean() == pytest.approx(0.0339, abs=0.003)
    assert measure.stability(3 * measure.hebb(patterns), patterns) == pytest.approx(delta)


def test_stability_without_weights_is_refused():
    with pytest.raises(ResultError, match="Unit 1 has no input"):
        measure.stability(np.diag([1.0, 0]), [[1, -1]])


def test_row_norms_sum_over_presynaptic_units():
    assert measure.row_norms([[3, 4], [0, 2]]).tolist() == [5, 2]
    assert measure.row_norms(np.ones((7, 4, 4))) == pytest.approx(np.full((7, 4), 2))


def test_the_nearest_pattern_of_a_pattern_is_itself_whatever_its_sign_and_size():
    targets, _ = synthetic.patterns()
    assert measure.nearest_cosine(-0.3 * targets, targets) == pytest.approx(1)
    assert measure.nearest_cosine(targets[0], targets) == pytest.approx(1)
    assert np.isnan(measure.nearest_cosine(np.zeros(synthetic.UNITS), targets))
    basis = np.eye(4)
    assert measure.nearest_cosine([3.0, 4, 0, 0], basis) == pytest.approx(0.8)


def test_a_time_summary_drops_the_transient():
    mean, deviation = measure.time_summary([[9, 1, 3], [9, 2, 2]], transient=1)
    assert mean.tolist() == [2, 2]
    assert deviation.tolist() == [1, 0]
    with pytest.raises(ResultError, match="between 0 and 2"):
        measure.time_summary([1, 2, 3], transient=3)


@given(st.floats(0, 30), st.floats(0, 30))
def test_ring_distance_is_symmetric_and_wraps(a, b):
    gap = measure.ring_distance(a, b, size=10)
    assert 0 <= gap <= 5
    assert gap == pytest.approx(measure.ring_distance(b, a, size=10))
    assert gap == pytest.approx(measure.ring_distance(a + 10, b, size=10), abs=1e-9)


def test_drift_takes_the_short_way_round():
    assert measure.drift([9, 2], [1, 1], size=10) == pytest.approx(1.5)


def test_the_fano_factor_of_filtered_poisson_spikes_is_one():
    rng = np.random.default_rng(1)
    tau, rate_max, cells, dt, activity = 0.02, 100.0, 4, 2e-4, 0.4
    kicks = rng.poisson(activity * rate_max * dt * cells, (200_000, 5)) / (tau * rate_max * cells)
    trace = np.empty_like(kicks)
    trace[0] = activity
    for k in range(1, len(kicks)):
        trace[k] = trace[k - 1] * (1 - dt / tau) + kicks[k]
    fano = measure.fano_factor(trace, tau=tau, rate_max=rate_max, cells_per_unit=cells)
    assert fano == pytest.approx(1, abs=0.06)
    with pytest.raises(ResultError, match="tau must be positive"):
        measure.fano_factor(trace, tau=0, rate_max=rate_max, cells_per_unit=cells)


def test_the_bound_and_the_ceiling_follow_gamma():
    assert measure.capacity_bound(0) == 2
    assert measure.capacity_bound(0.6) == pytest.approx(2 / 1.36)
    assert measure.recall_ceiling([0.6, 1]) == pytest.approx([1 / 1.36, 0.5])


def test_the_standard_error_and_the_bootstrap_agree_for_many_samples():
    values = np.random.default_rng(0).normal(3, 2, 400)
    error = measure.standard_error(values)
    assert error == pytest.approx(values.std(ddof=1) / 20)
    low, high = measure.bootstrap(values)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)
    assert (low, high) == measure.bootstrap(values)
    assert measure.bootstrap([2.0]) == (2, 2)
    with pytest.raises(ResultError, match="at least two"):
        measure.standard_error([1.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure.overlap(np.ones(3), np.ones(4)), r"same number of units.*\(3,\) and \(4,\)"),
        (lambda: measure.overlap(np.ones((2, 3)), np.ones((4, 3))), "do not fit together"),
        (lambda: measure.overlap([1, np.nan], [1, 1]), r"x has 1 NaN.*first at \[1\]"),
        (lambda: measure.pvar(np.ones((2, 3)), np.ones((3, 2))), "same shape"),
        (lambda: measure.pvar(np.ones(3), np.ones(3)), "target is constant"),
        (lambda: measure.pearson([1.0], [2.0]), "at least two samples"),
        (lambda: measure.overlap("abc", [1]), "array of numbers"),
        (lambda: measure.recalled_fraction([], threshold=0.85), "is empty"),
        (lambda: measure.stability(np.ones((2, 3)), np.ones((1, 3))), "square"),
        (lambda: measure.stability(np.eye(3), np.ones((1, 2))), "do not fit patterns"),
        (lambda: measure.row_norms(np.ones(3)), "at least 2 dimension"),
        (lambda: measure.pattern_coordinates(np.eye(3), np.ones(3), np.ones(3)), r"shape \(item, unit\)"),
        (lambda: measure.nearest_cosine(np.ones(3), np.zeros((1, 3))), "zero everywhere"),
        (lambda: measure.bootstrap([1, 2], level=1.5), "level must lie"),
        (lambda: measure.decorrelation_index(np.eye(4), np.ones((1, 4)), [[1, -1, 1, -1]]), "at least two"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, message):
    with pytest.raises(ResultError, match=message):
        call()


INDEXED = {"epoch", "item", "repeat", "start_overlap"}
DIMENSIONS = INDEXED | {"frame", "post", "pre", "sample", "step", "time", "trial", "unit"}
SHARED = {"decorrelation", "retrieval_table", "settled", "stability_table"}  # by all trials, here
ARGUMENTS = {
    "pvar_of_tests": {"phase": "recall"},
    "retrieval_table": {"patterns": "target", "overlaps": [0.5, 1]},
    "settled": {"name": "x"},
    "stability_table": {"patterns": "target"},
}  # where a measure needs more than the result


def of_results():
    """Return the names of the public measures that take a result."""
    functions = {name: getattr(measure, name) for name in measure.__all__ if inspect.isfunction(getattr(measure, name))}
    return [name for name, each in functions.items() if "Result" in inspect.get_annotations(each).values()]


def test_measures_of_a_result_are_found():
    assert {"recall_table", "pvar_of_tests"} <= set(of_results())


@pytest.mark.parametrize("trials", [0, 2])
@pytest.mark.parametrize("name", of_results())
def test_a_measure_of_a_result_has_named_dimensions_with_units(name, trials):
    made = Result(synthetic.sequences(trials=trials).data.assign(synthetic.result(traces=True).data[["x"]]))
    if trials:
        made = Result(made.data.assign(mean_x=made.mean_x.expand_dims(trial=trials).transpose("step", "trial", "unit")))
    found = getattr(measure, name)(made, **ARGUMENTS.get(name, {}))
    assert isinstance(found, xr.DataArray | xr.Dataset)
    assert set(found.dims) <= DIMENSIONS
    assert ("trial" in found.dims) == (bool(trials) and name not in SHARED)
    assert all(found.indexes[dim].size == size for dim, size in found.sizes.items() if dim in INDEXED)
    variables = found.data_vars.values() if isinstance(found, xr.Dataset) else [found]
    assert all({"units", "long_name"} <= set(variable.attrs) for variable in variables)


def test_the_decorrelation_of_a_run_is_the_index_after_each_epoch():
    made = synthetic.result()
    found = measure.decorrelation(made)
    assert found.epoch.values.tolist() == [0, 1, 2, 5]
    for epoch in found.epoch.values:
        weights = made.recurrent_w.sel(epoch=epoch).values
        assert found.sel(epoch=epoch) == measure.decorrelation_index(weights, made.target.values, made.cue.values)
    with pytest.raises(ResultError, match="must be weights recorded after epochs"):
        measure.decorrelation(made, weights="mean_x")


def test_settled_samples_are_those_in_the_last_part_of_each_step():
    made = synthetic.result(traces=True)  # steps of 0.5 s, 400 samples of 5 ms
    found = measure.settled(made, "x")
    assert found.dims == ("step", "sample", "unit")
    np.testing.assert_array_equal(found[1], made.x[150:200])
    assert np.isnan(found[4:]).all()
    np.testing.assert_array_equal(measure.settled(made, "x", share=1.0)[0], made.x[:100])
    np.testing.assert_array_equal(measure.settled(made, "time", share=0.1)[2], made.time[290:300])
    with pytest.raises(ResultError, match="was not recorded in time"):
        measure.settled(made, "mean_x")
    with pytest.raises(ResultError, match="must lie above 0"):
        measure.settled(made, "x", share=0)


def test_the_pvar_of_tests_is_told_by_epoch_item_and_repeat():
    found = measure.pvar_of_tests(synthetic.sequences(trials=3), phase="recall")
    assert found.dims == ("epoch", "item", "repeat", "trial")
    assert found.epoch.values.tolist() == [1, 2, 5]
    assert float(found.sel(epoch=5, item=3, repeat=1).isel(trial=2)) == pytest.approx(1 - 3 * 4 / 100)
    once = measure.pvar_of_tests(synthetic.sequences(items=2), phase="recall")
    np.testing.assert_allclose(once.sel(item=1, repeat=0), 1 - 2 / (10 * once.epoch))


def test_the_pvar_of_an_item_that_was_not_tested_is_unknown():
    made = synthetic.sequences().data
    left_out = (made["step_item"] == 2) & (made["step_epoch"] == 5)
    found = measure.pvar_of_tests(Result(made.isel(step=~left_out.values)), phase="recall")
    assert found.isnull().sum() == 2
    assert found.sel(epoch=5, item=2).isnull().all()
    twice = Result(xr.concat([made, made.isel(step=[-1])], dim="step", data_vars="minimal"))
    with pytest.raises(ResultError, match="several times in one epoch"):
        measure.pvar_of_tests(twice, phase="recall")
