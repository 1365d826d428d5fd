"""Observables and variables of a single unit, which any text reads by their names."""

from __future__ import annotations

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
    Stimulus,
    arrays,
    freeze,
    simulate,
    translate,
)
from brainmem.errors import RuleError

DT, TAU = 0.1, 5.0  # ms
NUMPY, STANDALONE = Device("runtime"), Device("cpp_standalone")
PLAIN = Device("cpp_standalone", kernels="plain")
EVERY = pytest.mark.parametrize(
    "device", [NUMPY, STANDALONE, pytest.param(PLAIN, marks=pytest.mark.full)], ids=["numpy", "dense", "plain"]
)

UNITS = """
dx/dt = (-x + phi)/tau : 1
phi = tanh(u + cue - G*activity) : 1
u : 1
"""
CHANGE = "eta*(novelty - activity)*x_post*x_pre/tau"


def regulated(*, until: str = "", rule: bool = True, fixed: str = "0", **changes) -> MemoryModel:
    """Return a network with global inhibition, and a rule whose third factor is the change of activity of a part."""
    return MemoryModel(
        "regulated",
        parameters=(
            *(Parameter("N", 7), Parameter("n", 3), Parameter("M", 2), Parameter("tau", TAU * ms)),
            *(Parameter("T", 3 * ms), Parameter("G", 0.5)),
            *((Parameter("eta", 0.3),) if rule else ()),
        ),
        populations=(
            Population(
                "units", UNITS, rate="x", drive="u", transfer="phi", rate_range=(-1, 1), initial={"x": "uniform(-1, 1)"}
            ),
            Population("globe", "dslow/dt = (first - slow)/tau : 1\nnovelty = first - slow : 1", size=1),
        ),
        projections=(
            Projection(
                "recurrent", "units", "units", current="u_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 1)"}
            ),
        ),
        rules=(LearningRule("third", "recurrent", continuous=f"dw/dt = {CHANGE} : 1"),) if rule else (),
        stimuli=(Stimulus("cue", "units", draw="normal(0, 1)"),),
        observables=(
            Observable("activity", "x", population="units"),
            Observable("first", "x*x", population="units", reduce="sum", units=":n"),
            Observable("variance", "(x - activity)**2", population="units"),
        ),
        protocol=Protocol((Phase("show", duration="T", stimuli=("cue",), until=until),), (Each("show"),)),
        **changes,
    )


def in_numpy(w, x, cues, *, plastic=True, steps=30, until=None):
    w, slow, off, rows = w.copy(), 0.0, 1.0 - np.eye(len(x)), []
    ends = []
    for cue in cues:
        for _ in range(steps):
            activity, first = x.mean(), (x[:3] ** 2).sum()
            novelty, u = first - slow, w @ x
            if plastic:
                w = w + DT / TAU * off * 0.3 * (novelty - activity) * np.outer(x, x)
            slow = slow + DT / TAU * (first - slow)
            x = x + DT / TAU * (-x + np.tanh(u + cue - 0.5 * activity))
            rows.append(x)
            if until is not None and until(x, slow):
                break
        ends.append((len(rows), x.mean(), (x[:3] ** 2).sum(), x.var()))
    return w, np.array(rows), np.array(ends)


def run(model, device, **options):
    result = simulate(model, "rate", seed=4, device=device, record=("weights", "units.x"), interval=0.1 * ms, **options)
    return result, np.nan_to_num(result.recurrent_w.values), arrays(model, "rate", seed=4)["units.x"]


def held(result, ends):
    for name, column in (("activity", 1), ("first", 2), ("variance", 3)):
        np.testing.assert_allclose(result[name].values, ends[:, column], rtol=1e-11, atol=1e-14)


