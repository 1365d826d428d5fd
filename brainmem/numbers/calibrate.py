"""Measure a spiking cell's f-I curve with the very equations, step and device of the run, and invert it.

Formulas for the stationary rate of a noisy LIF cell deviate from its Euler simulation by 8-20 % at
usual steps, so the curve is measured and never carried from one implementation to another.

LIF cells have a measurement of their own beside that of any cell (`brainmem.numbers.own_cells`). Their threshold and
reset are 1 and 0, so that the range of their currents follows from a formula and needs no search over all scales; they
neither burst nor adapt, so that nothing of this has to be looked for; and with a refractory fraction the quantiles of
their one variable say how they begin anew. It takes two runs of a few thousand cells, an own cell some ten. Both filter
and invert alike: what they have in common is in `brainmem.numbers.calibration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.engine.device import BuildJob, Device, Executable
from brainmem.engine.prepare import prepare
from brainmem.errors import TranslationError
from brainmem.numbers.calibration import (
    HEADROOM,
    MEASURED,
    SAMPLED,
    TOLERANCE,
    Calibration,
    discarded,
    fano_factor,
    invert,
    kept,
    key_of,
    largest_error,
)
from brainmem.translation.settling import LEVELS

__all__ = ["CELLS", "AffineFit", "CellProgram", "calibrate", "fit_affine"]

CELLS = 400
POINTS = (24, 16)  # currents around threshold, currents above
CHECKS = 21


@dataclass(frozen=True)
class CellProgram:
    """A population of uncoupled cells, each with a current of its own.

    ``equations``, ``threshold``, ``reset`` and ``refractory`` are those of the run, with the current ``I`` a parameter.
    """

    equations: str
    threshold: str | None
    reset: str | None
    refractory: str | None
    constants: tuple[str, ...]
    cells: int
    dt: float
    sampled: float = SAMPLED


@dataclass(frozen=True)
class AffineFit:
    """A current ``slope*drive + offset``, and how far the rates it gives miss those wanted.

    ``rms`` and ``largest`` are fractions of `rate_max`, over the drives that were fitted.
    """

    slope: float
    offset: float
    rms: float
    largest: float


def fit_affine(calibration: Calibration, drive: np.ndarray, activity: np.ndarray) -> AffineFit:
    """Return the slope and offset with which the measured f-I curve comes nearest to ``rate_max*activity``.

    Parameters
    ----------
    drive, activity : (point,) float arrays
        The activity wanted at each drive; points between 2 % and 98 % of the range are fitted.

    Raises
    ------
    TranslationError
        When the activity does not rise with the drive.
    """
    from scipy.optimize import least_squares  # slow to import

    drives = drive[-1]
    inside = (activity > 0.02) & (activity < 0.98)
    spans = activity.min() <= 0.02 and activity.max() >= 0.98
    drive, activity = drive[inside], activity[inside]
    if not spans or len(drive) < 3 or np.any(np.diff(activity) <= 0):
        raise TranslationError(
            "neuron='affine' needs a transfer that rises with the drive from 2 % to 98 % of the rate range, within "
            f"drives of {-drives:g} to {drives:g}. Use neuron='lif'."
        )
    current, rate = np.array(calibration.current), np.array(calibration.rate)

    def misses(values: np.ndarray) -> np.ndarray:
        return np.interp(values[0] * drive + values[1], current, rate) / calibration.rate_max - activity

    wanted = invert(current, rate, calibration.rate_max, activity)
    found = least_squares(misses, np.polyfit(drive, wanted, 1), x_scale=[0.1, 0.1])
    left = misses(found.x)
    return AffineFit(float(found.x[0]), float(found.x[1]), float(np.sqrt(np.mean(left**2))), float(np.abs(left).max()))


def calibrate(
    cell: CellProgram, parameters: Mapping[str, float], *, rate_max: float, tau: float, device: Device
) -> Calibration:
    """Measure `cell` on `device` and return its inverted f-I curve; measured once, then read from the cache.

    Parameters
    ----------
    cell : CellProgram
    parameters : mapping of str to float
        Values of the cell's constants in SI units, ``sigma_v``, ``tau_m`` and ``t_ref`` among them.
    rate_max : float
        Hz.
    tau : float
        Time constant in seconds of the trace for which F is measured.

    Raises
    ------
    TranslationError
        When `rate_max` cannot be reached, or the inverse misses the rates asked for by more than 2 % of the range.
    """
    key = key_of(cell, parameters, rate_max, tau, device, CELLS, MEASURED, POINTS, LEVELS, "4")
    return kept(key, lambda: _measure(cell, parameters, rate_max=rate_max, tau=tau, device=device))


def _measure(
    cell: CellProgram, parameters: Mapping[str, Any], *, rate_max: float, tau: float, device: Device
) -> Calibration:
    current = _currents(parameters, rate_max)
    executable = prepare(BuildJob("brainmem.build.network:build_cells", cell), device)
    rate, _, looks = _run(executable, cell, parameters, current, tau, seed=1)
    rate = np.maximum.accumulate(rate)
    if rate[-1] < rate_max:
        raise TranslationError(
            f"rate_max = {rate_max:g} Hz is above the {rate[-1]:.1f} Hz that the cell reaches with a refractory period "
            f"of {parameters['t_ref'] * 1e3:g} ms. Lower rate_max or t_ref."
        )
    checked = np.linspace(0, 1, CHECKS)
    reached, fano, _ = _run(executable, cell, parameters, invert(current, rate, rate_max, checked), tau, seed=2)
    error = largest_error(checked, reached / rate_max)
    if error > TOLERANCE:
        raise TranslationError(
            f"The inverted f-I curve misses the rates asked for by up to {error:.1%} of rate_max = {rate_max:g} Hz "
            f"(allowed {TOLERANCE:.0%}). Raise sigma_v or lower spike_dt, so that the curve is smooth."
        )
    return Calibration(
        tuple(current.tolist()),
        tuple(rate.tolist()),
        rate_max,
        float(rate[-1]),
        error,
        tuple(checked.tolist()),
        tuple((reached / rate_max).tolist()),
        tuple(fano.tolist()),
        tau,
        *_long_run(looks, parameters["t_ref"], cell.dt),
    )


def _long_run(
    looks: list[tuple[np.ndarray, np.ndarray]], t_ref: float, dt: float
) -> tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]:
    """Return the quantiles of v of cells that are not refractory, and the fraction of those that are, by current."""
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    membrane, resting = [], []
    for v, since in looks:
        refractory = np.round(since / dt) < round(t_ref / dt)
        membrane.append(tuple(np.quantile(v[~refractory], levels).tolist()))
        resting.append(float(refractory.mean()))
    return tuple(membrane), tuple(resting)


def _currents(parameters: Mapping[str, Any], rate_max: float) -> np.ndarray:
    """Place currents densely around threshold and up to what 1.2 times `rate_max` needs without noise."""
    interval = 1 / (HEADROOM * rate_max) - parameters["t_ref"]
    if interval <= 0:
        raise TranslationError(
            f"rate_max = {rate_max:g} Hz leaves no headroom: with t_ref = {parameters['t_ref'] * 1e3:g} ms a cell "
            f"fires at most {1 / parameters['t_ref']:.0f} Hz and {HEADROOM:g} times rate_max must be below it."
        )
    top = 1 / (1 - np.exp(-interval / parameters["tau_m"]))
    sigma = max(parameters["sigma_v"], 0.02)
    knee = min(1 + 2 * sigma, (1 + top) / 2)
    below, above = POINTS
    return np.r_[np.linspace(1 - 5 * sigma, knee, below), np.linspace(knee, top, above + 1)[1:]]


def _run(
    executable: Executable,
    cell: CellProgram,
    parameters: Mapping[str, Any],
    current: np.ndarray,
    tau: float,
    *,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Return the rate in Hz and the Fano factor of the trace at each current, and looks at the cells.

    A look holds the membrane potentials and the times since the last spikes of all cells at a current.
    """
    discard = discarded(tau)
    drives = np.resize(np.repeat(current, cell.cells // len(current)), cell.cells)
    inputs = {f"param.{name}": parameters[name] for name in cell.constants}
    inputs |= {"cells.I": drives, "param.tau_trace": tau, "param.discard": discard}
    out = executable.run(inputs, seed=seed, duration=discard + MEASURED)
    samples = np.array([drives == value for value in current]).astype(float)
    samples /= samples.sum(axis=1, keepdims=True)
    rate = samples @ out["cells.n_spikes"] / MEASURED
    steps = round(MEASURED / cell.dt)
    mean = samples @ out["cells.s_sum"] / steps
    variance = samples @ out["cells.s2_sum"] / steps - mean**2
    fano = fano_factor(rate, variance, tau)
    seen = out["looks.t"] > discard - cell.dt / 2
    v, since = out["looks.v"][seen], out["looks.t"][seen][:, None] - out["looks.lastspike"][seen]
    looks = [(v[:, drives == value].ravel(), since[:, drives == value].ravel()) for value in current]
    return rate, fano, looks
