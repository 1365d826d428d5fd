"""Texts in which some names are 0: what is left of them, held against numpy where numpy can evaluate both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainmem.text import evaluate
from brainmem.text.equations import Equation
from brainmem.text.folding import fold, fold_equation, fold_statements

SHUT = {"g": 0, "heat": 0}
WITHOUT = {
    "r*h + g*cue": "r*h",
    "g*cue + r*h": "r*h",
    "sign(r*h + g*cue + tie*x + 0.5*heat*log(1/rand() - 1))": "sign(r*h + tie*x)",
    "(1 - g)*u + cue": "u + cue",
    "u*(1 - g)/tau": "u/tau",
    "a - (g*b + c)": "a - c",
    "a - g*(b + c)/d": "a",
    "g*x - y": "-y",
    "a*(g + b)": "a*b",
    "a*(g + b + c)": "a*(b + c)",
    "tanh(gain*(r*h  +  g*cue))": "tanh(gain*(r*h))",
    "clip(g*x, low, (high))": "clip(0, low, (high))",
    "int(g > 0.5)*x + y": "y",
    "int(g > 0.5 or x > 1)": "int(x > 1)",
    "int(not (g > 0) and x > 1)": "int(x > 1)",
    "x**g*y": "y",
    "x/(y*(1 - g)*z)": "x/(y*z)",
    "sign(g*y) + x": "x",
    "xi*g*sqrt(2/tau) - x/tau": "-x/tau",
    "g*rand()": "0",
    "(g - 1)**x": "(-1)**x",
    "x - (g - 2)*y": "x - (-2)*y",
    "no*gates(here) +  2": "no*gates(here) +  2",
    "g_other*x": "g_other*x",
}


@pytest.mark.parametrize("text", WITHOUT)
def test_what_a_known_zero_multiplies_is_gone_and_the_rest_stays_as_it_was_written(text):
    assert fold(text, SHUT)[0] == WITHOUT[text]


NAMES = ("x", "y", "z", "g", "heat")


def expressions() -> st.SearchStrategy[str]:
    leaves = st.sampled_from([*NAMES, "1", "2.5", "(1 - g)"])
    two = (
        "{} + {}",
        "{} - {}",
        "{}*{}",
        "({} + {})*2",
        "({} - {})",
        "{}*({})",
        "{}/(1 + ({})**2)",
        "clip({}, -1, {})",
        "({})**3*{}",
    )
    one = ("-{}", "-({})", "tanh({})", "sign({})", "int({} > 0.5)", "exp(-({})**2)", "({})", "abs({})")

    def grown(inner):
        pairs = st.tuples(st.sampled_from(two), inner, inner).map(lambda item: item[0].format(*item[1:]))
        return st.one_of(pairs, st.tuples(st.sampled_from(one), inner).map(lambda item: item[0].format(item[1])))

    return st.recursive(leaves, grown, max_leaves=12)


@given(expressions())
def test_a_folded_text_has_the_value_of_the_text_with_zeros_in_it(text):
    numbers = {"x": 0.7, "y": -1.3, "z": 2.1}
    whole = float(evaluate(text, {**numbers, **SHUT}))
    left, value = fold(text, SHUT)
    assert "heat" not in left
    assert float(evaluate(left, numbers)) == pytest.approx(whole, rel=1e-12, abs=1e-12)
    assert value is None or float(value) == pytest.approx(whole)


def test_a_zero_with_a_unit_is_written_with_it():
    line = Equation("I", "subexpression", "amp", "g*I0", ("constant over dt",))
    zero = Equation("I", "subexpression", "amp", "0*amp")
    assert fold_equation(line, SHUT, lambda text: {"g*I0": "amp"}[text]) == (zero, 0)
    assert fold("clip(g*V, low, V)", SHUT, lambda text: "volt")[0] == "clip(0*volt, low, V)"


STATEMENTS = {
    "w += g*x": "",
    "d = g*a*b; d += c*e\nw += d  # kept": "d = c*e\nw += d",
    "d = g*a\nw = clip(w + d, 0, 1)\nw *= 1 - g": "w = clip(w, 0, 1)",
    "d = 1 - g\nd *= 3\nw += d*x": "d = 1*(3)\nw += d*x",
    "w = g*x": "w = 0",
    "w -= x": "w -= x",
}


@pytest.mark.parametrize("code", STATEMENTS)
def test_statements_that_change_nothing_are_left_out(code):
    assert fold_statements(code, SHUT, lambda name: name == "w", lambda text: "1") == STATEMENTS[code]


def test_nothing_that_could_be_no_number_is_evaluated():
    with np.errstate(all="raise"):
        assert fold("g/(x - x) + heat*log(0) + y", SHUT)[0] == "y"
