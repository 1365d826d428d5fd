"""Checks of an explicit spiking text, which may read what the spiking variant adds."""

from __future__ import annotations

from collections.abc import Mapping

from brian2.core.variables import Variable
from brian2.units import get_dimensions, hertz, second

from brainmem.model.checks.reading import spiking_place
from brainmem.model.checks.scope import Scope
from brainmem.model.checks.statements import Statements
from brainmem.model.checks.synapses import check_synaptic
from brainmem.model.checks.text import Entry, ModelText, number, variable
from brainmem.model.nouns import LearningRule, Projection, SpikingRule

__all__ = ["check_spiking_text", "plastic_variables"]

# The units of the parameters that every spiking variant adds.
CELLS = {"rate_max": hertz, "cells_per_unit": 1, "tau_m": second, "t_ref": second, "sigma_v": 1, "spike_dt": second}
COUNTS = (
    "units spike through their cells: write count{0} for the spikes of this step divided by cells_per_unit, "
    "and {1}_s{0} for their trace, 0 ... 1."
)


def plastic_variables(text: ModelText, projection: Projection) -> dict[str, Variable]:
    """Return the variables of a projection that statements may change."""
    entries = text.synapses[projection.name].values()
    return {entry.name: variable(entry) for entry in entries if entry.kind != "subexpression"}


def check_spiking_text(text: ModelText, rule: LearningRule, given: SpikingRule, scope: Scope) -> set[str]:
    """Check names and units of a `SpikingRule`; return the variables that it changes.

    Beside what the rule itself may read, it may read the counts, the traces, the rates asked of the cells, the
    parameters of the cells, and the variables that its clocked text declares.
    """
    own = text.clocked[rule.name]
    projection = text.model.projection(rule.projection)
    wider = _wider(text, projection, scope, own)
    place = spiking_place(text.model, rule, "clocked", given.clocked)
    for entry in own.values():
        with text.found:
            check_synaptic(place, entry, wider)
    declared = {name: variable(entry) for name, entry in own.items() if entry.kind != "subexpression"}
    plastic = {**plastic_variables(text, projection), **declared}
    changed = {name for name, entry in own.items() if entry.kind == "differential"}
    for part in ("on_pre", "on_post"):
        place = spiking_place(text.model, rule, part, getattr(given, part))
        changed |= Statements(place, wider, plastic, at_events=True).changed(text.found)
    return changed


def _wider(text: ModelText, projection: Projection, scope: Scope, own: Mapping[str, Entry]) -> Scope:
    """Return the rule's scope with what the spiking variant adds."""
    cells = {name: number(name, get_dimensions(unit), scalar=True) for name, unit in CELLS.items()}
    names = {**scope.names, **cells}
    hints = dict(scope.hints)
    for side, owner in (("_pre", projection.source), ("_post", projection.target)):
        rate = text.model.population(owner).rate
        if rate:
            added = (f"count{side}", f"{rate}_s{side}", f"{rate}_activity{side}")
            names |= {name: number(name) for name in added}
        for name in ("lastspike", "not_refractory"):
            hints[f"{name}{side}"] = COUNTS.format(side, rate or "x")
    return Scope({**names, **{name: variable(entry) for name, entry in own.items()}}, hints, scope.made)
