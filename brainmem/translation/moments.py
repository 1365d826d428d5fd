"""Everything that is read together is of one moment.

Sums over synapses are formed at the beginning of a time step, and units are updated behind them. What is read at the
end of a step (observables, end conditions, episodic rules, recordings) would find units of the end beside sums of the
beginning. So the sums that it reads, directly or through others, are formed again there. The sums that follow the
visits of a sweep are those of the end already. What statements at the end of a phase set in a single unit, other
texts read by its name: it is carried to them once more, behind the statements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from brainmem.model.names import spread_of
from brainmem.text.equations import Equation, definitions, identifiers, read_equations
from brainmem.text.statements import targets_of
from brainmem.translation import schedule
from brainmem.translation.forming import emptied, forming
from brainmem.translation.phases import read_through, runs_at_ends
from brainmem.translation.reads import names_read, observers_of, runs_at_episodes, summed_texts
from brainmem.translation.text import Connection, Group, Operation, Pathway, Table, Translation

__all__ = ["Sum", "in_phases", "places_of", "same_moment", "sums_behind", "watched_event"]

WATCHED = "watched"  # the event at which end conditions read their observables, and the last time step of others
STEP_END = "step_end"
CARRIED = "step_end_carried"
NEVER = "i < 0"


@dataclass(frozen=True)
class Sum:
    """A summed variable: the connection that forms it, the group that takes it, its equation, the sums behind it."""

    connection: str
    group: str
    line: Equation
    level: int

    @property
    def variable(self) -> str:
        """Its name in that group."""
        return self.line.name.removesuffix("_pre").removesuffix("_post")


def watched_event() -> tuple[str, str, int]:
    """Return the condition and the slot of the event at which end conditions read their observables."""
    last = "int(elapsed + dt > step_duration(step*second) - 0.5*dt)"
    return (f"step_watched(step*second) + {last} > 0.5", *schedule.WATCHED)


@dataclass(frozen=True)
class _Reading:
    """Sums that are read at the end of a step, in all phases or in some, and whether an end condition reads them."""

    sums: list[Sum]
    phases: tuple[str, ...] = ()
    watched: bool = False


def same_moment(translated: Translation) -> Translation:
    """Return `translated` with the sums formed again that are read at the end of a step of the protocol."""
    observers = observers_of(translated)
    watched = _watched(translated)
    readings = [*_readings(translated, observers, watched)]
    found = _by_event(translated, readings)
    others = [item for item in observers if item.name not in watched]
    if carried := _carried(translated, readings):
        found[CARRIED] = carried
    touched = {item.name for item in others if _reads_set(translated, item)}
    if not found and not touched:
        return translated
    late = touched | {item.name for item in others if _read_by(translated, item, summed_texts(item))}
    connections = tuple(
        _observing_late(item) if item.name in late else _with_pathways(item, found) for item in translated.connections
    )
    early = any(event.startswith(WATCHED) for event in found)
    watching = (Table("step_watched", meaning="1 where the phase has an end condition"),) if early else ()
    tables = (*translated.tables, *watching)
    return replace(translated, groups=_with_events(translated, found), connections=connections, tables=tables)


def _carried(translated: Translation, readings: Iterable[_Reading]) -> list[Sum]:
    """Return what carries numbers of single units that are set where a phase ends: rules read them as they are then."""
    sums = dict.fromkeys(item for reading in readings for item in reading.sums)
    carriers = (item for item in sums if item.connection == spread_of(item.variable, item.group))
    return [item for item in carriers if _reads_set(translated, translated.connection(item.connection))]


def _watched(translated: Translation) -> set[str]:
    """Return the observers of what end conditions read."""
    conditions = " ".join(phase.until for phase in translated.model.protocol.phases)
    return {f"observe_{name}" for name in identifiers(conditions)}


def _readings(translated: Translation, observers: list[Connection], watched: set[str]) -> Iterator[_Reading]:
    """Yield what is read at the ends of steps: by observers, episodic rules and statements of phases."""
    during = {f"observe_{item.name}": item.during for item in translated.model.observables}
    for item in observers:
        sums = _read_by(translated, item, summed_texts(item))
        yield _Reading(sums, during[item.name], item.name in watched)
    for item in translated.connections:
        yield _Reading(_read_by(translated, item, [path.code for path in item.pathways if runs_at_episodes(path)]))
    yield _Reading(_read_at_ends(translated))


def _by_event(translated: Translation, readings: Iterable[_Reading]) -> dict[str, list[Sum]]:
    """Return the sums to form again by the event at which they are; the first to form come first."""
    phases: dict[Sum, set[str]] = {}
    early, whole = set[Sum](), set[Sum]()
    for reading in readings:
        for item in reading.sums:
            phases.setdefault(item, set()).update(reading.phases)
        early.update(reading.sums if reading.watched else ())
        whole.update(() if reading.phases else reading.sums)
    found: dict[str, list[Sum]] = {}
    for item in sorted(phases, key=_rank):
        event = WATCHED if item in early else STEP_END
        places = places_of(translated, phases[item])
        if item not in whole and places:
            event = f"{event}_in_{'and'.join(map(str, places))}"
        if item in whole or places:
            found.setdefault(event, []).append(item)
    return found


def places_of(translated: Translation, phases: Collection[str]) -> tuple[int, ...]:
    """Return the places of phases in the protocol, from 0; phases that it lacks have none."""
    names = [phase.name for phase in translated.model.protocol.phases]
    return tuple(place for place, name in enumerate(names) if name in phases)


def in_phases(places: Iterable[int]) -> str:
    """Return the condition that the present phase is one of those in these places."""
    return " or ".join(f"step_phase(step*second) == {place}" for place in places) or NEVER


def _condition(event: str) -> tuple[str, str, int]:
    """Return the condition and the slot of an event at which sums are formed again."""
    kind, _, places = event.partition("_in_")
    condition, when, order = watched_event() if kind == WATCHED else ("ended > 0.5", *schedule.ENDED)
    return (f"{condition} and ({in_phases(map(int, places.split('and')))})" if places else condition, when, order)


def sums_behind(translated: Translation, group: str, names: Iterable[str]) -> list[Sum]:
    """Return the sums that variables of a group read, through subexpressions and sums; the first to form come first."""
    known = _sums(translated)
    observed = {".".join(item.takes(name)): item for item in observers_of(translated) for name in item.summed_order}
    found: dict[str, Sum] = {}
    todo = [(group, name) for name in names]
    while todo:
        owner, name = todo.pop()
        key = f"{owner}.{name}"
        if key in found:
            continue
        if key in known:
            found[key] = item = known[key]
            todo += names_read(translated, translated.connection(item.connection), item.line.expr)
        elif key in observed:
            todo += [
                read for text in summed_texts(observed[key]) for read in names_read(translated, observed[key], text)
            ]
        else:
            inner = definitions(read_equations(translated.group(owner).equations))
            todo += [(owner, other) for other in identifiers(inner.get(name, ""))]
    return sorted(found.values(), key=_rank)


def _sums(translated: Translation) -> dict[str, Sum]:
    """Return every sum by ``"group.variable"``, but those that follow a sweep."""
    found = {}
    for item in translated.connections:
        visits = translated.group(item.target).visits
        swept = visits.sums if visits and visits.projection == item.name else {}
        lines = {line.name: line for line in read_equations(item.equations)}
        for name, (when, order) in item.summed_order.items():
            if name not in swept and when == schedule.SUM[0]:
                group, variable = item.takes(name)
                found[f"{group}.{variable}"] = Sum(item.name, group, lines[name], order - schedule.SUM[1])
    return found


def _read_by(translated: Translation, item: Connection, texts: Iterable[str]) -> list[Sum]:
    """Return the sums that texts of a connection read."""
    read = [pair for text in texts for pair in names_read(translated, item, text)]
    return list(dict.fromkeys(sum_ for group, name in read for sum_ in sums_behind(translated, group, [name])))


def _observing_late(item: Connection) -> Connection:
    """Return an observer that reads sums of the end of a step of the protocol, or what is set there."""
    return replace(item, summed_order=dict.fromkeys(item.summed_order, schedule.OBSERVE_LATE))


def _read_at_ends(translated: Translation) -> list[Sum]:
    """Return the sums that statements at the ends of phases read."""
    found: list[Sum] = []
    for group in translated.groups:
        names = set().union(*(identifiers(op.code) for op in group.operations if runs_at_ends(op)), set())
        found += sums_behind(translated, group.name, sorted(names))
    return found


def _reads_set(translated: Translation, item: Connection) -> bool:
    """Tell whether an observer reads what statements at the ends of phases set."""
    read: dict[str, set[str]] = {}
    for owner, name in (pair for text in summed_texts(item) for pair in names_read(translated, item, text)):
        lines = read_equations(translated.group(owner).equations)
        read[owner] = read.get(owner, set()) | read_through([name], lines)
    operations = ((owner, op) for owner in read for op in translated.group(owner).operations if runs_at_ends(op))
    return any(read[owner] & set(targets_of(op.code)) for owner, op in operations)


def _rank(item: Sum) -> tuple[int, str, str]:
    return item.level, item.connection, item.line.name


def _slot(event: str, level: int, part: int) -> tuple[str, int]:
    if event == CARRIED:
        return schedule.CARRY[0], schedule.CARRY[1] + part
    when, order = schedule.CLOSE_WATCHED if event.startswith(WATCHED) else schedule.CLOSE
    return when, order + 2 * level + part


def _with_pathways(item: Connection, found: Mapping[str, list[Sum]]) -> Connection:
    again = [(event, sum_) for event, sums in found.items() for sum_ in sums if sum_.connection == item.name]
    pathways = tuple(
        Pathway(
            f"{sum_.variable}_at_{event}",
            "pre",
            forming(sum_.line),
            event,
            *_slot(event, sum_.level, 1),
            sum_=sum_.line.name,
        )
        for event, sum_ in again
    )
    return replace(item, pathways=(*item.pathways, *pathways))


def _with_events(translated: Translation, found: Mapping[str, list[Sum]]) -> tuple[Group, ...]:
    """Return the groups, with the events at which sums are formed again and the statements that begin them at 0.

    Brian2 runs one piece of code at an event of a group, so each level of sums has an event of its own for that.
    """
    groups = []
    for group in translated.groups:
        events, clear = dict(group.events), list[Operation]()
        for event, sums in found.items():
            if any(translated.connection(item.connection).source == group.name for item in sums):
                events.setdefault(event, _condition(event))
            own = [item for item in sums if item.group == group.name]
            for level in sorted({item.level for item in own}):
                name = f"{event}_{level}"
                events[name] = _condition(event)
                code = "\n".join(emptied(item.line) for item in own if item.level == level)
                clear.append(Operation(f"{group.name}_{name}", code, *_slot(event, level, 0), event=name))
        groups.append(replace(group, events=events, operations=(*group.operations, *clear)))
    return tuple(groups)
