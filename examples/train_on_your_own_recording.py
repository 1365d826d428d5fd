"""Teach a network the activity in a table of your own, as Rajan, Harvey & Tank (2016) did with recorded cells.

Expect: the summary names the two units that are left out, and why. A network whose plastic synapses leave half of its
units explains more than 0.7 of the recording's variance (pVar) after a few passes; one in ten explains little. The
folder `fit` holds the report, weights, rates and figures of the better one.
"""

# %% A table to start from: a column of times in seconds, then one for each cell. Put your own file in its place.
import numpy as np

import brainmem
from brainmem import measure

made = brainmem.surrogate(60, duration=2.0, step=0.02, width=0.15, seed=1)
rng = np.random.default_rng(0)
times = made.step * np.arange(made.rates.shape[1])
columns = {"time": times} | {f"cell{k}": 12 * rates for k, rates in enumerate(made.rates[0].T)}
columns |= {"silent": 0 * times, "drifting": rng.normal(size=times.size)}
table = np.column_stack(list(columns.values()))
np.savetxt("cells.csv", table, fmt="%.4f", delimiter=",", header=",".join(columns), comments="")

# %% Read and checked: every unit is normalised to its peak, and those that cannot be targets are dropped.
recording = brainmem.read_recording("cells.csv", negative="drop")  # without it, units of both signs would learn all
print(recording, *recording.notes, sep="\n")

# %% Two networks of as many units as were read; p is the fraction of units whose outgoing synapses learn.
fits = {p: brainmem.fit(recording, parameters={"p": p, "tests": 5}, seed=1) for p in (0.1, 0.5)}
for p, fit in fits.items():
    print(f"p = {p}: pVar {fit.pvar:.2f} in test {fit.best}, after {2 * fit.best} passes")
fits[0.5].save("fit")

# %% The same by hand, from the saved rates: both are (trial type, time, unit), with units in the table's order.
with np.load("fit/rates.npz") as saved:
    network, target = saved["rates"][0], saved["recording"][0]
    at = [np.arange(len(rates)) * saved[step] for rates, step in ((network, "step"), (target, "recording_step"))]
shown = np.column_stack([np.interp(at[1], at[0], rates) for rates in network.T])
print(f"pVar by hand {measure.pvar(target, shown):.2f}")
