"""Models with several protocols by name: how they are written, and what one of them needs of the text."""

from __future__ import annotations

import re
from dataclasses import fields as dataclass_fields
from dataclasses import replace

import pytest

from brainmem import (
    Choice,
    Each,
    LearningRule,
    Limit,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Repeat,
    RuleError,
    SpikingRule,
    Stimulus,
    freeze,
    get_model,
    translate,
)
from tests.support.protocol_models import (
    BY_HAND,
    REST,
    SCALE,
    SCALING,
    SHOW,
    SLEEP,
    SPINS,
    SPINS_BY_HAND,
    WAKE,
    WHOLE,
)


def body(translated) -> str:
    """Return a script without the lines that name the model."""
    return "\n".join(line for line in str(translated).splitlines() if not line.startswith("# "))


@pytest.mark.parametrize("variant", ["rate", "spiking"])
@pytest.mark.parametrize("name", BY_HAND)
def test_the_text_for_one_protocol_is_that_of_a_model_that_holds_nothing_else(name, variant):
    translated = translate(WHOLE, variant, protocol=name)
    assert body(translated) == body(translate(BY_HAND[name], variant))
    assert str(translated).startswith(f"# rates, protocol {name}, {variant} variant")


@pytest.mark.parametrize("name", SPINS_BY_HAND)
def test_so_is_that_of_units_visited_one_at_a_time(name):
    assert body(translate(SPINS, protocol=name)) == body(translate(SPINS_BY_HAND[name]))
    assert ("log" in body(translate(SPINS, protocol=name))) == (name == "glauber")


def test_the_first_protocol_is_the_default_and_others_are_named():
    assert list(WHOLE.protocols) == ["wake", "dream", "scaling"]
    assert WHOLE.with_protocol() == WHOLE.with_protocol("wake") != WHOLE.with_protocol("dream")
    chosen = WHOLE.with_protocol("dream")
    assert (chosen.protocol.name, chosen.protocols, chosen.with_protocol("dream")) == ("dream", {}, chosen)
    assert [phase.name for phase in WHOLE.protocol.phases] == ["show", "sleep", "rest", "rest"]
    assert [phase.name for phase in chosen.protocol.phases] == ["sleep", "rest"]  # those of its schedule
    assert WHOLE.protocol.gates == ("learn", "recurrent", "forget", "rescale")
    assert chosen.protocol.gates == ("recurrent", "forget")


def test_what_is_left_out_is_named():
    wake = WHOLE.with_protocol("wake")
    assert set(wake.unused) == {
        *("gate recurrent", "gate forget", "gate rescale", "rule forgetting", "rule norm"),
        *("variable units.u", "variable units.power", "parameter tiny", "parameter rate"),
    }  # but not the weights of the projection "recurrent"
    assert [item.name for item in wake.parameters] == [item.name for item in WHOLE.parameters]


def test_lines_keep_their_comments_and_their_places():
    text = WHOLE.with_protocol("scaling").populations[0].equations.splitlines()
    assert text[0] == "u : 1  # recurrent input"
    assert text[2] == "drive = recurrent*u/sqrt(power + tiny) : 1"


TINY = {
    "parameters": (Parameter("N", 4), Parameter("tau", "10*ms"), Parameter("I0", "2*mV")),
    "rate_dt": "1*ms",
    "varied": True,
}


SUM = "h_post = w*x_pre : 1 (summed)"


def tiny(equations: str, protocols, **parts) -> MemoryModel:
    return MemoryModel(
        "tiny", **{**TINY, "populations": (Population("units", equations),), "protocols": protocols, **parts}
    )


def wait(name="wait", **fields) -> Protocol:
    return Protocol((Phase(name, duration="5*ms", **fields),), (Each(name, items=1),))


def test_what_only_a_recording_could_read_stays_and_so_do_states():
    equations = """
    V : volt (constant over dt)
    dx/dt = (-x + open*late)/tau : 1
    dtheta/dt = open*theta/tau : 1
    late = open*helper : 1
    helper = 2*summed : 1
    aside = 3*x : 1
    dV/dt = (open*I0 - V)/tau : volt
    kept : 1
    summed : 1
    seen : 1
    """.replace("V : volt (constant over dt)\n", "")
    current = "summed_post = x_pre : 1 (summed)\nseen_post = x_pre : 1 (summed)"
    opened = wait(gates={"open": 1}, end={"units": "kept = x*open"})
    model = tiny(
        equations,
        {"idle": wait(), "busy": opened},
        projections=(Projection("ring", "units", "units", current=current),),
    )
    idle = model.with_protocol("idle").populations[0].equations
    assert [line.strip() for line in idle.splitlines() if line.strip()] == [
        "dx/dt = (-x)/tau : 1",
        "dtheta/dt = 0*hertz : 1",
        "late = 0 : 1",
        "aside = 3*x : 1",
        "dV/dt = (-V)/tau : volt",
        "seen : 1",
    ]
    (ring,) = model.with_protocol("idle").projections
    assert ring.current == "seen_post = x_pre : 1 (summed)"
    assert {f"variable units.{name}" for name in ("summed", "helper", "kept")} <= set(
        model.with_protocol("idle").unused
    )
    assert model.with_protocol("busy").populations == model.populations


