"""Sweeps: what is run and kept, what a second call does, and what is left by one that was stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms
from typer.testing import CliRunner

import brainmem.sweeps.running
import brainmem.sweeps.sweep
from brainmem import (
    BrainmemError,
    DeviceError,
    Result,
    ResultError,
    RuleError,
    Sweep,
    get_model,
    measure,
    simulate,
    sweep,
)
from brainmem.cli import app
from brainmem.cli.options import parse_seeds, sweep_settings
from tests.support.processes import MARK, marked, same, wait_until

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"N": 16, "M": 3, "epochs": 2, "test_epochs": (2,), "starts": 1, "T_learn": "20*tau", "T_recall": "4*tau"}
SMALL |= {"T_average": "2*tau"}
EPS = [0.002, 0.03]


def run(store: Path, **options) -> Sweep:
    parameters = options.pop("parameters", {"eps": EPS})
    if isinstance(parameters, dict):
        parameters = {**SMALL, **parameters}
    return sweep("kurikawa2020", parameters=parameters, store=store, **{"jobs": 1, **options})


def last_weights(result: Result) -> np.ndarray:
    return result.recurrent_w.values[-1]


def files(store: Path) -> dict[str, int]:
    """Return every file of a store and when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in store.iterdir()}


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> Sweep:
    """Two values and two seeds, run one after the other in this process."""
    return run(tmp_path_factory.mktemp("serial") / "store", seeds=2)


def test_every_point_holds_what_simulate_gives(serial):
    assert [(point.parameters["eps"], point.seed) for point in serial.points] == [(e, s) for e in EPS for s in (0, 1)]
    for point, result in zip(serial.points, serial.results(), strict=True):
        alone = simulate("kurikawa2020", parameters={**SMALL, **point.parameters}, seed=point.seed)
        np.testing.assert_array_equal(result.recurrent_w, alone.recurrent_w)
        np.testing.assert_array_equal(result.mean_x, alone.mean_x)
        assert result.parameters == alone.parameters
        assert result.seed == point.seed


def test_a_store_is_not_extended_with_the_numbers_of_another_version(serial, monkeypatch):
    monkeypatch.setattr("brainmem.sweeps.points.versions", lambda: {"brian2": "0.1"})
    with pytest.raises(ResultError, match=r"version of brian2: .* there, 0\.1 now"):
        run(serial.store, seeds=3)


def test_parallel_and_serial_runs_give_the_same_numbers(serial, tmp_path):
    assert same(serial, run(tmp_path, jobs=2, seeds=2))
    weights = serial.dataset(last_weights).sel(seed=0)
    assert float(abs(weights[0] - weights[1]).max()) > 1e-3


def test_spiking_runs_too_give_the_same_numbers_in_parallel(tmp_path):
    options = {"variant": "spiking", "seeds": 2, "parameters": {"eps": EPS[1:]}}
    one, two = (run(tmp_path / f"{jobs}", jobs=jobs, **options) for jobs in (1, 2))
    assert same(one, two)
    assert all(result.calibration for result in two.results())


def test_the_runtime_device_sweeps_too(serial, tmp_path):
    found = run(tmp_path, device="runtime", jobs=2, parameters={"eps": EPS[:1]}, seeds=2)
    np.testing.assert_allclose(found.dataset(last_weights), serial.dataset(last_weights).isel(eps=[0]), atol=1e-12)


def test_a_grid_becomes_a_dataset_with_its_dimensions(serial):
    found = serial.dataset(measure.recall_table)
    assert dict(found.recalled.sizes) == {"eps": 2, "seed": 2, "epoch": 1}
    assert found.eps.values.tolist() == EPS


