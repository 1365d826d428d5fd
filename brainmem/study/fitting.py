"""Teach a model to repeat recorded activity, and keep the best that it showed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainmem import measure
from brainmem.engine.device import Device
from brainmem.errors import RuleError
from brainmem.intake.arguments import ANYTHING, CALLABLE, TEXT, optional, takes
from brainmem.model.freezing import freeze
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Stimulus
from brainmem.model.parameters import resolve_parameters
from brainmem.model.protocols import form_of
from brainmem.model.reading import patterns_read
from brainmem.models import get_model
from brainmem.numbers.loading import RUN
from brainmem.recordings import Recording, read_recording
from brainmem.results.result import Result
from brainmem.simulation.simulate import simulate
from brainmem.storage.files import make_folder, replacing
from brainmem.text import evaluate
from brainmem.text.expression import names_in

__all__ = ["Fit", "fit"]


@dataclass(frozen=True)
class Fit:
    """A network that was taught recorded activity.

    Attributes
    ----------
    recording : Recording
        The targets, and what was dropped.
    result : Result
        The run, its units in the order of the network.
    order : (unit,) int array
        Which unit of the recording each unit of the network is; it is random, since models take the first units as
        the plastic ones.
    tests : (test,) float array
        pVar of every test pass, the mean over trial types.
    best : int
        The epoch of the best test, counted from 1.
    weights : mapping of str to (post, pre) float array
        Of every projection, after that epoch, in the network's order.
    rates : (trial type, time, unit) float array
        Of a pass with these weights, in the recording's order; between 0 and 1.
    interval : float
        Seconds between samples of `rates`.
    """

    recording: Recording
    result: Result
    order: np.ndarray
    tests: np.ndarray
    best: int
    weights: Mapping[str, np.ndarray]
    rates: np.ndarray
    interval: float

    @property
    def pvar(self) -> float:
        """Fraction of the recording's variance that the network explains in its best test."""
        return float(self.tests[self.best - 1])

    def __str__(self) -> str:
        trials = range(len(self.rates))
        wanted = [measure.bvar(self.recording.rates[k], self.recording.step) for k in trials]
        found = [measure.bvar(self.rates[k], self.interval) for k in trials]
        return "\n".join(
            [
                str(self.recording),
                f"{self.result.model}: pVar {self.pvar:.3f} in test {self.best} of {len(self.tests)} "
                f"(others {self.tests.min():.3f} ... {self.tests.max():.3f})",
                f"bVar of the recording {np.mean(wanted):.2f}, of the network {np.mean(found):.2f}",
            ]
        )

    def save(self, folder: str | Path) -> Path:
        """Write ``report.txt``, ``result.nc``, ``rates.npz`` and the figures into `folder`, and return it."""
        from brainmem import plot

        folder = make_folder(folder)
        self.result.save(folder / "result.nc")
        weights: dict[str, Any] = {f"weights_{name}": values for name, values in self.weights.items()}
        with replacing(folder / "rates.npz") as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                rates=self.rates,
                step=self.interval,
                recording=self.recording.rates,
                recording_step=self.recording.step,
                units=np.array(self.recording.units),
                order=self.order,
                **weights,
            )
        with replacing(folder / "report.txt") as temporary:
            temporary.write_text(f"{self}\n", encoding="utf-8")
        steps = (self.recording.step, self.interval)
        compared = plot.sequences(self.recording.rates, self.rates, steps=steps, names=("recording", "network"))
        for name, figure in (("sequences", compared), ("training", plot.pvar_of_tests(self.tests))):
            with replacing(folder / f"{name}.png") as temporary:
                figure.savefig(temporary, format="png")
        return folder


