"""Compiled programs, kept in a folder of bounded size and found again by what they were made from.

Every program has a checksum of what a run executes or reads. One that does not fit is built anew, and noted for
`brainmem.engine.doctor`.

The folder is ``$BRAINMEM_CACHE`` or the user's cache folder; ``$BRAINMEM_CACHE_MB`` bounds its size (2048).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pickle
import platform
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from brainmem.engine.compiler import compiler, compiler_version
from brainmem.engine.device import BuildJob, Device
from brainmem.errors import DeviceError
from brainmem.storage.leaving import remove

__all__ = [
    "SHAPING",
    "CacheInfo",
    "cache_folder",
    "cache_info",
    "check_executable",
    "clear_cache",
    "entry_key",
    "is_whole",
    "locked",
    "make_room",
    "note_damage",
    "put_away",
    "touch",
    "write_checksum",
]

# Variables of the environment that shape programs.
SHAPING = ("CXX", "CXXFLAGS", "LDFLAGS")
_PACKAGES = ("brian2", "numpy", "sympy", "cython")
# Files of brainmem that shape a compiled program beside the builder's own module.
_SOURCES = ("build/**/*", "engine/compiler.py", "engine/device.py", "engine/generate.py", "engine/inputs.py",
            "engine/preflight.py", "engine/rows.py", "model/reading.py", "text/*.py", "translation/**/*")  # fmt: skip
_DEFAULT_MEGABYTES = 2048
_REMOVED = "removed-"  # begins the name of what is to be deleted
_CHECKSUM = "checksum"
_DAMAGED = "damaged.log"
_ADVICE = "Set BRAINMEM_CACHE to a folder of your own"


@dataclass(frozen=True)
class CacheInfo:
    """Where compiled programs are kept, how many there are and how many bytes they take.

    `damaged` are those that will be built anew when they are needed, `rebuilt` says when this happened before.
    """

    folder: Path
    entries: int
    size: int
    limit: int
    damaged: tuple[str, ...] = ()
    rebuilt: tuple[str, ...] = ()


def cache_folder() -> Path:
    """Return the cache's folder, created if missing."""
    wanted = os.environ.get("BRAINMEM_CACHE") or str(_user_cache() / "brainmem")
    try:
        folder = Path(wanted).expanduser().absolute()
        for part in ("programs", "locks", "building"):
            (folder / part).mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DeviceError(f"The cache folder {wanted!r} cannot be written: {reason}. {_ADVICE}.") from error
    return folder


def check_executable(folder: Path) -> None:
    """Check before a build that programs may be started from the cache.

    Raises
    ------
    DeviceError
        When its disk is mounted without that right.
    """
    if hasattr(os, "ST_NOEXEC") and os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise DeviceError(
            f"The cache folder {str(folder)!r} lies on a disk from which no program may be started (mounted noexec). "
            f"{_ADVICE} on another disk."
        )


def write_checksum(entry: Path) -> None:
    """Note what a whole entry is."""
    (entry / _CHECKSUM).write_text(_checksum(entry), encoding="ascii")


def is_whole(entry: Path) -> bool:
    """Whether all that a run of an entry executes or reads is as it was built."""
    try:
        found = (entry / _CHECKSUM).read_bytes()
        return found == _checksum(entry).encode() and os.access(entry / "main", os.X_OK)
    except OSError:
        return False


def _checksum(entry: Path) -> str:
    """Return the hash of the program, of what it reads, and of what its outputs are called."""
    digest = hashlib.sha256()
    for path in (entry / "main", entry / "manifest.json", *sorted((entry / "static_arrays").glob("*"))):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\0".encode() + content)
    return digest.hexdigest()


def note_damage(name: str) -> None:
    """Note that `name` was damaged and is made anew; `brainmem.engine.doctor` tells of it."""
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {name}\n"
    with suppress(OSError), (cache_folder() / _DAMAGED).open("a", encoding="utf-8") as file:
        file.write(line)


