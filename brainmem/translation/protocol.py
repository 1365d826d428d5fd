"""What populations read of the protocol, and what they do at its beginnings and ends; the tables behind both.

Stimuli, gates, durations and resets are tables read at the index `step` of the controller
(`brainmem.translation.controller`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from brainmem.model.memory import MemoryModel
from brainmem.model.names import window_gate
from brainmem.model.nouns import LearningRule, Pattern, Population, Stimulus
from brainmem.model.phases import turns
from brainmem.model.visits import unit_lines
from brainmem.text.equations import Equation, read_equations
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER, FOLLOWED, START_SEED
from brainmem.translation.restarts import patterns_on_device, restarts
from brainmem.translation.sizes import Link, Size
from brainmem.translation.text import Operation, Table

__all__ = [
    "DRIVE_BEGIN",
    "PHASE_BEGIN",
    "followed",
    "has_restored",
    "operation_events",
    "owner_of",
    "protocol_lines",
    "protocol_links",
    "protocol_operations",
    "protocol_tables",
    "readable_lines",
    "restart_code",
]

FIRST = "elapsed < 0.5*dt"
PHASE_BEGIN = "phase_begin"  # the event at which variables are set and put back
DRIVE_BEGIN = "drive_begin"  # and that at which drives are set, behind the sums; Brian2 runs one code at an event


def has_restored(model: MemoryModel) -> bool:
    """Return whether any phase runs beside the protocol."""
    return any(phase.restore for phase in model.protocol.phases)


def followed(model: MemoryModel, population: Population) -> tuple[tuple[str, str], ...]:
    """Return the variables (and units) of the controller that a population follows."""
    framed = [item for item in model.stimuli if item.every and item.population == population.name]
    averaging = [("averaging", "1")] if population.rate else []
    lines = {line.name for line in read_equations(population.equations)}
    drawing = any(item.on_device and name in lines for name, item in restarts(model).items())
    seeded = [(START_SEED, "1")] if drawing else []
    return (*FOLLOWED, *averaging, *seeded, *((f"{item.name}_shown", "1") for item in framed))


def readable_lines(model: MemoryModel, population: Population) -> Iterator[Equation]:
    """Yield every line that may be read of a unit of `population`: its own, and what the protocol gives it."""
    yield from unit_lines(population)
    yield from protocol_lines(model, population, used=None)


def protocol_links(model: MemoryModel, population: Population) -> dict[str, Link]:
    """Return the linked variables by which a group follows the controller."""
    return {name: Link(CONTROLLER, name) for name, _ in followed(model, population)}


def protocol_lines(model: MemoryModel, population: Population, *, used: set[str] | None) -> tuple[Equation, ...]:
    """Return the stimuli and gates that a population reads.

    They are stored when a phase begins (`protocol_operations`); stimuli with frames change within phases, and are read
    from their table in every step.

    Parameters
    ----------
    used : set of str or None
        The names that occur in the model's text; None returns every line.
    """
    shown = [item for item in model.stimuli if item.population == population.name]
    lines = [_framed_line(item) if item.every else Equation(item.name, "parameter", item.unit) for item in shown]
    lines += [Equation(gate, "parameter", "1") for gate in model.protocol.gates]
    lines += [_window_line(rule) for rule in model.rules if rule.episodic]
    return tuple(line for line in lines if used is None or line.name in used)


def _framed_line(item: Stimulus) -> Equation:
    expr = f"{item.name}_values({item.name}_shown*second, i)"
    return Equation(item.name, "subexpression", item.unit, expr, ("constant over dt",))


def _shown_code(model: MemoryModel, population: Population, used: set[str]) -> list[str]:
    """Return the statements that store, when a phase begins, what it shows and which gates it opens."""
    shown = [item.name for item in model.stimuli if item.population == population.name and not item.every]
    code = [f"{name} = {name}_values({name}_row(step*second)*second, i)" for name in shown if name in used]
    return code + [f"{gate} = {gate}_gate(step*second)" for gate in model.protocol.gates if gate in used]


def _window_line(rule: LearningRule) -> Equation:
    gate = window_gate(rule.name)
    expr = f"{gate}_rate(step*second)*int(elapsed >= step_average(step*second) - 0.5*dt)"
    return Equation(gate, "subexpression", "Hz", expr, ("constant over dt",))


def protocol_operations(
    model: MemoryModel, population: Population, *, state: dict[str, str], starts: dict[str, str], used: set[str]
) -> tuple[tuple[Equation, ...], tuple[Operation, ...]]:
    """Return the variables and statements by which a population is shown stimuli, restarts, is put back, and averages.

    Parameters
    ----------
    state : dict of str to str
        State variables (and their units) kept while a phase runs that restores them.
    starts : dict of str to str
        Variables that a phase may set, and the statements that do so, ``{value}`` for the value.
    used : set of str
        The names that occur in the model's text.
    """
    lines: list[Equation] = []
    code = _shown_code(model, population, used)
    if has_restored(model):
        kept_lines, kept_code = _kept(state)
        lines, code = lines + kept_lines, code + kept_code
    code += restart_code(model, starts)
    operations = []
    if code:
        slot = schedule.RESTART_BEFORE if any(turns(model, population.name)) else schedule.RESTART
        restart = Operation(f"{population.name}_restart", "\n".join(code), *slot, event=PHASE_BEGIN)
        operations.append(restart)
    if population.rate:
        average_line, average = _average(population, _unit_of(model, population))
        lines.append(average_line)
        operations += average
    return tuple(lines), tuple(operations)


def operation_events(operations: Iterable[Operation]) -> dict[str, tuple[str, str, int]]:
    """Return the events at the beginning of a phase that `operations` run at: condition and slot, by name."""
    first = (FIRST, *schedule.PHASE_BEGIN)
    known = {PHASE_BEGIN: first, DRIVE_BEGIN: first, "step_begin": (FIRST, *schedule.FIRST)}
    return {op.event: known[op.event] for op in operations if op.event in known}


def _unit_of(model: MemoryModel, population: Population) -> str:
    return next(line.unit for line in readable_lines(model, population) if line.name == population.rate)


def _kept(state: dict[str, str]) -> tuple[list[Equation], list[str]]:
    lines = [Equation(f"{name}_kept", "parameter", unit) for name, unit in state.items()]
    code = ["put_back = step_put_back(step*second)"]
    code += [f"{name} = put_back*{name}_kept + (1 - put_back)*{name}" for name in state]
    code += ["set_aside = step_set_aside(step*second)"]
    code += [f"{name}_kept = set_aside*{name} + (1 - set_aside)*{name}_kept" for name in state]
    return lines, code


def restart_code(model: MemoryModel, starts: dict[str, str]) -> list[str]:
    """Return the statements by which a phase sets variables; see `protocol_operations`."""
    code, known = [], restarts(model)
    for name, target in starts.items():
        code.append(f"restart_{name} = int({name}_row(step*second) > 0.5)")
        for line in target.splitlines():
            variable, _, template = line.partition(" = ")
            value = template.format(value=known[name].value)
            code.append(f"{variable} = restart_{name}*({value}) + (1 - restart_{name})*{variable}")
    return code


def _average(population: Population, unit: str) -> tuple[Equation, list[Operation]]:
    total = f"{population.rate}_total"
    product = "second" if unit == "1" else f"{unit}*second"
    gather = f"{total} = {total} + {population.rate}*averaging*dt"
    return Equation(total, "parameter", product), [
        Operation(f"{population.name}_average", gather, *schedule.AVERAGE),
        Operation(f"{population.name}_clear", f"{total} = {total}*(1 - ended)", *schedule.CLEAR),
    ]


def protocol_tables(model: MemoryModel) -> tuple[Table, ...]:
    """Return every table the controller and the populations read."""
    tables = [
        Table("step_duration", unit="second", meaning="longest duration of the step"),
        Table("step_phase", meaning="index of the step's phase"),
        Table("step_average", unit="second", meaning="time into the step from which rates are averaged"),
        Table("step_snapshot", meaning="number of the epoch after which weights are recorded when the step ends, or 0"),
    ]
    if model.protocol.loops:
        tables += [
            Table("step_skip", meaning="steps passed over behind the step"),
            Table(
                "step_loop", meaning="number of the repetition whose condition is read when the step ends; 0 is none"
            ),
            Table("step_leap", meaning="steps passed over, too, where it holds"),
        ]
    if has_restored(model):
        tables += [
            Table("step_set_aside", meaning="1 where the neurons' state is set aside"),
            Table("step_put_back", meaning="1 where it is put back"),
        ]
    for item in model.stimuli:
        tables += [
            Table(f"{item.name}_row", meaning=f"row of {item.name} shown; 0 is none"),
            _values(model, item),
        ]
        if item.every:
            tables.append(Table(f"{item.name}_frame", meaning=f"frame of {item.name} shown after so many time steps"))
    tables += [Table(f"{gate}_gate", meaning=f"value of the gate {gate}") for gate in model.protocol.gates]
    tables += _start_tables(model)
    for rule in (rule for rule in model.rules if rule.episodic):
        tables += [
            Table(f"{window_gate(rule.name)}_rate", unit="Hz", meaning="1/averaging window, 0 outside"),
            Table(f"{rule.name}_at", meaning=f"1 where {rule.name} runs when the step ends"),
        ]
    return tuple(tables)


def _values(model: MemoryModel, item: Pattern) -> Table:
    size = Size(str(model.population(item.population).size))
    return Table(f"{item.name}_values", size, item.unit, f"rows of {item.name}; row 0 is zero")


def _start_tables(model: MemoryModel) -> list[Table]:
    tables = [_values(model, item) for item in patterns_on_device(model) if item not in model.stimuli]
    known = restarts(model)
    for name, item in known.items():
        population = owner_of(model, name)
        line = next(line for line in readable_lines(model, population) if line.name == name)
        tables.append(Table(f"{name}_row", meaning=f"number of the start value of {name} that is set; 0 is none"))
        if not item.on_device:
            size = Size(str(population.size))
            tables.append(Table(f"{name}_start", size, line.unit, f"start values of {name} by that number"))
    if any("step_item(" in text for item in known.values() for _, text in item.on_device):
        tables.append(Table("step_item", meaning="item of the step, from 0"))
    return tables


def owner_of(model: MemoryModel, variable: str) -> Population:
    """Return the population whose equations define `variable`."""
    return next(
        population
        for population in model.populations
        if any(line.name == variable for line in read_equations(population.equations))
    )
