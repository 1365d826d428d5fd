"""Figures of single units: how well a network follows each, and what that looks like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import NAMES, SPAN, takes
from brainmem.intake.numbers import read_array
from brainmem.measure import unit_pvar
from brainmem.measure.checks import array
from brainmem.plot.style import GREY, VARIANTS, figure, styled

__all__ = ["unit_fits"]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito 2008


@takes(ResultError, step=SPAN, names=NAMES, regions=NAMES)
@styled
def unit_fits(
    targets: ArrayLike, rates: ArrayLike, *, step: float = 1.0, names: Sequence[str] = (), regions: Sequence[str] = ()
) -> Figure:
    """Plot the fraction of each unit's variance that a network explains, and the best, middle and worst of the units.

    The fraction is `measure.unit_pvar`, over all trials where there are several, of which the first is drawn. Units
    without data, or whose target is constant, have none: they are counted in the title and not drawn.

    Parameters
    ----------
    targets, rates : (time, unit) or (trial, time, unit) float arrays
        What was wanted, NaN where nothing was, and what the network does.
    step : float
        Seconds between samples.
    names, regions : sequence of str, optional
        Of the units; those of a region have one colour.

    Raises
    ------
    ResultError
        For arrays of other shapes, and names that do not fit.
    """
    targets = read_array(targets, what="targets", error=ResultError)
    rates = array(rates, "rates", least=2)
    if targets.shape != rates.shape or rates.ndim not in (2, 3):
        raise ResultError(
            f"targets and rates must have one shape (time, unit) or (trial, time, unit), got {targets.shape} and "
            f"{rates.shape}."
        )
    units = rates.shape[-1]
    if any(len(given) not in (0, units) for given in (names, regions)):
        raise ResultError(f"names= and regions= need one entry for each of the {units} units.")
    if not step > 0:
        raise ResultError(f"step={step!r} must be above 0.")
    pvars = unit_pvar(targets, rates)
    order = _best_first(pvars)
    if not len(order):
        raise ResultError("targets hold no unit that changes, so no share of a variance exists.")
    wanted, found = (values if values.ndim == 2 else values[0] for values in (targets, rates))
    fig = figure(8.2, 3.4)
    grid = fig.add_gridspec(3, 2, width_ratios=(1, 1.5))
    axes = fig.add_subplot(grid[:, 0])
    own = [regions[k] if regions else "" for k in order]
    for region, colour in zip(dict.fromkeys(regions or ("",)), _COLOURS * len(order), strict=False):
        place = [k for k, name in enumerate(own) if name == region]
        axes.plot(place, pvars[order][place], "o", color=colour, label=region or None, markersize=3)
    axes.axhline(0, color=GREY, linewidth=0.8)
    low, without = float(np.quantile(pvars[order], 0.02)), units - len(order)
    title = f"units ({without} without data)" if without else "units"
    axes.set(xlabel="unit, sorted", ylabel="pVar of the unit", ylim=(min(-0.05, max(low, -1.0)), 1.02), title=title)
    if regions:
        axes.legend(loc="lower left")
    time = step * np.arange(len(found))
    chosen = {"best": order[0], "middle": order[len(order) // 2], "worst": order[-1]}
    for row, (what, unit) in enumerate(chosen.items()):
        panel = fig.add_subplot(grid[row, 1])
        panel.plot(time, wanted[:, unit], color=GREY, label="recording")
        panel.plot(time, found[:, unit], color=VARIANTS["rate"]["color"], label="network", linewidth=1.0)
        panel.set_title(f"{what}: unit {names[unit] if names else unit}, pVar {pvars[unit]:.2f}")
        if row == 0:
            panel.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=2)
        if row == len(chosen) - 1:
            panel.set_xlabel("time (s)")
        else:
            panel.tick_params(labelbottom=False)
    return fig


def _best_first(pvars: np.ndarray) -> np.ndarray:
    """Return the units that have a pVar, the best first."""
    order = np.argsort(-pvars, kind="stable")
    return order[np.isfinite(pvars[order])]
