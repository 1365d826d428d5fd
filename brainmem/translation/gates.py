"""Gates of the protocol that keep a rule from acting, and the statements of rules that must not even be evaluated then.

A gate that multiplies every change of a rule shuts it where the gate is 0, on every device and whatever the rest of the
text gives: 0 times a number that is not finite would be no number. Compiled matrices skip such changes. Brian2's lists
of pairs evaluate what runs in every time step, so there a text that may be not finite (or that a rule says it runs
only `during` some phases) becomes statements at an event of the source population, which only occurs where the gate is
open.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from brian2.parsing.sympytools import str_to_sympy

from brainmem.model.curves import curve_names
from brainmem.model.names import during_gate, part_name
from brainmem.model.nouns import LearningRule
from brainmem.text.equations import (
    Equation,
    definitions,
    grouped,
    identifiers,
    read_equations,
    rename,
    statement_lines,
    write_equations,
    written_out,
)
from brainmem.text.statements import changes_of, targets_of
from brainmem.text.statistics import forms_statistics
from brainmem.translation import schedule
from brainmem.translation.text import Connection, Group, Operation, Pathway, Translation

__all__ = ["UPDATE", "gated", "guarded", "vanishes"]

UPDATE = ""  # the part of a connection that integrates its differential equations, beside operations and pathways
Events = dict[str, dict[str, tuple[str, str, int]]]  # by group and name: condition and slot
# Functions that are finite for every finite argument.
FINITE = frozenset({"tanh", "sin", "cos", "arctan", "abs", "clip", "int", "sign", "floor", "ceil", "rand", "randn"})


@lru_cache(maxsize=4096)
def vanishes(text: str, names: frozenset[str]) -> bool:
    """Tell whether an expression is 0 where these names are, whatever the others stand for."""
    if not identifiers(text) & names:
        return False
    try:
        return bool(str_to_sympy(rename(text, dict.fromkeys(names, "0"))) == 0)
    except (SyntaxError, ArithmeticError, TypeError, ValueError, KeyError, NotImplementedError):
        return False


def gated(translated: Translation) -> Translation:
    """Return `translated` with the gates noted that shut each part of a connection, and events for parts at spikes."""
    gates = translated.model.protocol.gates
    if not gates:
        return translated
    connections, events, periods = [], Events(), dict[str, set[str]]()
    for item in translated.connections:
        found = _gates_of(translated, item)
        pathways = tuple(_guarded_path(translated, item, path, found, events) for path in item.pathways)
        connections.append(replace(item, gates=found, pathways=pathways))
        timed = (
            op.dt for op in item.operations if op.dt and _needs_guard(translated, item, op.code, found.get(op.name, ()))
        )
        periods.setdefault(item.source, set()).update(*(identifiers(dt) for dt in timed))
    groups = tuple(_knowing(group, periods.get(group.name, set()), translated) for group in translated.groups)
    return replace(translated, connections=tuple(connections), groups=_with_events(groups, events))


def _gates_of(translated: Translation, item: Connection) -> dict[str, tuple[str, ...]]:
    """Return the gates that shut each part of a connection."""
    gates = translated.model.protocol.gates
    found = {name: shut for name, texts in _parts(item) if (shut := _shut(translated, item, texts, gates))}
    found |= {name: found[rule] for name, rule in _bounds(item) if rule in found}
    for rule in (rule for rule in translated.model.rules if rule.during):
        for op in (op for op in item.operations if op.name == rule.name or op.name in _parts_of(rule, item)):
            found[op.name] = tuple(dict.fromkeys((*found.get(op.name, ()), during_gate(rule.name))))
    return found | _of_statistics(item, found)


def _parts_of(rule: LearningRule, item: Connection) -> set[str]:
    """Return the names of the earlier parts of a rule."""
    return {part_name(rule.name, number) for number in range(1, len(item.operations) + 1)}


def _of_statistics(item: Connection, gates: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the gates that shut statistics: those that shut all that reads them."""
    lines = read_equations(item.equations)
    inner = definitions(lines, stored=True)
    always = (line.expr for line in lines if line.kind == "differential" or line.name in item.summed_order)
    texts = {UPDATE: " ".join(always)} | {part.name: part.code for part in (*item.operations, *item.pathways)}
    reads = {name: identifiers(written_out(text, inner)) for name, text in texts.items()}
    found = dict(gates)
    for part in reversed((*item.operations, *item.pathways)):
        if forms_statistics(part.code):
            made = set(targets_of(part.code))
            shut = [found.get(name, ()) for name, names in reads.items() if name != part.name and names & made]
            found[part.name] = tuple(gate for gate in (shut[0] if shut else ()) if all(gate in other for other in shut))
    return {name: names for name, names in found.items() if names}


