"""What tuning found, kept in the folder of its sweep. Reading it needs no Brian2."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainmem.errors import ResultError
from brainmem.intake.arguments import PATH, takes
from brainmem.storage.files import make_folder, open_path, replacing
from brainmem.storage.seals import read_text, write_text
from brainmem.sweeps.axes import Axis
from brainmem.sweeps.manifest import changed
from brainmem.sweeps.search import METHODS
from brainmem.sweeps.verdicts import as_good, ranges, span, table_of, verdicts

__all__ = ["Evaluation", "Tuned", "check_kept", "keep"]

RECORD = "tuning.json"


@dataclass(frozen=True)
class Evaluation:
    """One point of the space and what became of it.

    Attributes
    ----------
    point : dict
        Values of the axes by name: options, or numbers in base SI units.
    values : tuple of float
        The objective with each of the seeds; nan where that run failed.
    error : str
        Why the first that failed did; ``""`` where none has.
    """

    point: Mapping[str, Any]
    values: tuple[float, ...]
    error: str = ""


@dataclass(frozen=True)
class Tuned:
    """The points of a space at which an objective was evaluated, and the best of them.

    Attributes
    ----------
    store : Path
        The folder of the sweep that ran them.
    about : dict
        ``model``, ``variant``, ``protocol``, ``objective``, ``method``, ``random_seed``, ``seeds``, ``starts`` (the
        points that came first) and ``fixed`` (parameters that hold at every point).
    axes : tuple of Axis
        The space.
    budget : int
        How many evaluations were allowed.
    evaluations : tuple of Evaluation
        In the order in which they were asked for.
    """

    store: Path
    about: Mapping[str, Any]
    axes: tuple[Axis, ...]
    budget: int
    evaluations: tuple[Evaluation, ...]

    @classmethod
    @takes(ResultError, store=PATH)
    def load(cls, store: str | Path) -> Tuned:
        """Read what `tune` left in a folder.

        Raises
        ------
        ResultError
            When it left nothing there, or its file was damaged.
        """
        store = open_path(store)
        found = _kept(store)
        if found is None:
            damaged = os.path.isfile(store / RECORD)
            raise ResultError(
                f"store={str(store)!r} holds no tuning: "
                + (
                    f"its file {RECORD!r} was damaged. Tune again with the same arguments: what ran is not run again."
                    if damaged
                    else f"there is no file {RECORD!r} in it."
                )
            )
        return found

    @property
    def values(self) -> np.ndarray:
        """The objective, shape (evaluation, seed); nan where a run failed or gave no finite number."""
        return np.array([item.values for item in self.evaluations], float)

    @property
    def place(self) -> int:
        """Which evaluation was the best, counted from 0; the first of equal ones."""
        return int(np.nanargmax(self.values.mean(axis=1)))

    @property
    def best(self) -> dict[str, Any]:
        """The best point, as ``parameters=`` and `MemoryModel.vary` take it: numbers, options, texts with units."""
        point = self.evaluations[self.place].point
        return {axis.name: axis.written(point[axis.name]) for axis in self.axes}

    @property
    def mean(self) -> float:
        """The objective at the best point, its mean over seeds."""
        return float(self.values[self.place].mean())

    @property
    def spread(self) -> float:
        """The objective's standard deviation over seeds at the best point; nan for one seed."""
        values = self.values[self.place]
        return float(values.std(ddof=1)) if len(values) > 1 else float("nan")

    @property
    def failed(self) -> tuple[Evaluation, ...]:
        """The evaluations of which a run failed, or gave no finite number."""
        return tuple(item for item in self.evaluations if item.error)

    @property
    def table(self) -> xr.Dataset:
        """All evaluations, with the dimensions ``evaluation``, counted from 1, and ``seed``.

        It holds every parameter (evaluation), in base SI units; ``objective`` (evaluation, seed); and (evaluation)
        ``objective_mean`` and ``objective_sd`` over seeds, ``failed``, and ``as_good``: whether the point lies within
        one standard error of the best, that of the mean difference over the seeds.
        """
        points = [item.point for item in self.evaluations]
        return table_of(self.axes, points, self.values, self.about["seeds"], as_good(self.values, self.place))

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What a reader has to know: failures, edges of the space, noise between seeds, flat directions."""
        points, errors = zip(*((item.point, item.error) for item in self.evaluations), strict=True)
        return tuple(verdicts(self.axes, points, self.values, errors=errors, budget=self.budget))

    def source(self) -> str:
        """Return how the best point was found, for the source of a `Parameter`: tuner, evaluations, training seeds."""
        seeds, count = self.about["seeds"], len(self.evaluations)
        return (
            f"tuned: {METHODS[self.about['method']]}, {count} evaluation{'s' if count > 1 else ''}, "
            f"seed{'s' if len(seeds) > 1 else ''} {ranges(seeds)}"
        )

    def __str__(self) -> str:
        about = self.about
        protocol = f", protocol {about['protocol']}" if about["protocol"] else ""
        fixed = ", ".join(f"{name} = {value}" for name, value in about["fixed"].items())
        several = len(about["seeds"]) > 1
        error = f" ± {self.spread / np.sqrt(len(about['seeds'])):.2g} (standard error over seeds)" if several else ""
        return "\n".join(
            [
                f"{about['model']}, {about['variant']} variant{protocol}{f', with {fixed}' if fixed else ''}",
                f"{self.source()}; at most {self.budget}, the first {len(about['starts'])} given, random seed "
                f"{about['random_seed']}",
                f"{about['objective']}, greater is better: {self.mean:.4g}{error}",
                *self._rows(),
                *(f"- {text}" for text in self.verdicts),
                "- The best of many points owes something to chance: report it with other seeds.",
            ]
        )

    def _rows(self) -> list[str]:
        """Return the best point and the space as lines of a table."""
        good = [self.evaluations[place].point for place in np.flatnonzero(as_good(self.values, self.place))]
        best = self.evaluations[self.place].point
        rows = [("", "best", "as good as the best", "space")]
        for axis in self.axes:
            name = axis.name
            rows.append((name, axis.shown(best[name]), span(axis, [point[name] for point in good]), str(axis)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(["", *map(str.ljust, row, widths)]).rstrip() for row in rows]

    __repr__ = __str__


def keep(found: Tuned) -> None:
    """Write a tuning into its folder; one that got further and is kept there stays.

    Raises
    ------
    ResultError
        When the folder holds another tuning.
    """
    old = check_kept(found)
    if old is not None and len(old.evaluations) > len(found.evaluations):
        return
    evaluations = [{**asdict(item), "values": [_json(value) for value in item.values]} for item in found.evaluations]
    record = {
        "about": found.about,
        "axes": [asdict(axis) for axis in found.axes],
        "budget": found.budget,
        "evaluations": evaluations,
    }
    path = make_folder(found.store) / RECORD
    with replacing(path) as temporary:
        write_text(temporary, json.dumps(record, indent=1), key=path.stem)


def _json(value: float) -> float | None:
    return None if np.isnan(value) else value


def _kept(store: Path) -> Tuned | None:
    """Return the tuning that a folder holds, None where there is none that can be read."""
    text = read_text(store / RECORD)
    if text is None:
        return None
    record = json.loads(text)
    axes = tuple(Axis(**{**axis, "options": _tuples(axis["options"])}) for axis in record["axes"])
    evaluations = tuple(
        Evaluation(
            {name: _tuples(value) for name, value in item["point"].items()},
            tuple(np.nan if value is None else value for value in item["values"]),
            item["error"],
        )
        for item in record["evaluations"]
    )
    return Tuned(store, record["about"], axes, record["budget"], evaluations)


def _tuples(value: Any) -> Any:
    """Return lists of JSON as the tuples that they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def check_kept(new: Tuned) -> Tuned | None:
    """Return the tuning that the folder of `new` holds, if any, after checking that it differs in its budget only."""
    old = _kept(new.store)
    if old is None:
        return None
    pairs = {name: (old.about.get(name), new.about[name]) for name in new.about}
    spaces = [{axis.name: str(axis) for axis in found.axes} for found in (old, new)]
    pairs |= {f"space of {name}": tuple(space.get(name) for space in spaces) for name in {**spaces[0], **spaces[1]}}
    changes = [text for name, (was, now) in pairs.items() for text in changed(name, was, now)]
    if changes:
        raise ResultError(
            f"The store {str(new.store)!r} holds another tuning. What differs: {'; '.join(changes)}. A larger budget "
            "may be given to a store; for anything else name another one."
        )
    return old
