"""What a benchmark is: a case with its sizes, contenders and goals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from brainmem.errors import BrainmemError, closest

__all__ = ["OURS", "Case", "Contenders", "Effort", "Goal", "choose", "ignore"]

OURS = "brainmem"

# Functions by name; each measures itself once and returns seconds.
Contenders = Mapping[str, Callable[[], float]]


def ignore(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Goal:
    """Our time is at most `at_most` times that of `peer`, in the median.

    Parameters
    ----------
    peer : str
        The contender we are compared with.
    at_most : float
        Largest ratio of our time to the peer's. ``1/6`` asks for six times the peer's speed.
    sizes : tuple of int, optional
        Where the goal holds; None is every size.
    """

    peer: str
    at_most: float
    sizes: tuple[int, ...] | None = field(default=None, kw_only=True)

    def holds_at(self, size: int) -> bool:
        """Whether the goal is set for networks of this size."""
        return self.sizes is None or size in self.sizes


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Parameters
    ----------
    rounds : int
        Times that every contender is measured.
    seconds : float
        CPU time that the longer of two runs shall take; 0 takes the fewest steps.
    tiny : bool
        Whether only to see that everything works: the tiny size, no goals.
    say : callable
        Called with a line of text on what happens.
    """

    rounds: int = 7
    seconds: float = 0.3
    tiny: bool = False
    say: Callable[[str], None] = field(default=ignore, compare=False)


@dataclass(frozen=True)
class Case:
    """One thing that is measured, at one or several sizes.

    Parameters
    ----------
    name : str
        What ``--only`` calls it.
    what : str
        What a reader of the table reads.
    contenders : callable
        ``contenders(size, effort)`` is a context manager that yields the contenders by name, ours under
        `OURS`. Peers that are not installed are left out.
    sizes : tuple of int
    goals : tuple of Goal
    tiny : int
        The size at which tests run it.
    unit : str
    scale : callable
        ``scale(size)`` turns seconds into `unit`.
    float : {64, 32}
        Bits of our state variables.
    cores : int
        How many cores the contenders share; a machine with fewer leaves the case out.
    """

    name: str
    what: str
    contenders: Callable[[int, Effort], AbstractContextManager[Contenders]] = field(kw_only=True)
    sizes: tuple[int, ...] = field(kw_only=True)
    goals: tuple[Goal, ...] = field(default=(), kw_only=True)
    tiny: int = field(default=20, kw_only=True)
    unit: str = field(default="s", kw_only=True)
    scale: Callable[[int], float] = field(default=lambda size: 1.0, kw_only=True)
    float: int = field(default=64, kw_only=True)
    cores: int = field(default=1, kw_only=True)

    def goal(self, peer: str, size: int) -> Goal | None:
        """Return the goal set against `peer` at `size`, if there is one."""
        return next((goal for goal in self.goals if goal.peer == peer and goal.holds_at(size)), None)


def choose(cases: Iterable[Case], names: Iterable[str]) -> tuple[Case, ...]:
    """Return the cases of these names, in their own order; no names choose all.

    Raises
    ------
    BrainmemError
        For a name that no case has.
    """
    known = {case.name: case for case in cases}
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise BrainmemError(
                f"--only {name!r} names no benchmark; allowed: {', '.join(known)}.{closest(name, known)}"
            )
    return tuple(case for name, case in known.items() if not wanted or name in wanted)
