"""Orders of visits, and the random numbers that visits draw, as functions of where they belong.

In every sweep each unit of a sequential population is visited once. The order of a sweep and the numbers drawn in it
depend on (seed, sweep, population, trial) alone, so that they are the same on every device, and a loop in plain numpy
can repeat a run flip by flip. A key of 53 bits is made of these four by the mixing of SplitMix64, as in
`brainmem.text.counter`; number ``k`` behind the key is the ``k``-th of the SplitMix64 sequence that begins there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from brainmem.errors import RuleError
from brainmem.intake.arguments import SEED, count, one_of, takes

__all__ = [
    "SITE_DRAWS",
    "key_of_sweep",
    "order_of_key",
    "site_draws",
    "site_normal",
    "site_order",
    "site_poisson",
    "site_uniform",
    "sites_mixed",
    "visit_seed",
]

SITE_DRAWS = {"rand": "site_uniform", "randn": "site_normal", "poisson": "site_poisson"}  # in place of Brian2's


def visit_seed(seed: int) -> int:
    """Return the number that stands for a run's seed in the keys of its sweeps."""
    state = np.random.SeedSequence(seed, spawn_key=tuple(b"visits")).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(11))


def sites_mixed(state: ArrayLike) -> np.ndarray:
    """Return the numbers that SplitMix64 makes of its states, both of 64 bits."""
    state = np.asarray(state, dtype=np.uint64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def key_of_sweep(seed: float, sweep: int, population: int, trial: int) -> float:
    """Return the key of a sweep, a whole number of 53 bits; `seed` is from `visit_seed`."""
    state = np.zeros(1, np.uint64)
    for part in (seed, sweep, population, trial):
        state = sites_mixed((state ^ np.uint64(part)) + np.uint64(0x9E3779B97F4A7C15))
    return float(state[0] >> np.uint64(11))


def site_uniform(key: ArrayLike, unit: ArrayLike, number: ArrayLike) -> np.ndarray:
    """Return a visit's number, uniform in [0, 1)."""
    unit, number = (np.asarray(item).astype(np.uint64) for item in (unit, number))
    with np.errstate(over="ignore"):
        place = unit * np.uint64(2**12) + number + np.uint64(1)
        state = np.asarray(key).astype(np.uint64) + place * np.uint64(0x9E3779B97F4A7C15)
        return (sites_mixed(state) >> np.uint64(11)) * 2.0**-53


def site_normal(key: ArrayLike, unit: ArrayLike, number: ArrayLike) -> np.ndarray:
    """Return a visit's standard normal number, by the method of Box and Muller from two uniform ones."""
    first, second = (site_uniform(key, unit, 2 * np.asarray(number) + k) for k in (1024, 1025))
    return np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)


def site_poisson(rate: ArrayLike, key: ArrayLike, unit: ArrayLike, number: ArrayLike) -> np.ndarray:
    """Return a visit's Poisson number of mean `rate`: by inversion of its distribution, in parts of mean 16 at most."""
    rates, keys, units, numbers = np.broadcast_arrays(rate, key, unit, number)
    found = np.zeros(rates.shape)
    for place in np.ndindex(rates.shape):
        left, part = float(rates[place]), 0
        while left > 0:
            mean = min(left, 16.0)
            unit = units[place] + 2.0**32 * (1 + part)
            drawn = float(site_uniform(keys[place], unit, numbers[place]))
            chance, times = np.exp(-mean), 0
            below = chance
            while drawn >= below and times < 200:
                times += 1
                chance = chance * mean / times
                below = below + chance
            found[place] += times
            left, part = left - mean, part + 1
    return found[()]


def order_of_key(key: float, size: int) -> np.ndarray:
    """Return the numbers of units in the order of a sweep: Fisher and Yates' shuffle, with a number for two swaps."""
    order = list(range(size))
    count = np.arange(1, size // 2 + 1, dtype=np.uint64)
    bits = sites_mixed(np.uint64(key) + (np.uint64(2**62) + count) * np.uint64(0x9E3779B97F4A7C15))
    places = np.arange(size - 1, 0, -1).astype(np.uint64)
    halves = np.column_stack([bits >> np.uint64(32), bits & np.uint64(2**32 - 1)]).ravel()[: len(places)]
    others = (halves * (places + np.uint64(1))) >> np.uint64(32)
    for place, other in zip(range(size - 1, 0, -1), others.tolist(), strict=True):
        order[place], order[other] = order[other], order[place]
    return np.array(order, dtype=np.int64)


@takes(RuleError, size=count(1), sweep=count(0), seed=SEED, population=count(0), trial=count(0))
def site_order(size: int, sweep: int, *, seed: int, population: int = 0, trial: int = 0) -> np.ndarray:
    """Return the order in which a sweep visits the units of a sequential population.

    Parameters
    ----------
    size : int
        Number of units.
    sweep : int
        Number of the time step since the run began, from 0; every time step is a sweep.
    seed : int
        As `simulate` takes it.
    population : int
        Place of the population among the sequential ones of the model, from 0.
    trial : int
        Trial, from 0, of a run with ``trials=``; that of any other run is 0.

    Returns
    -------
    ndarray of int, shape (size,)
        Numbers of units, the first visited first: a random order, each with the same probability.

    Raises
    ------
    RuleError
        When an argument is no whole number of its kind.

    Examples
    --------
    >>> from brainmem import site_order
    >>> site_order(6, 0, seed=1).tolist()
    [0, 5, 4, 3, 1, 2]
    """
    return order_of_key(key_of_sweep(visit_seed(seed), sweep, population, trial), size)


@takes(
    RuleError,
    size=count(1),
    sweep=count(0),
    number=count(0),
    seed=SEED,
    kind=one_of("rand", "randn"),
    population=count(0),
    trial=count(0),
)
def site_draws(
    size: int, sweep: int, number: int = 0, *, seed: int, kind: str = "rand", population: int = 0, trial: int = 0
) -> np.ndarray:
    """Return what ``rand()`` or ``randn()`` in the statement of a visit gives to each unit in a sweep.

    Parameters
    ----------
    size, sweep, seed, population, trial
        See `site_order`.
    number : int
        Place of the draw among those of the statement, from 0, from left to right.
    kind : {"rand", "randn"}

    Returns
    -------
    ndarray, shape (size,)
        By unit, whenever it is visited: uniform in [0, 1), or standard normal. A run in single precision takes the
        first 24 bits of uniform numbers.

    Raises
    ------
    RuleError
        When an argument is not of its kind.

    Examples
    --------
    >>> from brainmem import site_draws
    >>> site_draws(3, 0, seed=1).round(4).tolist()
    [0.6506, 0.0325, 0.5847]
    """
    key, units = key_of_sweep(visit_seed(seed), sweep, population, trial), np.arange(size)
    return site_uniform(key, units, number) if kind == "rand" else site_normal(key, units, number)
