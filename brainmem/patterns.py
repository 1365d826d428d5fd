"""Read and check the vectors a user gives in place of drawn ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.spec import MemoryModel, Stimulus

__all__ = ["check_matrix", "check_patterns", "load_array"]

_AXES = {2: ("row", "column"), 3: ("item", "frame", "unit")}


def load_array(given: Any, *, what: str) -> np.ndarray:
    """Return an array from an array-like, or from the path of an ``.npy`` or ``.csv`` file.

    Raises
    ------
    RuleError
        When the file is missing, of another kind, or not a table of numbers.
    """
    if isinstance(given, str | Path):
        return _read(Path(given), what)
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise RuleError(f"{what}: expected an array of numbers, got {type(given).__name__} ({error}).") from error


def _read(path: Path, what: str) -> np.ndarray:
    if not os.path.isfile(path):  # a pipe would wait for a writer
        wrong = "is no file" if os.path.exists(path) else "is not there"
        raise RuleError(f"{what}: no file {str(path)!r}: it {wrong}. Give an array, or a .npy or .csv file.")
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path), dtype=float)
        if path.suffix == ".csv":
            return np.loadtxt(path, delimiter=",", ndmin=2)
    except (ValueError, OSError) as error:
        raise RuleError(f"{what}: {str(path)!r} is not a table of numbers ({error}).") from error
    raise RuleError(f"{what}: {str(path)!r} ends in {path.suffix!r}; allowed are .npy and .csv.")


def check_patterns(
    stimulus: Stimulus, given: Any, shape: tuple[int, ...], model: MemoryModel, *, trials: int = 0
) -> np.ndarray:
    """Return a stimulus table of shape (items, unit), or (items, trial, unit) for so many `trials`, after checking it.

    Tables of frames have shape (items, [trial,] frames, unit); that of a single item may be given as (frames, unit).

    Raises
    ------
    RuleError
        For a wrong shape, values that are not finite or not allowed, or two equal rows where rows must be distinct.
    """
    what = f"Model {model.name!r}: stimulus {stimulus.name!r}"
    table = load_array(given, what=what)
    if stimulus.every and shape[0] == 1 and table.shape == shape[1:]:
        table = table[None]
    own = (shape[0], trials, *shape[1:])
    if trials and table.shape == own:
        return np.stack([_checked(stimulus, table[:, trial], f"{what}, trial {trial}") for trial in range(trials)], 1)
    if table.shape != shape:
        axes = "frames, unit" if stimulus.every else "unit"
        many = f", or (items, trial, {axes}) = {own}" if trials else ""
        sized = f"{stimulus.items!r}, {stimulus.frames!r}" if stimulus.every else f"{stimulus.items!r}"
        raise RuleError(
            f"{what}: expected shape (items, {axes}) = {shape}{many}, got {table.shape}. "
            f"Set {sized} and the size of {stimulus.population!r} to match, or change the table."
        )
    return _checked(stimulus, table, what)


def _checked(stimulus: Stimulus, table: np.ndarray, what: str) -> np.ndarray:
    _check_finite(table, what)
    if stimulus.values is not None:
        _check_values(table, stimulus.values, what)
    if stimulus.distinct:
        _check_distinct(table, what)
    return table


def _check_finite(table: np.ndarray, what: str) -> None:
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        raise RuleError(
            f"{what}: {len(bad)} values are not finite, the first ({table[tuple(bad[0])]}) in {_place(bad[0])}. "
            "Fill or drop these rows first."
        )


def _place(index: np.ndarray) -> str:
    return ", ".join(f"{name} {k}" for name, k in zip(_AXES[len(index)], index, strict=True))


def _check_values(table: np.ndarray, allowed: tuple[float, ...], what: str) -> None:
    bad = ~np.isin(table, allowed)
    if bad.any():
        first = np.argwhere(bad)[0]
        raise RuleError(
            f"{what}: values must be one of {allowed}; {bad.sum()} are not, the first is {table[tuple(first)]:g} "
            f"in {_place(first)}. Binarise the table, e.g. np.where(table > threshold, 1, -1)."
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
    matrix = load_array(given, what=what)
    if matrix.shape != shape:
        raise RuleError(f"{what}: expected weights [post, pre] of shape {shape}, got {matrix.shape}.")
    _check_finite(matrix, what)
    return matrix
