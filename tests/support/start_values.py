"""The start values that phases set, computed by numpy: the tests' view of what devices draw for themselves."""

from __future__ import annotations

import numpy as np

from brainmem import MemoryModel
from brainmem.numbers.run import Given, numbers_of
from brainmem.numbers.starts import Drawing, phase_starts
from brainmem.translation import translate
from brainmem.translation.restarts import restarts

__all__ = ["starts_of"]


def starts_of(
    model: MemoryModel, name: str, *, seed: int = 0, parameters=None, trials: int | None = None
) -> np.ndarray:
    """Return what each step of the protocol sets a variable to, (step, [trial,] unit), nan where it sets nothing."""
    translated = translate(model, trials=trials)
    numbers = numbers_of(translated, Given(parameters or {}, {}, {}, {}), seed)
    starts = numbers.plan.start
    restart = restarts(translated.model)[name]
    values = phase_starts(Drawing(translated, numbers.parameters, numbers.patterns, seed), restart, numbers.plan.starts)
    sets = (starts > 0) & numbers.plan.by_phase(lambda phase: name in phase.start)
    rows = np.where(sets, starts - 1, 0)
    found = np.where(sets[:, None], values[rows], np.nan)
    return np.moveaxis(found.reshape(len(rows), -1, trials), -1, 1) if trials else found
