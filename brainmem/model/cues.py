"""Which steps of a protocol nothing cues: what state they reach is chance, in both variants.

A network that relaxes from random values ends in one of many attractors. Which one depends on the smallest differences
of its way, the order of visits or the noise of cells, so that two runs of one network need not agree on it.
"""

from __future__ import annotations

import numpy as np

from brainmem.model.nouns import Model
from brainmem.model.plan import Plan
from brainmem.text.equations import identifiers

__all__ = ["uncued"]


def uncued(model: Model, plan: Plan) -> np.ndarray:
    """Tell of each row of the plan whether its state goes back to random values and to no pattern.

    That is so from a step on whose phase draws random start values that read no pattern and stimulus, until one shows a
    stimulus or starts from a pattern. Steps of the phase that `recalled` scores count as cued: they are held to their
    item.
    """
    patterns = {item.name for item in model.all_patterns}
    tested = model.recalled.phase if model.recalled else ""
    cued = plan.by_phase(lambda phase: bool(phase.stimuli or identifiers(" ".join(phase.start.values())) & patterns))
    random = plan.by_phase(lambda phase: phase.random)
    rows = zip(*(part.tolist() for part in (plan.before, plan.put_back, plan.set_aside, cued, random)), strict=True)
    chance, kept = np.zeros(len(plan), dtype=bool), False
    for row, (before, back, aside, is_cued, is_random) in enumerate(rows):
        now = kept if back else before >= 0 and bool(chance[before])
        kept = now if aside else kept
        chance[row] = not is_cued and (is_random or now)
    return chance & ~plan.by_phase(lambda phase: phase.name == tested)
