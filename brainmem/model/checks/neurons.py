"""Checks of populations: names and units of their equations, and the roles that translation relies on."""

from __future__ import annotations

from brian2.core.variables import Variable
from brian2.units import get_dimensions, second
from brian2.utils.stringtools import get_identifiers

from brainmem.errors import closest
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.flags import check_draws, check_inlined, check_shared
from brainmem.model.checks.place import Place, listed, place_of
from brainmem.model.checks.scope import (
    Scope,
    comparing,
    foreign_hints,
    index,
    pattern_hints,
    scalar_hints,
    time_names,
    tuple_hints,
)
from brainmem.model.checks.text import Entry, ModelText, number
from brainmem.model.nouns import Population

__all__ = ["check_populations", "neuron_scope"]

NOISE = "it is Brian2's noise, which only a differential equation of a population can read."
SPIKELESS = "a model's units hold rates and do not spike; the spiking variant gives them cells, which do."
SUFFIXED = "_pre and _post have a meaning in projections and rules only; write {name!r}."


def check_populations(text: ModelText) -> None:
    """Check the equations and the roles of every population."""
    for population in text.model.populations:
        place = place_of(text.model, "population", population.name, population.equations)
        scope = neuron_scope(text, population)
        for entry in text.neurons[population.name].values():
            if not text.found.passes(_check_flags, place, entry):
                text.found.lose(entry.name)
            if text.found.passes(_check_entry, place, entry, scope) and population.name not in text.unread:
                text.found.passes(check_inlined, place, entry, text.neurons[population.name])
        text.found.passes(_check_roles, place, population, text.neurons[population.name])


def _check_flags(place: Place, entry: Entry) -> None:
    for flag in set(entry.flags) & {"summed", "clock-driven"}:
        raise place.error(
            f"flag ({flag}) belongs to projections and rules. Declare a variable that is summed into as "
            f"'{entry.name} : unit', and sum it in Projection(current='{entry.name}_post = ... : unit (summed)').",
            line=entry.line,
        )


def _check_entry(place: Place, entry: Entry, scope: Scope) -> None:
    if entry.kind != "parameter":
        _check_right(place, entry, scope)
    elif "shared" in entry.flags:
        raise place.error(
            f"{entry.name!r} is shared by all units, and sums and start values belong to each of them. Take out the "
            f"flag (shared) or, for one number that nothing changes, declare Parameter({entry.name!r}, value).",
            line=entry.line,
        )


def _check_right(place: Place, entry: Entry, scope: Scope) -> None:
    names = dict(scope.names)
    if entry.kind == "differential":
        names |= {name: number(name, get_dimensions(second**-0.5)) for name in _noises(entry.expr)}
    own = Scope(names, scope.hints, functions=scope.functions)
    what = f"d{entry.name}/dt" if entry.kind == "differential" else repr(entry.name)
    if entry.dtype is bool:
        own.require_boolean(place, entry.expr, line=entry.line)
    else:
        own.require(place, entry.expr, entry.expected, what=what, line=entry.line)
    check_draws(place, entry)
    check_shared(place, entry, own, those="units")


def _noises(expr: str) -> set[str]:
    return {name for name in get_identifiers(expr) if name == "xi" or name.startswith("xi_")}


