"""The spiking variant: units read their rates from spikes, rules are split on spike events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from brian2 import Hz, ms

from brainmem.errors import TranslationError, closest
from brainmem.spec import LearningRule, MemoryModel, Parameter, Population, Projection
from brainmem.translation import protocol, rate, schedule
from brainmem.translation.common import (
    connect_text,
    constants_in,
    model_names,
    projection_orders,
    rules_of,
    summed_lines,
    used_names,
)
from brainmem.translation.currents import cell_current, current_tables
from brainmem.translation.expansion import phase_time, rate_expansions
from brainmem.translation.expected import Expected, expected_name
from brainmem.translation.inputs import correlations
from brainmem.translation.lines import Line, identifiers, merged, read_lines, rename, write_lines
from brainmem.translation.neurons import SpikingUnit, spiking_unit
from brainmem.translation.restarts import restarts
from brainmem.translation.rules import lower_rule
from brainmem.translation.settling import SETTLE_EVENT, settling, settling_event
from brainmem.translation.split import SplitRule
from brainmem.translation.text import WHOLE, Connection, Group, Initial, Operation, Pathway, Table

ROUNDING = 1e-6  # of the range; a tanh of 1 is within

__all__ = [
    "SPIKING_PARAMETERS",
    "spiking_connections",
    "spiking_groups",
    "spiking_initial",
    "spiking_parameters",
    "spiking_tables",
]

SPIKING_PARAMETERS = (
    Parameter("rate_max", 100 * Hz, meaning="firing rate that stands for the top of the rate range"),
    Parameter("cells_per_unit", 1, meaning="spiking cells that share one unit's drive"),
    Parameter("tau_m", 10 * ms, meaning="membrane time constant"),
    Parameter("t_ref", 2 * ms, meaning="refractory period"),
    Parameter("sigma_v", 0.3, meaning="membrane noise, in units of threshold minus reset"),
    Parameter("spike_dt", 0.5 * ms, meaning="Euler step of the spiking variant"),
)


def spiking_parameters(model: MemoryModel) -> tuple[Parameter, ...]:
    """Return the parameters of the cells, with the model's own choices for them.

    Raises
    ------
    TranslationError
        For a name in ``model.spiking`` that the translation does not know.
    """
    known = {item.name: item for item in SPIKING_PARAMETERS}
    for name in model.spiking:
        if name not in known:
            raise TranslationError(
                f"Model {model.name!r}: spiking[{name!r}] is not a parameter of the spiking variant. "
                f"Known: {', '.join(known)}.{closest(name, known)}"
            )
    return tuple(
        Parameter(item.name, model.spiking.get(item.name, item.value), meaning=item.meaning, source="ours")
        for item in SPIKING_PARAMETERS
    )


def spiking_groups(expected: Expected, connections: Iterable[Connection], *, neuron: str) -> tuple[Group, ...]:
    """Return the unit-level group of every population, and the cells of those with a rate.

    The expected rate is kept where `connections` or the model's texts read it.
    """
    model = expected.model
    plain = {group.name: group for group in rate.rate_groups(model, expected.states)}
    read = used_names(text for item in connections for text in item.texts)
    groups: list[Group] = []
    for population in model.populations:
        if population.rate is None:
            groups.append(plain[population.name])
        else:
            unit = spiking_unit(model, population)
            if population.name in expected.rates or unit.expected in read:
                unit = replace(unit, lines=(*unit.lines, unit.expected_line))
            groups += [_units(model, unit, expected.states.get(population.name, ())), _cells(unit, neuron)]
    return tuple(groups)


def _refuse_sequential(model: MemoryModel, population: Population) -> None:
    if population.sequential:
        raise TranslationError(
            f"Model {model.name!r}, population {population.name!r}: its units are updated one at a time "
            f"(sequential={population.sequential!r}), which has no counterpart in spiking cells that could be derived "
            "from the text. Run the rate variant; a spiking variant of such a model is a model text of its own, with "
            "cells that its paper or you describe."
        )


def _units(model: MemoryModel, unit: SpikingUnit, states: Collection[str]) -> Group:
    population = unit.population
    starts = {name: _start(unit, name, states) for name in restarts(model) if _settable(unit, name)}
    extra, operations = protocol.protocol_operations(model, population, state=unit.state, starts=starts)
    operations = (*operations, *_drive_start(model, unit))
    links = protocol.protocol_links(model, population)
    follow = (Line(name, "parameter", u, flags=("linked",)) for name, u in protocol.followed(model, population))
    shown = protocol.protocol_lines(model, population, used=model_names(model) | _windows(model))
    lines = (*unit.lines, *shown, *extra, *follow, *phase_time(population))
    deliver = Operation(
        f"{population.name}_trace",
        f"{unit.trace} += count/({unit.tau}*rate_max)\ncount = 0",
        *schedule.TRACE,
        event="unit_spike",
    )
    lines = (*lines, *(Line(name, "parameter", "1") for name in unit.beyond))
    operations = (*operations, _watch_range(unit))
    parameters = (*model.parameters, *spiking_parameters(model))
    texts = [*(line.expr for line in lines), deliver.code]
    return Group(
        name=population.name,
        size=str(population.size),
        equations=write_lines(lines),
        events={
            **protocol.operation_events(operations),
            **rate.unit_events(model, population),
            "unit_spike": ("count > 0", *schedule.UNIT_EVENT),
        },
        operations=(*operations, deliver),
        links=links,
        constants=constants_in([*texts, *(op.code for op in operations)], parameters),
        state_when=schedule.UNITS[0],
        state_order=schedule.UNITS[1],
    )


def _watch_range(unit: SpikingUnit) -> Operation:
    """Return the operation that notes where rates are asked of the cells that lie beyond their range."""
    over, under, beyond = unit.beyond
    place = f"{unit.population.rate}_place"  # 0 ... 1 within the range
    code = [
        f"{place} = {unit.trace_of(unit.asked)}",
        f"{over} = clip({place} - 1, {over}, inf)",
        f"{under} = clip(-{place}, {under}, inf)",
        f"{beyond} += int({place} > 1 + {ROUNDING}) + int({place} < -{ROUNDING})",
    ]
    return Operation(f"{unit.population.name}_range", "\n".join(code), *schedule.AVERAGE)


def _windows(model: MemoryModel) -> set[str]:
    return {protocol.window_gate(rule) for rule in model.rules if rule.episodic}


def _settable(unit: SpikingUnit, name: str) -> bool:
    return name in unit.state or name in (unit.population.rate, unit.population.drive)


def _start(unit: SpikingUnit, name: str, states: Collection[str]) -> str:
    """Return the statements by which a phase sets `name`, with ``{value}`` for the value."""
    if unit.form == "rate" and name == unit.population.rate:
        expected = [f"{unit.expected} = {{value}}"] if unit.expected in unit.state else []
        return "\n".join([f"{unit.trace} = {unit.trace_of('{value}')}", *expected])
    if unit.form == "current" and name == unit.population.drive:
        phi = next(line.expr for line in unit.lines if line.name == unit.asked)
        return f"{unit.trace} = clip({unit.trace_of(rename(phi, {name: '({value})'}))}, 0, 1)"
    return rate.started(name, states)


def _drive_start(model: MemoryModel, unit: SpikingUnit) -> tuple[Operation, ...]:
    """Return the operation by which a phase sets a drive: what its sums do not hold is put into the input's filter."""
    drive = unit.population.drive
    if unit.form != "current" or drive not in restarts(model):
        return ()
    code = protocol.restart_code(model, {str(drive): f"{unit.filtered} = {{value}} - ({unit.currents})"})
    name = f"{unit.population.name}_drive_start"
    return (Operation(name, "\n".join(code), *schedule.START_DRIVE, event=protocol.DRIVE_BEGIN),)


