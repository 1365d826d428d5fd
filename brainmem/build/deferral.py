"""Recognise changes of weights that may wait: a factor for each row, and products of a post- and a presynaptic value.

Most rules on rates change a whole matrix by ``w <- a_post*w + sum_m b_post*c_pre``. Such a change need not be written
into the weights at once: as long as it waits, a sum over the weights is corrected by what waits, at the cost of a few
numbers for each unit. Several changes are then added to the weights in one pass, so that a step reads them and rarely
writes.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from sympy.core.relational import Relational

from brainmem.text.equations import (
    DRAWS,
    Equation,
    identifiers,
    inlined,
    read_equations,
)
from brainmem.translation.text import Connection

__all__ = ["Deferral", "find_deferral"]

_COUNTED = frozenset({"integer", "boolean"})
# More products at a time would fill what waits after a few changes.
_MOST_PRODUCTS = 2


@dataclass(frozen=True)
class Deferral:
    """A change that may wait.

    Attributes
    ----------
    variable : str
        The weight.
    scale : str
        Factor a of each row, text over postsynaptic values; ``"1.0"`` for none.
    products : tuple of (str, str)
        The texts b and c of each product.
    sums : mapping of str to str
        What is summed with the weight, ``{"u_post": "x_pre"}``.
    operation : str
        Name of the operation that changes the weight; empty for a differential equation.
    """

    variable: str
    scale: str
    products: tuple[tuple[str, str], ...]
    sums: Mapping[str, str]
    operation: str = ""


def find_deferral(item: Connection) -> Deferral | None:
    """Return the change of a connection's weights if it may wait: nothing else may read or write them."""
    lines = {line.name: line for line in read_equations(item.equations)} if item.equations.strip() else {}
    changed = _change(item, lines)
    if any(not path.sum_ for path in item.pathways) or item.trials or not item.summed_order or changed is None:
        return None
    if any(name.endswith("_pre") for name in item.summed_order):
        return None  # what waits is kept by rows
    variable, text, operation = changed
    sums = {name: _summed(lines, lines[name].expr, variable) for name in item.summed_order}
    parts = _parts(lines, text, variable)
    if parts is None or any(found is None for found in sums.values()):
        return None
    return Deferral(variable, *parts, {name: str(found) for name, found in sums.items()}, operation)


def _change(item: Connection, lines: Mapping[str, Equation]) -> tuple[str, str, str] | None:
    """Return the weight, its value after a change, and the operation that changes it."""
    moving = [line for line in lines.values() if line.kind == "differential"]
    if len(moving) == 1 and not item.operations and item.method == "euler" and "xi" not in identifiers(moving[0].expr):
        return moving[0].name, f"{moving[0].name} + dt*({moving[0].expr})", ""
    if moving or len(item.operations) != 1 or item.operations[0].event is not None or item.operations[0].dt is None:
        return None
    op = item.operations[0]
    statements = ast.parse("\n".join(line.strip() for line in op.code.splitlines())).body
    if len(statements) != 1 or not isinstance(statements[0], ast.AugAssign):
        return None
    target, sign = ast.unparse(statements[0].target), {ast.Add: "+", ast.Sub: "-"}.get(type(statements[0].op))
    if sign is None or target not in lines or lines[target].kind != "parameter" or lines[target].flags:
        return None
    if lines[target].unit in _COUNTED:
        return None
    return target, f"{target} {sign} ({ast.unparse(statements[0].value)})", op.name


def _summed(lines: Mapping[str, Equation], text: str, variable: str) -> str | None:
    """Return what a sum multiplies the weight by, if that belongs to the presynaptic unit."""
    weight = _symbol(variable)
    total = _symbolic(lines, text)
    if total is None or _hides(total, weight):
        return None
    factor = sympy.diff(total, weight)
    pure = _expanded(total - factor * weight) == 0 and weight not in factor.free_symbols
    return sympy_to_str(factor) if pure and _side(lines, factor) in ("pre", "") else None


def _parts(lines: Mapping[str, Equation], text: str, variable: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """Return the factor of each row, and the products that are added; nothing where the change has another form."""
    weight = _symbol(variable)
    total = _symbolic(lines, text)
    if total is None or _hides(total, weight):
        return None
    scale = _expanded(sympy.diff(total, weight))
    if weight in scale.free_symbols or _side(lines, scale) not in ("post", ""):
        return None
    products = _products(lines, _expanded(total - scale * weight))
    if products is None or not 0 < len(products) <= _MOST_PRODUCTS:
        return None
    factor = "1.0" if scale == 1 else sympy_to_str(1 + sympy.factor_terms(scale - 1))
    return factor, tuple(
        (sympy_to_str(sympy.factor_terms(b)), sympy_to_str(sympy.factor_terms(c))) for b, c in products
    )


def _products(lines: Mapping[str, Equation], added: sympy.Expr) -> list[tuple[sympy.Expr, sympy.Expr]] | None:
    """Return the fewest products (postsynaptic, presynaptic factor) that make up a sum, as far as terms share one."""
    by_pre: dict[sympy.Expr, sympy.Expr] = {}
    by_post: dict[sympy.Expr, sympy.Expr] = {}
    for term in sympy.Add.make_args(added):
        if term == 0:
            continue
        parts = {"pre": sympy.Integer(1), "post": sympy.Integer(1), "": sympy.Integer(1)}
        for factor in sympy.Mul.make_args(term):
            side = _side(lines, factor)
            if side not in parts:
                return None
            parts[side] *= factor
        pre, post, constant = parts["pre"], parts["post"], parts[""]
        by_pre[pre] = by_pre.get(pre, sympy.Integer(0)) + post * constant
        by_post[post] = by_post.get(post, sympy.Integer(0)) + pre * constant
    if len(by_post) < len(by_pre):
        return list(by_post.items())
    return [(post, pre) for pre, post in by_pre.items()]


def _expanded(expression: sympy.Expr) -> sympy.Expr:
    """Return a sum of products; exp(a - b) stays whole, since the product of exp(a) and exp(-b) may overflow."""
    return sympy.expand(expression, power_exp=False, power_base=False, log=False)


def _hides(expression: sympy.Expr, weight: sympy.Symbol) -> bool:
    """Whether a function or a comparison reads the weight."""
    return any(inner.has(weight) for inner in expression.atoms(sympy.Function, Relational))


def _symbolic(lines: Mapping[str, Equation], text: str) -> sympy.Expr | None:
    """Return a text with the synapses' own subexpressions written out, or nothing where it draws random numbers."""
    sums = {name for name, line in lines.items() if "summed" in line.flags}
    text = inlined(text, lines.values(), keep=sums, stored=True)
    return None if identifiers(text) & DRAWS else str_to_sympy(text)


def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, real=True)


def _side(lines: Mapping[str, Equation], expression: sympy.Expr) -> str:
    """Return ``"pre"``, ``"post"``, ``""`` for constants, ``"own"`` for what belongs to a synapse, or ``"mixed"``."""
    sides = {_side_of(lines, symbol.name) for symbol in expression.free_symbols} - {""}
    return "mixed" if len(sides) > 1 else next(iter(sides), "")


def _side_of(lines: Mapping[str, Equation], name: str) -> str:
    if name in lines and not name.endswith(("_pre", "_post")):
        return "own"
    if name in ("N_pre", "N_post"):
        return ""
    return "pre" if name.endswith("_pre") else "post" if name.endswith("_post") else ""
