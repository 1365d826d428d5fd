"""Units of numbers, whichever package they come from: exponents of the seven base units, and what to call them.

Nothing here imports Brian2 or another package of units; their quantities are known by their attributes.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

__all__ = [
    "NO_UNIT",
    "PER_SECOND",
    "SECONDS",
    "Dimensions",
    "has_unit",
    "seconds_of",
    "time_unit",
    "unit_name",
    "without_unit",
]

Dimensions = tuple[float, ...]

# Exponents of metre, kilogram, second, ampere, kelvin, mole and candela, in Brian2's order.
NO_UNIT: Dimensions = (0.0,) * 7
SECONDS: Dimensions = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
PER_SECOND: Dimensions = (0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0)

_BASE = ("m", "kg", "s", "A", "K", "mol", "cd")
_PLACES = {
    name: place
    for place, names in enumerate(
        (
            ("m", "meter", "metre", "[length]"),
            ("kg", "kilogram", "[mass]"),
            ("s", "second", "[time]"),
            ("A", "ampere", "[current]"),
            ("K", "kelvin", "Kelvin", "[temperature]"),
            ("mol", "mole", "[substance]"),
            ("cd", "candela", "[luminosity]"),
        )
    )
    for name in names
}
_NAMED = {
    NO_UNIT: "no unit",
    SECONDS: "s",
    (0, 0, -1, 0, 0, 0, 0): "Hz",
    (0, 0, 0, 1, 0, 0, 0): "A",
    (2, 1, -3, -1, 0, 0, 0): "V",
    (-2, -1, 3, 2, 0, 0, 0): "S",
    (2, 1, -3, -2, 0, 0, 0): "ohm",
    (-2, -1, 4, 2, 0, 0, 0): "F",
    (0, 0, 1, 1, 0, 0, 0): "C",
}
_TIMES = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "usec": 1e-6, "microsecond": 1e-6, "ms": 1e-3, "msec": 1e-3,
    "millisecond": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0,
    "hour": 3600.0, "nanosecond": 1e-9,
}  # fmt: skip


def time_unit(text: str) -> float | None:
    """Return the seconds of a unit of time by its name (``"ms"``, ``"Minutes"``), None for another text."""
    name = text.strip().lower()
    return _TIMES.get(name, _TIMES.get(name.removesuffix("s")))


def unit_name(dimensions: Dimensions) -> str:
    """Return what to call a unit, ``"V"`` or ``"kg m^2"``."""
    known = _NAMED.get(tuple(dimensions))
    if known is not None:
        return known
    parts = zip(_BASE, dimensions, strict=True)
    return " ".join(name if power == 1 else f"{name}^{power:g}" for name, power in parts if power)


def has_unit(given: Any) -> bool:
    """Tell whether a value is a quantity of Brian2, quantities, pint or astropy, or a span of time."""
    return (
        isinstance(given, datetime.timedelta)
        or _is_span(given)
        or hasattr(getattr(given, "dim", None), "_dims")
        or (hasattr(given, "dimensionality") and (hasattr(given, "simplified") or hasattr(given, "to_base_units")))
        or (hasattr(given, "unit") and hasattr(given, "si"))
    )


def _is_span(given: Any) -> bool:
    return isinstance(given, np.ndarray | np.generic) and given.dtype.kind == "m"


def seconds_of(spans: Any) -> np.ndarray:
    """Return spans of time of numpy as seconds, NaN where they are not a time."""
    spans = np.asarray(spans)
    with np.errstate(invalid="ignore"):
        seconds = spans.astype("timedelta64[ns]").astype(float) * 1e-9
    return np.where(np.isnat(spans), np.nan, seconds)


def without_unit(given: Any) -> tuple[Any, Dimensions]:
    """Return a quantity's numbers in base SI units, and the unit's exponents.

    Raises
    ------
    ValueError
        For a unit that is none of the seven base units' products.
    """
    if isinstance(given, datetime.timedelta):
        return given.total_seconds(), SECONDS
    if _is_span(given):
        return seconds_of(given), SECONDS
    if hasattr(given, "dim"):
        return np.asarray(given, dtype=float), tuple(float(power) for power in given.dim._dims)
    if hasattr(given, "simplified"):
        base = given.simplified
        powers = {unit.name: power for unit, power in base.dimensionality.items()}
        return np.asarray(base.magnitude), _exponents(powers)
    if hasattr(given, "to_base_units"):
        return given.to_base_units().magnitude, _exponents(dict(given.dimensionality))
    base = given.si
    return base.value, _exponents(dict(zip((str(b) for b in base.unit.bases), base.unit.powers, strict=True)))


def _exponents(powers: dict[str, Any]) -> Dimensions:
    found = [0.0] * len(_BASE)
    for name, power in powers.items():
        if name in ("rad", "radian", "dimensionless"):
            continue
        if name not in _PLACES:
            raise ValueError(f"its unit {name!r} is none that brainmem knows; convert it first")
        found[_PLACES[name]] = float(power)
    return tuple(found)
