"""A recording as the target of a model: which form of the model can follow it, and the tables that are given to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.choices import choose, split_choices
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population, Stimulus
from brainmem.model.parameters import resolve_parameters
from brainmem.model.protocols import with_protocol
from brainmem.model.reading import patterns_read
from brainmem.numbers.loading import load_given
from brainmem.numbers.patterns import patterns_of
from brainmem.recordings import Recording
from brainmem.text import evaluate
from brainmem.text.expression import names_in
from brainmem.translation import translate

__all__ = ["MARKS", "Task", "shared_inputs", "task_of"]

MARKS = "seen"  # the stimulus that marks which samples count


@dataclass(frozen=True)
class Task:
    """A model that can learn a recording.

    `model` has its choices made and one protocol; `given` are the parameters of the user that are no choices, `options`
    the forms that were chosen for the recording, and `notes` say why.
    """

    model: MemoryModel
    stimulus: Stimulus
    given: dict[str, Any]
    options: dict[str, str]
    notes: tuple[str, ...]

    @property
    def population(self) -> Population:
        """The units that are to follow the recording."""
        return self.model.population(self.stimulus.population)


def task_of(
    model: MemoryModel, recording: Recording, target: str, parameters: Mapping[str, Any] | None, protocol: str | None
) -> Task:
    """Return the form of a model that can follow a recording.

    Raises
    ------
    RuleError
        For a model without such a target, without a form that reaches the recording's values or leaves samples out,
        and for parameters that the recording decides.
    """
    options, given = split_choices(model, parameters)
    made, notes = dict(options), []
    form = with_protocol(choose(model, **made), protocol)
    stimulus = _target(form, target, given)
    _check_decided(form, stimulus, given)
    if recording.rates.min() < _lowest(form, stimulus, given):
        found = _choice(model, options, lambda other: _lowest(other, stimulus, given) <= -1)
        if found is None:
            raise RuleError(_out_of_range(model, options, stimulus, given, recording))
        made |= found
        notes.append(f"there are values below 0, so {_named(found)}: rates between -1 and 1")
    if recording.seen is not None:
        found = _choice(model, options, lambda other: MARKS in [item.name for item in other.stimuli])
        if found is None:
            raise RuleError(
                f"Model {model.name!r}: some samples of the recording are missing or behind a trial's end, and the "
                f"model has no stimulus {MARKS!r} that leaves samples out. Read it with missing='fill', and trials of "
                "one length."
            )
        made |= found
    form = with_protocol(choose(model, **made), protocol)
    return Task(form, _target(form, target, given), given, made, tuple(notes))


def _named(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {option}" for name, option in options.items())


def _choice(model: MemoryModel, options: Mapping[str, str], holds: Any) -> dict[str, str] | None:
    """Return the option, of a choice that was not made, whose form does something; nothing where none is needed."""
    if holds(choose(model, **options)):
        return {}
    for item in model.choices:
        for option in item.options if item.name not in options else ():
            if holds(choose(model, **{**options, item.name: option})):
                return {item.name: option}
    return None


def _lowest(model: MemoryModel, stimulus: Stimulus, given: Mapping[str, Any]) -> float:
    low = model.population(stimulus.population).rate_range[0]
    return float(np.asarray(evaluate(str(low), resolve_parameters(model, _own(model, given)))))


def _own(model: MemoryModel, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {item.name for item in model.parameters}
    return {name: value for name, value in given.items() if name in known}


def _out_of_range(
    model: MemoryModel, options: Mapping[str, str], stimulus: Stimulus, given: Mapping[str, Any], recording: Recording
) -> str:
    below = int(np.sum(recording.rates.min(axis=(0, 1)) < 0))

    def reaches(without: str) -> bool:
        others = {name: option for name, option in options.items() if name != without}
        return _choice(model, others, lambda other: _lowest(other, stimulus, given) <= -1) is not None

    made = next((f", or leave {name}= out" for name in options if reaches(name)), "")
    form = choose(model, **options)
    return (
        f"Model {model.name!r}: {below} of {recording.rates.shape[2]} units have values below 0, and the rates of "
        f"{stimulus.population!r} lie from {_lowest(form, stimulus, given):g} up. Read the recording with "
        f"negative='shift', 'clip' or 'drop'{made}."
    )


def _target(model: MemoryModel, name: str, given: Mapping[str, Any]) -> Stimulus:
    """Return the stimulus that a recording replaces, after checking that it can."""
    framed = [item.name for item in model.stimuli if item.every]
    if name not in framed:
        raise RuleError(
            f"Model {model.name!r}: target={name!r} must be a stimulus with frames; those are "
            f"{', '.join(framed) or 'none'}."
        )
    stimulus = next(item for item in model.stimuli if item.name == name)
    _check_drawn(model, name)
    population = model.population(stimulus.population)
    if population.rate is None:
        raise RuleError(f"Model {model.name!r}: population {population.name!r} declares no rate, which a fit compares.")
    return stimulus


def _check_decided(model: MemoryModel, stimulus: Stimulus, given: Mapping[str, Any]) -> None:
    """Refuse a model in which a recording cannot decide sizes, and parameters that it decides."""
    named = {"units": model.population(stimulus.population).size, "items": stimulus.items, "duration": "T"}
    known = {item.name for item in model.parameters}
    for what, parameter in named.items():
        if parameter not in known:
            raise RuleError(f"Model {model.name!r}: fit() needs a parameter for its {what}, and {parameter!r} is none.")
        if parameter in given:
            raise RuleError(
                f"fit(): {parameter}={given[parameter]!r} is decided by the recording. Select units or times of the "
                "recording instead."
            )


def _check_drawn(model: MemoryModel, target: str) -> None:
    """Refuse a model where something is drawn beside the target that should be drawn from it."""
    draws = {item.name: names_in(item.draw) for item in model.all_patterns}
    shared = draws[target] & set(draws)
    used = patterns_read(model) - {target}
    others = [name for name, read in draws.items() if name in used and target not in read and read & shared]
    if others:
        raise RuleError(
            f"Model {model.name!r}: {', '.join(others)} are drawn from the same numbers as {target!r} and not from "
            f"{target!r} itself, so they would not belong to the recording. Run it with simulate(inputs=...) and give "
            "them too, or fit another model."
        )


def shared_inputs(
    task: Task, parameters: Mapping[str, Any], inputs: Mapping[str, Any], kinds: Sequence[str], seed: int
) -> dict[str, np.ndarray]:
    """Return the other stimuli with frames, drawn once for each kind of trials and shown in all trials of the kind."""
    others = [
        item.name for item in task.model.stimuli
        if item.every and item.items == task.stimulus.items and item.name not in inputs
    ]  # fmt: skip
    if not others or len(set(kinds)) == len(kinds):
        return {}
    given = load_given(task.model, parameters, inputs=inputs)
    translated = translate(task.model, "rate")
    drawn = patterns_of(translated, resolve_parameters(task.model, dict(parameters)), given, seed)
    first = [list(kinds).index(kind) for kind in kinds]
    return {name: np.asarray(drawn[name])[first] for name in others}
