"""Printed scripts, run by Brian2 in a process that knows nothing of brainmem."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 300  # seconds


def run_script(folder: Path, text: str, numbers: Mapping[str, Any], saved: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Run a script with its arrays in a folder; return the values of expressions over its names."""
    (folder / "script.py").write_text(text, encoding="utf-8")
    np.savez(folder / "arrays.npz", **numbers)
    server = _server()
    assert server.stdin
    assert server.stdout
    print(json.dumps([str(folder), dict(saved)]), file=server.stdin, flush=True)
    if server.stdout.readline().strip() != "0":
        raise AssertionError((folder / "said.txt").read_text()[-3000:])
    return dict(np.load(folder / "out.npz"))


@cache
def _server() -> subprocess.Popen[str]:
    """Start what forks a process that has imported Brian2, which takes longer than a script.

    Not the one of `multiprocessing`, of which a process has one for all: sweeps have it import brainmem.
    """
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _serve() -> None:
    import brian2  # noqa: F401

    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            signal.alarm(LONGEST)
            os._exit(_run(*json.loads(line)))
        print(os.waitpid(process, 0)[1], flush=True)


def _run(folder: str, saved: Mapping[str, str]) -> int:
    os.chdir(folder)
    with open("said.txt", "w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        try:
            from brian2 import prefs

            prefs.codegen.target = "numpy"
            names: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(Path("script.py").read_text(encoding="utf-8"), "script.py", "exec"), names)
            assert "brainmem" not in sys.modules
            np.savez("out.npz", **{name: np.array(eval(text, names)) for name, text in saved.items()})
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            return 1
    return 0


if __name__ == "__main__":
    _serve()
