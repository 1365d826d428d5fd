"""Trials that show an item each, as the steps of a run that shows the items one after the other."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["STATE_OF", "apart_by_item"]

STATE_OF = "state_of"  # the attribute that names what a variable of a result is the state of, as the run ended


def apart_by_item(data: xr.Dataset) -> xr.Dataset:
    """Return the dataset of trials that show an item each as one without trials, whose steps are those of each trial.

    What has trials and no steps, as what was recorded in time, is left out, and so is the state in which the run ended.
    """
    data = _ended_apart(data.drop_vars([name for name, item in data.variables.items() if STATE_OF in item.attrs]))
    items = data["trial_item"].values
    found = {str(name): _apart(str(name), array, items) for name, array in data.variables.items()}
    attributes = {name: value for name, value in data.attrs.items() if name != "streams"}
    return xr.Dataset({name: item for name, item in found.items() if item is not None}, attrs=attributes)


def _ended_apart(data: xr.Dataset) -> xr.Dataset:
    """Return a dataset in which the ends of steps are those of each trial, where each has one of its own."""
    own = {f"step_{name}": f"trial_{name}" for name in ("duration", "fulfilled") if f"trial_{name}" in data}
    return data.assign({name: data[of_trials] for name, of_trials in own.items()}).drop_vars(own.values())


def _apart(name: str, array: xr.Variable, items: np.ndarray) -> xr.Variable | None:
    """Return a variable whose rows for steps, or for items, are those of single trials; None where it has none."""
    first, *others = (str(dim) for dim in array.dims) if array.dims else ("",)
    of_trials = "trial" in others
    others = [dim for dim in others if dim != "trial"]
    if first == name and first.endswith("_step"):  # an axis with the numbers of steps
        values = np.add.outer(array.values * len(items), np.arange(len(items)))
        return xr.Variable(first, values.ravel(), array.attrs)
    if name == "step_item":
        return xr.Variable(first, np.tile(items, array.size), array.attrs)
    if first == "step" or first.endswith("_step"):
        values = array.values.reshape(-1, *array.shape[2:]) if of_trials else array.values.repeat(len(items), axis=0)
        return xr.Variable([first, *others], values, array.attrs)
    if of_trials and first.endswith("item"):  # a pattern that reads the number of the trial
        values, known = array.values[:, 0].copy(), items < len(array)  # what no step reads may have fewer
        values[items[known]] = array.values[items[known], np.flatnonzero(known)]
        return xr.Variable([first, *others], values, array.attrs)
    return None if of_trials or first == "trial" or first.endswith("spike") else array
