"""Orders in which a rule shuffles numbers over the synapses of a projection, as functions of where they belong.

The order of a shuffle depends on (seed, update, rule, call) alone, so that it is the same on every device and numpy can
repeat a run. It is drawn as the orders of visits are (`brainmem.text.sites`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from brainmem.errors import RuleError
from brainmem.intake.arguments import FLAG, INTEGER, SEED, TEXT, count, takes
from brainmem.text.sites import key_of_sweep, order_of_key
from brainmem.text.statistics import rule_number

__all__ = ["places_of_key", "shuffle_order", "shuffle_seed", "tied_places"]


def shuffle_seed(seed: int) -> int:
    """Return the number that stands for a run's seed in the keys of its shuffles."""
    state = np.random.SeedSequence(seed, spawn_key=tuple(b"shuffles")).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(11))


@lru_cache(maxsize=16)
def tied_places(
    rows: int, columns: int, recurrent: bool, diagonal: bool, shift: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the places of a matrix ``[post, pre]`` that are shuffled among each other.

    Parameters
    ----------
    rows, columns : int
    recurrent, diagonal : bool
        Whether both ends are of one population, and whether synapses of units to themselves exist.
    shift : int
        Row ``k`` meets itself in column ``k + shift``.

    Returns
    -------
    above, below : ndarray of int
        Of each pair of synapses that join two units both ways, in the order of rows: that from the unit with the
        higher number, and the other.
    single : ndarray of int
        Synapses without such a counterpart.
    own : ndarray of int
        Synapses of units to themselves.
    """
    row, column = (item.ravel() for item in np.indices((rows, columns)))
    place, itself = row * columns + column, row + shift
    if not recurrent:
        none = np.zeros(0, dtype=int)
        return none, none, place, none
    back = (column >= shift) & (column - shift < rows) & (itself >= 0) & (itself < columns)
    pairs = back & (column > itself)
    own = (column == itself) & diagonal
    below = (column - shift) * columns + itself
    return place[pairs], below[pairs], place[~back & (column != itself)], place[own]


def places_of_key(
    seed: float, update: int, rule: int, call: int, places: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
) -> np.ndarray:
    """Return the flat place from which every place of a matrix takes its value; `places` are from `tied_places`."""
    above, below, single, own = places
    size = max((int(item.max()) + 1 for item in places if len(item)), default=0)
    found = np.arange(size)
    for kind, ends in enumerate(((above, below), (single,), (own,))):
        order = order_of_key(key_of_sweep(seed, update, rule, 3 * call + kind), len(ends[0]))
        for end in ends:
            found[end] = end[order]
    return found


@takes(
    RuleError,
    post=count(1),
    pre=count(1),
    update=count(0),
    rule=TEXT,
    seed=SEED,
    call=count(0),
    recurrent=FLAG,
    self_connections=FLAG,
    shift=INTEGER,
)
def shuffle_order(
    post: int,
    pre: int,
    *,
    update: int,
    rule: str,
    seed: int,
    call: int = 0,
    recurrent: bool = False,
    self_connections: bool = False,
    shift: int = 0,
) -> np.ndarray:
    """Return the order into which ``shuffle(x)`` in the text of a rule brings the values of the synapses.

    Parameters
    ----------
    post, pre : int
        Number of units at both ends of the projection.
    update : int
        Number of the update of the rule, from 0: of the time step, period or episode, counted over those in which no
        gate shuts the rule.
    rule : str
        Name of the rule.
    seed : int
        As `simulate` takes it.
    call : int
        Place of the shuffle among those of the rule, from 0, as they are written.
    recurrent : bool
        Whether the projection joins a population to itself. Then the synapses that join two units both ways are tied:
        what one of them takes from a pair, the other takes from the same pair, so that a symmetric `x` stays so.
    self_connections : bool
        Whether the projection has synapses of units to themselves; these are shuffled among each other.
    shift : int
        Number of the first target unit less that of the first source unit, where a recurrent projection joins parts
        of its population.

    Returns
    -------
    ndarray of int, shape (post, pre)
        ``x.ravel()[order]`` are the shuffled values of `x`, a matrix ``[post, pre]``. Each order has the same
        probability. Synapses that do not exist keep their place.

    Raises
    ------
    RuleError
        When an argument is not of its kind.

    Examples
    --------
    >>> from brainmem import shuffle_order
    >>> shuffle_order(2, 3, update=0, rule="decay", seed=1).tolist()
    [[4, 3, 2], [5, 1, 0]]
    """
    places = tied_places(int(post), int(pre), bool(recurrent), bool(self_connections), int(shift))
    found = np.arange(post * pre)
    order = places_of_key(shuffle_seed(seed), update, rule_number(rule), call, places)
    found[: len(order)] = order
    return found.reshape(post, pre)
