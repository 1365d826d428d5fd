"""What Brian2 would refuse late, or run without a value, is refused when the model is made."""

from __future__ import annotations

import numpy as np
import pytest
from test_dense import EXACT, RUNTIME, check_against_text, initial, run
from test_dense import recurrent as dense_model
from test_spec import check_refused, continuous, hebb, periodic, recurrent, small, swapped

from brainmem import LearningRule, SpikingRule

SHARED = recurrent(variables="w : 1\nn : 1 (shared)")


def shared(text, **changes):
    return SHARED | periodic(text, **changes)


BAD = {
    "shared at an event": (
        SHARED | hebb(continuous="", episodic="n += eta\nw += n", at=("learn",)),
        ["rule 'hebb', line 1 ('n += eta')", "'n' is shared by all synapses", "Change it in a periodic rule"],
    ),
    "shared at a spike": (
        SHARED | periodic("w += eta*n", spiking=SpikingRule(on_pre="n += 0.1\nw += n")),
        ["on_pre', line 1 ('n += 0.1')", "'n' is shared by all synapses"],
    ),
    "shared from units": (
        shared("n += x_pre\nw += n"),
        ["line 1 ('n += x_pre')", "'x_pre' differs between them", "Take the flag (shared) from 'n'"],
    ),
    "shared through a name": (shared("z = x_pre\nn += z\nw += n"), ["line 2 ('n += z')"]),
    "shared at random": (shared("n = rand()\nw += n"), ["line 1 ('n = rand()')", "'rand()' differs between them"]),
    "shared behind": (
        shared("w += x_pre\nn += eta"),
        ["line 2 ('n += eta')", "must be changed before 'w += x_pre'", "Move this line up"],
    ),
    "shared behind a name": (shared("z = x_pre\nn += eta\nw += n*z"), ["line 2", "before 'z = x_pre'"]),
    "shared bounds": (shared("n += eta\nw += n", bounds={"n": (0, 1)}), ["rule 'hebb'", "'n = clip(n, ...)'"]),
    "shared start": (
        recurrent(variables="n : 1 (shared)", initial={"w": "normal(0, 1)", "n": "0.5"}),
        ["projection 'recurrent', line 1 ('n : 1 (shared)')", "let it start at 0"],
    ),
    "shared constant": (
        recurrent(variables="n : 1 (shared, constant)"),
        ["projection 'recurrent', line 1 ('n : 1 (shared, constant)')", "declare Parameter('n', value)"],
    ),
    "draw that is named": (
        continuous("z = rand() : 1\ndw/dt = eta*z/tau : 1"),
        ["rule 'hebb', line 1 ('z = rand() : 1')", "(constant over dt)"],
    ),
    "draw of units": (
        swapped("phi = tanh(drive) : 1", "phi = tanh(drive) + 0.1*randn() : 1"),
        ["population 'units', line 3", "'phi' draws a random number, randn()"],
    ),
    "division by zero": (
        continuous("dw/dt = eta*x_pre/(2 - 2)/tau : 1"),
        ["rule 'hebb', line 1", "'eta * x_pre / (2 - 2)' divides by zero, as '2 - 2' is always 0"],
    ),
    "parameters that cancel": (
        periodic("w += x_pre/(eta - eta)"),
        ["line 1 ('w += x_pre/(eta - eta)')", "divides by zero, as 'eta - eta' is always 0"],
    ),
    "remainder of zero": (periodic("w += x_pre % 0"), ["'x_pre % 0' divides by zero"]),
    "division in a sum": (
        recurrent(current="u_post = w*x_pre/0 : 1 (summed)"),
        ["projection 'recurrent', line 1", "'w * x_pre / 0' divides by zero"],
    ),
    "no logarithm": (
        swapped("phi = tanh(drive) : 1", "phi = tanh(drive)*log(0) : 1"),
        ["population 'units', line 3", "'tanh(drive)*log(0)' has no finite value"],
    ),
}


@pytest.mark.parametrize("mistake", BAD)
def test_what_cannot_run_is_named_quoted_and_answered(mistake):
    check_refused(*BAD[mistake])


def test_a_periodic_rule_may_change_what_all_synapses_share():
    text = "step = 0.5*eta/Hz*0.001\nn += step\nn *= 0.9\nw += n*x_pre"
    rule = LearningRule("r", "rec", periodic=text, every="delta")
    model = dense_model(rule, variables="w : 1\nn : 1 (shared)")
    result = run(model, RUNTIME, initial=initial(model))
    plain = dense_model(rule, variables="w : 1\nn : 1", initial={"w": "normal(0, 0.5)", "n": "0"})
    check_against_text(run(plain, RUNTIME, initial=initial(plain)), plain, initial(plain), EXACT)
    other = run(plain, RUNTIME, initial=initial(plain))
    np.testing.assert_allclose(result.rec_w.values, other.rec_w.values, **EXACT)


@pytest.mark.parametrize(
    "expression", ["x_pre/(1 + x_pre**2)", "clip(x_pre, -inf, inf)", "x_pre/(x_pre - x_post)", "log(abs(x_pre) + 1)"]
)
def test_what_may_have_a_value_passes(expression):
    assert small(**periodic(f"w += eta*{expression}")).rules


def test_a_draw_may_be_stored_for_a_step_or_stand_where_it_is_read():
    noisy = "z = 0.1*randn() : 1 (constant over dt)\ndw/dt = eta*z/tau : 1"
    assert small(**continuous(noisy)).rules
    assert small(**continuous("dw/dt = eta*rand()*x_pre/tau : 1")).rules
