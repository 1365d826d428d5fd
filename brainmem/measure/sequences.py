"""How well a network repeats sequences that it was taught."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainmem.errors import ResultError
from brainmem.measure.checks import array

__all__ = ["pvar_of_tests"]


def pvar_of_tests(result: Any, *, phase: str = "test", target: str = "R", misfit: str = "misfit") -> np.ndarray:
    """Return the fraction of the target's variance that the rates explain in each test pass.

    ``pVar = 1 - <(R - r)^2>/<(R - <R>)^2>``, means over all units and times (Rajan, Harvey & Tank 2016): `pvar` of
    the rates in time, from the mean squared error that the network has gathered itself.

    Parameters
    ----------
    result : Result
    phase : str
        The phase that tests.
    target : str
        The stimulus with the rates wanted, (item, frame, unit).
    misfit : str
        The observable that holds the mean squared error when a phase ends.

    Returns
    -------
    (test,) float array
        In the order in which the tests came; those of an epoch stand together, one for each item.

    Raises
    ------
    ResultError
        For a phase or name that the result lacks, a target that is constant, or NaN.
    """
    data = result.data
    for name in (target, misfit, "step_phase"):
        if name not in data:
            raise ResultError(f"The result has no {name!r}, which pVar needs; it holds {', '.join(data.data_vars)}.")
    tests = data["step_phase"].values == phase
    if not tests.any():
        known = ", ".join(dict.fromkeys(data["step_phase"].values))
        raise ResultError(f"phase={phase!r} names no phase that ran; these did: {known}.")
    variances = array(data[target].values, target).var(axis=(-2, -1))[data["step_item"].values[tests]]
    if not np.all(variances > 0):
        raise ResultError(f"{target} is constant, so no share of its variance exists.")
    return 1 - array(data[misfit].values[tests], misfit) / variances
