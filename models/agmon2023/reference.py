"""References in plain numpy and scipy for Agmon and Burak (2023): bumps, energies, and the changes that make them flat.

Nothing here uses the simulator. Rates r are in Hz, currents I and inputs h in Hz^2, weights in Hz, energies in Hz^3,
times in seconds. A state is a row of N numbers; many states are an array (state, N). Weights are symmetric with a zero
diagonal. `place` is an (L, N) array of whole numbers: the place of each neuron in each map. States of all maps come map
by map, place by place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from brainmem.models.agmon2023.transfers import ROOT, Transfer
from scipy.linalg import cho_factor, cho_solve

from brainmem import RuleError

WINDOW = 45  # units from the centre of a bump beyond which nothing holds it
MOST_STEPS = 20_000


def wrapped(x, N: int):
    """Return whole numbers brought to -N/2 ... N/2 - 1 by whole turns of N."""
    return (np.asarray(x) + N // 2) % N - N // 2


@dataclass(frozen=True)
class Ring:
    """One map, a ring or a torus: the kernel, and the bump that a network of this map alone holds.

    Places are numbered row by row; on a torus of several `rows` place ``p`` is at ``p // rows`` along, ``p % rows``
    across.

    Attributes
    ----------
    N : int
        Neurons, which is also the number of places.
    A, sigma, b, h0 : float
        Height (Hz) and width (units) of the kernel, its constant (Hz), the input (Hz^2).
    rows : int
        Places across; 1 for a ring.
    transfer : Transfer
        The root, or another.
    """

    N: int = 600
    A: float = 0.665
    sigma: float = 15.0
    b: float = -0.2076
    h0: float = 10.0
    rows: int = 1
    transfer: Transfer = ROOT

    @property
    def sides(self) -> tuple[int, int]:
        """How many places a map has along and across."""
        return self.N // self.rows, self.rows

    def apart(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the place that lies from place 0 as `first` lies from `second`."""
        along = (first // self.rows - second // self.rows) % self.sides[0]
        return along * self.rows + (first - second) % self.rows

    def distance(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the distances between places."""
        along = wrapped(first // self.rows - second // self.rows, self.sides[0])
        return np.hypot(along, wrapped(first - second, self.rows))

    @cached_property
    def kernel(self) -> np.ndarray:
        """Weights by place of one neuron, from one at place 0; zero there (Eqs. S1, S2)."""
        distance = self.distance(np.arange(self.N), np.zeros(self.N, dtype=int))
        kernel = self.A * np.exp(-(distance**2) / (2 * self.sigma**2)) + self.b
        kernel[0] = 0
        return kernel

    @property
    def rho(self) -> float:
        """Sum of a row of the weights of one map, N times their mean."""
        return float(self.kernel.sum())

    @cached_property
    def current(self) -> np.ndarray:
        """The current of the bump around place 0, by unit, kept mirror-symmetric: else it slides off the lattice.

        Raises
        ------
        RuleError
            When these values hold no bump.
        """
        own = np.fft.rfft2(self.kernel.reshape(self.sides))
        far = self.distance(np.arange(self.N), np.zeros(self.N, dtype=int)).reshape(self.sides)
        u = np.where(far < 2 * self.sigma, 100.0, -90.0)
        for step in range(MOST_STEPS):
            change = self.h0 + np.fft.irfft2(own * np.fft.rfft2(self.transfer.rate(u)), self.sides) - u
            u = u + 0.1 * change
            if step % 50 == 0:
                u = _mirrored(u)
                if np.abs(change).max() < 1e-12 * np.abs(u).max():
                    break
        if not 0 < np.count_nonzero(u > 0) < self.N:
            raise RuleError(
                f"A map with A={self.A!r}, sigma={self.sigma!r}, b={self.b!r}, h0={self.h0!r} holds no bump: "
                f"{np.count_nonzero(u > 0)} of {self.N} neurons are active. Take b < 0 and a narrow, strong kernel."
            )
        return _mirrored(u).ravel()

    @property
    def rate(self) -> np.ndarray:
        """The rates of the bump around place 0."""
        return self.transfer.rate(self.current)

    def input(self, L: int) -> float:
        """Return h, which cancels what the other maps give in the mean (below Eq. S4)."""
        return self.h0 - (L - 1) * self.rho * float(self.rate.mean())

    def weights(self, place: np.ndarray) -> np.ndarray:
        """Return J, the sum of the kernels of all maps (Eqs. S1, S2)."""
        return sum(self.kernel[self.apart(row[:, None], row[None, :])] for row in place)

    def apart_from_centres(self, place: np.ndarray, stride: int = 1) -> np.ndarray:
        """Return where each neuron lies from the centre, for bumps at every `stride`-th place of each map."""
        centres = np.arange(0, self.N, stride)
        return self.apart(place[:, None, :], centres[None, :, None]).reshape(-1, self.N)


def _mirrored(u: np.ndarray) -> np.ndarray:
    """Return the mean of a table and its mirror images about the first place, along and across."""
    for axis in (0, 1):
        u = (u + np.roll(np.flip(u, axis), 1, axis)) / 2
    return u


def places(L: int, N: int, rng: np.random.Generator) -> np.ndarray:
    """Return L random maps."""
    return np.stack([rng.permutation(N) for _ in range(L)])


def energy(r: np.ndarray, w: np.ndarray, h: float) -> np.ndarray:
    """Return the Lyapunov energy of states with the root for a transfer, ``sum(r^3/3 - h r - r (W r)/2)``."""
    return (r**3 / 3 - h * r - r * (r @ w) / 2).sum(axis=-1)


def linear_step(r: np.ndarray, energies: np.ndarray, *, ridge: float = 0.0) -> np.ndarray:
    """Return the smallest change of the weights that makes the energies of states equal (Eqs. S9 to S13).

    Solved by the Gram matrix of the states, ``G_pq = ((r_p.r_q)^2 - sum_i r_pi^2 r_qi^2)/2``; the common energy is
    free.
    `ridge` times the mean of its diagonal is added to it: 1e-9 for smooth transfer functions, whose G is singular.
    """
    G = r @ r.T
    np.square(G, out=G)
    squares = r * r
    G -= squares @ squares.T
    G *= 0.5
    G[np.diag_indices_from(G)] += ridge * np.trace(G) / len(G)
    factor = cho_factor(G, lower=True, overwrite_a=True, check_finite=False)
    ones, rough = cho_solve(factor, np.stack([np.ones(len(r)), energies - energies.mean()], axis=1)).T
    y = rough - ones * rough.sum() / ones.sum()
    change = r.T @ (y[:, None] * r)
    np.fill_diagonal(change, 0)
    return (change + change.T) / 2


class Step(NamedTuple):
    """The network after some updates: M, and states and energies of all places, held at their centres."""

    M: np.ndarray
    current: np.ndarray
    energies: np.ndarray


@dataclass(frozen=True)
class Embedding:
    """Several maps in one network.

    Parameters
    ----------
    ring : Ring
    place : (L, N) array of int
    stride : int
        Every how many places of a map a state is wanted flat.
    """

    ring: Ring
    place: np.ndarray = field(repr=False)
    stride: int = 1

    @cached_property
    def J(self) -> np.ndarray:
        """The weights before the correction."""
        return self.ring.weights(self.place)

    @property
    def h(self) -> float:
        """The input."""
        return self.ring.input(len(self.place))

    @cached_property
    def apart(self) -> np.ndarray:
        """The place of each neuron, seen from the centre of each state."""
        return self.ring.apart_from_centres(self.place, self.stride)

    @property
    def along(self) -> np.ndarray:
        """How far along the map each neuron is from the centre of each state."""
        return wrapped(self.apart // self.ring.rows, self.ring.sides[0])

    @property
    def lever(self) -> np.ndarray:
        """The distance by which the input that holds a bump acts on each neuron: 0 beyond `WINDOW`."""
        return np.where(np.abs(self.along) <= WINDOW, self.along, 0).astype(float)

    @cached_property
    def ideal(self) -> np.ndarray:
        """The currents of the bumps of one map, at each state's place."""
        return self.ring.current[self.apart]

    def idealised(self) -> np.ndarray:
        """Return M of one linear step on the bumps of one map (scheme 1)."""
        return self.step(self.ideal, self.energy(self.ideal))

    def energy(self, u: np.ndarray, M: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the energies of currents, with M added to the weights."""
        return self.ring.transfer.energy(u, self.J + M, self.h)

    def step(self, u: np.ndarray, energies: np.ndarray) -> np.ndarray:
        """Return the smallest change of the weights that makes the energies of these currents equal."""
        return linear_step(self.ring.transfer.rate(u), energies, ridge=self.ring.transfer.ridge)

    def steps(self, updates: int = 5, *, frozen: bool = False, relaxation: int = 250) -> Iterator[Step]:
        """Yield the held states before any update and after each (scheme 2).

        Each state relaxes with the centre of its bump held, then M takes a linear step with the states and their
        energies, `updates` times. With `frozen` only the neurons of the first bump move; without, nothing holds those
        farther than `WINDOW` units from the centre.
        """
        M, X, mu = np.zeros_like(self.J), self.ideal.copy(), np.zeros(len(self.ideal))
        moves = self.ideal > 0 if frozen else None
        for update in range(updates + 1):
            X, mu = self.held(X, mu, self.J + M, steps=relaxation if update == 0 else 100, moves=moves)
            energies = self.energy(X, M)
            yield Step(M, X, energies)
            if update < updates:
                M = M + self.step(X, energies)

    def iterative(self, updates: int = 5, *, frozen: bool = False) -> Step:
        """Return the best of the updates: the one whose held states differ least in energy."""
        return min(self.steps(updates, frozen=frozen), key=lambda step: step.energies.std())

    def held(
        self, X: np.ndarray, mu: np.ndarray, w: np.ndarray, *, steps: int, moves: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the states of least energy whose bumps keep their centres, and the inputs that hold them.

        ``I <- I + a(-I + h + W r - mu c)``, c the distance from the centre; mu, one for each state, is set by four
        Newton steps so that ``sum(c r) = 0`` (Eqs. S14 to S23, where the constraint is a gradient).
        """
        L = len(self.place)
        a = 0.1 if L <= 12 else 0.07
        c = self.lever
        X, mu = X.copy(), mu.copy()
        for rows in np.array_split(np.arange(len(X)), max(1, len(X) // 600)):
            moving = None if moves is None else moves[rows]
            X[rows], mu[rows] = _held(self.ring.transfer, X[rows], mu[rows], w, self.h, c[rows], a, steps, moving)
        return X, mu


def _held(phi, X, mu, w, h, c, a, steps, moves):
    if moves is not None:
        c = c * moves
    for _ in range(steps):
        Y = (1 - a) * X + a * (h + phi.rate(X) @ w)
        if moves is not None:
            Y = np.where(moves, Y, X)
        for _ in range(4):
            z = Y - a * mu[:, None] * c
            slope = (a * c * c * phi.slope(z)).sum(axis=1)
            mu = mu + (c * phi.rate(z)).sum(axis=1) / slope
        X = Y - a * mu[:, None] * c
    return X, mu


def run(
    u: np.ndarray,
    w: np.ndarray,
    h: float,
    *,
    duration: float,
    tau: float = 0.015,
    dt: float = 2e-4,
    transfer: Transfer = ROOT,
) -> np.ndarray:
    """Return the currents of states after `duration`, by Euler steps of ``tau dI/dt = -I + h + W r`` (Eq. S4)."""
    u = np.array(u, dtype=float)
    for _ in range(round(duration / dt)):
        u += dt / tau * (h + transfer.rate(u) @ w - u)
    return u


def scores(r: np.ndarray, template: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return ``q^l(x) = sum_i P(place_i - x) r_i`` by state, map and place (Eqs. S6, S7).

    The template P, the bump of one map around place 0, and r are scaled to a maximum of 1.
    """
    r = r / r.max(axis=-1, keepdims=True)
    by_place = np.empty((len(r), *place.shape))
    np.put_along_axis(by_place, np.broadcast_to(place, by_place.shape), r[:, None, :], axis=-1)
    # sum over places y of P(y - x) r(y), P mirror-symmetric
    return np.fft.irfft(np.fft.rfft(by_place) * np.fft.rfft(template / template.max()).conj(), place.shape[1])


def visits(
    w: np.ndarray, r: np.ndarray, h: float, order: np.ndarray, *, mean: float, gain: float, G0: float, keep: float
) -> np.ndarray:
    """Return the weights after visits of clamped states: ``w += gain (E - mean E) r r^T/G0``, zero diagonal.

    `mean` is the running mean of the energy at the start; a visit moves it by ``1 - keep`` of the difference.
    """
    w = w.copy()
    for item in order:
        E = energy(r[item], w, h)
        change = gain * (E - mean) / G0 * np.outer(r[item], r[item])
        np.fill_diagonal(change, 0)
        w += change
        mean += (1 - keep) * (E - mean)
    return w
