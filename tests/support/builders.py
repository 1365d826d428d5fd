"""Small networks that the tests of devices build: payload in, `Built` out."""

from __future__ import annotations

import brian2 as b2
import numpy as np

from brainmem.build.codegen.halt import halt_when
from brainmem.engine.device import Built

DT = 0.1 * b2.ms
# Seconds that one row of the table of inputs is shown.
ROW = 2 * b2.ms

_UNITS = """
dx/dt = (-x + tanh(u) + cue_values(row*second, i))/tau{noise} : 1
u : 1
row = int(t/(2*ms)) : 1 (constant over dt)
done : 1 (shared)
tau : second (shared, constant)
sigma : 1 (shared, constant)
limit : second (shared, constant)
"""


def leaky_network(payload: dict) -> Built:
    """Build leaky units with a full weight matrix, a table of inputs and monitors.

    Payload: ``units`` (how many), ``noise`` (bool), ``stop`` (bool: halt once `t` reaches ``limit``).
    """
    size = payload["units"]
    clock = b2.Clock(dt=DT, name="step_clock")
    table = b2.TimedArray(np.zeros((4, size)), dt=1 * b2.second, name="cue_values")
    units = b2.NeuronGroup(
        size,
        _UNITS.format(noise=" + sigma*xi*tau**-0.5" if payload.get("noise") else ""),
        threshold="x > 0.5",
        reset="",
        method="euler",
        clock=clock,
        name="units",
        namespace={"cue_values": table, "halt_when": halt_when},
    )
    stop = "done = halt_when(int(t >= limit))" if payload.get("stop") else "done = 0"
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


def decay(payload: dict) -> Built:
    """Build one unit that decays with ``tau``; `payload` names a fault of `FAULTS` to build in, or none."""
    clock = b2.Clock(dt=DT, name="step_clock")
    unit = b2.NeuronGroup(
        payload.get("units", 1),
        "dx/dt = -x/tau : 1\ntau : second (shared, constant)",
        method="euler",
        clock=clock,
        name="unit",
        namespace={},
    )
    built = Built(
        network=b2.Network(unit, name="whole"),
        inputs={"unit.x": unit.x, "param.tau": unit.tau},
        outputs={"x": unit.variables["x"]},
    )
    fault = payload.get("fault")
    if fault:
        FAULTS[fault](built, unit, clock)
    return built


def _network_operation(built, unit, clock):
    built.network.add(b2.NetworkOperation(lambda: None, clock=clock, name="python_code"))


def _own_python_object(built, unit, clock):
    class Counter(b2.core.base.BrianObject):
        def run(self):
            pass

    built.network.add(Counter(name="counter"))


def _automatic_name(built, unit, clock):
    built.network.add(b2.NeuronGroup(1, "y : 1", clock=clock, namespace={}))


def _automatic_operation(built, unit, clock):
    unit.run_regularly("x = x", clock=clock)


def _run_inside(built, unit, clock):
    unit.tau = 10 * b2.ms
    built.network.run(1 * b2.ms, namespace={})


def _unset_parameter(built, unit, clock):
    del built.inputs["param.tau"]


def _subgroup_input(built, unit, clock):
    built.inputs["unit.some_x"] = unit[:1].x


def _subexpression_input(built, unit, clock):
    other = b2.NeuronGroup(1, "y = 3 : 1", clock=clock, name="other", namespace={})
    built.network.add(other)
    built.inputs["other.y"] = other.y


def _synapses(built, unit, **connection):
    synapses = b2.Synapses(unit, unit, "w : 1", name="random", namespace={})
    synapses.connect(**connection)
    built.network.add(synapses)
    return synapses


def _random_synapses_as_input(built, unit, clock):
    built.inputs["random.w"] = _synapses(built, unit, p=0.5).w


def _array_for_random_synapses(built, unit, clock):
    synapses = _synapses(built, unit, condition="rand() < 0.5")
    synapses.w = np.arange(len(unit) ** 2)


