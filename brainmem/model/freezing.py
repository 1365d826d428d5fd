"""Models whose weights stay as they are: recall without learning, the ground on which many trials run at once."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError, closest
from brainmem.intake.arguments import TEXT, a, instance, optional, takes
from brainmem.model.acting import acts, declared
from brainmem.model.by_variant import RATE, of_variant
from brainmem.model.choices import choose
from brainmem.model.combined import named_protocols
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Each, Phase, Protocol
from brainmem.model.parameters import resolve_parameters
from brainmem.model.plan import plan_protocol
from brainmem.model.protocols import chosen_protocol
from brainmem.model.pruning import pruned

__all__ = ["fixed_weights", "freeze"]


@takes(
    RuleError,
    model=instance("a MemoryModel", MemoryModel),
    phases=a("names of phases", lambda given: all(isinstance(name, str) for name in given)),
    protocol=optional(TEXT),
)
def freeze(
    model: MemoryModel,
    *phases: str,
    items: str | int | tuple[str | int, str | int] = "M",
    repeats: str | int = 1,
    protocol: str | None = None,
) -> MemoryModel:
    """Return a copy of `model` that runs only `phases`, once for every item, with weights that stay as they are.

    Pass the weights of an earlier run: ``simulate(freeze(model, "recall"), weights={"recurrent": w})``. Gates and
    stimuli that are 0 in all of these phases are 0 in the texts, and what only rules read is not built.

    Parameters
    ----------
    model : MemoryModel
    phases : str
        Names of phases, run in this order for one item before the next item comes.
    items, repeats
        See `Each`.
    protocol : str, optional
        The protocol that the phases belong to, in a model of several; the first that has all of them when not given.

    Raises
    ------
    RuleError
        When a phase does not exist.
    """
    model = choose(model)
    running = _running(model, phases, protocol)
    kept = tuple(_alone(phase) for phase in running.phases if phase.name in phases)
    schedule = (Each(tuple(phases), items=items, repeats=repeats),)
    return pruned(model, Protocol(kept, schedule), rules=())


def _alone(phase: Phase) -> Phase:
    """Return a phase that runs beside nothing, in both variants."""
    spiking = phase.spiking and {name: value for name, value in phase.spiking.items() if name != "restore"}
    return replace(phase, restore=False, spiking=spiking)


def _running(model: MemoryModel, phases: tuple[str, ...], name: str | None) -> Protocol:
    """Return the protocol whose phases these are: the one named, or the first that has all of them."""
    found = [chosen_protocol(model, name)] if name is not None else [*named_protocols(model).values()]
    known = [[phase.name for phase in item.phases] for item in found]
    fitting = [item for item, names in zip(found, known, strict=True) if phases and set(phases) <= set(names)]
    if fitting:
        return fitting[0]
    every = list(dict.fromkeys(itertools.chain(*known)))
    missing = next((name for name in phases or ("",) if name not in every), None)
    if missing is None:
        shown = "; ".join(f"{item.name}: {', '.join(names)}" for item, names in zip(found, known, strict=True))
        raise RuleError(
            f"Model {model.name!r}: freeze() runs phases of one protocol, and none has all of {', '.join(phases)}. "
            f"Phases by protocol: {shown}."
        )
    raise RuleError(
        f"Model {model.name!r}: freeze() runs the phases that it is given, and {missing!r} is none of its phases; "
        f"allowed: {', '.join(every)}.{closest(missing, every)}"
    )


def fixed_weights(model: MemoryModel, parameters: Mapping[str, Any], variant: str = RATE) -> MemoryModel:
    """Return `model` without its rules, after checking that none of them would change a weight in a variant.

    Raises
    ------
    RuleError
        When some phase of the schedule lets a rule act.
    """
    if not model.rules:
        return model
    own = {item.name for item in model.parameters}  # a variant has further ones
    run = of_variant(model, variant)
    values = resolve_parameters(run, {name: value for name, value in parameters.items() if name in own})
    for phase in plan_protocol(run, values, np.random.default_rng(0)).phases_run:
        for rule in run.rules:
            if acts(run, rule, run.protocol.phase(phase), values):
                raise RuleError(
                    f"Model {model.name!r}: its rule {rule.name!r} may change {rule.projection!r} in the phase "
                    f"{phase!r}, but trials share their weights. Run phases in which weights stay as they are, with "
                    f"weights of an earlier run: simulate(freeze(model, {_suggested(model, phase)!r}), "
                    f"weights={{{rule.projection!r}: ...}}, trials=...)."
                )
    return _without_rules(model)


def _suggested(model: MemoryModel, acting: str) -> str:
    others = [phase.name for phase in model.protocol.phases if phase.name != acting]
    return others[-1] if others else acting


def _without_rules(model: MemoryModel) -> MemoryModel:
    return model.replace(rules=(), projections=tuple(declared(model, item) for item in model.projections))
