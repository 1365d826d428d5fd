"""The region of each unit: from a mapping, one name for each unit, or a table."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError, closest, number_of, quoted
from brainmem.intake.files import check_file
from brainmem.recordings.labelled import LABEL, UNIT

__all__ = ["regions_of"]

_ALLOWED = (
    "Give a mapping from regions to units, {'A': ['cell0', 'cell1'], 'B': range(2, 5)}, by name or by number in the "
    "recording as it was given; one name for each unit; or the path of a table with columns unit and region."
)


def regions_of(
    given: Any, names: Sequence[str], kept: Sequence[int], source: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the region of each unit that was kept, and notes on regions that lost all of their units.

    `names` are those of all units of the recording as it was given, `kept` the numbers of those that are left. Units
    that were dropped need no region.

    Raises
    ------
    ResultError
        For units that are not there, or that have no region or two; and for values of another kind.
    """
    if isinstance(given, str | Path):
        given = _from_file(given)
    if isinstance(given, Mapping):
        places = _of_mapping(given, names, source)
    else:
        labels = _labels(given)
        if len(labels) not in (len(names), len(kept)):
            dropped = f", {len(kept)} of them kept" if len(kept) < len(names) else ""
            raise ResultError(
                f"{source}: regions= has {number_of(len(labels), 'name')}, and there are "
                f"{number_of(len(names), 'unit')}{dropped}; each needs one. {_ALLOWED}"
            )
        places = dict(zip(range(len(names)) if len(labels) == len(names) else kept, labels, strict=True))
    missing = [names[k] for k in kept if k not in places]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        are = "unit" if len(missing) == 1 else "units"
        raise ResultError(
            f"{source}: {are} {', '.join(map(repr, missing[:5]))}{more} {'has' if len(missing) == 1 else 'have'} no "
            f"region. Name one for {'it' if len(missing) == 1 else 'them'}, such as 'other'."
        )
    found = tuple(places[k] for k in kept)
    sizes = Counter(places.values())
    gone = tuple(
        f"region {region!r} is left out: all of its units, {size}, were dropped"
        for region, size in sizes.items()
        if region not in found
    )
    return found, gone


def _labels(given: Any) -> tuple[str, ...]:
    if hasattr(given, "tolist"):
        given = given.tolist()
    whole = isinstance(given, list | tuple) and all(isinstance(k, str | int) and not isinstance(k, bool) for k in given)
    if not whole or not given:
        raise ResultError(f"regions={quoted(given)} cannot be read. {_ALLOWED}")
    labels = tuple(str(item).strip() for item in given)
    if not all(labels):
        raise ResultError(f"regions={quoted(given)}: unit {labels.index('')} has no region. Name one, such as 'other'.")
    return labels


def _of_mapping(given: Mapping[Any, Any], names: Sequence[str], source: str) -> dict[int, str]:
    """Return the region of units by their number."""
    if not given or not all(isinstance(region, str) and region.strip() for region in given):
        raise ResultError(f"regions={quoted(dict(given))}: its keys must be names of regions. {_ALLOWED}")
    place = {name: k for k, name in enumerate(names)}
    found: dict[int, str] = {}
    for key, units in given.items():
        region, numbers = key.strip(), _units(units, key.strip(), place, source)
        if not numbers:
            raise ResultError(f"{source}: regions[{region!r}] names no unit. Leave the region out, or name its units.")
        for unit in numbers:
            if found.get(unit, region) != region:
                raise ResultError(
                    f"{source}: unit {names[unit]!r} lies in regions {found[unit]!r} and {region!r}. Leave one of them "
                    "out."
                )
            found[unit] = region
    return found


def _units(given: Any, region: str, place: Mapping[str, int], source: str) -> list[int]:
    """Return the numbers of the units of a region, which are given by name, by number, or as a mask."""
    if isinstance(given, slice):
        return list(range(len(place)))[given]
    given = given.tolist() if hasattr(given, "tolist") else given
    given = [given] if isinstance(given, str | int) else given
    try:
        items = list(given)
    except TypeError:
        raise ResultError(f"regions[{region!r}]={quoted(given)} cannot be read. {_ALLOWED}") from None
    if items and all(isinstance(item, bool | np.bool_) for item in items):
        if len(items) != len(place):
            raise ResultError(
                f"{source}: regions[{region!r}] is a mask of {number_of(len(items), 'entry', 'entries')}, and the "
                f"recording was given with {number_of(len(place), 'unit')}; a mask needs one for each."
            )
        return np.flatnonzero(items).tolist()
    by_name = all(name.isdigit() for name in place)
    return [_number(item, region, place, by_name, source) for item in items]


def _number(item: Any, region: str, place: Mapping[str, int], by_name: bool, source: str) -> int:
    """Return the number of a unit; where all names are numbers, a number is a name."""
    whole = isinstance(item, int | np.integer) and not isinstance(item, bool)
    if not whole and not isinstance(item, str):
        raise ResultError(f"regions[{region!r}]: {quoted(item)} is neither the name of a unit nor its number.")
    name = str(item).strip()
    if whole and not by_name and 0 <= int(item) < len(place):
        return int(item)
    if name in place and (by_name or not whole):
        return place[name]
    shown = list(place)
    numbers = "" if by_name else f", numbered from 0 to {len(shown) - 1}"
    raise ResultError(
        f"{source}: regions[{region!r}] names the unit {quoted(item)}, which is not there. The units are "
        f"{', '.join(map(repr, shown[:5]))}{' ...' if len(shown) > 5 else ''}{numbers}.{closest(name, shown)}"
    )


def _from_file(path: str | Path) -> Mapping[str, list[str]] | list[str]:
    """Read a table of one column, a region for each unit, or of two, unit and region, with a header or without."""
    found = check_file(path, what="regions")
    text = found.read_text(encoding="utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", "%", "//"))]
    mark = max("\t;,", key=lambda sign: sum(sign in line for line in lines))
    rows = [
        [cell.strip().strip("'") for cell in row] for row in csv.reader(lines, delimiter=mark, skipinitialspace=True)
    ]
    width = max(map(len, rows), default=0)
    heads = [cell.lower() for cell in rows[0]] if rows else []
    where = next((k for k, cell in enumerate(heads) if LABEL.fullmatch(cell)), None)
    units = next((k for k, cell in enumerate(heads) if UNIT.fullmatch(cell)), None)
    body = rows[1:] if where is not None else rows
    where, units = width - 1 if where is None else where, 0 if units is None else units
    if not body or any(len(row) != width for row in body):
        raise ResultError(f"regions: {str(path)!r} is no table with a unit and a region in each line. {_ALLOWED}")
    if width == 1:
        return [row[0] for row in body]
    table: dict[str, list[str]] = {}
    for row in body:
        if not row[where]:
            raise ResultError(f"regions: {str(path)!r}: unit {row[units]!r} has no region. Name one, such as 'other'.")
        table.setdefault(row[where], []).append(row[units])
    return table
