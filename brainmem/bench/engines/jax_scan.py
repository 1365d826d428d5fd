"""The networks in JAX: all steps of a run are one scan, compiled by XLA."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from brainmem.bench.networks import Start

__all__ = ["load"]


def load(network: str, start: Start) -> _Scan:
    """Return the network called `network`; float64 is switched on."""
    jax.config.update("jax_enable_x64", True)
    return _Scan(network, start)


class _Scan:
    def __init__(self, network: str, start: Start) -> None:
        self.start, self.compiled = start, {}
        self.run = jax.jit(partial(RUNS[network], start), static_argnums=2)

    def prepare(self, steps: int) -> None:
        self.w, self.x = jnp.asarray(self.start.w), jnp.asarray(self.start.x)
        if steps not in self.compiled:
            self.compiled[steps] = self.run.lower(self.w, self.x, steps).compile()

    def advance(self, steps: int) -> None:
        self.w, self.x = jax.block_until_ready(self.compiled[steps](self.w, self.x))

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self.w), np.asarray(self.x)


def _rates(start: Start, x, u):
    return x + start.step * (jnp.tanh(start.beta * (u + start.h)) - x)


def _static(start: Start, w, x, steps: int):
    def step(x, _):
        return _rates(start, x, w @ x), None

    return w, jax.lax.scan(step, x, None, length=steps)[0]


def _plastic(start: Start, w, x, steps: int):
    def step(state, _):
        w, x = state
        change = x[:, None] * x[None, :] - w * (x**2)[:, None] - start.cubic * w * w * w
        return (w + start.step * start.eps * change, _rates(start, x, w @ x)), None

    return jax.lax.scan(step, (w, x), None, length=steps)[0]


def _rank_one(start: Start, w, x, steps: int):
    def step(state, _):
        w, x = state
        u = w @ x
        speed = start.step * start.eps * (start.target - x)
        return (w + speed[:, None] * (x[None, :] - u[:, None] * w), _rates(start, x, u)), None

    return jax.lax.scan(step, (w, x), None, length=steps)[0]


RUNS = {"static": _static, "plastic": _plastic, "rank_one": _rank_one}
