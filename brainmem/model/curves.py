"""A measured or tabulated function, and what texts call of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brainmem.errors import RuleError, quoted
from brainmem.intake.numbers import Numbers, Refused, read_whole, take
from brainmem.intake.units import NO_UNIT, Dimensions, unit_name

if TYPE_CHECKING:  # the command line lists models without Brian2, which texts need
    from brainmem.text.curves import CurveFunction

__all__ = ["Curve", "Points", "curve_functions", "curve_names", "curve_unit"]


@dataclass(frozen=True)
class Points:
    """Numbers of one unit, which compare and hash as one value.

    Attributes
    ----------
    numbers : tuple of float
        In base SI units.
    unit : tuple of float
        Exponents of the seven base units.
    """

    numbers: tuple[float, ...]
    unit: Dimensions = NO_UNIT

    @property
    def dimensions(self) -> Any:
        """Their unit as Brian2 has it."""
        from brian2.units.fundamentalunits import get_or_create_dimension  # the command line loads without Brian2

        return get_or_create_dimension(list(self.unit))

    @property
    def array(self) -> np.ndarray:
        """The numbers as an array, in base SI units."""
        return np.array(self.numbers)

    def __repr__(self) -> str:
        from brainmem.text.equations import unit_text

        shown = [f"{value:.6g}" for value in self.numbers]
        shown = shown if len(shown) < 6 else [*shown[:2], "...", *shown[-2:]]
        unit = unit_text(self.dimensions)
        return f"[{', '.join(shown)}]{'' if unit == '1' else f'*{unit}'}"


@dataclass(frozen=True)
class Curve:
    """A function of one variable through points, measured or tabulated, which the texts of a model call.

    ``Curve("phi_lif", x=[0, 1, 2]*nA, y=[0, 20, 50]*Hz)`` lets every text call ``phi_lif(I)``; its antiderivative
    ``phi_lif_integral(I)``, in the unit of x times that of y; and its derivative ``phi_lif_slope(I)``. Between points
    it is linear, outside of them constant; the integral follows it exactly, quadratic between points and linear
    outside. At a point the slope is that of the piece above it. Points are numbers of a run, however many: curves
    through others need no new program.

    Parameters
    ----------
    name : str
        The name that texts call.
    x : array or Quantity, shape (point,)
        In ascending order, at least two.
    y : array or Quantity, shape (point,)
    zero_at : number or Quantity, optional
        Where the integral is 0; the first x when not given.
    meaning, source : str
        See `Parameter`.

    Raises
    ------
    RuleError
        For points that are no curve.

    Examples
    --------
    >>> phi = Curve("phi", x=[0, 1, 3], y=[0, 1, 2])
    >>> float(phi(2)), float(phi.integral(2)), float(phi.slope(2)), float(phi(10))
    (1.5, 1.75, 0.5, 2.0)
    """

    name: str
    x: Any = field(kw_only=True)
    y: Any = field(kw_only=True)
    zero_at: Any = field(default=None, kw_only=True)
    meaning: str = field(default="", kw_only=True)
    source: str = field(default="ours", kw_only=True)

    def __post_init__(self) -> None:
        x, y = (self._points(name) for name in ("x", "y"))
        if len(x.numbers) != len(y.numbers):
            raise self._error(f"x has {len(x.numbers)} points and y has {len(y.numbers)}. Give one y for every x")
        if len(x.numbers) < 2:
            raise self._error(f"x={x!r} is no curve: it needs at least two points")
        falls = np.flatnonzero(x.array[1:] <= x.array[:-1])
        if falls.size:
            first, second = x.numbers[falls[0]], x.numbers[falls[0] + 1]
            raise self._error(
                f"x must ascend, but {second:g} follows {first:g} (places {falls[0]} and {falls[0] + 1}). Sort the "
                "points by x, and keep one of those with the same x"
            )
        for name, value in (("x", x), ("y", y), ("zero_at", self._zero(x))):
            object.__setattr__(self, name, value)
        if not np.isfinite(self.rows).all():
            raise self._error("its slope or its integral is too large for a number. Take points further apart in x")

    def _error(self, reason: str) -> RuleError:
        return RuleError(f"Curve {self.name!r}: {reason}.")

    def _points(self, name: str) -> Points:
        given = getattr(self, name)
        try:
            taken = Numbers(given.array, given.unit) if isinstance(given, Points) else take(given)
        except Refused as error:
            raise self._error(f"{name}={quoted(given)}: {error}") from error
        values = taken.values
        if values.ndim != 1:
            raise self._error(f"{name} has shape {values.shape}; needed are the values of the points in a row")
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            raise self._error(f"{name} is {values[place]} at place {place}. Leave out points without a value")
        return Points(tuple(map(float, values)), tuple(map(float, taken.dimensions or NO_UNIT)))

    def _zero(self, x: Points) -> Points | None:
        if self.zero_at is None or isinstance(self.zero_at, Points):
            return self.zero_at
        try:
            taken = take(self.zero_at)
        except Refused as error:
            raise self._error(f"zero_at={quoted(self.zero_at)}: {error}") from error
        unit = tuple(map(float, taken.dimensions or NO_UNIT))
        if taken.values.ndim or not np.isfinite(taken.values):
            raise self._error(f"zero_at={quoted(self.zero_at)} must be one finite number")
        if unit != x.unit:
            named = unit_name(x.unit)
            raise self._error(f"zero_at={quoted(self.zero_at)} must have the unit of x, which is {named}")
        return Points((float(taken.values),), unit)

    @cached_property
    def rows(self) -> np.ndarray:
        """The table from which programs read it; see `brainmem.text.curves.curve_rows`."""
        from brainmem.text.curves import curve_rows

        zero = self.x.numbers[0] if self.zero_at is None else self.zero_at.numbers[0]
        with np.errstate(over="ignore", invalid="ignore"):
            return curve_rows(self.x.array, self.y.array, zero)

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def without_numbers(self) -> Curve:
        """Return what a program knows of it: its name and units."""
        nothing = (0.0, 1.0)
        return Curve(self.name, x=Points(nothing, self.x.unit), y=Points(nothing, self.y.unit))

    @property
    def described(self) -> dict[str, Any]:
        """Its points with their units, as results keep them."""
        from brainmem.text.equations import unit_text

        units = {f"{name}_unit": unit_text(getattr(self, name).dimensions) for name in ("x", "y")}
        points = {name: [*getattr(self, name).numbers] for name in ("x", "y")}
        zero = None if self.zero_at is None else self.zero_at.numbers[0]
        return {**points, **units, "zero_at": zero, "meaning": self.meaning, "source": self.source}

    @cached_property
    def functions(self) -> dict[str, CurveFunction]:
        """What texts call, by name."""
        from brainmem.text.curves import ENDS, CurveFunction

        return {
            f"{self.name}{end}": CurveFunction(
                f"{self.name}{end}", self.rows, returns, self.x.dimensions, curve_unit(self, returns)
            )
            for end, returns in ENDS.items()
        }

    def __call__(self, x: Any) -> Any:
        """Return the curve at numbers or arrays of the unit of x."""
        return self.functions[self.name](x)

    def integral(self, x: Any) -> Any:
        """Return the antiderivative, which is 0 at `zero_at`."""
        return self.functions[f"{self.name}_integral"](x)

    def slope(self, x: Any) -> Any:
        """Return the derivative; at a point that of the piece above it."""
        return self.functions[f"{self.name}_slope"](x)

    @classmethod
    def sampled(
        cls, name: str, function: Callable[[Any], Any], low: Any, high: Any, *, points: int = 1001, **fields: Any
    ) -> Curve:
        """Return the curve through points of a function, at equal distances from `low` to `high`.

        ``Curve.sampled("phi", lambda h: np.tanh(h), -5, 5)``; the function takes an array of all x.

        Raises
        ------
        RuleError
            For a function that gives no value for each x, or a range without points.
        """
        x = _between(name, low, high, points)
        try:
            y = function(x)
        except Exception as error:
            told = " ".join(str(error).split())
            raise RuleError(
                f"Curve {name!r}: the function cannot be sampled, {type(error).__name__}: {told}"
            ) from error
        return cls(name, x=x, y=y, **fields)

    @classmethod
    def from_csv(cls, name: str, path: str | Path, *, x_unit: Any = 1, y_unit: Any = 1, **fields: Any) -> Curve:
        """Return the curve through the points of a text file: x and y in two columns, apart by commas.

        Empty lines are left out, what stands behind ``#``, and headings: lines without a number above the first point.

        Raises
        ------
        RuleError
            For a file that cannot be read, or does not hold two columns of numbers.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError, TypeError) as error:
            raise RuleError(f"Curve {name!r}: the file {quoted(path)} cannot be read: {error}.") from error
        table = _pairs(name, path, lines)
        x, y = zip(*table, strict=True)
        return cls(name, x=_in_unit(name, "x", x, x_unit), y=_in_unit(name, "y", y, y_unit), **fields)