def _damages() -> tuple[str, ...]:
    try:
        return tuple((cache_folder() / _DAMAGED).read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        return ()


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def entry_key(job: BuildJob, device: Device) -> str:
    """Return the hash of everything that shapes the compiled program."""
    parts = [
        job.builder,
        job.key if job.key is not None else canonical(job.payload),
        canonical(device),
        _builder_hash(job.builder),
        _package_hash(Path(__file__).parents[1]),
        *(f"{name} {_version(name)}" for name in _PACKAGES),
        platform.python_version(), _processor(),
        compiler_version(compiler()), _user_preferences(),
        *(os.environ.get(name, "") for name in SHAPING),
    ]  # fmt: skip
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def canonical(value: Any) -> str:
    """Return a text that is equal for equal values, in every process."""
    if isinstance(value, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"array({value.dtype}, {value.shape}, {content}, {getattr(value, 'dim', '')})"
    if is_dataclass(value) and not isinstance(value, type):
        values = ", ".join(f"{item.name}={canonical(getattr(value, item.name))}" for item in fields(value))
        return f"{type(value).__module__}.{type(value).__qualname__}({values})"
    if isinstance(value, Mapping):
        items = sorted(f"{canonical(key)}: {canonical(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(canonical, value)) + "]"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(map(canonical, value))) + "}"
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return f"{type(value).__name__} {value!r}"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _builder_hash(builder: str) -> str:
    try:
        found = importlib.util.find_spec(builder.partition(":")[0])
    except (ImportError, ValueError):
        found = None
    if found is None or not found.origin:
        raise DeviceError(f"Builder {builder!r}: no such module. Write 'package.module:function'.")
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()


def _package_hash(package: Path) -> str:
    digest = hashlib.sha256()
    paths = {path for pattern in _SOURCES for path in package.glob(pattern)}
    for path in sorted(paths):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
            digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@lru_cache
def _processor() -> str:
    # Programs are compiled for this very processor (-march=native): on a mixed cluster, each kind gets its own.
    described = Path("/proc/cpuinfo")
    lines = described.read_text(errors="replace", encoding="utf-8").splitlines() if described.exists() else []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return f"{platform.system()} {platform.machine()} {flags}"


def _user_preferences() -> str:
    path = Path.home() / ".brian" / "user_preferences"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


@contextmanager
def locked(key: str, *, shared: bool = False, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of `key` across processes and yield whether it was had; a dead holder holds nothing."""
    import fcntl

    mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    with _lock_file(key) as file:
        try:
            fcntl.flock(file, mode)
        except BlockingIOError:
            free = False
        except OSError as error:
            raise DeviceError(
                f"The disk of the cache folder {str(cache_folder())!r} knows no locks: {error.strerror}. {_ADVICE} on "
                "another disk."
            ) from error
        else:
            free = True
        yield free


def _lock_file(key: str) -> IO[bytes]:
    path = cache_folder() / "locks" / key
    try:
        return path.open("a+b")  # some disks lock only files that are open for both
    except OSError as error:
        raise DeviceError(f"The cache cannot be written, {str(path)!r}: {error.strerror}. {_ADVICE}.") from error


def touch(entry: Path) -> None:
    """Note that `entry` was used now."""
    os.utime(entry)


def _last_use(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:  # another process has removed it
        return 0.0


def _size(folder: Path) -> int:
    return sum(map(_file_size, folder.rglob("*")))


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _entries() -> list[Path]:
    return list((cache_folder() / "programs").iterdir())


def _limit() -> int:
    text = os.environ.get("BRAINMEM_CACHE_MB", str(_DEFAULT_MEGABYTES))
    if not text.isdigit():
        raise DeviceError(f"BRAINMEM_CACHE_MB={text!r}: give a whole number of megabytes.")
    return int(text) * 2**20


def cache_info() -> CacheInfo:
    """Return the cache's folder, number of programs, their size and the limit, in bytes."""
    entries = _entries()
    damaged = tuple(entry.name for entry in entries if not is_whole(entry))
    return CacheInfo(cache_folder(), len(entries), sum(map(_size, entries)), _limit(), damaged, _damages())


def make_room(keep: str) -> None:
    """Remove the programs used longest ago until the cache fits its limit, but not `keep` nor one that runs."""
    _empty_bin()
    entries = sorted(_entries(), key=_last_use)
    sizes = {entry: _size(entry) for entry in entries}
    excess = sum(sizes.values()) - _limit()
    for entry in entries:
        if excess <= 0:
            return
        if entry.name != keep and _remove(entry):
            excess -= sizes[entry]


def _remove(entry: Path) -> bool:
    with locked(entry.name, wait=False) as free:
        if free:
            put_away(entry)
    _empty_bin()
    return free


def put_away(entry: Path) -> None:
    """Take an entry out of the cache, whole or not at all; the caller holds its lock."""
    with suppress(FileNotFoundError):
        os.rename(entry, cache_folder() / "building" / f"{_REMOVED}{uuid.uuid4().hex}")


def _empty_bin() -> None:
    """Delete what was put away, and what builds left, also by processes that were killed before they did."""
    for folder in (cache_folder() / "building").iterdir():
        if folder.name.startswith(_REMOVED):
            remove(folder)
            continue
        with locked(folder.name, wait=False) as free:  # nobody builds there any more
            if free:
                remove(folder)


def clear_cache() -> int:
    """Remove all compiled programs that are not running now; returns how many were removed."""
    return sum(_remove(entry) for entry in _entries())
