"""A model says where its variants differ, values, phases and units, and is checked as each of them runs it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from brian2 import ms, second

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Stimulus,
    freeze,
    get_model,
    simulate,
    translate,
)
from brainmem.errors import RuleError, TranslationError
from brainmem.model.by_variant import of_variant
from tests.support.wake_sleep import EQUATIONS, SPIKING, phases, units, wake_sleep

FLIPS = Observable("flips", "int(x_change != 0)", population="units", reduce="sum")
ENERGY = Observable("energy", "-0.5*x*h", population="units", reduce="sum")


def changed(name: str, **fields) -> MemoryModel:
    """Return the model with other fields of one phase."""
    model = wake_sleep()
    return model.replace(replace(model.protocol.phase(name), **fields))


def refused(make, *said: str) -> None:
    with pytest.raises(RuleError) as raised:
        make()
    for text in said:
        assert text in str(raised.value), str(raised.value)


def test_a_model_whose_variants_do_not_differ_is_run_as_it_is():
    for name in ("kurikawa2020", "rajan2016"):
        model = get_model(name)
        assert of_variant(model, "rate") is of_variant(model, "spiking") is model


def test_each_variant_has_its_values_phases_and_units_and_says_nothing_of_the_other():
    model = wake_sleep()
    rate, spiking = of_variant(model, "rate"), of_variant(model, "spiking")
    assert [p.name for p in rate.protocol.phases] == [p.name for p in model.protocol.phases]
    assert [p.name for p in spiking.protocol.phases] == [p.name for p in rate.protocol.phases if p.name != "judge"]
    assert "judge" not in str(spiking.protocol.schedule)
    assert (rate.parameter("force").value, spiking.parameter("force").value) == (1.0, 2.0)
    assert spiking.parameter("T_wake").value == 0.5 * second
    assert (rate.protocol.phase("relax").until, spiking.protocol.phase("relax").until) == ("flips < 0.5", "")
    assert [bool(made.populations[0].sequential) for made in (rate, spiking)] == [True, False]
    assert ["dx/dt" in made.populations[0].equations for made in (rate, spiking)] == [False, True]
    assert [item.name for item in spiking.observables] == ["energy"]
    assert set(spiking.spiking) == {"spike_dt", "rate_max", "t_ref", "sigma_v"}
    for made in (rate, spiking):
        assert of_variant(made, "rate") is of_variant(made, "spiking") is made


@pytest.mark.slow
def test_a_value_given_for_a_run_or_by_vary_holds_in_both_variants():
    model = wake_sleep()
    varied = model.vary(T_wake=2 * second)
    assert of_variant(varied, "spiking").parameter("T_wake").value == 2 * second
    assert "force" in varied.spiking
    small = {"N": 6, "P": 1, "blocks": 1, "dreams": 1, "damage": 1, "T_sweep": 20 * ms, "T_sleep": 20 * ms}
    result = simulate(model, "spiking", parameters={**small, "T_wake": 0.04 * second, "gain": 4.0}, device="runtime")
    records = result.parameters
    assert records["T_wake"]["value"] == 0.04
    assert "in_rate" not in records["T_wake"]
    assert (records["force"]["value"], records["force"]["in_rate"]) == (2.0, 1.0)
    assert "force = 2 (1 in the rate variant)" in repr(result)
    assert "step_fulfilled" not in result
    assert set(result["step_phase"].values) == {p.name for p in phases()} - {"judge"}
    assert result["epoch"].values.tolist() == [0, 1, 3]  # the tests that it leaves out were the second entry


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"T_wake": 0.5}, "spiking['T_wake']: 0.5 (no unit) must have the unit of its default 1."),
        ({"T_wake": "0.5*volt"}, "spiking['T_wake']"),
        ({"P": 2.5}, "spiking['P']: 2.5 must be a whole number"),
        ({"T_wakes": 1}, "spiking parameter 'T_wakes' is not one of"),
        ({"force": "T_sweeep/second"}, "spiking['force']"),
    ],
    ids=str,
)
def test_a_value_of_the_spiking_variant_is_a_parameter_with_its_unit(values, said):
    refused(lambda: wake_sleep(spiking={**SPIKING, **values}), said)


@pytest.mark.parametrize(
    ("phase", "fields", "said"),
    [
        ("recall", {"durations": "1*ms"}, "field of spiking=, 'durations' is not one of 'duration'"),
        ("recall", {"name": "tests"}, "field of spiking=, 'name' is not one of"),
        ("recall", {"spiking": {}}, "field of spiking=, 'spiking' is not one of"),
        ("recall", {"duration": 5}, "spiking['duration']=5 must be text"),
        ("recall", {"duration": "5"}, "duration='5' must be a time longer than 0"),
        ("recall", {"duration": "100*ms", "average": "1*second", "until": ""}, "is longer than the phase"),
        ("recall", {"until": "energi < 0"}, "energi"),
        ("recall", {"gates": {"recurrent": "wrong"}, "until": ""}, "gates['recurrent']='wrong'"),
        ("recall", {"start": {"y": "zeros()"}, "until": ""}, "start='y' is no variable"),
        ("recall", {"stimuli": ("cue",), "until": ""}, "stimulus 'cue' is not one of none"),
        ("recall", {"begin": {"units": "x = x_change"}, "until": ""}, "Phase(..., spiking={'begin': {}})"),
    ],
    ids=str,
)
def test_fields_of_a_phase_in_the_spiking_variant_are_those_of_a_phase(phase, fields, said):
    refused(lambda: changed(phase, spiking=fields), f"phase {phase!r}", said)


def test_an_error_of_both_variants_is_told_once_and_one_of_spikes_is_said_to_be():
    with pytest.raises(RuleError) as raised:
        wake_sleep(populations=(units(equations=EQUATIONS.replace("tanh(gain*drive)", "tanh(gian*drive)")),))
    assert str(raised.value).count("gian") == 2  # the line quoted, and the name
    assert "spiking variant" not in str(raised.value)
    refused(lambda: changed("recall", spiking={"duration": "5", "until": ""}), "(This is of the spiking variant.)")


def test_what_reads_visits_is_replaced_or_refused_in_spikes():
    refused(
        lambda: changed("relax", spiking={"duration": "350*ms"}),
        "phase 'relax': until='flips < 0.5' reads 'flips', which follows the visits to single units",
        "Phase(..., spiking={'until': '', 'duration': ...})",
    )
    moved = Observable("moved", "2*flips", population="units")
    refused(
        lambda: wake_sleep(
            observables=(FLIPS, ENERGY, moved),
            rules=(
                LearningRule(
                    "plus_minus",
                    "couplings",
                    continuous="dw/dt = (plus/T_wake - moved*minus/T_sleep)*x_pre*x_post/N_pre : 1",
                ),
            ),
        ),
        "rule 'plus_minus': continuous=",
        "reads 'moved'",
    )


@pytest.mark.parametrize("missing", [{"rate": None}, {"drive": None}, {"transfer": None}], ids=str)
def test_units_with_visits_and_an_equation_say_what_cells_follow(missing):
    refused(
        lambda: wake_sleep(populations=(units(**missing),), recalled=None), "follow the equation in the spiking one"
    )


def test_units_with_visits_alone_are_refused_in_spikes_with_the_remedy():
    plain = units(equations=EQUATIONS.replace("dx/dt = (phi - x)/tau", "x"), drive=None, transfer=None)
    model = wake_sleep(populations=(plain,), varied=True)
    assert translate(model, "rate").group("units").visits
    with pytest.raises(TranslationError, match=re.escape("write 'dx/dt = (phi - x)/tau : 1' for 'x : 1'")):
        translate(model, "spiking")


def test_phases_that_spikes_leave_out_are_named_by_rules_and_never_run():
    model = wake_sleep()
    rule = LearningRule("mark", "couplings", episodic="w += 0*x_pre", at=("judge",))
    for read in ("auto", "event"):
        assert translate(model.replace(replace(rule, read=read)), "spiking").connection("couplings")
    refused(lambda: wake_sleep(rules=(replace(rule, at=("jugde",)),)), "at 'jugde' is not one of")
    for alone in (
        freeze(model, "judge", items=1),
        wake_sleep(protocol=replace(model.protocol, phases=tuple(replace(p, spiking=None) for p in phases()))),
    ):
        assert translate(alone, "rate")
        with pytest.raises(TranslationError, match=r"spiking=None leaves all of its phases \(.*'judge'.*\) out"):
            simulate(alone, "spiking")


def test_a_frozen_phase_keeps_what_differs_in_spikes():
    test = freeze(wake_sleep(), "recall", items="P")
    phase = of_variant(test, "spiking").protocol.phase("recall")
    assert (phase.duration, phase.until, phase.restore) == ("550*ms", "", False)
    assert phase.gates == {"recurrent": 1}  # the others are 0 in the text


def rates(**fields) -> MemoryModel:
    """Return rate units of another kind: a graded network whose tests are longer in spikes."""
    phase = {"duration": "20*ms", "gates": {"shown": 1}, "start": {"r": "zeros()"}, **fields}
    return MemoryModel(
        "graded",
        parameters=(Parameter("tau", 10 * ms), Parameter("T_long", "40*ms")),
        populations=(
            Population(
                "units",
                "u : 1\nboost : 1\ndrive = u + shown*cue + extra*boost : 1\nphi = clip(drive, 0, 1) : 1\n"
                "dr/dt = (phi - r)/tau : 1",
                size=4,
                rate="r",
                drive="drive",
                transfer="phi",
            ),
        ),
        projections=(
            Projection("rec", "units", "units", current="u_post = w*r_pre : 1 (summed)", initial={"w": "zeros()"}),
        ),
        stimuli=(Stimulus("cue", "units", items=2, draw="binary(0.5)"),),
        protocol=Protocol((Phase("test", **phase),), (Each("test", items=2),)),
        rate_dt="1*ms",
    )


def test_what_one_variant_alone_shows_opens_or_sets_is_used():
    spiking = {"stimuli": ("cue",), "gates": {"shown": 1, "extra": 1}, "start": {"r": "zeros()", "boost": "ones"}}
    spiking["start"]["boost"] = "0*cue + 1"
    spiking["duration"] = "T_long"
    model = rates(spiking=spiking)
    result = simulate(model, device="runtime")
    assert not result["mean_r"].values.any()  # in the rate variant nothing is shown, and the gate is 0
    longer = simulate(model, "spiking", device="runtime", parameters={"spike_dt": 1 * ms})
    assert longer["step_duration"].values == pytest.approx(0.04)
    assert (longer["mean_r"].values > 0.3).all()
    refused(lambda: rates(gates={"shown": 1, "extra": 1}), "stimulus 'cue': no phase shows it", "'boost'", "T_long")


def test_the_card_shows_what_differs(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    text = str(wake_sleep())
    for line in (
        "T_wake     1. s (spiking 0.5*second)",
        "spiking          cells follow dx/dt, without visits",
        "spiking duration  350*ms",
        "spiking until     none",
        "spiking    left out",
    ):
        assert line in text, line
    assert "T_wake" not in text.partition("\nSimulation\n")[2]


def test_an_observable_of_phases_that_cells_do_not_run_is_left_out_there():
    judged = Observable("stability", "x*h", population="units", during=("judge",))
    both = Observable("field", "h", population="units", during=("judge", "relax"))
    model = wake_sleep().replace(judged, both)
    assert {"stability", "field"} <= {item.name for item in of_variant(model, "rate").observables}
    spiking = {item.name: item.during for item in of_variant(model, "spiking").observables}
    assert "stability" not in spiking
    assert spiking["field"] == ("relax",)
