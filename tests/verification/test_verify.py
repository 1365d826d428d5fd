"""Drifts of rules with held weights: the twin is the rate network, and what is claimed of a rule is what runs show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Phase,
    Protocol,
    ResultError,
    RuleError,
    Spiking,
    SpikingRule,
    explain,
    simulate,
    translate,
    verify,
)
from brainmem.model.acting import acts
from brainmem.model.parts import unchecked
from brainmem.numbers.run import Given
from brainmem.simulation.verdicts import verdicts
from brainmem.verification.drifts import Experiment
from brainmem.verification.shadow import hold
from brainmem.verification.twin import shortened
from tests.support.rule_models import (
    BROADCAST,
    DOUBLED,
    ELIGIBILITY,
    MODELS,
    ON_TRACES,
    POOLED,
    REWARDED,
    UNITS,
    network,
    rule,
)

STEP = {"spike_dt": 0.5 * ms}
BRIEF = Phase("learn", duration="0.1*second", stimuli=("c",))
SHORT = {"variant": Spiking(neuron="poisson"), "seeds": 5, "cells_per_unit": (4,)}


def summed(drifts) -> dict[str, np.ndarray]:
    """Return the drifts of the rate network over all phases, by rule."""
    found: dict[str, np.ndarray] = {}
    for (name, _, _), drift in drifts.items():
        found[name] = found.get(name, 0) + drift.rate
    return found


FEW = ("bcm", "inhibitory homeostatic")  # one population, and two


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FEW else pytest.mark.full) for n in MODELS])
def test_the_network_beside_the_cells_is_the_rate_variant_with_its_weights_held(name):
    _is_the_rate_variant(MODELS[name].replace(protocol=Protocol((BRIEF,), (Each("learn", items=2),))))


@pytest.mark.parametrize("until", ["", "reward > 0.3", "base > 0.05"])
def test_so_it_is_where_texts_and_conditions_read_numbers_of_the_whole_network(until):
    _is_the_rate_variant(REWARDED.replace(protocol=Protocol((replace(BRIEF, until=until),), (Each("learn", items=2),))))


def _is_the_rate_variant(model: MemoryModel) -> None:
    experiment = Experiment(model, Given(STEP, {}, {}, {}), device=Device("runtime"), spiking=Spiking(neuron="poisson"))
    trial = experiment.trial(3)
    found = summed(trial.run(experiment.executable(trial), replay=False).drifts)
    held = hold(shortened(model, experiment.parameters, None))
    plain = simulate(unchecked(held.model, rate_dt="0.5*ms"), seed=3, device="runtime")
    for (one, projection, variable), changed in zip(held.shadows, found.values(), strict=True):
        expected = plain[f"{projection}_{held.name(one, variable)}"].values[-1]
        np.testing.assert_allclose(changed, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.mark.full
def test_a_rule_drifts_in_spikes_as_is_claimed():
    found = verify(MODELS["bcm"], **SHORT)
    assert found.passed, found
    (row,) = [row for row in found.rows if row.replayed]
    assert row.along.error < 0.02


@pytest.mark.full
@pytest.mark.parametrize("neuron", ["poisson", "lif", "affine"])
@pytest.mark.parametrize("name", MODELS)
def test_rules_drift_in_spikes_as_is_claimed_over_ten_seeds(name, neuron):
    found = verify(MODELS[name], Spiking(neuron=neuron))
    assert found.passed, found
    row = found.of(MODELS[name].rules[0].name, cells_per_unit=4)
    lead = row.expected[0] if name == "three factors" or neuron == "affine" else 0.0
    assert abs(row.along.value - lead) <= 0.01 + 3 * row.along.error


@pytest.mark.full
def test_the_rules_of_shipped_models_drift_as_is_claimed():
    found = verify("kurikawa2020", seeds=3, items=2, cells_per_unit=(4,))
    assert found.passed, found
    assert found.of("delta").along.error < 0.01


@pytest.mark.full
def test_the_rules_of_shipped_models_drift_as_is_claimed_at_their_own_size():
    for key in ("kurikawa2020", "rajan2016"):
        assert verify(key).passed
    assert verify("kurikawa2020", Spiking(neuron="poisson"), weights="learned").passed


@pytest.mark.slow
@pytest.mark.parametrize("model", [REWARDED, BROADCAST], ids=["a reward and a trace", "a sum and one of its terms"])
def test_factors_of_the_same_spikes_are_biased_as_is_claimed(model):
    """Both count the spikes of one unit: Cov(reward, elig) adds to its weights, Cov(total, x) to all."""
    found = verify(model, Spiking(neuron="poisson"), parameters={"N": 4, "slow": 30 * ms}, seeds=5, cells_per_unit=(1,))
    assert found.passed, found
    row = found.of("rule")
    assert row.along.value - 3 * row.along.error > 0.05
    assert "factors follow the noise of the same spikes, through sums and states" in found.verdicts[0]


@pytest.mark.slow
def test_a_planted_bias_is_caught():
    found = verify(DOUBLED, **SHORT)
    assert not found.passed
    row = found.of("rule")
    assert row.holds is False
    assert abs(row.along.value - 1) < 0.05 + 3 * row.along.error
    assert "With replayed rates not as expected: 'rule'. The translation is to blame." in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [(1,), pytest.param((1, 4), marks=pytest.mark.full)])
def test_a_bias_that_is_claimed_is_the_one_that_runs_show(cells):
    found = verify(ON_TRACES, Spiking(neuron="poisson"), seeds=5, cells_per_unit=cells)
    assert found.passed, found
    biases = [found.of("rule", cells_per_unit=count).along for count in cells]
    assert biases[0].value < -0.15  # of the decay, whose x**2 gains the variance of the trace
    for count, bias in zip(cells, biases, strict=True):
        assert abs(biases[0].value - count * bias.value) < 0.25 * abs(biases[0].value) + 3 * biases[0].error
    assert "biased by about -2" in found.verdicts[0]
    assert "because read='trace' takes traces as they are" in found.verdicts[0]
    table = found.to_dataframe()
    assert table.loc[table["replayed"], "along"].tolist() == [bias.value for bias in biases]
    with pytest.raises(ResultError, match=r"No drift of rule 'other'.*there are: rule, w, learn, 1"):
        found.of("other")


# Verdicts, without runs


def verdict(model, **options) -> str:
    (found,) = verdicts(translate(model, Spiking(**options)))
    return str(found)


def test_a_rule_that_reads_no_rate_is_the_same_in_both_variants():
    decay = network(rule("-eta*w"))
    assert verdict(decay) == "rule 'rule': reads no rate: the same in both variants"
    text = explain(decay, "spiking")
    assert "reads no rate: the same in both variants" in text
    assert "trace" not in text.split("How rules are read from spikes:")[1]


@pytest.mark.parametrize("name", ["bcm", "oja", "inhibitory homeostatic"])
def test_a_rule_whose_terms_are_right_is_unbiased(name):
    said = verdict(MODELS[name], neuron="poisson")
    assert ": unbiased in the mean" in said
    assert said.endswith("which may add to its drift")  # of the recurrent or feedback weights


@pytest.mark.parametrize(
    "model",
    [MODELS["three factors"], REWARDED, BROADCAST, POOLED],
    ids=["of the unit", "of the network", "without a trace", "of each unit alike"],
)
def test_a_product_with_a_reward_is_not_vouched_for(model):
    """Each factor is right in the mean, but both may follow the same spikes."""
    said = verdict(model, neuron="poisson")
    assert ": may be biased, because factors follow the noise of the same spikes, through sums and states" in said


def test_a_trace_that_nothing_noisy_multiplies_is_unbiased():
    alone = LearningRule("rule", "recurrent", continuous=f"{ELIGIBILITY}\ndw/dt = eta*c_post*(elig - goal*w) : 1")
    assert ": unbiased in the mean" in verdict(network(alone), neuron="poisson")


def test_an_authors_own_text_is_not_vouched_for():
    own = rule(
        "eta*x_pre*x_post", spiking=SpikingRule(on_post="w += eta*x_pre*count_post/rate_max", why="as published")
    )
    assert "has a spiking text of its author's own, of which nothing is claimed" in verdict(network(own))


def test_a_rule_on_traces_may_be_biased():
    assert verdict(ON_TRACES).startswith("rule 'rule': may be biased, because read='trace' takes traces as they are")


@pytest.mark.slow
def test_a_lead_is_told_apart_from_the_noise():
    said = explain(MODELS["three factors"], Spiking(neuron="poisson"))
    assert "reads traces across jumps of the rates, which changes its drift by about +" in said


# Observables


POWER, MEAN = Observable("power", "x**2", population="units"), Observable("level", "x", population="units")


@pytest.mark.slow
def test_an_observable_that_nothing_reads_says_how_much_of_it_is_noise():
    """For Poisson cells x**2 gains the variance of the trace, x/(2*tau*rate_max), in every unit."""
    model = MODELS["oja"].replace(observables=(POWER, MEAN))
    translated = translate(model, "spiking")
    assert translated.reported == ("power",)
    said = explain(model, Spiking(neuron="poisson"))
    (line,) = [line for line in said.splitlines() if "observable 'power'" in line]
    found = float(line.split(":")[1].split("%")[0]) / 100
    run = simulate(model, "rate", record=("mean_x",))
    x, tau, rate_max = run.mean_x.values, 0.03, 100.0
    noise = float(np.mean(x)) / (2 * tau * rate_max)
    assert found == pytest.approx(noise / (noise + float(np.mean(x**2))), rel=0.1)
    assert "'level'" not in said


def test_an_observable_of_a_state_that_only_it_reads_holds_noise_too():
    model = network(rule("eta*x_pre*x_post"), "dpower/dt = (x**2 - power)/slow : 1")
    seen = Observable("seen", "power", population="units")
    assert translate(model.replace(observables=(seen,)), "spiking").reported == ("seen",)
    assert not translate(MODELS["oja in the population"].replace(observables=(seen,)), "spiking").reported


# Errors


def test_a_model_without_rules_has_no_drift():
    with pytest.raises(RuleError, match="no rule acts in any phase of its protocol, so there is no drift"):
        verify(network(rule("0*eta")).replace(rules=(), projections=()), seeds=1)


def test_weights_are_arrays_or_the_learned_ones():
    with pytest.raises(RuleError, match=r"verify\(\): weights='learnt' must be arrays by projection, or 'learned'"):
        verify(MODELS["oja"], weights="learnt", seeds=1)


def test_a_name_that_the_network_beside_needs_is_refused():
    model = network(rule("eta*x_pre*x_post"), "dx_twin/dt = -x_twin/tau : 1")
    with pytest.raises(RuleError, match=r"the name 'x_twin' is needed for the rate network that runs beside"):
        verify(model, seeds=1)
    assert "sizes could not be measured" in explain(model, "spiking")


@pytest.mark.full
def test_a_rule_of_weights_that_no_current_reads_is_looked_at():
    """The weights that the rule would bring to the product of the rates drift towards it."""
    model = network(LearningRule("rule", "recurrent", continuous="dw/dt = eta*(x_pre*x_post - w) : 1"))
    silent = replace(model.projection("recurrent"), current="")
    units = replace(model.population("units"), equations=UNITS.replace("\nu : 1\n", "").replace("c + u", "c"))
    found = verify(model.replace(projections=(silent,), populations=(units,)), **SHORT)
    assert found.passed, found


def test_a_rule_acts_on_the_variables_that_are_asked_for():
    model = network(LearningRule("rule", "recurrent", continuous="dw/dt = eta*(x_pre*x_post - w) : 1"))
    silent = model.replace(projections=(replace(model.projection("recurrent"), current=""),))
    given = (silent, silent.rules[0], silent.protocol.phases[0], {})
    assert acts(*given, changing={"w"})
    assert not acts(*given)  # what the network does is not changed by it
