"""Statistics over all synapses of a projection, brought out of the texts of its rules.

``mean(abs(w))`` becomes a variable of the synapses, ``scaling_mean_1``, and the line ``scaling_mean_1 = mean(abs(w))``
sets it: for a continuous rule once in a time step, before anything changes; for statements right before the line that
reads it. Such lines stand in operations of their own, which `brainmem.build.codegen.statistics` runs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from itertools import count
from typing import TypeVar

from brainmem.errors import TranslationError
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.place import place_of
from brainmem.model.checks.reading import read_model
from brainmem.model.checks.scope import Scope
from brainmem.model.checks.spikes import plastic_variables
from brainmem.model.checks.statements import Statements
from brainmem.model.checks.synapses import synapse_scope
from brainmem.model.checks.text import ModelText
from brainmem.model.memory import MemoryModel
from brainmem.model.names import formed_name, statistic_name
from brainmem.model.nouns import LearningRule
from brainmem.model.parts import unchecked
from brainmem.model.reading import constants_in
from brainmem.text.equations import (
    Equation,
    definitions,
    identifiers,
    read_equations,
    split_statement,
    statement_lines,
    unit_text,
    write_equations,
    written_out,
)
from brainmem.text.statistics import STATISTICS, Statistic, brought_out, is_statistic, read_statistics, statistics_in
from brainmem.translation import schedule
from brainmem.translation.keeping import with_values_kept
from brainmem.translation.leading import stored_variables
from brainmem.translation.noise import Noise
from brainmem.translation.products import noise_in
from brainmem.translation.split.core import SplitRule
from brainmem.translation.text import Connection, Operation, Translation

__all__ = ["Units", "check_without_noise", "lifted", "units_of", "with_statistics"]

T = TypeVar("T", bound=Translation)
Lift = Callable[[str], tuple[str, list[str]]]


@dataclass(frozen=True)
class Units:
    """Units of what the text of a rule computes: of its statistics, as written, and of values that statements name."""

    statistics: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)


def units_of(model: MemoryModel, variant: str) -> dict[str, Units]:
    """Return the units of the statistics of each rule that reads some in a variant; `model` is a checked one."""
    own = variant == "spiking"  # texts of their authors
    rules = [rule for rule in model.rules if any(map(statistics_in, _values(rule))) and not (own and rule.spiking)]
    if not rules:
        return {}
    text = read_model(model, Findings())
    return {rule.name: _units(text, rule) for rule in rules}


def _values(rule: LearningRule) -> list[str]:
    """Return the right-hand sides of a rule's text, in their order."""
    if rule.continuous:
        return [line.expr for line in read_equations(rule.continuous)]
    return [split_statement(line)[2] for line in statement_lines(rule.text)]


def _units(text: ModelText, rule: LearningRule) -> Units:
    projection = text.model.projection(rule.projection)
    scope, place = replace(synapse_scope(text, projection), statistics=True), place_of(text.model, "rule", rule.name)
    named: dict[str, str] = {}
    if not rule.continuous:
        plastic = plastic_variables(text, projection)
        statements = Statements(replace(place, text=rule.text), scope, plastic, at_events=bool(rule.episodic))
        statements.changed(Findings())
        scope = statements.scope
        named = {name: _shown(scope, name) for name in statements.local}
    calls = (ast.unparse(node.args[0]) for value in _values(rule) for node in statistics_in(value))
    return Units(tuple(unit_text(scope.dimensions(place, given)) for given in calls), named)


def _shown(scope: Scope, name: str) -> str:
    """Return how equations write the unit of a value that statements name."""
    return "boolean" if scope.names[name].is_boolean else unit_text(scope.names[name].dim)


@dataclass(frozen=True)
class _Lifted:
    """A rule whose text reads variables in place of statistics, those variables, and what sets them before it runs."""

    rule: LearningRule
    variables: tuple[Equation, ...]
    lines: tuple[str, ...] = ()


def lifted(model: MemoryModel, units: Mapping[str, Units]) -> tuple[MemoryModel, dict[str, tuple[str, ...]]]:
    """Return a model whose rules read variables in place of statistics, and what sets those of continuous rules.

    Parameters
    ----------
    model : MemoryModel
        Its texts are `normal`. Statements of its rules get the lines that set their statistics.
    units : mapping of str to Units
        From `units_of`, by rule.
    """
    found = {rule.name: _lift(model, rule, units[rule.name]) for rule in model.rules if rule.name in units}
    if not found:
        return model, {}
    lines: dict[str, list[Equation]] = {}
    for item in found.values():
        lines.setdefault(item.rule.projection, []).extend(item.variables)
    projections = (
        replace(item, variables="\n".join(filter(None, [item.variables, write_equations(lines.get(item.name, ()))])))
        for item in model.projections
    )
    rules = tuple(found[rule.name].rule if rule.name in found else rule for rule in model.rules)
    changed = unchecked(model, projections=tuple(projections), rules=rules)
    return changed, {name: item.lines for name, item in found.items() if item.lines}


