"""The importance Om of every learning rule of Deistler et al. (2018) and of the controls, in plain numpy.

A synapse changes by ``w += eta*Om*z``, ``z = d_i d_j - w``. Arrays are [post, pre]. In every rule ``X+gate`` is
``Om_X*(abs(z) > t)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from brainmem import RuleError

TOP = 0.95  # quantile of F above which fisher_top protects


class Synapses(NamedTuple):
    """What an importance may read: w and z, and sums over the finished patterns: of o = d_i d_j, o^2, and p_i p_j."""

    w: np.ndarray
    z: np.ndarray
    S1: np.ndarray
    S2: np.ndarray
    C: np.ndarray
    n: int
    s: float

    def fisher(self) -> np.ndarray:
        """Return ``S2/n - (S1/n)^2`` (Eq 7), 0 before the first pattern."""
        n = max(self.n, 1)
        return self.S2 / n - (self.S1 / n) ** 2


def _hebb(at: Synapses) -> np.ndarray:
    return np.ones_like(at.w)


def _exponential(at: Synapses, a: float) -> np.ndarray:
    return np.exp(-a * np.abs(at.w))


def _weight_threshold(at: Synapses, Theta: float, absolute: bool = False, own: bool = False) -> np.ndarray:
    """With `absolute` of abs(w); with `own` the diagonal is always plastic (both in Fig 2)."""
    plastic = (np.abs(at.w) if absolute else at.w) <= Theta
    return (plastic | np.eye(len(at.w), dtype=bool) if own else plastic).astype(float)


def _exp_threshold(at: Synapses, a: float, t: float) -> np.ndarray:
    return _exponential(at, a) * _gate(at, t)


def _bayes(at: Synapses, c: float) -> np.ndarray:
    return c / (c + np.abs(at.w))


def _bayes_pow(at: Synapses, c: float) -> np.ndarray:
    return c / (c + np.abs(at.w) * (1 - np.abs(at.w)))


def _bayes_threshold(at: Synapses, c: float, t: float) -> np.ndarray:
    return _bayes(at, c) * _gate(at, t)


def _fisher(at: Synapses, a: float) -> np.ndarray:
    return np.exp(-a * at.fisher())


def _fisher_threshold(at: Synapses, Theta: float) -> np.ndarray:
    return (at.fisher() <= Theta).astype(float)


def _fisher_bayes(at: Synapses, c: float) -> np.ndarray:
    return c / (c + at.fisher())


def _fisher_local(at: Synapses, a: float) -> np.ndarray:
    """Eq 11, which is negative for w above .65 or so at s = .1: Om is above 1 there."""
    s = at.s
    return np.exp(-a * (s**2 * (1 - s) ** 2 + (1 - 2 * s) ** 2 * at.w - at.w**2))


def _fisher_top(at: Synapses) -> np.ndarray:
    """0 where F is above its quantile over i != j, which many pairs may equal; 1 on the diagonal."""
    F, other = at.fisher(), ~np.eye(len(at.w), dtype=bool)
    protected = (F - np.quantile(F[other], TOP) > 0) & other
    return 1.0 - protected


def _count(at: Synapses, c: float) -> np.ndarray:
    return 1 / (1 + c * at.C)


def _anneal(at: Synapses, n0: float) -> np.ndarray:
    return np.full_like(at.w, 1 / (at.n + n0))


def _gate(at: Synapses, t: float) -> np.ndarray:
    return (np.abs(at.z) > t).astype(float)


def _anti(at: Synapses, a: float) -> np.ndarray:
    return 1 - _exponential(at, a)


RULES: dict[str, Callable[..., np.ndarray]] = {
    "hebb": _hebb,
    "exponential": _exponential,
    "weight_threshold": _weight_threshold,
    "exp_threshold": _exp_threshold,
    "bayes": _bayes,
    "bayes_pow": _bayes_pow,
    "bayes_threshold": _bayes_threshold,
    "fisher": _fisher,
    "fisher_threshold": _fisher_threshold,
    "fisher_bayes": _fisher_bayes,
    "fisher_local": _fisher_local,
    "fisher_top": _fisher_top,
    "count": _count,
    "anneal": _anneal,
    "gate": _gate,
    "anti": _anti,
}


def _rule(name: str, parameters: dict[str, float]) -> tuple[Callable[..., np.ndarray], bool]:
    """Return the function of a rule and whether it is gated too; parameters must be those that it takes."""
    base, plus, gate = name.partition("+")
    if base not in RULES or gate not in ("", "gate") or (plus and not gate):
        raise RuleError(f"The rule must be one of {', '.join(RULES)}, or one of these with '+gate'; got {name!r}.")
    every = list(inspect.signature(RULES[base]).parameters.values())[1:]
    needed = {each.name for each in every if each.default is each.empty} | ({"t"} if gate else set())
    if missing := needed - set(parameters):
        raise RuleError(f"The rule {name!r} needs {', '.join(sorted(missing))}; got {parameters!r}.")
    if more := set(parameters) - needed - {each.name for each in every}:
        raise RuleError(f"The rule {name!r} takes {sorted(needed)}, not {', '.join(sorted(more))}.")
    return RULES[base], bool(gate)


def importance_of(rule: str, **parameters: float) -> Callable[[Synapses], np.ndarray]:
    """Return the function of the synapses that Om of a rule is; parameters as in the table: a, c, Theta, t, n0."""
    function, gated = _rule(rule, parameters)
    if not gated:
        return partial(function, **parameters)
    own = {name: value for name, value in parameters.items() if name != "t"}
    return lambda at: function(at, **own) * _gate(at, parameters["t"])


def importance(rule: str, at: Synapses, **parameters: float) -> np.ndarray:
    """Return Om of a rule at synapses."""
    return importance_of(rule, **parameters)(at)
