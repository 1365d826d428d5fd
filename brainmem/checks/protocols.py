"""Checks of the protocol: phases, their conditions and start variables, the schedule; and of observables."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.core.variables import Variable
from brian2.units import second

from brainmem.checks.place import Place, check_choice, listed, place_of
from brainmem.checks.scope import Scope, tuple_hints
from brainmem.checks.text import ModelText, read_unit
from brainmem.errors import closest
from brainmem.spec import Each, Repeat

__all__ = ["check_observables", "check_protocol"]


def check_observables(text: ModelText) -> None:
    """Check the expression and the unit of every observable."""
    for item in text.model.observables:
        place = place_of(text.model, "observable", item.name, item.expression)
        names = {**text.readable(item.population), **text.constants}
        hints = {f"{name}{end}": f"write {name!r} alone." for name in names for end in ("_pre", "_post")}
        hints |= tuple_hints(text) | {"N": "reduce='mean' divides by the number of units."}
        Scope(names, hints).require(
            place, item.expression, read_unit(text.model, "observable", item), what=f"the observable {item.name!r}"
        )


def check_protocol(text: ModelText) -> None:
    """Check phases and schedule."""
    model = text.model
    if not model.protocol.schedule:
        reason = "its schedule is empty. Add Each('phase') or Repeat(times, (Each(...),))."
        raise place_of(model, "protocol").error(reason)
    for phase in model.protocol.phases:
        place = place_of(model, "phase", phase.name)
        _check_stimuli(text, place, phase)
        _check_until(text, place, phase)
        _check_start(text, place, phase)
    for entry in model.protocol.schedule:
        _check_entry(text, entry)


def _check_stimuli(text: ModelText, place: Place, phase) -> None:
    if not isinstance(phase.stimuli, tuple):
        raise place.error(f"stimuli={phase.stimuli!r} must be a tuple of names, such as ({phase.stimuli!r},).")
    for name in phase.stimuli:
        check_choice(place, "stimulus", name, [item.name for item in text.model.stimuli])
    if len(set(phase.stimuli)) != len(phase.stimuli):
        raise place.error(f"stimuli={phase.stimuli!r} names one twice.")


def _check_until(text: ModelText, place: Place, phase) -> None:
    if not phase.until:
        return
    model = text.model
    observed = {o.name: Variable(o.name, dimensions=read_unit(model, "observable", o)) for o in model.observables}
    names = {**observed, "elapsed": Variable("elapsed", dimensions=second.dim), **text.constants}
    advice = "a condition reads observables; declare Observable({0!r}, {0!r}, population={1!r}) under another name."
    hints = {name: advice.format(name, p.name) for p in model.populations for name in text.neurons[p.name]}
    hints["N"] = "give it another name with a parameter, such as Parameter('n_units', 'N')."
    hints |= {"t": "write 'elapsed' for the time since the phase began.", **tuple_hints(text)}
    condition = Place(f"{place.where}, until", phase.until)
    Scope(names, hints).require_boolean(condition, phase.until)


def _check_start(text: ModelText, place: Place, phase) -> None:
    model = text.model
    for name in phase.start:
        owners = [owner for owner, entries in text.neurons.items() if name in entries]
        if not owners:
            known = [key for entries in text.neurons.values() for key, e in entries.items() if e.kind == "differential"]
            raise place.error(f"start={name!r} is no variable.{closest(name, known)} Variables: {listed(known)}.")
        if len(owners) > 1:
            raise place.error(f"start={name!r} is a variable of {listed(owners)}. Rename it in one of them.")
        if text.neurons[owners[0]][name].kind != "differential" and name != model.population(owners[0]).state:
            raise place.error(
                f"start={name!r} must be a variable with an equation 'd{name}/dt'; others do not keep a value."
            )


def _check_entry(text: ModelText, entry: Any) -> None:
    place = place_of(text.model, "schedule")
    if isinstance(entry, Each):
        if entry.epochs is not None:
            raise place.error(f"epochs={entry.epochs!r} counts repetitions: put the Each inside a Repeat.")
        _check_each(text, place, entry)
        return
    _check_count(text, place, "times", entry.times)
    body = entry.body
    if not isinstance(body, tuple) or not body or not all(isinstance(item, Each) for item in body):
        kind = "another Repeat" if isinstance(body, tuple) and any(isinstance(i, Repeat) for i in body) else repr(body)
        raise place.error(f"the body of Repeat must be a tuple of Each, such as (Each('learn'),), got {kind}.")
    for each in body:
        _check_each(text, place, each)


def _check_each(text: ModelText, place: Place, each: Each) -> None:
    phases = (each.phases,) if isinstance(each.phases, str) else each.phases
    known = [phase.name for phase in text.model.protocol.phases]
    if not phases:
        raise place.error("Each() names no phase.")
    for name in phases:
        check_choice(place, "phase", name, known)
    here = Place(f"{place.where}, Each({each.phases!r})")
    check_choice(here, "order", each.order, ("random", "fixed"))
    _check_count(text, here, "items", each.items)
    _check_count(text, here, "repeats", each.repeats)
    if each.epochs is not None:
        _check_epochs(text, here, each.epochs)


def _check_count(text: ModelText, place: Place, field: str, given: Any) -> None:
    value = given
    if isinstance(given, str):
        check_choice(place, field, given, [name for name, v in text.values.items() if isinstance(v, int)])
        value = text.values[given]
    if not isinstance(value, int | np.integer) or value < 0:
        raise place.error(f"{field}={given!r} must be a whole number of at least 0, or the parameter that holds it.")


def _check_epochs(text: ModelText, place: Place, given: Any) -> None:
    value = given
    if isinstance(given, str):
        check_choice(place, "epochs", given, [name for name, v in text.values.items() if isinstance(v, int | tuple)])
        value = text.values[given]
    several = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(epoch, int | np.integer) and epoch >= 1 for epoch in several):
        raise place.error(f"epochs={given!r} must be whole numbers counted from 1, or the parameter that holds them.")
