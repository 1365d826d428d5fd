"""Bumps of activity on maps, rings or tori: which map, which place, how far they go and where they end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import takes
from brainmem.measure.checks import array, broadcast

__all__ = ["Decoded", "Diffusion", "EndPoints", "bump_scores", "decode", "diffusion", "displacement", "end_points"]


class Decoded(NamedTuple):
    """Where bumps are, arrays (...), ``place`` on a torus (..., axis).

    Attributes
    ----------
    map : int array
        The map with the highest score, from 0.
    place : int array
        The place in it with the highest score.
    score : float array
        That score: the sum of squares of the template where activity is the template itself.
    """

    map: np.ndarray
    place: np.ndarray
    score: np.ndarray


class Diffusion(NamedTuple):
    """How fast mean square displacements grow: `rate`, in squared places per unit of time, and its standard error."""

    rate: float
    error: float


class EndPoints(NamedTuple):
    """Where bumps end: the number of distinct places, and the entropy of their histogram in bits."""

    number: int
    bits: float


def bump_scores(x: ArrayLike, template: ArrayLike, places: ArrayLike) -> np.ndarray:
    """Return how well activity fits a bump at each place of each map.

    ``q^l(y) = sum_i P(place^l_i - y) x_i``, with the template P and the activity scaled to a maximum of 1
    (Agmon & Burak 2023, Eqs. S6, S7).

    Parameters
    ----------
    x : (..., unit) float array
        Activity.
    template : (place,) float array, or (place, place) on a torus
        A bump around the first place, which is also the size of a map.
    places : (map, unit) int array, or (map, unit, axis) on a torus
        The place of each unit in each map, numbers from 0. One map may be given without its axis.

    Returns
    -------
    (..., map, place) float array, or (..., map, place, place)
        NaN where all activity is 0.

    Raises
    ------
    ResultError
        For sizes that do not fit, or places that a map does not have.
    """
    x, template = array(x, "x", least=1), array(template, "template", least=1)
    where = _places(places, template.shape, x.shape[-1])
    if template.max() <= 0:
        raise ResultError(f"template has no value above 0 (its largest is {template.max():g}), so it is no bump.")
    top = x.max(axis=-1, keepdims=True)
    scaled = x / np.where(top > 0, top, np.nan)
    field = np.zeros((*x.shape[:-1], len(where), template.size))
    for number, flat in enumerate(where):  # several units may share a place, and others have none
        np.add.at(np.moveaxis(field[..., number, :], -1, 0), flat, np.moveaxis(scaled, -1, 0))
    field = field.reshape(*field.shape[:-1], *template.shape)
    axes = tuple(range(-template.ndim, 0))
    bump = np.fft.rfftn(template / template.max())
    return np.fft.irfftn(np.fft.rfftn(field, axes=axes) * bump.conj(), template.shape, axes=axes)


def _places(places: ArrayLike, shape: tuple[int, ...], units: int) -> np.ndarray:
    """Return the places of units as one number each, (map, unit)."""
    given = array(places, "places", least=1)
    wanted = "(map, unit)" if len(shape) == 1 else f"(map, unit, {len(shape)})"
    where = given[..., None] if len(shape) == 1 else given
    where = where[None] if where.ndim == 2 else where
    if where.ndim != 3 or where.shape[1:] != (units, len(shape)):
        raise ResultError(
            f"places must have the shape {wanted} for activity of {units} units and a template of shape {shape}, got "
            f"{given.shape}."
        )
    wrong = (where != np.trunc(where)) | (where < 0) | (where >= np.array(shape))
    if wrong.any():
        first = tuple(np.argwhere(wrong)[0].tolist())
        raise ResultError(
            f"places must be whole numbers from 0, below the size {shape} of the template; {where[first]:g} at "
            f"{list(first)} is not."
        )
    return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(where, -1, 0).astype(int)), shape))


def decode(x: ArrayLike, template: ArrayLike, places: ArrayLike) -> Decoded:
    """Return the map and the place of the bump that fits activity best, and its score.

    Arguments, and errors, are those of `bump_scores`. Places are whole, so a bump half-way between two counts as
    either. Activity of 0 everywhere has the map and place 0 and the score NaN.

    Examples
    --------
    >>> ring = np.arange(12)
    >>> bump = np.exp(-np.minimum(ring, 12 - ring) ** 2 / 4)
    >>> shuffled = np.random.default_rng(0).permutation(12)  # a second map
    >>> found = decode(bump[(shuffled - 7) % 12], bump, [ring, shuffled])
    >>> int(found.map), int(found.place)
    (1, 7)
    """
    scores = bump_scores(x, template, places)
    shape = np.asarray(template).shape
    flat = scores.reshape(*scores.shape[: scores.ndim - 1 - len(shape)], -1)
    best = np.argmax(flat, axis=-1)
    number, *where = np.unravel_index(best, scores.shape[-1 - len(shape) :])
    place = where[0] if len(shape) == 1 else np.stack(where, axis=-1)
    return Decoded(number, place, np.take_along_axis(flat, best[..., None], axis=-1)[..., 0])


def displacement(places: ArrayLike, starts: ArrayLike, *, size: float | tuple[float, ...]) -> np.ndarray:
    """Return how far places lie from starts, with sign, the short way round.

    Parameters
    ----------
    places, starts : float arrays of shapes that broadcast
        On a torus the last axis is that of the coordinates.
    size : float, or tuple of float
        Number of places on the ring, or along each axis of a torus.

    Returns
    -------
    float array in [-size/2, size/2)

    Raises
    ------
    ResultError
        For sizes that are not positive, or arrays that do not fit.
    """
    circumference = array(size, "size")
    if circumference.ndim > 1 or not (circumference > 0).all():
        raise ResultError(f"size must be positive, a number or one for each axis, got {size!r}.")
    one, other = array(places, "places"), array(starts, "starts")
    broadcast(one, other, "places and starts")
    if circumference.ndim:
        broadcast(one, circumference, "places and size")
    return (one - other + circumference / 2) % circumference - circumference / 2


@takes(ResultError)
def diffusion(moved: ArrayLike, times: ArrayLike) -> Diffusion:
    """Return the rate at which the mean square displacement grows, by least squares through the origin.

    ``<d^2> = rate*t``; the diffusion coefficient of one axis is half of it. The error is that of the mean over trials,
    each fitted by itself. Displacements must stay well below half of the ring, and be independent in different trials.

    Parameters
    ----------
    moved : (trial, time) float array
        `displacement` from the start, in places; of an axis of a torus.
    times : (time,) float array
        From the start, above 0.

    Raises
    ------
    ResultError
        For fewer than two trials, or times that do not fit.
    """
    moved, times = array(moved, "moved", least=2), array(times, "times", least=1)
    if moved.ndim != 2 or moved.shape[1:] != times.shape:
        raise ResultError(
            f"moved must have the shape (trial, time) with the {times.size} times given, got {moved.shape}."
        )
    if (times <= 0).any():
        raise ResultError(f"times must be above 0, got {times.min():g}: at the start nothing has moved.")
    if len(moved) < 2:
        raise ResultError("moved has one trial, and the error of a rate needs at least two.")
    rates = moved**2 @ times / (times @ times)
    return Diffusion(float(rates.mean()), float(rates.std(ddof=1) / np.sqrt(len(rates))))


def end_points(places: ArrayLike) -> EndPoints:
    """Return how many distinct places bumps end at, and how much that tells of where they began.

    The entropy of the histogram of end points; from starts spread evenly over all places, log2 of their number says
    that every bump stayed apart from all others, 0 that all ended at one place.

    Parameters
    ----------
    places : (trial,) array, or (trial, axis) on a torus
        Decoded, whole places.
    """
    places = array(places, "places", least=1)
    if places.ndim > 2:
        raise ResultError(f"places must have the shape (trial,) or (trial, axis), got {places.shape}.")
    counts = np.unique(places, axis=0, return_counts=True)[1]
    share = counts / counts.sum()
    return EndPoints(len(counts), float(abs(-np.sum(share * np.log2(share)))))
