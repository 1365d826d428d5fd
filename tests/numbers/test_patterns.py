"""Patterns as numbers: drawn in the order in which they read each other, given, kept, and read without being shown."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from brainmem import Each, Pattern, Phase, Protocol, RuleError, Stimulus, measure, simulate
from brainmem.numbers.loading import load_given
from brainmem.numbers.run import numbers_of
from brainmem.translation import translate
from tests.support.hopfield_models import hopfield
from tests.support.start_values import starts_of

DEVICES = ["runtime", "cpp_standalone"]
EXACT = {"rtol": 1e-12, "atol": 1e-12}
FRESH = "memory*(1 - 2*binary(damage))"


def completed(memory: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """Return the states of the network in time, (step, unit), by Euler's method in plain numpy."""
    w = memory.T @ memory / memory.shape[1] * ~np.eye(memory.shape[1], dtype=bool)
    x, states = start.copy(), []
    for _ in range(steps):
        x = x + 0.1 * (np.tanh(4 * (w @ x)) - x)
        states.append(x)
    return np.array(states)


@pytest.mark.parametrize("device", DEVICES)
def test_memories_in_weights_complete_damaged_ones_as_in_plain_numpy(device):
    result = simulate(hopfield(), device=device, seed=3, record=("x", "weights"), interval=1 * ms)
    memory, damaged = result.memory.values, result.damaged.values
    assert set(np.unique(memory)) == {-1, 1}
    assert 0 < np.sum(memory != damaged) < 15
    x = result.x.values.reshape(2, 100, 30)
    for item in range(2):
        np.testing.assert_allclose(x[item], completed(memory, damaged[item], 100), **EXACT)
    np.testing.assert_allclose(result.recurrent_w.values[0], memory.T @ memory / 30 * (1 - np.eye(30)), **EXACT)
    assert measure.recall_table(result)["recalled"].values.tolist() == [1.0]


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_spikes_complete_the_same_memories_from_the_same_states(device):
    rate, spiking = (simulate(hopfield(), variant, device=device, seed=3) for variant in ("rate", "spiking"))
    for name in ("memory", "damaged", "recurrent_w"):
        np.testing.assert_array_equal(rate[name].values, spiking[name].values)
    overlap = (spiking.mean_x.values * spiking.memory.values).mean(axis=1)
    assert (overlap > 0.8).all()
    assert (overlap > (spiking.damaged.values * spiking.memory.values).mean(axis=1)).all()


def test_the_order_in_which_patterns_are_listed_changes_no_number():
    one, other = hopfield(), hopfield()
    other = other.replace(patterns=other.patterns[::-1])
    found = [simulate(model, device="runtime", seed=5) for model in (one, other)]
    for name in ("memory", "damaged", "mean_x"):
        np.testing.assert_array_equal(found[0][name].values, found[1][name].values)


def test_a_pattern_that_phases_show_is_drawn_as_one_that_they_do_not():
    model = hopfield()
    memory = next(item for item in model.patterns if item.name == "memory")
    shown = Stimulus(**vars(memory))
    phases = tuple(replace(phase, stimuli=("memory",)) for phase in model.protocol.phases)
    showing = model.replace(
        patterns=tuple(item for item in model.patterns if item is not memory),
        stimuli=(shown,),
        protocol=replace(model.protocol, phases=phases),
    )
    for name in ("memory", "damaged", "mean_x"):
        one, other = (simulate(m, device="runtime", seed=5)[name].values for m in (model, showing))
        np.testing.assert_array_equal(one, other)


def test_what_is_drawn_from_a_given_pattern_follows_it(tmp_path):
    memory = np.where(np.arange(60).reshape(2, 30) % 7 < 3, 1.0, -1.0)
    np.save(tmp_path / "memory.npy", memory)
    drawn = simulate(hopfield(), device="runtime", seed=3)
    for given in (memory, tmp_path / "memory.npy"):
        result = simulate(hopfield(), device="runtime", seed=3, inputs={"memory": given})
        np.testing.assert_array_equal(result.memory.values, memory)
        flips = drawn.damaged.values * drawn.memory.values
        np.testing.assert_array_equal(result.damaged.values, memory * flips)
        np.testing.assert_allclose(result.recurrent_w.values[0], memory.T @ memory / 30 * (1 - np.eye(30)), **EXACT)
    assert result.memory.dims == ("item", "unit")


