"""One protocol of a model that has several: its text, without what no phase of it opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from brainmem.errors import RuleError, closest, quoted
from brainmem.model.choices import choose, split_choices
from brainmem.model.combined import named_protocols
from brainmem.model.nouns import Model, Protocol
from brainmem.model.pruning import acting_rules, pruned

__all__ = ["check_protocol_name", "chosen_protocol", "form_of", "with_protocol"]

M = TypeVar("M", bound=Model)


def with_protocol(model: M, name: str | None = None) -> M:
    """Return `model` with the protocol of this name alone, the first when not given, and with what that needs.

    Choices that are open take their defaults. A model whose protocol has no name is returned as it is.

    Raises
    ------
    RuleError
        For a protocol that the model does not have.
    """
    protocol = chosen_protocol(model, name)
    if not model.protocols:
        return model
    model = choose(model)
    protocol = model.protocols[protocol.name]
    return pruned(model, protocol, acting_rules(model, protocol))


def chosen_protocol(model: Model, name: str | None) -> Protocol:
    """Return the protocol of this name, the first or only one when not given."""
    check_protocol_name(model, name)
    known = named_protocols(model)
    return next(iter(known.values())) if name is None else known[name]


def check_protocol_name(model: Model, name: Any) -> None:
    """Raise `RuleError` for a name that no protocol of the model has."""
    if name is None or (not model.protocols and name == model.protocol.name != ""):
        return
    if not model.protocols:
        own = model.protocol.name
        held = f"the protocol {own!r} already" if own else "one protocol, without a name"
        raise RuleError(f"Model {model.name!r}, protocol={quoted(name)}: it has {held}. Leave protocol= out.")
    if not isinstance(name, str) or name not in model.protocols:
        known = list(model.protocols)
        raise RuleError(
            f"Model {model.name!r} has no protocol {quoted(name)}; its protocols: {', '.join(known)}."
            f"{closest(str(name), known)}"
        )


def form_of(model: M, parameters: Mapping[str, Any] | None, protocol: str | None = None) -> tuple[M, dict[str, Any]]:
    """Return the model that runs: with the choices made that `parameters` name, and one protocol.

    Parameters
    ----------
    model : MemoryModel
    parameters : mapping or None
    protocol : str, optional
        The first one of a model with several when not given.

    Returns
    -------
    model : MemoryModel
    parameters : dict
        Without the options of choices.
    """
    check_protocol_name(model, protocol)
    options, given = split_choices(model, parameters)
    wanted = (*sorted(options.items()), protocol)
    if wanted not in model.forms_made:
        model.forms_made[wanted] = with_protocol(choose(model, **options), protocol)
    return model.forms_made[wanted], given
