"""Which operation runs when, within one time step.

All updates of a step read the state at its beginning (simultaneous Euler), which is what the
papers' own simulations do; Brian2's defaults would let synapses see neurons already advanced.
Every order that brainmem gives to a Brian2 object is named here.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from brainmem.errors import TranslationError

__all__ = [
    "ADVANCE",
    "AVERAGE",
    "CLEAR",
    "COUNT",
    "COUNT_TRIALS",
    "ENDED",
    "EPISODE",
    "HALT",
    "NEXT",
    "OBSERVE",
    "PERIODIC",
    "PLASTICITY",
    "RECORD",
    "RESTART",
    "RULE_EVENT",
    "SLOTS",
    "SNAPSHOT",
    "SUM",
    "SWEEP",
    "TRACE",
    "UNITS",
    "UNIT_EVENT",
    "sum_orders",
]

RESTART = ("before_start", -1)
SUM = ("groups", -40)
SWEEP = ("groups", -25)  # before weights change, so that fields fit them exactly
PLASTICITY = ("groups", -20)
PERIODIC = ("groups", -10)
COUNT = ("synapses", -3)
UNIT_EVENT = ("synapses", -2)
RULE_EVENT = ("synapses", 0)
UNITS = ("resets", 0)  # after all readings, so that events too see the traces at the step's beginning
TRACE = ("resets", 1)
OBSERVE = ("end", -1)
COUNT_TRIALS = ("end", 0)
ADVANCE = ("end", 1)
AVERAGE = ("end", 2)
ENDED = ("end", 3)
RECORD = ("end", 5)
EPISODE = ("end", 6)
SNAPSHOT = ("end", 29)  # of weights, after the changes that episodic rules make
CLEAR = ("end", 30)
NEXT = ("end", 31)
HALT = ("end", 32)

SLOTS = ("before_start", "start", "groups", "thresholds", "synapses", "resets", "end")


def sum_orders(depends: dict[str, set[str]]) -> dict[str, tuple[str, int]]:
    """Order summed variables so that each is formed after those it reads.

    Parameters
    ----------
    depends : dict of str to set of str
        ``"target.variable"`` of each summed variable and those it depends on.

    Raises
    ------
    TranslationError
        When a summed variable reads itself, or two depend on each other: no order can serve them.
    """
    sorter = TopologicalSorter(depends)
    try:
        ranked = tuple(sorter.static_order())
    except CycleError as error:
        raise TranslationError(_circle(error.args[1])) from error
    level: dict[str, int] = {}
    for name in ranked:
        level[name] = 1 + max((level[other] for other in depends.get(name, ())), default=-1)
    return {name: (SUM[0], SUM[1] + level[name]) for name in depends}


def _circle(ring: list[str]) -> str:
    if len(set(ring)) == 1:
        return (
            f"The summed variable {ring[0]} reads itself within one time step, while it is still being formed. "
            "Let it read a state variable (dx/dt) instead."
        )
    return (
        f"The summed variables {' -> '.join(ring)} depend on each other within one time step. "
        "Let one of them read a state variable (dx/dt) instead."
    )
