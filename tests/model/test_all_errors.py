"""All that is wrong with a model comes in one message, without what only follows from something else."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from brian2 import ms

from brainmem import (
    Choice,
    Each,
    LearningRule,
    Observable,
    Parameter,
    Population,
    Projection,
    Protocol,
    Repeat,
    RuleError,
    SpikingRule,
    Stimulus,
    get_model,
)
from tests.support.small_models import (
    EQUATIONS,
    HEBB,
    LEARN,
    PARTS,
    RECURRENT,
    UNITS,
    continuous,
    hebb,
    observable,
    parameters,
    periodic,
    phase,
    recurrent,
    schedule,
    small,
    swapped,
    units,
)


def errors(**changes) -> list[str]:
    """Return what is wrong with the small model with these changes, one text for each error, in order."""
    with pytest.raises(RuleError) as error:
        small(**changes)
    message = str(error.value)
    if not error.value.errors:
        return [message.removeprefix("Model 'small', ").removeprefix("Model 'small': ")]
    head, *lines = message.split("\n  ")
    assert head == f"Model 'small' has {len(lines)} errors:"
    assert [line.partition(". ")[0] for line in lines] == [str(number) for number in range(1, len(lines) + 1)]
    assert len(lines) == len(error.value.errors)
    assert all("Model 'small'" not in line for line in lines)
    return [line.partition(". ")[2] for line in lines]


def check(changes, *parts: tuple[str, ...]) -> None:
    """Look for the parts of each error, in order, and for no other error."""
    found = errors(**changes)
    assert len(found) == len(parts), found
    for message, wanted in zip(found, parts, strict=True):
        assert [part for part in wanted if part not in message] == [], message


MANY = {
    "several lines of one population": (
        units(EQUATIONS.replace("gamma*cue", "gama*cue").replace("(phi - x)/tau", "(phi - x)")),
        ("population 'units', line 2 ('drive = u + gama*cue : 1')", "unknown name 'gama'. Did you mean 'gamma'?"),
        ("population 'units', line 4 ('dx/dt = (phi - x) : 1')", "dx/dt must have unit Hz"),
    ),
    "several names of one line": (
        swapped("u + gamma*cue", "u + gama*kue*tanhh(x)"),
        ("line 2", "'gama'"),
        ("line 2", "'kue'"),
        ("line 2", "'tanhh'. Did you mean 'tanh'?"),
    ),
    "lines that are no equations": (
        units(EQUATIONS.replace("tanh(drive)", "tanh(drive").replace("/tau : 1", "/tau : foo")),
        ("line 3 ('phi = tanh(drive : 1')", "never closed"),
        ("line 4", "'foo' is not a base unit"),
    ),
    "syntax in one part, a name in another": (
        swapped("tanh(drive)", "tanh(drive") | continuous("dw/dt = x_pre*x_post/tao : 1"),
        ("population 'units', line 3", "never closed"),
        ("rule 'hebb', line 1", "unknown name 'tao'. Did you mean 'tau'?"),
    ),
    "statements": (
        periodic("w += eta*gama\nz = x\nw += z\nw += tau"),
        ("rule 'hebb', line 1 ('w += eta*gama')", "'gama'"),
        ("rule 'hebb', line 2 ('z = x')", "Write x_pre or x_post"),
        ("rule 'hebb', line 4 ('w += tau')", "has unit s"),
    ),
    "every text of a spiking rule": (
        hebb(spiking=SpikingRule(on_pre="w += eta*cont_pre", on_post="w += (", clocked="ds/dt = -s : 1\ndr/dt = 1")),
        ("rule 'hebb', spiking text 'clocked', line 1", "ds/dt must have unit Hz"),
        ("rule 'hebb', spiking text 'on_pre', line 1", "Did you mean 'count_pre'?"),
        ("rule 'hebb', spiking text 'on_post', line 1", "never closed"),
        ("rule 'hebb', spiking text 'clocked', line 2", "unit is missing"),
    ),
    "parameters": (
        parameters(a="b + 1", b="a", c="1/NN", d=float("nan"), e_1="(", f=[1.5], g="5*ms + 1"),
        ("parameters depend on each other in a circle: a = 'b + 1', b = 'a'",),
        ("parameter 'c': '1/NN': unknown name 'NN'",),
        ("parameter 'd': nan is not finite",),
        ("parameter 'e_1': '(' is not an expression",),
        ("parameter 'f': 1.5 must be a whole number",),
        ("parameter 'g': '5*ms + 1': units do not fit",),
    ),
    "references": (
        {
            "projections": (replace(RECURRENT, source="unit"), replace(RECURRENT, name="other", target="unit")),
            "stimuli": (Stimulus("cue", "unit"),),
            "observables": (Observable("overlap", "x", population="unitz", reduce="max"),),
            "rules": (replace(HEBB, projection="recurent"),),
        },
        ("projection 'recurrent': source 'unit' is not one of 'units'",),
        ("projection 'other': target 'unit'",),
        ("stimulus 'cue': population 'unit'",),
        ("observable 'overlap': population 'unitz'",),
        ("rule 'hebb': projection 'recurent' is not one of 'recurrent', 'other'", "Did you mean 'recurrent'?"),
    ),
    "names": (
        parameters(**{"lambda": 1.0, "mV": 1.0, "cue_row": 1.0, "plastic": 1.0}) | {"limits": ()},
        ("parameter 'lambda': the name 'lambda' is a Python keyword",),
        ("parameter 'mV': the name 'mV' is a unit",),
        ("parameter 'cue_row': the name 'cue_row' is used for a table of stimulus 'cue'",),
        ("gate 'plastic': 'plastic' is the name of a parameter too",),
    ),
    "roles": (
        units(rate="r", drive="d", transfer="phy"),
        ("rate='r' is no variable",),
        ("drive='d' is no variable",),
        ("transfer='phy' is no variable", "Did you mean 'phi'?"),
    ),
    "a phase": (
        phase(duration="5 tau", until="overlp > 1", gates={"plastic": "on"}, start={"y": "0", "x": "sign()"}),
        ("phase 'learn', until: unknown name 'overlp'",),
        ("phase 'learn': start='y' is no variable. Variables: x",),
        ("phase 'learn': duration='5 tau'", "a product is written 5*tau"),
        ("phase 'learn': gates['plastic']='on' is no number",),
        ("phase 'learn': start['x']='sign()'",),
    ),
    "a schedule": (
        schedule(
            Repeat("k", (Each("lern", items="gamma", order="any", repeats=-1, epochs=(0,)),)), Each("learn", epochs=1)
        ),
        ("schedule: times 'k'",),
        ("schedule: phase 'lern'", "Did you mean 'learn'?"),
        ("schedule, Each('lern'): order 'any'",),
        ("schedule, Each('lern'): items 'gamma'",),
        ("schedule, Each('lern'): repeats=-1",),
        ("schedule, Each('lern'): epochs=(0,)",),
        ("schedule: epochs=1 counts repetitions",),
    ),
    "draws and ranges": (
        units(size=0, initial={"x": "5*mV", "y": "0"}, rate_range=(1, 0)) | recurrent(initial={"w": "normal(0)"}),
        ("population 'units': size=0",),
        ("population 'units': rate_range=(1, 0)",),
        ("population 'units': initial['x']='5*mV' has unit V",),
        ("population 'units': initial='y' cannot be set",),
        ("projection 'recurrent': initial['w']='normal(0)'", "write normal(mean, sd)"),
    ),
    "fields of wrong kinds, and what else is wrong with their parts": (
        phase(duration=10 * ms, stimuli="cue", restore="no", until="overlp > 1")
        | recurrent(self_connections="yes", current="u_post = ww*x_pre : 1 (summed)"),
        ("projection 'recurrent': self_connections='yes' must be True or False",),
        ("projection 'recurrent', line 1", "unknown name 'ww'"),
        ("phase 'learn': duration=10. * msecond must be text, such as '100*ms'",),
        ("phase 'learn': stimuli='cue' must be a tuple of names, such as ('cue',)",),
        ("phase 'learn': restore='no' must be True or False",),
        ("phase 'learn', until: unknown name 'overlp'",),
    ),
    "what is not used or set": (
        parameters(one=1.0, two=2.0) | swapped("u : 1 ", "u : 1\nv : 1\nz : 1\n#"),
        ("parameter 'one': nothing in the model names it",),
        ("parameter 'two': nothing in the model names it",),
        ("population 'units', line 2 ('v : 1')", "nothing sets 'v'"),
        ("population 'units', line 3 ('z : 1')", "nothing sets 'z'"),
    ),
    "what the model itself consists of": (
        {"populations": UNITS, "rules": (RECURRENT,), "protocol": None},
        ("populations must be a tuple of Population",),
        ("rules must hold LearningRule only",),
        ("protocol must be a Protocol, got NoneType",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MANY)
def test_all_errors_of_a_model_come_in_one_message(what):
    check(*MANY[what])


ALONE = {
    "a line that declares what others read": (
        swapped("phi = tanh(drive) : 1", "phi = tanh(drive : 1") | observable("phi*cue"),
        "line 3 ('phi = tanh(drive : 1')",
    ),
    "a unit": (
        swapped("u : 1 ", "u : volts ") | continuous("dw/dt = eta*u_post*x_pre/tau : 1"),
        "'volts' is not a base unit",
    ),
    "a dot over a variable": (swapped("dx/dt = (phi - x)/tau : 1", "ẋ = (phi - x)/tau : 1"), "line 4"),
    "a parameter": (parameters(zeta="1/NN") | swapped("gamma*cue", "zeta*gamma*cue"), "parameter 'zeta'"),
    "a parameter of a parameter": (
        parameters(zeta="1/NN", theta="2*zeta") | swapped("gamma*cue", "theta*cue"),
        "parameter 'zeta'",
    ),
    "a parameter of a phase": (parameters(wait="5*taw") | phase(duration="wait", average="wait/2"), "'wait'"),
    "a parameter of a size": (parameters(n_2="2*M*q") | units(size="n_2"), "parameter 'n_2'"),
    "a statement": (periodic("z = eta*gama\nw += z"), "'gama'"),
    "a broken statement": (periodic("z = (eta\nw += z", bounds={"w": (0, 1)}), "never closed"),
    "the only statement": (periodic("w += (eta", bounds={"w": (0, 1)}), "never closed"),
    "a rule": (continuous("dw/dt = (x_pre/tau : 1") | recurrent(initial={"w": "0"}), "never closed"),
    "a bounded rule": (hebb(continuous="dw/dt = x_pre : seconds", bounds={"w": (0, 1)}), "not a base unit"),
    "an observable": (observable("x", unit="foo"), "unit='foo' is no unit"),
    "a stimulus": (
        {"stimuli": (Stimulus("cue", "units", unit="foo"),)} | recurrent(initial={"w": "cue.T @ cue/N"}),
        "unit='foo' is no unit",
    ),
    "the population of all": ({"populations": (replace(UNITS, equations=None),)}, "equations=None must be text"),
    "the population of a projection": (
        {"populations": (UNITS, Population("others", 5, size=1))}
        | {
            "projections": (
                RECURRENT,
                Projection("out", "units", "others", initial={"v": "0"}),
                Projection("back", "others", "units", current="u_post = y_pre : 1 (summed)"),
            ),
            "rules": (HEBB, LearningRule("grow", "out", continuous="dv/dt = y_post/tau : 1")),
        },
        "population 'others': equations=5 must be text",
    ),
    "a population without equations": (units("# nothing"), "it has no equations"),
    "a summed equation": (swapped("u : 1 ", "u = x : 1 (summed) "), "flag (summed) belongs to projections"),
    "gates": (phase(gates=("plastic",)), "gates=('plastic',) must be a mapping"),
    "a schedule": (schedule(Repeat(2, (Repeat(2, (Each("learn"),)),))), "got another Repeat"),
    "a circle": (
        units(EQUATIONS.replace("drive = u + gamma*cue", "drive = u + gamma*cue*phi")),
        "drive <- phi <- drive",
    ),
    "a misspelt parameter that nothing else names": (swapped("gamma*cue", "gama*cue"), "unknown name 'gama'"),
    "a projection": (
        recurrent(source="unit", variables="age : second")
        | hebb(continuous="", episodic="w += eta\nage += T", at=("learn",)),
        "source 'unit'",
    ),
    "an empty schedule": (schedule(), "its schedule is empty"),
}  # fmt: skip


@pytest.mark.parametrize("what", ALONE)
def test_what_only_follows_from_an_error_is_not_told(what):
    changes, part = ALONE[what]
    found = errors(**changes)
    assert len(found) == 1, found
    assert part in found[0]


def test_a_single_error_is_told_in_one_line():
    with pytest.raises(RuleError) as error:
        small(**swapped("gamma*cue", "gama*cue"))
    assert str(error.value).startswith("Model 'small', population 'units', line 2 ('drive = u + gama*cue : 1'): ")
    assert "\n" not in str(error.value)
    assert error.value.errors == ()


def test_errors_are_told_part_by_part_and_line_by_line():
    wrong = EQUATIONS.replace("gamma*cue", "gama*cue").replace("tanh(drive)", "tanh(drive")
    found = errors(**units(wrong, initial={"x": "unif()"}), **continuous("z = 1 : foo\ndw/dt = y_pre/tau : 1"))
    assert [text.partition(" (")[0].partition(":")[0] for text in found] == [
        "population 'units'",
        "population 'units', line 2",
        "population 'units', line 3",
        "rule 'hebb', line 1",
        "rule 'hebb', line 2",
    ]


def test_an_error_is_told_once_where_several_checks_find_it():
    found = errors(**swapped("gamma*cue", "gama*cue"), **parameters(other="2*N"))
    assert len(found) == len(set(found)) == 1


def test_a_message_of_several_errors_can_be_sent_to_other_processes():
    with pytest.raises(RuleError) as error:
        small(**units(rate="r", drive="d"))
    sent = pickle.loads(pickle.dumps(error.value))
    assert (str(sent), len(sent.errors)) == (str(error.value), 2)


def test_names_that_are_known_are_still_told_beside_a_line_that_cannot_be_read():
    found = errors(**units(EQUATIONS.replace("tanh(drive)", "tanh(drive").replace("(phi - x)/tau", "(phi - y)/tau")))
    assert [part for part in ("line 3", "line 4") if not any(part in text for text in found)] == []


def test_equations_go_on_over_several_lines_beside_one_that_is_wrong():
    wrong = EQUATIONS.replace("(phi - x)/tau", "(phi\n - x)/tau").replace("tanh(drive) : 1", "tanh(drive)")
    check(units(wrong), ("population 'units', line 3 ('phi = tanh(drive)')", "unit is missing"))


def test_all_errors_of_all_forms_come_in_one_message():
    form = Choice("form", {"a": "x_pre", "b": "y_pre", "c": "tau"})
    texts = continuous("dw/dt = plastic*eta*form*gama/tau : 1") | {"choices": (form,)}
    check(
        texts,
        ("rule 'hebb', line 1 ('dw/dt = plastic*eta*x_pre*gama/tau : 1')", "'gama'"),
        ("rule 'hebb', line 1", "unknown name 'y_pre'", "(This is the form form='b'.)"),
    )


def test_forms_are_checked_with_choices_that_are_wrong_in_themselves():
    wrong = (Choice("one", {"a": "1"}), Choice("two", {"a": "1", "b": "2"}, default="c"))
    check(
        {"choices": wrong},
        ("choice 'one': options={'a': '1'} must give the texts of at least two forms",),
        ("choice 'two': default='c' is not one of 'a', 'b'",),
    )


def test_the_shipped_model_with_several_slips():
    model = get_model("kurikawa2020")
    (population,), (learn, recall) = model.populations, model.protocol.phases
    wrong = {
        "populations": (replace(population, equations=population.equations.replace("beta", "betta")),),
        "rules": (replace(model.rules[0], continuous="dw/dt = plastic*(eps/tau)*target : 1"),),
        "protocol": Protocol((replace(learn, until="overlap > m_stp"), recall), model.protocol.schedule),
    }  # fmt: skip
    with pytest.raises(RuleError) as error:
        model.replace(**wrong)
    assert len(error.value.errors) == 3
    for part in ("Model 'kurikawa2020' has 3 errors:", "'betta'. Did you mean 'beta'?", "target_pre", "'m_stp'"):
        assert part in str(error.value)


def test_an_error_of_a_line_does_not_hide_the_same_slip_elsewhere():
    check(
        continuous("dw/dt = x_pre/taw : 1") | swapped("(phi - x)/tau", "(phi - x)/taw"),
        ("population 'units', line 4", "'taw'"),
        ("rule 'hebb', line 1", "'taw'"),
    )


def test_parameters_that_are_fine_stay_readable_beside_others():
    changes = {"parameters": (*PARTS["parameters"], Parameter("bad", "1/"), Parameter("good", 2.0))}
    check(changes | swapped("gamma*cue", "gamma*cue*good*bad"), ("parameter 'bad'",))
    assert LEARN.gates == {"plastic": 1}
