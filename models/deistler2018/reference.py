"""References in plain numpy for Deistler et al. (2018): patterns, recall, learning, and tests of a sequence.

Nothing here uses the simulator or its measures. Weights are ``w[post, pre]``, patterns and cues (item, unit) arrays of
0 and 1, ``d = p - s``, `rng` a numpy Generator. No argument is changed in place. In this order: patterns and measures;
recall; learning; sequences. What the rules do is in `importances`, closed forms are in `theory`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from brainmem.models.deistler2018.importances import Synapses, importance_of

from brainmem import RuleError

KEPT = 0.9  # a pattern is kept whose recalled state has a Dice score above this
GRID = 1e9  # fields are rounded to 1/GRID before they are ranked


def patterns(n: int, M: int, s: float, rng: np.random.Generator) -> np.ndarray:
    """Return n patterns of M units, each with exactly ``K = s*M`` ones."""
    K = round(s * M)
    if abs(K - s * M) > 1e-9 or not 0 < K < M:
        raise RuleError(f"s*M must be a whole number from 1 to M - 1, got {s!r}*{M!r} = {s * M!r}.")
    return (rng.permuted(np.tile(np.arange(M), (n, 1)), axis=1) < K).astype(float)


def moved(shown: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the patterns with `count` ones of each moved to silent units."""
    ones = shown.sum(axis=1)
    if count < 0 or (count > np.minimum(ones, shown.shape[1] - ones)).any():
        raise RuleError(f"{count!r} ones cannot be moved: each pattern needs so many ones and so many silent units.")
    random = rng.random(shown.shape)
    first = np.argsort(np.where(shown == 1, random, 2), axis=1)[:, :count]
    last = np.argsort(np.where(shown == 0, random, 2), axis=1)[:, :count]
    cues = shown.copy()
    np.put_along_axis(cues, first, 0.0, axis=1)
    np.put_along_axis(cues, last, 1.0, axis=1)
    return cues


