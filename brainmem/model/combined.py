"""The protocols of a model by their names, and all of them as one, in which texts may read the gates of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from brainmem.model.nouns import Each, Model, Phase, Protocol, Repeat

__all__ = ["Combined", "combined", "named_protocols", "phases_of", "written_out"]


class Combined(Protocol):
    """The phases and entries of several protocols one behind the other: what checks and cards read of a model.

    Two protocols may have different phases of one name, which then stand here both.
    """


def combined(protocols: Mapping[str, Any], parameters: Any) -> tuple[dict[str, Any], Any]:
    """Return named protocols in their full form, and all of them as one; None where some are no protocols."""
    named = {name: written_out(item, parameters) for name, item in protocols.items()}
    named = {name: replace(item, name=name) if isinstance(item, Protocol) else item for name, item in named.items()}
    if not named or not all(map(_is_sound, named.values())):
        return named, None
    phases: list[Phase] = []
    for item in named.values():
        phases += [phase for phase in item.phases if not any(_same(phase, other) for other in phases)]
    return named, Combined(tuple(phases), tuple(entry for item in named.values() for entry in item.schedule))


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except (ValueError, TypeError):  # fields that hold what they may not; the checks tell
        return False


def _is_sound(item: Any) -> bool:
    return isinstance(item, Protocol) and isinstance(item.phases, tuple) and isinstance(item.schedule, tuple)


def named_protocols(model: Model) -> dict[str, Protocol]:
    """Return the protocols of a model by name; that of a single one is often ``""``."""
    return dict(model.protocols) or {model.protocol.name: model.protocol}


def written_out(protocol: Any, parameters: Any) -> Any:
    """Return a protocol in its full form: a single phase in a schedule, every `Each` with its number of items."""
    if isinstance(protocol, Phase):
        protocol = Protocol((protocol,), (Each(protocol.name),))
    if not (isinstance(protocol, Protocol) and isinstance(protocol.schedule, tuple) and isinstance(parameters, tuple)):
        return protocol  # refused by the checks
    items = "M" if any(getattr(item, "name", None) == "M" for item in parameters) else 1
    return replace(protocol, schedule=tuple(_with_items(entry, items) for entry in protocol.schedule))


def _with_items(entry: Any, items: str | int) -> Any:
    if isinstance(entry, Repeat) and isinstance(entry.body, tuple):
        return replace(entry, body=tuple(_with_items(each, items) for each in entry.body))
    return replace(entry, items=items) if isinstance(entry, Each) and entry.items is None else entry


def phases_of(entry: Each | Repeat) -> Iterator[str]:
    """Yield the names of the phases that an entry of a schedule runs."""
    for each in entry.body if isinstance(entry, Repeat) else (entry,):
        yield from (each.phases,) if isinstance(each.phases, str) else each.phases
