"""The model of a paper: its text, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from brainmem.model.card import card
from brainmem.model.checks import check_model
from brainmem.model.checks.recalled import check_named_parts
from brainmem.model.choices import choose
from brainmem.model.nouns import Each, Model, Phase, Protocol, Repeat

__all__ = ["MemoryModel"]


@dataclass(frozen=True)
class MemoryModel(Model):
    """A paper's network, learning rule and protocol, as text. See `brainmem.model.nouns` for the parts.

    ``rate_dt`` and ``time_unit`` are texts (parameter or quantity): the Euler step of the rate variant and
    what one unit of a dimensionless model time lasts. ``varied`` marks a copy made by `replace`, in which
    parameters may be left over that only the replaced part used; ``chosen`` holds the choices made, by name.
    A ``protocol`` that is a single `Phase` runs it once for each item. ``print(model)`` shows all of it on one page.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", _written_out(self.protocol, self.parameters))
        check_model(self)

    def replace(self, **changes: Any) -> MemoryModel:
        """Return a copy with some fields replaced, checked again.

        A recall criterion stays as it is where the copy leaves out the phase or the stimulus that it names.
        """
        copy = replace(self, **{"varied": True, **changes})
        if "recalled" in changes:
            check_named_parts(copy)
        return copy

    def choose(self, **options: str) -> MemoryModel:
        """Return a copy with every `Choice` made: the options given (``error_on="rate"``), else the defaults.

        Raises
        ------
        RuleError
            For a choice or an option that does not exist.
        """
        return choose(self, **options)

    def __str__(self) -> str:
        return card(self)


def _written_out(protocol: Any, parameters: Any) -> Any:
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
