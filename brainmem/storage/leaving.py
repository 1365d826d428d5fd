"""How this process ends: what it started or half wrote must not outlive it, at whatever instant a signal comes.

A process that ends by itself cleans up in ``finally`` blocks. A signal must not raise an exception inside a library:
it might come up while a lock is held, and the clean-up would wait for that lock for ever. So `uninterrupted` lets
signals wait while a library works, and `leave` ends a process without raising anything. What a killed process leaves
has `mark` in its name, by which the next process knows it and removes it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NoReturn

__all__ = [
    "MARK",
    "end_group",
    "have_left",
    "leave",
    "mark",
    "remove",
    "remove_left_behind",
    "remove_left_behind_once",
    "undone",
    "uninterrupted",
    "with_parent",
]

# The form of `mark`: machine, process and a random number.
MARK = r"[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]{8}"
_WAIT = (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGINT) if os.name == "posix" else (signal.SIGINT,)
_PERIOD = 0.1  # seconds between two looks at the parent
_GRACE = 3.0  # seconds that the main thread has for handling a signal

# What is to be undone when this process is told to end: by number, the process and the function.
_open: dict[object, tuple[int, Callable[[], object]]] = {}


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals that Python handles wait until the block ends; elsewhere than in the main thread none comes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, Any]] = []
    handlers = {number: handler for number in _WAIT if callable(handler := signal.getsignal(number))}

    def note(number: int, frame: Any) -> None:
        arrived.append((number, frame))

    try:
        for number in handlers:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in arrived:
            handlers[signal.Signals(number)](number, frame)


@contextmanager
def undone(action: Callable[[], object]) -> Iterator[None]:
    """Have `action` called if `leave` ends this process inside the block."""
    key = object()
    try:
        _open[key] = (os.getpid(), action)
        yield
    finally:
        _open.pop(key, None)


def leave(number: int, frame: object = None) -> NoReturn:
    """End this process at once, as the handler of the signal `number` in the main thread; undo what is half done.

    Nothing else happens meanwhile: while the handler runs, the main thread begins nothing new.
    """
    for process, action in reversed(list(_open.values())):
        if process == os.getpid():  # a fork has a copy of what its parent does
            with suppress(Exception):
                action()
    os._exit(128 + number)


def have_left(number: int) -> NoReturn:
    """End this process from another thread than the main one, which handles the signal `number` by `leave`.

    The main thread does it. If this one did, what it undoes (it kills a program) would let the main one go on, to write
    a file that nobody removes. After `_GRACE`, the main thread is somewhere that no signal reaches.
    """
    if hasattr(signal, "pthread_kill"):
        main = threading.main_thread().ident
        assert main is not None  # it has started
        signal.pthread_kill(main, number)
        time.sleep(_GRACE)
    leave(number)


def with_parent(parent: int, end: Callable[[], object]) -> Callable[[], None]:
    """Watch from a thread whether `parent` is still this process's parent, and call `end` if not.

    Returns
    -------
    callable
        Ends the watch.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_PERIOD):
            if os.getppid() != parent:
                end()
                return

    thread = threading.Thread(target=watch, name="with parent", daemon=True)
    thread.start()

    def stop() -> None:
        over.set()
        thread.join()

    return stop


def mark() -> str:
    """Return a text for the name of a temporary file or folder that says which process it belongs to."""
    return f"{_machine()}-{os.getpid():x}-{uuid.uuid4().hex[:8]}"


@cache
def _machine() -> str:
    """Return eight digits for the machine and, in a container, for the processes that can be seen from here."""
    parts = [platform.node()]
    for source in (lambda: Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"),
                   lambda: os.readlink("/proc/self/ns/pid")):  # fmt: skip
        with suppress(OSError):
            parts.append(source())
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:8]


def _is_left_behind(name: str) -> bool:
    """Whether `name` has the mark of a process of this machine that is no more."""
    found = re.search(MARK, name)
    if found is None:
        return False
    machine, process, _ = found.group().split("-")
    return machine == _machine() and not _runs(int(process, 16))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return _state(process) != "Z"


def _state(process: int) -> str:
    """Return the letter that Linux gives a process's state."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "?"


def remove_left_behind(folder: Path, pattern: str) -> None:
    """Remove files and folders in `folder` that killed processes left."""
    with suppress(OSError):
        for path in folder.glob(pattern):
            if _is_left_behind(path.name):
                remove(path)


remove_left_behind_once = lru_cache(maxsize=64)(remove_left_behind)  # where a process comes by often


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all in it, as far as that can be done."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def end_group(process: int) -> None:
    """End the process group that `process` leads, whether or not it still runs."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
