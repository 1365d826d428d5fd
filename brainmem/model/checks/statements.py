"""Checks of statements, the text of rules and phases that runs at a moment: ``w += ...``."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace

from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import Variable
from brian2.units.fundamentalunits import Dimension, get_dimensions

from brainmem.errors import closest
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.generated import generated_pattern
from brainmem.model.checks.place import Place, left_side, listed
from brainmem.model.checks.reserved import local_meaning
from brainmem.model.checks.scope import Scope, shown_unit
from brainmem.text.slips import foreign_character, syntax_slip

__all__ = ["Statements"]

OPERATORS = {ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/="}


class Statements:
    """Statements of a rule, or of a phase: they change variables of synapses or units and may name their own.

    Those run `at_events` of single units cannot change what all synapses share. `owner` has the variables, and
    `changing` says in messages what may change them.
    """

    def __init__(
        self,
        place: Place,
        scope: Scope,
        plastic: Mapping[str, Variable],
        *,
        at_events: bool = False,
        owner: str = "the projection",
        changing: str = "a rule changes the variables of its projection",
    ) -> None:
        self.at_events, self.owner, self.changing = at_events, owner, changing
        self.whole = True  # whether nothing is wrong with any of them
        self.apart = ""  # the first statement whose variable differs between synapses
        self.place, self.plastic = place, dict(plastic)
        self.scope = replace(scope, names=dict(scope.names))
        self.local: dict[str, int] = {}
        self.read: set[str] = set()

    def changed(self, found: Findings) -> set[str]:
        """Return the synaptic variables that the statements change; what is wrong with them is noted in `found`."""
        changed: set[str] = set()
        for number, line in self.place.statements:
            if not found.passes(self._statement, number, line, changed):
                self.whole = False
                found.lose(left_side(line))
        for name, number in self.local.items() if self.whole else ():
            found.passes(self._check_local_read, name, number)
        return changed & set(self.plastic)

    def _statement(self, number: int, line: str, changed: set[str]) -> None:
        name, operator, value = self._parts(number, line)
        changed.add(name)
        self.read |= {node.id for node in ast.walk(ast.parse(value)) if isinstance(node, ast.Name)}
        found = self.scope.dimensions(self.place, value, line=number)
        held = self.scope.is_condition(value)
        if name in self.plastic and self.plastic[name].scalar:
            self._check_shared(number, name, value)
        if name not in self.plastic:
            local = Variable(name, found, dtype=bool if held else float, scalar=self.scope.is_shared(value))
            self._name_local(number, name, operator, local)
        elif held:
            raise self.place.error(
                f"{value!r} is true or false, but {name!r} is a number: write int({value}), which is 1 or 0.",
                line=number,
            )
        elif operator in ("*=", "/="):
            self._require(number, value, found, get_dimensions(1), f"the factor in {operator!r}")
        else:
            self._require(number, value, found, self.plastic[name].dim, f"a change of {name!r}")
        self.apart = self.apart or ("" if self.scope.names[name].scalar else line)

    def _parts(self, number: int, line: str) -> tuple[str, str, str]:
        node = _statement_node(self.place, number, line)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and len(node.targets) == 1:
            return node.targets[0].id, "=", ast.unparse(node.value)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and type(node.op) in OPERATORS:
            return node.target.id, OPERATORS[type(node.op)], ast.unparse(node.value)
        raise self.place.error(
            f"a statement is 'w = ...', or has += -= *= /= in place of =.{_meant(node)}", line=number
        )

    def _require(self, number: int, value: str, found: Dimension, wanted: Dimension, what: str) -> None:
        if found is not wanted and value not in ("0", "0.0"):
            raise self.place.error(
                f"{value!r} has unit {shown_unit(found)}, but {what} must have unit {shown_unit(wanted)}.", line=number
            )

    def _check_shared(self, number: int, name: str, value: str) -> None:
        """Refuse a change of a shared variable that would not be the same for all synapses."""
        if self.at_events:
            raise self.place.error(
                f"{name!r} is shared by all synapses, and these statements run at events of single units. Change it in "
                f"a periodic rule, or take the flag (shared) from {name!r}.",
                line=number,
            )
        if self.apart:
            raise self.place.error(
                f"{name!r} is shared by all synapses, and must be changed before {self.apart!r}, which runs for each "
                "of them. Move this line up.",
                line=number,
            )
        if not self.scope.is_shared(value):
            raise self.place.error(
                f"{name!r} is shared by all synapses, but {value!r} differs between them. Take the flag (shared) from "
                f"{name!r}, or read only what is shared: parameters, other shared variables, t.",
                line=number,
            )

    def _name_local(self, number: int, name: str, operator: str, local: Variable) -> None:
        known = [*self.plastic, *self.local]
        if name in self.local:
            return
        if operator != "=" or name in self.scope.names or name in self.scope.hints:
            raise self.place.error(
                f"{name!r} cannot be changed here; {self.changing}: {listed(self.plastic)}.{closest(name, known)}",
                line=number,
                about=name,
            )
        drawn = generated_pattern(name)
        if reason := local_meaning(name) or self.scope.made.get(name) or (f"is used for {drawn}" if drawn else ""):
            raise self.place.error(f"the name {name!r} {reason}. Choose another name.", line=number)
        self.local[name] = number
        self.scope.names[name] = local

    def _check_local_read(self, name: str, number: int) -> None:
        if name not in self.read:
            raise self.place.error(
                f"{name!r} is no variable of {self.owner}, and nothing reads it afterwards."
                f"{closest(name, self.plastic)} Variables: {listed(self.plastic)}.",
                line=number,
            )


def _statement_node(place: Place, number: int, line: str) -> ast.stmt:
    """Return the syntax tree of one statement."""
    if ";" in line:
        raise place.error("a ';' has no meaning here: write one statement on each line.", line=number)
    if found := re.match(r"^(\w+)\s*=\+", line):
        raise place.error(f"'=+' is no operator: write {found[1]} += ... to add, {found[1]} = ... to set.", line=number)
    try:
        return ast.parse(line).body[0]
    except (MemoryError, RecursionError) as error:
        raise place.error("nested too deeply. Write it in several statements.", line=number) from error
    except (SyntaxError, ValueError) as error:
        sides = re.split(r"(?<![<>=!])=(?![=<>])", line, maxsplit=1)
        value = sides[-1].strip() if len(sides) > 1 else ""
        slip = foreign_character(line) or _mark(line) or (syntax_slip(value, DEFAULT_FUNCTIONS) if value else "")
        raise place.error(f"not a statement: {slip or getattr(error, 'msg', error)}", line=number) from error


def _mark(line: str) -> str:
    """Explain marks of other languages in a statement."""
    if found := re.match(r"^(\w+)\s*(\+\+|--)$", line):
        return f"write {found[1]} {found[2][0]}= 1."
    if "->" in line or "<-" in line:
        return "an arrow has no meaning here: write 'w = ...' or 'w += ...'."
    if re.search(r":\s*[\w/*]+(\s*\(.*\))?$", line) and not line.startswith(("if", "for", "while")):
        return "a statement has no unit: leave out ':' and what follows."
    return "derivatives stand in LearningRule(continuous=...) only." if re.match(r"^d\w+/dt|^\w+'", line) else ""


def _meant(node: ast.stmt) -> str:
    if isinstance(node, ast.If):
        return f" In place of 'if', multiply by int({ast.unparse(node.test)})."
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
        return " '==' compares; write '='."
    target = getattr(node, "target", None) or next(iter(getattr(node, "targets", ())), None)
    if isinstance(target, ast.Subscript):
        return f" It runs on every synapse, so there are no indices: write {ast.unparse(target.value)!r}."
    return ""