def _between(name: str, low: Any, high: Any, points: int) -> Any:
    points = read_whole(points, what=f"Curve {name!r}: points=", least=2, most=10**7)
    try:
        ends = Curve(name, x=[low, high], y=[0.0, 0.0]).x
    except RuleError as error:
        raise RuleError(f"Curve {name!r}: low={quoted(low)} and high={quoted(high)} are no range: {error}") from error
    from brian2.units import Quantity

    return Quantity.with_dimensions(np.linspace(ends.numbers[0], ends.numbers[-1], points), ends.dimensions)


def _in_unit(name: str, axis: str, values: tuple[float, ...], unit: Any) -> Any:
    try:
        found = take(unit)
    except Refused as error:
        raise RuleError(f"Curve {name!r}: {axis}_unit={quoted(unit)} is no unit: {error}.") from error
    if found.values.ndim:
        raise RuleError(f"Curve {name!r}: {axis}_unit={quoted(unit)} must be one unit, such as nA.")
    return Points(tuple(value * float(found.values) for value in values), tuple(found.dimensions or NO_UNIT))


def _pairs(name: str, path: str | Path, lines: list[str]) -> list[tuple[float, float]]:
    """Return the points in the lines of a file.

    Raises
    ------
    RuleError
        For a line that is no point, no comment and no heading.
    """
    found: list[tuple[float, float]] = []
    for number, line in enumerate(lines, 1):
        bare = line.split("#")[0].strip()
        fields = [field.strip() for field in next(csv.reader([bare], skipinitialspace=True), [])]
        numbers = [value for value in map(_number, fields) if value is not None]
        if len(numbers) == len(fields) == 2:
            found.append((numbers[0], numbers[1]))
        elif fields and (found or numbers):
            raise RuleError(
                f"Curve {name!r}: line {number} of {str(path)!r}, {quoted(line)}, must hold two numbers, 'x, y'."
            )
    if not found:
        begins = f"; it begins with {quoted(lines[0])}" if lines else ", which is empty"
        raise RuleError(f"Curve {name!r}: no line of {str(path)!r} holds two numbers, 'x, y', with a comma{begins}.")
    return found


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def curve_unit(curve: Curve, returns: str) -> Any:
    """Return the dimensions of what a function of a curve returns."""
    x, y = curve.x.dimensions, curve.y.dimensions
    return {"value": y, "integral": x * y, "slope": y / x}[returns]


def curve_names(curves: Iterable[Curve]) -> Iterator[str]:
    """Yield the names of all that texts call of these curves."""
    from brainmem.text.curves import ENDS

    yield from (f"{item.name}{end}" for item in curves for end in ENDS)


def curve_functions(curves: Iterable[Curve]) -> dict[str, CurveFunction]:
    """Return what texts call of these curves, by name."""
    return {name: function for item in curves for name, function in item.functions.items()}
