"""Evaluate arithmetic text safely.

Text is walked as a syntax tree with a short list of allowed forms; nothing else of Python can be reached.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import DimensionMismatchError, get_dimensions, have_same_dimensions
from brian2.units import unitsafefunctions as safe

from brainmem.errors import RuleError, closest
from brainmem.text.calls import ARGUMENTS, call_slip, function_hint
from brainmem.text.curves import CurveFunction
from brainmem.text.slips import foreign_character, form_slip, syntax_slip

__all__ = ["CONSTANTS", "FUNCTIONS", "Form", "Walker", "evaluate", "names_in", "parse", "parsed", "short", "walk"]

Form = Callable[["Walker", ast.Call], Any]
LARGEST_EXPONENT = 1000
LARGEST_POWER = 4096  # bits of a whole number, which further powers would multiply
COMMON_UNITS = ("second", "ms", "us", "hertz", "Hz", "kHz", "volt", "mV", "amp", "nA", "siemens", "nS", "metre")
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "True": True, "False": False}


def _int(value: Any) -> Any:
    """Truncate a dimensionless number or array; truth becomes 1 and 0."""
    if not have_same_dimensions(value, 1):
        raise DimensionMismatchError("int() needs a dimensionless value", get_dimensions(value))
    whole = np.trunc(np.asarray(value, dtype=float))
    if not np.isfinite(whole).all():
        raise ValueError("int() needs a finite value")
    return int(whole) if whole.ndim == 0 else whole


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": np.sqrt,
    "exp": safe.exp,
    "log": safe.log,
    "log10": lambda x: safe.log(x) / math.log(10),
    "sin": safe.sin,
    "cos": safe.cos,
    "tan": safe.tan,
    "tanh": safe.tanh,
    "sinh": safe.sinh,
    "cosh": safe.cosh,
    "arctan": safe.arctan,
    "arcsin": safe.arcsin,
    "arccos": safe.arccos,
    "abs": abs,
    "sign": lambda x: np.sign(np.asarray(x)),
    "int": _int,
    "floor": lambda x: _int(np.floor(x)),
    "ceil": lambda x: _int(np.ceil(x)),
    "round": lambda x: _int(np.round(x)),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "minimum": np.minimum,
    "maximum": np.maximum,
    "sum": np.sum,
    "mean": np.mean,
}


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        if abs(exponent) > LARGEST_EXPONENT:
            raise ValueError(f"exponents above {LARGEST_EXPONENT} are refused")
        if base.bit_length() * exponent > LARGEST_POWER:
            raise ValueError(f"whole powers of more than {LARGEST_POWER} bits are refused")
        return base**exponent if exponent >= 0 else float(base) ** exponent
    if np.asarray(base).dtype.kind in "iu":  # numpy has no negative powers of whole numbers
        base = np.asarray(base, dtype=float)
    return base**exponent


OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.MatMult: operator.matmul,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: np.logical_not,
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression over `names`, Brian2 units and a few functions.

    Parameters
    ----------
    text : str
        Such as ``"0.03/N"``, ``"100*tau"``, ``"30*ms"``, ``"M < 2*N/(1 + gamma**2)"``, ``"(1, 2, 5)"``.
    names : mapping of str to number, Quantity, tuple, array, or function of a curve

    Raises
    ------
    RuleError
        For anything but arithmetic, comparisons, ``and/or/not``, tuples, ``.T``, allowed functions and known
        names, and for units that do not fit.

    Examples
    --------
    >>> evaluate("2*N + 1", {"N": 10})
    21
    """
    return walk(text, names, FUNCTIONS)


def walk(
    text: str,
    names: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]],
    *,
    change: ast.NodeTransformer | None = None,
    forms: Mapping[str, Form] | None = None,
) -> Any:
    """Evaluate `text`, its syntax tree changed by `change`, with these functions; see `evaluate`.

    `forms` are functions that evaluate their arguments themselves: they are called with the walker and the call.
    """
    tree = parsed(text) if change is None else parse(text)
    try:
        tree = tree if change is None else ast.fix_missing_locations(change.visit(tree))
        with np.errstate(all="ignore"):
            return _bounded(Walker(text, names, functions, forms or {}).value(tree))
    except RuleError:
        raise
    except RecursionError:
        raise RuleError(f"{short(text)}: nested too deeply.") from None
    except DimensionMismatchError as error:
        raise RuleError(f"{text!r}: units do not fit. {error}") from error
    except (ArithmeticError, TypeError, ValueError, AttributeError) as error:
        raise RuleError(f"{text!r} cannot be evaluated: {error}.") from error


def _bounded(value: Any) -> Any:
    """Return a value, or raise an `OverflowError` for a whole number that no computer's number holds."""
    if isinstance(value, int):
        float(value)
    return value


def _truth(held: Any) -> Any:
    return bool(held) if np.ndim(held) == 0 else held


def _counted(value: Any) -> Any:
    """Return true and false in an array as 1 and 0, with which numpy would not compute as with numbers."""
    return value.astype(int) if isinstance(value, np.ndarray) and value.dtype == bool else value


