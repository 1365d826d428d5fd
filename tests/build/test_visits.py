"""Sweeps on every device: repeated flip by flip in plain numpy, from the orders and numbers that are told."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import Device, Each, Parameter, Phase, Population, Protocol, simulate, site_draws, site_order
from brainmem.engine.device import thread_seeds
from tests.support.dream_models import (
    COMPILED,
    CYTHON,
    NUMPY,
    PLAIN,
    SWEEP,
    N,
    by_dream,
    dreams,
    run,
    spins,
    symmetric,
    unlearned,
)
from tests.support.start_values import starts_of

SINGLE = Device("cpp_standalone", float=32)
OTHERS = [pytest.param(CYTHON, marks=pytest.mark.cython), pytest.param(PLAIN, marks=pytest.mark.full)]
DEVICES = [COMPILED, NUMPY, *OTHERS]


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_a_plain_loop_repeats_dreams_flip_by_flip(device):
    data, w = run(dreams(), device, symmetric()), symmetric()
    for start, samples in zip(starts_of(dreams(), "S", seed=3), by_dream(data), strict=True):
        s = start.copy()
        for sweep in range(samples.start, samples.stop):
            before = s.copy()
            for k in site_order(N, sweep, seed=3):
                field = w[k] @ s  # from scratch
                s[k] = np.sign(field) if abs(field) > 1e-12 else s[k]
            np.testing.assert_array_equal(data["S"].values[sweep], s)
        np.testing.assert_array_equal(before, s)  # it has ended at the first sweep without flips
        w = unlearned(w, s)


HEATED = "S = 2*int(rand() < 1/(1 + exp(-2*(h + 0.2*randn() + 0.1*(rand() - 0.5))/T))) - 1"


def heated(sequential: str = HEATED):
    parameters = (Parameter("N", 20), Parameter("T", 0.7), Parameter("sweep", SWEEP))
    protocol = Protocol(phases=(Phase("run", duration="20*sweep"),), schedule=(Each("run", items=1),))
    return dreams(spins(sequential), parameters=parameters, rules=(), protocol=protocol)


@pytest.mark.parametrize("device", [*DEVICES, pytest.param(SINGLE, marks=pytest.mark.full)], ids=str)
def test_a_plain_loop_repeats_random_updates_flip_by_flip(device):
    size, w = 20, symmetric(20)
    states = run(heated(), device, w, initial={"spins.S": np.ones(size)})["S"].values
    s = np.ones(size)
    for sweep, state in enumerate(states):
        first, normal, last = (
            site_draws(size, sweep, k, seed=3, kind=kind) for k, kind in enumerate(("rand", "randn", "rand"))
        )
        for k in site_order(size, sweep, seed=3):
            field = w[k] @ s + 0.2 * normal[k] + 0.1 * (last[k] - 0.5)
            s[k] = 1 if first[k] < 1 / (1 + np.exp(-2 * field / 0.7)) else -1
        np.testing.assert_array_equal(state, s)
    assert 0 < np.mean(states > 0) < 1


def test_each_of_two_populations_has_orders_and_numbers_of_its_own():
    """Units that take a random number at each visit, and no other."""
    units = tuple(
        Population(name, f"{state} : 1", sequential=f"{state} = rand()", initial={state: "zeros()"})
        for name, state in (("one", "a"), ("other", "b"))
    )
    protocol = Protocol(phases=(Phase("run", duration="3*sweep"),), schedule=(Each("run", items=1),))
    model = dreams().replace(populations=units, projections=(), rules=(), observables=(), protocol=protocol)
    data = simulate(model, device=NUMPY, seed=5, record=("a", "b"), interval=SWEEP).data
    for place, name in enumerate("ab"):
        expected = [site_draws(N, sweep, seed=5, population=place) for sweep in range(3)]
        np.testing.assert_array_equal(data[name].values, expected)


def test_random_numbers_of_other_units_are_those_of_brian2_whatever_is_visited():
    """Brian2's runtime device draws from numpy's generator."""
    noisy = Population(
        "noisy", "u = rand() : 1 (constant over dt)\ndx/dt = (u - x)/sweep : 1", initial={"x": "zeros()"}
    )
    protocol = Protocol(phases=(Phase("run", duration="4*sweep"),), schedule=(Each("run", items=1),))
    model = dreams().replace(populations=(spins(HEATED.replace("T", "1")), noisy), rules=(), protocol=protocol)
    data = simulate(model, device=NUMPY, seed=3, record=("x",), interval=SWEEP).data
    rng = np.random.RandomState(thread_seeds(3, 1)[0])
    np.testing.assert_allclose(data["x"].values, [rng.rand(N) for _ in range(4)])  # dt is sweep: x follows at once
