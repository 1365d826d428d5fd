"""Sums over matrices of synapses onto their presynaptic units, and the one function that forms sums onto either end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brian2 import Synapses

from brainmem.build.codegen.dense import DenseCode, DenseStep, Diagonal

__all__ = ["DenseTransposed", "add_dense_sums"]


class DenseTransposed(DenseCode):
    """Form sums over the postsynaptic side, one for each presynaptic unit.

    Parameters
    ----------
    synapses : Synapses
        From `dense_synapses`.
    sums : mapping of str to str
        Summed variables and their expressions, ``{"v_pre": "w*y_post"}``.
    diagonal, clock, dt, slot, name, event, side, once
        See `DenseStep`.
    """

    def __init__(
        self,
        synapses: Synapses,
        sums: Mapping[str, str],
        *,
        diagonal: Diagonal,
        clock: Any,
        slot: tuple[str, int],
        name: str,
        dt: Any = None,
        event: str = "",
        side: str = "pre",
        once: bool = False,
    ) -> None:
        super().__init__(
            synapses,
            "dense_transposed",
            diagonal=diagonal,
            clock=clock,
            slot=slot,
            name=name,
            dt=dt,
            needed=tuple(sums),
            event=event,
            side=side,
            once=once,
            _sums={f"sum_{k}": synapses.variables[variable] for k, variable in enumerate(sums)},
        )
        code = {f"sum_{k}": f"_synaptic_var = {expression}" for k, expression in enumerate(sums.values())}
        self.abstract_code = self.user_code = code


def add_dense_sums(synapses: Synapses, sums: Mapping[str, str], **options: Any) -> None:
    """Form sums, all onto postsynaptic or all onto presynaptic units; see `DenseStep` for the options."""
    if all(name.endswith("_pre") for name in sums):
        DenseTransposed(synapses, sums, **options)
    else:
        DenseStep(synapses, sums, None, **options)
