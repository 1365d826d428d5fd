"""Fit the parameters of the fair test, and those of cells: every rule by the same optimiser and budget.

    python -m brainmem.models.deistler2018.tuning FOLDER [RULE ...] [--variant spiking] [--budget N]

fits each rule, or those that are named, beginning with the values of `networks`, and prints what it found. Every
evaluation is a point of a sweep in FOLDER, so that the same command goes on with what was stopped. The sequences that
are reported (`claims`) have other seeds.
"""

import argparse
from pathlib import Path

import brainmem.models.deistler2018.networks as run

from brainmem import Tuned, tune

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
CELLS = {"protocol": "learning", "seeds": (1000, 1001), "budget": 80, "record": {"weights": ("last",)}}


def fit(rule: str, folder: str | Path, variant: str = "rate", **options) -> Tuned:
    """Fit the parameters of a rule of the fair test, or of one for cells; `options` are those of `brainmem.tune`."""
    rules, settings = (run.FAIR, FAIR) if variant == "rate" else (run.CELLS, CELLS)
    space = {name: SPACES[name] for name in rules[rule] if name in SPACES}
    fixed = {name: value for name, value in rules[rule].items() if name not in SPACES}
    tested = {**run.D, "P": LOADS[-1], "tested": LOADS, "foils": 1} if variant == "rate" else run.SPIKES
    store = Path(folder) / variant / "".join(letter if letter.isalnum() else "_" for letter in rule)
    given = {"parameters": {**tested, **fixed}, "variant": variant, "store": store}
    given |= {"starts": _starts(rules, rules[rule], space), **settings, **options}
    objective = run.kept_in_mean if variant == "rate" else run.kept_of_weights
    return tune("deistler2018", objective, space, **given)


def _starts(rules: dict, own: dict, space: dict) -> list[dict[str, float]]:
    """Return where a search begins: at the rule's values and, where it has a gate, at those of the rule without."""
    open_gates = [
        {**other, "z_min": 0.0}
        for other in rules.values()
        if "z_min" in own and "z_min" not in other and other["importance"] == own["importance"]
    ]
    return [{name: values[name] for name in space} for values in (own, *open_gates)]


def main(arguments: list[str] | None = None) -> None:
    """Fit the rules that the command line names."""
    about = (__doc__ or "").split("\n", 1)[0]
    parser = argparse.ArgumentParser("python -m brainmem.models.deistler2018.tuning", description=about)
    parser.add_argument("folder", help="where the evaluations are kept")
    parser.add_argument("rules", nargs="*", metavar="RULE", help="names of rules of `networks` (default: all)")
    parser.add_argument("--variant", choices=("rate", "spiking"), default="rate")
    parser.add_argument("--budget", type=int, help="evaluations per rule")
    given = parser.parse_intermixed_args(arguments)  # rules may follow options
    known = run.FAIR if given.variant == "rate" else run.CELLS
    if unknown := [rule for rule in given.rules if rule not in known]:
        parser.error(f"no rule {unknown[0]!r}; there are: {', '.join(known)}")
    options = {} if given.budget is None else {"budget": given.budget}
    for rule in given.rules or known:
        print(rule, fit(rule, given.folder, given.variant, **options), sep="\n", flush=True)


if __name__ == "__main__":
    main()
