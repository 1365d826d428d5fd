"""Small networks with rules of several kinds, whose drifts are measured in both variants."""

from __future__ import annotations

from dataclasses import replace

from brian2 import ms, second

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    SpikingRule,
    Stimulus,
)

UNITS = """
u : 1
drive = c + u : 1
phi = 1/(1 + exp(-4*(drive - 0.5))) : 1
dx/dt = (phi - x)/tau : 1
"""


def network(rule: LearningRule, lines: str = "", *, variables: str = "", size: int = 30, **changes) -> MemoryModel:
    """Return units that see two stimuli one after the other, joined by weights that `rule` would change."""
    changed = {
        "parameters": (
            Parameter("N", size),
            Parameter("tau", 30 * ms),
            Parameter("slow", 0.3 * second),
            Parameter("eta", "0.1/second"),
            Parameter("goal", 0.4),
        ),
        "populations": (Population("units", UNITS + lines, rate="x", drive="drive", transfer="phi"),),
        "projections": (
            Projection(
                "recurrent",
                "units",
                "units",
                current="u_post = 0.3*w*x_pre/N_pre : 1 (summed)",
                variables=variables,
                initial={"w": "uniform(0.3, 0.7)"},
            ),
        ),
        "rules": (rule,),
        "stimuli": (Stimulus("c", "units", items=2, draw="uniform(0.2, 0.8)"),),
        "protocol": Protocol((Phase("learn", duration="3*second", stimuli=("c",)),), (Each("learn", items=2),)),
        "rate_dt": "0.5*ms",
        "varied": True,  # not every rule reads all parameters
    }
    return MemoryModel("rules", **(changed | changes))


def rule(text: str, **options) -> LearningRule:
    """Return a continuous rule of the recurrent weights."""
    return LearningRule("rule", "recurrent", continuous=f"dw/dt = {text} : 1", **options)


def inhibitory() -> MemoryModel:
    """Return excitatory units whose rates a homeostatic rule of inhibitory synapses would bring to `goal`."""
    model = network(rule("0*eta"))
    units = model.population("units")
    excitatory = replace(units, equations=UNITS.replace("c + u", "c + u - v") + "v : 1\n")
    inhibitory = replace(units, name="inhibitory", equations=UNITS.replace("c + u", "u"))
    homeostatic = LearningRule(
        "homeostatic", "feedback", continuous="dq/dt = eta*x_pre*(x_post - goal) : 1", bounds={"q": (0, 5)}
    )
    return model.replace(
        populations=(excitatory, inhibitory),
        projections=(
            replace(model.projection("recurrent"), variables="w : 1"),
            Projection("forward", "units", "inhibitory", current="u_post = x_pre/N_pre : 1 (summed)"),
            Projection(
                "feedback",
                "inhibitory",
                "units",
                current="v_post = 0.5*q*x_pre/N_pre : 1 (summed)",
                initial={"q": "uniform(0.3, 0.7)"},
            ),
        ),
        rules=(homeostatic,),
    )


ELIGIBILITY = "delig/dt = (x_pre*x_post - elig)/slow : 1"
MODELS = {
    "bcm": network(rule("eta*x_pre*x_post*(x_post - theta_post)"), "dtheta/dt = (x**2 - theta)/slow : 1"),
    "oja": network(rule("eta*x_post*(x_pre - x_post*w)")),
    "oja in the population": network(
        rule("eta*x_post*x_pre - decay_post*w"), "decay = eta*power : Hz\ndpower/dt = (x**2 - power)/slow : 1"
    ),
    "three factors": network(
        LearningRule(
            "rule", "recurrent", continuous=f"{ELIGIBILITY}\ndw/dt = eta*elig*(reward_post - expected_reward_post) : 1"
        ),
        "reward = x**2 : 1\ndexpected_reward/dt = (reward - expected_reward)/slow : 1",
    ),
    "inhibitory homeostatic": inhibitory(),
}

# Third factors of the whole network: an observable of the rates, and its running mean in a population of one unit.
REWARDED = network(
    LearningRule("rule", "recurrent", continuous=f"{ELIGIBILITY}\ndw/dt = eta*elig*(reward - 0.1*base) : 1"),
    populations=(
        Population("units", UNITS, rate="x", drive="drive", transfer="phi"),
        Population("critic", "dbase/dt = (reward - base)/slow : 1", size=1),
    ),
    observables=(Observable("reward", "x**2", population="units", units=":1"),),
)
# What all neurons read follows the rate of each.
BROADCAST = network(
    LearningRule("rule", "recurrent", continuous="dw/dt = eta*x_pre*x_post*(total - base) : 1"),
    populations=(
        Population("units", UNITS, rate="x", drive="drive", transfer="phi"),
        Population("meter", "dbase/dt = (total - base)/slow : 1", size=1),
    ),
    observables=(Observable("total", "x", population="units", reduce="sum"),),
)
# So does a sum that each neuron reads, in which all terms weigh the same.
POOLED = network(
    LearningRule("rule", "recurrent", continuous="dw/dt = eta*x_pre*x_post*(pool_post - 12) : 1"),
    "pool : 1",
    projections=(
        Projection(
            "recurrent",
            "units",
            "units",
            current="u_post = 0.3*w*x_pre/N_pre : 1 (summed)",
            initial={"w": "uniform(0.3, 0.7)"},
        ),
        Projection("pooling", "units", "units", current="pool_post = x_pre : 1 (summed)"),
    ),
)

# Rules that are not what they should be: an author's spiking text that counts double, and traces as they are.
DOUBLED = network(
    rule("eta*x_pre*x_post", spiking=SpikingRule(on_post="w += 2*eta*x_pre*count_post/rate_max", why="planted"))
)
ON_TRACES = network(rule("eta*x_post*(x_pre - x_post*w)", read="trace"))
