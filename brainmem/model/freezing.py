"""Models whose weights stay as they are: recall without learning, the ground on which many trials run at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.parsing.sympytools import str_to_sympy

from brainmem.errors import RuleError, closest
from brainmem.intake.arguments import a, instance, takes
from brainmem.model.by_variant import RATE, of_variant
from brainmem.model.choices import choose
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Each, LearningRule, Phase, Projection, Protocol
from brainmem.model.parameters import resolve_parameters
from brainmem.model.plan import plan_protocol
from brainmem.text import evaluate
from brainmem.text.equations import Equation, definitions, identifiers, read_equations, rename, written_out
from brainmem.text.statements import changes_of

__all__ = ["acts", "fixed_weights", "freeze", "read_by_current"]


@takes(
    RuleError,
    model=instance("a MemoryModel", MemoryModel),
    phases=a("names of phases", lambda given: all(isinstance(name, str) for name in given)),
)
def freeze(model: MemoryModel, *phases: str, items: str | int = "M", repeats: str | int = 1) -> MemoryModel:
    """Return a copy of `model` that runs only `phases`, once for every item, with weights that stay as they are.

    Pass the weights of an earlier run: ``simulate(freeze(model, "recall"), weights={"recurrent": w})``.

    Parameters
    ----------
    model : MemoryModel
    phases : str
        Names of phases, run in this order for one item before the next item comes.
    items, repeats
        See `Each`.

    Raises
    ------
    RuleError
        When a phase does not exist.
    """
    model = choose(model)
    known = [phase.name for phase in model.protocol.phases]
    for name in phases or ("",):
        if name not in known:
            raise RuleError(
                f"Model {model.name!r}: freeze() runs the phases that it is given, and {name!r} is none of its phases; "
                f"allowed: {', '.join(known)}.{closest(name, known)}"
            )
    kept = tuple(_alone(phase, model.protocol) for phase in model.protocol.phases if phase.name in phases)
    schedule = (Each(tuple(phases), items=items, repeats=repeats),)
    return _without_rules(model, Protocol(kept, schedule))


def fixed_weights(model: MemoryModel, parameters: Mapping[str, Any], variant: str = RATE) -> MemoryModel:
    """Return `model` without its rules, after checking that none of them would change a weight in a variant.

    Raises
    ------
    RuleError
        When some phase of the schedule lets a rule act.
    """
    if not model.rules:
        return model
    own = {item.name for item in model.parameters}  # a variant has further ones
    run = of_variant(model, variant)
    values = resolve_parameters(run, {name: value for name, value in parameters.items() if name in own})
    for phase in plan_protocol(run, values, np.random.default_rng(0)).phases_run:
        for rule in run.rules:
            if acts(run, rule, run.protocol.phase(phase), values):
                raise RuleError(
                    f"Model {model.name!r}: its rule {rule.name!r} may change {rule.projection!r} in the phase "
                    f"{phase!r}, but trials share their weights. Run phases in which weights stay as they are, with "
                    f"weights of an earlier run: simulate(freeze(model, {_suggested(model, phase)!r}), "
                    f"weights={{{rule.projection!r}: ...}}, trials=...)."
                )
    return _without_rules(model, model.protocol)


def _suggested(model: MemoryModel, acting: str) -> str:
    others = [phase.name for phase in model.protocol.phases if phase.name != acting]
    return others[-1] if others else acting


def _alone(phase: Phase, protocol: Protocol) -> Phase:
    """Return a phase that runs beside nothing and knows every gate, in both variants."""

    def whole(gates: Mapping[str, Any]) -> dict[str, Any]:
        return {gate: gates.get(gate, 0) for gate in protocol.gates}

    spiking = phase.spiking
    if spiking:
        gates = {"gates": whole(phase.spiking_gates)} if "gates" in spiking else {}
        spiking = {**{name: value for name, value in spiking.items() if name != "restore"}, **gates}
    return replace(phase, restore=False, gates=whole(phase.gates), spiking=spiking)


def acts(
    model: MemoryModel,
    rule: LearningRule,
    phase: Phase,
    values: Mapping[str, Any],
    changing: Collection[str] | None = None,
) -> bool:
    """Return whether a rule may change variables while `phase` runs: those that currents read, or those named."""
    if (rule.at and phase.name not in rule.at) or (rule.during and phase.name not in rule.during):
        return False
    projection = model.projection(rule.projection)
    shut = {gate for gate in model.protocol.gates if not float(evaluate(str(phase.gates.get(gate, 0)), values))}
    read = read_by_current(model, projection) if changing is None else set(changing)
    return any(not _is_zero(model, projection, text, shut) for text in _changes(model, rule, projection, read))


def _changes(model: MemoryModel, rule: LearningRule, projection: Projection, read: set[str]) -> list[str]:
    """Return the changes of the variables that a current reads, in terms of what synapses store."""
    lines = [*read_equations(projection.variables), *_rule_lines(model, projection)]
    if rule.continuous:
        found = [
            line.expr for line in read_equations(rule.continuous) if line.kind == "differential" and line.name in read
        ]
    else:
        stored = {line.name for line in lines if line.kind != "subexpression"} | set(projection.initial)
        found = changes_of(rule.text, stored, only=read)
    names = definitions(lines, stored=True)
    return [written_out(text, names) for text in found]


def _is_zero(model: MemoryModel, projection: Projection, text: str, shut: set[str]) -> bool:
    """Return whether a change vanishes where the gates in `shut` are 0."""
    names = {gate + end: "0" for gate in shut for end in ("_pre", "_post", "")}
    for end, owner in (("_pre", projection.source), ("_post", projection.target)):
        lines = read_equations(model.population(owner).equations)
        own = {line.name: line.name + end for line in lines}
        names |= {own[name]: rename(expr, own) for name, expr in definitions(lines, stored=True).items()}
    return bool(str_to_sympy(written_out(text, names)) == 0)


def _without_rules(model: MemoryModel, protocol: Protocol) -> MemoryModel:
    projections = tuple(_declared(model, projection) for projection in model.projections)
    return model.replace(protocol=protocol, rules=(), projections=projections)


def _declared(model: MemoryModel, projection: Projection) -> Projection:
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


def _rule_lines(model: MemoryModel, projection: Projection) -> Iterator[Equation]:
    for rule in model.rules:
        if rule.projection == projection.name and rule.continuous:
            yield from read_equations(rule.continuous)


def read_by_current(model: MemoryModel, projection: Projection) -> set[str]:
    """Return the names that a projection's current reads, through subexpressions of its rules too."""
    within = {line.name: line.expr for line in _rule_lines(model, projection) if line.kind == "subexpression"}
    read: set[str] = set()
    todo = {name for line in read_equations(projection.current) for name in line.names}
    while todo:
        read |= todo
        todo = set().union(*(identifiers(within[name]) for name in todo if name in within)) - read
    return read
