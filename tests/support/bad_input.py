# ruff: noqa: E501 - one line for each call
"""Calls of every public function in which one argument holds something odd: the cases of tests/intake/test_bad_input.py."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
import xarray as xr
from brian2 import ms, mV

import brainmem
from brainmem import measure, plot
from brainmem.recordings import surrogate
from brainmem.results.result import Result
from brainmem.sweeps.store import Sweep
from tests.support import synthetic
from tests.support.pictures import write_pictures

CELLS = ("rate_max", "cells_per_unit", "tau_m", "t_ref", "sigma_v", "spike_dt")
SMALL = {"N": 8, "M": 2, "starts": 1, "epochs": 1, "test_epochs": (1,)}


class Endless:
    """Yields forever, as an iterator that a list would never hold."""

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise RuntimeError("no array")


def odd_values() -> dict[str, Any]:
    """Return what is given in place of an argument, by the name of the case."""
    masked = np.ma.masked_equal(np.eye(8), 1.0)
    return {
        "None": None, "True": True, "numpy's True": np.bool_(True), "0": 0, "-1": -1, "2.5": 2.5, "nan": float("nan"),
        "inf": float("inf"), "huge": 10**400, "1e308": 1e308, "complex": 1 + 2j, "text": "x", "empty text": "",
        "blank": " ", "number as text": "1.5", "unit as text": "10*ms", "NUL": "a\0b", "surrogate": "\ud800",
        "long text": "y" * 5000, "bytes": b"x", "list": [], "tuple": (), "mapping": {}, "set": {1, 2},
        "wrong keys": {5: 1}, "None within": {"x": None}, "list of None": [None], "list of texts": ["a", "b"],
        "ragged": [[1, 2], [3]], "nested": ((1, 2), (3, 4)), "object": object(), "class": int, "function": len,
        "array": np.array([1.0, 2.0]), "matrix": np.ones((8, 8)), "cube": np.ones((2, 3, 4)), "no entries": np.zeros(0),
        "NaN matrix": np.full((8, 8), np.nan), "complex matrix": np.eye(8) * 1j, "text array": np.array([["a"]]),
        "objects": np.array([object(), 1], dtype=object), "masked": masked, "fields": np.zeros(3, dtype=[("a", "f8")]),
        "dates": np.array(["2024-01-01", "2024-01-02"], dtype="M8[D]"), "span": np.timedelta64(50, "ms"),
        "timedelta": datetime.timedelta(seconds=1), "date": datetime.date(2024, 1, 1), "time": 5 * ms, "voltage": 5 * mV,
        "times": np.ones(3) * ms, "sparse": scipy.sparse.eye(8), "frame": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        "series": pd.Series([1.0, 2.0]), "xarray": xr.DataArray(np.eye(3), dims=("a", "b")),
        "dataset": xr.Dataset({"a": ("x", [1.0])}), "generator": (k for k in ()), "range": range(3), "path": Path("no.npy"),
        "result": synthetic.result(), "model": brainmem.get_model("kurikawa2020"), "endless": Endless(), "NA": pd.NA,
        "frozen": frozenset({"a"}), "no such file": "nothing/there.csv", "exception": ValueError("x"), "ellipsis": ...,
    }  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A public function, and arguments with which it works; names of those whose values may be any."""

    name: str
    function: Callable[..., Any]
    good: dict[str, Any]
    spread: str = ""  # the argument that stands for *args

    def __call__(self, argument: str, value: Any) -> Any:
        """Call the function with one argument replaced."""
        given = {**self.good, argument: value}
        first = given.pop(self.spread, ()) if self.spread else ()
        if not self.spread:
            return self.function(**given)
        lead = [given.pop(name) for name in ("model",) if name in given]
        return self.function(*lead, *(first if isinstance(first, list | tuple) else (first,)), **given)


def calls(folder: Path) -> Iterator[Call]:
    """Yield every public function with arguments that work."""
    yield from _runs(folder)
    yield from _results(folder)
    yield from _measures()
    yield from _plots()


