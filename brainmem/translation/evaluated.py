"""Observables that are evaluated only in some phases, and the least and greatest values of units.

Brian2 has sums over synapses, formed in every time step. What is no such sum is formed by a pathway, at an event of the
unit that takes it: in every time step, or in those of some phases.
"""

from __future__ import annotations

from dataclasses import replace

from brainmem.model.reading import extreme_of
from brainmem.text.equations import Equation, read_equations
from brainmem.translation import schedule
from brainmem.translation.forming import emptied, forming
from brainmem.translation.moments import in_phases, places_of
from brainmem.translation.reads import observers_of
from brainmem.translation.text import Connection, Group, Operation, Pathway, Translation

__all__ = ["formed_at_events"]

ALWAYS = "i >= 0"


def formed_at_events(translated: Translation) -> Translation:
    """Return `translated` with pathways in place of sums that Brian2 cannot form, or not only in some phases."""
    during = {f"observe_{item.name}": item.during for item in translated.model.observables}
    observers = {item.name for item in observers_of(translated)}
    groups = {group.name: group for group in translated.groups}
    connections = []
    for item in translated.connections:
        phases = during[item.name] if item.name in observers else ()
        condition = in_phases(places_of(translated, phases)) if phases else ALWAYS
        for line in read_equations(item.equations):
            if line.name in item.always_formed and (phases or extreme_of(line)):
                taker, variable = item.takes(line.name)
                groups[taker] = _with_event(groups[taker], item, line, f"{variable}_due", condition)
                item = _with_pathway(item, line, f"{variable}_due")
        connections.append(item)
    return replace(translated, groups=tuple(groups.values()), connections=tuple(connections))


def _with_event(group: Group, item: Connection, line: Equation, event: str, condition: str) -> Group:
    """Return the group that takes a value, with the event at which it is formed and the statement that begins it."""
    when, order = item.summed_order[line.name]
    begin = Operation(f"{group.name}_{event}", emptied(line), when, order - 1, event=event)
    events = {**group.events, event: (condition, *schedule.DUE)}
    return replace(group, events=events, operations=(*group.operations, begin))


def _with_pathway(item: Connection, line: Equation, event: str) -> Connection:
    side = "pre" if line.name.endswith("_pre") else "post"
    path = Pathway(event, side, forming(line), event, *item.summed_order[line.name], sum_=line.name)
    return replace(item, pathways=(*item.pathways, path), resting=item.resting | {line.name})
