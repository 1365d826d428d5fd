"""What a run recorded in time: variables, and spikes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from brainmem.model.memory import MemoryModel
from brainmem.model.names import carrier_of
from brainmem.model.nouns import Observable
from brainmem.numbers.run import Numbers
from brainmem.simulation.arranged import Outputs, apart, cells_in, described, rows_run, unit_of, within
from brainmem.translation.controller import CONTROLLER, TRIAL
from brainmem.translation.recorded import Recorded
from brainmem.translation.text import Translation

__all__ = ["spikes", "traces"]


def traces(translated: Translation, numbers: Numbers, outputs: Outputs, dt: float) -> dict[str, xr.Variable]:
    """Return the variables recorded in time, and their times."""
    model = translated.model
    traced = [(item.owner, item.variable) for item in outputs if item.kind == "time" and item.variable != "t"]
    found = {}
    for owner, variable in traced:
        label = _trace_label(model, owner, variable, [name for _, name in traced])
        times = np.asarray(outputs[Recorded(owner, "t", "time")]) + dt  # Brian2 gives the time at which the step began
        values = np.asarray(outputs[Recorded(owner, variable, "time")])
        if item := next((item for item in model.observables if _is_trace_of(item, owner, variable)), None):
            ends = np.cumsum(outputs[Recorded(CONTROLLER, "elapsed", "steps")])
            steps = np.minimum(np.searchsorted(ends, times - dt / 2), len(ends) - 1)
            values = within(item, numbers, rows_run(outputs)[steps], values)
        dims, values = apart(translated, numbers, owner, values)
        unit = unit_of(translated.group(owner), variable)
        found[label] = described(("time", *dims), values, unit, f"{variable} in time")
        found["time"] = described("time", times, "s", "time of the state")
    return found


def _is_trace_of(item: Observable, owner: str, variable: str) -> bool:
    """Tell whether a variable of a group is an observable."""
    return item.name == variable and owner in (CONTROLLER, TRIAL, carrier_of(item.name))


def _trace_label(model: MemoryModel, owner: str, variable: str, traced: list[str]) -> str:
    """Return a name that no pattern, stimulus, observable or other trace has."""
    others = (*model.all_patterns, *model.observables)
    if owner in (CONTROLLER, TRIAL) or any(item.name == variable for item in others):
        return f"{variable}_trace"
    return f"{owner}_{variable}" if traced.count(variable) > 1 else variable


def spikes(translated: Translation, numbers: Numbers, outputs: Outputs, dt: float) -> dict[str, xr.Variable]:
    """Return the times of spikes, the cells that fired, and of trials in which."""
    owners = [item.owner for item in outputs if item.kind == "spikes" and item.variable == "i"]
    found = {}
    for owner in owners:
        dim = "spike" if len(owners) == 1 else f"{_units_of(translated, owner)}_spike"
        times = np.asarray(outputs[Recorded(owner, "t", "spikes")]) + dt
        found[f"{dim}_time"] = described(dim, times, "s", "time of spike: the end of its time step")
        cell = np.asarray(outputs[Recorded(owner, "i", "spikes")])
        if translated.trials:
            cells = cells_in(translated, numbers, owner)
            unit, trial = np.divmod(cell // cells, translated.trials)
            cell = unit * cells + cell % cells
            found[f"{dim}_trial"] = described(dim, trial, "1", "trial in which it fired")
        found[f"{dim}_cell"] = described(dim, cell, "1", "cell that fired")
    return found


def _units_of(translated: Translation, cells: str) -> str:
    """Return the population whose units a group of cells stands for."""
    return next(link.group for link in translated.group(cells).links.values() if link.each == "unit")
