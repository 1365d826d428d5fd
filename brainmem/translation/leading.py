"""Which variables of synapses lead to others: what the changes of others read, as an eligibility trace is read."""

from __future__ import annotations

from collections.abc import Iterator

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import LearningRule, Projection
from brainmem.text.equations import (
    definitions,
    identifiers,
    read_equations,
    split_statement,
    statement_lines,
    written_out,
)
from brainmem.text.statements import changes_of

__all__ = ["changed_variables", "changes_in", "leading_variables", "stored_variables"]


def stored_variables(model: MemoryModel, projection: Projection) -> set[str]:
    """Return the variables that the synapses of a projection store."""
    lines = [*read_equations(projection.variables)]
    lines += [
        line for rule in model.rules if rule.projection == projection.name for line in read_equations(rule.continuous)
    ]
    return {line.name for line in lines if line.kind != "subexpression"} | set(projection.initial)


def changed_variables(model: MemoryModel, rule: LearningRule) -> list[str]:
    """Return the variables that a rule changes, in the order of its text."""
    if rule.continuous:
        return [line.name for line in read_equations(rule.continuous) if line.kind == "differential"]

    stored = stored_variables(model, model.projection(rule.projection))
    targets = (split_statement(line)[0] for line in statement_lines(rule.text))
    return list(dict.fromkeys(name for name in targets if name in stored))


def changes_in(model: MemoryModel, rule: LearningRule) -> Iterator[tuple[str, str]]:
    """Yield each variable that a rule changes with the text of its change, subexpressions of synapses written out."""
    projection = model.projection(rule.projection)
    inner = definitions([*read_equations(projection.variables), *read_equations(rule.continuous)], stored=True)
    if rule.continuous:
        lines = (line for line in read_equations(rule.continuous) if line.kind == "differential")
        yield from ((line.name, written_out(line.expr, inner)) for line in lines)
        return
    stored = stored_variables(model, projection)
    for variable in changed_variables(model, rule):
        for text in changes_of(rule.text, stored, only={variable}):
            yield variable, written_out(text, inner)


def leading_variables(model: MemoryModel, projection: Projection) -> set[str]:
    """Return the variables that the changes of others read."""
    rules = (rule for rule in model.rules if rule.projection == projection.name)
    changes = (change for rule in rules for change in changes_in(model, rule))
    return {name for variable, text in changes for name in identifiers(text) - {variable}}
