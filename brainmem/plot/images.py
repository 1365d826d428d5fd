"""Figures of patterns that are pictures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import a, optional, takes
from brainmem.measure.checks import array
from brainmem.plot.style import VARIANTS, figure, styled

__all__ = ["digits"]


def _is_shape(given: Any) -> bool:
    whole = isinstance(given, list | tuple) and all(isinstance(side, int | np.integer) for side in given)
    return whole and len(given) == 2 and min(given) >= 1


@takes(ResultError, shape=optional(a("(rows, columns) of a picture", _is_shape)))
@styled
def digits(
    cue: ArrayLike,
    recalled_rate: ArrayLike | None,
    recalled_spiking: ArrayLike | None,
    target: ArrayLike,
    *,
    shape: tuple[int, int] | None = None,
) -> Figure:
    """Plot pictures: what was shown, what either variant recalled, and what was stored.

    Parameters
    ----------
    cue, target : (item, unit) or (item, row, column) float arrays
    recalled_rate, recalled_spiking : as `cue`, or None to leave a row out
    shape : (row, column), optional
        Of a picture whose units are flat; square when not given.
    """
    rows = {
        "cue": cue,
        "recalled, rate": recalled_rate,
        "recalled, spiking": recalled_spiking,
        "target": target,
    }
    if cue is None or target is None:
        raise ResultError("digits() needs pictures of the cue and of the target; give both.")
    pictures = {name: _pictures(values, name, shape) for name, values in rows.items() if values is not None}
    shapes = {values.shape for values in pictures.values()}
    if len(shapes) > 1:
        found = ", ".join(f"{name} {values.shape}" for name, values in pictures.items())
        raise ResultError(f"All rows must hold as many pictures of one size; got {found}.")
    columns = len(pictures["cue"])
    fig = figure(1.3 + 0.72 * columns, 0.2 + 0.76 * len(pictures))
    panels = fig.subplots(len(pictures), columns, squeeze=False)
    for line, (name, values) in zip(panels, pictures.items(), strict=True):
        limit = float(np.abs(values).max()) or 1.0
        for axes, picture in zip(line, values, strict=True):
            axes.imshow(picture, cmap="Greys", vmin=-limit if values.min() < 0 else 0, vmax=limit)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, linewidth=0.5)
        colour = VARIANTS.get(name.rpartition(" ")[2], {}).get("color", "black")
        line[0].set_ylabel(name.replace(", ", "\n"), rotation=0, ha="right", va="center", color=colour)
    return fig


def _pictures(values: ArrayLike, name: str, shape: tuple[int, int] | None) -> np.ndarray:
    values = array(values, name)
    if values.ndim == 3:
        return values
    if values.ndim != 2:
        raise ResultError(f"{name} must have the shape (item, unit) or (item, row, column), got {values.shape}.")
    side = math.isqrt(values.shape[1])
    shape = shape or (side, side)
    if math.prod(shape) != values.shape[1]:
        raise ResultError(f"{name} has {values.shape[1]} units, which do not fill pictures of {shape}; give shape=...")
    return values.reshape(-1, *shape)