@EVERY
def test_equations_rules_and_observables_read_numbers_of_one_moment(device):
    result, w, x = run(regulated(), device)
    final, rows, ends = in_numpy(w[0], x, result.cue.values)
    np.testing.assert_allclose(result.x.values, rows, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(w[-1], final, rtol=1e-12, atol=1e-14)
    held(result, ends)


@EVERY
@pytest.mark.parametrize(
    ("until", "holds"),
    [("first > 0.9", lambda x, slow: (x[:3] ** 2).sum() > 0.9), ("slow > 0.4", lambda x, slow: slow > 0.4)],
    ids=["observable", "single unit"],
)
def test_conditions_read_them_at_the_end_of_each_step(device, until, holds):
    result, w, x = run(regulated(until=until), device)
    final, _, ends = in_numpy(w[0], x, result.cue.values, until=holds)
    assert 1 < ends[0, 0] < 30 or 1 < ends[1, 0] - ends[0, 0] < 30  # the condition ended a phase, not its duration
    np.testing.assert_allclose(result.step_duration.values * 1e3, np.diff(ends[:, 0], prepend=0) * DT, rtol=1e-9)
    np.testing.assert_allclose(w[-1], final, rtol=1e-12, atol=1e-14)
    held(result, ends)


@pytest.mark.parametrize("device", [NUMPY, STANDALONE], ids=["numpy", "standalone"])
def test_every_trial_has_its_own(device):
    model = freeze(regulated(rule=False), "show")
    cues = np.random.default_rng(0).normal(size=(2, 4, 7))
    x = arrays(model, "rate", seed=5, trials=4)["units.x"].reshape(7, 4)
    many = simulate(
        model, "rate", seed=5, device=device, trials=4, inputs={"cue": cues}, record=("units.x",), interval=0.1 * ms
    )
    w = np.nan_to_num(simulate(model, "rate", seed=5, device=NUMPY, record=("weights",)).recurrent_w.values[0])
    for trial in range(4):
        _, rows, ends = in_numpy(w, x[:, trial], cues[:, trial], plastic=False)
        np.testing.assert_allclose(many.x.sel(trial=trial).values, rows, rtol=1e-11, atol=1e-13)
        held({name: many[name].sel(trial=trial) for name in ("activity", "first", "variance")}, ends)


@pytest.mark.slow
@pytest.mark.parametrize("device", [NUMPY, STANDALONE], ids=["numpy", "standalone"])
def test_in_spikes_they_follow_the_rates_read_from_spikes(device):
    record = ("units.x", "activity_value.activity", "globe.slow")
    options = {"parameters": {"cells_per_unit": 4}, "record": record, "interval": 0.5 * ms}
    result = simulate(regulated(), "spiking", seed=1, device=device, **options)
    assert np.ptp(result.x.values) > 0.1
    np.testing.assert_allclose(result.activity_trace.values[:, 0], result.x.values.mean(axis=1), rtol=1e-9)


def test_the_square_of_a_noisy_rate_is_right_in_the_mean_where_a_rule_reads_it():
    changes = {item.where: item.after for item in translate(regulated(), "spiking").changes}
    assert changes["first_sum: first_post"] == "x_pre * x_expected_pre"


def test_a_variable_of_a_single_unit_is_read_from_either_end_and_from_elsewhere():
    """A projection onto or from the single unit reads it as its own; a third one gets it by a projection."""
    model = MemoryModel(
        "critic",
        parameters=(Parameter("N", 4), Parameter("tau", TAU * ms), Parameter("T", 1 * ms)),
        populations=(
            Population("units", "x = cue : 1"),
            Population("critic", "v : 1\ndelta = 1 - v : 1", size=1),
        ),
        stimuli=(Stimulus("cue", "units", items=1, draw="uniform(0, 1)"),),
        projections=(
            Projection("value", "units", "critic", current="v_post = w*x_pre : 1 (summed)", initial={"w": "zeros()"}),
            Projection("policy", "units", "units", initial={"q": "zeros()"}),
        ),
        rules=(
            LearningRule("td", "value", continuous="dw/dt = delta*x_pre/tau : 1"),
            LearningRule("actor", "policy", continuous="dq/dt = delta*x_pre/tau : 1"),
        ),
        protocol=Phase("show", duration="T", stimuli=("cue",)),
    )
    text = str(translate(model, "rate"))
    assert "dw/dt = delta_post*x_pre/tau" in text
    assert "delta_to_critic" not in text
    result = simulate(model, "rate", seed=1, device=NUMPY, record=("weights",))
    x, w, q = result.cue.values[0], np.zeros(4), np.zeros((4, 4))
    for _ in range(10):
        change = DT / TAU * (1 - w @ x) * x
        w, q = w + change, q + change
    np.testing.assert_allclose(result.value_w.values[-1], [w], rtol=1e-12)
    np.testing.assert_allclose(np.nan_to_num(result.policy_q.values[-1]), q * (1 - np.eye(4)), rtol=1e-12)


def test_models_that_read_none_are_translated_as_they_are():
    model = regulated().replace(
        populations=(Population("units", "dx/dt = (-x + tanh(u + cue))/tau : 1\nu : 1"),),
        rules=(),
        observables=(Observable("activity", "x", population="units"),),
    )
    names = [item.name for item in translate(model, "rate").connections]
    assert names == ["recurrent", "observe_activity"]


def test_an_observable_that_reads_itself_through_others_is_refused():
    model = regulated()
    circle = (
        Observable("activity", "x + other", population="units"),
        *model.observables[1:],
        Observable("other", "activity", population="globe"),
    )
    with pytest.raises(Exception, match="depend on each other within one time step"):
        translate(model.replace(observables=circle), "rate")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observables": (Observable("activity", "activity", population="units"),)}, "unknown name 'activity'"),
        (
            {"observables": (Observable("activity", "x", population="units", units=":k"),)},
            r"units=':k': 'k' is no parameter",
        ),
        (
            {
                "populations": (
                    Population("units", UNITS),
                    Population("a", "slow = 1 : 1", size=1),
                    Population("b", "slow = 2 : 1", size=1),
                    Population("c", "y = slow : 1", size=3),
                )
            },
            "it is a variable of a, b. Rename it in one of them",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(change, message):
    model = regulated(rule=False)
    base = {
        "observables": (Observable("activity", "x", population="units"),),
        "populations": (Population("units", UNITS),),
    }
    with pytest.raises(RuleError, match=message):
        model.replace(**{**base, **change})


def test_a_local_name_of_a_rule_hides_no_number():
    rule = LearningRule("third", "recurrent", periodic="activity = x_post\nw += activity", every="0.1*ms")
    with pytest.raises(RuleError, match="'activity' cannot be changed here"):
        regulated().replace(rules=(rule,))


def test_units_updated_one_at_a_time_cannot_read_a_number_that_each_visit_changes():
    with pytest.raises(RuleError, match="it changes at every visit"):
        MemoryModel(
            "spins",
            parameters=(Parameter("N", 5), Parameter("T", 1 * ms)),
            populations=(Population("spins", "S : 1\nh = 0.1 - m : 1", sequential="S = sign(h)"),),
            observables=(Observable("m", "S", population="spins"),),
            protocol=Phase("relax", duration="T"),
            rate_dt="1*ms",
        )
