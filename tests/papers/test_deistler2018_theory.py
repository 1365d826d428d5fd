"""Theory of Deistler et al. (2018): identities of the Fisher information, closed forms, and simulations beside them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from brainmem.models.deistler2018 import reference, theory

from brainmem import RuleError

M, S = 100, 0.1
FIGURE_2 = {
    "hebb": {"eta": 0.00931},
    "weight_threshold": {"Theta": 0.001, "absolute": True, "own": True},
    "exponential": {"a": 220},
}
FIGURE_2_READOUT = reference.Readout(diagonal=True, theta=0.25)


def drawn(n=20, *, units=M, s=S, seed=0):
    return reference.patterns(n, units, s, np.random.default_rng(seed))


# Test 1 and 2: identities


@pytest.mark.parametrize("s", [0.5, 0.2, 0.1])
def test_the_second_moments_of_products_follow_from_means_and_weights(s):
    """Eq 10; D1 at every s; Eq 11 where it is exact, at s = 1/2."""
    shown = drawn(7, units=20, s=s)
    np.testing.assert_allclose(theory.pair_squares(shown, s), theory.squares_from_means(shown, s), atol=1e-15)
    np.testing.assert_allclose(theory.exact_fisher(shown, 0), theory.count_fisher(shown), atol=1e-15)
    w = theory.pair_means(shown, s)
    if s == 0.5:
        np.testing.assert_allclose(theory.exact_fisher(shown, s), theory.local_fisher(w, s), atol=1e-15)
        np.testing.assert_allclose(theory.local_fisher(w, s), 1 / 16 - w**2, atol=1e-15)
    else:
        assert np.abs(theory.exact_fisher(shown, s) - theory.local_fisher(w, s)).max() > 1e-3


def test_the_local_estimate_is_first_order_in_s_what_the_sparse_one_is():
    w, s = np.linspace(-0.2, 0.9, 12), 1e-4
    np.testing.assert_allclose(theory.local_fisher(w, 0), w * (1 - w), atol=1e-15)
    np.testing.assert_allclose(theory.local_fisher(w, s), theory.sparse_fisher(w, s), atol=10 * s**2)


@pytest.mark.parametrize("heat", [1.0, 0.5])
def test_the_variance_of_products_is_the_curvature_of_log_z(heat):
    """Test 1: Var(x_i x_j)/T^2 of single parameters; four times that where w_ij and w_ji are one."""
    upper = np.triu(np.random.default_rng(0).normal(0, 0.5, (8, 8)))
    w = upper + np.triu(upper, 1).T
    found = theory.boltzmann(w, heat)
    for i, j in ((0, 1), (2, 5), (3, 3)):
        one, both = np.zeros((2, 8, 8))
        one[i, j] = both[i, j] = both[j, i] = 1
        wanted = found.fisher(heat)[i, j]
        assert theory.curvature(w, one, heat=heat) == pytest.approx(wanted, rel=1e-6)
        assert theory.curvature(w, both, heat=heat) == pytest.approx(wanted * (4 if i != j else 1), rel=1e-6)
    pairs = [i * 8 + j for i, j in itertools.combinations(range(8), 2)]
    of_pairs = found.covariance[np.ix_(pairs, pairs)]
    assert np.abs(of_pairs).sum() - np.trace(of_pairs) > 2 * np.trace(of_pairs)  # so the diagonal is an assumption
    with pytest.raises(RuleError, match="for M up to 12; got M=13"):
        theory.boltzmann(np.zeros((13, 13)))


def test_table_1_and_the_lattice_of_figure_1():
    few = {0.05: (6.25e-6, 1.5566e-7, 5.0832e-14, 3.9e-24), 0.1: (1.0e-4, 9.8506e-6, 2.0289e-10, 1.5e-17)}
    for s, wanted in few.items():
        found = [theory.large_weight_probability(N, s) for N in (2, 5, 10, 20)]
        np.testing.assert_allclose(found[:3], wanted[:3], rtol=1e-4)
        assert found[3] == pytest.approx(wanted[3], rel=0.05)
    points = theory.lattice(2, 0.1)
    assert len(points) == 6
    for point in ((0.41, 0.16), (0.36, 0.2025), (0.81, 0)):
        assert np.isclose(points, point, atol=1e-12).all(axis=1).any()


def test_the_weights_lie_on_the_lattice_and_a_pair_active_in_all_patterns_has_no_curvature():
    """Fig 1; D3: w = (1-s)^2 and F = 0 there."""
    shown = drawn(5, units=20)
    shown[:, :2] = 1
    w, F = theory.pair_means(shown, S), theory.exact_fisher(shown, S)
    points = theory.lattice(5, S)
    pairs = np.stack([theory.above_diagonal(w), theory.above_diagonal(F)], axis=1)
    assert np.abs(pairs[:, None] - points).max(axis=2).min(axis=1).max() < 1e-12
    assert w[0, 1] == pytest.approx(0.81)
    assert F[0, 1] == pytest.approx(0, abs=1e-15)


def test_curvature_is_told_by_counts_and_less_well_by_weights():
    """C6: Pearson's correlation with the exact diagonal; its spread dies with the load (D2)."""
    shown = drawn(20, units=200)
    assert theory.fidelity(theory.count_fisher(shown), shown, S) == pytest.approx(0.999, abs=0.002)
    assert theory.fidelity(theory.local_fisher(theory.pair_means(shown, S), S), shown, S) == pytest.approx(
        0.87, abs=0.03
    )
    assert theory.selectivity(shown, S) > 2 * theory.selectivity(drawn(200, units=200), S)


