"""Checks of a model's parts: their kinds and fields, their names, and references from one to another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

from brainmem.errors import quoted
from brainmem.model import nouns
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.place import Place, check_choice, listed, place_of
from brainmem.model.combined import Combined, named_protocols
from brainmem.model.fields import DROP, kinds_of
from brainmem.model.parts import TUPLES
from brainmem.model.reading import EXTREMES

__all__ = ["check_fields", "check_references"]

NOUNS = {
    "parameters": nouns.Parameter,
    "choices": nouns.Choice,
    "curves": nouns.Curve,
    "populations": nouns.Population,
    "projections": nouns.Projection,
    "rules": nouns.LearningRule,
    "patterns": nouns.Pattern,
    "stimuli": nouns.Stimulus,
    "observables": nouns.Observable,
    "limits": nouns.Limit,
}
KINDS = {**TUPLES, "phases": "phase", "schedule": "schedule"}
# Names that may not be given twice: populations, projections and rules become objects of one network.
APART = {
    "parameter": ("parameters",),
    "curve": ("curves",),
    "population, projection or rule": ("populations", "projections", "rules"),
    "pattern or stimulus": ("patterns", "stimuli"),
    "observable": ("observables",),
    "phase": ("phases",),
}
REFERENCES = {
    "projections": {"source": "populations", "target": "populations"},
    "patterns": {"population": "populations"},
    "stimuli": {"population": "populations"},
    "observables": {"population": "populations"},
    "rules": {"projection": "projections"},
}
# The fields by which a noun declares names.
DECLARING = ("name", "equations", "variables", "continuous", "initial", "gates")
FORMS = ("continuous", "periodic", "episodic")


def check_fields(model: Any, found: Findings) -> Any:
    """Check what the fields of all parts hold; return the model without the parts in which that is wrong.

    Raises
    ------
    RuleError
        When the model does not consist of parts.
    """
    place = Place(f"Model {model.name!r}")
    _check_whole(place, model, found)
    found.close(place.where)
    for name, protocol in named_protocols(model).items():
        _check_own(place_of(model, "protocol", name), protocol, found)
    model = _mended(place, model, found)
    if model.reference is not None:
        _mended(Place(f"{place.where}, reference"), model.reference, found)
    if isinstance(model.recalled, nouns.Recalled):
        model = _changed(model, recalled=_mended(Place(f"{place.where}, recalled"), model.recalled, found))
    for field in KINDS:
        sound = [_sound(place, field, noun, found) for noun in _nouns(model, field)]
        model = _keeping(model, field, [noun for noun in sound if noun is not None])
    return model


def _nouns(model: Any, field: str) -> tuple[Any, ...]:
    return getattr(model.protocol if field in ("phases", "schedule") else model, field)


def _keeping(model: Any, field: str, nouns: list[Any]) -> Any:
    """Return a copy of a model, not checked, with these nouns."""
    if field in ("phases", "schedule"):
        return _changed(model, protocol=_changed(model.protocol, **{field: tuple(nouns)}))
    return _changed(model, **{field: tuple(nouns)})


def _check_whole(place: Place, model: Any, found: Findings) -> None:
    if not isinstance(model.name, str) or not model.name.strip():
        found.note(place.error("the name must be text that is not empty."))
    elif not model.name.isprintable():
        found.note(place.error("the name must be one line of text that can be printed."))
    for name, kind in NOUNS.items():
        _check_tuple(place, name, getattr(model, name), kind, found)
    for which, protocol in _protocols(place, model, found).items():
        which = f"protocol {which!r}" if which else "protocol"
        if isinstance(protocol, nouns.Protocol):
            _check_tuple(place, f"phases of the {which}", protocol.phases, nouns.Phase, found)
            _check_tuple(place, f"schedule of the {which}", protocol.schedule, (nouns.Each, nouns.Repeat), found)
        else:
            found.note(place.error(f"{which} must be a Protocol, got {type(protocol).__name__}."))
    if isinstance(model.populations, tuple) and not model.populations:
        found.note(place.error("it has no populations."))


def _protocols(place: Place, model: Any, found: Findings) -> dict[Any, Any]:
    """Return the protocols by name, after checking that one is given, or several with names."""
    if not isinstance(model.protocols, Mapping):
        found.note(place.error(f"protocols={quoted(model.protocols)} must be a mapping from names to Protocol."))
        return {}
    if model.protocol is None and not model.protocols:
        reason = "protocol must be a Protocol, got NoneType. Give one, or several by name in protocols={...}."
        found.note(place.error(reason))
        return {}
    if not model.protocols:
        return {"": model.protocol}
    if not isinstance(model.protocol, Combined | None):
        found.note(place.error("protocol= and protocols= are both given. Give one protocol, or several by name."))
    for name in model.protocols:
        if not isinstance(name, str) or not name.isidentifier():
            found.note(place.error(f"protocols={{{name!r}: ...}}: a name is letters, digits and _."))
    for kind in ("parameters", "choices"):
        items = getattr(model, kind)
        if isinstance(items, tuple) and any(getattr(item, "name", None) == "protocol" for item in items):
            reason = f"one of its {kind} is called 'protocol', which chooses among its protocols. Rename it."
            found.note(place.error(reason))
    return dict(model.protocols)


def _check_own(place: Place, protocol: nouns.Protocol, found: Findings) -> None:
    """Note a schedule that is empty; in one protocol of several, phases of one name, and phases of the others."""
    if not protocol.schedule:
        found.note(place.error("its schedule is empty. Add Each('phase') or Repeat(times, (Each(...),))."))
    if not protocol.name:
        return
    names = [phase.name for phase in protocol.phases]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        found.note(place.error(f"two parts (phase) are called {name!r}. Rename one."))
    for entry in protocol.schedule:
        for each in entry.body if isinstance(entry, nouns.Repeat) and isinstance(entry.body, tuple) else (entry,):
            named = getattr(each, "phases", ())
            for name in (named,) if isinstance(named, str) else named if isinstance(named, tuple | list) else ():
                found.passes(check_choice, place, "phase", name, names)


def _check_tuple(place: Place, field: str, given: Any, kind: Any, found: Findings) -> None:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    wanted = " or ".join(item.__name__ for item in kinds)
    if not isinstance(given, tuple):
        hint = " Is a comma missing, as in (item,)?" if isinstance(given, kinds) else ""
        found.note(place.error(f"{field} must be a tuple of {wanted}, got {type(given).__name__}.{hint}"))
        return
    for item in given:
        if not isinstance(item, kinds) or (field == "patterns" and isinstance(item, nouns.Stimulus)):
            found.note(place.error(f"{field} must hold {wanted} only, got {item!r}.{_belongs(item)}"))


def _belongs(item: Any) -> str:
    """Return where a pattern or stimulus belongs."""
    if isinstance(item, nouns.Stimulus):
        return " A Stimulus, which phases show, belongs in stimuli=."
    if isinstance(item, nouns.Pattern):
        return " A Pattern, which nobody is shown, belongs in patterns=. Make it a Stimulus for phases to show it."
    return ""


def _sound(place: Place, field: str, noun: Any, found: Findings) -> Any:
    """Note what is wrong with the name and the fields of a noun; return it as further checks read it, None if not."""
    name = noun.condition if isinstance(noun, nouns.Limit) else getattr(noun, "name", "schedule")
    where = KINDS[field] if field == "schedule" else f"{KINDS[field]} {name!r}"
    here = Place(f"{place.where}, {where}")
    if not (_has_name(place, KINDS[field], noun, found) & _has_body(here, noun, found)):
        found.lose(*_declared(noun))
        return None
    made = _mended(here, noun, found)
    if isinstance(made, nouns.Repeat):
        return _changed(made, body=tuple(filter(None, (_mended(here, each, found) for each in made.body))))
    if isinstance(made, nouns.Phase) and made.spiking:
        return _changed(made, spiking=_sound_fields(here, made, found))
    if isinstance(made, nouns.LearningRule) and made.spiking is not None:
        return _changed(made, spiking=_mended(Place(f"{here.where}, spiking text"), made.spiking, found))
    return made


def _sound_fields(place: Place, phase: nouns.Phase, found: Findings) -> dict[str, Any]:
    """Note what is wrong with the fields that a phase has in the spiking variant; return the others."""
    kinds = {name: kind for name, kind in kinds_of(phase).items() if name not in ("name", "spiking")}
    sound = {}
    for name, value in (phase.spiking or {}).items():
        if not found.passes(check_choice, place, "field of spiking=,", name, kinds):
            continue
        if slip := kinds[name].slip(f"spiking[{name!r}]", value):
            found.note(place.error(slip))
            found.lose(*_texts(value))
        else:
            sound[name] = value
    return sound


def _mended(place: Place, noun: Any, found: Findings) -> Any:
    """Note every field that holds what it may not; return the noun with what stands in for it, None if nothing can."""
    changes = {}
    for name, kind in kinds_of(noun).items():
        if slip := kind.slip(name, getattr(noun, name)):
            found.note(place.error(slip))
            changes[name] = kind.instead(getattr(noun, name))
    if DROP in changes.values():
        found.lose(*_declared(noun))
        return None
    for name in changes.keys() & set(DECLARING):
        found.lose(*_texts(getattr(noun, name)))
    return _changed(noun, **changes)


def _changed(noun: Any, **changes: Any) -> Any:
    """Return a copy of a noun that is not checked."""
    made = copy(noun)
    vars(made).update(changes)
    return made


def _has_name(place: Place, kind: str, noun: Any, found: Findings) -> bool:
    name = getattr(noun, "name", "none")
    if isinstance(name, str) and name.isidentifier():
        return True
    found.note(place.error(f"{kind} name {name!r} must be letters, digits and _."))
    return False


def _has_body(place: Place, noun: Any, found: Findings) -> bool:
    body = getattr(noun, "body", (nouns.Each(""),))
    if isinstance(body, tuple) and body and all(isinstance(item, nouns.Each) for item in body):
        return True
    nested = isinstance(body, tuple) and any(isinstance(item, nouns.Repeat) for item in body)
    kind = "another Repeat" if nested else repr(body)
    reason = f"the body of Repeat must be a tuple of Each, such as (Each('learn'),), got {kind}."
    found.note(place.error(reason))
    return False


def _declared(noun: Any) -> Iterator[Any]:
    """Yield the texts of a noun that declare names, which others may read."""
    for field in DECLARING:
        yield from _texts(getattr(noun, field, ""))


def _texts(given: Any) -> Iterator[Any]:
    yield from given if isinstance(given, Mapping) else (given,)


def check_references(given: Any, model: Any, found: Findings) -> Any:
    """Check that names are given once, and references between parts; return the model without the parts that fail.

    The model may lack parts of the one `given`, in whose fields something is wrong.
    """
    for kind, owners in APART.items():
        if not (kind == "phase" and given.protocols):  # those of one protocol have been looked at
            model = _distinct(model, kind, owners, found)
    for field in REFERENCES:
        model = _referring(given, model, field, found)
    for projection in model.projections:
        found.passes(_check_norm, model, projection)
    for item in model.observables:
        place = place_of(model, "observable", item.name)
        found.passes(check_choice, place, "reduce", item.reduce, ("mean", "sum", *EXTREMES))
        if not model.varied:
            _check_phases(model, place, "during", item.during, found)
    for rule in model.rules:
        _check_rule(model, rule, found)
    return _keeping(model, "rules", [rule for rule in model.rules if len(_forms(rule)) == 1])


def _distinct(model: Any, kind: str, owners: tuple[str, ...], found: Findings) -> Any:
    """Return the model without the parts whose name has been given before."""
    seen: set[str] = set()
    for field in owners:
        kept = []
        for noun in _nouns(model, field):
            if noun.name in seen:
                found.note(
                    Place(f"Model {model.name!r}").error(f"two parts ({kind}) are called {noun.name!r}. Rename one.")
                )
            else:
                kept.append(noun)
            seen.add(noun.name)
        model = _keeping(model, field, kept)
    return model


def _referring(given: Any, model: Any, field: str, found: Findings) -> Any:
    """Return the model without the nouns of a field that name parts which do not exist, or are left out."""
    kept = []
    for noun in getattr(model, field):
        place, references = place_of(model, TUPLES[field], noun.name), REFERENCES[field]
        for by, to in references.items():
            names = [item.name for item in getattr(given, to) if isinstance(item.name, str)]
            found.passes(check_choice, place, by, getattr(noun, by), names)
        if all(getattr(noun, by) in {item.name for item in getattr(model, to)} for by, to in references.items()):
            kept.append(noun)
        else:
            found.lose(*_declared(noun))
    return _keeping(model, field, kept)


def _check_norm(model: Any, item: Any) -> None:
    plain = item.row_norm is None or not hasattr(item.row_norm, "dim")
    if not plain or (item.row_norm is not None and not (item.initial and 0 < item.row_norm < math.inf)):
        raise place_of(model, "projection", item.name).error(
            f"row_norm={item.row_norm!r} needs a positive number and initial= weights to scale."
        )


def _forms(rule: Any) -> list[str]:
    return [form for form in FORMS if getattr(rule, form)]


def _check_rule(model: Any, rule: Any, found: Findings) -> None:
    place = place_of(model, "rule", rule.name)
    found.passes(check_choice, place, "read", rule.read, ("auto", "event", "drive", "trace"))
    found.passes(check_choice, place, "pairing", rule.pairing, ("symmetric", "causal", "anticausal"))
    if len(_forms(rule)) != 1:
        reason = f"exactly one of {', '.join(FORMS)} holds its text, got {listed(_forms(rule))}."
        found.note(place.error(reason))
        found.lose(*_declared(rule))
        return
    if bool(rule.every) != (rule.form == "periodic"):
        reason = f"every= is the period of a periodic rule; this one is {rule.form}, with every={rule.every!r}."
        found.note(place.error(reason))
    if bool(rule.at) != (rule.form == "episodic"):
        reason = (
            f"at= names the phases at whose end an episodic rule runs; this one is {rule.form}, with at={rule.at!r}."
        )
        found.note(place.error(reason))
    if rule.during and rule.form == "episodic":
        reason = (
            f"during={rule.during!r} names the phases in which a continuous or periodic rule acts. Name those at whose "
            "end this episodic one runs by at=."
        )
        found.note(place.error(reason))
    if not model.varied:
        for field, names in (("at", rule.at), ("during", rule.during)):
            _check_phases(model, place, field, names, found)


def _check_phases(model: Any, place: Place, field: str, names: tuple[str, ...], found: Findings) -> None:
    for name in names:
        found.passes(check_choice, place, field, name, [phase.name for phase in model.protocol.phases])
