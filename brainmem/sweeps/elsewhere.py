"""Points in workers that are not ours, perhaps on other machines: what they must share with us, and how they run.

Paths and numbers cross. What all points share lies in a file in the store, which workers read; programs are found, or
built, by each worker for its own processor and compiler, in the cache that its own environment names.
"""

from __future__ import annotations

import os
import pickle
import platform
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.engine.cache import SHAPING
from brainmem.engine.device import BuildJob, Device, Executable, Progress
from brainmem.engine.prepare import prepare
from brainmem.errors import BrainmemError, DeviceError, ResultError
from brainmem.simulation.collect import versions
from brainmem.sweeps.measured import compiled, folder_of
from brainmem.sweeps.points import Task, Work
from brainmem.sweeps.running import read_work, run_point

__all__ = ["Caller", "run_elsewhere"]

# Brian2, the netCDF library and the environment belong to a process, whose threads take turns at a point; programs of
# several points run at the same time.
_TURNS = threading.Lock()


@dataclass(frozen=True)
class Caller:
    """What a worker must have in common with the process that calls `sweep`.

    Attributes
    ----------
    versions : dict
        Of the packages that numbers depend on.
    environment : dict
        The variables that shape programs; None where one is not set.
    folder : str
        From where the function `measure` is imported, ``""`` for nowhere of its own.
    measure : str
        A hash of that function as Python has compiled it.
    """

    versions: Mapping[str, str]
    environment: Mapping[str, str | None]
    folder: str = ""
    measure: str = ""

    @classmethod
    def here(cls, work: Work) -> Caller:
        """Return what workers of this process must have."""
        environment = {name: os.environ.get(name) for name in SHAPING}
        if work.measure is None:
            return cls(versions(), environment)
        return cls(versions(), environment, folder_of(work.measure), compiled(work.measure))


def run_elsewhere(path: Path, task: Task, attempt: int) -> bool:
    """Run one point into its file, in a worker, and return whether that went well; `path` is what all points share.

    Raises
    ------
    DeviceError, ResultError, RuleError
        When this worker can run no point: it does not see the store, has other packages, cannot build programs, or has
        no room.
    """
    with _Turn({}):
        caller, work = _shared_at(path)
    turn = _Turn(caller.environment)
    with turn:
        executable = _executable_at(path, task.executable)
        apart = executable if work.device.name == "runtime" else _Apart(executable, turn)
        return run_point(work, task, apart)


class _Turn:
    """A thread's turn, in which it has variables of the environment of its own."""

    def __init__(self, environment: Mapping[str, str | None]) -> None:
        self.environment, self._before = environment, {}

    def __enter__(self) -> None:
        _TURNS.acquire()
        self._before = {name: os.environ.get(name) for name in self.environment}
        _set(self.environment)

    def __exit__(self, *error: object) -> None:
        _set(self._before)
        _TURNS.release()

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """Let other threads have their turn while the block lasts."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()


def _set(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@dataclass(frozen=True)
class _Apart:
    """A program that other threads do not wait for."""

    executable: Executable
    turn: _Turn

    @property
    def device(self) -> Device:
        return self.executable.device

    @property
    def job(self) -> BuildJob:
        return self.executable.job

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        duration: float,
        progress: Progress | None = None,
    ) -> dict[Any, np.ndarray]:
        """See `brainmem.engine.device.Executable.run`."""
        with self.turn.passed_on():
            return self.executable.run(inputs, seed=seed, duration=duration, progress=progress)


@lru_cache(maxsize=1)
def _shared_at(path: Path) -> tuple[Caller, Work]:
    try:
        caller, content = pickle.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ResultError(
            f"sweep(): {_here()} finds no file {str(path)!r}. The folder store= must lie on a disk that all workers "
            "share, under the same name; or the sweep was stopped."
        ) from error
    except OSError as error:
        raise ResultError(f"sweep(): {_here()} cannot read {str(path)!r}: {error.strerror}.") from error
    _check_versions(caller)
    if caller.folder and caller.folder not in sys.path:
        sys.path.append(caller.folder)  # last: it hides nothing that the worker has
    work = read_work(content)
    if work.measure is not None and compiled(work.measure) != caller.measure:
        raise DeviceError(
            f"sweep(): {_here()} has another function measure={work.measure.__qualname__} than the process that calls. "
            "If its file was changed, start new workers; if their Python is another, give them the same."
        )
    return caller, work


def _check_versions(caller: Caller) -> None:
    own = versions()
    pairs = {name: (own.get(name), version) for name, version in caller.versions.items()}
    other = [f"{name} {there} there, {here} here" for name, (there, here) in pairs.items() if there != here]
    if other:
        raise DeviceError(
            f"sweep(): {_here()} has other packages than the process that calls, and might find other numbers: "
            f"{'; '.join(other)}. Give the workers the same environment."
        )


@lru_cache(maxsize=1024)
def _executable_at(path: Path, number: int) -> Executable:
    """Return a program for this machine, found in its cache or built; workers that share the cache build it once."""
    _, work = _shared_at(path)
    try:
        return prepare(work.executables[number].job, work.device)
    except BrainmemError as error:
        raise type(error)(f"sweep(): {_here()} cannot prepare the program. {error}") from error


def _here() -> str:
    return f"a worker on {platform.node()!r} (process {os.getpid()})"
