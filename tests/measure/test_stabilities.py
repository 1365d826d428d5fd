"""Stabilities in numbers, and the overlap after one step: closed forms of Hebb's matrix and of designed networks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from brainmem import ResultError, measure
from brainmem.results.result import Result
from tests.support import synthetic


def drawn(load=0.3, units=200, seed=0):
    patterns = np.random.default_rng(seed).choice([-1.0, 1.0], (round(load * units), units))
    return patterns, measure.hebb(patterns)


def test_the_summary_of_hebbs_matrix_is_that_of_a_normal_distribution():
    """Mean 1/sqrt(alpha), deviation 1, fraction below 0 Phi(-1/sqrt(alpha)); row norms sqrt(alpha)."""
    patterns, weights = drawn(units=1000)
    found = measure.stability_summary(weights, patterns)
    assert found.stability_mean == pytest.approx(0.3**-0.5, rel=0.01)
    assert found.stability_std == pytest.approx(1, abs=0.015)
    assert found.negative == pytest.approx(norm.cdf(-(0.3**-0.5)), abs=0.003)
    assert found.norm == pytest.approx(0.3**0.5, rel=0.01)
    assert found.stability_min == measure.stability(weights, patterns).min()
    scaled = measure.stability_summary(7 * weights, patterns)
    assert scaled.norm == pytest.approx(7 * found.norm.item())
    assert scaled.stability_min == pytest.approx(found.stability_min.item())


def test_the_table_of_a_run_is_the_summary_after_each_epoch():
    made = synthetic.result()
    found = measure.stability_table(made, patterns="target")
    assert found.epoch.values.tolist() == [0, 1, 2, 5]
    for epoch in found.epoch.values:
        one = measure.stability_summary(made.recurrent_w.sel(epoch=epoch).values, made.target.values)
        assert found.sel(epoch=epoch).drop_vars("epoch").equals(one)


def test_the_table_wants_weights_with_epochs_and_patterns_of_signs():
    made = synthetic.result()
    with pytest.raises(ResultError, match="must be weights recorded after epochs"):
        measure.stability_table(made, weights="target", patterns="target")
    with pytest.raises(ResultError, match=r"target must hold -1 and \+1 only"):
        measure.stability_table(Result(made.data.assign(target=0.5 * made.target)), patterns="target")
    with pytest.raises(ResultError, match="holds no variable 'memory'"):
        measure.stability_table(made)


@pytest.mark.parametrize("m", [0.1, 0.5, 0.9])
def test_the_overlap_after_one_step_is_the_mean_erf_of_the_stabilities(m):
    patterns, weights = drawn()
    found = measure.one_step_overlap(weights, patterns, start_overlap=m, repeats=60)
    assert found == pytest.approx(measure.one_step_overlap_expected(weights, patterns, start_overlap=m), abs=0.004)


def test_one_step_from_the_pattern_itself_is_the_share_of_positive_stabilities_less_the_others():
    patterns, weights = drawn(load=0.5)
    delta = measure.stability(weights, patterns)
    wanted = np.mean(delta > 0) - np.mean(delta < 0)
    assert measure.one_step_overlap(weights, patterns, start_overlap=1, repeats=2) == pytest.approx(wanted)
    assert measure.one_step_overlap_expected(weights, patterns, start_overlap=1) == pytest.approx(wanted)
    assert measure.one_step_overlap_expected(weights, patterns, start_overlap=-1) == pytest.approx(-wanted)


def test_an_overlap_beyond_one_and_patterns_that_are_no_signs_are_refused():
    patterns, weights = drawn(units=20)
    for call in (measure.one_step_overlap, measure.one_step_overlap_expected):
        with pytest.raises(ResultError, match="an overlap lies between -1 and 1"):
            call(weights, patterns, start_overlap=1.1)
        with pytest.raises(ResultError, match="become signs by 2"):
            call(weights, (patterns + 1) / 2, start_overlap=0.5)
    with pytest.raises(ResultError, match=r"the first is 0 at \[1, 2\]"):
        measure.stability_summary(np.eye(3), [[1, 1, 1], [1, -1, 0]])
    with pytest.raises(ResultError, match="NaN"):
        measure.stability_summary(np.full((3, 3), np.nan), np.ones((1, 3)))
    with pytest.raises(ResultError, match="Unit 1 has no input"):
        measure.stability_summary(np.diag([1.0, 0, 1]), np.ones((1, 3)))