def _input_read_while_building(built, unit, clock):
    unit.x = "1/(tau/ms)"


def _unknown_done(built, unit, clock):
    built.done = "complete"


def _python_function(built, unit, clock):
    twice = b2.Function(lambda value: 2 * value, arg_units=[1], return_unit=1)
    unit.namespace["twice"] = twice
    unit.run_regularly("x = twice(x)", clock=clock, name="unit_twice")


def _broken_cpp(built, unit, clock):
    broken = b2.Function(lambda value: value, arg_units=[1], return_unit=1)
    broken.implementations.add_implementation("cpp", "double broken(double value) { return value oops; }")
    unit.namespace["broken"] = broken
    unit.run_regularly("x = broken(x)", clock=clock, name="unit_breaks")


def _broken_cython(built, unit, clock):
    broken = b2.Function(lambda value: value, arg_units=[1], return_unit=1)
    broken.implementations.add_implementation("cython", "cdef double broken(double value): return value oops")
    unit.namespace["broken"] = broken
    unit.run_regularly("x = broken(x)", clock=clock, name="unit_breaks")


def _halts_without_done(built, unit, clock):
    unit.namespace["halt_when"] = halt_when
    unit.run_regularly("x = halt_when(x)", clock=clock, name="unit_halts")


def _runs_forever(built, unit, clock):
    built.network.add(b2.SpikeMonitor(_busy(built), name="busy_spikes"))


def _busy(built):
    busy = b2.NeuronGroup(5000, "y : 1", threshold="rand() < 0", reset="", dt=DT, name="busy", namespace={})
    built.network.add(busy)
    return busy


FAULTS = {
    "network operation": _network_operation,
    "python object": _own_python_object,
    "automatic name": _automatic_name,
    "automatic operation": _automatic_operation,
    "run inside": _run_inside,
    "unset parameter": _unset_parameter,
    "subgroup input": _subgroup_input,
    "subexpression input": _subexpression_input,
    "random synapses as input": _random_synapses_as_input,
    "array for random synapses": _array_for_random_synapses,
    "input read while building": _input_read_while_building,
    "unknown done": _unknown_done,
    "broken cython": _broken_cython,
    "python function": _python_function,
    "broken C++": _broken_cpp,
    "halts without done": _halts_without_done,
    "runs forever": _runs_forever,
}


MATH_FUNCTIONS = (
    "exp", "log", "log10", "expm1", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
)  # fmt: skip


def mathematics(payload: dict) -> Built:
    """Build units that apply each of `MATH_FUNCTIONS` to x/y, which may be infinity or NaN.

    Payload: ``units`` (how many).
    """
    clock = b2.Clock(dt=DT, name="step_clock")
    variables = ["x", "y", *(f"of_{name}" for name in MATH_FUNCTIONS)]
    lines = "\n".join(f"{name} : 1" for name in variables)
    units = b2.NeuronGroup(payload["units"], lines, clock=clock, name="units", namespace={})
    for name in MATH_FUNCTIONS:
        units.run_regularly(f"of_{name} = {name}(x/y)", when="start", clock=clock, name=f"units_{name}")
    return Built(
        network=b2.Network(units, name="whole"),
        inputs={"units.x": units.x, "units.y": units.y},
        outputs={name: units.variables[f"of_{name}"] for name in MATH_FUNCTIONS},
    )


def powers(payload: dict) -> Built:
    """Build units whose updates take a whole and a broken power."""
    clock = b2.Clock(dt=DT, name="step_clock")
    equations = "x : 1\ncube : 1\nroot : 1"
    units = b2.NeuronGroup(9, equations, clock=clock, name="unit", namespace={})
    units.run_regularly("cube = x**3\nroot = abs(x)**0.5", clock=clock, name="unit_powers")
    network = b2.Network(units, name="whole")
    outputs = {name: units.variables[name] for name in ("cube", "root")}
    return Built(network=network, inputs={"unit.x": units.x}, outputs=outputs)
