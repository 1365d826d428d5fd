"""Give dense synapses what a connection asks for: its sums, its update, its operations and pathways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from brian2 import NeuronGroup, Quantity, Synapses

from brainmem.build.codegen.deferred import add_deferred
from brainmem.build.codegen.dense import DenseEvent, DenseStep, Diagonal
from brainmem.build.codegen.products import DenseProduct
from brainmem.build.codegen.statistics import add_statistics, without_statistics
from brainmem.build.codegen.transposed import add_dense_sums
from brainmem.build.codegen.watching import Watch, follows_synapses
from brainmem.build.kernels import Kernel
from brainmem.text.equations import read_equations
from brainmem.translation import schedule
from brainmem.translation.gates import UPDATE
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Connection, Operation, Pathway

__all__ = ["add_steps"]


def add_steps(
    synapses: Synapses,
    item: Connection,
    kernel: Kernel,
    periods: Mapping[str, Quantity],
    *,
    controller: NeuronGroup,
    trials: int = 0,
    shift: int | None = None,
) -> None:
    """Add everything that runs on `synapses` (from `dense_synapses`); `periods` are those of its operations.

    `controller` is the group of one unit whose ``snapshot`` tells when weights are recorded. Unit ``k`` of the target
    stands at ``k + shift`` of the source, where one of them is a part of a population.
    """
    diagonal = Diagonal(item.pairs is Pairs.ALL, shift)
    if item.trials:
        _add_products(synapses, item, trials, diagonal, kernel)
        return
    for part in (*item.operations, *item.pathways):
        period = periods[part.dt] if isinstance(part, Operation) and part.dt else None
        shut = kernel.gates.get(part.name, ())
        add_statistics(synapses, part, controller=controller, diagonal=diagonal, period=period, gates=shut, dense=True)
    item = replace(item, operations=without_statistics(item.operations), pathways=without_statistics(item.pathways))
    if kernel.deferral is not None:
        gates = kernel.gates.get(kernel.deferral.operation, ())
        add_deferred(synapses, item, kernel.deferral, periods, diagonal=diagonal, gates=gates, controller=controller)
        return
    clock = synapses._clock
    sums = {name: text for name, text in _sums(item).items() if name not in {*kernel.swept, *item.resting}}
    tail = [op for op in item.operations if _follows_update(op)]
    update = _update(synapses, tail) if synapses.state_updater is not None else None
    gates = kernel.gates.get(UPDATE, ())
    _add_transposed(synapses, item, sums, diagonal)
    for slot, together, once in _by_slot(synapses, item, sums, "_post", fused=bool(kernel.fused)):
        DenseStep(
            synapses,
            together,
            update if kernel.fused else None,
            diagonal=diagonal,
            clock=clock,
            slot=kernel.fused or slot,
            name=f"{item.name}_sum_{'_'.join(together)}",
            gates=gates if kernel.fused else (),
            once=once,
        )
    if update is not None and not kernel.fused:
        slot = ("groups", item.state_order)
        name = f"{item.name}_update"
        DenseStep(synapses, {}, update, diagonal=diagonal, clock=clock, slot=slot, name=name, gates=gates)
    for op in item.operations:
        if update is None or op not in tail:
            gates_of_op = kernel.gates.get(op.name, ())
            _add_operation(synapses, op, diagonal=diagonal, periods=periods, gates=gates_of_op)
    for path in item.pathways:
        if path.sum_:
            _add_again(synapses, item, path, diagonal)
            continue
        DenseEvent(
            synapses,
            path.code,
            side=path.side,
            event=path.event,
            diagonal=diagonal,
            slot=(path.when, path.order),
            name=f"{item.name}_{path.name}",
        )


def _add_transposed(synapses: Synapses, item: Connection, sums: Mapping[str, str], diagonal: Diagonal) -> None:
    """Add the sums onto presynaptic units."""
    for slot, together, once in _by_slot(synapses, item, sums, "_pre"):
        name = f"{item.name}_sum_{'_'.join(together)}"
        add_dense_sums(synapses, together, diagonal=diagonal, clock=synapses._clock, slot=slot, name=name, once=once)


def _add_again(synapses: Synapses, item: Connection, path: Pathway, diagonal: Diagonal) -> None:
    """Form a sum again where an event occurs."""
    sums = {path.sum_: _sums(item)[path.sum_]}
    where = {"slot": (path.when, path.order), "name": f"{item.name}_{path.name}"}
    where |= {"event": path.event, "side": path.side}
    add_dense_sums(synapses, sums, diagonal=diagonal, clock=synapses._clock, **where)


def _add_products(synapses: Synapses, item: Connection, trials: int, diagonal: Diagonal, kernel: Kernel) -> None:
    """Add the sums of a connection whose weights are fixed and shared by many trials."""
    sums = {name: text for name, text in _sums(item).items() if name not in kernel.swept}
    options = {"trials": trials, "diagonal": diagonal, "clock": synapses._clock}
    for end in ("_post", "_pre"):
        regular = {name: text for name, text in sums.items() if name not in item.resting}
        for slot, together, once in _by_slot(synapses, item, regular, end):
            name = f"{item.name}_sum_{'_'.join(together)}"
            DenseProduct(synapses, together, slot=slot, name=name, once=once, **options)
    if kernel.swept:
        swept = {name: _sums(item)[name] for name in kernel.swept}
        watch, name = Watch(synapses, swept.values()), f"{item.name}_sum_{'_'.join(swept)}"
        DenseProduct(synapses, swept, slot=schedule.FORM_SWEPT, name=name, watch=watch, **options)
    for path in item.pathways:
        slot, name = (path.when, path.order), f"{item.name}_{path.name}"
        at = {"event": path.event, "side": path.side}
        DenseProduct(synapses, {path.sum_: sums[path.sum_]}, slot=slot, name=name, **at, **options)


def _sums(item: Connection) -> dict[str, str]:
    return {line.name: line.expr for line in read_equations(item.equations) if line.name in item.summed_order}


def _follows_update(op: Operation) -> bool:
    """Whether `op` is what `clip_operation` makes: bounds, applied right after the update."""
    when, first = schedule.BOUNDS
    return op.when == when and first <= op.order < schedule.PERIODIC[1] and op.dt is op.event is None


def _update(synapses: Synapses, tail: list[Operation]) -> Callable[[Mapping[str, Any]], str]:
    """Return a function that lets Brian2 integrate the differential equations, and adds the operations behind."""

    def update(run_namespace: Mapping[str, Any]) -> str:
        updater = synapses.state_updater
        updater.update_abstract_code(run_namespace)
        return "\n".join([updater.abstract_code, *(op.code for op in tail)])

    return update


def _by_slot(
    synapses: Synapses, item: Connection, sums: Mapping[str, str], end: str, *, fused: bool = False
) -> Iterator[tuple[tuple[str, int], dict[str, str], bool]]:
    """Yield the sums onto units of one end that are formed together: when, and whether only synapses change them.

    Those of a `fused` pass are all formed in every time step.
    """
    found: dict[tuple[tuple[str, int], bool], dict[str, str]] = {}
    chosen = ((name, slot) for name, slot in item.summed_order.items() if name in sums and name.endswith(end))
    for name, slot in chosen:
        once = not fused and follows_synapses(synapses, sums[name])
        found.setdefault((slot, once), {})[name] = sums[name]
    yield from ((slot, together, once) for (slot, once), together in found.items())


def _add_operation(
    synapses: Synapses, op: Operation, *, diagonal: Diagonal, periods: Mapping[str, Quantity], gates: tuple[str, ...]
) -> None:
    DenseStep(
        synapses,
        {},
        lambda run_namespace: op.code,
        diagonal=diagonal,
        clock=synapses._clock if op.dt is None else None,
        dt=None if op.dt is None else periods[op.dt],
        slot=(op.when, op.order),
        name=op.name,
        gates=gates,
    )
