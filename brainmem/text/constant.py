"""The parts of an expression that parameters alone decide, and those among them that have no value: ``1/(a - b)``."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.core.namespace import DEFAULT_UNITS
from scipy.special import exprel

from brainmem.errors import RuleError
from brainmem.text.equations import identifiers
from brainmem.text.expression import CONSTANTS, OPERATORS, parsed

__all__ = ["Known", "constant_value", "known", "require_value"]

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("sqrt", "exp", "log", "log10", "expm1", "log1p", "floor", "ceil", "sign")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan")},
    **{"exprel": exprel, "abs": abs, "int": np.trunc, "round": np.round, "minimum": min, "maximum": max},
    "clip": lambda x, low, high: min(max(x, low), high),
}
_DIVISIONS = (ast.Div, ast.FloorDiv, ast.Mod)
# What the arguments of functions must be.
_WANTED = {
    "sqrt": "sqrt(x) needs x >= 0",
    **{name: f"{name}(x) needs x > 0" for name in ("log", "log10")},
    "log1p": "log1p(x) needs x > -1",
    **{name: f"{name}(x) needs x from -1 to 1" for name in ("arcsin", "arccos")},
}
# The limits of functions that keep to them even where not all arguments are known: what holds, and what is said.
_KEPT: dict[str, tuple[Callable[..., bool], str]] = {
    "clip": (lambda x, low, high: low <= high, "its lower limit {1:g} lies above its upper limit {2:g}"),
    "normal": (lambda mean, sd: sd >= 0, "its standard deviation, {1:g}, is below 0"),
    "uniform": (lambda low, high: low <= high, "its lower limit {0:g} lies above its upper limit {1:g}"),
    "binary": (lambda p: 0 <= p <= 1, "its probability, {0:g}, is not between 0 and 1"),
    "ring": (lambda x, n: n > 0, "the length of the ring, {1:g}, is not above 0"),
    "quantile": (lambda x, q: 0 <= q <= 1, "{1:g} is not between 0 and 1"),
    "filtered_noise": (lambda tau: tau > 0, "its time constant, {0:g} s, is not longer than 0"),
}
_WHOLE = 1e-6  # how far a number of units may be from a whole one
# Where a number without end means that there is no limit.
_LIMITS = ("clip", "minimum", "maximum")


@dataclass(frozen=True)
class Known:
    """A value that parameters decide.

    Attributes
    ----------
    value : float or bool
        In base SI units.
    given : number, Quantity or str
        What messages show, with its unit.
    reads : tuple of str
        Where it follows from others: their names.
    """

    value: Any
    given: Any
    reads: tuple[str, ...] = ()


class _NoValueError(Exception):
    """Says which part of an expression has no value, why, and which part of that is to blame."""

    def __init__(self, node: ast.AST, reason: str, cause: ast.AST | None = None) -> None:
        super().__init__(reason)
        self.node, self.reason, self.cause = node, reason, cause or node


def known(values: Mapping[str, Any]) -> dict[str, Known]:
    """Return what expressions may know of parameters: those that hold one number."""
    single = {name: value for name, value in values.items() if not callable(value) and np.ndim(value) == 0}
    return {name: Known(float(np.asarray(value)), value) for name, value in single.items()}


def constant_value(text: str, names: Mapping[str, Known]) -> tuple[Any, str]:
    """Return the value of an expression, and why it or a part of it has none.

    Parameters
    ----------
    text : str
    names : mapping of str to Known
        What is known before a run. Other names are states, stimuli, random numbers.

    Returns
    -------
    value : float, bool or None
        In base SI units; None where it is not known before a run.
    slip : str
        One sentence or two that quote the part and the values of the names in it; ``""`` where all is well, and for
        texts that are no expression.
    """
    try:
        tree = parsed(text)
    except RuleError:
        return None, ""
    try:
        with np.errstate(all="ignore"):
            return _Reader(names).value(tree), ""
    except _NoValueError as error:
        return None, _sentence(error, names)
    except RecursionError:
        return None, ""


def require_value(text: Any, values: Mapping[str, Any]) -> None:
    """Raise a `RuleError` where a part of a text has no value with these values of parameters."""
    if not isinstance(text, str):
        return
    read = {name: values[name] for name in identifiers(text) if name in values}
    _, slip = constant_value(text, known(read))
    if slip:
        raise RuleError(slip)


def _sentence(error: _NoValueError, names: Mapping[str, Known]) -> str:
    part, read = ast.unparse(error.node), _read(ast.walk(error.cause), names)
    if not read:
        return f"{part!r} has no value: {error.reason}. Correct it."
    values = [f"{name} = {names[name].given!s}" for name in read]
    joined = " and ".join(filter(None, (", ".join(values[:-1]), values[-1])))
    return f"{part!r} has no value with {joined}: {error.reason}. Choose other values, or correct the text."


def _read(nodes: Iterable[ast.AST], names: Mapping[str, Known]) -> list[str]:
    """Return the known names in a part of an expression, and those that they follow from."""
    open_ = [node.id for node in nodes if isinstance(node, ast.Name) and node.id in names]
    found: dict[str, None] = {}
    while open_:
        name = open_.pop()
        if name not in found and name in names:
            found[name] = None
            open_ += names[name].reads
    return sorted(found)


class _Reader:
    """Computes a syntax tree as far as names are known; None stands for a value that is not."""

    def __init__(self, names: Mapping[str, Known]) -> None:
        self.names = names

    def value(self, node: ast.AST) -> Any:
        form = getattr(self, f"_{type(node).__name__.lower()}", None)
        if form is not None:
            return form(node)
        for part in ast.iter_child_nodes(node):
            self.value(part)
        return None

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return node.value if isinstance(node.value, bool) else None
        try:
            value = float(node.value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise _NoValueError(node, "it is larger than any number that can be computed with")
        return value

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id].value
        found = CONSTANTS.get(node.id, DEFAULT_UNITS.get(node.id))
        return found if found is None or isinstance(found, bool) else float(found)

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if value is None or isinstance(node.op, ast.Invert):
            return None
        if isinstance(node.op, ast.Not):
            return not value
        return -value if isinstance(node.op, ast.USub) else +value

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        for side, value in ((node.left, left), (node.right, right)):
            if value is not None and math.isinf(value):
                raise _NoValueError(
                    node, f"{ast.unparse(side)!r} is no number to compute with, only a limit of clip or a comparison"
                )
        if isinstance(node.op, _DIVISIONS) and right == 0:
            below = ast.unparse(node.right)
            said = (
                "it divides by zero" if isinstance(node.right, ast.Constant) else f"it divides by {below!r}, which is 0"
            )
            raise _NoValueError(node, said, node.right)
        if left is None or right is None or type(node.op) not in OPERATORS or isinstance(node.op, ast.MatMult):
            return None
        if isinstance(node.op, ast.Pow):
            return self._power(node, float(left), float(right))
        return self._finite(node, OPERATORS[type(node.op)](float(left), float(right)), "")

    def _power(self, node: ast.BinOp, base: float, exponent: float) -> float:
        if base == 0 and exponent < 0:
            raise _NoValueError(node, "a negative power of 0 divides by zero")
        if base < 0 and exponent != math.floor(exponent):
            raise _NoValueError(node, f"the number {base:g} below 0 has no power {exponent:g} that is a real number")
        try:
            return base**exponent
        except OverflowError:
            return self._finite(node, math.inf, "")

    def _boolop(self, node: ast.BoolOp) -> Any:
        values = [self.value(part) for part in node.values]
        if None in values:
            return None
        return all(values) if isinstance(node.op, ast.And) else any(values)

    def _compare(self, node: ast.Compare) -> Any:
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        if None in sides:
            return None
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return all(bool(OPERATORS[type(kind)](left, right)) for kind, left, right in pairs)

    def _call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        args = [self.value(item) for item in node.args]
        if name in _KEPT:
            self._check_kept(node, name, args)
        if name == "winners":
            self._check_winners(node, args)
        if None in args or name not in _FUNCTIONS or node.keywords:
            return None
        try:
            value = float(_FUNCTIONS[name](*map(float, args)))
        except (TypeError, ValueError):  # another number of arguments, of which an error is told elsewhere
            return None
        if name in _LIMITS or any(map(math.isinf, args)):
            return value
        return self._finite(node, value, _WANTED.get(name, ""))

    def _check_kept(self, node: ast.Call, name: str, args: list[Any]) -> None:
        holds, said = _KEPT[name]
        try:
            if not holds(*args):
                raise _NoValueError(node, said.format(*args))
        except TypeError:  # some are not known, or their number is another
            return

    def _check_winners(self, node: ast.Call, args: list[Any]) -> None:
        """Refuse a number of winners that is none, or more than there are units."""
        count, units = args[1] if len(args) == 2 else None, self.names.get("N")
        if count is None or isinstance(count, bool):
            return
        if math.isinf(count) or abs(count - round(count)) > _WHOLE:
            raise _NoValueError(node, f"{count:g} units cannot win; round it, as floor(... + 0.5)", node.args[1])
        if count < -_WHOLE or (units is not None and count > units.value + _WHOLE):
            most = "" if units is None else f" to the number of units, {units.given}"
            raise _NoValueError(node, f"{count:g} units cannot win, only from 0{most}", node.args[1])

    def _finite(self, node: ast.AST, value: float, wanted: str) -> float:
        if math.isfinite(value):
            return value
        too_large = math.isinf(value) and not wanted
        raise _NoValueError(
            node,
            "it is larger than any number that can be computed with" if too_large else wanted or "it is no real number",
        )
