"""Networks of signs as distributions, ``p(S) ~ exp(-E(S)/T)``: energies, moments, and exact sums over all states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import logsumexp, rel_entr
from scipy.stats import wasserstein_distance

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, takes
from brainmem.measure.agreement import pearson
from brainmem.measure.checks import array, fitting, matrix, same_shape, signs, symmetric

__all__ = [
    "Boltzmann",
    "boltzmann",
    "energies",
    "energy_wasserstein",
    "kl_divergence",
    "moment_correlation",
    "pair_moments",
    "specific_heat",
]

LARGEST_EXACT = 14  # units; 2^14 states
_SUM = 1e-6  # probabilities sum to 1 within this


@dataclass(frozen=True, eq=False)
class Boltzmann:
    """The distribution ``p(S) = exp(-E(S)/T)/Z`` of a small network, state by state.

    Attributes
    ----------
    states : (state, unit) float array of -1 and +1
        All 2^N, in the order of binary numbers whose first digit is unit 0; -1 counts as digit 0.
    energies, probabilities : (state,) float arrays
    temperature : float
    """

    states: np.ndarray
    energies: np.ndarray
    probabilities: np.ndarray
    temperature: float

    @cached_property
    def means(self) -> np.ndarray:
        """``<S_i>``, (unit,)."""
        return self.probabilities @ self.states

    @cached_property
    def pair_moments(self) -> np.ndarray:
        """``<S_i S_j>``, (unit, unit), with 1 on the diagonal."""
        return self.states.T @ (self.probabilities[:, None] * self.states)


def energies(weights: ArrayLike, states: ArrayLike, *, biases: ArrayLike | None = None) -> np.ndarray:
    """Return the energies ``E = -1/2 sum_ij J_ij S_i S_j - sum_i b_i S_i`` (Hopfield 1982).

    Parameters
    ----------
    weights : (post, pre) float array, symmetric
        A diagonal adds the same to all states.
    states : (..., unit) float array of -1 and +1
    biases : (unit,) float array, optional
        0 when not given.

    Returns
    -------
    (...) float array, unit of the weights

    Raises
    ------
    ResultError
        For asymmetric weights, which have no energy, states that are not -1 and +1, NaN, or sizes that do not fit.
    """
    weights, states = symmetric(weights, "weights", needed_by="an energy"), signs(states, "states")
    fitting(weights, states, "states")
    return _energies(weights, states, _biases(biases, weights.shape[0]))


def _energies(weights: np.ndarray, states: np.ndarray, biases: np.ndarray) -> np.ndarray:
    return -0.5 * np.sum((states @ weights) * states, axis=-1) - states @ biases


def _biases(biases: ArrayLike | None, units: int) -> np.ndarray:
    if biases is None:
        return np.zeros(units)
    biases = array(biases, "biases", least=1)
    if biases.shape != (units,):
        raise ResultError(f"biases must hold one number for each of {units} units, got shape {biases.shape}.")
    return biases


def pair_moments(states: ArrayLike, *, probabilities: ArrayLike | None = None) -> np.ndarray:
    """Return the pair moments ``<S_i S_j>`` of states.

    Parameters
    ----------
    states : (state, unit) float array of -1 and +1
        Samples: states that a network visited, or data.
    probabilities : (state,) float array, optional
        All samples count the same when not given.

    Returns
    -------
    (unit, unit) float array in [-1, 1], with 1 on the diagonal

    Raises
    ------
    ResultError
        For states that are not -1 and +1, probabilities that are negative or do not sum to 1, or other
        shapes.
    """
    states = signs(states, "states")
    if states.ndim != 2:
        raise ResultError(f"states must have the shape (state, unit), got {states.shape}.")
    if probabilities is None:
        return states.T @ states / len(states)
    return states.T @ (_probabilities(probabilities, "probabilities", len(states))[:, None] * states)


def moment_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Pearson's correlation of two matrices of pair moments, over pairs i < j.

    Parameters
    ----------
    first, second : (unit, unit) float arrays
        As `pair_moments` returns them.

    Raises
    ------
    ResultError
        For fewer than three units (two pairs are needed), NaN, or different shapes.
    """
    first, second = matrix(first, "first"), matrix(second, "second")
    same_shape(first, second, "first and second")
    if len(first) < 3:
        raise ResultError(f"first and second have {len(first)} units; a correlation over pairs needs three or more.")
    above = np.triu_indices(len(first), 1)
    return float(pearson(first[above], second[above]))


@takes(ResultError, temperature=NUMBER)
def boltzmann(weights: ArrayLike, *, biases: ArrayLike | None = None, temperature: float = 1.0) -> Boltzmann:
    """Return the Boltzmann distribution of a network of at most 14 units, exactly, from all its states.

    Parameters
    ----------
    weights : (post, pre) float array, symmetric
    biases : (unit,) float array, optional
    temperature : float, unit of the weights

    Returns
    -------
    Boltzmann

    Raises
    ------
    ResultError
        For more units, asymmetric weights, a temperature that is not positive, NaN, or sizes that do not fit.
    """
    weights = symmetric(weights, "weights", needed_by="a Boltzmann distribution")
    units = len(weights)
    if units > LARGEST_EXACT:
        raise ResultError(
            f"weights of {units} units have 2^{units} states; exact sums are made for up to {LARGEST_EXACT} units. "
            "Give a smaller network, or estimate its moments from sampled states with pair_moments(states)."
        )
    _check_temperatures(np.array([temperature]), "temperature")
    states = _all_states(units)
    return _boltzmann(states, _energies(weights, states, _biases(biases, units)), temperature)


