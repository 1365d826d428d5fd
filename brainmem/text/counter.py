"""Random numbers that are a function of where they belong, and of nothing before them.

A counter generator gives the number that belongs to (seed, row, unit, trial, number) without drawing those before it:
the same on every device, in any order, and never stored. The mixing is that of SplitMix64 (Steele, Lea & Flood 2014,
"Fast splittable pseudorandom number generators"), applied to each part of the key in turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["CounterDraws", "counter_normal", "counter_uniform", "start_seed"]

SEEDS = 2**24  # whole numbers up to here are exact in float32 too


def start_seed(seed: int) -> int:
    """Return the number that stands for a run's seed in the start values of its phases."""
    state = np.random.SeedSequence(seed, spawn_key=tuple(b"phase starts")).generate_state(1)
    return int(state[0]) % SEEDS


def counter_uniform(
    seed: ArrayLike, row: ArrayLike, unit: ArrayLike, trial: ArrayLike, number: ArrayLike
) -> np.ndarray:
    """Return the numbers of a key, uniform in [0, 1); whole numbers or arrays of them that broadcast."""
    state = np.uint64(0)
    with np.errstate(over="ignore"):
        for part in (seed, row, unit, trial, number):
            state = state ^ np.asarray(part).astype(np.uint64)
            state = state + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)) * 2.0**-53


def counter_normal(seed: ArrayLike, row: ArrayLike, unit: ArrayLike, trial: ArrayLike, number: ArrayLike) -> np.ndarray:
    """Return standard normal numbers of a key, by the method of Box and Muller from two uniform ones."""
    first, second = (counter_uniform(seed, row, unit, trial, 2 * np.asarray(number) + k) for k in (2**20, 2**20 + 1))
    return np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)


class CounterDraws:
    """Draws the numbers that the device draws, with the methods of `numpy.random.Generator` that texts use.

    Parameters
    ----------
    seed : int
        From `start_seed`.
    rows : (row,) int array
        Rows of the table of starts, counted from 1.
    trial : int
    first : int
        Number of the text's first draw.
    """

    def __init__(self, seed: int, rows: np.ndarray, trial: int, first: int) -> None:
        self.seed, self.rows, self.trial, self.number = seed, np.asarray(rows), trial, first

    def _key(self, shape: tuple[int, int]) -> tuple[Any, ...]:
        key = self.seed, self.rows[:, None], np.arange(shape[1]), self.trial, self.number
        self.number += 1
        return key

    def random(self, shape: tuple[int, int]) -> np.ndarray:
        """Return numbers uniform in [0, 1), (row, unit)."""
        return counter_uniform(*self._key(shape))

    def uniform(self, low: Any, high: Any, shape: tuple[int, int]) -> np.ndarray:
        """Return numbers uniform between `low` and `high`, (row, unit)."""
        return low + (high - low) * self.random(shape)

    def normal(self, mean: Any, sd: Any, shape: tuple[int, int]) -> np.ndarray:
        """Return normal numbers, (row, unit)."""
        return mean + sd * counter_normal(*self._key(shape))

    def choice(self, values: list[float], shape: tuple[int, int]) -> np.ndarray:
        """Return one of two values with equal probability, (row, unit)."""
        low, high = values
        return np.where(self.random(shape) < 0.5, high, low)

    def permuted(self, values: np.ndarray, axis: int = -1) -> np.ndarray:
        """Return each row of `values`, (row, unit), in random order."""
        order = np.argsort(self.random(values.shape), axis=axis)
        return np.take_along_axis(values, order, axis=axis)
