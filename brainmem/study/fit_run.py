"""Learn a recording, and run the best network once more: what a fit holds, as fields by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem import measure
from brainmem.engine.device import Device
from brainmem.errors import RuleError
from brainmem.model.freezing import freeze
from brainmem.model.memory import MemoryModel
from brainmem.model.parameters import resolve_parameters
from brainmem.recordings import Recording
from brainmem.results.result import Result
from brainmem.simulation.simulate import simulate
from brainmem.study.fit_rates import rates_of
from brainmem.study.holdout import TAUGHT, split
from brainmem.study.targets import MARKS, Task, shared_inputs, task_of
from brainmem.text import evaluate

__all__ = ["FitArguments", "frozen_run", "learned"]

_OWN_KINDS = (
    "each trial is of a kind of its own and has an input of its own, which was not learned for those held out: name "
    "the kinds of trials, kinds=('go', 'go', ...)",
)
_SHOWN = 10  # steps of the network between rates that are kept, where samples are not closer


@dataclass(frozen=True)
class FitArguments:
    """The arguments of a fit, from which it can be made again."""

    model: MemoryModel
    target: str
    test: str
    parameters: Mapping[str, Any]
    steps: int | None
    holdout: Any
    seed: int
    device: Device | str | None
    protocol: str | None
    notes: tuple[str, ...] = ()  # what was decided already


def learned(
    recording: Recording, asked: FitArguments, progress: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """Return the fields of a fit by name, and under ``task`` and ``asked`` what it was made of.

    Raises
    ------
    RuleError
        See `brainmem.fit`.
    """
    task = task_of(asked.model, recording, asked.target, asked.parameters, asked.protocol)
    parts = split(recording, asked.holdout, task.model, asked.seed)
    taught, held = parts.taught, parts.held
    recording, sequence = recording.scaled_by(taught), np.r_[taught, held]
    order = np.random.default_rng([asked.seed, 2016]).permutation(recording.rates.shape[2])
    given = {**task.given, **_clock(task, recording, asked.steps)}
    sizes: dict[str, Any] = {
        str(task.population.size): len(order), str(task.stimulus.items): len(sequence),
        **({TAUGHT: len(taught)} if held.size else {}),
    }  # fmt: skip
    step = float(np.asarray(evaluate(task.stimulus.every, resolve_parameters(task.model, {**given, **sizes}))))
    inputs = _inputs(recording, asked.target, step, sequence, order)
    parameters = {**given, **sizes, "T": f"{inputs[asked.target].shape[1] * step!r}*second"}
    kinds = [recording.kinds[k] for k in sequence] if recording.kinds else []
    inputs |= shared_inputs(task, parameters, inputs, kinds, asked.seed)
    result = simulate(
        task.model, parameters=parameters, seed=asked.seed, device=asked.device, inputs=inputs, progress=progress,
        record=("weights",),
    )  # fmt: skip
    tests = _tests(task, result, asked, recording, len(sequence))
    means = tests[:, : len(taught)].mean(axis=1)
    best = int(np.argmax(means)) + 1
    weights = {p.name: result[f"{p.name}_w"].values[best] for p in task.model.projections if f"{p.name}_w" in result}
    again = frozen_run(task, asked, result, weights, parameters, interval=_between(recording, asked, step))
    rates, interval = rates_of(
        again, task, asked.test, parameters, sequence, None if asked.steps is None else recording.step
    )
    rates = rates[..., np.argsort(order)]
    return {
        "recording": recording, "result": result, "order": order, "tests": means, "best": best, "weights": weights,
        "rates": rates, "interval": interval, "held": tuple(int(k) for k in held),
        "held_tests": tests[:, len(taught) :].mean(axis=1) if held.size else np.zeros(0),
        "notes": (*asked.notes, *task.notes, *parts.notes, *(_OWN_KINDS if held.size and not recording.kinds else ())),
        "trials": tests[best - 1][np.argsort(sequence)],
        "task": task, "asked": asked, "parameters": parameters,
    }  # fmt: skip


def _clock(task: Task, recording: Recording, steps: int | None) -> dict[str, Any]:
    """Return the parameters by which the network makes so many steps between samples, and learns at samples."""
    if steps is None:
        return {}
    model, known = task.model, {item.name for item in task.model.parameters}
    periods = {rule.every for rule in model.rules if rule.every}
    wanted = {str(task.stimulus.every): recording.step / steps, **dict.fromkeys(periods, recording.step)}
    for name in wanted:
        if name not in known:
            raise RuleError(f"Model {model.name!r}: steps= needs parameters for its periods, and {name!r} is none.")
        if name in task.given:
            raise RuleError(f"fit(): steps={steps} decides {name}. Leave {name}={task.given[name]!r} out, or steps.")
    if "tau" in known:
        tau = float(np.asarray(resolve_parameters(model, task.given)["tau"]))
        if recording.step / steps > tau * (1 + 1e-9):
            raise RuleError(
                f"fit(): steps={steps} makes steps of {recording.step / steps:g} s, longer than the time constant "
                f"tau={tau:g} s of the units. Give steps={int(np.ceil(recording.step / tau * (1 - 1e-9)))} or more, "
                "or a longer tau."
            )
    return {name: f"{value!r}*second" for name, value in wanted.items()}


def _inputs(
    recording: Recording, target: str, step: float, sequence: np.ndarray, order: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the tables of the target, and of what marks its samples, in the order of the network."""
    frames = recording.resampled(step)[sequence][:, :, order] if recording.duration >= step else np.zeros((0, 0))
    if frames.shape[1] < 2:
        raise RuleError(
            f"fit(): the recording lasts {recording.duration:g} s, less than two frames of {step:g} s. Is its step in "
            "seconds?"
        )
    marks = recording.marks(step)
    return {target: frames, **({} if marks is None else {MARKS: marks[sequence][:, :, order].astype(float)})}


