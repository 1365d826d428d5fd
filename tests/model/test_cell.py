"""What a cell of the user's own may be: its text is read, and what is wrong with it is said."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
from brian2 import ms, mV, nS, pA, pF

from brainmem import Cell, RuleError, Spiking, TranslationError
from tests.support.own_cells import ADEX, CONDUCTANCE, HODGKIN_HUXLEY, MY_LIF, QUIET


def changed(**fields) -> Cell:
    return replace(ADEX, **fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": 5}, r"name=5 must be a word"),
        ({"name": "my cell"}, r"name='my cell' must be a word"),
        ({"name": "xi"}, r"the name 'xi' has a meaning of its own in Brian2"),
        ({"equations": 3}, r"Cell 'adex': equations=3 must be text"),
        ({"equations": "dv/dt = (I - v/ms : 1"}, r"Cell 'adex', equations, line 1 .*never closed"),
        ({"equations": ADEX.equations.replace("E_L - v) +", "E_M - v) +")}, r"unknown name 'E_M'\. Did you mean 'E_L'"),
        ({"equations": ADEX.equations.replace("- w + I)/C", "- w + I)")}, r"line 1 .*unit"),
        ({"equations": ADEX.equations.replace("unless refractory", "summed")}, r"flag \(summed\) is not allowed"),
        ({"threshold": ""}, r"threshold: it is empty"),
        ({"threshold": "v + 40*mV"}, r"'v \+ 40\*mV' must be a condition"),
        ({"threshold": "v > 3"}, r"threshold: .*v > 3"),
        ({"reset": "u = 0*mV"}, r"'u' is no variable of the cell, .*Variables: .*v, w"),
        ({"reset": "v = 3"}, r"'3' has unit 1 \(none\), but a change of 'v' must have unit V"),
        ({"refractory": 3 * mV}, r"refractory: 3\. \* mvolt has unit V; it must be a time"),
        ({"refractory": "v"}, r"refractory: 'v' has unit V; it must be a time"),
        ({"refractory": -1 * ms}, r"must be a time of at least 0"),
        ({"input": "J"}, r"input='J' must be the variable .*Declared: I, "),
        ({"input": "v"}, r"input='v' must be the variable"),
        ({"noise": "2*mV"}, r"noise='2\*mV' would be added to dv/dt, which holds noise already"),
        ({"parameters": {**ADEX.parameters, "C": 100 * nS}}, r"Cell 'adex', equations, line 1"),
        ({"parameters": {**ADEX.parameters, "C": "100*pF*q"}}, r"parameter 'C': '100\*pF\*q' is no number.*'q'"),
        ({"parameters": {**ADEX.parameters, "a": float("nan") * nS}}, r"parameter 'a': .* one finite number"),
        ({"parameters": {**ADEX.parameters, "a": "b2", "b2": "a"}}, r"depend on each other in a circle"),
        ({"parameters": {**ADEX.parameters, "exp": 1}}, r"the name 'exp' is a function of Brian2"),
        ({"equations": "dv/dt = k*I/ms - v/ms : volt"}, r"unknown name 'k'"),
        ({"parameters": [1, 2]}, r"parameters=\[1, 2\] must be a mapping"),
        ({"initial": {"z": 1}}, r"initial=\{'z': \.\.\.\} is no variable .*Variables: v, w"),
        ({"initial": {"v": 2 * pA}}, r"initial=\{'v': 2\. \* pamp\} must have unit V"),
        ({"method": "eulr"}, r"method='eulr' is not allowed; .*Did you mean 'euler'"),
    ],
)
def test_an_error_names_the_cell_and_says_what_to_do(fields, said):
    with pytest.raises(RuleError, match=f"(?s){said}"):
        changed(**fields)


def test_all_that_is_wrong_with_a_text_is_said_at_once():
    with pytest.raises(RuleError, match=r"(?s)has 2 errors:.*E_M.*V_s"):
        changed(equations=ADEX.equations.replace("E_L - v) +", "E_M - v) +"), reset="v = V_s")


def test_noise_is_a_standard_deviation_or_what_multiplies_xi():
    assert CONDUCTANCE.read.count("xi") == 1
    assert "sqrt(2/tau_m)*xi" in replace(CONDUCTANCE, noise="sigma").read
    with pytest.raises(RuleError, match=r"noise='g_L' has unit S; it must have that of 'v', V"):
        replace(CONDUCTANCE, noise="g_L")
    with pytest.raises(RuleError, match=r"no variable of the threshold 'rand\(\) < I\*dt/ms' has one"):
        Cell("random", "I : 1", threshold="rand() < I*dt/ms", input="I", noise="1")


def test_the_unit_of_the_input_is_declared_or_the_one_that_fits():
    assert ADEX.unit == "amp"
    assert replace(ADEX, equations=ADEX.equations.replace("I : amp", "")).unit == "amp"
    assert MY_LIF.unit == "1"
    assert replace(ADEX, parameters={**ADEX.parameters, "I": 0 * pA}, equations=ADEX.equations).unit == "amp"


def test_a_cell_is_a_value():
    for cell in (ADEX, CONDUCTANCE, HODGKIN_HUXLEY):
        assert pickle.loads(pickle.dumps(cell)) == cell
        assert pickle.loads(pickle.dumps(Spiking(neuron=cell))) == Spiking(neuron=cell)
    assert replace(ADEX, parameters={**ADEX.parameters, "C": 90 * pF}) != ADEX


def test_a_cell_keeps_what_it_was_made_of():
    values, starts = dict(ADEX.parameters), {"v": "E_L"}
    cell = replace(ADEX, parameters=values, initial=starts)
    values["C"], starts["v"] = 1 * pF, "V_T"
    assert cell == ADEX
    assert hash(cell) == hash(ADEX) == hash(pickle.loads(pickle.dumps(ADEX)))
    assert len({cell, ADEX, CONDUCTANCE, replace(ADEX, parameters=values)}) == 3
    assert hash(Spiking(neuron=cell)) == hash(Spiking(neuron=ADEX))


def test_start_values_and_parameters_may_have_units_of_another_package():
    pq = pytest.importorskip("quantities")
    cell = replace(ADEX, initial={"v": -60 * pq.mV}, parameters={**ADEX.parameters, "C": 0.1 * pq.nF})
    assert cell.initial["v"] / mV == pytest.approx(-60)
    assert cell.parameters["C"] / pF == pytest.approx(100)


def test_text_and_defaults_hold_all_that_a_cell_is():
    assert ADEX.text["initial"] == {"v": "E_L"}
    assert ADEX.text["refractory"] == "refractory"
    assert ADEX.defaults["adex_C"] == "100. * pfarad"
    assert ADEX.defaults["adex_refractory"] == "2. * msecond"
    assert "refractory" not in replace(ADEX, refractory=None).text
    for changed_ in (
        changed(reset="v = V_r"),
        changed(initial={}),
        changed(refractory=None),
        changed(refractory="t_ref"),
        changed(method="heun"),
        changed(threshold="v > -39*mV"),
        changed(parameters={**ADEX.parameters, "D": 1 * mV}),
        replace(CONDUCTANCE, noise=None),
    ):
        assert (changed_.text, changed_.defaults) != (ADEX.text, ADEX.defaults)


CODE = """
import hashlib
from brainmem import Cell, Spiking, explain, get_model, translate
from tests.support.own_cells import ADEX, steps
translated = translate(steps(0.2, 0.8), Spiking(neuron=ADEX))
print(hashlib.sha256(str(translated).encode()).hexdigest(), [item.name for item in translated.parameters])
try:
    Cell("c", "dv/dt = (I - v)/ms : 1", threshold="v > 1", input="I", parameters={"exp": 1, "sin": 1, "pi": 1})
