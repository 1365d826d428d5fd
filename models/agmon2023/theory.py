"""Closed forms for Agmon and Burak (2023): what several maps add to the energy of a bump, and how bumps move.

In plain numpy, from the equations; all but the paper's own energy are derived here. Rates in Hz, currents in Hz^2,
energies in Hz^3, places in units, times in seconds.
"""

from __future__ import annotations

import numpy as np
from brainmem.models.agmon2023.reference import Ring
from brainmem.models.agmon2023.transfers import ROOT


def fixed_point_energy(r: np.ndarray, h: float) -> np.ndarray:
    """Return the energy of fixed points, ``-sum(r^3/6 + h r/2)``; also of states that a weak input holds."""
    return -(r**3 / 6 + h * r / 2).sum(axis=-1)


def mean_energy(ring: Ring, L: int) -> float:
    """Return the mean over random maps of the energy of one map's bump in a network of L.

    ``E0 + (L-1)(rho Rbar S1 - rho (S1^2 - S2)/(2(N-1)))`` with ``S1 = sum r``, ``S2 = sum r^2``.
    """
    r, N, rho = ring.rate, ring.N, ring.rho
    S1, S2 = r.sum(), (r**2).sum()
    each = rho * r.mean() * S1 - rho * (S1**2 - S2) / (2 * (N - 1))
    return float(fixed_point_energy(r, ring.h0) + (L - 1) * each)


def energy_sd(ring: Ring, L: int) -> float:
    """Return the standard deviation over random maps of that energy.

    The other maps shuffle a pair's weights: ``Var = (L-1)/2 |a~|^2 |J~|^2/(N(N-3))``, a = r r^T, J of one map, and
    ``X~_ij = X_ij - (x_i + x_j)/(N-2) + x/((N-1)(N-2))`` with the row sums x_i and the sum x, zero diagonals.
    """
    N, r = ring.N, ring.rate
    pairs = np.outer(r, r)
    np.fill_diagonal(pairs, 0)
    squares = [(_centred(matrix) ** 2).sum() for matrix in (pairs, ring.weights(np.arange(N)[None]))]
    return float(np.sqrt((L - 1) / 2 * np.prod(squares) / (N * (N - 3))))


def _centred(matrix: np.ndarray) -> np.ndarray:
    N, rows = len(matrix), matrix.sum(axis=1)
    centred = matrix - np.add.outer(rows, rows) / (N - 2) + rows.sum() / ((N - 1) * (N - 2))
    np.fill_diagonal(centred, 0)
    return centred


def slope(values: np.ndarray) -> np.ndarray:
    """Return the slope along the ring, by central differences."""
    return (np.roll(values, -1, axis=-1) - np.roll(values, 1, axis=-1)) / 2


def inertia(ring: Ring) -> float:
    """Return ``sum I' r'``, for the root ``sum 2 r r'^2``: a bump moves at ``-(dE/dx)/(tau*inertia)``."""
    if ring.transfer is ROOT:  # whose current has no slope at the edge
        return float((2 * ring.rate * slope(ring.rate) ** 2).sum())
    return float((slope(ring.current) * slope(ring.rate)).sum())


def diffusion_rate(ring: Ring, *, tau: float, cells: float) -> float:
    """Return ``d<x^2>/dt`` of a bump whose rates are means over independent Poisson cells of each neuron.

    ``sum I'^2 r/(cells tau^2 (sum r' I')^2)``: the noise projected on the motion of the bump. `cells` are cells of the
    neuron's own rate; those that fire k times as fast count k times.
    """
    du, dr = slope(ring.current), slope(ring.rate)
    return float((du**2 * ring.rate).sum() / (cells * tau**2 * (dr * du).sum() ** 2))


def cubic_bias(ring: Ring, *, tau: float, cells: float) -> float:
    """Return what ``sum r^3/3`` gains where r is read from Poisson spikes: ``sum r Var(r)``, Var = r/(2 tau cells)."""
    return float((ring.rate**2).sum() / (2 * tau * cells))
