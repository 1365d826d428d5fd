"""The line at the end of a result file by which damage and mix-ups are noticed: a checksum, and whose result it is.

HDF5 ignores what stands behind its own end, so that sealed files are NetCDF files for every reader. A program that
writes into such a file drops the seal.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Seal", "fault_of", "read_seal", "read_text", "write_seal", "write_text"]

_SEAL = re.compile(rb"\nbrainmem ([0-9a-f]{64}) (.{64})\n", re.DOTALL)
_LENGTH = 140
_CHUNK = 2**20


@dataclass(frozen=True)
class Seal:
    """What a file's last line says, and whether it is true."""

    key: str
    intact: bool


def write_seal(path: Path, key: str = "") -> None:
    """Append a seal to a file; `key` names the point of a sweep whose result it is."""
    line = key.encode().ljust(64)
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        digest = _digest(file, size, line)
        file.seek(size)
        file.write(b"\nbrainmem " + digest.encode() + b" " + line + b"\n")


def read_seal(path: Path) -> Seal | None:
    """Return the seal of a file and check it; None if it has none.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2) - _LENGTH
        if size < 0:
            return None
        file.seek(size)
        found = _SEAL.fullmatch(file.read(_LENGTH))
        if found is None:
            return None
        file.seek(0)
        digest = _digest(file, size, found[2])
    return Seal(found[2].decode(errors="replace").rstrip(), digest.encode() == found[1])


def write_text(path: Path, text: str, *, key: str) -> None:
    """Write a text and seal it."""
    path.write_text(text, encoding="utf-8")
    write_seal(path, key)


def read_text(path: Path) -> str | None:
    """Return a sealed text; None if it was damaged or belongs under another name."""
    try:
        seal = read_seal(path)
        intact = seal is not None and seal.intact and seal.key == path.stem
        return path.read_bytes()[:-_LENGTH].decode() if intact else None
    except OSError:
        return None


def fault_of(path: Path) -> str:
    """Return why a file is not the result of the point that its name says, or ``""`` if it is."""
    try:
        seal = read_seal(path)
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    if seal is None:
        return "the file was damaged, or no sweep wrote it: it has no checksum"
    if not seal.intact:
        return "the file was damaged: its checksum does not fit"
    if seal.key != path.stem:
        return f"the file is the result of another run{f', {seal.key}' if seal.key else ''}"
    return ""


def _digest(file: BinaryIO, size: int, line: bytes) -> str:
    """Return the checksum of the first `size` bytes of an open file and of the key."""
    digest = hashlib.sha256(line)
    while size > 0 and (chunk := file.read(min(size, _CHUNK))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()
