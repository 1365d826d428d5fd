"""The weights from unit to unit of a population, put together from the projections that carry them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Projection
from brainmem.results.result import Result

__all__ = ["recurrent_weights"]


def recurrent_weights(
    model: MemoryModel, population: str, units: int, result: Result, weights: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the weights (post, pre) by which units of a population drive each other.

    Projections of the population onto itself whose current is ``w*r_pre`` add up, each in the place of the units that
    it joins. Those that go through a population without a rate, a read-out and its feedback, add the product of their
    weights.

    Parameters
    ----------
    model : MemoryModel
        Without open choices.
    population : str
    units : int
        How many there are.
    result : Result
        A run of the model, which tells which of them a projection joins.
    weights : mapping of str to (post, pre) float array
        Of its projections.

    Raises
    ------
    RuleError
        When no projection has such a current.
    """
    found, any_ = np.zeros((units, units)), False
    for item in model.projections:
        if item.name in weights and (item.source, item.target) == (population, population) and _plain(model, item):
            post, pre = _ends(result, item, weights[item.name].shape)
            found[np.ix_(post, pre)] += weights[item.name]
            any_ = True
        for back in model.projections:
            if _is_loop(model, population, item, back) and item.name in weights and back.name in weights:
                found += weights[back.name] @ weights[item.name]
                any_ = True
    if not any_:
        raise RuleError(
            f"Model {model.name!r}: no projection of {population!r} onto itself has a current of the form w*r_pre, so "
            "its weights from unit to unit cannot be told."
        )
    return found


def _is_loop(model: MemoryModel, population: str, item: Projection, back: Projection) -> bool:
    """Tell whether two projections go from a population to a read-out, and back."""
    through = item.target
    return (
        (item.source, back.target) == (population, population)
        and back.source == through != population
        and model.population(through).rate is None
        and _plain(model, item)
        and re.fullmatch(r"\w+_post=w\*\w+_pre:1\(summed\)", "".join(back.current.split())) is not None
    )


def _plain(model: MemoryModel, item: Projection) -> bool:
    """Tell whether a projection's current is a weight times the rate of the presynaptic unit."""
    rate = model.population(item.source).rate
    return re.fullmatch(rf"\w+_post=w\*{rate}_pre:1\(summed\)", "".join(item.current.split())) is not None


def _ends(result: Result, item: Projection, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the units that a projection joins; the result has their numbers where these are a part."""
    found = []
    for side, size in zip(("post", "pre"), shape, strict=True):
        name = f"{item.name}_{side}"
        found.append(result[name].values.astype(int) if name in result else np.arange(size))
    return found[0], found[1]
