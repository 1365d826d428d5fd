"""What learning wrote into the weights. Every matrix is ``[post, pre]``; patterns are ``(item, unit)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, RESULT, TEXT, takes
from brainmem.measure.checks import array, matrix, same_shape, sign_patterns, snapshots

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = [
    "decorrelation",
    "decorrelation_index",
    "designed_hebb",
    "designed_pseudo_inverse",
    "hebb",
    "pattern_coordinates",
    "row_norms",
    "stability",
]


def row_norms(weights: ArrayLike) -> np.ndarray:
    """Return the Euclidean norm of each row: all synapses onto one unit.

    Parameters
    ----------
    weights : (..., post, pre) float array
        Snapshots may be stacked in front.

    Returns
    -------
    (..., post) float array, unit of the weights
    """
    return np.linalg.norm(array(weights, "weights", least=2), axis=-1)


def hebb(patterns: ArrayLike) -> np.ndarray:
    """Return Hebb's matrix ``J_ij = (1/N) sum_mu xi_i^mu xi_j^mu`` with zero diagonal (Hopfield 1982).

    Parameters
    ----------
    patterns : (item, unit) float array

    Returns
    -------
    (post, pre) float array
    """
    patterns = _patterns(patterns, "patterns")
    weights = patterns.T @ patterns / patterns.shape[1]
    np.fill_diagonal(weights, 0)
    return weights


def stability(weights: ArrayLike, patterns: ArrayLike) -> np.ndarray:
    """Return the stability of each pattern at each unit, ``Delta_i = xi_i h_i/|J_i|``.

    ``h_i = sum_j J_ij xi_j`` and ``|J_i|^2 = sum_j J_ij^2`` (Gardner 1988; Ventura 2024). A pattern is
    a fixed point when all its stabilities are positive. For Hebb's matrix with load alpha the
    mean is 1/sqrt(alpha) and the standard deviation 1.

    Parameters
    ----------
    weights : (post, pre) float array
    patterns : (item, unit) float array of -1 and +1

    Returns
    -------
    (item, unit) float array, dimensionless

    Raises
    ------
    ResultError
        For patterns that are not -1 and +1, a unit without input weights, NaN, or sizes that do not fit.
    """
    weights, patterns = matrix(weights, "weights"), sign_patterns(patterns)
    _same_size(weights, patterns)
    norms = row_norms(weights)
    if not norms.all():
        raise ResultError(f"Unit {int(np.argmin(norms))} has no input weights, so its stability does not exist.")
    return patterns * (patterns @ weights.T) / norms


def pattern_coordinates(weights: ArrayLike, targets: ArrayLike, cues: ArrayLike) -> np.ndarray:
    """Return the weights in the coordinates of the patterns, ``A = pinv(X) J X``.

    ``X = [xi^1 ... xi^M, eta^1 ... eta^M]`` has targets, then cues, as columns (Kurikawa, Barak &
    Kaneko 2020; form of the reconstruction).

    Parameters
    ----------
    weights : (post, pre) float array
    targets, cues : (item, unit) float arrays

    Returns
    -------
    (2 item, 2 item) float array, unit of the weights
        ``A[:M, :M]`` is how targets map to targets, ``A[M:, :M]`` how targets map to cues.

    Raises
    ------
    ResultError
        When sizes do not fit or the patterns are not linearly independent.
    """
    weights, columns = matrix(weights, "weights"), _columns(targets, cues)
    _same_size(weights, columns.T)
    return np.linalg.pinv(columns) @ weights @ columns


def decorrelation_index(weights: ArrayLike, targets: ArrayLike, cues: ArrayLike) -> float:
    """Return R: how far the memories still interfere in the connectivity; 0 for a pseudo-inverse memory.

    The root mean square of the off-diagonal entries of the four M x M blocks of
    `pattern_coordinates`, over the mean absolute value of the blocks' diagonals.

    Parameters
    ----------
    weights : (post, pre) float array
    targets, cues : (item, unit) float arrays

    Raises
    ------
    ResultError
        For a single item, or patterns that are not linearly independent.
    """
    blocks = pattern_coordinates(weights, targets, cues)
    items = blocks.shape[0] // 2
    if items < 2:
        raise ResultError("The decorrelation index compares items; it needs at least two, got one.")
    blocks = blocks.reshape(2, items, 2, items).swapaxes(1, 2)
    own = np.eye(items, dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):  # weights of a run that diverged give NaN
        return float(np.sqrt(np.mean(blocks[..., ~own] ** 2)) / np.mean(np.abs(blocks[..., own])))


@takes(ResultError, result=RESULT, **dict.fromkeys(("weights", "targets", "cues"), TEXT))
def decorrelation(
    result: Result, *, weights: str = "recurrent_w", targets: str = "target", cues: str = "cue"
) -> xr.DataArray:
    """Return the decorrelation index of the connectivity after every epoch of a run; see `decorrelation_index`.

    Parameters
    ----------
    result : Result
    weights : str
        The weights recorded, (epoch, post, pre).
    targets, cues : str
        Stimuli, (item, unit).

    Returns
    -------
    (epoch,) xarray.DataArray
        Epoch 0 is before learning.

    Raises
    ------
    ResultError
        For names that the result lacks, weights without epochs, a single item, or patterns that are not linearly
        independent.
    """
    recorded = snapshots(result, weights)
    patterns = (result[targets].values, result[cues].values)
    index = [decorrelation_index(snapshot, *patterns) for snapshot in recorded.values]
    found = xr.DataArray(index, {"epoch": recorded["epoch"].values}, ("epoch",), "decorrelation")
    return found.assign_attrs(units="1", long_name=f"decorrelation index of {targets} and {cues} in {weights}")


def designed_hebb(targets: ArrayLike, cues: ArrayLike) -> np.ndarray:
    """Return the designed memory ``J_H = (1/N) sum_mu (xi - eta)(xi + eta)^T``.

    Maps cue eta to target xi without learning; it interferes, and fails where learning succeeds
    (Kurikawa, Barak & Kaneko 2020; form of the reconstruction).

    Parameters
    ----------
    targets, cues : (item, unit) float arrays

    Returns
    -------
    (post, pre) float array
    """
    targets, cues = _pair(targets, cues)
    return (targets - cues).T @ (targets + cues) / targets.shape[1]


@takes(ResultError, **dict.fromkeys(("gamma", "kappa", "c"), NUMBER))
def designed_pseudo_inverse(
    targets: ArrayLike, cues: ArrayLike, *, gamma: float, kappa: float = 1.0, c: float = 1.0
) -> np.ndarray:
    """Return the designed memory ``J_PI = [kappa xi - gamma eta, c xi - gamma eta] pinv([xi, eta])``.

    At a target the recurrent field is kappa xi - gamma eta: it cancels the cue, so the total field is
    kappa xi. Its decorrelation index is 0 (form of the reconstruction; kappa = c = 1 are ours).

    Parameters
    ----------
    targets, cues : (item, unit) float arrays
    gamma : float
        Strength of the cue.
    kappa, c : float
        Gain of the target, and of the answer to the cue itself.

    Returns
    -------
    (post, pre) float array

    Raises
    ------
    ResultError
        When the patterns are not linearly independent.
    """
    columns = _columns(targets, cues)
    targets, cues = _pair(targets, cues)
    images = np.vstack([kappa * targets - gamma * cues, c * targets - gamma * cues]).T
    return images @ np.linalg.pinv(columns)


def _patterns(values: ArrayLike, name: str) -> np.ndarray:
    values = array(values, name)
    if values.ndim != 2:
        raise ResultError(f"{name} must have the shape (item, unit), got {values.shape}.")
    return values


def _pair(targets: ArrayLike, cues: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    targets, cues = _patterns(targets, "targets"), _patterns(cues, "cues")
    same_shape(targets, cues, "targets and cues")
    return targets, cues


def _columns(targets: ArrayLike, cues: ArrayLike) -> np.ndarray:
    """Return X, (unit, 2 item), after checking that its columns are independent."""
    columns = np.vstack(_pair(targets, cues)).T
    rank = np.linalg.matrix_rank(columns)
    if rank < columns.shape[1]:
        raise ResultError(
            f"The {columns.shape[1]} targets and cues span only {rank} dimensions of {columns.shape[0]} "
            "units, so coordinates in them are not unique. "
            "Use fewer items than half the units, and distinct patterns."
        )
    return columns


def _same_size(weights: np.ndarray, patterns: np.ndarray) -> None:
    if weights.shape[1] != patterns.shape[1]:
        raise ResultError(
            f"weights of {weights.shape[1]} units do not fit patterns of {patterns.shape[1]} units; "
            "patterns have the shape (item, unit)."
        )
