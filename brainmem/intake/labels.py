"""Names of axes, as xarray and pandas give them to arrays: read them, and put axes into the order wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["columns_of", "in_order", "is_frame", "labels_of"]

_AUTOMATIC = re.compile(r"dim_\d+")
_SAME = {
    "time": ("time", "t", "times", "sample", "samples", "frame", "frames", "timestep", "bin"),
    "unit": ("unit", "units", "cell", "cells", "neuron", "neurons", "channel", "channels", "roi", "rois", "electrode"),
    "trial": ("trial", "trials", "trial_type", "trial_types", "condition", "conditions", "item", "items"),
}


def labels_of(given: Any) -> tuple[Any, tuple[str, ...]] | None:
    """Return the bare array of a labelled one and the names of its axes, ``()`` for none; None for other values."""
    if hasattr(given, "dims") and hasattr(given, "coords") and hasattr(given, "values"):
        names = tuple(str(name) for name in given.dims)
        return given.values, () if any(map(_AUTOMATIC.fullmatch, names)) else names
    if is_frame(given):
        values = np.column_stack(columns_of(given)) if given.shape[1] else np.zeros(given.shape)
        names = (given.index.name, given.columns.name)
        return values, tuple(map(str, names)) if None not in names else ()
    if hasattr(given, "iloc") and hasattr(given, "index"):  # a column of pandas
        return _column(given), ()
    return None


def is_frame(given: Any) -> bool:
    """Tell whether a value is a table of pandas."""
    return hasattr(given, "columns") and hasattr(given, "iloc") and hasattr(given, "index")


def columns_of(frame: Any) -> list[np.ndarray]:
    """Return the columns of a table of pandas as float arrays.

    Raises
    ------
    ValueError
        For a column of something else; the message names it.
    """
    return [_column(frame.iloc[:, k]) for k in range(frame.shape[1])]


def _column(series: Any) -> np.ndarray:
    kind = getattr(series.dtype, "kind", "O")
    if kind == "m":
        return series.to_numpy()
    if kind not in "biuf":
        texts = [item for item in series if isinstance(item, str | complex) or not _is_number(item)]
        if texts or kind != "O":
            first = texts[0] if texts else series.iloc[0] if len(series) else ""
            raise ValueError(f"column {str(series.name)!r} holds no numbers, the first is {str(first)!r}: leave it out")
    return series.to_numpy(dtype=float, na_value=np.nan)


def _is_number(item: Any) -> bool:
    missing = item is None or type(item).__name__ in ("NAType", "NaTType")
    return missing or isinstance(item, bool | int | float | np.bool_ | np.integer | np.floating)


def in_order(values: np.ndarray, names: Sequence[str], axes: Sequence[str]) -> np.ndarray:
    """Return an array with its named axes in the order of `axes`; not all of these need to occur.

    Raises
    ------
    ValueError
        For a name that is none of `axes`, or two for one of them.
    """
    places = [_place(name, axes) for name in names]
    if None in places or len(set(places)) < len(places):
        raise ValueError(
            f"its axes are called ({', '.join(names)}), and ({', '.join(axes)}) are wanted: rename them, or give its "
            ".values in that order"
        )
    return np.transpose(values, np.argsort(np.array(places, dtype=int)))


def _place(name: str, axes: Sequence[str]) -> int | None:
    """Return which of `axes` a name means: itself, as a part of a longer one (``recurrent_post``), or a synonym."""
    exact = [k for k, axis in enumerate(axes) if name == axis]
    parts = [k for k, axis in enumerate(axes) if name.endswith(f"_{axis}") or name == f"{axis}s"]
    same = [k for k, axis in enumerate(axes) if name.lower() in _SAME.get(axis, ())]
    return next(iter([*exact, *parts, *same]), None)
