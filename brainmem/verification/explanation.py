"""Say in words what a translation does, and by how much its rules are biased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from brainmem.build.costs import describe_kernels
from brainmem.engine.device import Device, as_device
from brainmem.errors import RuleError
from brainmem.intake.arguments import FLAG, count, optional, takes
from brainmem.model.by_variant import of_variant
from brainmem.model.memory import MemoryModel
from brainmem.model.parameters import resolve_parameters
from brainmem.model.protocols import form_of
from brainmem.model.variants import Rate, Spiking, Variant, variant_of, with_cells
from brainmem.models import get_model
from brainmem.numbers.loading import RUN, load_given
from brainmem.numbers.run import Given
from brainmem.simulation.description import (
    describe_cells,
    describe_changes,
    describe_ranks,
    describe_schedule,
    describe_terms,
    describe_verdicts,
)
from brainmem.simulation.verdicts import verdicts
from brainmem.translation import translate
from brainmem.translation.text import Translation
from brainmem.verification.bias import expectation
from brainmem.verification.drifts import Experiment

__all__ = ["explain"]

SEEDS = (0, 1)


@takes(
    RuleError,
    **{name: RUN[name] for name in ("model", "parameters", "device", "protocol")},
    **dict.fromkeys(("details", "measured"), FLAG),
    items=optional(count(1)),
)
def explain(
    model: MemoryModel | str,
    variant: Variant | str = "rate",
    *,
    parameters: Mapping[str, Any] | None = None,
    device: Device | str | None = None,
    details: bool = False,
    measured: bool = True,
    items: int | None = 4,
    protocol: str | None = None,
) -> str:
    """Return the schedule of one time step, how synapses are computed, and what becomes of rules in spikes.

    Of each rule it says in one line whether it reads rates, whether its drift is that of the rate rule, and if not by
    how much it is off and why. The size comes from runs beside the rate network in which numbers with the rates and
    Fano factors of the cells stand for their spikes; `verify` measures it with the cells themselves.

    Parameters
    ----------
    model : MemoryModel or str
    variant : {"rate", "spiking"}, Rate or Spiking
    parameters : mapping, optional
        Values that replace the model's, and the options of its choices.
    device : Device or str, optional
        For which the kernels are chosen, and where drifts are measured; C++ standalone when not given.
    details : bool
        Also say of each term of each rule what carries it and which bias its reading leaves.
    measured : bool
        Whether to run the model for the sizes of biases, which takes seconds to minutes.
    items : int, optional
        Along how many items of the protocol, once each; None for the whole protocol.
    protocol : str, optional
        Which of the model's protocols; the first when not given.
    """
    model, parameters = form_of(get_model(model) if isinstance(model, str) else model, parameters, protocol)
    device, variant = as_device(device), variant_of(variant)
    model = of_variant(model, variant.name)
    parameters = with_cells(variant, parameters)
    translated = translate(model, variant)
    values = resolve_parameters(model, parameters, parameters=translated.parameters)
    parts = [f"{model.name}, {variant.name} variant", "", describe_schedule(translated)]
    parts += ["", "How synapses are computed:", *(f"  {line}" for line in describe_kernels(translated, values, device))]
    if isinstance(variant, Rate):
        return "\n".join(parts)
    if measured:
        lines = _measured(model, translated, load_given(model, parameters), device, items)
    else:
        lines = describe_verdicts(translated)
    parts += _section("How rules are read from spikes:", lines)
    parts += _section("Read in place of what is noisy, to be right in the mean:", describe_changes(translated))
    parts += _section("Cells:", (*describe_cells(translated, values), *describe_ranks(translated)))
    if details:
        parts += _section("How each term of a rule is read:", describe_terms(translated, values))
    return "\n".join(parts)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return ["", title, *found] if found else []


def _measured(
    model: MemoryModel,
    translated: Translation,
    given: Given,
    device: Device,
    items: int | None,
) -> Iterator[str]:
    """Yield the verdict on every rule, with the bias that runs without cells give."""
    noisy = any(verdict.kind != "same" for verdict in verdicts(translated))
    if not model.rules or not (noisy or translated.reported):
        yield from describe_verdicts(translated)
        return
    try:
        spiking = translated.spiking or Spiking()
        experiment = Experiment(model, given, items, cells=False, spiking=spiking, device=device)
        found = expectation([experiment.trial(seed) for seed in SEEDS])
    except RuleError as error:
        yield from describe_verdicts(translated)
        yield f"(sizes could not be measured: {error})"
        return
    yield from describe_verdicts(translated, found)
    yield experiment.words
