"""Ranks of units, found by sorting them: what sums over all pairs of them count."""

from __future__ import annotations

from typing import Any

from brian2 import NeuronGroup
from brian2.devices.device import get_device
from brian2.groups.group import CodeRunner

from brainmem.build.codegen.snapshot import flagged_class
from brainmem.text.equations import Equation, read_equations
from brainmem.text.ranking import compared
from brainmem.translation import schedule
from brainmem.translation.moments import Sum
from brainmem.translation.text import Connection

__all__ = ["Ranking", "add_ranks", "add_sampled_rank"]


class Ranking(CodeRunner):
    """Set a variable of units to how many of them stand before each.

    Parameters
    ----------
    group : NeuronGroup
    line : Equation
        The sum over pairs that it stands for, as `brainmem.text.ranking.before` writes it.
    trials : int
        Trials run at once, each of which is ranked by itself, 0 for a plain run. Unit ``i`` of trial ``b`` is element
        ``i*trials + b``.
    clock, dt : Clock, Quantity
        When it runs; one of the two.
    slot : (str, int)
        Where in a time step.
    name : str
    event : str, optional
        The event of the units without which nothing runs.
    """

    def __init__(
        self,
        group: NeuronGroup,
        line: Equation,
        *,
        trials: int,
        clock: Any,
        slot: tuple[str, int],
        name: str,
        dt: Any = None,
        event: str = "",
    ) -> None:
        self.units = group  # CodeRunner holds a weak reference only
        rank, events = line.name.removesuffix("_post"), f"_{event}space" if event else ""
        super().__init__(
            group=group,
            template="ranked",
            code=f"_key = {compared(line.expr)}",
            needed_variables=[rank, *filter(None, [events])],
            clock=clock,
            dt=dt,
            when=slot[0],
            order=slot[1],
            name=name,
            check_units=False,  # brainmem has checked the text
            codeobj_class=flagged_class(get_device().code_object_class()),
            template_kwds={
                "_rank": group.variables[rank],
                "_trials": trials or 1,
                "_when": group.variables[events] if events else None,
            },
        )
        group.contained_objects.append(self)


def add_ranks(group: NeuronGroup, item: Connection, trials: int) -> None:
    """Rank the units of a group wherever a connection of it with itself sums that up."""
    lines = {line.name: line for line in read_equations(item.equations)}
    for name, slot in item.always_formed.items():
        Ranking(group, lines[name], trials=trials, clock=group.clock, slot=slot, name=f"{item.name}_{name}")
    for path in item.pathways:
        where = {"clock": group.clock, "slot": (path.when, path.order), "name": f"{item.name}_{path.name}"}
        Ranking(group, lines[path.sum_], trials=trials, event=path.event, **where)


def add_sampled_rank(group: NeuronGroup, sum_: Sum, *, interval: Any, trials: int) -> None:
    """Rank the units of a group again at the end of a time step, every `interval`."""
    when, order = schedule.CLOSE_SAMPLED
    name = f"{sum_.connection}_{sum_.line.name}_sampled_{round(float(interval) * 1e9)}"
    Ranking(group, sum_.line, trials=trials, clock=None, dt=interval, slot=(when, order + sum_.level), name=name)
