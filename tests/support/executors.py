"""Executors as clusters have them: workers elsewhere, workers that are lost, pools that break."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import pickle, sys
answers, sys.stdout = sys.stdout.buffer, sys.stderr
while True:
    try:
        function, arguments = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        answer = function(*arguments), None
    except Exception as error:
        answer = None, error
    pickle.dump(answer, answers)
    answers.flush()
"""


class Elsewhere(Executor):
    """Processes that share nothing with this one but the disk, as those that MPI or a queue starts.

    They have a folder, a home and an environment of their own; calls and answers are pickled by value.
    """

    def __init__(self, workers: int, home: Path) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER], cwd=home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for _ in range(workers)
        ]
        self._idle = list(self.processes)
        self._threads = ThreadPoolExecutor(workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future:  # type: ignore[override]
        return self._threads.submit(self._ask, pickle.dumps((fn, args)))

    def _ask(self, call: bytes) -> Any:
        process = self._idle.pop()
        try:
            process.stdin.write(call)
            process.stdin.flush()
            value, error = pickle.load(process.stdout)
        finally:
            self._idle.append(process)
        if error is not None:
            raise error
        return value

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for process in self.processes:
            process.stdin.close()
            process.wait(30)
            process.stdout.close()


class Losing(Executor):
    """Runs calls in this process at once, and loses the first so many attempts of those with some seeds."""

    def __init__(self, seeds: dict[int, int]) -> None:
        self.seeds, self.calls = seeds, []

    def submit(self, fn: Callable[..., Any], task: Any, attempt: int) -> Future:  # type: ignore[override]
        future: Future = Future()
        self.calls.append((task.seed, attempt))
        try:
            if attempt <= self.seeds.get(task.seed, 0):
                raise OSError("the worker is gone")
            future.set_result(fn(task, attempt))
        except Exception as error:
            future.set_exception(error)
        return future


class Breaking(Losing):
    """Is broken once it has answered `answers` calls: calls then end with an error, or are refused."""

    def __init__(self, answers: int, *, refuses: bool = False) -> None:
        super().__init__({})
        self.answers, self.refuses = answers, refuses

    def submit(self, fn: Callable[..., Any], task: Any, attempt: int) -> Future:  # type: ignore[override]
        if len(self.calls) < self.answers:
            return super().submit(fn, task, attempt)
        if self.refuses:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future = Future()
        future.set_exception(BrokenExecutor("a process died"))
        return future
