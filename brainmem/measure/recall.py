"""Whether a memory was recalled, and how many a network holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError, closest
from brainmem.measure.agreement import pearson
from brainmem.measure.checks import array, same_shape, same_units

if TYPE_CHECKING:
    from brainmem.result import Result

__all__ = [
    "SCORES",
    "capacity",
    "capacity_bound",
    "mean_rate_name",
    "overlap",
    "recall_ceiling",
    "recall_table",
    "recalled_fraction",
]


def overlap(x: ArrayLike, target: ArrayLike) -> np.ndarray | float:
    """Return the overlap ``m = (1/N) sum_i x_i xi_i`` of activity with a pattern.

    Parameters
    ----------
    x : (..., unit) float array
        Activity; +-1 is saturation in signed models.
    target : (..., unit) float array
        Pattern; its leading axes broadcast with those of `x`.

    Returns
    -------
    (...) float array, or float

    Raises
    ------
    ResultError
        For NaN, or sizes that do not fit.
    """
    x, target = array(x, "x", least=1), array(target, "target", least=1)
    same_units(x, target, "x and target")
    return np.mean(x * target, axis=-1)


SCORES = {"overlap": overlap, "pearson": pearson}
"""How an activity may be scored against a target, by name."""


def recalled_fraction(overlaps: ArrayLike, *, threshold: float = 0.85) -> float:
    """Return the fraction of maps recalled.

    A map counts by the fraction of its repeats (random starts) whose overlap exceeds the
    threshold, so one that is reached from two starts of three counts 2/3.

    Parameters
    ----------
    overlaps : (item,) or (item, repeat) float array, dimensionless
    threshold : float
        Recalled when above it. 0.85 is the reconstruction's value.
    """
    return float(np.mean(array(overlaps, "overlaps", least=1) > threshold))


def recall_table(
    result: Result,
    *,
    threshold: float = 0.85,
    phase: str = "recall",
    target: str = "target",
    rate: str | None = None,
    score: str = "overlap",
) -> xr.Dataset:
    """Return how well every map was recalled in every tested epoch of a run.

    The rates averaged over the last part of each recall step are scored against the
    target of the step's item.

    Parameters
    ----------
    result : Result
    threshold : float
        A recall step succeeds when its score exceeds it.
    phase : str
        Phase in which recall is tested.
    target : str
        Stimulus that holds the targets, (item, unit).
    rate : str, optional
        Variable whose phase averages ``mean_<rate>`` are scored; needed if there are several.
    score : {"overlap", "pearson"}
        Pearson's correlation ignores the amplitude of the rates, the overlap does not.

    Returns
    -------
    xarray.Dataset
        ``recalled(epoch)``, the fraction of maps (`recalled_fraction`), and
        ``score(epoch, item, repeat)``, NaN where an item was not tested. A run with ``trials=B`` has
        ``score(epoch, item, repeat, trial)``, and every trial counts as a repeat does.

    Raises
    ------
    ResultError
        When the run did not finish, has no such phase, or did not record what is needed.
    """
    if score not in SCORES:
        raise ResultError(f"score must be one of {', '.join(SCORES)}, got {score!r}.{closest(score, SCORES)}")
    steps = result.require_complete().select(phase=phase)
    items = steps["step_item"].values.astype(int)
    rates, patterns = steps[mean_rate_name(steps, rate)], steps[target]
    if (items < 0).any() or items.max() >= len(patterns):
        raise ResultError(f"Phase {phase!r} has steps without an item of {target!r}; recall cannot be scored there.")
    wanted = np.asarray(patterns.values, dtype=float)[items]
    if wanted.ndim < rates.ndim:  # one target for all trials
        wanted = np.broadcast_to(wanted[:, np.newaxis], rates.shape)
    scores = xr.DataArray(np.atleast_1d(SCORES[score](rates.values, wanted)), dims=rates.dims[:-1])
    return _tabulate(scores, steps, items, threshold)


def mean_rate_name(result: Result, rate: str | None = None) -> str:
    """Return the name of the variable that holds the rates averaged over each step.

    Raises
    ------
    ResultError
        When there is none of that name, or several and no choice.
    """
    names = [str(name) for name, values in result.data.items() if str(name).startswith("mean_") and _of_units(values)]
    choices = ", ".join(name.removeprefix("mean_") for name in names) or "none"
    if rate is not None:
        if f"mean_{rate}" not in names:
            raise ResultError(f"No mean rate of {rate!r} was recorded. Rates recorded: {choices}.")
        return f"mean_{rate}"
    if len(names) != 1:
        raise ResultError(f"Say which rate is meant with rate=...; rates recorded: {choices}.")
    return names[0]


def _of_units(values: xr.DataArray) -> bool:
    return values.ndim == 2 + ("trial" in values.dims)


def _tabulate(scores: xr.DataArray, steps: Result, items: np.ndarray, threshold: float) -> xr.Dataset:
    epochs, row = np.unique(steps["step_epoch"].values, return_inverse=True)
    known, column = np.unique(items, return_inverse=True)
    repeats, layer = np.unique(steps["step_repeat"].values, return_inverse=True)
    if len(set(zip(row, column, layer, strict=True))) < len(row):
        raise ResultError(
            f"The phase {steps['step_phase'].values[0]!r} tests an item several times in one epoch (entries of a "
            "schedule outside a Repeat, and every Repeat, begin with epoch 1), and the table could not tell these "
            "tests apart. Give a test before or after learning a phase of its own, with another name."
        )
    table = np.full((epochs.size, known.size, repeats.size, *scores.shape[1:]), np.nan)
    table[row, column, layer] = scores.values
    recalled = [recalled_fraction(part[np.isfinite(part)], threshold=threshold) for part in table]
    return xr.Dataset(
        {
            "recalled": ("epoch", recalled, {"units": "1", "long_name": "fraction of maps recalled"}),
            "score": (
                ("epoch", "item", "repeat", *scores.dims[1:]),
                table,
                {"units": "1", "long_name": "agreement with target"},
            ),
        },
        coords={"epoch": epochs, "item": known, "repeat": repeats},
        attrs={"threshold": threshold},
    )


def capacity(loads: ArrayLike, fractions: ArrayLike, *, level: float = 0.5) -> float:
    """Return the load at which the fraction of recalled maps falls through a level.

    Interpolates linearly between the loads around the first fall.

    Parameters
    ----------
    loads : (load,) float array, ascending
        M/N.
    fractions : (load,) float array
        Fraction of maps recalled.
    level : float

    Returns
    -------
    float
        0 when the fraction lies below the level at every load (the capacity is below the
        smallest), infinity when it never falls (the capacity is beyond the largest).

    Raises
    ------
    ResultError
        For loads that do not ascend, NaN, or different shapes.
    """
    loads, fractions = array(loads, "loads", least=1), array(fractions, "fractions", least=1)
    same_shape(loads, fractions, "loads and fractions")
    if np.any(np.diff(loads) <= 0):
        raise ResultError(f"loads must ascend, got {loads.tolist()}.")
    falls = np.flatnonzero((fractions[:-1] >= level) & (fractions[1:] < level))
    if falls.size == 0:
        return np.inf if fractions[-1] >= level else 0.0
    k = falls[0]
    share = (fractions[k] - level) / (fractions[k] - fractions[k + 1])
    return float(loads[k] + share * (loads[k + 1] - loads[k]))


def capacity_bound(gamma: ArrayLike) -> np.ndarray | float:
    """Return the load above which no weights of row norm 1 hold all maps, ``2/(1 + gamma^2)``.

    Parameters
    ----------
    gamma : float array
        Strength of the cue (reconstruction, after Gardner 1988).
    """
    return 2 / (1 + array(gamma, "gamma") ** 2)


def recall_ceiling(gamma: ArrayLike) -> np.ndarray | float:
    """Return the load above which recall from random starts is not expected, about ``1/(1 + gamma^2)``.

    Recall above it means that the state was cued otherwise (reconstruction).

    Parameters
    ----------
    gamma : float array
        Strength of the cue.
    """
    return 1 / (1 + array(gamma, "gamma") ** 2)
