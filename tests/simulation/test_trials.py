"""Trials: many runs at once with shared weights give the numbers of as many runs on their own."""

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
    Phase,
    Population,
    Projection,
    Protocol,
    RuleError,
    Spiking,
    Stimulus,
    TranslationError,
    freeze,
    get_model,
    measure,
    simulate,
    translate,
)
from brainmem.numbers.streams import side_by_side

RUNTIME = Device("runtime")
SMALL = {"N": 17, "M": 2, "T_recall": "6*tau", "T_average": "3*tau"}
RECALL = freeze(get_model("kurikawa2020"), "recall")


def free_running():
    """Recall that goes on from the start values, with the target known to the observable."""
    model = get_model("kurikawa2020")
    shown = replace(model.protocol.phase("recall"), start={}, stimuli=("cue", "target"))
    return freeze(model.replace(shown), "recall")


def drawn(units, trials, items=2, seed=3):
    rng = np.random.default_rng(seed)
    return {
        "w": rng.normal(0, units**-0.5, (units, units)),
        "cue": rng.choice([-1.0, 1.0], (items, trials, units)),
        "x": rng.uniform(-1, 1, (trials, units)),
    }


def together(numbers, device, **options):
    trials, units = numbers["x"].shape
    given = {"weights": {"recurrent": numbers["w"]}, "inputs": {"cue": numbers["cue"]}}
    given["initial"] = {"units.x": numbers["x"]}
    return simulate(free_running(), parameters={**SMALL, "N": units}, trials=trials, device=device, **given, **options)


def apart(numbers, trial, **options):
    given = {"weights": {"recurrent": numbers["w"]}, "inputs": {"cue": numbers["cue"][:, trial]}}
    given["initial"] = {"units.x": numbers["x"][trial]}
    parameters = {**SMALL, "N": numbers["x"].shape[1]}
    return simulate(free_running(), parameters=parameters, device=RUNTIME, **given, **options)


CASES = {
    # rows and trials that fill no tile of the kernel, and more columns and rows than one block of it
    "compiled": (Device(), 17, 5, 1e-10),
    "compiled, two vectors": (Device(), 17, 12, 1e-10),
    "compiled, blocks": (Device(), 301, 33, 1e-10),
    "compiled, two threads": (Device(threads=2), 110, 19, 1e-10),
    "compiled, float32": (Device(float=32), 17, 5, 1e-5),
    "plain": (Device(kernels="plain"), 17, 5, 1e-10),
    "numpy": (RUNTIME, 17, 5, 1e-10),
}


# Each of these has a kernel or a loop of its own, and is compiled.
RARE = ("compiled, two threads", "compiled, float32", "plain")


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(case, marks=pytest.mark.full if case in RARE else ()) for case in CASES])
def test_trials_give_the_numbers_of_separate_runs(case):
    device, units, trials, tolerance = CASES[case]
    numbers = drawn(units, trials)
    result = together(numbers, device, record=("x", "overlap"))
    assert result.mean_x.dims == ("step", "trial", "unit")
    assert result.x.dims == ("time", "trial", "unit")
    assert result.cue.dims == ("item", "trial", "unit")
    for trial in {0, 1, trials - 1}:
        alone = apart(numbers, trial, record=("x",))
        np.testing.assert_allclose(result.mean_x.values[:, trial], alone.mean_x.values, atol=tolerance)
        np.testing.assert_allclose(result.x.values[:, trial], alone.x.values, atol=tolerance)
        np.testing.assert_allclose(result.overlap.values[:, trial], alone.overlap.values, atol=tolerance)
    assert np.ptp(result.overlap.values, axis=1).min() > 0.05


@pytest.mark.cython
def test_cython_gives_the_numbers_of_numpy():
    numbers = drawn(17, 5)
    expected, result = (together(numbers, Device("runtime", target=target)) for target in ("numpy", "cython"))
    np.testing.assert_allclose(result.mean_x.values, expected.mean_x.values, atol=1e-10)


def test_the_first_of_many_trials_is_the_run_without_trials_and_others_start_elsewhere():
    plain = simulate(RECALL, parameters=SMALL, seed=5, device=RUNTIME)
    many = simulate(RECALL, parameters=SMALL, seed=5, device=RUNTIME, trials=3)
    np.testing.assert_allclose(many.mean_x.values[:, 0], plain.mean_x.values, atol=1e-12)
    assert np.abs(np.diff(many.mean_x.values, axis=1)).max(axis=-1).min() > 0.01


