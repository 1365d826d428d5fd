"""Lower a model's text to Brian2 neuron and synapse models, in a rate or a spiking variant."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from brainmem.errors import TranslationError
from brainmem.intake.arguments import NAMES, TEXT, count, either, instance, optional, takes
from brainmem.model.acting import never_opened
from brainmem.model.by_variant import of_variant
from brainmem.model.memory import MemoryModel
from brainmem.model.protocols import form_of
from brainmem.model.reading import model_names, used_names
from brainmem.model.scalars import with_scalars_carried
from brainmem.model.variants import Rate, Spiking, Variant, variant_of
from brainmem.translation.cells import spiking_parameters
from brainmem.translation.constants import declare_constants
from brainmem.translation.controller import controller, trial_group
from brainmem.translation.curves import with_curves
from brainmem.translation.delays import delayed
from brainmem.translation.evaluated import formed_at_events
from brainmem.translation.expected import expect
from brainmem.translation.gates import gated
from brainmem.translation.moments import same_moment
from brainmem.translation.neurons import spiking_unit
from brainmem.translation.normal import normal
from brainmem.translation.observers import observers
from brainmem.translation.own_cells import check_own_names
from brainmem.translation.protocol import protocol_tables
from brainmem.translation.rate import rate_connections, rate_groups, rate_initial
from brainmem.translation.resting import at_rest
from brainmem.translation.script import TranslatedModel
from brainmem.translation.spiking import spiking_connections, spiking_groups, spiking_tables
from brainmem.translation.spiking_starts import spiking_initial
from brainmem.translation.statistics import check_without_noise, lifted, units_of, with_statistics
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


@takes(
    TranslationError,
    model=instance("a MemoryModel", MemoryModel),
    trials=optional(either(count(1), instance("a range of items", range))),
    trial_inputs=NAMES,
    protocol=optional(TEXT),
)
def translate(
    model: MemoryModel,
    variant: Variant | str = "rate",
    *,
    trials: int | range | None = None,
    trial_inputs: tuple[str, ...] = (),
    protocol: str | None = None,
) -> TranslatedModel:
    """Lower `model` to Brian2 text.

    Parameters
    ----------
    model : MemoryModel
        Choices that are open take their defaults; see `MemoryModel.choose`.
    variant : {"rate", "spiking"}, Rate or Spiking
        The paper's own network, or drive-matched populations of spiking cells; `Spiking` has their choices.
    trials : int or range, optional
        Number of independent trials that run at once, with shared weights. The model must be one whose weights stay as
        they are (`brainmem.freeze`). A range of items, ``range(8)``, is a trial for each of them: see
        ``trials="items"`` of `simulate`.
    trial_inputs : tuple of str
        Patterns and stimuli of which every trial has its own.
    protocol : str, optional
        Which of the model's protocols; the first when not given. What no phase of it opens is left out, see
        `MemoryModel.with_protocol`.

    Returns
    -------
    TranslatedModel
        Text only; ``print()`` shows a Brian2 script.

    Raises
    ------
    TranslationError
        When a neuron or rule cannot be lowered; the message gives the reason.
    """
    variant = variant_of(variant)
    written = form_of(model, {}, protocol)[0]
    own = of_variant(written, variant.name)
    if isinstance(variant, Spiking):
        _refuse_gates_of_visits(written, own)
    model, statistics = lifted(normal(with_scalars_carried(own)), units_of(own, variant.name))
    if isinstance(variant, Spiking):
        check_without_noise(model, statistics, variant.read)
    many = trials is not None
    translated = _rate(model, many) if isinstance(variant, Rate) else _spiking(model, many, variant)
    translated = with_statistics(translated, statistics)
    translated = formed_at_events(same_moment(at_rest(delayed(gated(translated)))))
    complete = replace(declare_constants(with_curves(translated)), written=written)
    if isinstance(variant, Spiking) and variant.cell:
        check_own_names(complete, variant.cell)
    complete = spread(complete, trials, trial_inputs) if trials is not None else complete
    return cast(TranslatedModel, complete)  # each of these steps keeps the class


def _refuse_gates_of_visits(written: MemoryModel, model: MemoryModel) -> None:
    """Refuse phases of cells that open a gate which visits alone read: cells would do without what it stands for."""
    visits = used_names(population.sequential for population in written.populations)
    for phase in model.protocol.phases:
        for gate in phase.gates:
            if gate in visits - model_names(model) and not never_opened(gate, [phase]):
                which = f", protocol {model.protocol.name!r}" if model.protocol.name else ""
                raise TranslationError(
                    f"Model {model.name!r}{which}, phase {phase.name!r}: it opens the gate {gate!r}, which in the "
                    "spiking variant nothing reads: the statement of visits alone does (sequential=), and cells have "
                    "none. Run the rate variant, let the equations that cells follow read it too, or leave the gate "
                    "or the phase out for cells (Phase(..., spiking={'gates': ...}) or spiking=None)."
                )


def _rate(model: MemoryModel, many: bool) -> TranslatedModel:
    return TranslatedModel(
        model=model,
        variant="rate",
        parameters=model.parameters,
        groups=(*_protocol_groups(model, many), *rate_groups(model)),
        connections=(*rate_connections(model), *observers(model, trials=many)),
        tables=protocol_tables(model),
        initial=rate_initial(model),
        dt=model.rate_dt,
    )


def _protocol_groups(model: MemoryModel, many: bool) -> tuple[Group, ...]:
    return (controller(model, trials=True), trial_group(model)) if many else (controller(model),)


def _spiking(model: MemoryModel, many: bool, spiking: Spiking) -> TranslatedModel:
    expected = expect(model, read=spiking.read)
    model = expected.model
    connections, splits = spiking_connections(model, spiking)
    groups = spiking_groups(expected, connections, spiking)
    units = {p.name: spiking_unit(model, p) for p in model.populations if p.rate}
    return TranslatedModel(
        model=model,
        variant="spiking",
        spiking=spiking,
        parameters=(*model.parameters, *spiking_parameters(model, spiking)),
        groups=(*_protocol_groups(model, many), *groups),
        connections=(*connections, *observers(model, trials=many)),
        tables=spiking_tables(model, spiking),
        initial=spiking_initial(expected, groups),
        dt="spike_dt",
        splits=splits,
        changes=expected.changes,
        reported=expected.reported,
        deciding=expected.deciding,
        units=units,
        final={name: unit.beyond for name, unit in units.items()},
    )