def _cells(unit: SpikingUnit, neuron: str) -> Group:
    name = unit.population.name
    link, source, current = cell_current(unit, neuron)
    each = f"repeat(arange({unit.population.size}), cells_per_unit)"
    common: dict[str, Any] = {"name": f"{name}_cells", "size": f"{unit.population.size}*cells_per_unit"}
    links: dict[str, tuple[str, str, str | None]] = {link.name: (name, source, each)}
    if neuron == "poisson":
        threshold = f"rand() < rate_max*{unit.activity}*dt"
        constants = ("rate_max",)
        return Group(equations=str(link), threshold=threshold, reset="", constants=constants, links=links, **common)
    followed = {"step": "1", "elapsed": "second"}
    lines = (
        link,
        *(Line(variable, "parameter", unit_, flags=("linked",)) for variable, unit_ in followed.items()),
        current,
        Line(
            "v",
            "differential",
            "1",
            "(I - v)/tau_m + sigma_v*sqrt(2/tau_m)*xi",
            ("unless refractory",),
        ),
    )
    return Group(
        equations=write_lines(lines),
        threshold="v > 1",
        reset="v = 0",
        refractory="t_ref",
        events={SETTLE_EVENT: settling_event(name)},
        operations=(settling(name),),
        links={**links, **{variable: (protocol.CONTROLLER, variable, None) for variable in followed}},
        constants=("tau_m", "sigma_v", "t_ref"),
        **common,
    )


