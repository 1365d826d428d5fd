"""Checks of learning rules: their form, names, units and what they change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from brainmem.errors import RuleError
from brainmem.model.checks.place import Place, check_choice, listed, place_of
from brainmem.model.checks.scope import Scope
from brainmem.model.checks.spikes import check_spiking_text, plastic_variables
from brainmem.model.checks.statements import Statements
from brainmem.model.checks.statistics import check_unstored
from brainmem.model.checks.synapses import check_synaptic, synapse_scope
from brainmem.model.checks.text import ModelText
from brainmem.model.fields import BOUND
from brainmem.model.nouns import LearningRule
from brainmem.text import evaluate
from brainmem.text.constant import require_value

__all__ = ["check_rules"]


def check_rules(text: ModelText) -> None:
    """Check every rule."""
    for rule in text.model.rules:
        projection = text.model.projection(rule.projection)
        place = place_of(text.model, "rule", rule.name, rule.text)
        scope = synapse_scope(text, projection)
        check = _check_continuous if rule.continuous else _check_statements
        changed = check(text, place, replace(scope, statistics=True), rule)
        if rule.spiking is not None:
            changed |= check_spiking_text(text, rule, rule.spiking, scope)
        for name, limits in rule.bounds.items():
            with text.found:
                _check_bounds(text, rule, name, limits, changed)


def _check_continuous(text: ModelText, place: Place, scope: Scope, rule: LearningRule) -> set[str]:
    entries = text.rules[rule.name]
    for entry in entries.values():
        with text.found:
            check_synaptic(place, entry, scope)
            check_unstored(place, entry)
    changed = {name for name, entry in entries.items() if entry.kind == "differential"}
    if not changed and rule.name not in text.unread:
        reason = "a continuous rule needs a differential equation, such as 'dw/dt = eta*r_pre*r_post : 1'."
        text.found.note(place.error(reason))
        text.found.lose(*entries)
    return changed


def _check_statements(text: ModelText, place: Place, scope: Scope, rule: LearningRule) -> set[str]:
    plastic = plastic_variables(text, text.model.projection(rule.projection))
    statements = Statements(place, scope, plastic, at_events=bool(rule.episodic))
    changed = statements.changed(text.found)
    if not changed and statements.whole:
        text.found.note(place.error(f"it changes no variable of its projection; these are: {listed(plastic)}."))
    return changed


def _check_bounds(text: ModelText, rule: LearningRule, name: str, limits: Any, changed: set[str]) -> None:
    place = place_of(text.model, "rule", rule.name)
    entries = text.synapses[rule.projection]
    scope = Scope(dict(text.constants))
    if "N" in text.values:
        scope.hints["N"] = "in the text of synapses, N is the number of synapses. Declare a parameter for the bound."
    check_choice(place, "bounds name", name, sorted(changed & set(entries)))
    if "shared" in entries[name].flags:
        raise place.error(
            f"bounds of {name!r}: it is shared by all synapses, and bounds are kept for each of them. Write "
            f"'{name} = clip({name}, ...)' in the rule's text, after the change of {name!r}."
        )
    if not isinstance(limits, tuple) or len(limits) != 2:
        raise place.error(f"bounds of {name!r} must be (lowest, highest), got {limits!r}.")
    for limit in limits:
        if slip := BOUND.slip(f"bounds[{name!r}]", limit):
            raise place.error(slip)
        scope.require(place, str(limit), entries[name].dimensions, what=f"a bound of {name!r}")
    low, high = (_bound(text, place, name, limit) for limit in limits)
    if not low < high:
        raise place.error(f"bounds of {name!r} must be (lowest, highest), got {limits!r}, where {low} >= {high}.")


def _bound(text: ModelText, place: Place, name: str, limit: Any) -> Any:
    """Return the number that a bound stands for, or raise where it has none."""
    try:
        require_value(limit, text.values)
        return evaluate(str(limit), text.values)
    except RuleError as error:
        raise place.error(f"bounds[{name!r}]={limit!r}: {error}") from error
