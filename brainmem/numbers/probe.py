"""Cells of the user's own that run without a network: how they fire at given inputs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainmem.engine.device import Executable
from brainmem.errors import TranslationError
from brainmem.model.cell import Cell
from brainmem.model.checks.cell_parts import is_held
from brainmem.numbers.calibration import DISCARD, OwnProgram, fano_factor
from brainmem.text.draws import draw
from brainmem.text.equations import read_equations, with_unit, write_equations
from brainmem.translation.text import Group

__all__ = ["OWN_CELLS", "Measured", "Probe", "own_program"]

OWN_CELLS = 4000
STAGGER = 0.1  # seconds; inputs begin at times within the second, so that cells without noise differ


@dataclass(frozen=True)
class Measured:
    """Cells at some inputs: rates in Hz, and what else is known of each input."""

    rate: np.ndarray
    fano: np.ndarray
    finite: np.ndarray
    level: np.ndarray  # of each cell
    looks: dict[str, np.ndarray]
    told: tuple[np.ndarray, np.ndarray]  # cells and times of spikes
    onset: np.ndarray
    begin: float
    seconds: float


@dataclass(frozen=True)
class Probe:
    """A cell that can be run, and what it is asked for."""

    cell: Cell
    program: OwnProgram
    values: Mapping[str, float]
    parameters: Mapping[str, Any]
    rate_max: float
    tau: float
    executable: Executable

    def error(self, reason: str) -> TranslationError:
        """Return the error that this cell cannot be used."""
        return TranslationError(f"Cell {self.cell.name!r} (input {self.cell.input!r}): {reason}")

    def shown(self, value: float) -> str:
        """Return an input with its unit."""
        return with_unit(value, self.program.unit)

    def run(
        self,
        after: np.ndarray,
        *,
        seconds: float,
        seed: int,
        before: np.ndarray | float = 0.0,
        discard: float = DISCARD,
        tell: bool = False,
    ) -> Measured:
        """Run as many cells at each input `after`, which is `before` at first; spikes are told from `discard` on."""
        cells, rng = self.program.cells, np.random.default_rng(seed)
        level = np.minimum(np.arange(cells) // (cells // len(after)), len(after) - 1)
        onset = discard + STAGGER * rng.random(cells) if np.ndim(before) else STAGGER * rng.random(cells)
        begin = discard + STAGGER
        inputs = {f"param.{name}": self.values[name] for name in self.program.constants}
        inputs |= {"cells.before": np.broadcast_to(before, len(after))[level], "cells.after": after[level]}
        inputs |= {"cells.onset": onset, "param.tautrace": self.tau, "param.discard": begin}
        inputs |= {"param.tell": discard if tell else 1e9}
        inputs |= {f"cells.{name}": values for name, values in self.starts(rng).items()}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # far inputs overflow
            out = self.executable.run(inputs, seed=seed, duration=begin + seconds)
        return self._read(out, level, onset, begin, seconds)

    def _read(
        self, out: Mapping[Any, np.ndarray], level: np.ndarray, onset: np.ndarray, begin: float, lasts: float
    ) -> Measured:
        levels = level.max() + 1
        count = np.bincount(level, minlength=levels)

        def mean(values: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                return np.bincount(level, np.asarray(values, dtype=float), levels) / count

        steps = round(lasts / self.program.dt)
        rate = mean(out["cells.spiked"]) / lasts
        variance = mean(out["cells.squares"]) / steps - (mean(out["cells.total"]) / steps) ** 2
        seen = out["looks.t"] > begin - self.program.dt / 2
        looks = {name: np.asarray(out[f"looks.{name}"][seen], dtype=float) for name in self.program.looked}
        if "lastspike" in looks:  # kept as the time since then
            looks["lastspike"] = out["looks.t"][seen][:, None] - looks["lastspike"]
        well = [np.isfinite(values).all(axis=0) for values in looks.values()]
        finite = mean(np.all([np.ones(len(level), bool), *well], axis=0)) == 1
        fano = fano_factor(rate, variance, self.tau)
        told = np.asarray(out["told.i"]), np.asarray(out["told.t"])
        return Measured(rate, fano, finite, level, looks, told, onset, begin, lasts)

    def starts(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return where the variables of all cells start, under their names in the program."""
        own = {name: self.parameters[known] for name, known in self.cell.parameter_names.items()}
        found = {name: np.zeros(self.program.cells) for name in self.program.states}
        for name, given in self.cell.initial.items():
            text = given if isinstance(given, str) else str(float(np.asarray(given)))
            found[self.cell.names[name]] = draw(text, names=own, rng=rng, shape=(self.program.cells,))
        return found


def own_program(group: Group, cell: Cell, dt: float) -> OwnProgram:
    """Return the program in which the cells of a group are measured, at this time step in seconds."""
    own = cell.names[cell.input]
    lines = [line for line in read_equations(group.equations) if line.name != own and "linked" not in line.flags]
    states = tuple(cell.names[name] for name in cell.states)
    looked = (*states, *(("not_refractory",) if is_held(cell) else ()))
    return OwnProgram(
        equations=write_equations(lines),
        threshold=group.threshold or "",
        reset=group.reset or "",
        refractory=group.refractory,
        constants=group.constants,
        input=own,
        unit=cell.unit,
        states=states,
        looked=(*looked, *(("lastspike",) if group.refractory else ())),
        method=group.method,
        cells=OWN_CELLS,
        dt=dt,
    )
