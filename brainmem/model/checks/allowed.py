"""Checks of the values at which variables of a population may start."""

from __future__ import annotations

import math

import numpy as np

from brainmem.errors import RuleError, closest
from brainmem.model.checks.place import Place, listed, place_of
from brainmem.model.checks.text import ModelText
from brainmem.model.checks.values import number_of
from brainmem.model.nouns import Population
from brainmem.model.phases import held_lines

__all__ = ["check_allowed"]


def check_allowed(text: ModelText) -> None:
    """Check ``values=`` of every population."""
    for population in text.model.populations:
        place = place_of(text.model, "population", population.name)
        for name in population.values:
            text.found.passes(_check_variable, text, place, population, name)
            text.found.passes(_check_values, text, place, population, name)


def _check_variable(text: ModelText, place: Place, population: Population, name: str) -> None:
    if population.name in text.unread:
        return
    held = [line.name for line in held_lines(text.model, population)]
    if name not in held:
        raise place.error(
            f"values={name!r} is no variable that keeps a value.{closest(name, held)} Allowed: {listed(held)}.",
            about=name,
        )


def _check_values(text: ModelText, place: Place, population: Population, name: str) -> None:
    given = tuple(population.values[name])
    if not given or any(hasattr(value, "dim") or not math.isfinite(value) for value in given):
        raise place.error(
            f"values[{name!r}]={given!r} must be finite numbers in base SI units, such as (-1, 1): all at which the "
            "variable may start."
        )
    if name != population.rate:
        return
    try:
        low, high = (float(np.asarray(number_of(text, place, "", end))) for end in population.rate_range)
    except (RuleError, ValueError):  # which is told where the range is checked
        return
    if outside := [value for value in given if not low <= value <= high]:
        raise place.error(
            f"values[{name!r}]={given!r}: {outside[0]:g} lies outside of rate_range={population.rate_range!r}, which "
            "rates do not leave. Correct one of the two."
        )
