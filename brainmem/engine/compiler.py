"""Compile a generated C++ project, fast: all its parts as one file, or one by one where that fails."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Container, Mapping
from pathlib import Path

from brainmem.errors import DeviceError

__all__ = ["MEMORY", "compile_project", "compiler", "compiler_version", "run_probe"]

# The file that replaces how C++ allocates memory.
MEMORY = "aligned_memory.cpp"
# Lines of compiler output that an error message shows.
_TAIL = 25
# What helper functions within a code object are guarded by.
_GUARD = re.compile(r"^\s*#ifndef (BRAINMEM_\w+)$", re.MULTILINE)
# Stands before what runs once.
_ONCE = '#pragma GCC optimize ("O0")\n'


def compiler() -> str:
    """Return the path of the C++ compiler that make will use, or say what to install."""
    wanted = os.environ.get("CXX") or ("c++" if sys.platform == "darwin" else "g++")
    found, make = shutil.which(wanted.split()[0]), shutil.which("make")
    if os.name != "posix":
        raise DeviceError("Device 'cpp_standalone' needs Linux, macOS or WSL. Use Device('runtime') here.")
    if found is None or make is None:
        missing = f"a C++ compiler ({wanted!r})" if found is None else "the program 'make'"
        raise DeviceError(
            f"Device 'cpp_standalone' needs {missing}, which is not on the PATH. Install it (Debian, Ubuntu: "
            "apt install g++ make; macOS: xcode-select --install; conda: conda install cxx-compiler make), or "
            "use Device('runtime')."
        )
    return found


@functools.lru_cache
def compiler_version(path: str) -> str:
    """Return the first line of the compiler's ``--version``."""
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, errors="replace", check=False)
    return (answer.stdout or answer.stderr).splitlines()[0]


def compile_project(folder: Path, *, owners: Mapping[str, str]) -> None:
    """Compile the project in `folder` to ``main``.

    As one file they take about a fifth of the time that Brian2's one file per object takes, which goes mostly
    into reading the same headers. `owners` maps code objects to objects, for error messages.
    """
    compiler()
    _use_own_flags(folder / "makefile")
    _use_wall_clock(folder / "network.cpp")
    sources = _sources(folder)
    _use_own_power(folder, sources)
    _leave_out_writing(folder / "objects.cpp")
    _write_single_file(folder, sources, owners)
    (folder / "make.deps").touch()
    others = [name for name in sources if not _is_ours(name)]
    single = _make(folder, ["whole.cpp", *others, MEMORY])
    if single.returncode != 0:
        (folder / "whole.log").write_text(single.stdout, encoding="utf-8")
        (folder / "make.deps").unlink()
        separate = _make(folder, [*sources, MEMORY])
        if separate.returncode != 0:
            raise DeviceError(_describe_failure(separate.stdout, owners))
    _clean(folder)


def _make(folder: Path, sources: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", f"-j{os.cpu_count() or 1}", "SRCS=" + " ".join(sources)],
        cwd=folder, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


def _sources(folder: Path) -> list[str]:
    found = re.search(r"^SRCS = (.*)$", (folder / "makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1).split() if found else []


def _is_ours(name: str) -> bool:
    return name.startswith("code_objects/") or "/" not in name


def _write_single_file(folder: Path, sources: list[str], steady: Container[str]) -> None:
    """Join the generated files; each one's helper functions get a namespace, so that their names may repeat.

    What keeps helpers from being defined twice in a file is undone at its end, as the next file needs its own.

    Only what runs in the loop over time steps (the code objects in `steady`) is optimised, which takes most of the
    compiler's time. It comes first, so that the functions of headers are optimised too.
    """
    parts = []
    ours = sorted(filter(_is_ours, sources), key=lambda name: _runs_once(name, steady))
    for number, name in enumerate(ours):
        text = (folder / name).read_text(encoding="utf-8")
        if name.startswith("code_objects/"):
            own = f"part_{number}"
            text = re.sub(r"^namespace \{", f"namespace {own} {{", text, flags=re.MULTILINE)
            text = text.replace("using namespace brian;", f"using namespace brian; using namespace {own};")
            text += "".join(f"\n#undef {guard}" for guard in dict.fromkeys(_GUARD.findall(text)))
        if _runs_once(name, steady) and _ONCE not in parts:
            parts.append(_ONCE)
        parts.append(f'#line 1 "{name}"\n{text}\n')
    (folder / "whole.cpp").write_text("".join(parts), encoding="utf-8")


def _runs_once(name: str, steady: Container[str]) -> bool:
    return name != "network.cpp" and Path(name).stem not in steady


def _use_own_flags(makefile: Path) -> None:
    """Add the flags of the environment behind Brian2's, so that theirs count; a makefile's own hide them from make."""
    flags = os.environ.get("CXXFLAGS", "")
    text = makefile.read_text(encoding="utf-8")
    makefile.write_text(re.sub(r"^(OPTIMISATIONS = .*)$", rf"\1 {flags}", text, flags=re.MULTILINE), encoding="utf-8")


def _use_wall_clock(network: Path) -> None:
    # Brian2 asks for the time once per object and step; 2.9 for CPU time, a system call of about 0.3 us.
    text = network.read_text(encoding="utf-8")
    text = text.replace("std::clock()", "brainmem::wall_clock()")
    text = text.replace("std::chrono::high_resolution_clock::now()", "brainmem::wall_now()")
    network.write_text('#include "run_control.h"\n' + text, encoding="utf-8")


def _use_own_power(folder: Path, sources: list[str]) -> None:
    # Brian2's x**y is a macro over pow(), which is a double for a float and a whole number.
    for path in (folder / name for name in sources if name.startswith("code_objects/")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("(pow((x), (y)))", "(brainmem::power((x), (y)))"), encoding="utf-8")


def _leave_out_writing(objects: Path) -> None:
    # Results are written by `generate._insert_ending`; Brian2's own writing, never called, takes a tenth of a second.
    text = objects.read_text(encoding="utf-8")
    empty = re.sub(r"^(void _write_arrays\(\)\n\{)\n.*?^\}", r"\1\n}", text, count=1, flags=re.MULTILINE | re.DOTALL)
    objects.write_text(empty, encoding="utf-8")


def _clean(folder: Path) -> None:
    for path in [*folder.rglob("*.o"), folder / "make.deps"]:
        path.unlink(missing_ok=True)


def _describe_failure(output: str, owners: Mapping[str, str]) -> str:
    found = re.search(r"code_objects/(\w+)\.cpp:\d+", output)
    code = found.group(1) if found else ""
    where = f" in {code!r}, part of {owners.get(code, 'the initial values')!r}" if code else ""
    tail = "\n".join(output.splitlines()[-_TAIL:])
    return f"The C++ compiler failed{where}. Its last words:\n{tail}"


def run_probe(folder: Path) -> dict[str, int]:
    """Run the program for no time at all: it must start, and tells how many synapses there are."""
    with tempfile.TemporaryDirectory() as results:
        environment = {**os.environ, "BRAINMEM_PROBE": "1", "BRAINMEM_DURATION": "0"}
        done = subprocess.run(
            ["./main", "--results_dir", results + "/"],
            cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        answer = Path(results, "probe.json")
        if done.returncode != 0 or not answer.exists():
            words = done.stderr[-2000:]
            raise DeviceError(f"The compiled program does not start (status {done.returncode}):\n{words}")
        return json.loads(answer.read_text(encoding="utf-8"))
