"""Subexpressions of units that contain a rate: a rule that reads them is split as if they were written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainmem import LearningRule, Spiking, TranslationError, get_model, simulate, translate
from brainmem.translation.split.core import SplitRule
from brainmem.translation.split.expansion import rate_expansions
from tests.support.drifts import CONSTANTS, POISSON_S, POISSON_TAU, RATE, SIGNED, poisson_drift, rate_drift, split
from tests.support.small_models import SMALL, current_form


def with_rule(rule: str, *lines: str):
    """Return kurikawa2020 with more subexpressions and another rule."""
    model = get_model("kurikawa2020")
    (units,) = model.populations
    units = replace(units, equations=units.equations + "\n".join(f"{line} : 1" for line in lines))
    return model.replace(populations=(units,), rules=(LearningRule("taught", "recurrent", continuous=rule),))


def expansions(*lines: str) -> dict[str, str]:
    model = with_rule("dw/dt = x_pre/tau : 1", *lines)
    return rate_expansions(model, model.projections[0])


NAMED = "dw/dt = plastic*(eps/tau)*err_post*(x_pre - u_post*w) : 1"
WRITTEN = "dw/dt = plastic*(eps/tau)*(target_post - x_post)*(x_pre - u_post*w) : 1"


@pytest.mark.parametrize("read", [None, "event", "drive", "trace"])
@pytest.mark.parametrize("pairing", ["symmetric", "causal"])
def test_an_error_computed_in_the_unit_is_split_as_one_written_in_the_rule(read, pairing):
    models = (with_rule(NAMED, "err = target - x"), with_rule(WRITTEN, "err = target - x"))
    named, written = (translate(model, Spiking(read=read, pairing=pairing)) for model in models)
    assert named.connection("recurrent") == written.connection("recurrent")
    assert named.splits == written.splits
    assert "err_post" not in str(named)


def test_the_rate_variant_keeps_the_rule_as_it_is_written():
    equations = translate(with_rule(NAMED, "err = target - x"), "rate").connection("recurrent").equations
    assert NAMED.removesuffix(" : 1").replace("plastic*", "plastic_post*") in equations


def test_subexpressions_without_a_rate_are_left_alone():
    assert expansions("wanted = 0.9*target") == {}
    rule = NAMED.replace("err_post", "(wanted_post - x_post)")
    assert "wanted_post" in str(translate(with_rule(rule, "wanted = 0.9*target"), "spiking"))


def test_names_become_those_that_synapses_use_and_nested_ones_are_written_out():
    found = expansions("err = target - x", "square = err**2*plastic", "place = x*cos(elapsed/tau + i/N) + eps")
    assert found == {
        "err_pre": "(target_pre - x_pre)",
        "err_post": "(target_post - x_post)",
        "square_pre": "((target_pre - x_pre)**2*plastic_pre)",
        "square_post": "((target_post - x_post)**2*plastic_post)",
        "place_pre": "(x_pre*cos(phase_time_pre/tau + i/N_pre) + eps)",
        "place_post": "(x_post*cos(phase_time_post/tau + j/N_post) + eps)",
    }


def test_in_the_current_form_the_rate_of_an_error_is_the_spikes_and_not_phi():
    model = current_form()
    (units,) = model.populations
    units = replace(units, equations=units.equations + "\nerr = h - r : 1")
    rule = LearningRule("taught", "recurrent", continuous="dw/dt = err_post*r_pre/T : 1")
    model = model.replace(
        populations=(units,), rules=(rule,), projections=(replace(model.projections[0], variables=""),)
    )
    assert rate_expansions(model, model.projections[0])["err_post"] == "(h_post - r_post)"
    pre, post = translate(model, "spiking").connection("recurrent").pathways
    assert pre.code == "w += 0.5*(2*h_post - r_post)*count_pre/rate_max/T"
    assert post.code == "w += -0.5*r_pre*count_post/rate_max/T"


def test_a_rate_inside_a_function_of_a_unit_is_refused_like_one_in_the_rule():
    rule = "dw/dt = (eps/tau)*late_post*x_pre : 1"
    with pytest.raises(TranslationError, match=r"x_post stands in 'tanh\(x_post\)'.*read='trace'"):
        translate(with_rule(rule, "late = tanh(x)"), "spiking")


def test_statements_of_a_periodic_rule_are_written_out_too():
    model = with_rule(NAMED, "err = target - x")
    periodic = LearningRule("taught", "recurrent", periodic="w += eps*err_post*x_pre", every="tau")
    text = str(translate(model.replace(rules=(periodic,)), Spiking(read="event")))
    assert "err_post" not in text
    assert "eps*(2*target_post - x_post + 1)*count_pre/rate_max" in text


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_a_run_with_the_named_error_gives_the_weights_of_the_written_one(variant):
    lines = ("err = (target - x)*(1 + 0.1*cos(elapsed/tau + i/N))", "place = 1 + 0.1*cos(elapsed/tau + i/N)")
    written = NAMED.replace("err_post", "(target_post - x_post)*place_post")
    first, second = (
        simulate(with_rule(rule, *lines), variant, parameters=SMALL, seed=5, device="runtime").recurrent_w.values
        for rule in (NAMED, written)
    )
    assert np.abs(first[-1] - first[0]).max() > 1e-4, "nothing was learned, so nothing is compared"
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-12)


ERRORS = {
    "square of the error": ("eta*err_post*w", "(theta_post - r_post)**2", RATE),
    "power of the rate": ("eta*(r_pre - theta)*err_post", "(theta_post - r_post**2)", RATE),
    "signed": ("eta*err_post*(r_pre + w)", "(target_post - r_post**2)", SIGNED),
}


def naive(rule: str, text: str, reading) -> SplitRule:
    """Split the rule while its error counts as something without a rate, which is then read from the trace."""
    found = split(rule, reading, neuron="poisson")
    return replace(
        found, **{part: getattr(found, part).replace("err_post", text) for part in ("on_pre", "on_post", "clocked")}
    )


@pytest.mark.parametrize("name", ERRORS)
def test_the_mean_drift_of_poisson_units_is_the_rate_rules_where_the_unit_computes_the_error(name):
    rule, text, reading = ERRORS[name]
    written = rule.replace("err_post", text)
    rules = {"written": split(written, reading, neuron="poisson"), "naive": naive(rule, text, reading)}
    found = poisson_drift(rules, reading, cells=1, seed=21)
    expected = rate_drift(written, reading, POISSON_S, POISSON_TAU)
    assert found["written"].error < 0.02 * abs(expected)
    assert abs(found["written"].mean - expected) < 3 * found["written"].error
    assert abs(found["naive"].mean - expected) > 10 * found["naive"].error, "the substitution has no bias to remove"


def test_constants_of_the_drift_do_not_hide_the_error():
    assert "err_post" not in CONSTANTS
