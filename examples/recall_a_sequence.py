"""A cycle of patterns, learned by Hebb's rule alone and recalled at the speed of a delay.

After Sompolinsky & Kanter (1986) and Kleinfeld (1986), who wrote the weights down, and Herz, Sulzer, Kuehn & van
Hemmen (1988), who let Hebb's rule find them: across a delay it joins each pattern to the one that followed it.

Expect: from its first pattern the network goes twice through the cycle, in order and in both variants. A pattern lasts
lag + tau*ln(2*s/(s - 1)), where s is the strength of the slow synapses, within 5 %. The figure sequence.png shows the
overlaps with all patterns in time.
"""

# %% The same rule twice: fast synapses hold a pattern, slow ones, which see the past, call up the next.
import numpy as np
from brian2 import ms

import brainmem as bm

units = """
fast : 1
slow : 1
drive = pattern + recalling*(fast + s*slow) : 1
phi = tanh(gain*drive) : 1
dx/dt = (phi - x)/tau : 1
"""
hebb, zeros = "dw/dt = {}*x_pre*x_post/(N_pre*lag) : 1", {"w": "zeros()"}
sums = "{}_post = w*x_pre : 1 (summed)"
model = bm.MemoryModel(
    "sequence",
    parameters=(
        *(bm.Parameter("N", 100), bm.Parameter("M", 6, meaning="patterns"), bm.Parameter("tau", 50 * ms)),
        bm.Parameter("lag", 500 * ms, meaning="delay of the slow synapses, and time that a pattern is shown"),
        *(bm.Parameter("s", 1.6, meaning="strength of the slow synapses"), bm.Parameter("gain", 5.0)),
    ),
    populations=(bm.Population("units", units, rate="x", drive="drive", transfer="phi", rate_range=(-1, 1)),),
    projections=(
        bm.Projection("holds", "units", "units", current=sums.format("fast"), initial=zeros),
        bm.Projection("follows", "units", "units", current=sums.format("slow"), initial=zeros, delay="lag"),
    ),
    rules=tuple(
        bm.LearningRule(f"hebb_{name}", name, continuous=hebb.format(f"{name}_open")) for name in ("holds", "follows")
    ),
    stimuli=(bm.Stimulus("pattern", "units"),),
    protocol=bm.Protocol(
        (
            bm.Phase("learn", duration="lag", stimuli=("pattern",), gates={"holds_open": 1, "follows_open": 1}),
            # The first pattern once more, after the last.
            bm.Phase("close", duration="lag", stimuli=("pattern",), gates={"follows_open": 1}),
            bm.Phase("recall", duration="2*M*(lag + 2*tau)", start={"x": "pattern"}, gates={"recalling": 1}),
        ),
        (bm.Each("learn"), bm.Each("close", items=1), bm.Each("recall", items=1)),
    ),
    rate_dt="5*ms",
)

# %% Start from the first pattern, and measure the overlap with all patterns in time.
shown = {}
for variant in ("rate", "spiking"):
    for lag in (400, 800):
        run = bm.simulate(model, variant, parameters={"lag": lag * ms}, seed=1, record=("x",), interval=10 * ms)
        recall = run.x.values[run.time.values > run.step_duration.values[:-1].sum()]
        shown[variant] = bm.measure.overlap(recall[:, None], run.pattern.values)
        best = shown[variant].argmax(axis=1)
        ends = np.flatnonzero(np.diff(best))
        period, theory = 10 * np.diff(ends).mean(), lag + 50 * np.log(2 * 1.6 / 0.6)
        print(f"{variant:8s} delay {lag} ms: {best[ends]}, each for {period:.0f} ms (theory {theory:.0f} ms)")
figure = bm.plot.sequences(*shown.values(), steps=0.01, names=tuple(shown), order=range(6))
figure.axes[0].set_ylabel("pattern")
figure.axes[-1].set_ylabel("overlap")
figure.savefig("sequence.png")
