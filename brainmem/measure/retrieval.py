"""What a network of signs at zero temperature makes of damaged patterns: relaxation, retrieval maps, basins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, RESULT, SEED, TEXT, WHOLE, takes
from brainmem.measure.checks import array, fitting, matrix, same_shape, sign_patterns, signs, snapshots
from brainmem.measure.connectivity import row_norms

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = ["Relaxed", "basin_radius", "damaged", "relax", "retrieval_map", "retrieval_table"]

OVERLAPS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)  # of the cues, where none are named
SWEEPS = 200  # a symmetric network of thousands of units ends long before
_TIE = 1e-12  # a field below this part of the largest norm of inputs is rounding: it keeps the sign


@dataclass(frozen=True)
class Relaxed:
    """Where relaxation ended.

    Attributes
    ----------
    states : (..., unit) float array of -1 and +1
    sweeps : (...) int array
        Sweeps made, with the last, in which no unit flipped.
    fixed : (...) bool array
        Whether the state is a fixed point; False where the sweeps allowed were used up.
    """

    states: np.ndarray
    sweeps: np.ndarray
    fixed: np.ndarray


@takes(ResultError, sweeps=WHOLE, seed=SEED)
def relax(weights: ArrayLike, states: ArrayLike, *, sweeps: int = SWEEPS, seed: int = 0) -> Relaxed:
    """Return where states end when one unit after the other takes the sign of its field, at zero temperature.

    A sweep visits every unit once, in a random order of each state's own. A unit flips where ``h_i S_i < 0``; a field
    of 0 keeps the sign. It ends after a sweep without a flip: always, where the weights are symmetric with a diagonal
    that is not negative, as every flip lowers the energy (Hopfield 1982). Asymmetric weights may never end.

    The orders follow from the seed and the shape of `states`, not from the weights.

    Parameters
    ----------
    weights : (post, pre) float array
        Their scale does not matter.
    states : (..., unit) float array of -1 and +1
        Start states; many at a time cost little more than one.
    sweeps : int
        The most sweeps that are made.
    seed : int

    Returns
    -------
    Relaxed

    Raises
    ------
    ResultError
        For states that are not -1 and +1, NaN, or sizes that do not fit.
    """
    weights, states = matrix(weights, "weights"), signs(states, "states")
    fitting(weights, states, "states")
    flat = states.reshape(-1, states.shape[-1]).copy()
    made, fixed = _relaxed(weights, flat, sweeps, np.random.default_rng([seed, 1]))
    lead = states.shape[:-1]
    return Relaxed(flat.reshape(states.shape), made.reshape(lead), fixed.reshape(lead))


def _relaxed(
    weights: np.ndarray, states: np.ndarray, sweeps: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Relax (state, unit) in place; return how many sweeps each took, and whether it ended."""
    columns, tie = np.ascontiguousarray(weights.T), _TIE * row_norms(weights).max()
    fields, sites = states @ columns, np.tile(np.arange(states.shape[1]), (len(states), 1))
    made, moving = np.zeros(len(states), dtype=int), np.arange(len(states))
    for _ in range(sweeps):
        orders = rng.permuted(sites, axis=1)[moving]  # drawn for all: none depends on when the others end
        part, drive = states[moving], fields[moving]
        flipped = _sweep(columns, part, drive, orders, tie)
        states[moving], fields[moving] = part, drive
        made[moving] += 1
        moving = moving[flipped]
        if not moving.size:
            break
    return made, ~np.isin(np.arange(len(states)), moving)


def _sweep(columns: np.ndarray, states: np.ndarray, fields: np.ndarray, orders: np.ndarray, tie: float) -> np.ndarray:
    """Visit every unit of every state once, all states side by side; return which states changed."""
    changed, rows = np.zeros(len(states), dtype=bool), np.arange(len(states)) * states.shape[1]
    flat_states, flat_fields = states.reshape(-1), fields.reshape(-1)
    for sites in np.ascontiguousarray(orders.T):
        places = rows + sites
        (which,) = np.nonzero(flat_fields[places] * flat_states[places] < -tie)
        if which.size:
            there = places[which]
            flat_states[there] *= -1
            fields[which] += 2 * flat_states[there, None] * columns[sites[which]]
            changed[which] = True
    return changed


