"""Where files go: links, devices, pipes, long names, other encodings; and inputs that would never end."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from brainmem import Result, ResultError, RuleError, simulate, sweep
from brainmem.cli import app
from brainmem.cli.options import save_result
from brainmem.errors import BrainmemError
from brainmem.storage import seals
from brainmem.storage.files import check_folder, check_writable, make_folder, replacing
from brainmem.storage.leaving import mark, remove_left_behind, uninterrupted
from tests.support import synthetic

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"N": 16, "M": 3, "epochs": 2, "test_epochs": (2,), "starts": 1, "T_learn": "20*tau", "T_recall": "4*tau"}
SMALL |= {"T_average": "2*tau"}
NUMPY = "runtime"


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link.nc").symlink_to("far/real.nc")
    for _ in range(2):  # a link to nothing, and to a file
        synthetic.result(seed=3).save(tmp_path / "link.nc")
        assert (tmp_path / "link.nc").is_symlink()
        assert Result.load(tmp_path / "far" / "real.nc").seed == 3
    assert os.listdir(tmp_path / "far") == ["real.nc"]


def test_a_device_is_written_to_and_stays(tmp_path):
    node = tmp_path / "node"
    try:
        os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(1, 3))  # our own null device
        node.write_bytes(b"")
    except OSError:
        pytest.skip("may not make devices")
    synthetic.result().save(node)
    assert node.is_char_device()


def test_a_pipe_gets_the_file_and_nobody_waits_for_a_reader(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ResultError, match="Nobody reads from that pipe"):
        synthetic.result().save(pipe)
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        with replacing(pipe) as temporary:
            temporary.write_bytes(b"content")
        assert reader.read() == b"content"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_long_name_is_no_trouble_and_one_too_long_is_told_so(tmp_path):
    assert Result.load(synthetic.result().save(tmp_path / f"{'é' * 120}{'a' * 12}.nc")).seed == 0
    for function in (synthetic.result().save, check_writable):
        with pytest.raises(ResultError, match="The name is too long"):
            function(tmp_path / ("x" * 300))


PLACES = {
    "folder": ("folder", "It is a folder. Name a file in it"),
    "below a file": ("file/run.nc", "A part of the path is a file"),
    "circle": ("circle/run.nc", "Links there lead in a circle|does not exist"),
    "proc": ("/proc/run.nc", "Name a folder|Create it"),
    "zero byte": ("a\0b", "cannot be the path of a file"),
    "number": (3, "(cannot|must) be the path of a file"),
}


@pytest.mark.parametrize("what", PLACES)
def test_a_place_that_takes_no_file_says_what_to_do(what, tmp_path):
    place, words = PLACES[what]
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    path = tmp_path / place if isinstance(place, str) and "\0" not in place else place
    for function in (synthetic.result().save, check_writable):
        with pytest.raises(ResultError, match=f"{words}|does not exist. Create it"):
            function(path)


def test_a_store_that_cannot_be_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("brainmem.sweeps.sweep._prepare", lambda *arguments: pytest.fail("it ran"))
    (tmp_path / "file").touch()
    for store in (tmp_path / "file", tmp_path / "file" / "x", "a\0b"):
        with pytest.raises(BrainmemError, match="cannot be"):
            sweep("kurikawa2020", parameters=SMALL, store=store, jobs=1)
    with pytest.raises(ResultError, match="cannot be made"):
        make_folder(tmp_path / "file")
    assert not check_folder(tmp_path / "new" / "store").exists()


def test_what_a_killed_process_left_is_removed_and_what_others_write_is_not(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", "from brainmem.storage.leaving import mark; print(mark())"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = {f".run.nc.{child.stdout.strip()}.tmp": False, f".run.nc.{mark()}.tmp": True, ".mine.tmp": True}
    names[".run.nc.00000000-1-00000000.tmp"] = True  # of another machine
    for name in names:
        (tmp_path / name).touch()
    remove_left_behind(tmp_path, ".*.tmp")
    assert {name: (tmp_path / name).exists() for name in names} == names


def test_a_signal_waits_until_a_library_is_left():
    reached = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted(reached)
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached == ["end"]


def interrupted(reached: list[str]) -> None:
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("end")
    reached.append("not here")


LEAVES = """
    import signal, sys, threading, time
    from pathlib import Path
    from brainmem.storage.files import replacing
    from brainmem.storage.leaving import have_left, leave, undone

    killed = threading.Event()  # as a program whose end its starter waits for, to note it in a file
    signal.signal(signal.SIGTERM, leave)
    with undone(lambda: time.sleep(0.5)), undone(killed.set):
        threading.Thread(target=have_left, args=(signal.SIGTERM,)).start()
        while not killed.wait(0.01):
            pass
        with replacing(Path(sys.argv[1], "why.json")) as temporary:
            temporary.write_text("it was killed")
            time.sleep(10)
