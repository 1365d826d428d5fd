"""Read arrays (time, unit) and their times from files, arrays, labelled tables and the objects of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError
from brainmem.intake.columns import split_columns, time_scale
from brainmem.intake.files import open_file
from brainmem.intake.labels import columns_of, in_order, is_frame
from brainmem.intake.tables import Table
from brainmem.intake.units import seconds_of, time_unit
from brainmem.recordings.labelled import LABEL, TRIAL, UNIT
from brainmem.recordings.neo import is_neo, read_neo
from brainmem.recordings.nwb import read_nwb
from brainmem.recordings.raw import Raw, each_once, number_name, raw_of, taken, three, times_of
from brainmem.recordings.spikes import Spikes, spikes_of_table

__all__ = ["read_raw"]

AXES = ("trial", "time", "unit")
_TIME_NAMES, _STEP_NAMES = ("time", "t", "times", "timestamps"), ("step", "dt", "sampling_period")


def read_raw(source: Any, *, units_first: bool = False, series: str = "") -> Raw | Spikes:
    """Return the content of one source: an array, a path, a table of pandas or xarray, Neo's objects, or spike trains.

    `series` names which of a file of NWB is meant, where it holds several.

    Raises
    ------
    ResultError
        When the file is missing, of another kind, or not a table of numbers.
    """
    if isinstance(source, str | Path) and Path(source).suffix.lower() == ".nwb":
        return read_nwb(source, series=series)
    if isinstance(source, str | Path):
        return _from_file(source, units_first)
    if is_neo(source):
        return read_neo(source)
    if is_frame(source):
        return _from_frame(source, units_first)
    if hasattr(source, "dims") and hasattr(source, "coords"):
        return _from_labelled(source, units_first)
    return raw_of(source, "array", units_first=units_first)


def _from_file(path: str | Path, units_first: bool) -> Raw | Spikes:
    content = open_file(path, what="recording", error=ResultError, allowed="recordings are read from")
    if isinstance(content, Table):
        return spikes_of_table(content) or _from_table(content, units_first)
    if isinstance(content, dict):
        return _from_arrays(content, str(path), units_first)
    return raw_of(content, str(path), units_first=units_first)


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
    raws = [raw_of(values, source, units_first=units_first) for values in tables.values()]
    raw = replace(raws[0], values=np.concatenate([item.values for item in raws]))
    if times is not None:
        return replace(raw, times=times_of(times, raw.values.shape[1], source))
    if not steps:
        return raw
    step = taken(steps[0], f"{source}: 'step'")
    if step.size != 1 or not (np.isfinite(step).all() and step[0] > 0):
        raise ResultError(f"{source}: 'step' must be one number, the seconds between samples, got {steps[0].tolist()}.")
    return replace(raw, times=float(step[0]) * np.arange(raw.values.shape[1]))


def _from_table(table: Table, units_first: bool) -> Raw:
    if units_first:
        return _from_rows(table)
    if table.rows:
        raise ResultError(
            f"{table.source}: its rows are named ({', '.join(map(repr, table.rows[:3]))} ...). Set units_first=True "
            "(--units-first) if rows are units; take the first column out if they are samples."
        )
    series = split_columns(table.values, table.heads, table.names, table.moments or {}, table.source, ResultError)
    source = table.source.strip("'\"")
    notes = (*table.notes, *series.notes)
    raw = Raw(three(series.values, source), series.names, series.times, source, notes)
    return _in_trials(replace(raw, regions=_row_of_regions(table, series.names)))


def _row_of_regions(table: Table, units: Sequence[str]) -> tuple[str, ...]:
    """Return the regions in a line below the names of the units, which says so in its first column."""
    line = next((k for k, word in enumerate(table.heads[0]) if LABEL.fullmatch(word)), None) if table.heads else None
    if line is None:
        return ()
    found = {name: words[line] for name, words in zip(table.names, table.heads, strict=True)}
    return tuple(found[name] for name in units)


def _in_trials(raw: Raw) -> Raw:
    """Take a column out that numbers trials: they begin where its value changes."""
    where = next((k for k, name in enumerate(raw.names) if TRIAL.fullmatch(name)), None)
    if where is None or len(raw.values) > 1:
        return raw
    number = raw.values[0, :, where]
    if not np.all(number == np.round(number)):
        return raw
    starts = (0, *(int(k) + 1 for k in np.flatnonzero(np.diff(number))))
    keep = [k for k in range(len(raw.names)) if k != where]
    kept = {name: tuple(getattr(raw, name)[k] for k in keep) for name in ("names", "regions") if getattr(raw, name)}
    notes = (*raw.notes, f"column {raw.names[where]!r} says where {len(starts)} trials begin")
    return replace(raw, values=raw.values[:, :, keep], starts=starts, notes=notes, **kept)


def _from_rows(table: Table) -> Raw:
    """Read a table whose rows are units, perhaps with their names in the first column, and a column of regions."""
    values, rows = table.values, table.rows
    if not rows and table.names and UNIT.fullmatch(table.names[0]):  # units with numbers for names
        rows, values = tuple(map(number_name, values[:, 0])), values[:, 1:]
    if table.names and not rows and not table.texts:
        raise ResultError(f"{table.source} has a header, so its units are columns: drop units_first.")
    raw = raw_of(values, table.source.strip("'\""), units_first=True)
    notes = (*table.notes, *(("its header was left out",) if table.names else ()))
    regions = next(iter(table.texts.values()), ())
    return replace(raw, names=each_once(rows) if rows else raw.names, notes=notes, regions=regions)


def _from_frame(frame: Any, units_first: bool) -> Raw:
    """Read a table of pandas: its columns are units, a column ``time`` or an index of times holds the times."""
    source = "table of pandas"
    frame = frame.T if units_first else frame
    try:
        columns = columns_of(frame)
    except ValueError as reason:
        raise ResultError(f"{source}: {reason}.") from reason.__cause__
    columns = [seconds_of(values) if values.dtype.kind == "m" else values for values in columns]
    values = np.column_stack(columns) if columns else np.zeros(frame.shape)
    names = each_once([str(name) for name in frame.columns])
    named = tuple((name,) for name in names)
    series = split_columns(values, named, names, {}, source, ResultError)
    times, notes = series.times, series.notes
    if times is None:
        times, said = _index_times(frame.index)
        notes = (*notes, *said)
    return _in_trials(Raw(three(series.values, source), series.names, times, source, notes))


def _index_times(index: Any) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return the seconds that an index of pandas holds, None for one that only numbers the rows."""
    kind = getattr(index.dtype, "kind", "O")
    if kind in "mM":
        values = index.to_numpy()
        return seconds_of(values - values[:1] if kind == "M" else values), ()
    if kind not in "iuf":
        return None, ()
    values = index.to_numpy(dtype=float)
    scale = time_scale((str(index.name or ""),), first=True)
    if scale is not None:
        return values * scale, ()
    if kind == "f" and len(values) > 1 and np.all(np.diff(values) > 0):
        return values, ("its index was read as the times in seconds",)
    return None, ()


