"""Where the text of a model says that its variants differ; `brainmem.model.by_variant` says how each runs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from brainmem.model.nouns import Model, Phase, Population

__all__ = ["continuous", "differs", "faces_of", "in_spikes", "own_values"]


def differs(model: Model) -> bool:
    """Tell whether the variants of a model differ in more than how its text is translated."""
    phases = any(phase.spiking is None or phase.spiking for phase in model.protocol.phases)
    return phases or bool(own_values(model)) or any(map(continuous, model.populations))


def in_spikes(phase: Phase) -> Phase | None:
    """Return a phase as the spiking variant runs it, None where it leaves it out."""
    return None if phase.spiking is None else replace(phase, **{"spiking": {}, **phase.spiking})


def faces_of(phase: Phase) -> tuple[Phase, ...]:
    """Return a phase as the rate variant runs it, and as cells do where that differs."""
    rate = replace(phase, spiking={})
    return (rate, replace(rate, **phase.spiking)) if phase.spiking else (rate,)


def own_values(model: Model) -> dict[str, Any]:
    """Return the model's own parameters that have another value in the spiking variant."""
    own = {item.name for item in model.parameters}
    return {name: value for name, value in model.spiking.items() if name in own}


def continuous(population: Population) -> bool:
    """Tell whether units that are visited one at a time have the equation that spiking cells follow, too."""
    pattern = rf"^\s*d{re.escape(population.state)}\s*/\s*dt\s*="
    return bool(population.state and re.search(pattern, population.equations, re.MULTILINE))
