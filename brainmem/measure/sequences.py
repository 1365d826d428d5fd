"""Sequences of activity: how well a network repeats one, and how the network does it.

Rates are arrays (time, unit), as results and patterns with frames hold them. Source of the measures unless said
otherwise: Rajan, Harvey & Tank (2016).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, RESULT, SPAN, TEXT, takes
from brainmem.measure.checks import array, same_shape
from brainmem.measure.steps import tabulated

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = [
    "bvar",
    "centre_of_mass",
    "dimension",
    "lowpass",
    "magnitude_of_change",
    "pvar_of_tests",
    "resilience",
    "selectivity",
]

# A variance below this part of the mean square is rounding.
_FLAT = 1e-20


@takes(ResultError, result=RESULT, **dict.fromkeys(("phase", "target", "misfit", "marks"), TEXT))
def pvar_of_tests(
    result: Result, *, phase: str = "test", target: str = "R", misfit: str = "misfit", marks: str = ""
) -> xr.DataArray:
    """Return the fraction of the target's variance that the rates explain in each test pass.

    ``pVar = 1 - <(R - r)^2>/<(R - <R>)^2>``, means over all units and times (Rajan, Harvey & Tank 2016): `pvar` of
    the rates in time, from the mean squared error that the network has gathered itself.

    Parameters
    ----------
    result : Result
    phase : str
        The phase that tests.
    target : str
        The stimulus with the rates wanted, (item, frame, unit).
    misfit : str
        The observable that holds the mean squared error when a phase ends.
    marks : str
        A stimulus of the target's shape: the frames where it is above 0 count, and the others have added nothing to
        the error. All count when empty.

    Returns
    -------
    (epoch, item, repeat) or (epoch, item, repeat, trial) xarray.DataArray
        NaN where an item was not tested.

    Raises
    ------
    ResultError
        For a phase or name that the result lacks, a target that is constant, or NaN.
    """
    for name in (target, misfit, *([marks] if marks else [])):
        if name not in result:
            raise ResultError(
                f"The result has no {name!r}, which pVar needs; it holds {', '.join(map(str, result.data))}."
            )
    tests = result.by_item().select(phase=phase)
    rates = array(result[target].values, target)
    counted = array(result[marks].values, marks) > 0 if marks else np.ones(rates.shape, bool)
    number = np.maximum(counted.sum(axis=(-2, -1), keepdims=True), 1)
    around = np.where(counted, rates - (rates * counted).sum(axis=(-2, -1), keepdims=True) / number, 0)
    variances = np.mean(around**2, axis=(-2, -1))[tests["step_item"].values]
    if not np.all(variances > 0):
        raise ResultError(f"{target} is constant, so no share of its variance exists.")
    misfits = array(tests[misfit].values, misfit)
    if variances.ndim < misfits.ndim:
        variances = variances[:, None]  # all trials have one target
    found = tabulated(xr.DataArray(1 - misfits / variances, dims=tests[misfit].dims), tests, phase)
    return found.rename("pvar").assign_attrs(units="1", long_name=f"fraction of the variance of {target} explained")


@takes(ResultError, step=SPAN)
def centre_of_mass(rates: ArrayLike, step: float = 1.0) -> np.ndarray:
    """Return the centre of mass ``t_i = sum_t t r_i(t) / sum_t r_i(t)`` of each unit's activity.

    Parameters
    ----------
    rates : (time, unit) float array
        Not negative.
    step : float
        Time between samples; the result has its unit.

    Returns
    -------
    (unit,) float array
        NaN for a unit that never fires.

    Raises
    ------
    ResultError
        For negative rates or NaN.
    """
    rates = _sequence(rates, "rates")
    if rates.min() < 0:
        raise ResultError(f"A centre of mass needs rates that are not negative, and the lowest is {rates.min():g}.")
    total = rates.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return step * (np.arange(len(rates)) @ rates) / total


@takes(ResultError, step=SPAN, bin_width=SPAN)
def bvar(rates: ArrayLike, step: float, *, bin_width: float = 0.02) -> float:
    """Return the fraction of variance that one bump explains which travels over the units.

    ``bVar = 1 - <(r_i(t) - r_ave(t - t_i))^2>/<(r_i(t) - rbar(t))^2>``: t_i is the unit's centre of mass, r_ave the
    mean over units of activity aligned on it, rbar(t) the population mean. 1 is a sequence without background.

    Parameters
    ----------
    rates : (time, unit) float array
        Units that never fire are left out.
    step : float
        Seconds between samples.
    bin_width : float
        Seconds; width of the bins of t - t_i.

    Raises
    ------
    ResultError
        For NaN, negative rates, or when all units do the same at all times.
    """
    if not (step > 0 and bin_width > 0):
        raise ResultError(f"step={step!r} and bin_width={bin_width!r} must be above 0.")
    rates = _sequence(rates, "rates")
    rates = rates[:, rates.sum(axis=0) > 0]
    if rates.size == 0:
        raise ResultError("bVar needs units that fire, and none does.")
    lags = step * np.arange(len(rates))[:, None] - centre_of_mass(rates, step)
    bins = np.round(lags / bin_width).astype(int)
    bins -= bins.min()
    profile = np.bincount(bins.ravel(), rates.ravel()) / np.maximum(np.bincount(bins.ravel()), 1)
    around = np.mean((rates - rates.mean(axis=1, keepdims=True)) ** 2)
    if around <= _FLAT * np.mean(rates**2):
        raise ResultError("All units have the same rates, so no bump can be told from the population's mean.")
    return float(1 - np.mean((rates - profile[bins]) ** 2) / around)


@takes(ResultError, share=NUMBER)
def dimension(rates: ArrayLike, *, share: float = 0.95) -> int:
    """Return how many principal components of activity, less its time mean, hold `share` of its variance (Q_eff).

    Parameters
    ----------
    rates : (time, unit) float array
    share : float
        Between 0 and 1.

    Raises
    ------
    ResultError
        For constant activity, NaN, or a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ResultError(f"share={share!r} must lie above 0 and at most at 1.")
    rates = _sequence(rates, "rates")
    values = np.linalg.svd(rates - rates.mean(axis=0), compute_uv=False) ** 2
    if values.sum() <= _FLAT * np.sum(rates**2):
        raise ResultError("The activity is constant, so it has no principal components.")
    held = np.cumsum(values) / values.sum()
    return int(np.searchsorted(held, share * (1 - 1e-12)) + 1)


