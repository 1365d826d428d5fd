"""Sweeps in parts, by several processes at the same time into one store; trials in sweeps."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from brainmem import ResultError, RuleError, Sweep, freeze, get_model, simulate, sweep
from brainmem.cli import app
from brainmem.cli.options import parse_part
from brainmem.errors import BrainmemError
from tests.support.counting_models import counting
from tests.support.processes import same

ROOT = Path(__file__).resolve().parents[2]


def run(store: Path, **options) -> Sweep:
    return sweep(counting(), parameters={"allowed": [0.5, 1.5]}, seeds=5, store=store,
                 **{"device": "runtime", "jobs": 1, **options})  # fmt: skip


def in_forks(code: str, *arguments: object) -> str:
    """Run a script in which ``at_once(count, function)`` calls a function in so many processes at the same time."""
    script = textwrap.dedent(AT_ONCE) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


AT_ONCE = """
    import os, sys, time
    from pathlib import Path

    def at_once(count, function):
        start = time.time() + 0.3
        children = []
        for k in range(count):
            children.append(os.fork())
            if children[-1] == 0:
                try:
                    while time.time() < start:
                        pass
                    function(k)
                    os._exit(0)
                except BaseException as error:
                    os.write(1, f"{type(error).__name__}\\n".encode())
                    os._exit(1)
        return [os.waitpid(child, 0)[1] for child in children]
"""
PARTS = """
    from tests.support.counting_models import counting
    from brainmem import sweep

    def part(k):
        sweep(counting(), parameters={"allowed": [0.5, 1.5]}, seeds=5, store=sys.argv[1], device="runtime", jobs=1,
              part=(k + 1, 3))

    assert at_once(3, part) == [0, 0, 0]
"""


@pytest.mark.slow
def test_parts_that_run_at_the_same_time_are_the_whole_sweep(tmp_path):
    in_forks(PARTS, tmp_path / "parts")
    whole = run(tmp_path / "whole")
    assert same(Sweep.load(tmp_path / "parts"), whole)
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {path.name for path in whole.store.iterdir()}


def test_a_part_is_every_nth_point_and_the_store_lists_all(tmp_path):
    counts = []
    found = run(tmp_path, part=(2, 4), progress=lambda *numbers: counts.append(numbers))
    assert [(p.parameters["allowed"], p.seed) for p in found.points] == [(0.5, 1), (1.5, 0), (1.5, 4)]
    assert counts == [(1, 0, 3), (2, 0, 3), (3, 0, 3)]
    status = CliRunner().invoke(app, ["status", str(tmp_path)])
    assert "3 of 10 points finished" in status.stdout
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert run(tmp_path, part=(2, 4)) == found
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    sizes = [len(run(tmp_path, part=(k, 4)).points) for k in (1, 2, 3, 4)]
    assert sizes == [3, 3, 2, 2]
    assert len(Sweep.load(tmp_path).finished) == 10
    assert run(tmp_path, part=(11, 12)).points == ()


def test_a_part_that_cannot_run_leaves_the_others_theirs_and_a_sweep_that_cannot_leaves_no_store(tmp_path):
    options = {
        "parameters": {"N": 16, "M": [40, 3]},
        "seeds": 1,
        "device": "runtime",
        "jobs": 1,
        "store": tmp_path / "a",
    }
    with pytest.warns(RuntimeWarning, match="1 of 1 points failed"):
        found = sweep("kurikawa2020", part=(1, 2), **options)
    assert [point.state for point in found.points] == ["failed"]
    assert [point.state for point in Sweep.load(tmp_path / "a").points] == ["to do", "failed"]
    with pytest.raises(RuleError, match="record='nonsense' names nothing"):
        run(tmp_path / "b", part=(1, 2), record=("nonsense",))
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("part", [(0, 2), (3, 2), (1,), (1, 2, 3), "1/2", (1.0, 2), (True, 2), 1])
def test_a_part_that_is_none_is_refused(part, tmp_path):
    with pytest.raises(RuleError, match=r"part=.* must be \(k, n\), the k-th of n parts, .*k from 1 to n"):
        run(tmp_path / "store", part=part)


def test_the_command_runs_one_part_by_its_index(tmp_path):
    options = ["kurikawa2020", "--set=N=16", "--set=M=2", "--set=epochs=1", "--set=test_epochs=(1,)", "--set=starts=1",
               "--set=T_learn=20*tau", "--set=T_recall=4*tau", "--set=T_average=2*tau"]  # fmt: skip
    options += ["--seeds=3", "--device=runtime", f"--store={tmp_path}"]
    done = CliRunner().invoke(app, ["sweep", *options, "--index", "2/2"])
    assert done.exit_code == 0, done.output
    assert "1 of 1 points finished" in done.stdout
    assert "1 of 3 points finished" in CliRunner().invoke(app, ["status", str(tmp_path)]).stdout
    for text in ("0/2", "3/2", "2", "a/b", "1/2/3", "-1/2", ""):
        with pytest.raises(BrainmemError, match=r"--index .*: write which part of how many, k/n with k from 1 to n"):
            parse_part(text)
    assert parse_part(" 3/8 ") == (3, 8)


LISTS = """
    from brainmem.sweeps.manifest import Listing, write_listing

    def listing(kind):
        points = {f"p{seed}": {"parameters": {}, "seed": seed} for seed in range(2000)}
        return Listing({"model": kind, "variant": "rate"}, True, {}, points)

    for round in range(5):
        store = Path(sys.argv[1], str(round))
        at_once(6, lambda k: write_listing(store, listing("one" if k % 2 else "two")))
"""


def test_lists_that_are_written_at_the_same_time_are_of_one_sweep(tmp_path):
    said = in_forks(LISTS, tmp_path)
    assert said.split() == ["ResultError"] * 15  # three of six in each of five stores
    for store in tmp_path.iterdir():
        assert len(list(store.iterdir())) == 1
        assert len(Sweep.load(store).points) == 2000


def recalling():
    return freeze(get_model("kurikawa2020"), "recall")


def test_every_run_of_a_sweep_has_trials(tmp_path):
    options = {"parameters": {"N": 12, "M": 2, "beta": [1.0, 4.0]}, "seeds": 2, "device": "runtime", "jobs": 1}
    found = sweep(recalling(), trials=3, store=tmp_path, **options)
    for point, result in zip(found.points, found.results(), strict=True):
        parameters = {"N": 12, "M": 2, **point.parameters}
        alone = simulate(recalling(), parameters=parameters, seed=point.seed, trials=3, device="runtime")
        assert result.data.sizes["trial"] == 3
        assert result.data.drop_attrs().identical(alone.data.drop_attrs())
    assert not np.array_equal(*(result.mean_x.values for result in list(found.results())[:2]))
    with pytest.raises(ResultError, match="trials: 3 there, 2 now"):
        sweep(recalling(), trials=2, store=tmp_path, **options)
    with pytest.raises(ResultError, match="trials: 3 there, null now"):
        sweep(recalling(), store=tmp_path, **options)


def test_trials_of_which_a_rule_changes_weights_at_some_point_are_refused(tmp_path):
    with pytest.raises(RuleError, match=r"its rule .* may change 'recurrent'.*trials share their weights"):
        sweep("kurikawa2020", trials=2, device="runtime", jobs=1, store=tmp_path / "store")
    with pytest.raises(RuleError, match=r"trials=0"):
        sweep(recalling(), trials=0, device="runtime", jobs=1, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()
