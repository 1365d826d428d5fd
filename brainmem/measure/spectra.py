"""Where weights lie in the space of couplings: eigenvalues, eigenvectors, and the angle between two networks."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.measure.checks import array, fitting, same_shape, sign_patterns, symmetric

__all__ = ["cosine", "spectrum"]


def cosine(first: ArrayLike, second: ArrayLike) -> float:
    """Return the cosine ``q(A, B) = <A, B>/(|A||B|)`` of two arrays of weights, with sums over all entries.

    Parameters
    ----------
    first, second : float arrays of one shape, any scale

    Returns
    -------
    float in [-1, 1]

    Raises
    ------
    ResultError
        For an array that is 0 everywhere, NaN, or different shapes.
    """
    first, second = array(first, "first"), array(second, "second")
    same_shape(first, second, "first and second")
    largest = [float(np.abs(values).max()) for values in (first, second)]
    for name, size in zip(("first", "second"), largest, strict=True):
        if size == 0:
            raise ResultError(f"{name} is 0 everywhere and has no direction.")
    first, second = (values.ravel() / size for values, size in zip((first, second), largest, strict=True))
    return float(np.clip(first @ second / np.linalg.norm(first) / np.linalg.norm(second), -1, 1))


def spectrum(weights: ArrayLike, patterns: ArrayLike) -> xr.Dataset:
    """Return the eigenvalues of symmetric weights, and how their largest P belong to the P patterns.

    Parameters
    ----------
    weights : (post, pre) float array, symmetric
    patterns : (item, unit) float array of -1 and +1
        Fewer than units, and linearly independent.

    Returns
    -------
    xarray.Dataset
        ``eigenvalues(mode)``, descending; ``share``, the part of the eigenspace of the first P that lies in the span
        of the patterns, ``|Q^T V|^2/P`` with orthonormal bases Q and V; ``gap``, from the mean of the others to the
        mean of the first P; ``spread``, the standard deviation of the first P over the gap (Hebb's matrix: sqrt(alpha),
        a projector: 0).

    Raises
    ------
    ResultError
        For asymmetric weights, patterns that are not -1 and +1 or not independent, NaN, or sizes that do not fit.
    """
    weights, patterns = symmetric(weights, "weights", needed_by="a real spectrum"), sign_patterns(patterns)
    fitting(weights, patterns, "patterns")
    count, units = patterns.shape
    if count >= units or np.linalg.matrix_rank(patterns) < count:
        raise ResultError(
            f"{count} patterns of {units} units must be fewer than the units and linearly independent, so that they "
            "span a space of their own. Leave out copies, or give some of the patterns."
        )
    values, vectors = np.linalg.eigh(weights)
    values, top = values[::-1], vectors[:, ::-1][:, :count]
    basis = np.linalg.qr(patterns.T)[0]
    gap = values[:count].mean() - values[count:].mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = values[:count].std() / gap
    held = {
        "eigenvalues": ("mode", values, "eigenvalue"),
        "share": ((), np.sum((basis.T @ top) ** 2) / count, "share of the largest modes in the span of the patterns"),
        "gap": ((), gap, "mean of the largest eigenvalues less mean of the others"),
        "spread": ((), spread, "standard deviation of the largest eigenvalues over the gap"),
    }
    return xr.Dataset({name: (dims, x, {"units": "1", "long_name": said}) for name, (dims, x, said) in held.items()})
