"""Cells begin where their drive would have brought them: a step of the rates is answered at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
    Each,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Spiking,
    Stimulus,
    explain,
    simulate,
    translate,
)

CELLS, HZ = 4000, 100.0
CUES = 20  # of the 40 memories
LOW, HIGH = 0.1, 0.6
UNITS = Population(
    "u",
    "drive = c : 1\nphi = clip(drive, 0, 1) : 1\ndx/dt = (phi - x)/tau : 1",
    rate="x",
    drive="drive",
    transfer="phi",
)
QUIET = Phase("quiet", duration="200*ms", stimuli=("c",))
SET = Phase("set", duration="30*ms", stimuli=("c",), start={"x": "c"})


def model(*phases: Phase, schedule=None, units: Population = UNITS, **changes) -> MemoryModel:
    parts = {
        "parameters": (Parameter("N", 1), Parameter("tau", 20 * ms)),
        "populations": (units,),
        "stimuli": (Stimulus("c", "u", items=2, draw=f"{LOW} + {HIGH - LOW}*item"),),
        "protocol": Protocol(phases or (QUIET, SET), schedule or (Each("quiet", items=1), Each("set", items=2))),
        "rate_dt": "1*ms",
    }
    return MemoryModel("settled", **(parts | changes))


def psth(result, *, bin_ms: float = 1.0) -> np.ndarray:
    """Return the rate of the cells in Hz, in bins of so many ms."""
    ends = 1e3 * result.step_duration.values.sum()
    edges = np.arange(0, ends + bin_ms / 2, bin_ms)
    counts, _ = np.histogram(1e3 * result.spike_time.values - 1e-6, edges)
    return counts / (CELLS * bin_ms * 1e-3)


def within(found: np.ndarray, rate: float, *, bin_ms: float = 1.0) -> None:
    """Check rates against theory; Poisson counts bound the spread of regular cells, 2 % is their curve's error."""
    sd = np.sqrt(rate / (CELLS * bin_ms * 1e-3))
    assert np.abs(found - rate).max() < 4.5 * sd + 0.02 * HZ, (found, rate)


def spikes(text: MemoryModel, device="runtime", neuron="lif", **options):
    variant = Spiking(neuron=neuron, cells_per_unit=CELLS)
    return simulate(text, variant, device=device, record=("spikes",), seed=3, **options)


@pytest.mark.parametrize("neuron", ["lif", "affine"])
@pytest.mark.parametrize(
    "device", [Device("runtime"), pytest.param(Device("cpp_standalone"), marks=pytest.mark.full)], ids=str
)
def test_cells_answer_a_step_of_the_rates_at_once(device, neuron):
    rates = psth(spikes(model(), device, neuron=neuron))
    before, after = rates[190:230], rates[230:260]
    if neuron == "affine":  # its own rates are not those asked for: compare with the end of each phase
        for part in (before[10:], after):
            assert np.abs(part[:5].mean() - part[-15:].mean()) < 4.5 * np.sqrt(part[-15:].mean() / (CELLS * 5e-3))
        return
    within(before, LOW * HZ)
    within(after, HIGH * HZ)


def test_a_run_begins_in_the_long_run_and_not_with_a_volley():
    rates = psth(spikes(model(schedule=(Each("quiet", items=2),))))
    within(rates[:20], LOW * HZ)


def test_a_jump_of_the_drive_alone_is_answered_by_the_cells_themselves():
    """Nothing sets the rates here, so membranes go on as they are: the answer takes a membrane's time."""
    rates = psth(spikes(model(QUIET, replace(SET, start={}))))
    after = rates[230:260]
    assert after[0] < 0.7 * HIGH * HZ
    assert after[-10:].mean() == pytest.approx(HIGH * HZ, rel=0.05)


def test_cells_are_put_back_together_with_their_units():
    """After a test beside the protocol the traces are those of before, and so are the cells."""
    probe = replace(SET, name="test", restore=True)
    schedule = (Each("quiet", items=1), Each("test", items=2), Each("quiet", items=1))
    rates = psth(spikes(model(QUIET, probe, schedule=schedule)))
    within(rates[260:300], LOW * HZ)


@pytest.mark.full
def test_the_fraction_of_refractory_cells_is_that_of_the_long_run():
    """With a refractory period of 6 ms and 60 Hz a third of the cells rests; without them the first ms has too many."""
    text = model(spiking={"t_ref": 6 * ms})
    rates = psth(spikes(text), bin_ms=2.0)
    within(rates[115:130], HIGH * HZ, bin_ms=2.0)


def test_drives_of_the_current_form_are_set_with_their_traces():
    units = Population("u", "dI/dt = (-I + c)/tau : 1\nx = clip(I, 0, 1) : 1", rate="x", drive="I", transfer="x")
    text = model(QUIET, replace(SET, start={"I": "c"}), units=units)
    result = simulate(
        text,
        "spiking",
        device="runtime",
        record=("x", "I"),
        interval=0.5 * ms,
        parameters={"cells_per_unit": CELLS},
        seed=3,
    )
    drive, x = result.I.values[:, 0], result.x.values[:, 0]
    second = result.time.values > 0.230 + 1e-9
    assert drive[second] == pytest.approx(HIGH, abs=0.01)
    assert x[second] == pytest.approx(HIGH, abs=0.03)


