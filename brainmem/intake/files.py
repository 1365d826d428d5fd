"""Open files of numbers: numpy's formats, and tables of text."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from brainmem.errors import BrainmemError, ResultError, quoted
from brainmem.intake.numbers import take
from brainmem.intake.tables import Table, read_table

__all__ = ["FORMATS", "check_file", "open_file", "read_matrix"]

FORMATS = ".npy, .npz and .csv (also .tsv, .txt)"
_TEXTS = (".csv", ".tsv", ".txt", ".dat")

Content = np.ndarray | dict[str, np.ndarray] | Table


def check_file(given: str | Path, *, what: str, error: type[BrainmemError] = ResultError) -> Path:
    """Return the path of an ordinary file that exists; reading a pipe or a device may not end."""
    try:
        path = Path(given).expanduser()
        found, ordinary = os.path.lexists(path), path.is_file()
    except (OSError, ValueError, RuntimeError) as reason:
        raise error(f"{what}: {quoted(str(given))} is no path of a file ({reason}).") from reason
    if ordinary:
        return path
    if not found:
        raise error(f"{what}: There is no file {quoted(str(given))}. Give an array, or a file: {FORMATS}.")
    kind = "a folder" if path.is_dir() else "a link to nothing" if path.is_symlink() else "no ordinary file"
    raise error(f"{what}: {quoted(str(given))} is {kind}. Give an array, or a file: {FORMATS}.")


def open_file(
    given: str | Path, *, what: str, error: type[BrainmemError] = ResultError, allowed: str = "files are read from"
) -> Content:
    """Return what a file holds: one array, several by name, or a table.

    Raises
    ------
    BrainmemError
        Of the type `error`, when it is missing, of another kind, or damaged.
    """
    path = check_file(given, what=what, error=error)
    kind = path.suffix.lower()
    if kind in _TEXTS:
        return read_table(path, error=error)
    if kind not in (".npy", ".npz"):
        raise error(f"{what}: {str(path)!r} ends in {path.suffix!r}; {allowed} {FORMATS}.")
    try:
        with open(path, "rb") as file:
            content = np.load(file, allow_pickle=False)
            return dict(content) if isinstance(content, np.lib.npyio.NpzFile) else content
    except Exception as reason:  # damaged files raise errors of many kinds
        said = " ".join(str(reason).split())[:200]
        raise error(f"{what}: {str(path)!r} cannot be read as numpy's format: {said}.") from reason


def read_matrix(given: str | Path, *, what: str, error: type[BrainmemError]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the array of a file, and what was decided in reading it."""
    content = open_file(given, what=what, error=error, allowed="allowed are .npy and .csv; all kinds:")
    if isinstance(content, Table):
        return _of_table(content, what, error)
    if isinstance(content, dict):
        if len(content) != 1:
            raise error(
                f"{what}: {str(given)!r} holds {len(content)} arrays ({', '.join(content) or 'none'}); give one of "
                "them, numpy.load(...)[name]."
            )
        content = next(iter(content.values()))
    try:
        return take(content).values, ()
    except ValueError as reason:
        raise error(f"{what}: {str(given)!r}: {reason}.") from reason.__cause__


def _of_table(table: Table, what: str, error: type[BrainmemError]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a table without the numbers of its rows, which programs write into a first column of no name."""
    if table.moments:
        raise error(f"{what}: {table.source}, column {min(table.moments) + 1} holds moments in time and no numbers.")
    notes = [f"{table.source}: {note}" for note in table.notes]
    values = table.values
    if table.rows:
        notes.append(f"{table.source}: its first column names the rows and was left out")
    elif table.heads and not table.names[0].replace("Unnamed: 0", "") and np.all(np.diff(values[:, 0]) > 0):
        values = values[:, 1:]
        notes.append(f"{table.source}: its first column numbers the rows and was left out")
    return values, tuple(notes)
