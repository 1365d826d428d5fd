"""A slow population that teaches a fast one, and what is said of the terms of its rule."""

from __future__ import annotations

from types import SimpleNamespace

from brian2 import ms

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    translate,
)
from brainmem.model.parameters import resolve_parameters
from brainmem.simulation.description import describe_terms


def population(name: str, tau: str) -> Population:
    return Population(
        name,
        f"u : 1\nphi = 1/(1 + exp(-u)) : 1\ndr/dt = (phi - r)/{tau} : 1",
        rate="r",
        drive="u",
        transfer="phi",
    )


def two_populations(*, read: str = "trace", turned: bool = False) -> MemoryModel:
    """A slow population that teaches a fast one, whose rule has squares of both rates."""
    populations = (population("slow", "tau_slow"), population("fast", "tau_fast"))
    rule = LearningRule("taught", "forward", continuous="dw/dt = eta*(r_pre**2 - r_post**2*w) : 1", read=read)
    return MemoryModel(
        "two",
        parameters=(
            Parameter("N", 10),
            Parameter("tau_slow", 100 * ms),
            Parameter("tau_fast", 10 * ms),
            Parameter("eta", "0.1/tau_slow"),
            Parameter("T", "10*tau_slow"),
        ),
        populations=populations[::-1] if turned else populations,
        projections=(
            Projection(
                "within", "slow", "slow", current="u_post = v*r_pre : 1 (summed)", initial={"v": "normal(0, 1)"}
            ),
            Projection("forward", "slow", "fast", current="u_post = w*r_pre : 1 (summed)", initial={"w": "0"}),
        ),
        rules=(rule,),
        protocol=Protocol((Phase("run", duration="T"),), (Each("run", items=1),)),
    )


def notes(model: MemoryModel, **fano: float) -> dict[str, str]:
    """Return the notes of the terms, by term; `fano` gives the measured F of a population."""
    translated = translate(model, "spiking")
    values = resolve_parameters(model, {"cells_per_unit": 4}, parameters=translated.parameters)
    measured = {name: SimpleNamespace(fano_at=lambda _, F=F: F) for name, F in fano.items()}
    lines = describe_terms(translated, values, measured)
    return {line.split("term ")[1].split(":")[0]: line for line in lines if "term " in line}
