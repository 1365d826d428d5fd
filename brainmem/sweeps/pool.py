"""Call a function for many items in processes of our own, which end with us, however we end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TypeVar

from brainmem.errors import DeviceError
from brainmem.storage.leaving import have_left, leave

__all__ = ["kept_workers", "on_interrupt", "run_in_processes"]

Item = TypeVar("Item")
Value = TypeVar("Value")
PRELOAD = "brainmem.sweeps.preload"
_MOST = 4096  # processes, whatever is asked for: a semaphore counts them


def run_in_processes(
    function: Callable[[Item], Value], items: Iterable[Item], *, jobs: int, done: Callable[[Value], object]
) -> None:
    """Call ``done(function(item))`` for every item, in the order in which the calls end.

    Parameters
    ----------
    function : callable
        A function of a module, which other processes can import.
    items : iterable
        Picklable values.
    jobs : int
        Processes at a time.
    done : callable
        Called in this process.

    Raises
    ------
    DeviceError
        When a process was killed.
    """
    ended: SimpleQueue[Future[Value] | None] = SimpleQueue()
    with _workers(jobs) as pool:
        try:
            with _main_not_imported():
                futures = [pool.submit(function, item) for item in items]
            for future in futures:
                future.add_done_callback(ended.put)
            with on_interrupt(lambda: ended.put(None)):
                for _ in futures:
                    if (future := ended.get()) is None:
                        raise KeyboardInterrupt
                    done(future.result())
        except BrokenProcessPool as error:
            raise DeviceError(
                "A worker process was killed, perhaps because memory ran out. What was finished is kept: run the same "
                "again, with fewer jobs."
            ) from error


@contextmanager
def on_interrupt(action: Callable[[], object]) -> Iterator[None]:
    """Call `action` when Ctrl+C is pressed, where that would raise KeyboardInterrupt."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        signal.signal(signal.SIGINT, lambda number, frame: action())
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


@contextmanager
def kept_workers() -> Iterator[None]:
    """Let all calls of a block share their workers, which then import only once what the function needs.

    Workers end with the block, and with any call that fails: what it left undone is not done any more.
    """
    kept = _Kept(ExitStack(), {})
    token = _KEPT.set(kept)
    try:
        with kept.stack:
            yield
    finally:
        _KEPT.reset(token)


@dataclass(frozen=True)
class _Kept:
    """Workers that calls share, by their number, and what ends them."""

    stack: ExitStack
    workers: dict[int, Executor]


_KEPT: ContextVar[_Kept | None] = ContextVar("_KEPT", default=None)


@contextmanager
def _workers(jobs: int) -> Iterator[Executor]:
    kept = _KEPT.get()
    if kept is None:
        with _started(jobs) as pool:
            yield pool
        return
    if jobs in kept.workers and _broken(kept.workers[jobs]):
        kept.workers.clear()
        kept.stack.close()
    if jobs not in kept.workers:
        kept.workers[jobs] = kept.stack.enter_context(_started(jobs))
    try:
        yield kept.workers[jobs]
    except BaseException as error:
        kept.workers.clear()
        kept.stack.__exit__(type(error), error, error.__traceback__)
        raise


def _broken(pool: Executor) -> bool:
    """Tell whether a worker was killed while nothing was asked of it: others do the next call."""
    try:
        with _main_not_imported():
            pool.submit(os.getpid)
    except BrokenProcessPool:
        return True
    return False


@contextmanager
def _started(jobs: int) -> Iterator[Executor]:
    # "fork" would be quickest, but copies a process in which the user's threads (Jupyter, rich, BLAS) may hold locks
    # that nobody releases in the copy; "spawn" imports Brian2, which takes seconds, in each worker. A fork server has
    # one thread and imports Brian2 once; its forks start within milliseconds. It also serves later sweeps.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    lifeline, held = context.Pipe(duplex=False)
    jobs = min(jobs, _MOST)
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(lifeline, dict(os.environ)))
    try:
        yield pool
    except BaseException:
        held.close()
        raise
    finally:
        try:
            pool.shutdown(cancel_futures=True)
        finally:
            held.close()
            lifeline.close()


@contextmanager
def _main_not_imported() -> Iterator[None]:
    """Keep new processes from importing the user's script, which would run it again where it has no main guard."""
    script, names = vars(sys.modules["__main__"]), ("__file__", "__spec__")
    kept = {name: script[name] for name in names if name in script}
    script.update(dict.fromkeys(names))
    try:
        yield
    finally:
        for name in names:
            del script[name]
        script.update(kept)


def _start(lifeline: Connection, environment: Mapping[str, str]) -> None:
    """Begin a worker: it has the parent's environment as it is now, and ends when the parent lets go of `lifeline`.

    The fork server's environment may be older. The parent lets go when it is stopped, and also when it is killed.
    """
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent too, which decides
    signal.signal(signal.SIGTERM, leave)  # no exception, which might come up inside a lock of the library that writes
    threading.Thread(target=_leave_with, args=(lifeline,), name="lifeline", daemon=True).start()


def _leave_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    have_left(signal.SIGTERM)
