"""Take steps, epochs and trials out of a result's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from brainmem.errors import ResultError

__all__ = ["keep", "keep_epochs", "keep_item", "keep_steps", "keep_trial"]


def keep(data: xr.Dataset, column: str, wanted: list[Any]) -> xr.Dataset:
    """Return the steps in whose `column` one of the values `wanted` stands, each of which must occur."""
    present = np.unique(data[column].values)
    for value in wanted:
        if value not in present:
            noun = column.removeprefix("step_")
            raise ResultError(
                f"No step of the result has the {noun} {value!r}. It has: {', '.join(map(str, present)) or 'none'}."
            )
    return keep_steps(data, np.isin(data[column].values, wanted))


def keep_steps(data: xr.Dataset, kept: np.ndarray) -> xr.Dataset:
    """Return the steps where `kept` is true; what was recorded at the ends of some phases alone goes with them.

    Mean rates of some phases alone stand along the steps where all of these have them.
    """
    for axis in [str(dim) for dim in data.dims if str(dim).endswith("_step") and str(dim) in data.coords]:
        data = data.isel({axis: kept[data[axis].values]})
        data = data.assign_coords({axis: data[axis].copy(data=np.cumsum(kept)[data[axis].values] - 1)})
    data = data.isel(step=kept)
    for axis in [str(dim) for dim in data.dims if str(dim).startswith("mean_") and str(dim).endswith("_step")]:
        if axis in data.coords and data.sizes[axis] == data.sizes["step"]:
            data = _along_steps(data, axis)
    return data


def _along_steps(data: xr.Dataset, axis: str) -> xr.Dataset:
    """Return a dataset in which what stands along an axis of its own, and has all steps, stands along the steps."""
    own = {str(name): array.variable for name, array in data.data_vars.items() if axis in array.dims}
    moved = {
        name: xr.Variable(["step" if dim == axis else dim for dim in item.dims], item.values, item.attrs)
        for name, item in own.items()
    }
    return data.drop_vars([*own, axis]).assign(moved)


def keep_epochs(data: xr.Dataset, wanted: list[int]) -> xr.Dataset:
    """Return the steps and the weight snapshots of some epochs; 0 is the snapshot before learning."""
    if any(wanted):
        data = keep(data, "step_epoch", [value for value in wanted if value != 0])
    else:
        data = keep_steps(data, np.zeros(data.sizes["step"], dtype=bool))
    axes = [str(dim) for dim in data.dims if str(dim) == "epoch" or str(dim).endswith("_epoch")]
    return data.isel({axis: np.isin(data[axis].values, wanted) for axis in axes if axis in data.coords})


def keep_trial(data: xr.Dataset, trial: int) -> xr.Dataset:
    """Return the arrays and the spikes of one trial."""
    count = data.sizes.get("trial", 0)
    if trial not in range(count):
        none = "It has no trials: it was run without trials=, was laid out by item, or is one of them already"
        held = f"It has trials 0 to {count - 1}" if count else none
        raise ResultError(f"The result has no trial {trial!r}. {held}.")
    for name in [str(name) for name in data.variables if str(name).endswith("spike_trial")]:
        data = data.isel({str(data[name].dims[0]): data[name].values == trial}).drop_vars(name)
    data = data.isel(trial=trial)
    if "trial_item" not in data.coords:
        return data
    item = data["step_item"].copy(data=np.full(data.sizes["step"], int(data["trial_item"])))
    return data.drop_vars("trial_item").assign(step_item=item)


def keep_item(data: xr.Dataset, item: int) -> xr.Dataset:
    """Return the steps of an item, or the trial that shows it."""
    if "trial_item" not in data.coords:
        return keep(data, "step_item", [item])
    items = data["trial_item"].values
    if item not in items:
        raise ResultError(f"No trial of the result shows the item {item!r}. They show {items[0]} to {items[-1]}.")
    return keep_trial(data, int(np.flatnonzero(items == item)[0]))
