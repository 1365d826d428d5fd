"""Write files so that a reader finds the old one or the complete new one, and nothing else."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brainmem.errors import ResultError
from brainmem.storage.leaving import mark, remove_left_behind_once, undone

__all__ = ["advice", "check_folder", "check_writable", "file_name", "make_folder", "open_path", "replacing"]

_LONGEST = 255  # bytes of a file's name
_LONGEST_NAME = 80
_ADVICE = {
    errno.ENOSPC: "The disk is full. Free some space, or name a folder on another disk",
    errno.EDQUOT: "Your share of the disk is used up. Free some space, or name a folder on another disk",
    errno.EFBIG: "The file is larger than this system allows. Name a folder on another disk",
    errno.EROFS: "The disk can only be read. Name a folder of your own",
    errno.EACCES: "You may not write there. Name a folder of your own",
    errno.EPERM: "You may not write there. Name a folder of your own",
    errno.ENAMETOOLONG: "The name is too long. Give a shorter one",
    errno.ENOENT: "There is no such folder. Create it, or name another",
    errno.ENOTDIR: "A part of the path is a file and no folder. Name another folder",
    errno.ELOOP: "Links there lead in a circle. Name another folder",
    errno.ENXIO: "Nobody reads from that pipe. Name a file",
    errno.EISDIR: "It is a folder. Name a file in it",
}


def file_name(text: str) -> str:
    """Return a name as a part of a file's name, which leaves no folder and is plain on every system."""
    plain = re.sub(r"[^\w.+-]+", "_", text).strip("._-")
    return plain[:_LONGEST_NAME] or "model"


def advice(error: BaseException) -> str:
    """Return what went wrong with a file and what to do, as sentences."""
    number = getattr(error, "errno", None)
    if number in _ADVICE:
        return f"{_ADVICE[number]}."
    return f"{getattr(error, 'strerror', None) or error}. Name another file or folder."


def open_path(path: str | Path) -> Path:
    """Return `path` as a path, ``~`` written out.

    Raises
    ------
    ResultError
        For what cannot be one.
    """
    try:
        found = Path(path)
        os.fsencode(found)
        if "\0" in str(found):
            raise ValueError("it holds a zero byte")
        return found.expanduser()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ResultError(f"{path!r} cannot be the path of a file: {error}. Give a text or a Path.") from error


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and put the file there in its place when the block ends.

    The file called `path` is the old one or the complete new one at every moment, also when the process is killed.
    When the block raises, the temporary file is removed. A link is followed and stays. What is no file, such as
    ``/dev/stdout``, is written to and stays.

    Raises
    ------
    ResultError
        When the file cannot be written; with what to do.
    """
    path = open_path(path)
    try:
        target = Path(os.path.realpath(path))
        special = _is_special(path, target)
        folder = Path(tempfile.gettempdir()) if special else target.parent
        if not folder.is_dir():
            raise ResultError(f"Cannot write {str(path)!r}: the folder {str(folder)!r} does not exist. Create it.")
        temporary = folder / _temporary_name(target.name)
        remove_left_behind_once(folder, ".*.tmp")
        with undone(lambda: temporary.unlink(missing_ok=True)):
            try:
                yield temporary
                _finish(temporary, path if special else target, special)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ResultError(f"Cannot write {str(path)!r}: {advice(error)}") from error


def _finish(temporary: Path, target: Path, special: bool) -> None:
    if special:
        _pour(temporary, target)
        return
    _flush(temporary)
    os.replace(temporary, target)
    _flush(target.parent)


def _is_special(path: Path, target: Path) -> bool:
    """Whether a path leads to a device for characters or to a pipe; folders and the rest are refused."""
    try:
        mode = os.stat(path).st_mode  # of /dev/stdout, the real path names no file
    except FileNotFoundError:
        return False
    if stat.S_ISREG(mode):
        if not target.exists():  # such as a deleted file that is still open
            raise OSError(errno.ENOENT, "it has no name")
        return False
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, "is a folder")
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return True
    kind = "a socket" if stat.S_ISSOCK(mode) else "a disk"
    raise ResultError(f"Cannot write {str(path)!r}: it is {kind} and no file. Name a file.")


def _pour(source: Path, target: Path) -> None:
    """Write a file's content to a device or a pipe, if somebody reads from it."""
    handle = os.open(target, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    os.set_blocking(handle, True)
    with source.open("rb") as content, os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(content, file)


def _temporary_name(name: str) -> str:
    """Return a name for a file that will be called `name`, cut where it would become too long."""
    end = f".{mark()}.tmp"
    kept = os.fsencode(name)[: _LONGEST - len(end) - 1]
    return f".{kept.decode(errors='ignore')}{end}"


def _flush(path: Path) -> None:
    """Ask the system to put a file's or a folder's content on disk (Windows has no folder handles)."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_writable(path: str | Path) -> Path:
    """Check before a long run that a file called `path` can be written after it, and return the path.

    The folder of the file need not exist: it is enough that it can be made.

    Raises
    ------
    ResultError
        When it cannot, with what to do.
    """
    path = open_path(path)
    try:
        target = Path(os.path.realpath(path))
        if not _is_special(path, target):
            if len(os.fsencode(target.name)) > _LONGEST:
                raise OSError(errno.ENAMETOOLONG, "name too long")
            _try_folder(target.parent)
    except OSError as error:
        raise ResultError(f"Cannot write {str(path)!r}: {advice(error)}") from error
    return path


def check_folder(path: str | Path) -> Path:
    """Check that files can be written in a folder, which may be still to make; return it as an absolute path.

    Raises
    ------
    ResultError
        When they cannot, with what to do.
    """
    path = open_path(path).absolute()
    try:
        _try_folder(path)
    except OSError as error:
        raise ResultError(f"The folder {str(path)!r} cannot be made or written: {advice(error)}") from error
    return path


def make_folder(path: str | Path) -> Path:
    """Make a folder for output, check that files can be written in it, and return it.

    Raises
    ------
    ResultError
        When that cannot be done, with what to do.
    """
    path = open_path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        wrong = "It is a file and no folder. Name another." if isinstance(error, FileExistsError) else advice(error)
        raise ResultError(f"The folder {str(path)!r} cannot be made: {wrong}") from error
    check_folder(path)
    return path


def _try_folder(folder: Path) -> None:
    """Write a file in the folder, or in the lowest one above it that exists."""
    while not os.path.lexists(folder):
        if len(os.fsencode(folder.name)) > _LONGEST:
            raise OSError(errno.ENAMETOOLONG, "name too long")
        folder = folder.parent
    trial = folder / _temporary_name("trial")
    try:
        trial.write_bytes(b"0" * 4096)
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)
