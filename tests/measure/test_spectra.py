"""Spectra of Hebb's matrix and of a projector, and the angle between couplings."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, measure


def drawn(items, units, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], (items, units))


def test_the_spectrum_of_hebbs_matrix_is_that_of_marchenko_and_pastur_less_alpha():
    """N - P eigenvalues exactly -alpha; the others those of xi xi^T/N less alpha, of mean 1 and variance alpha."""
    items, units = 150, 500
    patterns, alpha = drawn(items, units), 0.3
    found = measure.spectrum(measure.hebb(patterns), patterns)
    values = found.eigenvalues.values
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(values[items:], -alpha, atol=1e-12)
    np.testing.assert_allclose(values[:items], np.linalg.eigvalsh(patterns @ patterns.T / units)[::-1] - alpha)
    assert values[0] + alpha == pytest.approx((1 + alpha**0.5) ** 2, rel=0.05)
    assert found.share == pytest.approx(1)
    assert found.gap == pytest.approx(1)
    assert found.spread == pytest.approx(alpha**0.5, rel=0.03)


def test_a_projector_has_no_spread_and_one_on_other_directions_shares_p_over_n():
    patterns = drawn(60, 400)
    basis = np.linalg.qr(patterns.T)[0]
    found = measure.spectrum(3 * basis @ basis.T, patterns)
    assert found.share == pytest.approx(1)
    assert found.gap == pytest.approx(3)
    assert found.spread == pytest.approx(0, abs=1e-12)
    other = np.linalg.qr(np.random.default_rng(1).normal(size=(400, 60)))[0]
    assert measure.spectrum(other @ other.T, patterns).share == pytest.approx(60 / 400, abs=0.02)


def test_the_cosine_is_that_of_flattened_matrices():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 30))
    assert measure.cosine(a, 1e200 * a) == pytest.approx(1)
    assert measure.cosine(a, -1e-200 * a) == pytest.approx(-1)
    assert measure.cosine(a, b) == pytest.approx(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))
    symmetric, anti = a + a.T, a - a.T
    assert measure.cosine(symmetric, anti) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure.spectrum(np.triu(np.ones((4, 4))), drawn(2, 4)), r"not symmetric.*\(weights \+ weights.T\)/2"),
        (lambda: measure.spectrum(np.eye(4), np.ones((2, 4))), "linearly independent"),
        (lambda: measure.spectrum(np.eye(2), [[1, 1], [1, -1]]), "fewer than the units"),
        (lambda: measure.spectrum(np.eye(4), drawn(2, 5)), "do not fit"),
        (lambda: measure.spectrum(np.eye(4), np.zeros((2, 4))), "-1 and"),
        (lambda: measure.cosine(np.zeros((2, 2)), np.eye(2)), "first is 0 everywhere"),
        (lambda: measure.cosine(np.eye(2), np.eye(3)), "same shape"),
        (lambda: measure.cosine(np.eye(2), np.full((2, 2), np.inf)), "second has 4 NaN or infinite"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, message):
    with pytest.raises(ResultError, match=message):
        call()
