"""Text in which some names are numbers that are known: products by 0 are left out, and so is all that they multiply.

``0.5*heat*log(1/rand() - 1)`` is 0 where ``heat`` is, without a random number that could make the logarithm infinite.
What reads none of the names stays as it was written, to the space.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.text.equations import DRAWS, Equation, grouped, identifiers, rename, split_statement
from brainmem.text.expression import FUNCTIONS, OPERATORS
from brainmem.text.statements import one_on_a_line
from brainmem.text.statistics import STATISTICS

__all__ = ["Known", "fold", "fold_equation", "fold_statements"]

Number = float | int | bool
Known = Mapping[str, Number]
"""The names that stand for numbers; each but 0 is without unit."""
UnitOf = Callable[[str], str]
_STEPS = {"+=": operator.add, "-=": operator.sub, "*=": operator.mul, "/=": operator.truediv}


def fold(text: str, known: Known, unit_of: UnitOf = lambda text: "1") -> tuple[str, Number | None]:
    """Return an expression in which names are known, and the number that it is, where it is one.

    Parameters
    ----------
    text : str
    known : mapping of str to number
    unit_of : callable
        Returns the unit of a part of the text; the 0 that takes the place of one with a unit is written with it.
    """
    if not identifiers(text) & known.keys():
        return text, None
    line = " ".join(text.split())
    try:
        tree = ast.parse(line, mode="eval").body
    except SyntaxError:
        return text, None  # refused by the checks
    part = _Folding(line, known, unit_of).part(tree, 0, len(line))
    return (part.written, part.value) if part.changed else (text, None)


def fold_equation(line: Equation, known: Known, unit_of: UnitOf) -> tuple[Equation, Number | None]:
    """Return an equation with its right-hand side folded, and the number that it defines, if it defines one."""
    if not line.expr:
        return line, None
    expr, value = fold(line.expr, known, unit_of)
    if line.kind != "subexpression" or value is None:
        return replace(line, expr=expr), None
    return replace(line, expr=expr, flags=tuple(flag for flag in line.flags if flag != "constant over dt")), value


def fold_statements(code: str, known: Known, stored: Callable[[str], bool], unit_of: UnitOf) -> str:
    """Return statements folded, without those that change nothing and names of their own that are a known number.

    Parameters
    ----------
    code : str
    known : mapping of str to number
    stored : callable
        Tells whether a target is a variable, and no name that the statements give to a value of their own.
    unit_of : callable
        See `fold`.
    """
    if not identifiers(code) & known.keys():
        return code
    known, own, lines = dict(known), dict[str, str](), []
    for line in one_on_a_line(code).splitlines():
        target, given, value = split_statement(line)
        sign = given
        text, number = fold(value, known, lambda part: unit_of(rename(part, own)))
        if not stored(target):
            own[target] = own.get(target, grouped(rename(value, own)))
            if target in known and sign != "=":  # a known number until now
                sign, text, number = _begun(known.pop(target), sign, text, number)
            if number is not None and sign == "=":
                known[target] = number
                continue
            known.pop(target, None)
        if number is None or not _changes_nothing(sign, number):
            written = f"{target} {sign} {text}"
            lines.append(line if written == f"{target} {given} {value}" else written)
    return "\n".join(lines)


def _begun(value: Number, sign: str, text: str, number: Number | None) -> tuple[str, str, Number | None]:
    """Return the statement that gives a name its value, in place of one that changes a known number."""
    if number is not None:
        number = _STEPS[sign](value, number)
        return "=", repr(number), number
    if value == 0 and sign in ("+=", "-="):
        return "=", text if sign == "+=" else f"-({text})", None
    if value == 0:
        return "=", "0", 0
    return "=", f"{value!r}{sign[0]}({text})", None


def _changes_nothing(sign: str, number: Number) -> bool:
    return (sign in ("+=", "-=") and number == 0) or (sign in ("*=", "/=") and number == 1)


@dataclass(frozen=True)
class _Part:
    """A part of an expression, with the brackets around it: its text, and its value where that is a number."""

    text: str
    value: Number | None = None
    changed: bool = False
    unit: Callable[[], str] = lambda: "1"

    @property
    def known(self) -> bool:
        """Whether it is a number because names are known."""
        return self.changed and self.value is not None

    def stands_for(self, number: Number) -> bool:
        return self.known and not isinstance(self.value, bool) and self.value == number

    @property
    def written(self) -> str:
        """Its text; that of 0 has the unit of what it stands for."""
        if not self.stands_for(0):
            return self.text
        unit = self.unit()
        return "0" if unit == "1" else f"0*{unit}"


class _Folding:
    """One expression."""

    def __init__(self, source: str, known: Known, unit_of: UnitOf) -> None:
        self.source, self.names, self.unit_of = source, known, unit_of

    def part(self, node: ast.expr, start: int, end: int) -> _Part:
        """Return the part that stands from `start` to `end`, a node with the brackets around it."""
        if not self._reads(node):
            value = node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None
            return _Part(self.source[start:end], value)
        form = getattr(self, f"_{type(node).__name__.lower()}", None)
        if form is None:
            return _Part(self.source[start:end])
        first, last = node.col_offset, node.end_col_offset or end
        inner: _Part = form(node)
        inner = replace(inner, unit=lambda: self.unit_of(self.source[first:last]))
        if inner.value is not None or (start, end) == (first, last):
            return inner
        if _is_whole(inner.text):
            return inner  # brackets around a name, a number or a call
        return replace(inner, text=self.source[start:first] + inner.text + self.source[last:end])

    def _reads(self, node: ast.AST) -> bool:
        return any(isinstance(item, ast.Name) and item.id in self.names for item in ast.walk(node))

    def _number(self, compute: Callable[[], Any]) -> _Part | None:
        """Return the part that is a number, None where it cannot be computed."""
        try:
            found = compute()
        except (ArithmeticError, ValueError, TypeError, RuleError):
            return None
        if isinstance(found, bool | np.bool_):
            return _Part(str(bool(found)), bool(found), True)
        number = found if isinstance(found, int) else float(found)
        if not math.isfinite(number):
            return None
        number = int(number) if number == 0 else number
        return _Part(_bracketed(number), number, True)

    def _name(self, node: ast.Name) -> _Part:
        number = self.names[node.id]
        return _Part(_bracketed(number), number, True)

    def _binop(self, node: ast.BinOp) -> _Part:
        left_end, right_start = self._gap(node.left, node.right)
        left = self.part(node.left, node.col_offset, left_end)
        right = self.part(node.right, right_start, node.end_col_offset or 0)
        simpler = self._simpler(type(node.op), left, right)
        if simpler is not None:
            return simpler
        if left.value is not None and right.value is not None and type(node.op) in OPERATORS:
            found = self._number(lambda: OPERATORS[type(node.op)](left.value, right.value))
            if found is not None:
                return found
        return _Part(left.written + self.source[left_end:right_start] + right.written, changed=True)

    def _simpler(self, kind: type, left: _Part, right: _Part) -> _Part | None:
        """Return what is left of a sum, a product or a power in which one side is 0 or 1."""
        zero, one = _Part("0", 0, True), _Part("1", 1, True)
        if kind is ast.Mult and (left.stands_for(0) or right.stands_for(0)):
            return zero
        if kind is ast.Mult and left.stands_for(1):
            return replace(right, changed=True)
        if kind in (ast.Mult, ast.Div, ast.Pow) and right.stands_for(1):
            return replace(left, changed=True)
        if kind is ast.Div and left.stands_for(0):
            return zero
        if kind is ast.Pow and right.stands_for(0):
            return one
        if kind in (ast.Add, ast.Sub) and right.stands_for(0):
            return replace(left, changed=True)
        if kind is ast.Add and left.stands_for(0):
            return replace(right, changed=True)
        if kind is ast.Sub and left.stands_for(0) and right.value is None:
            return _Part(f"-({right.text})" if right.text.startswith("-") else f"-{right.text}", changed=True)
        return None

    def _gap(self, left: ast.expr, right: ast.expr) -> tuple[int, int]:
        """Return where the text between two operands begins and ends: the operator and the spaces around it."""
        begin, end = left.end_col_offset or 0, right.col_offset
        between = self.source[begin:end]
        closed = between.rfind(")") + 1
        opened = between.find("(", closed)
        return begin + closed, begin + opened if opened >= 0 else end

    def _unaryop(self, node: ast.UnaryOp) -> _Part:
        start = node.operand.col_offset
        opened = self.source.find("(", node.col_offset, start)
        start = opened if opened >= 0 else start
        inner = self.part(node.operand, start, node.end_col_offset or 0)
        found = None if inner.value is None else self._number(lambda: OPERATORS[type(node.op)](inner.value))
        return found or _Part(self.source[node.col_offset : start] + inner.written, changed=True)

    def _several(self, nodes: list[ast.expr], start: int, end: int) -> Iterator[tuple[_Part, str]]:
        """Yield each of the parts that stand in a row, and the text behind it."""
        for place, node in enumerate(nodes):
            last = place + 1 == len(nodes)
            stop, following = (end, end) if last else self._gap(node, nodes[place + 1])
            yield self.part(node, start, stop), self.source[stop:following]
            start = following

    def _compare(self, node: ast.Compare) -> _Part:
        rows = list(self._several([node.left, *node.comparators], node.col_offset, node.end_col_offset or 0))
        parts = [part for part, _ in rows]
        pairs = zip(node.ops, parts, parts[1:], strict=False)
        if all(part.value is not None for part in parts):
            found = self._number(lambda: all(OPERATORS[type(op)](one.value, two.value) for op, one, two in pairs))
            if found is not None:
                return found
        return _Part("".join(part.written + behind for part, behind in rows), changed=True)

    def _boolop(self, node: ast.BoolOp) -> _Part:
        both = isinstance(node.op, ast.And)
        parts = [part for part, _ in self._several(node.values, node.col_offset, node.end_col_offset or 0)]
        if any(part.known and bool(part.value) is not both for part in parts):
            return _Part(str(not both), not both, True)
        left = [part.text for part in parts if not part.known]
        return _Part((" and " if both else " or ").join(left), changed=True) if left else _Part(str(both), both, True)

    def _call(self, node: ast.Call) -> _Part:
        name = ast.unparse(node.func)
        if name in self.names or node.keywords:
            return _Part(self.source[node.col_offset : node.end_col_offset])
        start = self.source.index("(", node.func.end_col_offset or 0) + 1
        end = (node.end_col_offset or 0) - 1
        rows = list(self._arguments(node, start, end))
        if name in STATISTICS and rows and rows[0].known:
            return rows[0]  # of all synapses, as of each
        if name in FUNCTIONS and name not in DRAWS and all(part.value is not None for part in rows):
            found = self._number(lambda: FUNCTIONS[name](*(part.value for part in rows)))
            if found is not None:
                return found
        head = self.source[node.col_offset : start]
        return _Part(f"{head}{', '.join(part.written for part in rows)})", changed=True)

    def _arguments(self, node: ast.Call, start: int, end: int) -> Iterator[_Part]:
        for place, item in enumerate(node.args):
            first = start
            stop = end
            if place + 1 < len(node.args):
                stop = self.source.index(",", item.end_col_offset or 0)
                start = stop + 1
            yield self._argument(item, first, stop)

    def _argument(self, node: ast.expr, start: int, end: int) -> _Part:
        """Return an argument without the brackets around it, which are not needed where it is another text."""
        part = self.part(node, node.col_offset, node.end_col_offset or 0)
        return part if part.changed else replace(part, text=self.source[start:end].strip())


def _bracketed(number: Number) -> str:
    """Return a number as text that may stand anywhere, also before a power."""
    return f"({number!r})" if number < 0 else repr(number)


def _is_whole(text: str) -> bool:
    """Tell whether a text is a name, a number or a call, which need no brackets."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return False
    return isinstance(node, ast.Name | ast.Constant | ast.Call)
