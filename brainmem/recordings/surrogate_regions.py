"""Surrogates of several regions that drive each other: three random networks, of which the currents are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainmem.measure.regions import region_currents
from brainmem.recordings.recording import Recording

__all__ = ["REGIONS", "regional"]

REGIONS = ("A", "B", "C")
_GAINS = {"A": 1.8, "B": 1.5, "C": 1.5}
_TAU = 0.1  # seconds
_COUPLED, _DRIVEN = 0.05, 0.5  # fractions of the units that other regions, and the inputs, reach
_WIDTH = 0.2  # sd of the bump, in parts of a region
_LEAD = 1 / 6  # of the duration, before the bump sets off
_FLOOR = 0.01


@dataclass(frozen=True)
class _Inputs:
    """The external inputs of regions B and C, (time, unit) between 0 and 1."""

    moving: np.ndarray
    standing: np.ndarray


def regional(units: int, duration: float, step: float, coupling: float, seed: int) -> Recording:
    """Return three tanh reservoirs of `units` units each as a recording that knows its regions and its currents.

    ``tau dx/dt = -x + J r + coupling m r' + u``, r = tanh(x): J is random, normal with sd g/sqrt(n); m joins each unit
    of a region to its counterpart in another one where it is among the 5 % that are coupled; u is 0 in A, a bump that
    travels over half of the units in B, and the negative of two bumps that stand still, one after the other, in C. The
    equations are those of the example of M. G. Perich et al. (bioRxiv 2020.12.18.423348).
    """
    rng = np.random.default_rng([seed, 2020])
    samples = round(duration / step) + 1
    inputs = _inputs(units, samples, step)
    weights, drive = np.zeros((3 * units, 3 * units)), np.zeros((samples, 3 * units))
    block = {name: slice(k * units, (k + 1) * units) for k, name in enumerate(REGIONS)}
    for name, own in block.items():
        weights[own, own] = _GAINS[name] / np.sqrt(units) * rng.standard_normal((units, units))
    for target, rows in block.items():
        for source, columns in block.items():
            if target != source:
                weights[rows, columns] = coupling * np.diag(_some(rng, units, _COUPLED))
    drive[:, block["B"]] = inputs.moving * _some(rng, units, _DRIVEN)
    drive[:, block["C"]] = -inputs.standing * _some(rng, units, _DRIVEN)
    rates, x = np.empty((samples, 3 * units)), rng.uniform(-1, 1, 3 * units)
    for k in range(samples):
        rates[k] = np.tanh(x)
        x = x + step / _TAU * (-x + weights @ rates[k] + drive[k])
    peak, regions = np.abs(rates).max(), tuple(name for name in REGIONS for _ in range(units))
    names = tuple(f"{name}{k}" for name in REGIONS for k in range(units))
    return Recording(
        (rates / peak)[None],
        step,
        names,
        notes=(f"all units were divided by the greatest value of all, {peak:.4g}",),
        source=f"surrogate of three regions (seed {seed}, coupling {coupling:g})",
        regions=regions,
        currents=region_currents(weights, rates, regions, units=names, step=step),
    )


def _some(rng: np.random.Generator, units: int, part: float) -> np.ndarray:
    """Return 1 for a part of the units, drawn at random, and 0 for the others."""
    found = np.zeros(units)
    found[rng.permutation(units)[: int(part * units)]] = 1
    return found


def _inputs(units: int, samples: int, step: float) -> _Inputs:
    lead = round(_LEAD * samples)
    span, width, unit = samples - lead, _WIDTH * units, np.arange(units)
    second = round(1 / step)
    place = width + units * np.arange(span) / (span / 2)  # once over the region in half of the time
    bump = np.exp(-((unit - place[:, None]) ** 2) / (2 * width**2))
    stop = max(1, min(span - 1, span // 2 - second))
    bump[stop:] = bump[stop]
    switch = min(span, span // 2 + second)
    early, late = bump[min(span - 1, second // 10)], bump[min(span - 1, 3 * second)]
    standing = np.where(np.arange(span)[:, None] < switch, early, late)
    return _Inputs(*(np.concatenate([np.repeat(u[:1], lead, axis=0), u]) for u in map(_scaled, (bump, standing))))


def _scaled(bump: np.ndarray) -> np.ndarray:
    current = np.log((bump + _FLOOR) / (1 - bump + _FLOOR))
    current -= current.min()
    return current / max(current.max(), np.finfo(float).tiny)
