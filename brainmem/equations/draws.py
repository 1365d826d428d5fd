"""Draw arrays from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import Quantity

from brainmem.equations.expression import FUNCTIONS, names_in, walk
from brainmem.errors import RuleError

__all__ = ["draw"]


def draw(text: str, *, names: Mapping[str, Any], rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return a float array of `shape` in base SI units.

    Parameters
    ----------
    text : str
        An expression (see `evaluate`) over `names` and ``signs()`` (-1 or +1), ``normal(mean, sd)``,
        ``uniform(low, high)``, ``binary(p)`` (0 or 1), ``zeros()`` and ``eye()`` (the identity matrix, where the shape
        is a square), each of the full shape.
    names : mapping of str to number, Quantity or array
        Arrays are in base SI units.
    rng : numpy.random.Generator
    shape : tuple of int

    Raises
    ------
    RuleError
        For text that `evaluate` refuses, another shape (a single number fills all), or values not finite.
    """
    plain = {name: _plain(value) for name, value in names.items()}
    plain |= {name: _plain(DEFAULT_UNITS[name]) for name in names_in(text) - set(plain) if name in DEFAULT_UNITS}
    value = np.asarray(walk(text, plain, {**FUNCTIONS, **_draws(rng, shape)}), dtype=float)
    if value.ndim and value.shape != tuple(shape):
        raise RuleError(f"{text!r} has shape {value.shape}; needed is {tuple(shape)}, or one number for all.")
    if not np.isfinite(value).all():
        raise RuleError(f"{text!r} gives values that are not finite.")
    return np.broadcast_to(value, shape).copy()


def _plain(value: Any) -> Any:
    """Return a value in base SI units without its unit."""
    if not isinstance(value, Quantity):
        return value
    array = np.asarray(value, dtype=float)
    return float(array) if array.ndim == 0 else array


def _draws(rng: np.random.Generator, shape: tuple[int, ...]) -> dict[str, Callable[..., np.ndarray]]:
    def normal(mean, sd):
        _require(np.all(np.asarray(sd) >= 0), f"normal(mean, sd) needs sd >= 0, got {sd}")
        return rng.normal(mean, sd, shape)

    def uniform(low, high):
        _require(np.all(np.asarray(low) <= np.asarray(high)), f"uniform({low}, {high}): low is above high")
        return rng.uniform(low, high, shape)

    def binary(p):
        _require(np.all((np.asarray(p) >= 0) & (np.asarray(p) <= 1)), f"binary(p) needs 0 <= p <= 1, got {p}")
        return (rng.random(shape) < p) * 1.0

    return {
        "signs": lambda: rng.choice([-1.0, 1.0], shape),
        "normal": normal,
        "uniform": uniform,
        "binary": binary,
        "zeros": lambda: np.zeros(shape),
        "eye": lambda: _identity(shape),
    }


def _identity(shape: tuple[int, ...]) -> np.ndarray:
    square = len(shape) == 2 and shape[0] == shape[1]
    _require(square, f"eye() is an identity matrix, as wide as it is high; needed here is the shape {shape}")
    return np.eye(shape[0])


def _require(held: Any, reason: str) -> None:
    if not held:
        raise ValueError(reason)
