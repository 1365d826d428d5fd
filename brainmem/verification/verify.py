"""Measure whether rules do in spikes what they do in rates: the translation's own drifts, with the weights held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.engine.device import Device, as_device
from brainmem.errors import RuleError
from brainmem.intake.arguments import CALLABLE, SEEDS, WHOLE, a, optional, seeds_of, several, takes
from brainmem.model.by_variant import of_variant
from brainmem.model.memory import MemoryModel
from brainmem.model.phases import with_starts
from brainmem.model.protocols import form_of
from brainmem.model.variants import Spiking, spiking_of, with_cells
from brainmem.models import get_model
from brainmem.numbers.loading import RUN, load_given
from brainmem.numbers.run import Given
from brainmem.simulation.description import describe_verdicts
from brainmem.simulation.simulate import simulate
from brainmem.translation import translate
from brainmem.verification.bias import Bias, Estimate, along_and_shift, expectation, over_phases
from brainmem.verification.drifts import Drift, Experiment, Key, Trial, own_parameters
from brainmem.verification.record import DriftRow, Verification

__all__ = ["verify"]

WITHOUT = 4  # seeds of which runs without cells give what is expected


def _are_weights(given: Any) -> bool:
    return (
        given == "learned"
        if isinstance(given, str)
        else isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    )


def _is_count(given: Any) -> bool:
    return isinstance(given, int | np.integer) and not isinstance(given, bool | np.timedelta64) and bool(given >= 1)


@takes(
    RuleError,
    **{name: RUN[name] for name in ("model", "parameters", "device", "inputs", "initial", "protocol")},
    seeds=SEEDS,
    weights=optional(a("arrays by projection, or 'learned'", _are_weights)),
    items=optional(WHOLE),
    cells_per_unit=optional(several("whole numbers of at least 1, such as (4,)", _is_count)),
    progress=optional(CALLABLE),
)
def verify(
    model: MemoryModel | str,
    variant: Spiking | str = "spiking",
    *,
    parameters: Mapping[str, Any] | None = None,
    seeds: int | Sequence[int] = 10,
    device: Device | str | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | str | None = None,
    initial: Mapping[str, Any] | None = None,
    items: int | None = 4,
    cells_per_unit: Sequence[int] | None = None,
    protocol: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> Verification:
    """Measure what every rule would change in rates and in spikes, with weights held, along the model's protocol.

    The rate network runs beside the cells, with the same patterns, weights, start values and time step. Weights stay as
    they are, and each rule adds what it would change to a shadow of its variable. Each seed runs twice: with the rates
    of the rate network given to the cells (what the rule's translation does alone), and free (rule and network).

    Parameters
    ----------
    model : MemoryModel or str
    variant : "spiking" or Spiking
    parameters, inputs, initial
        See `simulate`.
    seeds : int or sequence of int
        How many, or which.
    device : Device or str, optional
        C++ standalone when not given.
    weights : mapping of str to array, or "learned", optional
        Weights that are held, by projection; ``"learned"`` takes those with which a run of the rate variant with the
        first seed ends. The start weights when not given.
    items : int, optional
        Show at most so many items, once each, in one epoch; None for the whole protocol.
    cells_per_unit : sequence of int, optional
        Numbers of cells to run with; the model's and four times as many when not given.
    protocol : str, optional
        Which of the model's protocols; the first when not given.
    progress : callable, optional
        Called with the completed fraction.

    Returns
    -------
    Verification
        ``print()`` shows a table. Its rows hold, for each rule, variable and phase, both drifts, how far the spiking
        one is off, with the error over seeds, and what `explain` expects.

    Raises
    ------
    RuleError, TranslationError, DeviceError
        For a model without rules that act, and for what cannot be translated or run.
    """
    device = as_device(device)
    model, values = form_of(get_model(model) if isinstance(model, str) else model, parameters, protocol)
    numbers = seeds_of(seeds)
    spiking = spiking_of(variant, "verify()")
    given = load_given(model, with_cells(spiking, values), inputs=inputs, initial=initial)
    model = with_starts(model, given.initial)
    givens = {seed: _with_weights(model, given, weights, seed, device) for seed in numbers}
    model = of_variant(model, spiking.name)  # as cells and the rate network beside them run it
    first = Experiment(model, given, items, spiking=spiking, device=device)
    cells = tuple(cells_per_unit or (int(first.parameters["cells_per_unit"]) * factor for factor in (1, 4)))
    rows: list[DriftRow] = []
    said: tuple[str, ...] = ()
    for place, count in enumerate(cells):
        experiment = replace(first, given=_with_cells(given, count))
        own = {seed: _with_cells(item, count) for seed, item in givens.items()}
        without = replace(experiment, cells=False)
        expected = expectation([without.trial(seed, item) for seed, item in [*own.items()][:WITHOUT]])
        trials = [experiment.trial(seed, item) for seed, item in own.items()]
        rows += _rows(trials, expected.biases, _part(progress, place, len(cells)))
        said = said or describe_verdicts(translate(model, spiking), expected)
    names = list(dict.fromkeys((row.rule, row.variable, row.phase) for row in rows))
    rows.sort(key=lambda row: names.index((row.rule, row.variable, row.phase)))
    which = "learned weights" if weights == "learned" else "weights given" if weights else "start weights"
    shown = "whole protocol" if items is None else f"at most {items} items once each"
    setting = f"{spiking.kind} cells, {len(numbers)} seeds, {which} held, {shown}"
    notes = dict.fromkeys(note for item in givens.values() for note in item.notes)
    return Verification(model.name, numbers, tuple(rows), (*said, *notes), setting)


def _part(progress: Callable[[float], None] | None, place: int, parts: int) -> Callable[[float], None]:
    return lambda fraction: progress((place + fraction) / parts) if progress else None


def _with_cells(given: Given, count: int) -> Given:
    return replace(given, parameters={**given.parameters, "cells_per_unit": count})


def _with_weights(model: MemoryModel, given: Given, weights: Any, seed: int, device: Device) -> Given:
    """Return start values with those of all that synapses store, by ``"projection.variable"``."""
    if weights is None:
        return given
    if isinstance(weights, str) and weights != "learned":
        raise RuleError(f"verify(): weights={weights!r}; give arrays by projection, or 'learned'.")
    if isinstance(weights, str):
        parameters = own_parameters(model, given.parameters)
        result = simulate(model, parameters=parameters, seed=seed, device=device, inputs=given.inputs)
        names = [f"{item.name}.{variable}" for item in model.projections for variable in item.initial]
        found = {name: result[name.replace(".", "_")].values[-1] for name in names}
    else:
        own = load_given(model, given.parameters, weights=weights)
        given = replace(given, weights=own.weights, notes=(*given.notes, *own.notes))
        known = {item.name: next(iter(item.initial), "") for item in model.projections}
        if unknown := [name for name in given.weights if not known.get(name)]:
            raise RuleError(
                f"verify(): weights={{{unknown[0]!r}: ...}} names no projection with weights; those are "
                f"{', '.join(name for name in known if known[name])}."
            )
        found = {f"{name}.{known[name]}": table for name, table in given.weights.items()}
        given = replace(given, weights={})
    return replace(given, initial={**found, **given.initial})


def _rows(trials: list[Trial], expected: Mapping[Key, Bias], progress: Callable[[float], None]) -> list[DriftRow]:
    experiment = trials[0].experiment
    executable = experiment.executable(trials[0])
    jobs = [(trial, replay) for trial in trials for replay in (True, False)]
    measured: dict[bool, list[dict[Key, Drift]]] = {True: [], False: []}
    with ThreadPoolExecutor(max_workers=experiment.at_once) as pool:
        futures = [pool.submit(trial.run, executable, replay=replay) for trial, replay in jobs]
        for done, ((_, replay), future) in enumerate(zip(jobs, futures, strict=True), start=1):
            measured[replay].append(over_phases(future.result().drifts))
            progress(done / len(jobs))
    cells, rows = int(experiment.parameters["cells_per_unit"]), []
    for key, bias in expected.items():
        for replay in (True, False):
            drifts = [found[key] for found in measured[replay] if key in found]
            if drifts:
                rows.append(_row(key, cells, drifts, _claimed(experiment, key, bias, replay=replay), replay=replay))
    return rows


def _claimed(experiment: Experiment, key: Key, bias: Bias, *, replay: bool) -> tuple[float, float]:
    """Return what is claimed of a drift; a text of the author's own is to do what the rate rule does."""
    rule = next(item for item in experiment.original.rules if item.name == key[0])
    if rule.spiking is not None and replay:
        return 0.0, 0.0
    along, shift = bias.total if replay else bias.network
    return along.value, shift.value


def _row(key: Key, cells: int, drifts: list[Drift], expected: tuple[float, float], *, replay: bool) -> DriftRow:
    sizes = np.array([along_and_shift(drift) for drift in drifts])
    along, shift = (Estimate.of(column) for column in sizes.T)
    return DriftRow(
        *key,
        cells_per_unit=cells,
        replayed=replay,
        rate=_mean(np.sqrt(np.mean(drift.rate**2)) / drift.seconds for drift in drifts),
        spiking=_mean(np.sqrt(np.mean(drift.spiking**2)) / drift.seconds for drift in drifts),
        rate_mean=_mean(np.mean(drift.rate) / drift.seconds for drift in drifts),
        spiking_mean=_mean(np.mean(drift.spiking) / drift.seconds for drift in drifts),
        along=along,
        shift=shift,
        expected=expected,
    )


def _mean(values: Iterator[Any]) -> float:
    return float(np.mean(list(values)))
