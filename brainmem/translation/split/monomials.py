"""The products of rates and summed inputs that a rule consists of, as text and as records of how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from brainmem.text.equations import grouped
from brainmem.translation.split.correlations import Correlations, noise_of
from brainmem.translation.split.formula import Style, formula
from brainmem.translation.split.polynomial import InputPowers
from brainmem.translation.split.readings import SIDES, UnitRate
from brainmem.translation.split.terms import CLOCK, Factor, Share, TermReading

__all__ = ["bases", "input_term", "monomial", "prompt", "rate_names"]


def rate_names(units: Mapping[str, UnitRate]) -> tuple[str, str]:
    """Return the names of the pre- and the postsynaptic rate, ``""`` where a side has none."""
    pre, post = (units[side].rate.name if side in units else "" for side in SIDES)
    return pre, post


def prompt(units: Mapping[str, UnitRate]) -> tuple[str, ...]:
    """Return the sides whose expected rate follows the drive at once."""
    return tuple(side for side, unit in units.items() if unit.reading.prompt)


def bases(units: Mapping[str, UnitRate], style: Style) -> dict[str, str]:
    """Return each unit's rate, counted from the value that means silence, as a factor of a product."""
    return {side: grouped(formula(unit.rate - unit.low, style)) for side, unit in units.items()}


def monomial(degrees: tuple[int, int], units: Mapping[str, UnitRate], style: Style) -> str:
    """Return the term's text without its coefficient; a rate counts from the value that means silence."""
    found = [(units[side], degree) for side, degree in zip(SIDES, degrees, strict=True) if degree]
    parts = [(formula(unit.rate - unit.low, style), degree) for unit, degree in found]
    if len(parts) == 1 and parts[0][1] == 1:
        return parts[0][0]
    return "*".join(power(grouped(base), degree) for base, degree in parts) or "1"


def power(base: str, degree: int) -> str:
    """Return ``base**degree``, or the base alone."""
    return f"{base}**{degree}" if degree > 1 else base


def input_term(
    degrees: tuple[int, int],
    powers: InputPowers,
    pair: tuple[Factor, Factor],
    units: Mapping[str, UnitRate],
    style: Style,
    known: Correlations,
) -> TermReading:
    """Return how a clock-driven term is read, with its powers of summed inputs or a function of them."""
    function = isinstance(powers, str)
    shares = (Share(CLOCK, Fraction(1), *pair),)
    return TermReading(
        _product(powers if function else _inputs(powers), monomial(degrees, units, style)),
        "trace" if any(degrees) else CLOCK,
        shares,
        rate_names(units),
        known=not function,
        noise="" if function else noise_of(shares, powers, bases(units, style), known, prompt(units)),
    )


def _inputs(powers: Mapping[str, int]) -> str:
    return "*".join(power(name, degree) for name, degree in powers.items())


def _product(inputs: str, rates: str) -> str:
    if not inputs or rates == "1":
        return inputs or rates
    return f"{inputs}*{rates if '*' in rates else grouped(rates)}"
