"""Processes that are killed, files that are damaged, disks that are full: nothing hangs, is left or is believed.

Each kind has a short form and, behind the marker ``faults``, a long one: ``make faults`` runs both.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from brainmem import Sweep, simulate, sweep
from brainmem.engine import cache
from brainmem.engine import program as compiled
from brainmem.storage.leaving import mark
from tests.support.processes import MARK, marked, same, wait_until

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"N": 16, "M": 3, "epochs": 2, "test_epochs": (2,), "starts": 1, "T_learn": "20*tau", "T_recall": "4*tau"}
SMALL |= {"T_average": "2*tau"}
ONLY_LINUX = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


def counts(short: int, long: int):
    """Return the two forms of a test, by how often it does what it does."""
    return pytest.mark.parametrize("count", [short, pytest.param(long, marks=pytest.mark.faults)])


def python(code: str, *arguments: object, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, after commands of the shell in a mount name space of its own."""
    script = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    if before:
        script = ["unshare", "-rm", "sh", "-c", f'{before} && exec "$@"', "sh", *script]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(script, env=variables, capture_output=True, text=True, timeout=600)


SAVES = """
    import os, random, signal, sys, time
    from pathlib import Path
    from tests.support import synthetic
    from brainmem import Result
    from brainmem.storage.leaving import leave

    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    result = synthetic.result()
    begin = time.time()
    for _ in range(5):
        result.save(folder / "warm.nc")
    span = (time.time() - begin) / 5
    hung = 0
    for k in range(count):
        told = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)[k % 3]
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, leave)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                result.save(folder / f"{k}.nc")
                time.sleep(span)
            except KeyboardInterrupt:
                os._exit(1)
            os._exit(0)
        time.sleep(random.Random(k).uniform(0, span))
        os.kill(child, told)
        limit = time.time() + 5
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.005)
            if time.time() > limit:
                hung += 1
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                break
    left = {path.name.split("-")[-1] for path in folder.glob(".*")}
    for path in folder.glob("*.nc"):
        Result.load(path)
    print(hung)
"""


@pytest.mark.slow
@counts(24, 300)
def test_saves_that_are_interrupted_end_at_once_and_leave_whole_files(count, tmp_path):
    done = python(SAVES, tmp_path, count)
    assert done.stdout.split() == ["0"], done.stderr
    save = "import sys; from tests.support import synthetic; synthetic.result().save(sys.argv[1])"
    assert python(save, tmp_path / "next.nc").returncode == 0
    assert not list(tmp_path.glob(".*"))  # what the killed ones left, the next save has removed


