"""Recurrent networks of several regions fitted to activity, in numpy alone: what `fit` is held against.

M. G. Perich et al., "Inferring brain-wide interactions using data-constrained recurrent neural network models",
bioRxiv 2020.12.18.423348 (2020): tanh units learn by recursive least squares from the error of their rates, one
change of all weights for each sample of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trained:
    """A network after its last pass: weights [post, pre], rates (sample, unit) of a pass without learning, pVar."""

    weights: np.ndarray
    rates: np.ndarray
    pvar: float
    learning: tuple[float, ...]  # pVar of each pass with learning


def train(
    activity: np.ndarray, weights: np.ndarray, inputs: np.ndarray, *, start: np.ndarray, step: float,
    tau: float, passes: int, between: int = 1, resets: tuple[int, ...] = (), limit: float = 0.999,
) -> Trained:  # fmt: skip
    """Train on activity (sample, unit) between -1 and 1, from these weights.

    `inputs` (step, unit) has `between` steps for each sample; `start` are the currents of a pass's first step, and
    `resets` the samples at which the currents are put back to what the data need.
    """
    goal = np.clip(activity, -limit, limit)
    weights, inverse = weights.copy(), np.eye(len(weights))
    learning = []
    for _ in range(passes):
        shown, weights, inverse = one_pass(goal, weights, inputs, inverse, start, step / between, tau, between, resets)
        learning.append(pvar(activity, shown))
    shown, _, _ = one_pass(goal, weights, inputs, None, start, step / between, tau, between, resets)
    return Trained(weights, shown, pvar(activity, shown), tuple(learning))


def one_pass(goal, weights, inputs, inverse, start, dt, tau, between, resets):
    """Run through the data once, learning at its samples where `inverse` is given."""
    current, shown = start.copy(), np.empty_like(goal)
    for k in range(len(inputs)):
        sample, rest = divmod(k, between)
        if rest == 0 and sample in resets:
            current = np.arctanh(goal[sample])
        rates = np.tanh(current)
        current = current + dt * (-current + weights @ rates + inputs[k]) / tau
        if rest:
            continue
        shown[sample] = rates
        if inverse is not None:
            k_ = inverse @ rates
            c = 1 / (1 + rates @ k_)
            inverse = inverse - c * np.outer(k_, k_)
            weights = weights - c * np.outer(rates - goal[sample], k_)
    return shown, weights, inverse


def pvar(activity: np.ndarray, rates: np.ndarray) -> float:
    """Return the fraction of the variance about the mean over all units and samples that rates explain."""
    return float(1 - np.mean((activity - rates) ** 2) / np.var(activity))


def currents(weights: np.ndarray, rates: np.ndarray, regions: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Return the currents (sample, unit of the target) that each region receives from each, by (target, source)."""
    names = list(dict.fromkeys(regions.tolist()))
    return {
        (a, b): rates[:, regions == b] @ weights[np.ix_(regions == a, regions == b)].T for a in names for b in names
    }
