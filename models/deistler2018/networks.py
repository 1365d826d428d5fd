"""Networks that the claims of Deistler et al. (2018) are tested on: rules, their parameters, readouts and controls."""

import brainmem.models.deistler2018.reference as reference
import brainmem.models.deistler2018.theory as theory
import numpy as np
import xarray as xr
from brainmem.models.deistler2018.inhibition import model as inhibited

from brainmem import Result, measure
from brainmem.claims import Experiment

# What units answer, and what cues are. A is the paper's; C is A without self-connections; D is the fair test: neither
# self-connections nor a threshold that fits by chance, and cues of which 2 of 10 active units have moved.
A = {"fire": "threshold", "theta": 1.0, "diagonal": "kept", "moved": 0}
C = {**A, "diagonal": "zero"}
D = {"fire": "winners", "diagonal": "zero", "moved": 2}

# Fig. 2: one new pattern among 20 old ones. Parameters of the authors' code; one epoch per presentation, theta .25
ONE_NEW = {
    "hebb": {"importance": "hebb", "eta": 0.00931},
    "weight threshold": {"importance": "magnitude_threshold", "eta": 0.01, "Theta": 0.001},
    "exponential": {"importance": "exponential", "eta": 0.01, "a": 220.0},
    "exponential, gate": {"importance": "exponential", "eta": 0.01, "a": 220.0, "z_min": 0.2},
}

# Fig. 3: optima for readout A of a reconstruction, on the objective of the authors' code
SEQUENCE = {
    "hebb": {"importance": "hebb", "eta": 0.070},
    "weight threshold": {"importance": "weight_threshold", "eta": 0.0463, "Theta": 0.0916},
    "exponential": {"importance": "exponential", "eta": 0.2503, "a": 38.8},
    "exponential, gate": {"importance": "exponential", "eta": 0.1298, "a": 26.7, "z_min": 0.188},
}


# The same, for the rules that are compared with a threshold that is fitted too (B), and the gate alone in A
REFITTED = {
    "hebb": {"importance": "hebb", "eta": 0.0054, "theta": 0.10},
    "1/n annealing": {"importance": "anneal", "eta": 0.228, "n0": 3.25, "theta": 0.110},
}
TABLE_1 = {  # P(w > 1/2) of N patterns; paper
    0.05: {2: 6.25e-6, 5: 1.5566e-7, 10: 5.0848e-14, 20: 0.0},
    0.1: {2: 1.0e-4, 5: 9.8506e-6, 10: 2.0289e-10, 20: 0.0},
}
STARTS = ("20 patterns", "zeros", "N(0, .03)", "N(0, .1)")  # start weights
ALONE = {"importance": "hebb", "eta": 0.0338, "z_min": 0.1894}

# The fair test: each rule, controls and shuffled ones too, by `tuning.py` with 240 evaluations on three training
# sequences, for the mean number kept over loads of 20 to 60; each search began with what earlier ones, of one to four
# times half of that budget, had found, so that budgets are equal for the last search only.
# Kept on these sequences: hebb 15.5, 1/n annealing 18.7, gate alone 20.2, exponential 17.9, weight threshold 22.4,
# exponential with the gate 26.9, bayes 18.1, with the gate 23.5, local F 16.7, exact F 17.9, with the gate 24.4, counts
# 20.9, with the gate 27.8, shuffled 15.3 and 15.5
FAIR = {
    "hebb": {"importance": "hebb", "eta": 0.008818},
    "1/n annealing": {"importance": "anneal", "eta": 0.3187, "n0": 1.314},
    "gate alone": {"importance": "hebb", "eta": 0.01167, "z_min": 0.04901},
    "exponential": {"importance": "exponential", "eta": 0.08051, "a": 74.1},
    "weight threshold": {"importance": "weight_threshold", "eta": 0.1045, "Theta": 0.2386},
    "exponential, gate": {"importance": "exponential", "eta": 0.1024, "a": 49.12, "z_min": 0.06414},
    "bayes": {"importance": "bayes", "eta": 0.05584, "c": 0.003091},
    "bayes, gate": {"importance": "bayes", "eta": 0.1185, "c": 0.003384, "z_min": 0.06155},
    "local F": {"importance": "fisher_local", "eta": 0.01549, "a": 29.68},
    "exact F": {"importance": "fisher", "eta": 0.01985, "a": 98.56},
    "exact F, gate": {"importance": "fisher", "eta": 0.02334, "a": 77.01, "z_min": 0.04778},
    "counts": {"importance": "count", "eta": 0.0162, "c": 4.847},
    "counts, gate": {"importance": "count", "eta": 0.01863, "c": 2.609, "z_min": 0.04869},
    "exponential, shuffled": {"importance": "shuffled_exponential", "eta": 0.009085, "a": 7.793},
    "weight threshold, shuffled": {"importance": "shuffled_threshold", "eta": 0.008815, "Theta": 0.3166},
}


