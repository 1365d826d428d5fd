"""Read a rule's text as a polynomial in the normalised rates of its two units.

Whatever contains no rate (functions, comparisons, sums, factors in front) is kept as the author
wrote it: it becomes one symbol, printed as its own text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import sympy
from brian2.core.functions import DEFAULT_CONSTANTS
from brian2.parsing.sympytools import str_to_sympy

from brainmem.errors import TranslationError
from brainmem.text.equations import identifiers, rename
from brainmem.translation.split.formula import Style

__all__ = ["InputPowers", "RatePolynomial", "Reader", "input_powers", "read_polynomial", "settle", "symbol"]

_KEPT = (ast.Call, ast.Compare, ast.BoolOp, ast.IfExp)
_RING = (ast.Add, ast.Sub, ast.Mult)
_NAME = re.compile(r"[A-Za-z_]\w*")


# Powers of summed inputs in a term, or the text of a function of them.
InputPowers = Mapping[str, int] | str


@dataclass(frozen=True)
class RatePolynomial:
    """``product(first)/product(over) * sum(coefficient * s_pre**a * s_post**b)``.

    ``first`` and ``over`` are texts without rates; ``coefficients`` maps (a, b) to expressions.
    """

    first: tuple[str, ...]
    over: tuple[str, ...]
    coefficients: Mapping[tuple[int, int], sympy.Expr]


def symbol(name: str) -> sympy.Symbol:
    """Return the symbol that Brian2's parser makes of a name."""
    return sympy.Symbol(name, real=True)


def _parse(text: str, owner: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise TranslationError(f"{owner}: {text!r} is not an expression ({error.msg}).") from error


def _contains(node: ast.AST, names: frozenset[str]) -> bool:
    return any(isinstance(item, ast.Name) and item.id in names for item in ast.walk(node))


def _exponent(node: ast.BinOp) -> int | None:
    """Return the exponent of a power if it is a whole number >= 0, else None."""
    value = node.right.value if isinstance(node.right, ast.Constant) else None
    return int(value) if isinstance(value, int | float) and value >= 0 and value == int(value) else None


def settle(
    text: str, owner: str, rates: frozenset[str], drives: Mapping[str, str] | None
) -> tuple[str, tuple[str, ...]]:
    """Make sure that a rule is polynomial in its rates.

    Parameters
    ----------
    text, owner : str
        The rule, and how to call it in an error.
    rates : frozenset of str
    drives : mapping of str to str, or None
        Text of each rate as read from the drive; other functions of rates then read it. None refuses them.

    Returns
    -------
    text : str
    functions : tuple of str
        The functions of rates that now read the drive.

    Raises
    ------
    TranslationError
        When a rate occurs inside a function that is no polynomial, and `drives` is None.
    """
    functions = []
    while (found := _not_polynomial(_parse(text, owner), rates)) is not None:
        part = ast.get_source_segment(text, found) or ast.unparse(found)
        if drives is None:
            raise _refusal(owner, part, sorted(name for name in rates if _contains(found, frozenset({name}))))
        functions.append(part)
        text = text[: found.col_offset] + rename(part, drives) + text[found.end_col_offset :]
    return text, tuple(functions)


def _refusal(owner: str, part: str, names: list[str]) -> TranslationError:
    return TranslationError(
        f"{owner}: the rate {' and '.join(names)} stands in {part!r}, as a divisor, an exponent or inside a function. "
        "That is not a polynomial, so no factor of it can become a spike. Give the rule read='trace' (everything from "
        "the filtered spikes, clock-driven) or read='drive' (this part from the noise-free drive), or an explicit "
        "SpikingRule."
    )


def _not_polynomial(node: ast.expr, rates: frozenset[str]) -> ast.expr | None:
    """Return the first part of a tree whose rates are more than factors of sums, products and whole powers."""
    if isinstance(node, ast.Name) or not _contains(node, rates):
        return None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return _not_polynomial(node.operand, rates)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, _RING):
            return _not_polynomial(node.left, rates) or _not_polynomial(node.right, rates)
        if isinstance(node.op, ast.Div):
            return node.right if _contains(node.right, rates) else _not_polynomial(node.left, rates)
        if isinstance(node.op, ast.Pow) and _exponent(node) is not None:
            return _not_polynomial(node.left, rates)
    return node


@dataclass
class Reader:
    """Turns text into sympy, and remembers the pieces that are kept as they are written.

    Attributes
    ----------
    owner : str
        How to call the rule in an error.
    rates : frozenset of str
        Names that no kept piece may contain.
    sources : dict of str to str
        Text of every kept piece, by the name of its symbol.
    """

    owner: str
    rates: frozenset[str]
    sources: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def expression(self, text: str, *, keep_sums: bool = True) -> sympy.Expr:
        """Return the symbolic form of a text, exact in its numbers.

        Functions, comparisons and (with `keep_sums`) sums without a rate become one symbol each.
        """
        kept = _Keep(self, text, keep_sums=keep_sums).visit(_parse(text, self.owner))
        return sympy.sympify(str_to_sympy(ast.unparse(kept)))

    def keep(self, key: str, text: str) -> sympy.Symbol:
        """Return the symbol that stands for a piece of text; equal keys share one symbol."""
        name = self._names.setdefault(key, f"_kept_{len(self._names)}")
        self.sources.setdefault(name, text)
        return symbol(name)

    def style(self, text: str, after: Mapping[str, str]) -> Style:
        """Return how to write symbols: in the order of `text`, each key of `after` just behind its value."""
        found: dict[str, float] = {}
        for match in _NAME.finditer(text):
            found.setdefault(match.group(), match.start())
        for name, source in self.sources.items():
            found[name] = next((at for part in (source, source[1:-1]) if (at := text.find(part)) >= 0), len(text))
        for name, leader in after.items():
            found.setdefault(name, found.get(leader, len(text)) + 0.5)
        ranked = sorted(found, key=lambda name: (found[name], name))
        return Style({name: place for place, name in enumerate(ranked)}, dict(self.sources))