@takes(ResultError, repeats=WHOLE, seed=SEED)
def damaged(patterns: ArrayLike, overlaps: ArrayLike = OVERLAPS, *, repeats: int = 1, seed: int = 0) -> np.ndarray:
    """Return damaged patterns: in each copy exactly ``N(1 - m)/2`` random signs are flipped, rounded.

    Parameters
    ----------
    patterns : (item, unit) float array of -1 and +1
    overlaps : (start,) float array
        Overlap m with the pattern, -1 ... 1.
    repeats : int
        Copies of each pattern and overlap.
    seed : int
        Same seed, same damage.

    Returns
    -------
    (start, item, repeat, unit) float array of -1 and +1

    Raises
    ------
    ResultError
        For patterns that are not -1 and +1, or overlaps that would flip more signs than there are.
    """
    patterns = sign_patterns(patterns)
    count = _flips(_starts(overlaps), patterns.shape[1])
    rng, shape = np.random.default_rng([seed, 0]), (len(count), len(patterns), repeats, patterns.shape[1])
    ranks = rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    return np.where(ranks < count[:, None, None, None], -1.0, 1.0) * patterns[:, None]


def _starts(overlaps: ArrayLike) -> np.ndarray:
    overlaps = array(overlaps, "overlaps", least=1)
    if overlaps.ndim != 1:
        raise ResultError(f"overlaps must be a list of numbers, got shape {overlaps.shape}.")
    return overlaps


def _flips(overlaps: np.ndarray, units: int) -> np.ndarray:
    """Return how many signs are flipped for each overlap."""
    count = np.rint(units * (1 - overlaps) / 2).astype(int)
    wrong = np.abs(overlaps) > 1
    if wrong.any():
        m = overlaps[wrong][0]
        raise ResultError(
            f"overlaps: m={m:g} would flip N(1 - m)/2 = {units * (1 - m) / 2:g} of {units} signs. "
            "An overlap lies between -1 (all flipped) and 1 (none)."
        )
    return count


@takes(ResultError, threshold=NUMBER, repeats=WHOLE, sweeps=WHOLE, seed=SEED)
def retrieval_map(
    weights: ArrayLike,
    patterns: ArrayLike,
    *,
    overlaps: Sequence[float] | ArrayLike = OVERLAPS,
    threshold: float = 0.95,
    repeats: int = 1,
    sweeps: int = SWEEPS,
    seed: int = 0,
) -> xr.Dataset:
    """Return how near a network comes to its patterns from cues with some overlap.

    Each cue is `damaged` and relaxes by `relax`. Cues and site orders follow from the seed alone, so that several
    weights are compared on the same cues.

    Parameters
    ----------
    weights : (post, pre) float array
    patterns : (item, unit) float array of -1 and +1
    overlaps : (start,) float array
        Overlaps m_0 of the cues.
    threshold : float
        A cue counts as recalled above this overlap.
    repeats : int
        Cues for each pattern and overlap.
    sweeps : int
        The most sweeps of one relaxation.
    seed : int

    Returns
    -------
    xarray.Dataset
        ``overlap(start_overlap, item, repeat)``, the final overlap m_f of each cue with its pattern; and over cues
        ``final(start_overlap)``, its mean, ``recalled(start_overlap)``, the share above the threshold,
        ``classified(start_overlap)``, the share whose nearest pattern, by the absolute overlap, is the cued one, and
        ``fixed(start_overlap)``, the share that reached a fixed point; ``flipped(start_overlap)``, signs flipped.

    Raises
    ------
    ResultError
        For patterns that are not -1 and +1, overlaps that do not exist, NaN, or sizes that do not fit.
    """
    weights, patterns, starts = matrix(weights, "weights"), sign_patterns(patterns), _starts(overlaps)
    fitting(weights, patterns, "patterns")
    relaxed = relax(weights, damaged(patterns, starts, repeats=repeats, seed=seed), sweeps=sweeps, seed=seed)
    near = relaxed.states @ patterns.T / patterns.shape[1]  # (start, item, repeat, pattern)
    items = np.arange(len(patterns))
    overlap = np.take_along_axis(near, items[None, :, None, None], axis=-1)[..., 0]
    found = {
        "final": ("mean final overlap", overlap),
        "recalled": (f"share of cues with a final overlap > {threshold:g}", overlap > threshold),
        "classified": ("share of cues nearest to their pattern", np.abs(near).argmax(axis=-1) == items[:, None]),
        "fixed": ("share of cues that reached a fixed point", relaxed.fixed),
    }
    units = {"units": "1"}
    table = {
        name: ("start_overlap", values.mean(axis=(1, 2)), units | {"long_name": said})
        for name, (said, values) in found.items()
    }
    table["flipped"] = ("start_overlap", _flips(starts, patterns.shape[1]), units | {"long_name": "signs flipped"})
    every = (("start_overlap", "item", "repeat"), overlap, units | {"long_name": "final overlap"})
    coordinates = {"start_overlap": starts, "item": items, "repeat": np.arange(repeats)}
    return xr.Dataset({"overlap": every, **table}, coordinates)


