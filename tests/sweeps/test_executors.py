"""Sweeps in the workers of others: dask, pools, processes that share nothing but a disk; workers that are lost."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dask
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster

import brainmem.sweeps.elsewhere as elsewhere
from brainmem import DeviceError, ResultError, RuleError, Sweep, sweep
from brainmem.sweeps.executors import AGAIN
from brainmem.sweeps.pool import PRELOAD
from tests.support.counting_models import counting
from tests.support.executors import Breaking, Elsewhere, Losing
from tests.support.processes import same

SMALL = {"N": 16, "M": 3, "epochs": 2, "test_epochs": (2,), "starts": 1, "T_learn": "20*tau", "T_recall": "4*tau"}
SMALL |= {"T_average": "2*tau"}
EPS = [round(0.002 * k, 4) for k in range(1, 13)]


def run(store: Path, *, eps=EPS, **options) -> Sweep:
    return sweep("kurikawa2020", parameters={**SMALL, "eps": eps}, store=store, **{"seeds": 2, **options})


def count(store: Path, **options) -> Sweep:
    return sweep(counting(), store=store, device="runtime", **options)


def of_store(store: Path, seeds: tuple[int, ...]) -> list[str]:
    """Return the files that a whole store of these seeds leaves behind, beside the list of its points."""
    assert len(list(store.glob("*.nc"))) == len(seeds)
    return [path.name for path in store.iterdir() if not path.name.endswith((".nc", ".sweep.json"))]


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Sweep:
    """24 points, run one after the other in this process."""
    return run(tmp_path_factory.mktemp("alone") / "store", jobs=1)


@pytest.fixture
def quiet():
    """Keep dask from logging what is meant to happen."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("distributed").setLevel(logging.NOTSET)


class Killing:
    """Told of finished points, kills workers of a cluster with SIGKILL when there are so many."""

    def __init__(self, cluster: LocalCluster, at: tuple[int, ...]) -> None:
        self.cluster, self.at, self.killed = cluster, list(at), []

    def __call__(self, finished: int, failed: int, total: int) -> None:
        if self.at and finished >= self.at[0]:
            self.at.pop(0)
            pids = [worker.pid for worker in self.cluster.workers.values() if worker.pid not in self.killed]
            self.killed += pids[:1]
            os.kill(pids[0], signal.SIGKILL)


@contextmanager
def dask_cluster(workers: int, allowed_failures: int = 3):
    """Start workers, processes of one thread each; a call is given up after so many have died at it."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures}),
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield cluster, client


def on_dask(store: Path, workers: int, at: tuple[int, ...], **options) -> Sweep:
    with dask_cluster(workers) as (cluster, client):
        killing = Killing(cluster, at)
        found = run(store, executor=client.get_executor(), progress=killing, **options)
        assert len(killing.killed) == len(at)
    return found


@pytest.fixture
def forks():
    """Let workers begin as forks of a process that has imported Brian2, as those of our own pool do."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOAD])
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


@pytest.mark.slow
def test_points_on_dask_are_those_of_one_process_also_when_a_worker_is_killed(alone, tmp_path, quiet, forks):
    found = on_dask(tmp_path / "store", 2, (5,))
    assert same(found, alone)
    assert [path.name for path in found.store.iterdir() if not path.name.endswith((".nc", ".sweep.json"))] == []


@pytest.mark.full
def test_two_thousand_points_on_four_workers_are_those_of_one_process_also_when_workers_are_killed(tmp_path, quiet):
    many = {"eps": [round(1e-4 * k, 5) for k in range(1, 201)], "seeds": 10}
    one = run(tmp_path / "one", jobs=1, **many)
    assert len(one.finished) == 2000
    for name, at in (("dask", ()), ("killed", (300, 900))):
        found = on_dask(tmp_path / name, 4, at, **many)
        assert same(found, one)
        assert [path.name for path in found.store.iterdir() if not path.name.endswith((".nc", ".sweep.json"))] == []


def kills_its_worker(result) -> int:
    if result.seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return result.seed


