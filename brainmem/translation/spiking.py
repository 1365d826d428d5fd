"""The spiking variant: units read their rates from spikes, rules are split on spike events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from brainmem.errors import TranslationError
from brainmem.model.memory import MemoryModel
from brainmem.model.names import window_gate
from brainmem.model.nouns import LearningRule, Population, Projection
from brainmem.model.parts import unchecked
from brainmem.model.phases import set_by_phases
from brainmem.model.reading import constants_in, model_names, rules_of, summed_lines, sums_of, used_names
from brainmem.model.variants import Spiking
from brainmem.text.equations import Equation, identifiers, merged, read_equations, write_equations
from brainmem.translation import protocol, rate, schedule
from brainmem.translation.cells import cells, counting_synapses, spiking_parameters
from brainmem.translation.changed import Expected
from brainmem.translation.common import pairs_of, projection_orders, summed_orders
from brainmem.translation.currents import current_tables, rate_tables, reaching
from brainmem.translation.inputs import correlations
from brainmem.translation.neurons import SpikingUnit, spiking_unit
from brainmem.translation.phases import phase_events
from brainmem.translation.rules import lower_rule
from brainmem.translation.sizes import Size
from brainmem.translation.spiking_starts import drive_start, settable_starts, unit_statements
from brainmem.translation.split.core import SplitRule
from brainmem.translation.split.expansion import phase_time, rate_expansions
from brainmem.translation.text import Connection, Group, Operation, Pathway, Table

__all__ = ["spiking_connections", "spiking_groups", "spiking_tables"]

ROUNDING = 1e-6  # of the range; a tanh of 1 is within


def spiking_groups(expected: Expected, connections: Iterable[Connection], spiking: Spiking) -> tuple[Group, ...]:
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
            unit = reaching(spiking_unit(model, population), spiking)
            if population.name in expected.rates or unit.expected in read:
                unit = replace(unit, lines=(*unit.lines, unit.expected_line))
            groups += [_units(model, unit, expected.states.get(population.name, ())), cells(unit, spiking)]
    return tuple(groups)


def _refuse_sequential(model: MemoryModel, population: Population) -> None:
    if population.sequential:
        raise TranslationError(
            f"Model {model.name!r}, population {population.name!r}: its units are updated one at a time "
            f"(sequential={population.sequential!r}), which has no counterpart in spiking cells that could be derived "
            f"from this statement. Give the population the equation that cells follow in its place: write "
            f"'d{population.state}/dt = (phi - {population.state})/tau : 1' for '{population.state} : 1', with "
            f"rate={population.state!r}, drive= and transfer='phi'; the rate variant keeps its visits."
        )


def _units(model: MemoryModel, unit: SpikingUnit, states: Collection[str]) -> Group:
    population = unit.population
    starts = settable_starts(model, unit, states)
    used = model_names(model) | _windows(model)
    state = unit.state | set_by_phases(model, population)
    extra, operations = protocol.protocol_operations(model, population, state=state, starts=starts, used=used)
    operations = (*operations, *drive_start(model, unit))
    links = protocol.protocol_links(model, population)
    follow = (Equation(name, "parameter", u, flags=("linked",)) for name, u in protocol.followed(model, population))
    shown = protocol.protocol_lines(model, population, used=used)
    lines = (*unit.lines, *shown, *extra, *follow, *phase_time(population))
    deliver = Operation(
        f"{population.name}_trace",
        f"{unit.trace} += count/({unit.tau}*rate_max)\ncount = 0",
        *schedule.TRACE,
        event="unit_spike",
    )
    lines = (*lines, *(Equation(name, "parameter", "1") for name in unit.beyond))
    operations = (*operations, _watch_range(unit), *unit_statements(model, unit, (*unit.lines, *shown)))
    parameters = (*model.parameters, *spiking_parameters(model))
    texts = [*(line.expr for line in lines), deliver.code]
    return Group(
        name=population.name,
        size=Size(str(population.size)),
        equations=write_equations(lines),
        events={
            **protocol.operation_events(operations),
            **rate.unit_events(model, population),
            **phase_events(model, population),
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
    return {window_gate(rule.name) for rule in model.rules if rule.episodic}


def spiking_connections(model: MemoryModel, spiking: Spiking) -> tuple[tuple[Connection, ...], tuple[SplitRule, ...]]:
    """Return every connection of the spiking variant and how each rule's terms are read."""
    for population in model.populations:
        _refuse_sequential(model, population)
    units = {p.name: spiking_unit(model, p) for p in model.populations if p.rate}
    orders = projection_orders(_as_summed(model, units))
    connections: list[Connection] = [counting_synapses(unit) for unit in units.values()]
    splits: list[SplitRule] = []
    for projection in model.projections:
        connection, split = _connection(model, projection, orders, units, spiking)
        connections.append(connection)
        splits += split
    return tuple(connections), tuple(splits)


