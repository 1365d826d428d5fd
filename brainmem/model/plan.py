"""Flatten a protocol into the steps that the controller walks through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.nouns import Each, Model, Phase, Protocol, Repeat
from brainmem.model.steps import (
    EPOCH,
    FIRST,
    ITEM,
    PHASE,
    REPEAT,
    check_epochs,
    check_length,
    columns_of,
    phases_shown,
)

__all__ = ["Plan", "Step", "loops_run", "plan_protocol"]


@dataclass(frozen=True)
class Step:
    """One phase for one item: items count from 0, epochs and repeats from 1 and 0.

    The phases that an `Each` runs for one item, once, are one `occasion`.
    """

    phase: Phase
    item: int
    repeat: int
    epoch: int
    occasion: int
    snapshot: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """All steps in order, as columns, each a (row,) array of whole numbers.

    A row is a step. Where a `Repeat` may be cut short by its condition, the step behind it may have another before it
    than planned: for each other phase that may be, there is one more row of that step, in front of it, which only the
    cut leads to.

    Attributes
    ----------
    phases : tuple of Phase
        Those of the protocol; `phase` holds places in them.
    phase, item, repeat, epoch, occasion
        See `Step`.
    snapshot
        The number of the epoch (or entry beside them) that ends with a step, from 1; 0 where none ends.
    start
        The number, from 1, of what sets variables when a step begins; 0 for nothing.
    planned
        The number of the step that a row stands for.
    before
        The row that comes before; -1 for none.
    skip
        The rows passed over when a step has ended.
    loop
        The number of the `Repeat` whose condition is read when a step ends, from 1 in the order of `Protocol.loops`; 0
        for none.
    leap
        The rows passed over beside `skip` where that condition holds.
    starts : (start, 4) array
        What sets variables, by number: phase, item and repeat, and how often these came before. Where each coming has
        the same values, because nothing is drawn or the phase is `paired`, the last is 0.
    """

    phases: tuple[Phase, ...]
    phase: np.ndarray
    item: np.ndarray
    repeat: np.ndarray
    epoch: np.ndarray
    occasion: np.ndarray
    snapshot: np.ndarray
    start: np.ndarray
    planned: np.ndarray
    before: np.ndarray
    skip: np.ndarray
    loop: np.ndarray
    leap: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.phase)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The rows one by one."""
        columns = (self.phase, self.item, self.repeat, self.epoch, self.occasion, self.snapshot)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return tuple(Step(self.phases[phase], *rest) for phase, *rest in rows)

    def by_phase(self, value: Callable[[Phase], Any]) -> np.ndarray:
        """Return for each row what `value` gives for its phase."""
        return np.array([value(phase) for phase in self.phases])[self.phase]

    @property
    def own(self) -> np.ndarray:
        """Where a row is the step itself, and none that only a cut leads to."""
        return np.append(np.diff(self.planned) > 0, True)

    @property
    def phases_run(self) -> tuple[str, ...]:
        """The names of the phases that come, in the order in which they first do."""
        places, first = np.unique(self.phase, return_index=True)
        return tuple(self.phases[place].name for place in places[np.argsort(first)])

    @property
    def set_aside(self) -> np.ndarray:
        """Where a run beside the protocol begins."""
        beside = self.by_phase(lambda phase: phase.restore)
        return beside & ~self._before(beside)

    @property
    def put_back(self) -> np.ndarray:
        """Where the protocol, or another run beside it, goes on after a run beside it."""
        beside = self.by_phase(lambda phase: phase.restore)
        return self._before(beside) & (~beside | (self.occasion != self._before(self.occasion)))

    def _before(self, column: np.ndarray) -> np.ndarray:
        """Return for each row what stands in the row that comes before it, 0 for none."""
        return np.append(column, np.zeros(1, column.dtype))[self.before]


