"""Weights on their way to a device and back: in the order of its synapses, and after epochs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from brainmem.numbers.run import Numbers
from brainmem.simulation.records import LAST, Records, When
from brainmem.text.equations import read_equations
from brainmem.text.slices import Ends
from brainmem.translation.recorded import Recorded
from brainmem.translation.text import Translation

__all__ = ["flatten", "matrix_of", "weights_after"]

Matrices = dict[int, np.ndarray]


def weights_after(
    translated: Translation,
    numbers: Numbers,
    records: Records,
    outputs: Mapping[Recorded, np.ndarray],
    *,
    ended: np.ndarray,
    dense: Mapping[str, str],
) -> dict[str, xr.Variable]:
    """Return the synaptic variables that were asked for, (epoch, post, pre), and their axes.

    Variables kept after the same epochs share the axis ``epoch``; otherwise each has one of its own.

    Parameters
    ----------
    ended : array of int
        The numbers of the epochs that ended, in their order.
    dense
        See `flatten`.
    """
    kept = {
        key: _matrices(translated, numbers, key, when, outputs, ended=ended, first=dense.get(key.split(".")[0]))
        for key, when in records.synaptic.items()
    }
    shared = len({tuple(matrices) for matrices in kept.values()}) == 1
    found: dict[str, Any] = {}
    for key, matrices in kept.items():
        owner, variable = key.split(".")
        epoch = "epoch" if shared else f"{owner}_{variable}_epoch"
        dims = (epoch, f"{owner}_post", f"{owner}_pre") if len(numbers.weights) > 1 else (epoch, "post", "pre")
        lines = read_equations(translated.connection(owner).equations)
        unit = next(line.unit for line in lines if line.name == variable)
        values = np.stack(list(matrices.values())) if matrices else np.empty((0, *numbers.ends[owner].shape))
        found[f"{owner}_{variable}"] = _variable(dims, values, unit, f"{variable} after epochs")
        found |= _numbers(numbers.ends[owner], dims)
        found[epoch] = _variable((epoch,), np.array(list(matrices), int), "1", "epoch (or entry beside them), 0 before")
    return found


def _matrices(
    translated: Translation,
    numbers: Numbers,
    key: str,
    when: When,
    outputs: Mapping[Recorded, np.ndarray],
    *,
    ended: np.ndarray,
    first: str | None,
) -> Matrices:
    """Return a variable by the epochs after which it was kept, 0 for the start."""
    owner, variable = key.split(".")
    ends, start = numbers.ends[owner], numbers.weights[key]
    if translated.trials:
        return {0: start}
    recorded: Matrices = {}
    for item, rows in outputs.items():
        if item[:3] == (owner, variable, "epochs"):
            epochs = [epoch for epoch in ended.tolist() if epoch in item.at or not item.at]
            recorded |= {epoch: matrix_of(ends, row, first) for epoch, row in zip(epochs, rows, strict=True)}
    if (last := outputs.get(Recorded(owner, variable, "end"))) is not None:
        recorded[int(ended[-1])] = matrix_of(ends, last, first)
    wanted = {0, *ended.tolist()} if when is None else {ended[-1] if epoch == LAST else epoch for epoch in when}
    recorded[0] = start
    return {int(epoch): recorded.get(epoch, start) for epoch in sorted(wanted) if epoch in {0, *ended.tolist()}}


def _variable(dims: tuple[str, ...], values: np.ndarray, units: str, long_name: str) -> xr.Variable:
    return xr.Variable(dims, values, {"units": units, "long_name": long_name})


def _numbers(ends: Ends, dims: tuple[str, ...]) -> dict[str, xr.Variable]:
    """Return the numbers of the units that weights join, where these are a part of their population."""
    parts = zip(dims[1:], (ends.target, ends.source), reversed(ends.sizes), strict=True)
    return {
        dim: _variable((dim,), np.arange(*span), "1", "number of the unit in its population")
        for dim, span, size in parts
        if span != (0, size)
    }


def matrix_of(ends: Ends, flat: np.ndarray, first: str | None) -> np.ndarray:
    """Undo `flatten`."""
    post, pre = ends.shape
    if first is not None:
        return flat.reshape(post, pre) if first == "post" else flat.reshape(pre, post).T
    matrix = np.zeros((pre, post))
    matrix[ends.present.T] = flat
    return matrix.T


def flatten(
    translated: Translation,
    owner: str,
    matrix: np.ndarray,
    ends: Ends,
    dense: Mapping[str, str] = MappingProxyType({}),
) -> np.ndarray:
    """Return a matrix ``[post, pre]`` in the order of the device's synapses.

    `dense` tells which side stands first in the matrices of dense connections; Brian2's list is presynaptic-major,
    leaves out absent pairs and has synapses of its own for every trial.
    """
    if owner in dense:
        return np.ascontiguousarray(matrix if dense[owner] == "post" else matrix.T).ravel()
    columns = np.ascontiguousarray(matrix.T)
    trials = translated.trials or 1
    return np.repeat(columns, trials, axis=0)[np.repeat(ends.present.T, trials, axis=0)]
