"""Orders of shuffles: uniform, keyed, and tied where synapses join two units both ways."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from brainmem import shuffle_order
from brainmem.errors import RuleError


def test_all_orders_of_three_pairs_are_equally_frequent_and_the_diagonal_follows_an_order_of_its_own():
    numbers = {order: place for place, order in enumerate(permutations((1, 2, 5)))}
    diagonals = {order: place for place, order in enumerate(permutations((0, 4, 8)))}
    options = {"rule": "a", "seed": 1, "recurrent": True, "self_connections": True}
    orders = [shuffle_order(3, 3, update=update, **options).ravel() for update in range(1500)]
    found = np.array([(numbers[tuple(o[[1, 2, 5]])], diagonals[tuple(o[[0, 4, 8]])]) for o in orders])
    assert chisquare(np.bincount(6 * found[:, 0] + found[:, 1], minlength=36)).pvalue > 1e-3


@pytest.mark.parametrize("parts", [{}, {"shift": 3}, {"shift": -2}])
def test_what_one_synapse_of_a_pair_takes_the_other_takes_from_the_same_pair(parts):
    order = shuffle_order(5, 8, update=2, rule="a", seed=1, recurrent=True, **parts)
    shift = parts.get("shift", 0)
    assert sorted(order.ravel()) == list(range(40))
    for row, column in np.ndindex(5, 8):
        taken = divmod(order[row, column], 8)
        back, here = (column - shift, row + shift), (taken[1] - shift, taken[0] + shift)
        if column == row + shift:
            assert taken == (row, column)  # a synapse that does not exist
        elif 0 <= back[0] < 5 and 0 <= back[1] < 8:
            assert tuple(divmod(order[back], 8)) == here
        else:
            assert not (0 <= here[0] < 5 and 0 <= here[1] < 8)


def test_updates_rules_calls_and_seeds_have_orders_of_their_own():
    known = {"update": 0, "rule": "a", "seed": 1}
    others = ({}, {"update": 1}, {"rule": "b"}, {"seed": 2}, {"call": 1})
    orders = {tuple(shuffle_order(4, 6, **{**known, **other}).ravel()) for other in others}
    assert len(orders) == 5


def test_arguments_are_refused_that_are_not_of_their_kind():
    with pytest.raises(RuleError, match=r"update=-1"):
        shuffle_order(2, 2, update=-1, rule="a", seed=1)
    with pytest.raises(RuleError, match=r"rule=3"):
        shuffle_order(2, 2, update=0, rule=3, seed=1)
