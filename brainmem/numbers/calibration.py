"""Measured f-I curves: what is known of a cell, its inverse, and where it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from brainmem.engine.cache import cache_folder, note_damage
from brainmem.engine.stages import MEASURING, say_stage
from brainmem.storage.files import replacing
from brainmem.storage.seals import read_text, write_text

__all__ = [
    "DISCARD",
    "HEADROOM",
    "MEASURED",
    "SAMPLED",
    "TOLERANCE",
    "Calibration",
    "OwnProgram",
    "Response",
    "discarded",
    "fano_factor",
    "invert",
    "kept",
    "key_of",
    "largest_error",
]

SAMPLED = 0.1  # seconds between looks at the membranes; longer than a cell remembers its noise
DISCARD = 0.2  # seconds in which cells forget where they started
SETTLED = 4  # time constants of the trace, which begins at 0
MEASURED = 2.0  # seconds
HEADROOM = 1.2  # of rate_max, up to which a curve is measured
TOLERANCE = 0.02  # of the range, by which an inverse may miss rates inside of it
INSIDE = (0.05, 0.95)  # of the range


@dataclass(frozen=True)
class OwnProgram:
    """A population of uncoupled cells of the user's own, whose input takes a step at a time of each cell's own.

    `states` are looked at every `sampled` seconds; `unit` is that of the input.
    """

    equations: str
    threshold: str
    reset: str
    refractory: str | None
    constants: tuple[str, ...]
    input: str
    unit: str
    states: tuple[str, ...]
    looked: tuple[str, ...]
    method: str
    cells: int
    dt: float
    sampled: float = SAMPLED


@dataclass(frozen=True)
class Response:
    """How the rate of cells follows a step of their input, between 20 % and 80 % of `rate_max`, up or down.

    Attributes
    ----------
    time : float
        Seconds until 63 % of the jump of the rate are reached.
    overshoot : float
        How far the rate goes beyond where it ends, as a fraction of the jump, averaged over an interval of spikes or a
        quarter of tau, whichever is longer.
    relaxation : float
        Seconds after which a 1/e of that is left.
    off : float
        How far spikes filtered with tau are from a rate that relaxes with tau, at most, as a fraction of the jump.
    """

    time: float
    overshoot: float
    relaxation: float
    off: float


@dataclass(frozen=True)
class Calibration:
    """A measured f-I curve and its inverse.

    Attributes
    ----------
    current, rate : tuple of float
        The measured curve; current in units of threshold minus reset (or in `unit`, SI), rate in Hz.
    rate_max : float
        Rate in Hz that activity 1 asks for.
    highest : float
        Highest calibrated rate in Hz.
    error : float
        Largest deviation from the rate asked for, checked with fresh noise, as a fraction of `rate_max`, between
        5 % and 95 % of the range.
    checked, reached : tuple of float
        The activities checked and those reached.
    fano : tuple of float
        Fano factor F of a filtered spike train at the activities checked: its variance over a Poisson train's.
    tau : float
        Time constant in seconds of the filter for which F was measured.
    membrane : tuple of tuple of float
        Quantiles of the membrane potential of cells that are not refractory, in the long run, at each current.
    resting : tuple of float
        Fraction of the cells that are refractory at each current.
    unit : str
        Unit of the input of a cell of the user's own; the following are of such cells only.
    cv : tuple of float
        Coefficient of variation of the intervals between spikes, at the activities checked.
    response : Response, optional
    states : mapping of str to tuple of tuple of float
        States of cells in the long run, by what is looked at: for each activity checked, so many cells.
    """

    current: tuple[float, ...]
    rate: tuple[float, ...]
    rate_max: float
    highest: float
    error: float
    checked: tuple[float, ...]
    reached: tuple[float, ...]
    fano: tuple[float, ...]
    tau: float
    membrane: tuple[tuple[float, ...], ...] = ()
    resting: tuple[float, ...] = ()
    unit: str = "1"
    cv: tuple[float, ...] = ()
    response: Response | None = None
    states: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)

    @property
    def rms(self) -> float:
        """Root mean square of the deviations of which `error` is the largest."""
        return float(np.sqrt(np.mean(_misses(np.array(self.checked), np.array(self.reached)) ** 2)))

    @property
    def report(self) -> dict[str, Any]:
        """The curve and its error, as results hold them."""
        hidden = {"membrane", "resting", "states"} | (set() if self.response else {"unit", "cv", "response"})
        return {"rms": self.rms} | {name: value for name, value in asdict(self).items() if name not in hidden}

    def long_run(self, rows: int) -> dict[str, np.ndarray]:
        """Return what cells are drawn from that begin anew (`translation.settling`), for `rows` + 1 currents."""
        current = np.array(self.current)
        wanted = np.linspace(current[0], current[-1], rows + 1)
        levels = np.array(self.membrane).T
        return {
            "span": np.array([current[0], current[-1] - current[0]]),
            "membrane": np.array([np.interp(wanted, current, level) for level in levels]).T,
            "resting": np.interp(wanted, current, self.resting),
        }

    @property
    def usable(self) -> float:
        """`rate_max` as a fraction of the highest calibrated rate."""
        return self.rate_max / self.highest

    def table(self, rows: int) -> np.ndarray:
        """Return the current for activity 0, 1/rows, ..., 1; shape (rows + 1,)."""
        return invert(np.array(self.current), np.array(self.rate), self.rate_max, np.linspace(0, 1, rows + 1))

    def fano_at(self, activity: float) -> float:
        """Return F interpolated at an activity."""
        return float(np.interp(activity, self.checked, self.fano))


def discarded(tau: float) -> float:
    """Return the seconds after which cells, and traces with time constant `tau`, have settled."""
    return max(DISCARD, SETTLED * tau)


def fano_factor(rate: np.ndarray, variance: np.ndarray, tau: float) -> np.ndarray:
    """Return the Fano factor F of filtered spike trains: their variance over that of Poisson trains, ``rate*tau/2``.

    Parameters
    ----------
    rate, variance : (point,) float arrays, Hz and dimensionless
        `variance` is that of ``ds/dt = -s/tau`` with a jump of 1 at each spike. F is 1 without spikes.
    tau : float, seconds
    """
    with np.errstate(all="ignore"):
        return np.where(rate > 0, variance / (rate * tau / 2), 1.0)


def largest_error(checked: np.ndarray, reached: np.ndarray) -> float:
    """Return how far the activities reached are from those checked, at most, between 5 % and 95 % of the range."""
    return float(np.abs(_misses(checked, reached)).max())


def _misses(checked: np.ndarray, reached: np.ndarray) -> np.ndarray:
    return (reached - checked)[(checked >= INSIDE[0]) & (checked <= INSIDE[1])]


def invert(current: np.ndarray, rate: np.ndarray, rate_max: float, activity: np.ndarray) -> np.ndarray:
    """Return the currents at which the measured curve reaches ``rate_max*activity``.

    Parameters
    ----------
    current, rate : (point,) float array, dimensionless and Hz
    rate_max : float, Hz
    activity : (row,) float array, 0 ... 1
    """
    from scipy.interpolate import PchipInterpolator  # slow to import, and rate networks need none

    rate = np.maximum.accumulate(rate)
    silent = int(np.searchsorted(rate, 0, side="right")) - 1
    keep = np.r_[max(silent, 0), max(silent, 0) + 1 + np.flatnonzero(np.diff(rate[max(silent, 0) :]) > 0)]
    return PchipInterpolator(rate[keep], current[keep])(np.clip(rate_max * activity, rate[keep][0], rate[keep][-1]))


def kept(key: str, measure: Callable[[], Calibration]) -> Calibration:
    """Return what was measured under this key before, or measure it now."""
    path = cache_folder() / "calibration" / f"{key}.json"
    if path.exists():
        stored = read_text(path)
        if stored is not None:
            found = {name: _tuples(value) for name, value in json.loads(stored).items()}
            response = Response(**found["response"]) if found["response"] else None
            return Calibration(**{**found, "response": response})
        note_damage(f"calibration {key}")
    say_stage(MEASURING)
    measured = measure()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        write_text(temporary, json.dumps(asdict(measured)), key=key)
    return measured


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def key_of(*parts: object) -> str:
    """Return the name under which a measurement is kept, made of all that it depends on."""
    import brian2

    text = json.dumps([*map(repr, parts), brian2.__version__])
    return hashlib.sha256(text.encode()).hexdigest()[:24]
