"""Expressions that algebra reads as what they are not, or as no number: ``x/0``, ``1/(a - a)``, ``log(0)``."""

from __future__ import annotations

import ast

import sympy
from brian2.parsing.sympytools import str_to_sympy

__all__ = ["comparison_slip", "pole_slip"]

_DIVISIONS = {ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}


def pole_slip(tree: ast.AST, expr: str) -> str:
    """Explain an expression without a finite value; ``""`` if it may have one.

    Only what algebra decides counts, such as ``1/(gain - gain)``: values of parameters are left to the run.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and type(node.op) in _DIVISIONS and _is_zero(node.right):
            below, whole = ast.unparse(node.right), ast.unparse(node)
            why = "" if isinstance(node.right, ast.Constant) else f", as {below!r} is always 0"
            return f"{whole!r} divides by zero{why}: it has no value. Correct the divisor."
    value = _value(tree)
    if value is not None and value.has(sympy.zoo, sympy.nan):
        return f"{expr!r} has no finite value, whatever its names stand for. Correct it."
    return ""


def comparison_slip(tree: ast.AST) -> str:
    """Explain a comparison that sympy, by which Brian2 reads equations, cannot carry; ``""`` if there is none.

    It takes a sum with ``int(condition)`` for no real number: ``x - int(y > 0) > 0.5`` is an error, and
    ``x - int(y > 0) == 0.5`` always false.
    """
    for node in ast.walk(tree):
        held = isinstance(node, ast.Compare) and any(_holds_int(side) for side in (node.left, *node.comparators))
        if held and _value(node) in (None, sympy.true, sympy.false):
            return (
                f"{ast.unparse(node)!r}: Brian2 cannot compare a sum that holds int(...) of a condition. Write "
                "int(...) alone on one side, as int(y > 0) < x - 0.5 for x - int(y > 0) > 0.5, or store the sum in an "
                "equation of its own, with the flag (constant over dt)."
            )
    return ""


def _holds_int(side: ast.AST) -> bool:
    """Tell whether one side of a comparison holds ``int(condition)``."""
    calls = (node for node in ast.walk(side) if isinstance(node, ast.Call) and ast.unparse(node.func) == "int")
    return any(isinstance(part, ast.Compare | ast.BoolOp) for call in calls for part in call.args)


def _is_zero(node: ast.AST) -> bool:
    value = _value(node)
    return value is not None and value.is_zero is True


def _value(node: ast.AST) -> sympy.Basic | None:
    """Return the expression as algebra knows it, None for what it cannot hold."""
    try:
        found = str_to_sympy(ast.unparse(node))
    except (SyntaxError, ArithmeticError, TypeError, ValueError, KeyError, NotImplementedError):
        return None
    return found if isinstance(found, sympy.Basic) else None
