"""Checks of the forms that a model offers: each form is a model, and is checked as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from brainmem.errors import RuleError, closest
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.place import left_side, listed, place_of
from brainmem.model.checks.use import check_named, check_shown
from brainmem.model.checks.variants import about
from brainmem.model.choices import choose, forms
from brainmem.model.nouns import Choice
from brainmem.model.parts import TUPLES, parts

__all__ = ["check_choices"]


def check_choices(model: Any, found: Findings) -> None:
    """Note choices that are wrong in themselves, and what is wrong with the model in any of its forms."""
    taken = dict(_names(model))
    for item in model.choices:
        found.passes(_check_choice, model, item, taken)
        taken |= dict.fromkeys(_own(item), "choice")
    if found:
        return
    for options in forms(model):  # a form is checked as it is made
        _check_form(model, options, found)
    if not found:
        check_named(model, "choice", [part for item in model.choices for part in _by_text(item)], found)
    if not (found or model.varied):
        check_named(model, "parameter", model.parameters, found)
        check_named(model, "curve", model.curves, found)
        check_shown(model, found)


def _check_form(model: Any, options: dict[str, str], found: Findings) -> None:
    """Make a form; note its errors, those that the form of the defaults has not under its name."""
    known = {about(error) for error in found.errors}
    try:
        choose(model, **options)
    except RuleError as error:
        named = ", ".join(f"{name}={option!r}" for name, option in options.items())
        for single in error.errors or (error,):
            if not options:
                found.note(single)
            elif about(single) not in known:
                found.note(RuleError(f"{single} (This is the form {named}.)"))


def _check_choice(model: Any, item: Choice, taken: dict[str, str]) -> None:
    place = place_of(model, "choice", item.name)
    for name in _own(item):
        if name in taken:
            kind = taken[name]
            article = "an" if kind[0] in "aeiou" else "a"
            raise place.error(f"{article} {kind} is called {name!r} already. Rename one.")
    if len(item.options) < 2 or not all(map(_is_form, item.options.values())):
        raise place.error(f"options={dict(item.options)!r} must give the texts of at least two forms, by name.")
    if len({frozenset(item.texts(option)) for option in item.options}) > 1:
        raise place.error(f"options={dict(item.options)!r}: every form must have texts of the same names.")
    if item.preset not in item.options:
        near = closest(item.default, item.options)
        raise place.error(f"default={item.default!r} is not one of {listed(map(repr, item.options))}.{near}")


def _is_form(form: Any) -> bool:
    """Tell whether a form is a text, or a mapping from names to texts."""
    texts = list(form.values()) if isinstance(form, Mapping) else [form]
    named = not isinstance(form, Mapping) or all(isinstance(name, str) and name.isidentifier() for name in form)
    return named and bool(texts) and all(isinstance(text, str) and text.strip() for text in texts)


def _own(item: Choice) -> dict[str, None]:
    """Return the names that a choice takes: its own, and those of the texts of its forms."""
    inner = [form for form in item.options.values() if isinstance(form, Mapping)]
    return dict.fromkeys([item.name, *(name for form in inner for name in form)])


def _by_text(item: Choice) -> list[Choice]:
    """Return a choice as one for each of its texts, which the model has to name."""
    return [replace(item, name=name) for name in item.texts(item.preset)]


def _names(model: Any) -> Iterator[tuple[str, str]]:
    for _, noun in parts(model):
        for field in ("order", "reduce", "read", "pairing"):
            if isinstance(word := getattr(noun, field, 0), str):
                yield word, f"value of {field}="
    for population in model.populations:
        yield from dict.fromkeys(_defined(population.equations), "variable").items()
    for projection in model.projections:
        yield from dict.fromkeys((*projection.initial, *_defined(projection.variables)), "variable").items()
    for rule in model.rules:
        yield from dict.fromkeys(_defined(rule.continuous), "variable").items()
    yield from dict.fromkeys(model.protocol.gates, "gate").items()
    yield from ((item.name, "phase") for item in model.protocol.phases)
    for field, kind in TUPLES.items():
        if field not in ("choices", "limits"):
            yield from ((item.name, kind) for item in getattr(model, field))


def _defined(text: str) -> list[str]:
    """Return the variables that lines of equations define."""
    left = (left_side(line.split("#")[0]).strip() for line in text.splitlines())
    return [re.sub(r"^d(\w+)\s*/\s*dt$", r"\1", name) for name in left]
