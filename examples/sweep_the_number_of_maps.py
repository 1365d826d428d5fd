"""Measure how many maps a network of 40 units can hold, over several networks, two runs at a time.

Expect: nearly nothing is recalled after one epoch and most maps after six; the more maps, the smaller their share. Run
it again and nothing is computed; add a value or a seed, and only that runs.
"""

# %% Twelve runs of one compiled program; each is a file in the folder `capacity`.
from brainmem import measure, sweep

found = sweep(
    "kurikawa2020",
    parameters={"N": 40, "M": [8, 10, 12], "epochs": 6, "test_epochs": (1, 6), "starts": 2},
    seeds=4,
    jobs=2,
    store="capacity",
)

# %% Any function of a result becomes an array with a dimension for each parameter, and one for seeds.
recalled = found.dataset(measure.recall_table)["recalled"]
print(recalled.mean("seed").to_pandas().round(2))
for maps in recalled.M.values:
    first, last = recalled.sel(M=maps).mean("seed").values
    print(f"{maps} maps: {maps * first:.1f} recalled after one epoch, {maps * last:.1f} after six")