@takes(
    ResultError,
    result=RESULT,
    weights=TEXT,
    patterns=TEXT,
    threshold=NUMBER,
    repeats=WHOLE,
    sweeps=WHOLE,
    seed=SEED,
)
def retrieval_table(
    result: Result,
    *,
    weights: str = "recurrent_w",
    patterns: str = "memory",
    overlaps: Sequence[float] | ArrayLike = OVERLAPS,
    threshold: float = 0.95,
    repeats: int = 1,
    sweeps: int = SWEEPS,
    seed: int = 0,
) -> xr.Dataset:
    """Return the `retrieval_map` of the weights after every epoch of a run, all from the same cues.

    Parameters
    ----------
    result : Result
    weights : str
        The weights recorded, (epoch, post, pre).
    patterns : str
        A pattern or stimulus of -1 and +1, (item, unit).
    overlaps, threshold, repeats, sweeps, seed
        See `retrieval_map`.

    Returns
    -------
    xarray.Dataset
        The variables of `retrieval_map` with ``epoch`` in front; epoch 0 is before learning.

    Raises
    ------
    ResultError
        For names that the result lacks, weights without epochs, or what `retrieval_map` refuses.
    """
    recorded, held = snapshots(result, weights), sign_patterns(result[patterns].values, patterns)
    options = {"overlaps": overlaps, "threshold": threshold, "repeats": repeats, "sweeps": sweeps, "seed": seed}
    maps = [retrieval_map(snapshot, held, **options) for snapshot in recorded.values]
    return xr.concat(maps, xr.DataArray(recorded["epoch"].values, dims="epoch", name="epoch"))


@takes(ResultError, level=NUMBER)
def basin_radius(overlaps: ArrayLike, final: ArrayLike, *, level: float = 0.95) -> float:
    """Return the radius ``1 - m_c`` of the basins of attraction; from all overlaps above m_c the patterns are recalled.

    Interpolates linearly between the overlaps around the last crossing.

    Parameters
    ----------
    overlaps : (start,) float array, ascending
        Overlaps of the cues, as `retrieval_map` has them in ``start_overlap``.
    final : (start,) float array
        Mean final overlap (``final``), or the share recalled.
    level : float
        Where `final` counts as recall.

    Returns
    -------
    float
        0 where the last value is below the level; from the smallest overlap given where all are above it, which is a
        lower bound.

    Raises
    ------
    ResultError
        For overlaps that do not ascend, NaN, or different shapes.
    """
    overlaps, final = _starts(overlaps), array(final, "final", least=1)
    same_shape(overlaps, final, "overlaps and final")
    if np.any(np.diff(overlaps) <= 0):
        raise ResultError(f"overlaps must ascend, got {overlaps.tolist()}.")
    below = np.flatnonzero(final < level)
    if below.size == 0:
        return float(1 - overlaps[0])
    k = below[-1]
    if k == len(final) - 1:
        return 0.0
    share = (level - final[k]) / (final[k + 1] - final[k])
    return float(1 - overlaps[k] - share * (overlaps[k + 1] - overlaps[k]))
