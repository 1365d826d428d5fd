"""Identities, closed forms and small exact sums for Deistler et al. (2018); D1 to D9 number the derived ones.

In plain numpy and scipy, from the equations. Patterns are (item, unit) arrays of 0 and 1 with a fraction s of ones,
``d = p - s``. Times are epochs: single updates ``w += eta*Om*(d_i d_j - w)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import binom

from brainmem import RuleError

LARGEST_EXACT = 12  # units whose 2^M states are summed over


def pair_means(shown: np.ndarray, s: float) -> np.ndarray:
    """Return ``<d_i d_j>`` over the patterns."""
    d = shown - s
    return d.T @ d / len(d)


def pair_squares(shown: np.ndarray, s: float) -> np.ndarray:
    """Return ``<d_i^2 d_j^2>`` over the patterns."""
    return pair_means((shown - s) ** 2, 0)


def squares_from_means(shown: np.ndarray, s: float) -> np.ndarray:
    """Return the same by Eq 10: ``(1-2s)^2 <d_i d_j> + s(1-s)(1-2s)(<d_i> + <d_j>) + s^2 (1-s)^2``, exact."""
    mean, v = np.mean(shown - s, axis=0), s * (1 - s)
    return (1 - 2 * s) ** 2 * pair_means(shown, s) + v * (1 - 2 * s) * np.add.outer(mean, mean) + v**2


def exact_fisher(shown: np.ndarray, s: float) -> np.ndarray:
    """Return the diagonal of the Fisher information, ``<(d_i d_j)^2> - <d_i d_j>^2`` (Eq 7)."""
    return pair_squares(shown, s) - pair_means(shown, s) ** 2


def local_fisher(w, s: float):
    """Return ``s^2 (1-s)^2 + (1-2s)^2 w - w^2`` (Eq 11), which leaves out the means of d."""
    return s**2 * (1 - s) ** 2 + (1 - 2 * s) ** 2 * w - w**2


def sparse_fisher(w, s: float):
    """Return ``w(1-w) - 4 s w`` (Eq 12), first order in s."""
    return w * (1 - w) - 4 * s * w


def count_fisher(shown: np.ndarray) -> np.ndarray:
    """Return ``q(1-q)``, q = <p_i p_j>: the variance of 0/1 products, exact at every s (D1)."""
    q = pair_means(shown, 0)
    return q * (1 - q)


def recent_coincidences(shown: np.ndarray, before: np.ndarray, tau: float) -> np.ndarray:
    """Return a running mean of p_i p_j: its time constant is `tau` presentations, it begins with those `before`."""
    q = pair_means(before, 0)
    for p in shown:
        q = q + (np.outer(p, p) - q) * (1 - np.exp(-1 / tau))
    return q


def above_diagonal(values: np.ndarray) -> np.ndarray:
    """Return the entries of i < j."""
    return values[np.triu_indices(len(values), 1)]


def fidelity(estimate: np.ndarray, shown: np.ndarray, s: float) -> float:
    """Return Pearson's correlation of an estimate with the exact Fisher diagonal, over i < j."""
    return float(np.corrcoef(above_diagonal(estimate), above_diagonal(exact_fisher(shown, s)))[0, 1])


def selectivity(shown: np.ndarray, s: float) -> float:
    """Return sd(F)/mean(F) over i < j (D2): near ``.8/(s sqrt N)`` for random patterns, so it dies with the load."""
    F = above_diagonal(exact_fisher(shown, s))
    return float(F.std() / F.mean())


