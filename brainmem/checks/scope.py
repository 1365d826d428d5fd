"""The names that a text may read, and the dimensions of expressions over them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS
from brian2.core.variables import Variable
from brian2.parsing.expressions import is_boolean_expression, parse_expression_dimensions
from brian2.units import get_dimensions, get_unit, second

from brainmem.checks.place import Place, listed
from brainmem.checks.text import ModelText
from brainmem.errors import closest

__all__ = ["Scope", "shown_unit", "time_names"]


@dataclass
class Scope:
    """Names with their units, and why other names of the model cannot be used here.

    Attributes
    ----------
    names : dict of str to Variable
    hints : dict of str to str
        What to write in place of a name that is known, but not here.
    """

    names: dict[str, Any]
    hints: dict[str, str] = field(default_factory=dict)

    def dimensions(self, place: Place, expr: str, *, line: int = 0) -> Any:
        """Return the dimensions of an expression, or raise for unknown names and units that do not fit."""
        tree = _parsed(place, expr, line)
        called = {node.func.id for node in ast.walk(tree) if _is_call(node)}
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called
        for name in sorted(read - set(self.names) - set(DEFAULT_UNITS) - set(DEFAULT_CONSTANTS) - {"True", "False"}):
            raise self._unknown(place, name, line)
        for name in sorted(called - set(DEFAULT_FUNCTIONS)):
            near = closest(name, DEFAULT_FUNCTIONS)
            raise place.error(
                f"unknown function {name!r}.{near} Functions: {listed(sorted(DEFAULT_FUNCTIONS))}.", line=line
            )
        try:
            return parse_expression_dimensions(expr, self._variables())
        except Exception as error:
            reason = error.msg if isinstance(error, SyntaxError) else getattr(error, "desc", str(error))
            raise place.error(f"{' '.join(str(reason).split())}", line=line) from error

    def require(self, place: Place, expr: str, dimensions: Any, *, what: str, line: int = 0) -> None:
        """Raise unless an expression has the dimensions that `what` must have."""
        found = self.dimensions(place, expr, line=line)
        if found is not dimensions:
            raise place.error(
                f"{expr!r} has unit {shown_unit(found)}, but {what} must have unit {shown_unit(dimensions)}.", line=line
            )

    def require_boolean(self, place: Place, expr: str) -> None:
        """Raise unless an expression is true or false."""
        self.dimensions(place, expr)
        try:
            held = is_boolean_expression(expr, self._variables())
        except (AttributeError, SyntaxError, ValueError):  # what Brian2 cannot classify
            held = False
        if not held:
            raise place.error(f"{expr!r} must be a condition, such as 'overlap > 0.95'.")

    def _variables(self) -> dict[str, Any]:
        constants = {name: Variable(name) for name in DEFAULT_CONSTANTS}
        return {**DEFAULT_UNITS, **constants, **DEFAULT_FUNCTIONS, **self.names}

    def _unknown(self, place: Place, name: str, line: int) -> Exception:
        if name in self.hints:
            return place.error(f"{name!r} cannot be used here: {self.hints[name]}", line=line)
        near = closest(name, [*self.names, *self.hints]) or closest(name, DEFAULT_FUNCTIONS)
        return place.error(f"unknown name {name!r}.{near} Names known here: {listed(self.names)}.", line=line)


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _parsed(place: Place, expr: str, line: int) -> ast.AST:
    try:
        return ast.parse(expr.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise place.error(f"{expr!r} is not an expression: {getattr(error, 'msg', error)}.", line=line) from error


def shown_unit(dimensions: Any) -> str:
    """Return a unit for a message, ``1`` for none."""
    unit = get_unit(get_dimensions(dimensions))
    return "1 (none)" if get_dimensions(dimensions).is_dimensionless else str(unit)


def time_names() -> dict[str, Any]:
    """Return the time and the step of the simulation, readable in all equations."""
    return {"t": Variable("t", dimensions=second.dim), "dt": Variable("dt", dimensions=second.dim)}


def index(name: str) -> Variable:
    """Return a whole number that Brian2 provides, such as ``i`` or ``N_pre``."""
    return Variable(name, dtype=np.int32)


def tuple_hints(text: ModelText) -> dict[str, str]:
    """Return hints for the parameters that hold several numbers."""
    several = (name for name, value in text.values.items() if isinstance(value, tuple))
    return {name: f"parameter {name!r} holds several numbers, which only a schedule can use." for name in several}


def foreign_hints(text: ModelText, populations: Iterable[str], advice: str) -> dict[str, str]:
    """Return hints for everything that can be read of these populations."""
    found: dict[str, str] = {}
    for population in populations:
        for name in text.readable(population):
            found.setdefault(name, f"{name!r} belongs to population {population!r}. {advice}")
    return found


def suffixed(names: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """Return variables under their names with a suffix."""
    return {f"{name}{suffix}": value for name, value in names.items()}
