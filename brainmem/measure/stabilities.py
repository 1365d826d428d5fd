"""How firmly the weights hold patterns: stabilities in four numbers, and the overlap after one step.

Patterns are (item, unit) arrays of -1 and +1, weights are ``[post, pre]``. `stability` itself stands in `connectivity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import erf

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, RESULT, SEED, TEXT, WHOLE, takes
from brainmem.measure.checks import fitting, matrix, sign_patterns, snapshots
from brainmem.measure.connectivity import row_norms, stability

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = ["one_step_overlap", "one_step_overlap_expected", "stability_summary", "stability_table"]

_MEANINGS = {
    "stability_min": "smallest stability",
    "stability_mean": "mean stability",
    "stability_std": "standard deviation of the stabilities",
    "negative": "fraction of stabilities below 0",
    "norm": "mean norm of the weights onto a unit",
}
_CHUNK = 2**22  # entries of one block of noisy states


def stability_summary(weights: ArrayLike, patterns: ArrayLike) -> xr.Dataset:
    """Return minimum, mean and spread of the stabilities ``Delta_i = xi_i h_i/|J_i|`` of all patterns at all units.

    Every pattern is a fixed point where the minimum is above 0 (Gardner 1988). For Hebb's matrix with load alpha the
    mean is 1/sqrt(alpha), the deviation 1, and the fraction below 0 Phi(-1/sqrt(alpha)).

    Parameters
    ----------
    weights : (post, pre) float array
    patterns : (item, unit) float array of -1 and +1

    Returns
    -------
    xarray.Dataset
        Numbers ``stability_min``, ``stability_mean``, ``stability_std``, ``negative`` (the fraction below 0, the
        training error) and ``norm`` (the mean of |J_i|, unit of the weights).

    Raises
    ------
    ResultError
        As `stability`.
    """
    return _dataset([_summary(weights, patterns)]).isel(epoch=0)


@takes(ResultError, result=RESULT, weights=TEXT, patterns=TEXT)
def stability_table(result: Result, *, weights: str = "recurrent_w", patterns: str = "memory") -> xr.Dataset:
    """Return `stability_summary` of the weights after every epoch of a run.

    Parameters
    ----------
    result : Result
    weights : str
        The weights recorded, (epoch, post, pre).
    patterns : str
        A pattern or stimulus of -1 and +1, (item, unit).

    Returns
    -------
    xarray.Dataset
        The same variables, each (epoch,). Epoch 0 is before learning.

    Raises
    ------
    ResultError
        For names that the result lacks, weights without epochs, or what `stability` refuses.
    """
    recorded, held = snapshots(result, weights), sign_patterns(result[patterns].values, patterns)
    found = _dataset([_summary(snapshot, held) for snapshot in recorded.values])
    return found.assign_coords(epoch=recorded["epoch"].values)


def _summary(weights: ArrayLike, patterns: ArrayLike) -> tuple[float, ...]:
    found = stability(weights, patterns)
    numbers = (found.min(), found.mean(), found.std(), np.mean(found < 0), row_norms(weights).mean())
    return tuple(map(float, numbers))


def _dataset(rows: list[tuple[float, ...]]) -> xr.Dataset:
    columns = zip(_MEANINGS.items(), zip(*rows, strict=True), strict=True)
    return xr.Dataset(
        {
            name: ("epoch", np.array(column, dtype=float), {"units": "1", "long_name": said})
            for (name, said), column in columns
        }
    )


@takes(ResultError, start_overlap=NUMBER, repeats=WHOLE, seed=SEED)
def one_step_overlap(
    weights: ArrayLike, patterns: ArrayLike, *, start_overlap: float, repeats: int = 100, seed: int = 0
) -> float:
    """Return the mean overlap with a pattern after all units were updated once from a noisy copy of it.

    Each unit of a copy has the pattern's sign with probability ``(1 + m)/2``, independently; the overlap is
    ``<xi_i sign(h_i)>`` over units, patterns and copies. A field of 0 counts as 0.

    Parameters
    ----------
    weights : (post, pre) float array
    patterns : (item, unit) float array of -1 and +1
    start_overlap : float
        The mean overlap m of the copies, -1 ... 1.
    repeats : int
        Noisy copies of each pattern.
    seed : int

    Raises
    ------
    ResultError
        For patterns that are not -1 and +1, an overlap beyond -1 ... 1, NaN, or sizes that do not fit.
    """
    weights, patterns = matrix(weights, "weights"), sign_patterns(patterns)
    fitting(weights, patterns, "patterns")
    _check_overlap(start_overlap)
    rng, total = np.random.default_rng(seed), 0.0
    block = max(1, _CHUNK // patterns.size)
    for first in range(0, repeats, block):
        copies = min(block, repeats - first)
        kept = rng.random((copies, *patterns.shape)) < (1 + start_overlap) / 2
        fields = np.where(kept, patterns, -patterns) @ weights.T
        total += np.sum(patterns * np.sign(fields))
    return float(total / (repeats * patterns.size))


@takes(ResultError, start_overlap=NUMBER)
def one_step_overlap_expected(weights: ArrayLike, patterns: ArrayLike, *, start_overlap: float) -> float:
    """Return the overlap after one step that the stabilities predict, ``<erf(m Delta/sqrt(2(1 - m^2)))>``.

    Holds for many inputs to each unit, whose noise adds up to a normal distribution. Its negative is the loss L(m, J)
    that training with noise lowers (Ventura 2024, form of the reconstruction).

    Parameters
    ----------
    weights : (post, pre) float array
    patterns : (item, unit) float array of -1 and +1
    start_overlap : float
        The overlap m of the noisy copies, -1 ... 1.

    Raises
    ------
    ResultError
        As `stability`, and for an overlap beyond -1 ... 1.
    """
    _check_overlap(start_overlap)
    found = stability(weights, patterns)
    if abs(start_overlap) == 1:
        return float(np.mean(np.sign(start_overlap * found)))
    return float(np.mean(erf(start_overlap * found / np.sqrt(2 * (1 - start_overlap**2)))))


def _check_overlap(start_overlap: float) -> None:
    if not -1 <= start_overlap <= 1:
        raise ResultError(f"start_overlap={start_overlap:g} does not exist: an overlap lies between -1 and 1.")
