"""Run the points of a sweep: each into a file of its own, or its error into another."""

from __future__ import annotations

import errno
import os
import pickle
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path

from brainmem.engine.device import Device, Executable
from brainmem.errors import ResultError, RuleError
from brainmem.results.result import Result
from brainmem.simulation.ready import Ready, make_ready
from brainmem.simulation.simulate import execute
from brainmem.storage.files import advice
from brainmem.storage.leaving import mark, remove
from brainmem.storage.netcdf import write_dataset
from brainmem.storage.seals import fault_of
from brainmem.sweeps.manifest import forget_error, write_error
from brainmem.sweeps.measured import measured
from brainmem.sweeps.points import Task, Work
from brainmem.sweeps.pool import run_in_processes

__all__ = ["on_disk", "read_work", "ready_for", "run_here", "run_point"]

_DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_GO_ON = "What was finished is kept, and the same call goes on from there."


def run_here(work: Work, ready: list[Task], *, jobs: int | None, done: Callable[[bool], None]) -> None:
    """Run points on this machine, in `jobs` processes, or as many as it has cores; a single one is this process."""
    jobs = _cores(work.device) if jobs is None else jobs
    if min(jobs, len(ready)) <= 1:
        for task in ready:
            done(run_point(work, task, work.executables[task.executable]))
        return
    with on_disk(pickle.dumps(work), ready[0].path.parent) as path:
        run_in_processes(partial(_run_point_of, path), ready, jobs=jobs, done=done)


def _cores(device: Device) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // max(1, device.threads))


@contextmanager
def on_disk(content: bytes, folder: Path) -> Iterator[Path]:
    """Write what all points share to a file, so that only its path and the points' numbers cross to workers."""
    path = folder / f".{mark()}.work"
    try:
        try:
            path.write_bytes(content)
        except OSError as error:
            raise ResultError(f"Cannot write {str(path)!r}: {advice(error)}") from error
        yield path
    finally:
        remove(path)


def read_work(content: bytes) -> Work:
    """Return what all points share, in another process.

    Raises
    ------
    RuleError
        When the function `measure` cannot be imported.
    """
    try:
        return pickle.loads(content)
    except (ImportError, AttributeError) as error:
        raise RuleError(
            f"sweep(): another process cannot import the function measure ({error}). Write it as a function of a file "
            "beside the script, and import it from there; or sweep with jobs=1, in this process."
        ) from error


@lru_cache(maxsize=1)
def _work_at(path: Path) -> Work:
    return read_work(path.read_bytes())


def _run_point_of(path: Path, task: Task) -> bool:
    work = _work_at(path)
    return run_point(work, task, work.executables[task.executable])


def ready_for(work: Work, task: Task) -> Ready:
    """Return the numbers of one point."""
    translated, given = work.forms[task.form].translated, work.given_at(task)
    return make_ready(translated, given, seed=task.seed, device=work.device, record=work.record)


def run_point(work: Work, task: Task, executable: Executable) -> bool:
    """Run one point into its file and return whether that went well.

    Raises
    ------
    ResultError
        When the disk is full.
    """
    try:
        result = execute(ready_for(work, task), executable)
        result.data.attrs["key"] = task.path.stem
        if work.measure is None:
            _keep_foreign(task.path)
            result.save(task.path)
        else:
            kept = measured(work.measure, result)
            _keep_foreign(task.path)
            write_dataset(kept, task.path, key=task.path.stem)
    except Exception as error:
        _keep_error(task.path, error)
        return False
    forget_error(task.path)
    return True


def _keep_error(path: Path, error: Exception) -> None:
    """Keep why a run failed; where the disk is full, further runs would be lost too: raise then."""
    if getattr(error.__cause__, "errno", None) in _DISK_IS_FULL:
        raise ResultError(f"{error} {_GO_ON}") from error
    try:
        write_error(path, error)
    except ResultError as full:
        raise ResultError(f"{full} {_GO_ON}") from error


def _keep_foreign(path: Path) -> None:
    """Give another name to a whole result that stands where that of a point belongs: it is somebody's."""
    if os.path.isfile(path) and fault_of(path):
        try:
            Result.load(path)
        except ResultError:
            return
        with suppress(FileNotFoundError):  # another process did it first
            os.rename(path, path.with_name(f"was-{path.stem}-{uuid.uuid4().hex[:8]}.nc"))
