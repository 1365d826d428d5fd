"""Statements that phases run on units when they begin and end, against plain numpy, and their place in a time step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

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
    Stimulus,
    arrays,
    freeze,
    simulate,
    translate,
)

N, M, DT = 6, 3, 1.0
EXACT = 1e-12
DEVICES = [
    Device("runtime"),
    Device("cpp_standalone"),
    pytest.param(Device("cpp_standalone", kernels="plain"), marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
EQUATIONS = """
u : 1
kept : 1
theta : 1
drive = u + open*cue - theta : 1
phi = tanh(drive) : 1
dx/dt = (phi - x)/tau : 1
"""
UNITS = Population(
    "units",
    EQUATIONS,
    rate="x",
    drive="drive",
    transfer="phi",
    rate_range=(-1, 1),
    initial={"x": "uniform(-1, 1)", "kept": "zeros()", "theta": "zeros()"},
)
REC = Projection("rec", "units", "units", current="u_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 0.5)"})
SHOW = Phase("show", duration="8*ms", stimuli=("cue",), gates={"open": 1})
REST = Phase("rest", duration="4*ms")


def model(*phases: Phase, **changes) -> MemoryModel:
    parts = {
        "parameters": (Parameter("N", N), Parameter("M", M), Parameter("tau", 5 * ms)),
        "populations": (UNITS,),
        "projections": (REC,),
        "stimuli": (Stimulus("cue", "units"),),
        "protocol": Protocol(phases, (Each(tuple(phase.name for phase in phases)),)),
        "rate_dt": "1*ms",
    }
    return MemoryModel("m", **(parts | changes))


class Network:
    """The same network in numpy."""

    def __init__(self, built: MemoryModel, weights: np.ndarray, seed: int) -> None:
        inputs = arrays(built, "rate", seed=seed)
        self.w = weights
        self.cue = inputs["table.cue_values"][1:]
        self.x, self.kept, self.theta = inputs["units.x"].copy(), np.zeros(N), np.zeros(N)

    def steps(self, count: int, cue=0.0) -> list[np.ndarray]:
        found = []
        for _ in range(count):
            drive = self.w @ self.x + cue - self.theta
            self.x = self.x + DT / 5 * (np.tanh(drive) - self.x)
            found.append(self.x.copy())
        return found


KEEP = replace(SHOW, end={"units": "kept = x; theta = 0.7*theta + 0.3*x**2  # a running mean"})
AGAIN = replace(REST, begin={"units": "theta = 0.5*theta\nx = 0.1*x"})


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_a_state_is_kept_and_a_running_mean_updated_where_phases_begin_and_end(device):
    built = model(KEEP, AGAIN, observables=(Observable("k", "kept", population="units"),))
    record = ("weights", "x", "kept", "theta")
    result = simulate(built, device=device, seed=3, record=record, interval=DT * ms)
    own, rows, ends = Network(built, result.rec_w.values[0], seed=3), [], []
    for item in range(M):
        shown = own.steps(8, own.cue[item])
        rows += [(x, own.kept, own.theta) for x in shown[:-1]]
        own.kept, own.theta = own.x.copy(), 0.7 * own.theta + 0.3 * own.x**2
        rows.append((own.x.copy(), own.kept, own.theta))
        ends.append(own.kept.mean())
        own.theta, own.x = 0.5 * own.theta, 0.1 * own.x
        rows += [(x, own.kept, own.theta) for x in own.steps(4)]
        ends.append(own.kept.mean())
    for place, name in enumerate(record[1:]):
        assert np.abs(result[name].values - [row[place] for row in rows]).max() < EXACT, name
    assert result.k.values == pytest.approx(ends, rel=EXACT)


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_statements_run_where_a_condition_ends_a_phase(device):
    until = replace(SHOW, duration="40*ms", until="size > 0.4", end={"units": "kept = x"}, start={"x": "zeros()"})
    size = Observable("size", "abs(x)", population="units")
    kept = Observable("held", "abs(kept)", population="units")
    result = simulate(
        model(until, observables=(size, kept)), device=device, seed=3, record=("x", "kept"), interval=DT * ms
    )
    lengths = np.round(result.step_duration.values * 1e3 / DT).astype(int)
    assert (lengths < 40).all()
    assert (result.step_fulfilled.values == 1).all()
    last = np.cumsum(lengths) - 1
    assert (result.kept.values[last] == result.x.values[last]).all()
    assert not result.kept.values[last[0] - 1].any()
    assert result.held.values == pytest.approx(result["size"].values, rel=EXACT)


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_ends_read_sums_of_that_moment_and_episodic_rules_read_what_was_kept(device):
    """The state of the end, the sum formed again from it, then the statements, then the rule."""
    ending = replace(SHOW, end={"units": "field = u; kept = x - m*field"})
    units = replace(UNITS, equations=EQUATIONS + "\nfield : 1")
    rule = LearningRule("store", "rec", episodic="k += kept_post*field_pre", at=("show",))
    built = model(
        ending,
        populations=(units,),
        projections=(replace(REC, variables="w : 1\nk : 1"),),
        rules=(rule,),
        observables=(
            Observable("m", "x*u", population="units"),
            Observable("f", "field*kept", population="units", reduce="sum"),
        ),
        protocol=Protocol((ending,), (Repeat(M, (Each("show", items=1),)),)),
    )
    result = simulate(built, device=device, seed=3, record=("weights", "x", "kept", "field"), interval=DT * ms)
    w, ends = result.rec_w.values[0], slice(7, None, 8)
    x, k = result.x.values[ends], np.zeros((N, N))
    for place, state in enumerate(x):
        field = w @ state
        kept = state - np.mean(state * field) * field
        k += np.where(np.eye(N, dtype=bool), 0, np.outer(kept, field))
        assert np.abs(result.field.values[ends][place] - field).max() < EXACT
        assert np.abs(result.kept.values[ends][place] - kept).max() < EXACT
        assert result.m.values[place] == pytest.approx(np.mean(state * field), rel=1e-10)
        assert result.f.values[place] == pytest.approx(field @ kept, rel=1e-10)
        assert np.abs(result.rec_k.values[place + 1] - k).max() < 1e-10


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_beginnings_come_behind_starts_stimuli_and_gates_and_before_the_first_step(device):
    begun = replace(
        SHOW, start={"x": "0.5 + zeros()"}, begin={"units": "kept = x + 10*cue*open; x = 2*x; theta = elapsed/tau"}
    )
    built = model(begun)
    result = simulate(built, device=device, seed=3, record=("weights", "x", "kept"), interval=DT * ms)
    own = Network(built, result.rec_w.values[0], seed=3)
    for item in range(M):
        assert np.abs(result.kept.values[8 * item] - (0.5 + 10 * own.cue[item])).max() < EXACT
        own.x = np.ones(N)
        first = own.steps(1, own.cue[item])[0]
        assert np.abs(result.x.values[8 * item] - first).max() < EXACT


def test_the_duration_is_what_has_elapsed_at_the_end():
    result = simulate(model(replace(SHOW, end={"units": "kept = elapsed/ms"})), device="runtime", record=("kept",))
    assert result.kept.values[-1] == pytest.approx(np.full(N, 8.0))


CURRENT = Population(
    "units",
    """
    u : 1
    kept : 1
    gain : 1
    r = tanh(gain*v) : 1
    stored = v + gain : 1 (constant over dt)
    dv/dt = (u - v)/tau : 1
    """,
    rate="r",
    drive="v",
    transfer="r",
    rate_range=(-1, 1),
    initial={"v": "uniform(-1, 1)", "gain": "1 + zeros()"},
)


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_rates_stored_for_a_time_step_are_those_of_the_state_where_statements_read_and_change_it(device):
    go = Phase(
        "go",
        duration="3*ms",
        begin={"units": "gain = gain + 1; kept = r + stored"},
        end={"units": "v = 0.5*v"},
        start={"v": "0.3 + zeros()"},
    )
    built = model(
        go,
        populations=(CURRENT,),
        projections=(replace(REC, current="u_post = w*r_pre : 1 (summed)", variables="w : 1\nk : 1"),),
        stimuli=(),
        parameters=(Parameter("N", N), Parameter("tau", 5 * ms)),
        rules=(LearningRule("store", "rec", episodic="k += r_post", at=("go",)),),
        protocol=Protocol((go,), (Repeat(2, (Each("go", items=1),)),)),
    )
    record = ("weights", "v", "r", "kept", "gain")
    result = simulate(built, device=device, seed=1, record=record, interval=DT * ms)
    w, gain, v, k = result.rec_w.values[0], 1.0, np.zeros(N), np.zeros(N)
    for epoch in range(2):
        v, gain = np.full(N, 0.3), gain + 1
        kept = np.tanh(gain * v) + v + gain
        for step in range(3):
            v = v + DT / 5 * (w @ np.tanh(gain * v) - v)
            v = 0.5 * v if step == 2 else v
            row = 3 * epoch + step
            assert np.abs(result.v.values[row] - v).max() < EXACT
            assert np.abs(result.r.values[row] - np.tanh(gain * v)).max() < EXACT
            assert np.abs(result.kept.values[row] - kept).max() < EXACT
        k = k + np.tanh(gain * v)
        found = result.rec_k.values[epoch + 1]
        assert np.abs(found - np.where(np.eye(N, dtype=bool), 0, k[:, None])).max() < EXACT


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_a_test_that_restores_the_state_puts_back_what_it_has_kept(device):
    test = Phase("test", duration="4*ms", restore=True, begin={"units": "theta = 5"}, end={"units": "kept = 7"})
    built = model(KEEP, test, REST, observables=(Observable("k", "kept", population="units"),))
    without = model(KEEP, REST)
    one = simulate(built, device=device, seed=3, record=("kept", "theta", "x"), interval=DT * ms)
    two = simulate(without, device=device, seed=3, record=("kept", "theta", "x"), interval=DT * ms)
    within = np.arange(M * 16) % 16
    outside = (within < 8) | (within >= 12)
    for name in ("kept", "theta", "x"):
        assert np.abs(one[name].values[outside] - two[name].values).max() < EXACT
    assert (one.kept.values[11::16] == 7).all()
    assert (one.theta.values[8::16] == 5).all()
    assert one.k.values[1::3] == pytest.approx(7)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_every_trial_runs_them_on_its_own_units(device):
    ending = replace(SHOW, end={"units": "kept = x - m"})
    built = model(
        ending,
        REST,
        observables=(Observable("m", "x", population="units"), Observable("k", "kept", population="units")),
    )
    starts = np.linspace(-1, 1, 4 * N).reshape(4, N)
    many = simulate(
        built, device=device, seed=3, trials=4, initial={"units.x": starts}, record=("kept", "x"), interval=DT * ms
    )
    for trial in range(4):
        one = simulate(
            built, device="runtime", seed=3, initial={"units.x": starts[trial]}, record=("kept", "x"), interval=DT * ms
        )
        for name in ("kept", "x"):
            assert np.abs(many[name].isel(trial=trial).values - one[name].values).max() < EXACT
        assert many.m.isel(trial=trial).values == pytest.approx(one.m.values, rel=1e-10)
    assert np.abs(many.k.values).max() < EXACT  # the mean of what lies about the mean
    assert np.ptp(many.kept.values[7], axis=0).max() > 0.01


SPINS = Population("spins", "h : 1\nS : 1\nend_S : 1", rate="S", rate_range=(-1, 1), sequential="S = sign(h + tie*S)")


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_units_updated_one_at_a_time_keep_the_state_in_which_they_ended(device):
    """The next dream begins from the opposite of it; the rule of the rest reads the end of the dream."""
    dream = Phase("dream", duration="200*ms", until="flips < 0.5", start={"S": "signs()"}, end={"spins": "end_S = S"})
    rest = Phase("rest", duration="1*ms", begin={"spins": "S = -end_S"})
    built = MemoryModel(
        "dreams",
        parameters=(Parameter("N", 20), Parameter("tie", 1e-12)),
        populations=(SPINS,),
        projections=(
            Projection("j", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "normal(0, 1)"},
                       variables="w : 1\nk : 1"),
        ),
        rules=(LearningRule("keep", "j", episodic="k += end_S_pre*end_S_post", at=("rest",)),),
        observables=(Observable("flips", "int(S_change != 0)", population="spins", reduce="sum"),),
        protocol=Protocol((dream, rest), (Repeat(2, (Each(("dream", "rest"), items=1),)),)),
        rate_dt="1*ms",
    )  # fmt: skip
    w = np.random.default_rng(0).normal(size=(20, 20)) * ~np.eye(20, dtype=bool)
    w = w + w.T
    result = simulate(built, device=device, weights={"j": w}, record=("weights", "S", "end_S"), interval=DT * ms)
    ends = np.cumsum(np.round(result.step_duration.values * 1e3).astype(int)) - 1
    wanted = np.zeros((20, 20))
    for epoch, last in enumerate(ends[::2]):
        state = result.S.values[last]
        assert (result.end_S.values[last] == state).all()
        assert (np.sign(w @ state) == state).all()
        assert (result.S.values[last + 1] == -state).all()  # a fixed point too
        wanted += np.outer(state, state) * ~np.eye(20, dtype=bool)
        assert (result.j_k.values[epoch + 1] == wanted).all()


def test_phases_that_run_the_same_share_an_event_and_a_copy_keeps_what_it_runs():
    same = {"units": "kept = x"}
    built = model(replace(SHOW, end=same), replace(REST, end={"units": "\nkept = x ;  # the same"}))
    events = translate(built, "rate").group("units").events
    condition = "ended > 0.5 and (step_phase(step*second) == 0 or step_phase(step*second) == 1)"
    assert {name: text[0] for name, text in events.items() if "_of_" in name} == {"end_of_show": condition}
    assert "kept = x" in str(translate(freeze(built, "rest"), "rate"))
    assert "end units  kept = x" in str(built)


@pytest.mark.parametrize("trials", [None, 2])
@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_stimuli_with_frames_are_read_at_the_first_and_at_the_last_frame(device, trials):
    units = replace(
        UNITS,
        equations="u : 1\nfirst_row : 1\nkept : 1\n" + "\n".join(EQUATIONS.split("\n")[4:]).replace(" - theta", ""),
    )
    units = replace(units, initial={"x": "zeros()"})
    film = Stimulus("film", "units", draw="normal(0, 1) + 0*time/second", frames=4, every="2*ms")
    ends = {"begin": {"units": "first_row = film"}, "end": {"units": "kept = film"}}
    show = replace(SHOW, stimuli=("film", "cue"), **ends)
    built = model(show, populations=(units,), stimuli=(film, Stimulus("cue", "units")))
    result = simulate(built, device=device, seed=3, trials=trials, record=("first_row", "kept"), interval=DT * ms)
    for item in range(M):
        frames = result.film.values[item]
        for name, row, frame in (("first_row", 8 * item, 0), ("kept", 8 * item + 7, 3)):
            values = result[name].isel(time=row).values
            assert (values == frames[frame]).all(), (name, item)
