"""Flatten a protocol into the steps that the controller walks through."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.nouns import Each, Model, Phase, Repeat

__all__ = ["Plan", "Step", "plan_protocol"]

LONGEST = 2_000_000  # steps of a protocol; each takes some hundred bytes


Start = tuple[str, int, int, int]
"""What sets variables when a step begins: its phase, item and repeat, and how often these came before."""


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
    snapshot: bool = False


@dataclass(frozen=True)
class Plan:
    """All steps in order.

    Attributes
    ----------
    steps : tuple of Step
    snapshots : tuple of int
        What the recordings of weights are called: the number of epochs, and entries beside them, that are then done.
    written : tuple of Step
        Those of the protocol as written, of which one variant may leave out some: starts are numbered along these, so
        that the steps of both variants draw the same.
    """

    steps: tuple[Step, ...]
    snapshots: tuple[int, ...] = ()
    written: tuple[Step, ...] = ()

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def starts(self) -> list[Start | None]:
        """What sets variables when each step begins.

        Where each coming has the same values, because nothing is drawn or the phase is `paired`, the last is 0.
        """
        return _starts(self.steps)

    @property
    def start_rows(self) -> dict[Start, int]:
        """The numbers, from 1, of all starts."""
        keys = filter(None, (*_starts(self.written), *self.starts))
        return {key: row + 1 for row, key in enumerate(dict.fromkeys(keys))}

    @property
    def set_aside(self) -> list[bool]:
        """Where a run beside the protocol begins."""
        flags = [False, *(step.phase.restore for step in self.steps)]
        return [now and not before for before, now in itertools.pairwise(flags)]

    @property
    def put_back(self) -> list[bool]:
        """Where the protocol, or another run beside it, goes on after a run beside it."""
        return [
            False,
            *(
                before.phase.restore and (not now.phase.restore or now.occasion != before.occasion)
                for before, now in itertools.pairwise(self.steps)
            ),
        ]


def _starts(steps: Iterable[Step]) -> list[Start | None]:
    came: Counter[tuple[str, int, int]] = Counter()
    found: list[Start | None] = []
    for step in steps:
        key = (step.phase.name, step.item, step.repeat)
        found.append((*key, came[key]) if step.phase.start else None)
        came[key] += step.phase.fresh
    return found


def plan_protocol(model: Model, parameters: Mapping[str, Any], rng: np.random.Generator) -> Plan:
    """Return the steps of the model's protocol; random orders are drawn from `rng`.

    Those of one variant are drawn along the protocol as written, so that both come in the same orders.
    """
    parts: list[list[Step]] = []
    occasions = itertools.count()
    for entry in model.protocol.drawn.schedule:
        _check_length(model, entry, parameters, sum(map(len, parts)))
        if isinstance(entry, Repeat):
            _check_epochs(model, entry, parameters)
        parts += _parts(model, entry, parameters, rng, occasions)
    run = _run(model, parts)
    steps = tuple(step for part in run for step in _closing(part))
    if not steps:
        reason = "its protocol has no steps with these parameters; nothing would run."
        raise RuleError(f"Model {model.name!r}: {reason}{_left_out(model)}")
    done = itertools.accumulate(bool(part) for part in parts)
    snapshots = tuple(number for number, part in zip(done, run, strict=True) if part)
    return Plan(steps, snapshots, tuple(itertools.chain(*parts)) if model.protocol.whole else ())


def _run(model: Model, parts: list[list[Step]]) -> list[list[Step]]:
    """Return the steps of the protocol as written that a variant runs, with its own phases."""
    if model.protocol.whole is None:
        return parts
    own = {phase.name: phase for phase in model.protocol.phases}
    return [[replace(step, phase=own[name]) for step in part if (name := step.phase.name) in own] for part in parts]


def _left_out(model: Model) -> str:
    own = {phase.name for phase in model.protocol.phases}
    gone = [phase.name for phase in model.protocol.drawn.phases if phase.name not in own]
    return f" Left out of this variant (spiking=None): {', '.join(gone)}." if gone else ""


def _check_length(model: Model, entry: Each | Repeat, parameters: Mapping[str, Any], before: int) -> None:
    """Refuse a protocol whose steps would fill the memory, before they are made."""
    times = _count(entry.times, parameters) if isinstance(entry, Repeat) else 1
    body = entry.body if isinstance(entry, Repeat) else (entry,)
    items = [_count(each.items, parameters) * _count(each.repeats, parameters) for each in body]
    shown = [1 if isinstance(each.phases, str) else len(each.phases) for each in body]
    epochs = [times if each.epochs is None else min(times, len(_epochs(each.epochs, parameters))) for each in body]
    length = before + max(times, sum(np.prod(part, dtype=float) for part in zip(items, shown, epochs, strict=True)))
    if max(length, *items) > LONGEST:
        used = {each.items for each in body} | {each.repeats for each in body}
        used |= {entry.times} if isinstance(entry, Repeat) else set()
        values = ", ".join(
            f"{name} = {parameters[name]}" for name in sorted(item for item in used if isinstance(item, str))
        )
        raise RuleError(
            f"Model {model.name!r}: its protocol would have {max(length, *items):.3g} steps"
            f"{f' with {values}' if values else ''}; at most {LONGEST} are allowed. Lower these numbers."
        )


def _check_epochs(model: Model, entry: Repeat, parameters: Mapping[str, Any]) -> None:
    """Refuse a list of epochs of which none comes: its phases would be missing from the result without a word."""
    times = _count(entry.times, parameters)
    for each in entry.body:
        epochs = () if each.epochs is None else _epochs(each.epochs, parameters)
        if epochs and times and not set(epochs) & set(range(1, times + 1)):
            phases = each.phases if isinstance(each.phases, str) else ", ".join(each.phases)
            name = f"{each.epochs} = " if isinstance(each.epochs, str) else "epochs="
            raise RuleError(
                f"Model {model.name!r}: {name}{epochs} names no epoch from 1 to {times}, so that phase {phases!r} "
                "would never run. Choose among these epochs, or give () to leave the phase out."
            )


def _parts(
    model: Model,
    entry: Each | Repeat,
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
    occasions: Iterator[int],
) -> Iterator[list[Step]]:
    """Yield the steps after each of which weights are recorded: those of an epoch, or of an entry beside them."""
    if isinstance(entry, Each):
        yield list(_each(model, entry, parameters, rng, occasions, epoch=1))
        return
    for epoch in range(1, _count(entry.times, parameters) + 1):
        yield [s for each in entry.body for s in _each(model, each, parameters, rng, occasions, epoch=epoch)]


def _closing(steps: list[Step]) -> list[Step]:
    """Mark the last step, after which weights are recorded."""
    return [*steps[:-1], replace(steps[-1], snapshot=True)] if steps else []


def _each(
    model: Model,
    each: Each,
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
    occasions: Iterator[int],
    *,
    epoch: int,
) -> Iterator[Step]:
    if each.epochs is not None and epoch not in _epochs(each.epochs, parameters):
        return
    phases = (each.phases,) if isinstance(each.phases, str) else each.phases
    count = _count(each.items, parameters)
    order = rng.permutation(count) if each.order == "random" else np.arange(count)
    for item in order:
        for repeat in range(_count(each.repeats, parameters, least=1)):
            occasion = next(occasions)
            for name in phases:
                yield Step(model.protocol.drawn.phase(name), int(item), repeat, epoch, occasion)


def _count(value: str | int | None, parameters: Mapping[str, Any], *, least: int = 0) -> int:
    number = parameters[value] if isinstance(value, str) else 1 if value is None else value
    if not float(number).is_integer() or number < least:
        raise RuleError(f"{value!r} counts repetitions and must be a whole number of at least {least}, got {number!r}.")
    return int(number)


def _epochs(value: str | tuple[int, ...], parameters: Mapping[str, Any]) -> tuple[int, ...]:
    given = parameters[value] if isinstance(value, str) else value
    return tuple(int(item) for item in np.atleast_1d(given))
