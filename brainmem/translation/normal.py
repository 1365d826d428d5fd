"""One meaning for every text: whole numbers that Brian2 would compute as such, and draws that it would refuse.

Brian2's targets compute with whole numbers where a text holds nothing else: ``10**-3*x`` is 0, ``i*100000`` overflows
for the unit 21475, ``clip(i, 0.5, 2)`` is cut to whole numbers in C++. Parameters and start values are real numbers.
Here every text of a model is brought to real numbers before it is translated, so that it means the same wherever it
stands and on every device. Texts without such numbers stay as they are written, comments apart.

Brian2 refuses two calls of ``rand()`` in one statement; each then becomes a name of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from brainmem.model.memory import MemoryModel
from brainmem.model.names import during_gate
from brainmem.model.nouns import LearningRule, Observable, Phase, Population, Projection, SpikingRule
from brainmem.model.parts import unchecked
from brainmem.text.equations import (
    DRAWS,
    Equation,
    calls_of,
    identifiers,
    read_equations,
    rename,
    split_statement,
    statement_lines,
    write_equations,
)
from brainmem.text.statements import one_on_a_line

__all__ = ["normal", "real_numbers"]

INDICES = frozenset({"i", "j", "N", "N_pre", "N_post"})
LARGEST_FACTOR = 2**15  # of an index: their product stays below 2**31 for the first 65536 units
LARGEST = 2**31


def normal(model: MemoryModel) -> MemoryModel:
    """Return a copy of a checked model whose texts Brian2, sympy and numpy compute alike, without comments."""
    integers = {item.name: _integers(item.equations) for item in model.populations}
    model = _gated_by_phases(_with_gates_of_units(model))
    return unchecked(
        model,
        populations=tuple(_population(item, integers[item.name]) for item in model.populations),
        projections=tuple(_projection(model, item, integers) for item in model.projections),
        rules=tuple(_rule(model, item, integers) for item in model.rules),
        observables=tuple(_observable(item, integers[item.population]) for item in model.observables),
        protocol=replace(
            model.protocol,
            phases=tuple(_phase(item, integers) for item in model.protocol.phases),
            schedule=tuple(map(_with_until, model.protocol.schedule)),
        ),
    )


def _gated_by_phases(model: MemoryModel) -> MemoryModel:
    """Return a model in which rules with `during` are multiplied by a gate that is open in these phases."""
    rules = [rule for rule in model.rules if rule.during]
    if not rules:
        return model
    phases = tuple(
        replace(phase, gates={**phase.gates, **{during_gate(r.name): int(phase.name in r.during) for r in rules}})
        for phase in model.protocol.phases
    )
    return unchecked(
        model,
        rules=tuple(_times_gate(rule) if rule.during else rule for rule in model.rules),
        protocol=replace(model.protocol, phases=phases),
    )


def _times_gate(rule: LearningRule) -> LearningRule:
    """Return a rule whose changes are multiplied by its own gate; statements that do not add are left to `gates`."""
    gate = f"{during_gate(rule.name)}_post"
    if rule.continuous:
        lines = (
            replace(line, expr=f"{gate}*({line.expr})") if line.kind == "differential" else line
            for line in read_equations(rule.continuous)
        )
        return replace(rule, continuous=write_equations(lines))
    parts = (split_statement(line) for line in statement_lines(rule.periodic))
    written = (f"{n} {op} {gate}*({value})" if op in ("+=", "-=") else f"{n} {op} {value}" for n, op, value in parts)
    return replace(rule, periodic="\n".join(written))


def _integers(equations: str) -> frozenset[str]:
    if not equations.strip():
        return frozenset()
    return frozenset(line.name for line in read_equations(equations) if line.unit == "integer")


def _population(item: Population, integers: frozenset[str]) -> Population:
    known = INDICES | integers
    sequential = _statements(item.sequential, known)
    return replace(item, equations=_equations(item.equations, known), sequential=sequential)


def _synaptic(model: MemoryModel, projection: Projection, integers: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the names that are whole numbers in the text of a projection."""
    own = _integers(projection.variables)
    pre = {f"{name}_pre" for name in integers[projection.source]}
    post = {f"{name}_post" for name in integers[projection.target]}
    return INDICES | own | pre | post


