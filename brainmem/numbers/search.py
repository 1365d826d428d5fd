"""Find the range of a cell's input, whatever its unit, and its f-I curve there."""

from __future__ import annotations

import numpy as np

from brainmem.errors import TranslationError
from brainmem.numbers.calibration import HEADROOM, MEASURED, discarded
from brainmem.numbers.probe import Probe

__all__ = ["curve_of", "joined", "jumps_error", "lasting", "not_finite", "range_of"]

DECADES, PER_DECADE = (-17, 12), 10  # of the input, in base SI units
SPIKES = 20_000  # if not in MEASURED seconds, so many spikes of the cells at one input at rate_max
LONGEST = 20.0  # seconds
AT_ONE_INPUT = 1 / 33  # of the cells
QUIET, NEARLY, SILENCED = 0.0005, 0.005, 0.02  # of rate_max: silence, without input, at any input
COARSE = 40  # inputs at a first look
STEP, PARTS, MOST, TIMES = 0.04, 8, 10, 16  # of rate_max between two inputs, into how many; so often
POINTS = (12, 28)  # of the curve, evenly placed along the input and along the rate
FALL = 0.03  # of rate_max, by which a curve may go down where it should rise; noise of the measurement is less


def range_of(probe: Probe) -> tuple[float, float]:
    """Return an input at which the cell is silent, and one at which it fires at 1.2 times `rate_max` if it can.

    All scales are tried at once, as the unit says nothing of the scale.

    Raises
    ------
    TranslationError
        Where there are none.
    """
    scales = 10.0 ** np.linspace(*DECADES, PER_DECADE * (DECADES[1] - DECADES[0]) + 1)
    inputs = np.r_[0.0, scales]
    seconds = max(0.3, 6 / probe.rate_max)
    found = probe.run(inputs, seconds=seconds, seed=1)
    rate = np.where(found.finite, found.rate, 0.0)
    if rate.max() == 0:
        if not found.finite[0]:
            raise not_finite(probe)
        raise probe.error(
            f"it does not fire at any input from {probe.shown(scales[0])} to {probe.shown(scales[-1])}. Check "
            f"threshold= ({probe.cell.threshold!r}), input=, the signs in the equations and the units of parameters."
        )
    resting = rate[:PER_DECADE].mean()  # such small inputs are as good as none
    lower = np.flatnonzero(found.finite & (rate < resting / 2))
    if len(lower) and rate.max() < 1.5 * resting:
        raise probe.error(
            f"more input means a lower rate: it fires at {resting:.3g} Hz without input and at {rate[lower[0]]:.3g} Hz "
            f"for {probe.shown(inputs[lower[0]])}. Write the input with the other sign in its equations."
        )
    enough = rate >= min(HEADROOM * probe.rate_max, max(0.97 * rate.max(), probe.rate_max))
    if not enough.any():
        raise _too_slow(probe, float(rate.max()), float(inputs[rate.argmax()]))
    top = int(enough.argmax())
    if top == 0:
        raise probe.error(
            f"it fires at {rate[0]:.3g} Hz without input, above rate_max = {probe.rate_max:g} Hz. Lower what drives it "
            "at rest, or raise rate_max."
        )
    quiet = np.flatnonzero(rate[:top] <= QUIET * probe.rate_max)
    if len(quiet):
        return float(inputs[quiet[-1]]), float(inputs[top])
    near = rate[0] <= NEARLY * probe.rate_max
    return 0.0 if near else _below(probe, float(inputs[top]), float(rate[0]), seconds), float(inputs[top])


def _below(probe: Probe, top: float, resting: float, seconds: float) -> float:
    """Return a negative input that silences a cell which fires without input."""
    inputs = -top * 10.0 ** np.linspace(-2, 3, 101)
    found = probe.run(inputs, seconds=seconds, seed=2)
    rate = np.where(found.finite, found.rate, np.inf)
    silent = np.flatnonzero(rate <= QUIET * probe.rate_max)
    if len(silent):
        return float(inputs[silent[0]])
    if resting <= SILENCED * probe.rate_max:
        return 0.0
    raise probe.error(
        f"it fires at {resting:.3g} Hz without input, and no input silences it, so that a drive cannot ask for low "
        "rates. Lower its noise, or what drives it at rest."
    )


