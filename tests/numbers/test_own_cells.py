"""Cells of the user's own are measured as they are, and refused where they cannot follow a drive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms

from brainmem import Cell, Device, Spiking, TranslationError, simulate, translate
from brainmem.engine.device import BuildJob
from brainmem.engine.prepare import prepare
from brainmem.model.parameters import resolve_parameters
from brainmem.numbers.calibration import Calibration
from brainmem.numbers.following import _answered, _off, bursts
from brainmem.numbers.loading import load_given
from brainmem.numbers.probe import Probe, own_program
from brainmem.simulation.ready import make_ready
from tests.support.own_cells import (
    ADEX,
    CHATTERING,
    COLOURED,
    CONDUCTANCE,
    EIF,
    HODGKIN_HUXLEY,
    IZHIKEVICH,
    MY_LIF,
    QIF,
    QUIET,
    SLOW,
    steps,
)

DT, TAU, CELLS = 0.5e-3, 0.025, 1000


def measured(cell: Cell | str, device: str = "cpp_standalone", **parameters) -> Calibration:
    model = steps(0.2, 0.8)
    given = load_given(model, parameters)
    return make_ready(translate(model, Spiking(neuron=cell)), given, seed=1, device=Device(device)).calibrations["u"]


def leaky(v, w, current, n):
    """One step of the cell driven by a conductance, in mV, ms, nS, pA and pF."""
    return v + 0.5 * (10 * (-70 - v) + current * 1e9 * (0 - v)) / 100 + 4 * np.sqrt(2 * 0.1 * 0.5) * n, w


def adaptive(v, w, current, n):
    grown = 10 * 2 * np.exp(np.minimum((v + 50) / 2, 50))
    after = v + 0.5 * (10 * (-70 - v) + grown - w + current * 1e12) / 100 + 3 * np.sqrt(2 * 0.1 * 0.5) * n
    return after, w + 0.5 * ((v + 70) - w) / 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "step", "threshold", "reset", "jump"), [(ADEX, adaptive, -40, -60, 5), (CONDUCTANCE, leaky, -50, -70, 0)]
)
def test_cells_fire_at_the_rates_asked_for_in_a_simulation_of_its_own(cell, step, threshold, reset, jump):
    """Euler's method in numpy, from the papers' equations, with other random numbers: within 2 % of the range."""
    found, rng = measured(cell), np.random.default_rng(3)
    asked = np.arange(1, 10) / 10
    currents = np.repeat(np.interp(asked, np.linspace(0, 1, 4097), found.table(4096)), CELLS)
    v, w, rests, spikes = np.full_like(currents, -70), np.zeros_like(currents), np.zeros(len(currents), int), 0.0
    for k in range(5000):
        new, w = step(v, w, currents, rng.standard_normal(len(v)))
        v = np.where(rests > 0, v, new)
        rests = np.maximum(rests - 1, 0)
        fired = (v > threshold) & (rests == 0)
        v, w, rests = np.where(fired, reset, v), w + jump * fired, np.where(fired, 3, rests)
        spikes = spikes + fired * (k >= 1000)
    rates = np.reshape(spikes, (len(asked), CELLS)).mean(axis=1) / 2.0
    off = rates / 100 - asked
    assert np.abs(off).max() < 0.02, off
    assert np.sqrt(np.mean(off**2)) < 0.01
    assert found.error < 0.02
    assert found.rms < 0.006
    assert found.unit == {"adex": "amp"}.get(cell.name, cell.unit)


@pytest.mark.slow
def test_a_cell_with_the_text_of_lif_cells_has_their_curve():
    own, lif = measured(MY_LIF), measured("lif")
    assert np.interp(own.rate, lif.rate, lif.current)[4:-4] == pytest.approx(own.current[4:-4], abs=0.02)
    assert own.fano_at(0.5) == pytest.approx(lif.fano_at(0.5), abs=0.04)
    assert own.response.time < 0.005
    assert own.report.keys() - lif.report.keys() == {"unit", "cv", "response"}


def probe_of(cell: Cell, dt: float, cells: int) -> Probe:
    """Return a few cells on the runtime device."""
    translated = translate(steps(0.2, 0.8), Spiking(neuron=cell))
    values = resolve_parameters(translated.model, {}, parameters=translated.parameters)
    program = replace(own_program(translated.group("u_cells"), cell, dt), cells=cells)
    executable = prepare(BuildJob("brainmem.build.network:build_own_cells", program), "runtime")
    numbers = {name: float(np.asarray(values[name])) for name in program.constants}
    return Probe(cell, program, numbers, values, 100.0, TAU, executable)


def test_rates_without_noise_have_their_closed_forms():
    """LIF: f = 1/(t_ref + tau*ln(I/(I - 1))); QIF between +-b: f = sqrt(I)/(2*tau*arctan(b/sqrt(I)))."""
    inputs = np.array([1.05, 1.2, 1.5, 1.8])
    rate = probe_of(QUIET, 1e-4, 200).run(inputs, seconds=1.0, seed=1).rate
    assert rate == pytest.approx(1 / (2e-3 + 0.01 * np.log(inputs / (inputs - 1))), rel=0.015)
    inputs = np.array([0.5, 1.0, 2.0, 4.0])
    rate = probe_of(QIF, 2e-5, 80).run(inputs, seconds=0.5, seed=1, discard=0.1).rate
    assert rate == pytest.approx(np.sqrt(inputs) / (0.02 * np.arctan(50 / np.sqrt(inputs))), rel=0.05)


REFUSED = {
    "it fires bursts: .* intervals are of two kinds, 3.*and 1..* ms": (CHATTERING, {}),
    "it adapts too slowly: .*Weaken or shorten": (SLOW, {}),
    "its f-I curve jumps from 0 to [78]. Hz near 1.5.*Add membrane noise": (
        replace(QUIET, equations="dv/dt = (I*int(I > 1.5) - v)/tau : 1 (unless refractory)"),
        {},
    ),
    "its variables do not stay finite with method='euler' at a time step of 0.5 ms.*exponential_euler": (
        replace(HODGKIN_HUXLEY, method="euler"),
        {},
    ),
    "it does not fire at any input from .*the signs": (
        replace(QUIET, equations="dv/dt = (-I - v)/tau : 1 (unless refractory)"),
        {},
    ),
    "its f-I curve is not monotone: it fires at .*Lower rate_max": (
        replace(QUIET, equations="dv/dt = (I - 0.8*int(I > 1.5) - v)/tau : 1 (unless refractory)", noise="0.2"),
        {},
    ),
    "rate_max = 100 Hz is above the .* Hz that it reaches at most": (replace(QUIET, refractory=12 * ms), {}),
    "more input means a lower rate: .* Write the input with the other sign": (
        replace(QUIET, equations="dv/dt = (1.3 - I - v)/tau : 1 (unless refractory)", noise="0.2"),
        {},
    ),
    "it fires at .* Hz without input, above rate_max": (
        replace(QUIET, equations="dv/dt = (I + 3 - v)/tau : 1 (unless refractory)"),
        {},
    ),
    "it is too slow: after a step of its input it takes": (
        replace(
            QUIET, equations="dv/dt = (x - v)/tau : 1 (unless refractory)\ndx/dt = (I - x)/(20*tau) : 1", noise="0.3"
        ),
        {"rate_max": 50 * Hz},
    ),
}


LONG = ("jumps", "not stay finite", "too slow", "adapts", "bursts")  # to find out


@pytest.mark.slow
@pytest.mark.parametrize(
    "said", [pytest.param(said, marks=pytest.mark.full) if "jumps" in said else said for said in REFUSED]
)
def test_a_cell_that_cannot_follow_a_drive_is_refused_with_the_reason(said, monkeypatch):
    """The runtime device needs no compiled program, and 1000 cells tell what is plain."""
    monkeypatch.setattr("brainmem.numbers.probe.OWN_CELLS", 1000)
    cell, parameters = REFUSED[said]
    device = "cpp_standalone" if any(word in said for word in LONG) else "runtime"
    with pytest.raises(TranslationError, match=f"Cell '{cell.name}' \\(input 'I'\\): {said}"):
        measured(cell, device, **parameters)


@pytest.mark.full
@pytest.mark.parametrize(
    ("cell", "dt"), [(EIF, 0.5), (IZHIKEVICH, 0.5), (COLOURED, 0.5), (QIF, 0.1), (QUIET, 0.05), (HODGKIN_HUXLEY, 0.05)]
)
def test_other_cells_are_taken_as_they_are(cell, dt):
    parameters = {"cells_per_unit": 400, "spike_dt": dt * ms}
    result = simulate(steps(0.2, 0.8), Spiking(neuron=cell), parameters=parameters, seed=2)
    assert result.calibration["u"]["error"] < 0.02
    assert result.mean_x.values.ravel() == pytest.approx([0.2 * 0.975, 0.8 - 0.025 * 0.6], abs=0.02)


@pytest.mark.slow
def test_the_input_is_found_at_any_scale():
    """The same cell in other units: one input is 10 million times the other, and the rates are the same."""
    cell = replace(QUIET, equations="dv/dt = (k*I - v)/tau : 1", noise="0.3", parameters={"tau": 10 * ms, "k": 1.0})
    other = replace(cell, parameters={"tau": 10 * ms, "k": 1e-7})
    large, small = (measured(item).table(4) for item in (cell, other))
    assert small[1:] * 1e-7 == pytest.approx(large[1:], abs=0.06)


def test_intervals_of_two_kinds_are_told_from_noise():
    rng = np.random.default_rng(1)
    assert bursts(rng.exponential(0.02, 5000) + 0.002) is None
    assert bursts(rng.gamma(9, 0.002, 5000)) is None
    assert bursts(rng.choice([0.0100, 0.0105], 5000)) is None
    short, long = bursts(np.r_[rng.gamma(20, 0.0002, 3000), rng.gamma(20, 0.003, 1000)])
    assert short == pytest.approx(0.004, rel=0.2)
    assert long == pytest.approx(0.06, rel=0.2)


def test_what_an_answer_costs_is_that_of_the_filter():
    """A cell that answers with time constant T is off by max of (exp(-t/tau) - exp(-t/T))*T/(tau - T)."""
    t, slow, tau = np.arange(0, 0.4, 1e-4), 0.01, 0.025
    beyond = -np.exp(-t / slow)
    theory = np.max((np.exp(-t / tau) - np.exp(-t / slow)) * slow / (tau - slow))
    assert _off(beyond, 1e-4, tau) == pytest.approx(theory, rel=0.02)
    assert _answered(beyond, 1e-4) == pytest.approx(slow, rel=0.03)