def test_a_sum_of_zeros_is_zero_where_it_is_read():
    model = tiny(
        "h : volt\ndx/dt = (-x + h*x/I0 + hot*xi*sqrt(tau))/tau : 1",
        {"cold": wait(), "hot": wait(gates={"hot": 1})},
        projections=(Projection("ring", "units", "units", current="h_post = hot*I0*x_pre : volt (summed)"),),
    )
    cold = model.with_protocol("cold")
    assert cold.populations[0].equations.splitlines() == ["h = 0*volt : volt", "dx/dt = (-x)/tau : 1"]
    assert cold.projections == ()
    assert "xi" not in str(translate(model)).replace("network", "")


def test_rules_that_never_act_and_the_variables_they_alone_need_are_left_out():
    rules = (
        LearningRule("traced", "ring", continuous="dtrail/dt = learn*(x_pre*x_post - trail)/tau : 1\n"
                     "dw/dt = (learn*trail - forget*w)/tau : 1", bounds={"w": (0, 1), "trail": (-1, 1)}),
        LearningRule("twice", "ring", episodic="d = learn*x_pre\nd += forget*w\nw += d", at=("wait", "other")),
        LearningRule("elsewhere", "ring", periodic="w *= 2", every="2*ms", during=("other",)),
        LearningRule("own", "ring", episodic="w += learn*x_pre", at=("wait",),
                     spiking=SpikingRule(on_pre="w += learn*0.1", why="ours")),
    )  # fmt: skip
    ring = Projection("ring", "units", "units", current="h_post = w*x_pre : 1 (summed)",
                      variables="half = trail/2 : 1", initial={"trail": "zeros()", "w": "zeros()"})  # fmt: skip
    protocols = {"learn": wait(gates={"learn": 1}), "forget": wait(gates={"forget": 1}), "none": wait("other")}
    model = tiny("h : 1\ndx/dt = (-x + h)/tau : 1", protocols, rules=rules, projections=(ring,))
    learn, forget, none = (model.with_protocol(name) for name in protocols)
    assert [rule.name for rule in learn.rules] == ["traced", "twice", "own"]
    assert [rule.name for rule in forget.rules] == ["traced", "twice"]
    assert [rule.name for rule in none.rules] == ["elsewhere"]
    assert forget.rules[0].continuous == "dw/dt = (-forget*w)/tau : 1"
    assert forget.rules[0].bounds == {"w": (0, 1)}
    assert (learn.rules[1].episodic, learn.rules[1].at) == ("d = learn*x_pre\nw += d", ("wait",))
    assert forget.rules[1].episodic == "d = forget*w\nw += d"
    assert (forget.projections[0].initial, forget.projections[0].variables) == ({"w": "zeros()"}, "")
    gone = {"weights ring", "variable ring.trail", "variable ring.half"}
    assert gone <= set(forget.unused)  # weights= would give the first of the two
    assert "weights ring" not in learn.unused
    assert none.projections[0].variables == "w : 1"
    for item in (learn, forget, none):
        translate(item)


def test_a_projection_that_nothing_reads_or_teaches_is_left_out():
    model = tiny(
        "h : 1\ndx/dt = (-x + open*h)/tau : 1",
        {"apart": wait(), "joined": wait(gates={"open": 1})},
        projections=(Projection("ring", "units", "units", current=SUM, initial={"w": "normal(0, 1)"}),),
    )
    apart = model.with_protocol("apart")
    assert apart.projections == ()
    assert {"projection ring", "weights ring", "variable ring.w", "variable units.h"} <= set(apart.unused)
    assert model.with_protocol("joined").projections == model.projections


def test_numbers_of_the_whole_network_that_are_read_stay():
    model = tiny(
        "dx/dt = (-x + open*base + mean_x)/tau : 1",
        {"shut": wait(until="mean_x > 2"), "open": wait(gates={"open": 1})},
        populations=(Population("units", "dx/dt = (-x + open*base + mean_x)/tau : 1"),
                     Population("one", "y : 1\ndbase/dt = (y - base)/tau : 1", size=1)),
        projections=(Projection("up", "units", "one", current="y_post = x_pre : 1 (summed)"),),
        observables=(Observable("mean_x", "x", population="units"), Observable("gated", "open*x", population="units")),
    )  # fmt: skip
    shut = model.with_protocol("shut")
    assert shut.populations[1] == model.populations[1]  # its state
    assert [item.expression for item in shut.observables] == ["x", "0"]
    translate(shut)


