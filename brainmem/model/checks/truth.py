"""Conditions used as numbers, and numbers used as conditions: Brian2's targets and sympy disagree about both."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from brian2.core.variables import Variable

__all__ = ["is_condition", "number_slip", "truth_slip"]

TAKES_CONDITION = ("int",)


def is_condition(node: ast.AST, names: Mapping[str, Any]) -> bool:
    """Tell whether a syntax tree is true or false, and not a number."""
    if isinstance(node, ast.Name):
        return isinstance(known := names.get(node.id), Variable) and known.is_boolean
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.Constant) and isinstance(node.value, bool)
    )


def truth_slip(tree: ast.AST, names: Mapping[str, Any]) -> str:
    """Explain the first condition used as a number, or number used as a condition; ``""`` if there is none."""
    if slip := number_slip(tree, names):
        return slip
    for part in (part for node in ast.walk(tree) for part in _conditions(node)):
        if not is_condition(part, names):
            text = ast.unparse(part)
            return f"{text!r} is a number, but and, or and not join conditions: write, for example, {text} > 0."
    return ""


def number_slip(tree: ast.AST, names: Mapping[str, Any]) -> str:
    """Explain the first condition that is used as a number."""
    for part in (part for node in ast.walk(tree) for part in _numbers(node)):
        if is_condition(part, names):
            return (
                f"'{_shown(part)}' is true or false and not a number: write int({ast.unparse(part)}), which is 1 or 0."
            )
    return ""


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if isinstance(node, ast.Name | ast.Constant) else f"({text})"


def _numbers(node: ast.AST) -> list[ast.expr]:
    """Return the parts of a node that must be numbers."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        return [node.operand]
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in TAKES_CONDITION):
        return node.args
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    return []


def _conditions(node: ast.AST) -> list[ast.expr]:
    """Return the parts of a node that must be true or false."""
    if isinstance(node, ast.BoolOp):
        return node.values
    return [node.operand] if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else []
