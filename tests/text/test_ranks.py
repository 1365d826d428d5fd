"""Ranks of values: patterns with exactly K active units, and cues of which exactly n ones have moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from brainmem import Each, Parameter, Pattern, Protocol, Stimulus, simulate
from brainmem.text import draw
from tests.support.hopfield_models import UNITS, hopfield

NUMPY = "runtime"
ACTIVE = "ranks(uniform(0, 1)) < K"
ERASED = "(ranks(uniform(0, 1) + 2*(1 - memory)) < n)"  # n of the active units
ADDED = "(ranks(uniform(0, 1) + 2*memory) < n)"  # n of the silent ones


def sparse(**changes):
    """Return a network of sparse memories whose units start from cues in which ones have moved."""
    model = hopfield()
    parts = {
        "parameters": (*model.parameters[:-1], Parameter("K", 7), Parameter("n", 2)),
        "patterns": (
            Pattern("damaged", "units", items="P", draw=f"memory - {ERASED} + {ADDED}", values=(0, 1)),
            Pattern("memory", "units", items="P", draw=ACTIVE, values=(0, 1)),
        ),
    }
    return hopfield(**{**parts, **changes})


def test_a_rank_is_the_number_of_smaller_values_in_the_row_and_of_equal_ones_before():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 4, size=(3, 2, 9)).astype(float)
    found = draw("ranks(x)", names={"x": x}, rng=rng, shape=x.shape)
    before = np.tri(9, k=-1, dtype=bool)
    smaller = (x[..., None, :] < x[..., None]) | ((x[..., None, :] == x[..., None]) & before)
    np.testing.assert_array_equal(found, smaller.sum(axis=-1))


@pytest.mark.parametrize(("active", "moved"), [(7, 2), (1, 1), (15, 15), (30, 0)])
def test_every_memory_has_exactly_so_many_active_units_and_every_cue_so_many_moved(active, moved):
    result = simulate(sparse(items=1), device=NUMPY, seed=4, parameters={"P": 40, "K": active, "n": moved}, record=())
    memory, cue = result.memory.values, result.damaged.values
    assert set(np.unique(cue)) <= {0, 1}
    np.testing.assert_array_equal(memory.sum(axis=1), active)
    np.testing.assert_array_equal(cue.sum(axis=1), active)
    np.testing.assert_array_equal((memory * (1 - cue)).sum(axis=1), moved)
    if moved:
        assert len(np.unique(memory, axis=0)) > 15
        chosen = memory.sum(axis=0)  # hypergeometric: no unit is preferred
        assert np.abs(chosen - 40 * active / 30).max() < 5 * np.sqrt(40 * active / 30 * (1 - active / 30))


@pytest.mark.parametrize(("paired", "kinds"), [(True, 2), (False, 6)])
def test_start_states_have_exactly_so_many_active_units_as_well(paired, kinds):
    phase = replace(hopfield().protocol.phases[0], start={"x": ACTIVE}, paired=paired)
    entry = Each("recall", items=1, repeats=2)
    model = sparse(protocol=Protocol((phase,), (entry, entry, entry)), stimuli=(), recalled=None)
    result = simulate(model, device=NUMPY, seed=4, record=("x",), interval=1 * ms)
    first = result.x.values.reshape(6, 100, 30)[:, 0] > 0.5  # after one time step
    np.testing.assert_array_equal(first.sum(axis=1), 7)
    assert len(np.unique(first, axis=0)) == kinds


def test_start_values_of_units_and_stimuli_in_time_are_ranked_row_by_row():
    phase = replace(hopfield().protocol.phases[0], start={}, stimuli=("film",))
    film = Stimulus("film", "units", items="P", draw=ACTIVE, frames=4, every="tau")
    seen = replace(
        UNITS, equations=UNITS.equations.replace("u : 1", "u : 1\nseen = film : 1", 1), initial={"x": ACTIVE}
    )
    model = sparse(populations=(seen,), stimuli=(film,), protocol=Protocol((phase,), (Each("recall", items=1),)))
    result = simulate(model, device=NUMPY, seed=4, record=("x", "seen"), interval=1 * ms)
    assert (result.x.values[0] > 0.5).sum() == 7
    np.testing.assert_array_equal(result.film.values.sum(axis=-1), 7)
    np.testing.assert_array_equal(result.seen.values.sum(axis=-1), 7)