def test_gates_that_parameters_set_may_be_anything():
    model = tiny(
        "dx/dt = (-x + a + 2*b + 3*c)/tau : 1",
        {"text": wait(gates={"a": "0*I0/I0", "b": "0", "c": 0.0}), "other": wait(gates={"c": 1})},
    )
    assert model.with_protocol("text").populations[0].equations == "dx/dt = (-x + a)/tau : 1"


def test_choices_are_made_before_a_protocol_is_taken():
    form = Choice("input", {"none": "0*x", "gated": "open*x"})
    model = tiny("dx/dt = (-x + input)/tau : 1", {"shut": wait(), "open": wait(gates={"open": 1})}, choices=(form,))
    assert list(model.choose(input="gated").protocols) == ["shut", "open"]
    assert model.with_protocol("open").chosen == {"input": "none"}
    gated = model.choose(input="gated")
    assert gated.with_protocol("shut").populations[0].equations == "dx/dt = (-x)/tau : 1"
    assert gated.with_protocol("open").populations[0].equations == "dx/dt = (-x + (open*x))/tau : 1"


def test_copies_keep_replace_or_lose_their_protocols():
    slow = WHOLE.replace(replace(SHOW, duration="80*ms"))
    assert [item.phase("show").duration for item in list(slow.protocols.values())[:2]] == ["80*ms"] * 2
    assert slow.vary(gain=2.0).protocols["wake"].phase("show").duration == "80*ms"
    single = Protocol((SHOW, SLEEP, SCALE), WAKE.schedule)
    one = WHOLE.replace(protocol=single)
    assert (one.protocol, one.protocols) == (single, {})
    other = WHOLE.replace(protocols={"night": WHOLE.protocols["dream"], "day": SHOW, "later": SCALING})
    assert (list(other.protocols), other.protocols["night"].name) == (["night", "day", "later"], "night")
    assert other.protocols["day"].schedule == (Each("show", items=1),)
    both = Protocol((Phase("a", duration="5*ms"), Phase("b", duration="5*ms")), (Each("a", items=1),))
    shorter = tiny("dx/dt = -x/tau : 1", {"one": both, "two": wait("b")}).replace(without="b", protocols={"one": both})
    assert [phase.name for phase in shorter.protocols["one"].phases] == ["a"]
    with pytest.raises(RuleError, match="no protocol has a phase 'new' that this one could replace"):
        WHOLE.replace(Phase("new", duration="1*ms"))
    assert WHOLE.with_protocol("dream").replace(name="copy").protocol.name == "dream"


def test_freezing_takes_phases_of_one_protocol_and_folds_as_protocols_do():
    assert freeze(WHOLE, "rest", items=1).protocol.phases == (REST,)  # of the first that has it
    assert freeze(WHOLE, "rest", items=1, protocol="scaling").protocol.phases[0].duration == "30*ms"
    alone = freeze(WHOLE, "show", items=1)
    assert alone.populations[0].equations.splitlines()[0] == "drive = learn*cue : 1"
    assert (alone.rules, alone.projections) == ((), ())
    rest = Protocol((SLEEP, REST), (Each("rest", items=1),))
    apart = WHOLE.replace(protocols={"wake": WAKE, "dream": rest, "scaling": Protocol((SCALE,), SCALING.schedule)})
    shown = r"none has all of sleep, show\. .*wake: show; dream: sleep, rest; scaling: rest"
    with pytest.raises(RuleError, match=shown):
        freeze(apart, "sleep", "show")
    with pytest.raises(RuleError, match=r"'slep' is none of its phases; allowed: show, sleep, rest\..*'sleep'"):
        freeze(WHOLE, "slep")


def test_the_frozen_recall_of_a_paper_has_neither_the_rule_nor_what_only_it_reads():
    model = get_model("kurikawa2020")
    frozen = freeze(model, "recall")
    assert "target" not in frozen.populations[0].equations
    assert [item.name for item in frozen.patterns] == [*(item.name for item in model.patterns), "target"]
    assert {"rule delta", "gate plastic", "stimulus target"} <= set(frozen.unused)
    tested = freeze(get_model("rajan2016"), "test", items="sequences")
    assert [item.name for item in tested.projections] == ["fixed", "plastic"]  # no inverse of correlations
    assert [item.name for item in tested.observables] == ["misfit"]  # which is there for results
    assert {"projection inverse", "observable den", "variable units.k", "variable units.c"} <= set(tested.unused)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("drem", r"Model 'rates' has no protocol 'drem'; its protocols: wake, dream, scaling\. Did you mean 'dream'"),
        ("", "has no protocol ''"),
        (3, "has no protocol 3"),
    ],
)
def test_a_protocol_that_does_not_exist_is_refused(name, message):
    with pytest.raises(RuleError, match=message):
        WHOLE.with_protocol(name)


