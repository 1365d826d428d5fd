"""Run a model once: translate, fill in numbers, build, run, collect."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from brainmem.engine.device import Device, Executable, as_device, thread_seeds
from brainmem.engine.prepare import prepare
from brainmem.engine.stages import RUNNING, TRANSLATING, say_stage
from brainmem.errors import ResultError, RuleError, TranslationError, quoted
from brainmem.intake.arguments import CALLABLE, RESULT, SPAN, TRIALS, optional, takes
from brainmem.intake.records import RECORD, Asked, as_record
from brainmem.model.freezing import fixed_weights
from brainmem.model.memory import MemoryModel
from brainmem.model.phases import with_starts
from brainmem.model.protocols import form_of
from brainmem.model.reading import drawn_from
from brainmem.model.together import ITEMS
from brainmem.model.variants import Variant, variant_of, with_cells
from brainmem.models import get_model
from brainmem.numbers.items import with_items
from brainmem.numbers.loading import RUN, load_given
from brainmem.numbers.run import Given
from brainmem.results.result import Result
from brainmem.simulation.collect import collect
from brainmem.simulation.description import describe_schedule
from brainmem.simulation.jobs import job_of
from brainmem.simulation.ready import Ready, make_ready
from brainmem.simulation.remarks import Remark, remarks_on_run
from brainmem.simulation.state import going_on, with_missing
from brainmem.text.draws import TRIAL
from brainmem.text.equations import identifiers
from brainmem.translation import translate
from brainmem.translation.script import sizes
from brainmem.translation.text import Translation

__all__ = ["arrays", "execute", "script", "simulate", "translated_for"]


@takes(RuleError, **RUN, record=RECORD, interval=optional(SPAN), progress=optional(CALLABLE), after=optional(RESULT))
def simulate(
    model: MemoryModel | str,
    variant: Variant | str = "rate",
    *,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: Device | str | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    record: Asked = ("weights",),
    interval: Any = None,
    trials: int | str | None = None,
    protocol: str | None = None,
    after: Result | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Run `model` through its protocol and return what was recorded.

    Parameters
    ----------
    model : MemoryModel or str
        A model, or the name of one that ships with brainmem.
    variant : {"rate", "spiking"}, Rate or Spiking
        The paper's own network, or populations of spiking cells: ``Spiking(neuron="affine", cells_per_unit=4)``.
    parameters : mapping, optional
        Values that replace the model's, with units, and the options of its choices.
    seed : int
        Decides everything random: patterns, weights, orders, start values and noise.
    device : Device or str, optional
        C++ standalone when not given.
    inputs : mapping of str to array or path, optional
        Patterns and stimuli by name, shape (items, unit), in place of drawn ones; ``.npy`` and ``.csv`` files are read.
        With `trials` also (items, trial, unit), each trial its own; what is drawn from these, each trial has of its own
        too. Those with frames have shape (items, frames, unit) and (items, trial, frames, unit); with one item,
        (frames, unit) will do.
    weights : mapping of str to array, optional
        Start weights ``[post, pre]`` by projection. Where a projection has no self-connections the diagonal is left
        out, with a warning if it is not zero.
    initial : mapping of str to array, optional
        Start values by ``"population.variable"``, shape (unit,); with `trials` also (trial, unit). The model's names
        do for both variants: those with an equation and those declared without, ``theta : 1``, into which nothing is
        summed. ``"projection.variable"``, shape (post, pre), is another way to give weights.
    record : tuple of str, or mapping
        ``"weights"``, all synaptic variables at the start and after every epoch; ``"recurrent.w"``, this one alone;
        ``"end_x"`` (or ``"end_units.x"``), a variable of units as each step ends, also one that `until` ended;
        ``"spikes"``; ``"state"``, all that a run `after` this one needs; any variable of a population (``"x"`` or
        ``"units.x"``) in time. A mapping says when, None for always: ``{"recurrent.w": (0, 10, "last"), "end_x":
        ("dream",), "spikes": None}`` keeps weights at the start, after epoch 10 and as the run ends, and states as the
        phase dream ends. Mean rates are kept of every step; with ``record=()``, or where ``"mean_x"`` is named itself,
        as in ``{"mean_x": ("learn",)}``, only of the phases named and of those whose state is scored, by `Recalled` or
        an `average`.
    interval : Quantity, optional
        Time between samples of recorded variables; ten time steps when not given.
    trials : int or "items", optional
        Number of independent trials that run at once, with the same weights, each with start values and noise of its
        own; the first trial starts from the numbers of a run without trials. No rule may change the weights: see
        `freeze`. Results have a dimension ``trial``. ``"items"`` is a trial for each item of the protocol, which it
        shows in place of one after the other: the coordinate ``trial_item`` tells which. Trials keep step: a phase with
        an end condition goes on until every trial fulfils it in the same time step. With units that are updated one at
        a time, a trial that fulfils it stops, and the phase goes on until all have stopped.
    protocol : str, optional
        Which of the model's protocols is run; the first when not given. What no phase of it opens is not built.
    after : Result, optional
        A result recorded with ``"state"``, from whose end the run goes on: weights and states of units and cells, with
        its patterns. `weights`, `initial` and `inputs` take the place of what they name. With the seed of that run,
        random streams go on too; with another they are those of that seed.
    progress : callable, optional
        Called with the completed fraction while the run goes on.

    Returns
    -------
    Result

    Raises
    ------
    RuleError, TranslationError, DeviceError
        For a model, a translation or a device that cannot do what was asked.
    """
    device = as_device(device)
    say_stage(TRANSLATING)
    variant = variant_of(variant)
    model, parameters = form_of(get_model(model) if isinstance(model, str) else model, parameters, protocol)
    given = load_given(model, with_cells(variant, parameters), inputs=inputs, weights=weights, initial=initial)
    given = given if after is None else going_on(model, variant, given, after)
    translated = translated_for(model, variant, trials, given)
    given = with_missing(translated, given)
    ready = make_ready(translated, given, seed=seed, device=device, record=as_record(record))
    executable = prepare(job_of(ready, interval), device)
    return execute(ready, executable, progress=progress)


