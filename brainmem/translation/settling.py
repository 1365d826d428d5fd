"""Cells that begin where their drive would have brought them.

When a phase sets the rates of units, or puts them back, the traces jump and the membranes would still hold what came
before: LIF cells answer a change of their input within about the membrane time constant, and meanwhile the trace
decays. So the membranes, and how long ago each cell has spiked, are drawn anew from the distribution that they have
in the long run at the present current, which calibration has recorded.
"""

from __future__ import annotations

from brainmem.model.names import settle_table
from brainmem.translation import schedule
from brainmem.translation.sizes import Size
from brainmem.translation.text import Operation, Table

__all__ = ["LEVELS", "ROWS", "SETTLE_EVENT", "settling", "settling_event", "settling_tables"]

LEVELS = 64  # quantiles of the membrane potential
ROWS = 64  # steps of the current
SETTLE_EVENT = "settle"


def settling_tables(population: str) -> tuple[Table, ...]:
    """Return the tables that cells are drawn from."""
    return (
        Table(settle_table(population), meaning="1 where the cells begin anew with the step"),
        Table(f"{population}_span", meaning="lowest calibrated current, and how far the others reach above it"),
        Table(f"{population}_membrane", Size(str(LEVELS)), meaning="quantiles of v in the long run, by current"),
        Table(f"{population}_resting", meaning="fraction of refractory cells in the long run, by current"),
    )


def settling_event(population: str) -> tuple[str, str, int]:
    """Return the condition and the slot of the event at which cells are drawn anew."""
    return f"elapsed < 0.5*dt and {settle_table(population)}(step*second) > 0.5", *schedule.PHASE_BEGIN


def settling(population: str) -> Operation:
    """Return the operation that draws the membranes and the last spikes of cells, after the sums of the time step."""
    low, span = f"{population}_span(0*second)", f"{population}_span(1*second)"
    code = f"""
row = floor(clip({ROWS}*(I - {low})/{span}, 0, {ROWS}) + 0.5)
resting = int(rand() < {population}_resting(row*second))
v = (1 - resting)*({population}_membrane(row*second, int({LEVELS}*rand())) + clip(I - {low}, -inf, 0))
pause = floor(t_ref/dt + 0.5)
since = 1 + floor((pause - 1)*rand())
lastspike = t - dt*(resting*since + (1 - resting)*pause)
"""
    return Operation(f"{population}_settled", code.strip(), *schedule.SETTLE_CELLS, event=SETTLE_EVENT)
