"""What a sweep costs beside the runs of its binary, and what a second process saves (``make bench``)."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import brainmem.engine.program
from brainmem import sweep

pytestmark = pytest.mark.bench
REPETITIONS = 3
POINTS = 24


def seconds_per_point(store: Path, *, jobs: int, length: int) -> float:
    """Return the time between the first and the last finished point, over their number."""
    moments: list[float] = []
    sweep(
        "kurikawa2020",
        parameters={"N": 50, "M": 4, "epochs": 2, "test_epochs": (2,), "starts": 1, "T_learn": f"{length}*tau"},
        seeds=POINTS,
        store=store,
        jobs=jobs,
        progress=lambda finished, failed, total: moments.append(time.perf_counter()),
    )
    return (moments[-1] - moments[0]) / (len(moments) - 1)


def test_overhead_per_point_and_gain_of_a_second_process(tmp_path, monkeypatch, capsys):
    binary: list[float] = []

    def timed(*arguments, **options):
        begin = time.perf_counter()
        run(*arguments, **options)
        binary.append(time.perf_counter() - begin)

    run = brainmem.engine.program._run_program
    monkeypatch.setattr(brainmem.engine.program, "_run_program", timed)
    seconds_per_point(tmp_path / "build", jobs=1, length=10)
    rows = []
    for i in range(REPETITIONS):
        binary.clear()
        alone = seconds_per_point(tmp_path / f"alone{i}", jobs=1, length=10)
        beside = alone - np.mean(binary)
        one, two = (seconds_per_point(tmp_path / f"{jobs}jobs{i}", jobs=jobs, length=2000) for jobs in (1, 2))
        rows.append((beside, one, two))
    overhead, one, two = np.median(rows, axis=0)
    with capsys.disabled():
        print(
            f"\nsweep: {1e3 * overhead:.0f} ms per point beside the binary's run; {one / two:.2f} times faster on two"
        )
    assert np.isfinite(rows).all()
