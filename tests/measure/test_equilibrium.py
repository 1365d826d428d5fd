"""Exact distributions of small networks against closed forms: independent spins, pairs, the ring, Curie and Weiss."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest

from brainmem import ResultError, measure


def couplings(units=6, seed=0):
    above = np.triu(np.random.default_rng(seed).normal(size=(units, units)), 1)
    return above + above.T


def ring(units, strength):
    shifted = np.roll(np.eye(units), 1, axis=0)
    return strength * (shifted + shifted.T)


def test_energies_are_sums_over_pairs_and_biases():
    weights, biases = couplings(), np.arange(6.0)
    states = np.random.default_rng(1).choice([-1.0, 1.0], (2, 3, 6))
    found = measure.energies(weights, states, biases=biases)
    assert found.shape == (2, 3)
    pairs = [(i, j) for i in range(6) for j in range(i)]
    for state, energy in zip(states.reshape(-1, 6), found.ravel(), strict=True):
        wanted = -sum(weights[i, j] * state[i] * state[j] for i, j in pairs) - biases @ state
        assert energy == pytest.approx(wanted)
    assert measure.energies(weights, states[0, 0]) == pytest.approx(found[0, 0] + biases @ states[0, 0])


def test_a_distribution_goes_over_all_states_in_the_order_of_binary_numbers():
    found = measure.boltzmann(couplings(4), biases=[1, -1, 0.5, 0], temperature=0.7)
    np.testing.assert_array_equal(found.states, list(product([-1.0, 1.0], repeat=4)))
    factors = np.exp(-found.energies / 0.7)
    np.testing.assert_allclose(found.probabilities, factors / factors.sum())
    np.testing.assert_allclose(found.means, found.probabilities @ found.states)


def test_spins_that_do_not_interact_follow_their_biases():
    biases = np.linspace(-1, 2, 5)
    found = measure.boltzmann(np.zeros((5, 5)), biases=biases, temperature=2.0)
    np.testing.assert_allclose(found.means, np.tanh(biases / 2))
    moments = np.outer(found.means, found.means)
    np.fill_diagonal(moments, 1)
    np.testing.assert_allclose(found.pair_moments, moments)


def test_a_ring_has_the_moments_and_the_heat_of_its_transfer_matrix():
    """<S_0 S_r> = (t^r + t^(n-r))/(1 + t^n) with t = tanh(J/T); ln Z = n ln(2 cosh(J/T)) + ln(1 + t^n)."""
    units, strength, heats = 10, 0.8, np.linspace(0.3, 2, 9)
    found = measure.boltzmann(ring(units, strength))
    t, distance = np.tanh(strength), np.arange(units)
    wanted = (t**distance + t ** (units - distance)) / (1 + t**units)
    np.testing.assert_allclose(found.pair_moments[0], wanted)
    heat = measure.specific_heat(ring(units, strength), heats)

    def log_z(beta):
        return units * np.log(2 * np.cosh(beta * strength)) + np.log1p(np.tanh(beta * strength) ** units)

    beta, step = 1 / heats, 1e-4
    second = (log_z(beta + step) - 2 * log_z(beta) + log_z(beta - step)) / step**2
    np.testing.assert_allclose(heat.values, second * beta**2 / units, rtol=1e-4)
    assert heat.dims == ("temperature",)
    assert 0.3 < heat.idxmax() < 2


def test_the_largest_network_allowed_is_summed_by_magnetisation():
    """Curie and Weiss: the energy depends on the number of units up, of which there are comb(N, k) states."""
    units, strength = 14, 1.2 / 14
    found = measure.boltzmann(strength * (1 - np.eye(units)))
    up = np.arange(units + 1)
    factors = [comb(units, k) * np.exp(strength * ((2 * k - units) ** 2 - units) / 2) for k in up]
    held = [found.probabilities[(found.states > 0).sum(axis=1) == k].sum() for k in up]
    np.testing.assert_allclose(held, np.array(factors) / np.sum(factors))


def test_moments_of_samples_approach_those_of_all_states():
    found = measure.boltzmann(couplings(5))
    rng = np.random.default_rng(2)
    sampled = found.states[rng.choice(32, 20_000, p=found.probabilities)]
    moments = measure.pair_moments(sampled)
    np.testing.assert_allclose(moments, found.pair_moments, atol=0.03)
    np.testing.assert_allclose(
        measure.pair_moments(found.states, probabilities=found.probabilities), found.pair_moments, atol=1e-12
    )
    assert measure.moment_correlation(moments, found.pair_moments) > 0.99
    assert measure.moment_correlation(found.pair_moments, -2 * found.pair_moments) == pytest.approx(-1)


def test_divergences_of_two_coins_have_their_closed_form():
    p, q = np.array([0.25, 0.75]), np.array([0.5, 0.5])
    assert measure.kl_divergence(p, q) == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))
    assert measure.kl_divergence(p, p) == 0
    assert measure.kl_divergence([1, 0], q) == pytest.approx(np.log(2))
    assert measure.kl_divergence(q, [1, 0]) == np.inf


def test_the_distance_of_energies_is_the_work_of_moving_one_onto_the_other():
    rng = np.random.default_rng(0)
    first = rng.normal(size=500)
    assert measure.energy_wasserstein(first, first + 3) == pytest.approx(3)
    assert measure.energy_wasserstein([0, 1], [0, 1], p=[0.5, 0.5], q=[0.1, 0.9]) == pytest.approx(0.4)
    assert measure.energy_wasserstein([0, 1], [0.9], p=[0.1, 0.9]) == pytest.approx(0.1 * 0.9 + 0.9 * 0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure.energies(np.triu(np.ones((3, 3))), np.ones(3)), r"weights is not symmetric, and an energy"),
        (lambda: measure.energies(np.eye(3), [1, 0, 1]), "states must hold"),
        (lambda: measure.energies(np.eye(3), np.ones(4)), "do not fit"),
        (lambda: measure.energies(np.eye(3), np.ones(3), biases=[1, 2]), r"biases must hold one number.*\(2,\)"),
        (lambda: measure.boltzmann(np.zeros((15, 15))), r"2\^15 states.*up to 14.*pair_moments"),
        (lambda: measure.boltzmann(np.eye(3), temperature=0), "temperature must be positive, got 0"),
        (lambda: measure.boltzmann(np.eye(3), temperature=-1), "temperature must be positive, got -1"),
        (lambda: measure.boltzmann(np.full((3, 3), np.nan)), "NaN"),
        (lambda: measure.boltzmann(np.triu(np.ones((3, 3)))), "not symmetric"),
        (lambda: measure.specific_heat(np.eye(3), [1, -2]), "temperatures must be positive, got -2"),
        (lambda: measure.specific_heat(np.eye(3), [[1]]), "list of numbers"),
        (lambda: measure.pair_moments(np.ones(3)), r"\(state, unit\)"),
        (lambda: measure.pair_moments(np.ones((2, 3)), probabilities=[1]), "one for each of 2 states"),
        (lambda: measure.pair_moments(np.ones((2, 3)), probabilities=[2, 3]), "become probabilities by"),
        (lambda: measure.moment_correlation(np.eye(2), np.eye(2)), "three or more"),
        (lambda: measure.moment_correlation(np.eye(3), np.eye(4)), "same shape"),
        (lambda: measure.kl_divergence([0.5, 0.5], [0.3, 0.3, 0.4]), "same shape"),
        (lambda: measure.kl_divergence([1.5, -0.5], [0.5, 0.5]), "p must be probabilities"),
        (lambda: measure.energy_wasserstein([[1.0]], [1.0]), "list of energies"),
        (lambda: measure.energy_wasserstein([1.0, 2], [1.0], p=[1]), "one for each of 2"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, message):
    with pytest.raises(ResultError, match=message):
        call()