def _knowing(group: Group, names: set[str], translated: Translation) -> Group:
    """Return a group that declares the parameters in the periods of guarded statements."""
    new = [item.name for item in translated.parameters if item.name in names - set(group.constants)]
    return replace(group, constants=(*group.constants, *new))


def _update(item: Connection) -> list[Equation]:
    return [line for line in read_equations(item.equations) if line.kind == "differential"]


def _stored(item: Connection) -> set[str]:
    return {line.name for line in read_equations(item.equations) if line.kind != "subexpression"}


def _parts(item: Connection) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each part of a connection that changes its variables, and the changes."""
    if update := _update(item):
        yield UPDATE, [line.expr for line in update]
    for part in (*item.operations, *item.pathways):
        formed = forms_statistics(part.code) or (isinstance(part, Pathway) and part.sum_)
        if part.name not in dict(_bounds(item)) and not formed:
            yield part.name, changes_of(part.code, _stored(item))


def _bounds(item: Connection) -> list[tuple[str, str]]:
    """Return the operations that keep integrated variables within bounds; they follow the update."""
    when, first = schedule.BOUNDS
    names = [op.name for op in item.operations if op.when == when and first <= op.order < schedule.PERIODIC[1]]
    return [(name, UPDATE) for name in names]


def _shut(translated: Translation, item: Connection, texts: list[str], gates: tuple[str, ...]) -> tuple[str, ...]:
    """Return the gates each of which makes all these changes vanish."""
    whole = [_inlined(translated, item, text) for text in texts]
    return tuple(gate for gate in gates if whole and all(vanishes(text, _seen(gate)) for text in whole))


def _seen(gate: str) -> frozenset[str]:
    return frozenset({gate, f"{gate}_pre", f"{gate}_post"})


def _inlined(translated: Translation, item: Connection, text: str) -> str:
    """Return a text of synapses with all subexpressions written out, gates and stimuli apart."""
    model = translated.model
    keep = {*model.protocol.gates, *(stimulus.name for stimulus in model.stimuli)}
    names = definitions(read_equations(item.equations), stored=True, keep=item.summed_order)
    for end, owner in (("_pre", item.source), ("_post", item.target)):
        lines = read_equations(translated.group(owner).equations)
        own = {line.name: f"{line.name}{end}" for line in lines}
        found = definitions(lines, stored=True, keep=keep)
        names |= {own[name]: rename(expr, own) for name, expr in found.items() if "(" not in expr or _short(expr)}
    return written_out(text, names)


def _short(expr: str) -> bool:
    """Tell tables of the protocol, which stay names, from what a model's author has written."""
    return "*second" not in expr


def _guarded_path(
    translated: Translation, item: Connection, path: Pathway, found: Mapping[str, tuple[str, ...]], events: Events
) -> Pathway:
    """Return a pathway that runs at spikes only where its gates are open, if it should not be evaluated elsewhere."""
    gates = found.get(path.name, ())
    if path.event != "unit_spike" or not _needs_guard(translated, item, path.code, gates):
        return path
    owner, event = (item.source if path.side == "pre" else item.target), f"{path.name}_spike"
    condition = " and ".join(["count > 0", *(f"{gate} != 0" for gate in gates)])
    events.setdefault(owner, {})[event] = (condition, *schedule.UNIT_EVENT)
    return replace(path, event=event)


