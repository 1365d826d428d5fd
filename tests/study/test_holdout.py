"""Trials that are held out: how many, of which kinds, and what is refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from brainmem import Recording, RuleError, get_model
from brainmem.study.holdout import split

MODEL = get_model("rajan2016")


def recording(kinds=(), trials=None):
    rates = np.random.default_rng(0).random((trials or len(kinds), 20, 5))
    return Recording(rates, 0.01, tuple("abcde"), kinds=tuple(kinds))


@pytest.mark.parametrize("number", range(1, 8))
def test_a_number_is_how_many_trials_are_held_out(number):
    """Exactly, also where kinds have other numbers of trials, and none loses its last one."""
    kinds = ("a",) * 6 + ("b",) * 3 + ("c",)
    for seed in range(5):
        found = split(recording(kinds), number, MODEL, seed)
        assert len(found.held) == number
        assert sorted([*found.held, *found.taught]) == list(range(10))
        assert {kinds[k] for k in found.taught} == {"a", "b", "c"}
        assert found.notes == ("kind 'c': the only trial is learned",)
    assert len(split(recording(trials=8), number, MODEL, 0).held) == number


def test_kinds_are_held_out_in_proportion():
    found = split(recording(("a",) * 8 + ("b",) * 4), 3, MODEL, 1)
    assert Counter(k >= 8 for k in found.held) == {False: 2, True: 1}
    part = split(recording(("a",) * 8 + ("b",) * 4 + ("c",)), 0.25, MODEL, 1)
    assert Counter(k >= 8 for k in part.held) == {False: 2, True: 1}
    assert 12 in part.taught
    assert not np.array_equal(part.held, split(recording(("a",) * 8 + ("b",) * 4 + ("c",)), 0.25, MODEL, 2).held)


@pytest.mark.parametrize(
    ("holdout", "kinds", "said"),
    [
        (1.0, "aabb", r"holdout=1\.0 must be a part of the trials, above 0 and below 1, such as 0\.2; a whole number"),
        (2.5, "aabb", r"holdout=2\.5 must be a part"),
        (0, "aabb", "holdout=0 must be a part"),
        (-0.5, "aabb", "must be a part"),
        (True, "aabb", "holdout=True must be a part"),
        ("2", "aabb", "must be a part"),
        (3, "aabb", "holdout=3 of 4 trials are too many: one of each kind is learned, so 2 trials can be held out"),
        (1, "abc", r"each kind has but one\. Give trials the same kind"),
        ([0, 1], "aabb", "leaves no trial of kind 'a' to learn"),
        ([0, 4], "aabb", "numbers of trials, from 0 to 3"),
        ([True], "aabb", "numbers of trials, from 0 to 3"),
    ],
)
def test_what_cannot_be_held_out_is_refused(holdout, kinds, said):
    with pytest.raises(RuleError, match=said):
        split(recording(kinds), holdout, MODEL, 0)