def names_in(text: str) -> set[str]:
    """Return the names an expression reads, called functions left out.

    Raises
    ------
    RuleError
        When the text is no expression.
    """
    return set(_names(text))


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    tree = parsed(text)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def short(text: str) -> str:
    """Return the text in quotes, cut to one line of a message."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def parse(text: str) -> ast.expr:
    """Return the syntax tree of an expression, or raise a `RuleError`."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (MemoryError, RecursionError):  # which one, and for how deep a text, differs between Pythons
        raise RuleError(f"{short(text)}: nested too deeply.") from None
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        slip = syntax_slip(text, (*FUNCTIONS, "normal", "uniform", "binary"))
        raise RuleError(f"{short(text)} is not an expression: {slip or f'{reason}.'}") from error


@lru_cache(maxsize=4096)
def parsed(text: str) -> ast.expr:
    """Return what `parse` does, to be read and not changed: it is the same tree for the same text."""
    return parse(text)


class Walker:
    """Computes a syntax tree, one method per allowed form."""

    def __init__(
        self,
        text: str,
        names: Mapping[str, Any],
        functions: Mapping[str, Callable[..., Any]],
        forms: Mapping[str, Form],
    ) -> None:
        self.text, self.names, self.functions, self.forms = text, names, functions, forms

    def among(self, names: Mapping[str, Any], **changes: Any) -> Walker:
        """Return a walker over other names, and perhaps other `functions` and `forms`."""
        return Walker(self.text, names, changes.get("functions", self.functions), changes.get("forms", self.forms))

    def value(self, node: ast.AST) -> Any:
        """Return the value of a part of the tree."""
        form = getattr(self, f"_{type(node).__name__.lower()}", None)
        if form is None:
            raise self._refused(node)
        return form(node)

    def _refused(self, node: ast.AST) -> RuleError:
        shown, slip = ast.unparse(node), form_slip(node, self.text)
        said = slip.removeprefix(f"{shown!r}: ") or (
            "allowed are numbers, names, + - * / // % ** @, comparisons, and/or/not, tuples, .T and functions."
        )
        return RuleError(f"{short(self.text)}: {shown!r} ({type(node).__name__}) is not allowed; {said}")

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, int | float):
            return node.value
        raise self._refused(node)

    def _name(self, node: ast.Name) -> Any:
        for known in (self.names, CONSTANTS, DEFAULT_UNITS):
            if node.id in known and not isinstance(known[node.id], CurveFunction):
                return known[node.id]
        if node.id in self.functions or node.id in self.names:
            called = f"{node.id}({', '.join(ARGUMENTS.get(node.id, ('x',)))})"
            raise RuleError(f"{self.text!r}: {node.id!r} is a function and needs parentheses: write {called}.")
        said = foreign_character(node.id) or f"unknown name {node.id!r}.{self._near(node.id)} {self._known()}"
        raise RuleError(f"{self.text!r}: {said}", about=node.id)

    def _known(self) -> str:
        return f"Known: {', '.join(self.names) or 'no names'}, Brian2's units, {', '.join(self.functions)}."

    def _near(self, name: str) -> str:
        return closest(name, [*self.names, *self.functions]) or closest(name, COMMON_UNITS)

    def _binop(self, node: ast.BinOp) -> Any:
        return self._operator(node, node.op)(*(_counted(self.value(side)) for side in (node.left, node.right)))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self._operator(node, node.op)(_counted(self.value(node.operand)))
        return _truth(value) if isinstance(node.op, ast.Not) else value

    def _operator(self, node: ast.AST, kind: ast.AST) -> Callable[..., Any]:
        if type(kind) not in OPERATORS:
            raise self._refused(node)
        return OPERATORS[type(kind)]

    def _boolop(self, node: ast.BoolOp) -> Any:
        result = self.value(node.values[0])
        for other in node.values[1:]:
            result = OPERATORS[type(node.op)](result, self.value(other))
        return _truth(result)

    def _compare(self, node: ast.Compare) -> Any:
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        held: Any = True
        for kind, left, right in zip(node.ops, sides, sides[1:], strict=False):
            held = np.logical_and(held, self._operator(node, kind)(left, right))
        return _truth(held)

    def _tuple(self, node: ast.Tuple) -> tuple:
        return tuple(self.value(item) for item in node.elts)

    def _attribute(self, node: ast.Attribute) -> Any:
        if node.attr != "T":
            raise self._refused(node)
        return np.transpose(self.value(node.value))

    def _call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise self._refused(node)
        name = node.func.id
        curve = self.names.get(name)
        if isinstance(curve, CurveFunction):
            if slip := call_slip(node):
                raise TypeError(slip.removesuffix("."))
            return curve(_counted(self.value(node.args[0])))
        if name not in self.functions and name not in self.forms:
            curves = (key for key, item in self.names.items() if isinstance(item, CurveFunction))
            known = (*self.functions, *self.forms, *curves)
            near = function_hint(name, node, drawing=True) or closest(name, known)
            raise RuleError(f"{self.text!r}: unknown function {name!r}.{near} Functions: {', '.join(known)}.")
        if slip := call_slip(node):
            raise TypeError(slip.removesuffix("."))
        if name in self.forms:
            return self.forms[name](self, node)
        return self.functions[name](*(_counted(self.value(item)) for item in node.args))
