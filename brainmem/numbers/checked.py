"""What is refused before a run: parameters beyond a limit, sizes that no memory holds, delays between time steps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.reading import extreme_of
from brainmem.numbers.starts import size_of
from brainmem.text import evaluate
from brainmem.text.constant import require_value
from brainmem.text.equations import identifiers, read_equations
from brainmem.text.slices import Ends
from brainmem.translation.text import Translation

__all__ = ["check_delays", "check_limits", "check_not_empty", "check_sizes", "time_step"]

_COPIES = 2  # of an array, at least, while a run is prepared


def check_delays(translated: Translation, parameters: Mapping[str, Any]) -> None:
    """Refuse delays that are no multiple of the time step: they would silently be others."""
    dt = time_step(translated, parameters)
    for item in (item for item in translated.connections if item.delay):
        seconds = float(np.asarray(evaluate(item.delay, parameters)))
        steps = seconds / dt
        if not (np.isfinite(steps) and steps > 0.5 and abs(steps - round(steps)) < 1e-6 * steps):
            raise RuleError(
                f"Model {translated.model.name!r}, projection {item.name!r}: delay={item.delay!r} is "
                f"{seconds * 1e3:.6g} ms, and must be a multiple of the time step, which is {translated.dt} = "
                f"{dt * 1e3:.6g} ms, at least one. Change one of the two; for no delay leave delay= out."
            )


def check_not_empty(translated: Translation, ends: Mapping[str, Ends]) -> None:
    """Refuse the least or greatest value of no unit, which is no number."""
    for item in translated.connections:
        if item.name in ends and ends[item.name].empty and any(map(extreme_of, read_equations(item.equations))):
            name = next(line.name for line in read_equations(item.equations)).removesuffix("_post")
            given = next(o for o in (translated.written or translated.model).observables if o.name == name)
            raise RuleError(
                f"Model {translated.model.name!r}, observable {name!r}: units={given.units!r} takes no unit with these "
                f"parameters, and reduce={given.reduce!r} of none is no number. Take at least one unit."
            )


def check_sizes(model: MemoryModel, parameters: Mapping[str, Any]) -> None:
    """Refuse weights and patterns that the memory of this machine cannot hold, and populations without units."""
    sizes = {item.name: size_of(item.size, parameters) for item in model.populations}
    for name, units in sizes.items():
        if units < 1:
            raise RuleError(f"Model {model.name!r}: population {name!r} has {units} units; it needs at least 1.")
    held = {f"projection {p.name!r}": sizes[p.source] * sizes[p.target] for p in model.projections}
    for item in model.all_patterns:
        frames = size_of(item.frames, parameters) if item.every else 1
        held[f"{item.kind} {item.name!r}"] = size_of(item.items, parameters) * frames * sizes[item.population]
    largest = max(held, key=lambda name: held[name], default="")
    if largest and 8 * held[largest] * _COPIES > _memory():
        texts = {p.size for p in model.populations} | {s.items for s in model.all_patterns}
        counts = [f"{name} = {parameters[name]}" for name in sorted(map(str, texts)) if name in parameters]
        raise RuleError(
            f"Model {model.name!r}: {largest} has {held[largest]:g} numbers with {', '.join(counts) or 'these sizes'}, "
            f"and does not fit into the memory of this machine ({_memory() / 2**30:.0f} GiB). Take fewer."
        )


def _memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not every system tells
        return float("inf")


def check_limits(model: MemoryModel, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that break a limit of the model."""
    for limit in model.limits:
        try:
            require_value(limit.condition, parameters)
        except RuleError as error:
            raise RuleError(f"Model {model.name!r}, limit {limit.condition!r}: {error}") from error
        if not evaluate(limit.condition, parameters):
            values = {name: parameters[name] for name in parameters if name in identifiers(limit.condition)}
            shown = ", ".join(f"{name} = {value}" for name, value in values.items())
            raise RuleError(
                f"Model {model.name!r}: the parameters ({shown}) break {limit.condition!r}: {limit.reason}."
            )


def time_step(translated: Translation, parameters: Mapping[str, Any]) -> float:
    """Return the time step in seconds, refused where it is none."""
    dt = float(np.asarray(evaluate(translated.dt, parameters)))
    if not (dt > 0 and np.isfinite(dt)):
        raise RuleError(
            f"Model {translated.model.name!r}: the time step {translated.dt} is {dt:g} s; it must be longer than 0."
        )
    return float(f"{dt:.12g}")
