"""Time scripts that run in processes of their own, from start to end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from brainmem.errors import BrainmemError

__all__ = ["script_seconds", "second_run"]

# The simulation itself is ten steps: what is measured is the way there.
SCRIPT = """
import brainmem
short = {{"N": {size}, "M": 2, "epochs": 1, "test_epochs": (), "T_learn": "1*tau"}}
result = brainmem.simulate("kurikawa2020", parameters=short)
assert result.complete
"""


def second_run(size: int, cache: Path) -> Callable[[], float]:
    """Run a script once, so that its network is compiled into `cache`, and return a function that times it again."""
    script = SCRIPT.format(size=size)
    script_seconds(script, cache)
    compiled = _programs(cache)

    def again() -> float:
        seconds = script_seconds(script, cache)
        if _programs(cache) != compiled:
            raise BrainmemError("The second run of an unchanged script compiled something.")
        return seconds

    return again


def _programs(cache: Path) -> set[str]:
    return {entry.name for entry in (cache / "programs").iterdir()}


def script_seconds(script: str, cache: Path) -> float:
    """Run `script` with this Python and the compiled programs in `cache`; return the seconds from start to end.

    Raises
    ------
    BrainmemError
        When it fails; the message holds its last words.
    """
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path, "BRAINMEM_CACHE": str(cache)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise BrainmemError(f"A script of the benchmark failed:\n{done.stderr[-2000:]}")
    return seconds
