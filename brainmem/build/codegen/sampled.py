"""Sums over synapses at the times at which they are recorded, formed from the state that is recorded beside them."""

from __future__ import annotations

from typing import Any

from brian2 import Quantity, Synapses

from brainmem.build.codegen.deferred import add_sum
from brainmem.build.codegen.dense import Diagonal
from brainmem.build.codegen.listed import ListedSum
from brainmem.build.codegen.products import DenseProduct
from brainmem.build.codegen.transposed import add_dense_sums
from brainmem.build.kernels import Kernel
from brainmem.translation import schedule
from brainmem.translation.moments import Sum
from brainmem.translation.text import Connection

__all__ = ["add_sampled"]


def add_sampled(
    synapses: Synapses,
    item: Connection,
    sum_: Sum,
    kernel: Kernel | None,
    *,
    interval: Quantity,
    trials: int,
    diagonal: Diagonal,
) -> None:
    """Form a sum of a connection again at the end of a time step, every `interval`, as its kernel does.

    Parameters
    ----------
    synapses, item
        The connection, and the synapses made of it.
    sum_ : Sum
    kernel : Kernel or None
        None is Brian2's list of pairs.
    interval : Quantity
    trials : int
        Trials run at once, 0 for a plain run.
    diagonal : Diagonal
    """
    name, text = sum_.line.name, sum_.line.expr
    when, order = schedule.CLOSE_SAMPLED
    where: dict[str, Any] = {
        "clock": None,
        "dt": interval,
        "slot": (when, order + sum_.level),
        "name": f"{item.name}_{name}_sampled_{round(float(interval) * 1e9)}",
    }
    if kernel is None or not kernel.dense:
        ListedSum(synapses, sum_.line, **where)
    elif item.trials:
        DenseProduct(synapses, {name: text}, trials=trials, diagonal=diagonal, **where)
    elif kernel.deferral is not None:
        add_sum(synapses, kernel.deferral, {name: kernel.deferral.sums[name]}, diagonal, **where)
    else:
        add_dense_sums(synapses, {name: text}, diagonal=diagonal, **where)
