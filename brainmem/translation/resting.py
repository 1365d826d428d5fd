"""Sums over synapses that nothing reads within a time step: they rest, and are formed where they are read.

What observables, episodic rules and statements at the ends of phases read is formed again there (`moments`), and so is
what is recorded in time. A sum that only these read, or nothing, need not be formed in every time step. One that would
follow the visits of a sweep, but that only observables of some phases read, follows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from brainmem.text.equations import Equation, definitions, identifiers, read_equations
from brainmem.translation import schedule
from brainmem.translation.phases import runs_at_ends
from brainmem.translation.reads import names_read, observers_of, runs_at_episodes, summed_texts
from brainmem.translation.text import Connection, Group, Translation, Visits

__all__ = ["at_rest"]

Name = tuple[str, str]  # of a group, and of a variable there


def at_rest(translated: Translation) -> Translation:
    """Return `translated` with the sums noted that nothing reads within a time step."""
    sums = _sums(translated)
    needed = _read_through(translated, sums, _within_steps(translated))
    at_ends = _read_through(translated, sums, _at_ends(translated))
    groups = tuple(_released(group, needed | at_ends) for group in translated.groups)
    swept = {(group.name, name.removesuffix("_post")) for group in groups for name in _followers(group)}
    kept = needed | _read_through(translated, sums, swept)
    resting = {key: {name for name, taker in _takers(item) if taker not in kept} for key, item in _items(translated)}
    connections = tuple(
        replace(item, resting=frozenset(resting[item.name])) if resting[item.name] else item
        for item in translated.connections
    )
    return replace(translated, groups=groups, connections=connections)


def _items(translated: Translation) -> Iterator[tuple[str, Connection]]:
    return ((item.name, item) for item in translated.connections)


def _takers(item: Connection) -> Iterator[tuple[str, Name]]:
    """Yield each sum that is formed at the beginning of time steps, and the variable that takes it."""
    return ((name, item.takes(name)) for name, (when, _) in item.summed_order.items() if when == schedule.SUM[0])


def _sums(translated: Translation) -> dict[Name, tuple[Connection, Equation]]:
    found: dict[Name, tuple[Connection, Equation]] = {}
    for item in translated.connections:
        lines = {line.name: line for line in read_equations(item.equations)}
        found |= {taker: (item, lines[name]) for name, taker in _takers(item)}
    return found


def _read_through(
    translated: Translation, sums: dict[Name, tuple[Connection, Equation]], roots: Iterable[Name]
) -> set[Name]:
    """Return variables with all that they read through links, subexpressions and sums."""
    inner = {group.name: definitions(read_equations(group.equations)) for group in translated.groups}
    links = {group.name: group.links for group in translated.groups}
    todo, seen = set(roots), set[Name]()
    while todo:
        owner, name = key = todo.pop()
        seen.add(key)
        found = {(owner, other) for other in identifiers(inner[owner].get(name, ""))}
        if name in links[owner]:
            found.add((links[owner][name].group, links[owner][name].variable))
        if key in sums:
            item, line = sums[key]
            found.update(names_read(translated, item, line.expr))
        todo |= found - seen
    return seen


def _within_steps(translated: Translation) -> Iterator[Name]:
    """Yield what is read within time steps, wherever they stand in the protocol."""
    for group in translated.groups:
        for text in _texts_of(group):
            yield from ((group.name, name) for name in identifiers(text))
    observers = observers_of(translated)
    for item in translated.connections:
        texts = [line.expr for line in read_equations(item.equations) if line.kind == "differential" or line.stored]
        texts += [op.code for op in item.operations]
        texts += [path.code for path in item.pathways if not runs_at_episodes(path)]
        if item not in observers and not any(True for _ in _takers(item)):
            texts += summed_texts(item)  # of spikes, or of trials
        for text in texts:
            yield from names_read(translated, item, text)


def _texts_of(group: Group) -> Iterator[str]:
    """Yield what a group computes within time steps."""
    yield from (line.expr for line in read_equations(group.equations) if line.kind == "differential" or line.stored)
    yield from (op.code for op in group.operations if not runs_at_ends(op))
    yield from (condition for condition, _, _ in group.events.values())
    yield from (text for text in (group.threshold, group.reset, group.refractory) if isinstance(text, str))
    if group.visits:
        yield group.visits.code


def _at_ends(translated: Translation) -> Iterator[Name]:
    """Yield what is read at the ends of steps of any phase, which sums that follow visits are formed for."""
    some = {f"observe_{item.name}" for item in translated.model.observables if item.during}
    for item in observers_of(translated):
        for text in summed_texts(item) if item.name not in some else ():
            yield from names_read(translated, item, text)
    for item in translated.connections:
        for path in filter(runs_at_episodes, item.pathways):
            yield from names_read(translated, item, path.code)
    for group in translated.groups:
        for op in filter(runs_at_ends, group.operations):
            yield from ((group.name, name) for name in identifiers(op.code))


def _followers(group: Group) -> Iterable[str]:
    return group.visits.sums if group.visits else ()


def _released(group: Group, read: set[Name]) -> Group:
    """Return a group whose visits only the sums follow that something reads."""
    visits = group.visits
    if visits is None:
        return group
    kept = [name for name in visits.sums if (group.name, name.removesuffix("_post")) in read]
    return group if len(kept) == len(visits.sums) else replace(group, visits=_following(visits, kept))


def _following(visits: Visits, kept: list[str]) -> Visits:
    return replace(
        visits,
        projection=visits.projection if kept else "",
        sums={name: visits.sums[name] for name in kept},
        follow={name: visits.follow[name] for name in kept},
    )