EPS = [1e-4, 2e-4, 3e-4]
LONGER = {**SMALL, "T_learn": "3000*tau", "m_stop": 2.0, "eps": EPS}
SCRIPT = """
    import signal, sys
    import brainmem
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    brainmem.sweep("kurikawa2020", parameters=eval(sys.argv[2]), seeds=2, jobs=2, store=sys.argv[1])
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Sweep:
    return sweep("kurikawa2020", parameters=LONGER, seeds=2, jobs=1, store=tmp_path_factory.mktemp("undisturbed") / "s")


def start(store: Path) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), MARK: str(store), "TMPDIR": str(store.parent)}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(store), repr(LONGER)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kind_of(process: Path) -> str:
    """Return what a process of a sweep is."""
    try:
        text = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        above = Path(f"/proc/{parent}/cmdline").read_bytes()
    except OSError:
        return ""
    if "./main" in text:
        return "program"
    if "brainmem.engine.generate" in text or "cc1plus" in text or "g++" in text:
        return "builder"
    if "forkserver" in text:
        return "worker" if b"forkserver" in above else "server"
    return "driver" if "brainmem.sweep" in text else "other"


def disturb(store: Path, number: signal.Signals, victim: str, after: float) -> float:
    """Start a sweep, send a signal to one of its processes after a while, and return how long others stayed."""
    child = start(store)
    time.sleep(after)
    if victim != "driver":
        limit = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < limit:
            found = [process for process in marked(store) if kind_of(process) == victim]
            if found:
                os.kill(int(found[-1].name), number)
                break
            time.sleep(0.01)
    else:
        child.send_signal(number)
    child.wait(timeout=120)  # hangs, if it does not end
    ended = time.monotonic()
    wait_until(lambda: not marked(store), 60)
    return time.monotonic() - ended


def check_resumed(store: Path, undisturbed: Sweep) -> None:
    """Check that the next call makes a sweep whole, with the same numbers, and removes what was left."""
    again = sweep("kurikawa2020", parameters=LONGER, seeds=2, jobs=1, store=store)
    assert same(again, undisturbed)
    assert len(again.finished) == len(list(store.glob("*.nc"))) == 6
    assert sorted(path.name for path in store.iterdir() if not path.name.endswith((".nc", ".sweep.json"))) == []


@pytest.mark.slow
@ONLY_LINUX
@pytest.mark.parametrize(
    "victim", ["worker", *(pytest.param(v, marks=pytest.mark.faults) for v in ("server", "program"))]
)
def test_the_death_of_a_part_of_a_sweep_leaves_no_process_and_no_half_result(victim, undisturbed, tmp_path):
    assert disturb(tmp_path / "store", signal.SIGKILL, victim, 0) < 5
    check_resumed(tmp_path / "store", undisturbed)


BEGINS = """
    import os, subprocess, sys
    begun = [sys.executable, *(word.replace("PARENT", str(os.getpid())) for word in sys.argv[1:])]
    child = subprocess.Popen(begun, stdin=subprocess.PIPE)
    print(child.pid, flush=True)
    child.wait()