@pytest.mark.full
def test_a_point_that_kills_every_worker_keeps_an_error_and_the_others_are_run(tmp_path, quiet, forks):
    with dask_cluster(2, allowed_failures=0) as (_, client):
        executor = client.get_executor()
        with pytest.warns(RuntimeWarning, match="1 of 6 points failed"):
            found = count(tmp_path, seeds=6, measure=kills_its_worker, executor=executor)
    assert found.failed[0].error.startswith(
        "DeviceError: No worker could run this point, in 3 attempts. The last ended"
    )
    assert "KilledWorker" in found.failed[0].error
    np.testing.assert_array_equal(found.dataset().dropna("seed"), [0, 2, 3, 4, 5])


MEASURE = """
def summary(result):
    w = result.recurrent_w.values
    return {"end": w[-1], "square": w[-1] @ w[0]}
"""


@pytest.mark.slow
def test_workers_that_share_only_the_disk_find_other_folders_and_build_for_themselves(tmp_path, monkeypatch):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "beside_the_script.py").write_text(MEASURE)
    monkeypatch.syspath_prepend(tmp_path / "scripts")
    from beside_the_script import summary

    home = tmp_path / "home"
    home.mkdir()
    with Elsewhere(2, home) as executor:
        found = run(tmp_path / "store", eps=EPS[:3], measure=summary, executor=executor)
        flags = executor.submit(os.getenv, "CXXFLAGS").result()
    one = run(tmp_path / "one", eps=EPS[:3], measure=summary, jobs=1)
    assert found.dataset().identical(one.dataset())
    assert "CXXFLAGS" in os.environ  # those of the process that calls, at points only
    assert flags is None
    [program] = (home / ".cache" / "brainmem" / "programs").iterdir()  # both workers' own, and the same for both
    assert {path.name for path in Path(os.environ["BRAINMEM_CACHE"], "programs").iterdir()} >= {program.name}


def test_points_run_in_threads_and_in_a_pool_of_processes_too(alone, tmp_path):
    part = EPS[:2]
    with ThreadPoolExecutor(3) as executor:
        threads = run(tmp_path / "threads", eps=part, executor=executor)
    with ProcessPoolExecutor(2) as executor:
        processes = run(tmp_path / "processes", eps=part, executor=executor)
    assert same(threads, processes)
    for point in threads.points:
        assert (alone.store / point.path.name).exists()
    pairs = zip(threads.results(), list(alone.results())[:4], strict=True)
    assert all(a.data.drop_attrs().identical(b.data.drop_attrs()) for a, b in pairs)


class Watched:
    """An executable that notes how many runs there are at once, and waits until others have come, if it is to."""

    def __init__(self, executable, wait) -> None:
        self.executable, self.wait, self.now, self.most = executable, wait, 0, 0
        self.device = executable.device

    def run(self, *arguments, **options):
        self.now += 1
        self.most = max(self.most, self.now)
        self.wait()
        try:
            return self.executable.run(*arguments, **options)
        finally:
            self.now -= 1


@pytest.mark.parametrize("device", ["cpp_standalone", "runtime"])
def test_programs_run_in_threads_at_the_same_time_and_brian2_takes_turns(device, tmp_path, monkeypatch):
    made, prepare = [], elsewhere.prepare
    wait = threading.Barrier(2, timeout=30).wait if device == "cpp_standalone" else lambda: threading.Event().wait(0.02)

    def watched(job, device):
        made.append(Watched(prepare(job, device), wait))
        return made[-1]

    monkeypatch.setattr(elsewhere, "prepare", watched)
    with ThreadPoolExecutor(2) as executor:
        found = sweep(counting(), store=tmp_path, seeds=4, executor=executor, device=device)
    assert len(found.finished) == 4
    assert [item.most for item in made] == [2 if device == "cpp_standalone" else 1]


def test_a_point_whose_worker_is_lost_is_tried_again_and_then_keeps_its_error(tmp_path):
    executor = Losing({0: AGAIN, 2: AGAIN + 1})
    counts = []
    with pytest.warns(RuntimeWarning, match="1 of 4 points failed"):
        found = count(tmp_path, seeds=4, executor=executor, progress=lambda *numbers: counts.append(numbers))
    assert found.failed[0].seed == 2
    assert found.failed[0].error == (
        "DeviceError: No worker could run this point, in 3 attempts. The last ended with OSError: the worker is gone"
    )
    assert sorted(executor.calls) == [(0, 1), (0, 2), (0, 3), (1, 1), (2, 1), (2, 2), (2, 3), (3, 1)]
    assert counts[-1] == (3, 1, 4)
    again = Losing({})
    assert count(tmp_path, seeds=4, executor=again).failed == ()
    assert again.calls == [(2, 1)]
    assert of_store(tmp_path, (0, 1, 2, 3)) == []


