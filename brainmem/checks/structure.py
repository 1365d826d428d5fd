"""Checks of a model's parts: their kinds, their names, and references from one to another."""

from __future__ import annotations

import math
from typing import Any

from brainmem import spec
from brainmem.checks.place import Place, check_choice, listed, place_of

__all__ = ["check_structure"]

FIELDS = {
    "parameters": spec.Parameter,
    "populations": spec.Population,
    "projections": spec.Projection,
    "rules": spec.LearningRule,
    "stimuli": spec.Stimulus,
    "observables": spec.Observable,
    "limits": spec.Limit,
}
FORMS = ("continuous", "periodic", "episodic")


def check_structure(model) -> None:
    """Check kinds of fields and references, so that later checks may rely on them."""
    place = Place(f"Model {model.name!r}")
    if not isinstance(model.name, str) or not model.name:
        raise place.error("the name must be text that is not empty.")
    for name, kind in FIELDS.items():
        _check_tuple(place, name, getattr(model, name), kind)
    if not isinstance(model.protocol, spec.Protocol):
        raise place.error(f"protocol must be a Protocol, got {type(model.protocol).__name__}.")
    _check_tuple(place, "phases of the protocol", model.protocol.phases, spec.Phase)
    _check_tuple(place, "schedule of the protocol", model.protocol.schedule, (spec.Each, spec.Repeat))
    if not model.populations:
        raise place.error("it has no populations.")
    _check_distinct(model)
    _check_references(model)
    for rule in model.rules:
        _check_rule(model, rule)


def _check_tuple(place: Place, field: str, given: Any, kind: Any) -> None:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    wanted = " or ".join(item.__name__ for item in kinds)
    if not isinstance(given, tuple):
        hint = " Is a comma missing, as in (item,)?" if isinstance(given, kinds) else ""
        raise place.error(f"{field} must be a tuple of {wanted}, got {type(given).__name__}.{hint}")
    for item in given:
        if not isinstance(item, kinds):
            raise place.error(f"{field} must hold {wanted} only, got {item!r}.")


def _check_distinct(model) -> None:
    """Refuse two parts of one name; populations, projections and rules become objects of one network."""
    kinds = {
        "parameter": model.parameters,
        "population, projection or rule": (*model.populations, *model.projections, *model.rules),
        "stimulus": model.stimuli,
        "observable": model.observables,
        "phase": model.protocol.phases,
    }
    for kind, items in kinds.items():
        seen: set[str] = set()
        for item in items:
            if not isinstance(item.name, str) or not item.name.isidentifier():
                raise Place(f"Model {model.name!r}").error(f"{kind} name {item.name!r} must be letters, digits and _.")
            if item.name in seen:
                raise Place(f"Model {model.name!r}").error(f"two parts ({kind}) are called {item.name!r}. Rename one.")
            seen.add(item.name)


def _check_references(model) -> None:
    populations = [item.name for item in model.populations]
    projections = [item.name for item in model.projections]
    for item in model.projections:
        place = place_of(model, "projection", item.name)
        check_choice(place, "source", item.source, populations)
        check_choice(place, "target", item.target, populations)
        if item.row_norm is not None and not (item.initial and 0 < item.row_norm < math.inf):
            raise place.error(f"row_norm={item.row_norm!r} needs a positive number and initial= weights to scale.")
    for item in model.stimuli:
        check_choice(place_of(model, "stimulus", item.name), "population", item.population, populations)
    for item in model.observables:
        place = place_of(model, "observable", item.name)
        check_choice(place, "population", item.population, populations)
        check_choice(place, "reduce", item.reduce, ("mean", "sum"))
    for item in model.rules:
        check_choice(place_of(model, "rule", item.name), "projection", item.projection, projections)


def _check_rule(model, rule) -> None:
    place = place_of(model, "rule", rule.name)
    given = [form for form in FORMS if getattr(rule, form)]
    if len(given) != 1:
        raise place.error(f"exactly one of {', '.join(FORMS)} holds its text, got {listed(given)}.")
    check_choice(place, "read", rule.read, ("auto", "event", "drive", "trace"))
    check_choice(place, "pairing", rule.pairing, ("symmetric", "causal", "anticausal"))
    if bool(rule.every) != (rule.form == "periodic"):
        raise place.error(
            f"every= is the period of a periodic rule; this one is {rule.form}, with every={rule.every!r}."
        )
    if bool(rule.at) != (rule.form == "episodic"):
        raise place.error(
            f"at= names the phases at whose end an episodic rule runs; this one is {rule.form}, with at={rule.at!r}."
        )
    if not isinstance(rule.at, tuple):
        raise place.error(f"at={rule.at!r} must be a tuple of phase names, such as ({rule.at!r},).")
    if not isinstance(rule.during, tuple):
        raise place.error(f"during={rule.during!r} must be a tuple of phase names, such as ({rule.during!r},).")
    if rule.during and rule.form == "episodic":
        raise place.error(
            f"during={rule.during!r} names the phases in which a continuous or periodic rule acts. Name those at whose "
            "end this episodic one runs by at=."
        )
    if not model.varied:
        for field, names in (("at", rule.at), ("during", rule.during)):
            for name in names:
                check_choice(place, field, name, [phase.name for phase in model.protocol.phases])
