"""A learning rule of your own, in both variants, without touching the package.

Expect: the rate rule settles at the analytic weights, the spiking variant near them, and the printed text shows
which terms became spike events.
"""

# %% Two groups of cells; Oja's rule makes the weights onto each output unit the first principal component.
import numpy as np
from brian2 import Hz, ms, second

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Stimulus,
    explain,
    simulate,
)

neuron = """
drive = level : 1
phi = clip(drive, 0, 1) : 1
dr/dt = (phi - r)/tau : 1
"""
oja = LearningRule("oja", "feedforward", continuous="dw/dt = eta*(r_pre*r_post - alpha*r_post**2*w) : 1")
model = MemoryModel(
    "oja",
    parameters=(
        Parameter("n_in", 20),
        Parameter("n_out", 10),
        Parameter("tau", 50 * ms),
        Parameter("eta", 4 * Hz),
        Parameter("alpha", 1.0),
        Parameter("T", 10 * second),
        Parameter("rate_step", 5 * ms),
    ),
    populations=tuple(
        Population(name, neuron.replace("level", f"level_{name}"), size=size, rate="r", drive="drive", transfer="phi")
        for name, size in (("inputs", "n_in"), ("outputs", "n_out"))
    ),
    projections=(Projection("feedforward", "inputs", "outputs", initial={"w": "uniform(0, 1)"}),),
    rules=(oja,),
    stimuli=tuple(Stimulus(f"level_{name}", name, items=1, draw="uniform(0.3, 0.8)") for name in ("inputs", "outputs")),
    protocol=Protocol(
        (Phase("learn", duration="T", stimuli=("level_inputs", "level_outputs")),), (Each("learn", items=1),)
    ),
    rate_dt="rate_step",
)

# %% Run both variants and compare with the fixed point w = r_pre/(alpha*r_post).
print(explain(model, "spiking", details=True))
for variant in ("rate", "spiking"):
    run = simulate(model, variant, seed=1)
    exact = run.level_inputs.values[0] / run.level_outputs.values[0][:, None]
    error = run.feedforward_w.values[-1] / exact - 1
    print(f"{variant:8s} weights deviate from theory by {np.mean(error):+.1%} on average (sd {np.std(error):.1%})")
