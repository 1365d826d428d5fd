"""Patterns, which nobody is shown, and stimuli, which phases show: what may read which, and mistakes with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brainmem import (
    Choice,
    LearningRule,
    MemoryModel,
    Observable,
    Pattern,
    Population,
    Projection,
    Recalled,
    RuleError,
    SpikingRule,
    Stimulus,
    freeze,
    get_model,
)
from brainmem.model import nouns
from brainmem.model.reading import drawing_order, drawn_from, patterns_read
from tests.support.hopfield_models import hopfield
from tests.support.small_models import EQUATIONS, HEBB, LEARN, PARTS, RECURRENT, check_refused, phase, recurrent, small

PLACE = Pattern("place", "units", draw="permutation()")
CUE = PARTS["stimuli"][0]
SHOWN_TO_NOBODY = "'place' is a Pattern, which nobody is shown: draws, starts and start weights read it. Make it a Stim"


def with_place(**changes):
    return {"patterns": (PLACE,), **changes}


def test_a_stimulus_is_a_pattern_with_the_same_fields():
    stimulus = Stimulus("cue", "units", items=3, draw="signs()*2", values=(-2, 2), distinct=True)
    pattern = Pattern(**vars(stimulus))
    assert isinstance(stimulus, Pattern)
    assert vars(pattern) == vars(stimulus)
    assert pattern != stimulus
    assert (pattern.kind, stimulus.kind) == ("pattern", "stimulus")


def test_a_model_keeps_both_apart_and_counts_them_together():
    model = small(**with_place())
    assert (model.patterns, model.stimuli) == ((PLACE,), (CUE,))
    assert model.all_patterns == (PLACE, CUE)


def test_a_pattern_that_nothing_reads_is_kept_for_measures():
    assert small(**with_place()).patterns == (PLACE,)
    assert patterns_read(small(**with_place())) == {"cue"}


@pytest.mark.parametrize(
    "changes",
    [
        {"stimuli": (replace(CUE, draw="sign(place - 4.5)"),)},
        phase(start={"x": "place/N"}),
        phase(start={"x": "uniform(0, 1)*place/N"}),
        recurrent(initial={"w": "place.T @ place/N**3"}),
        {"recalled": Recalled(phase="learn", target="place", score="pearson", threshold=0.5)},
    ],
    ids=["draw", "start", "random start", "start weights", "criterion"],
)
def test_draws_starts_start_weights_and_the_criterion_read_patterns(changes):
    model = small(**with_place(**changes))
    assert ("place" in patterns_read(model)) is ("stimuli" not in changes)


def reading(name: str) -> dict[str, dict]:
    """Return changes of the small model by which something reads a name that it cannot."""
    spiking = SpikingRule(on_post=f"w += eta*{name}_post")
    units = replace(PARTS["populations"][0], equations=EQUATIONS.replace("cue", f"(cue + {name})"))
    return {
        "equation": {"populations": (units,)},
        "current": {"projections": (replace(RECURRENT, current=f"u_post = w*x_pre*{name}_pre : 1 (summed)"),)},
        "synaptic variable": {"projections": (replace(RECURRENT, variables=f"z = {name}_post : 1"),)},
        "rule": {"rules": (replace(HEBB, continuous=f"dw/dt = plastic*(eta/tau)*{name}_post*x_pre : 1"),)},
        "rule without ending": {"rules": (replace(HEBB, continuous=f"dw/dt = plastic*(eta/tau)*{name}*x_pre : 1"),)},
        "periodic rule": {"rules": (LearningRule("hebb", "recurrent", periodic=f"w += {name}_pre", every="T"),)},
        "episodic rule": {"rules": (LearningRule("hebb", "recurrent", episodic=f"w += {name}_pre", at=("learn",)),)},
        "spiking text": {"rules": (replace(HEBB, spiking=spiking),)},
        "observable": {"observables": (Observable("overlap", f"x*{name}", population="units"),)},
        "condition": phase(until=f"overlap > {name}"),
    }  # fmt: skip


@pytest.mark.parametrize("where", reading("place"))
def test_equations_and_rules_cannot_read_a_pattern(where):
    changes = reading("place")[where]
    check_refused(with_place(**changes), [SHOWN_TO_NOBODY])


def test_the_state_of_units_updated_one_at_a_time_cannot_follow_a_pattern():
    spins = Population("spins", "h : 1\nS : 1", sequential="S = sign(h + place)")
    field = Projection("field", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "0"})
    with pytest.raises(RuleError, match="'place' is a Pattern, which nobody is shown"):
        MemoryModel(
            "spins",
            parameters=PARTS["parameters"][:2],
            populations=(spins,),
            projections=(field,),
            patterns=(replace(PLACE, population="spins"),),
            protocol=nouns.Phase("go", duration="1*second"),
            rate_dt="1*second",
        )


CIRCLE = (Pattern("a", "units", draw="b + 1"), Pattern("b", "units", draw="2*c"), Pattern("c", "units", draw="a"))
REFUSED = {
    "shown": (
        with_place(**phase(stimuli=("cue", "place"))),
        ["phase 'learn': stimuli= names 'place', which is a Pattern", "make it a Stimulus, in stimuli= of the model"],
    ),
    "a stimulus that is read and not shown": (
        phase(stimuli=(), until="", start={"x": "cue"}),
        ["stimulus 'cue': no phase shows it, so that it would be 0 throughout", "Phase(..., stimuli=('cue',))"],
    ),
    "a stimulus that nothing reads and nobody is shown": (
        {"stimuli": (CUE, Stimulus("place", "units"))},
        ["stimulus 'place': no phase shows it, and no equation reads it", "declare it as a Pattern, in patterns="],
    ),
    "a pattern among stimuli": (
        {"stimuli": (CUE, PLACE)},
        ["stimuli must hold Stimulus only", "belongs in patterns=. Make it a Stimulus for phases to show it"],
    ),
    "a stimulus among patterns": (
        {"patterns": (Stimulus("place", "units"),)},
        ["patterns must hold Pattern only", "A Stimulus, which phases show, belongs in stimuli="],
    ),
    "no tuple": ({"patterns": PLACE}, ["patterns must be a tuple of Pattern", "Is a comma missing"]),
    "one name": (
        {"patterns": (replace(PLACE, name="cue"),)},
        ["two parts (pattern or stimulus) are called 'cue'"],
    ),
    "name of a parameter": (
        {"patterns": (replace(PLACE, name="gamma"),)},
        ["'gamma' is the name of a parameter too"],
    ),
    "name of a variable": ({"patterns": (replace(PLACE, name="u"),)}, ["'u' has the name of a pattern"]),
    "name of a record": ({"patterns": (replace(PLACE, name="mean_x"),)}, ["pattern 'mean_x'", "results call"]),
    "a table's name": ({"patterns": (PLACE, replace(PLACE, name="place_values"))}, ["the table of pattern 'place'"]),
    "population": (
        {"patterns": (replace(PLACE, population="unit"),)},
        ["pattern 'place'", "Did you mean 'units'?"],
    ),
    "unit": ({"patterns": (replace(PLACE, unit="volt"),)}, ["pattern 'place': draw='permutation()' has unit 1"]),
    "unknown name": ({"patterns": (replace(PLACE, draw="2*que"),)}, ["pattern 'place'", "unknown name 'que'"]),
    "start of another population": (
        with_place(**phase(start={"x": "plce"})),
        ["phase 'learn': start['x']='plce'", "Did you mean 'place'?"],
    ),
    "target in frames": (
        {
            "patterns": (replace(PLACE, frames=3, every="tau"),),
            "recalled": Recalled(phase="learn", target="place", score="overlap", threshold=0.5),
        },
        ["target 'place' changes in time (frames=3)"],
    ),
    "circle": (
        {"patterns": CIRCLE},
        ["depends on itself", "a = 'b + 1'", "b = '2*c'", "c = 'a'", "Draw one of them without the others"],
    ),
    "circle through a stimulus": (
        {"patterns": (Pattern("a", "units", draw="-cue"),), "stimuli": (replace(CUE, draw="a*signs()"),)},
        ["depends on itself", "a = '-cue'", "cue = 'a*signs()'"],
    ),
    "itself": ({"patterns": (Pattern("a", "units", draw="a*2"),)}, ["pattern 'a': its draw depends on itself: a <- a"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_refused_with_what_to_do(mistake):
    check_refused(*REFUSED[mistake])


def test_a_circle_is_shown_in_the_order_in_which_its_draws_read_each_other():
    with pytest.raises(RuleError) as error:
        small(patterns=(*CIRCLE, Pattern("d", "units", draw="a")))
    assert len(error.value.errors) == 0  # d, which reads a, is in no circle
    assert any(ring in str(error.value) for ring in ("a <- b <- c <- a", "b <- c <- a <- b", "c <- a <- b <- c"))


def test_two_circles_are_told_together():
    names = {"a": "b", "b": "a", "c": "d", "d": "c"}
    with pytest.raises(RuleError) as error:
        small(patterns=tuple(Pattern(name, "units", draw=read) for name, read in names.items()))
    assert len(error.value.errors) == 2


def test_patterns_come_after_what_they_are_drawn_from_and_functions_are_no_patterns():
    late, early = Pattern("late", "units", draw="first(early)"), Pattern("early", "units", draw="signs()")
    assert drawing_order((late, early)) == (early, late)
    called = Pattern("signs", "units", draw="signs()*late")
    assert drawing_order((called, late, early)) == (early, late, called)


def test_what_is_drawn_from_patterns_is_found_through_others():
    names = {"c": "b", "b": "a*signs()", "a": "signs()", "other": "signs()"}
    patterns = tuple(Pattern(name, "units", draw=draw) for name, draw in names.items())
    assert drawn_from(patterns, {"a"}, without=set()) == {"a", "b", "c"}
    assert drawn_from(patterns, {"a"}, without={"b"}) == {"a"}
    assert drawn_from(patterns, set(), without=set()) == set()


def test_a_copy_may_leave_out_the_phases_that_show_a_stimulus():
    rest = nouns.Phase("rest", duration="T")
    protocol = nouns.Protocol((LEARN, rest), (nouns.Each("learn"), nouns.Each("rest")))
    model = small(protocol=protocol)
    frozen = freeze(model, "rest")
    assert (frozen.stimuli, [item.name for item in frozen.patterns]) == ((), ["cue"])  # nobody is shown it any more
    assert model.replace(protocol=rest, rules=(), projections=()).stimuli == (CUE,)


def test_a_stimulus_that_one_form_of_a_choice_shows_is_shown():
    form = Choice("which", {"first": "cue", "second": "other"})
    units = replace(PARTS["populations"][0], equations=EQUATIONS.replace("cue", "which"))
    shown = phase(stimuli=("which",), until="") | {"populations": (units,)}
    model = small(stimuli=(CUE, Stimulus("other", "units")), choices=(form,), **shown)
    assert model.choose(which="second").protocol.phases[0].stimuli == ("other",)
    with pytest.raises(RuleError, match="stimulus 'third': no phase shows it"):
        small(stimuli=(CUE, *(Stimulus(name, "units") for name in ("other", "third"))), choices=(form,), **shown)


def test_draws_of_patterns_take_forms_of_choices():
    form = Choice("kind", {"signs": "signs()", "bits": "binary(0.5)"})
    model = small(patterns=(Pattern("memory", "units", draw="2*kind"),), choices=(form,))
    assert model.choose(kind="bits").patterns[0].draw == "2*(binary(0.5))"


def test_both_papers_show_only_what_equations_read():
    for name in ("kurikawa2020", "rajan2016", "rajan2016/choice", "rajan2016/feedback"):
        model = get_model(name)
        texts = " ".join([p.equations for p in model.populations] + [r.text for r in model.rules])
        texts += " ".join(text for c in model.choices for option in c.options for text in c.texts(option).values())
        assert all(item.name in texts for item in model.stimuli)
        assert not any(f" {item.name} " in texts for item in model.patterns)
    assert [item.name for item in get_model("rajan2016/choice").stimuli] == ["R", "h", "seen"]


def test_the_card_shows_patterns_before_stimuli():
    text = str(small(**with_place()))
    assert text.index("Pattern place of units") < text.index("Stimulus cue of units")
    assert "Pattern memory of units" in str(hopfield())
