"""Relaxation against its definition site by site; maps and basins against networks whose basins are known."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, measure
from tests.support import synthetic


def drawn(items=6, units=60, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], (items, units))


def couplings(units=40, seed=0):
    above = np.triu(np.random.default_rng(seed).normal(size=(units, units)), 1)
    return above + above.T


def site_by_site(weights, states, seed, sweeps=1000):
    """Relax states one at a time with fields formed anew at every visit, in the orders that `relax` documents."""
    rng, states = np.random.default_rng([seed, 1]), states.copy()
    made = np.zeros(len(states), int)
    for _ in range(sweeps):
        orders = rng.permuted(np.tile(np.arange(states.shape[1]), (len(states), 1)), axis=1)
        moved = False
        for state, (s, order) in enumerate(zip(states, orders, strict=True)):
            before = s.copy()
            for site in order:
                if weights[site] @ s * s[site] < -1e-12:
                    s[site] = -s[site]
            if (s != before).any():
                made[state], moved = _ + 1, True
        if not moved:
            break
    return states, made + 1


@pytest.mark.parametrize("symmetric", [True, False])
def test_relaxation_visits_one_site_after_the_other_with_fields_of_the_moment(symmetric):
    weights = couplings() if symmetric else np.random.default_rng(3).normal(size=(40, 40))
    states = drawn(7, 40)
    wanted, made = site_by_site(weights, states, seed=5, sweeps=1000 if symmetric else 4)
    found = measure.relax(weights, states, sweeps=1000 if symmetric else 4, seed=5)
    np.testing.assert_array_equal(found.states, wanted)
    if symmetric:
        np.testing.assert_array_equal(found.sweeps, made)
        assert found.fixed.all()


def test_relaxed_states_are_fixed_points_of_lower_energy():
    weights, states = couplings(80), drawn(50, 80)
    found = measure.relax(weights, states)
    assert np.min(found.states * (found.states @ weights)) >= -1e-9
    assert (measure.energies(weights, found.states) <= measure.energies(weights, states)).all()
    again = measure.relax(weights, found.states)
    np.testing.assert_array_equal(again.states, found.states)
    assert (again.sweeps == 1).all()


def test_the_scale_of_the_weights_does_not_matter_and_a_tie_keeps_the_sign():
    weights, states = couplings(), drawn(5, 40)
    wanted = measure.relax(weights, states).states
    for scale in (1e-14, 1e9):
        np.testing.assert_array_equal(measure.relax(scale * weights, states).states, wanted)
    np.testing.assert_array_equal(measure.relax(0 * weights, states).states, states)
    ring = np.array([[0, 1.0, 1], [1, 0, 0], [1, 0, 0]])  # unit 0 hears +1 and -1: its field is 0
    tied = measure.relax(ring, [1.0, 1, -1], sweeps=1).states
    assert tied[0] == 1


def test_asymmetric_weights_that_never_settle_stop_at_the_cap_and_say_so():
    chase = np.array([[0, 1.0], [-1, 0]])  # each unit copies or opposes the other: no fixed point
    found = measure.relax(chase, [[1.0, 1], [1, -1]], sweeps=9)
    assert not found.fixed.any()
    assert found.sweeps.tolist() == [9, 9]


def test_states_may_have_any_leading_axes_and_one_does_not_depend_on_when_the_others_end():
    weights, states = couplings(), drawn(6, 40).reshape(2, 3, 40)
    found = measure.relax(weights, states, seed=2)
    assert found.states.shape == (2, 3, 40)
    assert found.fixed.shape == found.sweeps.shape == (2, 3)
    calm = states.copy()
    calm[0] = found.states[0]  # ends in the first sweep
    np.testing.assert_array_equal(measure.relax(weights, calm, seed=2).states[1], found.states[1])
    assert measure.relax(weights, states[0, 0]).states.shape == (40,)


def test_exactly_so_many_signs_are_flipped_by_seed_alone():
    patterns = drawn(4, 50)
    found = measure.damaged(patterns, [1, 0.6, 0, -1], repeats=3, seed=1)
    assert found.shape == (4, 4, 3, 50)
    flipped = (found != patterns[:, None]).sum(axis=-1)
    assert (flipped == np.array([0, 10, 25, 50])[:, None, None]).all()
    assert (found[1, 0, 0] != found[1, 0, 1]).any()
    np.testing.assert_array_equal(measure.damaged(patterns, [1, 0.6, 0, -1], repeats=3, seed=1), found)
    assert (measure.damaged(patterns, [1, 0.6, 0, -1], repeats=3, seed=2) != found).any()


def test_one_pattern_is_recalled_from_every_overlap_above_zero_and_its_mirror_image_below():
    pattern = drawn(1, 61)
    found = measure.retrieval_map(measure.hebb(pattern), pattern, overlaps=[-0.5, 0.2, 0.6, 1], repeats=4)
    assert found.final.values == pytest.approx([-1, 1, 1, 1])
    assert found.recalled.values.tolist() == [0, 1, 1, 1]
    assert found.classified.values.tolist() == [1, 1, 1, 1]
    assert found.fixed.values.tolist() == [1, 1, 1, 1]
    assert found.flipped.values.tolist() == [46, 24, 12, 0]
    assert found.overlap.sizes == {"start_overlap": 4, "item": 1, "repeat": 4}


def test_a_map_is_what_relaxation_makes_of_the_damaged_patterns():
    patterns = drawn(12, 40)
    weights, starts = measure.hebb(patterns), [0.3, 0.7, 1.0]
    found = measure.retrieval_map(weights, patterns, overlaps=starts, repeats=2, seed=3, threshold=0.9)
    ends = measure.relax(weights, measure.damaged(patterns, starts, repeats=2, seed=3), seed=3).states
    for k in range(3):
        overlaps = np.array([[ends[k, item, r] @ patterns[item] / 40 for r in range(2)] for item in range(12)])
        nearest = np.array([[np.abs(patterns @ ends[k, item, r]).argmax() for r in range(2)] for item in range(12)])
        assert found.final[k] == pytest.approx(overlaps.mean())
        assert found.recalled[k] == pytest.approx(np.mean(overlaps > 0.9))
        assert found.classified[k] == pytest.approx(np.mean(nearest == np.arange(12)[:, None]))
        np.testing.assert_allclose(found.overlap[k], overlaps)
    assert 0 < found.recalled[1] < 1


def test_maps_of_all_epochs_of_a_run_use_the_same_cues():
    made = synthetic.result()
    found = measure.retrieval_table(made, patterns="target", overlaps=[0.5, 1], seed=4)
    assert found.epoch.values.tolist() == [0, 1, 2, 5]
    for epoch in (0, 5):
        weights = made.recurrent_w.sel(epoch=epoch).values
        one = measure.retrieval_map(weights, made.target.values, overlaps=[0.5, 1], seed=4)
        assert found.sel(epoch=epoch).drop_vars("epoch").equals(one)


def test_the_radius_of_a_basin_is_where_recall_is_lost():
    overlaps = [0.2, 0.4, 0.6, 0.8, 1.0]
    assert measure.basin_radius(overlaps, [0.2, 0.5, 0.9, 1, 1], level=0.7) == pytest.approx(0.5)
    assert measure.basin_radius(overlaps, [0.2, 0.9, 0.5, 0.9, 1], level=0.7) == pytest.approx(0.3)
    assert measure.basin_radius(overlaps, [1, 1, 1, 1, 1]) == pytest.approx(0.8)
    assert measure.basin_radius(overlaps, [0, 0, 0, 0, 0.9]) == 0
    with pytest.raises(ResultError, match="must ascend"):
        measure.basin_radius(overlaps[::-1], [1, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure.relax(np.eye(3), [0.5, 1, 1]), r"states must hold -1 and \+1 only.*0.5 at \[0\]"),
        (lambda: measure.relax(np.eye(3), np.ones((2, 4))), "weights of 3 units do not fit states of 4"),
        (lambda: measure.relax(np.full((3, 3), np.nan), np.ones(3)), "weights has 9 NaN"),
        (lambda: measure.relax(np.ones((2, 3)), np.ones(3)), "square"),
        (lambda: measure.relax(np.eye(3), np.ones(3), sweeps=0), "sweeps=0 must be a whole number of at least 1"),
        (lambda: measure.damaged(np.ones((2, 50)), [-1.2]), r"m=-1.2 would flip N\(1 - m\)/2 = 55 of 50 signs"),
        (lambda: measure.damaged(np.ones((2, 50)), [1.2]), "between -1"),
        (lambda: measure.damaged(np.ones(50), [1]), r"\(item, unit\)"),
        (lambda: measure.damaged(np.ones((2, 4)), [[1]]), "list of numbers"),
        (lambda: measure.retrieval_map(np.eye(3), np.ones((2, 4))), "do not fit patterns"),
        (lambda: measure.retrieval_map(np.eye(3), np.zeros((2, 3))), "patterns must hold"),
        (lambda: measure.basin_radius([1, 2], [1]), "same shape"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, message):
    with pytest.raises(ResultError, match=message):
        call()