# For cells, read out by noisy cues after 40 patterns; pairs of silent units stay. Each by `tuning.py`, 80 evaluations
# on two training sequences, of which they keep 21.0, 22.5, 25.0, 31.0 and 31.0: with coincidences the best gate is
# an open one
CELLS = {
    "hebb": {"importance": "hebb", "eta": 0.01666},
    "gate alone": {"importance": "hebb", "eta": 0.0948, "z_min": 0.3803},
    "exponential": {"importance": "exponential", "eta": 0.04514, "a": 32.18},
    "coincidences": {"importance": "coincidence", "eta": 0.07704, "a": 157.9},
    "coincidences, gate": {"importance": "coincidence", "eta": 0.07704, "a": 157.9, "z_min": 0.0},
}
SPIKES = {"P": 40, "diagonal": "zero", "silent": "stay"}


def run(experiment: Experiment, seed: int, protocol: str, **options) -> Result:
    """Run a protocol of the model; what is no option of `simulate` is a parameter."""
    known = {name: options.pop(name) for name in ("record", "weights", "inputs", "initial") if name in options}
    return experiment.simulate(protocol=protocol, seed=seed, parameters=options, **known)


def learned(experiment: Experiment, seed: int, **options) -> xr.Dataset:
    """Learn patterns in sequence; return mean Dice, how many are kept, and which of the foils, by number learned."""
    result = run(experiment, seed, "sequence", **{"record": (), **options})
    table = measure.recall_table(result)
    foils = measure.recall_table(result, phase="recall_foil", target="foil")
    found = {
        "dice": table["score"].mean(["item", "repeat"]),
        "kept": measure.retention(table)["kept"],
        "foils": foils["recalled"],
    }
    return xr.Dataset(found).rename(epoch="n")


def new_among_old(experiment: Experiment, seed: int, **options) -> xr.Dataset:
    """Present one new pattern again and again; return Dice of it and of the old ones by epoch, and when it appears."""
    last = options.get("presentations", 5000)
    tested = sorted({*range(1, min(last, 200) + 1), *np.geomspace(1, last, 60).round().astype(int).tolist()})
    options = {"epochs": 1, "theta": 0.25, "P": 1, "tested": tuple(tested), "record": (), **options}
    result = run(experiment, seed, "one_new", **options)
    new = measure.recall_table(result)["score"].mean(["item", "repeat"])
    old = measure.recall_table(result, phase="recall_old", target="old")["score"].mean(["item", "repeat"])
    return xr.Dataset({"new": new, "old": old})


def number(table: xr.Dataset) -> float:
    """Return how many are kept after the last test."""
    return float(table["kept"][-1])


def kept_in_mean(result: Result) -> float:
    """Return how many patterns are kept, the mean over loads: what the fair test is fitted for."""
    return float(measure.retention(result)["kept"].mean())


def most_foils(table: xr.Dataset) -> float:
    """Return the largest fraction of foils that is kept after any test."""
    return float(table["foils"].max())


def appears(curve: xr.Dataset) -> float:
    """Return the first epoch tested at which Dice of the new pattern is above .5, infinity for none."""
    above = np.flatnonzero(curve["new"].values > 0.5)
    return float(curve.epoch.values[above[0]]) if above.size else np.inf


def new_end(curve: xr.Dataset) -> float:
    """Return Dice of the new pattern after the last epoch."""
    return float(curve["new"][-1])


def old_end(curve: xr.Dataset) -> float:
    """Return mean Dice of the old patterns after the last epoch."""
    return float(curve["old"][-1])


def half_gone(table: xr.DataArray) -> float:
    """Return the first epoch tested at which the mean over sequences is below .5, infinity for none."""
    curve = table.mean("seed").squeeze()
    below = np.flatnonzero(curve.values < 0.5)
    return float(curve.epoch.values[below[0]]) if below.size else np.inf


def started(experiment: Experiment, seed: int, start: str) -> dict[str, float]:
    """Return how many of 60 patterns are kept that each rule learns from other start weights (readout A)."""
    rng, M = np.random.default_rng([seed, 1]), 100
    drawn = {"N(0, .03)": rng.normal(0, 0.03, (M, M)), "N(0, .1)": rng.normal(0, 0.1, (M, M))}
    half = np.tril({"zeros": np.zeros((M, M)), **drawn}.get(start, np.zeros((M, M))))
    given = {} if start == "20 patterns" else {"weights": {"recurrent": half + np.tril(half, -1).T}}
    rules = {rule: SEQUENCE[rule] for rule in ("weight threshold", "exponential", "exponential, gate")}
    runs = {
        rule: learned(experiment, seed, tested=(60,), P=60, **A, **given, **values) for rule, values in rules.items()
    }
    return xr.DataArray([number(table) for table in runs.values()], {"rule": list(runs)}, "rule")


