"""Where what was recorded of a run lies beyond the points of the curves that read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from brainmem.model.curves import Curve, curve_names
from brainmem.model.nouns import Model
from brainmem.model.parts import texts_of
from brainmem.text.equations import unit_text, with_unit
from brainmem.translation.recorded import Recorded

__all__ = ["beyond_curves"]

KINDS = ("time", "ends", "end")  # of records of variables as they are


def beyond_curves(model: Model, outputs: Mapping[Recorded, Any]) -> Iterator[str]:
    """Yield which recorded variables left the points of a curve that texts call with them, and by how much.

    Beyond its points a curve is constant, which its meaning may be or not. Variables that were not recorded, and
    arguments that are more than a variable, are not looked at.
    """
    for curve in model.curves:
        low, high = curve.x.numbers[0], curve.x.numbers[-1]
        for population, variable in dict.fromkeys(_read_by(model, curve)):
            values = [np.ravel(outputs[item]) for item in _records(outputs, population, variable)]
            found = np.concatenate([[], *values]).astype(float)
            found = found[np.isfinite(found)]
            beyond = max(low - found.min(), found.max() - high) if found.size else 0.0
            if beyond > 1e-9 * (high - low):
                unit = unit_text(curve.x.dimensions)
                reached, ends, by = (
                    [with_unit(float(value), unit) for value in numbers]
                    for numbers in ((found.min(), found.max()), (low, high), (beyond,))
                )
                yield (
                    f"curve {curve.name!r}: {variable!r} of {population!r} went from {' to '.join(reached)} where it "
                    f"was recorded, up to {by[0]} beyond the curve's points, {' to '.join(ends)}. There the curve is "
                    "constant; if it is not meant to be, give it points as far as that"
                )


def _records(outputs: Mapping[Recorded, Any], population: str, variable: str) -> list[Recorded]:
    """Return the records of a variable; programs give plain tuples, which are equal to them."""
    return [item for item in outputs if item[:2] == (population, variable) and item[2] in KINDS]


def _read_by(model: Model, curve: Curve) -> Iterator[tuple[str, str]]:
    """Yield the populations and variables with which texts call a curve, its integral or its slope."""
    called = re.compile(rf"\b(?:{'|'.join(curve_names([curve]))})\s*\(\s*([A-Za-z]\w*)\s*\)")
    for population in model.populations:
        yield from ((population.name, name) for name in _arguments(called, population))
    for item in model.observables:
        yield from ((item.population, name) for name in _arguments(called, item))
    ends = {item.name: {"_pre": item.source, "_post": item.target} for item in model.projections}
    owners = [(item, item.name) for item in model.projections] + [(item, item.projection) for item in model.rules]
    for item, projection in owners:
        for name in _arguments(called, item):
            for suffix, population in ends[projection].items():
                if name.endswith(suffix):
                    yield population, name.removesuffix(suffix)


def _arguments(called: re.Pattern[str], noun: Any) -> Iterator[str]:
    for _, text in texts_of(noun):
        yield from called.findall(text)
