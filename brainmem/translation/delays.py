"""Projections with a delay: their synapses see the presynaptic unit as it was some time ago.

Brian2 delays what synapses do at spikes, but no sum and no differential equation. So the source keeps what its units
were in a ring (`brainmem.text.delays`), and every name that a delayed synapse reads of its presynaptic unit,
``x_pre``, becomes that of the delayed variable, ``x_late_recurrent_pre``, in sums and rules alike. It is stored once
per unit and time step, after the sums (which it may follow), and read from the end of the step on, when the units have
their new state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from brainmem.errors import TranslationError
from brainmem.model.memory import MemoryModel
from brainmem.model.names import late_name
from brainmem.model.phases import turns
from brainmem.text.equations import Equation, grouped, identifiers, read_equations, rename, write_equations
from brainmem.translation import schedule
from brainmem.translation.phases import read_through
from brainmem.translation.protocol import FIRST, has_restored
from brainmem.translation.text import Connection, Group, Operation, Pathway, Translation

__all__ = [
    "delayed",
]

MOST = 256  # variables that a network may delay, as many as lines in `brainmem/build/codegen/delays.h`
SET = re.compile(r"^(\w+) = restart_(\w+)\*", re.MULTILINE)  # how a phase sets a variable, by the model's own name


def delayed(translated: Translation) -> Translation:
    """Return `translated` with the variables that projections with a delay read stored and read later.

    Raises
    ------
    TranslationError
        When there are more of them than delay lines.
    """
    seen = {item.name: _read_late(translated, item) for item in translated.connections if item.delay}
    lines = [(name, variable) for name, found in seen.items() for variable in found]
    if len(lines) > MOST:
        raise TranslationError(
            f"Model {translated.model.name!r}: its projections with delay= read {len(lines)} variables of their "
            f"sources, more than the {MOST} that a network can delay. Read fewer, by an equation of the units."
        )
    groups = {group.name: group for group in translated.groups}
    for number, (name, variable) in enumerate(lines):
        item = translated.connection(name)
        groups[item.source] = _with_line(translated.model, groups[item.source], item, variable, number)
    connections = []
    for item in translated.connections:
        if seen.get(item.name):
            groups[item.source] = _with_events(groups[item.source], item)
            item = _seeing(item, seen[item.name])
        connections.append(item)
    return replace(translated, groups=tuple(groups.values()), connections=tuple(connections))


def _texts(item: Connection) -> Iterator[str]:
    yield from (line.expr for line in read_equations(item.equations) if line.expr)
    yield from (part.code for part in (*item.operations, *item.pathways))


def _read_late(translated: Translation, item: Connection) -> list[str]:
    """Return the variables of the source that synapses read, and that which tells when its units spike."""
    own = {line.name for line in read_equations(translated.group(item.source).equations)}
    read = {name.removesuffix("_pre") for text in _texts(item) for name in identifiers(text) if name.endswith("_pre")}
    read |= {"count"} if any(map(_at_spikes, item.pathways)) else set()
    return sorted(read & own)


def _at_spikes(path: Pathway) -> bool:
    """Tell whether statements run at the spikes of the presynaptic unit, whatever gates they have."""
    return path.side == "pre" and (path.when, path.order) != schedule.EPISODE and path.event.endswith("spike")


def _with_line(model: MemoryModel, group: Group, item: Connection, variable: str, number: int) -> Group:
    """Return a group that stores a variable, and holds what it was under its late name."""
    line = next(line for line in read_equations(group.equations) if line.name == variable)
    late, following = late_name(variable, item.name), f"{variable}_next_{item.name}"
    steps = f"{grouped(item.delay)}/dt"
    where = f"{number}, i, N, {steps}, t_in_timesteps"
    begin = f"{late} = delay_begin({variable}, {where}, {_flags(model, group, variable)})"
    slot = schedule.STORE_COUNT if variable == "count" else schedule.STORE
    event = f"{item.name}_late_begin"
    earlier = [op for op in group.operations if op.event == event]
    code = "\n".join([*(op.code for op in earlier), begin])
    operations = (
        *(op for op in group.operations if op.event != event),
        Operation(f"{item.name}_late_begin", code, *schedule.LATE_BEGIN, event=event),
        Operation(f"{late}_store", f"{following} = delay_store({variable}, {where})", *slot),
        Operation(f"{late}_follow", f"{late} = {following}", *schedule.LATE),
    )
    added = write_equations([Equation(late, "parameter", line.unit), Equation(following, "parameter", line.unit)])
    parameters = [p.name for p in model.parameters if p.name in identifiers(item.delay) - set(group.constants)]
    return replace(
        group,
        equations=f"{group.equations}\n{added}",
        operations=operations,
        events={**group.events, event: (FIRST, *schedule.PHASE_BEGIN)},
        constants=(*group.constants, *parameters),
    )


def _flags(model: MemoryModel, group: Group, variable: str) -> str:
    """Return whether a phase puts a state back, sets it aside, or begins with another of what a variable reads."""
    restored = has_restored(model)
    flags = ["step_put_back(step*second)", "step_set_aside(step*second)"] if restored else ["0", "0"]
    read = _read_by(group, variable)
    code = "\n".join(op.code for op in group.operations)
    set_by = {start: name for start, name in SET.findall(code) if variable == "count" or start in read}
    fresh = [f"int({name}_row(step*second) > 0.5)" for name in dict.fromkeys(set_by.values())]
    for number, phase in enumerate(model.protocol.phases):
        begun = {name for turn in turns(model, group.name) if turn.phase == phase and turn.moment == "begin"
                 for name in turn.targets}  # fmt: skip
        if begun & (read | set(set_by)):
            fresh.append(f"int(step_phase(step*second) == {number})")
    return ", ".join([*flags, " + ".join(fresh) or "0"])


def _read_by(group: Group, variable: str) -> set[str]:
    """Return what a variable is made of at one moment: all that it reads, also where it is stored (`rate`)."""
    lines = read_equations(group.equations)
    stored = [op.code.partition(" = ") for op in group.operations if (op.when, op.order) == schedule.REFRESH]
    made = {name: identifiers(text) for name, _, text in stored}
    read = read_through([variable], lines)
    return read_through(read.union(*(made.get(name, set()) for name in read)), lines)


def _with_events(group: Group, item: Connection) -> Group:
    """Return a group with the events of its units' spikes when they arrive."""
    events = dict(group.events)
    for path in filter(_at_spikes, item.pathways):
        condition, when, order = group.events[path.event]
        events[_late_event(path, item)] = (rename(condition, {"count": late_name("count", item.name)}), when, order)
    return replace(group, events=events)


def _late_event(path: Pathway, item: Connection) -> str:
    return late_name(path.event, item.name)


def _seeing(item: Connection, variables: list[str]) -> Connection:
    """Return synapses that read the late variables of their presynaptic units."""
    names = {f"{name}_pre": f"{late_name(name, item.name)}_pre" for name in variables}
    lines = read_equations(item.equations)
    return replace(
        item,
        equations=write_equations(
            replace(line, expr=rename(line.expr, names)) if line.expr else line for line in lines
        ),
        operations=tuple(replace(op, code=rename(op.code, names)) for op in item.operations),
        pathways=tuple(_path_seeing(path, item, names) for path in item.pathways),
    )


def _path_seeing(path: Pathway, item: Connection, names: dict[str, str]) -> Pathway:
    event = _late_event(path, item) if _at_spikes(path) else path.event
    return replace(path, code=rename(path.code, names), event=event)
