"""Whether cells follow their drive: the intervals of their spikes, and their answer to a step of the input."""

from __future__ import annotations

import numpy as np

from brainmem.numbers.calibration import Response
from brainmem.numbers.probe import Measured, Probe

__all__ = ["bursts", "check_regular", "check_response", "response_of"]

LEAST = 200  # intervals, below which their distribution is not judged
BIN = 0.12  # of the logarithm of intervals
SHARE, APART, VALLEY = 0.1, np.log(1.7), 0.35  # of short and of long intervals; between peaks; of the lower peak
LOW, HIGH = 0.2, 0.8  # activities between which the input steps
INTERVALS, LONGEST = 6, 4.0  # of spikes that are looked at after a step, if that is not too many seconds
GOES_BEYOND = 0.25  # of the jump of the rate
ANSWERS = 2.0  # time constants of the rate
OFF, VERY_OFF = 0.3, 0.5  # of the jump: of cells that adapt, and of any
DRIFT = 0.03  # of rate_max, between the halves of a measurement


def intervals(cells: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the intervals between spikes of each cell, and the cell of each interval."""
    order = np.lexsort((times, cells))
    cells, times = cells[order], times[order]
    same = np.diff(cells) == 0
    return np.diff(times)[same], cells[1:][same]


def bursts(found: np.ndarray) -> tuple[float, float] | None:
    """Return the short and the long interval where intervals in seconds are of two kinds, else None.

    Two kinds are two peaks of the distribution of their logarithms with a valley between them.
    """
    logs = np.log(found[found > 0])
    if len(logs) < LEAST:
        return None
    edges = np.arange(logs.min() - BIN, logs.max() + 2 * BIN, BIN)
    count = np.convolve(np.histogram(logs, edges)[0], [0.25, 0.5, 0.25], mode="same")
    share = np.cumsum(count) / count.sum()
    for place in range(1, len(count) - 1):
        left, right = int(count[:place].argmax()), place + 1 + int(count[place + 1 :].argmax())
        deep = count[place] < VALLEY * min(count[left], count[right])
        if deep and SHARE < share[place] < 1 - SHARE and (right - left) * BIN > APART:
            return float(np.exp(edges[left] + BIN / 2)), float(np.exp(edges[right] + BIN / 2))
    return None


def check_regular(probe: Probe, found: Measured) -> tuple[float, ...]:
    """Return the coefficient of variation of the intervals at each input.

    Raises
    ------
    TranslationError
        Where intervals are of two kinds, or the rate goes on changing at a constant input.
    """
    between, cells = intervals(found.told[0], found.told[1])
    cv = []
    for level, rate in enumerate(found.rate):
        own = between[found.level[cells] == level]
        cv.append(float(own.std() / own.mean()) if len(own) > 1 else 1.0)
        if rate > 0.1 * probe.rate_max and (kinds := bursts(own)):
            raise probe.error(
                f"it fires bursts: at {rate:.3g} Hz its intervals are of two kinds, {1e3 * kinds[0]:.3g} and "
                f"{1e3 * kinds[1]:.3g} ms, and the translation needs single spikes. Change reset= or its parameters "
                "until it fires regularly, or lengthen refractory= where each spike is counted several times."
            )
    half = found.begin + found.seconds / 2
    level = found.level[found.told[0]]
    counts = [np.bincount(level[part], minlength=len(found.rate)) for part in _halves(found.told[1], found.begin, half)]
    cells_each = np.bincount(found.level)
    drift = (counts[1] - counts[0]) / (cells_each * found.seconds / 2) / probe.rate_max
    if abs(worst := drift[np.abs(drift).argmax()]) > DRIFT:
        raise probe.error(
            f"at a constant input its rate goes on changing, by {worst:+.1%} of rate_max within "
            f"{found.seconds / 2:.2g} s. Shorten what adapts in it."
        )
    return tuple(cv)


def _halves(times: np.ndarray, begin: float, half: float) -> tuple[np.ndarray, np.ndarray]:
    return (times >= begin) & (times < half), times >= half


def response_of(probe: Probe, low: float, high: float, rates: np.ndarray) -> Response:
    """Return how the rate follows a step of the input between two values, the worse of up and down.

    `rates`, in Hz, are those in the long run for activities from 0 to 1.
    """
    after = float(np.clip(max(8 * probe.tau, INTERVALS / (LOW * probe.rate_max)), 0.4, LONGEST))
    settle = max(0.3, 4 * probe.tau)
    run = probe.run(
        np.array([high, low]), before=np.array([low, high]), seconds=after, seed=7, discard=settle, tell=True
    )
    cells, times = run.told
    width = probe.program.dt * max(1, round(probe.tau / 20 / probe.program.dt))
    edges = np.arange(0, after - width / 2, width)
    ends = np.interp([HIGH, LOW], np.linspace(0, 1, len(rates)), rates)
    answered, offs, over = [], [], (0.0, 0.0)
    for step, sign in ((0, 1), (1, -1)):
        own = run.level[cells] == step
        counted, _ = np.histogram(times[own] - run.onset[cells[own]] + probe.program.dt / 2, edges)
        rate = counted / (np.sum(run.level == step) * width)
        settled = rate[2 * len(rate) // 3 :].mean()
        beyond = sign * (rate - settled) / (ends[0] - ends[1])
        answered.append(_answered(beyond, width))
        offs.append(_off(beyond, width, probe.tau))
        if step == 0:
            over = _beyond(beyond, width, max(1 / settled, probe.tau / 4))
    return Response(time=max(answered), overshoot=over[0], relaxation=over[1], off=max(offs))


def _answered(beyond: np.ndarray, width: float) -> float:
    """Return the seconds until 63 % of a jump, from how far a rate is beyond its end, in bins of so many seconds."""
    near = np.convolve(beyond, np.ones(3) / 3, mode="same")
    return width * (int(np.argmax(near > -1 / np.e)) + 0.5)


def _beyond(beyond: np.ndarray, width: float, seconds: float) -> tuple[float, float]:
    """Return how far a rate goes beyond its end, and the seconds until a 1/e of that is left.

    It is averaged twice over an interval of spikes: cells that the step has put in phase fire in volleys.
    """
    span = max(1, min(round(seconds / width), len(beyond) // 6))
    once = np.ones(span) / span
    smooth = np.convolve(np.convolve(beyond, once, mode="valid"), once, mode="valid")
    peak = int(smooth.argmax())
    over = max(float(smooth[peak]), 0.0)
    under = np.flatnonzero(smooth[peak:] < over / np.e)
    return over, width * (peak + (int(under[0]) if len(under) else len(smooth)))


def _off(beyond: np.ndarray, width: float, tau: float) -> float:
    """Return how far spikes filtered with tau are off a rate that relaxes with tau, at most."""
    off, worst = 0.0, 0.0
    for value in beyond:
        off += width / tau * (value - off)
        worst = max(worst, abs(off))
    return worst


def check_response(probe: Probe, found: Response) -> None:
    """Raise `TranslationError` for a cell that adapts longer, or answers later, than rates take to follow."""
    tau = f"tau = {1e3 * probe.tau:.3g} ms of the rate"
    if found.overshoot > GOES_BEYOND and (found.relaxation > probe.tau or found.off > OFF):
        raise probe.error(
            "it adapts too slowly: after a step of its input its rate goes beyond where it ends by "
            f"{found.overshoot:.0%} of the step, and takes {1e3 * found.relaxation:.3g} ms to come back; with "
            f"{tau} its filtered spikes are off by up to {found.off:.0%} of the step. Weaken or shorten its "
            "adaptation, or lengthen the time constant of the rate."
        )
    if found.time > ANSWERS * probe.tau or found.off > VERY_OFF:
        raise probe.error(
            f"it is too slow: after a step of its input it takes {1e3 * found.time:.3g} ms until 63 % of the jump of "
            f"its rate; with {tau} its filtered spikes are off by up to {found.off:.0%} of it. Shorten its time "
            "constants, or lengthen that of the rate."
        )
