"""Dense kernels: the same numbers as the model's text run in numpy, as Brian2's own loops, on every target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from brainmem import Device, LearningRule, Projection, Spiking, TranslationError, get_model, simulate
from brainmem.build.kernels import choose_kernels
from brainmem.translation import translate
from brainmem.translation.gates import UPDATE
from tests.support.dense_models import DT, many_cases, model_of, models, rate_units
from tests.support.text_runs import EXACT, RUNTIME, SINGLE, check_against_text, initial, recurrent, run

DENSE, PLAIN = Device(), Device(kernels="plain")
CYTHON = Device("runtime", target="cython")  # where changes do not wait


def check_same(one, other, tolerance):
    for name in one.data.data_vars:
        if one[name].dtype.kind == "f":
            np.testing.assert_allclose(one[name].values, other[name].values, **tolerance, err_msg=name)


@pytest.fixture(scope="module")
def cases():
    return many_cases()


@pytest.fixture(scope="module")
def dense(cases):
    return run(cases, DENSE, initial=initial(cases))


@pytest.mark.slow
def test_many_projections_agree_with_their_text_in_numpy(cases, dense):
    check_against_text(dense, cases, initial(cases), EXACT)
    changes = [
        np.abs(dense[f"{p.name}_w"].values[-1] - dense[f"{p.name}_w"].values[0]).max() for p in cases.projections
    ]
    assert min(changes) > 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("device", [pytest.param(PLAIN, marks=pytest.mark.full), RUNTIME, Device(threads=2)], ids=str)
def test_many_projections_agree_on_every_target(cases, dense, device):
    check_same(dense, run(cases, device, initial=initial(cases)), EXACT)


@pytest.mark.cython
def test_many_projections_agree_in_cython(cases):
    result = run(cases, Device("runtime", target="cython"), initial=initial(cases))
    check_against_text(result, cases, initial(cases), EXACT)


@pytest.mark.slow
def test_single_precision_stays_close_to_the_text(cases):
    drawn = {key: values.astype(np.float32) for key, values in initial(cases).items()}
    check_against_text(run(cases, replace(DENSE, float=32), initial=drawn), cases, drawn, SINGLE)


def check_drawn(model):
    drawn = initial(model)
    result = run(model, DENSE, initial=drawn)
    check_against_text(result, model, drawn, EXACT)
    check_same(result, run(model, RUNTIME, initial=drawn), EXACT)


@settings(max_examples=1, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_drawn_models_agree_with_their_text_and_with_the_plain_path(model):
    check_drawn(model)


@pytest.mark.full
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_many_drawn_models_agree_with_their_text_and_with_the_plain_path(model):
    check_drawn(model)


def onto(variable, name, text="w*x_pre"):
    return Projection(
        name, "units", "units", current=f"{variable}_post = {text} : 1 (summed)", initial={"w": "normal(0, 1)"}
    )


def kernel(model, name="rec", device=DENSE, variant="rate"):
    return choose_kernels(translate(model, variant), device)[name]


def rule(text, projection="rec", **options):
    return LearningRule("learn", projection, continuous=f"dw/dt = {text} : 1", **options)


HEBB = rule("plastic*eta*(x_post*x_pre - u_post*w)")
SUM, PLASTICITY = ("groups", -400), ("groups", -300)
TWO = {"inputs": {"v": "1"}, "more": (onto("v", "other"),)}
FUSED = {
    "own sum": (recurrent(HEBB), SUM, "plastic_post"),
    "negative gate": (recurrent(rule("-(plastic*eta*x_pre)")), SUM, "plastic_post"),
    "gate below": (recurrent(rule("x_pre*plastic*eta/(1 + x_post**2)")), SUM, "plastic_post"),
    "gate inverse": (recurrent(rule("eta*x_pre/(2 + plastic)")), SUM, ""),
    "gate in one term": (recurrent(rule("plastic*eta*x_pre - eta*w")), SUM, ""),
    "gate of the source": (recurrent(rule("plastic*eta*x_post")), SUM, "plastic_post"),
    "other sum": (recurrent(rule("eta*v_post*x_pre"), **TWO), PLASTICITY, ""),
    "other sum in the drive": (recurrent(rule("eta*drive_post*x_pre"), **TWO), PLASTICITY, ""),
    "other presynaptic sum": (recurrent(rule("eta*v_pre*x_post"), **TWO), PLASTICITY, ""),
}
REFUSED = {
    "static": (recurrent(), "nothing to fuse"),
    "presynaptic sum": (recurrent(rule("eta*u_pre*x_post")), "another row"),
    "presynaptic drive": (recurrent(rule("eta*phi_pre*x_post")), "another row"),
    "helper": (
        recurrent(LearningRule("r", "rec", continuous="z = phi_pre*x_post : 1\ndw/dt = eta*z : 1")),
        "another row",
    ),
    "random": (recurrent(rule("eta*rand()*x_pre")), "random"),
    "sum of sums": (
        recurrent(rule("eta*(w - v_post)"), inputs={"v": "1"}, more=(onto("v", "other", "w*u_pre"),)),
        "waits for its own",
    ),
}
PLAIN_ONLY = {
    "unit numbers": (recurrent(rule("eta*int(i < j)*x_pre")), "numbers i, j"),
    "unit numbers in a sum": (recurrent(current="u_post = w*x_pre/(1 + i) : 1 (summed)"), "numbers i, j"),
    "unit numbers at events": (
        recurrent(LearningRule("r", "rec", episodic="w += 0.1*i*x_post", at=("learn",))),
        "numbers i, j",
    ),
    "stored subexpression": (
        recurrent(rule("eta*z"), variables="z = x_pre*x_post : 1 (constant over dt)"),
        "stores a subexpression",
    ),
    "shared variable": (
        recurrent(
            LearningRule("r", "rec", periodic="n += 0.01\nw += n*x_pre", every="delta"), variables="n : 1 (shared)"
        ),
        "share a variable",
    ),
}


@pytest.mark.parametrize("case", FUSED)
def test_sum_and_update_are_one_pass_where_both_read_the_same_state(case):
    model, slot, gate = FUSED[case]
    found = kernel(model, device=CYTHON)
    assert (found.dense, found.fused, found.gates.get(UPDATE, ())) == (True, slot, (gate,) if gate else ())


@pytest.mark.parametrize("case", REFUSED)
def test_sum_and_update_stay_apart_where_one_pass_would_read_other_values(case):
    model, reason = REFUSED[case]
    found = kernel(model, device=CYTHON)
    assert found.dense
    assert found.fused is None
    assert reason in found.reason


@pytest.mark.parametrize("case", PLAIN_ONLY)
def test_texts_that_need_a_list_of_pairs_get_one(case):
    model, reason = PLAIN_ONLY[case]
    found = kernel(model)
    assert not found.dense
    assert reason in found.reason


def test_numpy_and_plain_devices_use_lists_of_pairs_and_cells_are_never_matrices():
    for device in (RUNTIME, PLAIN):
        assert not kernel(recurrent(HEBB), device=device).dense
    assert kernel(recurrent(HEBB), device=Device("runtime", target="cython")).dense
    kernels = choose_kernels(translate(get_model("kurikawa2020"), "spiking"), DENSE)
    assert not kernels["units_output"].dense
    assert kernels["recurrent"].dense
    assert kernels["recurrent"].gates[UPDATE] == ("plastic_post",)


@pytest.mark.parametrize("case", ["unit numbers", pytest.param("shared variable", marks=pytest.mark.full)])
def test_texts_that_need_a_list_of_pairs_run_as_the_plain_path_does(case):
    model = PLAIN_ONLY[case][0]
    check_same(run(model, DENSE), run(model, RUNTIME), EXACT)


@pytest.mark.slow
def test_one_program_serves_other_weights_states_and_sizes_of_change(cases):
    rng = np.random.default_rng(8)
    weights = {"around": rng.normal(size=(7, 7)), "gather": rng.normal(size=(1, 7)), "own": rng.normal(size=(5, 5))}
    np.fill_diagonal(weights["own"], 0.0)
    drawn = initial(cases, seed=9)
    first, again = (run(cases, DENSE, initial=drawn, weights=weights, parameters={"gain": 0.7}) for _ in range(2))
    reference = run(cases, RUNTIME, initial=drawn, weights=weights, parameters={"gain": 0.7})
    check_same(first, reference, EXACT)
    check_same(first, again, {"rtol": 0, "atol": 0})


def test_rules_with_random_numbers_draw_one_for_every_synapse_and_step():
    model = recurrent(rule("plastic*eta*rand()"), size=13, self_connections=True)
    result = run(model, DENSE, weights={"rec": np.zeros((13, 13))})
    change = result.rec_w.values[1] / (20 * DT)  # 8 steps with a gate of 1 and 5 with -0.5
    assert len(np.unique(change)) == 169
    assert abs(change.mean() - 0.5 * (8 - 2.5)) < 5 * np.sqrt((8 + 5 / 4) / 12 / 169)


def test_a_closed_gate_leaves_weights_alone():
    model = recurrent(rule("plastic*eta*x_post*x_pre"), size=5)
    frozen = replace(model.protocol, phases=tuple(replace(p, gates={"plastic": 0}) for p in model.protocol.phases))
    result = run(model.replace(protocol=frozen), DENSE)
    np.testing.assert_array_equal(result.rec_w.values[-1], result.rec_w.values[0])


def spikes(result, population="units"):
    names = [name for name in result.data.data_vars if name.endswith(("spike_time", "spike_cell"))]
    return {name: result[name].values for name in names}


def check_same_spikes(one, other):
    found, expected = spikes(one), spikes(other)
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])
    weights = [name for name in one.data.data_vars if name.endswith("_w")]
    for name in weights:
        np.testing.assert_allclose(one[name].values, other[name].values, rtol=1e-11, atol=1e-12)
        assert np.abs(one[name].values[-1] - one[name].values[0]).max() > 1e-4


SMALL = {"N": 13, "M": 2, "epochs": 1, "test_epochs": (1,), "starts": 1, "T_learn": "8*tau", "T_recall": "4*tau"}
SMALL |= {"T_average": "2*tau"}


@pytest.mark.parametrize("neuron", [pytest.param(neuron, marks=pytest.mark.full) for neuron in ("poisson", "lif")])
def test_spikes_and_weights_of_recurrent_cells_are_those_of_the_plain_path(neuron):
    dense, plain = (
        simulate(
            "kurikawa2020",
            Spiking(neuron=neuron),
            parameters=SMALL,
            seed=2,
            device=device,
            record=("weights", "spikes"),
        )
        for device in (DENSE, PLAIN)
    )
    assert len(dense.spike_time) > 100
    check_same_spikes(dense, plain)


def feedforward():
    """Return 5 units that project to 6, which project to themselves; rules at pre- and postsynaptic spikes."""
    populations = (rate_units("a", 5, {"h": "1"}), rate_units("b", 6, {"s": "1", "z": "1"}))
    projections = (
        Projection("ab", "a", "b", current="s_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 0.5)"}),
        Projection("ba", "b", "a", current="h_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 0.5)"}),
        Projection("bb", "b", "b", current="z_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 0.5)"}),
    )
    rules = (
        LearningRule("hebb", "ab", continuous="dw/dt = plastic*eta*(x_post*x_pre - 0.3*w) : 1"),
        LearningRule(
            "post", "ba", continuous="dw/dt = eta*x_pre*(0.5 - x_post) : 1", bounds={"w": (-1, 1)}, pairing="causal"
        ),
        LearningRule("episode", "bb", episodic="w += 0.3*x_pre*x_post", at=("learn", "dream")),
    )
    model = model_of(populations, projections, rules)
    phases = tuple(replace(phase, duration="60*ms") for phase in model.protocol.phases)
    return model.replace(protocol=replace(model.protocol, phases=phases))


@pytest.mark.full
def test_spikes_and_weights_of_several_populations_are_those_of_the_plain_path():
    options = {"seed": 4, "record": ("weights", "spikes")}
    dense, plain = (
        simulate(feedforward(), Spiking(neuron="poisson"), device=device, **options) for device in (DENSE, PLAIN)
    )
    check_same_spikes(dense, plain)


@pytest.mark.parametrize("device", [DENSE, RUNTIME], ids=str)
def test_absent_self_connections_have_no_weight_and_a_user_who_gave_them_one_is_told(device):
    given = np.outer([1.0, -1, 1, 1, -1, 1], [1.0, -1, 1, 1, -1, 1])
    told = r"'rec' has no self-connections.*6 values other than 0, up to 1\b.*self_connections=True"
    with pytest.warns(UserWarning, match=told):
        result = run(recurrent(HEBB), device, weights={"rec": given})
    assert not np.diagonal(result.rec_w.values, axis1=1, axis2=2).any()
    np.testing.assert_array_equal(result.rec_w.values[0], given - np.eye(6))
    np.testing.assert_array_equal(np.diagonal(given), 1)  # the user's own array is left alone


def test_weights_that_fit_the_connections_are_taken_without_a_warning(recwarn):
    bare = {"rec": np.ones((6, 6)) - np.eye(6)}
    own = recurrent(HEBB, self_connections=True)
    for model, weights in ((recurrent(HEBB), bare), (own, {"rec": np.ones((6, 6))})):
        np.testing.assert_array_equal(run(model, RUNTIME, weights=weights).rec_w.values[0], weights["rec"])
    assert not [w for w in recwarn if "self-connections" in str(w.message)]


READS_ITSELF = {
    "plainly": recurrent(current="u_post = w*u_pre : 1 (summed)"),
    "through a transfer": recurrent(current="u_post = w*phi_pre : 1 (summed)"),
    "at the other end": recurrent(current="u_post = w*x_pre*drive_post : 1 (summed)"),
    "through the synapse": recurrent(current="u_post = z : 1 (summed)", variables="w : 1\nz = w*drive_pre : 1"),
}


@pytest.mark.parametrize("case", READS_ITSELF)
@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_a_sum_that_reads_itself_is_refused(case, variant):
    with pytest.raises(TranslationError, match=r"units\.u reads itself.*state variable"):
        translate(READS_ITSELF[case], variant)


def test_a_sum_may_read_itself_as_stored_before_the_step():
    current = "u_post = w*last_pre : 1 (summed)"
    units = rate_units("units", 6, {"u": "1"})
    stored = replace(units, equations=units.equations + "\nlast = u : 1 (constant over dt)")
    model = model_of([stored], [Projection("rec", "units", "units", current=current, initial={"w": "1"})], ())
    assert translate(model).connection("rec").summed_order == {"u_post": SUM}
