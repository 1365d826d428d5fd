"""A model whose rules learn nothing: each writes into a shadow of its variable, and reads the variable as it was.

Weights are held, so that a run stays where it began, and what a rule would do there adds up in the shadow. Text to
text: ``dw/dt = F(w, x_pre, x_post)`` becomes ``dw_shadow/dt = F(w, x_pre, x_post)``, with w declared as a number that
nothing changes. Variables that only lead to others (an eligibility trace that the equation of w reads) go on as they
are, since holding them would hide what follows. Bounds are left out: they are no part of a drift.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from brainmem.errors import RuleError
from brainmem.model.acting import read_by_current
from brainmem.model.memory import MemoryModel
from brainmem.model.names import shadow_name
from brainmem.model.nouns import LearningRule, Projection, SpikingRule
from brainmem.model.parts import unchecked
from brainmem.model.protocols import form_of
from brainmem.model.scalars import with_scalars_carried
from brainmem.text.equations import (
    Equation,
    identifiers,
    read_equations,
    rename,
    split_statement,
    statement_lines,
    write_equations,
)
from brainmem.translation.leading import changed_variables, leading_variables, stored_variables

__all__ = [
    "Held",
    "held_by",
    "hold",
]


@dataclass(frozen=True)
class Held:
    """A model with its weights held.

    Attributes
    ----------
    model : MemoryModel
    shadows : tuple of (str, str, str)
        Rule, projection and variable of each shadow; a variable that several rules change has one for each.
    """

    model: MemoryModel
    shadows: tuple[tuple[str, str, str], ...]

    def name(self, rule: str, variable: str) -> str:
        """Return the name of the shadow of a variable for one of its rules."""
        sharing = [other for other, _, name in self.shadows if name == variable]
        return shadow_name(variable) if len(sharing) < 2 else f"{shadow_name(variable)}_{sharing.index(rule) + 1}"


def hold(model: MemoryModel) -> Held:
    """Return `model` with every rule writing into shadows.

    Raises
    ------
    RuleError
        For a model without rules, and where a name that is needed is taken.
    """
    model = with_scalars_carried(form_of(model, {})[0])
    if not model.rules:
        raise RuleError(f"Model {model.name!r} has no learning rule, so there is no drift to look at.")
    shadows = tuple((rule.name, rule.projection, variable) for rule in model.rules for variable in held_by(model, rule))
    held = Held(model, shadows)
    projections = tuple(_projection(model, held, item) for item in model.projections)
    rules = tuple(_rule(model, held, rule) for rule in model.rules)
    return replace(held, model=unchecked(model, projections=projections, rules=rules))


def _texts(rule: LearningRule) -> Iterator[str]:
    """Yield the texts of a rule in which variables are changed."""
    yield rule.text
    if rule.spiking:
        yield from (rule.spiking.on_pre, rule.spiking.on_post)


def held_by(model: MemoryModel, rule: LearningRule) -> list[str]:
    """Return the variables of a rule that are held: those of a current, or those that lead to no other variable."""
    projection = model.projection(rule.projection)
    current, leading = read_by_current(model, projection), leading_variables(model, projection)
    return [name for name in changed_variables(model, rule) if name in current or name not in leading]


def _projection(model: MemoryModel, held: Held, projection: Projection) -> Projection:
    mine = [(rule, variable) for rule, owner, variable in held.shadows if owner == projection.name]
    if not mine:
        return projection
    own, units = {line.name for line in read_equations(projection.variables)}, _units(model, projection)
    declared = [Equation(variable, "parameter", units[variable]) for _, variable in mine if variable not in own]
    shadows = [
        Equation(held.name(rule, variable), "parameter", units[variable])
        for rule, variable in mine
        if not model_rule(model, rule).continuous
    ]
    lines = dict.fromkeys(map(str, (*declared, *shadows)))
    _check_free(model, projection, held, mine)
    return replace(projection, variables="\n".join([projection.variables, *lines]).strip())


def model_rule(model: MemoryModel, name: str) -> LearningRule:
    """Return the rule called `name`."""
    return next(rule for rule in model.rules if rule.name == name)


def _units(model: MemoryModel, projection: Projection) -> dict[str, str]:
    """Return the unit of each variable of a projection, ``"1"`` where nothing declares it."""
    lines = [*read_equations(projection.variables)]
    lines += [
        line for rule in model.rules if rule.projection == projection.name for line in read_equations(rule.continuous)
    ]
    return {**dict.fromkeys(projection.initial, "1"), **{line.name: line.unit for line in lines}}


def _check_free(model: MemoryModel, projection: Projection, held: Held, mine: list[tuple[str, str]]) -> None:
    taken = stored_variables(model, projection) | {item.name for item in model.parameters}
    for rule, variable in mine:
        if held.name(rule, variable) in taken:
            raise RuleError(
                f"Model {model.name!r}, projection {projection.name!r}: the name {held.name(rule, variable)!r} is "
                f"needed for what the rule {rule!r} would add to {variable!r}. Rename that variable."
            )


def _rule(model: MemoryModel, held: Held, rule: LearningRule) -> LearningRule:
    names = {variable: held.name(rule.name, variable) for other, _, variable in held.shadows if other == rule.name}
    changed: dict[str, Any] = {"bounds": {k: v for k, v in rule.bounds.items() if k not in names}}
    if rule.continuous:
        lines = (replace(line, name=names.get(line.name, line.name)) if line.kind == "differential" else line
                 for line in read_equations(rule.continuous))  # fmt: skip
        changed["continuous"] = write_equations(lines)
    else:
        changed[rule.form] = _statements(rule.text, names)
    if rule.spiking:
        changed["spiking"] = _spiking(rule.spiking, names)
    return replace(rule, **changed)


def _spiking(text: SpikingRule, names: dict[str, str]) -> SpikingRule:
    clocked = (replace(line, name=names.get(line.name, line.name)) if line.kind == "differential" else line
               for line in read_equations(text.clocked))  # fmt: skip
    return replace(
        text,
        on_pre=_statements(text.on_pre, names),
        on_post=_statements(text.on_post, names),
        clocked=write_equations(clocked),
    )


def _statements(text: str, names: dict[str, str]) -> str:
    """Return statements that leave variables as they are and add what they would change to their shadows."""
    parts = [split_statement(line) for line in statement_lines(text)]
    if _only_adds(parts, names):
        return "\n".join(f"{names.get(target, target)} {operator} {value}" for target, operator, value in parts)
    moving = {name: f"{name}_moving" for name in names if any(target == name for target, _, _ in parts)}
    begin = [f"{moved} = {name}" for name, moved in moving.items()]
    body = [f"{moving.get(target, target)} {op} {rename(value, moving)}" for target, op, value in parts]
    end = [f"{names[name]} += {moved} - {name}" for name, moved in moving.items()]
    return "\n".join([*begin, *body, *end])


def _only_adds(parts: list[tuple[str, str, str]], names: dict[str, str]) -> bool:
    """Whether statements add to variables only, and none reads what one before has changed."""
    changed: set[str] = set()
    for target, operator, value in parts:
        if identifiers(ast.unparse(ast.parse(value))) & changed:
            return False
        if target in names:
            if operator not in ("+=", "-="):
                return False
            changed.add(target)
    return True
