"""Networks whose memories are patterns that nobody is shown: they stand in the start weights, and in start states."""

from __future__ import annotations

from typing import Any

from brian2 import ms

from brainmem import Each, MemoryModel, Parameter, Pattern, Phase, Population, Projection, Protocol, Recalled

__all__ = ["hopfield"]

UNITS = Population(
    "units",
    "u : 1\nphi = tanh(gain*u) : 1\ndx/dt = (phi - x)/tau : 1",
    rate="x",
    drive="u",
    transfer="phi",
    rate_range=(-1, 1),
)


def hopfield(start: str = "damaged", *, items: str | int = "P", **changes: Any) -> MemoryModel:
    """Return a network that starts from damaged memories; ``damaged`` is listed before what it is drawn from."""
    recall = Phase("recall", duration="10*tau", start={"x": start}, average="5*tau")
    parts: dict[str, Any] = {
        "parameters": (
            Parameter("N", 30),
            Parameter("P", 2),
            Parameter("tau", 10 * ms),
            Parameter("gain", 4.0),
            Parameter("damage", 0.1),
        ),
        "patterns": (
            Pattern("damaged", "units", items="P", draw="memory*(1 - 2*binary(damage))"),
            Pattern("memory", "units", items="P", values=(-1, 1)),
        ),
        "populations": (UNITS,),
        "projections": (
            Projection(
                "recurrent",
                "units",
                "units",
                current="u_post = w*x_pre : 1 (summed)",
                initial={"w": "memory.T @ memory/N"},
            ),
        ),
        "protocol": Protocol((recall,), (Each("recall", items=items),)),
        "recalled": Recalled(phase="recall", target="memory", score="overlap", threshold=0.8),
        "rate_dt": "0.1*tau",
        "spiking": {"spike_dt": 0.5 * ms},
    }
    return MemoryModel("hopfield", **{**parts, **changes})
