"""Put one of the forms that a model offers into its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from brainmem.errors import RuleError, closest
from brainmem.model.nouns import Model
from brainmem.model.parts import texts, texts_of, unchecked, with_texts

__all__ = ["check_options", "choose", "forms", "split_choices"]

M = TypeVar("M", bound=Model)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def choose(model: M, **options: str) -> M:
    """Return `model` with every choice made: the options given, the defaults of the others.

    Parameters
    ----------
    model : MemoryModel
    options : str
        The name of an option, by the name of the choice: ``choose(model, error_on="total")``.

    Returns
    -------
    MemoryModel
        The same model where it offers no choice; its field ``chosen`` tells the options.

    Raises
    ------
    RuleError
        For a choice or an option that does not exist.
    """
    check_options(model, options)
    if not model.choices:
        return model
    chosen = {item.name: options.get(item.name, item.preset) for item in model.choices}
    taken = {name: _bracketed(text) for item in model.choices for name, text in item.texts(chosen[item.name]).items()}
    changed = with_texts(model, lambda text: _NAME.sub(lambda found: taken.get(found.group(), found.group()), text))
    changed |= _without_unread(model, changed)
    return replace(model, **{**changed, "choices": (), "chosen": {**model.chosen, **chosen}})


def _without_unread(model: Model, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return protocols and stimuli without the stimuli that only other forms read: a run holds no table of them."""
    offered = {name for item in model.choices for _, text in texts_of(item) for name in _NAME.findall(text)}
    offered &= {item.name for item in model.stimuli}
    if not offered:
        return {}
    form = unchecked(model, **{**changed, "choices": ()})
    gone = offered - {name for _, _, text in texts(form) for name in _NAME.findall(text)}
    return {
        "stimuli": tuple(item for item in form.stimuli if item.name not in gone),
        **{name: _hidden(getattr(form, name), gone) for name in ("protocol", "protocols")},
    }


def _hidden(given: Any, gone: set[str]) -> Any:
    """Return a protocol, or protocols by name, whose phases do not show these stimuli."""
    if isinstance(given, Mapping):
        return {name: _hidden(item, gone) for name, item in given.items()}
    phases = (
        replace(phase, stimuli=tuple(name for name in phase.stimuli if name not in gone)) for phase in given.phases
    )
    return replace(given, phases=tuple(phases))


def split_choices(model: Model, parameters: Mapping[str, Any] | None) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the options that `parameters` name, and the parameters proper."""
    if not isinstance(parameters, Mapping | None):
        raise RuleError(f"parameters={parameters!r} must be a mapping from names to values, such as {{'N': 100}}.")
    given = dict(parameters or {})
    options = {item.name: given.pop(item.name) for item in model.choices if item.name in given}
    check_options(model, options)
    return options, given


def forms(model: Model) -> Iterator[dict[str, str]]:
    """Yield what is chosen for each form of a model: nothing, and each option that is no default."""
    yield {}
    yield from ({item.name: option} for item in model.choices for option in item.options if option != item.preset)


def check_options(model: Model, options: Mapping[str, Any]) -> None:
    """Raise `RuleError` for a choice that the model does not offer, or an option that it does not have."""
    known = {item.name: item for item in model.choices}
    for name, option in options.items():
        if name not in known:
            raise RuleError(
                f"Model {model.name!r} offers no choice {name!r}; choices: {', '.join(known) or 'none'}."
                f"{_made(model, name)}{closest(name, known)}"
            )
        if not isinstance(option, str) or option not in known[name].options:
            allowed = known[name].options
            raise RuleError(
                f"Model {model.name!r}, choice {name!r}: {option!r} is not one of "
                f"{', '.join(map(repr, allowed))}.{closest(str(option), allowed)}"
            )


def _made(model: Model, name: str) -> str:
    return f" It has been made already: {name} = {model.chosen[name]!r}." if name in model.chosen else ""


def _bracketed(text: str) -> str:
    return text if _NAME.fullmatch(text) else f"({text})"