def _from_labelled(array: Any, units_first: bool) -> Raw:
    """Read an array of xarray: names of axes are obeyed, coordinates of time hold the times."""
    source = "array of xarray"
    values, names = taken(array, source), tuple(str(name) for name in array.dims)
    if all(name.startswith("dim_") for name in names) or values.ndim not in (2, 3):
        return raw_of(values, source, units_first=units_first)
    try:
        values = in_order(values, names, AXES)
        sorted_names = [str(names[k]) for k in np.argsort([_axis(name) for name in names])]
    except ValueError as reason:
        raise ResultError(f"{source}: {reason}.") from reason.__cause__
    raw = Raw(three(values, source), tuple(str(k) for k in range(values.shape[-1])), source=source)
    unit, time = sorted_names[-1], sorted_names[-2]
    if unit in array.coords:
        raw = replace(raw, names=each_once([str(name) for name in array.coords[unit].values.tolist()]))
    return replace(raw, times=_coordinate(array.coords[time], source)) if time in array.coords else raw


def _axis(name: str) -> int:
    """Return the place of an axis among `AXES`, by the name that `in_order` has understood."""
    return next(k for k, axis in enumerate(AXES) if _understood(name, axis))


def _understood(name: str, axis: str) -> bool:
    try:
        in_order(np.zeros(1), (name,), (axis,))
    except ValueError:
        return False
    return True


def _coordinate(times: Any, source: str) -> np.ndarray:
    values = times.values
    if values.dtype.kind == "M":
        return seconds_of(values - values[:1])
    scale = time_unit(str(times.attrs.get("units", "s"))) if values.dtype.kind != "m" else 1.0
    return taken(values, f"{source}: times") * (scale or 1.0)
