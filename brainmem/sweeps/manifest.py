"""The files by which a store says what it holds beside results: lists of points, and errors."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainmem.errors import ResultError
from brainmem.storage.files import make_folder, replacing
from brainmem.storage.locks import alone_in

__all__ = [
    "MANIFEST",
    "Listing",
    "changed",
    "check_listing",
    "forget_error",
    "read_error",
    "read_listings",
    "write_error",
    "write_listing",
]

MANIFEST = ".sweep.json"
ERROR = ".error.json"
LONGEST = 120  # letters of a value in a message


@dataclass(frozen=True)
class Listing:
    """What one call of `sweep` asked for.

    Attributes
    ----------
    definition : dict
        All that the points share: model, variant, device, fixed parameters, ...
    grid : bool
        Whether the points are all combinations of values, or a list of their own.
    units : dict
        Unit of each swept parameter.
    points : dict
        ``{"parameters": {...}, "seed": ...}`` by key.
    """

    definition: Mapping[str, Any]
    grid: bool
    units: Mapping[str, str]
    points: Mapping[str, Mapping[str, Any]]


def read_listings(store: Path) -> tuple[list[Listing], list[str]]:
    """Return what the calls of `sweep` left in a folder, the oldest first, and what is wrong with files of theirs."""
    found, damaged = [], []
    for path in sorted(store.glob(f"*{MANIFEST}"), key=_age):
        try:
            found.append(_read_listing(path))
        except (OSError, ValueError, TypeError) as error:
            damaged.append(
                f"{str(path)!r} is no list of a sweep's points, or was damaged: {error}. The points that only it lists "
                "are not shown. Run the same sweep again, which writes its list anew; then remove this file if it is "
                "still there."
            )
    return found, damaged


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name


def _read_listing(path: Path) -> Listing:
    text = path.read_text(encoding="utf-8")
    listing = Listing(**json.loads(text))
    if path.name != _name(text):
        raise ValueError("its text is not the one that its name was made from")
    return listing


def _name(text: str) -> str:
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}{MANIFEST}"


def check_listing(store: Path, listing: Listing) -> None:
    """Check that a store is new, or holds runs that differ from those of `listing` in swept values and seeds only.

    Raises
    ------
    ResultError
        Naming what differs.
    """
    for other in read_listings(store)[0]:
        _check_same(store, listing, other)


def write_listing(store: Path, listing: Listing) -> None:
    """Add to a store what a call of `sweep` asks for; the same call again changes nothing.

    Calls at the same time take turns.

    Raises
    ------
    ResultError
        See `check_listing`: another call may have begun meanwhile.
    """
    make_folder(store)
    text = json.dumps(vars(listing), indent=1)
    path = store / _name(text)
    with alone_in(store):
        check_listing(store, listing)
        try:
            _read_listing(path)
        except (OSError, ValueError, TypeError):
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")


def _check_same(store: Path, new: Listing, old: Listing) -> None:
    pairs = {
        name: (old.definition.get(name), new.definition.get(name)) for name in {**old.definition, **new.definition}
    }
    pairs["swept parameters"] = (sorted(old.units), sorted(new.units))
    pairs["points"] = (_form(old), _form(new))
    changes = [text for name, (was, now) in pairs.items() for text in changed(name, was, now)]
    if changes:
        raise ResultError(
            f"The store {str(store)!r} holds another sweep. What differs: {'; '.join(changes)}. Values and seeds may "
            "be added to a store; for anything else name another one."
        )


def _form(listing: Listing) -> str:
    return "all combinations" if listing.grid else "a list"


def changed(name: str, was: Any, now: Any) -> list[str]:
    """Return what differs between two values of a name, part by part where both are mappings."""
    if was == now:
        return []
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        return [text for part in {**was, **now} for text in changed(f"{name}: {part}", was.get(part), now.get(part))]
    if name.startswith("hash of "):
        return [f"the text of {name.removeprefix('hash of ')}"]
    return [f"{name}: {_brief(was, now)} there, {_brief(now, was)} now"]


def _brief(value: Any, other: Any) -> str:
    """Return a value for a message, a long text without what it has in common with the other."""
    text, against = (item if isinstance(item, str) else json.dumps(item) for item in (value, other))
    if len(text) <= LONGEST:
        return text
    same = next((k for k, pair in enumerate(zip(text, against, strict=False)) if len(set(pair)) > 1), len(against))
    begin = max(0, same - LONGEST // 3)
    shown = text[begin : begin + LONGEST - 6]
    return f"{'...' if begin else ''}{shown}{'...' if begin + LONGEST - 6 < len(text) else ''}"


def write_error(path: Path, error: BaseException) -> None:
    """Keep why the run whose result would be `path` failed."""
    kept = {
        "kind": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
    }
    with replacing(_error_path(path)) as temporary:
        temporary.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def forget_error(path: Path) -> None:
    """Remove what `write_error` kept."""
    _error_path(path).unlink(missing_ok=True)


def _error_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}{ERROR}")


def read_error(path: Path) -> str | None:
    """Return why the run whose result would be `path` failed, or None."""
    own = _error_path(path)
    try:
        found = json.loads(own.read_text(encoding="utf-8"))
        return f"{found['kind']}: {found['message']}"
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError):
        return f"the file that says why, {own.name}, was damaged"
