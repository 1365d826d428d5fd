"""Checks of start weights that are sums over items, ``sum_items(memory_post*memory_pre)``, and of outer products."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brainmem.errors import RuleError, closest
from brainmem.model.checks.draws import one
from brainmem.model.checks.place import Place, listed
from brainmem.model.checks.shapes import Shape
from brainmem.model.checks.text import ModelText
from brainmem.model.nouns import Pattern, Projection
from brainmem.text.expression import parse

__all__ = ["check_item_sums", "rows_of"]

SIDES = {"post": "target", "pre": "source"}  # whose units stand in the rows and in the columns of weights


def rows_of(text: ModelText, projection: Projection, shape: Shape | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a sum over items reads besides: a number with the unit of each, and its shape."""
    values: dict[str, Any] = {"item": 0.5}
    shapes: dict[str, Shape | None] = {}
    for side, end in SIDES.items():
        for pattern in text.model.all_patterns:
            if pattern.population == getattr(projection, end) and pattern.name in text.units and not pattern.every:
                name = f"{pattern.name}_{side}"
                values[name] = one(text.units[pattern.name])
                row = None if shape is None else (shape[0], 1) if side == "post" else (1, shape[1])
                shapes[name] = row
    return values, shapes


def check_item_sums(
    place: Place, field: str, text: ModelText, projection: Projection, draw: str, shapes: Mapping[str, Shape | None]
) -> None:
    """Refuse sums over items that read what has no row for an item, and rows outside of such a sum."""
    try:
        tree = parse(draw)
    except RuleError:  # which is told where the draw is checked
        return
    patterns = {item.name: item for item in text.model.all_patterns}
    reading = _Reading(patterns, projection, frozenset(text.values))
    try:
        for node, where in _places(tree, ()):
            reading.check(node, where)
        for node in ast.walk(tree):
            if (call := _call_of(node, "sum_items")) and len(call.args) == 1:
                _check_counts(call, patterns, shapes)
    except ValueError as error:
        raise place.error(f"{field}={draw!r}: {error}") from error


def _places(node: ast.AST, where: tuple[str, ...]) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """Yield every name and call with what it stands in: ``"sum_items"``, and the side of an outer product."""
    if isinstance(node, ast.Name | ast.Call):
        yield node, where
    outer = _call_of(node, "outer")
    within = (*where, "sum_items") if _call_of(node, "sum_items") else where
    called = node.func if isinstance(node, ast.Call) else None
    sides: dict[ast.AST, str] = dict(zip(outer.args, SIDES, strict=False)) if outer else {}
    for part in ast.iter_child_nodes(node):
        if part is not called:
            yield from _places(part, (*within, sides[part]) if part in sides else within)


