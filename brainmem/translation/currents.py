"""The input current of spiking cells, by which a population fires at the rate its drive asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.errors import TranslationError
from brainmem.model.names import affine_tables, current_table, reached_tables
from brainmem.model.variants import Spiking
from brainmem.text import evaluate
from brainmem.text.equations import (
    Equation,
    identifiers,
    inlined,
)
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.own_cells import own_tables
from brainmem.translation.settling import settling_tables
from brainmem.translation.text import Table

__all__ = ["TABLE_ROWS", "activity_curve", "cell_current", "current_tables", "rate_tables", "reaching"]

TABLE_ROWS = 4096
DRIVE_OF_UNIT = "drive_of_unit"  # a name of ours: a model's drive may be called as a variable of the cells is
REACHES, POINTS = (
    (20.0, 100.0, 500.0, 2500.0),
    4001,
)  # drives at which a transfer is looked at, until it spans its range
SPANNED = 0.02  # of the range, at either end


def cell_current(unit: SpikingUnit, spiking: Spiking) -> tuple[Equation, str, Equation]:
    """Return the variable that cells read from their unit, its name there, and their input, ``I`` of LIF cells.

    Raises
    ------
    TranslationError
        For affine cells of a population without a drive, or with one that has a unit.
    """
    if spiking.neuron == "affine":
        _check_drive(unit)
        slope, offset = affine_tables(unit.population.name)
        text = f"{slope}(0*second)*{DRIVE_OF_UNIT} + {offset}(0*second)"
        return Equation(DRIVE_OF_UNIT, "parameter", "1", flags=("linked",)), str(unit.population.drive), _current(text)
    text = f"{current_table(unit.population.name)}({TABLE_ROWS}*{unit.activity}*second)"
    current = _current(text)
    if cell := spiking.cell:
        current = Equation(cell.names[cell.input], "subexpression", cell.unit, text)
    return Equation(unit.activity, "parameter", "1", flags=("linked",)), unit.activity, current


def _current(text: str) -> Equation:
    return Equation("I", "subexpression", "1", text)


def _check_drive(unit: SpikingUnit) -> None:
    drive = unit.population.drive
    unit_text = next((line.unit for line in unit.lines if line.name == drive), "")
    if drive is None or unit_text != "1":
        given = "declares no drive" if drive is None else f"has a drive {drive!r} with unit {unit_text}"
        raise TranslationError(
            f"Population {unit.population.name!r} {given}; neuron='affine' needs one without unit, since the current "
            "of the cells is a slope times the drive plus an offset. Use neuron='lif'."
        )


def reaching(unit: SpikingUnit, spiking: Spiking) -> SpikingUnit:
    """Return the unit whose activity is that of its cells; affine ones do not quite fire at the rates asked for.

    What is expected of a rate, beside which its spikes are read, has to be the mean of these spikes.
    """
    if spiking.neuron != "affine":
        return unit
    _check_drive(unit)
    table, slope, offset = reached_tables(unit.population.name)
    text = f"{table}(({slope}(0*second)*{unit.population.drive} + {offset}(0*second))*second)"
    lines = (replace(line, expr=text) if line.name == unit.activity else line for line in unit.lines)
    return replace(unit, lines=tuple(lines))


def rate_tables(unit: SpikingUnit, spiking: Spiking) -> tuple[Table, ...]:
    """Return the tables of the rates that cells reach at a drive, where these are not those asked for."""
    if spiking.neuron != "affine":
        return ()
    table, slope, offset = reached_tables(unit.population.name)
    return (
        Table(table, meaning="fraction of rate_max at which cells fire, by the row of their current"),
        Table(slope, meaning=f"rows that a {unit.population.drive} of 1 adds"),
        Table(offset, meaning=f"row at a {unit.population.drive} of 0"),
    )


def current_tables(unit: SpikingUnit, spiking: Spiking) -> tuple[Table, ...]:
    """Return the tables that the current of a population's cells is read from."""
    if spiking.neuron == "poisson":
        return ()
    if spiking.cell:
        return own_tables(unit.population.name, spiking.cell)
    if spiking.neuron == "affine":
        slope, offset = affine_tables(unit.population.name)
        own = (
            Table(slope, meaning=f"input current that a {unit.population.drive} of 1 adds"),
            Table(offset, meaning=f"input current at a {unit.population.drive} of 0"),
        )
    else:
        own = (Table(current_table(unit.population.name), meaning="input current for a fraction of rate_max"),)
    return (*own, *settling_tables(unit.population.name))


def activity_curve(unit: SpikingUnit, parameters: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return drives around 0 and the fraction of the rate range that the transfer wants at each.

    `parameters` are plain numbers, and functions of curves that take and return them.

    Raises
    ------
    TranslationError
        When the transfer reads more than the drive and parameters.
    """
    drive, lines = unit.population.drive, {line.name: line for line in unit.lines}
    text = inlined(lines[unit.activity].expr, unit.lines, keep={str(drive)}, stored=True)
    if others := identifiers(text) & set(lines) - {drive}:
        raise TranslationError(
            f"Population {unit.population.name!r}: its transfer reads {', '.join(sorted(others))} beside the drive "
            f"{drive!r}, and neuron='affine' fits a function of the drive alone. Use neuron='lif'."
        )
    for reach in REACHES:
        grid = np.linspace(-reach, reach, POINTS)
        found = np.broadcast_to(np.asarray(evaluate(text, {**parameters, str(drive): grid}), dtype=float), grid.shape)
        if found.min() <= SPANNED and found.max() >= 1 - SPANNED:
            break
    return grid, found
