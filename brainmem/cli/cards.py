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


def listing() -> Iterator[tuple[str, str, str]]:
    """Yield (name, paper, keys of claims) of each model; a broken model keeps its place with its error."""
    for name in list_models():
        try:
            model, claims = get_model(name), get_claims(name)
        except (BrainmemError, ImportError, SyntaxError, NameError) as error:
            yield name, f"cannot be read: {error}", ""
        else:
            yield name, citation(model.reference), ", ".join(claim.key for claim in claims)
            for task in list_tasks(name):
                yield task, get_model(task).description.strip().partition("\n")[0], ""


def print_card(key: str | Path) -> None:
    """Print all that the model's file says, as ``print(model)`` does, and its claims."""
    width = out().width
    claims = [(claim.key, claim.statement) for claim in get_claims(key)]
    shown = [*sections(get_model(key), width), *([("Claims", aligned(claims, width))] if claims else [])]
    for number, (heading, lines) in enumerate(shown):
        say(f"{heading}" if number == 0 else f"\n{heading}", style="bold")
        for line in lines:
            say(line)
