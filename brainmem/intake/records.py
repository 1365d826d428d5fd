"""The door for ``record=``: a tuple of names, or a mapping that says when each is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainmem.errors import BrainmemError
from brainmem.intake.arguments import NAMES, Kind

__all__ = ["RECORD", "Asked", "as_record"]

Asked = tuple[str, ...] | Mapping[str, Any]


def as_record(given: Asked) -> dict[str, tuple[Any, ...] | None]:
    """Return by name when it is recorded, None for always; what was given has been checked."""
    return dict(given) if isinstance(given, Mapping) else dict.fromkeys(given)


def _read(what: str, given: Any, error: type[BrainmemError]) -> Any:
    if not isinstance(given, Mapping):
        return NAMES.read(what, given, error)
    if not all(isinstance(name, str) for name in given):
        raise error(f"{what} must be a mapping from names, such as {{'recurrent.w': (0, 10)}}.")
    return {name: _read_when(what, name, when, error) for name, when in given.items()}


def _read_when(what: str, name: str, when: Any, error: type[BrainmemError]) -> tuple[Any, ...] | None:
    """Return epochs as integers, and phases as texts; None stays."""
    if when is None:
        return None
    array = type(when) is np.ndarray and when.ndim == 1
    several = when if isinstance(when, tuple | list | range) or array else (when,)
    if not all(map(_is_moment, several)):
        raise error(
            f"{what}, {name!r}: give epochs, such as (0, 10, 'last'), or phases, such as ('dream',), or None for "
            "always."
        )
    return tuple(item if isinstance(item, str) else int(item) for item in several)


def _is_moment(given: Any) -> bool:
    return isinstance(given, str | int | np.integer) and not isinstance(given, bool | np.timedelta64)


RECORD = Kind(_read)
