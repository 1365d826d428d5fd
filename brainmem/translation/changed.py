"""What becomes of a model whose texts are made right in the mean for rates that are read from spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brainmem.model.memory import MemoryModel
from brainmem.translation.noise import Name

__all__ = ["Change", "Expected"]


@dataclass(frozen=True)
class Change:
    """A text that reads something noisy beyond linearly, and what it reads instead."""

    where: str
    before: str
    after: str


@dataclass(frozen=True)
class Expected:
    """A model whose texts are right in the mean when rates are read from spikes.

    Attributes
    ----------
    model : MemoryModel
    states : dict of str to tuple of str
        By population, the state variables that have an expected one beside them.
    rates : frozenset of str
        Populations whose expected rate is read.
    changes : tuple of Change
    reported : tuple of str
        Observables that nothing reads and whose mean holds noise of spikes: they stay what the cells did.
    deciding : tuple of (str, str)
        Ranks of units, with their population, that drives or transfers read: noise of spikes decides in them.
    """

    model: MemoryModel
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rates: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    reported: tuple[str, ...] = ()
    deciding: tuple[Name, ...] = ()
