"""A model as one of its variants runs it.

A model's text holds both variants. Where they differ it says so: `MemoryModel.spiking` gives parameters other values,
`Phase.spiking` other fields to a phase, or leaves it out, and units that are visited one at a time may have the
equation that spiking cells follow. `of_variant` is the one place that reads this; what it returns says nothing of
variants any more, and all that translates, plans, checks or measures works on that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from brainmem.errors import TranslationError
from brainmem.model.differences import continuous, differs, faces_of, in_spikes, own_values
from brainmem.model.nouns import Each, Model, Observable, Phase, Population, Protocol, Repeat
from brainmem.model.parameters import resolve_parameters
from brainmem.model.parts import texts_of, unchecked
from brainmem.model.visits import change_of
from brainmem.text.equations import underived
from brainmem.text.expression import names_in

__all__ = ["RATE", "SPIKING", "lost_in_spikes", "of_variant", "phases_of_both"]

M = TypeVar("M", bound=Model)
RATE, SPIKING = "rate", "spiking"
_NAME = re.compile(r"[A-Za-z_]\w*")


def of_variant(model: M, variant: str) -> M:
    """Return a model as a variant runs it, not checked again; one that both run as written is returned as it is.

    Parameters
    ----------
    model : MemoryModel
    variant : {"rate", "spiking"}

    Raises
    ------
    TranslationError
        Where the variant would leave out all phases.
    """
    if not differs(model):
        return model
    spiking = variant == SPIKING
    if spiking and all(phase.spiking is None for phase in model.protocol.phases):
        names = ", ".join(repr(phase.name) for phase in model.protocol.phases)
        raise TranslationError(
            f"Model {model.name!r}: spiking=None leaves all of its phases ({names}) out of the spiking variant, and "
            "nothing would run. Run the rate variant, or say what differs: Phase(..., spiking={'duration': ...})."
        )
    made = unchecked(
        model,
        parameters=_with_values(model) if spiking else model.parameters,
        populations=tuple(_population(item, spiking) for item in model.populations),
        protocol=_protocol(model.protocol, spiking),
        spiking={name: value for name, value in model.spiking.items() if name not in own_values(model)},
    )
    if not spiking:
        return made
    lost, run = lost_in_spikes(model), {phase.name for phase in made.protocol.phases}
    kept = (item for item in model.observables if item.name not in lost)
    return unchecked(made, observables=tuple(item for item in map(_during(run), kept) if item is not None))


def _during(phases: set[str]) -> Callable[[Observable], Observable | None]:
    """Return a function that limits an observable to these phases; None where it is evaluated in others alone."""

    def limited(item: Observable) -> Observable | None:
        during = tuple(name for name in item.during if name in phases)
        return None if item.during and not during else replace(item, during=during)

    return limited


def phases_of_both(model: Model) -> tuple[Phase, ...]:
    """Return the phases as both variants run them, one behind the other where they differ."""
    return tuple(face for phase in model.protocol.phases for face in faces_of(phase))


def lost_in_spikes(model: Model) -> set[str]:
    """Return the names that only visits give a value: changes of states, and observables that read them."""
    visited = [item for item in model.populations if continuous(item)]
    lost = {change_of(item) for item in visited}
    while more := {item.name for item in model.observables if item.name not in lost and _reads(item, lost)}:
        lost |= more
    return lost


def _reads(item: Observable, names: set[str]) -> bool:
    return any(set(_NAME.findall(text)) & names for _, text in texts_of(item))


def _with_values(model: Model) -> tuple[Any, ...]:
    """Return the parameters with the values of the spiking variant; text over parameters stays text."""
    own = own_values(model)
    known = {item.name for item in model.parameters}
    fixed = {name: value for name, value in own.items() if not (isinstance(value, str) and names_in(value) & known)}
    values = {**own, **{name: resolve_parameters(model, {name: value})[name] for name, value in fixed.items()}}
    return tuple(replace(item, value=values.get(item.name, item.value)) for item in model.parameters)


def _population(item: Population, spiking: bool) -> Population:
    if not continuous(item):
        return item
    if spiking:
        return replace(item, sequential="")
    return replace(item, equations=underived(item.equations, item.state), drive=None, transfer=None)


def _protocol(protocol: Protocol, spiking: bool) -> Protocol:
    phases = tuple(_phases(protocol, spiking))
    kept = {phase.name for phase in phases}
    schedule = tuple(entry for entry in (_entry(entry, kept) for entry in protocol.schedule) if entry is not None)
    return replace(protocol, phases=phases, schedule=schedule, whole=protocol.drawn)


def _phases(protocol: Protocol, spiking: bool) -> Iterator[Phase]:
    for phase in protocol.phases:
        if (run := in_spikes(phase) if spiking else replace(phase, spiking={})) is not None:
            yield run


def _entry(entry: Each | Repeat, kept: set[str]) -> Each | Repeat | None:
    """Return an entry of the schedule without the phases that are left out, None where nothing is left."""
    if isinstance(entry, Repeat):
        body = tuple(each for each in (_entry(each, kept) for each in entry.body) if isinstance(each, Each))
        return replace(entry, body=body) if body else None
    if isinstance(entry.phases, str):
        return entry if entry.phases in kept else None
    phases = tuple(name for name in entry.phases if name in kept)
    return replace(entry, phases=phases) if phases else None
