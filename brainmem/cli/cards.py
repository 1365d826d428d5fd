"""Models on a terminal: the list of them, and one on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brainmem.cli.screen import out, say
from brainmem.errors import BrainmemError
from brainmem.model.card import citation, sections
from brainmem.model.layout import aligned
from brainmem.models import get_claims, get_model, list_models, list_tasks

__all__ = ["listing", "print_card"]


def listing() -> Iterator[tuple[str, str, str, str]]:
    """Yield (name, paper, protocols, keys of claims) of each model; a broken model keeps its place with its error."""
    for name in list_models():
        try:
            model, claims = get_model(name), get_claims(name)
        except (BrainmemError, ImportError, SyntaxError, NameError) as error:
            yield name, f"cannot be read: {error}", "", ""
        else:
            yield name, citation(model.reference), ", ".join(model.protocols), ", ".join(claim.key for claim in claims)
            for task in list_tasks(name):
                other = get_model(task)
                yield task, other.description.strip().partition("\n")[0], ", ".join(other.protocols), ""


def print_card(key: str | Path, protocol: str | None = None) -> None:
    """Print all that the model's file says, as ``print(model)`` does, and its claims; or what one protocol needs."""
    width = out().width
    claims = [(claim.key, claim.statement) for claim in get_claims(key)]
    model = get_model(key)
    model = model if protocol is None else model.with_protocol(protocol)
    shown = [*sections(model, width), *([("Claims", aligned(claims, width))] if claims else [])]
    for number, (heading, lines) in enumerate(shown):
        say(f"{heading}" if number == 0 else f"\n{heading}", style="bold")
        for line in lines:
            say(line)
