"""Tell whoever watches what a run is at: translating, compiling, measuring cells, running."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["COMPILING", "MEASURING", "RUNNING", "TRANSLATING", "say_stage", "watching"]

TRANSLATING = "translating"
COMPILING = "compiling (first run of this network)"
MEASURING = "measuring cells"
RUNNING = "running"

_watcher: ContextVar[Callable[[str], object] | None] = ContextVar("watcher", default=None)


def say_stage(stage: str) -> None:
    """Tell the watcher, if there is one, that `stage` begins."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(stage)


@contextmanager
def watching(watcher: Callable[[str], object]) -> Iterator[None]:
    """Have `watcher` called with the name of each stage that begins inside the block, in this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