# Tests 3 to 5: closed forms


def test_at_a_fixed_threshold_hebb_keeps_as_many_as_the_closed_form_says():
    """D5, and the sequences themselves."""
    counts = {0.05: 3, 0.07: 3, 0.1: 3, 0.15: 2, 0.2: 2, 0.3: 2, 0.5: 1, 0.03: 1}
    assert {eta: theory.hebb_kept(eta) for eta in counts} == counts
    assert theory.hebb_kept(0.03, theta=0.5) == 6
    assert theory.hebb_kept(0.001) == 0
    for eta in (0.07, 0.2, 0.5):
        run = reference.sequence("hebb", np.random.default_rng(0), readout=reference.A, loads=[20], eta=eta)
        assert run.kept()[0] == counts[eta]
    assert max(theory.hebb_kept(eta) for eta in np.linspace(0.001, 0.99, 2000)) == 3


def test_the_signal_to_noise_ratio_of_a_palimpsest():
    """D6: the values, and 20 ages of 8 simulated networks."""
    np.testing.assert_allclose(
        theory.snr([0, 2, 5, 10, 20], M=400, s=0.05, lam=0.95), [819, 667, 490, 294, 105], atol=0.5
    )
    ages = np.arange(20)
    both = [theory.simulated_snr(drawn(120, units=400, s=0.05, seed=k), ages, s=0.05, lam=0.95) for k in range(8)]
    signal, noise = np.mean(both, axis=0)
    over = signal**2 / noise / theory.snr(ages, M=400, s=0.05, lam=0.95)
    assert over.mean() == pytest.approx(1, abs=0.12)
    assert over[:10].mean() == pytest.approx(over[10:].mean(), abs=0.2)


def test_lifetimes_of_weights_by_the_exponential_rule():
    """D7, by the integral and by updates; and growth."""
    for w0, wanted in ((0.05, 423), (0.1, 1686), (0.15, 8284)):
        assert theory.lifetime(w0, w0 / 2, u=0.01, a=40, eta=0.01) == pytest.approx(wanted, abs=2)
    w, epochs = 0.1, 0
    while w > 0.05:
        w, epochs = w + 0.01 * np.exp(-40 * w) * (0.01 - w), epochs + 1
    assert epochs == pytest.approx(1686, abs=2)
    w = 0.0
    for _ in range(200):
        w += 0.01 * np.exp(-220 * w) * (0.81 - w)
    assert theory.growth(200, a=220, eta=0.01) == pytest.approx(w, rel=0.05)


def test_a_new_pattern_appears_when_the_closed_form_says():
    """D8 beside Fig 2, and D9."""
    wanted = theory.onsets()
    np.testing.assert_allclose(wanted[:2], [3.4, 24.5], atol=0.06)
    assert wanted.exponential == pytest.approx(138.9, abs=0.1)
    assert wanted.old_lost == pytest.approx(51.6, abs=0.1)
    assert wanted.weight_threshold_without_diagonal == np.inf
    shown = drawn(1)
    for rule, expected in (("hebb", 4), ("weight_threshold", 25), ("exponential", 139)):
        options = {"s": S, "eta": 0.01, "epochs": 160, **FIGURE_2[rule]}
        learnt = reference.learn(np.zeros((M, M)), shown, rule, **options)  # no old ones: no crosstalk
        scores = [reference.dice(reference.recall(w, shown, FIGURE_2_READOUT, s=S), shown)[0] for w in learnt]
        assert np.argmax(np.array(scores) > 0.5) + 1 == pytest.approx(expected, abs=2 if rule == "exponential" else 0)
    assert theory.after(-0.09, 0.81, eta=0.0463, epochs=5) == pytest.approx(0.0999, abs=1e-4)


def test_loads_at_which_theories_expect_a_breakdown():
    assert theory.hopfield_load(100, 0.1) == pytest.approx(59.9, abs=0.05)
    assert theory.willshaw_load(0.1) == pytest.approx(69.3, abs=0.05)
