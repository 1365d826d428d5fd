"""Run a model with its weights held, and collect what each rule would have changed, by phase, in both variants."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from brainmem.build.kernels import choose_kernels
from brainmem.engine.device import Device, Executable
from brainmem.engine.prepare import prepare
from brainmem.model.memory import MemoryModel
from brainmem.model.names import fano_table, twin_name
from brainmem.model.parameters import resolve_parameters
from brainmem.model.variants import Spiking
from brainmem.numbers.run import Given, numbers_of
from brainmem.simulation.jobs import job_of
from brainmem.simulation.ready import Ready, make_ready
from brainmem.simulation.weights import matrix_of
from brainmem.text.equations import read_equations
from brainmem.translation import translate
from brainmem.translation.cells import spiking_parameters
from brainmem.translation.controller import CONTROLLER, run_numbers
from brainmem.translation.recorded import Recorded
from brainmem.translation.restarts import draws_random
from brainmem.translation.text import Translation
from brainmem.verification.counts import REPLAYED, SCATTER, fano_rows, replayable, without_cells
from brainmem.verification.shadow import Held, hold
from brainmem.verification.twin import shortened, twinned

__all__ = ["Drift", "Experiment", "Key", "Outcome", "Trial", "cells_in_words", "own_parameters"]


@dataclass(frozen=True)
class Drift:
    """What one rule changed in one variable while phases of one name ran.

    Attributes
    ----------
    spiking, rate : (post, pre) arrays
        Changes of both variants, summed over the phases, in the unit of the variable.
    seconds : float
        How long the phases lasted together.
    """

    spiking: np.ndarray
    rate: np.ndarray
    seconds: float


Key = tuple[str, str, str]  # rule, variable, phase


@dataclass(frozen=True)
class Outcome:
    """What one run gave.

    Attributes
    ----------
    drifts : dict of Key to Drift
    observed : dict of str to float
        The means over phase ends of the observables that stay what the cells did.
    """

    drifts: Mapping[Key, Drift]
    observed: Mapping[str, float]


@dataclass(frozen=True)
class Trial:
    """The numbers of one seed."""

    experiment: Experiment
    ready: Ready
    seed: int

    def run(self, executable: Executable, *, replay: bool, scatter: int = 0, seed: int | None = None) -> Outcome:
        """Run once.

        Parameters
        ----------
        executable : Executable
        replay : bool
            Give the cells the rates of the rate network.
        scatter : {0, 1, -1}
            The sign of the noise of counts, where these stand for cells.
        seed : int, optional
            Of the noise, where it is not that of the other numbers.
        """
        chosen = {REPLAYED: float(replay), SCATTER: float(scatter)}
        read = {name for group in self.ready.translated.groups for name in group.constants}
        inputs = self.ready.device_inputs() | {f"param.{name}": chosen[name] for name in chosen.keys() & read}
        outputs = executable.run(
            inputs, seed=self.seed if seed is None else seed, duration=self.ready.numbers.duration + self.ready.dt
        )
        reported = {name: outputs[Recorded(CONTROLLER, name, "steps")] for name in self.experiment.reported}
        rows = np.rint(np.ravel(outputs[Recorded(CONTROLLER, "step", "steps")])).astype(int)
        observed = {
            name: float(np.mean(np.ravel(values)[self._evaluated(name, rows)])) for name, values in reported.items()
        }
        return Outcome(self._drifts(outputs), observed)

    def _evaluated(self, observable: str, rows: np.ndarray) -> np.ndarray:
        """Return the places, among the rows of the plan that ran, at which an observable is evaluated."""
        during = next(item.during for item in self.ready.translated.model.observables if item.name == observable)
        evaluated = self.ready.numbers.plan.by_phase(lambda phase: not during or phase.name in during)
        return np.flatnonzero(evaluated[rows])

    @property
    def work(self) -> float:
        """Synapses times time steps of a run."""
        synapses = sum(float(np.prod(ends.shape)) for ends in self.ready.numbers.ends.values())
        return synapses * self.ready.numbers.duration / self.ready.dt

    def _drifts(self, outputs: Mapping[Recorded, np.ndarray]) -> dict[Key, Drift]:
        held = self.experiment.held
        phases, ends = self._runs()
        elapsed = np.asarray(outputs[Recorded(CONTROLLER, "elapsed", "steps")])
        seconds = np.add.reduceat(elapsed, np.r_[0, ends[:-1] + 1])
        found = {}
        for rule, projection, variable in held.shadows:
            shadow = held.name(rule, variable)
            both = [self._changes(outputs, projection, name) for name in (shadow, twin_name(shadow))]
            for phase in dict.fromkeys(phases):
                here = [place for place, name in enumerate(phases) if name == phase]
                spiking, rate = (np.sum([changes[place] for place in here], axis=0) for changes in both)
                if np.any(spiking) or np.any(rate):
                    found[rule, variable, phase] = Drift(spiking, rate, float(seconds[here].sum()))
        return found

    def _changes(self, outputs: Mapping[Recorded, np.ndarray], projection: str, name: str) -> list[np.ndarray]:
        """Return how far a shadow moved in each run of equal phases."""
        ends, dense = self.ready.numbers.ends[projection], self.ready.dense.get(projection)
        if ends.empty:
            return [np.zeros(ends.shape)] * len(self._runs()[0])
        rows = [matrix_of(ends, row, dense) for row in outputs[Recorded(projection, name, "epochs")]]
        before = [np.zeros(ends.shape), *rows[:-1]]
        return [after - start for start, after in zip(before, rows, strict=True)]

    def _runs(self) -> tuple[list[str], np.ndarray]:
        """Return the phases that run one after the other, equal ones as one, and the places of their last steps."""
        return _runs(self.ready)


def _runs(ready: Ready) -> tuple[list[str], np.ndarray]:
    names = ready.numbers.plan.by_phase(lambda phase: phase.name).tolist()
    ends = np.array([k for k, name in enumerate(names) if k == len(names) - 1 or names[k + 1] != name])
    return [names[k] for k in ends], ends


@dataclass(frozen=True)
class Experiment:
    """A model with its weights held and a rate network beside its cells.

    Parameters
    ----------
    original : MemoryModel
        Without open choices.
    given : Given
        Parameters, patterns, weights and start values, as for `simulate`.
    items : int, optional
        Show at most so many items.
    cells : bool
        Whether units have cells; else numbers stand for their spikes (`counts`).
    """

    original: MemoryModel
    given: Given
    items: int | None = None
    cells: bool = True
    spiking: Spiking = field(default_factory=Spiking)
    device: Device = field(default_factory=Device)

    def __post_init__(self) -> None:
        parameters = self._parameters()
        object.__setattr__(self, "parameters", parameters)
        reported = translate(self.original, self.spiking).reported
        held = hold(shortened(self.original, parameters, self.items))
        translated = replayable(translate(twinned(held, parameters, reported), self.spiking))
        object.__setattr__(self, "reported", reported)
        object.__setattr__(self, "held", held)
        object.__setattr__(self, "translated", translated)

    parameters: Mapping[str, Any] = field(init=False, repr=False)
    reported: tuple[str, ...] = field(init=False, repr=False)
    held: Held = field(init=False, repr=False)
    translated: Translation = field(init=False, repr=False)

    @property
    def words(self) -> str:
        """What a reader of its figures should know."""
        shown = "the whole protocol" if self.items is None else f"one epoch of at most {self.items} items, once each"
        cells = cells_in_words(int(self.parameters["cells_per_unit"]))
        return f"(measured with weights held as at the start, along {shown}, {cells})"

    @property
    def at_once(self) -> int:
        """How many runs may go on at the same time: programs of their own, one for each processor."""
        return 1 if self.device.name == "runtime" else os.cpu_count() or 1

    def _parameters(self) -> dict[str, Any]:
        everything = (*self.original.parameters, *spiking_parameters(self.original, self.spiking))
        return resolve_parameters(self.original, self.given.parameters, parameters=everything)

    def trial(self, seed: int, given: Given | None = None) -> Trial:
        """Return the numbers of one seed, with other start values than the experiment's where they are given."""
        given = given or self.given
        given = replace(given, initial={**given.initial, **self._starts(seed, given)})
        ready = make_ready(self.translated, given, seed=seed, device=self.device)
        arrays = dict(ready.numbers.arrays)
        _, ends = _runs(ready)
        arrays["table.step_snapshot"] = np.isin(np.arange(len(arrays["table.step_snapshot"])), ends).astype(float)
        ready = replace(ready, numbers=replace(ready.numbers, arrays=arrays))
        return Trial(self, ready if self.cells else self._without_cells(ready), seed)

    def _without_cells(self, ready: Ready) -> Ready:
        translated = without_cells(ready.translated)
        known = {f"table.{table.name}" for table in translated.tables}
        known |= {f"param.{name}" for group in translated.groups for name in group.constants}
        known |= {f"param.{name}" for name in run_numbers(translated.model)}
        known |= {key for key in ready.numbers.arrays if key.partition(".")[0] in _names(translated)}
        arrays = {key: value for key, value in ready.numbers.arrays.items() if key in known}
        for population in (p for p in translated.model.populations if p.rate):
            rows = fano_rows(ready.calibrations.get(population.name))
            arrays[f"table.{fano_table(population.name)}"] = np.array([*rows, rows[-1]])
        arrays |= {f"table.{name}": values for name, values in ready.rate_tables.items()}
        return replace(
            ready,
            translated=translated,
            numbers=replace(ready.numbers, arrays=arrays),
            calibrations={},
            kernels=choose_kernels(translated, self.device),
        )

    def _starts(self, seed: int, given: Given) -> dict[str, np.ndarray]:
        """Return the random start values of the rate network, which are those of the spiking one."""
        model = self.held.model
        drawn = [
            (item.name, name)
            for item in (*model.populations, *model.projections)
            for name, text in item.initial.items()
            if draws_random(text) or f"{item.name}.{name}" in given.initial
        ]
        twins = {
            f"{item.name}.{line}" for item in self.translated.model.populations for line in _declared(item.equations)
        }
        twins |= {f"{item.name}.{name}" for item in self.translated.model.projections for name in item.initial}
        wanted = [(owner, name) for owner, name in drawn if f"{owner}.{twin_name(name)}" in twins]
        if not wanted:
            return {}
        given = replace(given, parameters=own_parameters(model, given.parameters))
        numbers = numbers_of(translate(model, "rate"), given, seed)
        values = numbers.arrays | numbers.weights
        return {f"{owner}.{twin_name(name)}": np.asarray(values[f"{owner}.{name}"]) for owner, name in wanted}

    def executable(self, trial: Trial) -> Executable:
        """Return the program of all trials."""
        job = job_of(trial.ready)
        shadows = [(projection, self.held.name(rule, variable)) for rule, projection, variable in self.held.shadows]
        recorded = tuple(Recorded(owner, one, "epochs") for owner, name in shadows for one in (name, twin_name(name)))
        return prepare(replace(job, payload=replace(job.payload, recorded=recorded)), self.device)


def cells_in_words(count: int) -> str:
    """Return how many cells a unit has."""
    return f"{count} cell{'s' if count != 1 else ''} per unit"


def own_parameters(model: MemoryModel, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that the rate variant has, too."""
    own = {item.name for item in model.parameters}
    return {name: value for name, value in parameters.items() if name in own}


def _declared(equations: str) -> list[str]:
    return [line.name for line in read_equations(equations)]


def _names(translated: Translation) -> set[str]:
    return {item.name for item in (*translated.groups, *translated.connections)}
