"""Bumps on maps against loops over places, random walks and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, measure

RING = np.arange(30)
BUMP = np.exp(-(np.minimum(RING, 30 - RING) ** 2) / 18) ** 2
SIDE = np.arange(12)
ON_SIDE = np.exp(-(np.minimum(SIDE, 12 - SIDE) ** 2) / 4)
TORUS = np.multiply.outer(ON_SIDE, ON_SIDE)


def maps(number: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(30) for _ in range(number)])


def test_scores_are_sums_over_units():
    x, places = np.random.default_rng(1).random((4, 2, 30)), maps(3)
    scores = measure.bump_scores(x, 5 * BUMP, places)
    assert scores.shape == (4, 2, 3, 30)
    for at, row in enumerate(places):
        for y in (0, 7, 29):
            wanted = np.sum(BUMP[(row - y) % 30] * x / x.max(axis=-1, keepdims=True), axis=-1)
            np.testing.assert_allclose(scores[..., at, y], wanted, rtol=1e-12)


def test_a_template_that_leans_is_found_where_its_first_place_is():
    leaning = np.where((RING > 0) & (RING < 6), 6.0 - RING, 0) + (RING == 0)
    row = maps(1)[0]
    assert measure.decode(leaning[(row - 11) % 30], leaning, row).place == 11


def test_bumps_are_found_on_the_map_and_at_the_place_where_they_stand():
    places = maps(4)
    starts = [(number, place) for number in range(4) for place in (0, 13, 29)]
    x = np.stack([3 * BUMP[(places[number] - place) % 30] for number, place in starts])
    found = measure.decode(x, BUMP, places)
    assert [*zip(found.map.tolist(), found.place.tolist(), strict=True)] == starts
    np.testing.assert_allclose(found.score, np.sum(BUMP**2))
    none = measure.decode(np.zeros(30), BUMP, places)
    assert np.isnan(none.score)


def test_bumps_on_a_torus_have_two_coordinates():
    rng = np.random.default_rng(2)
    every = np.stack(np.meshgrid(SIDE, SIDE, indexing="ij"), axis=-1).reshape(-1, 2)
    places = np.stack([every[rng.permutation(144)] for _ in range(3)])
    apart = (places[1] - (4, 11)) % 12
    found = measure.decode(TORUS[apart[:, 0], apart[:, 1]], TORUS, places)
    assert (int(found.map), found.place.tolist()) == (1, [4, 11])
    scores = measure.bump_scores(rng.random((5, 144)), TORUS, places)
    assert scores.shape == (5, 3, 12, 12)


def test_units_may_share_places_and_places_may_have_no_unit():
    shared = np.array([0, 0, 3, 3, 6, 6, 9])
    found = measure.decode([0, 0, 1, 1, 0, 0, 0.2], ON_SIDE, shared)
    assert int(found.place) == 3


def test_displacements_go_the_short_way_round():
    assert measure.displacement([1, 29, 15], [29, 1, 0], size=30).tolist() == [2, -2, -15]
    moved = measure.displacement([[1, 5], [11, 0]], [[11, 5], [1, 1]], size=(12, 6))
    assert moved.tolist() == [[2, 0], [-2, -1]]


def test_the_rate_of_diffusion_of_random_walks_lies_within_its_error():
    rng, times = np.random.default_rng(3), 0.01 * np.arange(1, 101)
    found = [
        measure.diffusion(np.cumsum(rng.normal(0, np.sqrt(4.0 * 0.01), (200, 100)), axis=1), times) for _ in range(60)
    ]
    off = np.array([(item.rate - 4.0) / item.error for item in found])
    assert abs(off.mean()) < 3 / np.sqrt(60) + 0.2  # small rates have small errors
    assert 0.7 < off.std() < 1.4


def test_end_points_tell_how_many_starts_can_be_told_apart():
    assert measure.end_points(np.arange(64)) == (64, 6.0)
    assert measure.end_points(np.zeros(64)) == (1, 0.0)
    number, bits = measure.end_points([0, 0, 5, 7])
    assert (number, bits) == (3, 1.5)
    assert measure.end_points([[0, 1], [1, 0], [0, 1]]).number == 2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: measure.decode(np.ones(30), BUMP, maps(2)[:, :20]), r"shape \(map, unit\) for activity of 30 units"),
        (lambda: measure.decode(np.ones(30), BUMP, maps(2) + 0.5), "whole numbers from 0"),
        (lambda: measure.decode(np.ones(30), BUMP, maps(2) + 1), "30 at"),
        (lambda: measure.decode(np.ones(30), -BUMP, maps(2)), "no bump"),
        (lambda: measure.decode(np.ones(144), TORUS, SIDE), r"\(map, unit, 2\)"),
        (lambda: measure.displacement([1], [2], size=0), "must be positive"),
        (lambda: measure.diffusion([[1.0, 2.0]], [1.0, 2.0]), "one trial"),
        (lambda: measure.diffusion([[1.0], [2.0]], [0.0]), "nothing has moved"),
        (lambda: measure.diffusion([[1.0], [2.0]], [1.0, 2.0]), r"shape \(trial, time\)"),
        (lambda: measure.end_points(np.zeros((2, 2, 2))), r"\(trial, axis\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ResultError, match=said):
        call()
