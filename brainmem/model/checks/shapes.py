"""The shape of what a text draws, from the shapes of what it reads."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np

from brainmem.errors import RuleError
from brainmem.text.expression import parse

__all__ = ["Shape", "check_shape"]

Shape = tuple[int, ...]
FULL = ("signs", "normal", "uniform", "binary", "zeros", "eye", "permutation", "filtered_noise")
REDUCED = ("sum", "mean")


def check_shape(text: str, names: Mapping[str, Shape], wanted: Shape, *, expand: bool = False) -> None:
    """Raise unless a text gives an array of the shape wanted, or one number for all.

    Parameters
    ----------
    names : mapping of str to tuple of int
        Shapes of the arrays that the text may read; other names are numbers.
    expand : bool
        Whether values may have length 1 along an axis where the shape wanted has more.
    """
    try:
        found = _Shapes(names, wanted).visit(parse(text))
    except ValueError as error:
        raise RuleError(f"{text!r}: {error}.") from error
    fits = len(found) == len(wanted) and all(
        size == other or (expand and size == 1) for size, other in zip(found, wanted, strict=True)
    )
    if found and not fits:
        raise RuleError(f"{text!r}: its shape is {found}; needed is {wanted}, or one number for all.")


class _Shapes(ast.NodeVisitor):
    """Returns the shape of every part of a text; raises `ValueError` where parts do not fit together."""

    def __init__(self, names: Mapping[str, Shape], wanted: Shape, item: bool = False) -> None:
        self.names, self.wanted, self.item = names, wanted, item

    def visit_Constant(self, node: ast.Constant) -> Shape:
        return ()

    def visit_Name(self, node: ast.Name) -> Shape:
        return self.names.get(node.id, ())

    def visit_Attribute(self, node: ast.Attribute) -> Shape:
        return self.visit(node.value)[::-1]

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Shape:
        return self.visit(node.operand)

    def visit_BinOp(self, node: ast.BinOp) -> Shape:
        parts = self.visit(node.left), self.visit(node.right)
        return _product(node, *parts) if isinstance(node.op, ast.MatMult) else _together(node, *parts)

    def visit_BoolOp(self, node: ast.BoolOp) -> Shape:
        return _together(node, *map(self.visit, node.values))

    def visit_Compare(self, node: ast.Compare) -> Shape:
        return _together(node, *map(self.visit, (node.left, *node.comparators)))

    def visit_Tuple(self, node: ast.Tuple) -> Shape:
        return (len(node.elts),)

    def visit_Call(self, node: ast.Call) -> Shape:
        name = ast.unparse(node.func)
        if name == "outer":
            return self._outer(node)
        if name == "sum_items":
            return self._whole(node, _Shapes(self.names, self.wanted, item=True).visit(node.args[0]))
        given = [self.visit(item) for item in node.args]
        if name == "shifted":
            return given[0]
        if name == "row":
            return self._row(node, *given)
        if name == "first":
            return self._first_frame(node, given[0])
        if name in REDUCED:
            return ()
        together = _together(node, *given)
        if name in FULL:
            return _together(node, together, self.wanted)
        return together

    def _row(self, node: ast.Call, table: Shape, number: Shape) -> Shape:
        if len(table) < 2:
            raise ValueError(f"{ast.unparse(node)!r} takes rows of the table of a pattern, and this has no items")
        return (*(number[:1] or (1,)), *table[1:])

    def _first_frame(self, node: ast.Call, given: Shape) -> Shape:
        if len(given) < 3:
            raise ValueError(f"{ast.unparse(node)!r} is the first frame of a pattern with frames, and this has none")
        return (*given[:-2], 1, given[-1]) if len(self.wanted) == 3 else (*given[:-2], given[-1])

    def _whole(self, node: ast.AST, found: Shape) -> Shape:
        """Return the shape wanted, to which a part must expand."""
        if _together(node, found, self.wanted) != self.wanted:
            raise ValueError(f"{ast.unparse(node)!r} has the shape {found}; needed is {self.wanted}")
        return self.wanted

    def _outer(self, node: ast.Call) -> Shape:
        """Return the shape of an outer product, of vectors over the post- and the presynaptic units."""
        for arg, size, side in zip(node.args, self.wanted, ("post", "pre"), strict=True):
            rows = {name.removesuffix(f"_{side}") for name in self.names if name.endswith(f"_{side}")}
            own = dict.fromkeys(rows, (size,)) if self.item else {}
            found = _Shapes({**self.names, **own}, (size,)).visit(arg)
            if found not in ((), (size,)):
                raise ValueError(
                    f"{ast.unparse(node)!r} joins a vector over the postsynaptic units with one over the presynaptic "
                    f"units; {ast.unparse(arg)!r} has the shape {found}, and needed is {(size,)}"
                )
        return self.wanted


def _together(node: ast.AST, *shapes: Shape) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        different = " and ".join(str(shape) for shape in dict.fromkeys(shapes) if shape)
        raise ValueError(f"{ast.unparse(node)!r} joins arrays of shapes {different}, which do not fit") from None


def _product(node: ast.AST, left: Shape, right: Shape) -> Shape:
    """Return the shape of a matrix product."""
    if not left or not right:
        raise ValueError(f"{ast.unparse(node)!r}: '@' multiplies matrices, and a number is none. Write '*'")
    rows, columns = (left if len(left) > 1 else (1, *left)), (right if len(right) > 1 else (*right, 1))
    if rows[-1] != columns[-2]:
        raise ValueError(f"{ast.unparse(node)!r} multiplies matrices of shapes {left} and {right}, which do not fit")
    outer = _together(node, rows[:-2], columns[:-2])
    return outer + rows[-2:-1] * (len(left) > 1) + columns[-1:] * (len(right) > 1)
