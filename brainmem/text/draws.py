"""Draw arrays from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import Quantity

from brainmem.errors import RuleError
from brainmem.text.curves import CurveFunction
from brainmem.text.expression import FUNCTIONS, Form, names_in, walk

__all__ = ["COORDINATES", "TRIAL", "coordinates", "draw", "draws_of"]

TRIAL = "trial"  # what texts call the number of the trial, from 0
COORDINATES = frozenset({"item", "unit", TRIAL})  # where a value belongs


def coordinates(shape: tuple[int, ...], step: float | None = None, *, trial: int = 0) -> dict[str, Any]:
    """Return ``item`` and ``unit`` (numbers from 0) of a table (items, unit), which expand to its shape, and ``trial``.

    A table (items, frames, unit) whose frames are shown for `step` seconds also has their ``time``.
    """
    items, *frames, units = shape
    ones = [1] * len(frames)
    found: dict[str, Any] = {
        "item": np.arange(items).reshape(-1, *ones, 1),
        "unit": np.arange(units).reshape(1, *ones, -1),
        "trial": trial,
    }
    if step is not None:
        found["time"] = step * np.arange(frames[0]).reshape(1, -1, 1)
    return found


def draw(
    text: str,
    *,
    names: Mapping[str, Any],
    rng: np.random.Generator,
    shape: tuple[int, ...],
    expand: bool = False,
    step: float | None = None,
    forms: Mapping[str, Form] | None = None,
) -> np.ndarray:
    """Return a float array of `shape` in base SI units.

    Parameters
    ----------
    text : str
        An expression (see `evaluate`) over `names` and ``signs()`` (-1 or +1), ``normal(mean, sd)``,
        ``uniform(low, high)``, ``binary(p)`` (0 or 1), ``zeros()``, ``permutation()`` (the numbers from 0 along the
        last axis, in random order) and ``eye()`` (the identity matrix, where the shape is a square), each of the full
        shape; ``first(x)``, the first frame of an array with frames; ``ranks(x)``, how many values along the last axis
        are smaller, and of equal ones how many stand before; ``ring(x, n)``, the values brought to -n/2 ... n/2 by
        whole turns of n.
        With `expand` also ``shifted(x, n)`` and ``row(x, n)``, with `step` ``filtered_noise(tau)``.
    names : mapping of str to number, Quantity, array, or function of a curve
        Arrays are in base SI units.
    rng : numpy.random.Generator
    shape : tuple of int
    expand : bool
        Whether values may have length 1 along an axis where `shape` has more.
    step : float, optional
        Seconds between frames, the second axis of `shape`.
    forms : mapping, optional
        Further functions, which evaluate their arguments themselves; see `walk`.

    Raises
    ------
    RuleError
        For text that `evaluate` refuses, another shape (a single number fills all), or values not finite.
    """
    plain = {name: _plain(value) for name, value in names.items()}
    plain |= {name: _plain(DEFAULT_UNITS[name]) for name in names_in(text) - set(plain) if name in DEFAULT_UNITS}
    functions = {**FUNCTIONS, **draws_of(rng, shape, step), **({"shifted": shifted, "row": row} if expand else {})}
    value = np.asarray(walk(text, plain, functions, forms=forms), dtype=float)
    if value.ndim and not _fits(value.shape, tuple(shape), expand):
        raise RuleError(f"{text!r} has shape {value.shape}; needed is {tuple(shape)}, or one number for all.")
    if not np.isfinite(value).all():
        raise RuleError(f"{text!r} gives values that are not finite.")
    return np.broadcast_to(value, shape).copy()


def _plain(value: Any) -> Any:
    """Return a value in base SI units without its unit."""
    if isinstance(value, CurveFunction):
        return value.without_units()
    if not isinstance(value, Quantity):
        return value
    array = np.asarray(value, dtype=float)
    return float(array) if array.ndim == 0 else array


def _fits(found: tuple[int, ...], wanted: tuple[int, ...], expand: bool) -> bool:
    if not expand:
        return found == wanted
    return len(found) == len(wanted) and all(size in (1, other) for size, other in zip(found, wanted, strict=True))


def draws_of(
    rng: np.random.Generator, shape: tuple[int, ...], step: float | None = None
) -> dict[str, Callable[..., np.ndarray]]:
    """Return the functions of draws, each of which gives an array of the full `shape`; see `draw`."""

    def normal(mean: float | np.ndarray, sd: float | np.ndarray) -> np.ndarray:
        _require(np.all(np.asarray(sd) >= 0), f"normal(mean, sd) needs sd >= 0, got {sd}")
        return rng.normal(mean, sd, shape)

    def uniform(low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
        _require(np.all(np.asarray(low) <= np.asarray(high)), f"uniform({low}, {high}): low is above high")
        return rng.uniform(low, high, shape)

    def binary(p: float | np.ndarray) -> np.ndarray:
        _require(np.all((np.asarray(p) >= 0) & (np.asarray(p) <= 1)), f"binary(p) needs 0 <= p <= 1, got {p}")
        return (rng.random(shape) < p) * 1.0

    framed = {} if step is None else {"filtered_noise": lambda tau: filtered_noise(rng, shape, tau, step)}
    return {
        **framed,
        "permutation": lambda: _permutations(rng, shape),
        "signs": lambda: rng.choice([-1.0, 1.0], shape),
        "normal": normal,
        "uniform": uniform,
        "binary": binary,
        "zeros": lambda: np.zeros(shape),
        "eye": lambda: _identity(shape),
        "first": lambda values: _first_frame(values, len(shape)),
        "ranks": ranks,
        "ring": ring,
    }


def ring(x: Any, n: Any) -> Any:
    """Return values on a ring of length n, brought to -n/2 <= x < n/2 by whole turns."""
    _require(np.all(np.asarray(n) > 0), f"ring(x, n) needs a length n above 0, got {n}")
    return (x + n / 2) % n - n / 2


def shifted(values: Any, n: Any) -> np.ndarray:
    """Return the rows of other items of a table: that of item k is row k + n, the first again behind the last."""
    values, number = np.asarray(values), np.asarray(n)
    _require(values.ndim >= 2, "shifted(x, n) takes rows of other items of a pattern, and this has no items")
    _require(number.ndim == 0 and number == np.trunc(number), f"shifted(x, n) needs a whole number n, got {n}")
    return np.roll(values, -int(number), axis=0)


def row(values: Any, n: Any) -> np.ndarray:
    """Return row n of a table, ``n`` a whole number for every item."""
    values, number = np.asarray(values), np.asarray(n, dtype=float)
    _require(values.ndim >= 2, "row(x, n) takes rows of the table of a pattern, and this has no items")
    _require(number.size in (1, *number.shape[:1]), "row(x, n) needs one number n for an item; this differs by unit")
    wrong = number[(number != np.trunc(number)) | (number < 0) | (number >= len(values))].tolist()
    allowed = f"row(x, n) needs whole numbers n from 0 to {len(values) - 1}, the rows of x"
    _require(not wrong, f"{allowed}, got {wrong[0] if wrong else ''}")
    return values[number.ravel().astype(int)]


def ranks(values: Any) -> np.ndarray:
    """Return how many values along the last axis are smaller than each, and of equal ones how many stand before it."""
    values = np.asarray(values)
    _require(values.ndim > 0, "ranks(x) numbers the units by the values of a pattern, and this is a single number")
    return np.argsort(np.argsort(values, axis=-1, kind="stable"), axis=-1, kind="stable").astype(float)


def _first_frame(values: Any, axes: int) -> np.ndarray:
    """Return the first frame of a table (..., frames, unit), in a table of so many axes."""
    _require(np.ndim(values) >= 3, "first(x) is the first frame of a pattern with frames, and this one has none")
    frame = values[..., :1, :]
    return frame if axes == 3 else frame[..., 0, :]


def _permutations(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return the numbers of units in random order; all frames of an item have the same."""
    rows = (shape[0], 1, shape[2]) if len(shape) == 3 else shape
    return np.broadcast_to(rng.permuted(np.broadcast_to(np.arange(shape[-1]), rows), axis=-1), shape)


