"""How phases set variables when they begin: values from a table, or random numbers drawn on the device.

A start that draws random numbers is fresh in every step of the protocol, so that a table of its values may be as long
as the protocol. Where Brian2 can compute the text, the device draws them, each from the place where it belongs
(`brainmem.text.counter`), and no table is needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from brian2.core.functions import DEFAULT_FUNCTIONS

from brainmem.model.checks.finite import comparison_slip
from brainmem.model.curves import curve_names
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Pattern, Phase
from brainmem.text.draws import COORDINATES
from brainmem.text.equations import identifiers
from brainmem.text.expression import FUNCTIONS

__all__ = ["DEVICE_FUNCTIONS", "Restart", "draws_random", "patterns_on_device", "restarts", "rows_of_trials"]

RANDOM = frozenset({"signs", "normal", "uniform", "binary", "permutation"})
DRAWN = {"signs": 0, "normal": 2, "uniform": 2, "binary": 1}  # with their numbers of arguments
STANDARD = {"normal": (["(0)", "(1)"],), "uniform": (["(0)", "(1)"],)}
DEVICE_FUNCTIONS = ("counter_uniform", "counter_normal")
PER_VARIABLE, PER_PHASE = 256, 16  # so many draws are kept apart; more would be the same numbers in another phase


@dataclass(frozen=True)
class Restart:
    """A variable that phases set when they begin.

    Attributes
    ----------
    variable : str
    phases : tuple of Phase
        The phases that set it.
    on_device : tuple of (int, str)
        By the phase's place in the protocol, the text that the device computes; empty where values are in a table.
    first : int
        Number of the variable's first draw.
    places : tuple of str
        The phases that set it in the protocol as written, of which a variant may leave out some; then its own.
    """

    variable: str
    phases: tuple[Phase, ...]
    on_device: tuple[tuple[int, str], ...]
    first: int
    places: tuple[str, ...] = ()

    def number(self, phase: Phase) -> int:
        """Return the number of the first draw of a phase."""
        return self.first + PER_PHASE * self.places.index(phase.name)

    @property
    def value(self) -> str:
        """The text of the value, over tables that hold what a step of the protocol sets."""
        if not self.on_device:
            return f"{self.variable}_start({self.variable}_row(step*second)*second, i)"
        if len(self.on_device) == 1:
            return self.on_device[0][1]
        return " + ".join(f"int(step_phase(step*second) == {place})*({text})" for place, text in self.on_device)


def rows_of_trials(variable: str) -> str:
    """Return the name of the table that numbers, for trials that show an item each, what a phase sets."""
    return f"{variable}_rows"


def draws_random(text: str) -> bool:
    """Tell whether the text of a start value draws random numbers."""
    return bool(identifiers(text) & RANDOM)


def restarts(model: MemoryModel) -> dict[str, Restart]:
    """Return every variable that some phase sets at its beginning."""
    own = {name for phase in model.protocol.phases for name in phase.start}
    names = dict.fromkeys(name for phase in _all_phases(model) for name in phase.start)
    return {name: _restart(model, name, PER_VARIABLE * place) for place, name in enumerate(names) if name in own}


def _all_phases(model: MemoryModel) -> tuple[Phase, ...]:
    """Return the phases of the protocol as written, then those of a variant of it."""
    return (
        model.protocol.phases
        if model.protocol.whole is None
        else (*model.protocol.drawn.phases, *model.protocol.phases)
    )


def _restart(model: MemoryModel, name: str, first: int) -> Restart:
    phases = tuple(phase for phase in model.protocol.phases if name in phase.start)
    places = tuple(dict.fromkeys(phase.name for phase in _all_phases(model) if name in phase.start))
    found = Restart(name, phases, (), first, places)
    texts = [_on_device(model, found, phase) for phase in phases if phase.fresh and draws_random(phase.start[name])]
    if len(texts) < len(phases) or not all(texts):
        return found
    indices = (model.protocol.phases.index(phase) for phase in phases)
    return replace(found, on_device=tuple(zip(indices, map(str, texts), strict=True)))


def _on_device(model: MemoryModel, restart: Restart, phase: Phase) -> str:
    """Return the text that the device computes, ``""`` where it cannot."""
    text = phase.start[restart.variable]
    tree = ast.parse(text.strip(), mode="eval")
    if not _computable(tree, model) or len(list(_drawn(tree))) > PER_PHASE // 2 or identifiers(text) & COORDINATES:
        return ""
    read = _patterns_in(model, text)
    if any(item.every for item in read):
        return ""
    change = _Device(f"{restart.variable}_row(step*second)", restart.number(phase), {item.name for item in read})
    lowered = ast.unparse(change.visit(tree))
    return "" if comparison_slip(_parsed(lowered)) else lowered


def _patterns_in(model: MemoryModel, text: str) -> tuple[Pattern, ...]:
    return tuple(item for item in model.all_patterns if item.name in identifiers(text))


def patterns_on_device(model: MemoryModel) -> tuple[Pattern, ...]:
    """Return the patterns and stimuli whose rows the device reads for the start values that it draws."""
    found = [item for item in restarts(model).values() if item.on_device]
    texts = [phase.start[item.variable] for item in found for phase in item.phases]
    return _patterns_in(model, " ".join(texts))


def _drawn(tree: ast.AST) -> Iterator[ast.Call]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    return (node for node in calls if isinstance(node.func, ast.Name) and node.func.id in RANDOM)


def _computable(tree: ast.AST, model: MemoryModel) -> bool:
    """Tell whether Brian2 can compute a text, and to the same numbers."""
    known = (set(DEFAULT_FUNCTIONS) & set(FUNCTIONS)) | set(DRAWN) | {"zeros", *curve_names(model.curves)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    foreign = any(isinstance(node, ast.MatMult | ast.Attribute | ast.Tuple) for node in ast.walk(tree))
    sizes = {population.size for population in model.populations}
    own_size = "N" not in identifiers(ast.unparse(tree)) or sizes == {"N"}
    return called <= known and not foreign and own_size


class _Device(ast.NodeTransformer):
    """Replaces draws by functions of the place to which they belong, in the order in which numpy draws them."""

    def __init__(self, row: str, number: int, patterns: set[str]) -> None:
        self.row, self.number, self.patterns = row, number, patterns

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.patterns:
            return node
        return _parsed(f"{node.id}_values((step_item(step*second) + 1)*second, i)")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        whole = _is_condition(node.args[0]) if len(node.args) == 1 else False
        node.args = [self.visit(arg) for arg in node.args]
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "int" and whole:
            return node.args[0]
        if name == "zeros":
            return ast.Constant(0)
        if name not in DRAWN:
            return node
        args = [f"({ast.unparse(arg)})" for arg in node.args]
        kind = "normal" if name == "normal" else "uniform"
        drawn = f"counter_{kind}(start_seed, {self.row}, i, 0, {self.number})"
        self.number += 1
        forms = {"signs": "(2*int({u} < 0.5) - 1)", "binary": "int({u} < {a})", "uniform": "({a} + ({b} - {a})*{u})"}
        form = "{u}" if args in STANDARD.get(name, ()) else forms.get(name, "({a} + {b}*{u})")
        return _parsed(form.format(u=drawn, **dict(zip("ab", args, strict=False))))

    # Conditions are 1 and 0, as in numpy; Brian2 would not compute with what is true or false.

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        sides = [ast.unparse(self.visit(side)) for side in (node.left, *node.comparators)]
        signs = (ast.unparse(ast.Compare(_parsed("a"), [kind], [_parsed("b")]))[2:-2] for kind in node.ops)
        pairs = zip(sides, signs, sides[1:], strict=False)
        return _parsed("*".join(f"int({left} {sign} {right})" for left, sign, right in pairs))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        held = [self._held(part) for part in node.values]
        if isinstance(node.op, ast.And):
            return _parsed("*".join(held))
        return _parsed(f"(1 - {'*'.join(f'(1 - {part})' for part in held)})")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not):
            return _parsed(f"(1 - {self._held(node.operand)})")
        return self.generic_visit(node)

    def _held(self, node: ast.expr) -> str:
        """Return the text that is 1 where a part of a condition holds, and 0 elsewhere."""
        text = ast.unparse(self.visit(node))
        return f"({text})" if _is_condition(node) else f"int(({text}) != 0)"


def _is_condition(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
