"""Run a model once: translate, fill in numbers, build, run, collect."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.build import Blueprint
from brainmem.calibrate import CELLS, POINTS, AffineFit, Calibration, CellBlueprint, calibrate, fit_affine
from brainmem.choices import split_choices
from brainmem.collect import collect, flatten
from brainmem.description import describe_cells, describe_schedule, describe_verdicts
from brainmem.devices import BuildJob, Device, Executable, as_device, prepare, thread_seeds
from brainmem.equations import evaluate
from brainmem.errors import ResultError, RuleError, closest
from brainmem.freezing import fixed_weights
from brainmem.instance import Given, Instance, instantiate
from brainmem.kernels import Kernel, choose_kernels
from brainmem.models import get_model
from brainmem.patterns import load_array
from brainmem.remarks import Remark, remarks_on_run, remarks_on_setting
from brainmem.result import Result
from brainmem.spec import MemoryModel
from brainmem.translation import TranslatedModel, translate
from brainmem.translation.currents import TABLE_ROWS, activity_curve, affine_tables, current_table
from brainmem.translation.lines import read_lines, write_lines
from brainmem.translation.neurons import spiking_unit
from brainmem.translation.script import sizes
from brainmem.translation.settling import ROWS

__all__ = ["Ready", "arrays", "execute", "job_of", "make_ready", "simulate"]


def simulate(
    model: MemoryModel | str,
    variant: str = "rate",
    *,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: Device | str | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    record: tuple[str, ...] = ("weights",),
    interval: Any = None,
    neuron: str = "lif",
    read: str | None = None,
    pairing: str | None = None,
    trials: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Run `model` through its protocol and return what was recorded.

    Parameters
    ----------
    model : MemoryModel or str
        A model, or the name of one that ships with brainmem.
    variant : {"rate", "spiking"}
    parameters : mapping, optional
        Values that replace the model's, with units, and the options of its choices.
    seed : int
        Decides everything random: patterns, weights, orders, start values and noise.
    device : Device or str, optional
        C++ standalone when not given.
    inputs : mapping of str to array or path, optional
        Stimuli by name, shape (items, unit), in place of drawn ones; ``.npy`` and ``.csv`` files are read. With
        `trials` also (items, trial, unit), each trial its own. Stimuli with frames have shape (items, frames, unit)
        and (items, trial, frames, unit); with one item, (frames, unit) will do.
    weights : mapping of str to array, optional
        Start weights ``[post, pre]`` by projection. Where a projection has no self-connections the diagonal is left
        out, with a warning if it is not zero.
    initial : mapping of str to array, optional
        Start values by ``"population.variable"``, shape (unit,); with `trials` also (trial, unit). The model's names
        do for both variants. ``"projection.variable"``, shape (post, pre), is another way to give weights.
    record : tuple of str
        ``"weights"`` after every epoch; ``"spikes"``; any variable of a population (``"x"`` or ``"units.x"``) in time.
    interval : Quantity, optional
        Time between samples of recorded variables; ten time steps when not given.
    neuron, read, pairing
        See `translate`.
    trials : int, optional
        Run the protocol so many times at once, with the same weights and start values and noise of its own for every
        trial; the first trial starts from the numbers of a run without trials. No rule may change the weights: see
        `freeze`. Results have a dimension ``trial``. Trials keep step: a phase with an end condition goes on until
        every trial fulfils it in the same time step.
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
    model, parameters = split_choices(get_model(model) if isinstance(model, str) else model, parameters)
    given = Given(parameters, inputs or {}, weights or {}, initial or {})
    options = {"neuron": neuron, "read": read, "pairing": pairing, "trials": trials}
    ready = make_ready(_translated(model, variant, options, given), given, seed=seed, device=device)
    executable = prepare(job_of(ready, record, interval), device)
    return execute(ready, executable, progress=progress)


def arrays(
    model: MemoryModel | str,
    variant: str = "rate",
    *,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: Device | str | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    neuron: str = "lif",
    read: str | None = None,
    pairing: str | None = None,
    trials: int | None = None,
) -> dict[str, np.ndarray]:
    """Return every number that the script printed by ``print(translate(model, variant))`` reads.

    Arguments are those of `simulate`. Save them with ``numpy.savez("arrays.npz", **arrays(...))``.
    """
    model, parameters = split_choices(get_model(model) if isinstance(model, str) else model, parameters)
    given = Given(parameters, inputs or {}, weights or {}, initial or {})
    options = {"neuron": neuron, "read": read, "pairing": pairing, "trials": trials}
    plain = replace(as_device(device), kernels="plain")  # the script is plain Brian2
    ready = make_ready(_translated(model, variant, options, given), given, seed=seed, device=plain)
    found = {name: np.asarray(value) for name, value in ready.device_inputs().items()}
    counted = sizes(ready.translated)
    found |= {f"size.{name}": np.asarray(int(ready.instance.parameters[name])) for name in counted}
    found |= {f"period.{name}": np.asarray(value) for name, value in ready.periods.items()}
    found["seed"] = np.asarray(thread_seeds(seed, 1)[0])
    found["dt"] = np.asarray(ready.dt)
    found["duration"] = np.asarray(ready.instance.duration)
    return found


@dataclass(frozen=True)
class Ready:
    """A translation with the numbers of one run."""

    translated: TranslatedModel
    instance: Instance
    dt: float
    calibrations: dict[str, Calibration]
    seed: int
    device: Device
    kernels: dict[str, Kernel]
    remarks: tuple[Remark, ...] = ()

    @property
    def dense(self) -> dict[str, str]:
        """Connections whose arrays are matrices, and the side that stands first in them, ``"post"`` or ``"pre"``."""
        return {name: "pre" if item.swept else "post" for name, item in self.kernels.items() if item.dense}

    @property
    def sizes(self) -> dict[str, int]:
        """The integers that size an object; others must not force a new binary."""
        tables = [table.columns or "" for table in self.translated.tables]
        texts = [item.size for item in self.translated.groups] + tables
        used = {part.strip() for text in texts for part in text.split("*")} | {"cells_per_unit"}
        return {name: int(v) for name, v in self.instance.parameters.items() if name in used}

    @property
    def periods(self) -> dict[str, float]:
        """Seconds of every period that an operation runs at."""
        operations = [op for item in self.translated.connections for op in item.operations]
        return {op.dt: _seconds(op.dt, self.instance) for op in operations if op.dt}

    @property
    def affine(self) -> dict[str, AffineFit]:
        """By population, the slope and offset of the cells' current, where it is an affine function of the drive."""
        if self.translated.options.get("neuron") != "affine":
            return {}
        model = self.translated.model
        units = {name: spiking_unit(model, model.population(name)) for name in self.calibrations}
        return {
            name: fit_affine(self.calibrations[name], *activity_curve(unit, self.instance.parameters))
            for name, unit in units.items()
        }

    @property
    def current_tables(self) -> dict[str, np.ndarray]:
        """What the currents of cells are read from: the inverted f-I curve, or a slope and an offset, of one row."""
        model, found, affine = self.translated.model, {}, self.affine
        for name, calibration in self.calibrations.items():
            unit = spiking_unit(model, model.population(name))
            if name in affine:
                values = affine[name].slope, affine[name].offset
                found |= {table: np.array([value]) for table, value in zip(affine_tables(unit), values, strict=True)}
            else:
                found[current_table(unit)] = calibration.table(TABLE_ROWS)
            found |= {f"{name}_{table}": values for table, values in calibration.long_run(ROWS).items()}
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What becomes of rules and rates in spikes."""
        fits = (
            f"{name}: cells are driven by I = {fit.slope:.4g}*{self.translated.model.population(name).drive} + "
            f"{fit.offset:.4g}, which misses the rates wanted by {fit.rms:.1%} of rate_max (rms), {fit.largest:.1%} at "
            "most, and more where drives leave the rate range's middle 96 %"
            for name, fit in self.affine.items()
        )
        cells = describe_cells(self.translated, self.instance.parameters)
        return (*describe_verdicts(self.translated), *cells, *fits)

    def device_inputs(self) -> dict[str, Any]:
        """Everything that is passed to the device, weights in the order of its synapses."""
        inputs = dict(self.instance.arrays)
        for key, matrix in self.instance.weights.items():
            owner = key.split(".")[0]
            if not self.instance.ends[owner].empty:
                inputs[key] = flatten(self.translated, owner, matrix, self.instance.ends[owner], self.dense)
        return inputs | {f"table.{name}": values for name, values in self.current_tables.items()}


def _translated(model: MemoryModel, variant: str, options: Mapping[str, Any], given: Given) -> TranslatedModel:
    if options["trials"] is None:
        return translate(model, variant, **options)
    axes = {item.name: 4 if item.every else 3 for item in model.stimuli}
    given_axes = {name: np.ndim(load_array(table, what=name)) for name, table in given.inputs.items()}
    own = tuple(name for name, count in given_axes.items() if count == axes.get(name))
    return translate(fixed_weights(model, given.parameters), variant, trial_inputs=own, **options)


def make_ready(translated: TranslatedModel, given: Given, *, seed: int, device: Device) -> Ready:
    """Draw, tabulate and calibrate what one run of `translated` needs."""
    instance = instantiate(translated, given, seed)
    dt = _seconds(translated.dt, instance)
    calibrations = _calibrations(translated, instance, dt, device)
    remarks = tuple(remarks_on_setting(translated, instance, given.inputs, dt))
    return Ready(translated, instance, dt, calibrations, seed, device, choose_kernels(translated, device), remarks)


def execute(ready: Ready, executable: Executable, *, progress: Callable[[float], None] | None = None) -> Result:
    """Run a prepared network with the numbers of `ready`."""
    outputs = executable.run(
        ready.device_inputs(), seed=ready.seed, duration=ready.instance.duration + ready.dt, progress=progress
    )
    result = collect(
        ready.translated,
        ready.instance,
        outputs,
        dt=ready.dt,
        seed=ready.seed,
        device=str(ready.device),
        calibration={name: item.report for name, item in ready.calibrations.items()},
        notes=ready.notes,
        schedule=describe_schedule(ready.translated),
        dense=ready.dense,
    )
    after = remarks_on_run(ready.translated, ready.instance, result.data, outputs, ready.dt)
    _say(result, (*ready.remarks, *after))
    _check_ended(ready.translated.model, result)
    return result


def _say(result: Result, remarks: Sequence[Remark]) -> None:
    """Put remarks into a result, in front of its notes, and warn of the serious ones."""
    texts = list(dict.fromkeys(remark.text for remark in remarks))
    result.data.attrs["warnings"] = json.dumps(texts)
    result.data.attrs["notes"] = json.dumps([*texts, *result.notes])
    for text in dict.fromkeys(remark.text for remark in remarks if remark.serious):
        warnings.warn(text, RuntimeWarning, stacklevel=4)


def _check_ended(model: MemoryModel, result: Result) -> None:
    """Raise where a phase that must end by its condition has not; the error holds the result."""
    for phase in (phase for phase in model.protocol.phases if phase.must_end):
        missed = (result["step_phase"].values == phase.name) & (result["step_fulfilled"].values == 0)
        if missed.any():
            error = ResultError(
                f"Model {model.name!r}: phase {phase.name!r} must end by its condition ({phase.until}), and in "
                f"{int(missed.sum())} of its steps, the first of them step {int(np.argmax(missed))}, reached its "
                f"longest duration ({phase.duration}). Lengthen it, or take out must_end=True. The result of the run "
                "is this error's attribute 'result'."
            )
            error.result = result
            raise error


def _seconds(text: str, instance: Instance) -> float:
    """Evaluate a time; twelve digits hide rounding, which would make clocks incommensurate."""
    return float(f"{float(np.asarray(evaluate(text, instance.parameters))):.12g}")


def _calibrations(translated: TranslatedModel, instance: Instance, dt: float, device: Device) -> dict[str, Calibration]:
    if translated.variant != "spiking" or translated.options["neuron"] == "poisson":
        return {}
    found = {}
    for population in (p for p in translated.model.populations if p.rate):
        unit = spiking_unit(translated.model, population)
        group = translated.group(f"{population.name}_cells")
        values = {name: float(np.asarray(instance.parameters[name])) for name in group.constants}
        found[population.name] = calibrate(
            _cell(group, dt),
            values,
            rate_max=float(np.asarray(instance.parameters["rate_max"])),
            tau=_seconds(unit.tau, instance),
            device=device,
        )
    return found


def _cell(group, dt: float) -> CellBlueprint:
    lines = [line for line in read_lines(group.equations) if line.name != "I" and "linked" not in line.flags]
    return CellBlueprint(
        equations=write_lines(lines),
        threshold=group.threshold,
        reset=group.reset,
        refractory=group.refractory,
        constants=group.constants,
        cells=CELLS * sum(POINTS),
        dt=dt,
    )


def job_of(ready: Ready, record: tuple[str, ...], interval: Any) -> BuildJob:
    """Return what to build, so that it serves every run that differs in numbers only."""
    return BuildJob("brainmem.build:build", _blueprint(ready, record, interval))


def _blueprint(ready: Ready, record: tuple[str, ...], interval: Any) -> Blueprint:
    inputs = ready.instance.arrays
    rows = {name.removeprefix("table."): len(v) for name, v in inputs.items() if name.startswith("table.")}
    rows |= {name: len(values) for name, values in ready.current_tables.items()}
    step = 10 * ready.dt if interval is None else _sampled(float(np.asarray(interval)), ready.dt)
    return Blueprint(
        translated=ready.translated,
        sizes=ready.sizes,
        rows=rows,
        dt=ready.dt,
        periods=ready.periods,
        kernels=ready.kernels,
        ends={name: ends for name, ends in ready.instance.ends.items() if not ends.whole},
        **_recorded(ready.translated, ready.instance, record, step),
    )


def _sampled(interval: float, dt: float) -> float:
    """Return the time between samples, a whole number of time steps."""
    steps = round(interval / dt)
    if steps < 1 or abs(interval / dt - steps) > 1e-6:
        raise RuleError(
            f"interval={1e3 * interval:g} ms is no multiple of the time step of {1e3 * dt:g} ms, at whose ends samples "
            f"are taken. Take {1e3 * dt * max(1, steps):g} ms."
        )
    return float(f"{steps * dt:.12g}")


def _recorded(translated: TranslatedModel, instance: Instance, record, step: float) -> dict[str, Any]:
    traces: dict[str, float] = {}
    spikes: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    for name in record:
        if name == "weights":
            weights = () if translated.trials else tuple(instance.weights)
        elif name == "spikes":
            spikes = tuple(item.name for item in translated.groups if item.name.endswith("_cells"))
        else:
            traces[_trace_key(translated, name)] = step
    return {"traces": traces, "spikes": spikes, "weights": weights}


def _trace_key(translated: TranslatedModel, name: str) -> str:
    readable = {
        f"{item.name}.{line.name}": line.name
        for item in translated.groups
        for line in read_lines(item.equations)
        if "linked" not in line.flags and "shared" not in line.flags
    }
    matches = [key for key, short in readable.items() if name in (key, short)]
    own = [key for key in matches if key.split(".")[0] in {item.name for item in translated.model.populations}]
    matches = own or matches  # a unit's variable, where its cells have one of the same name
    if len(matches) != 1:
        known = ["weights", "spikes", *readable]
        reason = "is ambiguous" if matches else "names nothing that can be recorded"
        raise RuleError(
            f"record={name!r} {reason} in the {translated.variant} variant of {translated.model.name!r}; allowed: "
            f"{', '.join(matches or known)}.{closest(name, [*known, *readable.values()])}"
        )
    return matches[0]