def curve_of(probe: Probe, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and rates from silence to 1.2 times `rate_max`, dense where the rate changes.

    Raises
    ------
    TranslationError
        Where the rate does not rise with the input, or not up to `rate_max`.
    """
    for seed in (11, 12):  # the second time within what the first has found
        current, rate = _coarse(probe, low, high, seed)
        if rate[0] > QUIET * probe.rate_max and low > 0:  # it only took longer to fire than was looked
            current, rate = _coarse(probe, 0.0, high, seed)
        _check_rising(probe, current, rate)
        last = int(np.argmax(np.r_[rate[:-1] >= HEADROOM * probe.rate_max, True]))
        first = int(np.flatnonzero(np.r_[True, rate[1:last] <= QUIET * probe.rate_max])[-1])
        if rate[first] > SILENCED * probe.rate_max:
            raise jumps_error(probe, 0.0, float(rate[first]), float(current[first]))
        low, high = float(current[first]), float(current[last])
    current, rate = current[first : last + 1], np.maximum.accumulate(rate[first : last + 1])
    even, along = POINTS
    rates = rate[-1] * np.linspace(0, 1, along + 1)[1:-1] ** 1.5
    placed = np.interp(rates, rate + 1e-9 * np.arange(len(rate)), current)
    current = np.unique(np.r_[np.linspace(low, high, even), placed])
    rate = probe.run(current, seconds=lasting(probe), seed=3, discard=discarded(probe.tau)).rate
    current, rate = _refined(probe, current, rate)
    _check_rising(probe, current, rate)
    if rate.max() < probe.rate_max:
        raise _too_slow(probe, float(rate.max()), float(current[rate.argmax()]))
    return current, rate


def _coarse(probe: Probe, low: float, high: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    current = np.linspace(low, high, COARSE)
    return current, probe.run(current, seconds=0.5, seed=seed, discard=discarded(probe.tau)).rate


def joined(current: np.ndarray, rate: np.ndarray, more: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two parts of a curve as one, in the order of the input."""
    both = np.r_[current, more]
    kept, first = np.unique(both, return_index=True)
    return kept, np.r_[rate, rates][first]


def _refined(probe: Probe, current: np.ndarray, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve with more inputs where its rate jumps: cells without noise begin to fire steeply."""
    for seed in range(20, 20 + TIMES):
        intervals = 1 / np.maximum(rate, 1e-6)
        finer = intervals[:-1] - intervals[1:] > 1.5 * probe.program.dt  # than whole numbers of time steps
        steep = (np.diff(rate) > STEP * probe.rate_max) & (rate[:-1] < probe.rate_max) & finer
        steep = np.flatnonzero(steep & (np.diff(current) > 1e-14 * np.abs(current).max()))[:MOST]
        if not len(steep):
            break
        ends = zip(current[steep], current[steep + 1], strict=True)
        more = np.concatenate([np.linspace(low, high, PARTS + 1)[1:-1] for low, high in ends])
        found = probe.run(more, seconds=lasting(probe), seed=seed, discard=discarded(probe.tau)).rate
        current, rate = joined(current, rate, more, found)
    return current, rate


def _check_rising(probe: Probe, current: np.ndarray, rate: np.ndarray) -> None:
    fall = np.maximum.accumulate(rate) - rate
    before = np.flatnonzero(np.maximum.accumulate(rate) < HEADROOM * probe.rate_max)
    place = int(before[fall[before].argmax()]) if len(before) else 0
    noise = 4 * np.sqrt(rate.max() / (0.5 * probe.program.cells / len(current)))
    if fall[place] > max(FALL * probe.rate_max, noise):
        peak = int(rate[: place + 1].argmax())
        raise probe.error(
            f"its f-I curve is not monotone: it fires at {rate[peak]:.3g} Hz for an input of "
            f"{probe.shown(current[peak])} and at {rate[place]:.3g} Hz for {probe.shown(current[place])}. Lower "
            f"rate_max below {rate[peak]:.3g} Hz, or change its parameters, so that more input means a higher rate."
        )


def lasting(probe: Probe) -> float:
    """Return seconds in which the cells at one input fire often enough to know their rate within half a percent."""
    cells = probe.program.cells * AT_ONE_INPUT
    return float(np.clip(SPIKES / (cells * probe.rate_max), MEASURED, LONGEST))


def jumps_error(probe: Probe, below: float, above: float, at: float) -> TranslationError:
    """Return the error for a cell that has no rates between two."""
    finer = 1e3 * probe.program.dt / 5
    return probe.error(
        f"its f-I curve jumps from {below:.3g} to {above:.3g} Hz near {probe.shown(at)}, so that no input gives the "
        "rates between. Add membrane noise (noise=) or raise it; or lower spike_dt "
        f"(Spiking(spike_dt={finer:.3g}*ms)): the intervals of a cell without noise are "
        "whole numbers of time steps, and large steps miss what happens between."
    )


def _too_slow(probe: Probe, most: float, at: float) -> TranslationError:
    return probe.error(
        f"rate_max = {probe.rate_max:g} Hz is above the {most:.4g} Hz that it reaches at most (at {probe.shown(at)}). "
        "Lower rate_max, or what limits its rate: refractoriness, adaptation, the time step."
    )


def not_finite(probe: Probe) -> TranslationError:
    """Return the error for a cell whose variables overflow."""
    return probe.error(
        f"its variables do not stay finite with method={probe.cell.method!r} at a time step of "
        f"{1e3 * probe.program.dt:g} ms. Lower spike_dt (Spiking(spike_dt=0.05*ms)), take method='exponential_euler', "
        "or let it start where it can go on (initial=)."
    )