@pytest.mark.parametrize("neuron", ["lif", "poisson"])
def test_one_spiking_trial_is_the_plain_spiking_run(neuron):
    variant = Spiking(neuron=neuron, cells_per_unit=3)
    options = {"parameters": SMALL, "seed": 2, "device": RUNTIME, "record": ("spikes",)}
    plain = simulate(RECALL, variant, **options)
    one = simulate(RECALL, variant, trials=1, **options)
    np.testing.assert_array_equal(one.spike_cell.values, plain.spike_cell.values)
    np.testing.assert_allclose(one.mean_x.values[:, 0], plain.mean_x.values, atol=1e-12)
    assert plain.spike_cell.size > 100


def test_spiking_trials_share_weights_but_not_noise_and_rest_on_their_own_cells():
    parameters = {**SMALL, "cells_per_unit": 20, "T_recall": "40*tau", "T_average": "20*tau"}
    numbers = drawn(17, 4)
    spiking = simulate(RECALL, "spiking", parameters=parameters, trials=4, record=("spikes",), device=RUNTIME, seed=1,
                       weights={"recurrent": 0 * numbers["w"]}, inputs={"cue": numbers["cue"]})  # fmt: skip
    # Without recurrence a unit's rate is tanh(beta*gamma*cue); 20 cells over 0.5 s leave noise of a few per cent.
    np.testing.assert_allclose(spiking.mean_x.values, np.tanh(2.4 * numbers["cue"]), atol=0.12)
    assert set(np.unique(spiking.spike_trial.values)) == {0, 1, 2, 3}
    assert spiking.spike_cell.values.max() < 17 * 20
    counts = np.zeros((4, 17 * 20))
    late = spiking.spike_time.values > spiking.step_duration.values[0] + 0.5
    np.add.at(counts, (spiking.spike_trial.values[late].astype(int), spiking.spike_cell.values[late].astype(int)), 1)
    by_unit = counts.reshape(4, 17, 20).sum(axis=2)
    assert by_unit[numbers["cue"][1] > 0].min() > 10 * by_unit[numbers["cue"][1] < 0].max()


def two_populations():
    """Sources of constant rate that drive followers through a rectangular matrix and a postsynaptic gain."""
    return MemoryModel(
        "two_populations",
        parameters=(Parameter("N", 7), Parameter("K", 4), Parameter("tau", 10 * ms), Parameter("T", 20 * ms)),
        populations=(
            Population(
                "sources",
                "drive = h : 1\nphi = tanh(drive)/N : 1\ndr/dt = (phi - r)/tau : 1",
                rate="r",
                drive="drive",
                transfer="phi",
                initial={"r": "uniform(0, 1)"},
            ),
            Population(
                "followers",
                "v : 1\ngain : 1\ndrive = v : 1\nphi = clip(drive, 0, inf) : 1\ndy/dt = (phi - y)/tau : 1",
                size="K",
                rate="y",
                drive="drive",
                transfer="phi",
                initial={"gain": "uniform(1, 2)"},
            ),
        ),
        projections=(
            Projection(
                "forward",
                "sources",
                "followers",
                current="v_post = gain_post*w*exp(r_pre)/2 : 1 (summed)",
                variables="w : 1",
                initial={"w": "uniform(0, 1)"},
            ),
        ),
        stimuli=(Stimulus("h", "sources", items=1, draw="normal(0, 1)"),),
        observables=(Observable("total", "y", population="followers", reduce="sum"),),
        protocol=Protocol((Phase("run", duration="T", stimuli=("h",)),), (Each("run", items=1),)),
        rate_dt="1*ms",
    )


@pytest.mark.parametrize(
    ("device", "current"),
    [
        (RUNTIME, "product"), (RUNTIME, "sum"), (Device(), "product"),
        pytest.param(Device(), "sum", marks=pytest.mark.full),
    ],
    ids=str,
)  # fmt: skip
def test_two_populations_and_factors_of_either_side(device, current):
    model = two_populations()
    if current == "sum":  # no product: summed as it stands
        mixed = replace(model.projections[0], current="v_post = w*r_pre + gain_post*r_pre**2 : 1 (summed)")
        model = model.replace(projections=(mixed,))
    rng = np.random.default_rng(0)
    r, gain = rng.uniform(0, 1, (3, 7)), rng.uniform(1, 2, (3, 4))
    result = simulate(model, trials=3, device=device, initial={"sources.r": r, "followers.gain": gain})
    assert result.mean_r.dims == ("step", "trial", "sources_unit")
    w, h, y = result.forward_w.values[0], result.h.values[0], np.zeros((3, 4))
    for _ in range(20):
        v = gain * (np.exp(r) @ w.T) / 2 if current == "product" else r @ w.T + gain * (r**2).sum(axis=1)[:, None]
        r, y = r + 0.1 * (np.tanh(h) / 7 - r), y + 0.1 * (v - y)
    np.testing.assert_allclose(result.total.values[0], y.sum(axis=1), rtol=1e-9)


