"""Texts as a neuroscientist might type them: every slip is quoted where it stands, and answered with what to write."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainmem import RuleError
from brainmem.text import evaluate
from brainmem.text.slips import syntax_slip
from tests.support.small_models import (
    EQUATIONS,
    continuous,
    observable,
    parameters,
    periodic,
    phase,
    small,
    swapped,
    units,
)


def drive(text):
    return swapped("drive = u + gamma*cue", f"drive = {text}")


def relaxing(text):
    return swapped("dx/dt = (phi - x)/tau : 1", text)


def refusal(changes) -> str:
    with pytest.raises(RuleError) as error:
        small(**changes)
    return str(error.value)


DRIVES = {
    "u + x^2": "'^' is not a power: write u + x**2.",
    "u^(1/2)": "write u**(1/2).",
    "exp^(-u)": "an exponential is written exp(-u)",
    "e^(-u)": "an exponential is written exp(-u)",
    "2x": "'2x' lacks an operator: a product is written 2*x.",
    "2 x": "'2 x' lacks an operator: a product is written 2*x.",
    "1e-3u": "a product is written 1e-3*u",
    "5mV*u": "a product is written 5*mV",
    "u x": "'u x' lacks an operator: a product is written u*x.",
    "(u + 1) x": "a product is written (...)*x",
    "2(u)": "a product is written 2*(u)",
    "gamma(u)": "gamma is no function: write gamma*(u) for a product",
    "exp x": "'exp x' lacks parentheses: write exp(x).",
    "tanh*u": "'tanh' is a function and needs parentheses: write tanh(...).",
    "clip": "'clip' is a function and needs parentheses: write clip(x, low, high).",
    "tanh[u]": "a function is called with round brackets: tanh(u)",
    "exp(u": "a '(' is never closed: add ')'",
    "exp u)": "a ')' closes nothing",
    "exp(u]": "a ']' closes nothing",
    "|u|": "write abs(u)",
    "u'": "a quotation mark has no meaning",
    "'u'": "take the quotes out",
    "x=1": "'=' stands inside an expression: to compare, write '=='",
    "int(u =< 1)": "'=<' is no operator here: write '<='",
    "int(u <> 1)": "write '!='",
    "int(u > 0 && x > 0)": "'&&' is no operator here: write 'and'",
    "int(u > 0 & x > 0)": "write and between conditions",
    "int(0 < u < 1)": "one comparison at a time: write 0 < u and u < 1.",
    "u if u > 0 else 0": "there is no 'if' in an expression: write int(u > 0)*u.",
    "u[0]": "there are no indices",
    "u_i": "an equation holds for every unit; write 'u'.",
    "np.tanh(u)": "write the function's name alone, tanh(u)",
    "max(0, u)": "Write clip(u, 0, inf).",
    "min(u, x)": "Write clip(u, -inf, x).",
    "heaviside(u)": "Write int(u > 0).",
    "relu(u - 1)": "Write (u - 1)*int(u - 1 > 0).",
    "sigmoid(u)": "Write 1/(1 + exp(-u)).",
    "pow(u, 2)": "Write u**2.",
    "ln(u)": "Write log(u).",
    "sum(u)": "Projection(current=...)",
    "normal(0, 1)": "Draws belong in initial=",
    "sign()": "sign takes 1 argument, got 0: write sign(x).",
    "sign(u, u)": "sign takes 1 argument, got 2: write sign(x).",
    "clip(u, 0)": "clip takes 3 arguments, got 2: write clip(x, low, high).",
    "1,5*u": "a decimal number is written 1.5",
    "[u]": "only round brackets group",
    "u @ x": "'@' multiplies matrices, in start values only",
    "u << 2": "LShift is not allowed",
    "u*": "nothing follows '*'",
    "* u": "nothing stands before '*'",
    "u*/x": "nothing stands between '*' and '/'",
    "τ*u": "the character 'τ' has no meaning here: write 'tau'.",
    "u·x": "write '*'",
    "u − 1": "write '-'",
    "exp(-u²)": "write '**2'",
    "√u": "write 'sqrt(...)'",
    "5*µs/tau": "write 'u'",
    "true": "Did you mean 'True'?",
    "U": "Did you mean 'u'?",
    "not u": "'u' is a number, but and, or and not join conditions",
}  # fmt: skip


@pytest.mark.parametrize("text", DRIVES)
def test_a_slip_in_an_equation_is_answered_where_it_stands(text):
    message = refusal(drive(text))
    assert message.startswith(f"Model 'small', population 'units', line 2 ({f'drive = {text} : 1'!r}): ")
    assert DRIVES[text] in message
    assert "not a Brian2 equation" not in message


LINES = {
    "dx/dt = (phi - x)/tau": "the unit is missing",
    "dx/dt = (phi - x)/tau :": "the unit is missing",
    "dx/dt = (phi - x)/tau = 1": "the unit is missing",
    "dx/dt = : 1": "nothing stands to the right of '='",
    "dx/dt (phi - x)/tau : 1": "'=' is missing",
    "dx/dt := (phi - x)/tau : 1": "an equation has a single '='",
    "dx/dt == (phi - x)/tau : 1": "an equation has a single '='",
    "x' = (phi - x)/tau : 1": "a derivative is written dx/dt = ... : unit",
    "tau*dx/dt = phi - x : 1": "the derivative stands alone on the left: write dx/dt = (phi - x)/tau.",
    "tau dx/dt = phi - x : 1": "write dx/dt = (phi - x)/tau.",
    "dx/ds = (phi - x)/tau : 1": "derivatives are with respect to time: write dx/dt",
    "x += (phi - x)/tau : 1": "'+=' changes a variable at one moment; an equation is 'dx/dt = ... : unit'",
    "∂x/∂t = (phi - x)/tau : 1": "write 'd'",
    "ẋ = (phi - x)/tau : 1": "write 'dx/dt = ...'",
    "dx/dt = (phi - x)/tau : s": "'s' is not a base unit. Write 'second'.",
    "dx/dt = (phi - x)/tau : mV": "'mV' is not a base unit. Write 'volt'.",
    "dx/dt = (phi - x)/tau : dimensionless": "'dimensionless' is not a base unit. Write '1'.",
    "dx/dt = (phi - x)/tau : foo": "'foo' is not a base unit. Base units: 1 (none), second, hertz",
    "dx/dt = (phi - x)/tau : 1/(second*volt)": "Brian2 reads no brackets in a unit",
    "dx/dt = (phi - x)/tau : 1 : 2": "two ':' in one line",
    "dx/dt = (phi - x)/tau : 1,": "take it out",
    "x = x + dt*(phi - x)/tau : 1": "the value of 'x' depends on itself (x <- x)",
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_no_equation_is_answered(line):
    message = refusal(relaxing(line))
    assert message.startswith(f"Model 'small', population 'units', line 4 ({line!r}): ")
    assert LINES[line] in message
    assert "Parsing failed" not in message


def test_equations_that_read_each_other_in_a_circle_are_named():
    message = refusal(drive("phi"))
    assert "line 2 ('drive = phi : 1')" in message
    assert "drive <- phi <- drive" in message


CONDITIONS = {
    "rule": (continuous("dw/dt = eta/tau*(x_pre > 0)*x_post : 1"), ["rule 'hebb', line 1", "write int(x_pre > 0)"]),
    "whole rule": (continuous("dw/dt = x_pre > 0 : 1"), ["dw/dt is a number: write int(x_pre > 0)"]),
    "equality": (continuous("dw/dt = eta/tau*(x_pre == 1) : 1"), ["write int(x_pre == 1)"]),
    "negation": (continuous("dw/dt = (not x_pre > 0)/tau : 1"), ["write int(not x_pre > 0)"]),
    "sum": (continuous("dw/dt = ((x_pre > 0) + w)/tau : 1"), ["'(x_pre > 0)' is true or false"]),
    "statement": (periodic("w += eta*(x_pre > 0)"), ["rule 'hebb', line 1 ('w += eta*(x_pre > 0)')", "int(x_pre > 0)"]),
    "whole statement": (periodic("w += x_pre > 0"), ["but 'w' is a number: write int(x_pre > 0)"]),
    "named in a rule": (periodic("on = x_pre > 0\nw += eta*on"), ["line 2", "'on' is true or false", "write int(on)"]),
    "transfer": (swapped("phi = tanh(drive)", "phi = drive > 0"), ["population 'units', line 3", "int(drive > 0)"]),
    "function": (swapped("phi = tanh(drive)", "phi = tanh(drive > 0)"), ["line 3", "'(drive > 0)'", "int(drive > 0)"]),
    "boolean variable": (
        units(EQUATIONS.replace("tanh(drive)", "tanh(drive)*up") + "up = drive > 0 : boolean"),
        ["line 3", "'up' is true or false", "write int(up)"],
    ),
    "observable": (observable("x > 0"), ["observable 'overlap'", "'x > 0' is true or false", "write int(x > 0)"]),
    "product of an observable": (observable("x*(cue > 0)"), ["observable 'overlap': 'x*(cue > 0)'", "int(cue > 0)"]),
}  # fmt: skip


@pytest.mark.parametrize("where", CONDITIONS)
def test_a_condition_is_no_number_and_says_so_when_the_model_is_made(where):
    changes, parts = CONDITIONS[where]
    message = refusal(changes)
    assert [part for part in parts if part not in message] == [], message


@pytest.mark.parametrize(
    "changes",
    [
        continuous("dw/dt = eta/tau*int(x_pre > 0 and not x_post > 0)*x_post : 1"),
        periodic("on = x_pre > 0\nw += eta*int(on)"),
        observable("int(x > 0)*cue"),
        units(EQUATIONS.replace("tanh(drive)", "tanh(drive)*int(up)") + "up = drive > 0 and not x > 1 : boolean"),
        phase(until="overlap > 0.9 or (elapsed > T/2 and not overlap < 0)"),
    ],
)
def test_conditions_inside_int_and_beside_each_other_pass(changes):
    small(**changes)


OTHERS = {
    "indices": (continuous("dw/dt = eta/tau*x_i*x_j : 1"), ["write x_pre for the source's unit, x_post"]),
    "weight with a suffix": (continuous("dw/dt = -w_pre/tau : 1"), ["'w' belongs to the synapse. Write 'w' alone"]),
    "prime": (continuous("w' = x_pre/tau : 1"), ["a derivative is written dw/dt = ..."]),
    "statement as equation": (continuous("w += eta*x_pre"), ["LearningRule(periodic=...)"]),
    "missing product": (periodic("w += eta x_pre"), ["line 1", "a product is written eta*x_pre"]),
    "increment": (periodic("w++"), ["write w += 1"]),
    "turned increment": (periodic("w =+ eta"), ["'=+' is no operator: write w += ..."]),
    "two in a line": (periodic("w += eta; w -= eta"), ["write one statement on each line"]),
    "statement with a unit": (periodic("w += eta*x_pre : 1"), ["a statement has no unit"]),
    "arrow": (periodic("w -> w + 1"), ["an arrow has no meaning here"]),
    "if": (periodic("if x_pre > 0: w += eta"), ["multiply by int(x_pre > 0)"]),
    "comparison for assignment": (periodic("w == eta"), ["'==' compares; write '='"]),
    "index": (periodic("w[i, j] += eta"), ["no indices: write 'w'"]),
    "power in an observable": (observable("x^2"), ["observable 'overlap': 'x^2': '^' is not a power: write x**2."]),
    "method": (observable("x.mean()"), ["'x.mean()': there are no modules and methods"]),
    "condition": (phase(until="overlap = 0.9"), ["phase 'learn', until: 'overlap = 0.9'", "write '=='"]),
    "time": (phase(until="elapsed > 100ms"), ["a product is written 100*ms"]),
    "duration": (phase(duration="5 tau"), ["phase 'learn': duration='5 tau'", "a product is written 5*tau"]),
    "parameter": (parameters(zz="0.1/N^2"), ["parameter 'zz': '0.1/N^2'", "write 0.1/N**2"]),
    "function in a parameter": (parameters(zz="sqrt*2"), ["'sqrt' is a function and needs parentheses: write sqrt(x)"]),
    "draw": (units(initial={"x": "normal(0)"}), ["initial['x']='normal(0)'", "write normal(mean, sd)"]),
    "draw without parentheses": (units(initial={"x": "signs"}), ["'signs' is a function", "write signs()"]),
    "sign for signs": (units(initial={"x": "sign()"}), ["sign takes 1 argument, got 0: write sign(x)"]),
    "another language's draw": (units(initial={"x": "randn()"}), ["unknown function 'randn'. Write normal(0, 1)."]),
    "named arguments": (units(initial={"x": "normal(mean=0, sd=1)"}), ["arguments have no names here"]),
}  # fmt: skip


@pytest.mark.parametrize("where", OTHERS)
def test_a_slip_elsewhere_is_answered_too(where):
    changes, parts = OTHERS[where]
    message = refusal(changes)
    assert [part for part in parts if part not in message] == [], message
    assert "lambda" not in message


@pytest.mark.parametrize(
    "text", ["clip(u, 0, inf)", "int(u > 0)", "u*int(u > 0)", "1/(1 + exp(-u))", "log(1 + exp(u))"]
)
def test_what_is_advised_is_allowed(text):
    small(**drive(f"{text} + gamma*cue"))


@pytest.mark.parametrize("letter", "αβγτφξηλμ")
def test_greek_letters_are_spelt(letter):
    spelt = {
        "α": "alpha",
        "β": "beta",
        "γ": "gamma",
        "τ": "tau",
        "φ": "phi",
        "ξ": "xi",
        "η": "eta",
        "λ": "lamda",
        "μ": "mu",
    }
    assert f"write {spelt[letter]!r}." in refusal(drive(f"u*{letter}"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["x", "u", "tau", "2", "1.5", "(", ")", "*", "^", "=", "tanh", "'", " ", ">", "and", "|", ":"])
    )
)
def test_any_text_in_place_of_an_equation_is_accepted_or_answered(parts):
    with contextlib.suppress(RuleError):
        small(**drive("".join(parts)))


@given(st.text(max_size=30))
def test_an_explanation_never_fails(text):
    assert isinstance(syntax_slip(text, ("exp",)), str)


def test_e_is_a_number_in_parameters_as_it_is_in_equations():
    assert evaluate("log(e)", {}) == pytest.approx(1)
