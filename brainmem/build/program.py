"""What a network is built from: all of a run that its compiled program depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brainmem.build.kernels import Kernel
from brainmem.text.slices import Ends
from brainmem.translation.recorded import Recorded
from brainmem.translation.text import Connection, Translation

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """What a run has in its program: text, sizes, step, and what is recorded.

    A compiled program also depends on the device, versions and the compiler; `brainmem.engine.cache.entry_key` has the
    whole list.

    Attributes
    ----------
    sizes : mapping of str to int
        Integer parameters by name, which size groups.
    dt : float
        Time step in seconds.
    periods : mapping of str to float
        Seconds of each period text of the translation.
    recorded : tuple of Recorded
        What is recorded beside what every run records.
    interval : float
        Seconds between samples of what is recorded at regular times.
    kernels : mapping of str to Kernel
        How connections are computed; those not named are Brian2's lists of pairs.
    ends : mapping of str to Ends
        The units that a connection joins; those not named join all units.
    """

    translated: Translation
    sizes: Mapping[str, int]
    dt: float
    periods: Mapping[str, float] = field(default_factory=dict)
    recorded: tuple[Recorded, ...] = ()
    interval: float = 0.0
    kernels: Mapping[str, Kernel] = field(default_factory=dict)
    ends: Mapping[str, Ends] = field(default_factory=dict)

    def dense(self, connection: str) -> bool:
        """Whether a connection is computed as a matrix."""
        return connection in self.kernels and self.kernels[connection].dense

    def sorts(self, connection: str) -> bool:
        """Whether the sums of a connection are ranks that are found by sorting, without synapses."""
        return connection in self.kernels and self.kernels[connection].sorts

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The connections that join some units; a sum over none stays 0."""
        empty = {name for name, ends in self.ends.items() if ends.empty}
        return tuple(item for item in self.translated.connections if item.name not in empty)