def _as_summed(model: MemoryModel, units: Mapping[str, SpikingUnit]) -> MemoryModel:
    """Return a model that ranks units with their equations as cells have them: what drives hold is known after sums."""
    if not any(item.ranks for item in sums_of(model)):
        return model
    lines = {name: write_equations(unit.lines) for name, unit in units.items()}
    found = (replace(item, equations=lines.get(item.name, item.equations)) for item in model.populations)
    return unchecked(model, populations=tuple(found))


def _connection(
    model: MemoryModel,
    projection: Projection,
    orders: Mapping[str, tuple[str, int]],
    units: Mapping[str, SpikingUnit],
    spiking: Spiking,
) -> tuple[Connection, list[SplitRule]]:
    slots = schedule.rule_slots(model.rules)
    for rule in rules_of(model, projection):
        _refuse_open_window(model, rule, spiking.read or rule.read)
    lowered = [
        lower_rule(
            rule,
            projection,
            units,
            known=correlations(model, projection, units),
            slots=slots[rule.name],
            expansions=rate_expansions(model, projection),
            neuron=spiking.kind,
            read=spiking.read or rule.read,
            pairing=spiking.pairing or rule.pairing,
        )
        for rule in rules_of(model, projection)
    ]
    lines = [*summed_lines(projection)]
    lines += read_equations(projection.variables)
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
        equations=write_equations(lines),
        pathways=pathways,
        operations=operations,
        pairs=pairs_of(projection),
        constants=constants_in(texts, parameters),
        state_order=schedule.PLASTICITY[1],
        summed_order=summed_orders(projection, orders),
        source_units=projection.source_units,
        target_units=projection.target_units,
        delay=projection.delay,
    )
    return connection, [split for item in lowered for split in item.splits]


def _declared_by_rules(
    model: MemoryModel, projection: Projection, lines: list[Equation], code: tuple[Operation | Pathway, ...]
) -> list[Equation]:
    """Return the parameters and subexpressions that continuous rules declare and that others than they read or start.

    In a rule's own terms its subexpressions are written out.
    """
    texts = [*(line.expr for line in lines), *(item.code for item in code)]
    wanted = set(projection.initial).union(*map(identifiers, texts)) - {line.name for line in lines}
    declared = {
        line.name: line
        for rule in rules_of(model, projection)
        if rule.continuous and rule.spiking is None
        for line in read_equations(rule.continuous)
        if line.kind != "differential"
    }
    found: dict[str, Equation] = {}
    while todo := (wanted & set(declared)) - set(found):
        found |= {name: declared[name] for name in sorted(todo)}
        wanted |= set().union(*(identifiers(declared[name].expr) for name in todo))
    return list(found.values())


def _refuse_open_window(model: MemoryModel, rule: LearningRule, read: str) -> None:
    """Refuse to spread an episodic change over the end of a phase that nobody knows beforehand."""
    if not rule.episodic or rule.spiking is not None or read not in ("event", "drive"):
        return
    for phase in (phase for phase in model.protocol.phases if phase.name in rule.at):  # one may be left out in spikes
        if phase.until:
            raise TranslationError(
                f"Rule {rule.name!r}: read={read!r} spreads the change over the last part of the phase {phase.name!r}, "
                f"which may end early (until={phase.until!r}), so that a part of the change would be lost. Use "
                "read='trace', which makes the whole change when the phase ends."
            )


def spiking_tables(model: MemoryModel, spiking: Spiking) -> tuple[Table, ...]:
    """Return the tables of the protocol, and those that the currents of cells are read from."""
    units = (spiking_unit(model, p) for p in model.populations if p.rate)
    return (
        *protocol.protocol_tables(model),
        *(table for unit in units for table in (*current_tables(unit, spiking), *rate_tables(unit, spiking))),
    )
