"""A state monitor that records only where a flag is set, e.g. all weights when an epoch ends.

Brian2's `StateMonitor` records at regular times; the ends of epochs are not regular when phases
have end conditions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from brian2 import NeuronGroup, StateMonitor, Synapses
from brian2.devices.device import RuntimeDevice, get_device

__all__ = ["snapshot_monitor"]


def snapshot_monitor(
    group: NeuronGroup | Synapses,
    variable: str,
    *,
    controller: NeuronGroup,
    flag: str,
    at: tuple[int, ...],
    clock: Any,
    size: int,
    slot: tuple[str, int],
    name: str,
) -> StateMonitor:
    """Return a monitor of a variable that records all of it where a variable of the controller has certain values.

    Parameters
    ----------
    group : NeuronGroup or Synapses
    variable : str
    controller : NeuronGroup
        A group of one unit with the variable `flag`.
    flag : str
        A whole number, 0 where nothing is recorded.
    at : tuple of int
        The values of `flag` at which it records; all but 0 when empty.
    clock : Clock
    size : int
        Number of synapses or units; standalone targets may not know it while they generate code.
    slot : (str, int)
        When in a time step it records, and in which order there.
    name : str
    """
    when, order = slot
    # The templates record all synapses. The runtime device's array gets its width from the list of indices; compiled
    # programs need no such list, which would be half as large as the weights.
    monitor = StateMonitor(
        group,
        variable,
        record=np.arange(size) if isinstance(get_device(), RuntimeDevice) else [0],
        clock=clock,
        when=when,
        order=order,
        name=name,
        codeobj_class=flagged_class(get_device().code_object_class()),
    )
    monitor.variables.add_constant("_size", size)
    monitor.variables.add_reference("_flag", controller, flag, index="0")
    monitor.template_kwds = {**monitor.template_kwds, "_at": at}
    monitor.template = "snapshot"
    return monitor


@lru_cache
def flagged_class(base: type) -> type:
    """Derive the active target's code object class with our templates in front of its own."""
    return type(f"Snapshot{base.__name__}", (base,), {"templater": base.templater.derive("brainmem.build.codegen")})
