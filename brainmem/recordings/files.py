"""Read arrays (time, unit) and their times from files, arrays and Neo signals."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brainmem.errors import ResultError

__all__ = ["Raw", "read_raw"]

FORMATS = ".npy, .npz and .csv (also .tsv, .txt)"
_TIME = re.compile(
    r"^(time|t|timestamps?|seconds?)(?:[\s_]*[\[(]?\s*(s|sec|seconds?|ms|milliseconds?)\s*[\])]?)?$", re.I
)
_TIME_NAMES, _STEP_NAMES = ("time", "t", "times", "timestamps"), ("step", "dt", "sampling_period")


@dataclass(frozen=True)
class Raw:
    """What a source holds: values (item, time, unit), NaN and all, in the order found.

    `times` are seconds of the samples, or None where the source tells none; `names` those of the units.
    """

    values: np.ndarray
    names: tuple[str, ...]
    times: np.ndarray | None = None
    source: str = "array"


def read_raw(source: Any, *, units_first: bool = False) -> Raw:
    """Return the content of one source: an array, a path, or a Neo signal.

    Raises
    ------
    ResultError
        When the file is missing, of another kind, or not a table of numbers.
    """
    if isinstance(source, str | Path):
        return _from_file(Path(source), units_first)
    if hasattr(source, "magnitude") and hasattr(source, "times"):
        return _from_neo(source)
    return _from_array(source, "array", units_first)


def _from_file(path: Path, units_first: bool) -> Raw:
    if not path.is_file():
        raise ResultError(f"There is no file {str(path)!r}. Give a recording as {FORMATS}, an array or a Neo signal.")
    kind = path.suffix.lower()
    try:
        if kind == ".npy":
            return _from_array(np.load(path), str(path), units_first)
        if kind == ".npz":
            with np.load(path) as content:
                return _from_arrays(dict(content), str(path), units_first)
    except (ValueError, OSError) as error:
        raise ResultError(f"{str(path)!r} cannot be read as numpy's format: {error}") from error
    if kind in (".csv", ".tsv", ".txt"):
        return _from_table(path, units_first)
    raise ResultError(f"{str(path)!r} ends in {path.suffix!r}; recordings are read from {FORMATS}.")


def _from_array(values: Any, source: str, units_first: bool) -> Raw:
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ResultError(f"{source}: expected an array of numbers, got {type(values).__name__} ({error}).") from error
    if values.ndim not in (2, 3):
        raise ResultError(
            f"{source}: a recording has shape (time, unit), or (trial type, time, unit); this one has {values.shape}."
        )
    values = values[None] if values.ndim == 2 else values
    values = np.swapaxes(values, 1, 2) if units_first else values
    return Raw(values, tuple(str(k) for k in range(values.shape[2])), source=source)


def _from_arrays(content: dict[str, np.ndarray], source: str, units_first: bool) -> Raw:
    times = next((content.pop(name) for name in _TIME_NAMES if name in content), None)
    step = next((float(content.pop(name)) for name in _STEP_NAMES if name in content), None)
    tables = {name: values for name, values in sorted(content.items()) if values.ndim >= 2}
    shapes = {values.shape for values in tables.values()}
    if len(shapes) != 1:
        found = ", ".join(f"{name} {values.shape}" for name, values in sorted(content.items())) or "nothing"
        raise ResultError(
            f"{source}: expected arrays of one shape (time, unit), one for each trial type, beside 'time' or 'step'; "
            f"found {found}."
        )
    raws = [_from_array(values, source, units_first) for values in tables.values()]
    raw = replace(raws[0], values=np.concatenate([item.values for item in raws]))
    if times is None and step is not None:
        times = step * np.arange(raw.values.shape[1])
    return replace(raw, times=None if times is None else _times(times, raw, source))


def _from_table(path: Path, units_first: bool) -> Raw:
    first = _first_line(path)
    header = None if all(_number(cell) for cell in re.split(r"[,;\t]", first)) else 0
    try:
        frame = pd.read_csv(path, header=header, sep=None, engine="python", skipinitialspace=True)
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ResultError(f"{str(path)!r} cannot be read as a table: {error}") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    numbers = frame.apply(pd.to_numeric, errors="coerce")
    wrong = np.argwhere((numbers.isna() & frame.notna()).to_numpy())
    if len(wrong):
        row, column = wrong[0]
        raise ResultError(
            f"{str(path)!r}: {len(wrong)} cells are no numbers, the first is {frame.iat[row, column]!r} in line "
            f"{row + 1 + (header is not None)}, column {frame.columns[column]!r}. Leave cells without a value empty."
        )
    times = next((name for name in frame.columns if header is not None and _TIME.match(name)), None)
    values = numbers.drop(columns=[times] if times else []).to_numpy(dtype=float)
    if times and units_first:
        raise ResultError(
            f"{str(path)!r} has a column of times, {times!r}, so its units are columns: drop units_first."
        )
    raw = _from_array(values, str(path), units_first)
    names = [name for name in frame.columns if name != times] if header is not None and not units_first else raw.names
    raw = replace(raw, names=tuple(names))
    return (
        raw if times is None else replace(raw, times=_times(numbers[times].to_numpy() * _scale(times), raw, str(path)))
    )


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline().strip()
    except UnicodeDecodeError as error:
        raise ResultError(f"{str(path)!r} is no text file: {error}") from error


def _number(cell: str) -> bool:
    try:
        float(cell.strip() or "nan")
    except ValueError:
        return False
    return True


def _scale(name: str) -> float:
    match = _TIME.match(name)
    return 1e-3 if match and (match.group(2) or "").lower().startswith("m") else 1.0


def _from_neo(signal: Any) -> Raw:
    """Read a Neo signal (AnalogSignal, IrregularlySampledSignal): its values, (time, channel), and its times."""
    raw = _from_array(np.asarray(signal.magnitude, dtype=float), type(signal).__name__, units_first=False)
    times = np.asarray(signal.times.rescale("s").magnitude, dtype=float)
    return replace(raw, times=_times(times, raw, raw.source))


def _times(times: Any, raw: Raw, source: str) -> np.ndarray:
    times = np.asarray(times, dtype=float).ravel()
    if times.shape != (raw.values.shape[1],):
        raise ResultError(f"{source}: {times.size} times for {raw.values.shape[1]} samples; each sample needs one.")
    return times
