"""What a protocol does to a network: phases, stimuli, gates, restarts, records, and when rules run.

Two small models are made here. Everything is checked against what was recorded at every time step, or plain numpy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, second

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    RuleError,
    Stimulus,
    arrays,
    simulate,
)

NUMPY, COMPILED = Device("runtime", target="numpy"), Device("cpp_standalone")
DEVICES = pytest.mark.parametrize("device", [NUMPY, COMPILED], ids=["numpy", "cpp_standalone"])
STEP = 1e-3  # seconds; the time step of both models

# A model whose protocol has everything: a show that ends by its condition, a rest, and a probe aside in some epochs.

WALK = MemoryModel(
    "walk",
    parameters=(
        Parameter("n_units", 4),
        Parameter("n_clocks", 3),
        Parameter("items", 5),
        Parameter("rounds", 4),
        Parameter("probed", (1, 3)),
        Parameter("repeats", 2),
        Parameter("tau", 10 * ms),
        Parameter("tau_clock", 40 * ms),
        Parameter("T_show", 25 * ms),
        Parameter("enough", 0.25),
        Parameter("time_step", 1 * ms),
    ),
    populations=(
        Population(
            "units",
            """
            feed : 1
            drive = cue + push + feed : 1
            phi = tanh(drive) : 1
            dx/dt = (phi - x)/tau : 1
            """,
            size="n_units",
            rate="x",
            drive="drive",
            transfer="phi",
            rate_range=(-1, 1),
            initial={"x": "uniform(-1, 1)"},
        ),
        Population("clocks", "dr/dt = -r/tau_clock : 1", size="n_clocks", initial={"r": "uniform(2, 3)"}),
    ),
    projections=(
        Projection(
            "recurrent", "units", "units", current="feed_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 0.3)"}
        ),
    ),
    rules=(LearningRule("hebb", "recurrent", continuous="dw/dt = learning*(x_post*x_pre - w)/(100*ms) : 1"),),
    stimuli=(Stimulus("cue", "units", items="items"),),
    observables=(
        Observable("level", "x*cue", population="units"),
        Observable("top", "r", population="clocks", reduce="sum"),
    ),
    protocol=Protocol(
        phases=(
            Phase("show", duration="T_show", until="level > enough", stimuli=("cue",), gates={"learning": 1}),
            Phase("rest", duration="7*ms", gates={"push": "enough/2"}),
            Phase(
                "probe",
                duration="9*ms",
                stimuli=("cue",),
                start={"r": "uniform(-1, 1)", "x": "normal(0, 1)"},
                paired=True,
                average="4*ms",
                restore=True,
            ),
        ),
        schedule=(
            Repeat(
                "rounds",
                (
                    Each(("show", "rest"), items="items", order="random"),
                    Each("probe", items=2, repeats="repeats", epochs="probed"),
                ),
            ),
        ),
    ),
    rate_dt="time_step",
)
SHOWN = Each("show", items="items", repeats=4)
TRACED = ("weights", "units.x", "units.cue", "units.push", "clocks.r")


def walk(device=NUMPY, *, record=TRACED, model=WALK, **parameters):
    return simulate(model, parameters=parameters, seed=5, device=device, record=record, interval=STEP * second)


@pytest.fixture(scope="module")
def walked():
    return walk()


@pytest.fixture(scope="module")
def compiled():
    return walk(COMPILED)


def pieces(result) -> list[slice]:
    """The samples of every protocol step."""
    counts = np.rint(result.step_duration.values / STEP).astype(int)
    ends = np.cumsum(counts)
    return [slice(end - count, end) for count, end in zip(counts, ends, strict=True)]


def of_phase(result, name: str) -> np.ndarray:
    return np.flatnonzero(result.step_phase.values == name)


# Order and durations


def test_phases_come_in_order_item_by_item_and_probes_in_their_epochs_only(walked):
    found = list(zip(walked.step_epoch.values, walked.step_phase.values, walked.step_repeat.values, strict=True))
    expected = []
    for epoch in (1, 2, 3, 4):
        expected += [(epoch, "show", 0), (epoch, "rest", 0)] * 5
        expected += [(epoch, "probe", repeat) for _ in range(2) for repeat in (0, 1)] if epoch in (1, 3) else []
    assert found == expected
    assert walked.step_item.values[of_phase(walked, "probe")].tolist() == [0, 0, 1, 1] * 2
    show, rest = of_phase(walked, "show"), of_phase(walked, "rest")
    assert (walked.step_item.values[show] == walked.step_item.values[rest]).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"probed": (7, 9)}, r"probed = \(7, 9\) names no epoch from 1 to 4.*'probe'"),
        ({"probed": (1.5,)}, "1.5 must be a whole number"),
        ({"repeats": 0}, "repeats='repeats' is 0, and must be a whole number of at least 1"),
        ({"rounds": -1}, "'rounds' .* at least 0"),
    ],
)
def test_phases_that_would_never_run_are_refused(given, said):
    with pytest.raises(RuleError, match=said):
        arrays(WALK, parameters=given)


def test_phases_are_left_out_by_an_empty_list_of_epochs():
    assert "probe" not in simulate(WALK, parameters={"probed": ()}, device=NUMPY).step_phase.values


def test_durations_are_whole_steps_and_add_up_to_the_run(walked):
    steps = walked.step_duration.values / STEP
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    assert set(np.rint(steps[of_phase(walked, "rest")])) == {7}
    assert set(np.rint(steps[of_phase(walked, "probe")])) == {9}
    assert len(walked.time) == round(steps.sum())
    assert walked.complete == 1


def test_random_order_is_a_fresh_permutation_in_every_epoch(walked):
    items = walked.step_item.values[of_phase(walked, "show")].reshape(4, 5)
    assert (np.sort(items, axis=1) == np.arange(5)).all()
    assert len({tuple(row) for row in items}) == 4


def test_a_phase_ends_in_the_first_step_after_which_its_condition_holds(walked):
    cues, early = walked.cue.values, 0
    for step in of_phase(walked, "show"):
        x = walked.x.values[pieces(walked)[step]]
        levels = np.mean(x * cues[walked.step_item.values[step]], axis=1)
        assert not (levels[:-1] > 0.25).any()
        assert levels[-1] > 0.25 or len(levels) == 25
        early += len(levels) < 25
    assert early > 0


def test_a_condition_that_never_holds_leaves_the_longest_duration():
    durations = walk(enough=2.0).step_duration.values
    assert np.rint(durations[::2][:5] / STEP).tolist() == [25] * 5


@pytest.mark.parametrize("float_", [pytest.param(64, marks=pytest.mark.full), 32])
def test_long_phases_have_all_their_steps_in_single_precision_too(float_):
    """Adding up 300000 steps in float32 would lose more than a thousand of them."""
    counting = MemoryModel(
        "counting",
        parameters=(Parameter("time_step", 1 * ms),),
        populations=(
            Population(
                "clocks",
                "dn/dt = 1/time_step : 1\ntenth = 0.1 + 0*n : 1",
                size=1,
                rate="tenth",
                drive="n",
                transfer="tenth",
            ),
        ),
        observables=(Observable("steps", "n", population="clocks"),),
        protocol=Protocol((Phase("rest", duration="300000*time_step"),), (Each("rest", items=2),)),
        rate_dt="time_step",
    )
    result = simulate(counting, device=Device(float=float_), record=("mean_tenth",))
    assert result.complete
    np.testing.assert_allclose(result.steps, [300000, 600000], atol=1)
    np.testing.assert_allclose(result.step_duration, 300.0, rtol=1e-6)
    np.testing.assert_allclose(result.mean_tenth, 0.1, rtol=1e-6)


def test_phases_that_are_rounded_up_to_whole_steps_all_end():
    """50 ms are 167 steps of 0.3 ms, which take longer than 50 ms: twenty of them 2 ms."""
    model = WALK.replace(
        observables=(),
        rules=(),
        protocol=Protocol((Phase("show", duration="50*ms", stimuli=("cue",), gates={"push": 0}),), (SHOWN,)),
    )
    result = simulate(model, device=NUMPY, record=(), parameters={"time_step": 0.3 * ms})
    assert result.complete
    np.testing.assert_allclose(result.step_duration, [0.0501] * 20, rtol=1e-9)


def test_a_run_ends_when_its_protocol_is_complete_not_after_its_longest_duration():
    result = walk(COMPILED, T_show=1e4 * second, enough=0.1)
    assert result.complete == 1
    assert len(result.time) == round(result.step_duration.values.sum() / STEP) < 2000


# What the network sees


@pytest.mark.parametrize("which", ["walked", "compiled"])
def test_units_see_the_item_of_the_phases_that_show_it_and_zero_in_others(which, request):
    result = request.getfixturevalue(which)
    for phase, item, samples in zip(result.step_phase.values, result.step_item.values, pieces(result), strict=True):
        shown = result.cue.values[item] if phase in ("show", "probe") else np.zeros(4)
        np.testing.assert_array_equal(cue_trace(result)[samples], np.tile(shown, (samples.stop - samples.start, 1)))


def cue_trace(result) -> np.ndarray:
    return result.cue_trace.values


def test_gates_hold_in_their_phases_and_are_zero_in_others(walked):
    for phase, samples in zip(walked.step_phase.values, pieces(walked), strict=True):
        assert (walked.push.values[samples] == (0.125 if phase == "rest" else 0)).all()


def test_paired_start_values_are_set_for_each_item_and_repeat_the_same_in_every_epoch(walked):
    probes = of_phase(walked, "probe")
    first = [walked.r.values[pieces(walked)[step].start] / (1 - STEP / 0.04) for step in probes]
    np.testing.assert_allclose(first[:4], first[4:], rtol=1e-14)
    assert len(np.unique(np.round(first[:4], 9))) == 4 * 3
    assert np.abs(first).max() < 1
    tables = arrays(WALK, seed=5)
    rows = tables["table.r_row"][probes].astype(int)
    np.testing.assert_allclose(first, tables["table.r_start"][rows], rtol=1e-14)


# Beside the protocol


def without_probes() -> MemoryModel:
    return WALK.replace(
        protocol=Protocol(WALK.protocol.phases, (Repeat("rounds", WALK.protocol.schedule[0].body[:1]),))
    )


@DEVICES
def test_probes_aside_leave_states_and_weights_bit_for_bit_as_without_them(device):
    probed, alone = walk(device), walk(device, model=without_probes())
    kept = np.concatenate(
        [
            np.arange(s.start, s.stop)
            for s, phase in zip(pieces(probed), probed.step_phase.values, strict=True)
            if phase != "probe"
        ]
    )
    assert len(kept) < len(probed.time)
    for name in ("x", "r"):
        np.testing.assert_array_equal(probed[name].values[kept], alone[name].values)
    np.testing.assert_array_equal(probed.recurrent_w.values, alone.recurrent_w.values)


def test_probes_aside_all_begin_with_the_state_that_was_set_aside():
    show, rest, probe = WALK.protocol.phases
    model = WALK.replace(protocol=replace(WALK.protocol, phases=(show, rest, replace(probe, start={}))))
    result = walk(model=model)
    parts, probes = pieces(result), of_phase(result, "probe")
    for epoch in (1, 3):
        first = [parts[k].start for k in probes if result.step_epoch.values[k] == epoch]
        assert len(first) == 4
        np.testing.assert_array_equal(result.r.values[first], result.r.values[first[:1]].repeat(4, axis=0))
        assert (result.r.values[first[0]] < result.r.values[first[0] - 1]).all()


def test_weights_change_while_their_gate_is_open_and_are_recorded_after_every_epoch(walked):
    weights, x = walked.recurrent_w.values[0].copy(), initial_state(walked)
    for step, (phase, samples) in enumerate(zip(walked.step_phase.values, pieces(walked), strict=True)):
        before = np.vstack([x, walked.x.values[samples][:-1]])
        for state in before if phase == "show" else ():
            weights += STEP / 0.1 * (np.outer(state, state) - weights)
            np.fill_diagonal(weights, 0)
        x = x if phase == "probe" else walked.x.values[samples][-1]
        if step + 1 == len(walked.step_phase) or walked.step_epoch.values[step + 1] > walked.step_epoch.values[step]:
            epoch = walked.step_epoch.values[step]
            np.testing.assert_allclose(walked.recurrent_w.values[epoch], weights, atol=1e-13)
    assert walked.recurrent_w.shape == (5, 4, 4)
    assert walked.epoch.values.tolist() == [0, 1, 2, 3, 4]


def initial_state(result) -> np.ndarray:
    return arrays(WALK, seed=5)["units.x"]


# Records


def test_averages_are_the_mean_of_the_trace_over_the_last_part_of_the_phase(walked):
    for step, (phase, samples) in enumerate(zip(walked.step_phase.values, pieces(walked), strict=True)):
        x = walked.x.values[samples]
        np.testing.assert_allclose(
            walked.mean_x.values[step], np.mean(x[-4:] if phase == "probe" else x, axis=0), rtol=1e-12
        )


def test_observables_are_recorded_at_the_end_of_every_step_as_means_or_sums(walked):
    last = [samples.stop - 1 for samples in pieces(walked)]
    level = np.mean(walked.x.values[last] * cue_trace(walked)[last], axis=1)
    np.testing.assert_allclose(walked.level.values, level, atol=1e-15)
    np.testing.assert_allclose(walked.top.values, walked.r.values[last].sum(axis=1), rtol=1e-14)


def test_numpy_and_compiled_runs_agree_in_everything_recorded(walked, compiled):
    assert set(walked.data.data_vars) == set(compiled.data.data_vars)
    for name, values in walked.data.data_vars.items():
        if values.dtype == object:
            assert (values.values == compiled[name].values).all()
        else:
            np.testing.assert_allclose(compiled[name].values, values.values, atol=1e-12, err_msg=name)


def test_nothing_but_what_was_asked_for_is_recorded():
    result = walk(record=())
    assert result.recurrent_w.shape == (1, 4, 4)
    assert not {"x", "r", "time"} & set(result.data.variables)
