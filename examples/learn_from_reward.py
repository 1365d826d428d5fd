"""A contextual bandit, learned from reward alone by a three-factor rule.

Expect: the reward rises from about 0.3, chance among three actions, to above 0.9 in both variants. A control that
is paid for what is correct in other trials stays below 0.5.

In every trial a context is shown and actions compete. Noise in their drive makes them try, and each synapse keeps an
eligibility trace of its input times this noise. Then reward comes: the activity of the action that is correct in this
context. The rule is (reward - base)*trace (Fremaux & Gerstner 2016, doi:10.3389/fncir.2015.00085).
"""

# %% A context is a block of inputs; `reward` is an observable, `base` its running mean in a population of one unit.
import numpy as np
from brian2 import Hz, ms, second

import brainmem as bm

form = {"rate": "r", "drive": "drive", "transfer": "phi"}
relax = "phi = clip(drive, 0, 1) : 1\ndr/dt = (phi - r)/tau : 1"
actions = """
u : 1
dnoise/dt = -noise/tau_noise + sd*sqrt(2/tau_noise)*xi : 1
drive = 0.8 + u + noise - G*total : 1
"""
three_factor = """
dw/dt = rewarded*eta*(reward - base)*trace : 1
dtrace/dt = (r_pre*noise_post - trace)/tau_trace : 1
"""
summed = "u_post = w*r_pre : 1 (summed)"
model = bm.MemoryModel(
    "bandit",
    parameters=(
        *(bm.Parameter("N", 24, meaning="inputs"), bm.Parameter("K", 3, meaning="actions")),
        *(bm.Parameter("contexts", 6), bm.Parameter("trials", 300), bm.Parameter("tau", 20 * ms)),
        *(bm.Parameter("tau_noise", 200 * ms), bm.Parameter("sd", 0.3, meaning="size of exploration")),
        *(bm.Parameter("G", 1.0, meaning="inhibition by all actions together"), bm.Parameter("eta", 10 * Hz)),
        bm.Parameter("tau_trace", 200 * ms, meaning="memory of the synapses"),
        bm.Parameter("tau_base", 2 * second, meaning="memory of the running mean, in time with reward"),
    ),
    populations=(
        bm.Population("inputs", "drive = context : 1\n" + relax, **form),
        bm.Population("actions", actions + relax, size="K", **form),
        bm.Population("critic", "dbase/dt = rewarded*(reward - base)/tau_base : 1", size=1, initial={"base": "1/K"}),
    ),
    projections=(bm.Projection("forward", "inputs", "actions", current=summed, initial={"w": "zeros()"}),),
    rules=(bm.LearningRule("three_factor", "forward", continuous=three_factor),),
    stimuli=(
        bm.Stimulus("context", "inputs", items="trials", draw="int(unit*contexts//N == item % contexts)"),
        bm.Stimulus("correct", "actions", items="trials", draw="int(unit == item % contexts % K)"),
    ),
    observables=(
        bm.Observable("total", "r", population="actions", reduce="sum"),
        bm.Observable("reward", "correct*r", population="actions", reduce="sum"),
    ),
    protocol=bm.Protocol(
        tuple(
            bm.Phase(name, duration=time, stimuli=("context", "correct"), gates={"rewarded": gate})
            for name, time, gate in (("choose", "0.3*second", 0), ("pay", "0.1*second", 1))
        ),
        (bm.Each(("choose", "pay"), items="trials", order="random"),),
    ),
    rate_dt="2*ms",
)

# %% The control is the same program with the rows of `correct` in random order.
for variant in ("rate", "spiking"):
    run = bm.simulate(model, variant, seed=1)
    tables = {"context": run.context.values, "correct": np.random.default_rng(0).permutation(run.correct.values)}
    for name, found in (("learner", run), ("control", bm.simulate(model, variant, seed=1, inputs=tables))):
        reward = found.select(phase="pay").reward.values
        print(f"{variant:8s} {name}: reward {reward[:30].mean():.2f} at first, {reward[-100:].mean():.2f} at last")
