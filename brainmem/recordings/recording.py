"""Recorded activity, ready to be the target of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from brainmem.errors import ResultError, number_of
from brainmem.intake.arguments import ANYTHING, SPAN, takes
from brainmem.recordings.regions import regions_of

__all__ = ["Recording"]

SEEN, MISSING, OVER = 1, 0, -1


@dataclass(frozen=True)
class Recording:
    """Activity of recorded units, ready to be a target.

    Attributes
    ----------
    rates : (trial, time, unit) float array
        Between 0 and 1, or between -1 and 1 where there are values below 0. The greatest, signs aside, is 1: of each
        unit over all trials, or of all units together.
    step : float
        Seconds between samples.
    units : tuple of str
        Names of the units kept: headers of a table, or their numbers from 0.
    dropped : mapping of str to str
        Units left out, and why.
    notes : tuple of str
        What else was changed.
    source : str
        Where the rates come from.
    regions : tuple of str
        The region of each unit; empty where none are known.
    kinds : tuple of str
        The kind of each trial, such as left and right; empty where every trial is of a kind of its own.
    seen : (trial, time, unit) int array, optional
        1 where a sample was recorded, 0 where it is missing and was filled, -1 where the trial was over. None when all
        were recorded.
    numbers : tuple of int
        The number of each unit in the recording as it was given, from 0, before others were dropped. Those of the kept
        ones when not given.
    normalise : {"unit", "all", ""}
        Whether the greatest value is 1 in each unit, or in all together; empty where rates are as they were given.
    currents : xarray.DataArray, optional
        The currents between regions that made the activity, which a surrogate knows; see `measure.region_currents`.
    """

    rates: np.ndarray
    step: float
    units: tuple[str, ...]
    dropped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: str = "array"
    regions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    seen: np.ndarray | None = None
    numbers: tuple[int, ...] = ()
    normalise: str = ""
    currents: Any = None

    @property
    def duration(self) -> float:
        """Seconds from the first sample to the last."""
        return self.step * (self.rates.shape[1] - 1)

    @property
    def signed(self) -> bool:
        """Whether there are values below 0, which rates of logistic units cannot follow."""
        return bool(self.rates.min() < 0)

    @takes(ResultError, step=SPAN)
    def resampled(self, step: float) -> np.ndarray:
        """Return the rates every `step` seconds, (trial, frame, unit), interpolated linearly between samples.

        A frame lasts `step`, and the last one ends at the last sample.
        """
        before, share = self._places(step)
        share = share[None, :, None]
        return (1 - share) * self.rates[:, before] + share * self.rates[:, before + 1]

    @takes(ResultError, step=SPAN)
    def marks(self, step: float) -> np.ndarray | None:
        """Return for each frame of `resampled` 1, or 0 and -1 where a sample that it reads is missing or too late."""
        if self.seen is None:
            return None
        before, share = self._places(step)
        after = np.where(share > 1e-9, before + 1, before)
        return np.minimum(self.seen[:, before], self.seen[:, after])

    def _places(self, step: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the sample before each frame, and how far the frame lies behind it, as part of a step."""
        if not self.duration >= step > 0:
            raise ResultError(f"step={step:g} s must be above 0, and at most the duration of {self.duration:g} s.")
        frames = int(np.floor(self.duration / step * (1 + 1e-9)))
        position = np.arange(frames) * (step / self.step)
        before = np.minimum((position * (1 + 1e-12)).astype(int), self.rates.shape[1] - 2)
        return before, position - before

    @takes(ResultError, regions=ANYTHING)
    def with_regions(self, regions: Mapping[str, Any] | Sequence[str] | str) -> Recording:
        """Return the recording with the region of each unit.

        Units are numbered as the recording was given, from 0, those that were dropped among them; these need no region.

        Parameters
        ----------
        regions : mapping, sequence, path or text
            Units by the name of their region, ``{"A": ["cell0", "cell1"], "B": range(2, 5)}``: by name, by number, or a
            mask with True or False for each unit as given. Where all names are numbers, a number is a name. Or one name
            for each unit, of all as given or of those kept. Or a table with columns ``unit`` and ``region``.

        Raises
        ------
        ResultError
            For units that are not there, or that have no region or two, and for regions without units.
        """
        numbers = self.numbers or tuple(range(len(self.units)))
        held, others = dict(zip(numbers, self.units, strict=True)), iter(self.dropped)
        given = tuple(held[k] if k in held else next(others) for k in range(len(self.units) + len(self.dropped)))
        found, notes = regions_of(regions, given, numbers, self.source)
        return replace(self, regions=found, notes=tuple(dict.fromkeys((*self.notes, *notes))))

    def scaled_by(self, trials: Sequence[int] | np.ndarray) -> Recording:
        """Return the recording so normalised that the greatest value is 1 in some of its trials.

        What the others hold may then be greater. A unit that is 0 throughout these trials stays as it is.
        """
        peaks = np.abs(self.rates[np.asarray(trials, dtype=int)]).max(axis=(0, 1))
        peaks = np.full_like(peaks, peaks.max()) if self.normalise == "all" else peaks
        peaks = np.where(peaks > 0, peaks, 1.0)
        if not self.normalise or np.allclose(peaks, 1, rtol=1e-12, atol=0):
            return self
        rates = self.rates / peaks
        note = (
            f"the greatest value is 1 in the trials that are learned, and {np.abs(rates).max():.3g} in those that are "
            "held out"
        )
        return replace(self, rates=rates, notes=(*self.notes, note))

    def __str__(self) -> str:
        trials, samples, units = self.rates.shape
        lines = [
            f"{self.source}: {units} units, {samples} samples every {self.step:g} s ({self.duration:g} s)"
            + (f", {trials} {'trials' if self.kinds else 'trial types'}" if trials > 1 else "")
        ]
        if self.regions:
            sizes = {name: self.regions.count(name) for name in dict.fromkeys(self.regions)}
            shown = (f"{name} ({number_of(size, 'unit')})" for name, size in sizes.items())
            lines.append(f"  regions: {', '.join(shown)}")
        if len(set(self.kinds)) > 1:
            lines.append(
                f"  kinds of trials: {', '.join(f'{k} ({self.kinds.count(k)})' for k in dict.fromkeys(self.kinds))}"
            )
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  dropped unit {name}: {reason}" for name, reason in self.dropped.items()]
        return "\n".join(lines)