def _curves(folder: Path) -> Iterator[Call]:
    (folder / "curve.csv").write_text("x, y\n0, 1\n1, 3\n")
    texts = {"meaning": "", "source": "ours"}
    yield Call("Curve", brainmem.Curve, {"name": "phi", "x": [0, 1], "y": [0, 1], "zero_at": None, **texts})
    sampled = {"name": "phi", "function": np.tanh, "low": -1, "high": 1, "points": 11}
    yield Call("Curve.sampled", brainmem.Curve.sampled, sampled)
    read = {"name": "phi", "path": folder / "curve.csv", "x_unit": 1, "y_unit": 1}
    yield Call("Curve.from_csv", brainmem.Curve.from_csv, read)


def _runs(folder: Path) -> Iterator[Call]:
    model = brainmem.get_model("kurikawa2020")
    cue = np.where(np.arange(16).reshape(2, 8) % 3 > 0, 1.0, -1.0)
    shared = {
        "parameters": SMALL,
        "seed": 1,
        "device": "runtime",
        "inputs": {},
        "weights": {},
        "initial": {},
        "protocol": None,
    }
    shared = {"model": model, "variant": "rate", **shared}
    yield Call(
        "simulate",
        brainmem.simulate,
        {**shared, "record": ("x",), "interval": 5 * ms, "trials": None, "after": None, "progress": None},
    )
    yield from _curves(folder)
    yield Call("arrays", brainmem.arrays, {**shared, "trials": None})
    for kind, name, good in (
        ("inputs", "cue", cue),
        ("weights", "recurrent", np.zeros((8, 8))),
        ("initial", "units.x", np.zeros(8)),
    ):

        def one(value: Any, kind: str = kind, name: str = name) -> Any:
            return brainmem.arrays(model, parameters=SMALL, device="runtime", **{kind: {name: value}})

        yield Call(f"arrays({kind})", one, {"value": good})
    for name in ("N", "tau", "eps", "test_epochs", "rate_step"):

        def set_(value: Any, name: str = name) -> Any:
            return brainmem.arrays(model, parameters={**SMALL, name: value}, device="runtime")

        yield Call(f"arrays(parameters {name})", set_, {"value": 1})
    yield Call("translate", brainmem.translate, {"model": model, "variant": "rate", "trials": None, "trial_inputs": (), "protocol": None})  # fmt: skip
    yield Call(
        "script",
        brainmem.script,
        {"model": model, "variant": "rate", "parameters": SMALL, "inputs": {}, "trials": None, "protocol": None},
    )
    yield Call("explain", brainmem.explain, {"model": model, "variant": "rate", "parameters": SMALL, "device": "runtime",
                                             "details": False, "measured": False, "items": 1, "protocol": None})  # fmt: skip
    yield Call(
        "freeze",
        brainmem.freeze,
        {"model": model, "phases": ("recall",), "items": 1, "repeats": 1, "protocol": None},
        "phases",
    )
    yield Call("get_model", brainmem.get_model, {"name": "kurikawa2020"})
    yield Call("site_order", brainmem.site_order, {"size": 4, "sweep": 0, "seed": 1, "population": 0, "trial": 0})
    yield Call(
        "site_draws",
        brainmem.site_draws,
        {"size": 4, "sweep": 0, "number": 0, "seed": 1, "kind": "rand", "population": 0, "trial": 0},
    )
    yield Call(
        "shuffle_order",
        brainmem.shuffle_order,
        {
            "post": 3,
            "pre": 4,
            "update": 0,
            "rule": "decay",
            "seed": 1,
            "call": 0,
            "recurrent": True,
            "self_connections": False,
            "shift": 0,
        },
    )
    yield Call("verify", brainmem.verify, {"model": model, "variant": brainmem.Spiking(neuron="poisson"), "parameters": SMALL, "seeds": 1, "device": "runtime",
                                           "inputs": {}, "weights": None, "initial": {}, "items": 1, "cells_per_unit": (1,), "protocol": None, "progress": None})  # fmt: skip
    swept = {name: value for name, value in shared.items() if name != "seed"}
    swept |= {"store": folder / "store", "seeds": 1, "jobs": 1, "record": ("x",), "interval": None, "progress": None}
    swept |= {"measure": None, "trials": None, "part": None, "executor": None}
    yield Call("sweep", brainmem.sweep, swept)
    own = ("measure", "store", "trials", "part", "executor")  # of sweep alone
    tuned = {name: value for name, value in swept.items() if name not in own}
    tuned |= {"objective": measure.stability_table, "space": {"eps": (1e-3, 0.1)}, "store": folder / "tuned"}
    tuned |= {"starts": None, "budget": 2, "method": "evolution", "random_seed": 0}
    yield Call("tune", brainmem.tune, tuned)
    yield Call("Tuned.load", brainmem.Tuned.load, {"store": folder})
    table = surrogate(8, duration=1.0, step=0.02, width=0.2, bvar=0.3)
    yield Call("fit", brainmem.fit, {"recording": table, "model": "rajan2016", "target": "R", "test": "test",
                                     "regions": None, "holdout": None, "steps": 1, "parameters": {"tau": 100 * ms}, "seed": 0, "device": "runtime", "protocol": None, "progress": None})  # fmt: skip
    rates = np.abs(np.sin(np.arange(240).reshape(40, 6) ** 1.3))
    yield Call(
        "read_recording",
        brainmem.read_recording,
        {
            "source": rates,
            "step": 0.02,
            "units_first": False,
            "negative": "drop",
            "normalise": "unit",
            "missing": "mark",
            "regions": None,
            "resets": None,
            "kinds": None,
            "spikes": False,
            "width": None,
            "series": "",
        },
    )
    pictures = write_pictures(folder / "pictures")
    yield Call("patterns_from_images", brainmem.patterns_from_images, {"folder": pictures, "size": (4, 5), "resample": False,
                                                                       "threshold": "median", "values": (-1, 1)})  # fmt: skip
    yield Call("digits", brainmem.digits, {"train": 20, "held_out": 5, "classes": (0, 1), "threshold": "mean", "values": (0, 1), "seed": 0})  # fmt: skip
    yield Call("surrogate", surrogate, {"units": 6, "kind": "sequence", "coupling": 0.0, "duration": 1.0, "step": 0.02, "width": 0.2, "bvar": 0.3,
                                        "background_tau": 0.1, "seed": 0})  # fmt: skip
    yield Call("Recording.resampled", table.resampled, {"step": 0.05})
    yield Call("Recording.marks", table.marks, {"step": 0.05})
    yield Call("Recording.with_regions", table.with_regions, {"regions": tuple("AABBAABB")})
    yield Call("Spiking", brainmem.Spiking, {"neuron": "lif", "read": None, "pairing": None, **dict.fromkeys(CELLS)})
    leaky = {"equations": "dv/dt = (I - v)/tau : 1 (unless refractory)", "threshold": "v > 1", "reset": "v = 0"}
    leaky |= {"refractory": 2 * ms, "input": "I", "noise": None, "method": "euler"}
    yield Call("Cell", brainmem.Cell, {"name": "leaky", **leaky, "parameters": {"tau": 10 * ms}, "initial": {"v": 0.5}})
    yield Call(
        "Device",
        brainmem.Device,
        {"name": "cpp_standalone", "threads": 0, "float": 64, "target": None, "kernels": "dense"},
    )
    yield Call("reproduce", brainmem.reproduce, {"key": "kurikawa2020", "size": "quick", "claims": ("C1",), "variant": "rate",
                                                 "device": "runtime", "jobs": 1, "progress": None})  # fmt: skip


