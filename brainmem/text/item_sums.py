"""Start weights made from patterns: sums over items, ``sum_items(memory_post*memory_pre)``, and outer products."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from brainmem.text.draws import draws_of, ring
from brainmem.text.expression import FUNCTIONS, Form, Walker

__all__ = ["Rows", "weight_forms"]

SIDES = ("post", "pre")
REDUCED = {"sum", "mean"}


@dataclass(frozen=True)
class Rows:
    """The tables that start weights read item by item, each for the units of one side of the projection.

    Attributes
    ----------
    post, pre : mapping of str to (items, unit) array
        By the pattern's name. One of a population that projects to itself stands in both.
    """

    post: Mapping[str, np.ndarray]
    pre: Mapping[str, np.ndarray]

    @property
    def tables(self) -> dict[str, np.ndarray]:
        """The tables by the names under which a sum reads their rows: ``memory_post``, ``memory_pre``."""
        return {f"{name}_{side}": table for side in SIDES for name, table in getattr(self, side).items()}

    def items(self, expr: ast.AST) -> int:
        """Return over how many items an expression is summed.

        Raises
        ------
        ValueError
            When it reads no pattern, or patterns of different numbers of items.
        """
        read = {node.id for node in ast.walk(expr) if isinstance(node, ast.Name)}
        known = {**self.post, **self.pre, **self.tables}
        found = {name: len(table) for name, table in known.items() if name in read}
        if len(set(found.values())) != 1:
            counted = ", ".join(f"{name} has {count}" for name, count in sorted(found.items()))
            raise ValueError(
                f"sum_items(...) sums over items of patterns of one number ({counted}). Give them as many items"
                if found
                else "sum_items(...) sums over the items of patterns, and reads none"
            )
        return next(iter(found.values()))


def weight_forms(rows: Rows, rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, Form]:
    """Return ``sum_items(x)`` and ``outer(x, y)`` for weights ``[post, pre]`` of a `shape`, as forms of `walk`."""
    sides = dict(zip(SIDES, shape, strict=True))

    def outer(walker: Walker, node: ast.Call) -> np.ndarray:
        pairs = zip(node.args, SIDES, strict=True)
        return np.multiply.outer(*(_vector(walker, arg, side, sides[side], rng) for arg, side in pairs))

    def sum_items(walker: Walker, node: ast.Call) -> np.ndarray:
        expr, count = node.args[0], rows.items(node.args[0])
        product = _product(walker, expr, rows, count, shape)
        return _item_by_item(walker, expr, rows, count, shape) if product is None else product

    return {"sum_items": sum_items, "outer": outer}


def _vector(walker: Walker, arg: ast.AST, side: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return an argument of an outer product, one value for each unit of its side; patterns are rows of the item."""
    end = f"_{side}"
    own = {name.removesuffix(end): np.ravel(row) for name, row in walker.names.items() if name.endswith(end)}
    functions = {**walker.functions, **draws_of(rng, (size,))}
    value = np.asarray(walker.among({**walker.names, **own}, functions=functions).value(arg), dtype=float)
    if value.shape not in ((), (size,)):
        raise ValueError(
            f"outer(x, y) joins a vector over the postsynaptic units with one over the presynaptic units; "
            f"{ast.unparse(arg)!r} has the shape {value.shape}, and there are {size} {side}synaptic units"
        )
    return np.broadcast_to(value, (size,))


def _item_by_item(walker: Walker, expr: ast.AST, rows: Rows, count: int, shape: tuple[int, int]) -> np.ndarray:
    total = np.zeros(shape)
    read = {name: table for name, table in rows.tables.items() if len(table) == count}  # not those of other items
    for item in range(count):
        here = {name: table[item] for name, table in read.items()}
        here = {name: row[:, None] if name.endswith("_post") else row[None] for name, row in here.items()}
        value = walker.among({**walker.names, **here, "item": item}).value(expr)
        total += value
    return total


def _product(walker: Walker, expr: ast.AST, rows: Rows, count: int, shape: tuple[int, int]) -> np.ndarray | None:
    """Return the sum of a product whose factors each belong to one side, as one product of matrices; None for others.

    ``outer(x, y)/N`` is the product of x, y and 1/N; draws, sums over units and weights belong to no side.
    """
    factors = [(part, *_side(part, given, walker, rows)) for part, given in _factors(expr, "")]
    if any(side is None for _, side, _ in factors):
        return None
    matrices = {side: np.ones((count, size)) for side, size in zip(SIDES, shape, strict=True)}
    names = {**walker.names, **rows.tables, "item": np.arange(count)[:, None]}
    for part, side, bare in factors:
        own = names if not bare else {**names, **getattr(rows, str(side))}
        matrices[str(side)] *= walker.among(own).value(part)
    return matrices["post"].T @ matrices["pre"]


def _factors(node: ast.AST, outer: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield the factors of a product, each with the side of the outer product in which it stands, if in one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield from _factors(node.left, outer)
        if isinstance(node.op, ast.Mult):
            yield from _factors(node.right, outer)
        else:
            yield ast.copy_location(ast.BinOp(ast.Constant(1.0), ast.Div(), node.right), node), outer
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "outer":
        yield from ((arg, side) for arg, side in zip(node.args, SIDES, strict=True))
    else:
        yield node, outer


def _side(node: ast.AST, outer: str, walker: Walker, rows: Rows) -> tuple[str | None, bool]:
    """Return the side to which a factor belongs, None for neither, and whether it reads patterns by bare names."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    called = {ast.unparse(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
    names -= called
    foreign = any(isinstance(part, ast.MatMult | ast.Attribute | ast.Tuple) for part in ast.walk(node))
    if foreign or not called <= {*FUNCTIONS, ring.__name__} - REDUCED:
        return None, False
    if outer:
        names -= set(getattr(rows, outer))
    sides = {side for side in SIDES for name in names if name in {f"{key}_{side}" for key in getattr(rows, side)}}
    others = names - set(rows.tables) - {"item"}
    if any(np.ndim(walker.names.get(name, 0)) for name in others) or len(sides | ({outer} - {""})) > 1:
        return None, False
    return outer or next(iter(sides), "post"), bool(outer)
