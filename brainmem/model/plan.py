"""Flatten a protocol into the steps that the controller walks through."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.nouns import Each, Model, Phase, Repeat

__all__ = ["Plan", "Step", "plan_protocol"]

LONGEST = 2_000_000  # steps of a protocol; each takes some hundred bytes


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
    """All steps in order."""

    steps: tuple[Step, ...]

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def starts(self) -> list[tuple[str, int, int, int] | None]:
        """What sets variables when each step begins: its phase, item and repeat, and how often these came before.

        Where each coming has the same values, because nothing is drawn or the phase is `paired`, the last is 0.
        """
        came: Counter[tuple[str, int, int]] = Counter()
        found: list[tuple[str, int, int, int] | None] = []
        for step in self.steps:
            key = (step.phase.name, step.item, step.repeat)
            found.append((*key, came[key]) if step.phase.start else None)
            came[key] += step.phase.fresh
        return found

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


def plan_protocol(model: Model, parameters: Mapping[str, Any], rng: np.random.Generator) -> Plan:
    """Return the steps of the model's protocol; random orders are drawn from `rng`."""
    steps: list[Step] = []
    occasions = itertools.count()
    for entry in model.protocol.schedule:
        _check_length(model, entry, parameters, len(steps))
        if isinstance(entry, Repeat):
            _check_epochs(model, entry, parameters)
            steps += _repeat(model, entry, parameters, rng, occasions)
        else:
            steps += _closing(_each(model, entry, parameters, rng, occasions, epoch=1))
    if not steps:
        raise RuleError(f"Model {model.name!r}: its protocol has no steps with these parameters; nothing would run.")
    return Plan(tuple(steps))


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


def _repeat(
    model: Model, entry: Repeat, parameters: Mapping[str, Any], rng: np.random.Generator, occasions: Iterator[int]
) -> list[Step]:
    steps: list[Step] = []
    for epoch in range(1, _count(entry.times, parameters) + 1):
        body = [s for each in entry.body for s in _each(model, each, parameters, rng, occasions, epoch=epoch)]
        steps += _closing(body)
    return steps


def _closing(steps: Iterator[Step] | list[Step]) -> list[Step]:
    """Mark the last step, after which weights are recorded."""
    steps = list(steps)
    if not steps:
        return steps
    last = steps[-1]
    return [*steps[:-1], replace(last, snapshot=True)]


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
                yield Step(model.protocol.phase(name), int(item), repeat, epoch, occasion)


def _count(value: str | int | None, parameters: Mapping[str, Any], *, least: int = 0) -> int:
    number = parameters[value] if isinstance(value, str) else 1 if value is None else value
    if not float(number).is_integer() or number < least:
        raise RuleError(f"{value!r} counts repetitions and must be a whole number of at least {least}, got {number!r}.")
    return int(number)


def _epochs(value: str | tuple[int, ...], parameters: Mapping[str, Any]) -> tuple[int, ...]:
    given = parameters[value] if isinstance(value, str) else value
    return tuple(int(item) for item in np.atleast_1d(given))
