"""Transfer functions for Agmon and Burak (2023), in plain numpy: the root of the paper, and that of LIF cells.

Rates in Hz over currents in Hz^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from brian2 import hertz
from scipy.special import erfcx


def transfer(u: np.ndarray) -> np.ndarray:
    """Return the rates, sqrt(I) above 0 (Eq. S5)."""
    return np.sqrt(np.maximum(u, 0))


@dataclass(frozen=True)
class Transfer:
    """A transfer function, with what its energy needs.

    Attributes
    ----------
    name : str
        Of the model's choice `transfer`.
    rate, integral, slope : callable
        Rates over currents, their antiderivative and derivative.
    ridge : float
        Of `linear_step`: a smooth function has small rates everywhere, so that states hardly differ there.
    """

    name: str
    rate: Callable[[np.ndarray], np.ndarray]
    integral: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    ridge: float = 0.0

    def energy(self, u: np.ndarray, w: np.ndarray, h: float) -> np.ndarray:
        """Return the Lyapunov energy of states (Eqs. 1, S8), ``sum(int z phi'(z) dz - h r - r (W r)/2)``."""
        r = self.rate(u)
        return (u * r - self.integral(u) - h * r - r * (r @ w) / 2).sum(axis=-1)


def _root_slope(u: np.ndarray) -> np.ndarray:
    return 0.5 / np.maximum(transfer(u), 1e-2) * (u > 0)


ROOT = Transfer("root", transfer, lambda u: 2 / 3 * transfer(u) ** 3, _root_slope)


def siegert(u, *, tau_m: float = 0.02, t_ref: float = 0.002, sd: float = 0.15):
    """Return the rate of leaky integrate-and-fire cells at a mean input u, white noise of the membrane of this sd.

    Threshold 1, reset 0: ``1/f = t_ref + tau_m sqrt(pi) int exp(x^2)(1 + erf(x)) dx`` from ``-u/(sqrt(2) sd)`` to
    ``(1 - u)/(sqrt(2) sd)``.
    """
    u = np.asarray(u, dtype=float)
    low, high = -u / (np.sqrt(2) * sd), (1 - u) / (np.sqrt(2) * sd)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x = (high + low)[..., None] / 2 + (high - low)[..., None] / 2 * nodes
    with np.errstate(over="ignore"):
        integral = (erfcx(-x) * weights).sum(axis=-1) * (high - low) / 2
    return 1 / (t_ref + tau_m * np.sqrt(np.pi) * integral)


def lif_rate(current):
    """Return that rate in a third of Hz, over a current in Hz^2: near the root from 0 to 15 Hz."""
    return siegert(0.8247 + 0.00394 * np.asarray(current / hertz**2, dtype=float)) / 3 * hertz