"""


def test_a_process_that_a_thread_ends_begins_no_file_meanwhile(tmp_path):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(LEAVES), tmp_path], timeout=30)
    assert done.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_a_sealed_file_tells_every_change(tmp_path):
    path = tmp_path / "text.json"
    seals.write_text(path, json.dumps([1.5]), key="text")
    assert seals.read_text(path) == "[1.5]"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert seals.read_text(path) is None
    path.write_bytes(whole)
    assert seals.read_text(path.rename(tmp_path / "other.json")) is None


def test_other_programs_read_a_sealed_result_and_may_change_it(tmp_path):
    import netCDF4

    path = synthetic.result().save(tmp_path / "run.nc")
    with netCDF4.Dataset(path, "a") as file:
        file.remark = "mine"
    assert Result.load(path).data.attrs["remark"] == "mine"


def test_a_result_with_one_bit_changed_is_refused(tmp_path):
    path = synthetic.result().save(tmp_path / "run.nc")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)
    with pytest.raises(ResultError, match="was damaged: its checksum does not fit"):
        Result.load(path)


def test_a_file_that_is_written_waits_for_no_other_process(tmp_path, monkeypatch):
    monkeypatch.setattr("xarray.backends.netCDF4_.get_write_lock", lambda name: pytest.fail("it asked for a lock"))
    synthetic.result().save(tmp_path / "run.nc")
    assert Result.load(tmp_path / "run.nc").data.identical(synthetic.result().data)


def test_a_seed_of_any_size_is_saved(tmp_path):
    result = simulate("kurikawa2020", parameters=SMALL, seed=2**200, device=NUMPY)
    assert Result.load(result.save(tmp_path / "run.nc")).seed == 2**200


def test_a_result_that_cannot_be_saved_is_kept_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BrainmemError, match=r"does not exist.*The result is kept in '(.*)'") as caught:
        save_result(synthetic.result(seed=4), tmp_path / "none" / "run.nc")
    assert Result.load(str(caught.value).rpartition("in '")[2].removesuffix("'.")).seed == 4


def test_a_run_that_diverges_ends_with_its_result_and_a_page_that_says_so(tmp_path):
    settings = [f"--set={name}={value}" for name, value in {**SMALL, "eps": 1e3}.items()]
    with pytest.warns(RuntimeWarning, match="Not finite"):
        done = CliRunner().invoke(
            app, ["run", "kurikawa2020", *settings, "--device", NUMPY, "--output", str(tmp_path / "run.nc")]
        )
    assert done.exit_code == 0, done.output
    assert np.isnan(Result.load(tmp_path / "run.nc").recurrent_w.values).any()
    assert "not finite somewhere in this run, which has diverged" in (tmp_path / "run.html").read_text()


def test_a_terminal_without_a_letter_shows_another():
    code = "from brainmem.cli.screen import say; from brainmem.cli import app; app(['status', 'Größe_Σ'])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "There is no folder 'Gr??e_?'" in done.stderr


ENDLESS = {
    "epochs": ({"epochs": 10**9}, {}, r"at least 1e\+09 steps with .*epochs = 1000000000.*at most 2000000"),
    "items": ({"M": 10**9, "N": 10**10}, {}, "1000000000"),
    "units": ({"N": 10**6}, {}, "N = 1000000.* does not fit into the memory"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_numbers_that_would_fill_the_memory_are_refused(what):
    parameters, inputs, words = ENDLESS[what]
    with pytest.raises(RuleError, match=words):
        simulate("kurikawa2020", parameters={**SMALL, **parameters}, inputs=inputs, device=NUMPY)


def test_a_stimulus_that_is_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "cue.npy")
    with pytest.raises(RuleError, match="is no ordinary file"):
        simulate("kurikawa2020", parameters=SMALL, inputs={"cue": tmp_path / "cue.npy"}, device=NUMPY)
