"""Which steps of a protocol nothing cues: what state they reach is chance, in both variants.

A network that relaxes from random values ends in one of many attractors. Which one depends on the smallest differences
of its way, the order of visits or the noise of cells, so that two runs of one network need not agree on it.
"""

from __future__ import annotations

from brainmem.model.nouns import Model, Phase
from brainmem.model.plan import Plan
from brainmem.text.equations import identifiers

__all__ = ["uncued"]


def uncued(model: Model, plan: Plan) -> list[bool]:
    """Tell of each step whether its state goes back to random values and to no pattern.

    That is so from a step on whose phase draws random start values that read no pattern and stimulus, until one shows a
    stimulus or starts from a pattern. Steps of the phase that `recalled` scores count as cued: they are held to their
    item.
    """
    patterns = {item.name for item in model.all_patterns}
    tested = model.recalled.phase if model.recalled else ""
    found: list[bool] = []
    now = before = False
    for step, back, aside in zip(plan.steps, plan.put_back, plan.set_aside, strict=True):
        now = before if back else now
        before = now if aside else before
        now = _after(step.phase, patterns, now)
        found.append(now and step.phase.name != tested)
    return found


def _after(phase: Phase, patterns: set[str], now: bool) -> bool:
    texts = " ".join(phase.start.values())
    if phase.stimuli or identifiers(texts) & patterns:
        return False
    return phase.random or now
