"""References in plain numpy and scipy for Ventura (2024): every algorithm from its rule, to compare others with.

Nothing here uses the simulator or its measures. Couplings are ``J[post, pre]`` with zero diagonal unless said, patterns
(item, unit) arrays of -1 and +1, `rng` a numpy Generator. No argument is changed in place. In this order: checks; data;
designed couplings; dreams; perceptrons; Boltzmann machines by exact sums. Equations are those of the reconstruction.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import erf, logsumexp

from brainmem import RuleError

TIE = 1e-12  # a field below this is rounding: the sign is kept
LARGEST_EXACT = 14  # units whose 2^N states are summed over


class Trained(NamedTuple):
    """Couplings, the steps that training took, and whether it reached what was asked for."""

    J: np.ndarray
    steps: int
    reached: bool


def _array(values, name: str, axes: int) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != axes or values.size == 0 or not np.isfinite(values).all():
        raise RuleError(f"{name} must be an array of {axes} axes of finite numbers, got shape {values.shape}.")
    return values


def _patterns(patterns, units: int | None = None) -> np.ndarray:
    patterns = _array(patterns, "patterns", 2)
    if (np.abs(patterns) != 1).any() or units not in (None, patterns.shape[1]):
        of = "" if units is None else f", for {units} units"
        raise RuleError(f"patterns must be (item, unit) of -1 and +1{of}, got shape {patterns.shape}.")
    return patterns


def _square(J, name: str = "J", *, symmetric: bool = False) -> np.ndarray:
    J = _array(J, name, 2)
    if J.shape[0] != J.shape[1]:
        raise RuleError(f"{name} must be square, got shape {J.shape}.")
    if symmetric and not np.allclose(J, J.T, rtol=1e-9, atol=1e-12):
        raise RuleError(f"{name} must be symmetric: an energy exists only where J_ij = J_ji.")
    return J


def _check(*, zero: bool = False, most: float = 1e300, **numbers: float) -> None:
    """Refuse what is not above 0, or not at least 0, or above the most allowed."""
    for name, value in numbers.items():
        if not (np.isreal(value) and (0 < value <= most or (zero and value == 0))):
            limit = "" if most >= 1e300 else f" and at most {most:g}"
            raise RuleError(f"{name} must be a number {'of 0 or more' if zero else 'above 0'}{limit}, got {value!r}.")


def _without_diagonal(J: np.ndarray) -> np.ndarray:
    np.fill_diagonal(J, 0)
    return J


def random_patterns(alpha: float, units: int, rng: np.random.Generator) -> np.ndarray:
    """Return alpha*N unbiased independent patterns."""
    _check(alpha=alpha, units=units)
    return rng.choice([-1.0, 1.0], (max(1, round(alpha * units)), units))


def correlated_patterns(alpha: float, units: int, features: int, rng: np.random.Generator):
    """Return patterns ``xi = sign(sum_k c_k f_k)`` of random features f with normal c; and f, (feature, unit)."""
    _check(alpha=alpha, units=units, features=features)
    f = rng.choice([-1.0, 1.0], (features, units))
    return np.where(rng.normal(size=(max(1, round(alpha * units)), features)) @ f > 0, 1.0, -1.0), f


def teacher(kind: str, units: int, beta: float, rng: np.random.Generator) -> np.ndarray:
    """Return the couplings of a teacher: "SK", J* ~ N(0, beta^2/N), or "CW" (Curie-Weiss), beta/N."""
    _check(units=units, beta=beta)
    if kind not in ("SK", "CW"):
        raise RuleError(f"kind must be 'SK' or 'CW', got {kind!r}.")
    above = np.triu(rng.normal(0, beta / np.sqrt(units), (units, units)), 1)
    return above + above.T if kind == "SK" else beta / units * (1 - np.eye(units))


def hebb(patterns) -> np.ndarray:
    """Return ``J_ij = (1/N) sum_mu xi_i xi_j``."""
    patterns = _patterns(patterns)
    return _without_diagonal(patterns.T @ patterns / patterns.shape[1])


def pseudo_inverse(patterns) -> np.ndarray:
    """Return ``J = (1/N) sum xi^mu (C^-1)_{mu nu} xi^nu`` without its diagonal, ``C = xi xi^T/N``; needs P < N."""
    patterns = _patterns(patterns)
    items, units = patterns.shape
    if items >= units or np.linalg.matrix_rank(patterns) < items:
        raise RuleError(f"The pseudo-inverse needs fewer patterns than units, all independent; got {items} of {units}.")
    return _without_diagonal(dreaming(patterns, np.inf))


def dreaming(patterns, t: float) -> np.ndarray:
    """Return ``J(t) = ((1+t)/N) xi^T (1 + t C)^-1 xi`` with its diagonal (Fachechi, Agliari & Barra 2019).

    Solves ``dJ/dt = (J - J^2)/(1 + t)``: Hebb's matrix at t = 0, the projector on the patterns at infinity.
    """
    patterns = _patterns(patterns)
    _check(zero=True, most=np.inf, t=t)
    C = patterns @ patterns.T / patterns.shape[1]
    scale, kernel = (1.0, C) if np.isinf(t) else (1 + t, np.eye(len(C)) + t * C)
    return scale / patterns.shape[1] * patterns.T @ np.linalg.solve(kernel, patterns)


def relax(J, s, rng: np.random.Generator, *, heat: float = 0.0, sweeps: int | None = None) -> np.ndarray:
    """Return where a state ends, visiting all sites in random order in every sweep.

    Without heat it ends after a sweep without a flip, or `sweeps` (1000: an asymmetric J may cycle). With heat T it
    makes `sweeps` (20) of Glauber dynamics, ``P(S_i = 1) = 1/(1 + exp(-2 h_i/T))``.
    """
    _check(zero=True, heat=heat)
    J, s = _square(J), _array(s, "s", 1)
    return _glauber(J, s.copy(), rng, heat, sweeps or 20) if heat else _descend(J, s.copy(), rng, sweeps or 1000)


def _descend(J: np.ndarray, s: np.ndarray, rng: np.random.Generator, sweeps: int = 1000) -> np.ndarray:
    """Relax at zero temperature in place, from one flip straight to the next in the order of the sweep."""
    h = J @ s
    for _ in range(sweeps):
        order, moved = rng.permutation(s.size), False
        while order.size:
            wrong = h[order] * s[order] < -TIE
            first = int(wrong.argmax())
            if not wrong[first]:
                break
            k, order, moved = order[first], order[first + 1 :], True
            s[k] = -s[k]
            h += 2 * s[k] * J[:, k]
        if not moved:
            break
    return s


def _glauber(J: np.ndarray, s: np.ndarray, rng: np.random.Generator, heat: float, sweeps: int) -> np.ndarray:
    h = J @ s
    for _ in range(sweeps):
        thresholds = 0.5 * heat * np.log(1 / rng.random(s.size) - 1)
        for k in rng.permutation(s.size):
            new = 1.0 if h[k] > thresholds[k] else -1.0
            if new != s[k]:
                s[k] = new
                h += 2 * new * J[:, k]
    return s


def unlearn(J, dreams: int, eps: float, rng: np.random.Generator, *, heat: float = 0.0) -> np.ndarray:
    """Return J after Hebbian unlearning: dreams S from random states, ``J_ij -= (eps/N) S_i S_j`` each.

    A negative `eps` leaves the sign as in learning. With heat T a dream is 20 sweeps of Glauber dynamics.
    """
    _check(zero=True, heat=heat, dreams=dreams, size_of_eps=abs(eps))
    J = _square(J, symmetric=True).copy()
    for _ in range(dreams):
        start = rng.choice([-1.0, 1.0], len(J))
        s = _glauber(J, start, rng, heat, 20) if heat else _descend(J, start, rng)
        J -= eps / len(J) * np.outer(s, s)
        np.fill_diagonal(J, 0)
    return J


def daydream(J, patterns, steps: int, tau: float, rng: np.random.Generator) -> np.ndarray:
    """Return J after Daydreaming: each step a random pattern and a dream, ``J_ij += (xi_i xi_j - S_i S_j)/(tau N)``."""
    _check(tau=tau)
    _check(zero=True, steps=steps)
    J, patterns = _square(J, symmetric=True).copy(), _patterns(patterns, len(J))
    for shown in patterns[rng.integers(len(patterns), size=steps)]:
        s = _descend(J, rng.choice([-1.0, 1.0], len(J)), rng)
        J += (np.outer(shown, shown) - np.outer(s, s)) / (tau * len(J))
    return J


def noise_change(J, shown: np.ndarray, s: np.ndarray, *, symmetric: bool = True) -> np.ndarray:
    """Return the change of training with noise over lam/N, ``e_i xi_i S_j``, or the mean of it and its transpose."""
    wrong = np.where(shown * (J @ s) < 0, shown, 0.0)
    change = np.outer(wrong, s)
    return _without_diagonal((change + change.T) / 2 if symmetric else change)


def train_with_noise(J, patterns, steps, lam, m, rng, *, symmetric=True, fixed_points=False) -> np.ndarray:
    """Return J after training with noise: states of overlap m with a random pattern, or fixed points from there."""
    _check(lam=lam)
    _check(zero=True, steps=steps)
    _check(zero=True, most=1, m=m)
    J, patterns = _square(J, symmetric=fixed_points).copy(), _patterns(patterns, len(J))
    for shown in patterns[rng.integers(len(patterns), size=steps)]:
        s = np.where(rng.random(len(J)) < (1 + m) / 2, shown, -shown)
        s = _descend(J, s, rng) if fixed_points else s
        J += lam / len(J) * noise_change(J, shown, s, symmetric=symmetric)
    return J


def stabilities(J: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """Return ``Delta_i^mu = xi_i h_i/|J_i|``, (item, unit); NaN for a unit without weights."""
    return patterns * (patterns @ J.T) / np.linalg.norm(J, axis=1)


def perceptron(patterns, kappa: float, *, lam=0.02, symmetric: bool = True, rounds: int = 20_000) -> Trained:
    """Return couplings of margin kappa: ``J_ij += (lam/N) sum_mu (e_i + e_j) xi_i xi_j``, e = [Delta < kappa].

    In batches, from Hebb, until no e is 1; ``reached`` is False where `rounds` did not do. Asymmetric: e_i only.
    """
    _check(lam=lam, rounds=rounds)
    _check(zero=True, kappa=kappa)
    patterns = _patterns(patterns)
    J = hebb(patterns)
    for done in range(rounds):
        weak = stabilities(J, patterns) < kappa
        if not weak.any():
            return Trained(J, done, True)
        change = np.where(weak, patterns, 0.0).T @ patterns
        J += lam / len(J) * _without_diagonal(change + change.T if symmetric else change)
    return Trained(J, rounds, not (stabilities(J, patterns) < kappa).any())


def lowest_loss(patterns, m: float, *, symmetric: bool = True, steps: int = 500) -> Trained:
    """Return couplings at a minimum of ``L(m, J) = -<erf(m Delta/sqrt(2(1 - m^2)))>``, found from Hebb."""
    _check(m=m, most=1 - 1e-6)
    patterns = _patterns(patterns)
    (items, units), slope = patterns.shape, m / np.sqrt(2 * (1 - m**2))

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        J = flat.reshape(units, units)
        norms = np.linalg.norm(J, axis=1)
        delta = patterns * (patterns @ J.T) / norms
        weight = 2 / np.sqrt(np.pi) * slope * np.exp(-((slope * delta) ** 2)) / (items * units)
        change = (weight * patterns).T @ patterns / norms[:, None]
        change -= np.sum(weight * delta, axis=0)[:, None] * J / norms[:, None] ** 2
        change = (change + change.T) / 2 if symmetric else change  # so that a symmetric J stays so
        return -float(np.mean(erf(slope * delta))), -_without_diagonal(change).ravel()

    options = {"maxiter": steps, "ftol": 0, "gtol": 1e-9}
    found = minimize(value, hebb(patterns).ravel(), jac=True, method="L-BFGS-B", options=options)
    return Trained(found.x.reshape(units, units), int(found.nit), bool(found.success))


@cache
def all_states(units: int) -> np.ndarray:
    """Return all states, (2^N, unit)."""
    if units > LARGEST_EXACT:
        raise RuleError(f"Exact sums go over 2^N states, for N up to {LARGEST_EXACT}; got N={units}.")
    return 2.0 * (np.arange(2**units)[:, None] >> np.arange(units) & 1) - 1


def _log_z(J: np.ndarray) -> tuple[float, np.ndarray]:
    """Return log Z at T = 1 and p(S)."""
    S = all_states(len(J))
    exponents = 0.5 * np.sum(S @ J * S, axis=1)
    log_z = float(logsumexp(exponents))
    return log_z, np.exp(exponents - log_z)


def distribution(J) -> np.ndarray:
    """Return p(S) ~ exp(sum_{i<j} J_ij S_i S_j) of all states."""
    return _log_z(_without_diagonal(_square(J, symmetric=True).copy()))[1]


def moments(p: np.ndarray) -> np.ndarray:
    """Return ``<S_i S_j>`` of a distribution over all states."""
    S = all_states(int(p.size).bit_length() - 1)
    return S.T @ (p[:, None] * S)


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Return KL(p||q)."""
    return float(np.sum(np.where(p > 0, p * np.log(np.maximum(p, 1e-300) / q), 0)))


