"""The input current of spiking cells, by which a population fires at the rate its drive asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainmem.equations import evaluate
from brainmem.errors import TranslationError
from brainmem.translation.lines import Line, definitions, identifiers, written_out
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.text import Table

__all__ = ["TABLE_ROWS", "activity_curve", "affine_tables", "cell_current", "current_table", "current_tables"]

TABLE_ROWS = 4096
WIDEST, POINTS = 20.0, 4001  # drives at which a transfer is looked at


def cell_current(unit: SpikingUnit, neuron: str) -> tuple[Line, Line]:
    """Return the variable that cells read from their unit, and their current ``I``.

    Raises
    ------
    TranslationError
        For affine cells of a population without a drive, or with one that has a unit.
    """
    if neuron == "affine":
        _check_drive(unit)
        slope, offset = affine_tables(unit)
        text = f"{slope}(0*second)*{unit.population.drive} + {offset}(0*second)"
        return Line(str(unit.population.drive), "parameter", "1", flags=("linked",)), _current(text)
    text = f"{current_table(unit)}({TABLE_ROWS}*{unit.activity}*second)"
    return Line(unit.activity, "parameter", "1", flags=("linked",)), _current(text)


def _current(text: str) -> Line:
    return Line("I", "subexpression", "1", text)


def _check_drive(unit: SpikingUnit) -> None:
    drive = unit.population.drive
    unit_text = next((line.unit for line in unit.lines if line.name == drive), "")
    if drive is None or unit_text != "1":
        given = "declares no drive" if drive is None else f"has a drive {drive!r} with unit {unit_text}"
        raise TranslationError(
            f"Population {unit.population.name!r} {given}; neuron='affine' needs one without unit, since the current "
            "of the cells is a slope times the drive plus an offset. Use neuron='lif'."
        )


def current_table(unit: SpikingUnit) -> str:
    """Return the name of the table that holds a population's inverted f-I curve."""
    return f"{unit.population.name}_current"


def affine_tables(unit: SpikingUnit) -> tuple[str, str]:
    """Return the names of the one-row tables with the slope and the offset of a population's current."""
    return f"{unit.population.name}_slope", f"{unit.population.name}_offset"


def current_tables(unit: SpikingUnit, neuron: str) -> tuple[Table, ...]:
    """Return the tables that the current of a population's cells is read from."""
    if neuron == "poisson":
        return ()
    if neuron == "affine":
        slope, offset = affine_tables(unit)
        return (
            Table(slope, meaning=f"input current that a {unit.population.drive} of 1 adds"),
            Table(offset, meaning=f"input current at a {unit.population.drive} of 0"),
        )
    return (Table(current_table(unit), meaning="input current for a fraction of rate_max"),)


def activity_curve(unit: SpikingUnit, parameters: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return drives from -20 to 20 and the fraction of the rate range that the transfer wants at each.

    Raises
    ------
    TranslationError
        When the transfer reads more than the drive and parameters.
    """
    drive, lines = unit.population.drive, {line.name: line for line in unit.lines}
    text = written_out(lines[unit.activity].expr, definitions(unit.lines, keep={str(drive)}, stored=True))
    if others := identifiers(text) & set(lines) - {drive}:
        raise TranslationError(
            f"Population {unit.population.name!r}: its transfer reads {', '.join(sorted(others))} beside the drive "
            f"{drive!r}, and neuron='affine' fits a function of the drive alone. Use neuron='lif'."
        )
    grid = np.linspace(-WIDEST, WIDEST, POINTS)
    found = evaluate(text, {**parameters, str(drive): grid})
    return grid, np.broadcast_to(np.asarray(found, dtype=float), grid.shape)
