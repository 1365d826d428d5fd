"""Where activity goes: near which pattern, how steady, how far along a ring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, RESULT, SEED, TEXT, takes
from brainmem.measure.checks import array, broadcast, same_units

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = ["drift", "nearest_cosine", "ring_distance", "settled", "time_summary"]


def nearest_cosine(x: ArrayLike, patterns: ArrayLike) -> np.ndarray | float:
    """Return the absolute cosine between each state and its nearest pattern.

    ``max_mu |x . p^mu|/(|x| |p^mu|)``. The sign is dropped because a network without cue is
    symmetric under x -> -x. Compare with fresh random patterns: the maximum over M of them is
    well above 0 (Kurikawa, Barak & Kaneko 2020, spontaneous activity).

    Parameters
    ----------
    x : (..., unit) float array
        Activity, e.g. (time, unit).
    patterns : (item, unit) float array

    Returns
    -------
    (...) float array in [0, 1], or float
        NaN where the activity is zero everywhere.

    Raises
    ------
    ResultError
        For a pattern of zeros, NaN, or sizes that do not fit.
    """
    x, patterns = array(x, "x", least=1), np.atleast_2d(array(patterns, "patterns", least=1))
    if patterns.ndim != 2:
        raise ResultError(f"patterns must have the shape (item, unit), got {patterns.shape}.")
    same_units(x.reshape(-1, 1, x.shape[-1]), patterns, "x and patterns")
    lengths = np.linalg.norm(patterns, axis=1)
    if not lengths.all():
        raise ResultError(f"Pattern {int(np.argmin(lengths))} is zero everywhere and has no direction.")
    size = np.linalg.norm(x, axis=-1)
    return np.max(np.abs(x @ (patterns.T / lengths)), axis=-1) / np.where(size > 0, size, np.nan)


@takes(ResultError, result=RESULT, name=TEXT, share=NUMBER)
def settled(result: Result, name: str, *, share: float = 0.5) -> xr.DataArray:
    """Return the samples in the last part of every step, after what is left of the state before has died away.

    Parameters
    ----------
    result : Result
    name : str
        A variable that was recorded in time.
    share : float
        The part of each step's duration that is kept, from its end.

    Returns
    -------
    (step, sample, ...) xarray.DataArray
        NaN behind the last sample of steps that have fewer.

    Raises
    ------
    ResultError
        For a variable without time, or a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ResultError(f"share={share!r} must lie above 0 and at most at 1.")
    recorded = result[name]
    if recorded.dims[:1] != ("time",):
        raise ResultError(f"{name!r} was not recorded in time, it has dimensions {recorded.dims}. Name it in record=.")
    time, durations = result["time"].values, result["step_duration"].values
    ends = np.cumsum(durations) - 1e-9 * durations  # a sample on the border belongs to what begins there
    begins = ends - durations
    firsts = share * begins + (1 - share) * ends
    kept = [recorded.values[(time >= first) & (time < end)] for first, end in zip(firsts, ends, strict=True)]
    table = np.full((len(kept), max(map(len, kept)), *recorded.shape[1:]), np.nan)
    for step, samples in enumerate(kept):
        table[step, : len(samples)] = samples
    return xr.DataArray(table, dims=("step", "sample", *recorded.dims[1:]), name=name, attrs=recorded.attrs)


@takes(ResultError, transient=SEED)
def time_summary(values: ArrayLike, *, transient: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation over time: the two curves of a bifurcation diagram.

    Parameters
    ----------
    values : (..., time) float array
        E.g. the overlap at each input strength, (strength, time).
    transient : int
        Samples dropped at the beginning.

    Returns
    -------
    mean, deviation : (...) float arrays, unit of `values`
        Deviation 0 is a fixed point, above 0 fluctuation.

    Raises
    ------
    ResultError
        When nothing is left after the transient, or for NaN.
    """
    values = array(values, "values", least=1)
    if not 0 <= transient < values.shape[-1]:
        raise ResultError(f"transient must be between 0 and {values.shape[-1] - 1} samples, got {transient!r}.")
    kept = values[..., transient:]
    return kept.mean(axis=-1), kept.std(axis=-1)


@takes(ResultError, size=NUMBER)
def ring_distance(a: ArrayLike, b: ArrayLike, *, size: float) -> np.ndarray:
    """Return the shortest distance between places on a ring.

    Parameters
    ----------
    a, b : float arrays of shapes that broadcast, in places
    size : float
        Circumference, in the same unit.

    Returns
    -------
    float array in [0, size/2]
    """
    if not size > 0:
        raise ResultError(f"size must be positive, got {size!r}.")
    return _ring(a, b, size, ("a", "b"))


def _ring(first: ArrayLike, second: ArrayLike, size: float, names: tuple[str, str]) -> np.ndarray:
    """Return the distance on the ring of two arrays, which messages call by their names."""
    one, other = array(first, names[0]), array(second, names[1])
    broadcast(one, other, " and ".join(names))
    gap = np.abs(one - other) % size
    return np.minimum(gap, size - gap)


@takes(ResultError, size=NUMBER)
def drift(places: ArrayLike, starts: ArrayLike, *, size: float) -> float:
    """Return the mean distance that activity bumps moved along the ring.

    The ring distance of the last place from the start, averaged over trials (and maps)
    (Agmon & Burak 2023).

    Parameters
    ----------
    places : (..., trial) float array, in places
        Where each bump ended.
    starts : float array that broadcasts with `places`
        Where it was put.
    size : float
        Number of places on the ring.
    """
    if not size > 0:
        raise ResultError(f"size must be positive, got {size!r}.")
    return float(np.mean(_ring(places, starts, size, ("places", "starts"))))
