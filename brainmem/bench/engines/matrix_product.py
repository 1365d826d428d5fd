"""Nothing but the product W x of each step, by the BLAS that SciPy brings: the limit of a static network."""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas

from brainmem.bench.networks import Start

__all__ = ["load"]


def load(network: str, start: Start) -> _Product:
    """Return the product alone, whatever the network does beside it."""
    return _Product(start)


class _Product:
    def __init__(self, start: Start) -> None:
        self.start = start
        self.transposed = np.ascontiguousarray(start.w).T  # in BLAS's order, without a copy in every call

    def prepare(self, steps: int) -> None:
        self.u = np.zeros_like(self.start.x)

    def advance(self, steps: int) -> None:
        w, x, u = self.transposed, self.start.x, self.u
        product = blas.dgemv  # pyright: ignore[reportAttributeAccessIssue]  # scipy makes it when it is imported
        for _ in range(steps):
            u = product(1.0, w, x, beta=0.0, y=u, trans=1, overwrite_y=1)
        self.u = u

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self.start.w, self.u
