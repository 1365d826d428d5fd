"""Checks of the protocol: phases, their conditions and start variables, the schedule; and of observables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from brian2.core.variables import Variable
from brian2.units import get_dimensions, second

from brainmem.errors import RuleError, closest
from brainmem.model.checks.phases import check_statements, settable
from brainmem.model.checks.place import Place, check_choice, listed, place_of
from brainmem.model.checks.scope import DRAWS, Scope, comparing, pattern_hints, tuple_hints
from brainmem.model.checks.text import ModelText, number
from brainmem.model.checks.values import check_count
from brainmem.model.counts import EPOCH_NAME, counts_of, ends_of_range
from brainmem.model.nouns import Each, Model, Phase
from brainmem.model.steps import LONGEST
from brainmem.text.equations import identifiers
from brainmem.text.expression import names_in

__all__ = ["check_observables", "check_protocol"]

# What conditions of phases may read, and others not.
OF_A_PHASE = dict.fromkeys(
    ("t", "elapsed"), "time belongs to a phase, and a Repeat reads its condition when an epoch ends."
)


def check_observables(text: ModelText) -> None:
    """Check the expression of every observable."""
    for item in text.model.observables:
        if item.name in text.units:
            text.found.passes(_check_observable, text, item)


def _check_observable(text: ModelText, item: Any) -> None:
    place = place_of(text.model, "observable", item.name, item.expression)
    others = {name: found for name, found in text.scalars.items() if name != item.name}
    names = {**others, **text.readable(item.population), **text.gates, **text.constants}
    hints = {f"{name}{end}": f"write {name!r} alone." for name in names for end in ("_pre", "_post")}
    hints |= pattern_hints(text) | tuple_hints(text) | {"N": "reduce='mean' divides by the number of units."}
    what = f"the observable {item.name!r}"
    _check_no_draw(place, item.expression)
    scope = Scope(names, hints, functions=comparing())
    scope.require(place, item.expression, text.units[item.name], what=what)


def _check_no_draw(place: Place, expr: str) -> None:
    """Refuse random numbers in what is computed once for a population, and read whenever it is asked for."""
    drawn = sorted(DRAWS & identifiers(expr))
    if drawn:
        raise place.error(
            f"{expr!r} draws a random number, {drawn[0]}(), which observables and conditions cannot. Let the equations "
            f"of a population draw it, 'noise = {drawn[0]}() : 1 (constant over dt)', and read it in an Observable."
        )


def check_protocol(text: ModelText) -> None:
    """Check phases and schedule."""
    model = text.model
    for phase in model.protocol.phases:
        place = place_of(model, "phase", phase.name)
        for name in phase.stimuli:
            text.found.passes(_check_shown, model, place, name)
        text.found.passes(_check_once, place, phase)
        text.found.passes(_check_phase_until, text, place, phase)
        for name in phase.start:
            text.found.passes(_check_start, text, place, name)
        check_statements(text, phase)
    for entry in model.protocol.schedule:
        _check_entry(text, entry)


def _check_shown(model: Model, place: Place, name: str) -> None:
    """Refuse to show what is no stimulus."""
    if name in [item.name for item in model.patterns]:
        raise place.error(
            f"stimuli= names {name!r}, which is a Pattern, which nobody is shown. Leave it out: start= reads its row "
            "without it being shown. For equations to read it, make it a Stimulus, in stimuli= of the model.",
            about=name,
        )
    check_choice(place, "stimulus", name, [item.name for item in model.stimuli])


def _check_once(place: Place, phase: Phase) -> None:
    if len(set(phase.stimuli)) != len(phase.stimuli):
        raise place.error(f"stimuli={phase.stimuli!r} names one twice.")


def _check_phase_until(text: ModelText, place: Place, phase: Phase) -> None:
    elapsed = {"elapsed": number("elapsed", get_dimensions(second))}
    _check_until(text, place, phase.until, elapsed, {"t": "write 'elapsed' for the time since the phase began."})


def _check_until(text: ModelText, place: Place, until: str, own: dict[str, Variable], advice: dict[str, str]) -> None:
    """Check a condition that reads observables, parameters and names of its `own`."""
    if not until:
        return
    model = text.model
    known = {item.name: text.units[item.name] for item in model.observables if item.name in text.units}
    observed = {name: number(name, unit) for name, unit in known.items()}
    single = {name: found for name, found in text.scalars.items() if name in text.owners_of_scalars}
    names = {**single, **observed, **own, **text.constants}
    observe = "a condition reads observables; declare Observable({0!r}, {0!r}, population={1!r}) under another name."
    hints = pattern_hints(text)
    hints |= {name: observe.format(name, p.name) for p in model.populations for name in text.neurons[p.name]}
    hints["N"] = "give it another name with a parameter, such as Parameter('n_units', 'N')."
    hints |= {**advice, **tuple_hints(text)}
    condition = Place(f"{place.where}, until", until)
    _check_no_draw(condition, until)
    Scope(names, hints).require_boolean(condition, until)


def _check_start(text: ModelText, place: Place, name: str) -> None:
    owners = [owner for owner, entries in text.neurons.items() if name in entries]
    states = {item.name: settable(text, item) for item in text.model.populations}
    known = [state for found in states.values() for state in found]
    if not owners:
        reason = f"start={name!r} is no variable.{closest(name, known)} Variables: {listed(known)}."
        raise place.error(reason, about=name)
    if len(owners) > 1:
        raise place.error(f"start={name!r} is a variable of {listed(owners)}. Rename it in one of them.")
    if name not in states[owners[0]]:
        raise place.error(
            f"start={name!r} must be a variable with an equation 'd{name}/dt', or one declared as '{name} : unit' into "
            f"which no projection sums; others do not keep a value. Variables: {listed(known)}."
        )


def _check_entry(text: ModelText, entry: Any) -> None:
    place = place_of(text.model, "schedule")
    if isinstance(entry, Each):
        if entry.epochs is not None:
            reason = f"epochs={entry.epochs!r} counts repetitions: put the Each inside a Repeat."
            text.found.note(place.error(reason))
        _check_each(text, place, replace(entry, epochs=None), None)
        return
    sound = text.found.passes(_check_repetitions, text, place, "times", entry.times)
    here = Place(f"{place.where}, Repeat({entry.times!r}, ...)")
    text.found.passes(_check_until, text, here, entry.until, {}, OF_A_PHASE)
    if entry.must_end and not entry.until:
        text.found.note(here.error("must_end=True needs a condition, until='errors < 0.5'."))
    times = text.values[entry.times] if sound and isinstance(entry.times, str) else entry.times if sound else 0
    for each in entry.body:
        _check_each(text, place, each, min(int(times), LONGEST))


def _check_each(text: ModelText, place: Place, each: Each, times: int | None) -> None:
    """Check an `Each` of a Repeat of so many epochs, None for one outside."""
    found = text.found
    phases = (each.phases,) if isinstance(each.phases, str) else each.phases
    known = [phase.name for phase in text.model.protocol.phases]
    if not phases:
        found.note(place.error("Each() names no phase."))
    for name in phases if not text.model.protocols else ():  # of several, each has looked at its own
        found.passes(check_choice, place, "phase", name, known)
    here = Place(f"{place.where}, Each({each.phases!r})")
    found.passes(check_choice, here, "order", each.order, ("random", "fixed", "drawn"))
    if each.draws is not None and each.order != "drawn":
        found.note(here.error(f"draws={each.draws!r} counts items drawn: write order='drawn', or leave it out."))
    given = (*(("items", end) for end in ends_of_range(each.items)), ("draws", each.draws), ("repeats", each.repeats))
    sound = [found.passes(_check_number, text, here, *item, times is not None) for item in given]
    named = each.epochs is None or found.passes(_check_epochs, text, here, each.epochs)
    if named and all(sound):
        found.passes(_check_counts, text, here, each, times)


def _check_repetitions(text: ModelText, place: Place, field: str, given: Any) -> None:
    check_count(text, place, field, given, least=0)


def _check_number(text: ModelText, place: Place, field: str, given: Any, repeated: bool) -> None:
    """Check the names in a number or a text over parameters and, inside of a Repeat, the epoch."""
    if not isinstance(given, str):
        if given is not None:
            _check_repetitions(text, place, field, given)
        return
    try:
        read = names_in(given)
    except RuleError as error:
        raise place.error(f"{field}={given!r}: {error}") from error
    if EPOCH_NAME in read and repeated and EPOCH_NAME in text.values:
        raise place.error(f"{field}={given!r} reads 'epoch', the number of a repetition and a parameter. Rename that.")
    alone = read == {given.strip()}
    kinds = int if alone else object
    allowed = [name for name, value in text.values.items() if isinstance(value, kinds) and not isinstance(value, tuple)]
    allowed += [EPOCH_NAME] if repeated else []
    if EPOCH_NAME in read.difference(allowed):
        raise place.error(f"{field}={given!r} reads 'epoch', which only a Repeat has: put the Each inside of one.")
    for name in sorted(read.difference(allowed)):
        check_choice(place, field if alone else f"{field}={given!r}:", name, allowed)


def _check_counts(text: ModelText, place: Place, each: Each, times: int | None) -> None:
    """Check the numbers that come of the default parameters."""
    epochs = np.arange(1, 2 if times is None else times + 1)
    if each.epochs is not None:
        own = text.values[each.epochs] if isinstance(each.epochs, str) else each.epochs
        epochs = epochs[np.isin(epochs, own)]
    try:
        counts_of(each, text.values, epochs)
    except RuleError as error:
        raise place.error(str(error)) from error


def _check_epochs(text: ModelText, place: Place, given: Any) -> None:
    value = given
    if isinstance(given, str):
        check_choice(place, "epochs", given, [name for name, v in text.values.items() if isinstance(v, int | tuple)])
        value = text.values[given]
    several = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(epoch, int | np.integer) and epoch >= 1 for epoch in several):
        raise place.error(f"epochs={given!r} must be whole numbers counted from 1, or the parameter that holds them.")
