"""Where spiking units start, at the beginning of a run and where a phase sets variables: traces stand for rates."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from brainmem.errors import TranslationError
from brainmem.model.memory import MemoryModel
from brainmem.model.names import expected_name
from brainmem.model.nouns import Projection
from brainmem.model.phases import Turn, set_by_phases, turns
from brainmem.model.reading import Summed, sums_onto
from brainmem.text.equations import Equation, identifiers, read_equations, rename
from brainmem.translation import protocol, rate, schedule
from brainmem.translation.changed import Expected
from brainmem.translation.neurons import SpikingUnit, spiking_unit
from brainmem.translation.phases import phase_operations, read_through
from brainmem.translation.restarts import restarts
from brainmem.translation.text import WHOLE, Group, Initial, Operation

__all__ = ["drive_start", "settable_starts", "spiking_initial"]


def settable_starts(model: MemoryModel, unit: SpikingUnit, states: Collection[str]) -> dict[str, str]:
    """Return the variables of a unit that phases set, and the statements that do so, ``{value}`` for the value."""
    population = unit.population
    own = {*unit.state, *set_by_phases(model, population), population.rate, population.drive}
    return {name: _start(unit, name, states) for name in restarts(model) if name in own}


def _start(unit: SpikingUnit, name: str, states: Collection[str]) -> str:
    """Return the statements by which a phase sets `name`, with ``{value}`` for the value."""
    if unit.form == "rate" and name == unit.population.rate:
        expected = [f"{unit.expected} = {{value}}"] if unit.expected in unit.state else []
        return "\n".join([f"{unit.trace} = {unit.trace_of('{value}')}", *expected])
    if unit.form == "current" and name == unit.population.drive:
        phi = next(line.expr for line in unit.lines if line.name == unit.asked)
        return f"{unit.trace} = clip({unit.trace_of(rename(phi, {name: '({value})'}))}, 0, 1)"
    return rate.started(name, states)


def drive_start(model: MemoryModel, unit: SpikingUnit) -> tuple[Operation, ...]:
    """Return the operation by which a phase sets a drive: what its sums do not hold is put into the input's filter."""
    drive = unit.population.drive
    if unit.form != "current" or drive not in restarts(model):
        return ()
    code = protocol.restart_code(model, {str(drive): f"{unit.filtered} = {{value}} - ({unit.currents})"})
    name = f"{unit.population.name}_drive_start"
    return (Operation(name, "\n".join(code), *schedule.START_DRIVE, event=protocol.DRIVE_BEGIN),)


def unit_statements(model: MemoryModel, unit: SpikingUnit, lines: Collection[Equation]) -> tuple[Operation, ...]:
    """Return what phases run on spiking units when they begin and end, over the `lines` of the group.

    Raises
    ------
    TranslationError
        Where a drive is set that the units have as a sum of filtered spikes, or read before this sum is formed.
    """
    onto = {item.variable for item in sums_onto(model, unit.population.name)}
    summed = {line.name for line in unit.lines if line.kind == "parameter"} & onto
    for turn in turns(model, unit.population.name):
        read = read_through(identifiers(turn.code), lines)
        if unit.form == "current" and unit.population.drive in turn.targets:
            raise _refused(model, turn, unit, "set", f"Set it by start={{{unit.population.drive!r}: ...}}.")
        if unit.form == "current" and turn.moment == "begin" and read & summed:
            raise _refused(model, turn, unit, "read there", "Read it in end= of the phase before, and keep it.")
    return phase_operations(model, unit.population, lines, lambda *statement: _set(unit, *statement))


def _refused(model: MemoryModel, turn: Turn, unit: SpikingUnit, what: str, advice: str) -> TranslationError:
    return TranslationError(
        f"Model {model.name!r}, phase {turn.phase.name!r}, {turn.moment}[{turn.population!r}]: the drive "
        f"{unit.population.drive!r} of spiking units is the sum of spikes filtered with its time constant, and cannot "
        f"be {what}. {advice} The rate variant runs the statements as they are."
    )


