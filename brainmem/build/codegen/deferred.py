"""Synapses whose changes wait as products of vectors; eight products at a time are added to the matrix.

For C++ standalone. See `brainmem.build.deferral` for which changes may wait, and ``waiting.h`` for the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brian2 import NeuronGroup, Quantity, Synapses

from brainmem.build.codegen.dense import DenseCode, Diagonal
from brainmem.build.deferral import Deferral
from brainmem.translation import schedule
from brainmem.translation.text import Connection

__all__ = ["add_deferred", "add_sum"]


def add_deferred(
    synapses: Synapses,
    item: Connection,
    deferral: Deferral,
    periods: Mapping[str, Quantity],
    *,
    diagonal: Diagonal,
    gates: tuple[str, ...],
    controller: NeuronGroup,
) -> None:
    """Add the sums and the change of a connection, and what writes out the weights before they are recorded.

    Parameters
    ----------
    synapses, item, periods
        See `brainmem.build.codegen.steps.add_steps`.
    deferral : Deferral
    diagonal : Diagonal
    gates : tuple of str
        Postsynaptic variables each of which shuts the change; rows where one is 0 are left as they are.
    controller : NeuronGroup
        A group of one unit whose ``snapshot`` is 1 when weights are recorded at the end of a step.
    """
    clock = synapses._clock
    by_slot: dict[tuple[str, int], dict[str, str]] = {}
    for name, slot in item.always_formed.items():
        by_slot.setdefault(slot, {})[name] = deferral.sums[name]
    for slot, sums in by_slot.items():
        add_sum(synapses, deferral, sums, diagonal, clock=clock, slot=slot, name=f"{item.name}_sum_{'_'.join(sums)}")
    for path in item.pathways:
        sums, name = {path.sum_: deferral.sums[path.sum_]}, f"{item.name}_{path.name}"
        slot = (path.when, path.order)
        add_sum(synapses, deferral, sums, diagonal, clock=clock, slot=slot, name=name, event=path.event)
    common = _common(synapses, deferral, diagonal)
    _add_change(synapses, item, deferral, periods, gates, common)
    synapses.variables.add_reference("_flag", controller, "snapshot", index="0")
    _Deferred(
        synapses,
        "deferred_settle",
        {},
        clock=synapses._clock,
        slot=schedule.SETTLE,
        name=f"{item.name}_settle",
        **common,
    )


def _common(synapses: Synapses, deferral: Deferral, diagonal: Diagonal) -> dict[str, Any]:
    variable = deferral.variable
    return {"diagonal": diagonal, "needed": (variable,), "_weight": synapses.variables[variable]}


def add_sum(synapses: Synapses, deferral: Deferral, sums: Mapping[str, str], diagonal: Diagonal, **where: Any) -> None:
    """Form sums over weights of which changes wait; `where` says when and under which name, see `DenseStep`.

    Parameters
    ----------
    sums : mapping of str to str
        Summed variables, and what the weight is multiplied with.
    """
    common = _common(synapses, deferral, diagonal)
    _Deferred(
        synapses,
        "deferred_sum",
        {f"sum_{k}": text for k, text in enumerate(sums.values())},
        _sums={f"sum_{k}": synapses.variables[name] for k, name in enumerate(sums)},
        **{**common, "needed": (*common["needed"], *sums)},
        **where,
    )


def _add_change(
    synapses: Synapses, item: Connection, deferral: Deferral, periods, gates: tuple[str, ...], common
) -> None:
    texts = {"scale": deferral.scale} if deferral.scale != "1.0" else {}
    for k, (post, pre) in enumerate(deferral.products):
        texts |= {f"post_{k}": post, f"pre_{k}": pre}
    op = next((op for op in item.operations if op.name == deferral.operation), None)
    _Deferred(
        synapses,
        "deferred_change",
        texts,
        clock=synapses._clock if op is None else None,
        dt=None if op is None else periods[str(op.dt)],
        slot=("groups", item.state_order) if op is None else (op.when, op.order),
        name=f"{item.name}_update" if op is None else op.name,
        _products=len(deferral.products),
        _scaled="scale" in texts,
        _gate=[synapses.variables[gate] for gate in gates],
        **{**common, "needed": (*common["needed"], *gates)},
    )


class _Deferred(DenseCode):
    """A template that evaluates texts, each as ``_factor``, for rows or columns."""

    def __init__(self, synapses: Synapses, template: str, texts: Mapping[str, str], **options: Any) -> None:
        super().__init__(synapses, template, **options)
        self.abstract_code = self.user_code = {block: f"_factor = {text}" for block, text in texts.items()}
