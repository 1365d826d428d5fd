"""Currents that regions of a recurrent network receive from each other, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import NAMES, NUMBER, takes
from brainmem.measure.checks import array

__all__ = ["region_currents", "region_shares", "region_weights"]

PAIR = ("target region", "source region")


@takes(ResultError, regions=NAMES, units=NAMES, step=NUMBER)
def region_currents(
    weights: ArrayLike, rates: ArrayLike, regions: Sequence[str], *, units: Sequence[str] = (), step: float = 1.0
) -> xr.DataArray:
    """Return the current that each unit receives from each region, ``sum_j J_ij r_j(t)`` over the j of a region.

    All sources together are the recurrent current of the unit (Perich et al. 2020, current-based decomposition).

    Parameters
    ----------
    weights : (post, pre) float array
    rates : (time, unit) or (trial, time, unit) float array
        Of the same units.
    regions : sequence of str
        The region of each unit.
    units : sequence of str, optional
        Names of the units; their numbers when not given.
    step : float
        Seconds between samples, for the coordinate ``time``.

    Returns
    -------
    xarray.DataArray, (target region, source region, unit, time)
        With `rates` of several trials behind a dimension ``trial``. ``unit`` counts the units of the target region,
        whose names the coordinate ``unit_name`` holds; NaN where a region has fewer than the largest.

    Raises
    ------
    ResultError
        For sizes that do not fit together, or NaN.
    """
    weights, rates = array(weights, "weights", least=2), array(rates, "rates", least=2)
    _check_sizes(weights, rates.shape[-1], regions)
    if rates.ndim not in (2, 3):
        raise ResultError(f"rates must have shape (time, unit) or (trial, time, unit), got {rates.shape}.")
    if units and len(units) != len(regions):
        raise ResultError(f"units= has {len(units)} names for {len(regions)} units.")
    members = members_of(regions)
    most = max(map(len, members.values()))
    lead = rates.shape[:-2]
    found = np.full((*lead, len(members), len(members), most, rates.shape[-2]), np.nan)
    names = np.full((len(members), most), "", dtype=object)
    shown = list(units) or list(map(str, range(len(regions))))
    for a, post in enumerate(members.values()):
        names[a, : len(post)] = [shown[k] for k in post]
        for b, pre in enumerate(members.values()):
            current = rates[..., pre] @ weights[np.ix_(post, pre)].T
            found[..., a, b, : len(post), :] = np.swapaxes(current, -1, -2)
    labels = list(members)
    return xr.DataArray(
        found,
        dims=(*(("trial",) if lead else ()), *PAIR, "unit", "time"),
        coords={PAIR[0]: labels, PAIR[1]: labels, "unit_name": ((PAIR[0], "unit"), names.astype(str)),
                "time": ("time", step * np.arange(rates.shape[-2]), {"units": "s"})},
        name="current",
        attrs={"long_name": "current from the source region", "units": "1"},
    )  # fmt: skip


def region_shares(currents: xr.DataArray) -> xr.Dataset:
    """Return how much of the variance of each region's recurrent current comes from each region.

    ``share = cov(I_ab, I_a)/var(I_a)``, covariances in time, summed over the units (and trials) of the target region a;
    I_a is the sum of the I_ab over all sources b. Shares of a target add up to 1; that of a source which works against
    the sum is below 0.

    Parameters
    ----------
    currents : xarray.DataArray
        As `region_currents` returns.

    Returns
    -------
    xarray.Dataset, (target region, source region)
        ``share``; ``variance``, that of I_ab in time, the mean over units; ``rms``, the root mean square of I_ab.

    Raises
    ------
    ResultError
        For something else than such currents.
    """
    if not isinstance(currents, xr.DataArray) or not {*PAIR, "unit", "time"} <= set(currents.dims):
        raise ResultError("currents must be what measure.region_currents() returns.")
    over = [name for name in currents.dims if name not in (*PAIR, "time")]
    total = currents.sum(PAIR[1], skipna=False)
    around, whole = currents - currents.mean("time"), total - total.mean("time")
    both = (around * whole).mean("time").sum(over)
    return xr.Dataset(
        {
            "share": both / (whole**2).mean("time").sum(over),
            "variance": (around**2).mean("time").mean(over),
            "rms": np.sqrt((currents**2).mean(["time", *over])),
        }
    )


@takes(ResultError, regions=NAMES)
def region_weights(weights: ArrayLike, regions: Sequence[str]) -> xr.Dataset:
    """Return mean, standard deviation and mean size of the weights between each pair of regions.

    Parameters
    ----------
    weights : (post, pre) float array
    regions : sequence of str
        The region of each unit.

    Returns
    -------
    xarray.Dataset, (target region, source region)
        ``mean``, ``sd``, ``size`` (the mean of ``abs(w)``) and ``synapses``, how many there are.

    Raises
    ------
    ResultError
        For sizes that do not fit together, or NaN.
    """
    weights = array(weights, "weights", least=2)
    _check_sizes(weights, weights.shape[-1], regions)
    members = members_of(regions)
    blocks = [[weights[np.ix_(post, pre)] for pre in members.values()] for post in members.values()]
    measures = {"mean": np.mean, "sd": np.std, "size": lambda block: np.abs(block).mean(), "synapses": np.size}
    labels = list(members)
    return xr.Dataset(
        {name: (PAIR, [[measure(block) for block in row] for row in blocks]) for name, measure in measures.items()},
        coords={PAIR[0]: labels, PAIR[1]: labels},
    )


def members_of(regions: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the numbers of the units of each region, regions in the order in which they come."""
    given = np.asarray(regions)
    return {name: np.flatnonzero(given == name) for name in dict.fromkeys(regions)}


def _check_sizes(weights: np.ndarray, units: int, regions: Sequence[str]) -> None:
    if weights.ndim != 2 or not weights.shape[0] == weights.shape[1] == units == len(regions):
        raise ResultError(
            f"weights {weights.shape}, {units} units with rates and {len(regions)} regions do not fit: one region is "
            "needed for each unit, and weights (post, pre) of these units."
        )
