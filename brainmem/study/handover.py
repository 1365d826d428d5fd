"""A fit handed over to spiking cells: learned under noise, its best weights run frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brainmem import measure
from brainmem.errors import RuleError
from brainmem.intake.arguments import ANYTHING, SEEDS, TEXT, count, seeds_of, takes
from brainmem.model.variants import Spiking
from brainmem.results.result import Result
from brainmem.storage.files import make_folder, replacing
from brainmem.study.fit_rates import rates_of
from brainmem.study.fit_run import frozen_run, learned
from brainmem.study.targets import MARKS

if TYPE_CHECKING:
    from brainmem.study.fitted import Fit

__all__ = ["SpikingFit", "in_spikes"]

_NOISE = {"noise": "white"}  # the choice of a model that learns under noise


@dataclass(frozen=True)
class SpikingFit:
    """A fit in spiking cells, beside the network of rates whose weights they have.

    Attributes
    ----------
    fit : Fit
        The network of rates that learned under noise.
    result : Result
        The run of the cells, with their calibration.
    cells_per_unit : int
    tests : (seed, trial) float array
        pVar of each trial in spikes, in the recording's order, with other noise for each seed.
    rates : (trial, time, unit) float array
        Read from the spikes of the first seed, in the recording's order.
    interval : float
        Seconds between samples of `rates`.
    """

    fit: Fit
    result: Result
    cells_per_unit: int
    tests: np.ndarray
    rates: np.ndarray
    interval: float

    @property
    def pvar(self) -> float:
        """Fraction of the recording's variance that the cells explain, of the trials learned; the mean over seeds."""
        return float(self._by_seed.mean())

    @property
    def spread(self) -> float:
        """Standard deviation of `pvar` over seeds; NaN with one."""
        return float(self._by_seed.std(ddof=1)) if len(self.tests) > 1 else float("nan")

    @property
    def _by_seed(self) -> np.ndarray:
        return np.delete(self.tests, self.fit.held, axis=1).mean(axis=1)

    @property
    def held_pvar(self) -> float:
        """The same of the trials that were held out; NaN without."""
        return float(self.tests[:, list(self.fit.held)].mean()) if self.fit.held else float("nan")

    @property
    def rate_pvar(self) -> float:
        """What the network of rates explains with the same weights."""
        return self.fit.pvar

    @property
    def currents(self) -> Any:
        """The currents between regions from the rates of the cells, as `Fit.currents`."""
        return replace(self.fit, rates=self.rates, interval=self.interval).currents

    def save(self, folder: str | Path) -> Path:
        """Write ``spiking.txt``, what `print` shows, and ``spiking.nc``, the run of the first seed, into `folder`."""
        folder = make_folder(folder)
        self.result.save(folder / "spiking.nc")
        with replacing(folder / "spiking.txt") as temporary:
            temporary.write_text(f"{self}\n", encoding="utf-8")
        return folder

    def __str__(self) -> str:
        held = f"; of trials held out {self.held_pvar:.3f}, at rates {self.fit.held_pvar:.3f}" if self.fit.held else ""
        cells = f"spiking cells, {self.cells_per_unit} per unit"
        seeds = f" ± {self.spread:.3f} over {len(self.tests)} seeds" if len(self.tests) > 1 else ""
        return f"{cells}: pVar {self.pvar:.3f}{seeds}, at rates {self.rate_pvar:.3f}{held}"


@takes(RuleError, cells_per_unit=count(1), neuron=TEXT, parameters=ANYTHING, seeds=SEEDS)
def in_spikes(
    fit: Fit,
    *,
    cells_per_unit: int = 16,
    neuron: str = "lif",
    parameters: Mapping[str, Any] | None = None,
    seeds: int | Sequence[int] = 3,
) -> SpikingFit:
    """Return a fit in spiking cells, with pVar beside that of the network of rates.

    Weights that were learned under noise tolerate the noise of spikes: where the model offers it (``noise = white``)
    and the fit was made without, it is made again with it, from the same seed.

    Parameters
    ----------
    fit : Fit
    cells_per_unit : int
        See the README of `brainmem.translation`, which says what to raise.
    neuron : str
        The kind of cell.
    parameters : mapping, optional
        Further parameters of the cells, such as ``rate_max``.
    seeds : int or sequence of int
        How many runs with other noise of the cells, or their seeds; `SpikingFit.spread` tells how far they lie apart.

    Raises
    ------
    RuleError
        For parameters that belong to the fit, and what the spiking variant cannot run.
    """
    fit = _under_noise(fit)
    task, asked, given = fit.task, fit.asked, dict(parameters or {})
    known = {item.name for item in task.model.parameters}
    if both := known & given.keys():
        raise RuleError(f"spiking(): {', '.join(sorted(both))} belong to the fit. Give fit(..., parameters=...) them.")
    variant = Spiking(neuron=neuron, cells_per_unit=cells_per_unit, **given)
    runs = [
        frozen_run(task, asked, fit.result, fit.weights, fit.parameters, interval=None, variant=variant, seed=seed)
        for seed in seeds_of(seeds)
    ]
    marks = "" if fit.recording.seen is None else MARKS
    pvars = [
        measure.pvar_of_tests(run, phase=asked.test, target=asked.target, marks=marks).mean(["epoch", "repeat"]).values
        for run in runs
    ]
    held = list(fit.held)
    sequence = np.r_[np.setdiff1d(np.arange(len(fit.rates)), held), held].astype(int)
    rates, interval = rates_of(runs[0], task, asked.test, fit.parameters, sequence, None)
    rates = rates[..., np.argsort(fit.order)]
    return SpikingFit(fit, runs[0], cells_per_unit, np.stack(pvars)[:, np.argsort(sequence)], rates, interval)


def _under_noise(fit: Fit) -> Fit:
    """Return a fit whose network learned under noise, where its model offers that."""
    name, option = next(iter(_NOISE.items()))
    offered = {item.name: item.options for item in fit.asked.model.choices}
    if option not in offered.get(name, {}) or name in fit.asked.parameters:
        return fit
    asked = replace(fit.asked, parameters={**fit.asked.parameters, **_NOISE})
    return replace(fit, **learned(fit.recording, asked))
