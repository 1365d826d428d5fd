"""A model on one page: all that its file says is there, on lines that fit."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest
from typer.testing import CliRunner

import brainmem
from brainmem import (
    Each,
    LearningRule,
    Limit,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Protocol,
    Repeat,
    SpikingRule,
    Stimulus,
    get_model,
)
from brainmem.cli import app
from brainmem.model import nouns
from brainmem.model.card import card
from brainmem.model.layout import aligned, broken, columns, prose
from brainmem.models import get_claims, list_models, list_tasks

NAMES = [name for paper in list_models() for name in (paper, *list_tasks(paper))]
KURIKAWA = get_model("kurikawa2020")


def bare(text) -> str:
    return "".join(str(text).split())


def forms(item) -> list[str]:
    """Return the texts of all forms that a choice has."""
    return [text for option in item.options for text in item.texts(option).values()]


def said(model) -> list[str]:
    """Return every text of a model that a reader holds against the paper."""
    found = [text for item in model.parameters for text in (item.name, item.value, item.source)]
    found += [word for item in model.parameters for word in item.meaning.split()]
    found += [text for item in model.choices for text in (item.name, item.meaning, *forms(item))]
    found += [text for item in model.curves for text in (item.name, item.meaning, item.source)]
    for item in model.populations:
        found += [item.name, item.size, *item.equations.splitlines(), item.rate or "", *item.initial.values()]
    for item in model.projections:
        found += [item.name, item.current, item.variables, *item.initial.values(), item.source_units]
    for item in model.rules:
        found += [item.name, item.text, item.every, *item.at, item.equation]
        found += [limit for limits in item.bounds.values() for limit in limits]
    for item in model.all_patterns:
        found += [item.name, item.items, item.draw, item.frames, item.every]
    found += [text for item in model.observables for text in (item.name, item.expression)]
    found += [text for item in model.limits for text in (item.condition, item.reason)]
    for item in model.protocol.phases:
        found += [item.name, item.duration, item.until, item.average, *item.stimuli, *item.start.values()]
        found += [f"{gate} = {value}" for gate, value in item.gates.items()]
    return [text for given in found for text in str(given).split("#") if bare(text)]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_all_that_the_file_says_on_lines_that_fit(name, width):
    model = get_model(name)
    text = card(model, width=width)
    assert [part for part in said(model) if bare(part) not in bare(text)] == []
    assert [line for line in text.splitlines() if len(line) > width] == []
    assert bare(model.description) in bare(text)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_equations_that_fit_stand_on_one_line(name, width):
    lines = card(get_model(name), width=width).splitlines()
    for item in (*get_model(name).populations, *get_model(name).projections, *get_model(name).rules):
        text = getattr(item, "equations", "") or getattr(item, "current", "") or getattr(item, "text", "")
        for line in (line.split("#")[0].strip() for line in text.splitlines() if line.strip()):
            assert [shown for shown in lines if shown.startswith(f"  {line}")] or len(line) + 2 > width


def section(text: str, heading: str) -> list[str]:
    """Return the lines below a heading."""
    return re.search(rf"^{re.escape(heading)}\n((?:  .*\n?)*)", text, re.MULTILINE)[1].splitlines()


def test_the_protocol_is_told_phase_by_phase_and_the_schedule_as_a_list():
    text = card(KURIKAWA, width=120)
    assert section(text, "Phase learn") == [
        "  duration  T_learn",
        "  until     overlap > m_stop",
        "  shows     cue, target",
        "  gates     plastic = 1",
        "  average   all of it",
    ]
    assert section(text, "Phase recall")[2:] == [
        "  start x   uniform(-1, 1)",
        "  paired    random starts are the same in every epoch",
        "  average   the last T_average",
        "  restore   the state is put back when it ends",
    ]
    assert section(text, "Schedule") == [
        "  epochs times, an epoch each:",
        "    learn: items M, in random order",
        "    recall: items M, repeats starts, in epochs test_epochs",
    ]
    assert section(text, "Recalled") == [
        "  phase    recall",
        "  target   target",
        "  rate     overlap > 0.85, by the mean of an item's tests",
        "  spiking  pearson > 0.85, by the mean of an item's tests",
    ]
    assert section(text, "Limits")[0].startswith("  M < 2*N/(1 + gamma**2)  fields that solve all maps")
    assert section(text, "Stimulus cue of units") == [
        "  items   M, no two alike",
        "  values  -1, 1",
        "  draw    signs()",
    ]
    assert section(text, "Observables") == ["  overlap  mean over units of x*target"]


def test_what_only_other_models_have_is_shown_too():
    rule = LearningRule(
        "hebb", "recurrent", periodic="w += x_pre*x_post", every="2*tau", order=3, read="trace", pairing="causal",
        during=("learn",), bounds={"w": (0, "gamma")}, spiking=SpikingRule(on_pre="w += 1", why="a reason"),
    )  # fmt: skip
    sleep = LearningRule("sleep", "recurrent", episodic="w *= gamma", at=("rest",))
    rest = Phase("rest", duration="9*tau", until="overlap > gamma", must_end=True)
    spins = Population("spins", "S : 1", size=3, rate="S", sequential="S = sign(S)", initial={"S": "signs()"},
                       values={"S": (0, 1)})  # fmt: skip
    model = KURIKAWA.replace(
        populations=(*KURIKAWA.populations, spins),
        rules=(rule, sleep),
        projections=(replace(KURIKAWA.projection("recurrent"), variables="w : 1"),),
        patterns=(Pattern("place", "units", items=4, draw="permutation()"),),
        stimuli=(*KURIKAWA.stimuli, Stimulus("film", "units", frames=7, every="3*tau", draw="zeros()*mV", unit="volt")),
        observables=(*KURIKAWA.observables, Observable("total", "x*mV", population="units", reduce="sum", unit="volt")),
        protocol=Protocol(
            (*KURIKAWA.protocol.phases, rest), (Each(("learn", "rest"), items=4), Repeat(2, (Each("recall"),)))
        ),
        recalled=None,
        limits=(Limit("gamma > 0", "it must be above 0"),),
    )
    text = card(model, width=100)
    assert section(text, "Rule hebb of recurrent (periodic)") == [
        "  w += x_pre*x_post",
        "  every           2*tau",
        "  during          learn",
        "  order           3",
        "  bounds of w     0 to gamma",
        "  read            trace, causal pairing",
        "  spiking on_pre  w += 1",
        "  spiking why     a reason",
    ]
    assert "  at the end of  rest" in section(text, "Rule sleep of recurrent (episodic)")
    assert "  one at a time  S = sign(S)" in section(text, "Population spins")
    assert "  values of S    0, 1" in section(text, "Population spins")
    assert section(text, "Pattern place of units") == ["  items  4", "  draw   permutation()"]
    assert section(text, "Stimulus film of units")[1:3] == ["  frames  7, every 3*tau", "  unit    volt"]
    assert "  total    sum over units of x*mV, in volt" in section(text, "Observables")
    assert section(text, "Schedule") == [
        "  learn then rest: items 4",
        "  2 times, an epoch each:",
        "    recall: items M",
    ]
    assert "\nRecalled\n" not in text
    assert "error_on = rate" in card(get_model("rajan2016").choose(error_on="rate"))


SHOWN = {
    nouns.Parameter: "name value meaning source",
    nouns.Choice: "name options default meaning source",
    nouns.Pattern: "name population items draw values distinct unit frames every",
    nouns.Stimulus: "name population items draw values distinct unit frames every",
    nouns.Population: "name equations size rate drive transfer rate_range sequential initial values",
    nouns.Projection: "name source target current variables initial row_norm self_connections source_units "
    "target_units delay",
    nouns.SpikingRule: "on_pre on_post clocked why",
    nouns.LearningRule: "name projection continuous periodic episodic every at during order bounds read pairing "
    "spiking equation",
    nouns.Observable: "name expression population reduce unit units during",
    nouns.Phase: "name duration until must_end stimuli gates start begin end average restore paired spiking",
    nouns.Each: "phases items order draws repeats epochs",
    nouns.Repeat: "times body until must_end",
    nouns.Recalled: "phase target score threshold repeats level spiking",
    nouns.Limit: "condition reason",
    nouns.Curve: "name x y zero_at meaning source",
    nouns.Model: "name parameters populations projections rules patterns stimuli observables protocol protocols "
    "recalled limits choices curves reference rate_dt time_unit spiking description varied chosen unused",
}


@pytest.mark.parametrize("noun", SHOWN, ids=lambda noun: noun.__name__)
def test_a_new_field_of_a_noun_is_given_a_line_of_the_card(noun):
    assert [item.name for item in fields(noun)] == SHOWN[noun].split(), (
        "show it in brainmem/model/card.py, then list it here"
    )


def test_python_and_the_command_show_the_same_text(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    for name in NAMES:
        shown = CliRunner().invoke(app, ["show", name]).stdout.rstrip()
        own, _, claims = shown.partition("\n\nClaims\n")
        assert own == str(get_model(name)).rstrip()
        assert [claim.key for claim in get_claims(name)] == re.findall(r"^  (\w+) ", claims, re.MULTILINE)
    assert str(KURIKAWA) != repr(KURIKAWA)
    assert f"{KURIKAWA}".startswith("kurikawa2020\nRepeated sequential learning")


def test_a_model_without_a_description_shows_its_reference():
    model = brainmem.MemoryModel(
        "decay",
        parameters=(Parameter("tau", "10*ms", meaning="time [of decay]"),),
        populations=(Population("units", "dx/dt = -x/tau : 1", size=2),),
        protocol=Protocol((Phase("wait", duration="tau"),), (Each("wait", items=1),)),
        reference=KURIKAWA.reference,
        rate_dt="tau/10",
    )
    text = card(model, width=300)
    assert text.startswith("decay\nT. Kurikawa, O. Barak, K. Kaneko (2020), Repeated sequential")
    assert "Physical Review Research 2, 023307. doi:10.1103/PhysRevResearch.2.023307\n" in text
    assert "time [of decay]" in text


# Lines


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a + b", 20, ["a + b"]),
        ("first*(a + b) + second*(c + d)", 20, ["first*(a + b)", "    + second*(c + d)"]),
        ("amplitude*exp(-(x - y)**2/(2*s**2))", 24, ["amplitude", "    *exp(-(x - y)**2", "    /(2*s**2))"]),
        ("clip(a_long_name, lower, upper)", 24, ["clip(a_long_name, lower,", "    upper)"]),
        ("tau = alpha - beta : 1 (summed)", 20, ["tau = alpha", "    - beta : 1", "    (summed)"]),
        ("a_name_that_nothing_divides_at_all", 10, ["a_name_that_nothing_divides_at_all"]),
        ("x**2**3**4", 5, ["x**2**3**4"]),
    ],
)
def test_expressions_are_broken_before_operators_outside_of_brackets(text, width, lines):
    assert broken(text, width) == lines


@pytest.mark.parametrize("width", range(6, 90, 7))
def test_broken_lines_hold_all_of_the_text_and_fit_where_they_can(width):
    text = "int(item == 0)*clip((merged - time)/(merged - merging), 0, 1)*own + sqrt(1 - int(item == 0)*a**2)*common"
    lines = broken(text, width, indent=2)
    assert bare("".join(lines)) == bare(text)
    assert max(map(len, lines)) <= max(width, len("      int(item == 0) + "))
    assert not any(line.lstrip().startswith("**") or line.endswith("*") for line in lines)


def test_prose_keeps_its_lines_where_they_fit_and_is_filled_where_not():
    text = (
        "A title\n\nTwo lines\nof a paragraph.\n\nDepartures\n----------\n- one item that is long\n  and goes on\n- two"
    )
    assert prose(text, 40) == text.splitlines()
    assert prose(text, 20) == [
        "A title", "", "Two lines of a", "paragraph.", "", "Departures", "----------",
        "- one item that is", "  long and goes on", "- two",
    ]  # fmt: skip


def test_pairs_without_text_are_left_out_and_a_table_wraps_one_column():
    assert aligned([("a", "1"), ("none", ""), ("bc", "2")], 40) == ["  a   1", "  bc  2"]
    rows = [("tau", "10 ms", "a time constant that is told at some length", "eq. 1")]
    assert columns(("name", "value", "meaning", "source"), rows, 50, wide=2) == [
        "  name  value  meaning                      source",
        "  tau   10 ms  a time constant that is      eq. 1",
        "               told at some length",
    ]
