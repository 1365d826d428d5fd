"""The spiking cells of a population: their parameters, their equations, and the synapses that count their spikes."""

from __future__ import annotations

from brian2 import Hz, ms

from brainmem.errors import TranslationError, closest
from brainmem.model.cell import Cell
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Parameter
from brainmem.model.reading import used_names
from brainmem.model.variants import Spiking
from brainmem.text.equations import Equation, write_equations
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER
from brainmem.translation.currents import cell_current
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.own_cells import (
    constants_of,
    own_lines,
    own_parameters,
    own_statements,
    settling_of_samples,
)
from brainmem.translation.settling import SETTLE_EVENT, settling, settling_event
from brainmem.translation.sizes import Link, Pairs, Size
from brainmem.translation.text import Connection, Group, Pathway

__all__ = ["LIF", "SPIKING_PARAMETERS", "cells", "counting_synapses", "spiking_parameters"]

SPIKING_PARAMETERS = (
    Parameter("rate_max", 100 * Hz, meaning="firing rate that stands for the top of the rate range"),
    Parameter("cells_per_unit", 1, meaning="spiking cells that share one unit's drive"),
    Parameter("tau_m", 10 * ms, meaning="membrane time constant"),
    Parameter("t_ref", 2 * ms, meaning="refractory period"),
    Parameter("sigma_v", 0.3, meaning="membrane noise, in units of threshold minus reset"),
    Parameter("spike_dt", 0.5 * ms, meaning="Euler step of the spiking variant"),
)

# The cell of neuron="lif" and "affine". It has no parameters of its own: it reads those of the spiking variant.
LIF = Cell(
    "lif",
    "dv/dt = (I - v)/tau_m + sigma_v*sqrt(2/tau_m)*xi : 1 (unless refractory)\nI : 1",
    threshold="v > 1",
    reset="v = 0",
    refractory="t_ref",
    input="I",
)


def spiking_parameters(model: MemoryModel, spiking: Spiking | None = None) -> tuple[Parameter, ...]:
    """Return the parameters of the cells, with the model's own choices for them; those of an own cell behind them.

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
    cell = spiking.cell if spiking else None
    read = _read_anyway(model) | spiking.cell_reads if spiking and cell else set(known)
    found = (
        Parameter(item.name, model.spiking.get(item.name, item.value), meaning=item.meaning, source="ours")
        for item in SPIKING_PARAMETERS
        if item.name in read
    )
    return (*found, *(own_parameters(cell) if cell else ()))


def _read_anyway(model: MemoryModel) -> set[str]:
    """Return the parameters of the spiking variant that it reads with any cell: its own, and those in rules' texts."""
    texts = (text for rule in model.rules if rule.spiking for text in vars(rule.spiking).values() if text)
    return {"rate_max", "cells_per_unit", "spike_dt"} | used_names(texts)


def cells(unit: SpikingUnit, spiking: Spiking) -> Group:
    """Return the cells of a population: LIF cells with the current of their unit, Poisson cells, or the user's own."""
    name = unit.population.name
    size = Size(str(unit.population.size), cells=True)
    if spiking.neuron == "poisson":
        return Group(
            name=f"{name}_cells",
            size=size,
            equations=f"{unit.activity} : 1 (linked)",
            threshold=f"rand() < rate_max*{unit.activity}*dt",
            reset="",
            constants=("rate_max",),
            links={unit.activity: Link(name, unit.activity, "unit", size)},
        )
    cell, names = (spiking.cell, spiking.cell.names) if spiking.cell else (LIF, {})
    link, source, current = cell_current(unit, spiking)
    followed = {"step": "1", "elapsed": "second"}
    linked = (Equation(variable, "parameter", unit_, flags=("linked",)) for variable, unit_ in followed.items())
    settled = settling_of_samples(unit, spiking.cell) if spiking.cell else settling(name)
    return Group(
        name=f"{name}_cells",
        size=size,
        equations=write_equations((link, *linked, current, *own_lines(cell, names))),
        **own_statements(cell, names),
        events={SETTLE_EVENT: settling_event(name)},
        operations=(settled,),
        links={
            link.name: Link(name, source, "unit", size),
            **{variable: Link(CONTROLLER, variable) for variable in followed},
        },
        constants=constants_of(cell, names),
        method=cell.method,
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
