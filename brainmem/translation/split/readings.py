"""Where a unit's rate is found in the spiking variant, as names and as symbols."""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from brainmem.errors import TranslationError
from brainmem.translation.split.polynomial import Reader, symbol
from brainmem.translation.split.terms import Factor

__all__ = ["SIDES", "RateReading", "S", "UnitRate", "unit_rate"]

SIDES = ("pre", "post")
S = (sympy.Symbol("_s_pre", real=True), sympy.Symbol("_s_post", real=True))


@dataclass(frozen=True)
class RateReading:
    """Where a unit's rate is found in the spiking variant.

    Attributes
    ----------
    name : str
        The rate under the model's own name, ``low + (high - low)*trace``.
    low, high : str or float
        The rates that mean silence and `rate_max`: numbers, names, or text with units (``"14*Hz"``).
    trace : str
        Filtered spikes, 0 ... 1.
    expected : str
        The rate that the model's own equations give for the drive of the cells, without the noise of their spikes, in
        the unit of the rate; empty where there is none.
    prompt : bool
        Whether that follows the drive at once (the current form), and not behind the filter of the trace.
    count : str
        Spikes of the unit in this step, divided by its number of cells.
    rate_max : str
        Firing rate at `high`, in Hz.
    tau : str
        Time constant of the trace.
    """

    name: str
    low: str | float = 0
    high: str | float = 1
    trace: str = ""
    expected: str = ""
    prompt: bool = False
    count: str = "count"
    rate_max: str = "rate_max"
    tau: str = ""


@dataclass(frozen=True)
class UnitRate:
    """One side of the synapse: names of its variables, and its rate as ``low + span*s``."""

    side: str
    reading: RateReading
    s: sympy.Symbol
    low: sympy.Expr
    span: sympy.Expr

    def symbol(self, name: str) -> sympy.Symbol:
        """Return the symbol of one of the unit's variables."""
        return symbol(f"{name}_{self.side}")

    @property
    def rate(self) -> sympy.Symbol:
        """The rate as the rule names it, read from the trace in the spiking variant."""
        return self.symbol(self.reading.name)

    @property
    def drive(self) -> sympy.Symbol:
        """The rate without noise."""
        return self.symbol(self.reading.expected)

    @property
    def affine(self) -> sympy.Expr:
        """The rate in terms of s."""
        return self.low + self.span * self.s

    def factor(self, factor: Factor) -> sympy.Expr:
        """Return the factors of s that are no spikes, read where `factor` says."""
        trace, drive = ((read - self.low) / self.span for read in (self.rate, self.drive))
        return trace**factor.trace * drive**factor.drive

    def means(self, reader: Reader) -> dict[sympy.Symbol, sympy.Expr]:
        """Return what every name of this unit in a spiking text is in the mean."""
        found = {
            self.rate: self.affine,
            self.symbol(self.reading.count): self.s * reader.expression(self.reading.rate_max),
        }
        return {**found, self.drive: self.affine} if self.reading.expected else found


def unit_rate(side: str, reading: RateReading, reader: Reader, *, keep_sums: bool = True) -> UnitRate:
    """Return the symbols of one side; with `keep_sums`, a span that is a sum becomes one symbol.

    Raises
    ------
    TranslationError
        When the rate's range is empty.
    """
    low = reader.expression(str(reading.low), keep_sums=keep_sums)
    span = sympy.expand(reader.expression(str(reading.high), keep_sums=keep_sums) - low)
    if keep_sums and span.is_Add:
        text = f"({reading.high} - {reading.low})" if low.is_Symbol else f"({reading.high} - ({reading.low}))"
        span = reader.keep(text, text)
    if span == 0:
        raise TranslationError(
            f"{reader.owner}: the rate {reading.name} ranges from {reading.low} to {reading.high}; these must differ."
        )
    return UnitRate(side, reading, S[SIDES.index(side)], low, span)