def _projection(model: MemoryModel, item: Projection, integers: Mapping[str, frozenset[str]]) -> Projection:
    known = _synaptic(model, item, integers)
    lines = [_line(line, known) for line in read_equations(item.current)]
    apart = [_drawn_apart(line) for line in lines]
    drawn = [line for found in apart for line in found[:-1]]
    variables = "\n".join(filter(None, [_equations(item.variables, known), write_equations(drawn)]))
    current = write_equations(found[-1] for found in apart)
    return replace(item, current=current, variables=variables, initial=_initial(model, item))


def _initial(model: MemoryModel, projection: Projection) -> dict[str, str]:
    """Return a start value for every variable that synapses store, 0 where the model gives none.

    What the current reads comes first: weights given for the projection are those.
    """
    texts = [projection.variables]
    texts += [rule.continuous for rule in model.rules if rule.projection == projection.name]
    lines = read_equations(*texts)
    stored = [line.name for line in lines if line.kind != "subexpression" and "shared" not in line.flags]
    summed = identifiers(projection.current)
    ordered = sorted(stored, key=lambda name: name not in summed)
    return {**projection.initial, **{name: "zeros()" for name in ordered if name not in projection.initial}}


def _with_gates_of_units(model: MemoryModel) -> MemoryModel:
    """Return a model whose synapses read the gates of the protocol as their postsynaptic units hold them."""
    gates = {gate: f"{gate}_post" for gate in model.protocol.gates}
    if not gates:
        return model

    def seen(text: str) -> str:
        return rename(text, gates) if identifiers(text) & set(gates) else text

    def of_rule(rule: LearningRule) -> LearningRule:
        own = rule.spiking and replace(
            rule.spiking, **{name: seen(getattr(rule.spiking, name)) for name in ("on_pre", "on_post", "clocked")}
        )
        return replace(rule, spiking=own, **{rule.form: seen(rule.text)})

    return unchecked(
        model,
        projections=tuple(
            replace(item, current=seen(item.current), variables=seen(item.variables)) for item in model.projections
        ),
        rules=tuple(map(of_rule, model.rules)),
    )


def _rule(model: MemoryModel, item: LearningRule, integers: Mapping[str, frozenset[str]]) -> LearningRule:
    known = _synaptic(model, model.projection(item.projection), integers)
    if item.continuous:
        changed = {"continuous": _equations(item.continuous, known)}
    else:
        changed = {item.form: _statements(item.text, known)}
    spiking = item.spiking and _spiking(item.spiking, known)
    return replace(item, spiking=spiking, **changed)


def _spiking(item: SpikingRule, known: frozenset[str]) -> SpikingRule:
    return replace(
        item,
        on_pre=_statements(item.on_pre, known),
        on_post=_statements(item.on_post, known),
        clocked=_equations(item.clocked, known),
    )


def _observable(item: Observable, integers: frozenset[str]) -> Observable:
    return replace(item, expression=real_numbers(item.expression, INDICES | integers))


def _phase(item: Phase, integers: Mapping[str, frozenset[str]]) -> Phase:
    def normed(statements: Mapping[str, str]) -> dict[str, str]:
        return {name: _statements(one_on_a_line(text), INDICES | integers[name]) for name, text in statements.items()}

    return replace(_with_until(item), begin=normed(item.begin), end=normed(item.end))


def _with_until(item: Any) -> Any:
    """Return a phase or a part of the schedule whose condition, if it has one, is computed with real numbers."""
    return replace(item, until=real_numbers(item.until, INDICES)) if getattr(item, "until", "") else item


def _equations(text: str, known: frozenset[str]) -> str:
    if not text.strip():
        return ""
    lines = (part for line in read_equations(text) for part in _drawn_apart(_line(line, known)))
    return write_equations(lines)


def _line(line: Equation, known: frozenset[str]) -> Equation:
    return replace(line, expr=real_numbers(line.expr, known)) if line.expr else line


def _drawn_apart(line: Equation) -> list[Equation]:
    """Return a line before which each of its several draws is stored under a name of its own."""
    expr, draws = _draws_apart(line.expr, f"{line.name}_draw")
    stored = (Equation(name, "subexpression", "1", text, ("constant over dt",)) for name, text in draws.items())
    return [*stored, replace(line, expr=expr)]


def _statements(text: str, known: frozenset[str]) -> str:
    found = []
    for number, line in enumerate(statement_lines(text), 1):
        target, operator, value = split_statement(line)
        value, draws = _draws_apart(real_numbers(value, known), f"{target}_draw_{number}")
        found += [*(f"{name} = {draw}" for name, draw in draws.items()), f"{target} {operator} {value}"]
    return "\n".join(found)


