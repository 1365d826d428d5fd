"""Networks that the claims of Ventura (2024) are tested on: what each algorithm makes of the same patterns."""

import brainmem.models.ventura2024.reference as reference
import numpy as np
import xarray as xr

from brainmem import Result, measure
from brainmem.claims import Experiment

STARTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)  # overlaps of cues
WEIGHTS = "couplings.w"
HEBB = "Hebb"


def run(experiment: Experiment, seed: int, protocol: str, *, record=(), weights=None, inputs=None, **parameters):
    """Run a protocol of the model; the same one runs once for all claims."""
    key = (protocol, experiment.variant, seed, repr(record), id(weights), repr(sorted(parameters.items())))
    if key not in experiment.trained_runs:
        given = {"weights": weights and {"couplings": weights}} if weights is not None else {}
        experiment.trained_runs[key] = experiment.simulate(
            protocol=protocol, seed=seed, parameters=parameters, record=record, inputs=inputs, **given
        )
    return experiment.trained_runs[key]


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
    blocks = {name: round(x / step) for name, x in times.items()}
    record = {WEIGHTS: (0, *blocks.values())}
    slept = run(experiment, seed, "unlearning", record=record, x_max=max(times.values()), **parameters)
    patterns = slept.memory.values
    found = {HEBB: reference.hebb(patterns)}
    found |= {f"HU {name}": slept.couplings_w.sel(epoch=number).values for name, number in blocks.items()}
    for kappa in margins:
        learned = run(
            experiment, seed, "perceptron", record=(WEIGHTS,), inputs={"memory": patterns}, kappa=kappa, **parameters
        )
        found[f"SP {kappa:g}"] = learned.couplings_w.values[-1]
    return found | {"pseudo-inverse": reference.pseudo_inverse(patterns)}, patterns


def maps(experiment: Experiment, seed: int, **options) -> xr.Dataset:
    """Return of each coupling its retrieval map, least stability, cosines and spectrum, by name of the `couplings`."""
    found, patterns = couplings(experiment, seed, **options)
    last = [name for name in found if name.startswith("SP")][-1]
    rows = {}
    for name, J in found.items():
        retrieved = measure.retrieval_map(J, patterns, overlaps=STARTS, seed=seed)
        modes = measure.spectrum(J, patterns)
        rows[name] = xr.Dataset(
            {
                "final": ("start", retrieved.final.values),
                "classified": ("start", retrieved.classified.values),
                "recalled": ("start", retrieved.recalled.values),
                "least": measure.stability(J, patterns).min(),
                "with SP": measure.cosine(J, found[last]),
                "with pseudo-inverse": measure.cosine(J, found["pseudo-inverse"]),
                "first": modes.eigenvalues.values[0],
                "spread": modes.spread,
                "share": modes.share,
            },
            {"start": list(STARTS)},
        )
    return xr.concat(rows.values(), xr.DataArray(list(rows), dims="couplings", name="couplings"))


def noisy(experiment: Experiment, seed: int, m_t: float, **parameters) -> dict[str, float]:
    """Train with independent noise; return least stability and recall."""
    trained = run(experiment, seed, "noise", record=(WEIGHTS,), m_t=m_t, **parameters)
    patterns, J = trained.memory.values, trained.couplings_w.values[-1]
    final = measure.retrieval_map(J, patterns, overlaps=(0.5, 0.6), seed=seed).final.values
    return {"least": measure.stability(J, patterns).min(), "m_f(.5)": final[0], "m_f(.6)": final[1]}