def _results(folder: Path) -> Iterator[Call]:
    rate, spiking = synthetic.result(traces=True), synthetic.result("spiking", traces=True)
    spiking_path = folder / "r.nc"
    rate.save(spiking_path)
    both = {
        "rate_results": rate,
        "spiking_results": spiking,
        "rate": None,
        "phase": None,
        "target": None,
        "score": None,
    }
    yield Call("compare", brainmem.compare, {**both, "threshold": None, "repeats": None})
    yield Call("Result", Result, {"data": rate.data})
    yield Call("Result.load", Result.load, {"path": spiking_path})
    yield Call("Result.save", rate.save, {"path": folder / "s.nc"})
    yield Call("Result.select", rate.select, {"phase": "recall", "epoch": 1, "item": 0, "trial": None})
    yield Call("Result.parameter", rate.parameter, {"name": "gamma"})
    yield Call("Result.__getitem__", rate.__getitem__, {"name": "mean_x"})
    yield Call("Sweep.load", Sweep.load, {"store": folder})
    found = brainmem.compare(rate, spiking)
    yield Call("write_report", brainmem.write_report, {"path": folder / "p.html", "title": "x", "results": (), "comparison": None,
                                                       "claims": synthetic.claims()[:1], "figures": (), "notes": ()})  # fmt: skip
    yield Call("Comparison.get", found.get, {"key": "rate_pearson", "part": "recall", "epoch": None, "rate": None})


