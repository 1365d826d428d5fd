"""How the parameters of the fair test were fitted: every rule by the same optimiser, budget and sequences.

    python -m brainmem.models.deistler2018.tuning FOLDER [RULE ...]

fits each rule, or those that are named, and prints what it found. Every evaluation is a point of a sweep in FOLDER, so
that the same command goes on with what was stopped. The sequences that are reported (`claims`) have other seeds.
"""

import sys
from pathlib import Path

import brainmem.models.deistler2018.networks as run

from brainmem import Result, measure, tune

LOADS = (20, 30, 40, 50, 60)
SEEDS = (1000, 1001, 1002)
BUDGET = 120
SPACES = {
    "eta": (0.003, 0.5, "log"),
    "a": (3.0, 300.0, "log"),
    "c": (0.0003, 100.0, "log"),
    "z_min": (0.0, 0.15),
    "Theta": (0.0, 0.6),
    "n0": (1.0, 100.0, "log"),
}


def kept(result: Result) -> float:
    """Return how many patterns are kept, the mean over loads."""
    return float(measure.retention(result)["kept"].mean())


def fit(rule: str, folder: str | Path, **options):
    """Fit the parameters of a rule of the fair test; see `brainmem.tune` for options and what is returned."""
    given = run.FAIR[rule]
    space = {name: SPACES[name] for name in given if name in SPACES}
    fixed = {name: value for name, value in given.items() if name not in SPACES}
    parameters = {**run.D, **fixed, "P": LOADS[-1], "tested": LOADS, "foils": 1}
    options = {"seeds": SEEDS, "budget": BUDGET, "record": {}, **options}
    store = Path(folder) / rule.replace(", ", "-").replace("/", "-").replace(" ", "_")
    return tune("deistler2018", kept, space, parameters=parameters, protocol="sequence", store=store, **options)


if __name__ == "__main__":
    for chosen in sys.argv[2:] or run.FAIR:
        print(chosen, fit(chosen, sys.argv[1]), sep="\n")