@takes(
    RuleError,
    **{name: RUN[name] for name in ("model", "parameters", "seed", "device", "protocol")},
    **dict.fromkeys(("target", "test"), TEXT),
    progress=optional(CALLABLE),
    **dict.fromkeys(("step", "units_first", "negative"), ANYTHING),
)
def fit(
    recording: Any,
    model: MemoryModel | str = "rajan2016",
    *,
    target: str = "R",
    test: str = "test",
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: Device | str | None = None,
    protocol: str | None = None,
    progress: Callable[[float], None] | None = None,
    **reading: Any,
) -> Fit:
    """Teach a model to repeat recorded activity.

    ``fit("cells.csv").save("folder")`` reads a table with a column of times, trains the network of Rajan et al. (2016),
    and writes the fit and its figures.

    Parameters
    ----------
    recording : Recording, path, array or Neo signal
        What `read_recording` reads; further arguments (``step=``, ``negative=``, ``units_first=``) are passed on to it.
    model : MemoryModel or str
        A model that learns a target with frames; its numbers of units and of items are parameters, ``T`` is the
        duration of a pass.
    target : str
        The stimulus that the recording takes the place of.
    test : str
        The phase that runs a pass without learning; observable ``misfit`` holds its mean squared error.
    parameters : mapping, optional
        As in `simulate`, except for what the recording decides: number of units and of items, and ``T``.
    seed, device, protocol, progress
        As in `simulate`; the seed decides which units have plastic synapses.

    Returns
    -------
    Fit

    Raises
    ------
    ResultError
        For a recording that cannot be used.
    RuleError
        For a model without such a target, or parameters that the recording decides.
    """
    model, given = form_of(get_model(model) if isinstance(model, str) else model, parameters, protocol)
    stimulus = _target(model, target, given)
    if not isinstance(recording, Recording):
        recording = read_recording(recording, **reading)
    elif reading:
        raise RuleError(f"fit(): {', '.join(reading)} concern reading, and the recording has been read already.")
    population = model.population(stimulus.population)
    decided = {str(population.size): recording.rates.shape[2], str(stimulus.items): recording.rates.shape[0]}
    step = float(np.asarray(evaluate(stimulus.every, resolve_parameters(model, {**given, **decided}))))
    order = np.random.default_rng([seed, 2016]).permutation(recording.rates.shape[2])
    frames = recording.resampled(step)[:, :, order]
    if frames.shape[1] < 2:
        raise RuleError(
            f"fit(): the recording lasts {recording.duration:g} s, less than two frames of {step:g} s. Is its step in "
            "seconds?"
        )
    parameters = {**given, **decided, "T": f"{frames.shape[1] * step!r}*second"}
    inputs = {target: frames}
    result = simulate(
        model, parameters=parameters, seed=seed, device=device, inputs=inputs, progress=progress, record=("weights",)
    )
    tests = measure.pvar_of_tests(result, phase=test, target=target)
    if tests.size != len(frames) * (result["epoch"].size - 1) or tests.isnull().any():
        raise RuleError(
            f"Model {model.name!r}: test={test!r} must run once for each trial type before weights are recorded, and "
            f"it ran {int(tests.notnull().sum())} times; its phases are "
            f"{', '.join(phase.name for phase in model.protocol.phases)}."
        )
    tests = tests.mean(["item", "repeat"]).values
    best = int(np.argmax(tests)) + 1
    recorded = [item.name for item in model.projections if f"{item.name}_w" in result]
    weights = {name: result[f"{name}_w"].values[best] for name in recorded}
    rates, interval = _shown(model, test, stimulus, result, weights, parameters, device)
    return Fit(recording, result, order, tests, best, weights, rates[..., np.argsort(order)], interval)


def _target(model: MemoryModel, name: str, given: Mapping[str, Any]) -> Stimulus:
    """Return the stimulus that a recording replaces, after checking that the recording can decide its size."""
    framed = [item.name for item in model.stimuli if item.every]
    if name not in framed:
        raise RuleError(
            f"Model {model.name!r}: target={name!r} must be a stimulus with frames; those are "
            f"{', '.join(framed) or 'none'}."
        )
    stimulus = next(item for item in model.stimuli if item.name == name)
    _check_drawn(model, name)
    population = model.population(stimulus.population)
    named = {"units": population.size, "items": stimulus.items, "duration": "T"}
    known = {item.name for item in model.parameters}
    for what, parameter in named.items():
        if parameter not in known:
            raise RuleError(f"Model {model.name!r}: fit() needs a parameter for its {what}, and {parameter!r} is none.")
        if parameter in given:
            raise RuleError(
                f"fit(): {parameter}={given[parameter]!r} is decided by the recording. Select units or times of the "
                "recording instead."
            )
    if population.rate is None:
        raise RuleError(f"Model {model.name!r}: population {population.name!r} declares no rate, which a fit compares.")
    return stimulus


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


def _shown(
    model: MemoryModel,
    test: str,
    stimulus: Stimulus,
    result: Result,
    weights: Mapping[str, Any],
    parameters: Mapping[str, Any],
    device: Device | str | None,
) -> tuple[np.ndarray, float]:
    """Return the rates of a test pass with given weights, (item, time, unit), and the seconds between samples."""
    frozen = freeze(model, test, items=stimulus.items)
    known = {item.name for item in frozen.parameters}
    rate = model.population(stimulus.population).rate
    assert rate is not None  # _target has seen to it
    shown = simulate(
        frozen,
        parameters={name: value for name, value in parameters.items() if name in known},
        seed=int(result.seed),
        device=device,
        inputs={item.name: result[item.name].values for item in model.all_patterns},
        weights={name: matrix for name, matrix in weights.items() if name in {p.name for p in frozen.projections}},
        record=(rate,),
    )
    times, rates = shown.time.values, shown[rate].values
    items = result[stimulus.name].shape[0]
    return rates[: len(rates) // items * items].reshape(items, -1, rates.shape[-1]), float(times[1] - times[0])
