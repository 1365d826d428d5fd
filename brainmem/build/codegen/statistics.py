"""Form statistics over all synapses of a connection: means, quantiles, and values shuffled among the synapses.

Each statistic takes one pass that evaluates its expression for every synapse; a quantile then selects in a copy, and a
shuffle puts the values in the order of `brainmem.text.shuffles`.
"""

from __future__ import annotations

from typing import Any

from brian2 import NeuronGroup, Synapses
from brian2.devices.device import get_device
from brian2.groups.group import CodeRunner

from brainmem.build.codegen.dense import Diagonal, events_of
from brainmem.build.codegen.sites import SITE_FUNCTIONS
from brainmem.build.codegen.snapshot import flagged_class
from brainmem.build.codegen.watching import add_number
from brainmem.text.statistics import forms_statistics, read_statistics
from brainmem.translation.controller import SHUFFLE_SEED
from brainmem.translation.text import Operation, Pathway

__all__ = ["StatisticsPass", "add_statistics", "without_statistics"]


def add_statistics(
    synapses: Synapses,
    part: Operation | Pathway,
    *,
    controller: NeuronGroup,
    diagonal: Diagonal,
    period: Any = None,
    gates: tuple[str, ...] = (),
    dense: bool = False,
) -> bool:
    """Add what forms the statistics that a part of a connection sets, if that is what it does, and tell whether.

    Parameters
    ----------
    synapses : Synapses
    part : Operation or Pathway
    controller : NeuronGroup
        It holds the number that stands for the seed.
    diagonal : Diagonal
    period : Quantity, optional
        How often it runs; None for every time step, or where its event occurs.
    gates : tuple of str
        Postsynaptic variables each of which shuts it.
    dense : bool
        Whether the synapses are a matrix.
    """
    if not forms_statistics(part.code):
        return False
    StatisticsPass(synapses, part, controller, diagonal, period=period, gates=gates, dense=dense)
    return True


def without_statistics(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the parts of a connection that do not set statistics."""
    return tuple(part for part in parts if not forms_statistics(part.code))


class StatisticsPass(CodeRunner):
    """One run over the lines of statements that set statistics; see `add_statistics`."""

    def __init__(
        self,
        synapses: Synapses,
        part: Operation | Pathway,
        controller: NeuronGroup,
        diagonal: Diagonal,
        *,
        period: Any,
        gates: tuple[str, ...],
        dense: bool,
    ) -> None:
        self.synapses = synapses  # CodeRunner holds a weak reference only
        statistics = read_statistics(part.code)
        shuffles = any(item.kind == "shuffle" for item in statistics)
        side = part.side if isinstance(part, Pathway) else "pre"
        events = events_of(synapses, side, part.event) if part.event else ""
        own = self._counted(synapses, part.name, controller) if shuffles else {}
        ends = [] if dense else ["_synaptic_pre", "_synaptic_post"]
        device = get_device().code_object_class()
        super().__init__(
            group=synapses,
            template="statistics",
            clock=synapses._clock if period is None else None,
            dt=period,
            when=part.when,
            order=part.order,
            name=f"{synapses.name}_{part.name}",
            check_units=False,  # brainmem has checked the text
            codeobj_class=synapses.codeobj_class if dense else flagged_class(device),
            needed_variables=[*(item.variable for item in statistics), *gates, *own.values(), *ends,
                              "N_pre", "N_post", *filter(None, [events])],
            template_kwds={
                "_statistics": list(enumerate(statistics)),
                "_shuffles": shuffles,
                "_own": {key: synapses.variables[name] for key, name in own.items()},
                "_recurrent": _population(synapses.source) is _population(synapses.target),
                "_offset": diagonal.shift or 0,
                "_diagonal": diagonal.exists,
                "_shift": diagonal.shift,
                "_dense": dense,
                "_by_columns": dense and synapses.codeobj_class.generator_class.common == "_presynaptic_idx",
                "_starts": (getattr(synapses.source, "start", 0), getattr(synapses.target, "start", 0)),
                "_gate": [synapses.variables[gate] for gate in gates],
                "_when": synapses.variables[events] if events else None,
                "_changing": None,
            },
        )  # fmt: skip
        self.abstract_code = self.user_code = self._blocks(statistics, shuffles)
        synapses.contained_objects.append(self)

    def _counted(self, synapses: Synapses, name: str, controller: NeuronGroup) -> dict[str, str]:
        """Return the names of what orders of shuffles depend on: the seed, and how many updates came before."""
        seed = "_shuffle_seed"
        if seed not in synapses.variables:
            synapses.variables.add_reference(seed, controller, SHUFFLE_SEED)
        synapses.namespace.update(SITE_FUNCTIONS)
        return {"seed": seed, "update": add_number(synapses, f"_updates_{name}")}

    def _blocks(self, statistics: Any, shuffles: bool) -> dict[str, str]:
        blocks = {f"of_{k}": f"_synaptic_var = {item.of}" for k, item in enumerate(statistics)}
        blocks |= {f"q_{k}": f"_q_{k} = {item.q}" for k, item in enumerate(statistics) if item.q}
        return blocks | ({"order": "_drawn = site_uniform(0, 0, 0)"} if shuffles else {})  # functions of sites at hand


def _population(group: Any) -> Any:
    """Return the whole group of which this may be a part."""
    return getattr(group, "source", group)
