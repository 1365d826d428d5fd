"""Observables of some phases only, and sums over synapses that nothing but these reads."""

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
    Stimulus,
    arrays,
    explain,
    freeze,
    simulate,
    translate,
)
from brainmem.errors import RuleError
from tests.support.scripts import run_script

NUMPY, STANDALONE = Device("runtime"), Device("cpp_standalone")
PLAIN = Device("cpp_standalone", kernels="plain")
DEVICES = [
    NUMPY,
    STANDALONE,
    pytest.param(PLAIN, marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
EVERY = pytest.mark.parametrize("device", DEVICES, ids=str)
N, P, ROUNDS, EPS = 20, 3, 2, 0.5

SPINS = "h : 1\nnorm2 : 1\nS : 1\nstability = S*h/sqrt(norm2) : 1"
VISIT = "S = sign((1 - fixed)*h + 1e-12*S)"
SUMS = "h_post = w*S_pre : 1 (summed)\nnorm2_post = w**2 : 1 (summed)"
DREAM = Phase("dream", duration="100*second", until="flips < 0.5", start={"S": "signs()"})
JUDGE = Phase("judge", duration="1*second", stimuli=("memory",), start={"S": "memory"}, gates={"fixed": 1})
JUDGED = {
    "mean": Observable("mean", "stability", population="spins", during=("judge",)),
    "least": Observable("least", "stability", population="spins", reduce="min", during=("judge",)),
    "square": Observable("square", "stability**2", population="spins", during=("judge",)),
    "wrong": Observable("wrong", "int(stability < 0)", population="spins", reduce="sum", during=("judge",)),
}
FLIPS = Observable("flips", "int(S_change != 0)", population="spins", reduce="sum")


def spins(sums: str = SUMS, observables=(), equations: str = SPINS, **changes) -> MemoryModel:
    """Return units that dream one at a time; when they have dreamt, the stabilities of patterns are judged."""
    schedule = (Each("dream", items=2), Each("judge", items="P"))
    parts = {
        "parameters": (Parameter("N", N), Parameter("P", P), Parameter("rounds", ROUNDS), Parameter("eps", EPS)),
        "populations": (Population("spins", equations, sequential=VISIT),),
        "projections": (Projection("recurrent", "spins", "spins", current=sums, initial={"w": "normal(0, 0.3)"}),),
        "rules": (LearningRule("unlearn", "recurrent", episodic="w += -(eps/N_pre)*S_pre*S_post", at=("dream",)),),
        "stimuli": (Stimulus("memory", "spins", items="P", draw="signs()"),),
        "observables": observables or (FLIPS, *JUDGED.values()),
        "protocol": Protocol((DREAM, JUDGE), (Repeat("rounds", schedule),)),
        "rate_dt": "1*second",
    }
    return MemoryModel("spins", **(parts | changes))


def stabilities(result) -> np.ndarray:
    """Return the stability of every unit for every pattern after every round, computed with numpy."""
    w, patterns = np.nan_to_num(result.recurrent_w.values[1:]), result.memory.values
    fields = np.einsum("rij,pj->rpi", w, patterns)
    return patterns * fields / np.sqrt(np.sum(w**2, axis=2))[:, None, :]


@EVERY
def test_stabilities_are_judged_in_their_phase_and_are_nan_elsewhere(device):
    result = simulate(spins(), seed=2, device=device, record=("weights",))
    wanted, judged = stabilities(result).reshape(ROUNDS * P, N), result.step_phase.values == "judge"
    assert judged.sum() == ROUNDS * P
    reduced = {"mean": wanted.mean(axis=1), "least": wanted.min(axis=1), "square": (wanted**2).mean(axis=1)}
    for name, values in (reduced | {"wrong": (wanted < 0).sum(axis=1)}).items():
        np.testing.assert_allclose(result[name].values[judged], values, rtol=1e-11, err_msg=name)
        assert np.isnan(result[name].values[~judged]).all()
    assert np.isfinite(result.flips.values).all()
    assert not any("not finite" in note for note in result.notes)


def test_what_only_these_read_is_formed_there_alone():
    translated = translate(spins())
    recurrent, group = translated.connection("recurrent"), translated.group("spins")
    assert recurrent.resting == {"norm2_post"}
    assert [path.event for path in recurrent.pathways if path.sum_] == ["step_end_in_1"]
    assert group.events["step_end_in_1"][0] == "ended > 0.5 and (step_phase(step*second) == 1)"
    assert translated.group("protocol").events["least_due"][0] == "step_phase(step*second) == 1"
    assert "norm2_post = w**2 : 1 (summed)" not in str(translated)
    assert "sum norm2_post" not in explain(spins())


@pytest.mark.parametrize(
    ("changes", "resting"),
    [
        ({"equations": f"{SPINS}\ndm/dt = (norm2 - m)/second : 1"}, set()),
        ({"equations": f"{SPINS}\nunread = norm2 + h : 1"}, {"norm2_post"}),
        ({"observables": (FLIPS, replace(JUDGED["mean"], during=()))}, {"norm2_post"}),
        ({"observables": (FLIPS,), "varied": True}, {"norm2_post"}),
    ],
    ids=["a state reads it", "a line that nothing reads", "an observable of all phases", "nothing"],
)
def test_a_sum_rests_where_nothing_reads_it_within_time_steps(changes, resting):
    assert translate(spins(**changes)).connection("recurrent").resting == resting


def test_an_observable_of_all_phases_has_its_sums_formed_at_every_end():
    observables = (FLIPS, JUDGED["least"], replace(JUDGED["mean"], during=()))
    recurrent = translate(spins(observables=observables)).connection("recurrent")
    assert [path.event for path in recurrent.pathways if path.sum_] == ["step_end"]


@EVERY
def test_a_sum_that_rests_is_recorded_in_time_all_the_same(device):
    record = ("weights", "norm2", "S", "protocol.least")
    result = simulate(spins(), seed=2, device=device, record=record, interval=1 * second)
    w = np.nan_to_num(result.recurrent_w.values)
    ends = np.cumsum(np.round(result.step_duration.values).astype(int))
    np.testing.assert_allclose(result.norm2.values[: ends[0]], np.tile((w[0] ** 2).sum(axis=1), (ends[0], 1)))
    np.testing.assert_allclose(result.norm2.values[-1], (w[-1] ** 2).sum(axis=1), rtol=1e-12)
    trace = result.least_trace.values.ravel()
    judged = np.repeat(result.step_phase.values == "judge", np.diff(ends, prepend=0))
    assert np.isnan(trace[~judged]).all()
    np.testing.assert_allclose(trace[judged], result.least.values[result.step_phase.values == "judge"], rtol=1e-12)


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_a_sum_over_the_state_that_only_these_read_follows_no_visits(device):
    """The fields of other weights, which no visit reads, are formed where they are judged."""
    sums = "h_post = w*S_pre : 1 (summed)\ng_post = w**3*S_pre : 1 (summed)"
    model = spins(
        sums=sums,
        equations="h : 1\ng : 1\nS : 1",
        observables=(FLIPS, Observable("cubes", "S*g", population="spins", reduce="max", during=("judge",))),
    )
    visits = translate(model).group("spins").visits
    assert visits is not None
    assert list(visits.sums) == list(visits.follow) == ["h_post"]
    result = simulate(model, seed=2, device=device, record=("weights",))
    w, patterns = np.nan_to_num(result.recurrent_w.values[1:]), result.memory.values
    wanted = (patterns * np.einsum("rij,pj->rpi", w**3, patterns)).max(axis=2).ravel()
    np.testing.assert_allclose(result.cubes.values[result.step_phase.values == "judge"], wanted, rtol=1e-11)


RATES = "dx/dt = (-x + tanh(u + cue))/tau : 1\nu : 1\nout : 1"
GO = Phase("go", duration="1*ms", stimuli=("cue",))
TEST = Phase("test", duration="4*ms", until="energy < bound", start={"x": "uniform(-1, 1)"})
ENERGY = Observable("energy", "-x*u/2 + out", population="rates", reduce="sum", during=("test",))


def rates(until: str = "energy < bound", **changes) -> MemoryModel:
    """Return a continuous network whose tests end at a low energy, which reads two sums."""
    own = "u_post = w*x_pre : 1 (summed)"
    parts = {
        "parameters": (Parameter("N", 6), Parameter("M", 2), Parameter("tau", 2 * ms), Parameter("bound", -0.2)),
        "populations": (Population("rates", RATES, initial={"x": "uniform(-1, 1)"}),),
        "projections": (
            Projection("own", "rates", "rates", current=own, initial={"w": "normal(0, 1)"}),
            Projection("readout", "rates", "rates", current="out_post = q*x_pre**2 : 1 (summed)",
                       initial={"q": "uniform(0, 0.05)"}),
        ),
        "stimuli": (Stimulus("cue", "rates", draw="normal(0, 1)"),),
        "observables": (ENERGY, Observable("size", "x**2", population="rates")),
        "protocol": Protocol((GO, replace(TEST, until=until)), (Each(("go", "test")),)),
    }  # fmt: skip
    return MemoryModel("rates", **(parts | changes))


@EVERY
def test_a_phase_of_a_continuous_network_ends_by_one(device):
    result = simulate(rates(), seed=3, device=device, record=("weights", "x"), interval=0.1 * ms)
    translated = translate(rates())
    assert translated.connection("readout").resting == {"out_post"}
    assert not translated.connection("own").resting  # the units read it
    assert [path.event for path in translated.connection("readout").pathways] == ["watched_in_1"]
    w, q, x = result.own_w.values[0], result.readout_q.values[0], result.x.values
    w, q = np.nan_to_num(w), np.nan_to_num(q)
    energies = np.sum(-x * (x @ w.T) / 2 + x**2 @ q.T, axis=1)
    ends = np.cumsum(np.round(result.step_duration.values * 1e4).astype(int))
    tests = result.step_phase.values == "test"
    assert np.isnan(result.energy.values[~tests]).all()
    np.testing.assert_allclose(result.energy.values[tests], energies[ends - 1][tests], rtol=1e-10)
    for begin, end in zip(ends[:-1][tests[1:]], ends[1:][tests[1:]], strict=True):
        below = np.flatnonzero(energies[begin:end] < -0.2)
        assert end - begin == (below[0] + 1 if below.size else 40)
    assert min(np.diff(ends)[tests[1:]]) < 40
    np.testing.assert_allclose(result["size"].values, np.mean(x**2, axis=1)[ends - 1], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_trials_have_nan_in_the_other_phases_too(device):
    model = rates(until="", varied=True)
    options = {"seed": 3, "trials": 3, "record": ("rates.x", "trial.energy"), "interval": 0.1 * ms}
    result = simulate(model, device=device, **options)
    single = simulate(model, seed=3, device=NUMPY, record=("weights",))
    w, q = (np.nan_to_num(single[name].values[0]) for name in ("own_w", "readout_q"))
    x = result.x.transpose("time", "trial", ...).values
    energies = np.sum(-x * (x @ w.T) / 2 + x**2 @ q.T, axis=2)
    tests = result.step_phase.values == "test"
    assert result.energy.dims == ("step", "trial")
    assert np.isnan(result.energy.values[~tests]).all()
    ends = np.cumsum(np.round(result.step_duration.values * 1e4).astype(int)) - 1
    np.testing.assert_allclose(result.energy.values[tests], energies[ends][tests], rtol=1e-10)
    within = np.repeat(tests, np.diff(ends, prepend=-1))
    trace = result.energy_trace.transpose("time", "trial", ...).values.reshape(-1, 3)
    assert np.isnan(trace[~within]).all()


def test_a_rule_of_the_same_phases_reads_one():
    """Weights shrink by the energy, in the phase in which it is known, and nowhere else."""
    rule = LearningRule("shrink", "own", continuous="dw/dt = energy*w/tau : 1", during=("test",))
    phases = (GO, replace(TEST, until="", start={}))
    model = rates(rules=(rule,), protocol=Protocol(phases, (Each(("go", "test")),)), varied=True)
    result = simulate(model, seed=3, device=NUMPY, record=("weights",))
    w, q = (np.nan_to_num(result[name].values[0]) for name in ("own_w", "readout_q"))
    x, change, found = arrays(model, seed=3)["rates.x"], 0.05, result.energy.values
    for item, cue in enumerate(result.cue.values):
        for _ in range(10):
            x = x + change * (-x + np.tanh(w @ x + cue))
        for _ in range(40):
            energy = np.sum(-x * (w @ x) / 2 + q @ x**2)
            w, x = w + change * energy * w, x + change * (-x + np.tanh(w @ x))
        np.testing.assert_allclose(found[2 * item + 1], np.sum(-x * (w @ x) / 2 + q @ x**2), rtol=1e-9)
    assert np.isnan(found[::2]).all()
    np.testing.assert_allclose(np.nan_to_num(result.own_w.values[-1]), w, rtol=1e-9, atol=1e-13)


def test_the_printed_script_runs_in_plain_brian2_and_gets_the_same_numbers(tmp_path):
    model = rates(until="", varied=True)
    text = str(translate(model)).replace('(arrays["duration"])', '(arrays["duration"] - arrays["dt"]/2)')
    out = run_script(tmp_path, text, arrays(model, seed=4), {"energy": "protocol.energy", "x": "rates.x"})
    result = simulate(model, seed=4, device=NUMPY)
    np.testing.assert_allclose(out["energy"], result.energy.values[-1:], rtol=1e-12)


def test_a_frozen_model_without_the_phase_does_not_have_the_observable():
    result = simulate(freeze(rates(until="", varied=True), "go"), seed=1, device=NUMPY)
    assert "energy" not in result
    assert np.isfinite(result["size"].values).all()


LOW = Observable("low", "x", population="rates", reduce="min", during=("test",))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"protocol": Protocol((replace(GO, until="low > 0"), TEST), (Each(("go", "test")),))}, "phase 'go', until"),
        ({"populations": (Population("rates", f"{RATES}\ndy/dt = low/tau : 1"),)}, "population 'rates'"),
        ({"observables": (ENERGY, LOW, Observable("gap", "x - low", population="rates"))}, "observable 'gap'"),
        (
            {"rules": (LearningRule("r", "own", continuous="dw/dt = low*x_pre/tau : 1"),)},
            "rule 'r'",
        ),
        ({"rules": (LearningRule("r", "own", episodic="w += low", at=("test", "go")),)}, "rule 'r'"),
        (
            {"protocol": Protocol((replace(GO, end={"rates": "x = low"}), TEST), (Each(("go", "test")),))},
            r"phase 'go', end\['rates'\]",
        ),
        (
            {"projections": (Projection("own", "rates", "rates", current="u_post = low*w*x_pre : 1 (summed)",
                                        initial={"w": "zeros()"}), rates().projections[1])},
            "projection 'own'",
        ),
    ],
    ids=["condition", "equation", "observable", "rule", "episodic rule", "statement", "current"],
)  # fmt: skip
def test_reading_one_in_another_phase_is_refused(changes, where):
    with pytest.raises(RuleError, match=rf"{where}.* it reads 'low' in phase 'go'.*'low' is evaluated during"):
        rates(**({"observables": (ENERGY, LOW)} | changes))


def test_the_same_phases_may_read_it():
    gap = Observable("gap", "x - low", population="rates", during=("test",))
    rule = LearningRule("r", "own", episodic="w += low", at=("test",))
    test = replace(TEST, end={"rates": "x = low"})
    assert rates(observables=(ENERGY, LOW, gap), rules=(rule,), protocol=Protocol((GO, test), (Each(("go", "test")),)))


@pytest.mark.parametrize(
    ("during", "message"),
    [
        (("tset",), r"observable 'energy': during 'tset' is not one of 'go', 'test'. Did you mean 'test'\?"),
        ("test", r"observable 'energy': during='test' must be a tuple of phase names, such as \('test',\)"),
    ],
)
def test_phases_that_do_not_exist_are_refused(during, message):
    with pytest.raises(RuleError, match=message):
        rates(observables=(replace(ENERGY, during=during),))


def test_the_card_says_when():
    assert "during test" in str(rates())
