"""What the text of a cell may hold: its membrane, noise, method, flags, names, refractoriness and start values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from brian2 import Mohm, Quantity, ms, mV

from brainmem import Cell, MemoryModel, Phase, Population, RuleError
from brainmem.model.checks.cell import check_refractory_time
from brainmem.model.checks.cell_methods import METHODS
from brainmem.model.checks.cell_parts import is_held, membrane_of

LEAK = "dv/dt = (E_L - v + R*I)/tau : volt (unless refractory)"
VALUES = {"E_L": -70 * mV, "R": 100 * Mohm, "tau": 10 * ms}


def leaky(*more: str, **fields: Any) -> Cell:
    """Return a leaky cell with further equations, in front of its own where they begin with ``<``."""
    before = [line.removeprefix("<") for line in more if line.startswith("<")]
    after = [line for line in more if not line.startswith("<")]
    text = "\n".join([*before, fields.pop("leak", LEAK), "I : amp", *after])
    given = {"threshold": "v > -50*mV", "reset": "v = E_L", "input": "I", "parameters": VALUES} | fields
    return Cell("mine", text, **given)


THRESHOLD = "<dth/dt = (-50*mV - th)/tau : volt"


@pytest.mark.parametrize(
    "threshold",
    [
        "v > th",
        "th < v",
        "v - th > 0*mV",
        "th - v < 0*mV",
        "not v <= th",
        "th/v < 1",
        "above > 0*mV",
        "v > th and v < 1*mV",
    ],
)
def test_noise_is_added_to_the_membrane_and_not_to_an_adaptive_threshold(threshold):
    cell = leaky(THRESHOLD, "above = v - th : volt", threshold=threshold, noise="2*mV")
    assert membrane_of(cell).name == "v"
    assert "sqrt(2/tau_m)*xi" in cell.read


def test_noise_beside_noise_of_another_equation_is_another_noise():
    cell = leaky("dz/dt = -z/tau + xi*tau**-0.5 : 1", noise="2*mV")
    assert "xi_noise" in cell.read
    with pytest.raises(RuleError, match=r"would be added to dv/dt, which holds noise already, 'xi_1'"):
        leaky(leak=LEAK.replace("R*I)/tau", "R*I)/tau + 2*mV*xi_1*tau**-0.5"), noise="2*mV")
    with pytest.raises(RuleError, match=r"noise='randn\(\)\*mV' .*draws numbers itself, randn\(\)"):
        leaky(noise="randn()*mV")


def test_one_name_of_noise_in_two_equations_is_refused_with_names_that_are_clear():
    lines = (LEAK.replace("R*I)/tau", "R*I)/tau + 2*mV*xi*tau**-0.5"), "dz/dt = -z/tau + xi*tau**-0.5 : 1")
    said = r"line 3 .*dv/dt, dz/dt hold noise, 'xi', under one name\. Write xi_v and xi_z where"
    with pytest.raises(RuleError, match=f"(?s){said}"):
        leaky(lines[1], leak=lines[0])
    units = Population("u", "dx/dt = -x/second + xi/second**0.5 : 1\ndy/dt = -y/second + xi/second**0.5 : 1")
    with pytest.raises(RuleError, match="Write xi_x and xi_y where it is independent"):
        MemoryModel("net", parameters=(), populations=(units,), protocol=Phase("go", duration="1*ms"))


NOISY = {"euler", "heun", "milstein"}


@pytest.mark.parametrize("method", METHODS)
def test_methods_that_cannot_integrate_noise_are_refused_with_those_that_can(method):
    leaky(method=method)
    if method in NOISY:
        leaky(method=method, noise="2*mV")
    else:
        said = f"method='{method}' cannot integrate equations with noise .* Take method='euler' or 'heun' or 'milstein'"
        with pytest.raises(RuleError, match=said):
            leaky(method=method, noise="2*mV")


def test_methods_that_cannot_integrate_the_terms_of_an_equation_are_refused():
    with pytest.raises(RuleError, match=r"method='exact' cannot integrate these equations: .*'euler' or 'heun'"):
        leaky(leak=LEAK.replace("R*I", "R*I + v**2/mV"), method="exact")
    with pytest.raises(RuleError, match=r"multiplicative noise.* Take method='heun' or 'milstein'"):
        leaky(noise="0.1*v")
    with pytest.raises(RuleError, match=r"no method can integrate its noise: .*as one term"):
        leaky(leak=LEAK.replace("R*I)/tau", "R*I)/tau + 2*mV*xi**2"))


def test_a_declared_variable_needs_a_value():
    with pytest.raises(RuleError, match=r"line 3 \('g : volt'\): 'g' is declared and has no value.*parameters=\{'g'"):
        leaky("g : volt", threshold="v > g")
    assert leaky("g : volt", threshold="v > g", initial={"g": "-50*mV + normal(0, 1)*mV"}).states == ("v", "g")
    assert leaky("n : 1", reset="v = E_L; n += 1").states == ("v", "n")
    assert leaky("g : volt", threshold="v > g", parameters={**VALUES, "g": -50 * mV}).states == ("v",)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "dz/dt = -z/tau : 1 (shared)",
            r"flag \(shared\) is not allowed for a differential; allowed: unless refractory",
        ),
        ("dz/dt = -z/tau : 1 (event-driven)", r"flag \(event-driven\) is not allowed"),
        ("z = v/mV : 1 (summed)", r"flag \(summed\) is not allowed"),
        ("z = v/mV : 1 (unless refractory)", r"not allowed for a subexpression; allowed: constant over dt"),
        ("z : 1 (constant)", r"'z' starts in each cell at a value of its own .*take out the flag \(constant\)"),
        ("z : 1 (shared)", r"take out the flag \(shared\), or give its one value in parameters="),
        ("z : integer", r"'z' holds the state of a cell, and states are numbers: declare it as 'z : 1'"),
        ("z : boolean", r"'z' holds the state of a cell"),
    ],
)
def test_flags_and_kinds_that_a_cell_cannot_have_are_refused(line, said):
    with pytest.raises(RuleError, match=said):
        leaky(line, initial={"z": 1})


def test_flags_that_a_cell_may_have():
    lines = ("z = v/mV : 1 (constant over dt)", "q : 1 (shared, constant)", "dw/dt = -w/tau : 1 (unless refractory)")
    assert leaky(*lines, parameters={**VALUES, "q": 1}).states == ("v", "w")
    with pytest.raises(RuleError, match=r"'I' is the input, another number in each cell and step: .*\(shared\)"):
        Cell("mine", f"{LEAK}\nI : amp (shared)", threshold="v > 0*mV", input="I", parameters=VALUES)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("-2*ms", r"'-2\*ms' is -0\.002 s; it must be a time of at least 0, and finite"),
        ("-tau", r"'-tau' is -0\.01 s"),
        ("inf*ms", r"'inf\*ms' is inf s"),
        ("True", r"'True' holds always or never"),
        ("tau > 3*ms", r"'tau > 3\*ms' holds always or never"),
        ("rand()*ms", r"draws a number, rand\(\), which would be another one in every time step"),
        ("v > -60*mV and 3", r"'3' is a number, but and, or and not join conditions"),
        ("2*mV", r"has unit V; it must be a time"),
        ("2", r"'2' has unit 1 \(none\); it must be a time"),
        (Quantity(np.array([1e-3, 2e-3]), dim=ms.dim), r"must be one finite number"),
        (True, r"True must be one finite number"),
    ],
)
def test_refractoriness_that_is_no_time_and_no_condition_is_refused(given, said):
    with pytest.raises(RuleError, match=rf"Cell 'mine', refractory: .*{said}|Cell 'mine', refractory: {said}"):
        leaky(refractory=given)


def test_values_of_a_run_are_refused_where_they_make_a_refractory_period_negative():
    for cell, values in ((leaky(refractory="tau - 5*ms"), {"tau": 1 * ms}), (leaky(refractory=2 * ms), {})):
        check_refractory_time(cell, {**VALUES, "refractory": 2 * ms})
        with pytest.raises(RuleError, match=r"must be a time of at least 0, and finite"):
            check_refractory_time(cell, {**VALUES, "refractory": -1 * ms, **values})
    for given in (None, "", "v > -40*mV"):
        check_refractory_time(leaky(refractory=given), VALUES)


def test_a_condition_is_told_from_a_time_by_what_it_is():
    held = "held = v > -40*mV : boolean"
    assert is_held(leaky(refractory="v > -40*mV"))
    assert is_held(leaky(held, refractory="held"))
    assert not is_held(leaky(refractory="int(v > -40*mV)*2*ms"))
    assert not is_held(leaky(refractory="0.2*tau"))


@pytest.mark.parametrize(
    ("given", "said"),
    [("3", "has unit 1"), ("R", "has unit ohm"), ("normal(0, 1)*ms", "has unit s"), ("E_M", "unknown name 'E_M'")],
)
def test_texts_of_start_values_have_the_unit_of_their_variable(given, said):
    with pytest.raises(RuleError, match=rf"Cell 'mine': initial=\{{'v': .*{said}"):
        leaky(initial={"v": given})
    leaky(initial={"v": "E_L + uniform(0, 5)*mV"})


@pytest.mark.parametrize("name", ["not", "lambda", "True", "exp", "rand", "pi", "second", "i", "t", "N", "lastspike"])
def test_names_of_equations_with_another_meaning_are_refused_in_our_words(name):
    with pytest.raises(RuleError, match=rf"Cell 'mine', equations, line 3 .*the name '{name}' (is|has) .*Rename it"):
        leaky(f"d{name}/dt = -{name}/tau : 1")


@pytest.mark.parametrize(
    ("cell", "name", "said"),
    [
        ("tau", "m", "would be 'tau_m' in the translation, which is a parameter of every spiking variant"),
        ("sigma", "v", "would be 'sigma_v' in the translation"),
        ("phase", "begin", "would be 'phase_begin' in the translation, which is used by the protocol itself"),
        ("INT", "MAX", "would be 'INT_MAX' in the translation, which is a word of the C"),
        ("mine", "k_post", "would be 'mine_k_post' in the translation, which ends in _pre or _post"),
        ("mine", "refractory", "'refractory' is that of a field: give the time, or text, as refractory="),
        ("mine", "lambda", "'lambda' is a Python keyword"),
    ],
)
def test_names_that_mean_something_with_the_name_of_the_cell_in_front_are_refused(cell, name, said):
    line = f"dv/dt = ({name}*I - v)/second : 1\nI : 1"
    with pytest.raises(RuleError, match=said):
        Cell(cell, line, threshold="v > 1", reset="v = 0", input="I", parameters={name: 1})


def test_names_that_a_reset_gives_to_values_have_that_of_the_cell_in_front_too():
    given = {"threshold": "v > 1", "input": "I", "reset": "m = 0.5*v; v = v - 2*m"}
    with pytest.raises(RuleError, match=r"reset, line 1 .*the name 'm' would be 'tau_m' in the translation"):
        Cell("tau", "dv/dt = (I - v)/second : 1", **given)
    assert Cell("own", "dv/dt = (I - v)/second : 1", **given).states == ("v",)


@pytest.mark.parametrize(
    "name", ["sigma", "tau_m", "s", "step", "total", "before", "onset", "match", "spikes", "clock"]
)
def test_other_names_are_the_own_ones_of_a_cell(name):
    assert leaky(f"d{name}/dt = -{name}/tau : 1").names[name] == f"mine_{name}"
