"""Recorded activity, ready to be the target of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from brainmem.errors import ResultError
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

        Parameters
        ----------
        regions : mapping, sequence, path or text
            Units by the name of their region, ``{"A": ["cell0", "cell1"], "B": range(2, 5)}``, by name or number; or
            one name for each unit; or a table with columns ``unit`` and ``region``.

        Raises
        ------
        ResultError
            For units that are not there, or that have no region or two.
        """
        return replace(self, regions=regions_of(regions, self.units, self.source, dropped=tuple(self.dropped)))

    def __str__(self) -> str:
        trials, samples, units = self.rates.shape
        lines = [
            f"{self.source}: {units} units, {samples} samples every {self.step:g} s ({self.duration:g} s)"
            + (f", {trials} {'trials' if self.kinds else 'trial types'}" if trials > 1 else "")
        ]
        if self.regions:
            sizes = {name: self.regions.count(name) for name in dict.fromkeys(self.regions)}
            lines.append(f"  regions: {', '.join(f'{name} ({size} units)' for name, size in sizes.items())}")
        if len(set(self.kinds)) > 1:
            lines.append(
                f"  kinds of trials: {', '.join(f'{k} ({self.kinds.count(k)})' for k in dict.fromkeys(self.kinds))}"
            )
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  dropped unit {name}: {reason}" for name, reason in self.dropped.items()]
        return "\n".join(lines)