def test_a_list_of_points_runs_these_only_and_fills_in_defaults(tmp_path):
    wanted = [{**SMALL, "eps": 0.03, "gamma": 0.7}, {**SMALL, "eps": 0.002}]
    found = run(tmp_path, parameters=wanted, seeds=(4,))
    assert [(p.parameters["eps"], p.parameters["gamma"], p.seed) for p in found.points] == [
        (0.03, 0.7, 4),
        (0.002, 0.6, 4),
    ]
    assert found.dataset(last_weights).dims[0] == "point"


def test_a_second_call_runs_only_what_is_missing(serial, tmp_path):
    found = run(tmp_path, seeds=2)
    before = files(tmp_path)
    run(tmp_path, seeds=2)
    assert files(tmp_path) == before
    lost = found.points[1].path
    content = Result.load(lost)
    lost.unlink()
    counts = []
    again = run(tmp_path, seeds=2, progress=lambda *numbers: counts.append(numbers))
    assert counts == [(4, 0, 4)]
    assert {name for name, when in files(tmp_path).items() if before[name] != when} == {lost.name}
    np.testing.assert_array_equal(Result.load(lost).recurrent_w, content.recurrent_w)
    assert again == found


def test_a_store_grows_by_values_and_seeds(tmp_path):
    run(tmp_path, parameters={"eps": EPS[:1]})
    before = files(tmp_path)
    more = run(tmp_path, parameters={"eps": [0.01, 0.03]}, seeds=(0, 5))
    assert len(more.points) == 4
    assert before.items() <= files(tmp_path).items()
    whole = Sweep.load(tmp_path)
    assert whole.axes == {"eps": [0.002, 0.01, 0.03], "seed": [0, 5]}
    values = whole.dataset(lambda result: result.seed)
    assert np.isnan(values.sel(eps=0.002, seed=5))
    assert values.sel(eps=0.03).values.tolist() == [0, 5]


def test_values_are_compared_as_numbers_however_they_are_written(tmp_path):
    first = run(tmp_path, parameters={"T_recall": [80 * ms], "eps": "0.03/N"})
    again = run(tmp_path, parameters={"T_recall": ["80*ms"], "eps": "0.03/N", "M": 3.0})
    assert first == again
    assert first.units == {"T_recall": "second"}
    assert again.points[0].parameters == {"T_recall": 0.08}


