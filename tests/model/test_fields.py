"""Every field of every noun holds what it is meant for, or the model is refused where it is made."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Choice,
    Each,
    LearningRule,
    Limit,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Reference,
    Repeat,
    RuleError,
    SpikingRule,
    Stimulus,
)
from brainmem.model import nouns
from brainmem.model.fields import FIELDS, NOTHING, TEXT, kinds_of
from brainmem.model.parts import inner, parts, texts, texts_of, with_texts
from tests.support.small_models import HEBB, LEARN, PARTS, RECURRENT, UNITS

STATEMENTS = SpikingRule(on_pre="w += eta*count_pre", on_post="w += eta", clocked="dtrace/dt = -trace/tau : 1", why="?")
FULL = {
    **PARTS,
    "projections": (
        replace(
            RECURRENT,
            variables="w : 1\nage : second",
            initial={"w": "normal(0, 1)"},
            row_norm=1.0,
            self_connections=True,
            source_units=":5",
            target_units="0:5",
        ),
    ),
    "rules": (
        LearningRule(
            "store",
            "recurrent",
            episodic="w += plastic*eta*x_pre\nage += T",
            at=("learn",),
            bounds={"w": (-1, "2*gamma")},
            spiking=STATEMENTS,
        ),
    ),
    "patterns": (Pattern("place", "units", values=(0, 1), draw="permutation()"),),
    "stimuli": (
        Stimulus("cue", "units", values=(-1, 1), distinct=True),
        Stimulus("film", "units", items=1, frames="round(T/tau)", every="tau", draw="filtered_noise(tau)"),
    ),
    "protocol": Protocol(
        (
            LEARN,
            replace(LEARN, name="test", until="", start={}, average="2*tau", restore=True, stimuli=("film", "cue")),
        ),
        (Each(("learn", "test")), Repeat(2, (Each("learn", order="random", epochs=(1, 2)),))),
    ),
    "recalled": Recalled(
        phase="test", target="cue", score="overlap", threshold=0.85, repeats="mean", spiking={"score": "pearson"}
    ),
    "limits": (Limit("M < N", "load"),),
    "reference": Reference("A. Author", "Title", "Journal", 2020, doi="10.1/1"),
    "spiking": {"cells_per_unit": 4, "rate_max": "80*Hz"},
    "description": "A model with a part of every kind.",
}
FORMS = {**PARTS, "choices": (Choice("form", {"a": "x_pre", "b": "x_post"}, default="b", meaning="which rate"),)}
FORMS["rules"] = (replace(HEBB, continuous="dw/dt = plastic*(eta/tau)*form : 1"),)

ODD: dict[str, Any] = {
    "None": None,
    "5": 5,
    "2.5": 2.5,
    "1j": 1j,
    "True": True,
    "numpy's True": np.bool_(True),
    "'False'": "False",
    "''": "",
    "' '": " ",
    "'x'": "x",
    "[]": [],
    "()": (),
    "{}": {},
    "{5: 5}": {5: 5},
    "{'x': None}": {"x": None},
    "[None]": [None],
    "nested tuple": ((1, 2), (3,)),
    "object": object(),
    "array": np.array([1.0, 2.0]),
    "time": 5 * ms,
    "noun": LEARN,
    "other noun": UNITS,
    "class": Population,
}
EMPTY = {"''", "' '"}
PROSE = {"'False'", "''", "' '", "'x'"}
TRUTH = {"True", "numpy's True"}
# The odd values that a field rightly takes, by noun and field.
ALLOWED: dict[str, set[str]] = {
    "MemoryModel.name": {"'False'", "'x'"},
    "MemoryModel.recalled": {"None"},
    "MemoryModel.patterns": {"()"},
    "MemoryModel.limits": {"()"},
    "MemoryModel.choices": {"()"},
    "MemoryModel.curves": {"()"},
    "MemoryModel.reference": {"None"},
    "MemoryModel.spiking": {"{}"},
    "MemoryModel.description": PROSE,
    "MemoryModel.varied": TRUTH,
    "MemoryModel.chosen": {"{}"},
    "MemoryModel.protocols": {"{}"},
    "MemoryModel.unused": {"()"},
    **dict.fromkeys((f"Reference.{name}" for name in ("authors", "title", "journal", "doi", "arxiv")), PROSE),
    "Reference.year": {"5"},
    "Parameter.value": {"5", "2.5"},
    **dict.fromkeys((f"{noun}.{name}" for noun in ("Parameter", "Choice") for name in ("meaning", "source")), PROSE),
    "Choice.default": {"''"},  # the first
    **{
        f"{noun}.{name}": allowed
        for noun in ("Pattern", "Stimulus")
        for name, allowed in {
            "items": {"5"},
            "draw": {"'False'"},  # 0 for all
            "values": {"None"},
            "distinct": TRUTH,
            "frames": {"''"},
            "every": {"''"},
        }.items()
    },
    "Population.size": {"5"},
    "Population.rate": {"'x'"},  # is its rate
    "Population.drive": {"None", "'x'"},
    "Population.sequential": {"''"},
    "Population.initial": {"{}"},
    "Population.values": {"{}"},
    "Projection.initial": set(),  # row_norm needs weights
    "Projection.row_norm": {"None", "5", "2.5"},
    "Projection.self_connections": TRUTH,
    "Projection.source_units": {"''"},
    "Projection.target_units": {"''"},
    "Projection.delay": {"''"},
    **dict.fromkeys((f"SpikingRule.{name}" for name in ("on_pre", "on_post", "clocked")), EMPTY),
    "SpikingRule.why": PROSE,
    "LearningRule.name": {"'False'", "'x'"},
    "LearningRule.continuous": {"''"},
    "LearningRule.periodic": {"''"},
    "LearningRule.every": {"''"},
    "LearningRule.during": {"()"},
    "Observable.during": {"()"},
    "LearningRule.order": {"5"},
    "LearningRule.bounds": {"{}"},
    "LearningRule.spiking": {"None"},
    "LearningRule.equation": PROSE,
    "Observable.expression": {"'x'"},
    "Observable.units": {"''"},
    "Phase.until": {"'False'", "''"},
    "Phase.gates": {"{}"},  # of the phase that another gives the gate
    "Phase.stimuli": {"()"},
    "Phase.start": {"{}"},
    "Phase.begin": {"{}"},
    "Phase.end": {"{}"},
    "Phase.average": {"''"},
    "Phase.spiking": {"{}", "None"},
    **dict.fromkeys((f"Phase.{name}" for name in ("must_end", "restore", "paired")), TRUTH),
    "Each.draws": {"None"},
    "Each.items": {"5", "None"},
    "Each.repeats": {"5"},
    "Each.epochs": {"None"},  # outside of a Repeat
    "Repeat.times": {"5"},
    "Repeat.until": {"'False'", "''"},
    "Recalled.level": {"None"},
    "Recalled.spiking": {"{}"},
    "Limit.condition": {"'False'"},  # forbids every run
    "Limit.reason": PROSE,
}
# How a message names a field, where it is not ``field=``.
NAMED = {
    **{f"MemoryModel.{name}": f"{name} must be" for name in ("parameters", "populations", "projections", "rules")},
    **{
        f"MemoryModel.{name}": f"{name} must be"
        for name in ("patterns", "stimuli", "observables", "limits", "choices", "curves", "protocol")
    },
    "MemoryModel.name": "the name must be",
    "LearningRule.name": "rule name",
    **{
        f"{noun}.name": f"{noun.lower()} name"
        for noun in ("Choice", "Pattern", "Stimulus", "Population", "Projection", "Parameter")
    },
    **{f"{noun}.name": f"{noun.lower()} name" for noun in ("Observable", "Phase")},
    "Parameter.value": "gamma",
    "Each.phases": "phase",
    "Repeat.body": "the body of Repeat must be",
}
NOT_PARTS = {"Curve": "is checked as it is made", "Protocol": "is looked at below"}


@cache
def model(choices: bool) -> MemoryModel:
    return MemoryModel("small", **(FORMS if choices else FULL))


def every_noun() -> dict[str, tuple[MemoryModel, Any]]:
    """Return a noun of every kind, with the model that holds it."""
    found: dict[str, tuple[MemoryModel, Any]] = {}
    for whole in (model(False), model(True)):
        for _, noun in parts(whole):
            found.setdefault(type(noun).__name__, (whole, noun))
    return found | {"Parameter": (model(False), model(False).parameter("gamma"))}


def made_with(whole: MemoryModel, noun: Any, field: str, value: Any) -> MemoryModel:
    """Return a model in which a field of one noun holds another value."""
    if noun is whole:
        return replace(whole, **{field: value})
    new = replace(noun, **{field: value})
    changed = {item.name: _swapped(getattr(whole, item.name), noun, new) for item in fields(whole)}
    return MemoryModel(**changed)


def _swapped(value: Any, old: Any, new: Any) -> Any:
    if value is old:
        return new
    if isinstance(value, tuple):
        return tuple(_swapped(item, old, new) for item in value)
    if isinstance(value, Protocol | Repeat | LearningRule):
        return replace(value, **{f.name: _swapped(getattr(value, f.name), old, new) for f in fields(value)})
    return value


FIELD_NAMES = [f"{name}.{item.name}" for name, (_, noun) in every_noun().items() for item in fields(noun)]


def test_every_field_of_every_noun_stands_in_the_table():
    for name in nouns.__all__:
        noun = getattr(nouns, name)
        known = next(FIELDS[base] for base in noun.__mro__ if base in FIELDS)
        assert set(known) == {item.name for item in fields(noun)}, name
    assert {field.partition(".")[0] for field in FIELD_NAMES} | set(NOT_PARTS) == set(nouns.__all__) - {"Model"} | {
        "MemoryModel"
    }
    assert set(ALLOWED) <= set(FIELD_NAMES)


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("field", FIELD_NAMES)
def test_a_value_of_the_wrong_kind_is_refused_by_model_part_and_field(field, every):
    noun_name, _, name = field.partition(".")
    whole, noun = every_noun()[noun_name]
    accepted = set()
    tried = list(ODD)[FIELD_NAMES.index(field) % every :: every]  # each value meets fields of all kinds
    for odd in tried:
        value = ODD[odd]
        try:
            made_with(whole, noun, name, value)
        except RuleError as error:
            message = str(error)
            assert message.startswith("Model "), (odd, message)
            phase = name == "protocol" and isinstance(value, Phase)  # a protocol indeed, without the others' phases
            if not (phase or isinstance(value, str | tuple | dict)):
                assert NAMED.get(field, f"{name}=") in message, (odd, message)
        else:
            accepted.add(odd)
    assert accepted == ALLOWED.get(field, set()) & set(tried)


@pytest.mark.parametrize("during", ["learn", ["learn"], ("nope",), (5,)], ids=str)
def test_phases_that_a_rule_acts_during_are_a_tuple_of_their_names(during):
    rule = replace(HEBB, during=("learn",))
    assert MemoryModel("small", **{**PARTS, "rules": (rule,)}).rules == (rule,)
    with pytest.raises(RuleError, match=r"^Model 'small', rule 'hebb': .*during"):
        MemoryModel("small", **{**PARTS, "rules": (replace(HEBB, during=during),)})


@pytest.mark.parametrize("ends", [(), (0,), (0, 1, 2), (1, 0), ("nobody", 1), (0, float("nan")), ("tau", 1)], ids=str)
def test_a_wrong_range_of_rates_is_told_of_once_where_scores_depend_on_it(ends):
    with pytest.raises(RuleError) as error:
        made_with(model(False), model(False).population("units"), "rate_range", ends)
    assert str(error.value).startswith("Model 'small', population 'units': rate_range=")


@pytest.mark.parametrize("value", ["False", "no", "", 0, 1, 0.0, None, [], np.int64(1)])
@pytest.mark.parametrize(
    "field",
    [
        *(f"Phase.{name}" for name in ("must_end", "restore", "paired")),
        "Projection.self_connections",
        "Pattern.distinct",
        "Stimulus.distinct",
    ],
)
def test_only_true_and_false_are_true_and_false(field, value):
    noun_name, _, name = field.partition(".")
    with pytest.raises(RuleError, match=rf"{name}=.* must be True or False\."):
        made_with(*every_noun()[noun_name], name, value)


def test_numpys_truth_values_count_as_those_of_python():
    for value in (np.bool_(True), np.array([0.5]) > 0.2):
        changed = replace(LEARN, restore=value[0] if isinstance(value, np.ndarray) else value)
        assert MemoryModel("small", **{**PARTS, "protocol": Protocol((changed,), (Each("learn"),))}).protocol.phases


NESTED = Protocol((LEARN,), (Repeat(2, (Repeat(2, (Each("learn"),)),)),))
WRONG = {
    "nested repeat": (NESTED, "got another Repeat"),
    "no tuple": (Protocol((LEARN,), (Repeat(2, Each("learn")),)), "must be a tuple of Each"),
    "empty body": (Protocol((LEARN,), (Repeat(2, ()),)), "must be a tuple of Each"),
    "names in a body": (Protocol((LEARN,), (Repeat(2, ("learn",)),)), "must be a tuple of Each"),
    "phase as a schedule": (Protocol((LEARN,), (LEARN,)), "schedule of the protocol must hold Each or Repeat only"),
    "schedule that is no tuple": (Protocol((LEARN,), Each("learn")), "must be a tuple of Each or Repeat"),
    "names as phases": (Protocol(("learn",), (Each("learn"),)), "phases of the protocol must hold Phase only"),
    "no phases": (Protocol(None, None), "phases of the protocol must be a tuple of Phase, got NoneType"),
    "no protocol": (None, "protocol must be a Protocol, got NoneType"),
    "another noun": (UNITS, "protocol must be a Protocol, got Population"),
    "gates that are none": (Protocol((replace(LEARN, gates=None),), (Each("learn"),)), "gates=None must be a mapping"),
    "a name that is none": (Protocol((replace(LEARN, name=None),), (Each("learn"),)), "phase name None must be"),
}


@pytest.mark.parametrize("choices", [False, True], ids=["without a choice", "with a choice"])
@pytest.mark.parametrize("what", WRONG)
def test_a_protocol_of_other_things_is_refused_with_and_without_choices(what, choices):
    protocol, part = WRONG[what]
    with pytest.raises(RuleError) as error:
        MemoryModel("small", **{**(FORMS if choices else PARTS), "protocol": protocol})
    assert str(error.value).startswith("Model 'small'")
    assert part in str(error.value)


@pytest.mark.parametrize(
    ("choice", "part"),
    [
        (Choice("learn", {"a": "1", "b": "2"}), "a phase is called 'learn' already"),
        (Choice("plastic", {"a": "1", "b": "2"}), "a gate is called 'plastic' already"),
        (Choice("x", {"a": "1", "b": "2"}), "a variable is called 'x' already"),
        (Choice("w", {"a": "1", "b": "2"}), "a variable is called 'w' already"),
        (Choice("random", {"a": "1", "b": "2"}), "a value of order= is called 'random' already"),
        (Choice("mean", {"a": "1", "b": "2"}), "a value of reduce= is called 'mean' already"),
        (Choice("overlap", {"a": "1", "b": "2"}), "an observable is called 'overlap' already"),
        (Choice("hebb", {"a": "1", "b": "2"}), "a rule is called 'hebb' already"),
        (Choice("form", {"a": 1, "b": 2}), "must give the texts of at least two forms, by name"),
        (Choice("form", {1: "1", 2: "2"}), "must be the texts of at least two forms, by name"),
        (Choice("form", "ab"), "must be the texts of at least two forms, by name"),
        (Choice("form", {}), "must give the texts of at least two forms, by name"),
        (Choice("my form", {"a": "1", "b": "2"}), "choice name 'my form' must be letters"),
        (Choice(None, {"a": "1", "b": "2"}), "choice name None must be letters"),
    ],
)
def test_a_choice_that_stands_for_something_else_is_refused(choice, part):
    with pytest.raises(RuleError) as error:
        MemoryModel("small", **{**PARTS, "choices": (choice,)})
    assert part in str(error.value)


def test_a_choice_may_stand_in_every_text_of_a_model():
    """A text that substitution missed would keep the name in whose place a form stands."""
    whole = model(False)
    made = copy(whole)
    vars(made).update(with_texts(whole, lambda text: re.sub(r"\bM\b", "form", text)))
    before, after = ([(place, field) for place, field, text in texts(m) if "M" in text] for m in (whole, made))
    assert before == [
        ("pattern 'place'", "items"),
        ("stimulus 'cue'", "items"),
        ("limit 'M < N'", "condition"),
        ("schedule", "items"),
        ("schedule", "items"),
    ]
    assert after == []
    assert [text for *_, text in texts(made) if "form" in text] == ["form", "form", "form < N", "form", "form"]


def test_the_texts_of_a_model_are_found_once_and_with_their_places():
    found = [(where, field) for where, field, _ in texts(model(False))]
    assert len(found) == len(set(found)) + 1  # both visits to the phases take their items from the same place
    for place in (
        ("", "rate_dt"),
        ("", "spiking['rate_max']"),
        ("parameter 'eta'", "value"),
        ("population 'units'", "equations"),
        ("projection 'recurrent'", "initial['w']"),
        ("rule 'store'", "bounds['w']"),
        ("rule 'store', spiking text", "clocked"),
        ("pattern 'place'", "draw"),
        ("stimulus 'film'", "frames"),
        ("phase 'learn'", "start['x']"),
        ("schedule", "items"),
        ("limit 'M < N'", "condition"),
    ):
        assert place in found


def test_every_field_that_holds_text_is_read():
    """Fill every text of each noun with a name of its own, and find them all."""
    for name, (_, noun) in every_noun().items():
        kinds = kinds_of(noun)
        written = {key for key, kind in kinds.items() if kind.role == TEXT and isinstance(getattr(noun, key), str)}
        held = {key: f"{name}_{key}" for key in written}
        changed = noun.__class__.__new__(noun.__class__)
        vars(changed).update({**vars(noun), **held})
        assert set(held.values()) <= {text for _, text in texts_of(changed)}, name
        assert all(kind.role in (NOTHING, "word", TEXT) for kind in kinds.values())


def test_a_parameter_may_be_named_in_any_text():
    """A parameter that one text alone names is used, whichever text it is."""
    extra = Parameter("extra", 1.0)
    parameter = (*PARTS["parameters"], extra)
    for changes in (
        {"rules": (replace(HEBB, bounds={"w": (-1, "extra")}),)},
        {"limits": (Limit("extra > 0", "it must be"),)},
        {"rate_dt": "0.1*ms*extra"},
        {"time_unit": "1*second*extra"},
        {"spiking": {"rate_max": "80*Hz*extra"}},
        {"observables": (Observable("overlap", "x*cue*extra", population="units"),)},
        {"stimuli": (Stimulus("cue", "units", draw="signs()*extra"),)},
        {"patterns": (Pattern("place", "units", draw="extra*unit"),)},
        {"populations": (replace(UNITS, initial={"x": "extra*uniform(0, 1)"}),)},
        {"populations": (replace(UNITS, rate_range=("-extra", 1)),)},
        {"projections": (replace(RECURRENT, initial={"w": "normal(0, extra)"}),)},
        {"projections": (replace(RECURRENT, variables="z = extra : 1"),)},
        {"rules": (replace(HEBB, spiking=SpikingRule(on_post="w += extra*count_post")),)},
        {"protocol": Protocol((replace(LEARN, average="tau*extra"),), (Each("learn"),))},
        {"protocol": Protocol((replace(LEARN, gates={"plastic": "extra"}),), (Each("learn"),))},
        {"protocol": Protocol((replace(LEARN, start={"x": "extra"}),), (Each("learn"),))},
        {"protocol": Protocol((replace(LEARN, until="overlap > extra"),), (Each("learn"),))},
        {"protocol": Protocol((replace(LEARN, end={"units": "x = extra*x"}),), (Each("learn"),))},
    ):
        assert MemoryModel("small", **{**PARTS, "parameters": parameter, **changes}).parameter("extra") is extra
    with pytest.raises(RuleError, match="parameter 'extra': nothing in the model names it"):
        MemoryModel("small", **{**PARTS, "parameters": parameter})


def test_nouns_within_nouns_are_found():
    rule = replace(HEBB, spiking=STATEMENTS)
    assert list(inner("rule 'hebb'", rule)) == [("rule 'hebb'", rule), ("rule 'hebb', spiking text", STATEMENTS)]
    assert isinstance(Phase("a", duration="1*second"), Phase)
    assert Projection("a", "b", "c").row_norm is None
