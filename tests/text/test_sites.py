"""Orders of visits and the random numbers drawn in them: uniform, independent, keyed."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, poisson

from brainmem import site_draws, site_order
from brainmem.errors import RuleError
from brainmem.text.sites import key_of_sweep, site_poisson, visit_seed

SWEEPS = 12_000
WORD = 2**64


def mixed(state: int) -> int:
    """Return SplitMix64's output, in whole numbers of Python."""
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % WORD
    state = (state ^ state >> 27) * 0x94D049BB133111EB % WORD
    return state ^ state >> 31


def key_by_hand(seed: int, sweep: int, population: int = 0, trial: int = 0) -> int:
    state = 0
    for part in (visit_seed(seed), sweep, population, trial):
        state = mixed(((state ^ part) + 0x9E3779B97F4A7C15) % WORD)
    return state >> 11


def order_by_hand(key: int, size: int) -> list[int]:
    order = list(range(size))
    for place in range(size - 1, 0, -1):
        turn, low = divmod(size - 1 - place, 2)
        bits = mixed((key + (2**62 + turn + 1) * 0x9E3779B97F4A7C15) % WORD)
        half = bits % 2**32 if low else bits >> 32
        other = half * (place + 1) >> 32
        order[place], order[other] = order[other], order[place]
    return order


@pytest.mark.parametrize("size", [1, 2, 3, 30, 31])
def test_an_order_is_a_shuffle_by_the_numbers_of_its_key(size):
    for sweep, trial in ((0, 0), (7, 0), (7, 3)):
        expected = order_by_hand(key_by_hand(5, sweep, 1, trial), size)
        assert site_order(size, sweep, seed=5, population=1, trial=trial).tolist() == expected


def test_all_orders_of_four_units_are_equally_frequent():
    numbers = {order: place for place, order in enumerate(permutations(range(4)))}
    found = np.array([numbers[tuple(site_order(4, sweep, seed=2).tolist())] for sweep in range(SWEEPS)])
    assert chisquare(np.bincount(found, minlength=24)).pvalue > 1e-3
    pairs = np.bincount(24 * found[:-1] + found[1:], minlength=576)  # one sweep and the next
    assert chisquare(pairs).pvalue > 1e-3


def test_every_unit_stands_at_every_place_equally_often():
    size, sweeps = 25, 4000
    orders = np.array([site_order(size, sweep, seed=9) for sweep in range(sweeps)])
    assert np.all(np.sort(orders, axis=1) == np.arange(size))
    counts = np.stack([np.bincount(orders[:, place], minlength=size) for place in range(size)])
    assert np.sum((counts - sweeps / size) ** 2) / (sweeps / size) < (size - 1) ** 2 + 5 * np.sqrt(2) * size
    behind = np.bincount((size * orders[:, :-1] + orders[:, 1:]).ravel(), minlength=size**2).reshape(size, size)
    assert chisquare(behind[~np.eye(size, dtype=bool)]).pvalue > 1e-3


def test_orders_differ_by_seed_sweep_population_and_trial():
    keys = [{"sweep": 4}, {"seed": 2}, {"population": 1}, {"trial": 1}]
    orders = [site_order(40, **({"sweep": 3, "seed": 1} | key)).tolist() for key in ({}, *keys)]
    assert len(set(map(tuple, orders))) == len(orders)


def test_numbers_are_uniform_or_normal_and_independent_of_each_other():
    uniform = np.concatenate([site_draws(100, sweep, 1, seed=3) for sweep in range(200)])
    normal = np.concatenate([site_draws(100, sweep, 1, seed=3, kind="randn") for sweep in range(200)])
    assert kstest(uniform, "uniform").pvalue > 1e-3
    assert kstest(normal, "norm").pvalue > 1e-3
    others = [
        site_draws(100, 0, 1, **key) for key in ({"seed": 4}, {"seed": 3, "trial": 1}, {"seed": 3, "population": 1})
    ]
    others += [site_draws(100, 0, 0, seed=3), site_draws(100, 1, 1, seed=3)]
    for other in others:
        assert abs(np.corrcoef(uniform[:100], other)[0, 1]) < 0.4
    assert abs(np.corrcoef(uniform[:-1], uniform[1:])[0, 1]) < 0.03


@pytest.mark.parametrize("rate", [0.3, 40.0])
def test_counts_are_poisson_distributed(rate):
    found = site_poisson(rate, key_of_sweep(5, 0, 0, 0), np.arange(4000), 0)
    assert np.all(site_poisson(0.0, 5.0, np.arange(9), 0) == 0)
    values = np.arange(int(poisson.ppf(0.01, rate)), int(poisson.ppf(0.99, rate)))
    inner = np.array([np.sum(found == value) for value in values])
    expected = 4000 * poisson.pmf(values, rate)
    rest = [4000 - inner.sum()], [4000 - expected.sum()]
    assert chisquare(np.append(inner, rest[0]), np.append(expected, rest[1])).pvalue > 1e-3


def test_odd_arguments_are_refused():
    with pytest.raises(RuleError, match="size"):
        site_order(0, 0, seed=1)
    with pytest.raises(RuleError, match="sweep"):
        site_order(4, -1, seed=1)
    with pytest.raises(RuleError, match="'rand', 'randn'"):
        site_draws(4, 0, seed=1, kind="uniform")
