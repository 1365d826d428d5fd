"""Talk to peers that run in processes of their own, one thread each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np

from brainmem.bench.engines import installed
from brainmem.errors import BrainmemError

__all__ = ["Peer", "open_peer", "open_peers"]

ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}

PATIENCE = 5.0  # seconds that a worker has to leave


class Peer:
    """A running worker: a process with pipes, and the file that takes its standard error."""

    def __init__(self, child: Any, log: Any) -> None:
        self._child, self._log = child, log
        self._read()

    def seconds(self, steps: int) -> float:
        """Return the CPU time of `steps` steps from the start."""
        return self._ask("time", steps)["seconds"]

    def state(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Return weights ``[post, pre]`` and rates after `steps` steps."""
        answer = self._ask("state", steps)
        return np.array(answer["w"]), np.array(answer["x"])

    def _ask(self, what: str, steps: int) -> dict[str, Any]:
        self._child.stdin.write(json.dumps({"do": what, "steps": steps}) + "\n")
        self._child.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._child.stdout.readline()
        answer = json.loads(line) if line else {"error": f"it ended with status {self._child.wait()}"}
        if "error" in answer:
            self._log.seek(0)
            raise BrainmemError(f"{answer['error']}\n{self._log.read()[-1000:]}".strip())
        return answer


@contextmanager
def open_peer(engine: str, network: str, size: int) -> Iterator[Peer]:
    """Start a worker and end it when the block is left.

    Raises
    ------
    BrainmemError
        When the engine cannot load the network; the message holds its last words.
    """
    command = [sys.executable, "-m", "brainmem.bench.worker", engine, network, str(size)]
    with tempfile.TemporaryFile("w+") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment()
        )
        try:
            yield Peer(child, log)
        finally:
            _end(child)


def _end(child: Any) -> None:
    """Let the worker leave by itself, so that it removes its files."""
    with suppress(BrokenPipeError):
        child.stdin.close()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def _environment() -> dict[str, str]:
    # Where the modules of this process come from, and programs that pip installed beside Python (cmake).
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    programs = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": path, "PATH": programs}


@contextmanager
def open_peers(
    engines: Iterable[str], network: str, size: int, say: Callable[[str], None]
) -> Iterator[dict[str, Peer]]:
    """Start those of `engines` that are installed and can load the network; say what was left out and why."""
    with ExitStack() as stack:
        peers = {}
        for engine in engines:
            if not installed(engine):
                continue
            try:
                peers[engine] = stack.enter_context(open_peer(engine, network, size))
            except BrainmemError as error:
                say(f"{engine} is left out of {network}, N={size}: {error}")
        yield peers
