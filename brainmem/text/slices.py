"""Which units of its two populations a projection joins: all, or a contiguous subset, as a Brian2 subgroup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.text.expression import evaluate

__all__ = ["Ends", "apart", "joined", "slice_texts", "subset"]


@dataclass(frozen=True)
class Ends:
    """The units that a connection joins, as ranges of their numbers in their populations.

    Attributes
    ----------
    source, target : (int, int)
        First unit, and the one behind the last.
    sizes : (int, int)
        Units in the population of the source and of the target.
    absent : bool
        Whether the pairs of a unit with itself are left out.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    sizes: tuple[int, int]
    absent: bool = False

    @property
    def whole(self) -> bool:
        """Whether all units of both populations take part."""
        return (self.source, self.target) == tuple((0, size) for size in self.sizes)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the matrix of weights, (post, pre)."""
        return self.target[1] - self.target[0], self.source[1] - self.source[0]

    @property
    def empty(self) -> bool:
        """Whether no pair of units is joined, so that there is no such connection."""
        return 0 in self.shape

    @property
    def shift(self) -> int:
        """What takes the place of a unit among the targets to its place among the sources."""
        return self.target[0] - self.source[0]

    @property
    def overlap(self) -> int:
        """How many units are among the sources and the targets."""
        return max(0, min(self.source[1], self.target[1]) - max(self.source[0], self.target[0]))

    @property
    def present(self) -> np.ndarray:
        """The pairs that are joined, (post, pre) bool array."""
        post, pre = (np.arange(*span) for span in (self.target, self.source))
        return ~(self.absent & np.equal.outer(post, pre))

    @property
    def count(self) -> int:
        """How many pairs are joined."""
        return self.shape[0] * self.shape[1] - self.absent * self.overlap

    def within(self, matrix: np.ndarray) -> np.ndarray:
        """Return a matrix over all units of both populations, 0 where this one joins none."""
        whole = np.zeros(self.sizes[::-1])
        whole[slice(*self.target), slice(*self.source)] = matrix
        return whole


def slice_texts(text: str) -> tuple[str, str]:
    """Return the two ends of a slice such as ``":n"``, ``"0"`` for a first one left out and ``""`` for a last one.

    Raises
    ------
    RuleError
        For text that is no slice from one unit up to another.
    """
    first, colon, last = text.partition(":")
    if not colon or ":" in last:
        raise RuleError(
            f"{text!r} is no slice 'first:last' over whole numbers and parameters; "
            "write ':n' for the first n units, 'n:' for those behind them."
        )
    return first.strip() or "0", last.strip()


def subset(text: str, size: int, names: Mapping[str, Any]) -> tuple[int, int]:
    """Return the first unit of a slice of `size` units and the one behind its last; no text takes all.

    Raises
    ------
    RuleError
        When an end is no whole number, or lies outside of the units.
    """
    if not text:
        return 0, size
    first, last = (_end(part, text, names) if part else size for part in slice_texts(text))
    if not 0 <= first <= last <= size:
        raise RuleError(f"{text!r} takes units {first} to {last} of {size}; needed is 0 <= first <= last <= {size}.")
    return first, last


def _end(part: str, text: str, names: Mapping[str, Any]) -> int:
    value = np.asarray(evaluate(part, names))
    if value.ndim or value.dtype.kind not in "iu":
        raise RuleError(
            f"{text!r}: {part!r} is {value}, but units are counted in whole numbers. Declare a parameter such as "
            f"Parameter('n_plastic', 'round({part})')."
        )
    return int(value)


def joined(projection: Any, sizes: tuple[int, int], names: Mapping[str, Any]) -> Ends:
    """Return what a projection (or its connection) joins, its populations being of `sizes` (source, target)."""
    spans = []
    for side, size in zip(("source", "target"), sizes, strict=True):
        text = getattr(projection, f"{side}_units")
        try:
            spans.append(subset(text, size, names))
        except RuleError as error:
            raise RuleError(f"Projection {projection.name!r}, {side}_units={text!r}: {error}") from error
    return Ends(spans[0], spans[1], sizes, projection.no_self)


def apart(item: Any, source: str, target: str) -> str:
    """Return the condition that a unit meets another, where `source` and `target` are numbers within the subsets."""
    first, other = (slice_texts(text)[0] if text else "0" for text in (item.source_units, item.target_units))
    return f"{_moved(source, first)} != {_moved(target, other)}"


def _moved(number: str, first: str) -> str:
    return number if first == "0" else f"{number} + {first if first.isalnum() else f'({first})'}"
