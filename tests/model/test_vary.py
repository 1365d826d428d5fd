"""Models made from others: with other values (`vary`), other parts or without some (`replace`)."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Hz, ms, second

from brainmem import Each, Observable, Parameter, Phase, Protocol, RuleError, get_model, simulate, translate
from brainmem.model.parameters import resolve_parameters

BASE = get_model("kurikawa2020")
SEQUENCE = get_model("rajan2016")
TINY = {"N": 20, "M": 3, "epochs": 1, "test_epochs": (1,), "starts": 1, "eps": "0.05/N", "tau": 20 * ms}
SETS = [
    (BASE, TINY),
    (BASE, {"T_learn": "50*tau", "gamma": 1}),
    (SEQUENCE, {"N": "150", "T": "2*second", "sigma": 0.12 * second, "error_on": "rate", "n": "round(p*N) + 1"}),
]


@pytest.mark.parametrize(("model", "values"), SETS)
def test_a_varied_model_has_the_values_that_a_run_with_these_parameters_has(model, values):
    numbers = {name: value for name, value in values.items() if name != "error_on"}
    assert resolve_parameters(model.vary(values), {}) == resolve_parameters(model, numbers)
    assert model.vary(values) == model.vary(**values)


def test_a_run_of_a_varied_model_has_the_numbers_of_a_run_with_these_parameters():
    varied = simulate(BASE.vary(TINY), seed=3, device="runtime")
    given = simulate(BASE, parameters=TINY, seed=3, device="runtime")
    for name, values in given.data.items():
        np.testing.assert_array_equal(varied[name].values, values.values)


def test_a_text_stays_a_text_where_it_reads_parameters_and_is_a_number_where_it_does_not():
    model = BASE.vary(N="2*30", eps="0.05/N")
    assert [model.parameter(name).value for name in ("N", "eps")] == [60, "0.05/N"]
    assert isinstance(model.parameter("N").value, int)
    assert resolve_parameters(model, {"N": 50})["eps"] == 0.001


def test_meaning_and_source_stay_unless_a_source_is_given():
    old, new = BASE.parameter("N"), BASE.vary(N=569).parameter("N")
    assert (new.value, new.meaning, new.source) == (569, old.meaning, old.source)
    given = BASE.vary(N=569, source="methods, p. 12")
    assert given.parameter("N").source == "methods, p. 12"
    assert given.parameter("M") == BASE.parameter("M")


def test_choices_and_cells_are_varied_by_the_names_that_a_run_takes():
    model = SEQUENCE.vary(error_on="total", cells_per_unit=4, rate_max=50 * Hz)
    assert str(translate(model, "rate")) == str(translate(SEQUENCE.choose(error_on="total"), "rate"))
    assert model.spiking == {"cells_per_unit": 4, "rate_max": 50 * Hz}
    again = SEQUENCE.vary({"cells_per_unit": 2}, cells_per_unit=8)
    assert again.spiking == {"cells_per_unit": 8}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"gama": 1.0}, r"no parameter 'gama' to vary\. Did you mean 'gamma'\?"),
        ({"N": [100, 200]}, r"\[100, 200\] is not a number.*brainmem\.sweep"),
        ({"gamma": np.linspace(0, 1, 3)}, "is not a number"),
        ({"gamma": "0.6*"}, "parameter 'gamma'"),
        ({"gamma": "0.6*kapa"}, "kapa"),
        ({"gamma": "2*gamma"}, "in a circle|gamma"),
        ({"tau": 5}, "must have the unit of its default"),
        ({"N": 1.5}, "must be a whole number"),
        ({"N": None}, "is not a number"),
        ({"cells_per_unit": [1, 2]}, r"\[1, 2\] must be a number"),
    ],
)
def test_values_that_no_run_could_take_are_refused(values, says):
    with pytest.raises(RuleError, match=says):
        BASE.vary(values)


@pytest.mark.parametrize(("given", "says"), [("N=3", "must be a mapping"), ([("N", 3)], "must be a mapping")])
def test_what_is_no_parameter_set_is_refused(given, says):
    with pytest.raises(RuleError, match=says):
        BASE.vary(given)
    with pytest.raises(RuleError, match="source=3 must be text"):
        BASE.vary(N=3, source=3)
    with pytest.raises(RuleError, match="Did you mean 'total'"):
        SEQUENCE.vary(error_on="totl")


def test_parts_take_the_place_of_those_of_their_kind_and_name_and_others_come_last():
    model = BASE.replace(
        Parameter("gamma", 1.0, meaning="strength of the cue"),
        Parameter("kappa", 2.0),
        Observable("activity", "x", population="units"),
        Phase("recall", duration="T_recall", stimuli=("cue",), average="T_average"),
    )
    names = [item.name for item in BASE.parameters]
    assert [item.name for item in model.parameters] == [*names, "kappa"]
    assert model.parameter("gamma").value == 1.0
    assert [item.name for item in model.observables] == ["overlap", "activity"]
    assert model.protocol.phase("recall").start == {}
    assert model.protocol.phase("learn") == BASE.protocol.phase("learn")
    assert model.protocol.schedule == BASE.protocol.schedule


def test_parts_are_left_out_by_name_and_the_copy_is_checked_again():
    rest = {
        "protocol": Protocol((Phase("rest", duration="T_recall", gates={"plastic": 0}),), (Each("rest"),)),
        "recalled": None,
    }
    model = BASE.replace(without=("overlap", "m_stop"), **rest)
    assert model.observables == ()
    assert "m_stop" not in {item.name for item in model.parameters}
    with pytest.raises(RuleError, match="m_stop"):
        BASE.replace(without="m_stop")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda: BASE.replace(without="overlp"), "names no part of it. Did you mean 'overlap'"),
        (lambda: BASE.replace("overlap"), "'overlap' is no part of a model; parts are Parameter, Choice"),
        (lambda: get_model("rajan2016").replace(rules=(), without="weights"), "names no part of it"),
    ],
)
def test_what_names_no_part_is_refused(change, says):
    with pytest.raises(RuleError, match=says):
        change()


def test_a_name_that_two_kinds_share_is_not_guessed():
    shared = SEQUENCE.replace(Observable("inverse", "loss", population="units"))
    with pytest.raises(RuleError, match="one of its projections or its observables"):
        shared.replace(without="inverse")
