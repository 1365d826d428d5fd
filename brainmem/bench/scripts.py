"""Time scripts that run in processes of their own, from start to end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from brainmem.cache import cache_info
from brainmem.errors import BrainmemError

__all__ = ["script_seconds", "second_run"]

# The simulation itself is ten steps: what is measured is the way there.
SCRIPT = """
import brainmem
short = {{"N": {size}, "M": 2, "epochs": 1, "test_epochs": (), "T_learn": "1*tau"}}
result = brainmem.simulate("kurikawa2020", parameters=short)
assert result.complete
"""


def second_run(size: int) -> Callable[[], float]:
    """Run a script once, so that its network is compiled, and return a function that runs it again and times it."""
    script = SCRIPT.format(size=size)
    script_seconds(script)

    def again() -> float:
        before = cache_info().entries
        seconds = script_seconds(script)
        if cache_info().entries != before:
            raise BrainmemError("The second run of an unchanged script compiled something.")
        return seconds

    return again


def script_seconds(script: str) -> float:
    """Run `script` with this Python and return the seconds from start to end.

    Raises
    ------
    BrainmemError
        When it fails; the message holds its last words.
    """
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise BrainmemError(f"A script of the benchmark failed:\n{done.stderr[-2000:]}")
    return seconds
