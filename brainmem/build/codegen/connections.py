"""Join groups by the synapses that a connection asks for: a matrix, or Brian2's list of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from brian2 import Clock, NeuronGroup, Quantity, Subgroup, Synapses

from brainmem.build.codegen.dense import Diagonal, dense_synapses
from brainmem.build.codegen.listed import ListedSum
from brainmem.build.codegen.statistics import add_statistics, without_statistics
from brainmem.build.codegen.steps import add_steps
from brainmem.build.kernels import Kernel
from brainmem.model.reading import extreme_of
from brainmem.text.equations import read_equations
from brainmem.text.slices import Ends
from brainmem.translation.controller import CONTROLLER
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Connection, Operation
from brainmem.translation.trials import connect_arguments

__all__ = ["Surroundings", "join", "operate"]


@dataclass(frozen=True)
class Surroundings:
    """What all connections of a network share.

    Attributes
    ----------
    groups : mapping of str to NeuronGroup
    clock : Clock
    namespace : dict
    periods : mapping of str to Quantity
        Periods of operations, by their text.
    trials : int
        Trials run at once, 0 for a plain run.
    """

    groups: Mapping[str, NeuronGroup]
    clock: Clock
    namespace: dict[str, Any]
    periods: Mapping[str, Quantity]
    trials: int


def join(item: Connection, here: Surroundings, kernel: Kernel | None, ends: Ends | None) -> Synapses:
    """Return the synapses of a connection, with all that runs on them; no `ends` join all units."""
    if kernel is None or not kernel.dense:
        return _listed(item, here, ends)
    synapses = dense_synapses(
        *_parts(item, here, ends),
        item.stated,
        method=item.method,
        clock=here.clock,
        namespace=here.namespace,
        name=item.name,
        presynaptic_first=bool(kernel.swept),
        trials=here.trials if item.trials else 1,
    )
    shift = None if ends is None else ends.shift
    controller = here.groups[CONTROLLER]
    add_steps(synapses, item, kernel, here.periods, controller=controller, trials=here.trials, shift=shift)
    return synapses


def _parts(item: Connection, here: Surroundings, ends: Ends | None) -> tuple[Any, Any]:
    """Return the groups that a connection joins, or the parts of them."""
    source, target = here.groups[item.source], here.groups[item.target]
    if ends is None:
        return source, target
    trials = here.trials if item.trials else 1
    return (
        Subgroup(source, *(end * trials for end in ends.source), name=f"{item.name}_source"),
        Subgroup(target, *(end * trials for end in ends.target), name=f"{item.name}_target"),
    )


def _listed(item: Connection, here: Surroundings, ends: Ends | None) -> Synapses:
    lines = {line.name: line for line in read_equations(item.equations)}
    whole, item = (
        item,
        replace(item, operations=without_statistics(item.operations), pathways=without_statistics(item.pathways)),
    )
    extremes = [path for path in item.pathways if path.sum_ and extreme_of(lines[path.sum_])]
    pathways = [path for path in item.pathways if path not in extremes]
    sides = {side: [path for path in pathways if path.side == side] for side in ("pre", "post")}
    synapses = Synapses(
        *_parts(item, here, ends),
        item.stated,
        on_pre={path.name: path.code for path in sides["pre"]} or None,
        on_post={path.name: path.code for path in sides["post"]} or None,
        on_event={path.name: path.event for path in pathways} or "spike",
        method=item.method,
        clock=here.clock,
        namespace=here.namespace,
        name=item.name,
    )
    _connect(synapses, item, ends)
    _schedule(synapses, replace(item, pathways=tuple(pathways)))
    for path in extremes:
        slot, name = (path.when, path.order), f"{item.name}_{path.name}"
        where = {"clock": here.clock, "slot": slot, "name": name, "side": path.side, "event": path.event}
        ListedSum(synapses, lines[path.sum_], **where)
    for operation in item.operations:
        operate(synapses, operation, here.periods)
    diagonal = Diagonal(item.pairs is Pairs.ALL, None if ends is None else ends.shift)
    for part in (*whole.operations, *whole.pathways):
        period = here.periods[part.dt] if isinstance(part, Operation) and part.dt else None
        add_statistics(synapses, part, controller=here.groups[CONTROLLER], diagonal=diagonal, period=period)
    return synapses


def _connect(synapses: Synapses, item: Connection, ends: Ends | None) -> None:
    firsts = ("", "") if ends is None else (f"{ends.source[0]}:", f"{ends.target[0]}:")
    item = replace(item, source_units=firsts[0], target_units=firsts[1])
    synapses.connect(**connect_arguments(item))


def _schedule(synapses: Synapses, item: Connection) -> None:
    for path in item.pathways:
        pathway = getattr(synapses, path.name)
        pathway.when, pathway.order = path.when, path.order
    for name, (when, order) in item.always_formed.items():
        updater = synapses.summed_updaters[name]
        updater.when, updater.order = when, order
    if synapses.state_updater is not None:
        synapses.state_updater.order = item.state_order


def operate(group: NeuronGroup | Synapses, operation: Operation, periods: Mapping[str, Quantity]) -> None:
    """Let a group run an operation in every step, every period or at an event."""
    if operation.event is not None:
        group.run_on_event(operation.event, operation.code, when=operation.when, order=operation.order)
        return
    period = {} if operation.dt is None else {"dt": periods[operation.dt]}
    clock = {} if period else {"clock": group.clock}
    group.run_regularly(
        operation.code, when=operation.when, order=operation.order, name=operation.name, **period, **clock
    )
