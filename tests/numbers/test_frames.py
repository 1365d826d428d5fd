"""Stimuli that change while they are shown: which frame is read in which time step, and how they are drawn or given."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
    Each,
    MemoryModel,
    Parameter,
    Pattern,
    Phase,
    Population,
    Protocol,
    RuleError,
    Spiking,
    Stimulus,
    freeze,
    simulate,
)
from brainmem.text import draw

RUNTIME = Device("runtime")
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def model(*stimuli, patterns=(), phases=None, order=("see", "rest"), size=3, start=None, **parameters):
    """Return units that add up what they are shown: after k steps ``x`` is the sum of the k rows read."""
    values = {"delta": 1 * ms, "frame": 2 * ms, "k": 4, **parameters}
    units = Population(
        "units", "drive = cue : 1\nphi = drive : 1\ndx/dt = drive/delta : 1\ndy/dt = (phi - y)/(9*ms) : 1",
        size=size, rate="y", drive="drive", transfer="phi",
    )  # fmt: skip
    phases = phases or (
        Phase("see", duration="12*delta", stimuli=tuple(s.name for s in stimuli), start=start or {"x": "0"}),
        Phase("rest", duration="3*delta", start={"x": "0"}),
    )
    return MemoryModel(
        "shown",
        parameters=tuple(Parameter(name, value) for name, value in values.items()),
        populations=(units,),
        patterns=patterns,
        stimuli=stimuli,
        protocol=Protocol(phases, (Each(order, items=2),)),
        rate_dt="delta",
        varied=True,  # not every test uses every parameter
    )


def cue(**options):
    return Stimulus("cue", "units", **{"items": 2, "frames": "k", "every": "frame", "draw": "normal(0, 1)", **options})


TABLE = np.arange(1, 25.0).reshape(2, 4, 3)


def read(m, **options):
    """Return the row that each time step has read, (item, step, unit), of the steps of phase 'see' and of 'rest'."""
    result = simulate(m, record=("x",), interval=1 * ms, **{"device": RUNTIME, "inputs": {"cue": TABLE}, **options})
    x = result.x.values
    steps = x.shape[0] // 2
    x = x[: 2 * steps].reshape(2, steps, *x.shape[1:])
    return np.diff(x[:, :12], axis=1, prepend=0), x[:, 12:]


def test_a_frame_is_shown_for_its_duration_and_the_last_one_is_held():
    shown, rest = read(model(cue()))
    frames = np.minimum(np.arange(12) // 2, 3)
    np.testing.assert_allclose(shown, TABLE[:, frames], **EXACT)
    assert not rest.any()


@pytest.mark.parametrize("every", [1.0, 1.5, 5 / 3, 3.0, 7.3])
def test_frames_that_are_no_multiple_of_the_time_step_begin_with_the_step_that_they_fall_in(every):
    shown, _ = read(model(cue(), frame=every * ms))
    whole = np.array([int(np.floor(step / every + 1e-9)) for step in range(12)])
    np.testing.assert_allclose(shown, TABLE[:, np.minimum(whole, 3)], **EXACT)


def test_frames_follow_whole_steps_however_long_a_phase_goes_on():
    """Adding 0.1 ms ten times misses 1 ms by rounding; counting steps does not."""
    m = model(
        cue(items=2, frames=30, every="1*ms"), delta=0.1 * ms, k=1,
        phases=(Phase("see", duration="30*ms", stimuli=("cue",), start={"x": "0"}),), order="see",
    ).replace(parameters=(Parameter("delta", 0.1 * ms),))  # fmt: skip
    table = np.random.default_rng(0).normal(size=(2, 30, 3))
    result = simulate(m, record=("x",), interval=0.1 * ms, device=RUNTIME, inputs={"cue": table})
    x = result.x.values[:600].reshape(2, 300, 3)
    np.testing.assert_allclose(np.diff(x, axis=1, prepend=0), np.repeat(table, 10, axis=1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("float_", [64, pytest.param(32, marks=pytest.mark.full)])
def test_the_compiled_program_reads_the_same_frames_and_serves_other_tables(float_):
    m = model(cue(draw="normal(0, 1)"))
    device = Device(float=float_)
    for table in (TABLE, -TABLE[::-1]):
        shown, rest = read(m, device=device, inputs={"cue": table})
        np.testing.assert_allclose(shown, table[:, np.minimum(np.arange(12) // 2, 3)], rtol=1e-5)
        assert not rest.any()


@pytest.mark.cython
def test_cython_reads_the_same_frames():
    shown, _ = read(model(cue()), device=Device("runtime", target="cython"))
    np.testing.assert_allclose(shown, TABLE[:, np.minimum(np.arange(12) // 2, 3)], **EXACT)


def test_the_spiking_variant_reads_frames_by_time_and_not_by_steps():
    shown = simulate(
        model(cue()).replace(spiking={"spike_dt": 0.5 * ms}), Spiking(neuron="poisson"), device=RUNTIME,
        inputs={"cue": TABLE}, record=("cue",), interval=0.5 * ms,
    ).cue_trace.values  # fmt: skip
    np.testing.assert_allclose(shown[:24], TABLE[0, np.minimum(np.arange(24) // 4, 3)], **EXACT)
    assert not shown[24:30].any()
    np.testing.assert_allclose(shown[30:54], TABLE[1, np.minimum(np.arange(24) // 4, 3)], **EXACT)


def test_the_table_is_in_the_result_with_its_dimensions():
    result = simulate(model(cue()), device=RUNTIME, inputs={"cue": TABLE})
    assert result.cue.dims == ("item", "frame", "unit")
    np.testing.assert_array_equal(result.cue.values, TABLE)


def test_a_single_item_may_be_given_as_frames_by_units():
    m = model(cue(items=1)).replace(protocol=Protocol(model(cue()).protocol.phases, (Each("see", items=1),)))
    result = simulate(m, device=RUNTIME, inputs={"cue": TABLE[0]})
    np.testing.assert_array_equal(result.cue.values, TABLE[:1])


def test_every_trial_may_be_shown_frames_of_its_own():
    m = freeze(model(cue()), "see", items=2)
    own = np.random.default_rng(1).normal(size=(2, 5, 4, 3))
    many = simulate(m, device=RUNTIME, trials=5, inputs={"cue": own}, record=("x",), interval=1 * ms)
    shared = simulate(m, device=RUNTIME, trials=5, inputs={"cue": TABLE}, record=("x",), interval=1 * ms)
    for trial in range(5):
        one = simulate(m, device=RUNTIME, inputs={"cue": own[:, trial]}, record=("x",), interval=1 * ms)
        np.testing.assert_allclose(many.x.values[:, trial], one.x.values, **EXACT)
        np.testing.assert_allclose(shared.x.values[:, trial], shared.x.values[:, 0], **EXACT)
    assert many.cue.dims == ("item", "trial", "frame", "unit")


def test_a_phase_may_start_from_the_first_frame_of_its_item():
    result = simulate(
        model(cue(), start={"x": "10*cue"}), device=RUNTIME, inputs={"cue": TABLE}, record=("x",), interval=1 * ms
    )
    np.testing.assert_allclose(result.x.values[[0, 15]], 11 * TABLE[:, 0], **EXACT)


def drawn(draw, *, size=3, frames=4, items=2, seed=0, more=(), every=2 * ms):
    m = model(*more, cue(draw=draw, items=items, frames=frames), size=size, k=1, frame=every, delta=min(every, 1 * ms))
    m = m.replace(protocol=Protocol(m.protocol.phases, (Each("see", items=1),)))
    return simulate(m, device=RUNTIME, seed=seed).cue.values


def test_draws_read_the_time_of_frames_and_the_numbers_of_items_and_units():
    item, frame, unit = np.ogrid[:2, :4, :3]
    np.testing.assert_allclose(drawn("item + 10*unit + time/ms"), item + 10 * unit + 2 * frame, **EXACT)
    bumps = drawn("exp(-(time - (unit + 0.5)*4*ms)**2/(2*(3*ms)**2))")
    np.testing.assert_allclose(bumps[0], np.exp(-((2 * frame - 4 * (unit + 0.5)) ** 2)[0] / 18), **EXACT)


def test_draws_read_patterns_in_every_frame():
    place = Pattern("place", "units", items=2, draw="permutation()")
    m = model(cue(draw="place + 100*time/ms", frames=4), k=1, size=7, patterns=(place,))
    result = simulate(m, device=RUNTIME)
    places = result.place.values
    np.testing.assert_array_equal(np.sort(places, axis=1), np.tile(np.arange(7), (2, 1)))
    assert (places[0] != places[1]).any()
    expected = places[:, None] + 200 * np.arange(4)[None, :, None]
    np.testing.assert_allclose(result.cue.values, expected, **EXACT)


def test_permutations_are_uniform():
    places = drawn("permutation()", size=4, frames=2, items=600)
    np.testing.assert_array_equal(places[:, 0], places[:, 1])
    counts = np.array([[np.sum(places[:, 0, unit] == place) for place in range(4)] for unit in range(4)])
    assert np.abs(counts - 150).max() < 5 * np.sqrt(600 * 3 / 16)


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_filtered_noise_has_the_same_size_and_memory_for_any_step(step):
    """Stationary variance (tau/dt)*(1 - a)/(1 + a) with a = exp(-dt/tau), correlation a per step, start at 1."""
    tau = 10.0
    trace = drawn("filtered_noise(10*ms)", size=200, frames=round(400 / step), items=1, every=step * ms)[0]
    np.testing.assert_array_equal(trace[0], 1.0)
    late, decay = trace[round(100 / step) :], np.exp(-step / tau)
    variance = tau / step * (1 - decay) / (1 + decay)
    independent = 200 * 300 / (2 * tau)  # correlation time of the square is tau/2 on both sides
    assert abs(late.mean()) < 4 * np.sqrt(variance * 2 * tau / (200 * 300))
    assert abs(np.mean(late**2) / variance - 1) < 4 * np.sqrt(2 / independent)
    assert abs(np.mean(late[1:] * late[:-1]) / np.mean(late**2) - decay) < 0.01
    assert variance == pytest.approx(0.5, rel=2e-3)


def test_noise_of_another_seed_or_item_is_another():
    one, other = (drawn("filtered_noise(5*ms)", seed=seed) for seed in (0, 1))
    assert np.unique(np.concatenate([one[:, 1], other[:, 1]])).size == 12


REFUSED = {
    "no period": ({"every": ""}, "belong together"),
    "no frames": ({"frames": ""}, "belong together"),
    "no time": ({"every": "k"}, "must be a time longer than 0"),
    "part of a frame": ({"frames": "k/3"}, "must be a whole number"),
    "no frame": ({"frames": 0}, "must be a whole number"),
    "time without unit": ({"draw": "time"}, "has unit s"),
    "tau without unit": ({"draw": "filtered_noise(3)"}, "needs a time"),
    "unknown": ({"draw": "times/ms"}, "unknown name 'times'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_frames_that_make_no_sense_are_refused(case):
    options, said = REFUSED[case]
    with pytest.raises(RuleError) as error:
        model(cue(**options))
    assert said in str(error.value)
    assert "'cue'" in str(error.value)


def test_time_and_noise_need_frames():
    for text in ("time/ms", "filtered_noise(3*ms)"):
        with pytest.raises(RuleError, match="unknown"):
            model(Stimulus("cue", "units", items=2, draw=text))


def test_a_start_reads_patterns_of_its_own_population_only():
    with pytest.raises(RuleError, match="unknown name 'other'"):
        model(cue(), start={"x": "other"})


TABLES = {
    "shape": (TABLE[:, :3], "expected shape (items, frames, unit) = (2, 4, 3), got (2, 3, 3)"),
    "nan": (np.where(TABLE == 5, np.nan, TABLE), "first (nan) in item 0, frame 1, unit 1"),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_of_a_user_are_checked(case):
    table, said = TABLES[case]
    with pytest.raises(RuleError) as error:
        simulate(model(cue()), device=RUNTIME, inputs={"cue": table})
    assert said in str(error.value)


def test_frames_shorter_than_a_time_step_are_refused():
    with pytest.raises(RuleError, match="less than a time step"):
        simulate(model(cue()), device=RUNTIME, parameters={"frame": 0.5 * ms})


def test_a_stimulus_may_be_drawn_from_the_first_frame_of_another():
    table = draw("first(R)", names={"R": np.arange(24.0).reshape(2, 3, 4)}, rng=np.random.default_rng(0), shape=(2, 4))
    np.testing.assert_array_equal(table, [[0, 1, 2, 3], [12, 13, 14, 15]])
    with pytest.raises(RuleError, match="a pattern with frames, and this one has none"):
        draw("first(R)", names={"R": np.ones((2, 4))}, rng=np.random.default_rng(0), shape=(2, 4))
