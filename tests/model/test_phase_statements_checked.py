"""Mistakes in what phases run on units; variables that phases, arrays and the model begin with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, mV, volt

from brainmem import (
    Choice,
    Each,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    RuleError,
    Spiking,
    Stimulus,
    arrays,
    simulate,
    sweep,
    translate,
)
from tests.support.scripts import run_script

EQUATIONS = """
u : 1
kept : 1
bias : 1
fixed : 1 (constant)
flag : boolean
late = int(elapsed > 5*ms) : 1
noise = randn() : 1 (constant over dt)
jitter = 2*noise : 1
drive = u + open*cue + bias + fixed*late*0 + noise*0 : 1
phi = tanh(drive) : 1
dx/dt = (phi - x)/tau : 1
"""
START = dict.fromkeys(("kept", "bias", "fixed", "flag"), "zeros()") | {"x": "uniform(-1, 1)"}
UNITS = Population("units", EQUATIONS, rate="x", drive="drive", transfer="phi", rate_range=(-1, 1), initial=START)
GO = Phase("go", duration="10*ms", stimuli=("cue",), gates={"open": 1})


def model(phase: Phase, **changes) -> MemoryModel:
    parts = {
        "parameters": (Parameter("N", 4), Parameter("M", 2), Parameter("tau", 5 * ms)),
        "populations": (UNITS, Population("one", "y : 1\nz : 1", size=1, initial={"y": "zeros()", "z": "zeros()"})),
        "projections": (
            Projection("rec", "units", "units", current="u_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 1)"}),
        ),
        "stimuli": (Stimulus("cue", "units"),),
        "observables": (Observable("m", "x", population="units"),),
        "protocol": Protocol((phase,), (Each("go"),)),
        "rate_dt": "1*ms",
    }
    return MemoryModel("m", **(parts | changes))


WRONG = {
    "no population": (
        "end",
        {"unit": "kept = x"},
        ["end= of population 'unit' is not one of 'units', 'one'", "'units'?"],
    ),
    "no mapping": ("end", "kept = x", ["end='kept = x' must be a mapping from names"]),
    "no text": ("begin", {"units": 3}, ["begin['units']=3 must be text, such as 'kept = x'"]),
    "nothing": ("end", {"units": " # later\n;"}, ["end['units']: it has no statements"]),
    "no statement": ("end", {"units": "kept"}, ["line 1 ('kept'): a statement is 'w = ...'"]),
    "second of a line": (
        "end",
        {"units": "kept = x; bias = zz"},
        ["line 2 ('bias = zz'): unknown name 'zz'"],
    ),
    "unknown": ("end", {"units": "kept = xx"}, ["unknown name 'xx'", "Names known here"]),
    "stimulus": (
        "end",
        {"units": "cue = x"},
        ["'cue' cannot be changed here; statements of a phase", "kept, bias, x."],
    ),
    "gate": ("end", {"units": "open = 0"}, ["'open' cannot be changed here"]),
    "parameter": ("end", {"units": "tau = 2*tau"}, ["'tau' cannot be changed here"]),
    "equation": ("end", {"units": "phi = 0"}, ["'phi' cannot be changed here"]),
    "sum": ("end", {"units": "u = 0"}, ["'u' cannot be changed here"]),
    "constant": ("end", {"units": "fixed = x"}, ["'fixed' cannot be changed here"]),
    "condition": ("end", {"units": "flag = x > 0"}, ["'flag' cannot be changed here"]),
    "observable": ("end", {"units": "m = x"}, ["'m' cannot be changed here"]),
    "unit": ("end", {"units": "kept = x*volt"}, ["has unit V, but a change of 'kept' must have unit 1 (none)"]),
    "truth": ("end", {"units": "kept = x > 0"}, ["write int(x > 0)"]),
    "unread": (
        "end",
        {"units": "kept = x; lost = x"},
        ["'lost' is no variable of population 'units', and nothing reads"],
    ),
    "name of the group": (
        "end",
        {"units": "step = x; kept = step"},
        ["the name 'step' is used by the protocol itself"],
    ),
    "name of the cells": ("end", {"units": "x_s = x; kept = x_s"}, ["the name 'x_s' is used for the spiking variant"]),
    "name beside": (
        "end",
        {"units": "o = x; o_expected = 2*o; kept = o_expected"},
        ["'o_expected' is used for the value"],
    ),
    "of another": ("end", {"one": "y = x"}, ["'x' cannot be used here", "belongs to population 'units'"]),
    "suffix": ("end", {"units": "kept = x_pre"}, ["write 'x'"]),
    "time": ("end", {"units": "kept = t/second"}, ["write 'elapsed' for the time since the phase began"]),
    "random": ("end", {"units": "kept = rand()"}, ["line 1 ('kept = rand()'): rand() draws a random number", "start="]),
    "draw": ("begin", {"units": "kept = normal(0, 1)"}, ["unknown function 'normal'"]),
    "early sum": (
        "begin",
        {"units": "kept = u"},
        ["'u' is not known yet: projection 'rec' sums it", "end= of the phase"],
    ),
    "early drive": ("begin", {"units": "kept = phi"}, ["'u' is not known yet"]),
    "early draw": ("begin", {"units": "kept = jitter"}, ["'noise' is not known yet: it is drawn"]),
    "early observable": (
        "begin",
        {"units": "kept = m"},
        ["'m' cannot be used here: a number of the whole network is formed behind the beginning"],
    ),
}


@pytest.mark.parametrize(("moment", "given", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_statement_is_an_error_of_the_model(moment, given, words):
    with pytest.raises(RuleError) as caught:
        model(replace(GO, **{moment: given}))
    assert "phase 'go'" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_what_statements_use_and_set_counts_as_used_and_set():
    text = EQUATIONS.replace("kept : 1", "kept : 1\nsaved : volt")
    units = replace(UNITS, equations=text)
    ending = replace(GO, end={"units": "saved = scale*kept + 0*offset"})
    parameters = (*model(GO).parameters, Parameter("scale", 3 * mV), Parameter("offset", 1 * mV))
    built = model(ending, populations=(units, model(GO).populations[1]), parameters=parameters)
    assert translate(built).group("units").constants == ("tau", "scale", "offset")
    with pytest.raises(RuleError, match=r"nothing sets 'saved'.*let a phase set it \(start=, begin=, end=\)"):
        model(GO, populations=(units, model(GO).populations[1]))
    given = {"units.saved": np.arange(4) * volt, "units.kept": np.ones(4)}
    result = simulate(built, device="runtime", initial=given, record=("saved",), interval=1 * ms)
    assert (result.saved.values[0] == np.arange(4)).all()
    assert result.saved.values[-1] == pytest.approx(np.full(4, 0.003))


def test_forms_of_a_choice_stand_in_statements_too():
    ending = replace(GO, end={"units": "kept = what"})
    built = model(ending, choices=(Choice("what", {"rate": "x", "square": "x**2"}),))
    records = {"record": ("x", "kept"), "interval": 1 * ms, "device": "runtime"}
    for option, wanted in {"rate": lambda x: x, "square": np.square}.items():
        result = simulate(built, parameters={"what": option}, **records)
        assert result.kept.values[-1] == pytest.approx(wanted(result.x.values[-1]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "variant"),
    [
        ("runtime", "rate"),
        ("cpp_standalone", "spiking"),
        *(pytest.param(*case, marks=pytest.mark.full) for case in (("runtime", "spiking"), ("cpp_standalone", "rate"))),
    ],
)
def test_phases_begin_with_values_of_variables_declared_without_an_equation(device, variant):
    """Drawn anew each time, from a stimulus, and put back behind a test; populations without a rate have them too."""
    one = Population("one", "y : 1", size=3)
    go = replace(GO, start={"bias": "normal(0, 1)", "kept": "2*cue", "y": "uniform(1, 2)"})
    test = Phase("test", duration="5*ms", restore=True, start={"bias": "9 + zeros()"})
    rest = Phase("rest", duration="5*ms")
    built = model(
        go,
        populations=(UNITS, one),
        protocol=Protocol((go, test, rest), (Repeat(2, (Each(("go", "test", "rest")),)),)),
    )
    result = simulate(built, variant, device=device, seed=2, record=("bias", "kept", "y"), interval=5 * ms)
    bias, kept, y = (result[name].values.reshape(4, 4, -1) for name in ("bias", "kept", "y"))
    cue = result.cue.values
    for step in range(4):
        assert (kept[step] == 2 * cue[step % 2]).all()
        assert (bias[step][2] == 9).all()
        assert (bias[step][3] == bias[step][0]).all()
        assert (bias[step][1] == bias[step][0]).all()
        assert ((y[step] >= 1) & (y[step] < 2)).all()
    drawn = bias[:, 0].ravel()
    assert len(set(drawn)) == 16
    assert 0.4 < drawn.std() < 1.8
    other = simulate(built, "rate", device="runtime", seed=2, record=("bias",), interval=5 * ms)
    assert other.bias.values.reshape(4, 4, -1)[:, 0].ravel() == pytest.approx(drawn, rel=1e-12)


def test_start_names_what_keeps_a_value():
    for name in ("u", "phi", "fixed", "flag"):
        with pytest.raises(RuleError, match=rf"start={name!r} must be a variable with an equation.*'{name} : unit'"):
            model(replace(GO, start={name: "zeros()"}))


def test_whatever_keeps_a_value_may_be_given_start_values(tmp_path):
    """Also where the model leaves them at 0; the first phase runs for one time step."""
    plain = replace(UNITS, equations="u : 1\nkept : 1\ndrive = u + open*cue + kept : 1\nphi = tanh(drive) : 1\n"
                    "dx/dt = (phi - x)/tau : 1\ndslow/dt = -slow/(1000*second) : 1", initial={})  # fmt: skip
    go = replace(GO, end={"units": "kept = 0"})
    built = model(go, populations=(plain,))
    given = {"units.x": np.full(4, 0.2), "units.kept": np.arange(4.0), "units.slow": np.full(4, 3.0)}
    for variant in ("rate", "spiking"):
        result = simulate(built, of(variant), device="runtime", initial=given, record=("kept", "slow"), interval=1 * ms)
        assert (result.kept.values[0] == np.arange(4)).all()
        assert result.slow.values[0] == pytest.approx(3, rel=1e-5)
        assert not result.kept.values[-1].any()
    swept = sweep(built, parameters={"tau": [5 * ms]}, store=tmp_path, seeds=1, jobs=1, device="runtime", initial=given,
                  record=("kept",), interval=1 * ms)  # fmt: skip
    assert (next(iter(swept.results())).kept.values[0] == np.arange(4)).all()
    said = r"no start value 'units.u', which initial= gives. It takes: rec.w, units.kept, units.slow, units.x"
    with pytest.raises(RuleError, match=said):
        simulate(built, device="runtime", initial={"units.u": np.zeros(4)})


def of(variant: str) -> str | Spiking:
    return Spiking(neuron="poisson") if variant == "spiking" else variant


@pytest.mark.parametrize("trials", [None, 3])
@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_the_printed_script_runs_them_in_plain_brian2(variant, trials, tmp_path):
    units = replace(UNITS, equations="u : 1\nkept : 1\ndrive = u + open*cue + kept : 1\nphi = tanh(drive) : 1\n"
                    "dx/dt = (phi - x)/tau : 1", initial={"x": "uniform(-1, 1)"})  # fmt: skip
    go = replace(GO, begin={"units": "kept = 0.5*kept"}, end={"units": "kept += (x - m)**3*int(elapsed > tau)"})
    built = model(go, populations=(units,))
    numbers = {"seed": 5, "trials": trials}
    text = str(translate(built, of(variant), trials=trials))
    found = run_script(tmp_path, text, arrays(built, of(variant), **numbers), {"kept": "units.kept"})["kept"]
    result = simulate(
        built,
        of(variant),
        device="runtime",
        record=("kept",),
        interval=(1 if variant == "rate" else 0.5) * ms,
        **numbers,
    )
    kept = result.kept.values[-1]
    assert np.abs(kept).max() > 0.01
    assert np.abs(found.reshape(4, trials or 1) - np.reshape(kept if trials is None else kept.T, (4, -1))).max() < 1e-12
