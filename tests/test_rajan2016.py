"""Rajan, Harvey & Tank (2016): a small network learns a sequence through a part of its synapses."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, get_model, measure, simulate, translate

SMALL = {"N": 150, "T": "2*second", "sigma": "0.12*second", "p": 0.3, "tests": 4}


@pytest.fixture(scope="module")
def learned():
    return simulate("rajan2016", parameters=SMALL, seed=1)


def test_a_small_network_learns_the_sequence_in_eight_passes(learned):
    """At least .90, where the ceiling phi(f + h) leaves .95; a numerical reconstruction has .935."""
    found = measure.pvar_of_tests(learned)
    assert found.shape == (4,)
    assert found.max() >= 0.90
    R, h = learned.R.values, learned.h.values
    goal = np.clip(R, 0.01, 0.99)
    assert found.max() <= measure.pvar(R, 1 / (1 + np.exp(-(np.log(goal / (1 - goal)) + h)))) + 0.01


def test_the_weights_kept_from_the_best_test_show_its_pvar_in_a_pass_by_hand(learned):
    assert learned.plastic_w.shape == (5, 150, 45)
    found = measure.pvar_of_tests(learned)
    best = int(np.argmax(found)) + 1
    plastic, fixed = learned.plastic_w.values[best], learned.fixed_w.values[best]
    x, rates = _start(learned), []
    for h in learned.h.values[0]:
        rates.append(1 / (1 + np.exp(-x)))
        x = x + 0.1 * (-x + plastic @ rates[-1][:45] + fixed @ rates[-1][45:] + h)
    assert measure.pvar(learned.R.values[0], np.array(rates)) == pytest.approx(found.max(), abs=1e-9)


def _start(result):
    goal = np.clip(result.R.values[0, 0], 0.01, 0.99)
    return np.log(goal / (1 - goal))


def test_the_synapses_of_other_units_never_change(learned):
    np.testing.assert_array_equal(learned.fixed_w.values[-1], learned.fixed_w.values[0])


def test_a_network_without_plastic_synapses_does_not_learn():
    """The random network alone: its pVar is below 0."""
    short = {**SMALL, "p": 0.0, "tests": 1, "passes": 1, "T": "1*second"}
    result = simulate("rajan2016", parameters=short, seed=1, device="runtime")
    assert measure.pvar_of_tests(result)[0] < 0
    assert result.plastic_w.shape == (2, 150, 0)


def test_targets_are_bumps_in_an_order_of_their_own(learned):
    peaks = np.argsort(np.argsort(learned.R.values[0].argmax(axis=0)))
    np.testing.assert_array_equal(peaks, learned.place.values[0])
    assert abs(np.corrcoef(peaks, np.arange(150))[0, 1]) < 0.4


def test_the_spiking_variant_reads_the_rule_from_traces():
    translated = translate(get_model("rajan2016"), "spiking")
    assert translated.group("units_cells").size == "N*cells_per_unit"
    assert [op.name for op in translated.connection("inverse").operations] == ["squares"]


@pytest.mark.parametrize(("options", "said"), [({"phase": "tset"}, "learn, test"), ({"target": "D"}, "no 'D'")])
def test_pvar_says_what_a_result_lacks(learned, options, said):
    with pytest.raises(ResultError, match=said):
        measure.pvar_of_tests(learned, **options)
