"""Sweeps that keep what a function makes of results, in place of the results."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from brainmem import ResultError, RuleError, Sweep, measure, simulate, sweep
from tests.support.counting_models import counting, perceptron

WHERE = {"device": "runtime", "jobs": 1}


def summary(result) -> xr.Dataset:
    """Return how the perceptron ended, with named dimensions."""
    last = result.forward_w.values[-1]
    return xr.Dataset(
        {"epochs": result.repeats[0]["epochs"], "norm": ("output", np.linalg.norm(last, axis=1))},
        coords={"output": ["a", "b", "c"]},
    )


def epochs_run(result) -> int:
    return result.repeats[0]["epochs"]


def fails_at_seed_one(result) -> dict:
    if result.seed == 1:
        raise ValueError("no such thing")
    return {"errors": result.errors.values[-3:], "done": result.complete}


def objects(result):
    return {"found": np.array([object()])}


def run(store, f, *, model=None, **options):
    return sweep(model or perceptron(), store=store, measure=f, **{**WHERE, **options})


def test_only_what_the_function_returns_is_kept_along_the_axes(tmp_path):
    found = run(tmp_path, summary, parameters={"M": [4, 8]}, seeds=2, record={"forward.w": ("last",)})
    data = found.dataset()
    assert dict(data.sizes) == {"M": 2, "seed": 2, "output": 3}
    for size in (4, 8):
        for seed in (0, 1):
            alone = simulate(perceptron(), parameters={"M": size}, seed=seed, device="runtime")
            here = data.sel(M=size, seed=seed)
            assert here.epochs == alone.repeats[0]["epochs"]
            np.testing.assert_allclose(here.norm, np.linalg.norm(alone.forward_w.values[-1], axis=1))
    assert list(data.output.values) == ["a", "b", "c"]
    assert all(point.path.stat().st_size < 40_000 for point in found.points)
    about = json.loads(xr.load_dataset(found.points[0].path).attrs["about"])
    assert (about["model"], about["seed"], about["parameters"]["M"]) == ("perceptron", 0, [4.0, "1"])
    again = Sweep.load(tmp_path)
    assert again.measure.endswith("test_measured.summary")
    xr.testing.assert_identical(again.dataset(), data)
    with pytest.raises(ResultError, match=r"keeps no results, but what measure=.*summary made of them"):
        again.results()
    with pytest.raises(ResultError, match="keeps no results"):
        again.dataset(epochs_run)


def test_numbers_are_arrays_of_their_own_and_resuming_runs_nothing(tmp_path):
    counts = []
    for _ in range(2):
        found = run(tmp_path, epochs_run, model=counting(), seeds=3, progress=lambda *n: counts.append(n))
    assert counts == [(1, 0, 3), (2, 0, 3), (3, 0, 3)]
    data = found.dataset()
    assert data.name == "epochs_run"
    assert data.dims == ("seed",)
    with pytest.raises(ResultError, match="this store keeps results"):
        sweep(counting(), store=tmp_path / "results", **WHERE).dataset()


def test_errors_of_the_function_are_those_of_the_point(tmp_path):
    with pytest.warns(RuntimeWarning, match="1 of 2 points failed"):
        found = run(tmp_path, fails_at_seed_one, seeds=2)
    assert found.failed[0].error == "ResultError: measure=fails_at_seed_one: ValueError: no such thing"
    data = found.dataset()
    assert data.done.sel(seed=0) == 1
    assert np.isnan(data.errors.sel(seed=1)).all()
    with pytest.warns(RuntimeWarning, match="found is neither numbers nor text"):
        run(tmp_path / "objects", objects)


def test_a_store_refuses_another_function_and_another_text(tmp_path, monkeypatch):
    run(tmp_path, epochs_run, model=counting())
    with pytest.raises(ResultError, match=r"measure: .*epochs_run there, .*fails_at_seed_one now"):
        run(tmp_path, fails_at_seed_one, model=counting())
    with pytest.raises(ResultError, match="holds another sweep"):
        sweep(counting(), store=tmp_path, **WHERE)
    monkeypatch.setattr("brainmem.sweeps.measured._text", lambda measure: "another")
    with pytest.raises(ResultError, match="the text of the function measure"):
        run(tmp_path, epochs_run, model=counting())


@pytest.mark.slow
def test_other_processes_import_the_function(tmp_path):
    found = run(tmp_path, epochs_run, model=counting(), seeds=2, jobs=2)
    assert found.dataset().dims == ("seed",)
    small = {"N": 10, "M": 2, "epochs": 1, "starts": 1, "test_epochs": (1,)}
    own = run(tmp_path / "own", measure.recall_table, model="kurikawa2020", jobs=2, parameters=small)
    assert own.dataset().recalled.dims == ("seed", "epoch")


def test_functions_that_cannot_be_found_again_are_refused(tmp_path):
    limit = 3

    def local(result):
        return result.seed

    def closed(result):
        return result.seed > limit

    class Callable:
        def __call__(self, result):
            return 1

    script = type(local)(local.__code__, {}, "script")
    script.__module__ = script.__qualname__ = "__main__"
    for f, reason in (
        (local, "stands in another function"),
        (lambda r: 1, "is a lambda"),
        (script, "the script or note"),
    ):
        with pytest.raises(RuleError, match=f"{reason}.*a file beside the script.*jobs=1"):
            run(tmp_path, f, jobs=2)
    with pytest.raises(RuleError, match="closed depends on values of the place where it was made"):
        run(tmp_path, closed)
    with pytest.raises(RuleError, match="has no name"):
        run(tmp_path, Callable())
    assert run(tmp_path, local, model=counting()).dataset().values == [0]
