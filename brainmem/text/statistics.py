"""Statistics over the synapses of a projection, as the texts of rules call them: ``mean(x)``, ``quantile(x, q)``.

A call is brought out of its text before a model is translated: a variable takes its place, and a line of the form
``scaling_mean_1 = mean(abs(w))`` says what the variable is set to. Such lines are all that the later stages see.
"""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from brainmem.text.equations import split_statement, statement_lines

__all__ = [
    "STATISTICS",
    "Statistic",
    "brought_out",
    "forms_statistics",
    "is_statistic",
    "parts_in",
    "read_statistics",
    "rule_number",
    "shuffles",
    "statistics_in",
    "without_shared",
]

# The statistics, and their arguments as a rule writes them.
STATISTICS = {"mean": ("x",), "quantile": ("x", "q"), "shuffle": ("x",)}


@dataclass(frozen=True)
class Statistic:
    """A line that sets a variable of synapses from all of them.

    Attributes
    ----------
    variable : str
        One number that all synapses share; of a shuffle, one for each.
    kind : {"mean", "quantile", "shuffle"}
    of : str
        Expression of the synapse.
    q : str
        Of a quantile, which one: text over parameters.
    rule, call : int
        Of a shuffle, the number of its rule (`rule_number`) and its place among the shuffles of the rule.
    """

    variable: str
    kind: str
    of: str
    q: str = ""
    rule: int = 0
    call: int = 0

    @property
    def shown(self) -> str:
        """The call as a rule writes it."""
        return f"{self.kind}({self.of}, {self.q})" if self.q else f"{self.kind}({self.of})"


def rule_number(rule: str) -> int:
    """Return the number that stands for a rule's name in the orders of its shuffles."""
    return zlib.crc32(rule.encode())


def statistics_in(text: str) -> list[ast.Call]:
    """Return the calls of statistics in an expression, those within others first."""
    try:
        tree = ast.parse(text.strip() or "0", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # told elsewhere
        return []
    return [*_calls(tree)]


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)
    if isinstance(node, ast.Call) and _kind(node):
        yield node


def _kind(node: ast.Call) -> str:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    return name if name in STATISTICS else ""


def shuffles(text: str) -> bool:
    """Tell whether an expression calls a shuffle, which differs between synapses whatever it reads."""
    return any(_kind(node) == "shuffle" for node in statistics_in(text))


def without_shared(text: str) -> str:
    """Return an expression with 0 for the statistics that all synapses share, so that what differs is left."""
    if not statistics_in(text):
        return text
    return ast.unparse(_Replaced(lambda node: ast.Constant(0) if _kind(node) != "shuffle" else node).visit(_tree(text)))


def brought_out(text: str, name: Callable[[str], str], rule: str, calls: Iterator[int]) -> tuple[str, list[str]]:
    """Return an expression with a name for each call of a statistic, and the lines that set these names, in order.

    Parameters
    ----------
    text : str
    name : callable
        Returns a new name for a statistic of a kind.
    rule : str
        Name of the rule.
    calls : iterator of int
        Yields the places of shuffles among those of the rule.
    """
    if not statistics_in(text):
        return text, []
    lines: list[str] = []

    def replaced(node: ast.Call) -> ast.expr:
        kind = _kind(node)
        args = [ast.unparse(item) for item in node.args]
        args += [str(rule_number(rule)), str(next(calls))] if kind == "shuffle" else []
        lines.append(f"{name(kind)} = {kind}({', '.join(args)})")
        return ast.Name(lines[-1].partition(" ")[0], ast.Load())

    return ast.unparse(_Replaced(replaced).visit(_tree(text))), lines


def _tree(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


class _Replaced(ast.NodeTransformer):
    """Replaces calls of statistics, those within others first."""

    def __init__(self, replaced: Callable[[ast.Call], ast.expr]) -> None:
        self.replaced = replaced

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return self.replaced(node) if _kind(node) else node


def is_statistic(line: str) -> bool:
    """Tell whether a statement sets a variable from a statistic, and does nothing else."""
    call = ast.parse(line.strip()).body[0]
    return isinstance(call, ast.Assign) and isinstance(call.value, ast.Call) and bool(_kind(call.value))


def forms_statistics(code: str) -> bool:
    """Tell whether statements are lines that set statistics."""
    lines = statement_lines(code)
    return bool(lines) and all(map(is_statistic, lines))


def read_statistics(code: str) -> tuple[Statistic, ...]:
    """Return the statistics that lines set, in their order."""
    return tuple(map(_read, statement_lines(code)))


def _read(line: str) -> Statistic:
    variable, _, value = split_statement(line)
    node = _tree(value)
    assert isinstance(node, ast.Call)
    kind, args = _kind(node), [ast.unparse(item) for item in node.args]
    if kind == "shuffle":
        return Statistic(variable, kind, args[0], rule=int(args[1]), call=int(args[2]))
    return Statistic(variable, kind, args[0], q=args[1] if kind == "quantile" else "")


def parts_in(code: str) -> list[tuple[str, ...]]:
    """Return statements in runs of lines: of some that set statistics, of others, and so on."""
    groups = groupby(statement_lines(code), key=is_statistic)
    return [tuple(lines) for _, lines in groups]