def test_a_drive_that_is_set_meets_its_own_sums_in_the_first_phase_too():
    """Input and sums together are the value set, whatever the traces of others give at that moment."""
    units = Population(
        "u",
        "rec : 1\ndI/dt = (-I + rec + c)/tau : 1\nx = 1/(1 + exp(-I)) : 1",
        size="N",
        rate="x",
        drive="I",
        transfer="x",
    )
    rec = Projection("rec", "u", "u", current="rec_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 1)"})
    first = Phase("first", duration="5*ms", stimuli=("c",), start={"I": "normal(0, 1)"})
    text = MemoryModel(
        "first",
        parameters=(Parameter("N", 20), Parameter("tau", 20 * ms)),
        populations=(units,),
        projections=(rec,),
        stimuli=(Stimulus("c", "u", items=2),),
        protocol=Protocol((first,), (Each("first", items=2, repeats=2),)),
        rate_dt="0.5*ms",
    )
    wanted = simulate(text, "rate", device="runtime", record=("I",), interval=0.5 * ms)
    found = simulate(
        text, "spiking", device="runtime", record=("I",), interval=0.5 * ms, parameters={"cells_per_unit": 100}
    )
    for k in range(4):
        assert found.I.values[10 * k] == pytest.approx(wanted.I.values[10 * k], abs=0.1)


def memory(tau=20 * ms, flipped: float = 0.2) -> MemoryModel:
    """Return a graded sparse memory: logistic units, covariance rule, cues with a fraction of the units flipped."""
    units = Population(
        "units",
        "u : 1\ndrive = g*(u - th) : 1\nphi = 1/(1 + exp(-drive)) : 1\ndV/dt = (phi - V)/tau : 1",
        rate="V",
        drive="drive",
        transfer="phi",
        initial={"V": "zeros() + ff"},
    )
    rec = Projection(
        "rec",
        "units",
        "units",
        current="u_post = w*V_pre : 1 (summed)",
        initial={"w": "((pat - ff).T @ (pat - ff))/(N*ff*(1 - ff))"},
    )
    cue = "pat*(1 - binary(flip)) + (1 - pat)*binary(flip*ff/(1 - ff))"
    return MemoryModel(
        "graded",
        parameters=(
            Parameter("N", 400),
            Parameter("M", 40),
            Parameter("ff", 0.1),
            Parameter("tau", tau),
            Parameter("g", 12.0),
            Parameter("th", 0.5),
            Parameter("flip", flipped),
        ),
        populations=(units,),
        projections=(rec,),
        stimuli=(Stimulus("pat", "units", items="M", draw="binary(ff)"),),
        protocol=Protocol(
            (Phase("recall", duration="25*tau", average="5*tau", start={"V": cue}),), (Each("recall", items=CUES),)
        ),
        rate_dt="1*ms",
    )


def overlaps(result) -> float:
    pattern, rates = result.pat.values[:CUES], result.mean_V.values
    return float(np.mean(np.sum((pattern - 0.1) * rates, axis=1) / (400 * 0.09)))


@pytest.mark.full
def test_a_cue_near_the_edge_of_its_basin_is_recalled_by_cells_as_by_rates():
    """Over seeds the difference to the rates has a standard error of 0.02: one cue of 80 more or less."""
    seeds = range(4)
    cells = {"cells_per_unit": 4}
    rate = [overlaps(simulate(memory(), seed=seed)) for seed in seeds]
    lif = [overlaps(simulate(memory(), "spiking", seed=seed, parameters=cells)) for seed in seeds]
    poisson = [overlaps(simulate(memory(), Spiking(neuron="poisson"), seed=seed, parameters=cells)) for seed in seeds]
    spread = np.std(np.array(lif) - rate, ddof=1) / np.sqrt(len(rate))
    assert abs(np.mean(lif) - np.mean(rate)) < max(3 * spread, 0.02), (rate, lif)
    assert np.mean(lif) == pytest.approx(np.mean(poisson), abs=0.03)


def test_notes_say_where_the_trace_is_not_much_longer_than_the_cells_own_answer():
    short = [note for note in simulate(model(), "spiking", device="runtime").notes if "tau_m" in note]
    assert "tau = 20 ms" in short[0]
    assert "tau_m = 10 ms" in short[0]
    assert "tau_m = 10 ms" in explain(model(), "spiking", measured=False)
    slow = explain(model(), "spiking", measured=False, parameters={"tau": 100 * ms})
    assert "tau_m" not in slow
    assert "tau_m" not in " ".join(simulate(model(), Spiking(neuron="poisson"), device="runtime").notes)


def test_the_script_shows_how_cells_are_drawn_anew():
    text = str(translate(model(), "spiking"))
    assert "v = (1 - resting)*(u_membrane(row*second, int(64*rand())) + clip(I - u_span(0*second), -inf, 0))" in text
    assert "u_membrane" not in str(translate(model(), Spiking(neuron="poisson")))
