"""Processes that build: each has imported Brian2 once, and builds in forks of itself, one program at a time."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainmem.storage.leaving import end_group, undone, uninterrupted

__all__ = ["run_builder"]

LOST = -9  # the status of a build whose process was killed

_idle: list[_Server] = []
_lock = threading.Lock()


class _Server:
    """A process of this one that waits for requests, and ends with it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "brainmem.engine.generate", str(self.owner)],
            env={**os.environ, "PYTHONPATH": _path()},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None

    def ask(self, request: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self) -> int | None:
        """Return the next number that it sends, None if it is gone."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return int(line) if line.endswith(b"\n") else None

    def end(self) -> None:
        """End it, and what it builds."""
        if self.owner != os.getpid():  # that of the process of which this one is a fork
            return
        end_group(self.process.pid)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def run_builder(builder: str, request: Path, work: Path, environment: Mapping[str, str]) -> int:
    """Build what the file `request` holds in the folder `work`; return the status, negative for a signal.

    `builder` names the module that builds. A build that is interrupted leaves no process behind.
    """
    with uninterrupted():
        server = _take()
    child = None
    finished = False
    try:
        with undone(server.end):
            server.ask(
                {
                    "builder": builder,
                    "request": str(request),
                    "folder": str(work),
                    "environment": {**environment, "PYTHONPATH": _path()},
                    "path": [part or os.getcwd() for part in sys.path],
                }
            )
            child = server.answer()
            status = None
            if child is not None:
                with undone(lambda: end_group(child)):
                    status = server.answer()
            finished = status is not None
    except BrokenPipeError:
        status = None
    finally:
        if child is not None:
            end_group(child)  # also a compiler that outlives its builder
        if finished:
            with _lock:
                _idle.append(server)
        else:
            server.end()
    return LOST if status is None else status


def _take() -> _Server:
    with _lock:
        while _idle:
            server = _idle.pop()
            if server.alive:
                return server
            server.end()
    return _Server()


def _path() -> str:
    return os.pathsep.join(part or os.getcwd() for part in sys.path)


@atexit.register
def _end_all() -> None:
    with _lock:
        while _idle:
            _idle.pop().end()
