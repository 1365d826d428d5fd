"""Steps whose state is chance: which they are, and that they are compared as statistics and not unit by unit."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms

from brainmem import Each, MemoryModel, Parameter, Pattern, Phase, Population, Protocol, Recalled, Repeat, Stimulus
from brainmem.model.cues import uncued
from brainmem.model.plan import plan_protocol
from brainmem.results.comparison import compare, matched_rates
from brainmem.results.result import Result
from tests.support import synthetic

DREAM = {"x": "uniform(-1, 1)"}
FROM_MEMORY = {"x": "memory*(1 - 2*binary(0.1))"}


def flags(*phases: tuple[str, dict], schedule=None, recalled: str = "") -> list[tuple[str, bool]]:
    """Return the steps of a protocol with these phases, and whether nothing cues them."""
    made = tuple(Phase(name, **{"duration": "tau", **fields}) for name, fields in phases)
    model = MemoryModel(
        "small",
        parameters=(Parameter("N", 4), Parameter("tau", 10 * ms)),
        populations=(
            Population("units", "drive = cue : 1\nphi = tanh(drive) : 1\ndx/dt = (phi - x)/tau : 1", rate="x",
                       drive="drive", transfer="phi", rate_range=(-1, 1)),
        ),
        patterns=(Pattern("memory", "units", items=2),),
        stimuli=(Stimulus("cue", "units", items=2),),
        protocol=Protocol(made, schedule or (Each(tuple(name for name, _ in phases), items=1),)),
        recalled=Recalled(phase=recalled, target="memory", score="pearson", threshold=0.5) if recalled else None,
        varied=True,
    )  # fmt: skip
    plan = plan_protocol(model, {"N": 4}, np.random.default_rng(0))
    return [(step.phase.name, flag) for step, flag in zip(plan.steps, uncued(model, plan), strict=True)]


def test_nothing_cues_what_begins_from_random_values_and_goes_on_from_it():
    assert flags(("kick", {"start": DREAM}), ("relax", {}), ("learn", {})) == [
        ("kick", True), ("relax", True), ("learn", True),
    ]  # fmt: skip
    assert flags(("kick", {"start": DREAM, "paired": True}), ("relax", {})) == [("kick", True), ("relax", True)]


def test_a_stimulus_or_a_pattern_cues_all_that_follows():
    cued = flags(("dream", {"start": DREAM}), ("show", {"stimuli": ("cue",)}), ("after", {}))
    assert cued == [("dream", True), ("show", False), ("after", False)]
    cued = flags(("dream", {"start": DREAM}), ("hint", {"start": FROM_MEMORY}), ("after", {}))
    assert cued == [("dream", True), ("hint", False), ("after", False)]
    assert flags(("shown", {"start": DREAM, "stimuli": ("cue",)})) == [("shown", False)]
    assert flags(("rest", {"start": {"x": "zeros()"}}), ("wait", {})) == [("rest", False), ("wait", False)]


def test_a_test_beside_the_protocol_leaves_no_trace():
    found = flags(("dream", {"start": DREAM}), ("test", {"stimuli": ("cue",), "restore": True}), ("sleep", {}))
    assert found == [("dream", True), ("test", False), ("sleep", True)]
    found = flags(("show", {"stimuli": ("cue",)}), ("test", {"start": DREAM, "restore": True}), ("after", {}))
    assert found == [("show", False), ("test", True), ("after", False)]


def test_the_phase_that_recall_is_scored_in_is_held_to_its_item():
    assert flags(("kick", {"start": DREAM}), ("test", {}), recalled="test") == [("kick", True), ("test", False)]


def test_one_phase_may_be_chance_in_some_of_its_steps():
    found = flags(
        ("kick", {"start": DREAM}),
        ("hint", {"start": FROM_MEMORY}),
        ("relax", {}),
        schedule=(Repeat(1, (Each(("kick", "relax"), items=1), Each(("hint", "relax"), items=1))),),
    )
    assert found == [("kick", True), ("relax", True), ("hint", False), ("relax", False)]


def by_chance(variant: str, rates: np.ndarray, phase: str = "learn") -> Result:
    """Return a result in which the steps of a phase are chance, with these rates."""
    made = synthetic.result(variant).data.copy(deep=True)
    here = made["step_phase"].values == phase
    made["step_uncued"] = ("step", here.astype(float))
    made["mean_x"].values[here] = rates
    return Result(made)


@pytest.fixture
def dreams() -> tuple[np.ndarray, np.ndarray]:
    """Return states of both variants, (step, unit): correlated alike, but other ones in each step."""
    rng = np.random.default_rng(3)
    steps = np.count_nonzero(synthetic.result()["step_phase"].values == "learn")
    mixing = rng.normal(size=(3, synthetic.UNITS))
    return tuple(np.sign(rng.normal(size=(steps, 3)) @ mixing) for _ in range(2))


def test_chance_is_compared_by_the_distribution_of_rates_and_by_their_products(dreams):
    first, second = dreams
    second = 0.9 * second
    rate, spiking = by_chance("rate", first), by_chance("spiking", second)
    comparison = compare(rate, spiking)
    keys = {item.key for item in comparison.agreements if item.part == "learn"}
    assert keys == {"rate_distribution", "rate_products", "closest_rate", "closest_spiking", "closest_distance"}
    ordered = np.abs(np.sort(first.ravel()) - np.sort(second.ravel())).mean() / first.std()
    assert comparison.get("rate_distribution", "learn").mean == pytest.approx(ordered)
    pairs = np.triu_indices(synthetic.UNITS, 1)
    products = [np.einsum("si,sj->ij", x, x)[pairs] / len(x) for x in (first, second)]
    assert comparison.get("rate_products", "learn").mean == pytest.approx(np.corrcoef(*products)[0, 1])
    assert comparison.get("rate_products", "learn").mean > 0.8
    best = [(x @ rate["target"].values.T / synthetic.UNITS).max(axis=1) for x in (first, second)]
    assert comparison.get("closest_rate", "learn").mean == pytest.approx(best[0].mean())
    assert comparison.get("closest_spiking", "learn").mean == pytest.approx(best[1].mean())
    distance = np.abs(np.sort(best[0]) - np.sort(best[1])).mean()
    assert comparison.get("closest_distance", "learn").mean == pytest.approx(distance)
    assert "all steps begin from random values and no pattern" in str(comparison)
    assert comparison.get("rate_pearson", "recall").n == 1  # what is cued is compared as ever
    assert len(matched_rates(rate, spiking, phase="learn", name="mean_x")[0]) == 0


def test_another_statistic_is_told_from_another_way(dreams):
    first, _ = dreams
    other = np.sign(np.random.default_rng(9).normal(size=first.shape))  # without the correlations
    comparison = compare(by_chance("rate", first), by_chance("spiking", other))
    assert abs(comparison.get("rate_products", "learn").mean) < 0.2


def test_steps_that_are_chance_in_one_variant_are_chance(dreams):
    first, second = dreams
    plain = synthetic.result("spiking").data.copy(deep=True)
    plain["mean_x"].values[plain["step_phase"].values == "learn"] = second
    comparison = compare(by_chance("rate", first), Result(plain))
    assert not [item for item in comparison.agreements if item.key == "rate_pearson" and item.part == "learn"]
    assert comparison.get("rate_products", "learn").n == 1


def test_values_that_the_model_gives_its_variants_are_no_other_settings():
    parameters = {"T": {"value": 1.0, "unit": "s", "meaning": "", "source": "ours"}}
    rate = synthetic.result("rate", parameters=parameters)
    own = {"T": {**parameters["T"], "value": 0.2, "in_rate": 1.0}}
    comparison = compare(rate, synthetic.result("spiking", parameters=own))
    assert "note: the model has other parameters in the two variants: T (1.0 and 0.2)" in str(comparison)
    given = {"T": {**parameters["T"], "value": 0.2}}
    with pytest.raises(Exception, match=r"differ in parameters: T \(1.0 and 0.2\)"):
        compare(rate, synthetic.result("spiking", parameters=given))
