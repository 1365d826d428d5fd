"""Measures of sequences: closed forms, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, measure, surrogate

STEP = 0.01


def bumps(units=60, duration=4.0, width=0.25, margin=0.0):
    """A sequence (time, unit) whose bumps tile the time, or the middle of it."""
    time = STEP * np.arange(round(duration / STEP))[:, None]
    centres = margin + (np.arange(units) + 0.5) * (duration - 2 * margin) / units
    return np.exp(-((time - centres) ** 2) / (2 * width**2))


def test_a_centre_of_mass_is_the_centre_of_a_bump_and_nan_for_a_silent_unit():
    rates = np.hstack([bumps(margin=1.0), np.zeros((400, 1))])
    found = measure.centre_of_mass(rates, STEP)
    np.testing.assert_allclose(found[:-1], 1.0 + (np.arange(60) + 0.5) * 2 / 60, atol=1e-3)
    assert np.isnan(found[-1])


def test_bvar_of_a_travelling_bump_is_one_and_noise_lowers_it():
    """Noise that multiplies a bump by 1 + e leaves its centre in place: the share lost is <e^2 bump^2>."""
    rates = bumps(margin=1.0)
    assert measure.bvar(rates, STEP) == pytest.approx(1, abs=0.003)
    noisy = rates * np.random.default_rng(1).uniform(0, 2, rates.shape)
    around = np.mean((noisy - noisy.mean(axis=1, keepdims=True)) ** 2)
    assert measure.bvar(noisy, STEP) == pytest.approx(1 - np.mean(rates**2) / 3 / around, abs=0.02)


def test_bvar_of_units_without_order_is_near_zero():
    """Aligned on noise's centres of mass, the mean profile is flat."""
    rates = np.random.default_rng(2).uniform(0, 1, (2000, 200))
    assert abs(measure.bvar(rates, STEP)) < 0.02


@pytest.mark.parametrize("rank", [1, 3, 7])
def test_the_dimension_of_rank_k_activity_of_equal_strengths_is_k(rank):
    rng = np.random.default_rng(rank)
    modes = rng.normal(size=(500, rank))
    modes = np.linalg.qr(modes - modes.mean(axis=0))[0]
    rates = modes @ np.linalg.qr(rng.normal(size=(40, rank)))[0].T + 5.0
    assert measure.dimension(rates, share=1 - 1e-9) == rank
    assert measure.dimension(rates, share=0.5) == -(-rank // 2)


def test_the_magnitude_of_change_counts_all_synapses():
    before = np.array([[1.0, -2.0], [0.5, 0.5]])
    assert measure.magnitude_of_change(before + np.array([[0.0, 1.0], [0.0, -3.0]]), before) == 1.0
    with pytest.raises(ResultError, match="all 0"):
        measure.magnitude_of_change(before, 0 * before)


def test_selectivity_is_one_for_exclusive_units_and_zero_for_equal_ones():
    preferred = np.array([0, 0, 1, 1, -1])
    exclusive = np.zeros((2, 10, 5))
    exclusive[0, :, :2] = exclusive[1, :, 2:4] = 0.4
    exclusive[:, :, 4] = 1.0
    assert measure.selectivity(exclusive, preferred) == 1.0
    assert measure.selectivity(np.ones((2, 10, 5)), preferred) == 0.0
    assert measure.selectivity(exclusive + 0.2, preferred) == pytest.approx(0.4 / 0.8)
    with pytest.raises(ResultError, match="No unit prefers trial 1"):
        measure.selectivity(exclusive, np.zeros(5, dtype=int))


def test_resilience_is_where_a_measure_crosses_zero():
    assert measure.resilience([0, 0.1, 0.3], [0.8, 0.2, -0.2]) == pytest.approx(0.2)
    assert measure.resilience([0, 1], [0.5, 0.1]) == np.inf
    assert measure.resilience([0.5, 1], [-0.1, -0.2]) == 0.5
    with pytest.raises(ResultError, match="ascend"):
        measure.resilience([1, 0], [0.5, -0.1])


def test_a_low_pass_filter_lags_a_ramp_by_tau_and_keeps_a_constant():
    ramp = np.linspace(0, 3, 3001)
    found = measure.lowpass(ramp, 0.05, 0.001)
    np.testing.assert_allclose(ramp[-100:] - found[-100:], 0.05, atol=1e-3)
    np.testing.assert_array_equal(measure.lowpass(np.full(50, 0.3), 0.05, 0.001), 0.3)


def test_band_structure_finds_planted_bands_whatever_the_order_of_units():
    rng = np.random.default_rng(3)
    place = rng.permutation(80)
    distance = place[:, None] - place[None, :]
    weights = np.where((distance >= -10) & (distance < 10), 0.5, -0.1) + 0.01 * rng.normal(size=(80, 80))
    found = measure.band_structure(weights, place, width=20)
    middle = int(np.flatnonzero(found.offset == 0)[0])
    assert found.mean[middle] == pytest.approx(0.5, abs=0.05)
    assert np.all(np.abs(found.mean[np.abs(found.offset) >= 20] + 0.1) < 0.02)
    assert np.all(found.sd[np.abs(found.offset) >= 20] < 0.02)
    np.testing.assert_allclose(found.means.mean(), weights.mean())
    for offset in (-1, 0, 1):  # bands are equally wide
        inside = np.isin(distance, (2 * offset - 1, 2 * offset))
        band = measure.band_structure(inside.astype(float), place, width=2)
        assert band.mean[band.offset == 2 * offset] == 1.0
    forward = np.where(distance > 0, 1.0, 0.0)
    assert measure.band_structure(forward, place, width=1).mean[-1] == 1.0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: measure.centre_of_mass(-np.ones((5, 2))), "not negative"),
        (lambda: measure.bvar(np.ones((2, 5, 3)), 0.1), r"shape \(time, unit\)"),
        (lambda: measure.bvar(np.zeros((30, 4)), 0.1), "none does"),
        (lambda: measure.dimension(np.ones((30, 4))), "constant"),
        (lambda: measure.dimension(np.eye(5), share=2), r"share=2"),
        (lambda: measure.lowpass(np.ones(5), 0.0, 0.1), "above 0"),
        (lambda: measure.band_structure(np.eye(4), np.arange(3)), "each of the 4 units"),
        (lambda: measure.selectivity(np.ones((2, 5, 3)), np.array([0, 1])), r"\(trial, time, unit\)"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_reason(call, said):
    with pytest.raises(ResultError, match=said):
        call()


@pytest.mark.parametrize("share", [0.25, 0.4, 0.7])
def test_a_surrogate_has_the_share_of_variance_that_was_asked_for(share):
    found = surrogate(200, duration=6.0, width=0.3, bvar=share, seed=3)
    assert found.rates.shape == (1, 600, 200)
    assert measure.bvar(found.rates[0], found.step) == pytest.approx(share, abs=0.01)
    np.testing.assert_allclose(found.rates.max(axis=1), 1)
    assert found.rates.min() >= 0


def test_a_share_that_no_surrogate_has_is_refused():
    with pytest.raises(ResultError, match=r"bvar=0\.999 lies outside"):
        surrogate(50, bvar=0.999)