def _draws_apart(expr: str, name: str) -> tuple[str, dict[str, str]]:
    """Return an expression with each of several draws replaced by a name, and the draws by name."""
    if len(calls_of(expr, DRAWS)) < 2:
        return expr, {}
    apart = _Apart(name)
    return ast.unparse(apart.visit(ast.parse(expr, mode="eval"))), apart.draws


class _Apart(ast.NodeTransformer):
    """Replaces every draw by a name."""

    def __init__(self, name: str) -> None:
        self.name, self.draws = name, dict[str, str]()

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id in DRAWS):
            return node
        name = f"{self.name}_{len(self.draws) + 1}"
        self.draws[name] = ast.unparse(node)
        return ast.Name(name, ast.Load())


def real_numbers(expr: str, integers: Iterable[str] = INDICES) -> str:
    """Return an expression in which whole numbers are real ones wherever the difference could be seen.

    Parameters
    ----------
    expr : str
        An expression as equations write it; one without such numbers is returned as it is.
    integers : iterable of str
        Names that stand for whole numbers.
    """
    change = _Real(frozenset(integers))
    tree = change.visit(ast.parse(expr.strip(), mode="eval"))
    return ast.unparse(tree) if change.changed else expr


class _Real(ast.NodeTransformer):
    """Writes whole numbers as real ones: bases of powers, dividends, large factors and what is clipped."""

    def __init__(self, integers: frozenset[str]) -> None:
        self.integers, self.changed = integers, False

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        large = isinstance(node.value, int) and not isinstance(node.value, bool) and abs(node.value) >= LARGEST
        return self._real(node) if large else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        left, right = self._whole(node.left), self._whole(node.right)
        if (
            (isinstance(node.op, ast.Pow) and left and not _small_power(node))
            or (isinstance(node.op, ast.Div) and left and right)
            or (isinstance(node.op, ast.Mult) and left and right and self._large(node))
        ):
            return ast.BinOp(self._real(node.left), node.op, self.visit(node.right))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "clip" and node.args and self._whole(node.args[0]):
            return ast.Call(node.func, [self._real(node.args[0]), *map(self.visit, node.args[1:])], [])
        return self.generic_visit(node)

    def _whole(self, node: ast.expr) -> bool:
        """Tell whether an expression is computed as a whole number."""
        if isinstance(node, ast.Constant):
            return isinstance(node.value, int) and not isinstance(node.value, bool) and abs(node.value) < LARGEST
        if isinstance(node, ast.Name):
            return node.id in self.integers
        if isinstance(node, ast.UnaryOp):
            return self._whole(node.operand)
        if isinstance(node, ast.BinOp):
            kept = isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Mod | ast.FloorDiv | ast.Pow)
            return kept and self._whole(node.left) and self._whole(node.right)
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("int", "sign")

    def _large(self, node: ast.BinOp) -> bool:
        """Tell whether a product of whole numbers may exceed what they hold."""
        named = [any(isinstance(item, ast.Name) for item in ast.walk(side)) for side in (node.left, node.right)]
        sizes = [item.value for item in ast.walk(node) if isinstance(item, ast.Constant)]
        return all(named) or any(abs(size) >= LARGEST_FACTOR for size in sizes if isinstance(size, int))

    def _real(self, node: ast.expr) -> ast.expr:
        """Return a whole number with real numbers for all that it consists of: Brian2 regroups products."""
        self.changed = True
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return ast.Constant(float(node.value))
        if isinstance(node, ast.UnaryOp):
            return ast.UnaryOp(node.op, self._real(node.operand))
        if isinstance(node, ast.BinOp):
            return ast.BinOp(self._real(node.left), node.op, self._real(node.right))
        return ast.BinOp(ast.Constant(1.0), ast.Mult(), self.visit(node))


def _small_power(node: ast.BinOp) -> bool:
    """Tell whether a power of whole numbers is one too, and a small one: ``10**2``."""
    base, exponent = node.left, node.right
    if not (isinstance(exponent, ast.Constant) and isinstance(exponent.value, int) and exponent.value >= 0):
        return False
    number = base.value if isinstance(base, ast.Constant) else None
    return isinstance(number, int | float) and abs(number) ** min(exponent.value, 64) < LARGEST
