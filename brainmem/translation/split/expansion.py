"""Write out the units' subexpressions that contain a rate, where a learning rule reads them.

The split looks for rates by name: ``err = target - x``, read as ``err_post``, would count as something slow and be
read from traces as it is, which is the biased substitution. Written out, the rule is split as if its author had
written ``target_post - x_post``. Subexpressions without a rate stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import LearningRule, Population, Projection
from brainmem.text.equations import Equation, definitions, grouped, identifiers, read_equations, rename, written_out

__all__ = ["phase_time", "rate_expansions", "write_out"]

# Synapses can read `elapsed`, which every population has linked from the protocol, under this name only.
PHASE_TIME = Equation("phase_time", "subexpression", "second", "elapsed")


def write_out(rule: LearningRule, expansions: Mapping[str, str]) -> LearningRule:
    """Return the rule with every name in `expansions` replaced by its text."""
    return replace(rule, **{rule.form: rename(rule.text, expansions)})


def rate_expansions(model: MemoryModel, projection: Projection) -> dict[str, str]:
    """Return the texts of all subexpressions with a rate, as synapses write them: ``{"err_post": "(...)"}``."""
    found: dict[str, str] = {}
    for side, name in (("pre", projection.source), ("post", projection.target)):
        population = model.population(name)
        names = _seen_from_synapses(model, population, side)
        for subexpression, text in _with_rate(population).items():
            found[f"{subexpression}_{side}"] = rename(text, names)
    return found


def phase_time(population: Population) -> tuple[Equation, ...]:
    """Return the line by which synapses read the time of the phase, if a subexpression with a rate has it."""
    return (PHASE_TIME,) if any("elapsed" in identifiers(text) for text in _with_rate(population).values()) else ()


def _with_rate(population: Population) -> dict[str, str]:
    """Return the subexpressions of a population that contain its rate, in terms of everything else."""
    keep = {population.rate} if population.rate else set()
    open_lines = definitions(read_equations(population.equations), keep=keep, stored=True)
    found: dict[str, str] = {}
    while True:
        known = {*found, population.rate}
        new = {name: text for name, text in open_lines.items() if name not in found and identifiers(text) & known}
        if not new:
            return {name: grouped(written_out(text, found)) for name, text in found.items()}
        found |= new


def _seen_from_synapses(model: MemoryModel, population: Population, side: str) -> dict[str, str]:
    """Return what synapses call the names that the population's equations read."""
    own = {line.name for line in read_equations(population.equations)}
    own |= {item.name for item in model.stimuli if item.population == population.name}
    own |= {*model.protocol.gates, "N"}
    others = {"elapsed": f"{PHASE_TIME.name}_{side}", **({"i": "j"} if side == "post" else {})}
    return {**{name: f"{name}_{side}" for name in own}, **others}
