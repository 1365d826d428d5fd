"""Random streams by name, and values of trials in the order of the device."""

from __future__ import annotations

import numpy as np

__all__ = ["later_seed", "side_by_side", "stream"]

_BYTES = 256  # a stream's name is a sequence of bytes, so larger numbers can stand for trials


def stream(seed: int, name: str, trial: int = 0) -> np.random.Generator:
    """Return the random generator of a named quantity; streams of other names do not depend on it.

    That of the first trial is the one of a run without trials.
    """
    key = (*name.encode(), *((_BYTES + trial,) if trial else ()))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def later_seed(seed: int, runs: int) -> int:
    """Return what stands for a seed in what the device draws, where so many runs of this seed went before."""
    if not runs:
        return seed
    key = (*b"run after", _BYTES + runs)
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def side_by_side(values: np.ndarray, units: int | None = None) -> np.ndarray:
    """Return values of every trial in the order of the device, unit by unit with the trials side by side.

    Parameters
    ----------
    values : (..., trial, unit) array
        The last axis may hold several cells for each of the `units`.
    """
    *rest, trials, size = values.shape
    wide = units or size
    apart = values.reshape(*rest, trials, wide, size // wide)
    return np.swapaxes(apart, -3, -2).reshape(*rest, trials * size)
