"""Search for the greatest value of a function on the unit cube, a few evaluations at a time.

Differential evolution (Storn & Price 1997) is scipy's. Its population is the best of the first points of a Sobol
sequence, as objectives of memories are flat over most of a space: a population spread over all of it learns little.
Where these points are all equal, more of the sequence come before the evolution begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
from scipy.optimize import differential_evolution
from scipy.stats import qmc

__all__ = ["METHODS", "SearchEnded", "search"]

EVOLUTION, SOBOL = "evolution", "sobol"
METHODS = {EVOLUTION: "differential evolution", SOBOL: "a Sobol sequence"}  # as a reader calls them
BLOCK = 8  # points that a Sobol sequence gives at a time
FIRST = 3  # blocks of which an evolution takes its population
POPULATION = 6
IDLE = 50  # calls without a new place, after which a search has come to its end

Evaluate = Callable[[np.ndarray], tuple[np.ndarray, int]]


class SearchEnded(Exception):
    """Raised by what is searched, to end the search."""


class _Settled(Exception):
    """Raised where an evolution proposes nothing new any more."""


def search(evaluate: Evaluate, size: int, *, method: str, seed: int, starts: np.ndarray) -> None:
    """Call `evaluate` with places of the unit cube until it raises `SearchEnded`, or knows all that it is given.

    The places depend on the arguments and on what is returned, so that the same search goes the same way again. An
    evolution that proposes nothing new is followed by the rest of its Sobol sequence.

    Parameters
    ----------
    evaluate : callable
        Takes places, shape (n, size). Returns their values, shape (n,), greater is better, -inf for a failure; and how
        many of the places were new.
    size : int
        Dimensions of the cube.
    method : str
        One of `METHODS`.
    seed : int
    starts : (k, size) float array
        Places that come first.
    """
    blocks = _blocks(size, seed)
    places = np.concatenate([starts, *(next(blocks) for _ in range(FIRST))])
    with suppress(SearchEnded):
        values, new = evaluate(places)
        while method == EVOLUTION and new and len(set(values[np.isfinite(values)])) < 2:  # none is better than others
            places = np.concatenate([places, next(blocks)])
            values, new = evaluate(places)
        if method == EVOLUTION:
            best = np.argsort(-values, kind="stable")[:POPULATION]
            _evolve(evaluate, places[best], seed)
        _until_idle(evaluate, blocks)


def _blocks(size: int, seed: int) -> Iterator[np.ndarray]:
    sequence = qmc.Sobol(size, seed=np.random.default_rng([seed, 1]))  # pyright: ignore[reportCallIssue] - rng= is new
    while True:
        yield sequence.random(BLOCK)


def _evolve(evaluate: Evaluate, population: np.ndarray, seed: int) -> None:
    """Evolve a population, one generation in a call of `evaluate`, until it proposes nothing new."""
    idle = 0

    def cost(columns: np.ndarray) -> np.ndarray:
        nonlocal idle
        values, new = evaluate(np.clip(columns.T, 0, 1))
        idle = 0 if new else idle + 1
        if idle > IDLE:
            raise _Settled
        return -values

    with suppress(_Settled):
        differential_evolution(
            cost,
            [(0, 1)] * population.shape[1],
            init=population,
            maxiter=10**6,
            tol=0,
            atol=-1,  # equal values, as on a plateau, are no reason to end
            polish=False,
            updating="deferred",
            vectorized=True,
            seed=np.random.default_rng([seed, 2]),  # pyright: ignore[reportCallIssue]
        )


def _until_idle(evaluate: Evaluate, blocks: Iterator[np.ndarray]) -> None:
    idle = 0
    while idle <= IDLE:
        idle = 0 if evaluate(next(blocks))[1] else idle + 1
