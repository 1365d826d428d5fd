"""What `explain` says about rules: the noise of the right population, in every rule."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
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
    explain,
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


@pytest.mark.parametrize("turned", [False, True])
def test_every_factor_is_judged_by_the_noise_of_its_own_population(turned):
    found = notes(two_populations(turned=turned), slow=0.2, fast=0.6)
    slow, fast = 0.2 / (2 * 0.1 * 50 * 4), 0.6 / (2 * 0.01 * 50 * 4)
    assert (
        f"= {100 * slow:+.2g} % (r_pre: F = 0.2, 50 Hz, half of rate_max, 4 cells per unit, tau = 100 ms)"
        in found["r_pre**2"]
    )
    assert (
        f"= {100 * fast:+.2g} % (r_post: F = 0.6, 50 Hz, half of rate_max, 4 cells per unit, tau = 10 ms)"
        in found["r_post**2"]
    )


def test_without_a_calibration_the_cells_are_taken_as_poisson():
    assert "F = 1, 50 Hz, half of rate_max" in notes(two_populations())["r_post**2"]


def test_explain_shows_the_notes():
    text = explain(two_populations(), "spiking", details=True, measured=False)
    assert "How each term of a rule is read:" in text
    assert "term r_pre**2" in text
    assert "term r_pre**2" not in explain(two_populations(), "spiking", measured=False)
