"""How sure a mean over seeds is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import CALLABLE, NUMBER, SEED, WHOLE, a, takes
from brainmem.measure.checks import array

__all__ = ["bootstrap", "standard_error"]


@takes(
    ResultError,
    axis=a("a whole number", lambda given: isinstance(given, int | np.integer) and not isinstance(given, bool)),
)
def standard_error(values: ArrayLike, *, axis: int = 0) -> np.ndarray | float:
    """Return the standard error of the mean, ``sd/sqrt(n)`` with the n - 1 form of sd.

    Parameters
    ----------
    values : float array
        Independent samples (seeds) along `axis`.

    Raises
    ------
    ResultError
        For fewer than two samples.
    """
    values = array(values, "values", least=1)
    if not -values.ndim <= axis < values.ndim:
        raise ResultError(f"axis={axis} does not exist: values has shape {values.shape}.")
    if values.shape[axis] < 2:
        raise ResultError("A standard error needs at least two samples (seeds), got one.")
    return values.std(axis=axis, ddof=1) / np.sqrt(values.shape[axis])


@takes(ResultError, statistic=CALLABLE, level=NUMBER, samples=WHOLE, seed=SEED)
def bootstrap(
    values: ArrayLike,
    statistic: Callable[..., np.ndarray] = np.mean,
    *,
    level: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of a statistic over samples (Efron 1979).

    Parameters
    ----------
    values : (sample,) float array
    statistic : callable
        Takes ``axis``; the default is the mean.
    level : float
        Coverage, 0 ... 1.
    samples : int
        Number of resampled sets.
    seed : int
        Same seed, same interval.

    Returns
    -------
    low, high : float
    """
    values = array(values, "values", least=1)
    if values.ndim != 1:
        raise ResultError(f"values must be one-dimensional, got shape {values.shape}.")
    if not 0 < level < 1:
        raise ResultError(f"level must lie between 0 and 1, got {level!r}.")
    draws = np.random.default_rng(seed).integers(values.size, size=(samples, values.size))
    tail = (1 - level) / 2
    try:
        found = np.asarray(statistic(values[draws], axis=1), dtype=float)
    except (TypeError, ValueError) as error:
        raise ResultError(
            f"statistic={statistic!r} must be a function as numpy.mean is, with axis=: {error}."
        ) from error
    if found.shape != (samples,):
        raise ResultError(f"statistic={statistic!r} must return one number for each set, got shape {found.shape}.")
    low, high = np.quantile(found, [tail, 1 - tail])
    return float(low), float(high)
