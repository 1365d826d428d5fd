"""The search itself, on functions whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem.sweeps.axes import Axis
from brainmem.sweeps.search import SearchEnded, search


def searched(function, size, *, budget=100, method="evolution", seed=0, starts=()) -> tuple[np.ndarray, np.ndarray]:
    """Return the places that a search evaluates, each once, and their values."""
    places: list[tuple[float, ...]] = []
    known: dict[tuple[float, ...], float] = {}

    def evaluate(given):
        keys = [tuple(np.round(place, 9)) for place in given]
        new = [key for key in dict.fromkeys(keys) if key not in known][: budget - len(known)]
        known.update((key, function(np.array(key))) for key in new)
        places.extend(new)
        if len(known) == budget:
            raise SearchEnded
        return np.array([known[key] for key in keys]), len(new)

    search(evaluate, size, method=method, seed=seed, starts=np.array(starts).reshape(-1, size))
    return np.array(places), np.array([known[key] for key in places])


def plateau(centre):
    """Return a function that is 0 but in a region of radius 0.3, where it rises in steps of 1/20."""
    return lambda place: np.floor(20 * max(0, 1 - np.linalg.norm(place - centre) / 0.3)) / 20


def test_an_evolution_climbs_a_plateau_that_a_sobol_sequence_does_not():
    centres = np.random.default_rng(1).uniform(0.2, 0.8, (12, 3))
    best = {method: [searched(plateau(c), 3, method=method, seed=k)[1].max() for k, c in enumerate(centres)]
            for method in ("evolution", "sobol")}  # fmt: skip
    assert np.mean(best["evolution"]) > 0.8
    assert np.mean(best["evolution"]) > np.mean(best["sobol"]) + 0.2


@pytest.mark.parametrize("budget", [1, 3, 24, 25, 31, 60])
def test_a_search_takes_its_budget_and_a_larger_one_goes_on(budget):
    places, _ = searched(plateau(0.5), 2, budget=budget, starts=[[0.1, 0.2]])
    assert len(places) == budget
    assert places[0].tolist() == [0.1, 0.2]
    np.testing.assert_array_equal(places, searched(plateau(0.5), 2, budget=70, starts=[[0.1, 0.2]])[0][:budget])


def test_failures_are_left_behind_and_a_function_that_is_flat_does_not_end_the_search():
    _, values = searched(lambda place: -np.inf if place[0] < 0.7 else -abs(place[0] - 0.9), 1, budget=80)
    assert values.max() > -0.01
    assert len(searched(lambda place: 0.0, 2, budget=80)[0]) == 80


def test_an_evolution_waits_for_a_point_that_is_better_than_others():
    def found(place):
        return float(np.linalg.norm(place - 0.5) < 0.15)

    evolved, values = searched(found, 3, budget=100)
    spread, _ = searched(found, 3, budget=100, method="sobol")
    first = int(np.argmax(values))
    block = -(-(first + 1) // 8) * 8  # the points of a block come together
    assert 24 < block < 80
    same = (evolved == spread).all(axis=1)
    assert same[:block].all()
    assert not same[block:].any()


def test_numbers_stand_evenly_along_an_axis_and_both_bounds_are_reached():
    places = np.linspace(0, 1, 70001)
    whole = Axis("n", 2, 8, whole=True)
    values, counts = np.unique([whole.at(place) for place in places], return_counts=True)
    assert values.tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert np.ptp(counts) <= 2
    for axis in (whole, Axis("eta", 1e-3, 1, "log"), Axis("theta", 0, 0.2), Axis("n", 1, 300, "log", whole=True)):
        assert (axis.at(0.0), axis.at(1.0)) == (axis.low, axis.high)
        for place in (0.0, 0.31, 1.0):
            assert axis.at(axis.place(axis.at(place))) == axis.at(place)
    assert Axis("eta", 1e-3, 1, "log").at(0.5) == 0.03162
    assert len({Axis("x", 1.0, 1.0001).at(place) for place in np.linspace(0, 1, 11)}) == 11
    listed = Axis("rule", 0, 3, options=("a", "b", "c"))
    assert [listed.at(place) for place in (0, 0.34, 0.99, 1)] == ["a", "b", "c", "c"]
