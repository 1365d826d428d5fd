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
from brainmem.model.memory import MemoryModel
from brainmem.model.parameters import resolve_parameters
from brainmem.model.parts import unchecked
from brainmem.model.protocols import check_protocol_name
from brainmem.model.variants import Spiking, Variant
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
    "Form",
    "Parameters",
    "Points",
    "Task",
    "Work",
    "cell_of",
    "choosing",
    "form_at",
    "forms_of",
    "plan_points",
    "read_points",
    "with_choice",
]

Parameters = Mapping[str, Any]


PROTOCOL = "protocol"


@dataclass(frozen=True)
class Form:
    """One form of a model, with its choices and its protocol, and what all points of this form share."""

    translated: Translation
    given: Given


@dataclass(frozen=True)
class Work:
    """What all points share."""

    model: MemoryModel
    forms: tuple[Form, ...]
    given: Given  # for all forms
    device: Device
    record: Mapping[str, When]
    interval: Any
    trials: int | str | None = None  # at once, in every run
    measure: Callable[[Result], Any] | None = None  # what is kept of a result in its place
    executables: tuple[Executable, ...] = ()

    def given_at(self, task: Task) -> Given:
        """Return what one point is run with."""
        return replace(self.forms[task.form].given, parameters=task.parameters)


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
    form: int = 0
    executable: int = 0


def choosing(model: MemoryModel) -> set[str]:
    """Return the names by which points choose a form of the model: its choices, and ``protocol``."""
    return {*(item.name for item in model.choices), *([PROTOCOL] if model.protocols else [])}


def form_at(model: MemoryModel, point: Parameters) -> dict[str, str]:
    """Return the options and the protocol that a point chooses, by name."""
    return {name: value for name, value in sorted(point.items()) if name in choosing(model)}


def with_choice(model: MemoryModel, parameters: Any, protocol: Any) -> Any:
    """Return parameters, or a list of points, that choose a protocol, or several in turn."""
    parameters = parameters if isinstance(parameters, Mapping) else _listed(parameters)
    if protocol is None:
        return parameters
    if isinstance(protocol, str):
        check_protocol_name(model, protocol)
    if not model.protocols:
        if isinstance(protocol, str):
            return parameters
        check_protocol_name(model, next(iter(protocol), ""))
    points = [parameters] if isinstance(parameters, Mapping) else parameters
    if any(PROTOCOL in point for point in points):
        raise RuleError("sweep(): the protocol is given twice, by protocol= and among the parameters. Give it once.")
    if isinstance(parameters, Mapping):
        return {PROTOCOL: protocol if isinstance(protocol, str) else list(protocol), **parameters}
    names = [protocol] if isinstance(protocol, str) else list(protocol)
    return [{PROTOCOL: name, **point} for name in names for point in points]


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


def forms_of(points: Points, model: MemoryModel) -> list[dict[str, str]]:
    """Return every form that points choose, once."""
    found = [form_at(model, point) for point in points.given]
    return [form for place, form in enumerate(found) if form not in found[:place]]


def plan_points(work: Work, points: Points, seeds: tuple[int, ...], store: Path) -> tuple[Listing, list[Task]]:
    """Name every point by a hash of all that determines its numbers."""
    model, forms = work.model, forms_of(points, work.model)
    swept_forms = choosing(model) & set(points.swept)
    definition = _definition(work, forms[0], swept_forms)
    tasks, entries, units = [], {}, {}
    for point in points.given:
        form = form_at(model, point)
        number = forms.index(form)
        translated = work.forms[number].translated
        parameters = {name: value for name, value in point.items() if name not in form}
        values = resolve_parameters(translated.model, parameters, parameters=translated.parameters)
        records: dict[str, Any] = {name: _record(value) for name, value in values.items()}
        if swept_forms:
            records |= {name: (option, "1") for name, option in form.items()}
            records["hash of the translation"] = _hash(str(translated))
        units = {name: records[name][1] for name in points.swept if name in records}
        shown = {name: records[name][0] for name in points.swept if name in records}
        for seed in seeds:
            key = _hash(json.dumps([definition, records, seed], sort_keys=True))
            if key not in entries:
                entries[key] = {"parameters": shown, "seed": seed}
                tasks.append(Task(parameters, seed, store / f"{key}.nc", number))
    fixed = {name: value for name, value in points.given[0].items() if name not in {*points.swept, *choosing(model)}}
    definition |= {"fixed parameters": _fixed(work.forms[0].translated, fixed)}
    return Listing(definition, points.grid, units, entries), tasks


def _definition(work: Work, form: Mapping[str, str], swept: set[str]) -> dict[str, Any]:
    """Return what all points of a store have in common; texts of forms that are swept belong to the points."""
    translated = work.forms[0].translated
    model = work.model if swept else translated.written or translated.model
    given = {kind: getattr(work.given, kind) for kind in ("inputs", "weights", "initial")}
    hashes = {kind: {name: _hash(canonical(a)) for name, a in arrays.items()} for kind, arrays in given.items()}
    protocol = translated.model.protocol.name
    return {
        "model": model.name,
        "variant": translated.variant,
        **({PROTOCOL: protocol} if protocol and PROTOCOL not in swept else {}),
        "options": dict(translated.options),
        **cell_of(translated.spiking),
        "device": str(work.device),
        "record": written(work.record),
        "interval": None if work.interval is None else float(np.asarray(work.interval)),
        **({} if work.trials is None else {"trials": work.trials}),
        **(identity(work.measure) if work.measure else {}),
        **hashes,
        **{f"version of {name}": version for name, version in versions().items()},
        "hash of the model": _hash(canonical(unchecked(model, description="", reference=None))),
        **(
            {"choices": {name: option for name, option in form.items() if name not in swept}}
            if swept
            else {"hash of the translation": _hash(str(translated))}
        ),
    }


def cell_of(variant: Variant | None) -> dict[str, dict[str, str]]:
    """Return what points have in common of a cell of the user's own beside its text: the values that it comes with."""
    cell = variant.cell if isinstance(variant, Spiking) else None
    return {"parameters of the cell": cell.defaults} if cell else {}


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
