"""Observables: summed connections from a population onto the controller, or onto the group of the trials."""

from __future__ import annotations

from brainmem.model.memory import MemoryModel
from brainmem.model.names import expected_name
from brainmem.model.nouns import Observable
from brainmem.text.equations import identifiers, rename
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER, TRIAL, has_until, stop_apart
from brainmem.translation.protocol import readable_lines
from brainmem.translation.text import Connection

__all__ = ["observers"]


def observers(model: MemoryModel, *, trials: bool = False) -> tuple[Connection, ...]:
    """Return one summed connection per observable, onto the controller or onto the trials' group."""
    found = tuple(_observer(model, item, TRIAL if trials else CONTROLLER) for item in model.observables)
    return (*found, _counter(model)) if trials and has_until(model) else found


def _counter(model: MemoryModel) -> Connection:
    """Return the connection that counts the trials whose end condition holds, or that have stopped by themselves."""
    return Connection(
        name="trials_held",
        source=TRIAL,
        target=CONTROLLER,
        equations=f"held_post = {'stopped' if stop_apart(model) else 'held'}_pre : 1 (summed)",
        summed_order={"held_post": schedule.COUNT_TRIALS},
    )


def _observer(model: MemoryModel, item: Observable, target: str) -> Connection:
    population = model.population(item.population)
    own = {line.name for line in readable_lines(model, population)}
    own |= {expected_name(population.rate)} if population.rate else set()
    expression = _suffix(item.expression, own)
    if item.reduce == "mean":
        expression = f"({expression})/N_pre"
    parameters = tuple(p.name for p in model.parameters if p.name in identifiers(expression))
    return Connection(
        name=f"observe_{item.name}",
        source=item.population,
        target=target,
        equations=f"{item.name}_post = {expression} : {item.unit} (summed)",
        constants=parameters,
        summed_order={f"{item.name}_post": schedule.OBSERVE},
    )


def _suffix(text: str, names: set[str]) -> str:
    return rename(text, {name: f"{name}_pre" for name in names})
