"""Claims that are tables: run their points, measure every run once for all rows, and name what was found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from brainmem.errors import RuleError, closest, quoted
from brainmem.model.claim import SIZES, VARIANTS, Claim, Row
from brainmem.study.claims import Expected, Experiment, Finding
from brainmem.sweeps.points import read_points

__all__ = ["findings"]

_SOURCES = ("run", "model", "points", "seeds")
_ABSENT = object()


@dataclass(frozen=True)
class _Points:
    """The points of a row in one case: what quantities may name of each, its parameters, and the dimensions."""

    named: list[dict[str, Any]]
    parameters: list[dict[str, Any]]
    axes: dict[str, list[Any]]


def findings(claim: Claim, experiment: Experiment) -> tuple[Finding, ...]:
    """Return what is found for a claim in one size and variant.

    Raises
    ------
    RuleError
        When a row of its table cannot be read.
    """
    if not _holds(claim.when, experiment):
        return ()
    rows = [row for row in claim.table if _holds(row.when, experiment)]
    measured: dict[tuple, dict[int, list[xr.DataArray]]] = {}
    found: list[Finding] = []
    for number, row in enumerate(rows):
        try:
            points = _points(row, experiment)
            if points is None:
                continue
            source = _source(row)
            if source not in measured:
                alike = {k: other for k, other in enumerate(rows) if _source(other) == source}
                measured[source] = _measured(alike, points, experiment)
            found += _rows_of(row, points, measured[source][number], experiment)
        except Exception as error:
            error.add_note(f"in the row {row.quantity!r} of {claim}")
            raise
    return (*found, *(claim.experiment(experiment) if claim.experiment is not None else ()))


def _source(row: Row) -> tuple[int, ...]:
    return tuple(id(getattr(row, name)) for name in _SOURCES)


def _holds(when: str | tuple[str, ...], experiment: Experiment) -> bool:
    return set((when,) if isinstance(when, str) else when) <= {experiment.size, experiment.variant}


def _is_by_case(value: Any) -> bool:
    names = {*SIZES, *VARIANTS}
    keys = [key if isinstance(key, tuple) else (key,) for key in value] if isinstance(value, Mapping) else []
    return bool(keys) and all(all(isinstance(name, str) and name in names for name in key) for key in keys)


def _of_case(value: Any, experiment: Experiment, absent: Any = None) -> Any:
    """Return what a field holds in the case of an experiment; `absent` where it names cases, and others."""
    if not _is_by_case(value):
        return value
    case = {experiment.size, experiment.variant}
    keys = {key: {key} if isinstance(key, str) else set(key) for key in value}
    exact = [key for key, names in keys.items() if names == case]
    fitting = exact or [key for key, names in keys.items() if names <= case]
    if len(fitting) > 1:
        raise RuleError(
            f"{' and '.join(map(repr, fitting))} both hold for the {experiment.variant} variant at {experiment.size} "
            f"size. Say which by ({experiment.size!r}, {experiment.variant!r})."
        )
    return value[fitting[0]] if fitting else absent


# Points


def _points(row: Row, experiment: Experiment) -> _Points | None:
    given = _of_case({} if row.points is None else row.points, experiment)
    if given is None:
        return None
    if isinstance(given, Mapping) and given and all(isinstance(point, Mapping) for point in given.values()):
        named = [{**point, "point": label} for label, point in given.items()]
        return _Points(named, [dict(point) for point in given.values()], {"point": list(given)})
    points = read_points(given, "points")
    axes = {name: list(given[name]) for name in points.swept} if points.grid else {"point": list(range(len(given)))}
    return _Points(points.given, points.given, axes)


def _seeds(row: Row, point: Mapping[str, Any], experiment: Experiment) -> list[int]:
    seeds = _of_case(1 if row.seeds is None else row.seeds, experiment, 1)
    seeds: Any = seeds(point) if callable(seeds) else seeds
    return list(range(seeds) if isinstance(seeds, int | np.integer) else seeds)


def _at(row: Row, experiment: Experiment) -> dict[str, list[Any]]:
    """Return the values of parameters, labels or dimensions to which a row is limited."""
    at = _of_case({} if row.at is None else row.at, experiment, {})
    wanted = at if isinstance(at, Mapping) else {"point": at}
    return {name: list(value) if isinstance(value, tuple | list) else [value] for name, value in wanted.items()}


# Measures


def _measured(rows: Mapping[int, Row], points: _Points, experiment: Experiment) -> dict[int, list[xr.DataArray]]:
    """Return for each row the measures of its points, (seed, ...), of runs that all rows share.

    Runs of all points and seeds share the processors.
    """
    first = next(iter(rows.values()))
    wanted = [
        {number: row for number, row in rows.items() if _includes(_at(row, experiment), named)}
        for named in points.named
    ]
    seeds = [
        _seeds(first, point, experiment) if needed else []
        for point, needed in zip(points.parameters, wanted, strict=True)
    ]

    def measures(which: tuple[int, int]) -> dict[int, xr.DataArray]:
        place, seed = which
        subject = _run(first, experiment, seed, points.parameters[place])
        return {k: _array(_taken(_of_case(row.measure, experiment), subject)) for k, row in wanted[place].items()}

    runs = [(place, seed) for place, numbers in enumerate(seeds) for seed in numbers]
    values = dict(zip(runs, experiment.each(measures, runs), strict=True))
    found: dict[int, list[xr.DataArray]] = {number: [] for number in rows}
    for place, numbers in enumerate(seeds):
        for number in wanted[place]:
            found[number].append(_stacked([values[place, seed][number] for seed in numbers], "seed", numbers))
    return found


def _includes(at: Mapping[str, list[Any]], point: Mapping[str, Any]) -> bool:
    """Tell whether a row that is limited to some values takes a point."""
    return all(point[name] in at[name] for name in at if name in point)


def _run(row: Row, experiment: Experiment, seed: int, point: Mapping[str, Any]) -> Any:
    run = _of_case(row.run, experiment)
    if run is not None:
        return run(experiment, seed, **point)
    if row.model is not None:
        parameters = dict(point)
        named = {"protocol": parameters.pop("protocol", None)} if row.model.protocols else {}
        return experiment.simulate(model=row.model, seed=seed, parameters=parameters, **named)
    return experiment.trained(seed, **point)


def _taken(steps: Any, value: Any) -> Any:
    """Return what a measure, or its steps one after the other, give of `value`."""
    for step in steps if isinstance(steps, tuple) else (steps,):
        if isinstance(step, str):
            value = value[step] if isinstance(value, Mapping) else getattr(value, step)
        elif step is not None:
            value = step(value)
    return value


def _array(value: Any) -> xr.DataArray:
    if isinstance(value, xr.DataArray):
        return value
    if isinstance(value, Mapping):
        return xr.DataArray([float(item) for item in value.values()], {"name": list(value)}, ("name",))
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise RuleError(
            f"The measure gave {quoted(value)}, which is no number, array or mapping of names to numbers. Say what is "
            "measured of it: measure=function, or the name of an entry."
        ) from error
    return xr.DataArray(numbers, dims=[f"value_{k}" for k in range(numbers.ndim)])


def _stacked(arrays: list[xr.DataArray], name: str, labels: list[Any]) -> xr.DataArray:
    index = pd.Index(labels, name=name)
    return xr.concat(arrays, dim=index, join="outer", coords="different", compat="equals", combine_attrs="drop")


def _table(arrays: list[xr.DataArray], axes: list[tuple[str, list[Any]]]) -> xr.DataArray:
    """Return the measures of all points, which come in the order of `axes`, with a dimension for each axis."""
    if not axes:
        return arrays[0]
    (name, labels), *rest = axes
    size = len(arrays) // len(labels)
    return _stacked([_table(arrays[k * size : (k + 1) * size], rest) for k in range(len(labels))], name, labels)


# Findings


def _rows_of(row: Row, points: _Points, arrays: list[xr.DataArray], experiment: Experiment) -> Iterator[Finding]:
    at = _at(row, experiment)
    _check_at(at, points, arrays)
    chosen = [_includes(at, point) for point in points.named]
    arrays, named = [_limited(array, at) for array in arrays], list(itertools.compress(points.named, chosen))
    if not named:
        raise RuleError(f"at={quoted(row.at)} names no point: each of its values occurs, but not together.")
    if row.summary is None:
        for point, array in zip(named, arrays, strict=True):
            yield from _cells(row, array, point, experiment)
    else:
        table = _table(arrays, _axes(points, chosen, at))
        yield from _cells(row, _array(_taken(row.summary, table)), _common(named), experiment)


def _axes(points: _Points, chosen: list[bool], at: Mapping[str, list[Any]]) -> list[tuple[str, list[Any]]]:
    """Return the dimensions of the chosen points and their values."""
    if "point" in points.axes:
        return [("point", list(itertools.compress(points.axes["point"], chosen)))]
    return [
        (name, [label for label in labels if label in at.get(name, labels)]) for name, labels in points.axes.items()
    ]


def _limited(array: xr.DataArray, at: Mapping[str, list[Any]]) -> xr.DataArray:
    """Return the entries of a measure with the values that `at` names."""
    kept = {name: [label in at[name] for label in array[name].values.tolist()] for name in at if name in array.dims}
    return array.isel({name: np.flatnonzero(flags) for name, flags in kept.items()})


def _check_at(at: Mapping[str, list[Any]], points: _Points, arrays: list[xr.DataArray]) -> None:
    for name, wanted in at.items():
        known = [point[name] for point in points.named if name in point]
        known += [label for array in arrays if name in array.dims for label in array[name].values.tolist()]
        for value in wanted:
            if value not in known:
                raise RuleError(
                    f"at: {name}={quoted(value)} names no point and nothing of the measure; {name} is "
                    f"{', '.join(map(str, dict.fromkeys(known))) or 'not known'}.{closest(str(value), map(str, known))}"
                )


def _common(points: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the parameters that have one value at all points."""
    first, *others = points
    return {name: value for name, value in first.items() if all(point.get(name) == value for point in others)}