@takes(RuleError, **RUN)
def arrays(
    model: MemoryModel | str,
    variant: Variant | str = "rate",
    *,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: Device | str | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    trials: int | str | None = None,
    protocol: str | None = None,
) -> dict[str, np.ndarray]:
    """Return every number that the script of a run reads, see `script`.

    Arguments are those of `simulate`. Save them with ``numpy.savez("arrays.npz", **arrays(...))``.
    """
    variant = variant_of(variant)
    model, parameters = form_of(get_model(model) if isinstance(model, str) else model, parameters, protocol)
    given = load_given(model, with_cells(variant, parameters), inputs=inputs, weights=weights, initial=initial)
    plain = replace(as_device(device), kernels="plain")  # the script is plain Brian2
    ready = make_ready(translated_for(model, variant, trials, given), given, seed=seed, device=plain)
    found = {name: np.asarray(value) for name, value in ready.device_inputs().items()}
    counted = sizes(ready.translated)
    found |= {f"size.{name}": np.asarray(int(ready.numbers.parameters[name])) for name in counted}
    found |= {f"period.{name}": np.asarray(value) for name, value in ready.periods.items()}
    found["seed"] = np.asarray(thread_seeds(seed, 1)[0])
    found["dt"] = np.asarray(ready.dt)
    found["duration"] = np.asarray(ready.numbers.duration)
    return found


@takes(RuleError, **{name: RUN[name] for name in ("model", "parameters", "inputs", "protocol")})
def script(
    model: MemoryModel | str,
    variant: Variant | str = "rate",
    *,
    parameters: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    trials: int | str | None = None,
    protocol: str | None = None,
) -> str:
    """Return a run as a Brian2 script, which needs no brainmem but only the numbers that `arrays` returns.

    It is the text of ``print(translate(model, variant))``.

    Parameters
    ----------
    model, variant, trials, protocol
        See `simulate`.
    parameters, inputs : mapping, optional
        Those of the run. Of their values the text depends on the options of choices, and on which stimuli are given
        for every trial; all others are in `arrays`.

    Raises
    ------
    RuleError, TranslationError
        For a model or a variant that cannot be translated.

    Examples
    --------
    >>> print(script("kurikawa2020", "rate").splitlines()[0])
    # kurikawa2020, rate variant
    """
    variant = variant_of(variant)
    model, parameters = form_of(get_model(model) if isinstance(model, str) else model, parameters, protocol)
    given = load_given(model, with_cells(variant, parameters), inputs=inputs)
    return str(with_items(translated_for(model, variant, trials, given), given.parameters))


