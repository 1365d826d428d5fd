"""Checks of the forms that a model offers: each form is a model, and is checked as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from brainmem.checks.place import Place, listed, place_of
from brainmem.checks.use import check_named, model_texts
from brainmem.choices import alternatives
from brainmem.errors import closest
from brainmem.spec import Choice

__all__ = ["check_choices"]


def check_choices(model: Any) -> None:
    """Raise a `RuleError` for a choice that is wrong in itself, or whose form makes the model wrong."""
    taken = dict(_names(model))
    for item in model.choices:
        if not isinstance(item, Choice):
            raise Place(f"Model {model.name!r}").error(f"choices must hold Choice only, got {item!r}.")
        _check_choice(model, item, taken)
        taken[item.name] = "choice"
    texts = [*model_texts(model), *(text for item in model.choices for text in item.options.values())]
    check_named(model, "choice", model.choices, texts)
    for form in alternatives(model):  # a form is checked as it is made
        assert not form.choices
    if not model.varied:
        check_named(model, "parameter", model.parameters, texts)


def _check_choice(model: Any, item: Choice, taken: dict[str, str]) -> None:
    place = place_of(model, "choice", item.name)
    if not isinstance(item.name, str) or not item.name.isidentifier():
        raise place.error("its name must be letters, digits and _.")
    if item.name in taken:
        raise place.error(f"a {taken[item.name]} is called {item.name!r} already. Rename one.")
    if len(item.options) < 2 or not all(isinstance(text, str) and text.strip() for text in item.options.values()):
        raise place.error(f"options={dict(item.options)!r} must give the texts of at least two forms, by name.")
    if item.preset not in item.options:
        near = closest(item.default, item.options)
        raise place.error(f"default={item.default!r} is not one of {listed(map(repr, item.options))}.{near}")


def _names(model: Any) -> Iterator[tuple[str, str]]:
    kinds = {
        "parameter": model.parameters,
        "population": model.populations,
        "projection": model.projections,
        "rule": model.rules,
        "stimulus": model.stimuli,
        "observable": model.observables,
        "phase": model.protocol.phases,
    }
    for kind, items in kinds.items():
        yield from ((item.name, kind) for item in items)