"""


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # no such file, or no such process any more
        return False


@ONLY_LINUX
@pytest.mark.parametrize(
    "begun", [("-m", "brainmem.engine.generate", "PARENT"), ("-c", "import brainmem.sweeps.preload")]
)
def test_processes_that_still_import_brian2_end_with_their_parent(begun, tmp_path):
    """On a busy machine the imports take longer than those that asked for them may live."""
    (tmp_path / "brian2").mkdir()
    reached = tmp_path / "reached"
    imported = f"import pathlib, time\npathlib.Path({str(reached)!r}).touch()\ntime.sleep(60)\n"
    (tmp_path / "brian2/__init__.py").write_text(imported)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", textwrap.dedent(BEGINS), *begun]
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_until(reached.exists, 60)
    assert is_running(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_running(child), 20)


@ONLY_LINUX
@pytest.mark.faults
@pytest.mark.parametrize(("number", "count"), [(signal.SIGKILL, 50), (signal.SIGINT, 25), (signal.SIGTERM, 10)])
def test_a_sweep_is_disturbed_at_any_instant(number, count, undisturbed, tmp_path):
    chance = random.Random(int(number))
    wrong = []
    for k in range(count):
        store = tmp_path / f"{k}" / "store"
        store.parent.mkdir()
        victim = "driver"
        if number != signal.SIGINT and k % 2:
            victim = chance.choice(["worker", "server", "program", "builder"])
        cold = victim == "builder" or chance.random() < 0.2
        after = chance.uniform(0.5, 12 if cold else 8)
        if cold:
            cache.clear_cache()
        try:
            stayed = disturb(store, number, victim, after)
            assert stayed < 5, f"processes stayed for {stayed:.1f} s"
            check_resumed(store, undisturbed)
            assert [path for path in store.parent.glob("brainmem-*") if mark()[:8] not in path.name] == []
        except (AssertionError, subprocess.TimeoutExpired) as error:
            wrong.append(f"{k}: {victim} after {after:.1f} s: {error}")
        print(f"{number.name} {k}: {victim} after {after:.1f} s; {len(wrong)} went wrong", flush=True)
    assert wrong == []


def bit(content: bytes, chance: random.Random) -> bytes:
    """Return a text with one bit changed."""
    place = chance.randrange(len(content)) if content else 0
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


DAMAGES = ("empty", "cut", "bit", "longer", "gone", "folder")


def damage(path: Path, how: str, chance: random.Random) -> None:
    content = path.read_bytes()
    executable = os.access(path, os.X_OK)
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how != "gone":
        new = {"empty": b"", "cut": content[: len(content) // 2], "longer": content + b"0"}
        path.write_bytes(bit(content, chance) if how == "bit" and content else new.get(how, b""))
        path.chmod(0o755 if executable else 0o644)


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """One program in a cache of its own, whose building is a copy of what was built once."""
    simulate("kurikawa2020", parameters=SMALL)
    built = tmp_path / "built"
    monkeypatch.setenv("BRAINMEM_CACHE", str(tmp_path / "cache"))
    simulate("kurikawa2020", parameters=SMALL)
    [found] = (tmp_path / "cache" / "programs").iterdir()
    shutil.copytree(found, built)
    monkeypatch.setattr(compiled, "_build", lambda job, device, target, progress: shutil.copytree(built, target))
    return found


def numbers() -> np.ndarray:
    return simulate("kurikawa2020", parameters=SMALL).recurrent_w.values


def executed(entry: Path) -> list[Path]:
    return [entry / "main", entry / "manifest.json", entry / "checksum", *sorted(entry.glob("static_arrays/*"))]


@pytest.mark.slow
def test_a_damaged_program_is_built_anew_and_noted(entry):
    expected, chance = numbers(), random.Random(0)
    for path in executed(entry)[:4]:
        for how in DAMAGES:
            damage(path, how, chance)
            np.testing.assert_array_equal(numbers(), expected)
    assert cache.cache_info().damaged == ()
    assert len(cache.cache_info().rebuilt) == 4 * len(DAMAGES)


@pytest.mark.faults
def test_every_file_of_a_program_is_damaged_in_every_way(entry):
    expected, chance = numbers(), random.Random(1)
    files = sorted(path.relative_to(entry) for path in entry.rglob("*") if path.is_file())
    for name in files:
        for how in DAMAGES:
            damage(entry / name, how, chance)
            np.testing.assert_array_equal(numbers(), expected)
            if (entry / name).is_dir():
                shutil.rmtree(entry / name)
                (entry / name).touch()
            elif not (entry / name).exists():
                (entry / name).touch()
    for _ in range(120):
        (entry / "main").write_bytes(bit((entry / "main").read_bytes(), chance))
        np.testing.assert_array_equal(numbers(), expected)


def test_a_program_that_is_damaged_between_two_runs_is_built_anew_too(entry):
    from brainmem.engine.device import Device
    from brainmem.numbers.run import Given
    from brainmem.simulation.jobs import job_of
    from brainmem.simulation.ready import make_ready
    from brainmem.translation import translate

    translated = translate(brainmem_model(), "rate")
    ready = make_ready(translated, Given(SMALL, {}, {}, {}), seed=0, device=Device())
    executable = compiled.prepare_compiled(job_of(ready), Device())
    run = {"seed": 0, "duration": ready.numbers.duration + ready.dt}
    first = executable.run(ready.device_inputs(), **run)
    damage(entry / "main", "bit", random.Random(3))
    second = executable.run(ready.device_inputs(), **run)
    assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)


def brainmem_model():
    from brainmem import get_model

    return get_model("kurikawa2020")


FOUR = {**SMALL, "eps": [0.002, 0.03]}


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Sweep:
    return sweep(
        "kurikawa2020",
        parameters=FOUR,
        seeds=2,
        jobs=1,
        store=tmp_path_factory.mktemp("kept") / "s",
    )


@counts(8, 30)
def test_a_damaged_store_shows_every_other_point_and_is_made_whole(count, kept, tmp_path):
    chance = random.Random(count)
    for k in range(count):
        store = tmp_path / f"{k}"
        shutil.copytree(kept.store, store)
        files = sorted(store.iterdir())
        path = files[k % len(files)]
        how = (*DAMAGES, "another's")[k % 7]
        if how == "another's":
            path = sorted(store.glob("*.nc"))[0]
            shutil.copy(sorted(store.glob("*.nc"))[1], path)
        else:
            damage(path, how, chance)
        if path.suffix == ".nc":
            found = Sweep.load(store)
            assert len(found.finished) == 3
            assert len(found.damaged) == (how not in ("gone", "folder"))
            assert np.isnan(found.dataset(lambda result: 1.0)).sum() == 1
        if how == "folder":
            path.rmdir()
        again = sweep("kurikawa2020", parameters=FOUR, seeds=2, jobs=1, store=store)
        assert same(again, kept)
        assert same(Sweep.load(store), kept)
        assert len(list(store.glob("was-*.nc"))) <= 1  # a whole result that is another's is not lost
        assert how != "another's" or list(store.glob("was-*.nc"))


def mounts() -> bool:
    done = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True)
    return done.returncode == 0


NEEDS_MOUNTS = pytest.mark.skipif(not shutil.which("unshare") or not mounts(), reason="cannot mount disks of its own")
ON_DISK = """
    import sys, brainmem
    try:
        brainmem.sweep("kurikawa2020", parameters=eval(sys.argv[2]), seeds=6, jobs=int(sys.argv[3]), store=sys.argv[1])
        print("ended")
    except brainmem.BrainmemError as error:
        print(type(error).__name__, error)
    try:
        found = brainmem.Sweep.load(sys.argv[1])
        print(len(found.finished), len(found.damaged))
    except brainmem.ResultError:
        print("nothing")
