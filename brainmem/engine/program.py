"""Compiled programs: have one built or found in the cache, and run it as a process of its own.

Nothing here imports Brian2. A run gets a fresh folder, its inputs as files of exact size, and counts only if
the program says that it finished.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainmem import errors
from brainmem.engine.builders import run_builder
from brainmem.engine.cache import (
    cache_folder,
    check_executable,
    entry_key,
    is_whole,
    locked,
    make_room,
    note_damage,
    put_away,
    touch,
    write_checksum,
)
from brainmem.engine.device import (
    BuildJob,
    Device,
    Name,
    Progress,
    check_completed,
    check_duration,
    in_words,
    thread_seeds,
    warn_not_finite,
)
from brainmem.engine.inputs import Input, check_inputs
from brainmem.engine.stages import COMPILING, say_stage
from brainmem.errors import DeviceError
from brainmem.storage.leaving import mark, remove, remove_left_behind_once, undone, uninterrupted

__all__ = ["CompiledExecutable", "prepare_compiled"]

# Words by which Brian2's programs report a problem while they exit with status 0.
_COMPLAINTS = ("Error ", "Cannot set", "Could not read")
_CANNOT_WRITE = 4  # the status of a program that could not; see codegen/run_control.h
_TEMPORARY = "temporary"  # the builder's and the compiler's folder for such files
_ROOM = 2**20  # bytes; a disk with less is full
_ATTEMPTS = 5  # at a program that others remove, or a disk damages, as soon as it is built
# Seconds between two looks at a running program: the first and the longest.
_FIRST_LOOK, _LONGEST_LOOK = 0.002, 0.1


def prepare_compiled(job: BuildJob, device: Device, *, progress: Progress | None = None) -> CompiledExecutable:
    """Return the executable of `job`, compiling it only if the cache lacks it or holds it damaged."""
    key = entry_key(job, device)
    entry = cache_folder() / "programs" / key
    check_executable(entry.parent)
    for _ in range(_ATTEMPTS):
        if (found := _find(entry, job, device)) is not None:
            return found
        with locked(key):
            if not is_whole(entry):
                say_stage(COMPILING)
                _put_away(entry)
                _build(job, device, entry, progress or (lambda completed: None))
        make_room(keep=key)
    raise DeviceError(
        f"The program {str(entry)!r} is not there, or not whole, as soon as it was built. The disk may be failing, or "
        "the cache be cleared by others all the time: set BRAINMEM_CACHE to a folder of your own on another disk."
    )


def _put_away(entry: Path) -> None:
    if os.path.lexists(entry):
        note_damage(entry.name)
        put_away(entry)


def _find(entry: Path, job: BuildJob, device: Device) -> CompiledExecutable | None:
    with locked(entry.name, shared=True):
        if not is_whole(entry):
            return None
        touch(entry)
        manifest = json.loads((entry / "manifest.json").read_text(encoding="utf-8"))
    inputs = {name: _read_input(item) for name, item in manifest["inputs"].items()}
    outputs = {_read_name(item["name"]): item for item in manifest["outputs"]}
    return CompiledExecutable(device, entry, inputs, outputs, _read_name(manifest["done"]), job)


def _read_name(name: Any) -> Any:
    return tuple(map(_read_name, name)) if isinstance(name, list) else name  # JSON has no tuples


def _read_input(item: dict[str, Any]) -> Input:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in item.items()}
    return Input(**fields)


def _build(job: BuildJob, device: Device, entry: Path, progress: Progress) -> None:
    progress(0.0)
    work = cache_folder() / "building" / entry.name
    remove(work)
    try:
        (work / _TEMPORARY).mkdir(parents=True)
        request = work / "request.pickle"
        request.write_bytes(pickle.dumps((job, device)))
        _run_builder(job, request, work)
        remove(work / _TEMPORARY)
        write_checksum(work)
        os.rename(work, entry)
    except OSError as error:
        raise DeviceError(
            f"The program cannot be built in {str(work)!r}: {error.strerror or error}. Free some space there, or set "
            "BRAINMEM_CACHE to a folder on another disk."
        ) from error
    finally:
        remove(work)
    progress(1.0)


def _run_builder(job: BuildJob, request: Path, work: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONUTF8": "1",
        "LC_ALL": "C",  # a compiler's words are shown to the user, in whatever encoding
        "TMPDIR": str(work / _TEMPORARY),  # what a killed compiler leaves goes with the rest
    }
    status = run_builder(job.builder.partition(":")[0], request, work, environment)
    if status != 0:
        _raise_build_error(work, status)


def _raise_build_error(work: Path, status: int) -> None:
    report = work / "error.json"
    if shutil.disk_usage(work).free < _ROOM:
        raise DeviceError(
            f"The program could not be built: the disk of {str(work.parent)!r} is full. Free some space, or set "
            "BRAINMEM_CACHE to a folder on another disk."
        )
    if not report.exists():
        tail = (work / "build.log").read_text(encoding="utf-8", errors="replace")[-3000:]
        raise DeviceError(
            f"Building {_ended(status)} and gave no reason. Run the same again; `brainmem doctor` says whether this "
            f"machine has what it takes. Its last words:\n{tail}"
        )
    found = json.loads(report.read_text(encoding="utf-8"))
    raise getattr(errors, found["kind"], DeviceError)(found["message"])


def _ended(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


@dataclass(frozen=True)
class CompiledExecutable:
    """A compiled program. It holds paths and numbers only, so that it can be sent to other processes."""

    device: Device
    folder: Path
    inputs: Mapping[str, Input]
    outputs: Mapping[Name, Mapping[str, Any]]
    done: Name | None
    job: BuildJob

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        duration: float,
        progress: Progress | None = None,
    ) -> dict[Any, np.ndarray]:
        """See `brainmem.engine.device.Executable.run`."""
        arrays = check_inputs(self.inputs, inputs)
        environment = _environment(self.device, seed, duration)
        for _ in range(_ATTEMPTS):
            with locked(self.folder.name, shared=True):
                if is_whole(self.folder):
                    outputs = self._run(arrays, environment, progress)
                    break
                if not os.path.lexists(self.folder):
                    raise DeviceError(f"The program {self.folder} is gone: the cache was cleared. Prepare it again.")
            prepare_compiled(self.job, self.device)
        else:
            raise DeviceError(f"The program {self.folder} is damaged again as soon as it was built. Check the disk.")
        if progress:
            progress(1.0)
        return outputs

    def _run(
        self, arrays: Mapping[str, np.ndarray], environment: dict[str, str], progress: Progress | None
    ) -> dict[Any, np.ndarray]:
        try:
            with _results_folder() as results:
                arguments = _write_inputs(self.inputs, arrays, results)
                _run_program(self.folder, results, arguments, environment=environment, progress=progress)
                outputs = self._read_outputs(results)
        except OSError as error:
            raise DeviceError(
                f"The run cannot keep its numbers in the folder for temporary files: {error.strerror or error}. Free "
                "some space there, or set TMPDIR to a folder on another disk."
            ) from error
        warn_not_finite(outputs)
        return outputs

    def _read_outputs(self, results: Path) -> dict[Any, np.ndarray]:
        finished = json.loads((results / "finished.json").read_text(encoding="utf-8"))
        outputs = {name: _read_output(name, item, finished, results) for name, item in self.outputs.items()}
        check_completed(self.done, outputs, finished["fraction"])
        return outputs


@contextmanager
def _results_folder() -> Iterator[Path]:
    parent = Path(tempfile.gettempdir())
    remove_left_behind_once(parent, "brainmem-*")
    folder = parent / f"brainmem-{mark()}"
    with undone(lambda: remove(folder)):
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            remove(folder)


def _environment(device: Device, seed: int, duration: float) -> dict[str, str]:
    return {
        **os.environ,
        "LD_BIND_NOW": "1",
        "BRAINMEM_SEED": ",".join(map(str, thread_seeds(seed, device.threads))),
        "BRAINMEM_DURATION": repr(check_duration(duration)),
        "BRAINMEM_PARENT": str(os.getpid()),
    }


def _write_inputs(declared: Mapping[str, Input], arrays: Mapping[str, np.ndarray], folder: Path) -> list[str]:
    """Write each input as a file of raw numbers; a number on the command line would be rounded or misread.

    An input that several variables share is written once for each of their types. A table, whose length the program
    does not know, is found by its name, and begins with its number of rows.
    """
    arguments = []
    for number, (name, array) in enumerate(arrays.items()):
        item = declared[name]
        if item.rows:
            for key in item.keys:
                np.concatenate([[len(array)], array.ravel()]).tofile(folder / key)
            continue
        for dtype in dict.fromkeys(item.dtypes):
            path = folder / f"input_{number}_{dtype}"
            array.astype(dtype, copy=False).tofile(path)
            keys = (key for key, own in zip(item.keys, item.dtypes, strict=False) if own == dtype)
            arguments += [f"{key}={path}" for key in keys]
    return arguments


def _run_program(
    folder: Path,
    results: Path,
    arguments: list[str],
    *,
    environment: dict[str, str],
    progress: Progress | None,
) -> None:
    child = None
    with (results / "output.log").open("wb") as log:
        try:
            # In a session of its own: Ctrl+C comes here, and nothing can end the program in a half-complete way.
            with uninterrupted():
                child = subprocess.Popen(
                    ["./main", "--results_dir", f"{results}/", *arguments],
                    cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            with undone(child.kill):
                _watch(child, results / "progress.jsonl", progress)
        finally:
            if child is not None:
                child.kill()
                child.wait()
    assert child is not None  # what could not be started has raised
    _check_ending(child.returncode, results)


def _watch(child: subprocess.Popen, lines: Path, progress: Progress | None) -> None:
    if progress is None:
        child.wait()
        return
    look = _FIRST_LOOK
    while child.poll() is None:
        time.sleep(look)
        look = min(2 * look, _LONGEST_LOOK)
        _report(lines, progress)
    _report(lines, progress)


def _report(lines: Path, progress: Progress) -> None:
    text = lines.read_text(encoding="utf-8") if lines.exists() else ""
    complete = text[: text.rfind("\n") + 1].splitlines()
    if complete:
        progress(min(1.0, json.loads(complete[-1])["completed"]))


def _check_ending(status: int, results: Path) -> None:
    text = (results / "output.log").read_text(encoding="utf-8", errors="replace")
    tail = f" It said:\n{text[-2000:]}" if text.strip() else ""
    if status < 0:
        raise DeviceError(f"The run was ended by {signal.Signals(-status).name}; there are no results.{tail}")
    if status == _CANNOT_WRITE:
        raise DeviceError(
            f"The run could not write its numbers: the disk of {tempfile.gettempdir()!r} may be full. Free some space "
            f"or set TMPDIR.{tail}"
        )
    if status > 0 or not (results / "finished.json").exists():
        raise DeviceError(f"The run failed with status {status}; there are no results.{tail}")
    complaints = [line for line in text.splitlines() if any(word in line for word in _COMPLAINTS)]
    if complaints:
        raise DeviceError("The run reported a problem; its results are dropped.\n" + "\n".join(complaints))


def _read_output(name: Name, item: Mapping[str, Any], finished: Mapping[str, Any], results: Path) -> Any:
    shape = tuple(finished[item["file"]])
    array = np.fromfile(results / item["file"], dtype=item["dtype"])
    if array.size != np.prod(shape):
        raise DeviceError(
            f"Output {in_words(name)!r} has {array.size} values instead of {shape}: the disk of "
            f"{tempfile.gettempdir()!r} may be full. Free some space or set TMPDIR."
        )
    return array.reshape(() if item["scalar"] else shape)
