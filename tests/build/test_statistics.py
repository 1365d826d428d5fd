"""Statistics over synapses: the numbers of plain numpy, on every device."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import Device, simulate
from brainmem.build.kernels import choose_kernels
from brainmem.translation import translate
from tests.support.statistics_models import SEED, feedforward, feedforward_in_numpy, recurrent, recurrent_in_numpy

NUMPY, DENSE = Device("runtime", target="numpy"), Device()
DEVICES = [
    NUMPY,
    DENSE,
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
    pytest.param(Device("runtime", target="cython", kernels="plain"), marks=[pytest.mark.cython, pytest.mark.full]),
    pytest.param(Device(kernels="plain"), marks=pytest.mark.full),
    pytest.param(Device(threads=2), marks=pytest.mark.full),
]
EXACT = {"rtol": 1e-12, "atol": 1e-14}


def changed(result, name):
    """Return a variable of synapses at the beginning and at the end of a run."""
    values = result.data[name].values
    return values[0], values[-1]


def off_diagonal(values):
    return values[~np.eye(len(values), dtype=bool)]


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_rules_of_all_forms_read_statistics_as_numpy_computes_them(device):
    generator = np.random.default_rng(0)
    x, y = generator.uniform(0.5, 1, 6), generator.uniform(0.5, 1, 5)
    result = simulate(feedforward(), seed=SEED, device=device, initial={"inputs.x": x, "outputs.y": y})
    (w, last_w), (v, last_v) = (changed(result, f"onto_{name}") for name in "wv")
    expected_w, expected_v = feedforward_in_numpy(w, v, x, y)
    np.testing.assert_allclose(last_w, expected_w, **EXACT)
    np.testing.assert_allclose(last_v, expected_v, **EXACT)
    assert abs(last_w - w).max() > 0.1
    assert abs(last_v - v).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_shuffles_of_a_population_onto_itself_keep_pairs_and_values(device):
    model, generator = recurrent(), np.random.default_rng(1)
    x, w = generator.uniform(-1, 1, 9), generator.normal(size=(9, 9))
    w = (w + w.T) * ~np.eye(9, dtype=bool)
    result = simulate(model, seed=SEED, device=device, weights={"tied": w}, initial={"units.x": x})
    (_, last), (s, last_s), (r, last_r) = (changed(result, name) for name in ("tied_w", "whole_s", "part_r"))
    expected = recurrent_in_numpy(w, s, np.nan_to_num(r), x)
    np.testing.assert_allclose(off_diagonal(last), off_diagonal(expected[0]), **EXACT)
    np.testing.assert_array_equal(last_s, expected[1])
    exists = np.arange(7)[:, None] + 2 != np.arange(6)
    np.testing.assert_array_equal(last_r[exists], expected[2][exists])
    np.testing.assert_array_equal(off_diagonal(last), off_diagonal(last.T))  # symmetric to the bit
    parts = (off_diagonal(s), off_diagonal(last_s)), (np.diag(s), np.diag(last_s)), (r[exists], last_r[exists])
    for before, after in parts:
        np.testing.assert_array_equal(np.sort(before.ravel()), np.sort(after.ravel()))
        assert not np.array_equal(before, after)


def test_no_change_waits_and_no_pass_is_fused_where_a_rule_reads_statistics_of_the_weights():
    for model, name in ((feedforward(), "onto"), (recurrent(), "tied")):
        kernel = choose_kernels(translate(model), DENSE)[name]
        assert (kernel.dense, kernel.deferral, kernel.fused) == (True, None, None)
