"""Statistics over synapses in the texts of rules: what is refused, and with which advice."""

from __future__ import annotations

import pytest

from brainmem import LearningRule, Observable, Projection, RuleError, simulate
from tests.support.statistics_models import feedforward

SLIPS = {
    "mean(w > 0)": "write int(w > 0)",
    "mean(rand()*w)": "draw a random number, rand()",
    "quantile(w)": r"takes 2 arguments, got 1: write quantile(x, q)",
    "quantile(w, 2*pruned + 1)": "with pruned = 0.4: 1.8 is not between 0 and 1",
    "quantile(w, x_pre)": r"text over parameters (both, dt_m, eta, pruned, tau), and 'x_pre' is none",
    "quantile(w, quantile(w, 0.5))": "which quantile, 'quantile(w, 0.5)'",
    "median(w)": "Did you mean 'mean'?",
    "mean(w, 2)": "mean takes 1 argument, got 2",
    "mean(z_pre)": "unknown name 'z_pre'",
}


def with_rule(**text):
    return feedforward().replace(LearningRule("hebb", "onto", **text))


@pytest.mark.parametrize("call", SLIPS)
def test_a_statistic_that_cannot_be_formed_is_told(call):
    with pytest.raises(RuleError) as error:
        with_rule(continuous=f"dw/dt = plastic*eta*{call} : 1")
    assert SLIPS[call] in str(error.value)


def test_a_value_that_is_stored_or_shared_fits_when_the_statistic_is_formed():
    with pytest.raises(RuleError, match=r"Take out the flag: mean\(w\) is formed once in a time step by itself"):
        with_rule(continuous="m = mean(w) : 1 (constant over dt)\ndw/dt = eta*(m - w) : 1")
    with pytest.raises(RuleError, match=r"shared by all synapses, but 'w' differs"):
        with_rule(continuous="m = shuffle(w) : 1 (shared)\ndw/dt = eta*(m - w) : 1")
    assert with_rule(continuous="m = mean(w) : 1 (shared)\ndw/dt = eta*(m - w) : 1")


def test_names_that_statistics_need_are_refused_elsewhere():
    with pytest.raises(RuleError, match="is used for rule 'hebb'"):
        with_rule(periodic="hebb_mean_1 = w\nw += mean(w)*hebb_mean_1", every="both")
    with pytest.raises(RuleError, match=r"mean is no function: write mean\*\(w\) for a product"):
        with_rule(periodic="mean = w\nw += mean(w)*mean", every="both")


def test_only_rules_read_statistics_and_other_texts_say_so():
    onto = Projection("onto", "inputs", "outputs", current="u_post = (w - mean(w))*x_pre : 1 (summed)",
                      initial={"w": "normal(0, 1)", "v": "normal(0, 1)"})  # fmt: skip
    for part in (onto, Observable("shuffled", "shuffle(y)", population="outputs")):
        with pytest.raises(RuleError, match=r"The text of a LearningRule may call mean\(x\), quantile\(x, q\)"):
            feedforward().replace(part)


def test_which_quantile_is_checked_with_the_parameters_of_a_run():
    with pytest.raises(RuleError, match=r"with pruned = 2.5: 1.25 is not between 0 and 1"):
        simulate(feedforward(), parameters={"pruned": 2.5}, device="runtime")


def test_trials_refuse_rules_that_read_statistics():
    with pytest.raises(RuleError, match="trials share their weights"):
        simulate(feedforward(), trials=2, device="runtime")
