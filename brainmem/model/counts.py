"""The numbers of an `Each` in each epoch: its range of items, how many are drawn, how often each comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import get_dimensions
from brian2.units.fundamentalunits import DIMENSIONLESS

from brainmem.errors import RuleError
from brainmem.model.nouns import Each
from brainmem.text.constant import require_value
from brainmem.text.expression import evaluate

__all__ = ["EPOCH_NAME", "Counts", "counted", "counts_of", "ends_of_range"]

EPOCH_NAME = "epoch"  # what texts call the number of the repetition, from 1


@dataclass(frozen=True, eq=False)
class Counts:
    """The numbers of an `Each`, each an (epoch,) array of whole numbers.

    Attributes
    ----------
    first
        The first item of the range.
    size
        How many items the range has.
    comings
        How many items come.
    repeats
        How often each comes in a row.
    """

    first: np.ndarray
    size: np.ndarray
    comings: np.ndarray
    repeats: np.ndarray


def ends_of_range(items: Any) -> tuple[Any, Any]:
    """Return the first item, and the one behind the last, as an `Each` writes them."""
    return items if isinstance(items, tuple) else (0, 1 if items is None else items)


def counts_of(each: Each, parameters: Mapping[str, Any], epochs: np.ndarray) -> Counts:
    """Return the numbers of an `Each` in these epochs.

    Raises
    ------
    RuleError
        For numbers below 0 or not whole, with the epoch in which they are.
    """
    first, stop = (counted("items", end, parameters, epochs) for end in ends_of_range(each.items))
    size = np.maximum(0, stop - first)
    drawn = size if each.draws is None else counted("draws", each.draws, parameters, epochs)
    if drawn.any() and not size.any():
        raise RuleError(f"draws={each.draws!r} are of no items, items={each.items!r}. Give it some.")
    drawn = drawn * (size > 0)
    repeats = np.zeros(len(epochs), dtype=int)
    coming = drawn > 0
    repeats[coming] = counted("repeats", each.repeats, parameters, epochs[coming], least=1)
    return Counts(first, size, drawn, repeats)


def counted(
    field: str, given: str | int, parameters: Mapping[str, Any], epochs: np.ndarray, *, least: int = 0
) -> np.ndarray:
    """Return a number or text over parameters and ``epoch``, as an (epoch,) array of whole numbers.

    Raises
    ------
    RuleError
        For what is no whole number of at least `least` in one of these epochs.
    """
    if not epochs.size:
        return np.zeros(0, dtype=int)
    require_value(given, parameters)
    value = evaluate(given, {**parameters, EPOCH_NAME: epochs}) if isinstance(given, str) else given
    single = np.asarray(value).dtype.kind in "iuf" and np.shape(value) in ((), epochs.shape)
    if get_dimensions(value) is not DIMENSIONLESS or not single:
        raise RuleError(f"{field}={given!r} must be one number without unit, got {value!r}.")
    numbers = np.broadcast_to(np.asarray(value, dtype=float), epochs.shape)
    wrong = np.flatnonzero(~((numbers == np.trunc(numbers)) & (numbers >= least) & (numbers <= np.iinfo(int).max)))
    if wrong.size:
        when = f" in epoch {epochs[wrong[0]]}" if np.ndim(value) else ""
        advice = " Write maximum(0, ...), or epochs=." if np.ndim(value) and numbers[wrong[0]] < least else ""
        raise RuleError(
            f"{field}={given!r} is {numbers[wrong[0]]:g}{when}, and must be a whole number of at least {least}.{advice}"
        )
    return numbers.astype(int)
