"""Lower one learning rule to the spiking variant: which text runs when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from brainmem.errors import TranslationError
from brainmem.model.names import window_gate
from brainmem.model.nouns import LearningRule, Projection, SpikingRule
from brainmem.text.equations import Equation, definitions, read_equations, statement_lines, written_out
from brainmem.text.statistics import is_statistic
from brainmem.translation import rate
from brainmem.translation.common import bounded, clip_operation
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.schedule import RuleSlots
from brainmem.translation.split.core import RateReading, SplitRule, split_rule
from brainmem.translation.split.correlations import Correlations
from brainmem.translation.split.expansion import write_out
from brainmem.translation.text import Operation, Pathway

__all__ = ["LoweredRule", "lower_rule"]

_INCREMENT = re.compile(r"^(\w+)\s*(\+=|-=)\s*(.+)$")


@dataclass(frozen=True)
class LoweredRule:
    """The equations, operations and pathways that carry a rule, and how its terms are read."""

    lines: tuple[Equation, ...] = ()
    operations: tuple[Operation, ...] = ()
    pathways: tuple[Pathway, ...] = ()
    splits: tuple[SplitRule, ...] = ()


def lower_rule(
    rule: LearningRule,
    projection: Projection,
    units: Mapping[str, SpikingUnit],
    *,
    known: Correlations,
    slots: RuleSlots,
    expansions: Mapping[str, str] | None = None,
    neuron: str,
    read: str,
    pairing: str,
) -> LoweredRule:
    """Return the spiking form of a rule.

    `known` holds the summed inputs and their noise (`inputs.correlations`); `slots` say when the rule's parts run
    (`schedule.rule_slots`); `expansions` are the units' subexpressions with a rate (`expansion.rate_expansions`),
    which are written out.

    A continuous rule is split on spike events. A periodic or episodic rule that only adds to its variables is
    spread over its period or averaging window and split likewise; with ``read="trace"`` (and by default for
    statements that assign) it runs as written, on the traces.

    Raises
    ------
    TranslationError
        When the rule cannot be split; the message says why and what can be done.
    """
    if rule.spiking is not None:
        return _explicit(rule, rule.spiking, slots)
    rule = write_out(rule, expansions or {})
    increments = _increments(rule)
    verbatim = rule.form != "continuous" and (read in ("auto", "trace") or increments is None)
    if verbatim and read in ("event", "drive"):
        raise TranslationError(
            f"Rule {rule.name!r}: read={read!r} needs statements of the form 'w += ...', got {rule.text.strip()!r}. "
            "Use read='trace', or give the rule an explicit SpikingRule."
        )
    readings = {side: _reading(units.get(name)) for side, name in _sides(projection)}
    options = {**readings, "correlations": known, "read": "trace" if verbatim else read}
    split = [
        replace(
            split_rule(variable, expression, unit, **options, pairing=pairing, neuron=neuron),
            populations=(projection.source, projection.target),
            rule=rule.name,
        )
        for variable, expression, unit in (_plain_increments(rule) if verbatim else increments) or []
    ]
    return _verbatim(rule, split, slots) if verbatim else _assemble(rule, split, increments or [], slots)


def _sides(projection: Projection) -> tuple[tuple[str, str], ...]:
    return (("pre", projection.source), ("post", projection.target))


def _reading(unit: SpikingUnit | None) -> RateReading | None:
    if unit is None:
        return None
    return RateReading(
        name=unit.rate,
        low=unit.low,
        high=unit.high,
        trace=unit.trace,
        expected=unit.expected,
        prompt=unit.form == "current",
        count="count",
        rate_max="rate_max",
        tau=unit.tau,
    )


def _increments(rule: LearningRule) -> list[tuple[str, str, str]] | None:
    """Return (variable, rate of change, unit) of a rule that only adds, else None."""
    if rule.continuous:
        return [(line.name, line.expr, line.unit) for line in _inlined(read_equations(rule.continuous))]
    per = f"({rule.every})" if rule.periodic else None
    found = []
    for statement in statement_lines(rule.text):
        match = _INCREMENT.match(statement)
        if match is None:
            return None
        name, sign, value = match.groups()
        value = value if sign == "+=" else f"-({value})"
        spread = f"({value})/{per}" if per else f"{window_gate(rule.name)}_post*({value})"
        found.append((name, spread, "1"))
    return found


def _plain_increments(rule: LearningRule) -> list[tuple[str, str, str]] | None:
    """Return (variable, increment, unit) of statements that only add, else None."""
    found = [_INCREMENT.match(statement) for statement in statement_lines(rule.text) if not is_statistic(statement)]
    return None if None in found else [(m[1], m[3] if m[2] == "+=" else f"-({m[3]})", "1") for m in found if m]


def _inlined(lines: tuple[Equation, ...]) -> list[Equation]:
    """Return the differential lines with the rule's own subexpressions written out."""
    helpers = definitions(lines, stored=True)
    return [replace(line, expr=written_out(line.expr, helpers)) for line in lines if line.kind == "differential"]


