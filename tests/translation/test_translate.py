"""The text that a translation writes: what it says, and that it is Brian2 text that runs by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import brainmem
from brainmem import (
    LearningRule,
    Population,
    Projection,
    Spiking,
    SpikingRule,
    TranslationError,
    explain,
    get_model,
    simulate,
    translate,
)
from brainmem.translation.filters import moves
from tests.support.scripts import run_script
from tests.support.small_models import (
    EQUATIONS,
    SMALL,
    current_form,
    dreams_model,
    energy_model,
    small,
    squares_model,
    swapped,
    units,
)


def pasted(variant: str, folder) -> dict[str, np.ndarray]:
    """Run the printed script in a process of its own that does not import brainmem."""
    model = get_model("kurikawa2020")
    numbers = brainmem.arrays(model, variant, parameters=SMALL, seed=5, device="runtime")
    saved = {name: f"recurrent.{name}" for name in "wij"}
    return run_script(folder, str(translate(model, variant)), numbers, {"x": "units.x", **saved})


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_the_printed_script_runs_in_plain_brian2_and_gets_the_same_numbers(variant, tmp_path):
    out = pasted(variant, tmp_path)
    result = simulate("kurikawa2020", variant, parameters=SMALL, seed=5, device="runtime")
    final = result.recurrent_w.values[-1]
    assert np.abs(final - result.recurrent_w.values[0]).max() > 1e-4, "nothing was learned, so nothing is compared"
    np.testing.assert_allclose(out["w"], final[out["j"], out["i"]], rtol=0, atol=1e-12)


def test_a_script_that_needs_more_than_brian2_fails(tmp_path):
    with pytest.raises(AssertionError, match=r"not in sys\.modules"):
        run_script(tmp_path, "import brainmem", {}, {})


def test_the_rate_variant_holds_the_model_text_verbatim():
    model = get_model("kurikawa2020")
    text = translate(model, "rate").connection("recurrent").equations
    assert "dw/dt = plastic_post*(eps/tau)*(target_post - x_post)*(x_pre - u_post*w) : 1 (clock-driven)" in text
    assert "dx/dt = (phi - x)/tau : 1" in translate(model, "rate").group("units").equations


def test_sums_and_plasticity_read_the_state_before_neurons_advance():
    translated = translate(get_model("kurikawa2020"), "rate")
    recurrent = translated.connection("recurrent")
    when, order = recurrent.summed_order["u_post"]
    units = translated.group("units")
    assert (when, units.state_when) == ("groups", "groups")
    assert order < recurrent.state_order < units.state_order


def test_events_read_traces_before_these_decay_or_grow():
    translated = translate(get_model("kurikawa2020"), "spiking")
    units = translated.group("units")
    grow = next(op for op in units.operations if op.event == "unit_spike")
    assert all(path.when == "synapses" for path in translated.connection("recurrent").pathways)
    assert units.state_when == grow.when == "resets"
    assert units.state_order < grow.order


def test_a_signed_rate_reads_as_an_affine_function_of_its_trace():
    equations = translate(get_model("kurikawa2020"), "spiking").group("units").equations
    assert "x = -1 + (1 - (-1))*x_s : 1" in equations
    assert "dx_s/dt = -x_s/tau : 1" in equations


def test_the_current_form_filters_spikes_before_the_weights():
    equations = translate(current_form(), "spiking").group("units").equations
    assert "x = z + x_input : 1" in equations
    assert "dr_s/dt = -r_s/tau : 1" in equations
    assert "r_phi = 1/(1 + exp(-x)) : 1" in equations


def test_a_drive_starts_where_the_rate_network_starts():
    model = current_form()
    numbers = brainmem.arrays(model, Spiking(neuron="poisson"), seed=3, device="runtime")
    plain = brainmem.arrays(model, "rate", seed=3, device="runtime")
    x0 = plain["units.x"]
    given = brainmem.arrays(model, Spiking(neuron="poisson"), seed=3, device="runtime", initial={"units.x": x0})
    np.testing.assert_allclose(given["units.r_s"], numbers["units.r_s"], rtol=1e-12)
    np.testing.assert_allclose(given["units.x_input"], numbers["units.x_input"], atol=1e-12)
    np.testing.assert_allclose(numbers["units.r_s"], 1 / (1 + np.exp(-x0)), rtol=1e-12)
    size = len(x0)
    columns = np.zeros((size, size))
    columns[~np.eye(size, dtype=bool)] = numbers["recurrent.w"]
    recurrent = columns.T @ numbers["units.r_s"]
    np.testing.assert_allclose(numbers["units.x_input"] + recurrent, x0, atol=1e-12)


@pytest.mark.full
def test_the_drives_of_spiking_populations_obey_the_rate_equation_of_the_current_form():
    """Filtering spikes before the weights equals filtering the current after them: u follows, the trace lags phi(u)."""
    sampled = {"record": ("x",), "interval": 0.02, "seed": 3, "device": "runtime"}
    rate = simulate(current_form(), "rate", **sampled).x.values
    spiking = simulate(current_form(), "spiking", **sampled).x.values
    slope, _ = np.polyfit(rate.ravel(), spiking.ravel(), 1)
    assert abs(slope - 1) < 0.02
    assert np.corrcoef(rate.ravel(), spiking.ravel())[0, 1] > 0.995


def test_a_drive_that_is_not_linear_in_its_currents_is_refused():
    with pytest.raises(TranslationError, match="must be linear in the summed"):
        translate(current_form("(-x + z**2 + h)/tau"), "spiking")


def excitation_and_inhibition(*, tau_b="tau", text="w*r_pre", factor="", kind="r = 1/(1 + exp(-x)) : 1"):
    """Two populations of the current form; the second projects to the first through `text`."""
    one = current_form()
    first = one.populations[0]
    first = replace(first, equations="zb : 1\n" + first.equations.replace("-x + z", f"-x + z + {factor}zb"))
    states = f"{kind}\ndx/dt = (-x + 0.5)/({tau_b}) : 1"
    second = replace(first, name="others", equations=states, initial={})
    third = Population("drift", "dq/dt = -q/tau : 1", size=2, initial={"q": "uniform(0, 1)"})
    source = "drift" if "q_pre" in text else "others"
    cross = brainmem.Projection(
        "cross", source, "units", current=f"zb_post = {text} : 1 (summed)", initial={"w": "normal(0, 1)"}
    )
    return one.replace(populations=(first, second, third), projections=(*one.projections, cross))


def test_the_filter_of_several_populations_with_one_time_constant_moves_to_their_spikes():
    equations = translate(excitation_and_inhibition(), "spiking").group("units").equations
    assert "x = z + zb + x_input : 1" in equations
    assert "dx_input/dt = (-x_input + h)/tau : 1" in equations


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tau_b": "2*tau"}, "time constant 2*tau and those of 'units' tau"),
        ({"text": "w*x_pre"}, "the drive x of 'others' is itself a sum"),
        ({"text": "w*r_pre**2"}, "only where the current is linear in r"),
        ({"factor": "h*"}, "a summed current is multiplied by h"),
    ],
)
def test_currents_whose_filter_cannot_move_to_the_spikes_are_refused(changes, words):
    model = excitation_and_inhibition(**changes)
    translate(model, "rate")
    with pytest.raises(TranslationError) as error:
        translate(model, "spiking")
    assert words in str(error.value)


def test_what_a_rule_declares_for_others_stays_in_spikes():
    model = get_model("kurikawa2020")
    rule = replace(model.rules[0], continuous=f"share = scale*x_post**2 : 1\nscale : 1\n{model.rules[0].continuous}")
    recurrent = replace(model.projection("recurrent"), current="u_post = (1 - share)*w*x_pre : 1 (summed)")
    recurrent = replace(recurrent, initial={**recurrent.initial, "scale": "0.1"})
    model = model.replace(rules=(rule,), projections=(recurrent,))
    for variant in ("rate", "spiking"):
        equations = translate(model, variant).connection("recurrent").equations
        assert "share = scale*x_post**2 : 1" in equations
        assert equations.count("scale : 1") == 1
    brainmem.arrays(model, Spiking(neuron="poisson"), device="runtime", parameters={"N": 10, "M": 1})


def test_a_current_from_states_keeps_its_filter():
    """A state that jumps must not make the drive jump."""
    equations = translate(excitation_and_inhibition(text="w*q_pre"), "spiking").group("units").equations
    assert "x = z + x_input : 1" in equations
    assert "dx_input/dt = (-x_input + h + zb)/tau : 1" in equations


def test_a_drive_without_leak_is_refused():
    with pytest.raises(TranslationError, match=r"Model 'currents', population 'units'.*there is no leak -x/tau"):
        translate(current_form("(z + h)/tau"), "spiking")


RELAXATIONS = {
    "(phi - x + 0.1*cue)/tau": [
        "Here it relaxes to 0.1*cue + phi",
        "'phi_all = 0.1*cue + phi : 1'",
        "transfer='phi_all'",
    ],
    "(phi - 2*x)/tau": ["'dx/dt = (phi_all - x)/(tau/2) : 1'"],
    "(phi - x)/tau + 0.1*xi*tau**-0.5": ["no place for noise (xi)", "sigma_v"],
    "(phi - x**3)/tau": ["there is no linear leak -x/tau"],
    "phi/tau": ["there is no leak -x/tau"],
    "-x/tau + phi*(1 - x)/tau": ["the time constant tau/(phi + 1) is not constant"],
}


@pytest.mark.parametrize("expr", RELAXATIONS)
def test_a_rate_that_is_no_relaxation_runs_as_rates_and_is_refused_as_spikes(expr):
    model = small(**swapped("(phi - x)/tau", expr))
    assert f"dx/dt = {expr} : 1" in translate(model, "rate").group("units").equations
    with pytest.raises(TranslationError) as error:
        translate(model, "spiking")
    message = str(error.value)
    assert message.startswith(f"Model 'small', population 'units': the spiking variant cannot carry dx/dt = {expr}.")
    assert [part for part in (*RELAXATIONS[expr], "The rate variant runs the equation") if part not in message] == []


def test_what_the_refusal_of_a_relaxation_advises_is_carried():
    text = EQUATIONS.replace(
        "dx/dt = (phi - x)/tau : 1", "phi_all = 0.1*cue + phi : 1\ndx/dt = (phi_all - x)/(tau) : 1"
    )
    model = small(**units(text, transfer="phi_all"))
    assert (
        "x_activity = clip((phi_all - (-1))/(1 - (-1)), 0, 1)" in translate(model, "spiking").group("units").equations
    )


def test_an_explicit_spiking_rule_replaces_the_split():
    model = get_model("kurikawa2020")
    (rule,) = model.rules
    own = LearningRule(
        "own",
        "recurrent",
        continuous=rule.continuous,
        spiking=SpikingRule(on_pre="w += plastic*eps*count_pre*(target_post - x_post)"),
    )
    recurrent = translate(model.replace(rules=(own,)), "spiking").connection("recurrent")
    assert [path.code for path in recurrent.pathways] == ["w += plastic_post*eps*count_pre*(target_post - x_post)"]
    assert "dw/dt" not in recurrent.equations


def test_reading_traces_keeps_the_rule_clock_driven():
    recurrent = translate(get_model("kurikawa2020"), Spiking(read="trace")).connection("recurrent")
    assert recurrent.pathways == ()
    assert "dw/dt = plastic_post*(eps/tau)*(target_post - x_post)*(x_pre - u_post*w) : 1" in recurrent.equations


@pytest.mark.parametrize(
    ("option", "given", "near"),
    [
        ("variant", "spikes", "spiking"),
        ("neuron", "liff", "lif"),
        ("read", "traces", "trace"),
        ("pairing", "causl", "causal"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_the_near_one(option, given, near):
    with pytest.raises(TranslationError, match=f"Did you mean '{near}'"):
        translate(get_model("kurikawa2020"), given if option == "variant" else Spiking(**{option: given}))


def n_in_equations() -> brainmem.MemoryModel:
    model = current_form()
    (population,) = model.populations
    text = population.equations.replace("+ h)", "+ h/N)")
    return model.replace(populations=(Population(**{**population.__dict__, "equations": text}),))


def test_a_groups_own_size_may_stand_in_its_equations():
    result = simulate(n_in_equations(), "rate", device="runtime")
    assert result.complete


@pytest.mark.parametrize("read", ["event", "trace"])
def test_a_helper_line_of_a_rule_is_part_of_its_rate_of_change(read):
    model = get_model("kurikawa2020")
    text = "gain = plastic*(eps/tau) : Hz\ndw/dt = gain*(target_post - x_post)*x_pre : 1"
    helped = model.replace(rules=(LearningRule("helped", "recurrent", continuous=text),))
    plain = "dw/dt = (plastic*(eps/tau))*(target_post - x_post)*x_pre : 1"
    written = model.replace(rules=(LearningRule("helped", "recurrent", continuous=plain),))
    recurrent = [translate(item, Spiking(read=read)).connection("recurrent") for item in (helped, written)]
    assert recurrent[0].equations == recurrent[1].equations
    assert recurrent[0].pathways == recurrent[1].pathways


def test_a_rule_spread_over_its_window_keeps_what_no_spike_carries():
    recurrent = translate(energy_model(), Spiking(read="event")).connection("recurrent")
    assert "w : hertz\n" not in recurrent.equations
    change = "flatten_window_post*(int(i != j)*gain*third_post)*r_pre*r_post/G"
    assert f"dw/dt = {change} : hertz (clock-driven)" in recurrent.equations


def test_what_two_rules_leave_to_the_clock_is_added():
    memory = translate(dreams_model(), Spiking(read="event")).connection("memory")
    change = "store_window_post/N_pre - unlearn_window_post*(eps/N_pre)"
    assert f"dw/dt = {change} : 1 (clock-driven)" in memory.equations
    assert len(memory.pathways) == 4


@pytest.mark.parametrize("read", ["trace", "event"])
def test_an_episodic_rule_stores_patterns_from_traces_and_from_spikes(read):
    """At the end of each phase, on traces, or spread over its averaging window, on spikes; the cue outweighs h."""
    model = dreams_model()
    (units,), (show, dream) = model.populations, model.protocol.phases
    phases = (replace(show, duration="30*unit_time", average="20*unit_time"), dream)
    model = model.replace(
        populations=(replace(units, equations=units.equations.replace("4*(h", "4*(0.1*h")),),
        protocol=replace(model.protocol, phases=phases),
    )
    parameters = {"cells_per_unit": 50, "dreams": 0}
    result = simulate(model, Spiking(read=read, neuron="poisson"), parameters=parameters, seed=2, device="runtime")
    others = ~np.eye(10, dtype=bool)
    change = (result.memory_w.values[-1] - result.memory_w.values[0])[others]
    hebb = (result.pattern.values.T @ result.pattern.values)[others] / 10
    assert abs(change @ hebb / (hebb @ hebb) - 1) < 0.03
    assert np.corrcoef(change, hebb)[0, 1] > 0.97


def test_the_search_for_sums_whose_filter_moves_ends_where_sums_read_each_other():
    circle = Projection("circle", "relay", "relay", current="v_post = 0.1*v_pre : 1 (summed)")
    model = small()
    populations = (*model.populations, Population("relay", "v : 1"))
    model = small(populations=populations, projections=(*model.projections, circle))
    assert not moves(model, model.population("relay"), "v", "tau")


def test_rules_that_are_not_split_are_spoken_of_too():
    told = {"details": True, "measured": False}
    said = explain(dreams_model(), "spiking", **told)
    assert "rule 'store' runs as written when show_one ends, with rates read from traces" in said
    assert "w: term (s_pre + 1)*(s_post + 1): clock-driven, s_pre from its trace, s_post from its trace" in said
    said = explain(squares_model(), "spiking", **told)
    assert "rule 'shrink' runs as written every learn_step" in said
    assert "it assigns, so no bias is given" in said
    model = get_model("kurikawa2020")
    own = LearningRule(
        "own", "recurrent", continuous=model.rules[0].continuous, spiking=SpikingRule(why="as published")
    )
    said = explain(model.replace(rules=(own,)), "spiking", **told)
    assert "rule 'own' has a spiking text of its author's own (as published)" in said
