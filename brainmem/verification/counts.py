"""The spiking variant with drives that can be replayed into the cells, and with numbers in place of its cells.

A model with twins (`twin`) becomes, text to text, a translation in which

- ``replayed = 1`` gives the cells the rates of the rate network beside them in place of those that their own drives ask
  for, so that what rules do with spikes is seen alone;
- units count, in place of the spikes of cells, what cells of the same rate and Fano factor count in the mean and in
  the long run: ``count = rate*dt + scatter*sqrt(rate*dt/M)*(a*z + b*z_before)``, with standard normal numbers z drawn
  in every step. ``a**2 + b**2 = 1`` gives one step the variance of Poisson cells and ``2*a*b = F - 1`` a long time the
  variance F, and each spike the trace that it finds before it. Two runs with ``scatter = 1`` and ``-1`` differ from
  one without in the mean by what noise does to second order, while what it does to first order cancels.
"""

from __future__ import annotations

import re
from dataclasses import replace

from brainmem.errors import RuleError
from brainmem.model.names import fano_table, twin_name
from brainmem.model.nouns import Parameter, Population
from brainmem.model.variants import Spiking
from brainmem.numbers.calibration import Calibration
from brainmem.text.equations import Equation, read_equations, rename, write_equations
from brainmem.translation import schedule
from brainmem.translation.currents import current_tables
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.text import Group, Operation, Table, Translation

__all__ = ["FANO_ROWS", "REPLAYED", "SCATTER", "fano_rows", "replayable", "without_cells"]

REPLAYED, SCATTER = "replayed", "scatter"
FANO_ROWS = 20  # between silence and the highest rate


def replayable(translated: Translation) -> Translation:
    """Return the spiking variant of a model with twins, in which a parameter replays the twins' rates into the cells.

    Raises
    ------
    RuleError
        Where a name that is needed is taken.
    """
    for item in translated.parameters:
        if item.name in (REPLAYED, SCATTER):
            raise RuleError(
                f"Model {translated.model.name!r}: the name {item.name!r} is needed for a number of the verification. "
                "Rename that parameter."
            )
    groups = {group.name: group for group in translated.groups}
    for population in (p for p in translated.model.populations if p.rate):
        unit = translated.units[population.name]
        groups[population.name] = _asked_of_twins(groups[population.name], unit, population)
        cells = groups[f"{population.name}_cells"]
        if translated.neuron == "affine":
            asked = f"{population.drive}_asked"
            renamed = {str(population.drive): asked}
            links = {k: replace(v, variable=renamed.get(v.variable, v.variable)) for k, v in cells.links.items()}
            groups[cells.name] = replace(cells, links=links)
    return replace(
        translated,
        groups=tuple(groups.values()),
        parameters=(*translated.parameters, Parameter(REPLAYED, 0.0, meaning="1 where twins' rates drive the cells")),
    )


def _asked_drive(population: Population) -> str:
    return f"{population.drive}_asked"


def _asked_of_twins(group: Group, unit: SpikingUnit, population: Population) -> Group:
    """Return a unit-level group whose rate asked for is, with `replayed`, that of the twin."""
    lines = {line.name: line for line in read_equations(group.equations)}
    twin = twin_name(str(population.transfer if unit.form == "rate" else population.rate))
    if twin not in lines:
        return group  # what this rate is asked for depends on no rate
    asked = lines[unit.asked]
    lines[unit.asked] = replace(asked, expr=f"{REPLAYED}*{twin} + (1 - {REPLAYED})*({asked.expr})")
    drive = str(population.drive)
    if twin_name(drive) in lines:
        mixed = f"{REPLAYED}*{twin_name(drive)} + (1 - {REPLAYED})*{drive}"
        lines[_asked_drive(population)] = Equation(_asked_drive(population), "subexpression", lines[drive].unit, mixed)
        activity = lines[unit.activity]  # of affine cells it is a function of the drive
        lines[unit.activity] = replace(activity, expr=rename(activity.expr, {drive: _asked_drive(population)}))
    return _with_constant(replace(group, equations=write_equations(lines.values())), REPLAYED)


def _with_constant(group: Group, name: str) -> Group:
    line = Equation(name, "parameter", "1", flags=("shared", "constant"))
    return replace(group, equations=f"{group.equations}\n{line}", constants=(*group.constants, name))


def fano_rows(calibration: Calibration | None) -> list[float]:
    """Return the Fano factor from silence to the highest rate; 1 for Poisson cells."""
    if calibration is None:
        return [1.0] * (FANO_ROWS + 1)
    return [min(max(calibration.fano_at(row / FANO_ROWS), 0.0), 2.0) for row in range(FANO_ROWS + 1)]


def without_cells(translated: Translation) -> Translation:
    """Return a translation whose units count numbers in place of the spikes of their cells."""
    rated = [population for population in translated.model.populations if population.rate]
    gone = {f"{population.name}_cells" for population in rated} | {f"{population.name}_output" for population in rated}
    groups = {group.name: group for group in translated.groups if group.name not in gone}
    for population in rated:
        unit = translated.units[population.name]
        groups[population.name] = _counting(groups[population.name], unit, population)
    spiking = translated.spiking or Spiking()
    read = {table.name for item in rated for table in current_tables(translated.units[item.name], spiking)}
    tables = [table for table in translated.tables if table.name not in read]
    fanos = [Table(fano_table(population.name), meaning="Fano factor of its cells") for population in rated]
    return replace(
        translated,
        groups=tuple(groups.values()),
        connections=tuple(item for item in translated.connections if item.name not in gone),
        tables=(*tables, *fanos),
        parameters=(*translated.parameters, Parameter(SCATTER, 0.0, meaning="sign of the noise of counts, or 0")),
    )


def _counting(group: Group, unit: SpikingUnit, population: Population) -> Group:
    now, before = f"{population.rate}_scatter", f"{population.rate}_scatter_before"
    fano = f"clip({fano_table(population.name)}({FANO_ROWS}*{unit.activity}*second), 0, 2)"
    code = [
        f"{before} = {now}",
        f"{now} = randn()",
        f"mean_count = rate_max*{unit.activity}*dt",
        f"F_cells = {fano}",
        f"noise_count = (sqrt(F_cells) + sqrt(2 - F_cells))*{now}/2 + (sqrt(F_cells) - sqrt(2 - F_cells))*{before}/2",
        f"count = mean_count + {SCATTER}*sqrt(mean_count/cells_per_unit)*noise_count",
    ]
    counted = Operation(f"{population.name}_counted", "\n".join(code), *schedule.COUNT)
    events = {
        name: (re.sub(r"\b(count(_late_\w+)?) > 0", r"\1 != 0", condition), when, order)
        for name, (condition, when, order) in group.events.items()
    }
    drawn = [Equation(name, "parameter", "1") for name in (now, before)]
    group = replace(
        group,
        equations=write_equations([*read_equations(group.equations), *drawn]),
        events=events,
        operations=(*group.operations, counted),
    )
    return _with_constant(group, SCATTER)
