"""Say what this machine has of what brainmem needs, and what to do about the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from brainmem.engine.cache import cache_info
from brainmem.engine.compiler import compiler, compiler_version
from brainmem.errors import DeviceError

__all__ = ["doctor"]

Finding = tuple[str, str, str]


def doctor() -> list[Finding]:
    """Return (name, status, detail) of each thing checked; status is ``"ok"``, ``"missing"`` or ``"problem"``."""
    found_compiler = _compiler()
    return [
        _python(),
        *(_package(name) for name in ("brian2", "numpy", "scipy", "sympy", "cython", "xarray", "netCDF4")),
        found_compiler,
        _openmp() if found_compiler[1] == "ok" else ("openmp", "missing", "needs a compiler"),
        *_devices(found_compiler[1] == "ok"),
        _cache(),
    ]


def _python() -> Finding:
    status = "ok" if (3, 11) <= sys.version_info[:2] <= (3, 13) else "problem"
    return "python", status, f"{platform.python_version()} (3.11 to 3.13 are supported), {sys.executable}"


def _package(name: str) -> Finding:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return name, "missing", f"pip install {name}"
    if name == "brian2":
        return _brian2(version)
    if name == "numpy" and sys.version_info < (3, 12) and _numbers(version) >= (2, 4):
        return name, "problem", f"{version}: Brian2 2.9 needs numpy<2.4 (pip install 'numpy<2.4')"
    return name, "ok", version


def _brian2(version: str) -> Finding:
    if _numbers(version) < (2, 9) or version == "2.10.0":
        return "brian2", "problem", f"{version}: brainmem needs brian2>=2.9, !=2.10.0"
    return "brian2", "ok", version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _compiler() -> Finding:
    try:
        path = compiler()
    except DeviceError as error:
        return "compiler", "missing", str(error)
    return "compiler", "ok", f"{path}: {compiler_version(path)}"


def _openmp() -> Finding:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "threads.cpp")
        source.write_text("#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }\n", encoding="utf-8")
        command = [compiler(), "-fopenmp", str(source), "-o", str(Path(folder, "threads"))]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        return "openmp", "missing", "the compiler cannot use -fopenmp; keep threads=0"
    return "openmp", "ok", "Device('cpp_standalone', threads=...) can be used"


def _devices(compiles: bool) -> list[Finding]:
    brian2 = importlib.util.find_spec("brian2") is not None
    cuda = importlib.util.find_spec("brian2cuda") is not None
    return [
        ("device runtime", "ok" if brian2 else "missing", "numpy, or cython where a compiler is found"),
        ("device cpp_standalone", "ok" if brian2 and compiles else "missing", "compiled C++"),
        ("device cuda_standalone", "ok" if cuda else "missing", "brian2cuda, in an environment of its own"),
    ]


def _cache() -> Finding:
    try:
        info = cache_info()
    except DeviceError as error:
        return "cache", "problem", str(error)
    size = f"{info.size / 2**20:.1f} of {info.limit / 2**20:.0f} MB"
    remarks = [f"{len(info.damaged)} of them damaged, to be built anew when needed"] if info.damaged else []
    if info.rebuilt:
        remarks.append(f"{len(info.rebuilt)} times something damaged was made anew, last {info.rebuilt[-1]}")
    return "cache", "ok", "; ".join([f"{info.folder}: {info.entries} programs, {size}", *remarks])
