"""Processes that a test started, found by a mark in their environment; sweeps that hold the same numbers."""

from __future__ import annotations

import time
from pathlib import Path

from brainmem import (
    Sweep,
)


def same(one: Sweep, two: Sweep) -> bool:
    """Whether two sweeps hold the same numbers at the same points."""
    names = [[point.path.name for point in found.points] for found in (one, two)]
    pairs = zip(one.results(), two.results(), strict=True)
    return names[0] == names[1] and all(a.data.drop_attrs().identical(b.data.drop_attrs()) for a, b in pairs)


MARK = "BRAINMEM_TEST_MARK"


def marked(store: Path) -> list[Path]:
    """Return the running processes that a script started, at any depth."""
    mark, found = f"{MARK}={store}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            dead = (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            continue
        found += [process] if mark in environment and not dead else []
    return found


def wait_until(reached, seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.005)
