"""Measure contenders in turn, and judge the ratios of their times."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from brainmem.bench.registry import OURS, Case, Contenders, Effort, Goal

__all__ = [
    "MET",
    "MISSED",
    "Row",
    "Spread",
    "available_cores",
    "enough_steps",
    "measure_case",
    "on_cores",
    "per_step",
    "spread",
]

MET, MISSED = "met", "missed"

# Steps of the first attempt, and the most by which an attempt is longer than the one before.
FIRST_STEPS, GROWTH = 16, 16
# Steps of the longer of the two runs that a difference is taken of, over those of the shorter.
LONGER = 4


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of what was measured in several rounds."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the quartiles of `values` (interpolated linearly)."""
    low, median, high = np.percentile(np.asarray(values, dtype=float), [25, 50, 75])
    return Spread(float(median), float(low), float(high))


@dataclass(frozen=True)
class Row:
    """Our time against one peer's, at one size.

    Attributes
    ----------
    ours, theirs : tuple of float
        Seconds in each round, in the same order.
    judged : bool
        Whether the goal counts: not where everything ran once only to see that it works.
    """

    case: Case
    size: int
    peer: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    judged: bool = True

    @property
    def ratios(self) -> tuple[float, ...]:
        """Our time over the peer's, round by round."""
        return tuple(own / other for own, other in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> Spread:
        """Median and quartiles of `ratios`."""
        return spread(self.ratios)

    @property
    def goal(self) -> Goal | None:
        """The goal set against this peer at this size."""
        return self.case.goal(self.peer, self.size) if self.judged else None

    @property
    def verdict(self) -> str:
        """``"met"``, ``"missed"``, or ``""`` where there is no goal. A ratio that is no number misses it."""
        if self.goal is None:
            return ""
        return MET if self.ratio.median <= self.goal.at_most else MISSED


def measure_case(case: Case, size: int, effort: Effort) -> list[Row]:
    """Measure all contenders of `case` in turn, `effort.rounds` times, and pair ours with each peer.

    A machine with fewer cores than the case needs gives no rows.
    """
    if case.cores > available_cores():
        effort.say(f"{case.name} needs {case.cores} cores and is left out")
        return []
    with on_cores(case.cores), case.contenders(size, effort) as contenders:
        times = _in_turn(contenders, effort.rounds)
    ours = times.pop(OURS)
    rows = [Row(case, size, peer, ours, theirs, not effort.tiny) for peer, theirs in times.items()]
    effort.say("  " + ", ".join(f"{row.ratio.median:.3g} of {row.peer}" for row in rows))
    return rows


def _in_turn(contenders: Contenders, rounds: int) -> dict[str, tuple[float, ...]]:
    """Every second round runs backwards, so that nobody always follows the same neighbour."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            times[name].append(contenders[name]())
    return {name: tuple(found) for name, found in times.items()}


def per_step(seconds: Callable[[int], float], steps: int) -> float:
    """Return the time of one step: of a long run without that of a short one, so that starts and ends cancel.

    `seconds(n)` runs `n` steps and returns their time. Runs too short to tell apart give the long one's time, start
    included.
    """
    short, long = seconds(steps), seconds(LONGER * steps)
    if long <= short:
        return long / (LONGER * steps)
    return (long - short) / ((LONGER - 1) * steps)


def enough_steps(seconds: Callable[[int], float], target: float) -> int:
    """Return the smallest steps tried of which `LONGER` times as many take `target` seconds; 1 where target is 0."""
    if target <= 0:
        return 1
    steps = FIRST_STEPS
    while (taken := seconds(LONGER * steps)) < target:
        wanted = int(np.clip(target / max(taken, 1e-9), 2, GROWTH))
        steps *= 1 << (wanted - 1).bit_length()
    return steps


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Keep this process, and those that it starts, on `count` cores, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    found = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(found)[-count:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, found)
