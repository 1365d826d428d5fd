"""Small networks that the tests of devices build: payload in, `Built` out."""

from __future__ import annotations

import brian2 as b2

from brainmem.codegen.halt import halt_when
from brainmem.devices import Built

DT = 0.1 * b2.ms


def leaky_network(payload: dict) -> Built:
    """Build `N` leaky units with a full weight matrix, a table of input and monitors; no noise unless asked.

    Payload: ``units`` (number), ``noise`` (bool), ``stop`` (bool: stop when `t` reaches the parameter ``limit``).
    """
    clock = b2.Clock(dt=DT, name="step_clock")
    noise = " + sigma*xi*tau**-0.5" if payload.get("noise") else ""
    stop = "done = halt_when(int(t >= limit))" if payload.get("stop") else "done = 0*limit/second"
    table = b2.TimedArray([[0.0] * payload["units"]] * 4, dt=1 * b2.second, name="cue_values")
    units = b2.NeuronGroup(
        payload["units"],
        f"""
        dx/dt = (-x + tanh(u) + cue_values(row*second, i))/tau{noise} : 1
        u : 1
        row = int(t/(2*ms)) : 1 (constant over dt)
        done : 1 (shared)
        tau : second (shared, constant)
        sigma : 1 (shared, constant)
        limit : second (shared, constant)
        """,
        threshold="x > 0.5",
        method="euler",
        clock=clock,
        name="units",
        namespace={"cue_values": table, "halt_when": halt_when},
    )
    units.run_regularly(stop, when="end", clock=clock, name="units_stop")
    weights = b2.Synapses(
        units, units, "w : 1\n u_post = w*x_pre : 1 (summed)", clock=clock, name="recurrent", namespace={}
    )
    weights.connect()
    trace = b2.StateMonitor(units, "x", record=True, clock=clock, name="trace")
    spikes = b2.SpikeMonitor(units, name="spikes")
    return Built(
        network=b2.Network(units, weights, trace, spikes, name="whole"),
        inputs={
            "units.x": units.x,
            "recurrent.w": weights.w,
            "table.cue_values": table,
            "param.tau": [units.tau],
            "param.sigma": [units.sigma],
            "param.limit": [units.limit],
        },
        outputs={
            "x": units.variables["x"],
            "w": weights.variables["w"],
            "trace": trace.variables["x"],
            "trace_t": trace.variables["t"],
            "spike_i": spikes.variables["i"],
            "spike_t": spikes.variables["t"],
            "done": units.variables["done"],
        },
        done="done",
    )
