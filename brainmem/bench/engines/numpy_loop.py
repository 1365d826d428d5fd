"""The networks in plain numpy, as one writes them by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from brainmem.bench.networks import Start

__all__ = ["load"]


def load(network: str, start: Start) -> _Loop:
    """Return the network called `network` as a loop over steps."""
    return _Loop(CHANGES[network], start)


class _Loop:
    def __init__(self, change: Callable[..., None], start: Start) -> None:
        self.change, self.start = change, start

    def prepare(self, steps: int) -> None:
        self.w, self.x = self.start.w.copy(), self.start.x.copy()

    def advance(self, steps: int) -> None:
        start, w, x = self.start, self.w, self.x
        for _ in range(steps):
            u = w @ x
            following = x + start.step * (np.tanh(start.beta * (u + start.h)) - x)
            self.change(start, w, x, u)
            x = following
        self.x = x

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self.w, self.x


def _static(start: Start, w: np.ndarray, x: np.ndarray, u: np.ndarray) -> None:
    pass


def _plastic(start: Start, w: np.ndarray, x: np.ndarray, u: np.ndarray) -> None:
    w += start.step * start.eps * (np.outer(x, x) - w * (x**2)[:, None] - start.cubic * w * w * w)


def _rank_one(start: Start, w: np.ndarray, x: np.ndarray, u: np.ndarray) -> None:
    w += (start.step * start.eps * (start.target - x))[:, None] * (x - u[:, None] * w)


CHANGES = {"static": _static, "plastic": _plastic, "rank_one": _rank_one}
