"""Statistics over synapses as text: variables, the operations that set them, gates, spikes, scripts."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import (
    Each,
    LearningRule,
    Protocol,
    Spiking,
    SpikingRule,
    TranslationError,
    arrays,
    script,
    simulate,
    translate,
)
from brainmem.text.statistics import rule_number
from tests.support.rule_models import network, rule
from tests.support.statistics_models import SEED, feedforward, recurrent


def parts(model, name="onto", variant="rate"):
    item = translate(model, variant).connection(name)
    return {part.name: (part.code.splitlines(), part.order) for part in (*item.operations, *item.pathways)}


def with_rule(**text):
    return feedforward().replace(LearningRule("hebb", "onto", **text), without=("prune", "scale"))


def test_a_continuous_rule_reads_variables_that_an_operation_sets_before_it():
    found = translate(feedforward()).connection("onto")
    assert "hebb_mean_1 : 1 (shared)\nhebb_shuffle_1 : 1\n" in found.equations
    assert "dw/dt = plastic_post * eta * (z - hebb_mean_1) : 1 (clock-driven)" in found.equations
    code = ["hebb_mean_1 = mean((x_pre*y_post))", f"hebb_shuffle_1 = shuffle(v, {rule_number('hebb')}, 0)"]
    assert parts(feedforward())["hebb_statistics_1"] == (code, -301)
    assert found.gates["hebb_statistics_1"] == ("plastic",)


def test_statements_run_in_parts_between_which_statistics_are_formed_of_the_values_at_that_line():
    found = parts(feedforward())
    names = ["scale_part_1", "scale_statistics_1", "scale_part_2", "scale_statistics_2", "scale"]
    assert [found[name][1] for name in names] == [208, 209, 210, 211, 212]
    assert found["scale_part_1"][0] == ["scale_kept_old = w"]  # what changes before it is read is kept
    assert found["scale_statistics_2"][0] == ["scale_mean_2 = mean(w)", "scale_mean_3 = mean(abs(w - scale_mean_2))"]
    assert found["scale"][0][-2:] == ["w -= 0.01*scale_kept_old", "w = clip(w, -2, 2)"]


def test_a_value_that_nothing_changes_is_written_out_where_another_part_reads_it():
    text = "m = mean(w)\ngain = 2*eta*dt_m\nw -= gain*m\nw += quantile(gain*w, 0.5) - m"
    found = parts(with_rule(periodic=text, every="both"))
    assert found["hebb_part_1"][0] == ["w -= (2*eta*dt_m)*hebb_mean_1"]
    assert found["hebb_statistics_2"][0] == ["hebb_quantile_1 = quantile((2*eta*dt_m) * w, 0.5)"]
    assert not any("kept" in line for lines, _ in found.values() for line in lines)


def test_a_gate_shuts_statistics_only_where_all_that_reads_them_is_shut():
    one = with_rule(continuous="dw/dt = plastic*eta*(mean(w) - w) : 1\ndv/dt = eta*(w - v) : 1")
    assert "hebb_statistics_1" not in translate(one).connection("onto").gates
    during = with_rule(periodic="w = w - mean(w)\nv = v - mean(v)", every="both", during=("learn",))
    gates = translate(during).connection("onto").gates
    assert {gates[name] for name in parts(during)} == {("hebb_during",)}


def test_a_rule_of_which_a_gate_is_never_open_reads_no_statistic():
    closed = with_rule(continuous="dw/dt = eta*(mean(plastic*w) - w) : 1")
    rest = closed.protocol.phase("rest")
    both = closed.replace(protocols={"a": closed.protocol, "b": Protocol((rest,), (Each("rest", items=1),))})
    assert both.with_protocol("b").rules[0].continuous == "dw/dt = eta*(-w) : 1"


SCRIPTS = [(feedforward(), ("onto.w", "onto.v")), (recurrent(), ("tied.w", "part.r"))]


@pytest.mark.parametrize(("model", "names"), SCRIPTS)
def test_a_printed_script_gives_the_same_numbers(model, names, tmp_path, monkeypatch):
    from brian2 import prefs

    monkeypatch.chdir(tmp_path)
    np.savez("arrays.npz", **arrays(model, "rate", seed=SEED))
    result, made, before = simulate(model, seed=SEED, device="runtime"), {}, prefs.codegen.target
    try:
        prefs.codegen.target = "numpy"
        exec(script(model, "rate"), made)
    finally:
        prefs.codegen.target = before
    for name in names:
        owner, _, variable = name.partition(".")
        synapses = made[owner]
        pre, post = (synapses.variables[f"_synaptic_{end}"].get_value() for end in ("pre", "post"))
        last = result.data[name.replace(".", "_")].values[-1]
        expected = last[post - getattr(synapses.target, "start", 0), pre]
        np.testing.assert_allclose(synapses.variables[variable].get_value(), expected, rtol=1e-12)


def test_spikes_read_statistics_of_weights_and_stimuli_formed_in_the_same_time_step():
    found = translate(network(rule("eta*(x_pre*x_post - mean(w)*x_post - w)")), "spiking")
    item = found.connection("recurrent")
    assert parts(network(rule("eta*(x_pre - mean(w)*x_post)")), "recurrent", "spiking")["rule_statistics_1"][1] == -301
    assert any("rule_mean_1" in path.code for path in item.pathways)
    assert any("mean(w) over its synapses is formed once in a time step" in split.remark for split in found.splits)


NOISY = {
    "eta*(mean(x_post) - w)": "mean(x_post) is over what spikes make noisy (x_post)",
    "eta*(x_pre - quantile(u_post, 0.5))": "quantile(u_post, 0.5) is over what spikes make noisy (u_post)",
}


@pytest.mark.parametrize("text", NOISY)
def test_statistics_of_what_spikes_make_noisy_are_refused_with_the_remedy(text):
    with pytest.raises(TranslationError) as error:
        translate(network(rule(text)), "spiking")
    assert NOISY[text] in str(error.value)
    assert "spiking=SpikingRule(...)" in str(error.value)
    own = translate(network(rule(text, spiking=SpikingRule(clocked="dw/dt = -eta*w : 1"))), "spiking")
    assert "rule_" not in own.connection("recurrent").equations


def test_statements_with_statistics_run_as_written_in_spikes_and_are_not_spread_over_time():
    scaling = LearningRule("learn", "recurrent", periodic="w += 0.1*x_post*(0.2 - mean(w))", every="tau")
    found = parts(network(scaling), "recurrent", "spiking")
    assert found["learn_statistics_1"][0] == ["learn_mean_1 = mean(w)"]
    with pytest.raises(TranslationError, match=r"Use read='trace'"):
        translate(network(scaling), Spiking(read="event"))