@pytest.mark.parametrize(("refuses", "reason"), [(False, "BrokenExecutor: a process died"), (True, "after shutdown")])
def test_a_broken_pool_ends_the_sweep_and_what_was_finished_is_kept(refuses, reason, tmp_path):
    with pytest.raises(DeviceError, match=f"runs nothing more .*{reason}.*What was finished is kept"):
        count(tmp_path, seeds=4, executor=Breaking(2, refuses=refuses))
    assert [point.seed for point in Sweep.load(tmp_path).finished] == [0, 1]
    assert len(count(tmp_path, seeds=4, executor=Losing({})).finished) == 4


class Waiting(Losing):
    """Answers the first call, and lets the others wait."""

    def __init__(self) -> None:
        super().__init__({})
        self.waiting = []

    def submit(self, fn, task, attempt):
        if not self.calls:
            return super().submit(fn, task, attempt)
        self.waiting.append(Future())
        return self.waiting[-1]


def test_ctrl_c_cancels_what_waits(tmp_path):
    executor = Waiting()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            count(tmp_path, seeds=3, executor=executor, progress=lambda *n: os.kill(os.getpid(), signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert [future.cancelled() for future in executor.waiting] == [True, True]
    assert of_store(tmp_path, (0,)) == []


WRONG = {
    "jobs": ({"jobs": 2, "executor": Losing({})}, DeviceError, "jobs=2 and executor=.*leave out jobs"),
    "no executor": (
        {"executor": map},
        RuleError,
        r"executor=.*must be a concurrent\.futures\.Executor, such as client",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_runs_no_points_is_refused(what, tmp_path):
    options, error, text = WRONG[what]
    with pytest.raises(error, match=text):
        count(tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


def epochs_run(result) -> int:
    return result.repeats[0]["epochs"]


class Changed(Losing):
    """Has workers that differ in something from the process that calls."""

    def __init__(self, change) -> None:
        super().__init__({})
        self.change = change

    def submit(self, fn, task, attempt):
        with pytest.MonkeyPatch.context() as patch:
            self.change(patch, fn.args[0])
            return super().submit(fn, task, attempt)


def other_packages(patch, path):
    patch.setattr(elsewhere, "versions", lambda: {"numpy": "0.1"})


def other_function(patch, path):
    patch.setattr(sys.modules[__name__], "epochs_run", of_store)


def no_function(patch, path):
    patch.delattr(sys.modules[__name__], "epochs_run")


def no_disk(patch, path):
    path.unlink(missing_ok=True)


def no_compiler(patch, path):
    def missing(job, device):
        raise DeviceError("Device 'cpp_standalone' needs a C++ compiler")

    patch.setattr(elsewhere, "prepare", missing)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (other_packages, DeviceError, r"a worker on '.*' \(process \d+\) has other packages.*numpy 0\.1 there"),
        (other_function, DeviceError, r"has another function measure=of_store than .*start new workers"),
        (no_function, RuleError, r"cannot import the function measure.*beside the script"),
        (no_disk, ResultError, r"finds no file '.*\.work'.*a disk that all workers share"),
        (no_compiler, DeviceError, r"a worker on .* cannot prepare the program\. Device 'cpp_standalone' needs"),
    ],
)
def test_a_worker_that_can_run_no_point_ends_the_sweep_with_advice(change, error, text, tmp_path):
    with pytest.raises(error, match=text):
        count(tmp_path, seeds=3, measure=epochs_run, executor=Changed(change))
    assert Sweep.load(tmp_path).failed == ()


def test_what_crosses_to_workers_is_a_path_and_numbers(tmp_path):
    sizes = []

    class Weighing(Losing):
        def submit(self, fn, task, attempt):
            sizes.append(len(pickle.dumps((fn, task, attempt))))
            return super().submit(fn, task, attempt)

    count(tmp_path, seeds=1, inputs={}, executor=Weighing({}))
    assert sizes[0] < 1000
