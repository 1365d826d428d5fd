"""Call a function for many items in the workers of an executor that is not ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future
from queue import SimpleQueue
from typing import Any, TypeVar

from brainmem.errors import BrainmemError, DeviceError
from brainmem.sweeps.pool import on_interrupt

__all__ = ["AGAIN", "run_in_executor"]

Item = TypeVar("Item")
Value = TypeVar("Value")
AGAIN = 2  # times that an item is submitted once more after its worker was lost


def run_in_executor(
    executor: Executor,
    function: Callable[[Item, int], Value],
    items: Iterable[Item],
    *,
    done: Callable[[Value], object],
    lost: Callable[[Item, DeviceError], object],
) -> None:
    """Call ``done(function(item, attempt))`` for every item, in the order in which the calls end.

    An item whose call ends with anything but an answer or an error of brainmem's (its worker was killed, say) is
    submitted again `AGAIN` times; then ``lost(item, error)`` is called, and the others go on. What waits is cancelled
    when this function raises.

    Parameters
    ----------
    executor : Executor
    function : callable
        A function of a module; `attempt`, 1 at first, makes of every submission another call, as some executors answer
        equal calls with one result.
    items : iterable
        Picklable values.
    done, lost : callable
        Called in this process.

    Raises
    ------
    BrainmemError
        That `function` raised: one that concerns all items.
    DeviceError
        When the executor takes nothing more.
    """
    open_: dict[Future[Value], tuple[Item, int]] = {}
    ended: SimpleQueue[Future[Value] | None] = SimpleQueue()

    def submit(item: Item, attempt: int) -> None:
        future = _submitted(executor, function, item, attempt)
        open_[future] = item, attempt
        future.add_done_callback(ended.put)

    try:
        with on_interrupt(lambda: ended.put(None)):
            for item in items:
                submit(item, 1)
            while open_:
                if (future := ended.get()) is None:
                    raise KeyboardInterrupt
                item, attempt = open_.pop(future)
                error = _error_of(future)
                if error is None:
                    done(future.result())
                elif attempt <= AGAIN:
                    submit(item, attempt + 1)
                else:
                    lost(item, _lost(error))
    finally:
        for future in open_:
            future.cancel()


def _submitted(executor: Executor, function: Callable[..., Value], item: Any, attempt: int) -> Future[Value]:
    try:
        return executor.submit(function, item, attempt)
    except Exception as error:
        raise _refused(error) from error


def _error_of(future: Future) -> Exception | None:
    """Return by what a call was lost; raise what concerns all calls."""
    try:
        future.result()
    except BrainmemError:
        raise
    except BrokenExecutor as error:
        raise _refused(error) from error
    except Exception as error:
        return error
    return None


def _lost(error: Exception) -> DeviceError:
    return DeviceError(
        f"No worker could run this point, in {AGAIN + 1} attempts. The last ended with {type(error).__name__}: {error}"
    )


def _refused(error: Exception) -> DeviceError:
    return DeviceError(
        f"The executor runs nothing more ({type(error).__name__}: {error}). Perhaps it was shut down, or a worker was "
        "killed because memory ran out. What was finished is kept: make a new executor and run the same again, which "
        "goes on from there."
    )