def neuron_scope(text: ModelText, population: Population) -> Scope:
    """Return what the equations of a population may read."""
    names = {**text.readable(population.name), **text.gates, **text.constants, **time_names()}
    names |= {"i": index("i"), "elapsed": number("elapsed", get_dimensions(second), scalar=True)}
    others = [item.name for item in text.model.populations if item.name != population.name]
    advice = f"Sum it into a variable of {population.name!r} with a projection."
    hints = pattern_hints(text) | foreign_hints(text, others, advice) | tuple_hints(text) | {"xi": NOISE}
    hints |= dict.fromkeys(("not_refractory", "lastspike", "refractory"), SPIKELESS)
    hints |= scalar_hints(text)
    names |= {name: item for name, item in _scalars_for(text, population).items() if name not in names}
    for suffix in ("_pre", "_post"):
        hints |= {f"{name}{suffix}": SUFFIXED.format(name=name) for name in names}
    for suffix in ("_i", "_j"):
        hints |= {f"{name}{suffix}": f"an equation holds for every unit; write {name!r}." for name in names}
    if _own_size(text, population):
        names["N"] = index("N")
    else:
        hints["N"] = (
            f"in neuron equations N is the population's own size, which is {population.size!r} here and not the "
            "parameter N. Declare a parameter such as Parameter('n_units', 'N') and use that."
        )
    return Scope(names, hints, functions=comparing())


def _scalars_for(text: ModelText, population: Population) -> dict[str, Variable]:
    """Return the numbers of the whole network that a population reads."""
    found = text.scalars
    if population.sequential:  # its own change at every visit
        own = {item.name for item in text.model.observables if item.population == population.name}
        found = {name: item for name, item in found.items() if name not in own}
    return found


def _own_size(text: ModelText, population: Population) -> bool:
    return "N" not in text.values or population.size in ("N", text.values["N"])


def _check_roles(place: Place, population: Population, entries: dict[str, Entry]) -> None:
    missing = Findings()
    for role in ("rate", "drive", "transfer"):
        name = getattr(population, role)
        if name is not None and name not in entries:
            near = closest(name, entries)
            reason = f"{role}={name!r} is no variable of its equations.{near} Variables: {listed(entries)}."
            missing.note(place.error(reason, about=name))
    missing.close()
    if population.rate is None or population.sequential:
        _check_no_rate(place, population)
    elif entries[population.rate].kind == "differential":
        _check_rate_form(place, population, entries)
    else:
        _check_current_form(place, population, population.rate, entries)


def _check_no_rate(place: Place, population: Population) -> None:
    for role in ("drive", "transfer"):
        given = getattr(population, role)
        if given is not None and population.sequential:
            raise place.error(
                f"{role}={given!r}: units updated one at a time have neither drive= nor transfer=, unless they have "
                f"the equation that cells follow, 'd{population.state}/dt = (phi - {population.state})/tau : 1'."
            )
        if given is not None:
            raise place.error(f"{role}={given!r} without a rate. Name the rate= variable too.")


def _check_rate_form(place: Place, population: Population, entries: dict[str, Entry]) -> None:
    transfer = population.transfer
    if transfer is None or entries[transfer].kind != "subexpression":
        raise place.error(
            f"rate={population.rate!r} is a differential variable, so transfer= must name the subexpression that it "
            f"relaxes to, got {transfer!r}. Write 'phi = f(drive) : 1' and 'd{population.rate}/dt = "
            f"(phi - {population.rate})/tau : 1', and transfer='phi'. "
            f"Subexpressions: {listed(_subexpressions(entries))}."
        )


def _check_current_form(place: Place, population: Population, rate: str, entries: dict[str, Entry]) -> None:
    drive = population.drive
    if entries[rate].kind == "parameter":
        raise place.error(f"rate={rate!r} must be a differential variable or a subexpression, and has no equation.")
    if population.transfer != rate:
        raise place.error(
            f"rate={rate!r} is a subexpression, so it is itself the transfer of the drive: "
            f"write transfer={rate!r}, got transfer={population.transfer!r}."
        )
    if drive is None or entries[drive].kind != "differential":
        differential = [name for name, entry in entries.items() if entry.kind == "differential"]
        raise place.error(
            f"rate={rate!r} is a subexpression, so drive= must name the differential variable it is a function "
            f"of, got {drive!r}. Differential variables: {listed(differential)}."
        )


def _subexpressions(entries: dict[str, Entry]) -> list[str]:
    return [name for name, entry in entries.items() if entry.kind == "subexpression"]
