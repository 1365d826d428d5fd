"""Which units the connections of a translated model join."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainmem.text.expression import evaluate
from brainmem.text.slices import Ends, joined
from brainmem.translation.text import Translation

__all__ = ["ends_of"]


def ends_of(translated: Translation, parameters: Mapping[str, Any]) -> dict[str, Ends]:
    """Return what the connection of every projection joins, in units of one trial."""
    model = translated.model
    sizes = {p.name: int(evaluate(str(p.size), parameters)) for p in model.populations}
    found = {}
    for projection in model.projections:
        item = translated.connection(projection.name)
        found[item.name] = joined(item, (sizes[item.source], sizes[item.target]), parameters)
    return found
