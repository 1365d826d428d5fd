"""The spiking cells of a population: their parameters, their equations, and the synapses that count their spikes."""

from __future__ import annotations

from typing import Any

from brian2 import Hz, ms

from brainmem.errors import TranslationError, closest
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Parameter
from brainmem.text.equations import Equation, write_equations
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER
from brainmem.translation.currents import cell_current
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.settling import SETTLE_EVENT, settling, settling_event
from brainmem.translation.sizes import Link, Pairs, Size
from brainmem.translation.text import Connection, Group, Pathway

__all__ = ["SPIKING_PARAMETERS", "cells", "counting_synapses", "spiking_parameters"]

SPIKING_PARAMETERS = (
    Parameter("rate_max", 100 * Hz, meaning="firing rate that stands for the top of the rate range"),
    Parameter("cells_per_unit", 1, meaning="spiking cells that share one unit's drive"),
    Parameter("tau_m", 10 * ms, meaning="membrane time constant"),
    Parameter("t_ref", 2 * ms, meaning="refractory period"),
    Parameter("sigma_v", 0.3, meaning="membrane noise, in units of threshold minus reset"),
    Parameter("spike_dt", 0.5 * ms, meaning="Euler step of the spiking variant"),
)


def spiking_parameters(model: MemoryModel) -> tuple[Parameter, ...]:
    """Return the parameters of the cells, with the model's own choices for them.

    Raises
    ------
    TranslationError
        For a name in ``model.spiking`` that the translation does not know.
    """
    known = {item.name: item for item in SPIKING_PARAMETERS}
    for name in model.spiking:
        if name not in known:
            raise TranslationError(
                f"Model {model.name!r}: spiking[{name!r}] is not a parameter of the spiking variant. "
                f"Known: {', '.join(known)}.{closest(name, known)}"
            )
    return tuple(
        Parameter(item.name, model.spiking.get(item.name, item.value), meaning=item.meaning, source="ours")
        for item in SPIKING_PARAMETERS
    )


def cells(unit: SpikingUnit, neuron: str) -> Group:
    """Return the cells of a population: LIF cells with the current of their unit, or Poisson cells."""
    name = unit.population.name
    link, source, current = cell_current(unit, neuron)
    size = Size(str(unit.population.size), cells=True)
    common: dict[str, Any] = {"name": f"{name}_cells", "size": size}
    links = {link.name: Link(name, source, "unit", size)}
    if neuron == "poisson":
        threshold = f"rand() < rate_max*{unit.activity}*dt"
        constants = ("rate_max",)
        return Group(equations=str(link), threshold=threshold, reset="", constants=constants, links=links, **common)
    followed = {"step": "1", "elapsed": "second"}
    lines = (
        link,
        *(Equation(variable, "parameter", unit_, flags=("linked",)) for variable, unit_ in followed.items()),
        current,
        Equation(
            "v",
            "differential",
            "1",
            "(I - v)/tau_m + sigma_v*sqrt(2/tau_m)*xi",
            ("unless refractory",),
        ),
    )
    return Group(
        equations=write_equations(lines),
        threshold="v > 1",
        reset="v = 0",
        refractory="t_ref",
        events={SETTLE_EVENT: settling_event(name)},
        operations=(settling(name),),
        links={**links, **{variable: Link(CONTROLLER, variable) for variable in followed}},
        constants=("tau_m", "sigma_v", "t_ref"),
        **common,
    )


def counting_synapses(unit: SpikingUnit) -> Connection:
    """Return the synapses that count a unit's spikes."""
    name = unit.population.name
    count = Pathway("count", "pre", "count_post += 1.0/cells_per_unit", "spike", *schedule.COUNT)
    return Connection(
        name=f"{name}_output",
        source=f"{name}_cells",
        target=name,
        equations="",
        pathways=(count,),
        pairs=Pairs.OWN_CELLS,
    )
