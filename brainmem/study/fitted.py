"""A network that was taught recorded activity, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from brainmem import measure
from brainmem.errors import RuleError, number_of
from brainmem.recordings import Recording
from brainmem.results.result import Result
from brainmem.storage.files import make_folder, replacing
from brainmem.study.recurrent import recurrent_weights

__all__ = ["Fit"]


@dataclass(frozen=True)
class Fit:
    """A network that was taught recorded activity.

    Attributes
    ----------
    recording : Recording
        The targets, and what was dropped.
    result : Result
        The run, its units in the order of the network, trials that were held out behind the others.
    order : (unit,) int array
        Which unit of the recording each unit of the network is; it is random, since models take the first units as
        the plastic ones.
    tests : (test,) float array
        pVar of every test pass, the mean over the trials that were learned.
    best : int
        The epoch of the best test, counted from 1.
    weights : mapping of str to (post, pre) float array
        Of every projection, after that epoch, in the network's order.
    rates : (trial, time, unit) float array
        Of a pass with these weights, in the recording's order.
    interval : float
        Seconds between samples of `rates`.
    held : tuple of int
        The trials that were held out: only tested.
    held_tests : (test,) float array
        pVar of every test pass, the mean over these; empty without.
    trials : (trial,) float array
        pVar of each trial in the best test, in the recording's order.
    notes : tuple of str
        What was decided for this recording.
    parameters, task, asked
        What the run was made of: its parameters, the form of the model that it took, and the arguments of `fit`.
    caution : str
        What has to be said of currents that are read from trained weights.
    """

    caution: ClassVar[str] = (
        "these are of one network, and others show the same activity: compare fits with other seeds before using them"
    )

    recording: Recording
    result: Result
    order: np.ndarray
    tests: np.ndarray
    best: int
    weights: Mapping[str, np.ndarray]
    rates: np.ndarray
    interval: float
    held: tuple[int, ...] = ()
    held_tests: np.ndarray = field(default_factory=lambda: np.zeros(0))
    trials: np.ndarray = field(default_factory=lambda: np.zeros(0))
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    task: Any = field(default=None, repr=False)
    asked: Any = field(default=None, repr=False)

    @property
    def pvar(self) -> float:
        """Fraction of the recording's variance that the network explains in its best test, of the trials learned."""
        return float(self.tests[self.best - 1])

    @property
    def held_pvar(self) -> float:
        """The same of the trials that were held out, in the test that was best for the others; NaN without."""
        return float(self.held_tests[self.best - 1]) if len(self.held_tests) else float("nan")

    @property
    def held_mean(self) -> float:
        """The same of the mean over the learned trials of their kind: what is to be had without a network."""
        if not self.held:
            return float("nan")
        targets, kinds = self.targets, np.array(self.recording.kinds or ["all"] * len(self.rates))
        learned = np.isin(np.arange(len(self.rates)), self.held, invert=True)
        found = []
        for trial in self.held:
            mean = _mean(targets[learned & (kinds == kinds[trial])])
            seen = np.isfinite(targets[trial]) & np.isfinite(mean)
            found.append(measure.pvar(targets[trial][seen], mean[seen]))
        return float(np.mean(found))

    @property
    def targets(self) -> np.ndarray:
        """The recording at the times of `rates`, (trial, time, unit), interpolated; NaN where nothing was recorded."""
        recording, samples = self.recording, self.rates.shape[1]
        given = recording.rates if recording.seen is None else np.where(recording.seen > 0, recording.rates, np.nan)
        at = np.minimum(np.arange(samples) * self.interval / recording.step, given.shape[1] - 1)
        before = np.minimum((at * (1 + 1e-12)).astype(int), given.shape[1] - 2)
        share = (at - before)[None, :, None]
        between = (1 - share) * given[:, before] + share * given[:, before + 1]
        at_sample = given[:, np.minimum(np.round(at).astype(int), given.shape[1] - 1)]
        return np.where(np.abs(at - np.round(at))[None, :, None] < 1e-6, at_sample, between)

    @property
    def unit_pvar(self) -> xr.DataArray:
        """Fraction of each unit's variance that the network explains, over the trials that were learned.

        See `measure.unit_pvar`; NaN for a unit without data in them.
        """
        learned = np.setdiff1d(np.arange(len(self.rates)), self.held)
        values = measure.unit_pvar(self.targets[learned], self.rates[learned])
        coords: dict[str, Any] = {"unit": list(self.recording.units)}
        if self.recording.regions:
            coords["region"] = ("unit", list(self.recording.regions))
        return xr.DataArray(values, dims="unit", coords=coords, name="pvar")

    @property
    def recurrent(self) -> xr.DataArray:
        """The weights from unit to unit after the best test, (post, pre), in the recording's order."""
        task = self.task
        matrix = recurrent_weights(task.model, task.population.name, len(self.order), self.result, self.weights)
        back, names = np.argsort(self.order), list(self.recording.units)
        coords: dict[str, Any] = {"post": names, "pre": names}
        if self.recording.regions:
            regions = list(self.recording.regions)
            coords |= {"target region": ("post", regions), "source region": ("pre", regions)}
        return xr.DataArray(matrix[np.ix_(back, back)], dims=("post", "pre"), coords=coords, name="w")

    @property
    def currents(self) -> xr.DataArray:
        """The current that each region receives from each, see `measure.region_currents`.

        (target region, source region, unit, time), behind a dimension ``trial`` where there are several.
        """
        rates = self.rates if len(self.rates) > 1 else self.rates[0]
        return measure.region_currents(
            self.recurrent.values, rates, self._regions(), units=self.recording.units, step=self.interval
        )

    @property
    def shares(self) -> xr.Dataset:
        """The part of the variance of each region's current that comes from each, see `measure.region_shares`."""
        return measure.region_shares(self.currents)

    @property
    def region_weights(self) -> xr.Dataset:
        """Mean, spread and size of the weights between regions, see `measure.region_weights`."""
        return measure.region_weights(self.recurrent.values, self._regions())

    def _regions(self) -> tuple[str, ...]:
        if not self.recording.regions:
            raise RuleError(
                "This fit knows no regions. Name them: fit(..., regions={'A': [...], 'B': [...]}), or "
                "read_recording(..., regions=...)."
            )
        return self.recording.regions

    def spiking(self, cells_per_unit: int = 16, **options: Any) -> Any:
        """Return the network in spiking cells: learned under noise, its best weights run frozen; see `SpikingFit`.

        Parameters
        ----------
        cells_per_unit : int
        options
            See `brainmem.study.handover.in_spikes`.
        """
        from brainmem.study.handover import in_spikes

        return in_spikes(self, cells_per_unit=cells_per_unit, **options)

    def page(self, path: str | Path) -> Path:
        """Write one page of HTML that shows the fit, with all figures in it, and return its path."""
        from brainmem.study.fit_page import write_page

        return write_page(self, path)

    def __str__(self) -> str:
        lines = [
            str(self.recording),
            *(f"  {note}" for note in self.notes),
            f"{self.result.model}: pVar {self.pvar:.3f} in test {self.best} of {len(self.tests)} "
            f"(others {self.tests.min():.3f} ... {self.tests.max():.3f})",
        ]
        if self.held:
            lines.append(
                f"pVar {self.held_pvar:.3f} of {number_of(len(self.held), 'trial')} held out "
                f"({_listed(self.held)}); the mean of the learned trials of their kind explains {self.held_mean:.3f}"
            )
        if self.recording.signed:
            lines.append("bVar is of rates that are not negative, and these are of both signs")
        else:
            trials = range(len(self.rates))
            wanted = [measure.bvar(self.recording.rates[k], self.recording.step) for k in trials]
            found = [measure.bvar(self.rates[k], self.interval) for k in trials]
            lines.append(f"bVar of the recording {np.mean(wanted):.2f}, of the network {np.mean(found):.2f}")
        return "\n".join(lines + self._of_regions())

    def _of_regions(self) -> list[str]:
        if not self.recording.regions:
            return []
        share = self.shares.share
        lines = ["share of the variance of a region's recurrent current, by source:"]
        for row in share:
            sources = zip(row["source region"].values, row.values, strict=True)
            parts = ", ".join(f"{name} {value:.2f}" for name, value in sources)
            lines.append(f"  {row['target region'].item()}: {parts}")
        return [*lines, f"  {self.caution}"]

    def save(self, folder: str | Path) -> Path:
        """Write the page ``fit.html``, ``report.txt``, ``result.nc``, ``rates.npz`` and the figures into `folder`."""
        from brainmem.study.fit_page import figures, write_page

        folder = make_folder(folder)
        self.result.save(folder / "result.nc")
        weights: dict[str, Any] = {f"weights_{name}": values for name, values in self.weights.items()}
        if self.recording.regions:
            weights["regions"] = np.array(self.recording.regions)
            with replacing(folder / "currents.nc") as temporary:
                xr.merge([self.currents.to_dataset(), self.shares]).to_netcdf(temporary)
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
        drawn = figures(self)
        for name, (figure, *_) in drawn.items():
            with replacing(folder / f"{name}.png") as temporary:
                figure.savefig(temporary, format="png")
        write_page(self, folder / "fit.html", drawn)
        return folder


def _mean(trials: np.ndarray) -> np.ndarray:
    """Return the mean (time, unit) over trials, NaN where none has a value."""
    seen = np.isfinite(trials)
    return np.where(seen.any(axis=0), np.where(seen, trials, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1), np.nan)


def _listed(trials: tuple[int, ...]) -> str:
    return ", ".join(map(str, trials[:12])) + (" ..." if len(trials) > 12 else "")