def _cells(row: Row, array: xr.DataArray, point: Mapping[str, Any], experiment: Experiment) -> Iterator[Finding]:
    """Yield a finding for each value of the dimensions that the quantity names; other dimensions are its values."""
    quantity = _of_case(row.quantity, experiment)
    names = list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(quantity) if name))
    scalars = {str(name): item.item() for name, item in array.coords.items() if item.ndim == 0}
    _check_names(names, [*point, *scalars, *map(str, array.dims)])
    dims = [name for name in names if name in array.dims]
    for labels in itertools.product(*(array[dim].values.tolist() for dim in dims)):
        chosen = dict(zip(dims, labels, strict=True))
        known = {**scalars, **point, **chosen}
        _check_order(_of_case(row.expected, experiment), {name: known[name] for name in names})
        expected = _expected(row.expected, [known[name] for name in names], experiment)
        if expected is not _ABSENT:
            values = array.sel(chosen).values.ravel()
            yield Finding(quantity.format(**known), tuple(values), expected)


def _check_names(names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise RuleError(
                f"the quantity names {name!r}, which is no parameter of its points and no dimension of its measure; "
                f"these are {', '.join(known) or 'none'}.{closest(name, known)}"
            )


def _check_order(expected: Any, named: Mapping[str, Any]) -> None:
    """Refuse a table whose first keys are values of another name than the first of the quantity."""
    if not isinstance(expected, Mapping) or not named or ... in expected:
        return
    first, *others = named
    for name in others:
        if named[name] in expected and named[first] not in expected and not _alike(named[first], expected):
            raise RuleError(
                f"the first keys of expected, {quoted(list(expected))}, are values of {name!r}, and the quantity names "
                f"{first!r} before it. Name them in the order of the table, or turn the table round."
            )


def _alike(value: Any, keys: Iterable[Any]) -> bool:
    """Tell whether keys are of the kind of a value."""
    number = (int, float, np.number)
    return any(isinstance(key, str) == isinstance(value, str) for key in keys if isinstance(key, (str, *number)))


def _expected(expected: Any, labels: list[Any], experiment: Experiment) -> Any:
    """Return what is expected of the quantity with these values, None for a report, `_ABSENT` if it is not listed."""
    if _is_by_case(expected):
        return _expected(_of_case(expected, experiment), labels, experiment)
    if isinstance(expected, Mapping):
        if not labels:
            raise RuleError(f"expected={quoted(expected)} is a table, and the quantity names nothing to look up.")
        entry = expected.get(labels[0], expected.get(..., _ABSENT))
        return _expected(entry, labels[1:], experiment)
    if expected is None or expected is _ABSENT or isinstance(expected, Expected):
        return expected
    raise RuleError(
        f"expected={quoted(expected)} must be near(), within(), at_least() or at_most(), a table of these, or None."
    )
