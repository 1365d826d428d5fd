"""Curves through points: ``phi(I)`` in a text, its antiderivative ``phi_integral(I)`` and its slope ``phi_slope(I)``.

Between two points a curve is linear, outside of them constant. So its antiderivative is quadratic between points and
linear outside, and the derivative of that is the curve everywhere. All three are read from one table, `curve_rows`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["ENDS", "CurveFunction", "calls", "curve_rows", "curve_value"]

# What ends the names of the functions of a curve, and what each returns.
ENDS = {"": "value", "_integral": "integral", "_slope": "slope"}


def curve_rows(x: np.ndarray, y: np.ndarray, zero_at: float) -> np.ndarray:
    """Return the table of a curve through points: one row for each piece, that below the first point too.

    A row holds where the piece begins, and there the value, the slope and the integral, which is 0 at `zero_at`.

    Parameters
    ----------
    x, y : (point,) float array
        Of at least two points, x in ascending order.

    Returns
    -------
    (point + 1, 4) float array
    """
    slope = np.append(np.diff(y) / np.diff(x), 0.0)
    integral = np.append(0.0, np.cumsum(0.5 * (y[1:] + y[:-1]) * np.diff(x)))
    rows = np.column_stack([x, y, slope, integral])
    rows = np.vstack([[x[0], y[0], 0.0, 0.0], rows])
    rows[:, 3] -= curve_value(np.asarray(zero_at), rows, "integral")
    return rows


def curve_value(x: np.ndarray, rows: np.ndarray, returns: str) -> np.ndarray:
    """Return the value, integral or slope of a curve; at a point the slope is that of the piece above it."""
    row = rows[np.searchsorted(rows[1:, 0], x, side="right")]
    if returns == "slope":
        return row[..., 2]
    if returns == "integral":
        beyond = x - row[..., 0]
        mean = row[..., 1] + 0.5 * row[..., 2] * np.where(row[..., 2] == 0, 0.0, beyond)  # 0*inf would be nan
        return row[..., 3] + mean * np.where((mean == 0) & np.isinf(beyond), 0.0, beyond)
    return row[..., 1] + row[..., 2] * (np.minimum(np.maximum(x, rows[0, 0]), rows[-1, 0]) - row[..., 0])


@dataclass(frozen=True, eq=False)
class CurveFunction:
    """One function of a curve, as texts call it that numpy evaluates.

    Attributes
    ----------
    name : str
    rows : (point + 1, 4) float array
    returns : {"value", "integral", "slope"}
    argument, unit : dimensions
        Of what it takes and of what it returns.
    plain : bool
        Whether it takes and returns numbers in base SI units.
    """

    name: str
    rows: np.ndarray
    returns: str
    argument: Any
    unit: Any
    plain: bool = False

    def __call__(self, x: Any) -> Any:
        """Return the function at numbers or arrays of the unit of its argument."""
        from brian2.units import DimensionMismatchError, Quantity, get_dimensions  # the command line does without

        if not self.plain and get_dimensions(x) is not self.argument:
            told = f"{self.name}() takes what has the unit of the curve's x, {self.argument}; it got"
            raise DimensionMismatchError(told, get_dimensions(x))
        found = curve_value(np.asarray(x, dtype=float), self.rows, self.returns)
        found = float(found) if found.ndim == 0 else found
        return found if self.plain or self.unit.is_dimensionless else Quantity.with_dimensions(found, self.unit)

    def without_units(self) -> CurveFunction:
        """Return the same function of plain numbers."""
        return replace(self, plain=True)


def calls(text: str, name: str) -> bool:
    """Tell whether a text calls a function."""
    return re.search(rf"\b{name}\s*\(", text) is not None