def _measures() -> Iterator[Call]:
    rng = np.random.default_rng(0)
    x, y = rng.random((12, 8)), rng.random((12, 8))
    w, target, cue = rng.normal(size=(8, 8)), *(np.sign(rng.normal(size=(2, 8))) for _ in range(2))
    result = synthetic.result()
    table = {
        "result": result,
        "phase": None,
        "target": None,
        "score": None,
        "threshold": None,
        "repeats": None,
        "level": None,
    }
    cues = {"overlaps": [0.5, 1.0], "threshold": 0.9, "repeats": 1, "sweeps": 3, "seed": 0}
    good: dict[str, dict[str, Any]] = {
        "region_currents": {"weights": w, "rates": x, "regions": tuple("AABBAABB"), "units": (), "step": 0.1},
        "region_weights": {"weights": w, "regions": tuple("AABBAABB")},
        "region_shares": {"currents": measure.region_currents(w, x, tuple("AABBAABB"))},
        "pearson": {"x": x, "y": y, "axis": -1}, "nrmse": {"output": x, "reference": y}, "pvar": {"target": x, "output": y},
        "unit_pvar": {"target": x, "output": y},
        "fano_factor": {"trace": x, "tau": 0.1, "rate_max": 100.0, "cells_per_unit": 4},
        "band_structure": {"weights": w, "place": np.arange(8), "width": 2},
        "row_norms": {"weights": w}, "hebb": {"patterns": target}, "stability": {"weights": w, "patterns": target},
        "pattern_coordinates": {"weights": w, "targets": target, "cues": cue},
        "decorrelation_index": {"weights": w, "targets": target, "cues": cue},
        "decorrelation": {"result": result, "weights": "recurrent_w", "targets": "target", "cues": "cue"},
        "designed_hebb": {"targets": target, "cues": cue},
        "designed_pseudo_inverse": {"targets": target, "cues": cue, "gamma": 1.0, "kappa": 1.0, "c": 1.0},
        "standard_error": {"values": x, "axis": 0},
        "bootstrap": {"values": x[0], "statistic": np.mean, "level": 0.9, "samples": 10, "seed": 0},
        "nearest_cosine": {"x": x, "patterns": target}, "time_summary": {"values": x, "transient": 1},
        "ring_distance": {"a": x, "b": y, "size": 1.0}, "drift": {"places": x, "starts": y, "size": 1.0},
        "bump_scores": {"x": x, "template": x[0], "places": np.arange(8)[None]},
        "decode": {"x": x, "template": x[0], "places": np.arange(8)[None]},
        "displacement": {"places": x, "starts": y, "size": 8.0}, "end_points": {"places": target[0]},
        "diffusion": {"moved": x, "times": np.arange(1.0, 1.0 + x.shape[1])},
        "recall_table": {**table, "rate": None},
        "dice": {"x": x[0], "target": target[0], "level": 0.5}, "retention": {"source": result, "learned": "learn"},
        "overlap": {"x": x[0], "target": target[0]}, "recalled_fraction": {"overlaps": x, "threshold": 0.5},
        "capacity": {"loads": [0.1, 0.2], "fractions": [1.0, 0.2], "level": 0.5},
        "capacity_bound": {"gamma": 1.0}, "recall_ceiling": {"gamma": 1.0},
        "pvar_of_tests": {"result": result, "phase": "test", "target": "R", "misfit": "misfit"},
        "centre_of_mass": {"rates": x, "step": 0.1}, "bvar": {"rates": x, "step": 0.1, "bin_width": 0.1},
        "dimension": {"rates": x, "share": 0.9}, "lowpass": {"rates": x, "tau": 0.1, "step": 0.01},
        "magnitude_of_change": {"after": w, "before": w + 1},
        "selectivity": {"rates": rng.random((2, 5, 4)), "preferred": [0, 1, 0, 1]},
        "resilience": {"levels": [0.1, 0.2], "values": [1.0, -1.0]},
        "stability_summary": {"weights": w, "patterns": target},
        "stability_table": {"result": result, "weights": "recurrent_w", "patterns": "target"},
        "one_step_overlap": {"weights": w, "patterns": target, "start_overlap": 0.5, "repeats": 2, "seed": 0},
        "one_step_overlap_expected": {"weights": w, "patterns": target, "start_overlap": 0.5},
        "relax": {"weights": w, "states": target, "sweeps": 3, "seed": 0},
        "damaged": {"patterns": target, "overlaps": [0.5, 1.0], "repeats": 2, "seed": 0},
        "retrieval_map": {"weights": w, "patterns": target, **cues},
        "retrieval_table": {"result": result, "weights": "recurrent_w", "patterns": "target", **cues},
        "basin_radius": {"overlaps": [0.5, 1.0], "final": [0.6, 1.0], "level": 0.9},
        "cosine": {"first": w, "second": w + 1}, "spectrum": {"weights": w + w.T, "patterns": target},
        "energies": {"weights": w + w.T, "states": target, "biases": np.ones(8)},
        "boltzmann": {"weights": w + w.T, "biases": np.ones(8), "temperature": 1.0},
        "specific_heat": {"weights": w + w.T, "temperatures": [0.5, 1.0], "biases": None},
        "pair_moments": {"states": target, "probabilities": [0.5, 0.5]},
        "moment_correlation": {"first": w, "second": w + w.T}, "kl_divergence": {"p": [0.5, 0.5], "q": [0.1, 0.9]},
        "energy_wasserstein": {"first": x[0], "second": y[0], "p": None, "q": None},
    }  # fmt: skip
    traced = {"result": synthetic.result(traces=True), "name": "x", "share": 0.5}
    yield Call("measure.settled", measure.settled, traced)
    yield Call("measure.Criterion.of", measure.Criterion.of, table)
    for name, arguments in good.items():
        yield Call(f"measure.{name}", getattr(measure, name), arguments)


