"""What a run says of itself: rates cut, steps too long, phases without an end, stimuli that do not follow the given."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, nA

import brainmem
from brainmem import (
    Curve,
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Result,
    ResultError,
    Spiking,
    Stimulus,
    simulate,
)
from brainmem.text import draw

DEVICES = [Device("runtime"), Device("cpp_standalone")]
RUNTIME = Device("runtime", target="numpy")
GO = Protocol((Phase("go", duration="400*ms", average="100*ms"),), (Each("go", items=1),))
FORMS = {
    "rate form": ("drive = {d} : 1\nphi = {phi} : 1\ndx/dt = (phi - x)/tau : 1", "drive", "phi"),
    "current form": ("dI/dt = (-I + {d})/tau : 1\nx = {phi} : 1", "I", "x"),
}


def driven(form: str, d: str, phi: str, rate_range=(0, 1)) -> MemoryModel:
    """Return ten units with constant drives, some of which ask for rates outside of `rate_range`."""
    text, drive, transfer = FORMS[form]
    units = Population(
        "u",
        text.format(d=d, phi=phi.format(d=drive)),
        rate="x",
        drive=drive,
        transfer=transfer,
        rate_range=rate_range,
    )
    return MemoryModel(
        "driven", parameters=(Parameter("N", 10), Parameter("tau", 10 * ms)), populations=(units,), protocol=GO
    )


@pytest.mark.parametrize(
    ("form", "device"),
    [
        ("rate form", DEVICES[0]),
        ("current form", DEVICES[0]),
        pytest.param("current form", DEVICES[1], marks=pytest.mark.full),
    ],
    ids=str,
)
def test_rates_beyond_their_range_are_counted_in_unit_steps_and_noted(form, device):
    model = driven(form, "0.25*i", "sqrt({d}*int({d} > 0))", rate_range=(0, 1.2))  # sqrt(.25*i): up to 1.5
    result = simulate(model, Spiking(neuron="poisson"), device=device)
    [note] = result.warnings
    assert note in result.notes
    assert "the drive of 'u' asked for rates x outside of rate_range (0, 1.2) in" in note
    assert "up to 1.5)" in note
    units = np.sqrt(0.25 * np.arange(10)) > 1.2
    share = float(note.split(" in ")[1].split("%")[0]) / 100
    assert share == pytest.approx(units.mean(), abs=0.02)  # in the current form drives need a few steps to get there
    assert "outside of its rate_range" in simulate(model, "rate", device=device).warnings[0]


def test_rates_below_their_range_are_noted_and_rates_within_are_not():
    below = driven("rate form", "0.3*i - 1", "{d}", rate_range=(-0.5, 3))
    [note] = simulate(below, Spiking(neuron="poisson"), device="runtime").warnings
    assert "down to -1)" in note
    assert "20.00%" in note
    within = driven("rate form", "0.3*i - 1", "tanh({d})", rate_range=(-1, 1))
    assert simulate(within, Spiking(neuron="poisson"), device="runtime").warnings == []
    assert simulate(within, device="runtime").warnings == []


def test_remarks_stay_with_a_saved_result_and_reach_a_comparison(tmp_path):
    model = driven("rate form", "2", "{d}")
    rate, spiking = (simulate(model, v, device="runtime") for v in ("rate", Spiking(neuron="poisson")))
    assert Result.load(spiking.save(tmp_path / "run.nc")).warnings == spiking.warnings
    assert any("asked for rates x outside" in note for note in brainmem.compare(rate, spiking).notes)


# Steps of time


def leaky(step: str, *, line: str = "dx/dt = (1 - x)/tau : 1", duration: str = "400*ms") -> MemoryModel:
    return MemoryModel(
        "leaky",
        parameters=(Parameter("N", 3), Parameter("tau", 10 * ms)),
        populations=(Population("u", line),),
        protocol=Protocol((Phase("go", duration=duration),), (Each("go", items=1),)),
        rate_dt=step,
    )


LONG = {
    "leak": "dx/dt = (1 - x)/tau : 1",
    "factor": "dx/dt = 1/second - 0.5*x/tau : 1",
    "written apart": "k = 0.5*(1 - x) : 1\ndx/dt = 3*k/tau - 2*x/tau + k/tau : 1",
    "unit": "dx/dt = (1*volt - x)/tau : volt",
}


@pytest.mark.parametrize("case", LONG)
def test_a_time_step_longer_than_a_time_constant_is_a_warning_that_names_the_equation(case):
    with pytest.warns(RuntimeWarning, match=r"time step 21\*ms = 21 ms is longer .* dx/dt = .* \(population 'u'\)"):
        result = simulate(leaky("21*ms", line=LONG[case]), device="runtime")
    assert result.warnings


def test_a_time_step_of_one_time_constant_is_a_way_of_writing_and_no_fault():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert simulate(leaky("tau"), device="runtime").warnings == []
        simulate(leaky("5*ms", line="dx/dt = (1 - x**3)/tau : 1"), device="runtime")


def test_synapses_that_decay_faster_than_a_step_are_named():
    rule = LearningRule("forget", "p", continuous="dw/dt = (1 - w)/(2*ms) : 1")
    model = leaky("3*ms").replace(projections=(Projection("p", "u", "u"),), rules=(rule,))
    with pytest.warns(RuntimeWarning, match=r"time constant of 2 ms in dw/dt = .* \(projection 'p'\)"):
        simulate(model, device="runtime")


def test_phases_shorter_than_a_time_step_and_rates_that_have_diverged_are_warnings():
    with pytest.warns(RuntimeWarning, match=r"Phase 'go' lasts 1\*ms = 1 ms, less than the time step"):
        simulate(leaky("5*ms", duration="1*ms"), device="runtime")
    wild = driven("rate form", "50*i", "{d}")
    with pytest.warns(RuntimeWarning, match="Mean rates x of 'u' reach 450, far outside of its rate_range"):
        simulate(wild, device="runtime")


# Phases that must end


def waiting(must_end: bool = False) -> MemoryModel:
    """Return units that reach 1/2 after 7 ms; items 1 and 2 have a goal that is never reached."""
    phase = Phase(
        "wait", duration="20*ms", until="x_mean > 0.5", stimuli=("goal",), start={"x": "0"}, must_end=must_end
    )
    after = Phase("after", duration="2*ms")
    return MemoryModel(
        "waiting",
        parameters=(Parameter("N", 3), Parameter("tau", 10 * ms)),
        populations=(Population("u", "dx/dt = (goal - x)/tau : 1"),),
        stimuli=(Stimulus("goal", "u", items=3, draw="int(item == 0)"),),
        observables=(Observable("x_mean", "x", population="u"),),
        protocol=Protocol((phase, after), (Each("wait", items=3), Each("after", items=1))),
        rate_dt="1*ms",
    )


@pytest.mark.parametrize(
    ("device", "trials"),
    [(DEVICES[0], None), (DEVICES[0], 2), (DEVICES[1], None), pytest.param(DEVICES[1], 2, marks=pytest.mark.full)],
    ids=str,
)
def test_phases_that_reach_their_longest_duration_are_counted_and_noted(device, trials):
    result = simulate(waiting(), device=device, trials=trials)
    assert result.step_fulfilled.values[:3].tolist() == [1, 0, 0]
    assert np.isnan(result.step_fulfilled.values[3])
    [note] = result.warnings
    assert note.startswith("phase 'wait' reached its longest duration (20*ms) in 2 of 3 steps before its end condition")


def test_a_phase_that_must_end_is_an_error_that_holds_the_result():
    with pytest.raises(ResultError, match=r"'wait' must end by its condition .* in 2 of its steps.* step 1,") as caught:
        simulate(waiting(must_end=True), device="runtime")
    assert caught.value.result.step_fulfilled.values[:3].tolist() == [1, 0, 0]
    assert simulate(waiting(must_end=True).replace(
        protocol=replace(waiting(must_end=True).protocol, schedule=(Each("wait", items=1),))
    ), device="runtime").step_fulfilled.values.tolist() == [1]  # fmt: skip


# Patterns that belong together


def patterns(cue: str) -> MemoryModel:
    return MemoryModel(
        "patterns",
        parameters=(Parameter("N", 40), Parameter("K", 10), Parameter("tau", 10 * ms)),
        populations=(Population("u", "dx/dt = (cue + pattern - x)/tau : 1"),),
        patterns=(
            Pattern("near", "u", items=3, draw="place + 0"),
            Pattern("place", "u", items=3, draw="permutation()"),
        ),
        stimuli=(
            Stimulus("pattern", "u", items=3, draw="int(near < K)"),
            Stimulus("cue", "u", items=3, draw=cue),
        ),
        protocol=Protocol((Phase("p", duration="tau", stimuli=("cue", "pattern")),), (Each("p", items=3),)),
        rate_dt="1*ms",
    )


MINE = np.zeros((3, 40))
MINE[:, -10:] = 1


def test_stimuli_drawn_from_the_source_of_a_given_one_are_named():
    with pytest.warns(RuntimeWarning, match=r"gives 'pattern', .* from 'place'; 'cue' is drawn from there too"):
        result = simulate(patterns("int(place < K + 2)"), device="runtime", inputs={"pattern": MINE})
    assert len(result.warnings) == 1


def test_cues_may_follow_a_given_pattern_by_its_ranks():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        followed = patterns("int(ranks(-pattern) >= 2)*int(ranks(-pattern) < K + 2)")
        result = simulate(followed, device="runtime", inputs={"pattern": MINE})
        assert (result.cue.values * MINE).sum(axis=1).tolist() == [8, 8, 8]
        simulate(patterns("int(place < K + 2)"), device="runtime", inputs={"pattern": MINE, "cue": MINE})
        simulate(patterns("int(place < K + 2)"), device="runtime", inputs={"cue": MINE, "pattern": MINE})


def test_ranks_number_values_in_ascending_order_and_equal_ones_in_theirs():
    x = np.array([[3.0, 1.0, 2.0, 1.0], [0.0, 0.0, -1.0, 5.0]])
    found = draw("ranks(x)", names={"x": x}, rng=np.random.default_rng(0), shape=(2, 4))
    assert found.tolist() == [[3, 0, 2, 1], [1, 2, 0, 3]]


def tabulated(high: float) -> MemoryModel:
    """Return units whose u rises to 3 nA and is read through a curve with points from 0 to `high` nA."""
    return MemoryModel(
        "tabulated",
        parameters=(Parameter("N", 4), Parameter("tau", 1 * ms), Parameter("top", 3 * nA)),
        curves=(Curve("act", x=[0, high] * nA, y=[0, 1]), Curve("soft", x=[-9, 9], y=[0, 1])),
        populations=(Population("units", "h : 1\ndu/dt = (top - u)/tau : amp\nx = act(u) : 1\nq = soft(h) : 1"),),
        projections=(
            Projection("syn", "units", "units", current="h_post = w*soft(x_pre) : 1 (summed)", initial={"w": "1/N"}),
        ),
        protocol=Protocol((Phase("go", duration="20*ms"),), (Each("go", items=1),)),
        rate_dt="0.1*ms",
    )


@pytest.mark.parametrize(
    ("record", "device"),
    [(("u",), RUNTIME), (("end_u",), RUNTIME), (("state",), RUNTIME), (("u", "end_u"), Device())],
    ids=str,
)
def test_a_recorded_variable_that_leaves_the_points_of_a_curve_is_told(record, device):
    said = [text for text in simulate(tabulated(2.0), device=device, record=record).notes if "curve" in text]
    assert len(said) == 1
    assert said[0].startswith("curve 'act': 'u' of 'units' went from ")
    assert "up to 1 nA beyond the curve's points, 0 A to 2 nA. There the curve is constant" in said[0]
    assert not [text for text in simulate(tabulated(4.0), device=RUNTIME, record=record).notes if "curve" in text]
    assert not [text for text in simulate(tabulated(2.0), device=RUNTIME, record=()).notes if "curve" in text]


def test_curves_that_currents_call_are_looked_at_too():
    changed = tabulated(2.0).replace(Curve("soft", x=[-9, 0.5], y=[0, 1]))
    said = [text for text in simulate(changed, device=RUNTIME, record=("x", "h")).notes if "curve 'soft'" in text]
    assert [text.split(" went")[0] for text in said] == ["curve 'soft': 'h' of 'units'", "curve 'soft': 'x' of 'units'"]
