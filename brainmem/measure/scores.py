"""How the activity of a test is scored against a pattern."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, takes
from brainmem.measure.agreement import pearson
from brainmem.measure.checks import array, same_units
from brainmem.measure.criterion import Criterion

__all__ = ["SCORES", "Score", "dice", "overlap", "score_of"]


def overlap(x: ArrayLike, target: ArrayLike) -> np.ndarray | float:
    """Return the overlap ``m = (1/N) sum_i x_i xi_i`` of activity with a pattern.

    Parameters
    ----------
    x : (..., unit) float array
        Activity; +-1 is saturation in signed models.
    target : (..., unit) float array
        Pattern; its leading axes broadcast with those of `x`.

    Returns
    -------
    (...) float array, or float

    Raises
    ------
    ResultError
        For NaN, or sizes that do not fit.
    """
    x, target = array(x, "x", least=1), array(target, "target", least=1)
    same_units(x, target, "x and target")
    return np.mean(x * target, axis=-1)


@takes(ResultError, level=NUMBER)
def dice(x: ArrayLike, target: ArrayLike, *, level: float = 0.5) -> np.ndarray | float:
    """Return the Dice similarity of the units that are active with those of a pattern, ``2|A & B|/(|A| + |B|)``.

    Parameters
    ----------
    x : (..., unit) float array
        Activity. Units above `level` are active.
    target : (..., unit) float array
        Pattern, of which units above 0 are active; its leading axes broadcast with those of `x`.
    level : float
        In the unit of `x`: 0.5 tells apart both 0 and 1, and -1 and 1.

    Returns
    -------
    (...) float array from 0 to 1, or float
        1 where both have the same active units; NaN where neither has any.

    Raises
    ------
    ResultError
        For NaN, or sizes that do not fit.

    Notes
    -----
    Dice (1945), Ecology 26.
    """
    x, target = array(x, "x", least=1), array(target, "target", least=1)
    same_units(x, target, "x and target")
    active, wanted = x > level, target > 0
    both, either = (active & wanted).sum(axis=-1), active.sum(axis=-1) + wanted.sum(axis=-1)
    return np.divide(2 * both, either, np.full(np.shape(either), np.nan), where=either > 0)[()]


SCORES = {"overlap": overlap, "pearson": pearson, "dice": dice}
"""How an activity may be scored against a target, by name."""
Score = Callable[[np.ndarray, np.ndarray], Any]


def score_of(criterion: Criterion) -> Score:
    """Return the function that scores rates, (..., unit), against targets by a criterion."""
    if criterion.level is None:
        return SCORES[criterion.score]
    return partial(dice, level=criterion.level)
