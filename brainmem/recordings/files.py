"""Read arrays (time, unit) and their times from files, arrays and Neo signals."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError
from brainmem.recordings.tables import read_table

__all__ = ["Raw", "read_raw"]

FORMATS = ".npy, .npz and .csv (also .tsv, .txt)"
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
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
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
    """Return the arrays of a file, in its order, as trial types; one called ``rates`` stands for all."""
    times = next((content.pop(name) for name in _TIME_NAMES if name in content), None)
    steps = [np.ravel(content.pop(name)) for name in _STEP_NAMES if name in content]
    tables = {"rates": content["rates"]} if "rates" in content else {k: v for k, v in content.items() if v.ndim >= 2}
    if len({values.shape for values in tables.values()}) != 1:
        found = ", ".join(f"{name} {values.shape}" for name, values in content.items()) or "nothing"
        raise ResultError(
            f"{source}: expected arrays of one shape (time, unit), one for each trial type, beside 'time' or 'step'; "
            f"found {found}."
        )
    raws = [_from_array(values, source, units_first) for values in tables.values()]
    raw = replace(raws[0], values=np.concatenate([item.values for item in raws]))
    if times is not None:
        return replace(raw, times=_times(times, raw, source))
    if steps and steps[0].size != 1:
        raise ResultError(f"{source}: 'step' must be one number, the seconds between samples, got {steps[0].tolist()}.")
    return replace(raw, times=float(steps[0][0]) * np.arange(raw.values.shape[1])) if steps else raw


def _from_table(path: Path, units_first: bool) -> Raw:
    table = read_table(path)
    if units_first and table.names:
        raise ResultError(f"{str(path)!r} has a header, so its units are columns: drop units_first.")
    raw = _from_array(table.values, str(path), units_first)
    raw = replace(raw, names=table.names or raw.names)
    return raw if table.times is None else replace(raw, times=_times(table.times, raw, str(path)))


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
