"""Checks of learning rules: their form, names, units and what they change."""

from __future__ import annotations

import ast
import re

from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import Variable
from brian2.units import get_dimensions

from brainmem.checks.place import Place, check_choice, listed, place_of
from brainmem.checks.scope import Scope, shown_unit
from brainmem.checks.synapses import synapse_scope
from brainmem.checks.text import ModelText, read_equations, variable
from brainmem.equations import evaluate
from brainmem.equations.slips import foreign_character, syntax_slip
from brainmem.errors import closest

__all__ = ["check_rules"]

OPERATORS = {ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/="}


def check_rules(text: ModelText) -> None:
    """Check every rule."""
    for rule in text.model.rules:
        projection = text.model.projection(rule.projection)
        place = place_of(text.model, "rule", rule.name, rule.text)
        scope = synapse_scope(text, projection)
        if rule.continuous:
            changed = _check_continuous(text, place, scope)
        else:
            changed = _Statements(text, place, scope, projection).check()
        if rule.spiking is not None:
            changed |= _check_spiking(text, rule)
        _check_bounds(text, rule, changed)


def _check_continuous(text: ModelText, place: Place, scope: Scope) -> set[str]:
    entries = read_equations(place)
    for entry in entries.values():
        if "summed" in entry.flags:
            raise place.error("a summed equation belongs in Projection(current=...).", line=entry.line)
        if entry.kind != "parameter":
            what = f"d{entry.name}/dt" if entry.kind == "differential" else repr(entry.name)
            scope.require(place, entry.expr, entry.expected, what=what, line=entry.line)
    changed = {name for name, entry in entries.items() if entry.kind == "differential"}
    if not changed:
        raise place.error("a continuous rule needs a differential equation, such as 'dw/dt = eta*r_pre*r_post : 1'.")
    return changed


class _Statements:
    """Statements of a periodic or episodic rule: they change synaptic variables and may name their own."""

    def __init__(self, text: ModelText, place: Place, scope: Scope, projection) -> None:
        entries = text.synapses[projection.name].values()
        self.place, self.model = place, text.model
        self.plastic = {entry.name: variable(entry) for entry in entries if entry.kind != "subexpression"}
        self.scope = Scope(dict(scope.names), scope.hints)
        self.local: dict[str, int] = {}
        self.read: set[str] = set()

    def check(self) -> set[str]:
        """Return the variables that the statements change."""
        changed = set()
        for number, line in self.place.statements:
            changed.add(self._statement(number, line))
        self._check_locals_read()
        changed &= set(self.plastic)
        if not changed:
            raise self.place.error(f"it changes no variable of its projection; these are: {listed(self.plastic)}.")
        return changed

    def _statement(self, number: int, line: str) -> str:
        name, operator, value = self._parts(number, line)
        self.read |= {node.id for node in ast.walk(ast.parse(value)) if isinstance(node, ast.Name)}
        found = self.scope.dimensions(self.place, value, line=number)
        held = self.scope.is_condition(value)
        if name not in self.plastic:
            self._name_local(number, name, operator, found, bool if held else float)
        elif held:
            raise self.place.error(
                f"{value!r} is true or false, but {name!r} is a number: write int({value}), which is 1 or 0.",
                line=number,
            )
        elif operator in ("*=", "/="):
            self._require(number, value, found, get_dimensions(1), f"the factor in {operator!r}")
        else:
            self._require(number, value, found, self.plastic[name].dim, f"a change of {name!r}")
        return name

    def _parts(self, number: int, line: str) -> tuple[str, str, str]:
        node = _statement_node(self.place, number, line)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and len(node.targets) == 1:
            return node.targets[0].id, "=", ast.unparse(node.value)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and type(node.op) in OPERATORS:
            return node.target.id, OPERATORS[type(node.op)], ast.unparse(node.value)
        raise self.place.error(
            f"a statement is 'w = ...', or has += -= *= /= in place of =.{_meant(node)}", line=number
        )

    def _require(self, number: int, value: str, found, wanted, what: str) -> None:
        if found is not wanted and value not in ("0", "0.0"):
            raise self.place.error(
                f"{value!r} has unit {shown_unit(found)}, but {what} must have unit {shown_unit(wanted)}.", line=number
            )

    def _name_local(self, number: int, name: str, operator: str, found, dtype: type) -> None:
        known = [*self.plastic, *self.local]
        if name in self.local:
            return
        if operator != "=" or name in self.scope.names or name in self.scope.hints:
            raise self.place.error(
                f"{name!r} cannot be changed here; a rule changes the variables of its projection: "
                f"{listed(self.plastic)}.{closest(name, known)}",
                line=number,
            )
        self.local[name] = number
        self.scope.names[name] = Variable(name, dimensions=found, dtype=dtype)

    def _check_locals_read(self) -> None:
        for name, number in self.local.items():
            if name not in self.read:
                raise self.place.error(
                    f"{name!r} is no variable of the projection, and nothing reads it afterwards."
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


def _check_spiking(text: ModelText, rule) -> set[str]:
    """Check the syntax of an explicit spiking text; return what it changes."""
    changed = set()
    for part in ("on_pre", "on_post"):
        place = place_of(text.model, f"rule {rule.name!r}, spiking text", part, getattr(rule.spiking, part))
        for number, line in place.statements:
            try:
                node = ast.parse(line).body[0]
            except (SyntaxError, ValueError) as error:
                raise place.error(f"not a statement: {getattr(error, 'msg', error)}.", line=number) from error
            if not isinstance(node, ast.Assign | ast.AugAssign):
                raise place.error("a statement is 'w = ...' or 'w += ...'.", line=number)
            changed |= {item.id for item in ast.walk(node) if isinstance(getattr(item, "ctx", None), ast.Store)}
    place = place_of(text.model, f"rule {rule.name!r}, spiking text", "clocked", rule.spiking.clocked)
    return changed | set(read_equations(place))


def _check_bounds(text: ModelText, rule, changed: set[str]) -> None:
    place = place_of(text.model, "rule", rule.name)
    entries = text.synapses[rule.projection]
    scope = Scope(dict(text.constants))
    if "N" in text.values:
        scope.hints["N"] = "in the text of synapses, N is the number of synapses. Declare a parameter for the bound."
    for name, limits in rule.bounds.items():
        check_choice(place, "bounds name", name, sorted(changed & set(entries)))
        if not isinstance(limits, tuple) or len(limits) != 2:
            raise place.error(f"bounds of {name!r} must be (lowest, highest), got {limits!r}.")
        for limit in limits:
            scope.require(place, str(limit), entries[name].dimensions, what=f"a bound of {name!r}")
        low, high = (evaluate(str(limit), text.values) for limit in limits)
        if not low < high:
            raise place.error(f"bounds of {name!r} must be (lowest, highest), got {limits!r}, where {low} >= {high}.")
