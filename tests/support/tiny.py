"""Any model at a tiny size, found from its text: few units, items and epochs, phases of a few time steps."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from brainmem import Each, MemoryModel, Phase, Protocol, Repeat, RuleError, get_model
from brainmem.model.counts import ends_of_range
from brainmem.model.differences import continuous
from brainmem.model.parameters import resolve_parameters
from brainmem.models import list_models, list_tasks
from brainmem.numbers.checked import check_limits
from brainmem.text.equations import identifiers

UNITS, ITEMS, STEPS = 12, 2, 20
MODELS = tuple(name for paper in list_models() for name in (paper, *list_tasks(paper)))


def forms(*, tasks: Any = ()) -> list[Any]:
    """Return ``"name"`` of each model, and ``"name protocol"`` of each further protocol, which runs under full.

    `tasks` marks the further models of a paper.
    """
    named = [(name, list(get_model(name).protocols)[1:]) for name in MODELS]
    others = [pytest.param(f"{name} {other}", marks=pytest.mark.full) for name, further in named for other in further]
    return [*(pytest.param(name, marks=tasks if "/" in name else ()) for name in MODELS), *others]


@cache
def form(name: str) -> MemoryModel:
    """Return a model with one protocol: the first of those that it has, or the one named behind it."""
    key, _, protocol = name.partition(" ")
    return get_model(key).with_protocol(protocol or None)


def tiny(model: MemoryModel) -> MemoryModel:
    """Return the model with its equations, rules, patterns and order of phases, and as little to compute as may be.

    It has twice as many units where fewer would break one of its limits.
    """
    units = UNITS
    while not _holds(small := _of_size(model, units)):
        units *= 2
    return small


def _holds(model: MemoryModel) -> bool:
    try:
        check_limits(model, resolve_parameters(model, {}))
    except RuleError:
        return False
    return True


def _of_size(model: MemoryModel, units: int) -> MemoryModel:
    sizes = {item.size for item in model.populations}
    counts = {name for entry in model.protocol.schedule for name in _counts(entry)}
    counts |= {item.items for item in model.all_patterns}
    smaller = dict.fromkeys(sizes, units) | dict.fromkeys(counts, ITEMS)
    parameters = [
        replace(p, value=_least(p.value, smaller[p.name])) if p.name in smaller else p for p in model.parameters
    ]
    phases = [replace(p, duration=_steps(model, STEPS), average=p.average and _steps(model, STEPS // 2), must_end=False,
                      spiking=_short_in_spikes(model, p)) for p in model.protocol.phases]  # fmt: skip
    schedule = tuple(_shorter(entry) for entry in model.protocol.schedule)
    return model.replace(parameters=tuple(parameters), protocol=Protocol(tuple(phases), schedule), varied=True)


def _counts(entry: Each | Repeat) -> set[Any]:
    """Return what a part of the schedule counts by: numbers, or names of parameters."""
    if isinstance(entry, Repeat):
        return {entry.times, *(name for each in entry.body for name in _counts(each))}
    given = (*ends_of_range("M" if entry.items is None else entry.items), entry.repeats, entry.draws)
    return {item for count in given for item in (identifiers(count) if isinstance(count, str) else {count})}


def _shorter(entry: Each | Repeat) -> Each | Repeat:
    """Return a part of the schedule in which numbers are small and the first epoch is always among those picked."""
    if isinstance(entry, Repeat):
        return replace(entry, times=_least(entry.times, ITEMS), body=tuple(_shorter(each) for each in entry.body))
    fewer = replace(entry, **{name: _least(getattr(entry, name), ITEMS) for name in ("items", "draws", "repeats")})
    return fewer if entry.epochs is None else replace(fewer, epochs=(1,))


def _short_in_spikes(model: MemoryModel, phase: Phase) -> dict[str, Any] | None:
    """Return the fields of the spiking variant with short times in place of its own, and of sweeps."""
    if phase.spiking is None:
        return None
    times = {"duration": f"{STEPS}*ms", "average": f"{STEPS // 2}*ms"}
    found = {name: times.get(name, value) if value else value for name, value in phase.spiking.items()}
    if any(map(continuous, model.populations)):  # a sweep is a time of no length for cells
        found |= {"duration": times["duration"], **({"average": times["average"]} if phase.average else {})}
    return found


def _least(value: Any, most: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_least(item, most) for item in value)
    return min(value, most) if isinstance(value, int) else value


def _steps(model: MemoryModel, count: int) -> str:
    return f"{count}*({model.rate_dt})"