def _lift(model: MemoryModel, rule: LearningRule, units: Units) -> _Lifted:
    counters, calls = {kind: count(1) for kind in STATISTICS}, count()

    def lift(text: str) -> tuple[str, list[str]]:
        return brought_out(text, lambda kind: statistic_name(rule.name, kind, next(counters[kind])), rule.name, calls)

    if rule.continuous:
        changed, lines = _from_equations(rule, lift)
        return _Lifted(replace(rule, continuous=changed), _variables(lines, units), _in_order(lines))
    lines = [line for statement in statement_lines(rule.text) for line in _from_statement(statement, lift)]
    set_ = list(filter(is_statistic, lines))
    stored = stored_variables(model, model.projection(rule.projection)) | {item.split()[0] for item in set_}
    code, kept = with_values_kept(lines, rule=rule.name, stored=stored, units=units.named)
    return _Lifted(replace(rule, **{rule.form: "\n".join(code)}), (*_variables(set_, units), *kept))


def _from_equations(rule: LearningRule, lift: Lift) -> tuple[str, list[str]]:
    """Return equations without statistics, and the lines that set these, the rule's subexpressions written out."""
    made, lines = [], list[str]()
    for line in read_equations(rule.continuous):
        expr, found = lift(line.expr) if line.expr else ("", [])
        made.append(replace(line, expr=expr))
        lines += found
    own = definitions(made, stored=True)
    parts = (line.partition(" = ") for line in lines)
    return write_equations(made), [f"{name} = {written_out(text, own)}" for name, _, text in parts]


def _from_statement(statement: str, lift: Lift) -> list[str]:
    """Return the lines that set what a statement reads, and the statement."""
    target, operator, value = split_statement(statement)
    value, lines = lift(value)
    return [*lines, f"{target} {operator} {value}"] if lines else [statement]


def _variables(lines: Iterable[str], units: Units) -> tuple[Equation, ...]:
    """Return the variables that lines set; all synapses share a mean and a quantile."""
    kinds = [(item.variable, item.kind) for line in lines for item in read_statistics(line)]
    return tuple(
        Equation(name, "parameter", unit, flags=() if kind == "shuffle" else ("shared",))
        for (name, kind), unit in zip(kinds, units.statistics, strict=True)
    )


def _in_order(lines: list[str]) -> tuple[str, ...]:
    """Return lines behind those that set what they read."""
    by_name = {line.split()[0]: line for line in lines}
    reads = {name: identifiers(line) & set(by_name) - {name} for name, line in by_name.items()}
    return tuple(by_name[name] for name in TopologicalSorter(reads).static_order())


def with_statistics(translated: T, lines: Mapping[str, tuple[str, ...]]) -> T:
    """Return `translated` with the operations that form the statistics of continuous rules; `lines` from `lifted`."""
    for name, code in lines.items():
        rule = next(rule for rule in translated.model.rules if rule.name == name)
        operation = Operation(formed_name(name, 1), "\n".join(code), *schedule.STATISTICS)
        connections = tuple(
            _with_operation(item, operation, translated) if item.name == rule.projection else item
            for item in translated.connections
        )
        translated = replace(translated, connections=connections)
        if translated.variant == "spiking":
            translated = replace(translated, splits=(*translated.splits, _remark(name, code)))
    return translated


def _with_operation(item: Connection, operation: Operation, translated: Translation) -> Connection:
    constants = (*item.constants, *constants_in([operation.code], translated.parameters))
    return replace(item, operations=(operation, *item.operations), constants=tuple(dict.fromkeys(constants)))


def _remark(rule: str, code: Iterable[str]) -> SplitRule:
    shown = ", ".join(item.shown for line in code for item in read_statistics(line))
    said = f"rule {rule!r}: {shown} over its synapses is formed once in a time step, before spikes read it"
    return SplitRule(remark=said, rule=rule)


def check_without_noise(model: MemoryModel, lines: Mapping[str, tuple[str, ...]], read: str | None) -> None:
    """Refuse statistics of what is noisy in spikes, and statements that would be spread over time; see `lifted`.

    Raises
    ------
    TranslationError
        It names the rule, and says what can be done.
    """
    noise = Noise(model, read)
    for rule in (rule for rule in model.rules if rule.spiking is None):
        projection = model.projection(rule.projection)
        code = lines.get(rule.name, ()) if rule.continuous else [*filter(is_statistic, statement_lines(rule.text))]
        if not code:
            continue
        if not rule.continuous and (read or rule.read) in ("event", "drive"):
            raise TranslationError(
                f"Rule {rule.name!r}: read={read or rule.read!r} would spread its statements over time, and it reads "
                "statistics of all synapses, which are of the moment at which it runs. Use read='trace'."
            )
        noisy = {name: found for name, (_, found) in noise.across(projection).items()} | noise.gathered(projection)
        own = definitions(read_equations(projection.variables, rule.continuous), stored=True)
        for item in (item for line in code for item in read_statistics(line)):
            text = noise.ends_written(projection, written_out(item.of, own))
            if noise_in(text, noisy):
                _refuse(rule, item, sorted(identifiers(text) & set(noisy)))


def _refuse(rule: LearningRule, item: Statistic, noisy: list[str]) -> None:
    raise TranslationError(
        f"Rule {rule.name!r}: {item.shown} is over what spikes make noisy ({', '.join(noisy)}), and "
        "would not have the value that rates give it. In the spiking variant statistics may read weights, stimuli, "
        "gates and parameters. Let the rule read an Observable in its place, or give it a text of its own for spikes, "
        "LearningRule(..., spiking=SpikingRule(...))."
    )
