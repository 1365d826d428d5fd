"""Show how far long work has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from brainmem.engine.stages import watching

__all__ = ["counting_bar", "progress_bar"]


@contextmanager
def progress_bar(text: str, *, console: Console | None = None) -> Iterator[Callable[[float], None]]:
    """Show a bar named `text` and yield the function to call with the completed fraction.

    The bar goes to standard error, so that output can be piped, and is drawn only on a terminal. It never
    moves back, as runs that end early jump to the end. It says what a run is at: compiling takes seconds.

    >>> with progress_bar("recall") as report:
    ...     report(0.5)
    """
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(text, total=1.0)

        def name(stage: str) -> None:
            bar.update(task, description=f"{text}: {stage}")

        furthest = 0.0

        def report(completed: float) -> None:
            nonlocal furthest
            furthest = max(furthest, min(1.0, float(completed)))
            bar.update(task, completed=furthest)

        with watching(name):
            yield report
        report(1.0)
        bar.update(task, description=text)


@contextmanager
def counting_bar(text: str, *, console: Console | None = None) -> Iterator[Callable[[int, int, int], None]]:
    """Show a bar named `text` and yield the function to call with the numbers of finished, failed and all items."""
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(text, total=None, counts="preparing")

        def report(finished: int, failed: int, total: int) -> None:
            counts = f"{finished} of {total}" + (f", {failed} failed" if failed else "")
            bar.update(task, completed=finished + failed, total=total, counts=counts)

        yield report