def _all_states(units: int) -> np.ndarray:
    digits = np.arange(2**units)[:, None] >> np.arange(units)[::-1] & 1
    return 2.0 * digits - 1


def _boltzmann(states: np.ndarray, energy: np.ndarray, temperature: float) -> Boltzmann:
    exponents = -(energy - energy.min()) / temperature
    return Boltzmann(states, energy, np.exp(exponents - logsumexp(exponents)), temperature)


def _check_temperatures(temperatures: np.ndarray, name: str) -> None:
    if not (temperatures > 0).all():
        raise ResultError(f"{name} must be positive, got {temperatures[~(temperatures > 0)][0]:g}.")


def specific_heat(weights: ArrayLike, temperatures: ArrayLike, *, biases: ArrayLike | None = None) -> xr.DataArray:
    """Return the specific heat of a unit, ``(<E^2> - <E>^2)/(N T^2)``, exactly, for at most 14 units.

    A network is near criticality where it peaks at the temperature at which it is run.

    Parameters
    ----------
    weights : (post, pre) float array, symmetric
    temperatures : (temperature,) float array, unit of the weights
    biases : (unit,) float array, optional

    Returns
    -------
    (temperature,) xarray.DataArray
        Its peak is at ``found.temperature[found.argmax()]``, or ``found.idxmax()``.

    Raises
    ------
    ResultError
        As `boltzmann`.
    """
    temperatures = array(temperatures, "temperatures", least=1)
    if temperatures.ndim != 1:
        raise ResultError(f"temperatures must be a list of numbers, got shape {temperatures.shape}.")
    _check_temperatures(temperatures, "temperatures")
    all_states = boltzmann(weights, biases=biases)
    energy, units = all_states.energies, all_states.states.shape[1]
    spread = [_variance(energy, _boltzmann(all_states.states, energy, heat).probabilities) for heat in temperatures]
    values = np.array(spread) / (units * temperatures**2)
    found = xr.DataArray(values, {"temperature": temperatures}, ("temperature",), "specific_heat")
    return found.assign_attrs(units="1", long_name="specific heat of a unit")


def _variance(values: np.ndarray, probabilities: np.ndarray) -> float:
    return float(probabilities @ (values - probabilities @ values) ** 2)


def kl_divergence(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Kullback-Leibler divergence ``KL(p||q) = sum_S p(S) log(p(S)/q(S))``, in nats.

    Parameters
    ----------
    p, q : (state,) float arrays
        Probabilities of the same states: p of what is to be described, q of the model.

    Returns
    -------
    float
        0 only where both are equal; infinite where q is 0 and p is not.

    Raises
    ------
    ResultError
        For probabilities that are negative or do not sum to 1, NaN, or different shapes.
    """
    p, q = _probabilities(p, "p"), _probabilities(q, "q")
    same_shape(p, q, "p and q")
    return float(np.sum(rel_entr(p, q)))


def energy_wasserstein(
    first: ArrayLike, second: ArrayLike, *, p: ArrayLike | None = None, q: ArrayLike | None = None
) -> float:
    """Return the Wasserstein distance (order 1) between two distributions of energies.

    Parameters
    ----------
    first, second : (state,) float arrays
        Energies of sampled states, or of all.
    p, q : (state,) float arrays, optional
        Probabilities of the states of `first` and of `second`; all count the same when not given.

    Returns
    -------
    float, unit of the energies

    Raises
    ------
    ResultError
        For probabilities that are negative or do not sum to 1, NaN, or shapes that do not fit.
    """
    one, other = array(first, "first", least=1), array(second, "second", least=1)
    for name, values in (("first", one), ("second", other)):
        if values.ndim != 1:
            raise ResultError(f"{name} must be a list of energies, got shape {values.shape}.")
    weight_one = None if p is None else _probabilities(p, "p", one.size)
    weight_other = None if q is None else _probabilities(q, "q", other.size)
    return float(wasserstein_distance(one, other, weight_one, weight_other))


def _probabilities(values: ArrayLike, name: str, size: int | None = None) -> np.ndarray:
    values = array(values, name, least=1)
    if values.ndim != 1 or size not in (None, values.size):
        wanted = "a list" if size is None else f"one for each of {size} states"
        raise ResultError(f"{name} must be probabilities, {wanted}, got shape {values.shape}.")
    if values.min() < 0 or abs(values.sum() - 1) > _SUM:
        raise ResultError(
            f"{name} must be probabilities: not negative, with sum 1. The lowest is {values.min():g}, "
            f"the sum {values.sum():g}. Counts become probabilities by {name}/{name}.sum()."
        )
    return values
