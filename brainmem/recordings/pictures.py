"""Pictures as patterns: folders of image files, and the handwritten digits that come with scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainmem.errors import BrainmemError, ResultError
from brainmem.intake.arguments import FLAG, PATH, SEED, a, count, optional, several, takes
from brainmem.intake.images import ORIENTATION, THRESHOLDS, read_pictures, split_levels

__all__ = ["digit_levels", "digits", "patterns_from_images"]

DIGIT_SHAPE = (8, 8)


def _is_whole(given: Any, least: int) -> bool:
    return isinstance(given, int | np.integer) and not isinstance(given, bool) and int(given) >= least


def _is_size(given: Any) -> bool:
    return isinstance(given, tuple | list) and len(given) == 2 and all(_is_whole(side, 1) for side in given)


def _is_level(given: Any) -> bool:
    return _is_number(given) and 0 <= given < 1


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)


def _are_values(given: Any) -> bool:
    numbers = isinstance(given, tuple | list) and len(given) == 2 and all(map(_is_number, given))
    return numbers and all(abs(value) < np.inf for value in given) and given[0] != given[1]


SIZE = optional(a("(rows, columns), such as (16, 16)", _is_size))
THRESHOLD = a(
    f"one of {', '.join(map(repr, THRESHOLDS))}, or a level from 0 up to 1",
    lambda given: (isinstance(given, str) and given in THRESHOLDS) or _is_level(given),
)
VALUES = a("two different numbers, such as (-1, 1)", _are_values)


@takes(ResultError, folder=PATH, size=SIZE, resample=FLAG, threshold=THRESHOLD, values=VALUES)
def patterns_from_images(
    folder: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    resample: bool = False,
    threshold: str | float = "median",
    values: tuple[float, float] = (-1, 1),
) -> xr.DataArray:
    """Return the pictures in a folder as patterns of two values, for ``inputs={"memory": ...}``.

    Units are pixels, row by row from the top left, of the picture as viewers show it: turned as a camera has noted,
    colours as grey levels, what is transparent over white. Files come in the order of their names, numbers in these by
    their value (``face2.png`` before ``face10.png``); what is no picture is left out, and named in the attributes.

    Parameters
    ----------
    folder : path
        Of PNG, PGM, JPEG, BMP, TIFF and other files that Pillow reads.
    size : (int, int), optional
        Rows and columns that pictures must have; without it they must all have the same.
    resample : bool
        Whether pictures of another size are brought to `size`, each pixel the mean over the area that it covers.
    threshold : {"median", "mean", "pixel"} or float
        Bright is a pixel above the median or the mean of its picture; above the mean of the same pixel over all
        pictures, which makes pictures of one kind less alike; or above a level between 0 (black) and 1 (white). Where
        no pixel lies above the median, those that have it are bright.
    values : (float, float)
        Of dark and of bright pixels. ``(1, -1)`` for dark ink on bright paper.

    Returns
    -------
    xarray.DataArray, (item, unit)
        With the coordinate ``file`` (item), and the attributes ``shape`` (rows, columns), ``orientation``,
        ``threshold``, ``values``, ``folder``, ``left_out`` and ``resampled``.

    Raises
    ------
    ResultError
        For a folder that is missing or has no pictures, files that cannot be read, pictures of another size, and those
        whose pixels would all have one value.
    """
    what = "patterns_from_images()"
    if resample and size is None:
        raise ResultError(f"{what}: resample=True needs size=(rows, columns), to which pictures are brought.")
    wanted = None if size is None else (int(size[0]), int(size[1]))
    found = read_pictures(Path(folder), what=what, error=ResultError, size=wanted, resample=bool(resample))
    bright = split_levels(_flat(found.levels), threshold, names=found.names, what=what, error=ResultError)
    table = _table(bright, values, found.levels.shape[1:], threshold, file=list(found.names))
    table.attrs |= {"folder": str(folder), "left_out": list(found.left_out), "resampled": int(found.resized)}
    return table


def _flat(levels: np.ndarray) -> np.ndarray:
    return levels.reshape(len(levels), -1)


def _table(
    bright: np.ndarray, values: Sequence[float], shape: tuple[int, ...], threshold: str | float, **coords: Any
) -> xr.DataArray:
    attrs = {"shape": list(shape), "orientation": ORIENTATION, "threshold": threshold, "values": list(values)}
    table = np.where(bright, float(values[1]), float(values[0]))
    return xr.DataArray(
        table, dims=("item", "unit"), coords={name: ("item", held) for name, held in coords.items()}, attrs=attrs
    )


@takes(
    ResultError,
    train=count(1),
    held_out=count(),
    classes=several("digits from 0 to 9, such as (0, 1)", lambda item: _is_whole(item, 0) and item <= 9),
    threshold=THRESHOLD,
    values=VALUES,
    seed=SEED,
)
def digits(
    train: int,
    *,
    held_out: int = 0,
    classes: Sequence[int] = tuple(range(10)),
    threshold: str | float = "pixel",
    values: tuple[float, float] = (-1, 1),
    seed: int = 0,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return handwritten digits of 8 x 8 pixels as patterns of two values: some to store, and others held out.

    They are the 1797 pictures that come with scikit-learn (``pip install 'brainmem[data]'``; E. Alpaydin, C. Kaynak,
    UCI repository), drawn without replacement. Items go through the classes in turn, so that each class has as many.

    Parameters
    ----------
    train, held_out : int
        How many pictures.
    classes : sequence of int
        Which digits.
    threshold : {"pixel", "median", "mean"} or float
        Inked is a pixel with more ink than the same pixel has on average over the training pictures; than the median
        or the mean of its picture; or than a level between 0 (paper) and 1 (ink).
    values : (float, float)
        Of paper and of ink.
    seed : int

    Returns
    -------
    train, held_out : xarray.DataArray, (item, unit)
        With the coordinates ``label`` (which digit) and ``sample`` (its number in scikit-learn's set), and the
        attributes ``shape``, ``orientation``, ``threshold`` and ``values``.

    Raises
    ------
    ResultError
        When scikit-learn is not installed, for more pictures than there are, and for pictures whose pixels would all
        have one value.
    """
    if not classes:
        raise ResultError("digits(): classes=() names no digit. Give some of 0 to 9.")
    levels, labels = digit_levels(ResultError)
    stored, kept = _drawn(labels, (train, held_out), tuple(dict.fromkeys(map(int, classes))), seed)

    def table(samples: np.ndarray) -> xr.DataArray:
        names = tuple(f"sample {k} (a {labels[k]})" for k in samples)
        bright = split_levels(
            levels[samples], threshold, names=names, what="digits()", error=ResultError, others=levels[stored]
        )
        return _table(bright, values, DIGIT_SHAPE, threshold, label=labels[samples], sample=samples)

    return table(stored), table(kept)


def _drawn(
    labels: np.ndarray, numbers: tuple[int, int], classes: tuple[int, ...], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of two sets, which go through the classes in turn."""
    rng = np.random.default_rng([seed, len(labels)])
    shuffled = {digit: list(rng.permutation(np.flatnonzero(labels == digit))) for digit in range(10)}
    least = min(len(shuffled[digit]) for digit in classes)
    if sum(-(-number // len(classes)) for number in numbers) > least:
        raise ResultError(
            f"digits(): train={numbers[0]} and held_out={numbers[1]} need more pictures of a digit than the {least} "
            "that there are. Take fewer, or more classes."
        )
    found = [[shuffled[classes[k % len(classes)]].pop() for k in range(number)] for number in numbers]
    return np.asarray(found[0], dtype=int), np.asarray(found[1], dtype=int)


def digit_levels(error: type[BrainmemError] = BrainmemError) -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's handwritten digits, (sample, 64) levels from 0 (paper) to 1 (ink), and what they show.

    Raises
    ------
    BrainmemError
        Of the type `error`, when scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as reason:
        raise error(
            "The digits come with scikit-learn, which is not installed. Run: pip install 'brainmem[data]'"
        ) from reason
    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels) / 16, np.asarray(labels)