def translated_for(model: MemoryModel, variant: Variant, trials: int | str | None, given: Given) -> Translation:
    """Translate a model for what is given, and for many trials at once where `trials` says how many.

    With ``trials="items"`` there is one for each item; `with_items` says how many these are with the parameters of a
    run.
    """
    model = with_starts(model, given.initial)
    if trials is None:
        return translate(model, variant)
    number = TRIALS.read(f"trials={quoted(trials)}", trials, TranslationError)
    axes = {item.name: 4 if item.every else 3 for item in model.all_patterns}
    given_axes = {name: np.ndim(table) for name, table in given.inputs.items()}
    own = {name for name, count in given_axes.items() if count == axes.get(name)}
    if number == ITEMS and own:
        raise RuleError(
            f"Model {model.name!r}: inputs= gives {min(own)!r} of shape (items, trial, ...), and with trials='items' "
            "each trial shows an item of its own. Give (items, ...), a row for each item, or a number of trials."
        )
    own |= {item.name for item in model.all_patterns if TRIAL in identifiers(item.draw)} - set(given.inputs)
    own = drawn_from(model.all_patterns, own, without=set(given.inputs))
    fixed = fixed_weights(model, given.parameters, variant.name)
    return translate(fixed, variant, trials=range(1) if number == ITEMS else number, trial_inputs=tuple(own))


def execute(ready: Ready, executable: Executable, *, progress: Callable[[float], None] | None = None) -> Result:
    """Run a prepared network with the numbers of `ready`."""
    say_stage(RUNNING)
    outputs = executable.run(
        ready.device_inputs(), seed=ready.device_seed, duration=ready.numbers.duration + ready.dt, progress=progress
    )
    result = collect(
        ready.translated,
        ready.numbers,
        outputs,
        dt=ready.dt,
        seed=ready.seed,
        device=str(ready.device),
        calibration={name: item.report for name, item in ready.calibrations.items()},
        notes=ready.notes,
        schedule=describe_schedule(ready.translated),
        dense=ready.dense,
        records=ready.records,
    )
    after = remarks_on_run(ready.translated, ready.numbers, result.data, outputs, ready.dt)
    _say(result, (*ready.remarks, *after))
    _check_ended(ready.translated.model, result)
    _check_repeats(ready.translated.model, result)
    return result


def _say(result: Result, remarks: Sequence[Remark]) -> None:
    """Put remarks into a result, in front of its notes, and warn of the serious ones."""
    texts = list(dict.fromkeys(remark.text for remark in remarks))
    result.data.attrs["warnings"] = json.dumps(texts)
    result.data.attrs["notes"] = json.dumps([*texts, *result.notes])
    for text in dict.fromkeys(remark.text for remark in remarks if remark.serious):
        warnings.warn(text, RuntimeWarning, stacklevel=5)


def _check_ended(model: MemoryModel, result: Result) -> None:
    """Raise where a phase that must end by its condition has not; the error holds the result."""
    for phase in (phase for phase in model.protocol.phases if phase.must_end):
        missed = (result["step_phase"].values == phase.name) & (result["step_fulfilled"].values == 0)
        if missed.any():
            _refuse(
                f"Model {model.name!r}: phase {phase.name!r} must end by its condition ({phase.until}), and in "
                f"{int(missed.sum())} of its steps, the first of them step {int(np.argmax(missed))}, reached its "
                f"longest duration ({phase.duration}). Lengthen it, or take out must_end=True.",
                result,
            )


def _check_repeats(model: MemoryModel, result: Result) -> None:
    """Raise where a `Repeat` that must end by its condition has not."""
    for entry, ended in zip(model.protocol.loops, result.repeats, strict=True):
        if entry.must_end and ended["times"] and not ended["fulfilled"]:
            _refuse(
                f"Model {model.name!r}: a Repeat must end by its condition ({ended['until']}), and ran all of its "
                f"{ended['times']} epochs without. Raise {entry.times!r}, or take out must_end=True.",
                result,
            )


def _refuse(text: str, result: Result) -> NoReturn:
    error = ResultError(f"{text} The result of the run is this error's attribute 'result'.")
    error.result = result
    raise error
