"""Which network a fit takes when none is named: by the sign of the data, by regions, and at which steps."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import RuleError, fit, get_model, read_recording, surrogate
from brainmem.study.fitting import _suited

SHORT = {"tests": 6}


@pytest.fixture(scope="module")
def recording():
    return surrogate(60, kind="regions", duration=3.0, seed=1)


@pytest.mark.slow
def test_signed_activity_is_learned_without_a_word_on_how(recording):
    plain = read_recording(recording.rates[0], step=recording.step)
    found = fit(plain, parameters=SHORT, seed=1)
    assert found.result.model == "rajan2016_regions"
    assert found.result.choices["transfer"] == "tanh"
    assert found.interval == pytest.approx(plain.step)  # a tenth of the time constant
    assert found.pvar > 0.9
    assert "values below 0, so the model is rajan2016/regions, all of whose synapses learn, with 1 step" in str(found)
    usual = fit(plain, "rajan2016", parameters={"tests": 1}, steps=5, seed=1)
    assert usual.pvar < 0.3


@pytest.mark.slow
def test_the_model_of_regions_is_that_of_sequences_with_other_values(recording):
    values = {"p": 1.0, "tau": "0.1*second", "h0": 0.01, "tau_wn": "0.1*second", "eps": 0.001, "error_on": "rate"}
    one = fit(recording, parameters={"tests": 1}, seed=1)
    other = fit(recording, "rajan2016", parameters={**values, "tests": 1}, steps=1, seed=1)
    np.testing.assert_array_equal(one.recurrent.values, other.recurrent.values)
    assert one.pvar == other.pvar


@pytest.mark.parametrize(
    ("step", "parameters", "steps"),
    [
        (0.01, {}, 1),
        (0.033, {}, 4),
        (0.1, {}, 10),
        (0.01, {"tau": "10*ms"}, 10),
        (0.01, {"rate_step": "1*ms"}, None),
        (0.01, {"learn_step": "10*ms"}, None),
        (0.01, {"transfer": "tanh", "no_such_parameter": 1}, 1),  # refused later, by its name
    ],
)
def test_a_step_of_the_network_is_a_tenth_of_the_time_constant_or_less(step, parameters, steps):
    signed = read_recording(np.sin(np.arange(600).reshape(100, 6) ** 1.1), step=step)
    assert _suited(signed, parameters, None)[:2] == ("rajan2016/regions", steps)
    assert _suited(signed, parameters, 7)[1] == 7


def test_activity_of_one_sign_has_the_model_of_sequences_unless_its_regions_are_known():
    rates = np.abs(np.sin(np.arange(600).reshape(100, 6) ** 1.1))
    assert _suited(read_recording(rates, step=0.01), {}, None) == ("rajan2016", None, ())
    model, steps, notes = _suited(read_recording(rates, step=0.01, regions=list("AABBCC")), {}, None)
    assert (model, steps) == ("rajan2016/regions", 1)
    assert notes[0].startswith("regions are known, so")


def test_units_of_both_signs_and_positive_ones_are_learned_together(recording):
    rates = recording.rates[0].copy()
    rates[:, 30:] = np.abs(rates[:, 30:])
    found = fit(rates, step=recording.step, parameters=SHORT, seed=1)
    assert found.pvar > 0.8
    assert float(found.unit_pvar[:30].median()) > 0.5
    assert float(found.unit_pvar[30:].median()) > 0.5


def test_what_is_asked_for_is_not_overruled(recording):
    assert get_model("rajan2016/regions").parameter("tau").value > get_model("rajan2016").parameter("tau").value
    with pytest.raises(RuleError, match=r"values below 0, .* or leave transfer= out"):
        fit(recording, parameters={"transfer": "logistic"})
    with pytest.raises(RuleError, match=r"no parameter 'taw'\. Did you mean"):
        fit(recording, parameters={"taw": 1})