def large_weight_probability(N: int, s: float) -> float:
    """Return P(w > 1/2) = P(Binom(N, s^2) > N/2) (Table 1)."""
    return float(binom.sf(N // 2, N, s**2))


def lattice(N: int, s: float) -> np.ndarray:
    """Return all (w, F) that N patterns can give a pair (Fig 1), (case, 2)."""
    values = np.array([(1 - s) ** 2, -s * (1 - s), s**2])
    counts = np.array([(on, one, N - on - one) for on in range(N + 1) for one in range(N - on + 1)])
    w = counts @ values / N
    return np.stack([w, counts @ values**2 / N - w**2], axis=1)


class Boltzmann(NamedTuple):
    """log Z, and the covariance of the products x_i x_j, (pair, pair), pairs in the order of ``w.ravel()``."""

    log_z: float
    covariance: np.ndarray

    def fisher(self, heat: float) -> np.ndarray:
        """Return ``Var(x_i x_j)/T^2`` as a matrix of the pairs (Eqs 5, 6)."""
        units = round(len(self.covariance) ** 0.5)
        return np.diag(self.covariance).reshape(units, units) / heat**2


def boltzmann(w: np.ndarray, heat: float = 1.0) -> Boltzmann:
    """Sum over all states of ``P(x) = exp(sum_ij w_ij x_i x_j/T)/Z``."""
    units = len(w)
    if units > LARGEST_EXACT:
        raise RuleError(f"Exact sums go over 2^M states, for M up to {LARGEST_EXACT}; got M={units}.")
    x = (np.arange(2**units)[:, None] >> np.arange(units) & 1).astype(float)
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    exponents = products @ w.ravel() / heat
    log_z = float(logsumexp(exponents))
    p = np.exp(exponents - log_z)
    centred = products - p @ products
    return Boltzmann(log_z, (p[:, None] * centred).T @ centred)


def curvature(w: np.ndarray, change: np.ndarray, *, heat: float = 1.0) -> float:
    """Return d^2 ln Z/dh^2 of ``w + h*change`` at h = 0, by differences of fourth order."""
    step = 0.01 * heat
    ln = [boltzmann(w + h * step * change, heat).log_z for h in (-2, -1, 0, 1, 2)]
    return float(np.dot([-1, 16, -30, 16, -1], ln) / (12 * step**2))


def after(w: float, target: float, *, eta: float, epochs: float) -> float:
    """Return a weight after epochs with Om = 1 (D9: 5 epochs from -.09 take an on/on pair above Theta = .0916)."""
    return target + (w - target) * (1 - eta) ** epochs


def hebb_kept(eta: float, *, theta: float = 1.0, K: int = 10, s: float = 0.1, epochs: int = 5) -> int:
    """Return how many patterns Hebb's rule keeps at a fixed threshold (D5), interference left out.

    The field S lam^age (1 - lam), ``lam = (1-eta)^epochs``, ``S = K (1-s)^2``, must be above theta.
    """
    lam, S = (1 - eta) ** epochs, K * (1 - s) ** 2
    first = S * (1 - lam)
    return 0 if first <= theta else 1 + int(np.floor(np.log(first / theta) / -np.log(lam)))


def snr(age, *, M: int, s: float, lam: float):
    """Return SNR^2 of a palimpsest with zero diagonal, ``w = lam w + (1-lam) d_i d_j`` (D6)."""
    return M / s * (1 - lam**2) * lam ** (2 * np.asarray(age)) * (M - 1) / (M - s * M)


def simulated_snr(shown: np.ndarray, ages, *, s: float, lam: float) -> tuple[np.ndarray, np.ndarray]:
    """Return signal and noise variance by age of such a palimpsest: (mean field on - off), and within both groups."""
    d = shown - s
    kept = (1 - lam) * lam ** np.arange(len(d))[::-1]
    w = (kept[:, None] * d).T @ d
    np.fill_diagonal(w, 0)
    signal, noise = [], []
    for age in ages:
        p = shown[len(shown) - 1 - age]
        h = w @ p
        on, off = h[p == 1], h[p == 0]
        signal.append(on.mean() - off.mean())
        noise.append((np.sum((on - on.mean()) ** 2) + np.sum((off - off.mean()) ** 2)) / (len(p) - 2))
    return np.array(signal), np.array(noise)


def growth(epochs, *, a: float, eta: float, target: float = 0.81):
    """Return a weight of 0 after epochs of the exponential rule far below its target, ``ln(1 + u a eta n)/a`` (D7)."""
    return np.log1p(target * a * eta * np.asarray(epochs)) / a


def lifetime(w0: float, w1: float, *, u: float, a: float, eta: float) -> float:
    """Return the epochs of decay from w0 to w1 towards u by the exponential rule (D7): about exp(a w0)."""
    return float(quad(lambda w: np.exp(a * w) / (eta * (w - u)), w1, w0)[0])


class Onsets(NamedTuple):
    """Epochs, not rounded, at which the field of a new pattern passes theta, and that of the old ones falls below."""

    hebb: float
    weight_threshold: float
    weight_threshold_without_diagonal: float
    exponential: float
    old_lost: float


def onsets(*, theta=0.25, eta=0.01, hebb_eta=0.00931, a=220.0, K=10, s=0.1, N=20) -> Onsets:
    """Return when a new pattern appears beside N old ones in Fig 2 (D8).

    Hebb: ``S (1 - (1-eta)^n) = theta``. Weight threshold: K - 1 pairs freeze after one step, w_ii does the rest;
    without it their sum never reaches theta. Exponential: a weight ``v = theta/K``, after
    ``(e^(a v) - 1)/(a eta (u - v/2))``.
    """
    u, v = (1 - s) ** 2, theta / K
    frozen, slow = (K - 1) * eta * u, np.log1p(-hebb_eta)
    rest = theta - frozen
    return Onsets(
        hebb=float(np.log1p(-theta / (K * u)) / slow),
        weight_threshold=float(np.log1p(-rest / u) / np.log1p(-eta))
        if 0 < rest < u
        else (0.0 if rest <= 0 else np.inf),
        weight_threshold_without_diagonal=0.0 if frozen > theta else np.inf,
        exponential=float(np.expm1(a * v) / (a * eta * (u - v / 2))),
        old_lost=float(np.log(theta / (K * u / N)) / slow),
    )


def hopfield_load(M: int, s: float) -> float:
    """Return ``.138 M/(s |ln s|)``: 59.9 of 100 units with s = .1, near the load at which C3 breaks down."""
    return 0.138 * M / (s * abs(np.log(s)))


def willshaw_load(s: float) -> float:
    """Return Willshaw's bound ``ln 2/s^2``."""
    return np.log(2) / s**2
