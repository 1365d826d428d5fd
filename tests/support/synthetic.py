"""Results with known content, built without running anything."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from brainmem.results.result import Result

UNITS, ITEMS, EPOCHS, STARTS = 40, 6, (1, 2, 5), 2


def patterns(items=ITEMS, units=UNITS, seed=0):
    """Return random targets and cues of -1 and +1, (item, unit)."""
    rng = np.random.default_rng(seed)
    return rng.choice([-1.0, 1.0], (items, units)), rng.choice([-1.0, 1.0], (items, units))


def schedule(items=ITEMS, epochs=EPOCHS[-1], tested=EPOCHS, starts=STARTS, seed=0):
    """Return rows (phase, item, epoch, repeat) of learning in random order and tests of every map."""
    rng = np.random.default_rng(seed)
    rows = []
    for epoch in range(1, epochs + 1):
        rows += [("learn", item, epoch, 0) for item in rng.permutation(items)]
        if epoch in tested:
            rows += [("recall", item, epoch, start) for item in range(items) for start in range(starts)]
    return rows


def result(
    variant="rate",
    seed=0,
    *,
    recalled=None,
    noise=0.0,
    change=1.0,
    parameters=None,
    complete=1,
    traces=False,
    recalled_by=None,
    **attrs,
):
    """Return a result in which a known share of the maps is recalled.

    ``recalled[epoch]`` maps (of `ITEMS`) are recalled in every start; the others show a pattern
    orthogonal in half of its units. ``noise`` disturbs the rates, ``change`` scales the weight change.
    """
    recalled = {1: 0, 2: 3, 5: 6} if recalled is None else recalled
    target, cue = patterns(seed=seed)
    rows = schedule(seed=seed)
    rng = np.random.default_rng([seed, variant == "spiking"])
    rates = np.array([_rates(row, target, recalled) for row in rows])
    rates = rates + noise * rng.normal(size=rates.shape)
    data = xr.Dataset(
        {
            "step_phase": ("step", [row[0] for row in rows]),
            "step_item": ("step", [int(row[1]) for row in rows]),
            "step_epoch": ("step", [row[2] for row in rows]),
            "step_repeat": ("step", [row[3] for row in rows]),
            "step_duration": ("step", np.full(len(rows), 0.5), {"units": "s", "long_name": "duration"}),
            "overlap": (
                "step",
                _overlaps(rows, rates, target),
                {"units": "1", "long_name": "overlap with target"},
            ),
            "mean_x": (("step", "unit"), rates, {"units": "1", "long_name": "mean rate x"}),
            "cue": (("item", "unit"), cue, {"units": "1"}),
            "target": (("item", "unit"), target, {"units": "1"}),
            "recurrent_w": (("epoch", "post", "pre"), _weights(seed, change), {"units": "1"}),
        },
        coords={"epoch": [0, 1, 2, 5]},
        attrs=_attributes(variant, seed, parameters, complete, recalled_by) | attrs,
    )
    return Result(data.assign(_traces(rng)) if traces else data)


def of_trials(result, trials, noise=0.3, units=UNITS):
    """Return a result like `result` with trials, whose rates differ by noise."""
    rng = np.random.default_rng([result.seed, result.variant == "spiking", trials])
    rates = result.mean_x.values[:, None, :units] + noise * rng.normal(size=(len(result.mean_x), trials, units))
    data = result.data.drop_vars(["mean_x", "recurrent_w"]).isel(unit=slice(units))
    return Result(data.assign(mean_x=(("step", "trial", "unit"), rates)))


def of_two_populations(result):
    """Return a result that holds the rates of a second population too, with fewer units."""
    rng = np.random.default_rng([result.seed, result.variant == "spiking", 2])
    gain = result.mean_x.values[:, :7] ** 2 + rng.normal(size=(len(result.mean_x), 7))
    return Result(result.data.assign(mean_gain=(("step", "gain_unit"), gain, {"units": "hertz"})))


def _rates(row, target, recalled):
    phase, item, epoch, _ = row
    pattern = 0.95 * target[item]
    if phase == "learn" or item < recalled[epoch]:
        return pattern
    return np.where(np.arange(UNITS) % 2, pattern, -pattern)


def _overlaps(rows, rates, target):
    return [float(np.mean(rate * target[row[1]])) for row, rate in zip(rows, rates, strict=True)]


def _weights(seed, change):
    rng = np.random.default_rng([seed, 7])
    start = rng.normal(0, UNITS**-0.5, (UNITS, UNITS))
    step = rng.normal(0, 0.3 * UNITS**-0.5, (UNITS, UNITS))
    weights = np.array([start + change * share * step for share in (0, 0.4, 0.7, 1)])
    weights[:, np.arange(UNITS), np.arange(UNITS)] = 0
    return weights


def _traces(rng, times=400, dt=5e-3):
    time = dt * np.arange(times)
    x = np.tanh(np.sin(2 * np.pi * (time[:, None] + np.linspace(0, 1, UNITS))))
    unit = np.sort(rng.integers(0, UNITS, 3000))
    moment = np.sort(rng.uniform(0, times * dt, 3000))
    return {
        "time": ("time", time, {"units": "s"}),
        "x": (("time", "unit"), x, {"units": "1", "long_name": "rate x"}),
        "spike_time": ("spike", moment, {"units": "s"}),
        "spike_cell": ("spike", rng.permutation(unit)),
    }


CRITERION = {"phase": "recall", "target": "target", "score": "overlap", "threshold": 0.85, "repeats": "each"}
CRITERIA = {"rate": CRITERION, "spiking": CRITERION | {"score": "pearson", "threshold": 0.9, "repeats": "mean"}}


def _attributes(variant, seed, parameters, complete, recalled_by):
    record = {
        "N": {"value": UNITS, "unit": "1", "meaning": "number of units", "source": "reconstruction"},
        "M": {"value": ITEMS, "unit": "1", "meaning": "number of maps", "source": "reconstruction"},
        "tau": {"value": 0.025, "unit": "s", "meaning": "time constant", "source": "ours"},
        "gamma": {"value": 0.6, "unit": "1", "meaning": "strength of the cue", "source": "reconstruction"},
    } | (parameters or {})
    return {
        "model": "synthetic2024",
        "variant": variant,
        "seed": seed,
        "device": "cpp_standalone",
        "complete": complete,
        "parameters": json.dumps(record),
        "versions": json.dumps({"brainmem": "0.1", "numpy": np.__version__}),
        "equations": "dx/dt = (phi - x)/tau : 1  # <units> & more",
        "schedule": "groups: units (0)",
        "calibration": json.dumps({"units": calibration()}) if variant == "spiking" else "",
        "notes": json.dumps(["read by event"]),
        "recalled": json.dumps(CRITERIA[variant]) if recalled_by is None else recalled_by,
        "reference": json.dumps({"authors": "A. Author", "title": "Memory", "year": 2024, "doi": "10.1/x"}),
        "created": "2024-05-01T12:00:00",
    }


def calibration():
    """Return the report of an f-I calibration of one population, with a known curve."""
    current, checked = np.linspace(0, 3, 31), np.linspace(0, 1, 11)
    return {
        "current": current.tolist(),
        "rate": (100 / (1 + np.exp(-3 * (current - 1.5)))).tolist(),
        "rate_max": 80.0,
        "highest": 98.9,
        "error": 0.004,
        "checked": checked.tolist(),
        "reached": (checked + 0.004 * np.sin(9 * checked)).tolist(),
        "fano": (1 - 0.8 * checked).tolist(),
        "tau": 0.025,
    }


def claims():
    """Return rows of claims: passed, failed, with a tolerance of the variant's own, and only reported."""
    return [
        {
            "key": "C1",
            "statement": "Capacity rises strongly with repetition.",
            "quantity": "fraction recalled at M/N = 0.2 after 5 epochs",
            "paper": 0.95,
            "source": "reconstruction",
            "expected_low": 0.85,
            "expected_high": 1.0,
            "rate": {"value": 0.97, "sd": 0.02, "n": 5, "passed": True},
            "spiking": {"value": 0.90, "sd": 0.04, "n": 5, "passed": True},
        },
        {
            "key": "C3",
            "statement": "Connectivity <decorrelates> & keeps its norm.",
            "quantity": "decorrelation index R after 40 epochs",
            "paper": "falls",
            "expected_low": None,
            "expected_high": 0.2,
            "rate": {"value": 0.13, "sd": 0.01, "n": 3, "passed": True},
            "spiking": {"value": 0.26, "sd": 0.03, "n": 3, "passed": False},
        },
        {
            "key": "C4",
            "statement": "Spontaneous activity visits the memories.",
            "quantity": "cosine to the nearest target",
            "paper": 0.45,
            "expected_low": 0.3,
            "expected_high": None,
            "rate": {"value": 0.41, "sd": float("nan"), "n": 1, "passed": True},
            "spiking": {
                "value": 0.2,
                "sd": 0.02,
                "n": 2,
                "passed": True,
                "expected_low": 0.1,
                "expected_high": float("inf"),
            },
        },
        {
            "key": "C5",
            "statement": "The capacity is reported only.",
            "quantity": "capacity M/N",
            "paper": "",
            "expected_low": None,
            "expected_high": None,
            "rate": {"value": float("inf"), "sd": float("nan"), "n": 1, "passed": None},
            "spiking": None,
        },
    ]


def sequences(seed=0, *, items=ITEMS, trials=0):
    """Return a result with frames of targets ``R`` and the ``misfit`` that makes the pVar of its tests known.

    A test of `item` in `epoch` with `repeat` has ``pVar = 1 - (item + 1)/(10*epoch*(repeat + 1))``, trial k the k-fold
    of that misfit, from 1.
    """
    base = result(seed=seed).data
    base = base.isel(step=base["step_item"].values < items, item=slice(items))
    targets = np.random.default_rng([seed, 11]).normal(size=(items, 30, UNITS))
    share = (base["step_item"] + 1) / (10 * base["step_epoch"] * (base["step_repeat"] + 1))
    misfit = share.values * targets.var(axis=(1, 2))[base["step_item"].values]
    dims = ("step", "trial") if trials else ("step",)
    misfit = np.multiply.outer(misfit, np.arange(1, trials + 1)) if trials else misfit
    return Result(base.assign(R=(("item", "frame", "unit"), targets), misfit=(dims, misfit)))
