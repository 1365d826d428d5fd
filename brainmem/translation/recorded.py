"""What a run records, as values: of whom, which variable, and when."""

from __future__ import annotations

from typing import Literal, NamedTuple

from brainmem.translation.controller import CONTROLLER, TRIAL, has_until, stop_apart
from brainmem.translation.text import Translation

__all__ = ["COMPLETE", "Recorded", "recorded_at_steps"]


class Recorded(NamedTuple):
    """A variable of a group or of synapses, and when it is recorded.

    Attributes
    ----------
    owner : str
        Name of the group or the connection.
    variable : str
    kind : {"steps", "time", "spikes", "epochs", "end"}
        When: at the end of every step of the protocol, at regular times, with every spike (variable ``"i"``, the
        cell, and ``"t"``), after every epoch, or once, when the run has ended.
    """

    owner: str
    variable: str
    kind: Literal["steps", "time", "spikes", "epochs", "end"]

    @property
    def monitor(self) -> str:
        """The name of the Brian2 monitor that records it; empty where it is read when the run has ended."""
        return {
            "steps": {CONTROLLER: "steps", TRIAL: "trial_steps"}.get(self.owner, f"{self.owner}_average_monitor"),
            "time": f"{self.owner}_{self.variable}_trace_monitor",
            "spikes": f"{self.owner}_spikes",
            "epochs": f"{self.owner}_{self.variable}_snapshots",
            "end": "",
        }[self.kind]


COMPLETE = Recorded(CONTROLLER, "complete", "end")  # 1 once the protocol has run to its end


def recorded_at_steps(translated: Translation) -> tuple[Recorded, ...]:
    """Return what every run records when a step of the protocol ends: its length, observables, sums of rates."""
    model, observers = translated.model, TRIAL if translated.trials else CONTROLLER
    ends = ("step", "elapsed", *(("fulfilled",) if has_until(model) else ()))
    kept = [(CONTROLLER, name) for name in ends]
    kept += [(observers, item.name) for item in model.observables]
    kept += [(TRIAL, name) for name in ("lasted", "stopped") if translated.trials and stop_apart(model)]
    kept += [(item.name, f"{item.rate}_total") for item in model.populations if item.rate]
    return tuple(Recorded(owner, variable, "steps") for owner, variable in kept)