def _starts(written: tuple[Phase, ...], own: tuple[Phase | None, ...], columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the number of the start of each step, and all starts by number; see `Plan.start` and `Plan.starts`.

    They are numbered along the phases as written, then along those in which a variant alone sets variables, so that
    the steps of both variants draw the same.
    """
    fresh = np.array([one.fresh or bool(other and other.fresh) for one, other in zip(written, own, strict=True)])
    sets = np.array([bool(phase.start) for phase in written])
    more = ~sets & np.array([bool(phase and phase.start) for phase in own])
    numbers, found = np.zeros(columns.shape[1], dtype=int), np.zeros((4, 0), dtype=int)
    for flags in (sets, more):
        places = np.flatnonzero(flags[columns[PHASE]])
        keys = columns[[PHASE, ITEM, REPEAT]][:, places]
        came = _came_before(keys) * fresh[keys[0]]
        distinct, first, place = _distinct(np.vstack([keys, came]))
        numbers[places] = np.argsort(np.argsort(first))[place] + 1 + found.shape[1]
        found = np.hstack([found, distinct[:, np.argsort(first)]])
    return numbers, found.T


def _distinct(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct columns, where each first stands, and which of them each column is."""
    code = np.zeros(columns.shape[1], dtype=int)
    for row in columns:
        code = np.unique(code * (row.max(initial=0) + 1) + row, return_inverse=True)[1]
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    return columns[:, first], first, place


def _came_before(keys: np.ndarray) -> np.ndarray:
    """Return how often each column has come before."""
    place = _distinct(keys)[2]
    order = np.argsort(place, kind="stable")
    begins = np.searchsorted(place[order], place[order])
    came = np.empty(len(place), dtype=int)
    came[order] = np.arange(len(place)) - begins
    return came


def plan_protocol(
    model: Model, parameters: Mapping[str, Any], rng: np.random.Generator, *, item: int | None = None
) -> Plan:
    """Return the steps of the model's protocol, or of one item alone; random orders are drawn from `rng`.

    Those of one variant are drawn along the protocol as written, so that both come in the same orders.
    """
    written = model.protocol.drawn
    parts: list[np.ndarray] = []
    for entry in written.schedule:
        check_length(model, entry, parameters, sum(part.shape[1] for part in parts))
        if isinstance(entry, Repeat):
            check_epochs(model, entry, parameters)
        part = columns_of(model, entry, parameters, rng)
        parts.append(part if item is None else part[:, part[ITEM] == item])
    return _with_rows(model, np.concatenate(parts, axis=1), [part.shape[1] for part in parts])


def _left_out(model: Model) -> str:
    own = {phase.name for phase in model.protocol.phases}
    gone = [phase.name for phase in model.protocol.drawn.phases if phase.name not in own]
    return f" Left out of this variant (spiking=None): {', '.join(gone)}." if gone else ""


def _with_rows(model: Model, columns: np.ndarray, lengths: list[int]) -> Plan:
    """Return the plan of all steps that are run, with the rows that only cuts lead to."""
    written, phases = model.protocol.drawn.phases, model.protocol.phases
    names = [phase.name for phase in phases]
    places = np.array([names.index(phase.name) if phase.name in names else -1 for phase in written], dtype=int)
    run = tuple(phases[place] if place >= 0 else None for place in places)
    start, starts = _starts(written, run, columns)
    starts[:, 0] = places[starts[:, 0]]
    entry = np.repeat(np.arange(len(lengths)), lengths)
    part = np.cumsum(np.append(1, (np.diff(entry) != 0) | (np.diff(columns[EPOCH]) != 0))[: len(entry)])
    occasion = np.cumsum(columns[FIRST])
    kept = places[columns[PHASE]] >= 0
    columns, start, entry, part, occasion = (item[..., kept] for item in (columns, start, entry, part, occasion))
    if not columns.size:
        reason = "its protocol has no steps with these parameters; nothing would run."
        raise RuleError(f"Model {model.name!r}: {reason}{_left_out(model)}")
    lengths = np.bincount(entry, minlength=len(lengths)).tolist()
    phase, count = places[columns[PHASE]], columns.shape[1]
    last = np.append(np.diff(part) != 0, True)
    loops = [place for place, found in enumerate(model.protocol.drawn.schedule) if _is_cut(found, names)]
    ends = {number: np.flatnonzero(last & (entry == place)) for number, place in enumerate(loops, 1)}
    behind = {number: sum(lengths[: place + 1]) for number, place in enumerate(loops, 1)}
    cuts = [(behind[number], end) for number, found in ends.items() for end in _other_ends(phase, found)]
    cuts = [(step, end) for step, end in cuts if step < count]
    steps = np.array([step for step, _ in cuts], dtype=int)
    planned = np.insert(np.arange(count), steps, steps)
    own = np.append(np.flatnonzero(np.append(np.diff(planned) > 0, True)), len(planned))
    before, after = np.append(-1, own[:-2])[planned], own[planned + 1]
    loop, target = np.zeros(count, dtype=int), own[1:].copy()
    for number, found in ends.items():
        loop[found], target[found] = number, own[behind[number]]
    for row, (_, end) in zip(steps + np.arange(len(cuts)), cuts, strict=True):
        before[row] = own[end]
        found = ends[loop[end]]
        target[found[phase[found] == phase[end]]] = row
    return Plan(
        phases=phases,
        phase=phase[planned],
        item=columns[ITEM][planned],
        repeat=columns[REPEAT][planned],
        epoch=columns[EPOCH][planned],
        occasion=occasion[planned],
        snapshot=(part * last)[planned],
        start=start[planned],
        planned=planned,
        before=before,
        skip=after - np.arange(len(planned)) - 1,
        loop=loop[planned],
        leap=target[planned] - after,
        starts=starts,
    )


def _is_cut(entry: Each | Repeat, phases: Collection[str]) -> bool:
    """Tell whether an entry is a repetition with a condition of which these phases leave something."""
    shown = (name for each in getattr(entry, "body", ()) for name in phases_shown(each))
    return bool(getattr(entry, "until", "")) and any(name in phases for name in shown)


def loops_run(written: Protocol, phases: Collection[str]) -> tuple[Repeat, ...]:
    """Return the repetitions with a condition of which these phases leave something; `Plan.loop` numbers them."""
    return tuple(entry for entry in written.loops if _is_cut(entry, phases))


def _other_ends(phase: np.ndarray, ends: np.ndarray) -> list[int]:
    """Return an end of an epoch for each phase with which some end, but not the last."""
    _, first = np.unique(phase[ends], return_index=True)
    return [int(end) for end in ends[first] if phase[end] != phase[ends[-1]]]
