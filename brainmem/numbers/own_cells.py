"""Measure a cell of the user's own: its f-I curve, and whether it can follow a drive.

The cell is refused where filtered spikes would not be the rate that the drive asks for: where its rate does not rise
with the input, jumps, or stays below `rate_max`; where it fires bursts; where it answers a change of its input slowly,
or adapts for longer than the rate takes to follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainmem.engine.device import BuildJob, Device
from brainmem.engine.prepare import prepare
from brainmem.errors import TranslationError
from brainmem.model.cell import Cell
from brainmem.model.checks.cell import check_refractory_time
from brainmem.model.names import current_table
from brainmem.numbers.calibration import (
    TOLERANCE,
    Calibration,
    OwnProgram,
    discarded,
    invert,
    kept,
    key_of,
    largest_error,
)
from brainmem.numbers.following import check_regular, check_response, response_of
from brainmem.numbers.probe import Measured, Probe
from brainmem.numbers.search import curve_of, joined, jumps_error, lasting, not_finite, range_of
from brainmem.translation.currents import TABLE_ROWS
from brainmem.translation.own_cells import SAMPLE_ROWS, SAMPLES

__all__ = ["calibrate_own", "own_cell_tables"]

VERSION = "1"  # of the procedure


def calibrate_own(
    cell: Cell, program: OwnProgram, parameters: Mapping[str, Any], *, rate_max: float, tau: float, device: Device
) -> Calibration:
    """Measure a cell of the user's own on `device` and return its inverted f-I curve; measured once, then kept.

    Parameters
    ----------
    cell : Cell
    program : OwnProgram
        Its text as the run has it.
    parameters : mapping of str to number or Quantity
        Values of all parameters of the cell, and of those of the spiking variant that it reads.
    rate_max : float
        Hz.
    tau : float
        Time constant in seconds of the trace, which the cell must be able to follow.

    Raises
    ------
    TranslationError
        When the cell cannot follow a drive, with the reason and what to do.
    RuleError
        For a refractory period below 0.
    """
    check_refractory_time(cell, {name: parameters[known] for name, known in cell.parameter_names.items()})
    numbers = {name: float(np.asarray(value)) for name, value in parameters.items()}
    key = key_of("own", program, numbers, cell.starts, rate_max, tau, device, SAMPLES, SAMPLE_ROWS, VERSION)

    def measure() -> Calibration:
        executable = prepare(BuildJob("brainmem.build.network:build_own_cells", program), device)
        return _measure(Probe(cell, program, numbers, parameters, rate_max, tau, executable))

    return kept(key, measure)


def own_cell_tables(population: str, found: Calibration) -> dict[str, np.ndarray]:
    """Return the numbers of the tables that the input and the states of a population's cells are read from."""
    ends = {"lastspike": "since", "not_refractory": "ready"}
    states = {f"{population}_{ends.get(name, name)}": np.array(values) for name, values in found.states.items()}
    return {current_table(population): found.table(TABLE_ROWS), **states}


def _measure(probe: Probe) -> Calibration:
    current, rate = curve_of(probe, *range_of(probe))
    checked = np.linspace(0, 1, SAMPLE_ROWS + 1)
    found, error = _checked(probe, current, rate, checked, seed=5)
    if error > TOLERANCE:  # what was checked refines the curve
        wanted = invert(current, rate, probe.rate_max, checked)
        current, rate = joined(current, rate, wanted, found.rate)
        found, error = _checked(probe, current, rate, checked, seed=6)
    if error > TOLERANCE:
        raise _misses(probe, current, rate, error)
    if not found.finite.all():
        raise not_finite(probe)
    cv = check_regular(probe, found)
    low, high = invert(current, rate, probe.rate_max, np.array([0.2, 0.8]))
    response = response_of(probe, low, high, found.rate)
    check_response(probe, response)
    rate = np.maximum.accumulate(rate)
    return Calibration(
        current=tuple(current.tolist()),
        rate=tuple(rate.tolist()),
        rate_max=probe.rate_max,
        highest=float(rate[-1]),
        error=error,
        checked=tuple(checked.tolist()),
        reached=tuple((found.rate / probe.rate_max).tolist()),
        fano=tuple(found.fano.tolist()),
        tau=probe.tau,
        unit=probe.program.unit,
        cv=cv,
        response=response,
        states=_states(found),
    )


def _checked(
    probe: Probe, current: np.ndarray, rate: np.ndarray, checked: np.ndarray, *, seed: int
) -> tuple[Measured, float]:
    """Return cells at the inputs for these activities, with fresh noise, and the largest error of their rates."""
    wanted = invert(current, rate, probe.rate_max, checked)
    found = probe.run(wanted, seconds=lasting(probe), seed=seed, discard=discarded(probe.tau), tell=True)
    return found, largest_error(checked, found.rate / probe.rate_max)


def _states(found: Measured) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Return states of cells in the long run for each level: those of evenly placed ones, in the order of the first."""
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in found.looks}
    for level in range(found.level.max() + 1):
        seen = {name: values[:, found.level == level].ravel() for name, values in found.looks.items()}
        order = np.lexsort(tuple(reversed(list(seen.values())))) if seen else np.arange(0)
        chosen = order[((np.arange(SAMPLES) + 0.5) / SAMPLES * len(order)).astype(int)] if seen else order
        for name, values in seen.items():
            rows[name].append(tuple(values[chosen].tolist()))
    return {name: tuple(values) for name, values in rows.items()}


def _misses(probe: Probe, current: np.ndarray, rate: np.ndarray, error: float) -> TranslationError:
    inside = np.maximum.accumulate(rate) < probe.rate_max
    jumps = np.diff(rate[inside])
    place = int(jumps.argmax()) if len(jumps) else 0
    if len(jumps) and jumps[place] > 2 * TOLERANCE * probe.rate_max:
        return jumps_error(probe, float(rate[place]), float(rate[place + 1]), float(current[place]))
    return probe.error(
        f"the inverted f-I curve misses the rates asked for by up to {error:.1%} of rate_max = {probe.rate_max:g} Hz "
        f"(allowed {TOLERANCE:.0%}). Its rate changes too steeply with the input, or goes on changing at the same "
        "input: add noise (noise=), lower spike_dt, or shorten what adapts."
    )
