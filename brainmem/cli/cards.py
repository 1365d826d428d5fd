"""A model on one screen: where it comes from, its parameters, rules and claims."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brainmem.cli.screen import print_table, say
from brainmem.errors import BrainmemError
from brainmem.models import get_claims, get_model, list_models, list_tasks
from brainmem.spec import MemoryModel, Reference

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


def citation(reference: Reference | None) -> str:
    """Return a reference as one line."""
    if reference is None:
        return ""
    where = f" doi:{reference.doi}" if reference.doi else ""
    return f"{reference.authors} ({reference.year}), {reference.title}. {reference.journal}.{where}"


def print_card(key: str | Path) -> None:
    """Print what the model's file says, and its claims."""
    model = get_model(key)
    say(model.name, style="bold")
    say((model.description or citation(model.reference)).strip())
    say()
    print_table(("parameter", "value", "meaning", "source"), _parameters(model), title="Parameters")
    for item in model.choices:
        say(f"\nChoice {item.name}: {item.meaning} ({item.source})", style="bold")
        for name, text in item.options.items():
            say(f"  {name}: {text}{' (default)' if name == item.preset else ''}")
    for heading, texts in _texts(model):
        say(f"\n{heading}", style="bold")
        for text in texts:
            say(_indented(text))
    claims = [(claim.key, claim.statement) for claim in get_claims(key)]
    if claims:
        say()
        print_table(("claim", "statement"), claims, title="Claims")


def _parameters(model: MemoryModel) -> Iterator[tuple[str, str, str, str]]:
    for item in model.parameters:
        yield item.name, str(item.value), item.meaning, item.source


def _texts(model: MemoryModel) -> Iterator[tuple[str, list[str]]]:
    for population in model.populations:
        yield f"Population {population.name} ({population.size})", [population.equations]
    for projection in model.projections:
        texts = [projection.current, projection.variables]
        yield f"Projection {projection.name}: {projection.source} -> {projection.target}", texts
    for rule in model.rules:
        yield f"Rule {rule.name} of {rule.projection} ({rule.form}) {rule.equation}".rstrip(), [rule.text]


def _indented(text: str) -> str:
    lines = (line.strip() for line in text.strip().splitlines())
    return "\n".join(f"  {line}" for line in lines if line)