def _needs_guard(translated: Translation, item: Connection, code: str, gates: tuple[str, ...]) -> bool:
    """Tell whether statements behind gates must not be evaluated where these are 0."""
    if not gates:
        return False
    if forms_statistics(code):
        return True  # it costs passes over all synapses, and those of a shuffle are counted
    phases = any(gate == during_gate(rule.name) for gate in gates for rule in translated.model.rules if rule.during)
    constant = {parameter.name for parameter in translated.parameters} | {"N_pre", "N_post", "dt"}
    constant |= {*curve_names(translated.model.curves)}
    values = [line.partition("=")[2].strip() for line in statement_lines(code)]
    return phases or any(_may_overflow(_inlined(translated, item, text), frozenset(constant)) for text in values)


@lru_cache(maxsize=4096)
def _may_overflow(text: str, constant: frozenset[str]) -> bool:
    """Tell whether an expression may be not finite where all its names are; `constant` ones are, and functions too."""
    for node in ast.walk(ast.parse(text, mode="eval")):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            if identifiers(ast.unparse(node.right)) - constant:
                return True
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right.value if isinstance(node.right, ast.Constant) else None
            if not isinstance(power, int | float) or power < 0 or power % 1:
                return True
        elif isinstance(node, ast.Call) and ast.unparse(node.func) not in FINITE | constant:
            return True
    return False


def guarded(translated: Translation, listed: Collection[str]) -> Translation:
    """Return `translated` for connections (`listed`) that are Brian2's lists of pairs.

    What must not be evaluated behind a shut gate becomes statements at an event that occurs where the gate is open.
    """
    events: dict[str, dict[str, tuple[str, str, int]]] = {}
    connections = tuple(
        _guarded(translated, item, events) if item.name in listed else item for item in translated.connections
    )
    return replace(translated, groups=_with_events(translated.groups, events), connections=connections)


def _with_events(groups: tuple[Group, ...], events: Events) -> tuple[Group, ...]:
    return tuple(replace(group, events={**group.events, **events.get(group.name, {})}) for group in groups)


def _guarded(translated: Translation, item: Connection, events: Events) -> Connection:
    own: dict[str, tuple[str, str, int]] = {}
    update = _update(item)
    tail = [op for op in item.operations if op.name in dict(_bounds(item))]
    gates = item.gates.get(UPDATE, ())
    if update and ((tail and gates) or _needs_guard(translated, item, _statements(update), gates)):
        code = "\n".join([_euler(update), *(op.code for op in tail)])
        own[f"{item.name}_open"] = (_open(gates), *schedule.GUARD)
        path = Pathway(f"{item.name}_update", "pre", code, f"{item.name}_open", "groups", item.state_order)
        lines = [replace(line, kind="parameter", expr="", flags=()) if line in update else line
                 for line in read_equations(item.equations)]  # fmt: skip
        operations = tuple(op for op in item.operations if op not in tail)
        item = replace(item, equations=write_equations(lines), operations=operations, pathways=(*item.pathways, path))
    for op in item.operations:
        gates = item.gates.get(op.name, ())
        if op.name not in dict(_bounds(item)) and _needs_guard(translated, item, op.code, gates):
            own[f"{op.name}_open"] = (_open(gates, op), *schedule.GUARD)
            path = Pathway(op.name, "pre", op.code, f"{op.name}_open", op.when, op.order)
            operations = tuple(other for other in item.operations if other is not op)
            item = replace(item, operations=operations, pathways=(*item.pathways, path))
    if own:
        events.setdefault(item.source, {}).update(own)
    return item


def _statements(update: list[Equation]) -> str:
    return "\n".join(f"{line.name} = {line.expr}" for line in update)


def _euler(update: list[Equation]) -> str:
    """Return the statements of an Euler step; all changes are computed before any is made."""
    if len(update) == 1:
        return f"{update[0].name} += dt*({update[0].expr})"
    changes = [f"change_of_{line.name} = dt*({line.expr})" for line in update]
    return "\n".join([*changes, *(f"{line.name} += change_of_{line.name}" for line in update)])


def _open(gates: tuple[str, ...], op: Operation | None = None) -> str:
    """Return the condition that all gates are open and, for an operation with a period, that it is due."""
    held = [f"{gate} != 0" for gate in gates]
    if op is not None and op.dt is not None:
        period = grouped(op.dt)
        held.append(f"floor(t/{period} + 1e-6) > floor((t - dt)/{period} + 1e-6)")
    return " and ".join(held)
