"""Networks that the claims of Ventura (2024) are tested on: what each algorithm makes of the same patterns."""

import brainmem.models.ventura2024.generative as generative
import brainmem.models.ventura2024.reference as reference
import numpy as np
import xarray as xr

from brainmem import Result, measure
from brainmem.claims import Experiment

STARTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)  # overlaps of cues
WEIGHTS = "couplings.w"


def run(experiment: Experiment, seed: int, protocol: str, *, weights=None, inputs=None, record=(), **parameters):
    """Run a protocol of the model."""
    given = {} if weights is None else {"weights": {"couplings": weights}}
    return experiment.simulate(
        protocol=protocol, seed=seed, parameters=parameters, record=record, inputs=inputs, **given
    )


def stabilities(result: Result, step: float = 1.0) -> xr.Dataset:
    """Return least, mean and sd of the stabilities, and the training error, by x: each look takes `step`."""
    looks = result.step_phase.values == "judge"

    def over(name: str) -> np.ndarray:
        return result[name].values[looks].reshape(-1, len(result.memory))

    mean = over("stability").mean(axis=1)
    found = {
        "least": over("stability_min").min(axis=1),
        "mean": mean,
        "sd": np.sqrt(over("stability_square").mean(axis=1) - mean**2),
        "error": over("training_error").mean(axis=1),
    }
    x = np.round(step * np.arange(len(mean)), 9)
    return xr.Dataset({name: ("x", values) for name, values in found.items()}, {"x": x})


def sleep(experiment: Experiment, seed: int, **parameters) -> xr.Dataset:
    """Learn by Hebb's rule, then dream; return `stabilities` by x = D eps/N."""
    result = run(experiment, seed, "unlearning", **parameters)
    return stabilities(result, result.parameters["dx"]["value"])


def sleep_warm(experiment: Experiment, seed: int, **parameters) -> xr.Dataset:
    """Return the same of unlearning samples at a temperature."""
    result = run(experiment, seed, "warm_unlearning", **parameters)
    return stabilities(result, result.parameters["dx"]["value"])


def best(curve: xr.Dataset) -> float:
    """Return the largest Delta_min of one network."""
    return float(curve.least.max())


def first(curve: xr.Dataset) -> float:
    """Return Delta_min before any dream."""
    return float(curve.least[0])


def turns(table: xr.DataArray) -> xr.Dataset:
    """Return of the mean curve over seeds where it first reaches 0, its maximum, and where it falls below 0 again."""
    curve = table.mean("seed")
    top = curve.idxmax("x")
    above, fallen = curve >= 0, (curve < 0) & (curve.x > top)
    first = curve.x.where(above).min("x")
    last = curve.x.where(fallen).min("x")
    return xr.Dataset({"in": first, "top": top, "fin": last.where(first < top), "height": curve.max("x")})


def critical_load(table: xr.DataArray) -> float:
    """Return the load at which the maximum of the mean curve, (alpha, seed, x), falls below 0."""
    height = table.mean("seed").max("x")
    loads, values = height.alpha.values, height.values
    k = int(np.flatnonzero((values[:-1] >= 0) & (values[1:] < 0))[0])
    return float(loads[k] + (loads[k + 1] - loads[k]) * values[k] / (values[k] - values[k + 1]))


