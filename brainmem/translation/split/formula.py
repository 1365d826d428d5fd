"""Write a symbolic expression as Brian2 text that a person can read.

The text depends on mathematics only (unique factorisation over the rationals) and on the order in
which names occur in the rule, never on the ordering inside sympy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import sympy

__all__ = ["Style", "formula"]


@dataclass(frozen=True)
class Style:
    """How symbols are written (`texts`, default their name) and in which order (`order`)."""

    order: Mapping[str, float]
    texts: Mapping[str, str]

    def text(self, symbol: sympy.Symbol) -> str:
        """Return the text of a symbol."""
        return self.texts.get(symbol.name, symbol.name)

    def position(self, symbol: sympy.Symbol) -> tuple[float, str]:
        """Return the place of a symbol among others."""
        return self.order.get(symbol.name, len(self.order)), symbol.name


def formula(
    expression: sympy.Expr,
    style: Style,
    *,
    first: Sequence[str] = (),
    last: Sequence[str] = (),
    over: Sequence[str] = (),
) -> str:
    """Return `expression` as a product of factors, times the texts `first` and `last`, divided by those in `over`.

    Returns
    -------
    str
        ``""`` for zero.
    """
    numerator, denominator = sympy.fraction(sympy.cancel(expression))
    above, below = _product(numerator, style), _product(denominator, style)
    if above.number == 0:
        return ""
    value = above.number / below.number
    if value < 0 and (turned := above.turned()) is not None:
        value, above = -value, turned
    plain, divisor = _number(abs(value))
    times = [*plain, *first, *above.texts, *last]
    sign = "-" if value < 0 else ""
    divisors = "".join(f"/{item}" for item in (*over, *divisor, *below.texts))
    if len(times) == 1 and not divisors and not sign:
        return _without_parentheses(times[0])
    return f"{sign}{'*'.join(times) or '1'}{divisors}"


def _without_parentheses(text: str) -> str:
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text


def _number(value: Fraction) -> tuple[list[str], list[str]]:
    """Return a positive number as factors and divisors: 1/2 is written 0.5, 2/3 as 2 over 3."""
    if value == 1:
        return [], []
    if value.denominator == 1 and value.numerator < 10**9:
        return [str(value.numerator)], []
    decimal = repr(float(value))
    if Fraction(decimal) == value:
        return [decimal], []
    return ([] if value.numerator == 1 else [str(value.numerator)]), [str(value.denominator)]


@dataclass(frozen=True)
class _Term:
    """A summand: its place among others (constants last), its number, and the text of the rest."""

    place: tuple
    number: Fraction
    text: str

    def __neg__(self) -> _Term:
        return replace(self, number=-self.number)


@dataclass(frozen=True)
class _Factor:
    """An irreducible factor, as summands in order, and its power."""

    terms: tuple[_Term, ...]
    power: int

    @property
    def place(self) -> tuple:
        return len(self.terms) > 1, self.terms[0].place

    @property
    def text(self) -> str:
        base = self.terms[0].text if len(self.terms) == 1 else f"({_sum(self.terms)})"
        return base if self.power == 1 else f"{base}**{self.power}"

    def __neg__(self) -> _Factor:
        return replace(self, terms=tuple(-term for term in self.terms))


@dataclass(frozen=True)
class _Product:
    """A number times irreducible factors, the first summand of each being positive."""

    number: Fraction
    factors: tuple[_Factor, ...]

    @property
    def texts(self) -> list[str]:
        return [factor.text for factor in self.factors]

    def turned(self) -> _Product | None:
        """Return the negative product, by turning a factor like ``a - b`` into ``b - a``; None if there is none."""
        for position, factor in enumerate(self.factors):
            if factor.power % 2 and any(term.number < 0 for term in factor.terms):
                return replace(self, factors=(*self.factors[:position], -factor, *self.factors[position + 1 :]))
        return None


def _product(expression: sympy.Expr, style: Style) -> _Product:
    content, factors = cast(tuple[sympy.Expr, list[tuple[sympy.Expr, int]]], sympy.factor_list(expression))
    number, found = _fraction(content), []
    for base, power in factors:
        factor = _Factor(tuple(sorted(_terms(base, style), key=lambda term: term.place)), int(power))
        if factor.terms[0].number < 0:
            factor, number = -factor, number * (-1) ** factor.power
        found.append(factor)
    return _Product(number, tuple(sorted(found, key=lambda factor: factor.place)))


def _fraction(number: sympy.Expr) -> Fraction:
    rational = cast(sympy.Rational, sympy.Rational(number))
    return Fraction(int(rational.p), int(rational.q))


def _terms(expression: sympy.Expr, style: Style) -> Iterator[_Term]:
    for term in sympy.Add.make_args(expression):
        number, rest = term.as_coeff_Mul()
        powers = sorted(rest.as_powers_dict().items(), key=lambda item: style.position(item[0])) if rest != 1 else []
        places = [style.position(base) for base, power in powers for _ in range(int(power))]
        text = "*".join(style.text(base) if power == 1 else f"{style.text(base)}**{power}" for base, power in powers)
        yield _Term((not places, places), _fraction(number), text)


def _sum(terms: Sequence[_Term]) -> str:
    """Return the text of a sum, a positive summand first if there is one."""
    lead = next((term for term in terms if term.number > 0), terms[0])
    ordered = [lead, *(term for term in terms if term is not lead)]
    signs = ["" if lead.number > 0 else "-", *(" + " if term.number > 0 else " - " for term in ordered[1:])]
    return "".join(sign + _summand(term) for sign, term in zip(signs, ordered, strict=True))


def _summand(term: _Term) -> str:
    plain, _ = _number(abs(term.number))
    return "*".join([*plain, *([term.text] if term.text else [])]) or "1"
