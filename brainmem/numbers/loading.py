"""Read the arrays that a user gives for one run: with the units of the model, from files where paths are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from brian2.equations.equations import dimensions_and_type_from_string

from brainmem.errors import RuleError
from brainmem.intake.arguments import DEVICE, MAPPING, SEED, TEXT, instance, optional
from brainmem.intake.files import read_matrix
from brainmem.intake.images import ORIENTATION, is_folder, read_pictures, split_levels
from brainmem.intake.numbers import read_array
from brainmem.intake.units import Dimensions
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Pattern, Projection
from brainmem.numbers.arrays import PATTERN_AXES
from brainmem.numbers.starts import Given
from brainmem.text.equations import read_equations

__all__ = ["RUN", "load_given", "needed"]

RUN = {  # the arguments that runs share
    "model": instance("a MemoryModel, or the name of one", MemoryModel, str),
    **dict.fromkeys(("parameters", "inputs", "weights", "initial"), optional(MAPPING)),
    "seed": SEED,
    "device": optional(DEVICE),
    "protocol": optional(TEXT),
}


def load_given(
    model: MemoryModel,
    parameters: Mapping[str, Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> Given:
    """Return what a user sets for one run, its arrays as plain floats in base SI units.

    Raises
    ------
    RuleError
        For what is no array of numbers, has another unit than the model's, or axes of other names.
    """
    notes: list[str] = []
    where = f"Model {model.name!r}"
    owners = {item.name: item for item in model.projections}

    def load(given: Any, what: str, axes: Sequence[str], unit: Dimensions | None) -> np.ndarray:
        if isinstance(given, str | Path):
            values, said = read_matrix(given, what=what, error=RuleError)
            notes.extend(f"{what}: {note}" for note in said)
            return values
        return read_array(given, what=what, axes=axes, dimensions=unit)

    known = {item.name: item for item in model.all_patterns}
    units = {name: _dimensions(item.unit) for name, item in known.items()}
    kinds = {name: item.kind for name, item in known.items()}
    tables = {}
    for name, given in (inputs or {}).items():
        what = f"{where}: {kinds.get(name, 'stimulus')} {name!r}"
        if is_folder(given) and name in known:
            tables[name], said = _from_pictures(known[name], given, what)
            notes.append(said)
        else:
            tables[name] = load(given, what, PATTERN_AXES, units.get(name))
    joined = {
        name: load(given, f"{where}: weights of {name!r}", ("post", "pre"), _of_weights(model, owners.get(name)))
        for name, given in (weights or {}).items()
    }
    begun = {}
    for key, given in (initial or {}).items():
        owner, _, variable = key.partition(".")
        axes = ("post", "pre") if owner in owners else ("trial", "unit")
        begun[key] = load(given, f"{where}: initial {key!r}", axes, _of_variable(model, owner, variable))
    return needed(model, Given(parameters, tables, joined, begun, tuple(notes)))


def needed(model: MemoryModel, given: Given) -> Given:
    """Return what is set of the parts of a model that its protocol builds, with a note on what is set of others."""
    which = f"the protocol {model.protocol.name!r}" if model.protocol.name else "its phases"
    kept: dict[str, Any] = {}
    said = []
    for kind, word in (("parameters", "parameter"), ("weights", "weights"), ("initial", "variable")):
        items = getattr(given, kind)
        names = [name for name in items if f"{word} {name}" in model.unused]
        said += [f"{kind}= gives {', '.join(names)}, which nothing in {which} uses"] if names else []
        kept[kind] = {name: values for name, values in items.items() if name not in names}
    return replace(given, weights=kept["weights"], initial=kept["initial"], notes=(*given.notes, *said))


def _from_pictures(item: Pattern, folder: str | Path, what: str) -> tuple[np.ndarray, str]:
    """Return the pictures of a folder in the two values of a pattern, and how they were read."""
    if len(set(item.values or ())) != 2 or item.every:
        raise RuleError(
            f"{what}: {str(folder)!r} is a folder. Pictures are read from it for a pattern of two values, such as "
            f"values=(-1, 1), without frames; {item.name!r} has values={item.values}"
            f"{' and frames' if item.every else ''}. Give an array, such as brainmem.patterns_from_images(folder)."
        )
    found, (low, high) = read_pictures(folder, what=what, error=RuleError), sorted(item.values or ())
    rows, columns = found.levels.shape[1:]
    flat = found.levels.reshape(len(found.levels), -1)
    bright = split_levels(flat, "median", names=found.names, what=what, error=RuleError)
    said = (
        f"{what}: {len(flat)} pictures of {rows} x {columns} pixels in {str(folder)!r} ({found.names[0]} to "
        f"{found.names[-1]}), {ORIENTATION}; pixels above the median of their picture are {high:g}, the others {low:g}"
    )
    said += f"; left out: {', '.join(found.left_out)}" if found.left_out else ""
    return np.where(bright, high, low).astype(float), said


def _dimensions(unit: str) -> Dimensions | None:
    try:
        return tuple(float(power) for power in dimensions_and_type_from_string(unit)[0]._dims)
    except (ValueError, TypeError, SyntaxError):
        return None


def _of_weights(model: MemoryModel, projection: Projection | None) -> Dimensions | None:
    first = next(iter(projection.initial), "") if projection else ""
    return _of_variable(model, projection.name, first) if projection else None


def _of_variable(model: MemoryModel, owner: str, variable: str) -> Dimensions | None:
    """Return the dimensions of a variable of a population or projection; None for one that the model does not name."""
    texts = [item.equations for item in model.populations if item.name == owner]
    texts += [item.variables for item in model.projections if item.name == owner]
    texts += [rule.continuous for rule in model.rules if rule.projection == owner]
    units = (line.unit for line in read_equations(*texts) if line.name == variable)
    return next(map(_dimensions, units), None)
