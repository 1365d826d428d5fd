"""Time sweeps: what a point costs beside its simulation, and what a second core brings."""

from __future__ import annotations

import tempfile
import time

from brainmem.bench.networks import STEP, model_of

__all__ = ["sweep_seconds"]


def sweep_seconds(points: int, *, size: int, steps: int, jobs: int) -> float:
    """Sweep a static network of `size` units over `points` seeds, `steps` steps each; return the wall time."""
    from brainmem import sweep

    with tempfile.TemporaryDirectory(prefix="brainmem-bench-") as store:
        begin = time.perf_counter()
        sweep(
            model_of("static"),
            parameters={"N": size, "T": f"{steps * STEP!r}*tau"},
            seeds=points,
            store=store,
            jobs=jobs,
            record=(),
        )
        return time.perf_counter() - begin
