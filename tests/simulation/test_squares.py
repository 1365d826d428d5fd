"""Recursive least squares: a periodic rule over several projections, against plain numpy and its own invariants."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from brainmem import Device, Spiking, simulate
from tests.support.squares_models import ERRORS, Squares, squares

RUNTIME, DENSE, PLAIN = Device("runtime"), Device(), Device(kernels="plain")


def run(model, device=RUNTIME, **parameters):
    return simulate(model, device=device, seed=3, parameters=parameters)


def whole(result, epoch):
    """Return J [post, pre] after an epoch."""
    return np.concatenate([result.plastic_w.values[epoch], result.fixed_w.values[epoch]], axis=1).astype(float)


def reference(result, **options):
    """Return the network in plain numpy before it learns."""
    f, h = (result[name].values[0].astype(float) for name in "fh")
    n = result.plastic_w.shape[2]
    return Squares(whole(result, 0), f, h, **{"n": n, "alpha": 1.0, **options})


def check(result, tolerance=1e-10, **options):
    """Compare weights and P after every epoch, and mean rates of every phase, with plain numpy; return the latter."""
    expected = reference(result, **options)
    for epoch in (1, 2):
        for learning in (True, False):
            expected.run(learning)
            rates = np.mean(expected.reached, axis=0)
            number = 2 * (epoch - 1) + (not learning)
            assert np.abs(result.mean_r.values[number] - rates).max() < tolerance
        assert np.abs(whole(result, epoch) - expected.J).max() < tolerance * np.abs(expected.J).max()
        assert np.abs(result.inverse_P.values[epoch] - expected.P).max() < tolerance * np.abs(expected.P).max()
    return expected


@lru_cache
def learned(device):
    """Return a run of a thousand updates."""
    return run(squares(), device)


@pytest.mark.parametrize("device", [RUNTIME, DENSE, pytest.param(PLAIN, marks=pytest.mark.full)], ids=str)
def test_a_thousand_updates_equal_plain_numpy(device):
    found = check(learned(device))
    assert len(found.gains) == 1000
    assert np.abs(found.J[:, :9] - whole(learned(device), 0)[:, :9]).max() > 1


@pytest.mark.cython
def test_a_thousand_updates_equal_plain_numpy_in_cython():
    check(learned(Device("runtime", target="cython")))


@pytest.mark.full
def test_single_precision_learns_as_well():
    result, double = learned(Device(float=32)), learned(RUNTIME)
    P = result.inverse_P.values[-1]
    assert np.abs(P - P.T).max() <= 1e-6 * np.abs(P).max()
    errors = [misfit(r) for r in (result, double)]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)


def misfit(result):
    """Return the mean squared error of the rates in a pass without learning after the last epoch."""
    network = reference(result)
    network.J = whole(result, -1)
    return np.mean((network.run(False) - 1 / (1 + np.exp(-network.f))) ** 2)


def test_learning_lowers_the_error():
    result = learned(RUNTIME)
    before = np.mean((reference(result).run(False) - 1 / (1 + np.exp(-result.f.values[0]))) ** 2)
    assert misfit(result) < 0.2 * before


def test_the_inverse_stays_symmetric_and_below_its_start():
    for P in learned(DENSE).inverse_P.values:
        assert np.abs(P - P.T).max() <= 1e-14
        values = np.linalg.eigvalsh(P)
        assert values.min() > 0
        assert values.max() <= 1 + 1e-12


@pytest.mark.parametrize(
    ("n", "alpha"),
    [(9, 0.1), (30, 1.0), *(pytest.param(*case, marks=pytest.mark.full) for case in ((3, 1.0), (30, 0.1)))],
)
def test_weights_are_the_least_squares_solution_over_the_states_visited(n, alpha):
    result = run(squares(), n=n, alpha=alpha, passes=1)
    network = reference(result, alpha=alpha)
    network.run(True)
    r = np.array(network.visited)
    s, J = r[:, :n], whole(result, 0)
    normal = alpha * np.eye(n) + s.T @ s
    inverse, change = np.linalg.inv(normal), np.linalg.solve(normal, s.T @ (network.f - r @ J.T)).T
    scale = np.linalg.cond(normal) * 1e-13
    np.testing.assert_allclose(result.inverse_P.values[1], inverse, rtol=0, atol=scale * np.abs(inverse).max())
    found = result.plastic_w.values[1] - result.plastic_w.values[0]
    np.testing.assert_allclose(found, change, rtol=0, atol=scale * np.abs(change).max())


def test_every_update_scales_the_error_and_the_determinant_by_the_same_number():
    """One update per epoch: J_new r - f = c (J_old r - f); the increment has rank one; det P_new = c det P."""
    model = squares().replace(varied=True)
    result = simulate(model, device=RUNTIME, seed=3, parameters={"T": "1*delta", "passes": 1})
    f = result.f.values[0, 0]
    r = 1 / (1 + np.exp(-f))  # a pass starts at x = f
    before, after = whole(result, 0), whole(result, 1)
    old, new = result.inverse_P.values[:2]
    k = old @ r[:9]
    c = 1 / (1 + r[:9] @ k)
    np.testing.assert_allclose(after @ r - f, c * (before @ r - f), rtol=0, atol=1e-14)
    change = (after - before)[:, :9]
    assert np.linalg.svd(change, compute_uv=False)[1] < 1e-15 * np.linalg.norm(change) * 30
    np.testing.assert_allclose(change, np.outer(change @ k, k) / (k @ k), rtol=0, atol=1e-14)
    assert np.linalg.det(new) == pytest.approx(c * np.linalg.det(old), rel=1e-12)
    assert np.trace(new) < np.trace(old)


def test_currents_do_not_change_with_the_unit_of_rates():
    """r -> a r, J -> J/a, alpha -> a^2 alpha: here the sums see a*r."""
    a = 7.0
    scaled = squares()
    texts = {"zf_post = w*r_pre": "zf_post = w*7*r_pre", "zp_post = w*r_pre": "zp_post = w*7*r_pre"}
    texts |= {"k_post = P*r_pre": "k_post = P*7*r_pre", "den_post = r_pre*k_pre": "den_post = 7*r_pre*k_pre"}
    projections = []
    for projection in scaled.projections:
        current = projection.current
        for text, other in texts.items():
            current = current.replace(text, other)
        projections.append(type(projection)(**{**vars(projection), "current": current}))
    plain = run(squares(), passes=1, T="100*delta")
    weights = {name: plain[f"{name}_w"].values[0] / a for name in ("plastic", "fixed")}
    other = simulate(
        scaled.replace(projections=tuple(projections)), device=RUNTIME, seed=3, weights=weights,
        parameters={"passes": 1, "T": "100*delta", "alpha": a**2},
    )  # fmt: skip
    np.testing.assert_allclose(other.mean_r.values, plain.mean_r.values, rtol=0, atol=1e-11)
    np.testing.assert_allclose(other.plastic_w.values[1] * a, plain.plastic_w.values[1], rtol=0, atol=1e-9)


def test_all_columns_plastic_is_force_learning_of_every_row_by_itself():
    result = run(squares(), n=30, passes=1, T="200*delta")
    network = reference(result)
    network.run(True)
    rates = np.array(network.visited)
    for row in range(0, 30, 7):
        w, P = whole(result, 0)[row].copy(), np.eye(30)
        for r, f in zip(rates, network.f[:, row], strict=True):
            gain = P @ r / (1 + r @ P @ r)
            P -= np.outer(gain, r @ P)
            w -= (w @ r - f) * gain
        np.testing.assert_allclose(whole(result, 1)[row], w, rtol=0, atol=1e-9 * np.abs(w).max())


def test_no_plastic_columns_leave_all_weights_and_no_row_without_error_changes():
    none = run(squares(), n=0, passes=1, T="50*delta")
    np.testing.assert_array_equal(whole(none, 1), whole(none, 0))
    assert none.inverse_P.shape == (2, 0, 0)
    spared = run(squares(weight="int(i != 4)"), passes=1, T="50*delta")
    np.testing.assert_array_equal(whole(spared, 1)[4], whole(spared, 0)[4])
    assert (np.delete(whole(spared, 1)[:, :9] - whole(spared, 0)[:, :9], 4, axis=0) != 0).all()
    check_first(spared, weight=np.arange(30) != 4)


def check_first(result, **options):
    network = reference(result, **options)
    network.run(True)
    np.testing.assert_allclose(whole(result, 1), network.J, rtol=0, atol=1e-11)
    np.testing.assert_allclose(result.inverse_P.values[1], network.P, rtol=0, atol=1e-11)


@pytest.mark.parametrize("device", [RUNTIME, DENSE], ids=str)
def test_columns_of_other_units_are_the_same_bit_for_bit(device):
    fixed = learned(device).fixed_w.values
    np.testing.assert_array_equal(fixed[-1], fixed[0])


@pytest.mark.parametrize("error", list(ERRORS))
def test_learning_every_third_step_on_any_error_equals_plain_numpy(error):
    check_first(run(squares(error=error, every="3*delta"), passes=1, T="60*delta"), error=error, every=3)


def test_the_spiking_variant_runs_the_rule_on_traces():
    result = simulate(squares(), Spiking(neuron="poisson"), device=RUNTIME, seed=1, parameters={"T": "50*delta"})
    P = result.inverse_P.values[-1]
    np.testing.assert_array_equal(result.fixed_w.values[-1], result.fixed_w.values[0])
    assert np.abs(result.plastic_w.values[-1] - result.plastic_w.values[0]).max() > 1e-3
    assert np.abs(P - P.T).max() <= 1e-14
    assert np.trace(P) < 9
