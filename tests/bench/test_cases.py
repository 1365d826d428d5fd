"""Every benchmark works at its tiny size, and all contenders of a step compute the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import brainmem.bench.peers
from brainmem import BrainmemError, Device
from brainmem.bench import Effort, measure_case
from brainmem.bench.cases import CASES, PLAIN
from brainmem.bench.engines import ENGINES, installed
from brainmem.bench.networks import NAMES, model_of, start_of
from brainmem.bench.peers import open_peer, open_peers
from brainmem.bench.programs import run_network
from brainmem.bench.registry import OURS
from brainmem.bench.squares import SQUARES, SquaresStart, run_squares

TINY = Effort(1, 0.0, tiny=True)
SIZE = 20
STEPS = 30
WHOLE_STEPS = [name for name in ENGINES if name != "dgemv" and installed(name)]


# Of each kind of case the one that builds fewest programs; the others measure themselves in the same way.
SMALL = {"rank_one32", "sweep", "two_cores"}
TO_MEASURE = [pytest.param(case, marks=() if case.name in SMALL else pytest.mark.full, id=case.name) for case in CASES]


@pytest.mark.slow
@pytest.mark.parametrize("case", TO_MEASURE)
def test_a_case_measures_itself_at_its_tiny_size(case):
    rows = measure_case(case, case.tiny, TINY)
    assert {goal.peer for goal in case.goals} <= {row.peer for row in rows} | set(ENGINES)
    for row in rows:
        assert row.peer != OURS
        assert len(row.ours) == len(row.theirs) == 1
        assert row.ours[0] > 0
        assert np.isfinite(row.ratio.median)
        assert row.verdict == ""


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.name in NAMES], ids=lambda case: case.name)
def test_a_step_is_measured_beside_numpy_and_plain_brian2_wherever_it_runs(case):
    with case.contenders(case.tiny, TINY) as contenders:
        assert {OURS, PLAIN, "numpy"} <= set(contenders)


@pytest.fixture(scope="module")
def by_numpy():
    """Return the weights and rates of each network after `STEPS` steps in plain numpy."""
    found = {}
    for network in NAMES:
        with open_peer("numpy", network, SIZE) as peer:
            found[network] = peer.state(STEPS)
    return found


@pytest.mark.parametrize("network", NAMES)
@pytest.mark.parametrize("kernels", ["dense", "plain"])
def test_our_programs_compute_what_the_numpy_loop_computes(network, kernels, by_numpy):
    w, x = by_numpy[network]
    start = start_of(network, SIZE)
    result = run_network(model_of(network), start, STEPS, Device(kernels=kernels))
    np.testing.assert_allclose(result.data["mean_x"].values.ravel(), x, rtol=1e-12)
    if network != "static":
        np.testing.assert_allclose(result.recurrent_w.values[-1], w, rtol=1e-12, atol=1e-15)
    assert (np.abs(w - start.w).max() > 1e-3) == (network != "static")
    assert np.abs(x - start.x).max() > 0.1


@pytest.mark.parametrize("network", NAMES)
@pytest.mark.parametrize("engine", WHOLE_STEPS)
def test_a_peer_computes_what_the_numpy_loop_computes(network, engine, by_numpy):
    w, x = by_numpy[network]
    with open_peer(engine, network, SIZE) as peer:
        peer.seconds(3)  # leaves the start as it was
        weights, rates = peer.state(STEPS)
    np.testing.assert_allclose(rates, x, rtol=1e-12)
    np.testing.assert_allclose(weights, w, rtol=1e-12, atol=1e-15)


def test_least_squares_are_those_of_the_numpy_loop():
    start, n = SquaresStart.of(SIZE), 2
    with open_peer("numpy", SQUARES, SIZE) as peer:
        weights, _ = peer.state(STEPS)
    result = run_squares(start, STEPS, Device("runtime"), record=("weights",))
    w = weights[np.ix_(start.order, start.order)]
    assert result.plastic_w.shape == (2, SIZE, n)
    np.testing.assert_allclose(result.plastic_w.values[-1], w[:, :n], rtol=0, atol=1e-11 * np.abs(w).max())
    np.testing.assert_array_equal(result.fixed_w.values[-1], w[:, n:])
    assert np.abs(weights - start.w).max() > 0.1


def test_the_product_alone_is_the_first_steps_product():
    start = start_of("static", SIZE)
    with open_peer("dgemv", "static", SIZE) as peer:
        np.testing.assert_allclose(peer.state(2)[1], start.w @ start.x, rtol=1e-12)


def test_the_numpy_loop_follows_the_written_equations_for_one_step():
    start = start_of("plastic", SIZE)
    with open_peer("numpy", "plastic", SIZE) as peer:
        w, x = peer.state(1)
    i, j = 3, 7
    u = sum(start.w[i, k] * start.x[k] for k in range(SIZE))
    slope = start.eps * (start.x[j] * start.x[i] - start.w[i, j] * start.x[i] ** 2 - start.cubic * start.w[i, j] ** 3)
    assert w[i, j] == pytest.approx(start.w[i, j] + 0.1 * slope, rel=1e-12)
    assert x[i] == pytest.approx(0.9 * start.x[i] + 0.1 * np.tanh(start.beta * (u + start.h[i])), rel=1e-12)


def test_a_worker_that_cannot_load_says_why_and_is_left_out():
    with pytest.raises(BrainmemError, match="KeyError: 'unknown'"), open_peer("numpy", "unknown", SIZE):
        pass
    heard = []
    with open_peers(("numpy",), "unknown", SIZE, heard.append) as peers:
        assert peers == {}
    assert "numpy is left out of unknown, N=20: KeyError" in heard[0]


def test_peers_that_are_not_installed_are_left_out_without_a_word(monkeypatch):
    monkeypatch.setattr(brainmem.bench.peers, "installed", lambda engine: engine != "jax")
    heard = []
    with open_peers(("numpy", "jax"), "static", SIZE, heard.append) as peers:
        assert list(peers) == ["numpy"]
    assert heard == []
