"""What `record` names: single synaptic variables, epochs, and the states in which steps end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms
from typer.testing import CliRunner

from brainmem import Each, Protocol, Result, RuleError, freeze, get_model, simulate
from brainmem.cli import app
from tests.support.counting_models import counting, perceptron
from tests.support.small_models import energy_model

NUMPY = "runtime"
KURIKAWA = {"N": 10, "M": 3, "epochs": 5, "starts": 1, "test_epochs": (2, 5)}


def run(record, device=NUMPY, **options):
    return simulate("kurikawa2020", parameters=KURIKAWA, seed=1, device=device, record=record, **options)


@pytest.fixture(scope="module")
def whole():
    return run(("weights", "end_x"))


@pytest.mark.parametrize("device", [NUMPY, "cpp_standalone"])
def test_weights_after_some_epochs_are_those_of_all(device):
    model, epochs = perceptron(), (0, 2, "last")
    full = simulate(model, seed=2, device=NUMPY)
    thin = simulate(model, seed=2, device=device, record={"forward.w": epochs, "forward.changes": ("last",)})
    last = full.repeats[0]["epochs"]
    np.testing.assert_array_equal(thin.forward_w[thin.forward_w.dims[0]], [0, 2, last])
    np.testing.assert_allclose(thin.forward_w.values, full.forward_w.values[[0, 2, last]], atol=1e-12)
    np.testing.assert_array_equal(thin.forward_changes.values, full.forward_changes.values[[last]])
    assert thin.forward_w.dims == ("forward_w_epoch", "forward_post", "forward_pre")
    assert thin.select(epoch=2).forward_w.shape == (1, 3, 20)
    assert thin.select(epoch=2).forward_changes.shape == (0, 3, 20)


def test_one_variable_alone_is_kept_and_the_others_are_not():
    found = simulate(perceptron(), seed=2, device=NUMPY, record=("forward.changes",))
    assert "forward_w" not in found
    assert found.forward_changes.dims[0] == "epoch"
    np.testing.assert_array_equal(found.forward_changes.values[0], 0)
    by_epoch = found.forward_changes.values[1:, :, 0].sum(axis=1)
    np.testing.assert_array_equal(np.diff(by_epoch, prepend=0), found.errors.values[8::9])


@pytest.mark.slow
def test_weights_grow_with_the_epochs_asked_for_not_with_those_run(whole):
    thin = run({"weights": (0, 5)})
    assert thin.recurrent_w.dims == ("epoch", "post", "pre")
    np.testing.assert_array_equal(thin.epoch, [0, 5])
    np.testing.assert_array_equal(thin.recurrent_w.values, whole.recurrent_w.values[[0, 5]])


@pytest.mark.slow
def test_states_at_ends_are_those_of_which_observables_are_taken_also_where_until_ended_the_step(whole):
    learn = whole.step_phase.values == "learn"
    assert (whole.step_fulfilled.values[learn] == 1).any()
    overlaps = np.mean(whole.end_x.values * whole.target.values[whole.step_item.values], axis=1)
    np.testing.assert_allclose(overlaps[learn], whole.overlap.values[learn], atol=1e-12)
    assert whole.end_x.dims == ("step", "unit")


@pytest.mark.slow
def test_states_at_the_ends_of_some_phases_have_an_axis_that_numbers_their_steps(whole):
    thin = run({"end_x": ("recall",)})
    steps = thin.end_x_step.values
    np.testing.assert_array_equal(steps, np.flatnonzero(whole.step_phase.values == "recall"))
    np.testing.assert_array_equal(thin.end_x.values, whole.end_x.values[steps])
    later = thin.select(epoch=5)
    np.testing.assert_array_equal(later.end_x.values, whole.select(phase="recall", epoch=5).end_x.values)
    assert set(later.step_phase.values[later.end_x_step.values]) == {"recall"}


@pytest.mark.slow
@pytest.mark.parametrize("device", [NUMPY, "cpp_standalone"])
@pytest.mark.parametrize("record", [(), {"end_x": ("recall",), "mean_x": ("recall",)}])
def test_what_is_kept_of_phases_that_do_not_come_has_no_rows(device, record):
    values = {**KURIKAWA, "test_epochs": ()}
    found = simulate("kurikawa2020", parameters=values, seed=1, device=device, record=record)
    assert "recall" not in found.step_phase.values
    for name in ("mean_x", "end_x") if record else ("mean_x",):
        assert found[name].shape == (0, 10)
        assert found[name].dims == (f"{name}_step", "unit")


def test_a_rate_that_is_stored_for_a_time_step_is_that_of_the_state_at_the_end():
    model = energy_model()
    found = simulate(model, seed=1, device=NUMPY, record=("end_I", "end_ring.r", "end_level"))
    current = found.end_I.values
    np.testing.assert_allclose(found.end_r.values, np.sqrt(np.clip(current, 0, None)), rtol=1e-9)
    assert found.end_r.attrs["units"] == "hertz"
    assert found.end_level.dims == ("step", "energy_unit")


@pytest.mark.slow
def test_states_at_ends_in_spikes_are_the_traces():
    small = {**KURIKAWA, "epochs": 1, "test_epochs": (1,), "cells_per_unit": 1}
    found = simulate(
        "kurikawa2020", "spiking", parameters=small, seed=1, device=NUMPY, record=("end_x", "x"), interval=1 * ms
    )
    ends = np.cumsum(found.step_duration.values)
    at = np.searchsorted(found.time.values, ends - 1e-9)
    whole_ms = np.isclose(found.time.values[at], ends, atol=1e-9)
    assert whole_ms.any()
    np.testing.assert_allclose(found.end_x.values[whole_ms], found.x.values[at][whole_ms], atol=1e-9)


def test_trials_keep_their_states_apart():
    model = freeze(get_model("kurikawa2020"), "recall")
    found = simulate(
        model, parameters={"N": 10, "M": 3}, seed=1, device=NUMPY, trials=2, record=("end_x", "recurrent.w")
    )
    assert found.end_x.dims == ("step", "trial", "unit")
    assert found.recurrent_w.sizes["epoch"] == 1
    alone = simulate(model, parameters={"N": 10, "M": 3}, seed=1, device=NUMPY, record=("end_x",))
    np.testing.assert_allclose(found.end_x.values[:, 0], alone.end_x.values, atol=1e-9)
    with pytest.raises(RuleError, match="trials share weights that stay as they are"):
        simulate(model, parameters={"N": 10, "M": 3}, device=NUMPY, trials=2, record={"recurrent.w": (1,)})


REFUSED = {
    "name": (
        ("nonsense",),
        "record='nonsense' names nothing .* weights, spikes, state, recurrent.w, .*units.x, .*end_units.x",
    ),
    "near": (("end_unit.x",), "Did you mean 'end_units.x'"),
    "epoch": ({"recurrent.w": (6,)}, "6 is no epoch .* 1 to 5; 0 is the start, 'last'"),
    "phase as epoch": ({"weights": ("learn",)}, "'learn' is no epoch"),
    "phase": ({"end_x": ("lern",)}, "give the phases .*: learn, recall.* Did you mean 'learn'"),
    "epoch as phase": ({"end_x": (1,)}, "give the phases"),
    "in time": ({"x": ("learn",)}, "neither epochs nor phases. Write {'x': None}"),
    "truth": ({"weights": True}, "give epochs, such as"),
    "nested": ({"weights": ((1, 2),)}, "give epochs, such as"),
    "one name": ("weights", "must be a tuple of names"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_recorded_is_refused(case):
    record, reason = REFUSED[case]
    with pytest.raises(RuleError, match=reason):
        run(record)


def test_two_populations_with_one_name_are_told_apart():
    model = counting()
    other = model.populations[0].__class__("others", "n : 1", size=2, initial={"n": "uniform(0, 1)"})
    both = model.replace(populations=(*model.populations, other))
    with pytest.raises(RuleError, match=r"record='end_n' is ambiguous .* end_units.n, end_others.n"):
        simulate(both, seed=3, device=NUMPY, record=("end_n",))
    found = simulate(both, seed=3, device=NUMPY, record=("end_others.n",))
    assert found.end_others_n.shape[1] == 2


def test_a_model_may_have_a_variable_of_that_name_itself():
    model = counting()
    units = replace(model.populations[0], equations="goal : 1\nn : 1\nerr : 1\nend_n : 1")
    phases = tuple(replace(phase, end={"units": "end_n = 2*n"}) for phase in model.protocol.phases)
    model = model.replace(populations=(units,), observables=(), protocol=Protocol(phases, (Each("rest", items=2),)))
    found = simulate(model, seed=3, device=NUMPY, record=("end_n", "end_units.n", "end_end_n"), interval=1 * ms)
    assert found.end_n.dims == ("time", "unit")
    assert found.end_units_n.dims == ("step", "unit")
    np.testing.assert_array_equal(found.end_end_n.values, 2 * found.end_units_n.values)


@pytest.mark.slow
def test_the_command_records_what_it_is_told(tmp_path):
    path = tmp_path / "run.nc"
    given = [f"{name}={value}" for name, value in {**KURIKAWA, "test_epochs": "2,5"}.items()]
    options = [part for text in given for part in ("--set", text)]
    told = ["--record", "recurrent.w=0,last", "--record", "end_x=recall", "--no-report", "--output", str(path)]
    done = CliRunner().invoke(app, ["run", "kurikawa2020", "--device", "runtime", "--seed", "1", *options, *told])
    assert done.exit_code == 0, done.output
    found = Result.load(path)
    np.testing.assert_array_equal(found.epoch, [0, 5])
    assert found.end_x.sizes["end_x_step"] == 6
