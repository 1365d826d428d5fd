"""How a schedule becomes steps: items drawn with replacement, and where conditions may cut repetitions short."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from brainmem import Each, Phase, Protocol, Repeat, RuleError, simulate
from brainmem.model.plan import plan_protocol
from tests.support.counting_models import counting
from tests.support.small_models import check_refused, schedule, small

PHASES = tuple(Phase(name, duration="T") for name in "ab")


def plan(*entries, seed=0, **parameters):
    model = small()
    phases = (*model.protocol.phases, *PHASES)
    return plan_protocol(replace(model, protocol=Protocol(phases, entries)), parameters, np.random.default_rng(seed))


def test_drawn_items_come_with_replacement_as_often_as_asked():
    found = plan(Each(("a", "b"), items=5, order="drawn", draws=4000, repeats=2))
    items = found.item.reshape(4000, 2, 2)
    assert len(found) == 16000
    assert (items == items[:, :1, :1]).all()
    counts = np.bincount(items[:, 0, 0], minlength=5)
    assert np.sum((counts - 800) ** 2 / 800) < 18.5  # chi squared of 4 degrees of freedom, p = 0.001
    np.testing.assert_array_equal(items[:, 0, 0], np.random.default_rng(0).integers(5, size=4000))
    assert found.phases_run == ("a", "b")
    assert found.occasion[-1] == 8000


def test_without_draws_as_many_come_as_there_are_items_anew_in_every_epoch():
    found = plan(Repeat(3, (Each("a", items="N", order="drawn", draws="M"),)), N=6, M=2)
    assert len(found) == 6
    found = plan(Repeat(3, (Each("a", items=6, order="drawn"),)))
    rows = found.item.reshape(3, 6)
    assert len({tuple(row) for row in rows}) == 3
    np.testing.assert_array_equal(np.flatnonzero(found.snapshot), [5, 11, 17])


def test_both_variants_and_devices_show_the_same_items():
    model = counting(body=(Each("reset", items=1), Each("count", items=7, order="drawn", draws=5)))
    runs = [
        simulate(model, variant, seed=4, device=device, parameters={"rounds": 2})
        for variant, device in (("rate", "runtime"), ("spiking", "runtime"), ("rate", "cpp_standalone"))
    ]
    for found in runs:
        np.testing.assert_array_equal(found.step_item, runs[0].step_item)
    assert set(runs[0].step_item.values) <= set(range(7))


def test_draws_of_no_items_are_refused():
    with pytest.raises(RuleError, match=r"Each\('a'\): draws=3 are of no items, items=0"):
        plan(Each("a", items=0, order="drawn", draws=3))


@pytest.mark.parametrize(
    ("each", "parts"),
    [
        (Each("learn", draws=3), ["draws=3", "order='drawn'"]),
        (Each("learn", order="drawn", draws="gamma"), ["draws 'gamma' is not one of"]),
        (Each("learn", order="drawn", draws=-1), ["draws=-1"]),
        (Each("learn", order="drown"), ["order 'drown'", "Did you mean 'drawn'"]),
    ],
)
def test_draws_that_make_no_sense_are_refused(each, parts):
    check_refused(schedule(each), parts)


def test_the_card_says_that_items_are_drawn():
    model = small(**schedule(Each("learn", order="drawn", draws=9)))
    assert "9 drawn at random" in str(model)


def test_a_cut_leads_to_rows_that_know_what_came_before():
    body = (Each("a", items=2), Each("b", items=1, epochs=(3,)))
    found = plan(Repeat(3, body, until="overlap > 0"), Each("a", items=1))
    assert found.loop.tolist() == [0, 1, 0, 1, 0, 0, 1, 0, 0]
    cut, behind = 7, 8  # epochs 1 and 2 end with phase a, the third with b
    assert [found.phases[found.phase[found.before[row]]].name for row in (cut, behind)] == ["a", "b"]
    after = np.arange(len(found)) + 1 + found.skip
    assert after[[5, 6, 7, 8]].tolist() == [6, behind, 9, 9]
    assert (after + found.leap)[[1, 3, 6]].tolist() == [cut, cut, behind]
    assert found.planned.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 7]
    assert found.own.sum() == 8


def test_long_schedules_are_planned_in_no_time():
    began = time.process_time()
    assert len(plan(Each("a", items=100, order="drawn", draws=200_000))) == 200_000
    assert len(plan(Repeat(50_000, (Each(("a", "b"), items=1, order="random"),), until="overlap > 0"))) == 100_000
    assert time.process_time() - began < 3
