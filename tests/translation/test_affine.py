"""Cells whose current is an affine function of the drive: the fit, the text, and what it costs in rates."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, nA

from brainmem import (
    Curve,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Spiking,
    TranslationError,
    arrays,
    freeze,
    get_model,
    measure,
    simulate,
    translate,
)
from brainmem.model.names import affine_tables
from brainmem.numbers.calibrate import fit_affine
from brainmem.numbers.calibration import Calibration
from brainmem.translation.currents import activity_curve
from brainmem.translation.neurons import spiking_unit
from tests.support.rule_models import MODELS

DRIVE = np.linspace(-20, 20, 4001)


def curve(current, rate):
    """A calibration with this f-I curve and 100 Hz for an activity of 1."""
    return Calibration(
        tuple(current), tuple(rate), 100.0, float(rate[-1]), 0.0, (0.0, 1.0), (0.0, 1.0), (1.0, 1.0), 0.02
    )


def test_a_curve_that_is_a_stretched_transfer_is_fitted_exactly():
    current = np.linspace(-3, 5, 4000)
    logistic = 100 / (1 + np.exp(-(current - 0.9) / 0.25))
    found = fit_affine(curve(current, logistic), DRIVE, 1 / (1 + np.exp(-DRIVE)))
    assert found.slope == pytest.approx(0.25, rel=1e-3)
    assert found.offset == pytest.approx(0.9, abs=1e-3)
    assert found.largest < 1e-3


def test_the_fit_is_the_best_of_its_kind_for_a_curve_of_another_shape():
    current = np.linspace(0, 3, 3000)
    rate, activity = 60 * np.maximum(current - 1, 0), 1 / (1 + np.exp(-DRIVE))
    found = fit_affine(curve(current, rate), DRIVE, activity)
    inside = (activity > 0.02) & (activity < 0.98)

    def rms(slope, offset):
        reached = np.interp(slope * DRIVE + offset, current, rate)
        return np.sqrt(np.mean((reached / 100 - activity)[inside] ** 2))

    assert found.rms == pytest.approx(rms(found.slope, found.offset))
    for slope, offset in np.random.default_rng(1).normal([found.slope, found.offset], 0.05, (200, 2)):
        assert rms(slope, offset) >= found.rms - 1e-6


def test_a_transfer_that_does_not_rise_is_refused():
    current = np.linspace(0, 3, 50)
    with pytest.raises(TranslationError, match="rises with the drive"):
        fit_affine(curve(current, 60 * current), DRIVE, np.full_like(DRIVE, 0.5))


@pytest.mark.parametrize(
    ("key", "drive", "transfer"),
    [
        ("rajan2016", "x", lambda x: 1 / (1 + np.exp(-x))),
        ("kurikawa2020", "drive", lambda x: (np.tanh(8 * x) + 1) / 2),
    ],
)
def test_the_activity_is_the_transfer_of_the_drive_alone(key, drive, transfer):
    model = get_model(key)
    model = model.choose() if model.choices else model
    unit = spiking_unit(model, model.populations[0])
    assert unit.population.drive == drive
    parameters = {"theta": 0.0, "beta": 8.0}
    grid, activity = activity_curve(unit, parameters)
    np.testing.assert_allclose(activity, transfer(grid), atol=1e-12)


def test_the_text_shows_a_slope_and_an_offset_in_place_of_a_table():
    text = str(translate(get_model("kurikawa2020"), Spiking(neuron="affine")))
    assert "I = units_slope(0*second)*drive_of_unit + units_offset(0*second) : 1" in text
    assert "drive_of_unit : 1 (linked)" in text
    assert "units_current" not in text


@pytest.mark.slow
def test_affine_cells_fire_near_the_rates_wanted_and_the_result_says_how_near():
    """A network without plastic synapses whose drives stay where the transfer is far from its ends."""
    model = freeze(get_model("rajan2016"), "test", items="sequences")
    sizes = {"N": 40, "T": "1*second", "sigma": "0.1*second", "p": 0.0, "g": 0.5, "h0": 1.0, "tau": "50*ms"}
    options = {"parameters": {**sizes, "cells_per_unit": 16}, "record": ("r", "r_phi"), "interval": 0.01, "seed": 3}
    found = {neuron: simulate(model, Spiking(neuron=neuron), **options) for neuron in ("lif", "affine")}
    assert measure.pearson(found["lif"].mean_r.values, found["affine"].mean_r.values) > 0.95
    wanted, reached = (found["affine"][name].values[20:] for name in ("r_phi", "r"))
    assert np.mean(np.abs(reached - measure.lowpass(wanted, 0.05, 0.01))) < 0.08
    assert any("cells get a current of" in note for note in found["affine"].notes)
    assert not any("cells get a current of" in note for note in found["lif"].notes)


@pytest.mark.slow
def test_the_fit_reads_a_tabulated_transfer_as_the_function_of_its_points():
    def currents(call: str, *curves: Curve) -> dict[str, np.ndarray]:
        model = MemoryModel(
            "net",
            parameters=(Parameter("N", 4), Parameter("tau", 10 * ms), Parameter("I0", 1 * nA)),
            curves=curves,
            populations=(
                Population(
                    "units",
                    f"x = {call} : 1\ndu/dt = -u/tau : 1",
                    rate="x",
                    drive="u",
                    transfer="x",
                    rate_range=(-1, 1),
                ),
            ),
            protocol=Phase("go", duration="5*ms"),
        )
        found = arrays(model, Spiking(neuron="affine"), seed=1)
        return {name: found[f"table.{name}"] for name in affine_tables("units")}

    exact = currents("tanh(u*(I0/nA))")
    table = currents("act(u*I0)", Curve.sampled("act", lambda x: np.tanh(x / nA), -30 * nA, 30 * nA, points=40001))
    for name, value in exact.items():
        np.testing.assert_allclose(table[name], value, rtol=1e-5)


@pytest.mark.slow
def test_what_is_expected_of_a_rate_is_what_the_cells_fire_at_and_not_what_was_asked_for():
    """A rule that squares a rate reads one factor from spikes and the other as expected: both must have one mean."""
    options = {"parameters": {"eta": "0/second", "cells_per_unit": 40}, "device": "runtime", "seed": 1}
    record = ("x", "phi", "x_expected")
    found = simulate(MODELS["bcm"], Spiking(neuron="affine"), record=record, interval=2 * ms, **options)
    fired, asked, expected = (found[name].values[500:1500].mean(axis=0) for name in record)  # of one stimulus
    assert np.abs(fired - asked).max() > 0.03
    assert np.abs(fired - expected).max() < 0.015
    assert np.abs((fired - expected).mean()) < 0.003
