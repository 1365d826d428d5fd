"""What lists of pairs form beside Brian2's sums: in slots of their own, also the least and greatest of many values."""

from __future__ import annotations

from typing import Any

from brian2 import Synapses
from brian2.devices.device import get_device
from brian2.groups.group import CodeRunner

from brainmem.build.codegen.dense import events_of
from brainmem.build.codegen.snapshot import flagged_class
from brainmem.model.reading import extreme_of
from brainmem.text.equations import Equation

__all__ = ["ListedSum"]


class ListedSum(CodeRunner):
    """Form a summed variable of a list of pairs in a slot of its own.

    Parameters
    ----------
    synapses : Synapses
        Connected, from Brian2.
    line : Equation
        ``u_post = w*x_pre : 1 (summed)``, with ``min`` or ``max`` for the least or greatest value in place of the sum.
    clock, dt : Clock, Quantity
        When it runs; one of the two.
    slot : (str, int)
        Where in a time step.
    name : str
    side, event : str, optional
        The end, ``"pre"`` or ``"post"``, whose event it is without which nothing runs.
    """

    def __init__(
        self,
        synapses: Synapses,
        line: Equation,
        *,
        clock: Any,
        slot: tuple[str, int],
        name: str,
        dt: Any = None,
        side: str = "pre",
        event: str = "",
    ) -> None:
        extreme, events = extreme_of(line), events_of(synapses, side, event) if event else ""
        end, target = ("pre", synapses.source) if line.name.endswith("_pre") else ("post", synapses.target)
        size, index = f"N_{end}", f"_synaptic_{end}"
        super().__init__(
            group=synapses,
            template="extreme" if extreme else "summed_variable",
            code=f"_synaptic_var = {line.expr}",
            needed_variables=[line.name, size, index, *filter(None, [events])],
            clock=clock,
            dt=dt,
            when=slot[0],
            order=slot[1],
            name=name,
            check_units=False,  # brainmem has checked the text
            codeobj_class=flagged_class(get_device().code_object_class()) if extreme else None,
            template_kwds={
                "_target_var": synapses.variables[line.name],
                "_target_size_name": size,
                "_index_var": synapses.variables[index],
                "_target_start": getattr(target, "start", 0),
                "_target_stop": getattr(target, "stop", -1),
                "_least": extreme == "min",
                "_when": synapses.variables[events] if events else None,
            },
        )
        synapses.contained_objects.append(self)
