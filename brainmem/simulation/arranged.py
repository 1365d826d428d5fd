"""What a run wrote as variables of a dataset: with dimensions and units, the trials apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Observable
from brainmem.numbers.run import Numbers
from brainmem.text.equations import read_equations
from brainmem.translation.controller import CONTROLLER, TRIAL
from brainmem.translation.recorded import Recorded
from brainmem.translation.text import Group, Translation

__all__ = ["Outputs", "apart", "cells_in", "described", "dim_of", "rows_run", "unit_of", "within"]

Outputs = Mapping[Recorded, np.ndarray]


def described(dims: str | tuple[str, ...], values: ArrayLike, units: str, long_name: str) -> xr.Variable:
    """Return values with their unit and what they are."""
    return xr.Variable(dims, values, {"units": units, "long_name": long_name})


def within(item: Observable, numbers: Numbers, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values of an observable at these rows of the plan, nan where it is not evaluated."""
    if not item.during:
        return values
    inside = numbers.plan.by_phase(lambda phase: phase.name in item.during)
    return np.where(inside[rows][:, None], values, np.nan)


def rows_run(outputs: Outputs) -> np.ndarray:
    """Return the rows of the plan that have run; conditions of repetitions pass over some."""
    return np.rint(np.ravel(outputs[Recorded(CONTROLLER, "step", "steps")])).astype(int)


def apart(
    translated: Translation, numbers: Numbers, owner: str, values: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the dimensions and values of a group's units, given as (row, unit), with the trials apart."""
    model = translated.model
    dim = dim_of(model, owner) if any(p.name == owner for p in model.populations) else f"{owner}_index"
    if not translated.trials or owner == CONTROLLER:
        return (dim,), values
    if owner == TRIAL:
        return ("trial",), values
    by_trial = values.reshape(len(values), -1, translated.trials, cells_in(translated, numbers, owner))
    return ("trial", dim), np.swapaxes(by_trial, 1, 2).reshape(len(values), translated.trials, -1)


def cells_in(translated: Translation, numbers: Numbers, owner: str) -> int:
    """Return how many cells of the group `owner` stand for one unit."""
    return int(numbers.parameters["cells_per_unit"]) if translated.group(owner).size.cells else 1


def dim_of(model: MemoryModel, population: str) -> str:
    """Return ``"unit"`` for the only population, or the only one with a rate."""
    main = [p.name for p in model.populations if p.rate] or [p.name for p in model.populations]
    return "unit" if main == [population] else f"{population}_unit"


def unit_of(item: Group, variable: str) -> str:
    """Return the unit of a variable of a group."""
    return next(line.unit for line in read_equations(item.equations) if line.name == variable)