def _tests(task: Task, result: Result, asked: FitArguments, recording: Recording, trials: int) -> np.ndarray:
    """Return pVar of each test and trial, (test, trial)."""
    marks = "" if recording.seen is None else MARKS
    tests = measure.pvar_of_tests(result, phase=asked.test, target=asked.target, marks=marks)
    if tests.size != trials * (result["epoch"].size - 1) or tests.isnull().any():
        raise RuleError(
            f"Model {task.model.name!r}: test={asked.test!r} must run once for each trial type before weights are "
            f"recorded, and it ran {int(tests.notnull().sum())} times; its phases are "
            f"{', '.join(phase.name for phase in task.model.protocol.phases)}."
        )
    return tests.mean("repeat").transpose("epoch", "item").values


def _between(recording: Recording, asked: FitArguments, step: float) -> float:
    """Return the seconds between rates that are recorded: of every step where they are to be read at samples."""
    if asked.steps is not None:
        return step
    return max(step, min(_SHOWN * step, round(recording.step / step) * step))


def frozen_run(
    task: Task, asked: FitArguments, result: Result, weights: Mapping[str, Any], parameters: Mapping[str, Any],
    *, interval: float | None, variant: Any = "rate", seed: int | None = None,
) -> Result:  # fmt: skip
    """Return a pass through all trials with weights that stay, from the patterns of a run; rates are recorded."""
    frozen = freeze(task.model, asked.test, items=task.stimulus.items)
    known = {item.name for item in frozen.parameters}
    rate = task.population.rate
    assert rate is not None  # task_of has seen to it
    return simulate(
        frozen,
        variant,
        parameters={name: value for name, value in parameters.items() if name in known},
        seed=int(result.seed) if seed is None else seed,
        device=asked.device,
        inputs={item.name: result[item.name].values for item in task.model.all_patterns if item.name in result},
        weights={name: matrix for name, matrix in weights.items() if name in {p.name for p in frozen.projections}},
        record=(rate,),
        interval=interval,
    )
