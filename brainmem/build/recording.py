"""Monitors: what a run records, and the arrays in which it is found afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from brian2 import Clock, EventMonitor, NeuronGroup, SpikeMonitor, StateMonitor, Synapses, second

from brainmem.build.codegen.snapshot import snapshot_monitor
from brainmem.build.program import Program
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER
from brainmem.translation.recorded import ENDING, Recorded, recorded_at_steps
from brainmem.translation.text import Connection

__all__ = ["monitors_and_outputs"]

Objects = Mapping[str, Any]


def monitors_and_outputs(
    program: Program, groups: Mapping[str, NeuronGroup], synapses: Mapping[str, Synapses], clock: Clock
) -> tuple[list[Any], dict[Recorded, Any]]:
    """Return the monitors of a network, and the variable that holds each thing recorded."""
    objects = {**groups, **synapses}
    wanted = [item for item in (*recorded_at_steps(program.translated), *program.recorded) if item.owner in objects]
    monitors, outputs = [], {}
    for _, together in groupby((item for item in wanted if item.monitor), key=lambda item: item.monitor):
        items = list(together)
        monitor = _monitor(items, objects, program, clock)
        monitors.append(monitor)
        outputs |= {item: monitor.variables[item.variable] for item in items}
        if items[0].kind == "time":
            outputs[items[0]._replace(variable="t")] = monitor.variables["t"]
    kept = [item for item in wanted if item.kind == "end"]
    outputs |= {item: objects[item.owner].variables[item.variable] for item in kept}
    for owner, variables in program.translated.final.items():
        outputs |= {Recorded(owner, name, "end"): objects[owner].variables[name] for name in variables}
    return monitors, outputs


def _monitor(items: Sequence[Recorded], objects: Objects, program: Program, clock: Clock) -> Any:
    """Return the monitor of what one records together."""
    first, (when, order) = items[0], schedule.RECORD
    owner, slot = objects[first.owner], {"when": when, "order": order, "name": first.monitor}
    if first.kind == "steps":
        return EventMonitor(owner, "step_end", variables=[item.variable for item in items], record=True, **slot)
    if first.kind == "time":
        return StateMonitor(owner, first.variable, record=True, dt=program.interval * second, **slot)
    if first.kind == "spikes":
        return SpikeMonitor(owner, record=True, name=first.monitor)
    options: dict[str, Any] = {"controller": objects[CONTROLLER], "clock": clock, "at": first.at, "name": first.monitor}
    if first.kind == "ends":
        options |= {"flag": ENDING, "slot": schedule.RECORD, "size": len(owner)}
    else:
        count = _synapse_count(owner, program.translated.connection(first.owner), program)
        options |= {"flag": "snapshot", "slot": schedule.SNAPSHOT, "size": count}
    return snapshot_monitor(owner, first.variable, **options)


def _synapse_count(synapses: Synapses, item: Connection, program: Program) -> int:
    pre, post = len(synapses.source), len(synapses.target)
    if program.dense(item.name) or not item.no_self:
        return pre * post
    return program.ends[item.name].count if item.name in program.ends else pre * post - pre
