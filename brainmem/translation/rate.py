"""The rate variant: the paper's own text, verbatim, with the schedule made explicit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from brainmem.model.memory import MemoryModel
from brainmem.model.names import expected_name, formed_name, part_name
from brainmem.model.nouns import LearningRule, Population, Projection
from brainmem.model.phases import set_by_phases
from brainmem.model.reading import constants_in, model_names, rules_of, summed_lines, sums_onto
from brainmem.model.visits import state_lines, unit_lines
from brainmem.text.equations import DRAWS, Equation, identifiers, read_equations, write_equations
from brainmem.text.statistics import forms_statistics, parts_in
from brainmem.translation import protocol, schedule
from brainmem.translation.common import clip_operation, episode_event, pairs_of, projection_orders, summed_orders
from brainmem.translation.phases import phase_events, phase_operations, stored_rate, with_rate
from brainmem.translation.restarts import restarts
from brainmem.translation.schedule import RuleSlots
from brainmem.translation.sequential import visits_of
from brainmem.translation.sizes import Size
from brainmem.translation.text import Connection, Group, Initial, Operation, Pathway, Table

__all__ = ["rate_connections", "rate_groups", "rate_initial"]

TIMES = {"t", "t_in_timesteps", "elapsed"}


def rate_groups(model: MemoryModel, states: Mapping[str, tuple[str, ...]] = MappingProxyType({})) -> tuple[Group, ...]:
    """Return one group per population: its equations, what the protocol adds, its restarts.

    `states` names the variables that have an expected one beside them, which begins with the same values.
    """
    return tuple(_group(model, population, states.get(population.name, ())) for population in model.populations)


def started(name: str, states: Collection[str]) -> str:
    """Return the statements by which a phase sets a variable to ``{value}``, and its expected one with it."""
    names = (name, expected_name(name)) if name in states else (name,)
    return "\n".join(f"{item} = {{value}}" for item in names)


def _group(model: MemoryModel, population: Population, states: Collection[str]) -> Group:
    reads = _rate_reads(model, population)
    own = tuple(_rate_line(population, line, reads) for line in unit_lines(population))
    state, visits = state_lines(population) | set_by_phases(model, population), visits_of(model, population)
    starts = {name: started(name, states) for name in restarts(model) if name in state}
    used = model_names(model)
    extra, operations = protocol.protocol_operations(model, population, state=state, starts=starts, used=used)
    follow = tuple(
        Equation(name, "parameter", unit, flags=("linked",)) for name, unit in protocol.followed(model, population)
    )
    shown = protocol.protocol_lines(model, population, used=used)
    lines = (*own, *shown, *extra, *follow)
    operations = (*operations, *_rate_operations(model, population, reads))
    begin = protocol.operation_events(operations) | phase_events(model, population)
    operations = (*operations, *_statements(model, population, reads, shown))
    texts = [*(line.expr for line in lines), *(op.code for op in operations), visits.code if visits else ""]
    return Group(
        name=population.name,
        size=Size(str(population.size)),
        equations=write_equations(lines),
        events={**begin, **unit_events(model, population)},
        operations=operations,
        links=protocol.protocol_links(model, population),
        constants=constants_in(texts, model.parameters),
        visits=visits,
    )


def _statements(
    model: MemoryModel, population: Population, reads: set[str], shown: tuple[Equation, ...]
) -> tuple[Operation, ...]:
    """Return what phases run on a population when they begin and end; a stored rate stays that of the state."""
    lines = (*unit_lines(population), *shown)
    if not _is_stored(reads):
        return phase_operations(model, population, lines)
    rate = next(line for line in lines if line.name == population.rate)
    return with_rate(phase_operations(model, population, stored_rate(population, lines)), rate, lines)


def unit_events(model: MemoryModel, population: Population) -> dict[str, tuple[str, str, int]]:
    """Return the events of a population: the end of a step, and those that run episodic rules."""
    events: dict[str, tuple[str, str, int]] = {"step_end": ("ended > 0.5", *schedule.ENDED)}
    for rule in model.rules:
        if rule.episodic and model.projection(rule.projection).source == population.name:
            events.update([episode_event(rule)])
    return events


def _rate_line(population: Population, line: Equation, reads: set[str]) -> Equation:
    """Let a rate that is a subexpression be a stored number: evaluated once per step instead of once per synapse."""
    if line.name != population.rate or not reads:
        return line
    return line.with_flag("constant over dt") if reads & DRAWS else Equation(line.name, "parameter", line.unit)


def _is_stored(reads: set[str]) -> bool:
    return bool(reads) and not reads & DRAWS


def _rate_operations(model: MemoryModel, population: Population, reads: set[str]) -> tuple[Operation, ...]:
    """Return what keeps a stored rate that of the state: after every update, and where a phase begins.

    One that changes with time too, or with what else is stored, is evaluated again at the beginning of every step.
    """
    if population.rate is None or not _is_stored(reads):
        return ()
    lines = {line.name: line for line in read_equations(population.equations)}
    framed = {item.name for item in model.stimuli if item.every}
    moves = reads & (TIMES | framed) or any(lines[name].stored for name in reads & set(lines))
    code = f"{population.rate} = {lines[population.rate].expr}"
    event = None if moves else "step_begin"
    return (
        Operation(f"{population.name}_begin", code, *schedule.BEGIN, event=event),
        Operation(f"{population.name}_refresh", code, *schedule.REFRESH),
    )


def _rate_reads(model: MemoryModel, population: Population) -> set[str]:
    """Return all that a rate reads which is a subexpression of the state alone; nothing for any other rate."""
    lines = {line.name: line for line in read_equations(population.equations) if line.kind == "subexpression"}
    if population.rate not in lines or population.sequential:
        return set()
    todo, seen = [population.rate], set[str]()
    while todo:
        names = identifiers(lines[todo.pop()].expr) - seen
        seen |= names
        todo += names & set(lines)
    return set() if seen & _summed(model, population) else seen


def _summed(model: MemoryModel, population: Population) -> set[str]:
    return {item.variable for item in sums_onto(model, population.name)}


def rate_connections(model: MemoryModel) -> tuple[Connection, ...]:
    """Return one connection per projection, its rules clock-driven, periodic or episodic."""
    orders = projection_orders(model)
    return tuple(rate_connection(model, projection, orders) for projection in model.projections)


def rate_connection(model: MemoryModel, projection: Projection, orders: Mapping[str, tuple[str, int]]) -> Connection:
    """Return the connection of one projection with its rules as written."""
    rules = rules_of(model, projection)
    lines = [*summed_lines(projection), *_variables(projection)]
    lines += [line for rule in rules if rule.continuous for line in clocked(rule)]
    lines += undeclared(projection, lines)
    slots = schedule.rule_slots(model.rules)
    operations = [op for rule in rules for op in verbatim_operations(rule, slots[rule.name])]
    pathways = tuple(path for rule in rules if rule.episodic for path in episodes(rule, slots[rule.name]))
    texts = [*(line.expr for line in lines), *(op.code for op in operations), *(path.code for path in pathways)]
    return Connection(
        name=projection.name,
        source=projection.source,
        target=projection.target,
        equations=write_equations(lines),
        pathways=pathways,
        operations=tuple(operations),
        pairs=pairs_of(projection),
        constants=constants_in(texts, model.parameters),
        state_order=schedule.PLASTICITY[1],
        summed_order=summed_orders(projection, orders),
        source_units=projection.source_units,
        target_units=projection.target_units,
        delay=projection.delay,
    )


def _variables(projection: Projection) -> tuple[Equation, ...]:
    return read_equations(projection.variables)


def undeclared(projection: Projection, lines: list[Equation]) -> list[Equation]:
    """Return parameter lines for initial variables that no equation defines."""
    known = {line.name for line in lines}
    return [Equation(name, "parameter", "1") for name in projection.initial if name not in known]


def clocked(rule: LearningRule) -> tuple[Equation, ...]:
    """Return the lines of a continuous rule, integrated at every step."""
    return tuple(
        line.with_flag("clock-driven") if line.kind == "differential" else line
        for line in read_equations(rule.continuous)
    )


def verbatim_operations(rule: LearningRule, slots: RuleSlots) -> tuple[Operation, ...]:
    """Return the periodic statements of a rule and the bounds of a continuous one."""
    if rule.periodic:
        return tuple(Operation(name, code, *slot, dt=rule.every) for name, code, slot in _parts(rule, slots))
    return clip_operation(rule, slots) if rule.continuous else ()


def _clips(rule: LearningRule) -> tuple[str, ...]:
    return tuple(f"{name} = clip({name}, {low}, {high})" for name, (low, high) in rule.bounds.items())


def episodes(rule: LearningRule, slots: RuleSlots) -> tuple[Pathway, ...]:
    """Return the pathways that run an episodic rule on every synapse when its phase ends."""
    event = episode_event(rule)[0]
    return tuple(Pathway(name, "pre", code, event, *slot) for name, code, slot in _parts(rule, slots))


def _parts(rule: LearningRule, slots: RuleSlots) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """Yield the parts of a rule's statements: name, code and slot; statistics are formed in between.

    The last part has the rule's name, and keeps the bounds.
    """
    parts, (when, order) = parts_in(rule.text), slots.text
    for place, lines in enumerate(parts):
        code, number = "\n".join(lines), place // 2 + 1
        last = place + 1 == len(parts)
        code = "\n".join((*lines, *_clips(rule))) if last else code
        name = formed_name(rule.name, number) if forms_statistics(code) else part_name(rule.name, number)
        yield rule.name if last else name, code, (when, order + place)


def rate_initial(model: MemoryModel) -> tuple[Initial, ...]:
    """Return the start values that are passed as arrays."""
    neurons = [Initial(p.name, name, draw) for p in model.populations for name, draw in p.initial.items()]
    synapses = [Initial(p.name, name, draw) for p in model.projections for name, draw in p.initial.items()]
    return tuple(neurons + synapses)


def rate_tables(model: MemoryModel) -> tuple[Table, ...]:
    """Return the tables of the protocol."""
    return protocol.protocol_tables(model)