def data_moments(p: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``<S_i S_j>`` of `count` samples of a distribution."""
    _check(count=count)
    return moments(rng.multinomial(count, p / p.sum()) / count)


def boltzmann_machine(C, *, g: float = 0.0, l1: float = 0.0, l2: float = 0.0, nudge: float = 0.01) -> Trained:
    """Return the J of largest likelihood for data with moments C, by its gradient ``C - C_1``; less penalties.

    ``g [log Z(bJ)/b - log Z(J)]/(b - 1)`` with b = 1 + nudge leaves criticality, ``l1 |J|_1`` and ``l2 |J|^2/2`` count
    pairs i < j. ``reached`` says that no component of the gradient is above 1e-3.
    """
    _check(zero=True, g=g, l1=l1, l2=l2)
    _check(nudge=nudge)
    C, b = _square(C, "C", symmetric=True), 1 + nudge
    above = np.triu_indices(len(C), 1)

    def matrix(pairs: np.ndarray) -> np.ndarray:
        J = np.zeros_like(C)
        J[above] = pairs
        return J + J.T

    def value(pairs: np.ndarray) -> tuple[float, np.ndarray]:
        (log_z, p), (log_zb, pb) = _log_z(matrix(pairs)), _log_z(b * matrix(pairs))
        C1, Cb = moments(p)[above], moments(pb)[above]
        merit = pairs @ C[above] - log_z - g * (log_zb / b - log_z) / nudge - l2 / 2 * pairs @ pairs
        return -merit, -(C[above] - C1 - g * (Cb - C1) / nudge - l2 * pairs)

    def split(halves: np.ndarray) -> tuple[float, np.ndarray]:
        plus, minus = np.split(halves, 2)
        merit, slope = value(plus - minus)
        return merit + l1 * halves.sum(), np.concatenate([slope, -slope]) + l1

    start, options = np.zeros((1 + bool(l1)) * above[0].size), {"maxiter": 5000, "ftol": 0, "gtol": 1e-6}
    bounds = [(0, None)] * start.size if l1 else None
    found = minimize(split if l1 else value, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    pairs = np.subtract(*np.split(found.x, 2)) if l1 else found.x
    slopes = np.where(found.x > 0, found.jac, np.minimum(found.jac, 0)) if l1 else found.jac
    return Trained(matrix(pairs), int(found.nit), bool(np.abs(slopes).max() < 1e-3))


def sleep(J, eta: float) -> Iterator[np.ndarray]:
    """Yield J, then J after each step of sleep at T = 1, ``J -= eta <S_i S_j>_J``, without end."""
    _check(eta=eta)
    J = _without_diagonal(_square(J, symmetric=True).copy())
    while True:
        yield J
        J = J - eta * _without_diagonal(moments(_log_z(J)[1]))


def two_phase(C, amplitude: float, *, u: float, eta: float = 0.01) -> np.ndarray:
    """Return ``J = A C`` after sleep of u = eta D in all."""
    _check(amplitude=amplitude)
    _check(zero=True, u=u)
    return next(islice(sleep(amplitude * _square(C, "C"), eta), round(u / eta), None))


def cycles(C, count: int, *, amplitude: float = 8.0, eta: float = 0.01) -> np.ndarray:
    """Return J after `count` cycles of wake and sleep, which learn and unlearn `amplitude` in all."""
    _check(count=count, amplitude=amplitude)
    C, each = _square(C, "C"), amplitude / count
    steps, J = max(1, round(each / eta)), np.zeros_like(C)
    for _ in range(count):
        J = next(islice(sleep(J + each * C, each / steps), steps, None))
    return J
