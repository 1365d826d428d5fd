"""Deistler et al. (2018): the network learns and recalls as its equations do in plain numpy, rule by rule."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from brainmem.models.deistler2018 import networks, reference, tuning
from brainmem.models.deistler2018.importances import Synapses, importance_of

from brainmem import Spiking, Tuned, get_model, measure, shuffle_order, simulate

RULES = {  # importance in the text, in the reference, and parameters of both
    "hebb": ("hebb", {"eta": 0.07}),
    "exponential": ("exponential", {"eta": 0.2503, "a": 38.8}),
    "weight_threshold": ("weight_threshold", {"eta": 0.0463, "Theta": 0.0916}),
    "magnitude_threshold": ("weight_threshold", {"eta": 0.05, "Theta": 0.08}),
    "bayes": ("bayes", {"eta": 0.735, "c": 0.0058}),
    "bayes_pow": ("bayes_pow", {"eta": 0.3, "c": 0.01}),
    "fisher": ("fisher", {"eta": 0.02, "a": 80.0}),
    "fisher_threshold": ("fisher_threshold", {"eta": 0.02, "Theta": 0.03}),
    "fisher_bayes": ("fisher_bayes", {"eta": 0.1, "c": 0.01}),
    "fisher_local": ("fisher_local", {"eta": 0.02, "a": 40.0}),
    "count": ("count", {"eta": 0.02, "c": 3.0}),
    "anneal": ("anneal", {"eta": 1.0, "n0": 20.0}),
    "anti": ("anti", {"eta": 0.05, "a": 20.0}),
}
FAIR = {"fire": "winners", "diagonal": "zero", "moved": 2}
PUBLISHED = {"fire": "threshold", "diagonal": "kept", "moved": 0, "theta": 1.0}


def run(importance: str, values: dict, *, P: int = 7, device: str = "runtime", **options):
    """Learn P patterns, each test following; return the result."""
    parameters = {"importance": importance, "P": P, "tested": tuple(range(1, P + 1)), "foils": 3, **values, **options}
    return simulate(
        "deistler2018", protocol="sequence", seed=3, device=device, parameters=parameters, record={"weights": ("last",)}
    )


def repeated(result, rule: str, values: dict, readout: reference.Readout, **more):
    """Return weights at the end and all recalled states, of the reference, for what a run was given."""
    old, shown, cues, foils = (result[name].values for name in ("old", "pattern", "cue", "foil"))
    weights = reference.learn(
        reference.batch_hebb(old, 0.1, diagonal=readout.diagonal),
        shown, rule, s=0.1, epochs=5, diagonal=readout.diagonal, counted=old, **values, **more,
    )  # fmt: skip
    states, w = [], None
    for k, w in enumerate(itertools.islice(weights, 4, None, 5), 1):
        states += [reference.recall(w, cues[:k], readout, s=0.1), reference.recall(w, foils, readout, s=0.1)]
    return w, np.concatenate(states)


def recalled(result) -> np.ndarray:
    """Return the states at the end of all tests, in the order in which these came."""
    return result.mean_x.values[np.isin(result.step_phase.values, ("recall", "recall_foil"))]


def agree(result, rule, values, readout, **more):
    w, states = repeated(result, rule, values, readout, **more)
    found = result.recurrent_w.values[-1]
    assert np.abs(found - w).max() < 1e-12
    assert np.array_equal(found, found.T)
    assert np.array_equal(recalled(result), states)
    return states


@pytest.mark.parametrize("name", RULES)
def test_every_rule_learns_and_recalls_as_in_numpy(name):
    rule, values = RULES[name]
    options = {"absolute": True, "own": True} if name == "magnitude_threshold" else {}
    agree(run(name, values, **FAIR), rule, values, reference.D, **options)


@pytest.mark.parametrize("name", ["exponential", "hebb", "count"])
def test_the_gate_on_the_size_of_changes_multiplies_every_importance(name):
    rule, values = RULES[name]
    result = run(name, {**values, "z_min": 0.1}, **PUBLISHED)
    agree(result, f"{rule}+gate", {**values, "t": 0.1}, reference.A)


@pytest.mark.parametrize("readout", ["published", "fair"])
def test_long_sequences_agree_in_compiled_code(readout):
    given, name = (PUBLISHED, "A") if readout == "published" else (FAIR, "D")
    rule, values = RULES["exponential"]
    result = run("exponential", values, P=30, device="cpp_standalone", **given)
    states = agree(result, rule, values, getattr(reference, name))
    assert len(states) == 30 * 31 // 2 + 30 * 3


@pytest.mark.full
@pytest.mark.parametrize(
    "device", ["cpp_standalone", "runtime:numpy", pytest.param("runtime:cython", marks=pytest.mark.cython)]
)
@pytest.mark.parametrize("name", RULES)
def test_ten_thousand_recalls_agree_on_every_device(name, device):
    rule, values = RULES[name]
    options = {"absolute": True, "own": True} if name == "magnitude_threshold" else {}
    agree(run(name, values, P=40, device=device, **FAIR), rule, values, reference.D, **options)


SHUFFLED = {
    "shuffled_exponential": ("exponential", {"eta": 0.02, "a": 12.4}),
    "shuffled_threshold": ("weight_threshold", {"eta": 0.02, "Theta": 0.02}),
}


@pytest.mark.parametrize("name", SHUFFLED)
def test_shuffled_importances_are_those_of_other_synapses_as_their_public_order_says(name):
    rule, values = SHUFFLED[name]
    result = run(name, values, P=6, **FAIR)
    shown, apart = result.pattern.values, ~np.eye(100, dtype=bool)
    w = reference.batch_hebb(result.old.values, 0.1, diagonal=False)
    importance = importance_of(rule, **{key: value for key, value in values.items() if key != "eta"})
    options = {"rule": "learning", "seed": 3, "recurrent": True, "self_connections": True}
    for update in range(30):
        d = shown[update // 5] - 0.1
        z = np.outer(d, d) - w
        Om = importance(Synapses(w, z, *3 * [None], 0, 0.1))
        Om = Om.ravel()[shuffle_order(100, 100, update=update, **options)].reshape(100, 100)
        w = w + values["eta"] * Om * z * apart
    found = result.recurrent_w.values[-1]
    assert np.abs(found - w).max() < 1e-12
    assert np.array_equal(found, found.T)


def test_the_top_of_the_curvature_is_held():
    result = run("fisher_top", {"eta": 0.05, "top": 0.05}, P=6, **FAIR)
    old, shown, apart = result.old.values - 0.1, result.pattern.values - 0.1, ~np.eye(100, dtype=bool)
    w = reference.batch_hebb(result.old.values, 0.1, diagonal=False)
    S1, S2, n = old.T @ old, (old**2).T @ old**2, 20
    for d in shown:
        F = S2 / n - (S1 / n) ** 2
        plastic = np.quantile(F * apart, 0.95) >= F
        for _ in range(5):
            w = w + 0.05 * plastic * (np.outer(d, d) - w) * apart
        S1, S2, n = S1 + np.outer(d, d), S2 + np.outer(d, d) ** 2, n + 1
    assert np.abs(result.recurrent_w.values[-1] - w).max() < 1e-12


@pytest.mark.slow
def test_cells_recall_by_themselves_what_they_were_taught_and_a_dead_network_nothing():
    rng = np.random.default_rng(0)
    shown = reference.patterns(4, 60, 0.1, rng)
    w = (reference.batch_hebb(shown, 0.1) - 0.08) * ~np.eye(60, dtype=bool)
    options = {"M": 60, "P": 4, "foils": 1, "n_inh": 20, "cells_per_unit": 4}
    kept = [
        measure.recall_table(
            simulate(
                "deistler2018/inhibition",
                Spiking(neuron="poisson"),
                protocol="recall",
                seed=1,
                device="runtime",
                parameters=options,
                inputs={"pattern": shown},
                weights={"recurrent": weights},
                record=(),
            )
        )["score"].values
        > 0.9
        for weights in (w, 0 * w)
    ]
    assert kept[0].all()
    assert not kept[1].any()


def test_patterns_have_exactly_k_active_units_and_cues_exactly_so_many_moved():
    result = run("hebb", {"eta": 0.05}, P=8, **FAIR)
    for name in ("old", "pattern", "foil", "cue"):
        assert (result[name].values.sum(axis=1) == 10).all()
    assert ((result.pattern.values != result.cue.values).sum(axis=1) == 4).all()


def test_reading_the_pattern_shown_learns_what_reading_the_rates_does():
    model = get_model("deistler2018").choose(importance="exponential", diagonal="zero", fire="winners")
    learning = model.rules[0]
    shown = "dw/dt = (eta/beat)*importance*int(i != j)*((pattern_pre - s)*(pattern_post - s) - w) : 1"
    shown = shown.replace("importance", "exp(-a*abs(w))")
    other = model.replace(type(learning)("learning", "recurrent", during=("learn",), continuous=shown))
    weights = [
        simulate(one, protocol="learning", seed=1, device="runtime", parameters={"P": 15}).recurrent_w.values[-1]
        for one in (model, other)
    ]
    assert np.abs(weights[0] - weights[1]).max() < 1e-15
    assert np.abs(weights[0]).max() > 0.05


def test_published_weight_threshold_stores_what_was_active_together_and_nothing_else():
    _, values = RULES["weight_threshold"]
    result = run("weight_threshold", values, P=10, **PUBLISHED)
    old, shown, w = result.old.values, result.pattern.values, result.recurrent_w.values[-1]
    together = shown.T @ shown > 0
    assert (w[together] > values["Theta"]).all()
    assert not (w[~together & (old.T @ old == 0)] > values["Theta"]).any()


GATED = {"eta": 0.1298, "a": 26.7, "z_min": 0.188}  # published: keeps all of 20
MUST_FAIL = {
    "no self-connections": ("exponential", {**GATED, "diagonal": "zero"}),
    "noisy cues": ("exponential", {**GATED, "moved": 2}),
    "reversed importances": ("anti", {"eta": 0.2503, "a": 38.8}),
    "shuffled importances": ("shuffled_exponential", {"eta": 0.2503, "a": 38.8}),
    "Hebb": ("hebb", {"eta": 0.07}),
}


def kept_of_20(importance, values) -> tuple[int, int]:
    """Return how many of 20 patterns are kept at the published threshold, and how many of 20 foils."""
    result = run(importance, {**PUBLISHED, **values}, P=20, tested=(20,), foils=20)
    tests = {phase: result.step_phase.values == phase for phase in ("recall", "recall_foil")}
    found = [
        reference.dice(result.mean_x.values[tests[phase]], result[name].values)
        for phase, name in (("recall", "pattern"), ("recall_foil", "foil"))
    ]
    return tuple(int((score > 0.9).sum()) for score in found)


def test_what_is_published_keeps_twenty_patterns_and_no_foil():
    assert kept_of_20("exponential", GATED) == (20, 0)


@pytest.mark.parametrize("case", MUST_FAIL)
def test_without_what_it_rests_on_little_is_kept(case):
    assert kept_of_20(*MUST_FAIL[case])[0] <= 5


@pytest.mark.slow
def test_the_command_that_fits_the_parameters_of_the_fair_test_begins_with_those_that_are_kept(tmp_path, capsys):
    command = [sys.executable, "-m", "brainmem.models.deistler2018.tuning", str(tmp_path)]
    done = subprocess.run([*command, "--budget", "2", "gate alone"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("gate alone\ndeistler2018, rate variant, protocol sequence, with fire = winners")
    found = Tuned.load(tmp_path / "rate" / "gate_alone")
    kept, ungated = found.evaluations
    assert kept.point == {name: networks.FAIR["gate alone"][name] for name in ("eta", "z_min")}
    assert np.mean(kept.values) == pytest.approx(20.2, abs=0.06)  # as `networks` says
    assert ungated.point == {"eta": networks.FAIR["hebb"]["eta"], "z_min": 0.0}
    assert np.mean(ungated.values) == pytest.approx(15.5, abs=0.06)
    with pytest.raises(SystemExit):
        tuning.main([str(tmp_path), "no rule"])
    assert "no rule 'no rule'; there are: hebb, 1/n annealing" in capsys.readouterr().err
