"""Places of units in the order of a value, ``rank(h)`` and ``winners(h, K)``: how texts call them, and what they mean.

``rank(h)`` is the number of units that stand before a unit: those with a greater h, and of equal ones those with a
smaller number. It is a sum over pairs of units, and `before` writes it as Brian2 would form it. Values are rounded to
1e-9 first, as devices differ in the last digits of sums; those beyond 1e20 are equal. Of units of which one has no
number, all ranks are nan.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from brainmem.text.equations import rename

__all__ = ["RANKED", "RANKING", "before", "calls_ranks", "compared", "rank_calls", "rounded", "without_calls"]

# The functions that compare a unit with all others of its population, and their arguments.
RANKING = {"rank": ("h",), "winners": ("h", "K")}
# What a summed equation is flagged with that counts the units before each.
RANKED = "ranked"


def rank_calls(text: str) -> Iterator[ast.Call]:
    """Yield the calls of these functions in an expression, also those within others; none where it is no expression."""
    try:
        tree = ast.parse(text.strip() or "0", mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # told by the checks
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RANKING:
            yield node


def calls_ranks(text: str) -> bool:
    """Tell whether an expression compares units with others."""
    return any(True for _ in rank_calls(text))


def without_calls(text: str, rank_of: Callable[[str], str]) -> str:
    """Return an expression in which variables stand in place of the calls; `rank_of` names that of a value."""
    return ast.unparse(_Without(rank_of).visit(ast.parse(text.strip(), mode="eval"))) if calls_ranks(text) else text


class _Without(ast.NodeTransformer):
    """Puts names in place of ranks, those within others first."""

    def __init__(self, rank_of: Callable[[str], str]) -> None:
        self.rank_of = rank_of

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id in RANKING):
            return node
        rank = self.rank_of(ast.unparse(node.args[0]))
        return ast.parse(_winning(rank, node.args[1]) if node.func.id == "winners" else rank, mode="eval").body


def _winning(rank: str, most: ast.expr) -> str:
    """Return 1 where a rank lies below a whole number, else 0; what is clipped stays nan where it is."""
    whole = isinstance(most, ast.Constant) and isinstance(most.value, int)
    count = ast.unparse(most) if whole else f"({ast.unparse(most)} + 0.5)//1"
    return f"clip({count} - {rank}, 0, 1)"


def rounded(value: str) -> str:
    """Return the text by which units are compared; Brian2's floor() is a small whole number, ``//1`` a real one."""
    return f"(clip({value}, -1e20, 1e20)*1e9 + 0.5)//1"


def before(key: str) -> str:
    """Return what each presynaptic unit adds to the rank of a postsynaptic one: 1 where it stands before it.

    ``clip(x, 0, 0)`` is 0, and nan where x is.
    """
    pre, post = f"{key}_pre", f"{key}_post"
    return f"int({pre} > {post} or ({pre} == {post} and i < j)) + clip({pre}, 0, 0)"


def compared(line: str) -> str:
    """Return what the units of a population are compared by, given what `before` has written, as they know it."""
    node = ast.parse(line.strip(), mode="eval").body
    assert isinstance(node, ast.BinOp)
    assert isinstance(node.right, ast.Call)
    text = ast.unparse(node.right.args[0])
    names = {item.id for item in ast.walk(node.right) if isinstance(item, ast.Name)}
    return rename(text, {name: name.removesuffix("_pre") for name in names})
