"""Currents between regions: their sums, their shares, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, measure

RNG = np.random.default_rng(3)
REGIONS = ("A", "B", "A", "C", "B", "A")
WEIGHTS, RATES = RNG.normal(size=(6, 6)), RNG.normal(size=(50, 6))


def test_all_sources_together_are_the_recurrent_current_of_each_unit():
    found = measure.region_currents(WEIGHTS, RATES, REGIONS, units=tuple("uvwxyz"), step=0.5)
    assert found.dims == ("target region", "source region", "unit", "time")
    assert found.shape == (3, 3, 3, 50)
    total, whole = found.sum("source region"), RATES @ WEIGHTS.T
    for region in "ABC":
        own = [k for k, name in enumerate(REGIONS) if name == region]
        assert found.unit_name.sel({"target region": region}).values[: len(own)].tolist() == ["uvwxyz"[k] for k in own]
        np.testing.assert_allclose(total.sel({"target region": region})[: len(own)].T, whole[:, own], atol=1e-12)
    assert found.sel({"target region": "C"}).isnull().sum() == 3 * 2 * 50
    assert found.time.values[:2].tolist() == [0.0, 0.5]


def test_one_current_is_the_weights_of_its_pair_times_the_rates_of_its_source():
    found = measure.region_currents(WEIGHTS, RATES[None], REGIONS).isel(trial=0)
    pair = found.sel({"target region": "B", "source region": "A"}).values[:2]
    np.testing.assert_allclose(pair, WEIGHTS[[1, 4]][:, [0, 2, 5]] @ RATES[:, [0, 2, 5]].T, atol=1e-12)


def test_shares_add_up_to_one_and_belong_to_what_moves():
    weights = WEIGHTS.copy()
    weights[:, 3] = 0  # C drives nobody
    rates = RATES.copy()
    rates[:, [1, 4]] = 0.7  # B stands still
    shares = measure.region_shares(measure.region_currents(weights, rates, REGIONS))
    np.testing.assert_allclose(shares.share.sum("source region"), 1)
    np.testing.assert_allclose(shares.share.sel({"source region": ["B", "C"]}), 0, atol=1e-12)
    np.testing.assert_allclose(shares.variance.sel({"source region": "B"}), 0, atol=1e-12)
    sent = 0.7 * weights[3, [1, 4]].sum()
    assert shares.rms.sel({"target region": "C", "source region": "B"}) == pytest.approx(abs(sent))


def test_the_share_of_a_source_that_works_against_the_sum_is_below_0():
    rates = np.outer(np.sin(np.arange(50)), np.ones(3))
    weights = np.tile([2.0, -0.5, 0.0], (3, 1))
    shares = measure.region_shares(measure.region_currents(weights, rates, ("A", "B", "C")))
    np.testing.assert_allclose(shares.share.sel({"target region": "A"}), [2 / 1.5, -0.5 / 1.5, 0], atol=1e-12)


def test_weights_between_regions_are_those_of_their_block():
    found = measure.region_weights(WEIGHTS, REGIONS).sel({"target region": "A", "source region": "B"})
    block = WEIGHTS[np.ix_([0, 2, 5], [1, 4])]
    assert found["mean"] == pytest.approx(block.mean())
    assert found["size"] == pytest.approx(np.abs(block).mean())
    assert found.synapses == 6


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: measure.region_currents(WEIGHTS, RATES, REGIONS[:5]), "5 regions do not fit"),
        (lambda: measure.region_currents(WEIGHTS, RATES[:, :4], REGIONS), "4 units with rates"),
        (lambda: measure.region_currents(WEIGHTS, RATES, REGIONS, units=("a",)), "1 names for 6 units"),
        (lambda: measure.region_weights(WEIGHTS[:5], REGIONS), r"weights \(5, 6\)"),
        (lambda: measure.region_shares(RATES), "what measure.region_currents"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ResultError, match=said):
        call()
