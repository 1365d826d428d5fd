"""Declare the parameters an object uses as ``(shared, constant)``, so that they may change from run to run."""

from __future__ import annotations

from dataclasses import replace

from brian2.units import get_dimensions

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Parameter
from brainmem.model.parameters import resolve_parameters
from brainmem.text.equations import Equation, unit_text
from brainmem.translation.text import Group, Translation

__all__ = ["declare_constants", "parameter_units"]


def parameter_units(model: MemoryModel, parameters: tuple[Parameter, ...]) -> dict[str, str]:
    """Return Brian2 unit text by parameter name, for the parameters that are numbers."""
    values = resolve_parameters(model, {}, parameters=parameters)
    return {name: unit_text(get_dimensions(value)) for name, value in values.items() if not isinstance(value, tuple)}


def declare_constants(translated: Translation) -> Translation:
    """Return `translated` with one ``name : unit (shared, constant)`` line per parameter used.

    Brian2 lets synapses read the postsynaptic group's variables by their plain name, so a connection's
    parameters are declared once, in its target.
    """
    units = parameter_units(translated.model, translated.parameters)
    groups = tuple(_declare(group, _needed(group, translated), units) for group in translated.groups)
    connections = tuple(replace(item, constants=()) for item in translated.connections)
    return replace(translated, groups=groups, connections=connections)


def _needed(group: Group, translated: Translation) -> tuple[str, ...]:
    onto = (item for item in translated.connections if item.target == group.name)
    names = set(group.constants).union(*(item.constants for item in onto))
    return tuple(item.name for item in translated.parameters if item.name in names)


def _declare(group: Group, names: tuple[str, ...], units: dict[str, str]) -> Group:
    lines = [str(Equation(name, "parameter", units[name], flags=("shared", "constant"))) for name in names]
    return replace(group, equations="\n".join([group.equations, *lines]), constants=names)
