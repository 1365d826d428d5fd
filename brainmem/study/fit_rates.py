"""Rates of a pass through all trials, read trial by trial from its first sample on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.parameters import resolve_parameters
from brainmem.results.result import Result
from brainmem.study.targets import Task
from brainmem.text import evaluate
from brainmem.text.equations import identifiers, inlined, read_equations

__all__ = ["rates_of"]


def rates_of(
    run: Result, task: Task, phase: str, parameters: Mapping[str, Any], sequence: np.ndarray, interval: float | None
) -> tuple[np.ndarray, float]:
    """Return the rates of such a pass, (trial, time, unit) in the order of the recording's trials, and their interval.

    Trials of one length stand behind each other, and a rate is recorded as a step ends, at times that need not be the
    same in each. They are read every `interval` seconds from the trial's beginning on, between recorded ones linearly;
    as often as they were recorded when `interval` is None. The first sample is the rate that a phase begins with.

    Parameters
    ----------
    run : Result
    task : Task
    phase : str
        The phase that runs a trial.
    parameters : mapping
        Of the run; ``T`` is the duration of a trial.
    sequence : (trial,) int array
        Which trial of the recording each of the pass is.
    interval : float, optional
        Seconds.
    """
    values = resolve_parameters(task.model, parameters)
    times, rates, length = run.time.values, run[task.population.rate or ""].values, float(np.asarray(values["T"]))
    interval = float(f"{times[1] - times[0]:.12g}") if interval is None else interval
    own = np.ceil(times / length - 1e-6).astype(int) - 1  # a step that ends with a trial belongs to it
    begin = _begin(run, task, phase, values, len(sequence))
    pieces = [(times[own == k] - k * length, rates[own == k]) for k in range(len(sequence))]
    last = min(local[-1] for local, _ in pieces)
    wanted = interval * np.arange(int(last / interval + 1e-6) + 1)
    found = [
        _between(wanted, local, shown, None if begin is None else begin[k]) for k, (local, shown) in enumerate(pieces)
    ]
    return np.stack(found)[np.argsort(sequence)], interval


def _between(wanted: np.ndarray, times: np.ndarray, rates: np.ndarray, begin: np.ndarray | None) -> np.ndarray:
    """Return rates at the times wanted; before the first recorded one from `begin`, or from the two behind it."""
    slope = (rates[1] - rates[0]) / (times[1] - times[0])
    first = np.clip(rates[0] - slope * times[0], rates.min(), rates.max()) if begin is None else begin
    times, rates = np.r_[0.0, times], np.vstack([first, rates])
    after = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    share = np.clip((wanted - times[after - 1]) / (times[after] - times[after - 1]), 0, 1)[:, None]
    return (1 - share) * rates[after - 1] + share * rates[after]


def _begin(run: Result, task: Task, phase: str, values: Mapping[str, Any], trials: int) -> np.ndarray | None:
    """Return the rates (trial, unit) with which a phase begins; None where its ``start`` does not tell them."""
    rate, start = task.population.rate or "", task.model.protocol.phase(phase).start
    text = inlined(rate, read_equations(task.population.equations))
    shown = {item.name: run[item.name].values for item in task.model.patterns if item.name in run}
    try:
        began = {name: evaluate(start[name], {**values, **shown}) for name in start.keys() & identifiers(text)}
        found = evaluate(text, {**values, **began})
    except RuleError:  # it needs more than parameters, patterns and what the phase sets
        return None
    return np.broadcast_to(np.asarray(found, dtype=float), (trials, run[rate].shape[-1])) if began else None
