"""Checks of flags: those that an equation may have, and what they ask of its right-hand side."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

from brainmem.model.checks.finite import comparison_slip
from brainmem.model.checks.place import Place
from brainmem.model.checks.scope import DRAWS, Scope
from brainmem.model.checks.text import Entry
from brainmem.text.equations import identifiers, rename

__all__ = ["FLAGS", "check_draws", "check_flags", "check_inlined", "check_shared"]

FLAGS = {
    "differential": {"clock-driven"},
    "subexpression": {"shared", "constant over dt", "summed"},
    "parameter": {"shared", "constant"},
}
LONGEST = 10_000  # characters of an equation with its subexpressions written out
REFRACTORY = (
    "a model's units hold rates and do not spike, so nothing is refractory. Take it out: the cells of the spiking "
    "variant are refractory for t_ref, which MemoryModel(spiking={'t_ref': ...}) sets."
)


def check_flags(place: Place, entry: Entry, flags: Mapping[str, Collection[str]] = FLAGS) -> None:
    """Raise for a flag that an equation of its kind cannot have (`flags`), alone or beside another."""
    for flag in entry.flags:
        if flag not in flags[entry.kind]:
            allowed = ", ".join(sorted(set(flags[entry.kind]) - {"summed", "clock-driven"})) or "none"
            said = REFRACTORY if "refractory" in flag and flags is FLAGS else f"allowed: {allowed}."
            raise place.error(f"flag ({flag}) is not allowed for a {entry.kind}; {said}", line=entry.line)
    if {"shared", "constant over dt"} <= set(entry.flags):
        raise place.error(
            f"{entry.name!r} cannot be both shared and stored for a time step, (shared, constant over dt): Brian2 "
            "would have to write it before all that differs between units. Take out one of the flags, or let a "
            "Population(size=1) compute it and a projection sum it into the units.",
            line=entry.line,
        )
    others = [flag for flag in entry.flags if flag != "summed"]
    if "summed" in entry.flags and others:
        raise place.error(
            f"{entry.name!r} is a sum, formed in every time step for each unit: take out the flag ({others[0]}).",
            line=entry.line,
        )


def check_draws(place: Place, entry: Entry) -> None:
    """Refuse a subexpression that draws a random number anew wherever it is read."""
    drawn = sorted(DRAWS & entry.names)
    if entry.kind == "subexpression" and drawn and not {"constant over dt", "summed"} & set(entry.flags):
        raise place.error(
            f"{entry.name!r} draws a random number, {drawn[0]}(), which would be another one wherever {entry.name!r} "
            f"is read. Draw it once per time step with the flag (constant over dt), or write {drawn[0]}() where it is "
            "read.",
            line=entry.line,
        )


def check_shared(place: Place, entry: Entry, scope: Scope, *, those: str) -> None:
    """Refuse a shared equation that reads what is not the same for all of `those`, units or synapses."""
    apart = scope.apart(entry.expr) if "shared" in entry.flags and entry.expr else []
    if apart:
        raise place.error(
            f"{entry.name!r} is shared by all {those}, but {apart[0]!r} differs between them. Take out the flag "
            "(shared), or read only what is shared: parameters, other shared variables, t.",
            line=entry.line,
        )


def check_inlined(place: Place, entry: Entry, entries: Mapping[str, Entry]) -> None:
    """Refuse comparisons that Brian2 cannot carry once it has written out the subexpressions in them."""
    inner = {
        name: f"({other.expr})"
        for name, other in entries.items()
        if other.kind == "subexpression" and not {"constant over dt", "summed"} & set(other.flags)
    }
    text = entry.expr
    while identifiers(text) & set(inner) and len(text) < LONGEST:
        text = rename(text, inner)
    if text != entry.expr and (slip := comparison_slip(ast.parse(text, mode="eval"))):
        raise place.error(f"with what it reads written out, {slip}", line=entry.line)
