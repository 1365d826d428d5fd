"""Turn translated text into Brian2 objects. The only place where they are born.

Every object gets an explicit name, clock and namespace; every number that may differ between
runs of one binary is an input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from brian2 import (
    Clock,
    EventMonitor,
    Network,
    NeuronGroup,
    StateMonitor,
    Synapses,
    linked_var,
    second,
)
from brian2.units import Unit

from brainmem.build.codegen.connections import Surroundings, join, operate
from brainmem.build.codegen.counter import COUNTER_FUNCTIONS
from brainmem.build.codegen.curves import CurveTable
from brainmem.build.codegen.delays import delay_functions
from brainmem.build.codegen.dense import Diagonal
from brainmem.build.codegen.halt import halt_when
from brainmem.build.codegen.ranked import add_ranks, add_sampled_rank
from brainmem.build.codegen.sampled import add_sampled
from brainmem.build.codegen.visits import add_visits
from brainmem.build.codegen.warm import warm_up
from brainmem.build.program import Program
from brainmem.build.recording import monitors_and_outputs
from brainmem.engine.device import Built
from brainmem.engine.rows import RowTable
from brainmem.numbers.calibrate import CellProgram
from brainmem.numbers.calibration import OwnProgram
from brainmem.text.equations import read_equations
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER, run_numbers
from brainmem.translation.gates import guarded
from brainmem.translation.moments import Sum, sums_behind
from brainmem.translation.recorded import COMPLETE
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Group, Table, Translation

__all__ = ["build", "build_cells", "build_own_cells", "warm_up"]


def build(program: Program) -> Built:
    """Return the network of `program`, its inputs and its outputs."""
    listed = [item.name for item in program.translated.connections if not program.dense(item.name)]
    program = replace(program, translated=guarded(program.translated, listed))
    translated = program.translated
    clock = Clock(dt=program.dt * second, name="clock")
    tables = {table.name: _table(table, program) for table in translated.tables}
    namespace: dict[str, Any] = {
        **tables,
        **COUNTER_FUNCTIONS,
        **delay_functions(),
        "cells_per_unit": program.sizes.get("cells_per_unit", 1),
    }
    namespace |= {"trials": translated.trials} if translated.trials else {}
    groups = {item.name: _neuron_group(item, program, clock, namespace) for item in translated.groups}
    for item in translated.groups:
        _link(item, groups, program)
    periods = {name: seconds * second for name, seconds in program.periods.items()}
    here = Surroundings(groups, clock, namespace, periods, translated.trials)
    sorting = [item for item in program.connections if program.sorts(item.name)]
    synapses = {
        item.name: join(item, here, program.kernels.get(item.name), program.ends.get(item.name))
        for item in program.connections
        if item not in sorting
    }
    for item in sorting:
        add_ranks(groups[item.source], item, translated.trials)
    add_visits(translated, program.kernels, groups, synapses)
    _form_sampled_sums(program, groups, synapses)
    _halt(groups[CONTROLLER])
    monitors, outputs = monitors_and_outputs(program, groups, synapses, clock)
    network = Network(*groups.values(), *synapses.values(), *monitors, name="network")
    return Built(
        network=network,
        inputs=_inputs(translated, groups, synapses, tables),
        outputs=outputs | {COMPLETE: groups[CONTROLLER].variables[COMPLETE.variable]},
        done=COMPLETE,
    )


def _form_sampled_sums(program: Program, groups: Mapping[str, NeuronGroup], synapses: Mapping[str, Synapses]) -> None:
    """Form the sums again that recorded variables read, at the times at which these are recorded."""
    translated = program.translated
    again: dict[Sum, None] = {}
    for item in program.recorded:
        if item.kind == "time":
            again |= dict.fromkeys(sums_behind(translated, item.owner, [item.variable]))
    for sum_ in again:
        if program.sorts(sum_.connection):
            add_sampled_rank(groups[sum_.group], sum_, interval=program.interval * second, trials=translated.trials)
        if sum_.connection not in synapses:
            continue
        item, ends = translated.connection(sum_.connection), program.ends.get(sum_.connection)
        add_sampled(
            synapses[sum_.connection],
            item,
            sum_,
            program.kernels.get(sum_.connection),
            interval=program.interval * second,
            trials=translated.trials,
            diagonal=Diagonal(item.pairs is Pairs.ALL, None if ends is None else ends.shift),
        )


def _table(table: Table, program: Program) -> RowTable:
    """Return what texts call by the name of a table; compiled code has another name for it, which C++ does not have."""
    name = f"_table_of_{table.name}"  # no variable begins so
    if table.returns:
        return CurveTable(table.returns, argument=_unit(table.argument), unit=_unit(table.unit), name=name)
    columns = None if table.columns is None else table.columns.value(program.sizes)
    return RowTable(columns, unit=_unit(table.unit), name=name)


def _unit(text: str) -> Unit | int:
    from brian2.equations.equations import dimensions_and_type_from_string
    from brian2.units import get_unit

    return get_unit(dimensions_and_type_from_string(text)[0])


def _neuron_group(item: Group, program: Program, clock: Clock, namespace: dict) -> NeuronGroup:
    group = NeuronGroup(
        item.size.value(program.sizes),
        item.equations,
        threshold=item.threshold,
        reset=item.reset,
        refractory=item.refractory or False,
        events={name: condition for name, (condition, _, _) in item.events.items()},
        method=item.method,
        clock=clock,
        dtype=_precision(item, program),
        namespace=namespace,
        name=item.name,
    )
    group.state_updater.when, group.state_updater.order = item.state_when, item.state_order
    for name, (_, when, order) in item.events.items():
        group.set_event_schedule(name, when=when, order=order)
    for operation in item.operations:
        operate(group, operation, {})
    return group


def _precision(item: Group, program: Program) -> type | dict[str, type]:
    """Return the type of what is summed up over the steps of a phase: in float32 it would lose its smaller digits.

    Time within a phase would be off by a step within a few thousand.
    """
    if item.name == CONTROLLER:
        return np.float64
    rates = [population.rate for population in program.translated.model.populations if population.rate]
    totals = {f"{rate}_total" for rate in rates}
    return {line.name: np.float64 for line in read_equations(item.equations) if line.name in totals}


def _link(item: Group, groups: Mapping[str, NeuronGroup], program: Program) -> None:
    for name, link in item.links.items():
        positions = link.positions(program.sizes)
        setattr(groups[item.name], name, linked_var(groups[link.group], link.variable, index=positions))


def _halt(group: NeuronGroup) -> None:
    group.namespace["halt_when"] = halt_when
    when, order = schedule.HALT
    group.run_regularly(
        "complete = halt_when(complete)", clock=group.clock, when=when, order=order, name="protocol_halt"
    )


def _inputs(translated: Translation, groups, synapses, tables) -> dict[str, Any]:
    objects = {**groups, **synapses}
    inputs: dict[str, Any] = {f"table.{name}": table for name, table in tables.items()}
    for item in translated.initial:
        if item.owner in objects:
            inputs[f"{item.owner}.{item.variable}"] = getattr(objects[item.owner], item.variable)
    for item in (*translated.groups, *translated.connections):
        for name in item.constants if item.name in objects else ():
            inputs.setdefault(f"param.{name}", []).append(getattr(objects[item.name], name))
    for name in run_numbers(translated.model):
        inputs[f"param.{name}"] = [getattr(groups[CONTROLLER], name)]
    return inputs


def build_cells(cell: CellProgram) -> Built:
    """Return uncoupled cells that count their spikes and the moments of their trace, for calibration."""
    equations = f"""
    {cell.equations}
    I : 1
    ds/dt = -s/tau_trace : 1
    s_sum : 1
    s2_sum : 1
    n_spikes : 1
    tau_trace : second (shared, constant)
    discard : second (shared, constant)
    """
    clock = Clock(dt=cell.dt * second, name="clock")
    cells = NeuronGroup(
        cell.cells,
        equations,
        threshold=cell.threshold,
        reset=f"{cell.reset}\ns += 1\nn_spikes += int(t >= discard)",
        refractory=cell.refractory,
        method="euler",
        clock=clock,
        namespace={},
        name="cells",
    )
    moments = "s_sum += s*int(t >= discard)\ns2_sum += s**2*int(t >= discard)"
    cells.run_regularly(moments, clock=clock, when="end", order=0, name="cells_moments")
    constants = (*cell.constants, "tau_trace", "discard")
    looked = ["v", "lastspike"]
    looks = StateMonitor(cells, looked, record=True, dt=cell.sampled * second, when="start", order=0, name="looks")
    return Built(
        network=Network(cells, looks, name="network"),
        inputs={"cells.I": cells.I, **{f"param.{name}": [getattr(cells, name)] for name in constants}},
        outputs={f"cells.{name}": cells.variables[name] for name in ("n_spikes", "s_sum", "s2_sum")}
        | {f"looks.{name}": looks.variables[name] for name in (*looked, "t")},
    )


def build_own_cells(cell: OwnProgram) -> Built:
    """Return uncoupled cells of the user's own whose input takes a step at `onset`, for calibration.

    The names of the cell hold a ``_``, those here do not.
    """
    equations = f"""
    {cell.equations}
    {cell.input} : {cell.unit}
    before : {cell.unit}
    after : {cell.unit}
    onset : second
    ds/dt = -s/tautrace : 1
    total : 1
    squares : 1
    spiked : 1
    fresh : 1
    tautrace : second (shared, constant)
    discard : second (shared, constant)
    tell : second (shared, constant)
    """
    clock = Clock(dt=cell.dt * second, name="clock")
    cells = NeuronGroup(
        cell.cells,
        equations,
        threshold=cell.threshold,
        reset=f"{cell.reset}\ns += 1\nspiked += int(t >= discard)\nfresh = 1",
        refractory=cell.refractory or False,
        events={"told": "fresh > 0.5 and t >= tell"},
        method=cell.method,
        clock=clock,
        namespace={},
        name="cells",
    )
    cells.set_event_schedule("told", when="end", order=-1)
    step = f"{cell.input} = before*int(t < onset) + after*int(t >= onset)"
    cells.run_regularly(step, clock=clock, when="start", order=0, name="cells_step")
    moments = "total += s*int(t >= discard)\nsquares += s**2*int(t >= discard)\nfresh = 0"
    cells.run_regularly(moments, clock=clock, when="end", order=0, name="cells_moments")
    looked = list(cell.looked)
    looks = StateMonitor(cells, looked, record=True, dt=cell.sampled * second, when="start", order=0, name="looks")
    told = EventMonitor(cells, "told", record=True, name="told", when="end", order=-1)
    numbers = ("tautrace", "discard", "tell")
    given = ("before", "after", "onset", *cell.states)
    return Built(
        network=Network(cells, looks, told, name="network"),
        inputs={f"cells.{name}": getattr(cells, name) for name in given}
        | {f"param.{name}": [getattr(cells, name)] for name in (*cell.constants, *numbers)},
        outputs={f"cells.{name}": cells.variables[name] for name in ("spiked", "total", "squares")}
        | {f"looks.{name}": looks.variables[name] for name in (*looked, "t")}
        | {f"told.{name}": told.variables[name] for name in ("i", "t")},
    )
