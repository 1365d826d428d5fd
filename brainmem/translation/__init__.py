"""Lower a model's text to Brian2 neuron and synapse models, in a rate or a spiking variant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from brainmem.errors import TranslationError, closest, quoted
from brainmem.intake.arguments import NAMES, count, instance, optional, takes
from brainmem.model.choices import choose
from brainmem.model.memory import MemoryModel
from brainmem.model.scalars import with_scalars_carried
from brainmem.translation.cells import spiking_parameters
from brainmem.translation.constants import declare_constants
from brainmem.translation.controller import controller, trial_group
from brainmem.translation.delays import delayed
from brainmem.translation.expected import expect
from brainmem.translation.gates import gated
from brainmem.translation.moments import same_moment
from brainmem.translation.neurons import spiking_unit
from brainmem.translation.normal import normal
from brainmem.translation.observers import observers
from brainmem.translation.protocol import protocol_tables
from brainmem.translation.rate import rate_connections, rate_groups, rate_initial
from brainmem.translation.script import TranslatedModel
from brainmem.translation.spiking import spiking_connections, spiking_groups, spiking_tables
from brainmem.translation.spiking_starts import spiking_initial
from brainmem.translation.text import (
    Connection,
    Group,
    Initial,
    Operation,
    Pathway,
    Table,
)
from brainmem.translation.trials import spread

__all__ = [
    "Connection",
    "Group",
    "Initial",
    "Operation",
    "Pathway",
    "Table",
    "TranslatedModel",
    "translate",
]

VARIANTS = ("rate", "spiking")
NEURONS = ("lif", "affine", "poisson")
READINGS = ("auto", "event", "drive", "trace")
PAIRINGS = ("symmetric", "causal", "anticausal")


@takes(TranslationError, model=instance("a MemoryModel", MemoryModel), trials=optional(count(1)), trial_inputs=NAMES)
def translate(
    model: MemoryModel,
    variant: str = "rate",
    *,
    neuron: str = "lif",
    read: str | None = None,
    pairing: str | None = None,
    trials: int | None = None,
    trial_inputs: tuple[str, ...] = (),
) -> TranslatedModel:
    """Lower `model` to Brian2 text.

    Parameters
    ----------
    model : MemoryModel
        Choices that are open take their defaults; see `MemoryModel.choose`.
    variant : {"rate", "spiking"}
        The paper's own network, or drive-matched populations of spiking cells.
    neuron : {"lif", "affine", "poisson"}
        The spiking cell: LIF cells whose input current is looked up, so that they fire at the rate wanted; LIF cells
        whose current is a slope times the drive plus an offset, the least-squares fit to that (a fixed scaling factor
        between rate and spiking weights, as in Kim, Li & Sejnowski 2019); Poisson cells, the clean reference.
    read : {"auto", "event", "drive", "trace"}, optional
        How every rule reads rates in the spiking variant; None keeps each rule's own choice.
    pairing : {"symmetric", "causal", "anticausal"}, optional
        Which spikes carry a term with a pre and a post rate; None keeps each rule's own choice.
    trials : int, optional
        Run so many independent trials at once, with shared weights. The model must be one whose weights stay as they
        are (`brainmem.freeze`).
    trial_inputs : tuple of str
        Patterns and stimuli of which every trial has its own.

    Returns
    -------
    TranslatedModel
        Text only; ``print()`` shows a Brian2 script.

    Raises
    ------
    TranslationError
        When a neuron or rule cannot be lowered; the message gives the reason.
    """
    _check("variant", variant, VARIANTS, needed=True)
    _check("neuron", neuron, NEURONS, needed=True)
    _check("read", read, READINGS)
    _check("pairing", pairing, PAIRINGS)
    written = choose(model)
    model = normal(with_scalars_carried(written))
    many = trials is not None
    if variant == "rate":
        translated = _rate(model, many)
    else:
        translated = _spiking(model, many, neuron=neuron, read=read, pairing=pairing)
    complete = replace(declare_constants(same_moment(delayed(gated(translated)))), written=written)
    complete = spread(complete, trials, trial_inputs) if trials is not None else complete
    return cast(TranslatedModel, complete)  # each of these steps keeps the class


def _rate(model: MemoryModel, many: bool) -> TranslatedModel:
    return TranslatedModel(
        model=model,
        variant="rate",
        options={},
        parameters=model.parameters,
        groups=(*_protocol_groups(model, many), *rate_groups(model)),
        connections=(*rate_connections(model), *observers(model, trials=many)),
        tables=protocol_tables(model),
        initial=rate_initial(model),
        dt=model.rate_dt,
    )


def _protocol_groups(model: MemoryModel, many: bool) -> tuple[Group, ...]:
    return (controller(model, trials=True), trial_group(model)) if many else (controller(model),)


def _spiking(model: MemoryModel, many: bool, *, neuron: str, read: str | None, pairing: str | None) -> TranslatedModel:
    expected = expect(model, read=read)
    model = expected.model
    connections, splits = spiking_connections(model, neuron=neuron, read=read, pairing=pairing)
    groups = spiking_groups(expected, connections, neuron=neuron)
    return TranslatedModel(
        model=model,
        variant="spiking",
        options={"neuron": neuron, "read": read, "pairing": pairing},
        parameters=(*model.parameters, *spiking_parameters(model)),
        groups=(*_protocol_groups(model, many), *groups),
        connections=(*connections, *observers(model, trials=many)),
        tables=spiking_tables(model, neuron=neuron),
        initial=spiking_initial(expected, groups),
        dt="spike_dt",
        splits=splits,
        changes=expected.changes,
        reported=expected.reported,
        final={p.name: spiking_unit(model, p).beyond for p in model.populations if p.rate},
    )


def _check(name: str, given: str | None, allowed: Iterable[str], *, needed: bool = False) -> None:
    if (needed or given is not None) and not (isinstance(given, str) and given in allowed):
        raise TranslationError(
            f"translate(): {name}={quoted(given)} is not allowed; choose one of "
            f"{', '.join(map(repr, allowed))}.{closest(str(given), allowed)}"
        )
