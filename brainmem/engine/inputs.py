"""What may be set before a run: description of each input, and the check of what a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import DeviceError, closest
from brainmem.intake.numbers import read_array

__all__ = ["Input", "check_inputs"]


@dataclass(frozen=True)
class Input:
    """One input of an executable.

    Parameters
    ----------
    name : str
    keys : tuple of str
        ``"group.variable"`` or ``"table.values"``: the names that the compiled program knows; none for a table
        that no equation reads.
    dtypes : tuple of str
        The type of each of them, in the same order; one also for such a table.
    shape : tuple of int
        ``()`` for a shared parameter.
    dimensions : tuple of float
        Exponents of the seven base units.
    required : bool
        Whether every run must give it, as the builder left it unset.
    rows : bool
        Whether it is a table, of any number of rows; `shape` is that of one with a single row.
    """

    name: str
    keys: tuple[str, ...]
    dtypes: tuple[str, ...]
    shape: tuple[int, ...]
    dimensions: tuple[float, ...] = ()
    required: bool = False
    rows: bool = False

    @property
    def dtype(self) -> np.dtype:
        """The type that holds a value for all of `keys`."""
        return np.result_type(*self.dtypes)


def check_inputs(declared: Mapping[str, Input], given: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
    """Return `given` as contiguous arrays of the declared types and shapes, or say what is wrong.

    Variables of several types share an input in the type that holds it for all of them. A single number fills an
    array. Quantities must have the input's dimensions; plain numbers are base SI units.
    """
    given = given or {}
    for name in given:
        if name not in declared:
            raise DeviceError(
                f"Unknown input {name!r}.{closest(name, declared)} This network takes: {', '.join(sorted(declared))}."
            )
    missing = [name for name, item in declared.items() if item.required and name not in given]
    if missing:
        raise DeviceError(
            f"Inputs not set: {', '.join(missing)}. An unset parameter would be 0; give each a value in every run."
        )
    return {name: _as_array(declared[name], value) for name, value in given.items()}


def _as_array(item: Input, value: Any) -> np.ndarray:
    array = read_array(value, what=f"Input {item.name!r}", error=DeviceError, dimensions=item.dimensions or None)
    if not np.isfinite(array).all():
        raise DeviceError(f"Input {item.name!r} holds {_first_bad(array)}. Only finite numbers can be set.")
    if item.rows and array.ndim == len(item.shape) and len(array) and array.shape[1:] == item.shape[1:]:
        return _cast(replace(item, shape=array.shape), array)
    if array.shape not in ((), item.shape):
        raise DeviceError(
            f"Input {item.name!r} has shape {array.shape}, but {', '.join(item.keys) or item.name} takes shape "
            f"{item.shape} or a single number."
        )
    return _cast(item, np.broadcast_to(array, item.shape))


def _cast(item: Input, array: np.ndarray) -> np.ndarray:
    for dtype in dict.fromkeys(item.dtypes):
        _check_fits(item, array, dtype)
    return np.ascontiguousarray(array, dtype=item.dtype).reshape(item.shape)


def _check_fits(item: Input, array: np.ndarray, dtype: str) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(dtype)
    if np.issubdtype(cast.dtype, np.floating):
        if not np.isfinite(cast).all():
            raise DeviceError(f"Input {item.name!r} is too large for {dtype}. Use float=64.")
    elif not np.array_equal(cast, array):
        raise DeviceError(f"Input {item.name!r} takes whole numbers ({dtype}), not {array!r}.")


def _first_bad(array: np.ndarray) -> str:
    where = np.argwhere(~np.isfinite(array))[0]
    value = array[tuple(where)]
    return f"{value} at index {tuple(int(k) for k in where)}" if array.ndim else f"{value}"