def spiking_connections(
    model: MemoryModel, *, neuron: str, read: str | None, pairing: str | None
) -> tuple[tuple[Connection, ...], tuple[SplitRule, ...]]:
    """Return every connection of the spiking variant and how each rule's terms are read."""
    for population in model.populations:
        _refuse_sequential(model, population)
    orders = projection_orders(model)
    units = {p.name: spiking_unit(model, p) for p in model.populations if p.rate}
    connections: list[Connection] = [_output(unit) for unit in units.values()]
    splits: list[SplitRule] = []
    for projection in model.projections:
        connection, split = _connection(model, projection, orders, units, neuron=neuron, read=read, pairing=pairing)
        connections.append(connection)
        splits += split
    return tuple(connections), tuple(splits)


def _output(unit: SpikingUnit) -> Connection:
    """Return the synapses that count a unit's spikes."""
    name = unit.population.name
    count = Pathway("count", "pre", "count_post += 1.0/cells_per_unit", "spike", *schedule.COUNT)
    return Connection(
        name=f"{name}_output",
        source=f"{name}_cells",
        target=name,
        equations="",
        pathways=(count,),
        connect="j='i//cells_per_unit'",
    )


def _connection(
    model: MemoryModel, projection: Projection, orders, units: Mapping[str, SpikingUnit], *, neuron, read, pairing
) -> tuple[Connection, list[SplitRule]]:
    plain = rate.rate_connection(model, projection, orders)
    slots = schedule.rule_slots(model.rules)
    for rule in rules_of(model, projection):
        _refuse_open_window(model, rule, read or rule.read)
    lowered = [
        lower_rule(
            rule,
            projection,
            units,
            known=correlations(model, projection, units),
            slots=slots[rule.name],
            expansions=rate_expansions(model, projection),
            neuron=neuron,
            read=read or rule.read,
            pairing=pairing or rule.pairing,
        )
        for rule in rules_of(model, projection)
    ]
    lines = [*summed_lines(projection)]
    lines += read_lines(projection.variables) if projection.variables.strip() else ()
    lines = list(merged((*lines, *(line for item in lowered for line in item.lines))))
    operations = tuple(op for item in lowered for op in item.operations)
    pathways = tuple(path for item in lowered for path in item.pathways)
    lines += _declared_by_rules(model, projection, lines, (*operations, *pathways))
    lines += rate.undeclared(projection, lines)
    texts = [*(line.expr for line in lines), *(op.code for op in operations), *(path.code for path in pathways)]
    parameters = (*model.parameters, *spiking_parameters(model))
    connection = Connection(
        name=projection.name,
        source=projection.source,
        target=projection.target,
        equations=write_lines(lines),
        pathways=pathways,
        operations=operations,
        connect=connect_text(model, projection),
        constants=constants_in(texts, parameters),
        state_order=schedule.PLASTICITY[1],
        summed_order=plain.summed_order,
        source_units=projection.source_units,
        target_units=projection.target_units,
    )
    return connection, [split for item in lowered for split in item.splits]


