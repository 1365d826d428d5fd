"""The axes of a space in which parameters are tuned: what a place between 0 and 1 stands for. Needs no Brian2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["LINEAR", "LOG", "SCALES", "Axis"]

LINEAR, LOG = SCALES = ("linear", "log")
DIGITS = 4  # of a number that is tried: what is printed is what ran
EDGE = 0.01  # of the way between the bounds


@dataclass(frozen=True)
class Axis:
    """What one parameter may be: numbers between two bounds, or one of a list.

    Attributes
    ----------
    name : str
    low, high : float
        Bounds, in base SI units; both are allowed.
    scale : {"linear", "log"}
        On which numbers between the bounds are spread evenly.
    whole : bool
        Whether only whole numbers are allowed.
    unit : str
        Brian2 text; ``"1"`` for none.
    options : tuple
        What is allowed where a list was given: texts, or numbers in base SI units; `low` and `high` count them.
    """

    name: str
    low: float
    high: float
    scale: str = LINEAR
    whole: bool = False
    unit: str = "1"
    options: tuple[Any, ...] = ()

    def at(self, place: float) -> Any:
        """Return what stands at a place between 0 and 1: a number, or one of the options."""
        if self.options:
            return self.options[_bin(place, len(self.options))]
        if not self.whole:
            value = self._between(place, self.low, self.high)
            return min(max(float(f"{value:.{self._digits}g}"), self.low), self.high)
        return min(int(self._between(place, self.low, self.high + 1)), int(self.high))

    def _between(self, place: float, low: float, high: float) -> float:
        return low * (high / low) ** place if self.scale == LOG else low + place * (high - low)

    @property
    def _digits(self) -> int:
        """Return how many digits tell numbers between the bounds apart: more where these are close together."""
        largest = max(abs(self.low), abs(self.high))
        return DIGITS + max(0, round(math.log10(largest / (self.high - self.low))))

    def place(self, value: Any) -> float:
        """Return a place, between 0 and 1, at which `value` stands, which must be allowed."""
        if self.options:
            return (self.options.index(value) + 0.5) / len(self.options)
        value, high = (value + 0.5, self.high + 1) if self.whole else (value, self.high)
        if self.scale == LOG:
            return math.log(value / self.low) / math.log(high / self.low)
        return (value - self.low) / (high - self.low)

    def allows(self, value: Any) -> bool:
        """Tell whether a number or an option belongs to the axis."""
        return value in self.options if self.options else self.low <= value <= self.high

    def edge(self, value: Any) -> bool:
        """Tell whether a number is at one of the bounds, or next to it."""
        if self.options:
            return False
        if self.whole:
            return value in (self.low, self.high)
        return not EDGE < self.place(value) < 1 - EDGE

    def written(self, value: Any) -> Any:
        """Return a value as ``parameters=`` and `Parameter` take it: a number or an option, or text with a unit.

        >>> Axis("tau", 0.01, 0.1, unit="second").written(0.02)
        '0.02*second'
        """
        return value if self.unit == "1" or isinstance(value, str) else f"{value!r}*{self.unit}"

    def shown(self, value: Any) -> str:
        """Return a value for a reader."""
        number = isinstance(value, int | float)
        return f"{value:g}{'' if self.unit == '1' else f' {self.unit}'}" if number else str(value)

    def __str__(self) -> str:
        if self.options:
            return ", ".join(map(self.shown, self.options))
        kind = f", {self.scale}" if self.scale == LOG else ""
        return f"{self.low:g} to {self.high:g}{'' if self.unit == '1' else f' {self.unit}'}{kind}"


def _bin(place: float, count: int) -> int:
    return min(int(place * count), count - 1)
