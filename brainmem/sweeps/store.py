"""A sweep's folder: which points it has, what became of each, and the results. Reading it needs no Brian2.

A point is one file, ``<key>.nc``, or ``<key>.error.json`` when its run failed. The key is a hash of all that
determines the numbers, so that a store is extended by sweeping further values or seeds into it. The file ends with the
key and a checksum: one that was damaged, or belongs to another point, counts as no result. Every call of `sweep`
leaves ``<id>.sweep.json``, which lists its points; together these files say what the store holds.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from brainmem.errors import ResultError
from brainmem.intake.arguments import PATH, takes
from brainmem.results.result import Result
from brainmem.storage.files import open_path
from brainmem.storage.seals import fault_of
from brainmem.sweeps.manifest import MANIFEST, Listing, read_error, read_listings
from brainmem.sweeps.measured import MEASURE, as_arrays, kept_at

__all__ = ["Point", "Sweep"]


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes
    ----------
    parameters : dict
        The swept parameters' values, in base SI units; `Sweep.units` names the units.
    seed : int
    path : Path
        The result's file, which exists once the point is finished.
    error : str or None
        Why the run failed.
    fault : str
        Why the file is not this point's result, as found when the store was read; ``""`` if it is.
    """

    parameters: Mapping[str, Any]
    seed: int
    path: Path
    error: str | None = None
    fault: str = ""

    @property
    def state(self) -> str:
        """``"finished"``, ``"failed"``, ``"damaged"`` or ``"to do"``; sweeping again runs all but the finished."""
        if os.path.isfile(self.path):
            return "damaged" if self.fault else "finished"
        return "to do" if self.error is None else "failed"

    def __str__(self) -> str:
        values = [f"{name} = {_shown(value)}" for name, value in self.parameters.items()]
        return ", ".join([*values, f"seed {self.seed}"])


