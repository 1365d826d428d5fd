"""Ranges of items that depend on the epoch become the steps that nested loops in Python list."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from brainmem import Each, Phase, Protocol, Repeat, RuleError
from brainmem.model.parameters import resolve_parameters
from brainmem.model.plan import plan_protocol
from tests.support.small_models import check_refused, schedule, small

PHASES = tuple(Phase(name, duration="T") for name in "abc")


def plan(*entries, seed=0, **values):
    model = small()
    model = replace(model, protocol=Protocol((*model.protocol.phases, *PHASES), entries))
    return plan_protocol(model, resolve_parameters(model, values), np.random.default_rng(seed))


def rows(found) -> list[tuple]:
    return [(step.phase.name, step.epoch, step.item, step.repeat) for step in found.steps]


def one(number: int) -> Callable[[int], int]:
    return lambda k: number


def loops(times: int, *body, seed=0) -> list[tuple]:
    """Return the steps of Each(phases, first, stop, order, draws, repeats), functions of the epoch, as loops."""
    rng, listed = np.random.default_rng(seed), []
    for k in range(1, times + 1):
        for phases, first, stop, order, draws, repeats in body:
            items = list(range(first(k), stop(k)))
            if order == "random" and items:
                items = list(items[0] + rng.permutation(len(items)))
            elif order == "drawn" and items and draws(k):
                items = list(items[0] + rng.integers(len(items), size=draws(k)))
            listed += [(name, k, item, r) for item in items for r in range(repeats(k)) for name in phases]
    return listed


ZERO, ONE = one(0), one(1)
LEARN = Each("a", items=("epoch - 1", "epoch"))
LEARN_LOOP = ("a", lambda k: k - 1, lambda k: k, "fixed", ONE, ONE)
CASES = {
    "learn item k, then test all items up to k": (
        (LEARN, Each(("b", "c"), items="epoch")),
        (LEARN_LOOP, ("bc", ZERO, lambda k: k, "fixed", ONE, ONE)),
    ),
    "a stream, of which the last two are tested": (
        (LEARN, Each("b", items=("maximum(0, epoch - M)", "epoch"), repeats="1 + epoch % 2")),
        (LEARN_LOOP, ("b", lambda k: max(0, k - 2), lambda k: k, "fixed", ONE, lambda k: 1 + k % 2)),
    ),
    "old items are drawn, in the first epoch none": (
        (LEARN, Each("b", items="epoch - 1", order="drawn", draws="2*epoch")),
        (LEARN_LOOP, ("b", ZERO, lambda k: k - 1, "drawn", lambda k: 2 * k, ONE)),
    ),
    "two random orders, of old and of new items": (
        (
            Each("a", items="3*epoch", order="random"),
            Each(("b", "c"), items=("3*epoch", "3*epoch + 3"), order="random"),
        ),
        (
            ("a", ZERO, lambda k: 3 * k, "random", ONE, ONE),
            ("bc", lambda k: 3 * k, lambda k: 3 * k + 3, "random", ONE, ONE),
        ),
    ),
    "ranges that end": ((Each("a", items=("epoch", 4)),), (("a", lambda k: k, one(4), "fixed", ONE, ONE),)),
}


@pytest.mark.parametrize("case", CASES)
def test_ranges_are_those_of_loops(case):
    body, loop = CASES[case]
    found = plan(Repeat(5, body), seed=7)
    expected = loops(5, *loop, seed=7)
    assert rows(found) == expected
    ends = [expected[row + 1][1] != expected[row][1] for row in range(len(expected) - 1)] + [True]
    np.testing.assert_array_equal(found.snapshot > 0, ends)


def test_a_range_over_parameters_needs_no_repeat_and_picked_epochs_count_on():
    assert [item for _, _, item, _ in rows(plan(Each("a", items=("M - 1", "2*M")), M=3))] == [2, 3, 4, 5]
    found = rows(plan(Repeat(6, (Each("a", items=("epoch - 1", "epoch"), epochs=(2, 5)),))))
    assert found == [("a", 2, 1, 0), ("a", 5, 4, 0)]


def test_a_constant_range_draws_what_a_number_of_items_draws():
    for order in ("random", "drawn"):
        number, text = (plan(Repeat(4, (Each("a", items=items, order=order),)), seed=3) for items in (6, ("0", "3*M")))
        assert rows(number) == rows(text)


def test_condition_and_empty_epochs_stand_together():
    body = (Each("a", items="epoch - 1"), Each("b", items=(0, "3 - epoch"), epochs=(1, 2, 3)))
    found = plan(Repeat(3, body, until="overlap > 0"), Each("c", items=1))
    own = [row for row, is_own in zip(rows(found), found.own, strict=True) if is_own]
    assert own[:-1] == loops(
        3, ("a", ZERO, lambda k: k - 1, "fixed", ONE, ONE), ("b", ZERO, lambda k: 3 - k, "fixed", ONE, ONE)
    )
    assert own[-1][0] == "c"
    np.testing.assert_array_equal(found.loop[found.own][:-1], [0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        (Repeat(3, (Each("learn", items="epoch - 2"),)), ["Each('learn')", "items='epoch - 2' is -1 in epoch 1"]),
        (Repeat(3, (Each("learn", items=("epoch - 2", 3)),)), ["items='epoch - 2' is -1 in epoch 1"]),
        (Repeat(3, (Each("learn", items="5 - 2*epoch"),)), ["items='5 - 2*epoch' is -1 in epoch 3", "maximum(0, ...)"]),
        (Repeat(3, (Each("learn", items="epoch/2"),)), ["items='epoch/2' is 0.5 in epoch 1", "whole number"]),
        (Repeat(3, (Each("learn", items="2/(epoch - 2)"),)), ["is -2 in epoch 1"]),
        (Repeat(3, (Each("learn", repeats="epoch - 1"),)), ["repeats='epoch - 1' is 0 in epoch 1", "at least 1"]),
        (Repeat(3, (Each("learn", order="drawn", draws="1 - epoch"),)), ["draws='1 - epoch' is -1 in epoch 2"]),
        (Repeat(3, (Each("learn", items="gamma*epoch"),)), ["items='gamma*epoch' is 0.6 in epoch 1"]),
        (Repeat(3, (Each("learn", items="epoch*tau"),)), ["items='epoch*tau'", "without unit"]),
        (Repeat(3, (Each("learn", items="epochs - 1"),)), ["'epochs' is not one of", "Did you mean 'epoch'"]),
        (Repeat(3, (Each("learn", items="epoch +"),)), ["items='epoch +'"]),
        (Repeat(3, (Each("learn", items=("epoch", 5, 6)),)), ["items=('epoch', 5, 6)", "two of these"]),
        (Each("learn", items="epoch"), ["items='epoch'", "'epoch', which only a Repeat has"]),
        (Each("learn", items=("M - 3", "M")), ["items='M - 3' is -1", "at least 0"]),
        (Each("learn", items="M + epoch"), ["'epoch', which only a Repeat has"]),
    ],
)
def test_ranges_that_make_no_sense_are_refused_where_the_model_is_made(entry, parts):
    check_refused(schedule(entry), parts)


def test_other_values_of_parameters_are_refused_with_the_epoch():
    model = small(**schedule(Repeat(5, (Each("learn", items=("epoch - 1", "minimum(epoch, 2*M - 3)")),))))
    with pytest.raises(RuleError, match=r"Each\('learn'\): items='minimum\(epoch, 2\*M - 3\)' is -1 in epoch 1"):
        plan_protocol(model, {"M": 1}, np.random.default_rng(0))


def test_a_parameter_called_epoch_is_not_mistaken_for_the_epoch():
    parameters = small().parameters
    named = (*parameters, replace(parameters[1], name="epoch"))
    check_refused(
        {"parameters": named, **schedule(Repeat(3, (Each("learn", items="epoch"),)))}, ["and a parameter. Rename that"]
    )
    assert small(parameters=named, **schedule(Each("learn", items="epoch")))


def test_the_card_shows_ranges():
    body = (Each("learn", items=("epoch - 1", "epoch")), Each("learn", items="2*epoch", order="drawn"))
    shown = str(small(**schedule(Repeat(2, body))))
    assert "items range(epoch - 1, epoch)" in shown
    assert "items 2*epoch, as many drawn at random" in shown


def test_long_schedules_of_ranges_are_planned_in_no_time_and_longer_ones_refused():
    began = time.process_time()
    body = (Each("a", items=("epoch - 1", "epoch")), Each("b", items=("maximum(0, epoch - 5)", "epoch")))
    assert len(plan(Repeat(50_000, body))) == 50_000 * 6 - 10
    with pytest.raises(RuleError, match="would have"):
        plan(Repeat("M", (Each("a", items="epoch"),)), M=3000)
    assert time.process_time() - began < 3
