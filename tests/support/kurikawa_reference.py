"""Repeated sequential learning (Kurikawa, Barak & Kaneko 2020) in plain numpy, from the equations alone.

    u_i = sum_{j != i} J_ij x_j
    dx_i/dt = tanh(beta*(u_i + gamma*eta_i)) - x_i
    dJ_ij/dt = eps*(xi_i - x_i)*(x_j - u_i*J_ij),  J_ii = 0

Time has the unit of the neural time constant. Both equations advance together from the state at the
beginning of the step (simultaneous Euler). This file knows nothing of brainmem: the
package's rate variant is compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Network:
    """State and constants of the paper's network; arrays are ``J[post, pre]`` and ``x[unit]``."""

    J: np.ndarray
    x: np.ndarray
    beta: float = 4.0
    gamma: float = 0.6
    eps: float = 3e-4
    dt: float = 0.1
    trace: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self):
        self.J, self.x = np.array(self.J, dtype=float), np.array(self.x, dtype=float)
        np.fill_diagonal(self.J, 0.0)

    def step(self, cue: np.ndarray, target: np.ndarray | None = None) -> None:
        """Advance by `dt`; the weights change only while a target is given. Keeps x after the step in `trace`."""
        u = self.J @ self.x
        change = np.tanh(self.beta * (u + self.gamma * cue)) - self.x
        if target is not None:
            growth = (target - self.x)[:, None] * (self.x[None, :] - u[:, None] * self.J)
            np.fill_diagonal(growth, 0.0)
            self.J = self.J + self.dt * self.eps * growth
        self.x = self.x + self.dt * change
        self.trace.append(self.x)

    def learn(self, cue: np.ndarray, target: np.ndarray, *, longest: int, stop: float) -> int:
        """Show one map until the overlap exceeds `stop`, for at most `longest` steps; return how many were made."""
        for step in range(1, longest + 1):
            self.step(cue, target)
            if np.mean(self.x * target) > stop:
                return step
        return longest

    def recall(self, cue: np.ndarray, start: np.ndarray, *, steps: int, last: int) -> np.ndarray:
        """Return x averaged over the `last` of `steps` steps from `start`, weights frozen; the state is put back."""
        kept, self.x = self.x, np.array(start)
        for _ in range(steps):
            self.step(cue)
        self.x = kept
        return np.mean(self.trace[-last:], axis=0)


@dataclass
class Record:
    """What a run of the protocol left, in the order of its steps."""

    J: list[np.ndarray]
    x: np.ndarray
    durations: list[int]
    means: list[np.ndarray]


def run_protocol(
    network: Network,
    cues: np.ndarray,
    targets: np.ndarray,
    *,
    orders: list[list[int]],
    starts: dict[int, list[tuple[int, np.ndarray]]],
    longest: int,
    stop: float,
    recall_steps: int,
    recall_last: int,
) -> Record:
    """Learn all maps in each of the given orders; after an epoch of `starts` (from 1), test recall.

    `starts` maps an epoch to its recall tests in order, each an item and its x(0). ``Record.J`` begins with the initial
    weights and has one entry per epoch more; ``Record.x`` is (time step, unit), recall tests included.
    """
    record = Record([network.J.copy()], np.empty(0), [], [])
    for epoch, order in enumerate(orders, start=1):
        for item in order:
            made = network.learn(cues[item], targets[item], longest=longest, stop=stop)
            record.durations.append(made)
            record.means.append(np.mean(network.trace[-made:], axis=0))
        for item, start in starts.get(epoch, []):
            mean = network.recall(cues[item], start, steps=recall_steps, last=recall_last)
            record.durations.append(recall_steps)
            record.means.append(mean)
        record.J.append(network.J.copy())
    record.x = np.array(network.trace)
    return record
