"""Everything read together is of one moment: observables, end conditions, episodic rules, recordings, their times."""

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
    explain,
    simulate,
)
from brainmem.errors import RuleError

N, DT = 12, 0.2
DEVICES = [
    Device("runtime"),
    Device("cpp_standalone"),
    pytest.param(Device("cpp_standalone", kernels="plain"), marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
UNITS = Population(
    "u", "rec : 1\ndx/dt = (-x + rec)/tau : 1\nq = -x*rec/2 + x**2/2 : 1", initial={"x": "uniform(0, 1)"}
)
REC = Projection("p", "u", "u", current="rec_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 1/sqrt(N))"})
ONE = Population("one", "E : 1", size=1)
ENERGY = Projection("s", "u", "one", current="E_post = -x_pre*rec_pre/2 + x_pre**2/2 : 1 (summed)")
GO = Phase("go", duration="1*ms")
HEBB = LearningRule("hebb", "p", continuous="dw/dt = (x_post*x_pre - w)/(5*ms) : 1")  # changes that may wait
ANY = LearningRule("any", "p", continuous="dw/dt = (tanh(x_post*x_pre + w) - w)/(5*ms) : 1")  # changes in place
RULES = {"fixed": (), "waiting": (HEBB,), "inplace": (ANY,)}


def model(**changes) -> MemoryModel:
    parts = {
        "parameters": (Parameter("N", N), Parameter("tau", 1 * ms)),
        "populations": (UNITS, ONE),
        "projections": (REC, ENERGY),
        "observables": (Observable("Q", "q", population="u", reduce="sum"),),
        "rate_dt": "0.2*ms",
        "protocol": Protocol((GO,), (Repeat(3, (Each("go", items=1),)),)),
    }
    return MemoryModel("m", **(parts | changes))


def energy(x: np.ndarray, w: np.ndarray) -> float:
    return float(x @ x / 2 - x @ w @ x / 2)


def three() -> MemoryModel:
    """Return three networks beside each other, with weights that are fixed, that wait for changes and that do not."""
    populations, projections, observables, rules = [], [], [], []
    for name, given in RULES.items():
        populations.append(replace(UNITS, name=f"u_{name}"))
        populations.append(replace(ONE, name=f"one_{name}"))
        projections.append(replace(REC, name=f"p_{name}", source=f"u_{name}", target=f"u_{name}"))
        projections.append(replace(ENERGY, name=f"s_{name}", source=f"u_{name}", target=f"one_{name}"))
        observables.append(Observable(f"Q_{name}", "q", population=f"u_{name}", reduce="sum"))
        rules += [replace(rule, projection=f"p_{name}") for rule in given]
    return model(
        populations=tuple(populations),
        projections=tuple(projections),
        observables=tuple(observables),
        rules=tuple(rules),
    )


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_observables_and_sums_are_of_the_moment_of_the_state_beside_them(device):
    """What is observed at the ends of phases needs no recording for it."""
    sampled = [key for name in RULES for key in (f"u_{name}.x", f"u_{name}.rec", f"one_{name}.E", f"Q_{name}")]
    result = simulate(three(), device=device, record=("weights", *sampled), interval=DT * ms)
    few = simulate(three(), device=device, record=tuple(f"u_{name}.x" for name in RULES), interval=1 * ms)
    ends = slice(4, None, 5)  # the last of the five time steps of each phase
    for name in RULES:
        x, weights = result[f"u_{name}_x"].values, result[f"p_{name}_w"].values
        wanted = [energy(state, w) for state, w in zip(x[ends], weights[1:], strict=True)]
        summed, observed = result[f"one_{name}_E"].values[:, 0], result[f"Q_{name}"].values
        assert observed == pytest.approx(wanted, rel=1e-12), name
        assert summed[ends] == pytest.approx(wanted, rel=1e-12), name
        fields = [w @ state for state, w in zip(x[ends], weights[1:], strict=True)]
        assert result[f"u_{name}_rec"].values[ends] == pytest.approx(np.array(fields), rel=1e-12), name
        assert result[f"Q_{name}_trace"].values.ravel() == pytest.approx(summed, rel=1e-12), name
        assert few[f"Q_{name}"].values == pytest.approx(observed, rel=1e-13), name
        assert few[f"u_{name}_x"].values == pytest.approx(x[::5], rel=1e-13), name
    assert result.time.values == pytest.approx(1e-3 * DT * np.arange(1, 16))


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_an_end_condition_reads_sums_of_the_same_moment(device):
    falls = replace(GO, duration="50*ms", until="Q < 0.3", start={"x": "uniform(0, 2)"})
    once = model(protocol=Protocol((falls,), (Each("go", items=1),)))
    result = simulate(once, device=device, seed=5, record=("weights", "x"), interval=DT * ms)
    w, x = result.p_w.values[0], result.x.values
    steps = len(x)
    assert steps > 1
    assert result.step_duration.values * 1e3 == pytest.approx(steps * DT)
    energies = [energy(state, w) for state in x]
    assert energies[-1] < 0.3 <= min(energies[:-1])
    assert result.Q.values[-1] == pytest.approx(energies[-1], rel=1e-12)


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_episodic_rules_read_sums_of_the_state_beside_them(device):
    rule = LearningRule("store", "p", episodic="k += rec_post*x_pre", at=("go",))
    rec = replace(REC, variables="w : 1\nk : 1", initial={"w": "normal(0, 1/sqrt(N))"})
    result = simulate(
        model(rules=(rule,), projections=(rec, ENERGY)), device=device, record=("weights", "x"), interval=1 * ms
    )
    w = result.p_w.values[0]
    states = result.x.values  # the first time step of each phase; the ends follow from it
    wanted = np.zeros((N, N))
    x = None
    for start in states:
        x = start
        for _ in range(4):
            x = x + DT * (-x + w @ x)
        wanted += np.outer(w @ x, x) * ~np.eye(N, dtype=bool)
    assert result.p_k.values[-1] == pytest.approx(wanted, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize(
    "device", [DEVICES[0], pytest.param(DEVICES[1], marks=pytest.mark.full), *DEVICES[2:]], ids=str
)
def test_trials_observe_sums_of_the_same_moment(device):
    falls = replace(GO, duration="20*ms", until="Q < 0.3")
    for phase in (GO, falls):
        once = model(protocol=Protocol((phase,), (Each("go", items=1),)))
        result = simulate(once, device=device, trials=3, record=("x", "rec"), interval=DT * ms, seed=2)
        w = simulate(once, device="runtime", seed=2).p_w.values[0]
        wanted = [energy(x, w) for x in result.x.values[-1]]
        assert result.Q.values[-1] == pytest.approx(wanted, rel=1e-12)
        assert result.rec.values[-1] == pytest.approx(result.x.values[-1] @ w.T, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_the_spiking_variant_observes_one_moment_too(device):
    rates = Population(
        "u",
        "rec : 1\nphi = 1/(1 + exp(-rec)) : 1\ndx/dt = (phi - x)/tau : 1",
        rate="x",
        drive="rec",
        transfer="phi",
        initial={"x": "uniform(0, 1)"},
    )
    field = Observable("field", "rec*x", population="u", reduce="sum")
    observed = model(
        populations=(rates,),
        projections=(REC,),
        observables=(field,),
        parameters=(Parameter("N", N), Parameter("tau", 20 * ms)),
    )
    result = simulate(observed, "spiking", device=device, record=("weights", "x", "rec"), interval=0.5 * ms)
    ends = slice(1, None, 2)
    x, w = result.x.values[ends], result.p_w.values[0]
    assert result.rec.values[ends] == pytest.approx(x @ w.T, rel=1e-10)
    assert result.field.values == pytest.approx(np.sum(x * (x @ w.T), axis=1), rel=1e-10)


def test_the_schedule_tells_which_sums_are_formed_again():
    assert "p: form rec_post again, at step_end of the pre unit" in explain(model())
    falls = replace(GO, until="Q < 0.3")
    assert "p: form rec_post again, at watched" in explain(model(protocol=Protocol((falls,), (Each("go", items=1),))))


def test_spikes_are_told_the_time_at_which_their_trace_jumps():
    rates = Population(
        "u", "phi = 0.5 : 1\ndrive = 0 : 1\ndx/dt = (phi - x)/tau : 1", size=1, rate="x", drive="drive", transfer="phi"
    )
    lone = model(
        populations=(rates,), projections=(), observables=(), parameters=(Parameter("tau", 20 * ms),),
        protocol=Protocol((replace(GO, duration="500*ms"),), (Each("go", items=1),)),
    )  # fmt: skip
    result = simulate(lone, "spiking", device="runtime", record=("x", "spikes"), interval=0.5 * ms)
    jumps = result.time.values[1:][np.diff(result.x.values[:, 0]) > 0]
    assert jumps == pytest.approx(result.spike_time.values, abs=1e-9)


def test_recordings_are_taken_at_whole_time_steps():
    with pytest.raises(RuleError, match=r"interval=0.3 ms .* multiple of the time step of 0.2 ms"):
        simulate(model(), device="runtime", record=("x",), interval=0.3 * ms)
