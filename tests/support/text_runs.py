"""Runs of models that are compared with their own text, evaluated in plain numpy."""

from __future__ import annotations

import numpy as np

from brainmem import Device, Projection, simulate
from tests.support.dense_models import DT, model_of, rate_units
from tests.support.text_reference import Reference

RUNTIME = Device("runtime")
EXACT = {"rtol": 1e-12, "atol": 1e-12}
SINGLE = {"rtol": 1e-4, "atol": 1e-5}


def run(model, device, *, seed=5, **options):
    return simulate(model, "rate", seed=seed, device=device, **options)


def start(result, model, drawn):
    """Return start values of weights and units of a run, as the reference wants them."""
    weights = {p.name: {v: matrix(result, p.name, v)[0] for v in p.initial} for p in model.projections}
    units = {p.name: {} for p in model.populations}
    for key, values in drawn.items():
        population, variable = key.split(".")
        units[population][variable] = values.astype(float)
    return weights, units


def matrix(result, projection, variable):
    return result[f"{projection}_{variable}"].values.astype(float)


def initial(model, seed=3):
    rng = np.random.default_rng(seed)
    return {f"{p.name}.{v}": rng.uniform(-1, 1, int(p.size)) for p in model.populations for v in p.initial}


def check_against_text(result, model, drawn, tolerance):
    """Compare the weights after every epoch, and the mean rates of every phase, with the model's text in numpy."""
    reference = Reference(model, *start(result, model, drawn), dt=DT)
    weights, means = reference.run()
    for projection in model.projections:
        for variable in projection.initial:
            scale = 1e-3 if "mV" in projection.initial[variable] else 1.0
            expected = np.stack([epoch[projection.name][variable] for epoch in weights]) / scale
            found = matrix(result, projection.name, variable)[1:] / scale
            np.testing.assert_allclose(found, expected, **tolerance, err_msg=f"{projection.name}.{variable}")
    several = len([p for p in model.populations if p.rate == "x"]) > 1
    for population in (p for p in model.populations if p.rate == "x"):
        expected = np.stack([phase[population.name]["x"] for phase in means])
        found = result[f"mean_{population.name}_x" if several else "mean_x"].values
        np.testing.assert_allclose(found, expected, **tolerance, err_msg=population.name)


def recurrent(*rules, size=6, current="u_post = w*x_pre : 1 (summed)", inputs=None, more=(), **projection):
    """Return one population `units` with a projection `rec` onto its variable u, and `more` onto others."""
    units = rate_units("units", size, {"u": "1", **(inputs or {})})
    options = {"initial": {"w": "normal(0, 0.5)"}, **projection}
    return model_of([units], [Projection("rec", "units", "units", current=current, **options), *more], rules)
