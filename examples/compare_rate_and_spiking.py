"""Train the same network as rate units and as spiking neurons, and measure how far they agree.

Expect: weight changes that correlate above .9, and a page compare.html with figures.
"""

# %% Two seeds of each variant; both start from the same patterns and weights.
from brainmem import compare, simulate, write_report

small = {"N": 60, "M": 6, "epochs": 3, "test_epochs": (1, 3), "starts": 1}
rate = [simulate("kurikawa2020", "rate", parameters=small, seed=seed) for seed in (0, 1)]
spiking = [simulate("kurikawa2020", "spiking", parameters=small, seed=seed) for seed in (0, 1)]

# %% Agreement, seed by seed.
comparison = compare(rate, spiking)
print(comparison)
write_report("compare.html", title="kurikawa2020, rate and spiking", comparison=comparison)
