"""Everything that is read together is of one moment.

Sums over synapses are formed at the beginning of a time step, and units are updated behind them. What is read at the
end of a step (observables, end conditions, episodic rules, recordings) would find units of the end beside sums of the
beginning. So the sums that it reads, directly or through others, are formed again there. The sums that follow the
visits of a sweep are those of the end already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from brainmem.text.equations import (
    Equation,
    definitions,
    identifiers,
    inlined,
    read_equations,
)
from brainmem.text.statements import targets_of
from brainmem.translation import schedule
from brainmem.translation.phases import read_through, runs_at_ends
from brainmem.translation.text import Connection, Group, Operation, Pathway, Table, Translation

__all__ = ["Sum", "same_moment", "sums_behind", "watched_event"]

WATCHED = "watched"  # the event at which end conditions read their observables, and the last time step of others
STEP_END = "step_end"


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


def same_moment(translated: Translation) -> Translation:
    """Return `translated` with the sums formed again that are read at the end of a step of the protocol."""
    observers = {item.name.removeprefix("observe_"): item for item in _observers(translated)}
    conditions = " ".join(phase.until for phase in translated.model.protocol.phases)
    watched = [item for name, item in observers.items() if name in identifiers(conditions)]
    early = _read_by(translated, ((item, _summed_texts(item)) for item in watched))
    episodic = [(item, [path.code]) for item in translated.connections for path in item.pathways if _ends(path)]
    others = [(item, _summed_texts(item)) for item in observers.values() if item not in watched]
    ending = _read_at_ends(translated)
    late = [item for item in (*_read_by(translated, [*others, *episodic]), *ending) if item not in early]
    late = sorted(dict.fromkeys(late), key=_rank)
    touched = {item.name for item, texts in others if _reads_set(translated, item, texts)}
    if not early and not late and not touched:
        return translated
    found = {WATCHED: early, STEP_END: late}
    behind = {item.name for item, texts in others if _read_by(translated, [(item, texts)])}
    late_ones = behind | touched
    connections = tuple(
        _observing_late(item) if item.name in late_ones else _with_pathways(item, found)
        for item in translated.connections
    )
    watching = (Table("step_watched", meaning="1 where the phase has an end condition"),) if early else ()
    tables = (*translated.tables, *watching)
    return replace(translated, groups=_with_events(translated, found), connections=connections, tables=tables)


def sums_behind(translated: Translation, group: str, names: Iterable[str]) -> list[Sum]:
    """Return the sums that variables of a group read, through subexpressions and sums; the first to form come first."""
    known = _sums(translated)
    observed = {".".join(item.takes(name)): item for item in _observers(translated) for name in item.summed_order}
    found: dict[str, Sum] = {}
    todo = [(group, name) for name in names]
    while todo:
        owner, name = todo.pop()
        key = f"{owner}.{name}"
        if key in found:
            continue
        if key in known:
            found[key] = item = known[key]
            todo += _names_read(translated, translated.connection(item.connection), item.line.expr)
        elif key in observed:
            todo += [
                read for text in _summed_texts(observed[key]) for read in _names_read(translated, observed[key], text)
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


def _names_read(translated: Translation, item: Connection, text: str) -> list[tuple[str, str]]:
    """Return what a text of synapses reads of their units, as (group, variable)."""
    names = identifiers(inlined(text, read_equations(item.equations), keep=item.summed_order))
    sides = (("_pre", item.source), ("_post", item.target))
    found = [(owner, name.removesuffix(end)) for end, owner in sides for name in names if name.endswith(end)]
    plain = {line.name for line in read_equations(translated.group(item.target).equations)}
    return found + [(item.target, name) for name in names & plain]  # without an ending, Brian2 reads the target


def _read_by(translated: Translation, readers: Iterable[tuple[Connection, Iterable[str]]]) -> list[Sum]:
    """Return the sums that texts of connections read, each once, the first to form first."""
    read = [pair for item, texts in readers for text in texts for pair in _names_read(translated, item, text)]
    found = {item for group, name in read for item in sums_behind(translated, group, [name])}
    return sorted(found, key=_rank)


def _observers(translated: Translation) -> list[Connection]:
    observed = {f"observe_{item.name}" for item in translated.model.observables}
    return [item for item in translated.connections if item.name in observed]


def _summed_texts(item: Connection) -> list[str]:
    return [line.expr for line in read_equations(item.equations) if line.name in item.summed_order]


def _ends(path: Pathway) -> bool:
    return path.when == schedule.EPISODE[0] and path.order >= schedule.EPISODE[1]


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


def _reads_set(translated: Translation, item: Connection, texts: Iterable[str]) -> bool:
    """Tell whether an observer reads what statements at the ends of phases set."""
    read: dict[str, set[str]] = {}
    for owner, name in (pair for text in texts for pair in _names_read(translated, item, text)):
        lines = read_equations(translated.group(owner).equations)
        read[owner] = read.get(owner, set()) | read_through([name], lines)
    operations = ((owner, op) for owner in read for op in translated.group(owner).operations if runs_at_ends(op))
    return any(read[owner] & set(targets_of(op.code)) for owner, op in operations)


def _rank(item: Sum) -> tuple[int, str, str]:
    return item.level, item.connection, item.line.name


def _slot(event: str, level: int, part: int) -> tuple[str, int]:
    when, order = schedule.CLOSE_WATCHED if event == WATCHED else schedule.CLOSE
    return when, order + 2 * level + part


def _with_pathways(item: Connection, found: Mapping[str, list[Sum]]) -> Connection:
    again = [(event, sum_) for event, sums in found.items() for sum_ in sums if sum_.connection == item.name]
    pathways = tuple(
        Pathway(
            f"{sum_.variable}_at_{event}",
            "pre",
            f"{sum_.line.name} += {sum_.line.expr}",
            event,
            *_slot(event, sum_.level, 1),
            sum_=sum_.line.name,
        )
        for event, sum_ in again
    )
    return replace(item, pathways=(*item.pathways, *pathways))


def _zero(line: Equation) -> str:
    return "0" if line.unit == "1" else f"0*{line.unit}"


def _with_events(translated: Translation, found: Mapping[str, list[Sum]]) -> tuple[Group, ...]:
    """Return the groups, with the events at which sums are formed again and the statements that begin them at 0.

    Brian2 runs one piece of code at an event of a group, so each level of sums has an event of its own for that.
    """
    conditions = {WATCHED: watched_event(), STEP_END: ("ended > 0.5", *schedule.ENDED)}
    groups = []
    for group in translated.groups:
        events, clear = dict(group.events), list[Operation]()
        for event, sums in found.items():
            if any(translated.connection(item.connection).source == group.name for item in sums):
                events.setdefault(event, conditions[event])
            own = [item for item in sums if item.group == group.name]
            for level in sorted({item.level for item in own}):
                name = f"{event}_{level}"
                events[name] = conditions[event]
                code = "\n".join(f"{item.variable} = {_zero(item.line)}" for item in own if item.level == level)
                clear.append(Operation(f"{group.name}_{name}", code, *_slot(event, level, 0), event=name))
        groups.append(replace(group, events=events, operations=(*group.operations, *clear)))
    return tuple(groups)