def _assemble(
    rule: LearningRule, split: list[SplitRule], increments: list[tuple[str, str, str]], slots: RuleSlots
) -> LoweredRule:
    lines, code = [], {"pre": [], "post": []}
    for item, (variable, _, unit) in zip(split, increments, strict=True):
        if item.clocked:
            lines.append(Equation(variable, "differential", unit, item.clocked, ("clock-driven",)))
        else:
            lines.append(Equation(variable, "parameter", unit))
        for side, text in (("pre", item.on_pre), ("post", item.on_post)):
            if text:
                code[side].append(bounded(variable, text, rule.bounds))
    pathways = tuple(_event(rule, side, code[side], slots) for side in ("pre", "post") if code[side])
    clips = clip_operation(rule, slots) if any(item.clocked for item in split) else ()
    return LoweredRule(tuple(lines), clips, pathways, tuple(split))


def _event(rule: LearningRule, side: str, code: list[str], slots: RuleSlots) -> Pathway:
    return Pathway(f"{rule.name}_{side}", side, "\n".join(code), "unit_spike", *slots.events[side])


def _verbatim(rule: LearningRule, split: list[SplitRule], slots: RuleSlots) -> LoweredRule:
    pathways = rate.episodes(rule, slots) if rule.episodic else ()
    when = f"every {rule.every}" if rule.periodic else f"when {' or '.join(rule.at)} ends"
    said = f"rule {rule.name!r} runs as written {when}, with rates read from traces"
    said = said if split else f"{said}; it assigns, so no bias is given for its terms"
    remark = SplitRule(remark=said, rule=rule.name)
    return LoweredRule((), rate.verbatim_operations(rule, slots), pathways, (remark, *split))


def _explicit(rule: LearningRule, text: SpikingRule, slots: RuleSlots) -> LoweredRule:
    lines = tuple(line.with_flag("clock-driven") for line in read_equations(text.clocked))
    code = {"pre": list(statement_lines(text.on_pre)), "post": list(statement_lines(text.on_post))}
    pathways = tuple(_event(rule, side, code[side], slots) for side in ("pre", "post") if code[side])
    declared = {line.name for line in lines}
    missing = [Equation(name, "parameter", unit) for name, unit in _plastic(rule) if name not in declared]
    why = f" ({text.why})" if text.why else ""
    remark = SplitRule(remark=f"rule {rule.name!r} has a spiking text of its author's own{why}", rule=rule.name)
    return LoweredRule((*lines, *missing), clip_operation(rule, slots), pathways, (remark,))


def _plastic(rule: LearningRule) -> list[tuple[str, str]]:
    if rule.continuous:
        return [(line.name, line.unit) for line in read_equations(rule.continuous) if line.kind == "differential"]
    return []
