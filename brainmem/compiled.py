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
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainmem import errors
from brainmem.cache import cache_folder, entry_key, locked, make_room, put_away, touch
from brainmem.devices import BuildJob, Device, Progress, check_completed, check_duration, thread_seeds, warn_not_finite
from brainmem.errors import DeviceError
from brainmem.inputs import Input, check_inputs

__all__ = ["CompiledExecutable", "prepare_compiled"]

# Words by which Brian2's programs report a problem while they exit with status 0.
_COMPLAINTS = ("Error ", "Cannot set", "Could not read")
# Seconds between two looks at a running program: the first and the longest.
_FIRST_LOOK, _LONGEST_LOOK = 0.002, 0.1


def prepare_compiled(job: BuildJob, device: Device, *, progress: Progress | None = None) -> CompiledExecutable:
    """Return the executable of `job`, compiling it only if the cache lacks it."""
    key = entry_key(job, device)
    entry = cache_folder() / "programs" / key
    while (found := _find(entry, device)) is None:
        with locked(key):
            if not _is_whole(entry):
                put_away(entry)
                _build(job, device, entry, progress or (lambda completed: None))
        make_room(keep=key)
    return found


def _find(entry: Path, device: Device) -> CompiledExecutable | None:
    with locked(entry.name, shared=True):
        if not _is_whole(entry):
            return None
        touch(entry)
        manifest = json.loads((entry / "manifest.json").read_text())
    inputs = {name: _read_input(item) for name, item in manifest["inputs"].items()}
    return CompiledExecutable(device, entry, inputs, manifest["outputs"], manifest["done"])


def _is_whole(entry: Path) -> bool:
    return (entry / "manifest.json").exists() and (entry / "main").exists()


def _read_input(item: dict[str, Any]) -> Input:
    return Input(**{name: tuple(value) if isinstance(value, list) else value for name, value in item.items()})


def _build(job: BuildJob, device: Device, entry: Path, progress: Progress) -> None:
    progress(0.0)
    work = cache_folder() / "building" / entry.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        request = work / "request.pickle"
        request.write_bytes(pickle.dumps((job, device)))
        _run_builder(request, work)
        os.rename(work, entry)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress(1.0)


def _run_builder(request: Path, work: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    with (work / "build.log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "brainmem.standalone", str(request), str(work)],
            cwd=work, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            status = child.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
    if status != 0:
        _raise_build_error(work, status)


def _raise_build_error(work: Path, status: int) -> None:
    report = work / "error.json"
    if not report.exists():
        tail = (work / "build.log").read_text()[-3000:]
        raise DeviceError(f"Building ended with status {status} and gave no reason. Its last words:\n{tail}")
    found = json.loads(report.read_text())
    raise getattr(errors, found["kind"], DeviceError)(found["message"])


@dataclass(frozen=True)
class CompiledExecutable:
    """A compiled program. It holds paths and numbers only, so that it can be sent to other processes."""

    device: Device
    folder: Path
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Mapping[str, Any]]
    done: str | None

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        duration: float,
        progress: Progress | None = None,
    ) -> dict[str, np.ndarray]:
        """See `brainmem.devices.Executable.run`."""
        arrays = check_inputs(self.inputs, inputs)
        environment = _environment(self.device, seed, duration)
        with locked(self.folder.name, shared=True), _results_folder() as results:
            if not (self.folder / "main").exists():
                raise DeviceError(f"The program {self.folder} is gone: the cache was cleared. Prepare it again.")
            arguments = _write_inputs(self.inputs, arrays, results)
            _run_program(self.folder, results, arguments, environment=environment, progress=progress)
            outputs = self._read_outputs(results)
        if progress:
            progress(1.0)
        return outputs

    def _read_outputs(self, results: Path) -> dict[str, np.ndarray]:
        finished = json.loads((results / "finished.json").read_text())
        outputs = {name: _read_output(name, item, finished, results) for name, item in self.outputs.items()}
        check_completed(self.done, outputs, finished["fraction"])
        warn_not_finite(outputs)
        return outputs


@contextmanager
def _results_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="brainmem-") as folder:
        yield Path(folder)


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

    An input that several variables share is written once for each of their types.
    """
    arguments = []
    for number, (name, array) in enumerate(arrays.items()):
        item = declared[name]
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
    with (results / "output.log").open("w") as log:
        # In a session of its own: Ctrl+C comes here, and nothing can end the program in a half-complete way.
        child = subprocess.Popen(
            ["./main", "--results_dir", f"{results}/", *arguments],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            _watch(child, results / "progress.jsonl", progress)
        finally:
            child.kill()
            child.wait()
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
    text = lines.read_text() if lines.exists() else ""
    complete = text[: text.rfind("\n") + 1].splitlines()
    if complete:
        progress(min(1.0, json.loads(complete[-1])["completed"]))


def _check_ending(status: int, results: Path) -> None:
    text = (results / "output.log").read_text(errors="replace")
    tail = f" It said:\n{text[-2000:]}" if text.strip() else ""
    if status < 0:
        raise DeviceError(f"The run was ended by {signal.Signals(-status).name}; there are no results.{tail}")
    if status > 0 or not (results / "finished.json").exists():
        raise DeviceError(f"The run failed with status {status}; there are no results.{tail}")
    complaints = [line for line in text.splitlines() if any(word in line for word in _COMPLAINTS)]
    if complaints:
        raise DeviceError("The run reported a problem; its results are dropped.\n" + "\n".join(complaints))


def _read_output(name: str, item: Mapping[str, Any], finished: Mapping[str, Any], results: Path) -> Any:
    shape = tuple(finished[item["file"]])
    array = np.fromfile(results / item["file"], dtype=item["dtype"])
    if array.size != np.prod(shape):
        raise DeviceError(
            f"Output {name!r} has {array.size} values instead of {shape}: the disk of {tempfile.gettempdir()!r} may "
            "be full. Free some space or set TMPDIR."
        )
    return array.reshape(() if item["scalar"] else shape)
