"""What one run needs besides a device: the translation, its numbers, calibrated cells, how connections are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from brainmem.build.kernels import Kernel, choose_kernels
from brainmem.engine.device import Device
from brainmem.errors import RuleError
from brainmem.model.curves import curve_functions
from brainmem.model.names import affine_tables, current_table, reached_tables
from brainmem.numbers.calibrate import CELLS, POINTS, AffineFit, CellProgram, calibrate, fit_affine
from brainmem.numbers.calibration import Calibration
from brainmem.numbers.ended import with_inputs
from brainmem.numbers.items import with_items
from brainmem.numbers.own_cells import calibrate_own, own_cell_tables
from brainmem.numbers.probe import own_program
from brainmem.numbers.run import Given, Numbers, numbers_of
from brainmem.numbers.streams import later_seed
from brainmem.numbers.threads import on_one_thread
from brainmem.simulation.description import describe_cells, describe_verdicts
from brainmem.simulation.records import Records, When, records_of
from brainmem.simulation.remarks import Remark, remarks_on_setting
from brainmem.simulation.weights import flatten
from brainmem.text import evaluate
from brainmem.text.equations import read_equations, write_equations
from brainmem.translation.currents import TABLE_ROWS, activity_curve
from brainmem.translation.settling import ROWS
from brainmem.translation.text import Group, Translation

__all__ = ["Ready", "make_ready"]


@dataclass(frozen=True)
class Ready:
    """A translation with the numbers of one run."""

    translated: Translation
    numbers: Numbers
    dt: float
    calibrations: dict[str, Calibration]
    seed: int
    device: Device
    kernels: dict[str, Kernel]
    remarks: tuple[Remark, ...] = ()
    said: tuple[str, ...] = ()
    records: Records = field(default_factory=Records)

    @property
    def dense(self) -> dict[str, str]:
        """Connections whose arrays are matrices, and the side that stands first in them, ``"post"`` or ``"pre"``."""
        return {name: "pre" if item.swept else "post" for name, item in self.kernels.items() if item.dense}

    @property
    def sizes(self) -> dict[str, int]:
        """The integers that size an object; others must not force a new binary."""
        used = {*self.translated.sized_by, "cells_per_unit"}
        return {name: int(v) for name, v in self.numbers.parameters.items() if name in used}

    @property
    def device_seed(self) -> int:
        """What the noise of the device follows from: the seed, or what stands for it behind other runs of this seed."""
        return later_seed(self.seed, self.numbers.streams["runs"] - 1)

    @property
    def periods(self) -> dict[str, float]:
        """Seconds of every period that an operation runs at."""
        operations = [op for item in self.translated.connections for op in item.operations]
        return {op.dt: _seconds(op.dt, self.numbers) for op in operations if op.dt}

    @cached_property
    def affine(self) -> dict[str, AffineFit]:
        """By population, the slope and offset of the cells' current, where it is an affine function of the drive."""
        if self.translated.neuron != "affine":
            return {}
        called = curve_functions(self.translated.model.curves)
        known = {**{name: item.without_units() for name, item in called.items()}, **self.numbers.parameters}
        return {
            name: fit_affine(found, *activity_curve(self.translated.units[name], known))
            for name, found in self.calibrations.items()
        }

    @property
    def current_tables(self) -> dict[str, np.ndarray]:
        """What the currents of cells are read from: the inverted f-I curve, or a slope and an offset, of one row."""
        found, affine = {}, self.affine
        for name, calibration in self.calibrations.items():
            if self.translated.spiking and self.translated.spiking.cell:
                found |= own_cell_tables(name, calibration)
                continue
            if name in affine:
                values = affine[name].slope, affine[name].offset
                found |= {table: np.array([value]) for table, value in zip(affine_tables(name), values, strict=True)}
            else:
                found[current_table(name)] = calibration.table(TABLE_ROWS)
            found |= {f"{name}_{table}": values for table, values in calibration.long_run(ROWS).items()}
        return found

    @property
    def rate_tables(self) -> dict[str, np.ndarray]:
        """The rates that affine cells reach, and the slope and the offset by which a drive gives their row."""
        found = {}
        for name, fit in self.affine.items():
            calibration = self.calibrations[name]
            current = np.linspace(calibration.current[0], calibration.current[-1], TABLE_ROWS + 1)
            reached = np.interp(current, calibration.current, calibration.rate) / calibration.rate_max
            step = current[1] - current[0]
            row = fit.slope / step, (fit.offset - current[0]) / step + 0.5  # a row between two is the lower one
            found |= dict(zip(reached_tables(name), (reached, *(np.array([value]) for value in row)), strict=True))
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What becomes of rules and rates in spikes."""
        fits = (
            f"{name}: cells get a current of {fit.slope:.4g}*{self.translated.model.population(name).drive} + "
            f"{fit.offset:.4g}, which misses the rates wanted by {fit.rms:.1%} of rate_max (rms), {fit.largest:.1%} at "
            "most, and more where drives leave the rate range's middle 96 %"
            for name, fit in self.affine.items()
        )
        cells = describe_cells(self.translated, self.numbers.parameters, self.calibrations)
        return (*self.said, *describe_verdicts(self.translated), *cells, *fits)

    def device_inputs(self) -> dict[str, Any]:
        """Everything that is passed to the device, weights in the order of its synapses."""
        inputs = dict(self.numbers.arrays)
        for key, matrix in {**self.numbers.weights, **self.numbers.synapses}.items():
            owner = key.split(".")[0]
            if not self.numbers.ends[owner].empty:
                inputs[key] = flatten(self.translated, owner, matrix, self.numbers.ends[owner], self.dense)
        tables = {**self.current_tables, **self.rate_tables}
        return inputs | {f"table.{name}": values for name, values in tables.items()}


@on_one_thread()
def make_ready(
    translated: Translation,
    given: Given,
    *,
    seed: int,
    device: Device,
    record: Mapping[str, When] = MappingProxyType({"weights": None}),
) -> Ready:
    """Draw, tabulate and calibrate what one run needs, and find what it is to record; new f-I curves take a run."""
    try:
        translated = with_items(translated, given.parameters)
        numbers = numbers_of(translated, given, seed)
    except MemoryError as error:
        sizes = ", ".join(f"{name} = {value}" for name, value in given.parameters.items() if isinstance(value, int))
        raise RuleError(
            f"Model {translated.model.name!r}: a run with {sizes or 'its parameters'} does not fit into the "
            f"memory of this machine ({error}). Lower what decides its size."
        ) from error
    if given.after is not None:
        translated = with_inputs(translated, [key for key in given.after.state if key in numbers.begun])
    records = records_of(translated, numbers, record)
    dt = _seconds(translated.dt, numbers)
    calibrations = _calibrations(translated, numbers, dt, device)
    remarks = tuple(remarks_on_setting(translated, numbers, given.inputs, dt))
    kernels = choose_kernels(translated, device)
    return Ready(translated, numbers, dt, calibrations, seed, device, kernels, remarks, given.notes, records)


def _seconds(text: str, numbers: Numbers) -> float:
    """Evaluate a time; twelve digits hide rounding, which would make clocks incommensurate."""
    return float(f"{float(np.asarray(evaluate(text, numbers.parameters))):.12g}")


def _calibrations(translated: Translation, numbers: Numbers, dt: float, device: Device) -> dict[str, Calibration]:
    if translated.spiking is None or translated.neuron == "poisson":
        return {}
    found = {}
    for name, unit in translated.units.items():
        group = translated.group(f"{name}_cells")
        asked: dict[str, Any] = {"rate_max": float(np.asarray(numbers.parameters["rate_max"]))}
        asked |= {"tau": _seconds(unit.tau, numbers), "device": device}
        values = {key: numbers.parameters[key] for key in group.constants}
        if cell := translated.spiking.cell:
            values |= {key: numbers.parameters[key] for key in cell.parameter_names.values()}
            found[name] = calibrate_own(cell, own_program(group, cell, dt), values, **asked)
        else:
            values = {key: float(np.asarray(value)) for key, value in values.items()}
            found[name] = calibrate(_cell(group, dt), values, **asked)
    return found


def _cell(group: Group, dt: float) -> CellProgram:
    lines = [line for line in read_equations(group.equations) if line.name != "I" and "linked" not in line.flags]
    return CellProgram(
        equations=write_equations(lines),
        threshold=group.threshold,
        reset=group.reset,
        refractory=group.refractory,
        constants=group.constants,
        cells=CELLS * sum(POINTS),
        dt=dt,
    )