def _declared_by_rules(
    model: MemoryModel, projection: Projection, lines: list[Line], code: tuple[Operation | Pathway, ...]
) -> list[Line]:
    """Return the parameters and subexpressions that continuous rules declare and that others than they read or start.

    In a rule's own terms its subexpressions are written out.
    """
    texts = [*(line.expr for line in lines), *(item.code for item in code)]
    wanted = set(projection.initial).union(*map(identifiers, texts)) - {line.name for line in lines}
    declared = {
        line.name: line
        for rule in rules_of(model, projection)
        if rule.continuous and rule.spiking is None
        for line in read_lines(rule.continuous)
        if line.kind != "differential"
    }
    found: dict[str, Line] = {}
    while todo := (wanted & set(declared)) - set(found):
        found |= {name: declared[name] for name in sorted(todo)}
        wanted |= set().union(*(identifiers(declared[name].expr) for name in todo))
    return list(found.values())


def _refuse_open_window(model: MemoryModel, rule: LearningRule, read: str) -> None:
    """Refuse to spread an episodic change over the end of a phase that nobody knows beforehand."""
    if not rule.episodic or rule.spiking is not None or read not in ("event", "drive"):
        return
    for phase in (model.protocol.phase(name) for name in rule.at):
        if phase.until:
            raise TranslationError(
                f"Rule {rule.name!r}: read={read!r} spreads the change over the last part of the phase {phase.name!r}, "
                f"which may end early (until={phase.until!r}), so that a part of the change would be lost. Use "
                "read='trace', which makes the whole change when the phase ends."
            )


def spiking_tables(model: MemoryModel, *, neuron: str) -> tuple[Table, ...]:
    """Return the tables of the protocol, and those that the currents of cells are read from."""
    units = (spiking_unit(model, p) for p in model.populations if p.rate)
    return (*protocol.protocol_tables(model), *(table for unit in units for table in current_tables(unit, neuron)))


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


def _differential(group: Group) -> list[Line]:
    lines = read_lines(group.equations) if group.equations.strip() else ()
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


def _whole(projection: Projection) -> str:
    """Return the ending of the name of weights over all units (`brainmem.starts`), where they join a part of them."""
    return WHOLE if projection.source_units or projection.target_units else ""


def _current_start(model: MemoryModel, unit: SpikingUnit, draw: str) -> list[Initial]:
    """Start a drive at u(0): the trace at phi(u(0)), the input filter at u(0) minus the currents of that trace."""
    name, drive = unit.population.name, unit.population.drive
    start = f"{name}_{drive}"
    phi = next(line.expr for line in unit.lines if line.name == f"{unit.population.rate}_phi")
    trace = f"{name}_{unit.trace}"
    rates = unit.rate_of(trace)
    recurrent = [
        f"{p.name}_{weight}{_whole(p)} @ {rates}"
        for p in model.projections
        if p.target == name == p.source
        for weight in p.initial
        if {weight, f"{unit.population.rate}_pre"} <= identifiers(p.current)
    ]
    return [
        Initial("", start, draw, f"{name}.{drive}"),
        Initial(name, unit.trace, unit.trace_of(rename(phi, {drive: start}))),
        Initial(name, unit.filtered, " - ".join([start, *recurrent])),
    ]
