"""Write files so that a reader finds the old one or the complete new one, and nothing else."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brainmem.errors import ResultError

__all__ = ["file_name", "replacing"]

_LONGEST_NAME = 80


def file_name(text: str) -> str:
    """Return a name as a part of a file's name, which leaves no folder and is plain on every system."""
    plain = re.sub(r"[^\w.+-]+", "_", text).strip("._-")
    return plain[:_LONGEST_NAME] or "model"


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and put the file there in its place when the block ends.

    The file called `path` is the old one or the complete new one at every moment, also when the
    process is killed. When the block raises, the temporary file is removed.

    Raises
    ------
    ResultError
        When the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ResultError(f"Cannot write {str(path)!r}: the folder {str(path.parent)!r} does not exist. Create it.")
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:12]}.tmp"
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _flush(path.parent)


def _flush(path: Path) -> None:
    """Ask the system to put a file's or a folder's content on disk (Windows has no folder handles)."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
