"""Visit the units of a group one at a time, in a fresh random order, and let summed fields follow every change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2 import NeuronGroup, Synapses
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.devices.device import get_device
from brian2.groups.group import CodeRunner

from brainmem.build.codegen.dense import dense_class
from brainmem.build.codegen.sites import SITE_FUNCTIONS
from brainmem.build.codegen.watching import COPY, UNWATCHED, Watch
from brainmem.build.kernels import Kernel
from brainmem.text.equations import identifiers, rename
from brainmem.translation.controller import CONTROLLER, TRIAL, VISIT_SEED, stop_apart
from brainmem.translation.sequential import with_site_draws
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Translation, Visits

__all__ = ["UnitVisits", "add_visits"]


def add_visits(
    translated: Translation,
    kernels: Mapping[str, Kernel],
    groups: Mapping[str, NeuronGroup],
    synapses: Mapping[str, Synapses],
) -> None:
    """Add the visits of every group whose units are updated one at a time."""
    for item in (item for item in translated.groups if item.visits):
        name = item.visits.projection
        UnitVisits(
            groups[item.name],
            item.visits,
            synapses[name] if name else None,
            groups[CONTROLLER],
            Trials(translated.trials, groups[TRIAL] if translated.trials and stop_apart(translated.model) else None),
            diagonal=bool(name) and translated.connection(name).pairs is Pairs.ALL,
            dense=name in kernels and kernels[name].dense,
        )


@dataclass(frozen=True)
class Trials:
    """How many trials run at once, 0 for a plain run, and the group that knows which of them have stopped, if any."""

    count: int
    stops: NeuronGroup | None = None


class UnitVisits(CodeRunner):
    """One visit to each unit in every time step.

    The statement of a visit is Brian2's own generated code, run for one unit. Where it has changed the state of unit
    ``k``, the sums over the synapses of `synapses` follow, which touches column ``k`` of the weights.

    Parameters
    ----------
    units : NeuronGroup
    sweep : Visits
    synapses : Synapses or None
        From `units` to `units`, presynaptic-major (see `dense_synapses`), or a list of all pairs.
    controller : NeuronGroup
        It holds the number that stands for the seed.
    trials : Trials
    diagonal : bool
        Whether a unit's synapse to itself exists.
    dense : bool
        Whether the synapses are a matrix. Its sums are formed here, of several trials in a `DenseProduct` before;
        those of a list are formed by Brian2.
    """

    def __init__(
        self,
        units: NeuronGroup,
        sweep: Visits,
        synapses: Synapses | None,
        controller: NeuronGroup,
        trials: Trials,
        *,
        diagonal: bool,
        dense: bool,
    ) -> None:
        group = units if synapses is None else synapses
        sums = {f"sum_{k}": name for k, name in enumerate(sweep.sums)} if dense else {}
        end = "" if synapses is None else "_post"
        single = units.variables[sweep.state].dtype == np.float32
        visit = with_site_draws(sweep.code, f"(i{end}//{trials.count})" if trials.count else f"i{end}", single=single)
        if trials.stops is not None:
            group.variables.add_reference("_stopped", trials.stops, "stopped")
        written = [units.variables[name] for name in (sweep.state, sweep.change)]
        written += [units.variables[name.removesuffix("_post")] for name in sweep.sums]
        group.variables.add_reference("_seed", controller, VISIT_SEED)
        group.variables.add_reference("_sweep", units.clock, "timestep")
        group.variables.add_array("site_key", size=1, dtype=np.float64, scalar=True)
        group.namespace.update(SITE_FUNCTIONS)
        watch = Watch(synapses, sweep.sums.values()) if synapses is not None and sums else None
        forms = bool(sums) and not trials.count  # of several trials, they are formed before, as a product
        super().__init__(
            group=group,
            template="sweep",
            clock=units.clock,
            when=sweep.when,
            order=sweep.order,
            name=f"{units.name}_sweep",
            check_units=False,  # brainmem has checked the text
            needed_variables=[
                f"{sweep.state}{end}",
                f"{sweep.change}{end}",
                *sweep.sums,
                *("_seed", "_sweep", "site_key", *(["_stopped"] if trials.stops is not None else [])),
                *(watch.needed if watch else ()),
            ],
            codeobj_class=dense_class(get_device().code_object_class(), presynaptic_first=True),
            template_kwds={
                "_units": len(units) // (trials.count or 1),
                "_spread": trials.count,
                "_stops": None if trials.stops is None else trials.stops.variables["stopped"],
                "_apart": lambda variables: _of_units(variables, len(units)),
                "_written": written,
                "_place": sweep.place,
                "_unit": "_idx" if synapses is None else "_postsynaptic_idx",
                "_state": units.variables[sweep.state],
                "_change": units.variables[sweep.change],
                "_sums": {block: units.variables[name.removesuffix("_post")] for block, name in sums.items()},
                "_follows": bool(sweep.follow),
                "_diagonal": diagonal,
                "_by_columns": True,
                "_listed": not dense,
                **(watch.keywords if watch else UNWATCHED),
                "_forms": forms,
            },
        )
        self.abstract_code = self.user_code = {
            "order": "_drawn = site_uniform(site_key, 0, 0)",  # so that the functions of sites are at hand
            "visit": rename(visit, {name: f"{name}{end}" for name in identifiers(visit) & own_names(units)}),
            "follow": "\n".join(f"{name} += {term}" for name, term in sweep.follow.items()),
            **{block: f"_synaptic_var = {sweep.sums[name]}" for block, name in sums.items() if forms},
        }
        group.contained_objects.append(self)


def _of_units(variables: Mapping[str, Any], size: int) -> list[ArrayVariable]:
    """Return the arrays of code that have an element for each unit, each once."""
    found = {
        id(item): item
        for name, item in sorted(variables.items())
        if isinstance(item, ArrayVariable) and not isinstance(item, DynamicArrayVariable)
        if not item.scalar and item.size == size and not name.startswith(COPY)
    }
    return list(found.values())


def own_names(units: NeuronGroup) -> set[str]:
    """Return the names that synapses read as ``name_post``."""
    return {"N", *units.equations.names}
