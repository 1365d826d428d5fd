"""A parameter that several parts of a network read is one input of all of them, whatever their precision and unit."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from brian2 import Hz, Network, NeuronGroup, ms

from brainmem import (
    Device,
    DeviceError,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Stimulus,
    simulate,
)
from brainmem.engine.device import Built
from brainmem.engine.inputs import Input, check_inputs
from brainmem.engine.preflight import declared_inputs

UNITS = Population(
    "units",
    """
    drive = cue - level : 1
    phi = 1/(1 + exp(-drive)) : 1
    dV/dt = (phi - V)/tau : 1
    dpower/dt = (square - power)/tau : hertz**2
    """,
    rate="V",
    drive="drive",
    transfer="phi",
)
OTHERS = Population("others", "s : 1\ndy/dt = (s - level - y)/tau : 1", size=3)
MODEL = MemoryModel(
    "shared",
    parameters=(
        Parameter("N", 6),
        Parameter("M", 2),
        Parameter("level", 0.1),
        Parameter("tau", 20 * ms),
        Parameter("square", 4 * Hz**2),
        Parameter("n_tau", 2.0),
    ),
    populations=(UNITS, OTHERS),
    projections=(
        Projection(
            "forward", "units", "others", current="s_post = w*(V_pre - level) : 1 (summed)", initial={"w": "level"}
        ),
    ),
    rules=(
        LearningRule("hebb", "forward", continuous="dw/dt = level*V_pre*y_post/tau : 1", bounds={"w": (0, "2*level")}),
    ),
    stimuli=(Stimulus("cue", "units", draw="2*unit*level"),),
    observables=(Observable("overlap", "(cue - level)*V", population="units"),),
    protocol=Protocol(
        (Phase("show", duration="5*tau", stimuli=("cue",), until="overlap > 9*level or elapsed > n_tau*tau"),),
        (Each("show"),),
    ),
    rate_dt="1*ms",
)


def expected(level: float, tau: float = 20e-3, dt: float = 1e-3, n_tau: float = 2.0) -> np.ndarray:
    """Integrate one phase of the model by Euler's method and return the overlap at the end of the first item."""
    cue, rates = 2 * np.arange(6) * level, np.zeros(6)
    overlap = elapsed = 0.0
    while not (overlap > 9 * level or elapsed > n_tau * tau):
        overlap = np.mean((cue - level) * rates)
        rates = rates + dt * (1 / (1 + np.exp(level - cue)) - rates) / tau
        elapsed += dt
    return np.mean((cue - level) * rates)


@pytest.mark.parametrize("bits", [64, pytest.param(32, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", ["runtime", "cpp_standalone"])
def test_a_parameter_is_read_by_units_synapses_rules_observables_and_conditions_at_once(name, bits):
    near = {"rtol": 1e-9 if bits == 64 else 1e-5}
    result = simulate(MODEL, device=Device(name, float=bits), parameters={"level": 0.2}, record=("power", "weights"))
    np.testing.assert_allclose(result.overlap.values[0], expected(0.2), **near)
    steps = 10 * len(result.power) - 9
    np.testing.assert_allclose(result.power.values[-1], 4 * (1 - (1 - 1 / 20) ** steps), **near)
    assert (result.forward_w.values[-1][:, 1:] > 0.2).all()


@pytest.mark.slow
def test_spikes_share_it_too():
    result = simulate(MODEL, "spiking", device=Device("runtime", float=32), parameters={"level": 0.2})
    assert result.overlap.values[0] == pytest.approx(expected(0.2), rel=0.3)


def test_an_input_keeps_the_type_of_each_variable():
    item = Input("param.x", ("protocol.x", "units.x"), ("float64", "float32"), ())
    found = check_inputs({"param.x": item}, {"param.x": 0.1})["param.x"]
    assert (found.dtype, float(found)) == (np.float64, 0.1)
    with pytest.raises(DeviceError, match="too large for float32"):
        check_inputs({"param.x": item}, {"param.x": 1e300})


def test_exponents_of_units_are_plain_floats_that_json_takes():
    group = NeuronGroup(1, "x : hertz**2\ny : volt**0.5", name="group")
    for view, exponents in ((group.x, [0, 0, -2]), (group.y, [1, 0.5, -1.5])):
        item = declared_inputs(Built(Network(group), {"x": view}, {}), set())["x"]
        assert json.loads(json.dumps(asdict(item)))["dimensions"][:3] == exponents
