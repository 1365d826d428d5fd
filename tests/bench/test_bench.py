"""Benchmarks: statistics, goals, exit codes; made-up cases, no simulation."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from itertools import count

import pytest
from typer.testing import CliRunner

import brainmem.bench.cases
from brainmem import BrainmemError
from brainmem.bench import Case, Effort, Goal, Row, choose, measure_case, spread
from brainmem.bench.rounds import available_cores, enough_steps, per_step
from brainmem.bench.table import record, table
from brainmem.cli import app


def fixed(times: dict[str, float], calls: list[str] | None = None):
    """Return contenders that always take the same times, and note who was called."""

    @contextmanager
    def contenders(size, effort):
        def measure(name):
            if calls is not None:
                calls.append(name)
            return times[name]

        yield {name: (lambda name=name: measure(name)) for name in times}

    return contenders


def case(name="fake", ours=1.0, goals=(), **times: float) -> Case:
    return Case(
        name, f"{name} work", contenders=fixed({"brainmem": ours, **times}), sizes=(10, 20), goals=goals, tiny=3
    )


def row(ours, theirs, *, at_most=None, judged=True) -> Row:
    goals = () if at_most is None else (Goal("peer", at_most),)
    return Row(case(goals=goals, peer=1.0), 10, "peer", tuple(ours), tuple(theirs), judged)


def test_a_spread_is_the_median_and_the_quartiles():
    found = spread([7.0, 1.0, 3.0, 5.0, 9.0])
    assert (found.low, found.median, found.high) == (3.0, 5.0, 7.0)
    assert spread([2.0]) == spread([2.0, 2.0])


def test_ratios_pair_the_times_of_one_round_before_their_median_is_taken():
    measured = row([1.0, 10.0, 3.0], [1.0, 20.0, 1.0])
    assert measured.ratios == (1.0, 0.5, 3.0)
    assert measured.ratio.median == 1.0  # the ratio of the medians would be 3


@pytest.mark.parametrize(
    ("ours", "at_most", "verdict"),
    [
        (1.0, 1.0, "met"),
        (1.01, 1.0, "missed"),
        (0.1, 1 / 6, "met"),
        (0.2, 1 / 6, "missed"),
        (float("nan"), 1.0, "missed"),
    ],
)
def test_a_goal_is_met_by_a_median_up_to_its_limit(ours, at_most, verdict):
    assert row([ours] * 3, [1.0] * 3, at_most=at_most).verdict == verdict


def test_one_bad_round_of_seven_does_not_miss_a_goal():
    assert row([1.0] * 6 + [100.0], [1.0] * 7, at_most=1.1).verdict == "met"


def test_without_a_goal_or_at_a_tiny_size_nothing_is_judged():
    assert row([5.0], [1.0]).verdict == ""
    assert row([5.0], [1.0], at_most=1.0, judged=False).verdict == ""


def test_a_goal_may_hold_at_some_sizes_and_against_one_peer():
    some = case(goals=(Goal("jax", 1.1, sizes=(20,)), Goal("numpy", 0.5)))
    assert some.goal("jax", 10) is None
    assert some.goal("jax", 20) == Goal("jax", 1.1, sizes=(20,))
    assert some.goal("numpy", 10) == Goal("numpy", 0.5)
    assert some.goal("brian2", 10) is None


def test_contenders_are_measured_in_turn_and_every_second_round_runs_backwards():
    calls: list[str] = []
    turns = Case("fake", "", contenders=fixed({"brainmem": 1.0, "a": 2.0, "b": 4.0}, calls), sizes=(10,))
    rows = measure_case(turns, 10, Effort(rounds=3))
    assert calls == ["brainmem", "a", "b", "b", "a", "brainmem", "brainmem", "a", "b"]
    assert [(item.peer, item.ratios) for item in rows] == [("a", (0.5,) * 3), ("b", (0.25,) * 3)]


def test_start_and_end_of_a_run_do_not_count_as_steps():
    assert per_step(lambda steps: 0.7 + 2e-6 * steps, 1000) == pytest.approx(2e-6)


def test_runs_too_short_to_tell_apart_give_the_time_of_the_long_one():
    falling = count(10, -1)
    assert per_step(lambda steps: float(next(falling)), 1) == pytest.approx(9 / 4)


@pytest.mark.parametrize("cost", [1e-8, 3e-6, 1e-3])
def test_steps_grow_until_the_long_run_takes_the_time_asked_for(cost):
    longest = []

    def seconds(steps: int) -> float:
        longest.append(steps * cost)
        return longest[-1]

    steps = enough_steps(seconds, 0.3)
    assert 0.3 <= 4 * steps * cost == longest[-1]
    assert longest[-1] < 0.3 * 17
    assert longest == sorted(longest)
    assert enough_steps(seconds, 0.0) == 1


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot keep a process on one core")
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot keep a process on one core")
def test_contenders_of_a_case_share_one_core_and_give_the_others_back():
    before = os.sched_getaffinity(0)
    seen = []

    @contextmanager
    def contenders(size, effort):
        yield {"brainmem": lambda: seen.append(os.sched_getaffinity(0)) or 1.0, "peer": lambda: 1.0 / 0}

    with pytest.raises(ZeroDivisionError):
        measure_case(Case("fake", "", contenders=contenders, sizes=(10,)), 10, Effort(1))
    assert [len(cores) for cores in seen] == [1]
    assert os.sched_getaffinity(0) == before


def test_a_case_that_needs_more_cores_than_there_are_gives_no_rows_and_says_so():
    heard = []
    wide = Case("wide", "", contenders=fixed({"brainmem": 1.0, "a": 1.0}), sizes=(10,), cores=available_cores() + 1)
    assert measure_case(wide, 10, Effort(1, say=heard.append)) == []
    assert heard == [f"wide needs {available_cores() + 1} cores and is left out"]


def test_cases_are_chosen_by_name_in_the_order_of_the_table():
    cases = [case("static"), case("plastic"), case("spiking")]
    assert [item.name for item in choose(cases, ["spiking", "static"])] == ["static", "spiking"]
    assert choose(cases, []) == tuple(cases)
    with pytest.raises(
        BrainmemError, match=r"'plastik' names no benchmark; allowed: static, plastic, spiking. Did you"
    ):
        choose(cases, ["plastik"])


def test_every_goal_is_set_at_sizes_of_its_case_and_once_for_each_peer():
    names = [item.name for item in brainmem.bench.cases.CASES]
    assert len(names) == len(set(names))
    for item in brainmem.bench.cases.CASES:
        assert all(set(goal.sizes or item.sizes) <= set(item.sizes) and goal.at_most > 0 for goal in item.goals)
        set_at = [(goal.peer, size) for goal in item.goals for size in goal.sizes or item.sizes]
        assert len(set_at) == len(set(set_at)), item.name


def test_the_table_shows_our_time_once_per_size_and_a_line_per_peer():
    fast = case(goals=(Goal("a", 1.0),), ours=0.5, a=1.0, b=0.25)
    shown = lines(table(measure_case(fast, 10, Effort(2))))
    assert shown[1].split() == ["fake", "work", "10", "0.5", "s", "a", "0.5", "[0.5,", "0.5]", "at", "most", "1", "met"]
    assert shown[2].split() == ["b", "2", "[2,", "2]"]


def lines(shown) -> list[str]:
    from rich.console import Console

    console = Console(width=160)
    with console.capture() as capture:
        console.print(shown)
    return capture.get().splitlines()


def test_a_record_holds_every_time_the_machine_and_no_number_that_json_lacks():
    rows = [row([1.0, 3.0], [2.0, 2.0], at_most=1.0), row([1.0], [float("nan")])]
    found = json.loads(json.dumps(record(rows, Effort(2)), allow_nan=True))
    assert {"processor", "compiler", "python", "versions", "cores"} <= set(found["machine"])
    assert found["machine"]["versions"]["brian2"]
    first, second = found["rows"]
    assert first["ratios"] == [0.5, 1.5]
    assert (first["ratio"], first["verdict"]) == ({"median": 1.0, "low": 0.75, "high": 1.25}, "met")
    assert (first["float"], first["at_most"], first["ours"]) == (64, 1.0, [1.0, 3.0])
    assert second["ratios"] == [None]
    assert second["verdict"] is None


@pytest.fixture
def run(monkeypatch):
    """Return a function that runs the command with made-up cases."""

    def invoke(cases, *arguments):
        monkeypatch.setattr(brainmem.bench.cases, "CASES", tuple(cases))
        return CliRunner().invoke(app, ["bench", *arguments], catch_exceptions=False)

    return invoke


def test_the_command_exits_with_0_when_all_goals_are_met(run):
    ended = run([case(goals=(Goal("numpy", 1.0),), ours=0.5, numpy=1.0)])
    assert ended.exit_code == 0
    assert ended.stdout.count("met") == 2  # one line for each size


def test_the_command_exits_with_1_and_names_the_goals_missed(run):
    slow = case("slow", goals=(Goal("numpy", 0.5, sizes=(20,)),), ours=0.7, numpy=1.0)
    ended = run([slow, case(goals=(Goal("numpy", 1.0),), numpy=1.0)])
    assert ended.exit_code == 1
    assert ended.stderr.splitlines()[-1] == "Goals missed: slow against numpy at N=20."


def test_a_goal_against_a_peer_that_is_not_installed_is_not_missed(run):
    assert run([case(goals=(Goal("jax", 0.1),), numpy=1.0)]).exit_code == 0


def test_only_the_cases_asked_for_are_measured(run):
    slow = case("slow", goals=(Goal("numpy", 0.5),), numpy=1.0)
    ended = run([slow, case("other", numpy=1.0)], "--only", "other")
    assert ended.exit_code == 0
    assert "slow" not in ended.stdout
    assert run([slow], "--only", "none").exit_code == 1


def test_the_tiny_size_measures_once_and_judges_nothing(run, tmp_path):
    path = tmp_path / "times" / "bench.json"
    slow = case("slow", goals=(Goal("numpy", 0.5),), numpy=1.0)
    assert run([slow], "--size", "tiny", "--json", str(path)).exit_code == 0
    found = json.loads(path.read_text())
    assert found["tiny"] is True
    assert [(item["size"], item["ours"], item["verdict"]) for item in found["rows"]] == [(3, [1.0], None)]


def test_what_was_measured_before_a_run_was_stopped_is_in_the_file(run, tmp_path):
    @contextmanager
    def stopped(size, effort):
        raise KeyboardInterrupt
        yield {}

    path = tmp_path / "bench.json"
    ended = run([case(numpy=2.0), Case("late", "", contenders=stopped, sizes=(10,))], "--json", str(path))
    assert ended.exit_code == 130
    assert [item["size"] for item in json.loads(path.read_text())["rows"]] == [10, 20]


def test_the_file_is_written_also_when_a_goal_is_missed(run, tmp_path):
    slow = case("slow", goals=(Goal("numpy", 0.5),), numpy=1.0)
    path = tmp_path / "bench.json"
    assert run([slow], "--json", str(path), "--rounds", "3").exit_code == 1
    assert [len(item["ratios"]) for item in json.loads(path.read_text())["rows"]] == [3, 3]
    assert run([slow], "--json", str(tmp_path)).stderr.startswith("--json ")
