"""Fit the parameters of the fair test, and those of cells: every rule by the same optimiser and budget.

    python -m brainmem.models.deistler2018.tuning FOLDER [rate | spiking] [RULE ...]

fits each rule, or those that are named, beginning with the values of `networks`, and prints what it found. Every
evaluation is a point of a sweep in FOLDER, so that the same command goes on with what was stopped. The sequences that
are reported (`claims`) have other seeds.
"""

import sys
from pathlib import Path

import brainmem.models.deistler2018.networks as run

from brainmem import Result, Tuned, measure, tune

LOADS = (20, 30, 40, 50, 60)
SPACES = {
    "eta": (0.003, 0.5, "log"),
    "a": (3.0, 300.0, "log"),
    "c": (0.0003, 100.0, "log"),
    "z_min": (0.0, 0.4),
    "Theta": (0.0, 0.6),
    "n0": (1.0, 100.0, "log"),
}
FAIR = {"protocol": "sequence", "seeds": (1000, 1001, 1002), "budget": 240, "record": ()}
CELLS = {"protocol": "learning", "seeds": (1000, 1001), "budget": 40, "record": {"weights": ("last",)}}


def kept(result: Result) -> float:
    """Return how many patterns are kept, the mean over loads."""
    return float(measure.retention(result)["kept"].mean())


def fit(rule: str, folder: str | Path, variant: str = "rate", **options) -> Tuned:
    """Fit the parameters of a rule of the fair test, or of one for cells; `options` are those of `brainmem.tune`."""
    rules, settings = (run.FAIR, FAIR) if variant == "rate" else (run.CELLS, CELLS)
    space = {name: SPACES[name] for name in rules[rule] if name in SPACES}
    fixed = {name: value for name, value in rules[rule].items() if name not in SPACES}
    tested = {**run.D, "P": LOADS[-1], "tested": LOADS, "foils": 1} if variant == "rate" else run.SPIKES
    store = Path(folder) / variant / "".join(letter if letter.isalnum() else "_" for letter in rule)
    given = {"parameters": {**tested, **fixed}, "variant": variant, "store": store}
    given |= {"starts": [{name: rules[rule][name] for name in space}], **settings, **options}
    return tune("deistler2018", kept if variant == "rate" else run.kept_of_weights, space, **given)


if __name__ == "__main__":
    words = sys.argv[2:]
    which = words.pop(0) if words and words[0] in ("rate", "spiking") else "rate"
    for name in words or (run.FAIR if which == "rate" else run.CELLS):
        print(name, fit(name, sys.argv[1], which), sep="\n")