def flipped(shown: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the patterns with `count` units of each set to the other state."""
    return np.where(rng.permuted(np.tile(np.arange(shown.shape[1]), (len(shown), 1)), axis=1) < count, 1 - shown, shown)


def batch_hebb(shown: np.ndarray, s: float, *, diagonal: bool = True) -> np.ndarray:
    """Return ``w_ij = (1/N) sum_n d_i d_j`` (Eq 1), with or without i = j."""
    d = shown - s
    return _own(d.T @ d / len(d), diagonal)


def willshaw(shown: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """Return w_ij = 1 where i and j were ever active together."""
    return _own((shown.T @ shown > 0).astype(float), diagonal)


def _own(w: np.ndarray, diagonal: bool) -> np.ndarray:
    if not diagonal:
        np.fill_diagonal(w, 0)
    return w


def dice(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ``2 |A & B|/(|A| + |B|)`` over the last axis; 0 for two empty states."""
    return 2 * np.sum(a * b, axis=-1) / np.maximum(np.sum(a, axis=-1) + np.sum(b, axis=-1), 1)


def energy(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return ``E = -sum_ij x_i x_j w_ij``, without a factor 1/2."""
    return -np.sum(x @ w * x, axis=-1)


class Readout(NamedTuple):
    """How patterns are recalled: whether w_ii is kept, the threshold, and what is wrong in the cues.

    Where theta is None the K most driven units are active. `centred` states add ``w*(x - s)`` to the fields, not w*x.
    """

    diagonal: bool
    theta: float | None
    moved: int = 0
    flipped: int = 0
    centred: bool = False

    def cues(self, shown: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return cues of patterns."""
        return flipped(moved(shown, self.moved, rng), self.flipped, rng)


A = Readout(diagonal=True, theta=1.0)  # the paper's; B is A._replace(theta=...)
C = Readout(diagonal=False, theta=1.0)
D = Readout(diagonal=False, theta=None, moved=2)  # the fair test
SIGNS = Readout(diagonal=False, theta=0.0, flipped=5, centred=True)  # s = 1/2, states of +-1/2


def winners(h: np.ndarray, K: int) -> np.ndarray:
    """Return 1 for the K greatest fields of each row, of equal ones those of lower index.

    Fields are compared as ``floor(h*1e9 + .5)``: sums that are equal in real arithmetic differ in the last bit.
    """
    units = h.shape[-1]
    keys = np.floor(h * GRID + 0.5).astype(np.int64) * units - np.arange(units)
    x = np.zeros(h.shape)
    np.put_along_axis(x, np.argpartition(-keys, K - 1, axis=-1)[..., :K], 1.0, axis=-1)
    return x


def recall(w: np.ndarray, cues: np.ndarray, readout: Readout, *, s: float, steps: int = 10) -> np.ndarray:
    """Return the states after `steps` synchronous steps from the cues (Eq 2)."""
    x, K, moving = cues.copy(), round(s * cues.shape[1]), np.arange(len(cues))
    for _ in range(steps):
        h = (x[moving] - s if readout.centred else x[moving]) @ w.T
        following = winners(h, K) if readout.theta is None else (h > readout.theta).astype(float)
        changed = (following != x[moving]).any(axis=1)
        x[moving], moving = following, moving[changed]  # the others have reached a fixed point
        if not moving.size:
            break
    return x


class Order(NamedTuple):
    """A permutation of the pairs i < j, row by row, and one of the units, for the diagonal."""

    pairs: np.ndarray
    units: np.ndarray


def orders(M: int, rng: np.random.Generator) -> Iterator[Order]:
    """Yield random orders without end."""
    while True:
        yield Order(rng.permutation(M * (M - 1) // 2), rng.permutation(M))


def shuffled(Om: np.ndarray, order: Order) -> np.ndarray:
    """Return the values of a symmetric Om at other pairs, ij and ji alike; the diagonal's stay on it."""
    above, permuted = np.triu_indices(len(Om), 1), np.zeros_like(Om)
    permuted[above] = Om[above][order.pairs]
    return permuted + permuted.T + np.diag(np.diag(Om)[order.units])


def learn(
    w: np.ndarray,
    shown: np.ndarray,
    rule: str,
    *,
    s: float,
    eta: float,
    epochs: int = 5,
    diagonal: bool = True,
    counted: np.ndarray | None = None,
    shuffle: Iterable[Order] | None = None,
    **parameters: float,
) -> Iterator[np.ndarray]:
    """Yield w after every epoch, ``w += eta*Om*z`` with ``z = d_i d_j - w`` (Eq 3): `epochs` of each pattern in turn.

    `counted` are earlier patterns, which S1, S2, C and n begin with. With `shuffle` each update takes the next order.
    """
    om = importance_of(rule, **parameters)
    before = np.zeros((0, len(w))) if counted is None else counted
    d = before - s
    S1, S2, C, n = d.T @ d, (d**2).T @ d**2, before.T @ before, len(before)
    take = None if shuffle is None else iter(shuffle)
    w = w.copy()
    for p in shown:
        o = np.outer(p - s, p - s)
        for _ in range(epochs):
            z = o - w
            Om = om(Synapses(w, z, S1, S2, C, n, s))
            w = _own(w + eta * (Om if take is None else shuffled(Om, next(take))) * z, diagonal)
            yield w
        S1, S2, C, n = S1 + o, S2 + o * o, C + np.outer(p, p), n + 1


class Tested(NamedTuple):
    """Dice of each pattern at each load, (load, pattern), NaN for those to come; fraction of foils kept, (load,)."""

    loads: np.ndarray
    dice: np.ndarray
    foils: np.ndarray
    w: np.ndarray

    def kept(self) -> np.ndarray:
        """Return n_ret, how many patterns are kept at each load."""
        return np.sum(self.dice > KEPT, axis=1)

    def by_age(self, load: int) -> np.ndarray:
        """Return which patterns are kept at a load, the youngest first."""
        return self.dice[list(self.loads).index(load), :load][::-1] > KEPT


def sequence(
    rule: str,
    rng: np.random.Generator,
    *,
    readout: Readout,
    loads: Iterable[int],
    eta: float,
    M: int = 100,
    s: float = 0.1,
    initial: int = 20,
    w0: np.ndarray | None = None,
    epochs: int = 5,
    foils: int = 0,
    shuffle: bool = False,
    **parameters: float,
) -> Tested:
    """Learn a sequence after a batch of `initial` patterns (or from w0), and test the patterns so far at each load.

    One cue of each pattern is drawn, with what is wrong in it.
    """
    loads = np.array(sorted(set(loads)))
    old, new, never = (patterns(n, M, s, rng) for n in (initial, loads[-1], foils))
    cues, false = readout.cues(new, rng), readout.cues(never, rng)
    start = batch_hebb(old, s, diagonal=readout.diagonal) if w0 is None else _own(w0.copy(), readout.diagonal)
    counted, order = (old if w0 is None else None), (orders(M, rng) if shuffle else None)
    options = {"epochs": epochs, "diagonal": readout.diagonal, "counted": counted, "shuffle": order}
    learnt = learn(start, new, rule, s=s, eta=eta, **options, **parameters)
    scores, wrong, w = np.full((len(loads), loads[-1]), np.nan), np.zeros(len(loads)), start
    for epoch, w in enumerate(learnt, 1):
        for row in np.flatnonzero(loads * epochs == epoch):
            k = loads[row]
            scores[row, :k] = dice(recall(w, cues[:k], readout, s=s), new[:k])
            wrong[row] = np.mean(dice(recall(w, false, readout, s=s), never) > KEPT) if foils else np.nan
    return Tested(loads, scores, wrong, w)


def entries_kept(
    rule: str, rng: np.random.Generator, *, readout: Readout, eta: float, load: int = 60, **parameters
) -> int:
    """Return the authors' objective: (epoch, pattern) entries with Dice > .9 up to a load, patterns shown so far."""
    M, s, epochs = 100, 0.1, 5
    old, new = patterns(20, M, s, rng), patterns(load, M, s, rng)
    start, total = batch_hebb(old, s, diagonal=readout.diagonal), 0
    learnt = learn(start, new, rule, s=s, eta=eta, diagonal=readout.diagonal, counted=old, **parameters)
    for epoch, w in enumerate(learnt):
        so_far = new[: epoch // epochs + 1]
        total += int(np.sum(dice(recall(w, so_far, readout, s=s), so_far) > KEPT))
    return total


def one_new_pattern(
    rule: str,
    rng: np.random.Generator,
    *,
    theta: float = 0.25,
    eta: float = 0.01,
    epochs: int = 5000,
    diagonal: bool = True,
    **parameters: float,
) -> np.ndarray:
    """Return Dice after every epoch of one pattern, (epoch, 21): of 20 old ones from Eq 1, then of the new (Fig 2)."""
    M, s = 100, 0.1
    old, new = patterns(20, M, s, rng), patterns(1, M, s, rng)
    every, readout = np.concatenate([old, new]), Readout(diagonal, theta)
    start = batch_hebb(old, s, diagonal=diagonal)
    learnt = learn(start, new, rule, s=s, eta=eta, epochs=epochs, diagonal=diagonal, counted=old, **parameters)
    return np.array([dice(recall(w, every, readout, s=s), every) for w in learnt])