"""


@pytest.mark.slow
@NEEDS_MOUNTS
@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.faults), 2])
def test_a_store_on_a_full_disk_keeps_what_was_finished(jobs, kept, tmp_path):
    mount = f"mount -t tmpfs -o size=140k tmpfs {tmp_path}"
    done = python(ON_DISK, tmp_path / "store", SMALL, jobs, before=mount, TMPDIR="/tmp")
    assert "ResultError Cannot write" in done.stdout, done.stderr
    assert "The disk is full. Free some space" in done.stdout
    assert "What was finished is kept" in done.stdout
    assert int(done.stdout.splitlines()[-1].split()[0]) in (1, 2, 3)
    assert done.stdout.splitlines()[-1].endswith(" 0")


FULL = {
    "store that can only be read": (
        "{}/store",
        "size=1m,ro",
        {},
        "The disk can only be read. Name",
    ),
    "temporary files": ("/tmp/none-{}", "size=8k", {"TMPDIR": "{}"}, "set TMPDIR"),
    "cache": ("/tmp/none-{}", "size=300k", {"BRAINMEM_CACHE": "{}/c"}, "BRAINMEM_CACHE"),
    "cache without programs": ("/tmp/none-{}", "size=9m,noexec", {"BRAINMEM_CACHE": "{}/c"}, "mounted noexec"),
    "cache that can only be read": (
        "/tmp/none-{}",
        "size=9m,ro",
        {"BRAINMEM_CACHE": "{}/c"},
        "BRAINMEM_CACHE to a folder",
    ),
}


ALWAYS = ("cache", "temporary files")


@pytest.mark.slow
@NEEDS_MOUNTS
@pytest.mark.parametrize("what", [pytest.param(w, marks=() if w in ALWAYS else pytest.mark.faults) for w in FULL])
def test_a_disk_without_room_or_rights_is_named_with_what_to_do(what, kept, tmp_path):
    store, options, environment, words = FULL[what]
    mount = f"mount -t tmpfs -o {options} tmpfs {tmp_path}"
    variables = {"TMPDIR": "/tmp", **{name: value.format(tmp_path) for name, value in environment.items()}}
    place = store.format(tmp_path.name if "none" in store else tmp_path)
    done = python(ON_DISK, place, SMALL, 1, before=mount, **variables)
    shutil.rmtree(place, ignore_errors=True)
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
