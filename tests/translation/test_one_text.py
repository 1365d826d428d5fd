"""One continuous text in both variants, also where the paper's units are updated one at a time: wake and sleep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Spiking,
    TranslationError,
    arrays,
    compare,
    explain,
    freeze,
    get_model,
    measure,
    simulate,
    translate,
    verify,
)
from brainmem.model.by_variant import of_variant
from brainmem.model.plan import plan_protocol
from brainmem.numbers.run import Given, numbers_of
from brainmem.verification.drifts import Experiment
from tests.support.wake_sleep import wake_sleep

SMALL = {"N": 20, "P": 6, "blocks": 2, "dreams": 6, "damage": 2}
EPS = 0.05


def hebbian(patterns: np.ndarray) -> np.ndarray:
    w = patterns.T @ patterns / patterns.shape[1]
    np.fill_diagonal(w, 0)
    return w


def least_stability(w: np.ndarray, patterns: np.ndarray) -> float:
    return float((patterns * (patterns @ w.T) / np.linalg.norm(w, axis=1)).min())


@pytest.mark.parametrize("kernels", ["dense", "plain"])
def test_a_sweep_adds_and_takes_off_exactly_one_product_of_states(kernels):
    result = simulate(wake_sleep(), device=Device("runtime", kernels=kernels), parameters=SMALL, seed=2)
    patterns, w = result["memory"].values, result["couplings_w"].values
    np.testing.assert_allclose(w[1], hebbian(patterns), atol=1e-15)
    taken = (w[1] - w[2:]) * SMALL["N"] / EPS
    np.testing.assert_allclose(taken[0], 0, atol=1e-12)  # tests change nothing
    np.testing.assert_allclose(taken, np.round(taken), atol=1e-9)
    assert np.abs(w - w.transpose(0, 2, 1)).max() < 1e-15
    assert not np.diagonal(w, axis1=1, axis2=2).any()
    off = ~np.eye(SMALL["N"], dtype=bool)
    assert (np.round(taken[-1][off]) % 2 == 0).all()  # of the parity of the number of dreams
    dreams = result.select(phase="consolidate")["mean_x"].values
    np.testing.assert_allclose(taken[-1][off], (dreams.T @ dreams)[off], atol=1e-9)
    for before, state in zip(_couplings_before(w[1], dreams), dreams, strict=True):
        assert ((before @ state) * state >= -1e-9).all()  # each is a fixed point of the couplings that it finds


def _couplings_before(w: np.ndarray, dreams: np.ndarray):
    for state in dreams:
        yield w
        w = w - EPS / len(state) * (np.outer(state, state) - np.eye(len(state)))


def test_both_variants_begin_with_the_same_random_numbers_where_one_leaves_phases_out():
    model = wake_sleep()
    values = {}
    for variant in ("rate", "spiking"):
        translated = translate(model, variant)
        numbers = numbers_of(translated, Given({**SMALL, "force": 1.0}, {}, {}, {}), 4)
        rows, starts = numbers.arrays["table.cue_row"], numbers.arrays["table.cue_start"]
        seen: dict[tuple, int] = {}
        found = values[variant] = {}
        for row, step in zip(rows, numbers.plan.steps, strict=False):
            key = (step.phase.name, step.item, step.epoch)
            seen[key] = seen.get(key, 0) + 1
            if row:
                found[(*key, seen[key])] = starts[int(row)]
    left_out = {key for key in values["rate"] if key[0] == "judge"}
    assert len(left_out) == SMALL["P"]
    assert values["rate"].keys() - left_out == values["spiking"].keys()
    for key, start in values["spiking"].items():
        np.testing.assert_array_equal(start, values["rate"][key], err_msg=str(key))


def test_both_variants_come_in_the_same_orders():
    model = wake_sleep()
    orders = Protocol(
        model.protocol.phases,
        (Each("judge", items="P", order="random"), Each(("settle", "judge", "imprint"), items="P", order="random")),
    )
    model = model.replace(protocol=orders)
    plans = []
    for variant in ("rate", "spiking"):
        made = translate(model, variant).model
        plan = plan_protocol(made, {"P": 9}, np.random.default_rng(1))
        plans.append([(step.phase.name, step.item) for step in plan.steps if step.phase.name != "judge"])
        assert [step.snapshot for step in plan.steps][-1]
        assert plan.snapshot[plan.snapshot > 0].tolist() == ([1, 2] if variant == "rate" else [2])
    assert plans[0] == plans[1]


@pytest.fixture(scope="module")
def runs():
    shorter = {"blocks": 6, "dreams": 25}
    model = wake_sleep().vary(shorter)
    return simulate(model, "rate", seed=1), simulate(model, "spiking", seed=1)


@pytest.mark.slow
def test_cells_learn_awake_and_unlearn_asleep_what_the_binary_units_do(runs):
    rate, spiking = runs
    patterns, w = spiking["memory"].values, spiking["couplings_w"].values
    np.testing.assert_array_equal(patterns, rate["memory"].values)
    off = ~np.eye(50, dtype=bool)
    assert np.corrcoef(w[1][off], hebbian(patterns)[off])[0, 1] > 0.98
    assert np.polyfit(hebbian(patterns)[off], w[1][off], 1)[0] == pytest.approx(1, abs=0.02)
    assert np.abs(w - w.transpose(0, 2, 1)).max() < 1e-12
    curves = {run.variant: [least_stability(j, patterns) for j in run["couplings_w"].values[1:]] for run in runs}
    for curve in curves.values():
        assert curve[0] < -1.1
        assert max(curve) > 0
    tested = measure.recall_table(spiking)["score"].mean(["item", "repeat"]).values
    assert tested[0] < 0.7
    assert tested[-1] > 0.9


@pytest.mark.slow
def test_dreams_are_compared_as_statistics_and_what_is_cued_unit_by_unit(runs):
    comparison = compare(*runs)
    assert {item.part for item in comparison.agreements if item.key == "rate_pearson"} == {
        "settle", "imprint", "hint", "recall",
    }  # fmt: skip
    by_chance = {item.part for item in comparison.agreements if item.key == "rate_products"}
    assert by_chance == {"kick", "relax", "consolidate"}
    assert comparison.get("rate_products", "consolidate").mean > 0.95
    assert comparison.get("closest_distance", "consolidate").mean < 0.1
    assert comparison.get("rate_distribution", "consolidate").mean < 0.1
    assert comparison.get("weight_correlation").mean > 0.95
    said = str(comparison)
    assert "phase 'relax': all steps begin from random values and no pattern, or go on from one that does" in said
    assert "the model has other parameters in the two variants: force (1.0 and 2.0), T_sweep (1.0 and 0.2)" in said


def test_a_shut_gate_changes_nothing_asleep(runs):
    shut = simulate(wake_sleep().vary(blocks=6, dreams=25, asleep=0.0), "spiking", seed=1)  # the same program
    w = shut["couplings_w"].values
    np.testing.assert_array_equal(w[2:], np.broadcast_to(w[1], w[2:].shape))
    np.testing.assert_allclose(w[1], runs[1]["couplings_w"].values[1], rtol=0, atol=1e-14)


def test_the_printed_rate_variant_says_that_visits_stand_for_the_equation():
    text = str(translate(wake_sleep()))
    assert "# Visits set x in place of its equation, which cells follow in the spiking variant:" in text
    assert "#     dx/dt = (phi - x)/tau : 1" in text
    spiking = str(translate(wake_sleep(), "spiking"))
    assert "visit" not in spiking
    assert "flips" not in spiking


def test_rules_are_explained_and_verified_along_what_cells_run():
    assert "rule 'plus_minus': unbiased in the mean" in explain(wake_sleep(), "spiking", measured=False)
    experiment = Experiment(of_variant(wake_sleep(), "spiking"), Given(SMALL, {}, {}, {}), items=1)
    beside = experiment.translated.group("units").equations
    assert "dx_twin/dt = (phi_twin - x_twin)/tau : 1" in beside  # the rate network of the continuous text
    assert "judge" not in str(experiment.translated.model.protocol.schedule)


@pytest.mark.full
def test_the_drift_of_one_text_is_that_of_its_rate_rule():
    small = {"N": 20, "P": 4, "blocks": 1, "dreams": 4, "damage": 2}
    check = verify(wake_sleep(), parameters=small, seeds=3, weights="learned", cells_per_unit=(1,))
    assert check.passed
    wake = next(row for row in check.rows if row.phase == "imprint" and row.replayed)
    assert abs(wake.along.value) < 0.02


def attractors(**fields) -> MemoryModel:
    """Return rate units of another kind, whose test lasts longer and reads the mean of its end in spikes."""
    test = {"duration": "40*ms", "start": {"r": "0.5*memory + 0.25"}, "gates": {"recurrent": 1}, "average": "10*ms"}
    longer = {"duration": "T_long", "average": "100*ms", "gates": {"recurrent": "boost"}}
    return MemoryModel(
        "graded",
        parameters=(
            Parameter("N", 8),
            Parameter("tau", 10 * ms),
            Parameter("T_long", 150 * ms),
            Parameter("boost", 1.5, meaning="gain of the recurrent input in spikes"),
            Parameter("eta", 20 * Hz),
        ),
        populations=(
            Population(
                "units",
                "u : 1\ndrive = recurrent*u + 2*(input - 0.5) : 1\ninput : 1\nphi = 1/(1 + exp(-8*drive)) : 1\n"
                "dr/dt = (phi - r)/tau : 1",
                rate="r",
                drive="drive",
                transfer="phi",
            ),
        ),
        projections=(
            Projection(
                "rec",
                "units",
                "units",
                current="u_post = w*(r_pre - 0.5) : 1 (summed)",
                initial={"w": "zeros()"},
            ),
        ),
        rules=(
            LearningRule("hebb", "rec", continuous="dw/dt = plastic*eta*(r_pre - 0.5)*(r_post - 0.5) : 1"),
            LearningRule("mark", "rec", episodic="w += 1", at=("extra",)),
        ),
        patterns=(Pattern("memory", "units", items=2, draw="binary(0.5)"),),
        protocol=Protocol(
            (
                Phase("learn", duration="100*ms", start={"input": "memory"}, gates={"plastic": 1}),
                Phase("extra", duration="10*ms", spiking=None, gates={"recurrent": 0}),
                Phase("test", **{**test, "spiking": longer, **fields}),
            ),
            (Each("learn", items=2), Each(("extra", "test"), items=2)),
        ),
        recalled=Recalled(phase="test", target="memory", score="pearson", threshold=0.5),
        rate_dt="1*ms",
        spiking={"spike_dt": 1 * ms},
    )


def test_a_rate_network_is_tested_for_longer_in_spikes():
    model = attractors()
    rate = simulate(model, device="runtime", seed=3)
    poisson = Spiking(neuron="poisson", cells_per_unit=20)
    spiking = simulate(model, poisson, device="runtime", seed=3)
    assert spiking["step_phase"].values.tolist() == ["learn", "learn", "test", "test"]
    assert spiking.select(phase="test")["step_duration"].values == pytest.approx(0.15)
    assert rate.select(phase="test")["step_duration"].values == pytest.approx(0.04)
    gates = arrays(model, poisson, device="runtime")["table.recurrent_gate"]
    assert gates.tolist() == [0, 0, 1.5, 1.5, 0]
    marked = rate["rec_w"].values[-1] - rate["rec_w"].values[1]  # the rule of a phase that spikes leave out never acts
    np.testing.assert_allclose(marked[~np.eye(8, dtype=bool)], 2, rtol=1e-12)
    np.testing.assert_array_equal(spiking["rec_w"].values[-1], spiking["rec_w"].values[1])
    comparison = compare(rate, spiking)
    assert {item.part for item in comparison.agreements if item.key == "rate_nrmse"} == {"learn", "test"}
    assert "Only the rate variant ran the phase 'extra'." in str(comparison)
    assert not [item for item in comparison.agreements if item.key == "rate_products"]  # all of it is cued


@pytest.mark.full
def test_a_rate_network_whose_variants_differ_runs_the_same_compiled():
    model = attractors()
    poisson = Spiking(neuron="poisson", cells_per_unit=20)
    numpy, compiled = (simulate(model, "rate", device=device, seed=3) for device in ("runtime", "cpp_standalone"))
    np.testing.assert_allclose(compiled["rec_w"].values, numpy["rec_w"].values, rtol=1e-12)
    frozen = replace(model.protocol.phase("test"), spiking={})
    plain = model.replace(frozen, without=("boost", "T_long"))
    lengths = [simulate(item, poisson, seed=3)["step_duration"].values[-1] for item in (model, plain)]
    assert lengths == pytest.approx([0.15, 0.04])


@pytest.mark.slow
def test_trials_of_units_that_are_visited_in_the_rate_variant_run_in_spikes():
    """Cells have no visits, so that many trials of them run at once."""
    test = freeze(wake_sleep(), "hint", "recall", items="P")
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], size=(2, 12))
    options = {"inputs": {"memory": patterns}, "weights": {"couplings": hebbian(patterns)}, "device": "runtime"}
    result = simulate(test, "spiking", parameters={"N": 12, "P": 2, "damage": 1}, trials=3, **options)
    states = result.select(phase="recall")["mean_x"].values
    assert states.shape == (2, 3, 12)
    assert np.mean(states * patterns[:, None], axis=-1).min() > 0.7


def test_a_gate_that_visits_alone_read_is_refused_for_cells():
    warm = get_model("ventura2024")
    assert translate(warm, "rate", protocol="boltzmann")
    with pytest.raises(
        TranslationError, match=r"protocol 'boltzmann', phase 'unfit': it opens the gate 'heat'.*visits"
    ):
        translate(warm, "spiking", protocol="boltzmann")


@pytest.mark.slow
def test_rules_and_repetitions_whose_phases_cells_leave_out_are_told():
    sizes = {"N": 8, "P": 2, "rounds": 3, "kappa": 0.0}
    with pytest.warns(RuntimeWarning, match="'margin' changes nothing in the spiking variant"):
        cells = simulate("ventura2024", "spiking", protocol="perceptron", parameters=sizes, device="runtime")
    assert cells.repeats == []
    assert set(cells.step_phase.values) == {"show", "learn"}
    rate = simulate("ventura2024", protocol="perceptron", parameters=sizes, device="runtime")
    assert [item["until"] for item in rate.repeats] == ["lacking < 0.5"]
