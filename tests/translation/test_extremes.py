"""The least and greatest value of units, which results hold and which equations, conditions and rules read."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, second

import brainmem
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
from brainmem.errors import RuleError
from tests.support.scripts import run_script

DT, TAU = 0.1, 5.0  # ms
NUMPY, STANDALONE = Device("runtime"), Device("cpp_standalone")
DEVICES = [
    NUMPY,
    STANDALONE,
    pytest.param(Device("cpp_standalone", kernels="plain"), marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
EVERY = pytest.mark.parametrize("device", DEVICES, ids=str)
UNITS = "dx/dt = (-x + tanh(u + cue - G*strongest))/tau : 1\nu : 1"
STRONGEST = Observable("strongest", "x", population="units", reduce="max")


def inhibited(*, until: str = "", units: str = UNITS, **changes) -> MemoryModel:
    """Return a network whose units are inhibited by the strongest of them, in millivolts and without unit."""
    parts = {
        "parameters": (
            *(Parameter("N", 7), Parameter("n", 3), Parameter("M", 2), Parameter("tau", TAU * ms)),
            *(Parameter("T", 3 * ms), Parameter("G", 0.5)),
        ),
        "populations": (Population("units", units, initial={"x": "uniform(-1, 1)"}),),
        "projections": (
            Projection(
                "recurrent", "units", "units", current="u_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 1)"}
            ),
        ),
        "stimuli": (Stimulus("cue", "units", draw="normal(0, 1)"),),
        "observables": (
            STRONGEST,
            Observable("lowest", "x*mV", population="units", reduce="min", unit="volt", units=":n"),
            Observable("field", "u*x", population="units", reduce="min"),
        ),
        "protocol": Protocol((Phase("show", duration="T", stimuli=("cue",), until=until),), (Each("show"),)),
    }
    return MemoryModel("inhibited", **(parts | changes))


def in_numpy(w, x, cues, *, until=None, steps=30):
    """Integrate it, and return the states, and at the end of each phase the time step and the observables."""
    rows, ends = [], []
    for cue in cues:
        for _ in range(steps):
            x = x + DT / TAU * (-x + np.tanh(w @ x + cue - 0.5 * x.max()))
            rows.append(x)
            if until is not None and until(x):
                break
        ends.append((len(rows), x.max(), 1e-3 * x[:3].min(), (x * (w @ x)).min()))
    return np.array(rows), np.array(ends)


def run(model, device, **options):
    options = {"seed": 4, "record": ("weights", "units.x"), "interval": DT * ms} | options
    result = simulate(model, "rate", device=device, **options)
    return result, np.nan_to_num(result.recurrent_w.values[0]), arrays(model, "rate", seed=4)["units.x"]


def check(result, ends):
    for name, column in (("strongest", 1), ("lowest", 2), ("field", 3)):
        np.testing.assert_allclose(result[name].values, ends[:, column], rtol=1e-11, atol=1e-14, err_msg=name)


@EVERY
def test_an_equation_reads_the_greatest_value_at_the_beginning_of_each_step(device):
    result, w, x = run(inhibited(), device)
    rows, ends = in_numpy(w, x, result.cue.values)
    np.testing.assert_allclose(result.x.values, rows, rtol=1e-12, atol=1e-14)
    check(result, ends)
    assert len(set(np.argmax(rows, axis=1))) > 1  # another unit is the strongest in time


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_a_condition_reads_the_least_value_of_a_part_in_its_unit(device):
    result, w, x = run(inhibited(until="lowest > -0.3*mV"), device)
    rows, ends = in_numpy(w, x, result.cue.values, until=lambda x: x[:3].min() > -0.3)
    lengths = np.diff(ends[:, 0], prepend=0)
    assert 1 < min(lengths) < 30  # the condition ended a phase, not its duration
    np.testing.assert_allclose(result.step_duration.values * 1e3, lengths * DT, rtol=1e-9)
    np.testing.assert_allclose(result.x.values, rows, rtol=1e-12, atol=1e-14)
    check(result, ends)


@EVERY
def test_every_trial_has_its_own(device):
    model = freeze(inhibited(), "show")
    cues = np.random.default_rng(0).normal(size=(2, 4, 7))
    x = arrays(model, "rate", seed=5, trials=4)["units.x"].reshape(7, 4)
    options = {"trials": 4, "inputs": {"cue": cues}, "record": ("units.x", "trial.field"), "interval": DT * ms}
    many = simulate(model, "rate", seed=5, device=device, **options)
    w = np.nan_to_num(simulate(model, "rate", seed=5, device=NUMPY, record=("weights",)).recurrent_w.values[0])
    for trial in range(4):
        rows, ends = in_numpy(w, x[:, trial], cues[:, trial])
        np.testing.assert_allclose(many.x.sel(trial=trial).values, rows, rtol=1e-11, atol=1e-13)
        check({name: many[name].sel(trial=trial) for name in ("strongest", "lowest", "field")}, ends)
        field = [(row * (w @ row)).min() for row in rows]
        np.testing.assert_allclose(many.field_trace.sel(trial=trial).values, field, rtol=1e-11, atol=1e-13)


BALANCED = """
dr/dt = (-r + clip(exc - inh + cue, 0, 10))/tau : 1
exc : 1
inh : 1
"""
EVEN = "eta*(highest - lowest)*(highest - r_post)*r_pre/tau"


def balanced() -> MemoryModel:
    """Return excitatory and inhibitory units of one population, whose rule reads how unequal the excitatory are."""
    part = {"source_units": ":n", "initial": {"w": "uniform(0, 0.2)"}}
    return MemoryModel(
        "balanced",
        parameters=(Parameter("N", 8), Parameter("n", 5), Parameter("tau", TAU * ms), Parameter("eta", 0.2)),
        populations=(Population("units", BALANCED, initial={"r": "uniform(0, 1)"}),),
        projections=(
            Projection("excite", "units", "units", current="exc_post = w*r_pre : 1 (summed)", **part),
            Projection(
                "inhibit",
                "units",
                "units",
                current="inh_post = w*r_pre : 1 (summed)",
                **(part | {"source_units": "n:"}),
            ),
        ),
        rules=(
            LearningRule(
                "even", "excite", continuous="dw/dt = eta*(highest - lowest)*(highest - r_post)*r_pre/tau : 1"
            ),
        ),
        stimuli=(Stimulus("cue", "units", items=1, draw="uniform(0, 1)"),),
        observables=(
            Observable("highest", "r", population="units", reduce="max", units=":n"),
            Observable("lowest", "r", population="units", reduce="min", units=":n"),
            Observable("quietest", "r - inh", population="units", reduce="min", units="n:"),
        ),
        protocol=Phase("show", duration="2*ms", stimuli=("cue",)),
    )


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_a_rule_reads_the_extremes_of_a_part_of_a_population(device):
    result = simulate(balanced(), seed=2, device=device, record=("weights", "r"), interval=DT * ms)
    starts = arrays(balanced(), seed=2)
    joins = ~np.eye(8, dtype=bool)
    exc, inh = (np.nan_to_num(result[f"{name}_w"].values[0]) for name in ("excite", "inhibit"))
    r, cue, rows = starts["units.r"], result.cue.values[0], []
    for _ in range(20):
        high, low = r[:5].max(), r[:5].min()
        drive = exc @ r[:5] - inh @ r[5:] + cue
        exc = exc + joins[:, :5] * (DT / TAU * 0.2 * (high - low) * np.outer(high - r, r[:5]))
        r = r + DT / TAU * (-r + np.clip(drive, 0, 10))
        rows.append(r)
    np.testing.assert_allclose(result.r.values, rows, rtol=1e-12)
    np.testing.assert_allclose(np.nan_to_num(result.excite_w.values[-1]), exc, rtol=1e-11, atol=1e-14)
    wanted = {"highest": r[:5].max(), "lowest": r[:5].min(), "quietest": (r - inh @ r[5:])[5:].min()}
    for name, value in wanted.items():
        np.testing.assert_allclose(result[name].values, [value], rtol=1e-11, err_msg=name)


FIELD = Projection("recurrent", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "zeros()"})


def spins(until: str = "lowest > 0") -> MemoryModel:
    """Return units updated one at a time that relax until no field points against its unit."""
    relax = Phase("relax", duration="100*second", until=until, start={"S": "signs()"})
    return MemoryModel(
        "spins",
        parameters=(Parameter("N", 25),),
        populations=(Population("spins", "h : 1\nS : 1", sequential="S = sign(h + 1e-12*S)"),),
        projections=(
            Projection(
                "recurrent", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "zeros()"}
            ),
        ),
        observables=(
            Observable("lowest", "S*h", population="spins", reduce="min"),
            Observable("highest", "S*h", population="spins", reduce="max"),
        ),
        protocol=Protocol((relax,), (Repeat(4, (Each("relax", items=1),)),)),
        rate_dt="1*second",
    )


@EVERY
def test_units_visited_one_at_a_time_relax_until_the_least_stability_is_positive(device):
    w = np.random.default_rng(1).normal(size=(25, 25))
    w = (w + w.T) * ~np.eye(25, dtype=bool)
    options = {"record": ("S", "h"), "interval": 1 * second}
    result = simulate(spins(), seed=3, device=device, weights={"recurrent": w}, **options)
    s = result.S.values
    stable = s * (s @ w.T)
    ends = np.cumsum(np.round(result.step_duration.values).astype(int)) - 1
    assert len(s) > 8, "no phase took more than its first sweeps"
    np.testing.assert_array_equal(np.flatnonzero(stable.min(axis=1) > 0), ends)
    np.testing.assert_allclose(result.lowest.values, stable.min(axis=1)[ends], rtol=1e-10)
    np.testing.assert_allclose(result.highest.values, stable.max(axis=1)[ends], rtol=1e-10)


VALUES = {
    "unlike": [3.0, -2.0, 5.0, 1.0],
    "infinite": [np.inf, -np.inf, 1.0, 0.0],
    "all infinite": [np.inf] * 4,
    "nan first": [np.nan, 1.0, -np.inf, 2.0],
    "nan within": [1.0, np.nan, -7.0, np.inf],
    "nan last": [1.0, 2.0, 3.0, np.nan],
}


def made() -> MemoryModel:
    """Return four units whose value is a, or -log(0) where a is 0, or the logarithm of a negative number."""
    return MemoryModel(
        "made",
        parameters=(Parameter("N", 4), Parameter("M", len(VALUES))),
        populations=(Population("units", "x = value + sign(value)*(-log(far)) + sqrt(bad) - 1 : 1"),),
        stimuli=tuple(Stimulus(name, "units", draw="uniform(0, 1)") for name in ("value", "far", "bad")),
        observables=(
            Observable("lowest", "x", population="units", reduce="min"),
            Observable("highest", "x", population="units", reduce="max"),
        ),
        protocol=Phase("show", duration="0.1*ms", stimuli=("value", "far", "bad")),
        rate_dt="0.1*ms",
    )


@EVERY
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_value_that_is_no_number_makes_the_extremes_none(device):
    wanted = np.array(list(VALUES.values()))
    inputs = {
        "value": np.where(np.isinf(wanted), np.sign(wanted), np.nan_to_num(wanted)),
        "far": np.where(np.isinf(wanted), 0.0, 1.0),
        "bad": np.where(np.isnan(wanted), -1.0, 1.0),
    }
    result = simulate(made(), device=device, inputs=inputs)
    np.testing.assert_array_equal(result.lowest.values, wanted.min(axis=1))
    np.testing.assert_array_equal(result.highest.values, wanted.max(axis=1))


@pytest.mark.parametrize("target", ["runtime", pytest.param("cpp_standalone", marks=pytest.mark.full)])
def test_the_printed_script_runs_in_plain_brian2_and_gets_the_same_numbers(target, tmp_path):
    model = inhibited()
    text = str(translate(model)).replace("from brian2 import *", f"from brian2 import *\nset_device({target!r})")
    text = text.replace('(arrays["duration"])', '(arrays["duration"] - arrays["dt"]/2)')
    names = "strongest", "lowest", "field"
    saved = {"x": "units.x", **{name: f"protocol.{name}" for name in names}}
    out, (result, *_) = run_script(tmp_path, text, arrays(model, seed=4), saved), run(model, NUMPY)
    np.testing.assert_allclose(out["x"], result.x.values[-1], rtol=1e-12)
    for name in names:
        np.testing.assert_allclose(out[name], result[name].values[-1:], rtol=1e-12, err_msg=name)


RATES = "u : 1\nphi = 1/(1 + exp(-drive)) : 1\ndx/dt = (phi - x)/tau : 1"


def noisy(drive: str) -> MemoryModel:
    population = Population("units", f"{RATES}\n{drive}", rate="x", drive="drive", transfer="phi")
    deviant = Observable("deviant", "x*x", population="units", reduce="min")
    return inhibited().replace(populations=(population,), observables=(STRONGEST, deviant))


def test_in_spikes_what_feeds_back_is_the_greatest_of_the_rates_expected():
    """The greatest of many noisy rates is larger than that of their means."""
    translated = translate(noisy("drive = u + cue - G*strongest : 1"), "spiking")
    changes = {item.where: item.after for item in translated.changes}
    assert changes["strongest_sum: strongest_post"] == "x_expected_pre"
    assert translated.reported == ("deviant",)  # nothing reads it: what the cells did


def test_in_spikes_a_condition_reads_the_rates_expected_and_a_result_those_of_the_cells():
    model = noisy("drive = u + cue : 1")
    phase = Phase("show", duration="T", stimuli=("cue",), until="strongest > 0.99")
    ended = model.replace(protocol=Protocol((phase,), (Each("show"),)))
    changes = {item.where: item.after for item in translate(ended, "spiking").changes}
    assert changes == {"observable strongest": "x_expected"}
    assert translate(model, "spiking").reported == ("strongest", "deviant")
    assert not translate(model, "spiking").changes


@pytest.mark.full
def test_in_spikes_the_inhibition_by_the_strongest_is_that_of_the_rate_network():
    model = noisy("drive = u + cue - G*strongest : 1")
    options = {"record": ("strongest_value.strongest",), "interval": 1 * ms, "seed": 1, "device": STANDALONE}
    longer = {"T": 100 * ms}
    rate = simulate(model, "rate", parameters=longer, **options)
    spiking = simulate(model, "spiking", parameters=longer | {"cells_per_unit": 20}, **options)
    late = slice(50, 100)
    found, wanted = (result.strongest_trace.values[late].mean() for result in (spiking, rate))
    assert found == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reduce": "median"}, "reduce 'median' is not one of 'mean', 'sum', 'min', 'max'"),
        ({"expression": "max(x)"}, r"Over units it is Observable\(..., reduce='max'\)"),
    ],
)
def test_what_is_no_reduction_is_refused(change, message):
    given = {"expression": "x", "population": "units", **change}
    with pytest.raises(RuleError, match=message):
        inhibited(observables=(STRONGEST, Observable("odd", **given)))


def test_the_least_of_no_unit_is_refused():
    with pytest.raises(RuleError, match=r"'lowest': units=':n' takes no unit .* Take at least one unit"):
        simulate(inhibited(), device=NUMPY, parameters={"n": 0})


def test_a_projection_may_not_be_flagged_so():
    """Sums of a model are Brian2's own; extremes are observables."""
    with pytest.raises(RuleError, match=r"flag \(max\) is not allowed"):
        inhibited(projections=(Projection("p", "units", "units", current="u_post = x_pre : 1 (summed, max)"),))


def test_a_name_that_the_printed_text_needs_is_kept_from_models():
    with pytest.raises(RuleError, match="strongest_defined"):
        inhibited(parameters=(*inhibited().parameters, Parameter("strongest_defined", 1.0)))


def test_the_card_and_explain_say_what_is_taken():
    assert "max over units of x" in str(inhibited())
    assert "form strongest_post = max of x_pre" in brainmem.explain(inhibited())
