"""Inhibitory plasticity balances excitation, input by input (Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011).

Expect: before learning, excitatory rates are high and follow the input. Afterwards they are at the target, 0.1, for
each unit and input, and inhibition follows excitation (correlation near 1). Both variants agree. The text printed first
is the paper's rule for spikes: up at a post spike by the pre trace, at a pre spike by the post trace less a constant.
"""

# %% Dale's law: all weights are positive, bounded at 0 where they learn, and inhibition is subtracted.
import numpy as np
from brian2 import Hz, ms

import brainmem as bm

unit = "excitation : 1\ndrive = level_{0} + excitation{1} : 1\nphi = clip(drive, 0, 1) : 1\ndr/dt = (phi - r)/tau : 1"
form = {"rate": "r", "drive": "drive", "transfer": "phi"}
excites = {"current": "excitation_post = w*r_pre : 1 (summed)", "initial": {"w": "abs(normal(0, 0.5/N_E))"}}
inhibits = {"current": "inhibition_post = w*r_pre : 1 (summed)", "initial": {"w": "abs(normal(0, 0.1/N_I))"}}
vogels = bm.LearningRule(
    "vogels", "I_to_E", continuous="dw/dt = plastic*eta*r_pre*(r_post - rho0) : 1", bounds={"w": (0, "w_max")}
)
shown = ("level_E", "level_I")
learn = bm.Phase("learn", duration="0.3*second", stimuli=shown, gates={"plastic": 1})
test = bm.Phase("test", duration="5*second", stimuli=shown, average="4.8*second")
model = bm.MemoryModel(
    "balance",
    parameters=(
        *(
            bm.Parameter("N_E", 40),
            bm.Parameter("N_I", 20),
            bm.Parameter("M", 3, meaning="inputs"),
            bm.Parameter("epochs", 60),
        ),
        *(bm.Parameter("tau", 20 * ms), bm.Parameter("lag", 4 * ms, meaning="delay of inhibition")),
        *(bm.Parameter("eta", 0.5 * Hz), bm.Parameter("rho0", 0.1, meaning="target rate"), bm.Parameter("w_max", 2.0)),
    ),
    populations=(
        bm.Population("E", "inhibition : 1\n" + unit.format("E", " - inhibition"), size="N_E", **form),
        bm.Population("I", unit.format("I", ""), size="N_I", **form),
    ),
    projections=(
        *(bm.Projection("E_to_E", "E", "E", **excites), bm.Projection("E_to_I", "E", "I", **excites)),
        bm.Projection("I_to_E", "I", "E", delay="lag", **inhibits),
    ),
    rules=(vogels,),
    stimuli=(
        bm.Stimulus("level_E", "E", draw="uniform(0.3, 0.9)"),
        bm.Stimulus("level_I", "I", draw="0.1 + 0.6*int(unit % M == item)"),
    ),
    protocol=bm.Protocol(
        (learn, test), (bm.Each("test"), bm.Repeat("epochs", (bm.Each("learn", order="random"),)), bm.Each("test"))
    ),
    rate_dt="1*ms",
    spiking={"cells_per_unit": 4},
)
for pathway in bm.translate(model, "spiking").connection("I_to_E").pathways:
    print(f"at {pathway.side} spikes: {pathway.code}")

# %% Each unit's rate, excitation and inhibition for each input, before and after.
for variant in ("rate", "spiking"):
    run = bm.simulate(model, variant, seed=1)
    tests, half = run.select(phase="test"), len(run.level_E)
    for name, part, entry in (("before", slice(half), 0), ("after", slice(half, None), -1)):
        r_E, r_I = tests.mean_E_r.values[part], tests.mean_I_r.values[part]  # (input, unit)
        excitation = run.level_E.values + r_E @ np.nan_to_num(run.E_to_E_w.values[entry]).T
        follows = np.corrcoef(excitation.ravel(), (r_I @ run.I_to_E_w.values[entry].T).ravel())[0, 1]
        print(f"{variant:8s}{name:7s}rate {r_E.mean():.3f}, sd {r_E.std():.3f}; inhibition follows, r = {follows:+.2f}")
