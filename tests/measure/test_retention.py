"""What is kept of a stream of memories, and scores of binary states, against loops in plain Python."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from brian2 import ms

from brainmem import (
    Each,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Protocol,
    Recalled,
    Result,
    ResultError,
    RuleError,
    Stimulus,
    measure,
    simulate,
)
from tests.support import synthetic
from tests.support.stream_models import STREAM, stream

NUMPY = "runtime"


@pytest.fixture(scope="module")
def relearned():
    """A palimpsest of 8 memories, of which the first is learned again in epoch 6."""
    again = Each("learn", items=1, epochs=(6,))
    return simulate(stream(STREAM[0], again, STREAM[1]), seed=2, device=NUMPY, parameters={"P": 8, "kept": 0.7})


@pytest.fixture(scope="module")
def palimpsest():
    return simulate(stream(), seed=2, device=NUMPY, parameters={"P": 8, "kept": 0.7})


def by_age(table: xr.Dataset, born) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for k, item in itertools.product(table.epoch.values, table.item.values):
        score = table.score.sel(epoch=k, item=item).values
        if np.isfinite(score).all():
            found.setdefault(k - born(k, item), []).append(float(np.mean(score > table.attrs["threshold"])))
    return found


def test_a_stream_is_kept_by_age(palimpsest):
    table = measure.recall_table(palimpsest)
    kept = measure.retention(palimpsest)
    expected = by_age(table, lambda k, item: item + 1)
    assert kept.age.values.tolist() == list(range(8))
    np.testing.assert_allclose(kept.retained, [np.mean(expected[age]) for age in range(8)])
    assert kept.tests.values.tolist() == list(range(8, 0, -1))
    np.testing.assert_allclose(kept.kept, table.recalled.values * np.arange(1, 9))
    assert kept.retained[0] == 1
    assert kept.retained[-1] < 1
    xr.testing.assert_identical(kept, measure.retention(table))
    xr.testing.assert_identical(kept, measure.retention(palimpsest, learned="learn"))


def test_ages_begin_again_where_an_item_is_learned_again(relearned):
    table = measure.recall_table(relearned)
    kept = measure.retention(relearned, learned="learn")
    expected = by_age(table, lambda k, item: 6 if item == 0 and k >= 6 else item + 1)
    np.testing.assert_allclose(kept.retained, [np.mean(expected[age]) for age in kept.age.values])
    assert kept.tests.values.tolist() == [len(expected[age]) for age in kept.age.values]
    assert kept.tests[0] == 9
    others = by_age(table, lambda k, item: item + 1)
    np.testing.assert_allclose(measure.retention(relearned).retained, [np.mean(others[age]) for age in range(8)])


@pytest.mark.parametrize(("repeats", "kept"), [("each", [0, 3, 6]), ("mean", [0, 3, 6])])
def test_runs_that_learn_everything_at_once_have_ages_too(repeats, kept):
    result = synthetic.result()
    table = measure.recall_table(result, repeats=repeats)
    found = measure.retention(table)
    assert found.age.values.tolist() == [0, 1, 4]  # tested in epochs 1, 2, 5
    np.testing.assert_allclose(found.retained, np.array(kept) / synthetic.ITEMS)
    np.testing.assert_allclose(found.kept, kept)


def test_repeats_and_trials_count_for_their_part():
    scores = np.array([[[[0.9, 0.1], [0.2, 0.9]], [[0.9, 0.9], [np.nan, np.nan]]]])  # epoch, item, repeat, trial
    table = xr.Dataset({"score": (("epoch", "item", "repeat", "trial"), scores)}, {"epoch": [4], "item": [0, 1]})
    each, mean = (table.assign_attrs(threshold=0.52, repeats=name) for name in ("each", "mean"))
    assert float(measure.retention(each).kept[0]) == pytest.approx(2 / 4 + 2 / 2)
    assert float(measure.retention(mean).kept[0]) == pytest.approx(1 / 2 + 1)  # means 0.55 and 0.5, 0.9 and 0.9


def test_what_retention_cannot_be_measured_of_is_refused(palimpsest):
    with pytest.raises(ResultError, match=r"learned='learning' is no phase of the run. Did you mean 'learn'"):
        measure.retention(palimpsest, learned="learning")
    with pytest.raises(ResultError, match="give the Result in place of its table"):
        measure.retention(measure.recall_table(palimpsest), learned="learn")
    with pytest.raises(ResultError, match="the table that recall_table"):
        measure.retention(xr.Dataset({"score": ("epoch", [1.0])}))


# Sets of active units

ECHO = MemoryModel(
    "echo",
    parameters=(Parameter("tau", 10 * ms), Parameter("P", 6), Parameter("time_step", 1 * ms)),
    populations=(
        Population(
            "cells",
            "drive = cue : 1\nphi = 40*Hz*(1 + tanh(drive)) : Hz\ndr/dt = (phi - r)/tau : Hz",
            size=25,
            rate="r",
            drive="drive",
            transfer="phi",
            rate_range=("0*Hz", "80*Hz"),
        ),
    ),
    stimuli=(
        Stimulus("word", "cells", items="P", draw="ranks(uniform(0, 1)) < 8"),
        Stimulus("cue", "cells", items="P", draw="2*word - 1 + normal(0, 1)"),
    ),
    protocol=Protocol(
        (Phase("ask", duration="60*ms", stimuli=("word", "cue"), average="20*ms"),), (Each("ask", items="P"),)
    ),
    recalled=Recalled(phase="ask", target="word", score="dice", threshold=0.75, level=40),
    rate_dt="time_step",
)


@pytest.fixture(scope="module")
def echo() -> Result:
    return simulate(ECHO, device=NUMPY, seed=1)


def sets(result: Result, level: float) -> list[float]:
    found = []
    for rates, item in zip(result.mean_r.values, result.step_item.values, strict=True):
        active, wanted = set(np.flatnonzero(rates > level)), set(np.flatnonzero(result.word.values[item]))
        found.append(2 * len(active & wanted) / (len(active) + len(wanted)))
    return found


def test_dice_counts_units_above_a_level(echo):
    table = measure.recall_table(echo)
    np.testing.assert_allclose(table.score.values[0, :, 0], sets(echo, 40))
    assert float(table.recalled[0]) == np.mean(np.array(sets(echo, 40)) > 0.75)
    assert 0 < float(table.recalled[0]) < 1
    assert table.attrs == {
        "phase": "ask",
        "target": "word",
        "score": "dice",
        "threshold": 0.75,
        "repeats": "each",
        "level": 40,
    }
    assert str(measure.Criterion.of(echo)) == "Dice similarity > 0.75"
    np.testing.assert_allclose(measure.recall_table(echo, level=10).score.values[0, :, 0], sets(echo, 10))


@pytest.mark.parametrize(("low", "level"), [(0, 0.5), (-1, 0.5), (-1, 0.0)])
def test_dice_of_binary_states_takes_sets(low, level):
    x = np.array([[1, 1, low, low], [low, low, low, 1], [low, low, low, low], [1, 1, 0.4, low]])
    found = measure.dice(x, [1, 1, 1, low], level=level)
    np.testing.assert_allclose(found, [4 / 5, 0, 0, 1 if level == 0 else 4 / 5])
    assert np.isnan(measure.dice([0, 0], [0, 0]))


def test_a_score_may_be_a_function_of_target_and_state(echo):
    def matches(target, state):
        return np.sum((state > 40) == (target > 0)) / 25

    table = measure.recall_table(echo, score=matches, threshold=0.8)
    expected = ((echo.mean_r.values > 40) == (echo.word.values > 0)).mean(axis=1)
    np.testing.assert_allclose(table.score.values[0, :, 0], expected)
    assert float(table.recalled[0]) == np.mean(expected > 0.8)
    assert (table.attrs["score"], table.attrs["threshold"]) == ("matches", 0.8)
    with pytest.raises(ResultError, match="needs a threshold of its own"):
        measure.recall_table(echo, score=matches)
    with pytest.raises(ResultError, match=r"score='len' takes the target and the state .* ended with TypeError"):
        measure.recall_table(echo, score=len, threshold=0.8)
    with pytest.raises(ResultError, match=re.escape("score='<lambda>' must return one finite number")):
        measure.recall_table(echo, score=lambda target, state: state, threshold=0.5)


def test_levels_that_tell_nothing_apart_are_refused(echo, palimpsest):
    for changes, message in (
        ({"level": None}, "'r' has a unit: give level="),
        ({"level": 90}, "rates lie between 0 and 80"),
        ({"level": "x"}, "must be a finite number"),
        ({"score": "overlap", "threshold": 20}, "only score='dice' counts"),
    ):
        with pytest.raises(RuleError, match=message):
            ECHO.replace(recalled=replace(ECHO.recalled, **changes))
    with pytest.raises(ResultError, match="only score='dice' counts"):
        measure.recall_table(palimpsest, level=0.5)
    found = measure.recall_table(palimpsest, score="dice", threshold=0.9)
    assert found.attrs["level"] == 0.5


def test_the_card_and_a_file_keep_the_level(echo, tmp_path):
    assert "dice of units above 40 > 0.75" in str(ECHO)
    echo.save(tmp_path / "echo.nc")
    assert Result.load(tmp_path / "echo.nc").recalled == echo.recalled
