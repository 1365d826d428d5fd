"""Surrogates of a recorded population: a sequence over a background, where there is no recording."""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.optimize import brentq

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, SEED, SPAN, count, one_of, takes
from brainmem.measure.sequences import bvar as bump_share
from brainmem.recordings.recording import Recording
from brainmem.recordings.surrogate_regions import REGIONS, regional

__all__ = ["surrogate"]

_MOST_SAMPLES, _STRONGEST = 1e7, 100.0


@takes(
    ResultError,
    units=count(5),
    **dict.fromkeys(("duration", "step", "width", "background_tau"), SPAN),
    **dict.fromkeys(("bvar", "coupling"), NUMBER),
    kind=one_of("sequence", "regions"),
    seed=SEED,
)
def surrogate(
    units: int,
    *,
    kind: str = "sequence",
    duration: float = 10.5,
    step: float = 0.01,
    width: float = 0.3**0.5,
    bvar: float = 0.4,
    background_tau: float = 0.2,
    coupling: float = 0.02,
    seed: int = 0,
) -> Recording:
    """Return made-up activity: a travelling bump over a background, or three regions that drive each other.

    Of a sequence the bump explains the fraction `bvar` of the variance, as in parietal recordings:
    ``R_i = [a_i exp(-(t - c_i)^2/(2 s_i^2)) + b n_i(t)]_+`` over its maximum: centres c_i tile the time, s_i is
    lognormal about `width`, a_i uniform between 0.5 and 1, n_i low-pass filtered noise; b is found so that
    `measure.bvar` has the value wanted. Rajan, Harvey & Tank (2016) give 0.40 for their 437 recorded units
    (second-hand); the form is ours.

    With ``kind="regions"`` a third of the units each belongs to the regions A, B and C, random networks of tanh units
    whose activity is of both signs; few units of a region drive their counterparts in another. The recording tells the
    `regions` and the true `currents` between them (M. G. Perich et al. 2020, their example).

    Parameters
    ----------
    units : int
    kind : {"sequence", "regions"}
    duration, step, width, background_tau : float
        Seconds: of the whole, between samples, of a bump, and of the background's correlations; the latter two are of a
        sequence.
    bvar : float
        Of a sequence; up to about 0.9, since widths and heights of the bumps differ.
    coupling : float
        Of regions: the weight between units of different ones.
    seed : int

    Raises
    ------
    ResultError
        For sizes that are not positive, or a `bvar` that cannot be reached.
    """
    spans = duration >= max(width, background_tau) and min(width, background_tau) > 0
    if not (duration > 20 * step > 0 and duration / step <= _MOST_SAMPLES and spans):
        raise ResultError(
            f"surrogate(): units={units}, duration={duration}, step={step}, width={width} and background_tau="
            f"{background_tau} must be positive and at most the duration, with 20 samples or more, {_MOST_SAMPLES:g} "
            "at most."
        )
    if kind == "regions":
        if units % len(REGIONS) or units < 15 or not abs(coupling) <= _STRONGEST:
            raise ResultError(
                f"surrogate(): kind='regions' needs three regions of 5 units or more, units={units} is not 15, 18, 21, "
                f"...; and a coupling={coupling:g} of at most {_STRONGEST:g}."
            )
        return regional(units // len(REGIONS), duration, step, coupling, seed)
    rng = np.random.default_rng([seed, 437])
    time = step * np.arange(round(duration / step))[:, None]
    centres = (np.arange(units) + 0.5) * duration / units
    widths = width * rng.lognormal(0, 0.3, units)
    bumps = rng.uniform(0.5, 1, units) * np.exp(-((time - centres) ** 2) / (2 * widths**2))
    noise = _coloured(rng, bumps.shape, background_tau / step)

    def made(strength: float) -> np.ndarray:
        rates = np.maximum(bumps + strength * noise, 0)
        return rates / np.maximum(rates.max(axis=0), np.finfo(float).tiny)

    def missing(strength: float) -> float:
        return bump_share(made(strength), step) - bvar

    try:
        strength = cast(float, brentq(missing, 0.0, 4.0, xtol=1e-3))
    except ValueError as error:
        low, high = missing(4.0) + bvar, missing(0.0) + bvar
        raise ResultError(
            f"surrogate(): bvar={bvar} lies outside {low:.2f} ... {high:.2f}, which can be made."
        ) from error
    names = tuple(str(k) for k in range(units))
    return Recording(made(float(strength))[None], step, names, source=f"surrogate (seed {seed}, bVar {bvar:g})")


def _coloured(rng: np.random.Generator, shape: tuple[int, int], tau: float) -> np.ndarray:
    """Return low-pass filtered Gaussian noise of standard deviation 1; `tau` is in samples."""
    keep, trace = np.exp(-1 / tau), rng.standard_normal(shape)
    for k in range(1, shape[0]):
        trace[k] = keep * trace[k - 1] + np.sqrt(1 - keep**2) * trace[k]
    trace -= trace.mean(axis=0)
    return trace / trace.std(axis=0)
