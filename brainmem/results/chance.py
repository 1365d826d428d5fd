"""Compare steps whose state is chance, such as dreams: as statistics over steps, not unit by unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from brainmem import measure
from brainmem.errors import ResultError
from brainmem.measure import Criterion
from brainmem.measure.agreement import is_constant
from brainmem.measure.scores import score_of
from brainmem.results.agreement import Agreement, Measured, Notes, measured, nothing
from brainmem.results.pairing import Matched, Pair

__all__ = ["HOW", "statistics"]

HOW = (
    "begin from random values and no pattern, or go on from one that does, so that which attractor they reach is "
    "chance in both variants: they are compared as statistics, not unit by unit"
)
Arrays = tuple[np.ndarray, np.ndarray]


def statistics(
    pairs: Sequence[Pair],
    phase: str,
    name: str,
    label: str | None,
    found: Mapping[int, Matched | None],
    notes: Notes,
) -> Iterator[Agreement]:
    """Yield what is compared of the rates `name` in steps of a phase whose state is chance, by seed; None for none."""
    if all(item is None for item in found.values()):
        return
    rates = {seed: item and (item.rate, item.spiking) for seed, item in found.items()}
    for key, meaning, function in (
        ("rate_distribution", "distance between the distributions of rates over the sd of the rate variant", _distance),
        ("rate_products", "Pearson correlation, over pairs of units, of their rates' mean product", _products),
    ):
        yield measured(Agreement(key, phase, meaning, (), rate=label), function, rates, notes)
    targets = {pair[0].seed: _targets(pair, name) for pair in pairs}
    if any(target is None for target in targets.values()):
        return
    scores: dict[int, Arrays | None] = {}
    for seed, both in rates.items():
        target = targets[seed]
        scores[seed] = _closest(both, *target) if both and target else None
    for key, meaning, function in (
        ("closest_rate", "largest score of an item, mean over steps, rate variant", _first),
        ("closest_spiking", "largest score of an item, mean over steps, spiking variant", _second),
        ("closest_distance", "distance between the distributions of the largest scores", _between),
    ):
        yield measured(Agreement(key, phase, meaning, (), rate=label), function, scores, notes)


def _distance(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    if is_constant(rate):
        return nothing("the rates of the rate variant are the same in all units and steps")
    return _apart(rate, spiking) / float(rate.std()), ""


def _apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Wasserstein distance of two samples of equal size: the mean distance of their ordered values."""
    return float(np.abs(np.sort(first, axis=None) - np.sort(second, axis=None)).mean())


def _products(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    first, second = _mean_products(rate), _mean_products(spiking)
    if first.size < 2:
        return nothing("there are fewer than three units, and a correlation over pairs needs two pairs")
    value = float(measure.pearson(first, second))
    return (value, "") if np.isfinite(value) else nothing("the products are the same for all pairs in one variant")


def _mean_products(rates: np.ndarray) -> np.ndarray:
    """Return the mean over steps and trials of the product of two units' rates, (pair,)."""
    rows = rates.reshape(-1, rates.shape[-1])
    return (rows.T @ rows / len(rows))[np.triu_indices(rows.shape[1], 1)]


def _targets(pair: Pair, name: str) -> tuple[Criterion, np.ndarray] | None:
    """Return the criterion and the target of recall, (item, unit), where it is one of these units and has no trials."""
    rate = pair[0]
    try:
        criterion = Criterion.of(rate)
    except ResultError:
        return None
    held: xr.DataArray = rate[criterion.target]
    same = held.ndim == 2 and held.dims[-1] == rate[f"mean_{name}"].dims[-1]
    return (criterion, held.values) if same else None


def _closest(both: Arrays, criterion: Criterion, target: np.ndarray) -> Arrays:
    """Return the largest score of an item in every step and trial, of both variants."""
    first, second = (
        np.nan_to_num(np.asarray(score_of(criterion)(rates.reshape(-1, 1, rates.shape[-1]), target))).max(axis=-1)
        for rates in both
    )
    return first, second


def _first(rate: np.ndarray, _: np.ndarray) -> Measured:
    return float(rate.mean()), ""


def _second(_: np.ndarray, spiking: np.ndarray) -> Measured:
    return float(spiking.mean()), ""


def _between(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    return _apart(rate, spiking), ""
