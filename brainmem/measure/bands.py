"""Weights by the distance of their units in a sequence: the means of bands along the diagonal, and what remains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import count, takes
from brainmem.measure.checks import array, matrix

__all__ = ["Bands", "band_structure"]


@dataclass(frozen=True)
class Bands:
    """The band structure of a weight matrix.

    Attributes
    ----------
    offset : (band,) float array
        Middle of each band, in units: position of the postsynaptic unit less that of the presynaptic one. Positive
        bands hold forward connections, onto units that fire later.
    mean, sd : (band,) float array
        Of the weights of each band.
    means : (post, pre) float array
        Every weight replaced by the mean of its band, in the order of the matrix given; the matrix less this one
        holds the fluctuations.
    """

    offset: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    means: np.ndarray


@takes(ResultError, width=count(1))
def band_structure(weights: ArrayLike, place: ArrayLike, *, width: int = 20) -> Bands:
    """Return mean and spread of the weights in bands of equal distance between the units (Rajan et al. 2016, fig. 4).

    Parameters
    ----------
    weights : (post, pre) float array
    place : (unit,) float array
        Position of each unit in the sequence: a permutation, or the centre of mass of its activity, which is ranked.
    width : int
        Width of a band in units; one band is centred on the diagonal.

    Raises
    ------
    ResultError
        For a matrix that is not square, another number of places, NaN, or a width below 1.
    """
    weights = matrix(weights, "weights")
    place = array(place, "place", least=1)
    if place.shape != (len(weights),):
        raise ResultError(
            f"place must hold one finite position for each of the {len(weights)} units, got shape {place.shape}."
        )
    rank = np.argsort(np.argsort(place))
    band = np.floor((rank[:, None] - rank[None, :]) / width + 0.5).astype(int)
    number = band - band.min()
    count = np.bincount(number.ravel())
    mean = np.bincount(number.ravel(), weights.ravel()) / count
    square = np.bincount(number.ravel(), (weights - mean[number]).ravel() ** 2) / count
    return Bands(width * np.arange(band.min(), band.max() + 1), mean, np.sqrt(square), mean[number])
