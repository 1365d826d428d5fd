"""Checks of learning rules: their form, names, units and what they change."""

from __future__ import annotations

from brainmem.checks.place import Place, check_choice, listed, place_of
from brainmem.checks.scope import Scope
from brainmem.checks.spikes import check_spiking_text, plastic_variables
from brainmem.checks.statements import Statements
from brainmem.checks.synapses import synapse_scope
from brainmem.checks.text import ModelText, check_draws, read_equations
from brainmem.equations import evaluate

__all__ = ["check_rules"]


def check_rules(text: ModelText) -> None:
    """Check every rule."""
    for rule in text.model.rules:
        projection = text.model.projection(rule.projection)
        place = place_of(text.model, "rule", rule.name, rule.text)
        scope = synapse_scope(text, projection)
        if rule.continuous:
            changed = _check_continuous(text, place, scope)
        else:
            changed = _check_statements(text, place, scope, rule)
        if rule.spiking is not None:
            changed |= check_spiking_text(text, rule, scope)
        _check_bounds(text, rule, changed)


def _check_continuous(text: ModelText, place: Place, scope: Scope) -> set[str]:
    entries = read_equations(place)
    for entry in entries.values():
        if "summed" in entry.flags:
            raise place.error("a summed equation belongs in Projection(current=...).", line=entry.line)
        if entry.kind != "parameter":
            what = f"d{entry.name}/dt" if entry.kind == "differential" else repr(entry.name)
            scope.require(place, entry.expr, entry.expected, what=what, line=entry.line)
            check_draws(place, entry)
    changed = {name for name, entry in entries.items() if entry.kind == "differential"}
    if not changed:
        raise place.error("a continuous rule needs a differential equation, such as 'dw/dt = eta*r_pre*r_post : 1'.")
    return changed


def _check_statements(text: ModelText, place: Place, scope: Scope, rule) -> set[str]:
    plastic = plastic_variables(text, text.model.projection(rule.projection))
    changed = Statements(place, scope, plastic, at_events=bool(rule.episodic)).changed()
    if not changed:
        raise place.error(f"it changes no variable of its projection; these are: {listed(plastic)}.")
    return changed


def _check_bounds(text: ModelText, rule, changed: set[str]) -> None:
    place = place_of(text.model, "rule", rule.name)
    entries = text.synapses[rule.projection]
    scope = Scope(dict(text.constants))
    if "N" in text.values:
        scope.hints["N"] = "in the text of synapses, N is the number of synapses. Declare a parameter for the bound."
    for name, limits in rule.bounds.items():
        check_choice(place, "bounds name", name, sorted(changed & set(entries)))
        if "shared" in entries[name].flags:
            raise place.error(
                f"bounds of {name!r}: it is shared by all synapses, and bounds are kept for each of them. Write "
                f"'{name} = clip({name}, ...)' in the rule's text, after the change of {name!r}."
            )
        if not isinstance(limits, tuple) or len(limits) != 2:
            raise place.error(f"bounds of {name!r} must be (lowest, highest), got {limits!r}.")
        for limit in limits:
            scope.require(place, str(limit), entries[name].dimensions, what=f"a bound of {name!r}")
        low, high = (evaluate(str(limit), text.values) for limit in limits)
        if not low < high:
            raise place.error(f"bounds of {name!r} must be (lowest, highest), got {limits!r}, where {low} >= {high}.")
