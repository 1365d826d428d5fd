"""What has to be said of a tuning: failures, edges, noise between seeds, flat directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from brainmem.sweeps.axes import Axis

__all__ = ["as_good", "ranges", "span", "table_of", "verdicts"]

FEW = 5  # of the best points, which have to differ by more than their noise
WIDE = 0.5  # of an axis, over which a parameter that makes no difference may be

Points = Sequence[Mapping[str, Any]]


def as_good(values: np.ndarray, best: int) -> np.ndarray:
    """Return which rows of (evaluation, seed) are as good as row `best`, within a standard error of the difference.

    Every row has the same seeds, so that the differences are taken seed by seed. With one seed only equal ones are.
    """
    differences = values[best] - values
    count = values.shape[1]
    error = differences.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.zeros(len(values))
    return differences.mean(axis=1) <= error


def table_of(
    axes: Sequence[Axis], points: Points, values: np.ndarray, seeds: Sequence[int], good: np.ndarray
) -> xr.Dataset:
    """Return evaluations as a dataset with the dimensions ``evaluation`` and ``seed``."""
    columns = {axis.name: ("evaluation", _column([point[axis.name] for point in points])) for axis in axes}
    several = values.shape[1] > 1
    table = xr.Dataset(
        {
            **columns,
            "objective": (("evaluation", "seed"), values),
            "objective_mean": ("evaluation", values.mean(axis=1)),
            "objective_sd": ("evaluation", values.std(axis=1, ddof=1) if several else np.full(len(values), np.nan)),
            "failed": ("evaluation", np.isnan(values).any(axis=1)),
            "as_good": ("evaluation", good),
        },
        coords={"evaluation": np.arange(1, len(points) + 1), "seed": list(seeds)},
    )
    for axis in axes:
        table[axis.name].attrs["units"] = axis.unit
    return table


def _column(values: list[Any]) -> list[Any]:
    return [", ".join(map(str, value)) if isinstance(value, tuple) else value for value in values]


def verdicts(
    axes: Sequence[Axis], points: Points, values: np.ndarray, *, errors: Sequence[str], budget: int
) -> Iterator[str]:
    """Yield what a reader has to know, one sentence or two at a time.

    Parameters
    ----------
    axes, points
        The space, and the points of it that were evaluated.
    values : (evaluation, seed) float array
        nan where a run failed.
    errors : sequence of str
        Why each evaluation failed, ``""`` where it did not.
    budget : int
    """
    means = values.mean(axis=1)
    well = np.isfinite(means)
    if not well.all():
        yield _failures(axes, points, errors, int((~well).sum()))
    if len(points) < budget:
        yield f"The search ended after {len(points)} of {budget} evaluations: it found no point that it had not tried."
    best = int(np.nanargmax(means))
    if well.sum() > 1 and np.ptp(means[well]) == 0:
        yield f"The objective is {means[best]:.4g} at every point that ran: it tells none of them from the others."
        return
    yield from (
        f"{axis.name} = {axis.shown(points[best][axis.name])} is at the edge of its space: widen it."
        for axis in axes
        if axis.edge(points[best][axis.name])
    )
    good = as_good(values, best)
    yield from _noise(means, good, values.shape[1])
    yield from _flat(axes, points, good)


def _failures(axes: Sequence[Axis], points: Points, errors: Sequence[str], count: int) -> str:
    first = next(place for place, error in enumerate(errors) if error)
    where = ", ".join(f"{axis.name} = {axis.shown(points[first][axis.name])}" for axis in axes)
    return f"{count} of {len(points)} evaluations failed and count as the worst; the first ({where}): {errors[first]}"


def _noise(means: np.ndarray, good: np.ndarray, seeds: int) -> Iterator[str]:
    if seeds == 1:
        yield "One seed: nothing is known of the noise between seeds. Tune with several."
        return
    few = np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable")[:FEW]
    if len(few) > 1 and good[few].all():
        yield f"The best {len(few)} points differ by less than their standard errors: the order among them is chance."
    if good.sum() > 1:
        yield f"{good.sum()} of {len(means)} points are as good as the best, within a standard error of the difference."


def _flat(axes: Sequence[Axis], points: Points, good: np.ndarray) -> Iterator[str]:
    for axis in axes:
        values = [points[place][axis.name] for place in np.flatnonzero(good)]
        places = [axis.place(value) for value in values]
        if not axis.options and np.ptp(places) > WIDE:
            yield f"{axis.name} hardly matters: points as good as the best have {span(axis, values)}."


def span(axis: Axis, values: Sequence[Any]) -> str:
    """Return from where to where values of an axis reach, or which they are."""
    if axis.options:
        return ", ".join(axis.shown(option) for option in axis.options if option in values)
    low, high = min(values), max(values)
    return axis.shown(low) if low == high else f"{low:g} to {axis.shown(high)}"


def ranges(numbers: Sequence[int]) -> str:
    """Return whole numbers with neighbours drawn together.

    >>> ranges([100, 101, 102, 7])
    '7, 100-102'
    """
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in found)
