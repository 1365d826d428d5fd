"""The claims of every model hold at `quick` size, in both variants; `full` runs behind a marker."""

from __future__ import annotations

import math

import numpy as np
import pytest

from brainmem import BrainmemError, list_models, reproduce
from brainmem.claims import Finding, at_least, near, within
from brainmem.models import get_claims

WITH_CLAIMS = [key for key in list_models() if get_claims(key)]
LONG = {"rajan2016": {"A6", "A8", "S3"}}  # more than half of the time of all; their full size runs behind the marker


def failures(reproduction, variant: str) -> list[str]:
    return [
        f"{row['key']} {row['quantity']}: {row[variant]['value']:.3f}, expected "
        f"{row[variant]['expected_low']} ... {row[variant]['expected_high']}"
        for row in reproduction.rows
        if variant in row and row[variant]["passed"] is False
    ]


@pytest.mark.claims
@pytest.mark.parametrize("variant", ["rate", "spiking"])
@pytest.mark.parametrize("key", WITH_CLAIMS)
def test_the_claims_of_a_model_hold_at_quick_size(key, variant):
    brief = tuple(claim.key for claim in get_claims(key) if claim.key not in LONG.get(key, ()))
    found = reproduce(key, claims=brief, variant=variant)
    checked = [row for row in found.rows if variant in row and row[variant]["passed"] is not None]
    assert len(checked) >= 3
    assert not failures(found, variant)


@pytest.mark.claims
@pytest.mark.full
@pytest.mark.parametrize("variant", ["rate", "spiking"])
@pytest.mark.parametrize("key", WITH_CLAIMS)
def test_the_claims_of_a_model_hold_at_full_size(key, variant):
    found = reproduce(key, size="full", variant=variant)
    assert not failures(found, variant)


def test_a_model_without_claims_says_so(tmp_path):
    (tmp_path / "model.py").write_text("from brainmem.models.kurikawa2020.model import model\n")
    with pytest.raises(BrainmemError, match=r"has no claims yet.*models with claims: kurikawa2020, rajan2016"):
        reproduce(str(tmp_path))


def test_a_mean_outside_its_tolerance_fails_and_three_standard_errors_widen_it():
    assert not near(0.5, 0.1).holds([0.7, 0.7, 0.7])
    spread = [0.4, 0.7, 1.0]
    slack = 3 * np.std(spread, ddof=1) / math.sqrt(3)
    assert slack > 0.2
    assert near(0.5, 0.1).holds(spread)
    assert not within(0.0, 0.5).holds(spread)
    shifted = [value + 0.25 for value in spread]
    assert not near(0.5, 0.1).holds([value + 0.45 for value in spread])
    assert near(0.5, 0.1, seeds=3).holds(shifted)


def test_a_finding_reports_mean_spread_and_outcome():
    finding = Finding("recalled", (0.8, 1.0), at_least(0.95))
    assert finding.mean == pytest.approx(0.9)
    assert finding.sd == pytest.approx(math.sqrt(0.02))
    assert finding.passed is False
    assert Finding("reported", (1.0,)).passed is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "ful"}, "Did you mean 'full'"),
        ({"variant": "rates"}, "Did you mean 'rate'"),
        ({"claims": ("C9",)}, "its claims are C1, C2, C3, C4, C5"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_with_what_can(options, says):
    with pytest.raises(BrainmemError, match=says):
        reproduce("kurikawa2020", **options)
