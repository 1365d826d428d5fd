"""Cells in Brian2's words: their text with the names that it has in a translation, and how they begin anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from brainmem.errors import TranslationError
from brainmem.model.cell import Cell
from brainmem.model.checks.cell_parts import is_held, membrane_of, noise_of, statements_of
from brainmem.model.names import current_table, settle_table
from brainmem.model.nouns import Parameter
from brainmem.model.reading import model_names
from brainmem.text.equations import Equation, identifiers, rename, split_statement
from brainmem.translation import schedule
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.normal import real_numbers
from brainmem.translation.settling import SETTLE_EVENT
from brainmem.translation.sizes import Size
from brainmem.translation.text import Operation, Table, Translation

__all__ = [
    "SAMPLES",
    "SAMPLE_ROWS",
    "check_own_names",
    "constants_of",
    "own_lines",
    "own_parameters",
    "own_statements",
    "own_tables",
    "settling_of_samples",
]

SAMPLES = 64  # states of cells at each activity
SAMPLE_ROWS = 32  # steps of the activity


def own_parameters(cell: Cell) -> tuple[Parameter, ...]:
    """Return the parameters of a cell, under their names in translated text."""
    return tuple(
        Parameter(name, value, meaning=f"{name.removeprefix(f'{cell.name}_')} of the cell {cell.name}", source="ours")
        for name, value in cell.values.items()
    )


def own_lines(cell: Cell, names: Mapping[str, str]) -> tuple[Equation, ...]:
    """Return the equations of a cell without its input, with `names` in place of its own."""
    noise, membrane = noise_of(cell), membrane_of(cell)
    found = []
    for line in cell.lines:
        expr = real_numbers(line.expr) if names and line.expr else line.expr
        expr = f"{expr} + {noise}" if noise and membrane and line.name == membrane.name else expr
        found.append(replace(line, name=names.get(line.name, line.name), expr=rename(expr, names)))
    return tuple(found)


def own_statements(cell: Cell, names: Mapping[str, str]) -> dict[str, Any]:
    """Return threshold, reset and refractoriness of a cell, with `names` in place of its own."""
    reset = statements_of(cell.reset)
    local = {split_statement(line)[0] for line in reset.splitlines()} - set(names) if names else set()
    changed = {**names, **{name: f"{cell.name}_{name}" for name in local}}
    held = cell.refractory if isinstance(cell.refractory, str) else "refractory"
    return {
        "threshold": rename(cell.threshold, names),
        "reset": rename(reset, changed),
        "refractory": rename(held, names) if cell.refractory not in (None, "") else None,
    }


def constants_of(cell: Cell, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the parameters that the text of a cell reads, by their names in translated text."""
    held = "" if isinstance(cell.refractory, str) else " refractory"
    read = identifiers(f"{cell.read}{held}")
    own = [name for name in cell.parameter_names if name in read]
    shared = [name for name in ("tau_m", "sigma_v", "t_ref") if name in read and name not in own]
    return (*(names.get(name, name) for name in own), *shared)


def _samples(population: str, cell: Cell) -> dict[str, Equation]:
    """Return what is drawn when cells begin anew, by the table that it is drawn from."""
    states = (line for line in cell.lines if line.kind != "subexpression")
    found = {
        f"{population}_{cell.names[line.name]}": replace(line, name=cell.names[line.name], kind="parameter")
        for line in states
    }
    if is_held(cell):
        found[f"{population}_ready"] = Equation("not_refractory", "parameter", "1")
    if cell.refractory not in (None, ""):
        found[f"{population}_since"] = Equation("lastspike", "parameter", "second")
    return found


def own_tables(population: str, cell: Cell) -> tuple[Table, ...]:
    """Return the tables that the input and the states of a population's cells are read from."""
    states = tuple(
        Table(name, Size(str(SAMPLES)), line.unit, f"{line.name} of cells in the long run, by activity")
        for name, line in _samples(population, cell).items()
    )
    return (
        Table(
            current_table(population), unit=cell.unit, meaning=f"{cell.names[cell.input]} for a fraction of rate_max"
        ),
        Table(settle_table(population), meaning="1 where the cells begin anew with the step"),
        *states,
    )


def settling_of_samples(unit: SpikingUnit, cell: Cell) -> Operation:
    """Return the operation that gives cells the state of cells that were measured at their activity."""
    population = unit.population.name
    lines = [
        f"row = floor({SAMPLE_ROWS}*{unit.activity} + 0.5)",
        f"sample = int({SAMPLES}*rand())",
    ]
    for table, line in _samples(population, cell).items():
        drawn = f"{table}(row*second, sample)"
        drawn = {"lastspike": f"t - {drawn}", "not_refractory": f"{drawn} > 0.5"}.get(line.name, drawn)
        lines.append(f"{line.name} = {drawn}")
    return Operation(f"{population}_settled", "\n".join(lines), *schedule.SETTLE_CELLS, event=SETTLE_EVENT)


def check_own_names(translated: Translation, cell: Cell) -> None:
    """Refuse a cell whose names are those of something else in the translation.

    Raises
    ------
    TranslationError
        With the name, and what to do.
    """
    others = [group for group in translated.groups if not group.size.cells]
    texts = [group.equations for group in others]
    texts += [item.code for group in others for item in group.operations]
    texts += [text for item in translated.connections for text in item.texts]
    tables = {table.name for name in translated.units for table in own_tables(name, cell)}
    taken = set().union(*map(identifiers, texts)) | model_names(translated.model)
    taken |= {item.name for item in (*translated.model.parameters, *translated.groups, *translated.connections)}
    own = set(cell.names.values())
    for name in sorted((own & (taken | tables)) | (tables & taken)):
        raise TranslationError(
            f"Model {translated.model.name!r}: the name {name!r}, which the cell {cell.name!r} needs, is taken by the "
            f"model or made from one of its names. Give the cell another name, such as Cell('my_{cell.name}', ...)."
        )