def test_a_model_with_one_protocol_has_no_others():
    model = get_model("kurikawa2020")
    assert model.with_protocol() is model
    with pytest.raises(RuleError, match=r"protocol='learn': it has one protocol, without a name\. Leave protocol= out"):
        model.with_protocol("learn")
    with pytest.raises(RuleError, match="it has the protocol 'dream' already"):
        WHOLE.with_protocol("dream").with_protocol("wake")


WRONG = {
    "both": ({"protocol": WAKE}, r"protocol= and protocols= are both given"),
    "none": ({"protocols": {}}, r"protocol must be a Protocol, got NoneType\. Give one, or several by name"),
    "no mapping": ({"protocols": WAKE}, "protocols=Protocol.* must be a mapping from names"),
    "no name": ({"protocols": {"wake up": WAKE}}, "protocols={'wake up': ...}: a name is letters, digits and _"),
    "no protocol": ({"protocols": {"wake": 5}}, "protocol 'wake' must be a Protocol, got int"),
    "no tuple": ({"protocols": {"wake": Protocol((SHOW,), Each("show"))}}, "schedule of the protocol 'wake' must be a"),
    "empty": ({"protocols": {"wake": WAKE, "idle": Protocol((REST,), ())}}, "protocol 'idle': its schedule is empty"),
    "of another": (
        {"protocols": {"wake": WAKE, "dream": Protocol((SLEEP,), (Each(("sleep", "show"), items=1),))}},
        "protocol 'dream': phase 'show' is not one of 'sleep'",
    ),
    "twice": (
        {"protocols": {"wake": Protocol((SHOW, replace(SHOW, duration="5*ms")), (Each("show", items=1),))}},
        r"protocol 'wake': two parts \(phase\) are called 'show'",
    ),
    "bad phase": (
        {"protocols": {"wake": WAKE, "dream": wait(until="activty > 1")}},
        r"phase 'wait', until.*activty.*activity",
    ),
    "bad stimulus": (
        {"protocols": {"wake": WAKE, "dream": wait(stimuli=("cu",))}},
        "phase 'wait': stimulus 'cu' is not one of 'cue'",
    ),
    "rule at no phase": (
        {"rules": (LearningRule("late", "recurrent", episodic="w += 1", at=("never",)),), "varied": False},
        "rule 'late': at 'never' is not one of 'show', 'sleep', 'rest'",
    ),
    "recalled nowhere": (
        {"recalled": Recalled(phase="test", target="cue", score="overlap", threshold=0.5), "varied": False},
        "recalled: phase 'test' is not one of",
    ),
    "a parameter of that name": (
        {"parameters": (*WHOLE.parameters, Parameter("protocol", 1))}, "one of its parameters is called 'protocol'"
    ),
    "a gate of no protocol": (
        {"observables": (Observable("activity", "opn*x", population="units"),)}, "unknown name 'opn'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_protocols_are_refused_when_the_model_is_made(what):
    fields, message = WRONG[what]
    parts = {item.name: getattr(WHOLE, item.name) for item in dataclass_fields(WHOLE)}
    parts = {name: value for name, value in parts.items() if name not in ("name", "protocol")}
    with pytest.raises(RuleError, match=message) as error:
        MemoryModel("rates", **{**parts, **fields})
    assert str(error.value).startswith("Model 'rates'")


def test_stimuli_and_parameters_that_any_protocol_uses_are_used():
    shown = Stimulus("extra", "units", items=1)
    parts = {"equations": "dx/dt = (-x + extra)/tau : 1", "stimuli": (shown,), "varied": False}
    protocols = {"plain": wait(), "shown": wait("show", stimuli=("extra",))}
    parts |= {"parameters": TINY["parameters"][:2], "limits": (Limit("N > 1", "a few"),)}
    assert tiny(protocols=protocols, **parts).with_protocol("plain").patterns[0].name == "extra"
    with pytest.raises(RuleError, match="no phase shows it"):
        tiny(protocols={"plain": wait()}, **parts)


def test_the_card_lists_protocols_and_tells_phases_of_one_name_apart():
    text = str(WHOLE)
    for heading in ("Protocol wake (default)", "Protocol dream", "Phase rest of protocol dream",
                    "Phase rest of protocol scaling", "Phase show"):  # fmt: skip
        assert f"\n{heading}\n" in text
    one = str(WHOLE.with_protocol("dream"))
    assert "\nProtocol dream\n" in one
    assert re.search("not used .*hebb", one)
    assert "\nSchedule\n" in str(get_model("kurikawa2020"))
    assert isinstance(WHOLE.protocols["wake"].schedule[0], Repeat)
