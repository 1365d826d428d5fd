"""Equations as values: read Brian2 text, change an equation, write Brian2 text."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from brian2.equations.equations import (
    DIFFERENTIAL_EQUATION,
    PARAMETER,
    Equations,
    SingleEquation,
    dimensions_and_type_from_string,
)
from brian2.units import Quantity, get_dimensions

__all__ = [
    "DRAWS",
    "Equation",
    "calls_of",
    "definitions",
    "equation_of",
    "grouped",
    "identifiers",
    "inlined",
    "merged",
    "read_equations",
    "rename",
    "split_statement",
    "statement_lines",
    "underived",
    "unit_text",
    "with_unit",
    "write_equations",
    "written_out",
]

_KINDS = {DIFFERENTIAL_EQUATION: "differential", PARAMETER: "parameter"}
_BASE = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")  # not the e of 1e3 and 1.e3
# Functions that give another number at each call.
DRAWS = frozenset({"rand", "randn", "poisson", "binomial"})


@dataclass(frozen=True)
class Equation:
    """One equation, with Brian2 flags.

    ``d{name}/dt = expr : unit`` (differential), ``{name} = expr : unit`` (subexpression) or ``{name} : unit``
    (parameter). `names` are all that its right-hand side holds.
    """

    name: str
    kind: str
    unit: str
    expr: str = ""
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        left = f"d{self.name}/dt" if self.kind == "differential" else self.name
        flags = f" ({', '.join(self.flags)})" if self.flags else ""
        middle = f" = {self.expr}" if self.expr else ""
        return f"{left}{middle} : {self.unit}{flags}"

    @property
    def stored(self) -> bool:
        """Whether a subexpression is evaluated once per step and then read as a number."""
        return "constant over dt" in self.flags

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name in its right-hand side."""
        return frozenset(identifiers(self.expr))

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers."""
        return bool(self.names & DRAWS)

    def with_flag(self, flag: str) -> Equation:
        """Return the line with `flag` added once."""
        return self if flag in self.flags else replace(self, flags=(*self.flags, flag))


def unit_text(dimensions: Any) -> str:
    """Return Brian2 text for a unit or dimension, ``"1"`` for none."""
    exponents = get_dimensions(dimensions)._dims
    powers = [(name, exponent) for name, exponent in zip(_BASE, exponents, strict=True) if exponent]
    if powers and all(name == "second" and exponent < 0 for name, exponent in powers):
        powers = [("hertz", -powers[0][1])]
    return "*".join(name if exponent == 1 else f"{name}**{exponent:g}" for name, exponent in powers) or "1"


def with_unit(value: float, unit: str) -> str:
    """Return a number in base SI units for a reader, in the unit in which it is neither large nor small: ``200 pA``."""
    dimensions, _ = dimensions_and_type_from_string(unit)
    if dimensions.is_dimensionless:
        return f"{value:.4g}"
    quantity: Any = Quantity(float(f"{value:.4g}"), dim=dimensions)
    return str(quantity.in_best_unit(python_code=False)).replace(". ", " ")


def read_equations(*texts: str) -> tuple[Equation, ...]:
    """Return the equations of texts, in the order written; none of empty ones."""
    return tuple(equation for text in texts if text.strip() for equation in _read(text))


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[Equation, ...]:
    equations = Equations(text)
    parsed = {name: equation_of(equation) for name, equation in equations.items()}
    return tuple(sorted(parsed.values(), key=lambda line: _position(text, line.name)))


def equation_of(equation: SingleEquation) -> Equation:
    """Return the value of an equation as Brian2 has parsed it."""
    expr = " ".join(equation.expr.code.split()) if equation.expr is not None else ""
    kind = _KINDS.get(equation.type, "subexpression")
    unit = equation.var_type if equation.var_type in ("integer", "boolean") else unit_text(equation.dim)
    return Equation(equation.varname, kind, unit, expr, tuple(equation.flags))


def _position(text: str, name: str) -> int:
    match = re.search(rf"^\s*(d{name}\s*/\s*dt|{name})\s*[=:]", text, re.MULTILINE)
    return match.start() if match else len(text)


def write_equations(lines: Iterable[Equation]) -> str:
    """Return Brian2 equations, one line each."""
    return "\n".join(str(line) for line in lines)


def underived(text: str, name: str) -> str:
    """Return equations in which a variable with ``dx/dt = ... : unit`` is declared without, in as many lines."""
    line = re.compile(rf"^([^\S\n]*)d{re.escape(name)}\s*/\s*dt\s*=[^:#]*:([^\n#(]*).*$", re.MULTILINE)
    changed, count = line.subn(
        lambda found: f"{found[1]}{name} : {found[2].strip()}" + "\n" * found[0].count("\n"), text, count=1
    )
    if count:
        return changed
    lines = (replace(item, kind="parameter", expr="", flags=()) if item.name == name else item for item in _read(text))
    return write_equations(lines)  # comments stood within it


def merged(lines: Iterable[Equation]) -> tuple[Equation, ...]:
    """Return one line for each variable: a derivative replaces a declaration, and two derivatives are added.

    The unit is that of the first line, which declares the variable.
    """
    found: dict[str, Equation] = {}
    for line in lines:
        first = found.setdefault(line.name, line)
        if first is line or line.kind != "differential":
            continue
        sign, more = (" - ", line.expr[1:]) if line.expr.startswith("-") else (" + ", line.expr)
        expr = f"{first.expr}{sign}{more}" if first.kind == "differential" else line.expr
        found[line.name] = replace(line, unit=first.unit, expr=expr)
    return tuple(found.values())


def identifiers(text: str) -> set[str]:
    """Return every name in a piece of text."""
    return set(_NAME.findall(text))


def rename(text: str, names: Mapping[str, str]) -> str:
    """Return `text` with whole names replaced."""
    return _NAME.sub(lambda match: names.get(match.group(), match.group()), text)


def statement_lines(text: str) -> tuple[str, ...]:
    """Return the non-empty lines of statements, without comments."""
    lines = (line.split("#")[0].strip() for line in text.strip().splitlines())
    return tuple(line for line in lines if line)


def split_statement(line: str) -> tuple[str, str, str]:
    """Return the target, the operator (``"="``, ``"+="``, ...) and the value of a statement."""
    node = ast.parse(line).body[0]
    assert isinstance(node, ast.Assign | ast.AugAssign)
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    left, _, right = line.partition("=")
    name = ast.unparse(target)
    return name, f"{left.strip().removeprefix(name).strip()}=", right.strip()


def calls_of(expr: str, functions: Collection[str]) -> list[str]:
    """Return the functions of this collection that an expression calls, one for each call."""
    calls = (node.func for node in ast.walk(ast.parse(expr.strip() or "0")) if isinstance(node, ast.Call))
    return [func.id for func in calls if isinstance(func, ast.Name) and func.id in functions]


def definitions(lines: Iterable[Equation], *, keep: Collection[str] = (), stored: bool = False) -> dict[str, str]:
    """Return the text of every subexpression that may be written out where its name stands.

    Parameters
    ----------
    lines : iterable of Equation
    keep : collection of str
        Names that are to stay.
    stored : bool
        Whether those evaluated once per time step may be written out too. Those that draw random numbers never are:
        each text would draw its own.
    """
    found = {line.name: line for line in lines if line.kind == "subexpression" and line.name not in keep}
    return {name: line.expr for name, line in found.items() if (stored and not line.draws) or not line.stored}


def inlined(text: str, equations: Iterable[Equation], *, keep: Collection[str] = (), stored: bool = False) -> str:
    """Return a text with the subexpressions among `equations` written out; see `definitions` for what stays."""
    return written_out(text, definitions(equations, keep=keep, stored=stored))


def written_out(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which no name of `names` is left: each is replaced by its own text, in parentheses."""
    while found := identifiers(text) & set(names):
        text = rename(text, {name: grouped(names[name]) for name in found})
    return text


def grouped(text: str) -> str:
    """Return a text in parentheses unless it is a name or a whole number."""
    return text if text.isidentifier() or text.isdigit() else f"({text})"
