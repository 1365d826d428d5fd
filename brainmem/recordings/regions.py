"""The region of each unit: from a mapping, one name for each unit, or a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import ResultError, closest, quoted
from brainmem.intake.files import check_file
from brainmem.recordings.labelled import LABEL, UNIT

__all__ = ["regions_of"]

_ALLOWED = (
    "Give a mapping from regions to units, {'A': ['cell0', 'cell1'], 'B': range(2, 5)}; one name for each unit; or the "
    "path of a table with columns unit and region."
)


def regions_of(given: Any, names: Sequence[str], source: str, *, dropped: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the region of each of the units `names`; those in `dropped` may be named and do not count.

    Raises
    ------
    ResultError
        For units that are not there, or that have no region or two; and for values of another kind.
    """
    if isinstance(given, str | Path):
        given = _from_file(given)
    if isinstance(given, Mapping):
        return _of_mapping(given, names, source, dropped)
    labels = _labels(given)
    if len(labels) != len(names):
        raise ResultError(
            f"{source}: regions= has {len(labels)} names, and {len(names)} units were kept; each needs one. {_ALLOWED}"
        )
    return labels


def _labels(given: Any) -> tuple[str, ...]:
    if hasattr(given, "tolist"):
        given = given.tolist()
    if not isinstance(given, list | tuple) or not given or not all(isinstance(item, str | int) for item in given):
        raise ResultError(f"regions={quoted(given)} cannot be read. {_ALLOWED}")
    labels = tuple(str(item).strip() for item in given)
    if not all(labels):
        raise ResultError(f"regions={quoted(given)}: unit {labels.index('')} has no region. Name one, such as 'other'.")
    return labels


def _of_mapping(given: Mapping[Any, Any], names: Sequence[str], source: str, dropped: Sequence[str]) -> tuple[str, ...]:
    if not given or not all(isinstance(region, str) and region.strip() for region in given):
        raise ResultError(f"regions={quoted(dict(given))}: its keys must be names of regions. {_ALLOWED}")
    found: dict[str, str] = {}
    for region, units in given.items():
        for unit in _units(units, region, names, source, dropped):
            if found.get(unit, region) != region:
                raise ResultError(
                    f"{source}: unit {unit!r} lies in regions {found[unit]!r} and {region!r}. Leave one of them out."
                )
            found[unit] = region
    missing = [name for name in names if name not in found]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise ResultError(
            f"{source}: units {', '.join(map(repr, missing[:5]))}{more} have no region. Name one for them, such as "
            "'other'."
        )
    return tuple(found[name] for name in names)


def _units(given: Any, region: str, names: Sequence[str], source: str, dropped: Sequence[str]) -> list[str]:
    """Return the names of the units of a region, given by name or by number."""
    if isinstance(given, slice):
        return list(names[given])
    given = given.tolist() if hasattr(given, "tolist") else [given] if isinstance(given, str | int) else given
    try:
        items = list(given)
    except TypeError:
        raise ResultError(f"regions[{region!r}]={quoted(given)} cannot be read. {_ALLOWED}") from None
    found = []
    for item in items:
        number = int(item) if isinstance(item, int | np.integer) and not isinstance(item, bool) else -1
        if number < 0 and not isinstance(item, str):
            raise ResultError(f"regions[{region!r}]: {quoted(item)} is neither the name of a unit nor its number.")
        name = str(item)
        if name in names or name in dropped:
            found.append(name)
        elif not _numbered(names, dropped) and 0 <= number < len(names):
            found.append(names[number])
        else:
            raise ResultError(
                f"{source}: regions[{region!r}] names the unit {quoted(item)}, which is not there. The units are "
                f"{', '.join(map(repr, list(names)[:5]))} ...{closest(name, names)}"
            )
    return found


def _numbered(names: Sequence[str], dropped: Sequence[str]) -> bool:
    """Tell whether units have numbers for names, which then say which unit is meant."""
    return all(name.isdigit() for name in (*names, *dropped))


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
