"""What a folder of results holds, read from the files' attributes only."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from brainmem.errors import ResultError
from brainmem.intake.arguments import PATH, takes
from brainmem.storage.leaving import MARK
from brainmem.storage.seals import read_seal
from brainmem.sweeps.manifest import MANIFEST

__all__ = ["inventory", "stores"]

Row = tuple[str, str, str, str, str, str]

# The temporary name under which `brainmem.storage.files.replacing` writes.
_TEMPORARY = re.compile(rf"\.(?P<name>.+)\.({MARK}|[0-9a-f]{{12}})\.tmp")
_SPANS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@takes(ResultError, folder=PATH)
def stores(folder: Path) -> list[Path]:
    """Return the folders of sweeps in `folder` and below it, itself included."""
    return sorted({path.parent for path in folder.rglob(f"*{MANIFEST}")})


@takes(ResultError, folder=PATH)
def inventory(folder: Path, *, leave_out: Collection[Path] = ()) -> list[Row]:
    """Return (file, model, variant, seed, state, age) of each result file below `folder`, but those of `leave_out`.

    Files whose writing was cut short, or goes on, come last.

    Raises
    ------
    ResultError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise ResultError(f"There is no folder {str(folder)!r}. Give the folder that holds the result files.")
    finished = [_finished(path, folder) for path in sorted(folder.rglob("*.nc")) if path not in leave_out]
    temporary = [path for path in sorted(folder.rglob(".*.tmp")) if _TEMPORARY.fullmatch(path.name)]
    return finished + [_unfinished(path, folder) for path in temporary]


def _finished(path: Path, folder: Path) -> Row:
    name = str(path.relative_to(folder))
    try:
        if (seal := read_seal(path)) and not seal.intact:
            raise ValueError("its checksum does not fit")
        attributes = _attributes(path)
    except (OSError, ValueError, KeyError) as error:
        return name, "", "", "", f"damaged: {error}", _age(path)
    if "model" not in attributes:
        return name, "", "", "", "no brainmem result", _age(path)
    model, variant, seed = (str(attributes.get(key, "")) for key in ("model", "variant", "seed"))
    state = "complete" if attributes.get("complete") else "ended early"
    return name, model, variant, seed, state, _age(path)


def _unfinished(path: Path, folder: Path) -> Row:
    found = _TEMPORARY.fullmatch(path.name)
    target = path.with_name(found["name"] if found else path.name)
    return str(target.relative_to(folder)), "", "", "", "unfinished (temporary file)", _age(path)


def _attributes(path: Path) -> Mapping[str, Any]:
    import netCDF4

    with netCDF4.Dataset(path, "r") as file:
        return {name: file.getncattr(name) for name in file.ncattrs()}


def _age(path: Path) -> str:
    seconds = max(0.0, time.time() - path.stat().st_mtime)
    unit, span = next(((unit, span) for unit, span in _SPANS if seconds >= span), _SPANS[-1])
    return f"{seconds / span:.0f} {unit}"
