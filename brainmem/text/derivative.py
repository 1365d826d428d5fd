"""The derivative of an equation's text, conditions included, which algebra alone cannot differentiate."""

from __future__ import annotations

import sympy
from brian2.parsing.sympytools import str_to_sympy
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

__all__ = ["derivative"]


def derivative(text: str | sympy.Expr, name: str) -> sympy.Expr:
    """Return the derivative with respect to a variable.

    What is computed from a condition, ``int(h > theta)``, counts as an unknown function of the variables in it: its
    derivative is not 0, and holds a `sympy.Derivative`.

    Examples
    --------
    >>> derivative("3*h + int(v > theta)", "h")
    3
    >>> derivative("h*int(v > theta)", "v").has(sympy.Derivative)
    True
    """
    expression = str_to_sympy(text) if isinstance(text, str) else text
    smooth = expression.replace(_is_of_condition, _unknown) if expression.atoms(AppliedUndef) else expression
    return sympy.diff(smooth, sympy.Symbol(name, real=True))


def _is_of_condition(expression: sympy.Basic) -> bool:
    return isinstance(expression, AppliedUndef) and any(isinstance(part, Boolean) for part in expression.args)


def _unknown(expression: sympy.Basic) -> sympy.Expr:
    names = sorted(expression.free_symbols, key=str)
    return sympy.Function(f"of_{type(expression).__name__}")(*names) if names else sympy.Symbol("of_nothing")
