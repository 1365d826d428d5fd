"""Checks of a model whose variants differ: each is checked as it runs, and what one of them lacks is not read there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from brainmem.errors import RuleError
from brainmem.model.by_variant import RATE, SPIKING, lost_in_spikes, of_variant
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.place import Place, place_of
from brainmem.model.differences import continuous, differs, own_values
from brainmem.model.nouns import Model, Phase, Population
from brainmem.model.parameters import resolve_parameters
from brainmem.model.parts import parts, texts_of, unchecked
from brainmem.text.equations import identifiers

__all__ = ["about", "check_variants"]


def check_variants(model: Model, found: Findings, check: Callable[[Model, Findings, Model], None]) -> None:
    """Check a model as each of its variants runs it; `check` takes that, the findings, and the model as written."""
    if not differs(model):
        check(model, found, model)
        return
    sound = [found.passes(_check_value, model, name) for name in own_values(model)]
    sound += [found.passes(_check_equation, model, item) for item in model.populations if continuous(item)]
    rate = of_variant(unchecked(model, spiking={}), RATE)
    check(rate, found, model)
    if all(sound) and any(phase.spiking is not None for phase in model.protocol.phases):
        _check_spiking(model, found, check)


def about(error: RuleError) -> str:
    """Return an error without the line that it quotes, which differs between forms."""
    return re.sub(r", line (\d+) \(.*?\): ", r", line \1: ", str(error), count=1)


def _slip(error: RuleError) -> str:
    """Return what an error says is wrong, without the names that it lists, which differ between variants."""
    return about(error).partition(". ")[0]


def _check_spiking(model: Model, found: Findings, check: Callable[[Model, Findings, Model], None]) -> None:
    """Note what is wrong in the spiking variant and not in the rate variant."""
    spiking, lost = of_variant(model, SPIKING), lost_in_spikes(model)
    own = found.beside()
    for error in _readers(model, spiking, lost):
        own.note(error)
    own.lose(*lost)
    check(unchecked(spiking, varied=True), own, model)  # it may lack what others name
    known = {_slip(error) for error in (*found.errors, *found.follows)}
    for error in own.errors:
        if _slip(error) not in known:
            found.note(RuleError(f"{error} (This is of the spiking variant.)", about=error.about))


def _check_value(model: Model, name: str) -> None:
    """Check the value of the spiking variant of a parameter: its unit, that it is a number."""
    given = model.spiking[name]
    try:
        resolve_parameters(model, {})
    except RuleError:  # told with the parameters
        return
    try:
        resolve_parameters(model, {name: given})
    except RuleError as error:
        raise RuleError(str(error).replace(f"parameter {name!r}", f"spiking[{name!r}]", 1)) from error


def _check_equation(model: Model, population: Population) -> None:
    """Refuse units that are visited and have an equation, but not all that cells need to follow it."""
    state = population.state
    if population.rate == state and population.drive and population.transfer:
        return
    raise place_of(model, "population", population.name).error(
        f"sequential= sets {state!r}, which has an equation d{state}/dt: visits set it in the rate variant, and cells "
        f"follow the equation in the spiking one. These need rate={state!r}, drive= and transfer=, got "
        f"rate={population.rate!r}, drive={population.drive!r}, transfer={population.transfer!r}. For visits alone "
        f"declare '{state} : 1'."
    )


def _readers(model: Model, spiking: Model, lost: set[str]) -> Iterator[RuleError]:
    """Yield an error for every text of the spiking variant that reads what only visits have."""
    ends = {f"{name}{end}" for name in lost for end in ("", "_pre", "_post")}
    for where, noun in parts(spiking):
        place = Place(f"Model {model.name!r}, {where}")
        for field, text in texts_of(noun):
            for name in sorted(_names(text) & ends):
                yield place.error(
                    f"{field}={text.strip()!r} reads {name!r}, which follows the visits to single units and exists in "
                    f"the rate variant only. {_advice(noun, field)}"
                )


def _advice(noun: Any, field: str) -> str:
    if isinstance(noun, Phase):
        name = field.partition("[")[0]
        nothing = {"until": "''", "begin": "{}", "end": "{}", "start": "{}"}.get(name, "...")
        more = ", 'duration': ..." if name == "until" else ""
        return f"Say what the spiking variant has instead: Phase(..., spiking={{{name!r}: {nothing}{more}}})."
    return "Observables that nothing reads may read it: they are left out of the spiking variant."


def _names(text: str) -> set[str]:
    return set().union(*(identifiers(line.split("#")[0]) for line in text.splitlines()), set())
