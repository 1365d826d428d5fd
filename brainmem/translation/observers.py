"""Observables: summed connections from a population onto the controller, or onto the group of the trials."""

from __future__ import annotations

from collections.abc import Iterator

from brainmem.model.memory import MemoryModel
from brainmem.model.names import expected_name
from brainmem.model.nouns import Observable
from brainmem.model.scalars import reduced
from brainmem.text.equations import identifiers, rename
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER, TRIAL, has_until, stop_apart
from brainmem.translation.protocol import readable_lines
from brainmem.translation.text import Connection

__all__ = ["observers"]


def observers(model: MemoryModel, *, trials: bool = False) -> tuple[Connection, ...]:
    """Return one summed connection per observable, onto the controller or onto the trials' group."""
    found = tuple(_observer(model, item, TRIAL if trials else CONTROLLER) for item in model.observables)
    return (*found, *_counters(model)) if trials else found


def _counters(model: MemoryModel) -> Iterator[Connection]:
    """Yield the connections that count the trials in which the condition of a phase, or of a repetition, holds.

    Where each trial stops by itself, those count whose condition has held.
    """
    if has_until(model):
        yield _counter("trials_held", "held", schedule.COUNT_TRIALS, "stopped" if stop_apart(model) else "held")
    if model.protocol.loops:
        yield _counter("trials_loop_held", "loop_held", schedule.COUNT_LOOPS, "loop_held")


def _counter(name: str, variable: str, slot: tuple[str, int], counted: str) -> Connection:
    equations = f"{variable}_post = {counted}_pre : 1 (summed)"
    return Connection(
        name=name, source=TRIAL, target=CONTROLLER, equations=equations, summed_order={f"{variable}_post": slot}
    )


def _observer(model: MemoryModel, item: Observable, target: str) -> Connection:
    population = model.population(item.population)
    own = {line.name for line in readable_lines(model, population)}
    own |= {expected_name(population.rate)} if population.rate else set()
    expression = _suffix(item.expression, own)
    parameters = tuple(p.name for p in model.parameters if p.name in identifiers(expression))
    return Connection(
        name=f"observe_{item.name}",
        source=item.population,
        target=target,
        equations=reduced(item, expression),
        constants=parameters,
        summed_order={f"{item.name}_post": schedule.OBSERVE},
    )


def _suffix(text: str, names: set[str]) -> str:
    return rename(text, {name: f"{name}_pre" for name in names})
