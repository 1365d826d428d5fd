"""Handwritten digits in the network of Ventura (2024): store them, recall damaged ones, and make new ones.

The same couplings, learned by Hebb's rule, by unlearning, by Daydreaming, and by a perceptron, are asked to restore
digits of which 6 of 64 pixels are wrong. Then a Boltzmann machine learns 400 digits, and its samples are compared with
digits that it has not seen.

Expect: Hebb's rule, which wants patterns without correlations, restores none; Daydreaming restores most of them, the
others fewer. Samples follow the pair moments of digits held out (correlation above .9), and for more than a third of
them the nearest digit is one held out: they are no copies. The figure digits.png shows both.
"""

# %% Thirty digits, black and white; every algorithm is a protocol of one network.
import matplotlib.pyplot as plt
import numpy as np

import brainmem as bm

stored, _ = bm.digits(30, seed=1)
size = {"N": 64, "P": 30}
protocols = {
    "Hebb's rule": ("hebb", {}),
    "unlearning": ("unlearning", {"x_max": 0.05}),
    "Daydreaming": ("daydreaming", {"parts": 4, "tau_plus": 256}),
    "perceptron": ("perceptron", {"kappa": 0.3, "rounds": 20_000}),
}
cues = bm.measure.damaged(stored.values, [1 - 2 * 6 / 64], seed=2)[0, :, 0]
restored = {}
for name, (protocol, parameters) in protocols.items():
    learned = bm.simulate(
        "ventura2024",
        protocol=protocol,
        parameters={**size, **parameters},
        inputs={"memory": stored.values},
        record={"couplings.w": ("last",)},
    )
    restored[name] = bm.measure.relax(learned.couplings_w.values[-1], cues, seed=3).states
    wrong = (restored[name] != stored.values).sum(axis=1)
    print(f"{name}: {wrong.mean():.1f} of 64 pixels wrong, {np.mean(wrong == 0):.0%} of the digits without fault")

# %% A Boltzmann machine learns from the difference between digits and its own samples.
train, held_out = bm.digits(400, held_out=400, seed=1)
machine = bm.simulate(
    "ventura2024",
    protocol="boltzmann",
    parameters={"N": 64, "P": 400, "lam": 0.004, "steps": 16_000, "sweeps": 20},
    inputs={"memory": train.values},
    record={"couplings.w": ("last",), "end_x": ("unfit",)},
)
samples = machine.end_x.values[-400:]
correlation = bm.measure.moment_correlation(*map(bm.measure.pair_moments, (samples, held_out.values)))
nearest = [np.abs(samples @ digits.values.T).max(axis=1) for digits in (train, held_out)]  # black or white on the other
share = np.mean(nearest[1] > nearest[0]) + np.mean(nearest[1] == nearest[0]) / 2
print(f"samples: correlation of pair moments with held-out digits {correlation:.2f}")
print(f"samples: nearest digit held out {share:.0%}")

# %% Stored, damaged and restored digits; then samples.
turned = samples * np.sign(samples.sum(axis=1, keepdims=True)) * np.sign(train.values.sum())
rows = {"stored": stored.values, "damaged": cues, **restored, "samples": turned[::40]}
figure, axes = plt.subplots(len(rows), 10, figsize=(7, 0.6 * len(rows)), gridspec_kw={"left": 0.18, "right": 0.98})
for row, (name, states) in zip(axes, rows.items(), strict=True):
    row[0].text(-2, 4, name, ha="right", va="center", fontsize=8)
    for axis, state in zip(row, states, strict=False):
        axis.imshow(state.reshape(8, 8), cmap="gray_r")
        axis.axis("off")
figure.savefig("digits.png", dpi=150)
