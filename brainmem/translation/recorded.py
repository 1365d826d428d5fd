"""What a run records, as values: of whom, which variable, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

from brainmem.text.equations import Equation, read_equations
from brainmem.translation import schedule
from brainmem.translation.controller import CONTROLLER, TRIAL, has_until, stop_apart
from brainmem.translation.text import Translation

__all__ = ["COMPLETE", "ENDING", "LAST_SPIKE", "Recorded", "kept_at_end", "recorded_at_steps", "with_ending"]


class Recorded(NamedTuple):
    """A variable of a group or of synapses, and when it is recorded.

    Attributes
    ----------
    owner : str
        Name of the group or the connection.
    variable : str
    kind : {"steps", "time", "spikes", "epochs", "ends", "end"}
        When: at the end of every step of the protocol, at regular times, with every spike (variable ``"i"``, the
        cell, and ``"t"``), after epochs, at the ends of phases, or once, when the run has ended.
    at : tuple of int
        After which epochs, counted from 1, or at the ends of which phases, by their places in the protocol, counted
        from 1; empty for all.
    """

    owner: str
    variable: str
    kind: Literal["steps", "time", "spikes", "epochs", "ends", "end"]
    at: tuple[int, ...] = ()

    @property
    def monitor(self) -> str:
        """The name of the Brian2 monitor that records it; empty where it is read when the run has ended."""
        return {
            "steps": {CONTROLLER: "steps", TRIAL: "trial_steps"}.get(self.owner, f"{self.owner}_average_monitor"),
            "time": f"{self.owner}_{self.variable}_trace_monitor",
            "spikes": f"{self.owner}_spikes",
            "epochs": f"{self.owner}_{self.variable}_snapshots",
            "ends": f"{self.owner}_{self.variable}_ends",
            "end": "",
        }[self.kind]


COMPLETE = Recorded(CONTROLLER, "complete", "end")  # 1 once the protocol has run to its end


LAST_SPIKE = "lastspike"  # what Brian2 calls the time of a cell's last spike
ENDING = "ending"  # of the controller: the place of the phase that ends, counted from 1; 0 where none does


def with_ending(translated: Translation) -> Translation:
    """Return a translation whose controller tells which phase ends, for what is recorded there."""
    group = translated.group(CONTROLLER)
    line = str(Equation(ENDING, "parameter", "1"))
    advanced = tuple(
        replace(op, code=f"{op.code}\n{ENDING} = ended*(1 + step_phase(step*second))")
        if (op.when, op.order) == schedule.ADVANCE
        else op
        for op in group.operations
    )
    changed = replace(group, equations=f"{group.equations}\n{line}", operations=advanced)
    return replace(translated, groups=tuple(changed if item is group else item for item in translated.groups))


def recorded_at_steps(translated: Translation) -> tuple[Recorded, ...]:
    """Return what every run records when a step of the protocol ends: its length, and observables."""
    model, observers = translated.model, TRIAL if translated.trials else CONTROLLER
    ends = ["step", "elapsed", *(["fulfilled"] if has_until(model) else [])]
    ends += ["loop_fulfilled"] if model.protocol.loops else []
    kept = [(CONTROLLER, name) for name in ends]
    kept += [(observers, item.name) for item in model.observables]
    kept += [(TRIAL, name) for name in ("lasted", "stopped") if translated.trials and stop_apart(model)]
    return tuple(Recorded(owner, variable, "steps") for owner, variable in kept)


def kept_at_end(translated: Translation) -> Iterator[tuple[str, str]]:
    """Yield what a run that goes on from this one begins with, as (owner, variable): states of units and of synapses.

    The protocol begins anew, and so do counts of what was noticed of a run.
    """
    for group in translated.groups:
        left_out = {*translated.final.get(group.name, ())}
        for line in read_equations(group.equations) if group.name not in (CONTROLLER, TRIAL) else ():
            if _is_state(line) and line.name not in left_out:
                yield group.name, line.name
        if group.refractory:
            yield group.name, LAST_SPIKE
    for item in translated.connections:
        for line in read_equations(item.equations):
            if _is_state(line):
                yield item.name, line.name


def _is_state(line: Equation) -> bool:
    return line.kind != "subexpression" and not {"linked", "shared", "constant", "summed"} & set(line.flags)