CHANGES = {
    "fixed parameters": {"parameters": {"eps": EPS, "gamma": 0.7}},
    "swept parameters": {"parameters": {"eps": EPS, "gamma": [0.6]}},
    "device": {"device": "runtime"},
    "record": {"record": ("weights", "x")},
    "inputs": {"inputs": {"cue": np.sign(np.random.default_rng(0).normal(size=(3, 16)))}},
    "points": {"parameters": [{"eps": 0.002}]},
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_definition_in_the_same_store_is_refused(serial, what):
    before = files(serial.store)
    with pytest.raises(ResultError, match=f"What differs: .*{what}: "):
        run(serial.store, **CHANGES[what])
    assert files(serial.store) == before


def test_another_model_of_the_same_name_is_refused(serial):
    changed = get_model("kurikawa2020").replace(limits=())
    with pytest.raises(ResultError, match="What differs: the text of the model"):
        sweep(changed, parameters={**SMALL, "eps": EPS}, store=serial.store)


def test_a_point_that_fails_keeps_its_error_and_stops_no_other(tmp_path):
    with pytest.warns(RuntimeWarning, match=r"2 of 4 points failed, the first \(M = 40, seed 0\) with RuleError"):
        found = run(tmp_path, parameters={"M": [40, 3]}, seeds=2, jobs=2)
    assert [point.state for point in found.points] == ["finished", "finished", "failed", "failed"]
    assert "break 'M < 2*N/(1 + gamma**2)'" in found.points[2].error
    assert np.isnan(found.dataset(lambda result: result.seed).sel(M=40)).all()


def test_a_run_that_fails_is_tried_again_by_the_next_call(tmp_path, monkeypatch):
    def broken(ready, executable):
        if ready.seed == 1:
            raise OSError("no space left")
        return execute(ready, executable)

    execute = brainmem.sweeps.running.execute
    monkeypatch.setattr(brainmem.sweeps.running, "execute", broken)
    counts = []
    with pytest.warns(RuntimeWarning, match="1 of 2 points failed"):
        found = run(tmp_path, parameters={}, seeds=2, progress=lambda *numbers: counts.append(numbers))
    assert counts == [(1, 0, 2), (1, 1, 2)]
    assert found.failed[0].error == "OSError: no space left"
    monkeypatch.undo()
    assert run(tmp_path, parameters={}, seeds=2).failed == ()
    assert not list(tmp_path.glob("*.error.json"))


def test_a_sweep_of_which_no_point_can_run_raises_and_leaves_no_store(tmp_path):
    with pytest.raises(RuleError, match="record='nonsense' names nothing"):
        run(tmp_path / "store", record=("nonsense",))
    with pytest.raises(RuleError, match=r"has no parameter 'epss'\. Did you mean 'eps'"):
        run(tmp_path / "store", parameters={"epss": [1, 2]})
    assert not (tmp_path / "store").exists()


WRONG = {
    "no value": ({"parameters": {"eps": []}}, RuleError, r"eps=\[\] names no value"),
    "no point": ({"parameters": []}, RuleError, "names no point"),
    "no seed": ({"seeds": 0}, RuleError, "seeds=0: give how many"),
    "negative seed": ({"seeds": (0, -1)}, RuleError, "whole numbers of at least 0"),
    "no process": ({"jobs": 0}, DeviceError, "jobs=0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_names_nothing_to_run_is_refused(what, tmp_path):
    options, error, text = WRONG[what]
    with pytest.raises(error, match=text):
        run(tmp_path, **options)


def test_each_binary_is_prepared_once(tmp_path, monkeypatch):
    prepared = []
    monkeypatch.setattr(brainmem.sweeps.sweep, "prepare", lambda job, device: prepared.append(job.payload.sizes["N"]))
    monkeypatch.setattr(brainmem.sweeps.sweep, "_run", lambda work, ready, refused, **options: None)
    run(tmp_path, parameters={"N": [6, 8], "M": [2, 3], "epochs": [1, 2], "eps": EPS}, seeds=2)
    assert prepared == [6, 8]  # items, epochs and phases are numbers of a run


SLOW = {"T_learn": "6000*tau", "m_stop": 2.0, "eps": [1e-4, 2e-4, 3e-4]}  # the same binary
SCRIPT = """
import signal
import sys
import brainmem
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
print("started", flush=True)  # twice, if workers imported this script, which has no main guard
brainmem.sweep("kurikawa2020", parameters={parameters}, seeds=2, jobs=2, store=sys.argv[1])
print("ended", flush=True)
"""


def start(store: Path, parameters: dict) -> subprocess.Popen:
    path = store.parent / "script.py"
    path.write_text(SCRIPT.format(parameters={**SMALL, **parameters}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), MARK: str(store)}
    return subprocess.Popen(
        [sys.executable, path, store], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_script_without_a_main_guard_runs_once(serial, tmp_path):
    child = start(tmp_path / "store", {"eps": EPS})
    said, complaints = child.communicate(timeout=120)
    assert child.returncode == 0, complaints
    assert said.split() == ["started", "ended"]
    assert complaints == ""
    assert same(Sweep.load(tmp_path / "store"), serial)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Sweep:
    """What the stopped sweeps would have given."""
    return run(tmp_path_factory.mktemp("undisturbed") / "store", parameters=SLOW, seeds=2, jobs=2)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGKILL, id="SIGKILL", marks=pytest.mark.full), pytest.param(signal.SIGINT, id="SIGINT")],
)
def test_a_stopped_sweep_leaves_whole_files_no_processes_and_is_resumed(number, undisturbed, tmp_path):
    store = tmp_path / "store"
    child = start(store, SLOW)
    wait_until(lambda: len(list(store.glob("*.nc"))) >= 2)
    child.send_signal(number)
    child.communicate(timeout=60)
    assert child.returncode != 0
    wait_until(lambda: not marked(store), 30)
    stopped = Sweep.load(store)
    assert 2 <= len(stopped.finished) < 6
    assert stopped.failed == ()
    assert all(result.complete for result in stopped.results())
    if number == signal.SIGINT:
        assert not [name for name in files(store) if not name.endswith((".nc", ".json"))]
    before = {name: when for name, when in files(store).items() if name.endswith((".nc", ".json"))}
    assert same(run(store, parameters=SLOW, seeds=2, jobs=2), undisturbed)
    assert before.items() <= files(store).items()
    assert all(name.endswith((".nc", ".json")) for name in files(store))


def test_a_killed_worker_ends_the_sweep_with_advice(tmp_path, monkeypatch):
    monkeypatch.setattr(brainmem.sweeps.running, "_run_point_of", kill_this_process)
    with pytest.raises(DeviceError, match=r"A worker process was killed.*fewer jobs"):
        run(tmp_path, seeds=2, jobs=2)


def kill_this_process(path, task):
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_command_sweeps_resumes_and_shows_a_table(tmp_path):
    small = [f"--set={name}={value}" for name, value in SMALL.items() if name not in ("M", "eps")]
    options = ["kurikawa2020", *small, "--set", "M=3,40", "--seeds", "0,2", "--store", str(tmp_path / "store")]
    done = CliRunner().invoke(app, ["sweep", *options, "--jobs", "2"])
    assert done.exit_code == 1, done.output
    assert "2 of 4 points finished, 2 failed" in done.stdout
    [row] = [line.split() for line in done.stdout.splitlines() if line.startswith("3 ")]
    recalled = Sweep.load(tmp_path / "store").dataset(lambda r: float(measure.recall_table(r)["recalled"][-1])).sel(M=3)
    assert row[1:4] == ["2", "of", "2"]
    assert "recalled: overlap > 0.85" in done.stdout
    assert float(row[4]) == pytest.approx(float(recalled.mean()), abs=0.006)
    assert "failed at M = 40, seed 0 and 1 more: RuleError" in done.stdout
    assert "the same command tries them again" in done.stderr


@pytest.mark.parametrize("parameters", [5, "N", [5], [("N", 3)], None])
def test_what_is_no_mapping_of_values_is_refused(parameters, tmp_path):
    with pytest.raises(RuleError, match=r"parameters=.* must be a mapping from names to values"):
        sweep("kurikawa2020", parameters=parameters, store=tmp_path / "store")


def test_the_command_line_tells_several_values_from_one():
    given = ["eps=1e-4,3e-4", "tau=20 ms, 30 ms", "M=10", "test_epochs=(1,2)", "starts=(1,),(2,3)"]
    assert sweep_settings(given) == {
        "eps": [1e-4, 3e-4],
        "tau": ["20*ms", "30*ms"],
        "M": 10,
        "test_epochs": (1, 2),
        "starts": [(1,), (2, 3)],
    }
    assert sweep_settings(["beta=1e0,1e1", "eps=1e6", "N=20,", "T=1e3 ms,2s"]) == {
        "beta": [1.0, 10.0],
        "eps": 1e6,
        "N": 20,
        "T": ["1e3*ms", "2*s"],
    }
    for text in ("eps=,", "eps=1,,2", "eps=,1"):
        with pytest.raises(BrainmemError, match=f"--set {text}: a value is missing"):
            sweep_settings([text])
    assert parse_seeds("8") == 8
    assert parse_seeds("3, 5") == [3, 5]
    for text in ("", "x", "1.5", "-1"):
        with pytest.raises(BrainmemError, match="write how many"):
            parse_seeds(text)
