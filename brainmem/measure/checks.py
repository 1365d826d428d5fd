"""Read arrays for the measures, and refuse what would give a silent NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainmem.errors import ResultError
from brainmem.intake.numbers import read_array

__all__ = ["array", "broadcast", "matrix", "same_shape", "same_units"]


def array(values: Any, name: str, *, least: int = 0, axes: tuple[str, ...] = ()) -> np.ndarray:
    """Return `values` as a float array with at least `least` dimensions and only finite numbers."""
    values = read_array(values, what=name, axes=axes, error=ResultError)
    if values.ndim < least:
        raise ResultError(f"{name} must have at least {least} dimension(s), got shape {values.shape}.")
    if values.size == 0:
        raise ResultError(f"{name} is empty (shape {values.shape}); there is nothing to measure.")
    if not np.isfinite(values).all():
        bad = np.argwhere(~np.isfinite(values))[0].tolist()
        raise ResultError(
            f"{name} has {np.count_nonzero(~np.isfinite(values))} NaN or infinite value(s), first at {bad}. "
            "A run that diverged does this; select the finite part first if the gap is meant."
        )
    return values


def matrix(values: Any, name: str) -> np.ndarray:
    """Return `values` as a finite square matrix."""
    values = array(values, name, axes=("post", "pre"))
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ResultError(f"{name} must be a square [post, pre] matrix, got shape {values.shape}.")
    return values


def same_shape(first: np.ndarray, second: np.ndarray, names: str) -> None:
    """Raise `ResultError` unless both arrays have the same shape."""
    if first.shape != second.shape:
        raise ResultError(f"{names} must have the same shape, got {first.shape} and {second.shape}.")


def same_units(first: np.ndarray, second: np.ndarray, names: str) -> None:
    """Raise `ResultError` unless the last axes agree and the others broadcast."""
    if first.shape[-1] != second.shape[-1]:
        raise ResultError(
            f"{names} must have the same number of units (last axis), got shapes {first.shape} and {second.shape}."
        )
    broadcast(first, second, names)


def broadcast(first: np.ndarray, second: np.ndarray, names: str) -> None:
    """Raise `ResultError` unless the shapes of both arrays broadcast."""
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError as error:
        raise ResultError(f"{names} do not fit together: shapes {first.shape} and {second.shape}.") from error
