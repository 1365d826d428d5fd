"""Read and check the vectors a user gives in place of drawn ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.intake.files import read_matrix
from brainmem.intake.numbers import check_finite, read_array
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Pattern

__all__ = ["PATTERN_AXES", "check_matrix", "check_patterns", "load_array"]

PATTERN_AXES = ("item", "trial", "frame", "unit")
_AXES = {2: ("row", "column"), 3: ("item", "frame", "unit")}


def load_array(given: Any, *, what: str, axes: Sequence[str] = ()) -> np.ndarray:
    """Return an array from an array-like, or from the path of an ``.npy`` or ``.csv`` file; see `brainmem.intake`.

    Raises
    ------
    RuleError
        When the file is missing, of another kind, or not a table of numbers.
    """
    if isinstance(given, str | Path):
        return read_matrix(given, what=what, error=RuleError)[0]
    return read_array(given, what=what, axes=axes)


def check_patterns(
    pattern: Pattern, given: Any, shape: tuple[int, ...], model: MemoryModel, *, trials: int = 0
) -> np.ndarray:
    """Return a table of shape (items, unit), or (items, trial, unit) for so many `trials`, after checking it.

    Tables of frames have shape (items, [trial,] frames, unit); that of a single item may be given as (frames, unit).

    Raises
    ------
    RuleError
        For a wrong shape, values that are not finite or not allowed, or two equal rows where rows must be distinct.
    """
    what = f"Model {model.name!r}: {pattern.kind} {pattern.name!r}"
    table = load_array(given, what=what, axes=PATTERN_AXES)
    if pattern.every and shape[0] == 1 and table.shape == shape[1:]:
        table = table[None]
    own = (shape[0], trials, *shape[1:])
    if trials and table.shape == own:
        return np.stack([_checked(pattern, table[:, trial], f"{what}, trial {trial}") for trial in range(trials)], 1)
    if table.shape != shape:
        axes = "frames, unit" if pattern.every else "unit"
        many = f", or (items, trial, {axes}) = {own}" if trials else ""
        sized = f"{pattern.items!r}, {pattern.frames!r}" if pattern.every else f"{pattern.items!r}"
        raise RuleError(
            f"{what}: expected shape (items, {axes}) = {shape}{many}, got {table.shape}. "
            f"Set {sized} and the size of {pattern.population!r} to match, or change the table."
        )
    return _checked(pattern, table, what)


def _checked(pattern: Pattern, table: np.ndarray, what: str) -> np.ndarray:
    check_finite(table, what=what, axes=_AXES.get(table.ndim, ()), error=RuleError)
    if pattern.values is not None:
        _check_values(table, pattern.values, what)
    if pattern.distinct:
        _check_distinct(table, what)
    return table


def _place(index: np.ndarray) -> str:
    return ", ".join(f"{name} {k}" for name, k in zip(_AXES[len(index)], index, strict=True))


def _check_values(table: np.ndarray, allowed: tuple[float, ...], what: str) -> None:
    bad = ~np.isin(table, allowed)
    if bad.any():
        first = np.argwhere(bad)[0]
        two, low, high = len(set(allowed)) == 2, min(allowed), max(allowed)
        advice = f" Binarise the table, e.g. np.where(table > threshold, {high:g}, {low:g})." if two else ""
        raise RuleError(
            f"{what}: values must be one of {allowed}; {bad.sum()} are not, the first is {table[tuple(first)]:g} "
            f"in {_place(first)}.{advice}"
        )


def _check_distinct(table: np.ndarray, what: str) -> None:
    _, first, group = np.unique(table.reshape(len(table), -1), axis=0, return_index=True, return_inverse=True)
    group = group.ravel()
    for row in range(len(table)):
        if first[group[row]] != row:
            raise RuleError(
                f"{what}: rows {first[group[row]]} and {row} are equal. Two items with the same vector cannot "
                "be told apart; drop one of them."
            )


def check_matrix(given: Any, shape: tuple[int, int], *, what: str) -> np.ndarray:
    """Return a weight matrix ``[post, pre]`` after checking its shape and values."""
    matrix = load_array(given, what=what, axes=("post", "pre"))
    if matrix.shape != shape:
        raise RuleError(f"{what}: expected weights [post, pre] of shape {shape}, got {matrix.shape}.")
    check_finite(matrix, what=what, axes=("post", "pre"), error=RuleError)
    return matrix
