"""Checks of draws, the texts from which patterns, stimuli and start values are drawn."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, second

from brainmem.errors import RuleError
from brainmem.model.checks.place import Place
from brainmem.model.checks.scope import shown_unit
from brainmem.text.expression import FUNCTIONS, parse, walk

__all__ = ["FRAMES", "NONE", "TABLES", "WEIGHTS", "check_draw", "check_eye", "one"]

NONE = get_dimensions(1)

DRAWS = {
    "signs": lambda: 1.0,
    "normal": lambda mean, sd: mean + sd,
    "uniform": lambda low, high: low + 0.37 * (high - low),
    "binary": lambda p: 1.0 + 0 * p,
    "zeros": lambda: 0.0,
    "eye": lambda: 1.0,
    "permutation": lambda: 1.0,
    "first": lambda values: values,
    "ranks": lambda values: 1.0,
    "ring": lambda x, n: (x + n / 2) % n - n / 2,
}
TABLES = {"shifted": lambda values, n: values, "row": lambda values, n: values}  # of the draws of patterns
WEIGHTS = {"sum_items": lambda x: x, "outer": lambda x, y: x * y}  # of start weights


class _Scalar(ast.NodeTransformer):
    """Read a text over arrays as one over numbers, which have the same units."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return ast.BinOp(node.left, ast.Mult(), node.right) if isinstance(node.op, ast.MatMult) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return node.value if node.attr == "T" else node


def _trace(tau: Any) -> float:
    if get_dimensions(tau) is not get_dimensions(second):
        raise ValueError(f"filtered_noise(tau) needs a time, got {tau}")
    return 1.0


FRAMES = {"filtered_noise": _trace}  # of patterns with frames


def check_draw(
    place: Place, field: str, draw: str, dimensions: Any, names: Mapping[str, Any], *further: Mapping[str, Any]
) -> None:
    """Raise unless a draw reads known names and has the unit of what it sets.

    It may call the functions of `DRAWS`, and `further` ones.
    """
    drawn = ChainMap(*map(dict, further), DRAWS)
    try:
        value = walk(draw, names, {**FUNCTIONS, **drawn}, change=_Scalar())
    except RuleError as error:
        raise place.error(f"{field}={draw!r}: {str(error).removeprefix(f'{draw!r}: ')}") from error
    if isinstance(value, tuple):
        raise place.error(f"{field}={draw!r} holds several numbers. Write one text that holds for every value.")
    if get_dimensions(value) is not dimensions and not np.all(np.asarray(value) == 0):
        raise place.error(
            f"{field}={draw!r} has unit {shown_unit(value)}, but the variable has unit {shown_unit(dimensions)}."
        )


def check_eye(place: Place, field: str, draw: str, shape: tuple[int, ...], *, diagonal: bool = True) -> None:
    """Refuse an identity matrix where nothing is square, or where its diagonal would be left out."""
    if "eye" not in _called(draw):
        return
    if len(shape) != 2 or shape[0] != shape[1]:
        wanted = (
            f"a row of {shape[0]} values" if len(shape) == 1 else f"an array of {shape[0]} rows and {shape[1]} columns"
        )
        raise place.error(f"{field}={draw!r}: eye() is an identity matrix, and needed here is {wanted}.")
    if not diagonal:
        raise place.error(
            f"{field}={draw!r}: eye() has ones on its diagonal, the synapses of units onto themselves, which this "
            "projection leaves out. Write Projection(..., self_connections=True)."
        )


def _called(draw: str) -> set[str]:
    """Return the functions that a text calls."""
    calls = (node.func for node in ast.walk(parse(draw)) if isinstance(node, ast.Call))
    return {function.id for function in calls if isinstance(function, ast.Name)}


def one(dimensions: Any) -> Any:
    """Return a number to try a draw with, of these dimensions."""
    return 0.5 if dimensions is NONE else Quantity.with_dimensions(0.5, dimensions)
