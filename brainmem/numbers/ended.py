"""The state in which a run ended, as the numbers with which another begins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.numbers.streams import later_seed, side_by_side, stream
from brainmem.text.slices import Ends
from brainmem.translation.recorded import kept_at_end
from brainmem.translation.sizes import CELLS
from brainmem.translation.text import Initial, Translation

__all__ = ["NOTHING", "Ended", "with_inputs"]


@dataclass(frozen=True)
class Ended:
    """What a run left.

    Attributes
    ----------
    state : mapping of str to ndarray
        By ``"owner.variable"``: of groups ([trial,] element), of synapses (post, pre).
    seed : int
        That of the run; a run of the same seed goes on with its random streams, one of another has streams of its own.
    streams : mapping
        ``orders``, the state of the generator of orders; ``starts``, how many starts of phases were numbered; ``runs``,
        how many runs of this seed followed each other.
    beside : bool
        Whether it ended in a phase beside the protocol, so that what was set aside is put back, and cells begin anew.
    tables : frozenset of str
        The patterns that were taken over.
    """

    state: Mapping[str, np.ndarray] = field(default_factory=dict)
    seed: int = -1
    streams: Mapping[str, Any] = field(default_factory=dict)
    beside: bool = False
    tables: frozenset[str] = frozenset()

    def orders_of(self, seed: int) -> np.random.Generator:
        """Return the generator from which a run draws the orders of its items."""
        rng = stream(seed, "protocol")
        if seed == self.seed:
            rng.bit_generator.state = self.streams["orders"]
        return rng

    def starts_of(self, seed: int) -> int:
        """Return how many starts of phases have been numbered before a run."""
        return int(self.streams["starts"]) if seed == self.seed else 0

    def runs_of(self, seed: int) -> int:
        """Return how many runs of its seed went before a run."""
        return int(self.streams["runs"]) if seed == self.seed else 0

    def seed_of(self, seed: int) -> int:
        """Return what stands for the seed in noise, orders of visits and shuffles, which would be those of before."""
        return later_seed(seed, self.runs_of(seed))

    def held(
        self, translated: Translation, parameters: Mapping[str, Any], given: Collection[str], ends: Mapping[str, Ends]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return the state of groups, as the device takes it, and that of synapses, but what is `given` otherwise.

        Parameters
        ----------
        given : names
            Of start values, and of projections whose weights are given.

        Raises
        ------
        RuleError
            Where a group or a projection has another size than it had.
        """
        groups, synapses = {}, {}
        names = {item.name for item in translated.groups}
        for key in self._taken(translated, given):
            owner, values = key.split(".")[0], self.state[key]
            if owner not in names:
                synapses[key] = _fitting(translated, key, values, ends[owner].shape)
                continue
            size = translated.group(owner).size
            wide = size.value({**parameters, "trials": 1}) if size.trials else size.value(parameters)
            if not translated.trials or not size.trials:
                groups[key] = _fitting(translated, key, values, (wide,))
                continue
            shape = (translated.trials, wide)
            found = values if values.ndim == 2 else np.broadcast_to(values, (translated.trials, *values.shape))
            units = wide // (int(parameters[CELLS]) if size.cells else 1)
            groups[key] = side_by_side(_fitting(translated, key, found, shape), units)
        return groups, synapses

    def _taken(self, translated: Translation, given: Collection[str]) -> Iterator[str]:
        """Yield the names of the state that a run goes on from."""
        own = {f"{item.owner}.{item.variable}" for item in translated.initial if item.stream in given}
        for owner, variable in kept_at_end(translated):
            key = f"{owner}.{variable}"
            if key in self.state and key not in own and key not in given and owner not in given:
                yield key


NOTHING = Ended()


def _fitting(translated: Translation, key: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if values.shape == shape:
        return values
    trials = len(values.shape) == 2 and len(shape) == 1
    advice = (
        "Take one of its trials, after=result.select(trial=0)."
        if trials
        else ("Run with the sizes of that run, or give what has another size by weights= and initial=.")
    )
    raise RuleError(
        f"Model {translated.model.name!r}: after= holds {key!r} of shape {values.shape}, and this run needs {shape}. "
        f"{advice}"
    )


def with_inputs(translated: Translation, keys: Iterable[str]) -> Translation:
    """Return a translation that takes values for these variables, ``"owner.variable"``, when a run begins."""
    known = {f"{item.owner}.{item.variable}" for item in translated.initial}
    more = (Initial(*key.split("."), draw="zeros()") for key in keys if key not in known)
    return replace(translated, initial=(*translated.initial, *more))