def filtered_noise(rng: np.random.Generator, shape: tuple[int, ...], tau: Any, step: float) -> np.ndarray:
    """Return white noise behind a low-pass filter, ``tau*dh/dt = -h + eta``, one trace per item and unit.

    Frame k is ``h_k = eta_k + (h_{k-1} - eta_k)*exp(-step/tau)`` with ``eta_k = sqrt(tau/step)*randn()``, ``h_0 = 1``:
    exact for an input that is constant during a frame. Its standard deviation tends to 1/sqrt(2) for any short step.

    Parameters
    ----------
    shape : (items, frames, unit)
    tau, step : float
        Time constant, and time between frames, in seconds.
    """
    tau = float(np.asarray(tau))
    _require(tau > 0, f"filtered_noise(tau) needs a time longer than 0, got {tau}")
    decay = np.exp(-step / tau)
    trace = np.ones(shape)
    for frame in range(1, shape[1]):
        eta = np.sqrt(tau / step) * rng.standard_normal((shape[0], shape[2]))
        trace[:, frame] = eta + (trace[:, frame - 1] - eta) * decay
    return trace


def _identity(shape: tuple[int, ...]) -> np.ndarray:
    square = len(shape) == 2 and shape[0] == shape[1]
    _require(square, f"eye() is an identity matrix, as wide as it is high; needed here is the shape {shape}")
    return np.eye(shape[0])


def _require(held: Any, reason: str) -> None:
    if not held:
        raise ValueError(reason)