def magnitude_of_change(after: ArrayLike, before: ArrayLike) -> float:
    """Return ``sum |J - J(0)| / sum |J(0)|`` over all synapses, plastic and fixed.

    Parameters
    ----------
    after, before : float arrays of one shape

    Raises
    ------
    ResultError
        For different shapes, NaN, or start weights that are all 0.
    """
    after, before = array(after, "after"), array(before, "before")
    same_shape(after, before, "after and before")
    size = np.abs(before).sum()
    if size == 0:
        raise ResultError("The start weights are all 0, so a change has no size in relation to them.")
    return float(np.abs(after - before).sum() / size)


def selectivity(rates: ArrayLike, preferred: ArrayLike) -> float:
    """Return how much more the units fire that prefer the trial which is run: the mean over trials of (a-b)/(a+b).

    a and b are the mean rates of all units that prefer a trial, in that trial and in the others.

    Parameters
    ----------
    rates : (trial, time, unit) float array
        Of the part of each trial that is looked at; two trials or more.
    preferred : (unit,) int array
        The trial that each unit prefers, from 0; -1 for units that prefer none.

    Raises
    ------
    ResultError
        For sizes that do not fit, a trial that no unit prefers, or units that never fire.
    """
    rates, preferred = array(rates, "rates", least=3), array(preferred, "preferred", least=1)
    if rates.ndim != 3 or len(rates) < 2 or preferred.shape != rates.shape[2:]:
        raise ResultError(
            f"rates must have shape (trial, time, unit) with two trials or more, and preferred one entry for each "
            f"unit; got {rates.shape} and {preferred.shape}."
        )
    means, found = rates.mean(axis=1), []
    for trial in range(len(rates)):
        own = preferred == trial
        if not own.any():
            raise ResultError(f"No unit prefers trial {trial}; preferred holds {sorted(set(preferred.tolist()))}.")
        a, b = means[trial, own].mean(), np.delete(means, trial, axis=0)[:, own].mean()
        if a + b <= 0:
            raise ResultError(f"The units that prefer trial {trial} never fire.")
        found.append((a - b) / (a + b))
    return float(np.mean(found))


def resilience(levels: ArrayLike, values: ArrayLike) -> float:
    """Return the level of noise at which a measure falls to 0, interpolated linearly.

    Parameters
    ----------
    levels : (level,) float array
        Ascending, such as the standard deviations of noise.
    values : (level,) float array
        The measure at each level, such as `selectivity`.

    Returns
    -------
    float
        The first crossing; infinity where the measure stays above 0, and the lowest level where it starts below.

    Raises
    ------
    ResultError
        For levels that do not ascend, or another number of values.
    """
    levels, values = array(levels, "levels", least=1), array(values, "values", least=1)
    same_shape(levels, values, "levels and values")
    if levels.ndim != 1:
        raise ResultError(f"levels must be a list of numbers, got shape {levels.shape}.")
    if np.any(np.diff(levels) <= 0):
        raise ResultError(f"levels must ascend, got {levels.tolist()}.")
    below = np.flatnonzero(values <= 0)
    if below.size == 0:
        return float("inf")
    k = int(below[0])
    if k == 0:
        return float(levels[0])
    return float(np.interp(0.0, values[[k, k - 1]], levels[[k, k - 1]]))


@takes(ResultError, tau=SPAN, step=SPAN)
def lowpass(rates: ArrayLike, tau: float, step: float) -> np.ndarray:
    """Return rates behind the filter ``tau ds/dt = -s + r``, from s = r at the first sample.

    Rates that are read from spikes are filtered with the time constant of a unit's trace, so they lag by it: hold
    them against a target behind the same filter.

    Parameters
    ----------
    rates : (time, ...) float array
    tau, step : float
        Time constant and time between samples, of one unit.

    Raises
    ------
    ResultError
        For NaN, or times that are not above 0.
    """
    rates = array(rates, "rates", least=1)
    if not (tau > 0 and step > 0):
        raise ResultError(f"tau={tau!r} and step={step!r} must be above 0.")
    decay, found = np.exp(-step / tau), np.empty_like(rates)
    found[0] = rates[0]
    for k in range(1, len(rates)):
        found[k] = rates[k - 1] + (found[k - 1] - rates[k - 1]) * decay
    return found


def _sequence(values: ArrayLike, name: str) -> np.ndarray:
    values = array(values, name, least=2)
    if values.ndim != 2:
        raise ResultError(f"{name} must have shape (time, unit), got {values.shape}; select one trial or item.")
    return values