def large_weights(experiment: Experiment, seed: int, s: float) -> xr.DataArray:
    """Return P(w > 1/2) of weights from N random patterns."""
    numbers = list(TABLE_1[s])
    return xr.DataArray([theory.large_weight_probability(n, s) for n in numbers], {"N": numbers}, "N")


def fidelity(experiment: Experiment, seed: int, s: float) -> dict[str, float]:
    """Return correlations with the exact curvature, 20 patterns of 200 units: of Eq. 11, of counts, and of weights."""
    shown = reference.patterns(20, 200, s, np.random.default_rng(seed))
    w = theory.pair_means(shown, s)
    found = {"Eq. 11": theory.local_fisher(w, s), "counts": theory.count_fisher(shown), "abs(w)": np.abs(w)}
    return {name: theory.fidelity(estimate, shown, s) for name, estimate in found.items()}


def kept_of_weights(result: Result, seed: int = 0, moved: int = 2) -> int:
    """Return how many patterns are kept by the weights at the end of a run, read out by binary units (D)."""
    shown, w, s = result["pattern"].values, result["recurrent_w"].values[-1], result.parameters["s"]["value"]
    cues = reference.moved(shown, moved, np.random.default_rng([result.seed, seed]))
    states = reference.recall(w * ~np.eye(len(w), dtype=bool), cues, reference.D, s=s)
    return int(np.sum(reference.dice(states, shown) > reference.KEPT))


def learned_by_cells(experiment: Experiment, seed: int, **options) -> dict[str, float]:
    """Let cells learn; return how many patterns their weights keep, by noisy and by exact cues."""
    result = run(experiment, seed, "learning", **{**SPIKES, "record": {"weights": ("last",)}, **options})
    w = result["recurrent_w"].values[-1]
    q, shown = result["recurrent_q"].values[-1], result["pattern"].values
    above = np.triu_indices(len(w), 1)
    true = theory.recent_coincidences(shown, result["old"].values, 20)[above]
    return {
        "noisy cues": kept_of_weights(result),
        "exact cues": kept_of_weights(result, moved=0),
        "asymmetry": float(np.abs(w - w.T).max()),
        "correlation of q": float(np.corrcoef(q[above], true)[0, 1]),
    }


def recalled_by_cells(experiment: Experiment, seed: int, cells: int, dead: bool = False, **options) -> dict[str, float]:
    """Let cells learn, and recall by themselves from exact cues, kept apart by inhibitory cells."""
    options = {**SPIKES, "record": {"weights": ("last",)}, "cells_per_unit": cells, **options}
    learnt = run(experiment, seed, "learning", **options)
    w, shown = learnt["recurrent_w"].values[-1], learnt["pattern"].values
    tested = experiment.simulate(
        model=inhibited,
        protocol="recall",
        seed=seed,
        weights={"recurrent": (0 if dead else 1) * w * ~np.eye(len(w), dtype=bool)},
        inputs={"pattern": shown},
        parameters={"P": len(shown), "foils": 1, "moved": 0, "cells_per_unit": cells},
        record=(),
    )
    score = measure.recall_table(tested)["score"].values
    end = tested.select(phase="recall")
    rates, wanted = end.mean_x.values, shown[end.step_item.values]
    by_weights = kept_of_weights(learnt, moved=0)
    kept = int(np.nansum(score > reference.KEPT))
    return {
        "kept": kept,
        "kept by the weights": by_weights,
        "share": kept / max(by_weights, 1),
        "rate of units in the pattern": float(rates[wanted == 1].mean()),
        "rate of others": float(rates[wanted == 0].mean()),
    }


def capacities(experiment: Experiment, seed: int, loads: tuple[int, ...]) -> xr.DataArray:
    """Return the fraction kept, from noisy cues, of patterns stored at once by Eq. 1 and by Willshaw's weights."""
    rng, rows, readout = np.random.default_rng(seed), [], reference.D
    for n in loads:
        shown = reference.patterns(n, 100, 0.1, rng)
        cues = readout.cues(shown, rng)
        stored = {"Eq. 1": reference.batch_hebb(shown, 0.1, diagonal=False), "Willshaw": reference.willshaw(shown)}
        scores = [reference.dice(reference.recall(w, cues, readout, s=0.1), shown) for w in stored.values()]
        rows.append([np.mean(score > reference.KEPT) for score in scores])
    return xr.DataArray(rows, {"n": list(loads), "name": ["Eq. 1", "Willshaw"]}, ("n", "name"))