def _call_of(node: ast.AST, name: str) -> ast.Call | None:
    """Return a node that is the call of a function, None for others."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    return node if called and isinstance(node, ast.Call) else None


@dataclass(frozen=True)
class _Reading:
    """What the start weights of a projection may read of patterns, by where in the text it stands."""

    patterns: Mapping[str, Pattern]
    projection: Projection
    parameters: frozenset[str]

    def check(self, node: ast.AST, where: tuple[str, ...]) -> None:
        summed, side = "sum_items" in where, next((part for part in where if part in SIDES), "")
        if isinstance(node, ast.Call):
            self._check_call(node, where)
        elif isinstance(node, ast.Name) and node.id == "item":
            self._check_number(summed)
        elif isinstance(node, ast.Name) and node.id in self.patterns:
            self._check_bare(self.patterns[node.id], summed, side)
        elif isinstance(node, ast.Name) and node.id.endswith(tuple(f"_{end}" for end in SIDES)):
            self._check_row(node.id, summed, side)

    def _check_call(self, node: ast.Call, where: tuple[str, ...]) -> None:
        within = "outer" if set(where) & set(SIDES) else "sum_items" if where else ""
        nested = _call_of(node, "sum_items") and where
        if nested or (_call_of(node, "outer") and within == "outer"):
            raise ValueError(f"{ast.unparse(node)!r} stands within {within}(...). Write one without the other.")

    def _check_number(self, summed: bool) -> None:
        if summed and "item" in self.parameters:
            raise ValueError("'item' is the number of an item in sum_items(...), and a parameter too. Rename that.")
        if not summed and "item" not in self.parameters:
            raise ValueError("'item' is the number of an item, which only sum_items(...) has.")

    def _check_bare(self, pattern: Pattern, summed: bool, side: str) -> None:
        """Check a pattern read by its own name: all of its table, or within an outer product the row of the item."""
        if not summed and not side:
            return
        if not summed:
            raise ValueError(
                f"outer(x, y) takes vectors, and {pattern.name!r} has one for every item: write sum_items(outer(...))."
            )
        self._check_frames(pattern)
        if side:
            self._check_population(pattern, side, f"the {'first' if side == 'post' else 'second'} part of outer(x, y)")
            return
        ways = [f"{pattern.name}_{end}" for end, field in SIDES.items() if self._of(field) == pattern.population]
        advice = f"Write {' or '.join(ways)}" if ways else self._other(pattern)
        raise ValueError(
            f"sum_items(...) reads the row of one item of {pattern.name!r}, for the units of one side. {advice}."
        )

    def _check_row(self, name: str, summed: bool, side: str) -> None:
        """Check the row of an item, for the postsynaptic or the presynaptic units."""
        base, _, end = name.rpartition("_")
        if base not in self.patterns:
            known = [item.name for item in self.patterns.values() if item.population == self._of(SIDES[end])]
            raise ValueError(
                f"{name!r} is the row of a pattern for the {end}synaptic units, and {base!r} is no pattern of theirs."
                f"{closest(base, known)} Patterns of {self._of(SIDES[end])!r}: {listed(known)}."
            )
        if side:
            raise ValueError(f"outer(x, y) takes vectors: write {base} for {name}.")
        if not summed:
            raise ValueError(f"{name!r} is the row of one item, which only a sum has: write sum_items(...{name}...).")
        self._check_frames(self.patterns[base])
        self._check_population(self.patterns[base], end, repr(name))

    def _check_frames(self, pattern: Pattern) -> None:
        if pattern.every:
            raise ValueError(
                f"{pattern.name!r} has frames, and sum_items(...) sums over items without. Read a pattern such as "
                f"Pattern('begin', {pattern.population!r}, draw='first({pattern.name})')."
            )

    def _check_population(self, pattern: Pattern, side: str, shown: str) -> None:
        wanted = self._of(SIDES[side])
        if pattern.population != wanted:
            raise ValueError(
                f"{shown} reads {pattern.name!r}, a pattern of {pattern.population!r}, but the {side}synaptic units of "
                f"{self.projection.name!r} are those of {wanted!r}. {self._other(pattern)}."
            )

    def _other(self, pattern: Pattern) -> str:
        for side, field in SIDES.items():
            if self._of(field) == pattern.population:
                return f"It belongs to the {side}synaptic units: write {pattern.name}_{side}"
        return f"Declare a pattern of {self._of('target')!r} or {self._of('source')!r}"

    def _of(self, field: str) -> str:
        return getattr(self.projection, field)


def _check_counts(node: ast.Call, patterns: Mapping[str, Pattern], shapes: Mapping[str, Shape | None]) -> None:
    """Refuse a sum over the items of no pattern, or of patterns of different numbers of items."""
    names = {part.id for part in ast.walk(node.args[0]) if isinstance(part, ast.Name)}
    read = [item for name, item in patterns.items() if names & {name, *(f"{name}_{side}" for side in SIDES)}]
    if not read:
        raise ValueError(
            f"{ast.unparse(node)!r} sums over the items of patterns, and reads none. Write the row of one, such as "
            f"{next(iter(patterns), 'memory')}_post or {next(iter(patterns), 'memory')}_pre."
        )
    found = {item.name: shapes.get(item.name) for item in read}
    counts = {name: shape[0] for name, shape in found.items() if shape is not None}
    if len(set(counts.values())) > 1:
        counted = ", ".join(f"{name!r} has {count} (items={patterns[name].items!r})" for name, count in counts.items())
        raise ValueError(f"{ast.unparse(node)!r} joins patterns of different numbers of items: {counted}.")
