"""What `explain` says about rules: the noise of the right population, in every rule."""

from __future__ import annotations

import pytest

from brainmem import (
    explain,
)
from tests.support.two_populations import notes, two_populations


@pytest.mark.parametrize("turned", [False, True])
def test_every_factor_is_judged_by_the_noise_of_its_own_population(turned):
    found = notes(two_populations(turned=turned), slow=0.2, fast=0.6)
    slow, fast = 0.2 / (2 * 0.1 * 50 * 4), 0.6 / (2 * 0.01 * 50 * 4)
    assert (
        f"= {100 * slow:+.2g} % (r_pre: F = 0.2, 50 Hz, half of rate_max, 4 cells per unit, tau = 100 ms)"
        in found["r_pre**2"]
    )
    assert (
        f"= {100 * fast:+.2g} % (r_post: F = 0.6, 50 Hz, half of rate_max, 4 cells per unit, tau = 10 ms)"
        in found["r_post**2"]
    )


def test_without_a_calibration_the_cells_are_taken_as_poisson():
    assert "F = 1, 50 Hz, half of rate_max" in notes(two_populations())["r_post**2"]


def test_explain_shows_the_notes():
    text = explain(two_populations(), "spiking", details=True, measured=False)
    assert "How each term of a rule is read:" in text
    assert "term r_pre**2" in text
    assert "term r_pre**2" not in explain(two_populations(), "spiking", measured=False)
