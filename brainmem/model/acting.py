"""In which phases a rule may change something, and what the synapses of a projection keep without their rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from brian2.parsing.sympytools import str_to_sympy

from brainmem.errors import RuleError
from brainmem.model.differences import faces_of
from brainmem.model.nouns import LearningRule, Model, Phase, Projection
from brainmem.text import evaluate
from brainmem.text.equations import Equation, definitions, identifiers, read_equations, rename, written_out
from brainmem.text.expression import names_in
from brainmem.text.statements import changes_of

__all__ = ["acts", "declared", "may_act", "never_opened", "read_by_current"]


def acts(
    model: Model,
    rule: LearningRule,
    phase: Phase,
    values: Mapping[str, Any],
    changing: Collection[str] | None = None,
) -> bool:
    """Return whether a rule may change variables while `phase` runs: those that currents read, or those named."""
    shut = {gate for gate in model.protocol.gates if not float(evaluate(str(phase.gates.get(gate, 0)), values))}
    if changing is None:
        changing = read_by_current(model, model.projection(rule.projection))
    return _runs(rule, phase) and _changes_any(model, rule, shut, set(changing))


def may_act(model: Model, rule: LearningRule, phase: Phase) -> bool:
    """Return whether a rule may change anything while `phase` runs, whatever the values of parameters are."""
    return _runs(rule, phase) and any(_changes_any(model, rule, _dark(model, face), None) for face in faces_of(phase))


def _dark(model: Model, phase: Phase) -> set[str]:
    """Return the gates and stimuli that are 0 in a phase, as one variant runs it."""
    gates = {gate for gate in model.protocol.gates if _is_nought(phase.gates.get(gate, 0))}
    return gates | ({item.name for item in model.stimuli} - set(phase.stimuli))


def never_opened(gate: str, phases: Collection[Phase]) -> bool:
    """Return whether a gate is 0 in all of these phases, whatever the values of parameters are."""
    return all(_is_nought(face.gates.get(gate, 0)) for phase in phases for face in faces_of(phase))


def _is_nought(value: Any) -> bool:
    try:
        text = str(value)
        return not names_in(text) and not float(evaluate(text, {}))
    except (RuleError, TypeError, ValueError):
        return False


def _runs(rule: LearningRule, phase: Phase) -> bool:
    return not (rule.at and phase.name not in rule.at) and not (rule.during and phase.name not in rule.during)


def _changes_any(model: Model, rule: LearningRule, shut: set[str], names: set[str] | None) -> bool:
    """Return whether some change of these variables, of all for None, is not 0 where gates and stimuli are shut."""
    projection = model.projection(rule.projection)
    return any(not _is_zero(model, projection, text, shut) for text in _changes(model, rule, projection, names))


def _changes(model: Model, rule: LearningRule, projection: Projection, names: set[str] | None) -> list[str]:
    """Return the changes of the variables of these names, in terms of what synapses store."""
    lines = [*read_equations(projection.variables), *_rule_lines(model, projection)]
    if rule.continuous:
        own = (line for line in read_equations(rule.continuous) if line.kind == "differential")
        found = [line.expr for line in own if names is None or line.name in names]
    else:
        stored = {line.name for line in lines if line.kind != "subexpression"} | set(projection.initial)
        found = changes_of(rule.text, stored, only=names)
    written = definitions(lines, stored=True)
    return [written_out(text, written) for text in found]


def _is_zero(model: Model, projection: Projection, text: str, shut: set[str]) -> bool:
    """Return whether a change vanishes where the gates in `shut` are 0."""
    names = {name + end: "0" for name in shut for end in ("_pre", "_post", "")}
    for end, owner in (("_pre", projection.source), ("_post", projection.target)):
        lines = read_equations(model.population(owner).equations)
        own = {line.name: line.name + end for line in lines}
        names |= {own[name]: rename(expr, own) for name, expr in definitions(lines, stored=True).items()}
    return _vanishes(written_out(text, names))


@lru_cache(maxsize=4096)
def _vanishes(text: str) -> bool:
    try:
        return bool(str_to_sympy(text) == 0)
    except (SyntaxError, ArithmeticError, TypeError, ValueError, KeyError, NotImplementedError):
        return False


def declared(model: Model, projection: Projection) -> Projection:
    """Return a projection that declares what its rules defined, as far as its current reads it."""
    read = read_by_current(model, projection)
    found = {line.name: line for line in _rule_lines(model, projection) if line.name in read}
    own = {line.name for line in read_equations(projection.variables)}
    lines = [
        replace(line, kind="parameter", expr="", flags=()) if line.kind == "differential" else line
        for name, line in found.items()
        if name not in own
    ]
    initial = {name: text for name, text in projection.initial.items() if name in read}
    same = next(iter(initial), "") == next(iter(projection.initial), "")
    return replace(
        projection,
        variables="\n".join([projection.variables, *map(str, lines)]).strip(),
        initial=initial,
        row_norm=projection.row_norm if same else None,
    )


def _rule_lines(model: Model, projection: Projection) -> Iterator[Equation]:
    for rule in model.rules:
        if rule.projection == projection.name and rule.continuous:
            yield from read_equations(rule.continuous)


def read_by_current(model: Model, projection: Projection) -> set[str]:
    """Return the names that a projection's current reads, through subexpressions of its rules too."""
    within = {line.name: line.expr for line in _rule_lines(model, projection) if line.kind == "subexpression"}
    read: set[str] = set()
    todo = {name for line in read_equations(projection.current) for name in line.names}
    while todo:
        read |= todo
        todo = set().union(*(identifiers(within[name]) for name in todo if name in within)) - read
    return read
