"""Read a file of NWB, Neurodata Without Borders: the spike times of its units, or one of its series of cells."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError, closest
from brainmem.intake.files import check_file
from brainmem.recordings.labelled import LABEL
from brainmem.recordings.raw import Intervals, Raw, raw_of
from brainmem.recordings.spikes import Spikes, spikes_of_trains

__all__ = ["read_nwb"]

_UNITS = "units"
_CELL = (str, int, float, np.str_, np.number, np.bool_)  # of a column that may tell the kind of trials
_OF_CELLS = ("RoiResponseSeries", "ElectricalSeries", "TimeSeries")


def read_nwb(path: str | Path, *, series: str = "") -> Raw | Spikes:
    """Return spike times or a series (time, unit) of a file of NWB, with names and regions of units, and its trials.

    Parameters
    ----------
    path : path
    series : str
        The name of the series, or ``"units"`` for the spike times; needed where a file holds several.

    Raises
    ------
    ResultError
        When pynwb is not installed, for a file that cannot be read, and where it is not clear which series is meant.
    """
    found = check_file(path, what="recording")
    try:
        pynwb: Any = import_module("pynwb")
    except ImportError as reason:
        raise ResultError(
            f"{str(path)!r}: files of NWB are read by pynwb, which is not installed. Run: pip install 'brainmem[nwb]'"
        ) from reason
    try:
        with pynwb.NWBHDF5IO(str(found), "r", load_namespaces=True) as file:
            return _read(file.read(), str(path), series)
    except ResultError:
        raise
    except Exception as reason:  # damaged files raise errors of many kinds
        said = " ".join(str(reason).split())[:200]
        raise ResultError(f"{str(path)!r} cannot be read as a file of NWB: {said}.") from reason


def _read(file: Any, source: str, series: str) -> Raw | Spikes:
    held = _series(file)
    if file.units is not None and "spike_times" in file.units.colnames:
        held = {_UNITS: file.units, **held}
    if not held:
        raise ResultError(f"{source}: it holds neither units with spike times nor a series with a value for each unit.")
    if series and series not in held:
        raise ResultError(f"{source} holds no series {series!r}; it holds {', '.join(held)}.{closest(series, held)}")
    if not series and len(held) > 1:
        raise ResultError(f"{source} holds {', '.join(held)}. Say which is meant: series={next(iter(held))!r}.")
    name = series or next(iter(held))
    found = _spikes(held[name], source) if name == _UNITS else _signals(held[name], f"{source}, {name}")
    return replace(found, intervals=_trials(file.trials))


def _trials(table: Any) -> Intervals | None:
    """Return the times of trials and what the columns of their table tell; None where there is none."""
    if table is None or not len(table):
        return None
    spans = np.column_stack([np.asarray(table[name][:], dtype=float) for name in ("start_time", "stop_time")])
    known = np.isfinite(spans).all(axis=1) & (spans[:, 1] > spans[:, 0])
    columns = {}
    for name in table.colnames:
        cells = list(table[name][:]) if name not in ("start_time", "stop_time") else []
        if cells and all(np.ndim(cell) == 0 and isinstance(cell, _CELL) for cell in cells):
            columns[name] = tuple(str(cell) for cell, good in zip(cells, known, strict=True) if good)
    return Intervals(spans[known], columns) if known.any() else None


def _series(file: Any) -> dict[str, Any]:
    """Return the series of a file that have a value for each of several units at each time, by name."""
    found: dict[str, Any] = {}
    for item in file.objects.values():
        kinds = {kind.__name__ for kind in type(item).__mro__}
        shape = np.shape(item.data) if kinds & set(_OF_CELLS) and "ImageSeries" not in kinds else ()
        if len(shape) == 2 and shape[1] > 1:
            found[item.name if item.name not in found else f"{item.parent.name}/{item.name}"] = item
    return found


def _signals(item: Any, source: str) -> Raw:
    values = np.asarray(item.data[:], dtype=float)
    if item.timestamps is not None:
        times = np.asarray(item.timestamps[:], dtype=float)
    else:
        times = float(item.starting_time or 0) + np.arange(len(values)) / float(item.rate)
    rows = getattr(item, "rois", None) if getattr(item, "rois", None) is not None else getattr(item, "electrodes", None)
    names, regions = _of_rows(rows.table, list(rows.data[:])) if rows is not None else ((), ())
    return raw_of(values, source, times=times, names=names, regions=regions)


def _of_rows(table: Any, rows: list[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and regions of some rows of a table of units or electrodes."""
    ids = [str(table.id[int(row)]) for row in rows]
    column = next((name for name in table.colnames if LABEL.fullmatch(name)), None)
    regions = tuple(str(table[column][int(row)]) for row in rows) if column else ()
    names = tuple(ids) if len(set(ids)) == len(ids) else tuple(map(str, range(len(ids))))
    return names, regions if all(text.strip() not in ("", "unknown") for text in regions) else ()


def _spikes(units: Any, source: str) -> Spikes:
    rows = list(range(len(units)))
    trains = [np.asarray(units.get_unit_spike_times(row), dtype=float) for row in rows]
    names, regions = _of_rows(units, rows)
    if not regions and "electrodes" in units.colnames:
        first = [units["electrodes"][row] for row in rows]
        regions = tuple(str(table["location"].iloc[0]) if len(table) else "" for table in first)
    spans = [units.get_unit_obs_intervals(row) for row in rows] if "obs_intervals" in units.colnames else []
    edges = np.concatenate([np.asarray(span) for span in spans]) if spans else np.zeros((0, 2))
    limits = {"start": float(edges.min()), "stop": float(edges.max())} if edges.size else {}
    return spikes_of_trains(trains, names, source=f"{source}, units", **limits, regions=regions if all(regions) else ())