except Exception as error:
    print(error)
"""


@pytest.mark.slow
def test_texts_and_errors_do_not_depend_on_the_order_of_sets():
    runs = [
        subprocess.run(
            [sys.executable, "-c", CODE],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    ]  # fmt: skip
    assert runs[0] == runs[1] == runs[2]


def test_statements_of_a_reset_may_stand_in_one_line():
    assert replace(ADEX, reset="v = V_r; w += b") == ADEX
    assert HODGKIN_HUXLEY.reset == ""


def test_spiking_takes_a_cell_and_only_what_it_reads():
    assert Spiking(neuron=ADEX).options["neuron"] == "adex"
    assert "dv/dt" in Spiking(neuron=ADEX).options["cell"]["equations"]
    assert Spiking(neuron=MY_LIF, sigma_v=0.2).parameters == {"sigma_v": 0.2}
    with pytest.raises(
        TranslationError, match=r"sigma_v=0\.2: the equations of the cell 'adex' do not read.*adex_sigma"
    ):
        Spiking(neuron=ADEX, sigma_v=0.2)
    with pytest.raises(TranslationError, match=r"a cell called 'lif' would be taken for brainmem's own"):
        Spiking(neuron=replace(QUIET, name="lif"))
    with pytest.raises(TranslationError, match=r"neuron='adex' is not allowed.*A cell of your own is a brainmem\.Cell"):
        Spiking(neuron="adex")
