"""Tuning: known optima, the budget, what a second call does, and what is said of the outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from brian2 import Hz, ms, second

from brainmem import (
    Choice,
    DeviceError,
    Each,
    LearningRule,
    Limit,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    ResultError,
    RuleError,
    Spiking,
    Stimulus,
    Sweep,
    Tuned,
    simulate,
    tune,
)
from tests.support.small_models import small

ETA = {"eta": (1e-4, 1, "log")}
RUNTIME = {"device": "runtime", "jobs": 1}


def delta(**changes) -> MemoryModel:
    """Return a unit that learns the label of one cue in one step of the delta rule, w += eta*(label - w.cue)*cue."""
    fields = {
        "parameters": (Parameter("n_inputs", 20), Parameter("eta", 0.5), Parameter("time_step", 1 * ms)),
        "populations": (Population("inputs", "seen = cue : 1", size="n_inputs"), Population("output", "h : 1", size=1)),
        "projections": (
            Projection(
                "forward", "inputs", "output", current="h_post = w*seen_pre : 1 (summed)", initial={"w": "zeros()"}
            ),
        ),
        "rules": (LearningRule("delta", "forward", episodic="w += eta*(1 - h_post)*seen_pre", at=("show",)),),
        "stimuli": (Stimulus("cue", "inputs", items=1, draw="normal(0, 1)"),),
        "limits": (Limit("eta < 0.9", "larger steps are not meant"),),
        "protocol": Protocol((Phase("show", duration="2*time_step", stimuli=("cue",)),), (Each("show", items=1),)),
        "rate_dt": "time_step",
    }
    return MemoryModel("delta", **{**fields, **changes})


def closeness(result) -> float:
    """Return minus the squared error after the step, which is -(1 - eta*|cue|^2)^2."""
    return -float((1 - result.forward_w.values[-1] @ result.cue.values[0]).item() ** 2)


def fails_often(result) -> float:
    """Return what `closeness` does, but nan or an error for small steps."""
    eta = result.parameter("eta")
    if eta < 1e-3:
        raise ValueError(f"{eta} is too small")
    return float("nan") if eta < 3e-3 else closeness(result)


def two_numbers(result):
    return np.zeros(2)


def flat(result) -> float:
    return 0.0


def run(store, objective=closeness, space=ETA, **options) -> Tuned:
    return tune(options.pop("model", delta()), objective, space, store=store, **{"jobs": 1, "budget": 8, **options})


def worker(result) -> float:
    return float(os.getpid())


def kills_itself(result) -> float:
    if result.parameter("eta") > 0.1:
        os.kill(os.getpid(), signal.SIGKILL)
    return float(os.getpid())


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def points(found: Tuned, name="eta") -> list:
    return [item.point[name] for item in found.evaluations]


def files(store: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in store.glob("*.nc")}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory) -> Tuned:
    """Forty evaluations with two seeds, on compiled code."""
    return run(tmp_path_factory.mktemp("tuned") / "store", budget=40, seeds=(3, 4))


@pytest.mark.slow
def test_the_best_learning_rate_is_that_of_the_closed_form(tuned):
    squares = [float((simulate(delta(), seed=s, device="runtime").cue.values ** 2).sum()) for s in (3, 4)]
    best = sum(squares) / sum(square**2 for square in squares)
    assert tuned.best["eta"] == pytest.approx(best, rel=0.02)
    expected = [-((1 - tuned.best["eta"] * square) ** 2) for square in squares]
    np.testing.assert_allclose(tuned.values[tuned.place], expected, atol=1e-9)
    assert tuned.mean == pytest.approx(np.mean(expected))
    assert tuned.spread == pytest.approx(np.std(expected, ddof=1))
    assert tuned.source() == "tuned: differential evolution, 40 evaluations, seeds 3-4"


@pytest.mark.slow
def test_the_budget_is_kept_to_and_every_evaluation_is_a_small_point_of_a_sweep(tuned):
    assert len(tuned.evaluations) == len(set(points(tuned))) == 40
    swept = Sweep.load(tuned.store)
    assert len(swept.finished) == len(swept.points) == 80
    assert all(point.path.stat().st_size < 4096 for point in swept.points)
    assert all(float(f"{eta:.4g}") == eta for eta in points(tuned))


def test_the_table_and_the_text_hold_what_was_found(tuned):
    table = tuned.table
    assert dict(table.sizes) == {"evaluation": 40, "seed": 2}
    np.testing.assert_array_equal(table.eta, points(tuned))
    assert table.objective_mean.argmax() == tuned.place
    text = str(tuned)
    for part in ("delta, rate variant", "at most 40", "seeds 3-4", "closeness, greater is better", "0.0001 to 1, log"):
        assert part in text
    assert "as good as the best, within a standard error of the difference" in text


def test_what_was_found_loads_without_brian2(tuned):
    code = (
        f"import sys; sys.modules['brian2'] = None\nfrom brainmem import Tuned\nprint(Tuned.load({str(tuned.store)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tuned)
    again = Tuned.load(tuned.store)
    assert (again.evaluations, again.axes) == (tuned.evaluations, tuned.axes)


def test_the_best_point_goes_into_a_model_with_its_source(tuned):
    varied = delta().vary(tuned.best, source=tuned.source())
    assert next(item for item in varied.parameters if item.name == "eta").source == tuned.source()
    assert simulate(varied, seed=3, device="runtime").parameter("eta") == tuned.best["eta"]


def test_starts_come_first_as_they_are_and_a_larger_budget_goes_on_from_a_smaller_one(tmp_path):
    options = {"starts": [{"eta": 0.0123456}, {}], "seeds": 1}
    small = run(tmp_path, budget=5, **options)
    assert points(small)[:2] == [0.0123456, 0.5]
    before = files(tmp_path)
    large = run(tmp_path, budget=30, **options)
    assert large.evaluations[:5] == small.evaluations
    assert len(large.evaluations) == 30
    assert {name: when for name, when in files(tmp_path).items() if name in before} == before
    assert run(tmp_path, budget=5, **options).evaluations == small.evaluations
    assert Tuned.load(tmp_path).evaluations == large.evaluations


def test_a_tuning_that_was_stopped_goes_on_and_runs_nothing_twice(tmp_path, tuned):
    class Stopped(Exception):
        pass

    def stop(finished, failed, total):
        assert total == 60
        if finished == 51:
            raise Stopped

    with pytest.raises(Stopped):
        run(tmp_path, budget=30, seeds=(3, 4), progress=stop)
    before = files(tmp_path)
    assert len(before) == 51
    assert Tuned.load(tmp_path).evaluations == tuned.evaluations[:24]
    assert run(tmp_path, budget=30, seeds=(3, 4)).evaluations == tuned.evaluations[:30]
    after = files(tmp_path)
    assert before.items() <= after.items()
    assert len(after) == 60


@pytest.mark.slow
def test_all_generations_of_a_tuning_have_the_same_workers_which_end_with_it(tmp_path):
    """New ones would import for each generation what the objective needs."""
    options = {"space": {"eta": (1e-4, 0.8, "log")}, "seeds": 2, "jobs": 2}  # whatever is found, within the limits
    found = run(tmp_path / "whole", worker, budget=36, **options)
    assert len(found.evaluations) == 36
    workers = {int(value) for item in found.evaluations for value in item.values}
    assert 1 <= len(workers - {os.getpid()}) <= 2
    with pytest.raises(DeviceError, match="A worker process was killed"):
        run(tmp_path / "killed", kills_itself, budget=24, **options)
    again = run(tmp_path / "again", worker, budget=3, **options)
    workers |= {int(value) for item in again.evaluations for value in item.values}
    until = time.monotonic() + 20
    while not all(map(is_gone, workers - {os.getpid()})):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_points_that_fail_count_and_are_reported(tmp_path):
    with pytest.warns(RuntimeWarning, match=r"tune\(\): \d+ of 30 evaluations failed and count as the worst"):
        found = run(tmp_path, fails_often, budget=30, seeds=1, starts=[{"eta": 0.95}])
    failing = {eta for eta in points(found) if eta < 3e-3 or eta >= 0.9}
    assert {item.point["eta"] for item in found.failed} == failing
    errors = " ".join(item.error for item in found.failed)
    assert "ValueError" in errors
    assert "the objective is nan" in errors
    assert "larger steps are not meant" in errors
    assert found.best["eta"] not in failing
    assert Tuned.load(tmp_path).evaluations[0].error == found.evaluations[0].error
    assert found.table.failed.sum() == len(failing)


def test_nothing_is_tuned_where_all_of_the_first_points_fail(tmp_path):
    with pytest.raises(ResultError, match=r"each of the first 3 points failed.*ValueError.*too small"):
        run(tmp_path, fails_often, {"eta": (1e-5, 1e-4)}, budget=3, seeds=1)
    with pytest.raises(RuleError, match="larger steps are not meant"):
        run(tmp_path / "refused", space={"eta": (0.95, 1)}, budget=3, seeds=1)
    with pytest.raises(RuleError, match="must return one number, and returned something of shape"):
        run(tmp_path / "two", two_numbers, budget=1, seeds=1)


def test_a_flat_objective_and_the_edge_of_a_space_are_named(tmp_path):
    assert "the objective is 0 at every point" in str(run(tmp_path / "flat", flat, seeds=1)).lower()
    assert "eta = 0.01 is at the edge of its space: widen it." in str(
        run(tmp_path / "edge", space={"eta": (1e-3, 0.01)}, starts=[{"eta": 0.01}], seeds=1)
    )


def willshaw() -> MemoryModel:
    """Return units that store sparse patterns in binary weights and recall them by a threshold on their sums."""
    return MemoryModel(
        "willshaw",
        parameters=(
            Parameter("N", 40),
            Parameter("M", 4),
            Parameter("K", 5),
            Parameter("theta", 2),
            Parameter("time_step", 1 * ms),
        ),
        populations=(Population("units", "h : 1\nseen = cue : 1\nx = int(h >= theta) : 1"),),
        projections=(
            Projection("memory", "units", "units", current="h_post = w*seen_pre : 1 (summed)",
                       initial={"w": "clip(cue.T @ cue, 0, 1)"}, self_connections=True),
        ),
        observables=(Observable("wrong", "abs(x - cue)", population="units", reduce="sum"),),
        stimuli=(Stimulus("cue", "units", draw="int(permutation() < K)"),),
        protocol=Protocol((Phase("recall", duration="2*time_step", stimuli=("cue",)),), (Each("recall"),)),
        rate_dt="time_step",
    )  # fmt: skip


def recalled(result) -> float:
    return float((result.wrong.values < 0.5).mean())


def test_a_threshold_that_is_a_whole_number_is_found_among_the_few_that_there_are(tmp_path):
    found = run(tmp_path, recalled, {"theta": (1, 7)}, model=willshaw(), budget=20, seeds=1, **RUNTIME)
    cue = simulate(willshaw(), device="runtime").cue.values
    fields = cue @ np.clip(cue.T @ cue, 0, 1)
    expected = {theta: float(((fields >= theta) == cue).all(axis=1).mean()) for theta in range(1, 8)}
    assert {item.point["theta"]: item.values[0] for item in found.evaluations} == expected
    assert expected[found.best["theta"]] == max(expected.values()) > expected[2]
    assert "ended after 7 of 20 evaluations" in str(found)
    assert "One seed" in str(found)


def test_options_of_a_choice_and_values_of_a_list_are_tuned(tmp_path):
    rules = Choice("drive", {"delta": "1 - h_post", "hebb": "1", "anti": "-1"})
    rule = LearningRule("delta", "forward", episodic="w += eta*drive*seen_pre", at=("show",))
    model = delta(choices=(rules,), rules=(rule,))
    space = {"drive": ["anti", "hebb"], "eta": [0.01, 0.02]}
    found = run(
        tmp_path, space=space, model=model, budget=20, seeds=1, starts=[{"eta": 0.02, "drive": "hebb"}], **RUNTIME
    )
    assert len(found.evaluations) == 4
    assert found.evaluations[0].point == {"drive": "hebb", "eta": 0.02}
    assert found.best["drive"] == "hebb"
    assert model.vary(found.best).choices[0].default == "hebb"


def test_bounds_with_units_give_points_with_units(tmp_path):
    model = delta(parameters=(Parameter("n_inputs", 20), Parameter("T", 10 * ms), Parameter("time_step", 1 * ms)),
                  rules=(LearningRule("delta", "forward", episodic="w += T/second*seen_pre", at=("show",)),),
                  limits=())  # fmt: skip
    found = run(tmp_path, space={"T": ("10*ms", 0.1 * second)}, model=model, budget=2, seeds=1, **RUNTIME)
    (axis,) = found.axes
    assert (axis.low, axis.high, axis.unit) == (0.01, 0.1, "second")
    assert found.best["T"] == f"{found.evaluations[found.place].point['T']!r}*second"
    assert model.vary(found.best).parameters[1].value / second == found.evaluations[found.place].point["T"]
    assert "0.01 to 0.1 second" in str(found)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "names nothing to tune"),
        ({"eat": (0, 1)}, r"model 'delta' has no 'eat'\. Did you mean 'eta'"),
        ({"eta": (1, 0.1)}, "first bound must be below"),
        ({"eta": (0, 1, "log")}, "logarithmic scale"),
        ({"eta": (0, 1, "lin")}, "scale 'lin' must be one of 'linear', 'log'"),
        ({"eta": 0.1}, "must be bounds"),
        ({"eta": [0.1]}, "at least two values"),
        ({"eta": [0.1, 0.1]}, "at least two values"),
        ({"eta": (0, 1, np.zeros(2))}, "scale array"),
        ({"eta": (0, 1 * ms)}, r"space: eta=\(0, .*must have the unit of its default"),
        ({"n_inputs": (1, 2.5)}, "whole number"),
        ({"time_step": (1 * ms, 2 * ms)}, "given twice"),
    ],
)
def test_a_space_that_the_model_does_not_have_is_refused(space, message, tmp_path):
    with pytest.raises(RuleError, match=message):
        run(tmp_path, space=space, parameters={"time_step": 1 * ms})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"starts": [{"eta": 2}]}, "eta = 2 is outside its space, 0.0001 to 1, log"),
        ({"starts": [{"eat": 0.1}]}, "Did you mean 'eta'"),
        ({"starts": [{}, {}], "budget": 1}, "budget=1 does not reach for the 2 points of starts"),
        ({"starts": {"eta": 0.1}}, "must be a list of points"),
        ({"method": "evolve"}, "choose one of 'evolution', 'sobol'"),
        ({"objective": lambda result: 0, "jobs": 2}, r"tune\(\): objective=.*lambda"),
    ],
)
def test_other_arguments_that_cannot_be_meant_are_refused(options, message, tmp_path):
    with pytest.raises(RuleError, match=message):
        run(tmp_path, **options)


def test_a_store_refuses_another_tuning(tuned):
    for changes, what in (
        ({"seeds": 1}, r"seeds: \[3, 4\] there, \[0\] now"),
        ({"space": {"eta": (0.1, 0.2)}}, "space of eta: 0.0001 to 1, log there, 0.1 to 0.2 now"),
        ({"method": "sobol"}, "method"),
        ({"starts": [{}]}, "starts"),
    ):
        with pytest.raises(ResultError, match=f"holds another tuning. What differs: {what}"):
            run(tuned.store, **{"seeds": (3, 4), **changes})


def test_a_store_without_a_tuning_or_with_a_damaged_one_says_so(tmp_path, tuned):
    with pytest.raises(ResultError, match=r"there is no file 'tuning\.json'"):
        Tuned.load(tmp_path)
    text = (tuned.store / "tuning.json").read_bytes()
    (tmp_path / "tuning.json").write_bytes(text.replace(b"0.5", b"0.6", 1))
    with pytest.raises(ResultError, match=r"was damaged. Tune again"):
        Tuned.load(tmp_path)


def last_overlap(result) -> float:
    return float(result.overlap.values[-1])


@pytest.mark.full
def test_spiking_cells_are_tuned_too_in_other_processes_and_their_own_parameters(tmp_path):
    variant = Spiking(neuron="poisson", cells_per_unit=4)
    space = {"gamma": (0.1, 1.0), "rate_max": (50 * Hz, 200 * Hz)}
    found = run(tmp_path, last_overlap, space, model=small(), variant=variant, seeds=2, budget=6, jobs=2)
    assert found.about["fixed"] == {"cells_per_unit": "4"}
    assert [axis.unit for axis in found.axes] == ["1", "hertz"]
    alone = simulate(small(), variant, parameters=found.best, seed=1)
    assert last_overlap(alone) == found.values[found.place, 1]
