"""What statements change, as text."""

from __future__ import annotations

import ast
from collections.abc import Collection

from brainmem.text.equations import split_statement, statement_lines, written_out

__all__ = ["changes_of", "one_on_a_line", "targets_of"]


def changes_of(code: str, stored: Collection[str], *, only: Collection[str] | None = None) -> list[str]:
    """Return by how much statements change stored variables (`only` these), names of their own written out."""
    local: dict[str, str] = {}
    found = []
    for line in statement_lines(code):
        node = ast.parse(line).body[0]
        assert isinstance(node, ast.Assign | ast.AugAssign)
        target = ast.unparse(node.target if isinstance(node, ast.AugAssign) else node.targets[0])
        text = written_out(ast.unparse(node.value), local)
        if target in stored or (isinstance(node, ast.AugAssign) and target not in local):
            found += [_difference(target, node, text)] if only is None or target in only else []
        else:
            local[target] = text if isinstance(node, ast.Assign) else _added(local[target], node, text)
    return found


def one_on_a_line(text: str) -> str:
    """Return statements, which may stand apart by ``;``, one on each line, without comments and empty lines."""
    parts = (part.strip() for line in statement_lines(text) for part in line.split(";"))
    return "\n".join(part for part in parts if part)


def targets_of(code: str) -> tuple[str, ...]:
    """Return what statements set, one on each line, in their order."""
    return tuple(dict.fromkeys(split_statement(line)[0] for line in statement_lines(code)))


def _added(before: str, node: ast.AugAssign, text: str) -> str:
    signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
    return f"({before}) {signs[type(node.op)]} ({text})"


def _difference(target: str, node: ast.Assign | ast.AugAssign, text: str) -> str:
    if isinstance(node, ast.AugAssign):
        signs = {ast.Add: f"{text}", ast.Sub: f"-({text})", ast.Mult: f"{target}*(({text}) - 1)"}
        return signs.get(type(node.op), f"{target}/({text}) - {target}")
    value = ast.parse(text, mode="eval").body
    call = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
    if (
        isinstance(value, ast.Call) and call == "clip" and value.args
    ):  # within its bounds a variable that does not change stays as it is
        text = ast.unparse(value.args[0])
    return f"({text}) - {target}"
