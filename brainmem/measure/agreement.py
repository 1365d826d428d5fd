"""How well one set of activities follows another, and how irregular a spiking unit is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import SPAN, a, count, number, takes
from brainmem.intake.numbers import read_array
from brainmem.intake.units import PER_SECOND
from brainmem.measure.checks import array, same_shape, same_units

__all__ = ["fano_factor", "is_constant", "nrmse", "pearson", "pvar", "unit_pvar"]

_FLAT = 1e-12
"""A standard deviation below this fraction of the largest value is rounding, not signal."""


@takes(
    ResultError,
    axis=a("a whole number", lambda given: isinstance(given, int | np.integer) and not isinstance(given, bool)),
)
def pearson(x: ArrayLike, y: ArrayLike, *, axis: int = -1) -> np.ndarray | float:
    """Return Pearson's correlation coefficient along an axis.

    Parameters
    ----------
    x, y : (..., sample) float arrays, any unit
        Shapes broadcast; the number of samples must agree.
    axis : int
        Axis of the samples.

    Returns
    -------
    (...) float array in [-1, 1], or float
        NaN where one of the two is constant: a correlation does not exist there.

    Raises
    ------
    ResultError
        For fewer than two samples, NaN, or shapes that do not fit.
    """
    x, y = (_last(array(values, name, least=1), name, axis) for name, values in (("x", x), ("y", y)))
    same_units(x, y, "x and y")
    if x.shape[-1] < 2:
        raise ResultError("A correlation needs at least two samples, got one.")
    x, y = _standardise(x), _standardise(y)
    return np.clip(np.mean(x * y, axis=-1), -1, 1)[()]


def _last(values: np.ndarray, name: str, axis: int) -> np.ndarray:
    """Return an array with the axis of samples last."""
    if not -values.ndim <= axis < values.ndim:
        raise ResultError(f"axis={axis} does not exist: {name} has shape {values.shape}.")
    return np.moveaxis(values, axis, -1)


def _standardise(x: np.ndarray) -> np.ndarray:
    """Return x with mean 0 and sd 1 along the last axis, NaN where x is constant."""
    scale = np.abs(x).max(axis=-1, keepdims=True)
    x = x / np.where(scale > 0, scale, 1)
    x = x - x.mean(axis=-1, keepdims=True)
    deviation = x.std(axis=-1, keepdims=True)
    return x / np.where(deviation > _FLAT, deviation, np.nan)


def nrmse(output: ArrayLike, reference: ArrayLike) -> float:
    """Return the root mean square error over the standard deviation of the reference.

    Parameters
    ----------
    output, reference : float arrays of one shape and unit
        0 is agreement; 1 is as bad as the reference's own mean.

    Raises
    ------
    ResultError
        For a constant reference, NaN, or different shapes.
    """
    output, reference = array(output, "output"), array(reference, "reference")
    same_shape(output, reference, "output and reference")
    return float(np.sqrt(np.mean((output - reference) ** 2)) / _deviation(reference, "reference"))


def pvar(target: ArrayLike, output: ArrayLike) -> float:
    """Return the fraction of the target's variance that the output explains.

    ``pVar = 1 - |D - R|^2/|D - mean(D)|^2`` with squared norms over all units and times and one
    mean over everything (Rajan, Harvey & Tank 2016).

    Parameters
    ----------
    target, output : (unit, time) float arrays of one shape and unit

    Returns
    -------
    float
        1 is perfect, 0 as good as the mean, negative is worse than the mean.

    Raises
    ------
    ResultError
        For a constant target, NaN, or different shapes.
    """
    target, output = array(target, "target"), array(output, "output")
    same_shape(target, output, "target and output")
    return float(1 - np.mean((target - output) ** 2) / _deviation(target, "target") ** 2)


def unit_pvar(target: ArrayLike, output: ArrayLike) -> np.ndarray:
    """Return the fraction of the variance of each unit's target that its output explains.

    ``1 - sum (R - r)^2 / sum (R - mean(R))^2`` for each unit, over all times and trials at which a target is known.

    Parameters
    ----------
    target, output : (time, unit) or (trial, time, unit) float arrays of one shape
        The target is NaN where none is known.

    Returns
    -------
    (unit,) float array
        NaN for a unit whose target is known nowhere, or constant.

    Raises
    ------
    ResultError
        For different shapes, infinite targets, and outputs that are NaN.
    """
    target, output = read_array(target, what="target", error=ResultError), array(output, "output", least=2)
    same_shape(target, output, "target and output")
    if np.isinf(target).any():
        raise ResultError("target holds infinite values. Set them to NaN where nothing is known.")
    known, over = np.isfinite(target), tuple(range(target.ndim - 1))
    number = np.maximum(known.sum(axis=over), 1)
    wanted = np.where(known, target, 0)
    around = np.where(known, wanted - wanted.sum(axis=over) / number, 0)
    missed = np.where(known, wanted - output, 0)
    variance, sizes = (around**2).sum(axis=over), (wanted**2).sum(axis=over)
    moves = variance > _FLAT**2 * sizes
    return np.where(moves, 1 - (missed**2).sum(axis=over) / np.where(moves, variance, 1), np.nan)


def is_constant(values: np.ndarray) -> bool:
    """Return whether an array is the same everywhere, up to rounding."""
    return bool(values.std() <= _FLAT * max(float(np.abs(values).max()), np.finfo(float).tiny))


def _deviation(values: np.ndarray, name: str) -> float:
    if is_constant(values):
        raise ResultError(f"{name} is constant ({values.flat[0]:g} everywhere), so no share of its variance exists.")
    return float(values.std())


@takes(ResultError, tau=SPAN, rate_max=number(PER_SECOND), cells_per_unit=count(1))
def fano_factor(trace: ArrayLike, *, tau: float, rate_max: float, cells_per_unit: int) -> np.ndarray:
    """Return the Fano factor F of each unit's spikes, from the noise of its filtered trace.

    Spikes of M cells filtered with time constant tau and scaled by 1/(rate_max M) have
    ``Var[s] = F <s>/(2 tau rate_max M)``; F = 1 for Poisson cells, below 1 for regular ones.
    Valid while the drive is stationary: drop transients first.

    Parameters
    ----------
    trace : (time, unit) float array, dimensionless, 0 ... 1
    tau : float, seconds
    rate_max : float, Hz
    cells_per_unit : int

    Returns
    -------
    (unit,) float array
        NaN for units that never fired.

    Raises
    ------
    ResultError
        For NaN, or numbers that are not positive.
    """
    trace = array(trace, "trace", least=1)
    for name, value in {"tau": tau, "rate_max": rate_max, "cells_per_unit": cells_per_unit}.items():
        if not value > 0:
            raise ResultError(f"{name} must be positive, got {value!r}.")
    mean = trace.mean(axis=0)
    return trace.var(axis=0) * 2 * tau * rate_max * cells_per_unit / np.where(mean > 0, mean, np.nan)
