"""What a sweep asks for: its points, each named by a hash of all that determines its numbers."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.engine.cache import canonical
from brainmem.engine.device import Device, Executable
from brainmem.errors import RuleError
from brainmem.model.choices import choose
from brainmem.model.memory import MemoryModel
from brainmem.model.parameters import resolve_parameters
from brainmem.numbers.run import Given
from brainmem.results.result import Result
from brainmem.simulation.collect import versions
from brainmem.simulation.records import When, written
from brainmem.sweeps.manifest import Listing
from brainmem.sweeps.measured import identity
from brainmem.text.equations import unit_text
from brainmem.text.expression import names_in
from brainmem.translation.text import Translation

__all__ = [
    "Parameters",
    "Points",
    "Task",
    "Work",
    "fix_choices",
    "plan_points",
    "read_points",
]

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What all points share."""

    translated: Translation
    arrays: Mapping[str, Mapping[str, np.ndarray]]
    device: Device
    record: Mapping[str, When]
    interval: Any
    measure: Callable[[Result], Any] | None = None  # what is kept of a result in its place
    executables: tuple[Executable, ...] = ()
    notes: tuple[str, ...] = ()  # on how files were read

    def given(self, parameters: Parameters) -> Given:
        """Return what one point is run with."""
        return Given(parameters, **self.arrays, notes=self.notes)


@dataclass(frozen=True)
class Points:
    """The parameters of each point, and which of them are swept."""

    given: list[dict[str, Any]]
    swept: tuple[str, ...]
    grid: bool


@dataclass(frozen=True)
class Task:
    """One point: numbers and a path only, so that it can be sent anywhere."""

    parameters: Parameters
    seed: int
    path: Path
    executable: int = 0


def fix_choices(
    model: MemoryModel, parameters: Parameters | Sequence[Parameters]
) -> tuple[MemoryModel, Parameters | list[dict[str, Any]]]:
    """Return the model with the choices made that `parameters` name, and the parameters without them.

    Raises
    ------
    RuleError
        When the points differ in an option: every form of a model is a model of its own.
    """
    points = [parameters] if isinstance(parameters, Mapping) else _listed(parameters)
    options = {}
    for item in model.choices:
        given = {repr(point.get(item.name)): point.get(item.name) for point in points}
        option = next(iter(given.values()), None)
        if len(given) > 1 or not isinstance(option, str | None):
            raise RuleError(
                f"sweep(): {item.name}={', '.join(given)}: the points of a sweep run one form of the model "
                f"{model.name!r}. Make a sweep, with a store of its own, for each of "
                f"{', '.join(map(repr, item.options))}."
            )
        if option is not None:
            options[item.name] = option
    rest = [{name: value for name, value in point.items() if name not in options} for point in points]
    return choose(model, **options), rest[0] if isinstance(parameters, Mapping) else rest


def _listed(parameters: Any) -> list[Parameters]:
    if not isinstance(parameters, Sequence) or not all(isinstance(point, Mapping) for point in parameters):
        raise RuleError(
            f"sweep(): parameters={parameters!r} must be a mapping from names to values, such as {{'N': [50, 100]}}, "
            "or a sequence of such mappings, one for each point."
        )
    return list(parameters)


def read_points(parameters: Parameters | Sequence[Parameters], what: str = "sweep(): parameters") -> Points:
    """Return the points that ``sweep(parameters=...)`` names: all combinations of values, or those of a list.

    `what` is what messages call them.
    """
    if not isinstance(parameters, Mapping):
        listed = [dict(point) for point in parameters]
        if not listed:
            raise RuleError(f"{what}=[] names no point. Give a mapping for each point.")
        return Points(listed, tuple(dict.fromkeys(name for point in listed for name in point)), grid=False)
    values = {name: list(value) if _is_swept(value) else [value] for name, value in parameters.items()}
    for name, found in values.items():
        if not found:
            raise RuleError(f"{what}: {name}=[] names no value. Give at least one, or leave {name!r} out.")
    combinations = [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]
    return Points(combinations, tuple(name for name in values if _is_swept(parameters[name])), grid=True)


def _is_swept(value: Any) -> bool:
    return isinstance(value, list | range) or (isinstance(value, np.ndarray) and value.ndim == 1)


def plan_points(work: Work, points: Points, seeds: tuple[int, ...], store: Path) -> tuple[Listing, list[Task]]:
    """Name every point by a hash of all that determines its numbers."""
    translated = work.translated
    definition = _definition(work)
    fixed = {name: value for name, value in points.given[0].items() if name not in points.swept}
    tasks, entries, units = [], {}, {}
    for parameters in points.given:
        values = resolve_parameters(translated.model, parameters, parameters=translated.parameters)
        records = {name: _record(value) for name, value in values.items()}
        units = {name: records[name][1] for name in points.swept}
        for seed in seeds:
            key = _hash(json.dumps([definition, records, seed], sort_keys=True))
            if key not in entries:
                entries[key] = {"parameters": {name: records[name][0] for name in points.swept}, "seed": seed}
                tasks.append(Task(parameters, seed, store / f"{key}.nc"))
    definition |= {"fixed parameters": _fixed(translated, fixed)}
    return Listing(definition, points.grid, units, entries), tasks


def _definition(work: Work) -> dict[str, Any]:
    model = work.translated.written or work.translated.model
    hashes = {kind: {name: _hash(canonical(a)) for name, a in given.items()} for kind, given in work.arrays.items()}
    return {
        "model": model.name,
        "variant": work.translated.variant,
        "options": dict(work.translated.options),
        "device": str(work.device),
        "record": written(work.record),
        "interval": None if work.interval is None else float(np.asarray(work.interval)),
        **(identity(work.measure) if work.measure else {}),
        **hashes,
        **{f"version of {name}": version for name, version in versions().items()},
        "hash of the model": _hash(canonical(replace(model, description="", reference=None))),
        "hash of the translation": _hash(str(work.translated)),
    }


def _fixed(translated: Translation, given: Parameters) -> dict[str, Any]:
    """Return parameters that hold for every point as numbers, or as text where they depend on others."""
    values = resolve_parameters(translated.model, given, parameters=translated.parameters)
    depend = {name for name, value in given.items() if isinstance(value, str) and names_in(value) & values.keys()}
    return {name: given[name] if name in depend else list(_record(values[name])) for name in sorted(given)}


def _record(value: Any) -> tuple[Any, str]:
    """Return a parameter's value as JSON can hold it, and its unit."""
    if isinstance(value, tuple):
        return list(value), "1"
    if isinstance(value, int | np.integer):
        return int(value), "1"
    return float(np.asarray(value)), unit_text(value)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