class _Keep(ast.NodeTransformer):
    """Replace pieces without a rate by names, and decimal numbers by exact fractions."""

    def __init__(self, reader: Reader, text: str, *, keep_sums: bool) -> None:
        self.reader, self.text, self.keep_sums = reader, text, keep_sums

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr) and not _contains(node, self.reader.rates) and self._kept(node):
            text = _grouped(node, self.text)
            return ast.Name(self.reader.keep(ast.unparse(node), text).name, ast.Load())
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            value = Fraction(repr(node.value))
            return ast.BinOp(ast.Constant(value.numerator), ast.Div(), ast.Constant(value.denominator))
        return self.generic_visit(node)

    def _kept(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in DEFAULT_CONSTANTS
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.op, ast.Not)
        if not isinstance(node, ast.BinOp):
            return isinstance(node, _KEPT)
        if isinstance(node.op, ast.Add | ast.Sub):
            return self.keep_sums and any(isinstance(item, ast.Name) for item in ast.walk(node))
        if isinstance(node.op, ast.Pow):
            return _exponent(node) is None
        return isinstance(node.op, ast.Mod | ast.FloorDiv)


def _grouped(node: ast.expr, text: str, *, loose: tuple = (ast.Call, ast.Name, ast.Constant)) -> str:
    """Return the source of a node, in parentheses unless it is of a `loose` kind."""
    source = ast.get_source_segment(text, node) or ast.unparse(node)
    return source if isinstance(node, loose) else f"({source})"


def read_polynomial(
    text: str, reader: Reader, affine: Mapping[sympy.Symbol, sympy.Expr], s: tuple[sympy.Symbol, sympy.Symbol]
) -> RatePolynomial:
    """Expand a settled rule in the normalised rates `s` (pre, post) of its units.

    Parameters
    ----------
    affine : mapping of Symbol to Expr
        Each rate as ``low + span*s``.
    """
    front = _Front(reader.rates, text)
    front.take(_parse(text, reader.owner))
    product = sympy.Integer(front.sign)
    for factor in front.inner:
        product *= reader.expression(factor)
    polynomial = sympy.Poly(sympy.expand(product.xreplace(dict(affine))), *s)
    coefficients = cast(dict[tuple[int, int], sympy.Expr], polynomial.as_dict())
    return RatePolynomial(tuple(front.first), tuple(front.over), coefficients)


def input_powers(
    text: str,
    reader: Reader,
    affine: Mapping[sympy.Symbol, sympy.Expr],
    s: tuple[sympy.Symbol, sympy.Symbol],
    inputs: Set[str],
) -> dict[tuple[int, int], list[InputPowers]]:
    """Return with which powers of the summed inputs each product of rates occurs in a settled rule.

    Text stands for a function of an input that is no power. A rule that is divided by an input gives nothing.
    """
    total = sympy.expand(reader.expression(text, keep_sums=False).xreplace(dict(affine)))
    names = sorted(name for name in inputs if symbol(name) in total.free_symbols)
    hidden = {item: reader.sources[item.name] for item in total.free_symbols if item.name in reader.sources}
    hidden = {item: source for item, source in hidden.items() if identifiers(source) & inputs}
    try:
        found = sympy.Poly(total, *s, *(symbol(name) for name in names)).as_dict()
    except sympy.PolynomialError:
        return {}
    powers: dict[tuple[int, int], list[InputPowers]] = {}
    for (a, b, *rest), coefficient in sorted(found.items()):
        functions = sorted(source for item, source in hidden.items() if item in coefficient.free_symbols)
        plain = {name: power for name, power in zip(names, rest, strict=True) if power}
        known: InputPowers = "*".join(functions) or plain
        if known not in powers.setdefault((a, b), []):
            powers[a, b].append(known)
    return powers


class _Front:
    """Takes the factors without a rate out of a product, as text."""

    def __init__(self, rates: frozenset[str], text: str) -> None:
        self.rates, self.text = rates, text
        self.sign, self.first, self.over, self.inner = 1, [], [], []

    def take(self, node: ast.expr, *, right: bool = False) -> None:
        """Sort the factors of `node` into those kept in front, divisors, and the rest."""
        product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            self.sign = -self.sign
            self.take(node.operand, right=True)
        elif not _contains(node, self.rates) and not _leads_with_number(node):
            self.first.append(self._text(node, product=product and not right))
        elif product and isinstance(node, ast.BinOp):
            self.take(node.left, right=right)
            self._right(node)
        else:
            self.inner.append(_grouped(node, self.text))

    def _right(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Mult):
            self.take(node.right, right=True)
        elif isinstance(node.right, ast.Constant):
            self.inner.append(f"1/{self._text(node.right, product=False)}")
        else:
            self.over.append(self._text(node.right, product=False))

    def _text(self, node: ast.expr, *, product: bool) -> str:
        power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
        loose = (ast.Call, ast.Name, ast.Constant, *((ast.BinOp,) if product or power else ()))
        return _grouped(node, self.text, loose=loose)


def _leads_with_number(node: ast.expr) -> bool:
    """Tell whether a product without rates begins with a number or a sign."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        return _leads_with_number(node.left)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub))
