"""Arrange what each step of a phase gave by epoch, item and repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from brainmem.errors import ResultError

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = ["tabulated"]


def tabulated(values: xr.DataArray, tests: Result, phase: str) -> xr.DataArray:
    """Return `values`, one for each step of `tests` in the first dimension, as (epoch, item, repeat, ...).

    NaN where an item was not tested in an epoch.

    Raises
    ------
    ResultError
        When an item was tested several times in an epoch that nothing tells apart.
    """
    epochs, row = np.unique(tests["step_epoch"].values, return_inverse=True)
    items, column = np.unique(tests["step_item"].values.astype(int), return_inverse=True)
    repeats, layer = np.unique(tests["step_repeat"].values, return_inverse=True)
    if len(set(zip(row, column, layer, strict=True))) < len(row):
        raise ResultError(
            f"The phase {phase!r} tests an item several times in one epoch (entries of a schedule outside a "
            "Repeat, and every Repeat, begin with epoch 1), and the table could not tell these tests apart. Give a "
            "test before or after learning a phase of its own, with another name."
        )
    table = np.full((epochs.size, items.size, repeats.size, *values.shape[1:]), np.nan)
    table[row, column, layer] = values.values
    dims = ("epoch", "item", "repeat", *values.dims[1:])
    return xr.DataArray(table, {"epoch": epochs, "item": items, "repeat": repeats}, dims)