def couplings(
    experiment: Experiment, seed: int, margins, times, **parameters
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return couplings of each algorithm for the same patterns, by name, and the patterns.

    Parameters
    ----------
    margins : sequence of float
        Of perceptrons.
    times : mapping of str to float
        Names of the couplings after unlearning, and their x = D eps/N.
    """
    step = 0.005
    blocks = {name: 2 + round(x / step) for name, x in times.items()}  # behind two entries of the schedule
    record = {WEIGHTS: tuple(blocks.values())}
    slept = run(experiment, seed, "unlearning", record=record, x_max=max(times.values()), **parameters)
    patterns = slept.memory.values
    found = {"Hebb": reference.hebb(patterns)}
    found |= {f"HU {name}": slept.couplings_w.sel(epoch=number).values for name, number in blocks.items()}
    for kappa in margins:
        learned = run(
            experiment, seed, "perceptron", record=(WEIGHTS,), inputs={"memory": patterns}, kappa=kappa, **parameters
        )
        found[f"SP {kappa:g}"] = learned.couplings_w.values[-1]
    return found | {"pseudo-inverse": reference.pseudo_inverse(patterns)}, patterns


def maps(experiment: Experiment, seed: int, **options) -> xr.Dataset:
    """Return of each of the `couplings` its retrieval map, least stability, cosines and spectrum."""
    found, patterns = couplings(experiment, seed, **options)
    last = [name for name in found if name.startswith("SP")][-1]
    rows = []
    for J in found.values():
        retrieved, modes = measure.retrieval_map(J, patterns, overlaps=STARTS, seed=seed), measure.spectrum(J, patterns)
        table = {name: ("m_0", retrieved[name].values) for name in ("final", "classified", "recalled")}
        cosines = {"with SP": measure.cosine(J, found[last])}
        cosines["with pseudo-inverse"] = measure.cosine(J, found["pseudo-inverse"])
        values = {"least": measure.stability(J, patterns).min(), "spread": modes.spread, "share": modes.share}
        rows.append(xr.Dataset({**table, **cosines, **values}, {"m_0": list(STARTS)}))
    return xr.concat(rows, xr.DataArray(list(found), dims="J", name="J"))


def noisy(experiment: Experiment, seed: int, m_t: float, **parameters) -> dict[str, float]:
    """Train with independent noise; return least stability and recall."""
    trained = run(experiment, seed, "noise", record=(WEIGHTS,), m_t=m_t, **parameters)
    patterns, J = trained.memory.values, trained.couplings_w.values[-1]
    final = measure.retrieval_map(J, patterns, overlaps=(0.5, 0.6), seed=seed).final.values
    return {"least": measure.stability(J, patterns).min(), "m_f(.5)": final[0], "m_f(.6)": final[1]}


def budget(experiment: Experiment, seed: int, m_t: float, **parameters) -> dict[str, float]:
    """Train with independent noise for as long and as slowly as unlearning takes; return what it has learned."""
    few = {"copies": 4900, "lam_coarse": 0.02, "lam_fine": 0.0}
    trained = run(experiment, seed, "noise", record=(WEIGHTS,), m_t=m_t, **few, **parameters)
    patterns, J = trained.memory.values, trained.couplings_w.values[-1]
    return {"least": measure.stability(J, patterns).min(), "cosine": measure.cosine(J, reference.hebb(patterns))}


def alike(experiment: Experiment, seed: int, **parameters) -> xr.DataArray:
    """Return the cosine between unlearning and training with noise on fixed points, by x."""
    options = {"record": (WEIGHTS,), "dx": 0.0475, "x_max": 0.38, **parameters}
    dreams, trained = (run(experiment, seed, name, **options) for name in ("unlearning", "fixed_points"))
    pairs = zip(dreams.couplings_w.values[2:], trained.couplings_w.values[2:], strict=True)
    cosines = [measure.cosine(*pair) for pair in pairs]
    return xr.DataArray(cosines, {"x": np.round(0.0475 * np.arange(len(cosines)), 4)}, "x")


def lowest_loss(experiment: Experiment, seed: int, m: float, N: int) -> dict[str, float]:
    """Return least stability and recall of couplings at the minimum of the loss of training with noise."""
    patterns = reference.random_patterns(0.3, N, np.random.default_rng(seed))
    J = reference.lowest_loss(patterns, m).J
    final = measure.retrieval_map(J, patterns, overlaps=(0.5,), seed=seed).final.values
    return {"least": measure.stability(J, patterns).min(), "m_f(.5)": final[0]}


def daydream(experiment: Experiment, seed: int, **parameters) -> xr.Dataset:
    """Return least stability, training error and recall of Daydreaming after 1.5 and after 6 times P tau_plus steps."""
    steps = "round(1.5*P*tau_plus)"
    result = run(experiment, seed, "daydreaming", record=(WEIGHTS,), steps=steps, parts=4, **parameters)
    J, patterns = result.couplings_w.values[-1], result.memory.values
    final = measure.retrieval_map(J, patterns, overlaps=(0.5, 0.6), seed=seed).final.values
    looks, error = stabilities(result).least.values, stabilities(result).error.values
    found = {"least, 1.5": looks[1], "least, 6": looks[-1], "error": error[-1], "gain": looks[-1] - looks[1]}
    return {**found, "m_f(.5)": final[0], "m_f(.6)": final[1]}


def daydream_long(experiment: Experiment, seed: int, N: int, alpha: float) -> float:
    """Return the fraction of stabilities below 0 after 60 P tau_plus steps of Daydreaming, in four runs.

    Each run begins by Hebb's rule, which is taken from the couplings that it is given.
    """
    patterns = reference.random_patterns(alpha, N, np.random.default_rng(seed))
    J = hebbian = reference.hebb(patterns)
    given = {"N": N, "alpha": alpha, "inputs": {"memory": patterns}, "record": (WEIGHTS,)}
    for part in range(4):
        options = {"steps": "round(15*P*tau_plus)", "weights": J - hebbian, **given}
        result = run(experiment, seed + 1000 * part, "daydreaming", **options)
        J = result.couplings_w.values[-1]
    return float(stabilities(result).error[-1])


def correlated(experiment: Experiment, seed: int, N: int, alpha: float, features: int) -> xr.Dataset:
    """Return of couplings for patterns that share features: recall from an overlap of .6, and from a feature alone.

    Daydreaming is of 8 P tau_plus steps; unlearning where Delta_min is largest, and where recall is widest.
    """
    patterns, shared = reference.correlated_patterns(alpha, N, features, np.random.default_rng([seed, features]))
    given = {"N": N, "alpha": alpha, "inputs": {"memory": patterns}, "record": (WEIGHTS,)}
    slept = run(experiment, seed, "unlearning", x_max=1.3 * alpha, dx=alpha / 30, **given).couplings_w.values[1:]
    dreamt = run(experiment, seed, "daydreaming", steps="round(8*P*tau_plus)", **given).couplings_w.values[-1]

    def kept(J: np.ndarray, states: np.ndarray, overlap: float) -> float:
        return float(measure.retrieval_map(J, states, overlaps=(overlap,), seed=seed).final[0])

    least = [float(measure.stability(J, patterns).min()) for J in slept]
    recalled = [kept(J, patterns, 0.6) for J in slept]
    found = {
        "Hebb": reference.hebb(patterns),
        "pseudo-inverse": reference.pseudo_inverse(patterns),
        "HU top": slept[int(np.argmax(least))],
        "HU widest": slept[int(np.argmax(recalled))],
        "Daydreaming": dreamt,
    }
    table = {
        "m_f(.6)": ("J", [kept(J, patterns, 0.6) for J in found.values()]),
        "feature": ("J", [kept(J, shared, 1.0) for J in found.values()]),
    }
    return xr.Dataset(table, {"J": list(found)})


def recalled_by_hebb(experiment: Experiment, seed: int, **parameters) -> dict[str, float]:
    """Return the overlap that is kept from the patterns themselves, and statistics of the stabilities."""
    result = run(experiment, seed, "hebb", m_0=1.0, **parameters)
    found = stabilities(result).isel(x=0)
    kept = float(measure.recall_table(result).score.mean())
    alpha = len(result.memory) / result.memory.shape[1]
    return {"overlap": kept, "mean": float(found["mean"]) * alpha**0.5, "sd": float(found.sd)}


def sampled(experiment: Experiment, seed: int, beta: float) -> dict[str, float]:
    """Return KL of a Boltzmann machine that samples, and of the exact one: SK teacher, 10 units, 1000 states."""
    rng = np.random.default_rng(seed)
    teacher = reference.teacher("SK", 10, beta, rng)
    p = reference.distribution(teacher)
    states = reference.all_states(10)[rng.choice(p.size, 1000, p=p)]
    options = {"N": 10, "P": 1000, "lam": 0.02, "steps": 10_000, "inputs": {"memory": states}}
    coarse = run(experiment, seed, "boltzmann", record=(WEIGHTS,), **options)
    options |= {"lam": 0.002, "steps": 20_000, "weights": coarse.couplings_w.values[-1]}
    fine = run(experiment, seed, "boltzmann", record=(WEIGHTS,), **options)
    exact = reference.boltzmann_machine(reference.moments(np.bincount(_numbers(states), minlength=1024) / 1000)).J
    found = {"sampled": fine.couplings_w.values[-1], "exact": exact}
    return {name: reference.divergence(p, reference.distribution(J)) for name, J in found.items()}


def _numbers(states: np.ndarray) -> np.ndarray:
    return ((states > 0) * 2 ** np.arange(states.shape[1])).sum(axis=1)


def asleep(experiment: Experiment, seed: int, **parameters) -> dict[str, float]:
    """Let cells learn and dream; return what wakefulness stores, and stabilities and recall along the sleep."""
    blocks = round(parameters["x_max"] / parameters["dx"])
    tested = {"test_blocks": tuple(range(1, blocks + 1)), "cues": 2}
    result = run(experiment, seed, "unlearning", record=(WEIGHTS,), **tested, **parameters)
    weights, patterns = result.couplings_w.values[1:], result.memory.values
    apart = ~np.eye(len(weights[0]), dtype=bool)
    hebbian = reference.hebb(patterns)[apart]
    least = np.array([measure.stability(J, patterns).min() for J in weights])
    score = measure.recall_table(result).score.mean(["item", "repeat"]).values
    return {
        "correlation with Hebb": np.corrcoef(weights[0][apart], hebbian)[0, 1],
        "slope": np.polyfit(hebbian, weights[0][apart], 1)[0],
        "first": least[0],
        "best": least.max(),
        "last": least[-1],
        "recall, first": score[0],
        "recall, best": score[least[:-1].argmax()],  # recall is tested before each block
    }


def awake_only(experiment: Experiment, seed: int, eps: float, **parameters) -> float:
    """Return how much Delta_min changes in a sleep of another strength; with 0 no weight may change."""
    result = run(experiment, seed, "unlearning", record=(WEIGHTS,), eps=eps, **parameters)
    weights, patterns = result.couplings_w.values[1:], result.memory.values
    if eps == 0:
        return float(np.abs(weights[-1] - weights[0]).max())
    return float(measure.stability(weights[-1], patterns).min() - measure.stability(weights[0], patterns).min())


def generated(experiment: Experiment, seed: int, kind: str, beta: float) -> dict[str, float]:
    """Return how far generative models are from a teacher, by exact sums."""
    return generative.generative(kind, beta, seed)


def regularised(experiment: Experiment, seed: int, kind: str, strengths) -> dict[str, float]:
    """Return the same of the regularised machine, and where its specific heat peaks."""
    return generative.regularised(kind, seed, strengths)
