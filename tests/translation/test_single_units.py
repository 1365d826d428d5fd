"""Numbers of single units that statements set where a phase ends, and what reads them at that moment."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Stimulus,
    simulate,
)

DEVICES = ["runtime", "cpp_standalone"]


@pytest.mark.parametrize("device", DEVICES)
def test_episodic_rules_and_observables_read_what_an_end_has_set_in_a_single_unit(device):
    """A third factor: how far the energy of what is shown lies above its running mean."""
    end = "surprise = power - usual; usual = usual + 0.25*surprise"
    model = MemoryModel(
        "surprised",
        parameters=(Parameter("N", 4), Parameter("M", 6), Parameter("T", 2 * ms), Parameter("eta", 0.1)),
        populations=(
            Population("units", "y : 1\nx = cue : 1"),
            Population("meter", "surprise : 1\nusual : 1\ntwice = 2*usual : 1", size=1),
        ),
        projections=(
            Projection("recurrent", "units", "units", current="y_post = w*x_pre : 1 (summed)", variables="w : 1"),
        ),
        rules=(LearningRule("third", "recurrent", episodic="w += eta*(surprise + twice)*x_pre*x_post", at=("show",)),),
        stimuli=(Stimulus("cue", "units", draw="uniform(0, 1)"),),
        observables=(
            Observable("power", "x*(1 + y)", population="units", reduce="sum"),
            Observable("felt", "surprise*x", population="units", reduce="sum"),
        ),
        protocol=Phase("show", duration="T", end={"meter": end}, stimuli=("cue",)),
        rate_dt="T/2",
    )
    result = simulate(model, device=device, seed=2, record=("weights", "end_usual", "usual"), interval=1 * ms)
    w, usual = np.zeros((4, 4)), 0.0
    for item, x in enumerate(result.cue.values):
        power = np.sum(x * (1 + w @ x))
        surprise = power - usual
        usual += 0.25 * surprise
        w = w + 0.1 * (surprise + 2 * usual) * np.outer(x, x) * (1 - np.eye(4))
        assert result.felt.values[item] == pytest.approx(surprise * x.sum(), rel=1e-12)
        assert result.end_usual.values[item].item() == pytest.approx(usual, rel=1e-12)
    np.testing.assert_allclose(result.recurrent_w.values[-1], w, rtol=1e-12)
    assert result.usual.values.ravel()[-1] == pytest.approx(usual, rel=1e-12)