def _set(unit: SpikingUnit, target: str, operator: str, value: str) -> list[str]:
    """Return the statements that set a variable of spiking units: for a rate its trace, and the expected rate."""
    rate = str(unit.population.rate)
    if target != rate:
        return [f"{target} {operator} {value}"]
    whole = value if operator == "=" else f"{rate} {operator[0]} ({value})"
    expected = [f"{unit.expected} = {rename(whole, {rate: unit.expected})}"] if unit.expected in unit.state else []
    return [*expected, f"{unit.trace} = {unit.trace_of(whole)}"]


def spiking_initial(expected: Expected, groups: Iterable[Group]) -> tuple[Initial, ...]:
    """Return the start values of the spiking variant: traces stand where the rates would start.

    What is expected begins as that in whose place it is read.
    """
    model = expected.model
    state = {f"{group.name}.{line.name}" for group in groups for line in _differential(group)}
    initial: list[Initial] = [
        Initial(p.name, name, draw) for p in model.projections for name, draw in p.initial.items()
    ]
    for population in model.populations:
        if population.rate is None:
            initial += [Initial(population.name, name, draw) for name, draw in population.initial.items()]
        else:
            unit = spiking_unit(model, population)
            initial += _unit_initial(model, unit)
            if f"{population.name}.{unit.expected}" in state:
                initial.append(Initial(population.name, unit.expected, unit.rate_of(f"{population.name}_{unit.trace}")))
        for name in expected.states.get(population.name, ()):
            if name in population.initial:
                initial.append(Initial(population.name, expected_name(name), f"{population.name}_{name}"))
    return tuple(initial)


def _differential(group: Group) -> list[Equation]:
    lines = read_equations(group.equations)
    return [line for line in lines if line.kind == "differential"]


def _unit_initial(model: MemoryModel, unit: SpikingUnit) -> list[Initial]:
    population, found = unit.population, []
    unset = {}
    if unit.form == "rate" and population.rate not in population.initial:
        unset = {population.rate: "0"}  # where the rate variant starts, which need not be the trace's 0
    for name, draw in {**population.initial, **unset}.items():
        if unit.form == "rate" and name == population.rate:
            trace, own = unit.trace_of(draw), f"{population.name}.{name}"
            found.append(Initial(population.name, unit.trace, trace, own, given=unit.trace_of("given")))
        elif unit.form == "current" and name == population.drive:
            found += _current_start(model, unit, draw)
        else:
            found.append(Initial(population.name, name, draw))
    return found


def _current_start(model: MemoryModel, unit: SpikingUnit, draw: str) -> list[Initial]:
    """Start a drive at u(0): the trace at phi(u(0)), the input filter at u(0) minus the currents of that trace."""
    name, drive = unit.population.name, unit.population.drive
    assert drive is not None  # units of the current form have one
    start = f"{name}_{drive}"
    phi = next(line.expr for line in unit.lines if line.name == f"{unit.population.rate}_phi")
    trace = f"{name}_{unit.trace}"
    rates = unit.rate_of(trace)
    recurrent = [
        text
        for item in sums_onto(model, name)
        if item.over == name
        for weight in item.projection.initial
        if (text := _recurrent(item, weight, f"{unit.population.rate}{item.other_end}", rates))
    ]
    return [
        Initial("", start, draw, f"{name}.{drive}"),
        Initial(name, unit.trace, unit.trace_of(rename(phi, {drive: start}))),
        Initial(name, unit.filtered, " - ".join([start, *recurrent])),
    ]


def _recurrent(item: Summed, weight: str, rate: str, rates: str) -> str:
    """Return what a sum of weighted rates holds when it starts, ``""`` for a sum of anything else."""
    matrix = f"{item.projection.name}_{weight}{_whole(item.projection)}"
    if not {weight, rate} <= item.line.names:
        return ""
    return f"{matrix} @ {rates}" if item.end == "_post" else f"{rates} @ {matrix}"


def _whole(projection: Projection) -> str:
    """Return the ending of the name of weights over all units, where they join a part of them."""
    return WHOLE if projection.source_units or projection.target_units else ""
