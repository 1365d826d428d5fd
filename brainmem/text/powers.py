"""Powers of numbers that would be computed for ever, such as ``9**9**9**9``."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

__all__ = ["power_slip"]

_SIZES = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv},
    **{ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos},
}


def power_slip(tree: ast.AST) -> str:
    """Explain a power of numbers alone that is larger than any number of a computer, and would take for ever."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and math.isinf(_size(node)):
            return f"{ast.unparse(node)!r} is larger than any number that a computer holds: correct it."
    return ""


def _size(node: ast.AST) -> float:
    """Return about how large a number is that is written without names, nan for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return _float(math.fabs, node.value)
    if isinstance(node, ast.UnaryOp):
        return _float(_SIZES.get(type(node.op)), _size(node.operand))
    if isinstance(node, ast.BinOp):
        return _float(_SIZES.get(type(node.op)), _size(node.left), _size(node.right))
    return math.nan


def _float(function: Callable[..., float] | None, *numbers: float) -> float:
    try:
        return math.nan if function is None else float(function(*map(float, numbers)))
    except OverflowError:
        return math.inf
    except (ArithmeticError, TypeError, ValueError):  # divided by 0, or complex
        return math.nan
