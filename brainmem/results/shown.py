"""What a result says of itself in print: names, shapes and settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import xarray as xr

__all__ = ["listed", "recorded_by", "settings", "shape"]


def recorded_by(name: str) -> str:
    """Return what records a variable: ``owner_name`` may be one of synapses, ``"owner.name"``."""
    if "spike_" in name or name.endswith("_w"):
        return "('spikes',))" if "spike_" in name else "('weights',))"
    owner, _, own = name.partition("_")
    return f"({name!r},))" + (f", or of synapses record=('{owner}.{own}',)" if own and owner != "end" else "")


def shape(array: xr.DataArray) -> str:
    """Return the dimensions and the unit of an array."""
    sizes = ", ".join(f"{name}: {size}" for name, size in array.sizes.items())
    unit = array.attrs.get("units", "")
    return f"({sizes})" + (f" in {unit}" if unit not in ("", "1") else "")


def settings(parameters: dict[str, dict[str, Any]], choices: dict[str, str]) -> Iterator[str]:
    """Yield the value of every parameter, and the option of every choice."""
    for name, record in parameters.items():
        unit = record.get("unit", "")
        other = f" ({_short(record['in_rate'])} in the rate variant)" if "in_rate" in record else ""
        yield f"{name} = {_short(record['value'])}" + (f" {unit}" if unit not in ("", "1") else "") + other
    yield from (f"{name} = {option}" for name, option in choices.items())


def listed(options: dict[str, Any]) -> str:
    """Return names with their values, on one line."""
    return ", ".join(f"{name} = {value}" for name, value in options.items())


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
