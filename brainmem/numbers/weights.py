"""Start weights of a projection: drawn from their text, or given, without the synapses that it lacks."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Projection
from brainmem.model.reading import used_names
from brainmem.text import draw
from brainmem.text.item_sums import Rows, weight_forms
from brainmem.text.slices import Ends
from brainmem.translation.text import Initial

__all__ = ["check_shared", "draw_weights", "present"]


def draw_weights(
    model: MemoryModel,
    projection: Projection,
    ends: Ends,
    item: Initial,
    names: Mapping[str, Any],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the values of a synaptic variable as its text draws them, ``[post, pre]`` of the units that are joined.

    The text may sum over the items of patterns of these units; see `brainmem.text.item_sums`.

    Raises
    ------
    RuleError
        For what `draw` refuses, and for sums over patterns of different numbers of items.
    """
    sides = ((projection.target, ends.target), (projection.source, ends.source))
    tables = (
        {p.name: names[p.name][:, slice(*units)] for p in model.all_patterns if p.population == name and not p.every}
        for name, units in sides
    )
    forms = weight_forms(Rows(*tables), rng, ends.shape)
    try:
        return draw(item.draw, names=names, rng=rng, shape=ends.shape, forms=forms)
    except RuleError as error:
        where = f"Model {model.name!r}, projection {projection.name!r}, initial[{item.variable!r}]"
        raise RuleError(f"{where}: {error}") from error


def check_shared(item: Initial, own: Collection[str]) -> None:
    """Refuse start weights, which all trials share, that are made from patterns of which every trial has its `own`."""
    read = sorted(set(own) & used_names([item.draw]))
    if read:
        raise RuleError(
            f"The start weights {item.draw!r} of {item.owner!r} are made from {read[0]!r}, of which every trial has "
            f"its own, but all trials share their weights. Give them: weights={{{item.owner!r}: ...}}."
        )


def present(matrix: np.ndarray, ends: Ends, model: MemoryModel, projection: Projection) -> np.ndarray:
    """Return given weights with zeros for the self-connections that the network lacks, and say so if they were set."""
    diagonal = matrix[~ends.present]
    if not diagonal.any():
        return matrix
    warnings.warn(
        f"Model {model.name!r}: projection {projection.name!r} has no self-connections, so the diagonal of the weights "
        f"given for it ({np.count_nonzero(diagonal)} values other than 0, up to {np.abs(diagonal).max():g}) is left "
        "out; the result holds zeros there. Set the diagonal to 0 yourself, or use "
        "Projection(..., self_connections=True).",
        stacklevel=2,
    )
    return np.where(ends.present, matrix, 0.0)
