"""Read arrays for the measures, and refuse what would give a silent NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from brainmem.errors import ResultError
from brainmem.intake.numbers import read_array

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = [
    "array",
    "broadcast",
    "fitting",
    "matrix",
    "same_shape",
    "same_units",
    "sign_patterns",
    "signs",
    "snapshots",
    "symmetric",
]

# Two weights that differ by less than this part of the largest one are equal up to rounding.
_ROUNDING = 1e-9


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


def symmetric(values: Any, name: str, *, needed_by: str) -> np.ndarray:
    """Return `values` as a finite symmetric matrix; `needed_by` says in the message what asks for it."""
    values = matrix(values, name)
    gap = np.abs(values - values.T)
    if gap.max() > _ROUNDING * np.abs(values).max():
        post, pre = np.unravel_index(gap.argmax(), gap.shape)
        raise ResultError(
            f"{name} is not symmetric, and {needed_by} exists only where J_ij = J_ji: [{post}, {pre}] is "
            f"{values[post, pre]:g} and [{pre}, {post}] is {values[pre, post]:g}. "
            f"Give the symmetric part, ({name} + {name}.T)/2, if that is meant."
        )
    return values


def signs(values: Any, name: str, *, least: int = 1) -> np.ndarray:
    """Return `values` as a float array of which every entry is -1 or +1."""
    values = array(values, name, least=least)
    wrong = np.abs(values) != 1
    if wrong.any():
        first = tuple(np.argwhere(wrong)[0].tolist())
        raise ResultError(
            f"{name} must hold -1 and +1 only: {np.count_nonzero(wrong)} of {values.size} entries are others, the "
            f"first is {values[first]:g} at {list(first)}. Zeros and ones become signs by 2*{name} - 1."
        )
    return values


def sign_patterns(values: Any, name: str = "patterns") -> np.ndarray:
    """Return patterns of -1 and +1, (item, unit)."""
    values = signs(values, name)
    if values.ndim != 2:
        raise ResultError(f"{name} must have the shape (item, unit), got {values.shape}.")
    return values


def fitting(weights: np.ndarray, states: np.ndarray, name: str) -> None:
    """Raise `ResultError` unless the last axis of `states` has the units of the weights."""
    if weights.shape[1] != states.shape[-1]:
        raise ResultError(
            f"weights of {weights.shape[1]} units do not fit {name} of {states.shape[-1]} units; "
            f"{name} have the units in their last axis."
        )


def snapshots(result: Result, name: str) -> xr.DataArray:
    """Return weights that a result recorded after epochs, (epoch, post, pre)."""
    found = result[name]
    if found.dims[:1] != ("epoch",) or found.ndim != 3:
        raise ResultError(f"{name} must be weights recorded after epochs, and it has dimensions {found.dims}.")
    return found


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