def _plots() -> Iterator[Call]:
    rng = np.random.default_rng(0)
    rate, spiking = synthetic.result(traces=True), synthetic.result("spiking", traces=True)
    agreement, table = brainmem.compare(rate, spiking), rng.random((12, 8))
    pictures = np.sign(rng.normal(size=(2, 9)))
    good: dict[str, dict[str, Any]] = {
        "raster": {"result": spiking, "start": 0.0, "stop": None, "trial": 0},
        "rates": {"results": rate, "rate": "x", "units": (0, 1), "start": 0.0, "stop": None, "trial": 0},
        "overlaps": {"results": rate, "observable": "overlap", "learn": "learn", "threshold": 0.8},
        "weights": {"result": rate, "variable": None, "targets": "target", "cues": "cue"},
        "fi_curve": {"calibration": synthetic.calibration()},
        "recall_curve": {"results": rate, "threshold": 0.8, "score": "overlap"},
        "comparison": {"agreement": agreement, "rate": None},
        "claims": {"rows": synthetic.claims()[:1]},
        "digits": {"cue": pictures, "recalled_rate": None, "recalled_spiking": None, "target": pictures, "shape": None},
        "pvar_of_tests": {"pvars": [0.1, 0.2]},
        "region_currents": {"currents": measure.region_currents(rng.random((8, 8)), table, tuple("AABBAABB")), "top": 0.9},
        "unit_fits": {"targets": table, "rates": table + 0.1, "step": 0.1, "names": (), "regions": tuple("AABBAABB")},
        "pvar_curve": {"fractions": [0.1, 0.2], "pvars": {"a": [0.1, 0.2]}},
        "weight_bands": {"after": rng.normal(size=(8, 8)), "before": None, "place": np.arange(8), "width": 2, "mark": 0.5},
    }  # fmt: skip
    for name, arguments in good.items():
        yield Call(f"plot.{name}", getattr(plot, name), arguments)
    yield Call(
        "plot.sequences", plot.sequences, {"rates": (table,), "steps": 0.1, "names": ("a",), "order": None}, "rates"
    )