WRONG = {
    "shape": (np.ones((3, 30)), "pattern 'memory': expected shape (items, unit) = (2, 30), got (3, 30)"),
    "values": (np.zeros((2, 30)), "pattern 'memory': values must be one of (-1, 1)"),
    "not finite": (np.full((2, 30), np.nan), "pattern 'memory'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_given_pattern_is_checked(case):
    table, said = WRONG[case]
    with pytest.raises(RuleError) as error:
        simulate(hopfield(), device="runtime", inputs={"memory": table})
    assert said in str(error.value)


def test_an_input_that_is_neither_pattern_nor_stimulus_is_refused():
    with pytest.raises(RuleError, match=r"which inputs= gives. It takes: damaged, m"):
        simulate(hopfield(), device="runtime", inputs={"memry": np.ones((2, 30))})


@pytest.mark.parametrize("device", DEVICES)
def test_the_device_draws_fresh_starts_over_rows_of_a_pattern(device):
    model = hopfield(FRESH)
    model = model.replace(protocol=replace(model.protocol, schedule=(Each("recall", items="P", repeats=3),)))
    result = simulate(model, device=device, seed=3, record=("x",), interval=1 * ms)
    starts = starts_of(model, "x", seed=3)
    memory = result.memory.values[[0, 0, 0, 1, 1, 1]]
    assert np.all(np.abs(starts) == 1)
    assert len(np.unique(starts * memory, axis=0)) > 3  # other flips every time
    x = result.x.values.reshape(6, 100, 30)
    for step in range(6):
        np.testing.assert_allclose(x[step], completed(result.memory.values, starts[step], 100), **EXACT)


@pytest.mark.parametrize("start", ["damaged", FRESH])
def test_a_start_that_reads_more_rows_than_there_are_is_refused(start):
    with pytest.raises(RuleError, match=r"start\['x'\] = .* reads item 2 of '(damaged|memory)', which has only 2 rows"):
        simulate(hopfield(start, items=3), device="runtime")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("start", ["damaged", FRESH])
def test_every_trial_may_have_patterns_of_its_own_and_what_is_drawn_from_them(start, device):
    rng = np.random.default_rng(0)
    memory = rng.choice([-1.0, 1.0], (2, 3, 30))
    w = memory[:, 0].T @ memory[:, 0] / 30
    options = {"weights": {"recurrent": w * (1 - np.eye(30))}, "seed": 3, "record": ("x",), "interval": 1 * ms}
    model = hopfield(start)
    many = simulate(model, trials=3, inputs={"memory": memory}, device=device, **options)
    assert many.damaged.dims == ("item", "trial", "unit")
    flips = many.damaged.values * memory
    assert set(np.unique(flips)) == {-1, 1}
    assert (flips[:, 0] != flips[:, 1]).any()
    one = simulate(model, inputs={"memory": memory[:, 0]}, device=device, **options)
    np.testing.assert_array_equal(many.damaged.values[:, 0], one.damaged.values)
    np.testing.assert_allclose(many.x.values[:, 0], one.x.values, **EXACT)
    if start == "damaged":
        again = simulate(
            model, inputs={"memory": memory[:, 2], "damaged": many.damaged.values[:, 2]}, device=device, **options
        )
        np.testing.assert_allclose(many.x.values[:, 2], again.x.values, atol=1e-6)  # rounding grows between memories
    else:
        first = many.x.values.reshape(2, 100, 3, 30)[:, 0]  # one step after the start, of which it keeps 0.9
        assert (np.sign(first) * memory > 0).mean() > 0.7


def test_weights_that_all_trials_share_are_not_made_from_patterns_of_each():
    memory = np.random.default_rng(0).choice([-1.0, 1.0], (2, 3, 30))
    with pytest.raises(RuleError, match="made from 'memory', of which every trial has its own"):
        simulate(hopfield(), trials=3, inputs={"memory": memory}, device="runtime")


def test_patterns_have_frames_and_units_as_stimuli_have():
    film = Pattern("film", "units", items=2, frames=4, every="tau", draw="(item + time/tau + 10*unit)*mV", unit="volt")
    first = Pattern("begin", "units", items=2, draw="first(film)/mV")
    model = hopfield("begin", patterns=(first, *hopfield().patterns, film))
    result = simulate(model, device="runtime", record=("x",), interval=1 * ms)
    item, frame, unit = np.ogrid[:2, :4, :30]
    np.testing.assert_allclose(result.film.values, (item + frame + 10 * unit) * 1e-3, **EXACT)
    assert result.film.dims == ("film_item", "frame", "unit")  # the others have P items, by another name
    assert result.film.attrs["units"] == "volt"
    np.testing.assert_allclose(result.begin.values, (item + 10 * unit)[:, 0], **EXACT)


def test_a_frozen_or_replaced_model_keeps_stimuli_that_its_phases_do_not_show():
    cue = Stimulus("cue", "units", items="P")
    units = replace(
        hopfield().populations[0], equations="u : 1\nphi = tanh(gain*(u + cue)) : 1\ndx/dt = (phi - x)/tau : 1"
    )
    shown = Phase("show", duration="2*tau", stimuli=("cue",), start={"x": "cue"})
    silent = Phase("recall", duration="2*tau", start={"x": "cue"})
    model = hopfield(
        populations=(units,), stimuli=(cue,), protocol=Protocol((shown, silent), (Each(("show", "recall"), items="P"),))
    )
    alone = model.replace(protocol=Protocol((silent,), (Each("recall", items="P"),)))
    result = simulate(alone, device="runtime", seed=3, record=("x", "cue"), interval=1 * ms)
    assert not result.cue_trace.values.any()
    x = result.x.values.reshape(2, 20, 30)
    for item in range(2):
        np.testing.assert_allclose(x[item], completed(result.memory.values, result.cue.values[item], 20), **EXACT)


def tables(model):
    return numbers_of(translate(model), load_given(model, {}), 3).patterns


def test_items_take_rows_of_a_table_with_other_items():
    prototype = Pattern("prototype", "units", items=3)
    examples = "row(prototype, floor(item/4))*(1 - 2*(permutation() < 2))"
    model = hopfield().replace(prototype, Pattern("example", "units", items=12, draw=examples))
    patterns = tables(model)
    overlaps = patterns["example"] @ patterns["prototype"].T / 30
    np.testing.assert_allclose(overlaps[np.arange(12), np.arange(12) // 4], 1 - 4 / 30)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        ("row(memory, item)", "whole numbers n from 0 to 1, the rows of x, got 2.0"),
        ("row(memory, item/2)", "got 0.5"),
        ("row(memory, unit - unit)", "differs by unit"),
        ("row(P, item)", "has no items"),
        ("row(memory)", "write row(pattern, n)"),
    ],
)
def test_rows_that_a_table_does_not_have_are_refused(draw, said):
    with pytest.raises(RuleError, match=re.escape(said)):
        tables(hopfield().replace(Pattern("example", "units", items=3, draw=draw)))
