"""Say on what a benchmark ran."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from brainmem.engine.compiler import compiler, compiler_version
from brainmem.errors import DeviceError

__all__ = ["describe_machine", "processor"]

PACKAGES = ("brainmem", "brian2", "numpy", "scipy", "jax", "jaxlib", "ANNarchy")


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, system, compiler, and the versions of all software that took part."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "compiler": _compiler(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def processor() -> str:
    """Return the processor's name."""
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _compiler() -> str:
    try:
        return compiler_version(compiler())
    except DeviceError:
        return "none"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
