"""Figures of currents between the regions of a network."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, takes
from brainmem.measure import region_shares
from brainmem.plot.style import figure, styled

__all__ = ["MOST_REGIONS", "region_currents"]

MOST_REGIONS = 12  # that fit on a page


@takes(ResultError, top=NUMBER)
@styled
def region_currents(currents: xr.DataArray, *, top: float = 0.99) -> Figure:
    """Plot the current that each region receives from each, one panel a pair: rows are targets, columns are sources.

    Units of a target are sorted by when their whole current is greatest, in the same order in a row of panels. The
    colours of all panels are the same. Titles give the share of the variance of the target's current.

    Parameters
    ----------
    currents : xarray.DataArray
        What `measure.region_currents` returns; of several trials the mean is shown.
    top : float
        The part of all values, sizes alone, that the colours tell apart.

    Raises
    ------
    ResultError
        For something else, or more regions than fit on a page.
    """
    if not isinstance(currents, xr.DataArray) or not {"target region", "source region", "unit", "time"} <= {
        *currents.dims
    }:
        raise ResultError("currents must be what measure.region_currents() returns.")
    names = [str(name) for name in currents["target region"].values]
    if len(names) > MOST_REGIONS:
        raise ResultError(
            f"{len(names)} regions have {len(names) ** 2} panels; at most {MOST_REGIONS} regions are drawn."
        )
    if not 0 < top <= 1:
        raise ResultError(f"top={top!r} must lie above 0 and at most at 1.")
    shares = region_shares(currents).share
    shown = currents.mean("trial") if "trial" in currents.dims else currents
    limit = float(np.nanquantile(np.abs(shown.values), top)) or 1.0
    side = max(1.5, min(2.6, 9 / len(names)))
    fig = figure(1.2 + side * len(names), 0.9 + side * len(names))
    panels = fig.subplots(len(names), len(names), squeeze=False, sharex=True, sharey="row")
    time = shown.time.values
    for row, target in enumerate(names):
        total = shown.isel({"target region": row}).sum("source region", skipna=False).values
        kept = np.flatnonzero(np.isfinite(total).all(axis=1))
        order = kept[np.argsort(np.argmax(total[kept], axis=1), kind="stable")]
        for column, source in enumerate(names):
            axes = panels[row, column]
            table = shown.isel({"target region": row, "source region": column}).values[order]
            image = axes.imshow(
                table, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest",
                extent=(time[0], time[-1], len(order), 0),
            )  # fmt: skip
            share = float(shares.isel({"target region": row, "source region": column}))
            axes.set_title(f"{source} → {target}   {100 * share:.0f} %")
            axes.xaxis.set_major_locator(MaxNLocator(3))
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        panels[row, 0].set_ylabel(f"unit of {target}, sorted")
    for axes in panels[-1]:
        axes.set_xlabel("time (s)")
    bar = fig.colorbar(image, ax=panels, shrink=0.8, aspect=30, extend="both")
    bar.set_label("current")
    bar.outline.set_visible(False)
    return fig
