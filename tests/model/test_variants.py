"""Variants are values: the choices of the spiking variant and the parameters of its cells, checked once."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Hz, ms

from brainmem import (
    Device,
    Rate,
    RuleError,
    Spiking,
    TranslationError,
    arrays,
    explain,
    freeze,
    get_model,
    reproduce,
    script,
    simulate,
    sweep,
    translate,
    verify,
)

SMALL = {"N": 8, "M": 1, "epochs": 1, "test_epochs": (1,), "T_learn": 20 * ms, "T_recall": 20 * ms, "T_average": 5 * ms}
RUNTIME = Device("runtime")
CELLS = {"cells_per_unit": 2, "rate_max": 50 * Hz, "spike_dt": "1*ms"}
POISSON = Spiking(neuron="poisson", **CELLS)


def test_a_script_is_the_text_of_the_translation_of_the_same_run():
    model = get_model("kurikawa2020")
    assert script("kurikawa2020") == str(translate(model))
    assert script(model, POISSON, parameters=SMALL) == str(translate(model, Spiking(neuron="poisson")))
    test = freeze(model, "recall")
    assert script(test, trials=3) == str(translate(test, trials=3))
    own = script(test, trials=3, inputs={"cue": np.ones((2, 3, 8))})
    assert own == str(translate(test, trials=3, trial_inputs=("cue",))) != script(test, trials=3)
    choice = get_model("rajan2016")
    noisy = script(choice, parameters={"noise": "white"})
    assert noisy == str(translate(choice.choose(noise="white"))) != script(choice)


def test_short_forms_are_the_defaults():
    model = get_model("kurikawa2020")
    assert str(translate(model, "rate")) == str(translate(model, Rate())) == str(translate(model))
    assert str(translate(model, "spiking")) == str(translate(model, Spiking()))
    assert translate(model, Spiking(neuron="affine", pairing="causal")).options == {
        "neuron": "affine", "read": None, "pairing": "causal",
    }  # fmt: skip
    assert translate(model).options == {}


def test_parameters_of_cells_given_in_the_variant_are_those_given_among_the_parameters():
    options = {"seed": 3, "device": RUNTIME}
    one = arrays("kurikawa2020", POISSON, parameters=SMALL, **options)
    other = arrays("kurikawa2020", Spiking(neuron="poisson"), parameters={**SMALL, **CELLS}, **options)
    assert one.keys() == other.keys()
    assert (one["size.cells_per_unit"], one["param.rate_max"], one["dt"]) == (2, 50, 1e-3)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])


def test_runs_know_the_parameters_of_their_cells():
    result = simulate("kurikawa2020", POISSON, parameters=SMALL, device=RUNTIME, record=("spikes",))
    assert (result.variant, result.options["neuron"], result.parameter("cells_per_unit")) == ("spiking", "poisson", 2)
    model = freeze(get_model("kurikawa2020"), "recall")
    few = {"N": 8, "M": 1, "T_recall": 20 * ms, "T_average": 5 * ms}
    many = simulate(model, POISSON, parameters=few, device=RUNTIME, trials=2)
    assert many.parameter("cells_per_unit") == 2
    assert "2 cells per unit" in explain("kurikawa2020", POISSON, parameters=SMALL, measured=False, details=True)


def test_a_sweep_runs_its_points_with_the_cells_of_its_variant(tmp_path):
    points = {"gamma": [0.4, 0.6]}
    found = sweep("kurikawa2020", POISSON, parameters={**SMALL, **points}, store=tmp_path, device=RUNTIME, jobs=1)
    assert [result.parameter("cells_per_unit") for result in found.results()] == [2, 2]
    with pytest.raises(RuleError, match="'cells_per_unit' is given twice"):
        sweep("kurikawa2020", POISSON, parameters={"cells_per_unit": [1, 4]}, store=tmp_path / "other", device=RUNTIME)


@pytest.mark.parametrize("run", [simulate, arrays, explain, verify])
def test_a_parameter_given_twice_is_refused(run):
    with pytest.raises(RuleError, match=r"'spike_dt' is given twice, Spiking\(spike_dt='1\*ms'\) and parameters="):
        run("kurikawa2020", POISSON, parameters={"spike_dt": 1 * ms})


def test_a_parameter_of_cells_with_another_unit_is_refused_as_among_the_parameters():
    for variant, parameters in ((Spiking(rate_max=3 * ms), SMALL), (Spiking(), {**SMALL, "rate_max": 3 * ms})):
        with pytest.raises(RuleError, match="parameter 'rate_max'"):
            arrays("kurikawa2020", variant, parameters=parameters, device=RUNTIME)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Spiking(neuron="liff"), r"Spiking\(\): neuron='liff'.*Did you mean 'lif'"),
        (lambda: Spiking(neuron=None), r"neuron=None is not allowed"),
        (lambda: Spiking(read=3), r"read=3 is not allowed; choose one of 'auto', 'event', 'drive', 'trace'"),
        (lambda: Spiking(pairing="causl"), "Did you mean 'causal'"),
        (lambda: translate(get_model("kurikawa2020"), "spikes"), r"variant='spikes'.*give Spiking\(neuron=\.\.\.\)"),
        (lambda: translate(get_model("kurikawa2020"), None), "variant=None is not allowed"),
        (lambda: verify("kurikawa2020", "rate"), "has no spikes"),
    ],
)
def test_what_does_not_exist_is_refused_where_it_is_said(make, said):
    with pytest.raises(TranslationError, match=said):
        make()


def test_claims_are_reproduced_with_the_cells_asked_for(monkeypatch):
    seen = []

    def simulate(model, variant, **options):
        seen.append(variant)
        raise RuleError("no more is needed")

    monkeypatch.setattr("brainmem.study.claims.simulate", simulate)
    for variant in ("rate", Rate(), "spiking", POISSON):
        with pytest.raises(RuleError, match="no more"):
            reproduce("kurikawa2020", claims=("C1",), variant=variant, jobs=1)
    assert [item if isinstance(item, str) else item.options["neuron"] for item in seen] == [
        "rate", "rate", "lif", "poisson",
    ]  # fmt: skip
    for wrong in (3, np.eye(2), None):
        with pytest.raises(TranslationError, match="choose one of 'rate', 'spiking'"):
            reproduce("kurikawa2020", variant=wrong)
