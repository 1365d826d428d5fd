"""Printed scripts, run by Brian2 in a process that knows nothing of brainmem."""

from __future__ import annotations

import multiprocessing
import os
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
    process = _context().Process(target=_run, args=(folder, saved))
    process.start()
    process.join(LONGEST)
    if process.exitcode != 0:
        process.kill()
        raise AssertionError((folder / "said.txt").read_text()[-3000:])
    return dict(np.load(folder / "out.npz"))


@cache
def _context() -> Any:
    """Return what forks a process that has imported Brian2, which takes longer than a script."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["brian2"])
    return context


def _run(folder: Path, saved: Mapping[str, str]) -> None:
    os.chdir(folder)
    with open("said.txt", "w") as said:
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
            raise