@dataclass(frozen=True)
class Sweep:
    """Runs of one model over parameter values and seeds, kept in a folder.

    Attributes
    ----------
    store : Path
    model, variant : str
    units : dict
        Unit of each swept parameter, ``"1"`` for none.
    grid : bool
        Whether the points are all combinations of values, or a list of their own.
    points : tuple of Point
    measure : str
        The name of the function of which the store keeps what it made of each result; ``""`` where it keeps results.
    """

    store: Path
    model: str
    variant: str
    units: Mapping[str, str]
    grid: bool
    points: tuple[Point, ...]
    measure: str = ""

    @classmethod
    @takes(ResultError, store=PATH)
    def load(cls, store: str | Path) -> Sweep:
        """Read all points that a store holds.

        Raises
        ------
        ResultError
            When the folder holds no sweep.
        """
        store = open_path(store)
        found, damaged = read_listings(store)
        if not found:
            raise ResultError(
                "\n".join(damaged) or f"{str(store)!r} holds no sweep: no file in it ends in {MANIFEST!r}."
            )
        for text in damaged:
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        return cls.of(store, found)

    @classmethod
    def of(cls, store: Path, found: Sequence[Listing]) -> Sweep:
        """Return the points of `found`, each with what became of it."""
        entries = {key: entry for listing in found for key, entry in listing.points.items()}
        points = [_point(store, key, entry) for key, entry in entries.items()]
        if found[0].grid:
            points.sort(key=_order)
        definition = found[0].definition
        return cls(
            store,
            definition["model"],
            definition["variant"],
            found[0].units,
            found[0].grid,
            tuple(points),
            definition.get(MEASURE, ""),
        )

    @property
    def failed(self) -> tuple[Point, ...]:
        """The points whose run failed."""
        return tuple(point for point in self.points if point.state == "failed")

    @property
    def damaged(self) -> tuple[Point, ...]:
        """The points whose file was damaged or is another's."""
        return tuple(point for point in self.points if point.state == "damaged")

    @property
    def finished(self) -> tuple[Point, ...]:
        """The points that have a result."""
        return tuple(point for point in self.points if point.state == "finished")

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values of each swept parameter, and the seeds, in ascending order."""
        values = {name: sorted({_label(p.parameters[name]) for p in self.points}) for name in self.units}
        return {**values, "seed": sorted({point.seed for point in self.points})}

    def results(self) -> Iterator[Result]:
        """Load the result of each finished point, one after the other.

        Raises
        ------
        ResultError
            When the store keeps measures in place of results.
        """
        if self.measure:
            raise ResultError(
                f"The sweep in {str(self.store)!r} keeps no results, but what measure={self.measure} made of them: "
                "Sweep.dataset() returns it. For results, sweep without measure= into another store."
            )
        return (Result.load(point.path) for point in self.finished)

    def dataset(self, measure: Callable[[Result], Any] | None = None) -> xr.DataArray | xr.Dataset:
        """Apply `measure` to every result, or arrange what ``sweep(measure=...)`` has kept.

        Parameters
        ----------
        measure : callable, optional
            Takes a `Result`; returns a number, an array, an `xarray.DataArray` or `Dataset`, or a dict of these. Not
            given where the store keeps measures.

        Returns
        -------
        xarray.DataArray or xarray.Dataset
            One dimension per swept parameter and ``seed`` before those of the measure; ``point`` in their place where
            the points are no grid. Points without a result are nan, and so is what is missing where a dimension of the
            measure is shorter at some points; entries are matched by their coordinates, or by number where there are
            none. Coordinates that differ between points have their dimensions too. A dict or a dataset gives a dataset.

        Raises
        ------
        ResultError
            When no point is finished, or no `measure` is given, or one where the store has no results.
        """
        self._check_measure(measure)
        if not self.finished:
            reason = f" The first failed: {self.failed[0].error}" if self.failed else ""
            reason += f" {self.damaged[0].path.name}: {self.damaged[0].fault}." if self.damaged else ""
            raise ResultError(f"No point of the sweep in {str(self.store)!r} is finished.{reason}")
        outcomes = {i: _outcome(measure, p) for i, p in enumerate(self.points) if p.state == "finished"}
        single = all(isinstance(outcome, xr.DataArray) for outcome in outcomes.values())
        whole = xr.concat(
            _numbered([_as_dataset(outcome) for outcome in outcomes.values()]),
            dim=xr.Variable("point", list(outcomes)),
            join="outer",
            coords="different",
            compat="equals",
        )
        arranged = self._as_grid(whole) if self.grid else self._as_list(whole)
        for name, unit in self.units.items():
            arranged[name].attrs["units"] = unit
        return arranged["measure"].rename(_name(measure, self.measure)) if single else arranged

    def _check_measure(self, measure: Callable[[Result], Any] | None) -> None:
        if measure is not None and self.measure:
            self.results()
        if measure is None and not self.measure:
            raise ResultError(
                "Sweep.dataset() needs a function of a result, such as measure.recall_table: this store keeps results."
            )

    def _coordinates(self, chosen: Sequence[int]) -> dict[str, Any]:
        points = [self.points[i] for i in chosen]
        columns = {name: [_label(point.parameters[name]) for point in points] for name in self.units}
        return {name: ("point", column) for name, column in {**columns, "seed": [p.seed for p in points]}.items()}

    def _as_grid(self, whole: xr.Dataset) -> xr.Dataset:
        named, axes = whole.assign_coords(self._coordinates(whole["point"].values.tolist())), self.axes
        if len(axes) == 1:
            spread = named.swap_dims(point="seed").drop_vars("point")
        else:
            spread = named.set_index(point=list(axes)).unstack("point")
        return spread.reindex(axes).transpose(*axes, ...)

    def _as_list(self, whole: xr.Dataset) -> xr.Dataset:
        everything = range(len(self.points))
        return whole.reindex(point=everything).assign_coords(self._coordinates(everything)).transpose("point", ...)

    def __repr__(self) -> str:
        counts = f"{len(self.finished)} of {len(self.points)} points finished, {len(self.failed)} failed"
        counts += f", {len(self.damaged)} damaged" if self.damaged else ""
        values = [f"  {name}: {', '.join(map(_shown, values))}" for name, values in self.axes.items()]
        return "\n".join(
            [f"<Sweep of {self.model!r}, {self.variant} variant, in {str(self.store)!r}: {counts}>", *values]
        )


def _outcome(measure: Callable[[Result], Any] | None, point: Point) -> xr.DataArray | xr.Dataset:
    if measure is None:
        return kept_at(point.path)
    try:
        return as_arrays(measure(Result.load(point.path)))
    except Exception as error:
        error.add_note(f"while measuring the point {point} ({point.path.name})")
        raise


def _name(measure: Callable[[Result], Any] | None, kept: str) -> str | None:
    name = kept.rpartition(".")[2] if measure is None else getattr(measure, "__name__", "<>")
    return None if name.startswith("<") else name


def _as_dataset(outcome: xr.DataArray | xr.Dataset) -> xr.Dataset:
    return outcome.to_dataset(name="measure") if isinstance(outcome, xr.DataArray) else outcome


def _numbered(outcomes: list[xr.Dataset]) -> list[xr.Dataset]:
    """Return datasets with numbers as coordinates in dimensions that have none and whose lengths differ."""
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.dims)
    sizes = {name: {outcome.sizes[name] for outcome in outcomes if name in outcome.dims} for name in names}
    labelled = {str(name) for outcome in outcomes for name in outcome.indexes}
    uneven = [name for name, found in sizes.items() if len(found) > 1 and str(name) not in labelled]
    return [
        outcome.assign_coords({name: range(outcome.sizes[name]) for name in uneven if name in outcome.dims})
        for outcome in outcomes
    ]


def _label(value: Any) -> Any:
    """Return a coordinate's value: several numbers become text."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(_label(value))


def _order(point: Point) -> tuple:
    return (*map(_label, point.parameters.values()), point.seed)


def _point(store: Path, key: str, entry: Mapping[str, Any]) -> Point:
    path = store / f"{key}.nc"
    if not os.path.isfile(path):
        return Point(entry["parameters"], entry["seed"], path, read_error(path))
    return Point(entry["parameters"], entry["seed"], path, fault=fault_of(path))