def test_a_phase_ends_when_every_trial_fulfils_its_condition():
    (phase,) = free_running().protocol.phases
    model = free_running()
    model = model.replace(protocol=replace(model.protocol, phases=(replace(phase, until="overlap > 0.3"),)))
    numbers = drawn(17, 4, items=1)
    target = numbers["cue"][0]
    options = {"parameters": {**SMALL, "M": 1}, "weights": {"recurrent": 0 * numbers["w"]}, "device": RUNTIME}
    many = simulate(model, trials=4, inputs={"cue": numbers["cue"], "target": target[None]},
                    initial={"units.x": numbers["x"]}, **options)  # fmt: skip
    alone = [
        simulate(model, inputs={"cue": numbers["cue"][:, b], "target": target[None, b]},
                 initial={"units.x": numbers["x"][b]}, **options).step_duration.values[0]
        for b in range(4)
    ]  # fmt: skip
    assert len(set(alone)) > 1
    assert many.step_duration.values[0] == pytest.approx(max(alone))
    assert (many.overlap.values > 0.3).all()


def test_plasticity_is_refused_with_the_phase_and_what_to_write():
    with pytest.raises(
        RuleError, match=r"'delta' may change 'recurrent' in the phase 'learn'.*freeze\(model, 'recall'"
    ):
        simulate("kurikawa2020", trials=3)
    with pytest.raises(TranslationError, match="has the rules delta"):
        translate(get_model("kurikawa2020"), trials=3)


def test_a_rule_whose_gate_stays_shut_is_no_obstacle():
    model = get_model("kurikawa2020")
    schedule = (Each("recall", items="M"),)
    only = model.replace(protocol=replace(model.protocol, schedule=schedule))
    assert only.rules
    spikes = simulate(only, "spiking", parameters={**SMALL, "cells_per_unit": 2}, trials=2, device=RUNTIME)
    assert spikes.parameter("cells_per_unit") == 2
    result = simulate(only, parameters=SMALL, trials=2, seed=5, device=RUNTIME)
    expected = simulate(RECALL, parameters=SMALL, trials=2, seed=5, device=RUNTIME)
    np.testing.assert_array_equal(result.mean_x.values, expected.mean_x.values)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"trials": 0}, TranslationError, "whole number of at least 1"),
        ({"trials": 3, "inputs": {"cue": np.ones((2, 4, 17))}}, RuleError, r"\(items, trial, unit\) = \(2, 3, 17\)"),
        ({"trials": 3, "initial": {"units.x": np.zeros((2, 17))}}, RuleError, r"\(trials, units\) = \(3, 17\)"),
        ({"inputs": {"cue": np.ones((2, 3, 17))}}, RuleError, r"expected shape \(items, unit\) = \(2, 17\)"),
    ],
)
def test_shapes_that_fit_no_trials_are_refused(options, error, says):
    with pytest.raises(error, match=says):
        simulate(RECALL, parameters=SMALL, device=RUNTIME, **options)


def test_a_phase_that_does_not_exist_is_not_frozen():
    with pytest.raises(RuleError, match="Did you mean 'recall'"):
        freeze(get_model("kurikawa2020"), "recal")


def test_trials_lie_side_by_side():
    values = np.arange(2 * 3 * 4).reshape(2, 12)  # two trials of three units with four cells each
    flat = side_by_side(values, 3)
    assert flat.tolist() == [*range(4), *range(12, 16), *range(4, 8), *range(16, 20), *range(8, 12), *range(20, 24)]


def test_recall_is_scored_in_every_trial():
    signs = np.sign(drawn(12, 4, items=3)["cue"])
    for given, wanted in ((signs, signs), (signs[:, 0], signs[:, :1])):
        result = simulate(
            RECALL, parameters={**SMALL, "N": 12, "M": 3}, inputs={"target": given}, device=RUNTIME, trials=4
        )
        table = measure.recall_table(result, threshold=0.05)
        expected = (result.mean_x.values * wanted).mean(axis=-1)
        assert table.score.dims == ("epoch", "item", "repeat", "trial")
        np.testing.assert_allclose(table.score.values[0, :, 0], expected, rtol=1e-12)
        assert float(table.recalled[0]) == pytest.approx((expected > 0.05).mean())
