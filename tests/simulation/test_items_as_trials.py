"""Items that run as trials give the numbers of the run that shows them one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
    Each,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Repeat,
    Result,
    RuleError,
    Spiking,
    TranslationError,
    arrays,
    compare,
    freeze,
    get_model,
    measure,
    script,
    simulate,
    sweep,
    translate,
)

RUNTIME = Device("runtime")
SMALL = {"N": 17, "M": 5, "T_recall": "6*tau", "T_average": "3*tau"}
RECALL = freeze(get_model("kurikawa2020"), "recall", repeats=2)
FRESH = RECALL.replace(replace(RECALL.protocol.phase("recall"), paired=False))  # whose starts the device draws


def attractor(*schedule, **fields):
    """A Hopfield network of graded units that starts from damaged memories."""
    units = Population(
        "units",
        "u : 1\nphi = tanh(4*u) : 1\ndx/dt = (phi - x)/tau : 1",
        rate="x",
        drive="u",
        transfer="phi",
        rate_range=(-1, 1),
    )
    weights = {"w": "memory.T @ memory/N"}
    options = {"duration": "10*tau", "start": {"x": "damaged"}, "average": "5*tau"}
    phases = (Phase("settle", duration="2*tau"), Phase("recall", **{**options, **fields}))
    return MemoryModel(
        "attractor",
        parameters=(Parameter("N", 24), Parameter("M", 4), Parameter("tau", 10 * ms)),
        patterns=(
            Pattern("memory", "units", draw="signs()"),
            Pattern("damaged", "units", draw="memory*(1 - 2*binary(0.2))"),
        ),
        populations=(units,),
        projections=(
            Projection("recurrent", "units", "units", current="u_post = w*x_pre : 1 (summed)", initial=weights),
        ),
        observables=(Observable("m", "x*x", population="units"),),
        protocol=Protocol(phases, schedule or (Each("recall", order="random"), Each(("recall", "settle")))),
        recalled=Recalled(phase="recall", target="memory", score="overlap", threshold=0.9),
        rate_dt="0.1*tau",
    )


def steps_of(result):
    """Return mean rates and observables by phase, epoch, repeat, item, and how often these came before."""
    found, names = {}, [name for name in ("mean_x", "overlap", "m") if name in result]
    columns = [result[f"step_{name}"].values.tolist() for name in ("phase", "epoch", "repeat", "item")]
    for row, key in enumerate(zip(*columns, strict=True)):
        found.setdefault(key, []).append([result[name].values[row] for name in names])
    return found


def assert_same(together, apart, tolerance=1e-12):
    first, second = steps_of(together.by_item()), steps_of(apart)
    assert first.keys() == second.keys()
    for key in first:
        for one, other in zip(first[key], second[key], strict=True):
            for value, wanted in zip(one, other, strict=True):
                np.testing.assert_allclose(value, wanted, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("device", [RUNTIME, Device()], ids=str)
@pytest.mark.parametrize("model", [RECALL, FRESH], ids=["paired", "fresh"])
def test_recall_of_all_items_at_once_is_that_of_one_after_the_other(model, device):
    options = {"parameters": SMALL, "seed": 3, "device": device}
    together = simulate(model, trials="items", **options)
    assert together.mean_x.dims == ("step", "trial", "unit")
    assert together.trial_item.values.tolist() == [0, 1, 2, 3, 4]
    assert together.step_item.values.tolist() == [-1, -1]
    assert_same(together, simulate(model, **{**options, "device": RUNTIME}))


@pytest.mark.parametrize("device", [RUNTIME, pytest.param(Device(), marks=pytest.mark.full)], ids=str)
def test_an_attractor_recalls_all_its_memories_at_once(device):
    rounds = Repeat(2, (Each("recall", items="M", order="random", repeats=2),))
    model = attractor(rounds, Each(("settle", "recall")))
    together = simulate(model, seed=2, device=device, trials="items")
    assert together.data.sizes["step"] == 2 * 2 + 2
    apart = simulate(model, seed=2, device=RUNTIME)
    first, second = steps_of(together.by_item()), steps_of(apart)
    for key in second:
        if key[0] == "recall":  # 'settle' goes on from the item before in one run and not in the other
            for one, other in zip(first[key], second[key], strict=True):
                np.testing.assert_allclose(one[0], other[0], atol=1e-12)


def test_measures_and_comparisons_read_items_that_ran_as_trials(tmp_path):
    options = {"seed": 2, "device": RUNTIME, "record": ("weights", "end_x")}
    model = attractor(Each("recall", repeats=2))
    together, apart = simulate(model, trials="items", **options), simulate(model, **options)
    together = Result.load(together.save(tmp_path / "together.nc"))
    table, wanted = measure.recall_table(together), measure.recall_table(apart)
    assert table["score"].dims == ("epoch", "item", "repeat")
    np.testing.assert_allclose(table["score"], wanted["score"], atol=1e-12)
    assert measure.retention(together).equals(measure.retention(apart))
    for item in range(4):
        one, other = together.select(item=item), apart.select(item=item)
        assert one.step_item.values.tolist() == [item, item]
        np.testing.assert_allclose(one.end_x.values, other.end_x.values, atol=1e-12)
        np.testing.assert_allclose(together.select(trial=item).mean_x, one.mean_x)
    spiking = simulate(model, Spiking(neuron="poisson"), trials="items", **options)
    assert str(compare(together, spiking)) == str(compare(apart, spiking))


def test_a_kept_axis_of_steps_has_every_trial():
    record = {"end_x": ("recall",), "mean_x": ("recall",)}
    model = attractor(Each(("settle", "recall")))
    found = simulate(model, trials="items", device=RUNTIME, record=record).by_item()
    assert found.step_phase.values[found.end_x_step.values].tolist() == ["recall"] * 4
    assert found.end_x.sizes["end_x_step"] == 4


def test_hopfield_recall_by_visits_reaches_the_same_fixed_points():
    parameters = {"N": 60, "P": 3, "cues": 2}
    memory = np.random.default_rng(0).choice([-1.0, 1.0], (3, 60))
    hebb = memory.T @ memory / 60 * ~np.eye(60, dtype=bool)
    given = {"weights": {"couplings": hebb}, "inputs": {"memory": memory}, "protocol": "recall", "device": RUNTIME}
    together, apart = (
        simulate("ventura2024", parameters=parameters, record=("end_x",), trials=trials, **given)
        for trials in ("items", None)
    )
    first, second = together.by_item(), apart
    for item in range(3):  # the same damaged cues, and the memory where they end
        for phase in ("test", "recall"):
            one, other = (found.select(phase=phase, item=item).end_x.values for found in (first, second))
            np.testing.assert_array_equal(one, other)
    assert measure.recall_table(together)["recalled"].values.tolist() == [1.0]


@pytest.mark.slow
@pytest.mark.parametrize("neuron", ["lif", "poisson"])
def test_spiking_trials_show_their_items(neuron):
    parameters = {**SMALL, "cells_per_unit": 20, "T_recall": "40*tau", "T_average": "20*tau"}
    weights = {"recurrent": np.zeros((17, 17))}
    options = {"parameters": parameters, "weights": weights, "device": RUNTIME, "trials": "items", "seed": 1}
    spiking = simulate(RECALL, Spiking(neuron=neuron), **options)
    # Without recurrence a unit's rate is tanh(beta*gamma*cue); 20 cells over 0.5 s leave noise of a few per cent.
    np.testing.assert_allclose(spiking.mean_x.values[0], np.tanh(2.4 * spiking.cue.values), atol=0.15)


def test_draws_and_starts_read_the_trial_and_its_item():
    phase = Phase("hold", duration="tau", start={"x": "0.01*unit + 0.1*item + trial"}, average="0.1*tau")
    model = attractor()
    model = model.replace(
        replace(model.projections[0], initial={"w": "zeros()"}),
        protocol=Protocol((phase,), (Each("hold", items=(1, "M")),)),
        recalled=None,
        rate_dt="0.001*tau",
    )
    scale = (0.01 * np.arange(24) + 0.1 * np.array([[1], [2], [3]])) * np.exp(-0.95)
    plain = simulate(model, device=RUNTIME).mean_x.values
    np.testing.assert_allclose(plain, scale, rtol=1e-2)
    together = simulate(model, device=RUNTIME, trials="items").mean_x.values
    np.testing.assert_allclose(together[0], scale + np.exp(-0.95) * np.arange(3)[:, None], rtol=1e-2)
    many = simulate(model, device=RUNTIME, trials=2).mean_x.values
    np.testing.assert_allclose(many[:, 0], plain, atol=1e-12)
    np.testing.assert_allclose(many[:, 1] - many[:, 0], np.exp(-0.95), rtol=1e-2)


def test_patterns_read_the_trial():
    model = attractor(Each("recall")).replace(Pattern("damaged", "units", draw="memory*(unit >= 3*trial)"))
    many = simulate(model, trials=3, device=RUNTIME)
    assert many.damaged.dims == ("item", "trial", "unit")
    assert [int((many.damaged.values[0, trial] == 0).sum()) for trial in range(3)] == [0, 3, 6]
    together = simulate(model, trials="items", device=RUNTIME)
    assert together.by_item().damaged.dims == ("item", "unit")
    assert [int((row == 0).sum()) for row in together.by_item().damaged.values] == [0, 3, 6, 9]
    assert simulate(model, device=RUNTIME).damaged.dims == ("item", "unit")


def test_a_sweep_over_the_number_of_items_runs_each_number_as_trials(tmp_path):
    model = attractor(Each("recall"))
    options = {"parameters": {"M": [2, 3]}, "device": RUNTIME, "jobs": 1}
    found = sweep(model, store=tmp_path / "items", trials="items", **options).dataset(measure.recall_table)
    apart = sweep(model, store=tmp_path / "plain", **options).dataset(measure.recall_table)
    np.testing.assert_allclose(found["score"], apart["score"], atol=1e-12)
    extended = sweep(model, store=tmp_path / "items", trials="items", **{**options, "parameters": {"M": [4, 3]}})
    assert extended.dataset(lambda result: result.data.sizes["trial"]).values.ravel().tolist() == [3, 4]


def test_a_note_names_what_would_go_on_from_item_to_item():
    model = attractor(Each("recall"), start={})
    assert "does not set 'x' of 'units'" in " ".join(simulate(model, trials="items", device=RUNTIME).notes)
    assert "does not set" not in " ".join(simulate(attractor(Each("recall")), trials="items", device=RUNTIME).notes)


REFUSED = {
    "other items": ((Each("recall"), Each("settle", items=1)), {}, RuleError, "items 0 to 3, and .* over 0 alone"),
    "another epoch": ((Repeat(2, (Each("recall", items="epoch"),)),), {}, RuleError, "in epoch 1.*in epoch 2"),
    "drawn": ((Each("recall", order="drawn"),), {}, RuleError, "draws each item anew"),
    "none": ((Each("recall", items=0),), {}, RuleError, "no items"),
    "own inputs": ((), {"inputs": {"damaged": np.ones((4, 4, 24))}}, RuleError, "a row for each item"),
    "a word": ((), {"trials": "epochs"}, TranslationError, "or 'items'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_run_as_trials_is_refused_with_the_reason(case):
    schedule, options, error, says = REFUSED[case]
    with pytest.raises(error, match=says):
        simulate(attractor(*schedule), device=RUNTIME, **{"trials": "items", **options})
    with pytest.raises(RuleError, match="trials share their weights"):
        simulate("kurikawa2020", parameters=SMALL, trials="items", device=RUNTIME)


def test_the_numbers_of_a_script_hold_how_many_trials_there_are():
    assert int(arrays(attractor(Each("recall")), trials="items", device=RUNTIME)["size.trials"]) == 4
    assert "size.trials" in script(attractor(Each("recall")), trials="items")
    assert translate(FRESH, trials=range(2, 5)).shown == range(2, 5)


def test_a_pattern_with_fewer_items_than_are_shown_is_kept_as_far_as_it_goes():
    few = Pattern("few", "units", items=2, draw="trial + zeros()")
    result = simulate(attractor(Each("recall")).replace(few), trials="items", seed=1, device=RUNTIME)
    assert result.by_item().few.dims == ("few_item", "unit")
    assert measure.recall_table(result).recalled.dims == ("epoch",)


def test_it_is_told_that_phases_with_a_condition_end_together():
    model = attractor(Each("recall"), until="m > 0.5")
    notes = {items: simulate(model, trials=items, seed=1, device=RUNTIME).notes for items in ("items", None)}
    told = {
        key: any("lasts until all trials fulfil 'm > 0.5'" in note for note in found) for key, found in notes.items()
    }
    assert told == {"items": True, None: False}
