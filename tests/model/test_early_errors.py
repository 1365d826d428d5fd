"""What Brian2 would refuse late, or run without a value, is refused when the model is made."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from brian2.utils.logger import brian_excepthook

from brainmem import Each, LearningRule, Population, Projection, Protocol, RuleError, SpikingRule, Stimulus
from brainmem.errors import plain_tracebacks
from tests.support.small_models import (
    EQUATIONS,
    check_refused,
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
from tests.support.text_runs import EXACT, RUNTIME, check_against_text, initial, run
from tests.support.text_runs import recurrent as dense_model

SHARED = recurrent(variables="w : 1\nn : 1 (shared)")


def shared(text, **changes):
    return SHARED | periodic(text, **changes)


BAD = {
    "shared at an event": (
        SHARED | hebb(continuous="", episodic="n += eta\nw += n", at=("learn",)),
        ["rule 'hebb', line 1 ('n += eta')", "'n' is shared by all synapses", "Change it in a periodic rule"],
    ),
    "shared at a spike": (
        SHARED | periodic("w += eta*n", spiking=SpikingRule(on_pre="n += 0.1\nw += n")),
        ["on_pre', line 1 ('n += 0.1')", "'n' is shared by all synapses"],
    ),
    "shared from units": (
        shared("n += x_pre\nw += n"),
        ["line 1 ('n += x_pre')", "'x_pre' differs between them", "Take the flag (shared) from 'n'"],
    ),
    "shared through a name": (shared("z = x_pre\nn += z\nw += n"), ["line 2 ('n += z')"]),
    "shared at random": (shared("n = rand()\nw += n"), ["line 1 ('n = rand()')", "'rand()' differs between them"]),
    "shared behind": (
        shared("w += x_pre\nn += eta"),
        ["line 2 ('n += eta')", "must be changed before 'w += x_pre'", "Move this line up"],
    ),
    "shared behind a name": (shared("z = x_pre\nn += eta\nw += n*z"), ["line 2", "before 'z = x_pre'"]),
    "shared bounds": (shared("n += eta\nw += n", bounds={"n": (0, 1)}), ["rule 'hebb'", "'n = clip(n, ...)'"]),
    "shared start": (
        recurrent(variables="n : 1 (shared)", initial={"w": "normal(0, 1)", "n": "0.5"}),
        ["projection 'recurrent', line 1 ('n : 1 (shared)')", "let it start at 0"],
    ),
    "shared constant": (
        recurrent(variables="n : 1 (shared, constant)"),
        ["projection 'recurrent', line 1 ('n : 1 (shared, constant)')", "declare Parameter('n', value)"],
    ),
    "shared by units": (
        swapped("u : 1 ", "u : 1\nE = x**2 : 1 (shared)\n#"),
        ["population 'units', line 2 ('E = x**2 : 1 (shared)')", "'E' is shared by all units, but 'x' differs"],
    ),
    "shared by units, through an equation": (
        swapped("u : 1 ", "u : 1\nE = F : 1 (shared)\nF = cue : 1\n#"),
        ["line 2 ('E = F : 1 (shared)')", "but 'F' differs between them"],
    ),
    "shared number of a unit": (swapped("u : 1 ", "u : 1\nE = i/N : 1 (shared)\n#"), ["'i' differs between them"]),
    "shared gate": (swapped("u : 1 ", "u : 1\nE = plastic : 1 (shared)\n#"), ["'plastic' differs between them"]),
    "shared by units and set": (
        units(EQUATIONS + "E : 1 (shared)", initial={"E": "1"}),
        ["('E : 1 (shared)')", "sums and start values belong to each of them", "declare Parameter('E', value)"],
    ),
    "shared sum": (
        swapped("u : 1 ", "u : 1 (shared) "),
        ["line 1", "'u' is shared by all units, and sums and start values belong to each of them"],
    ),
    "shared constant of units": (units(EQUATIONS + "E : 1 (shared, constant)"), ["declare Parameter('E', value)"]),
    "shared and stored": (
        swapped("u : 1 ", "u : 1\nE = rand() : 1 (shared, constant over dt)\n#"),
        ["line 2", "cannot be both shared and stored", "let a Population(size=1) compute it"],
    ),
    "shared weights": (
        recurrent(variables="E = w**2 : 1 (shared)"),
        ["projection 'recurrent', line 1 ('E = w**2 : 1 (shared)')", "shared by all synapses, but 'w' differs"],
    ),
    "shared rates": (recurrent(variables="E = x_pre : 1 (shared)"), ["but 'x_pre' differs between them"]),
    "shared in a rule": (
        continuous("E = w : 1 (shared)\ndw/dt = E/tau : 1"),
        ["rule 'hebb', line 1 ('E = w : 1 (shared)')", "but 'w' differs between them"],
    ),
    "shared constant in a rule": (
        continuous("E : 1 (shared, constant)\ndw/dt = E/tau : 1"),
        ["rule 'hebb', line 1", "declare Parameter('E', value)"],
    ),
    "shared in a spiking text": (
        hebb(spiking=SpikingRule(clocked="E = w : 1 (shared)\ndw/dt = E/tau : 1")),
        ["spiking text 'clocked', line 1", "but 'w' differs between them"],
    ),
    "shared and summed": (
        recurrent(current="u_post = w*x_pre : 1 (summed, shared)"),
        ["'u_post' is a sum, formed in every time step for each unit: take out the flag (shared)"],
    ),
    "stored and summed": (
        recurrent(current="u_post = w*x_pre : 1 (summed, constant over dt)"),
        ["take out the flag (constant over dt)"],
    ),
    "sum among variables": (recurrent(variables="u_post = w : 1 (summed)"), ["belongs in Projection(current=...)"]),
    "circle over two texts": (
        recurrent(variables="z = y : 1") | continuous("y = z : 1\ndw/dt = y/tau : 1"),
        ["projection 'recurrent', line 1 ('z = y : 1')", "the value of 'z' depends on itself (z <- y <- z)"],
    ),
    "circle over a sum": (
        recurrent(current="u_post = z*x_pre : 1 (summed)", variables="z = w*u_post : 1"),
        ["projection 'recurrent'", "depends on itself"],
    ),
    "comparison with a difference": (
        observable("int(x - int(cue > 0) > 0.5)"),
        ["observable 'overlap'", "'x - int(cue > 0) > 0.5': Brian2 cannot compare", "Write int(...) alone on one side"],
    ),
    "comparison that is always false": (
        periodic("w += int(w - 2*int(x_pre > 0) == 0.5)"),
        ["rule 'hebb', line 1", "'w - 2 * int(x_pre > 0) == 0.5': Brian2 cannot compare"],
    ),
    "comparison once written out": (
        swapped("u + gamma*cue", "u + gamma*int(cue > 0) : 1\nactive_now = int(drive > 0.2)"),
        ["line 3", "with what it reads written out", "Brian2 cannot compare"],
    ),
    "power without end": (swapped("gamma*cue", "9**9**9**9*cue"), ["line 2", "is larger than any number"]),
    "unit without end": (swapped("u : 1 ", "u : second**9**9**9 "), ["line 1", "is larger than any number"]),
    "unit of a stimulus without end": ({"stimuli": (Stimulus("cue", "units", unit="volt**9**9**9"),)}, ["larger than"]),
    "unit with a comment": ({"stimuli": (Stimulus("cue", "units", unit="1 # none"),)}, ["one line without comment"]),
    "nothing as a number": (observable("None*x"), ["'None': this is no real number"]),
    "complex": (continuous("dw/dt = 1j*x_pre/tau : 1"), ["'1j': this is no real number"]),
    "deeply nested": (continuous(f"dw/dt = {'-' * 50_000}x_pre/tau : 1"), ["rule 'hebb', line 1", "nested too deeply"]),
    "several start values": (units(initial={"x": "(1, 2)"}), ["initial['x']='(1, 2)' holds several numbers"]),
    "huge number": (
        units(initial={"x": "10**400"}),
        ["initial['x']='10**400': '10 ** 400' has no value: it is larger than any number"],
    ),
    "too many units": (units(size=2**31), ["size=2147483648", "at most 2147483647"]),
    "too many items": (schedule(Each("learn", items=10**30)), ["items=1000000000000000000000000000000", "at most"]),
    "two meanings of unit": (
        parameters(unit=2.0) | {"stimuli": (Stimulus("cue", "units", draw="signs()*unit"),)},
        ["stimulus 'cue': draw='signs()*unit' reads 'unit'", "the name of a parameter, pattern or stimulus too"],
    ),
    "start of no state": (
        phase(start={"X": "0"}),
        ["phase 'learn': start='X' is no variable. Did you mean 'x'? Variables: x."],
    ),
    "draw that is named": (
        continuous("z = rand() : 1\ndw/dt = eta*z/tau : 1"),
        ["rule 'hebb', line 1 ('z = rand() : 1')", "(constant over dt)"],
    ),
    "draw of units": (
        swapped("phi = tanh(drive) : 1", "phi = tanh(drive) + 0.1*randn() : 1"),
        ["population 'units', line 3", "'phi' draws a random number, randn()"],
    ),
    "division by zero": (
        continuous("dw/dt = eta*x_pre/(2 - 2)/tau : 1"),
        ["rule 'hebb', line 1", "'eta * x_pre / (2 - 2)' divides by zero, as '2 - 2' is always 0"],
    ),
    "parameters that cancel": (
        periodic("w += x_pre/(eta - eta)"),
        ["line 1 ('w += x_pre/(eta - eta)')", "divides by zero, as 'eta - eta' is always 0"],
    ),
    "remainder of zero": (periodic("w += x_pre % 0"), ["'x_pre % 0' divides by zero"]),
    "division in a sum": (
        recurrent(current="u_post = w*x_pre/0 : 1 (summed)"),
        ["projection 'recurrent', line 1", "'w * x_pre / 0' divides by zero"],
    ),
    "no logarithm": (
        swapped("phi = tanh(drive) : 1", "phi = tanh(drive)*log(0) : 1"),
        ["population 'units', line 3", "'tanh(drive)*log(0)' has no finite value"],
    ),
}


@pytest.mark.parametrize("mistake", BAD)
def test_what_cannot_run_is_named_quoted_and_answered(mistake):
    check_refused(*BAD[mistake])


def test_a_periodic_rule_may_change_what_all_synapses_share():
    text = "step = 0.5*eta/Hz*0.001\nn += step\nn *= 0.9\nw += n*x_pre"
    rule = LearningRule("r", "rec", periodic=text, every="delta")
    model = dense_model(rule, variables="w : 1\nn : 1 (shared)")
    result = run(model, RUNTIME, initial=initial(model))
    plain = dense_model(rule, variables="w : 1\nn : 1", initial={"w": "normal(0, 0.5)", "n": "0"})
    check_against_text(run(plain, RUNTIME, initial=initial(plain)), plain, initial(plain), EXACT)
    other = run(plain, RUNTIME, initial=initial(plain))
    np.testing.assert_allclose(result.rec_w.values, other.rec_w.values, **EXACT)


@pytest.mark.parametrize(
    "expression", ["x_pre/(1 + x_pre**2)", "clip(x_pre, -inf, inf)", "x_pre/(x_pre - x_post)", "log(abs(x_pre) + 1)"]
)
def test_what_may_have_a_value_passes(expression):
    assert small(**periodic(f"w += eta*{expression}")).rules


def test_a_draw_may_be_stored_for_a_step_or_stand_where_it_is_read():
    noisy = "z = 0.1*randn() : 1 (constant over dt)\ndw/dt = eta*z/tau : 1"
    assert small(**continuous(noisy)).rules
    assert small(**continuous("dw/dt = eta*rand()*x_pre/tau : 1")).rules


@pytest.mark.parametrize(
    "changes",
    [
        swapped("u : 1 ", "u : 1\nE = t/second + gamma*N : 1 (shared)\nF = 2*E + elapsed/second : 1 (shared)\n#"),
        recurrent(variables="E = t/second*N_pre : 1 (shared)\nF = 2*E*gamma : 1 (shared)"),
        continuous("E = t/second : 1 (shared)\ndw/dt = eta*E*x_pre/tau : 1"),
        hebb(spiking=SpikingRule(clocked="E = rate_max*second : 1 (shared)\ndw/dt = E/tau : 1")),
    ],
)
def test_what_all_units_or_synapses_share_may_read_what_is_shared(changes):
    assert small(**changes).populations


@pytest.mark.parametrize(
    "text", ["rand() - rand()", "randn()*rand()", "poisson(2) - poisson(2)", "randn()**2 + randn()"]
)
def test_several_draws_in_one_equation_pass_the_checks(text):
    assert small(**swapped("u : 1 ", f"u : 1\nk = {text} : 1 (constant over dt)\n#")).populations
    assert small(**periodic(f"w += eta*({text})")).rules


SPINS = {
    "populations": (Population("spins", "h : 1\nS : 1", sequential="S = sign(h + gamma*(rand() - 0.5))"),),
    "projections": (
        Projection("r", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "normal(0, 1)"}),
    ),
    **dict.fromkeys(("rules", "patterns", "stimuli", "observables"), ()),
    "limits": (),
}


def spins(start, **changes):
    learn = phase(start=start, gates={}, stimuli=(), until="")["protocol"].phases[0]
    return small(**{**SPINS, "protocol": Protocol((learn,), (Each("learn"),)), "varied": True, **changes})


def test_units_updated_at_random_by_their_sign_pass_the_checks():
    assert spins({"S": "signs()"}).populations


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("s", "start='s' is no variable. Did you mean 'S'? Variables: S."),
        ("SS", "start='SS' is no variable. Did you mean 'S'? Variables: S."),
        (
            "h",
            "start='h' must be a variable with an equation 'dh/dt', or one declared as 'h : unit' into which no "
            "projection sums; others do not keep a value. Variables: S.",
        ),
    ],
)
def test_the_states_that_a_phase_may_start_are_listed(start, said):
    with pytest.raises(RuleError) as error:
        spins({start: "signs()"})
    assert str(error.value) == f"Model 'small', phase 'learn': {said}"


def test_states_of_all_populations_may_be_started():
    other = Population("others", "dy/dt = -y/tau : 1", size=1)
    with pytest.raises(RuleError, match=r"start='Y' is no variable\. Did you mean 'y'\? Variables: S, y\."):
        spins({"Y": "0"}, populations=(*SPINS["populations"], other))


MACROS = (
    "NULL",
    "errno",
    "EOF",
    "INFINITY",
    "NAN",
    "HUGE_VAL",
    "M_PI",
    "M_PI_2",
    "M_Ef",
    "RAND_MAX",
    "INT_MAX",
    "DBL_MIN",
)
RESERVED = (
    *MACROS,
    "UINT8_MAX",
    "LC_ALL",
    "EDOM",
    "EIO",
    "SIGINT",
    "stdin",
    "linux",
    "BUFSIZ",
    "xi_1",
    "self",
    "units_drive",
)


@pytest.mark.parametrize("name", RESERVED)
def test_names_that_mean_something_to_a_compiler_or_brian2_are_refused(name):
    check_refused(parameters(**{name: 1.0}) | swapped("gamma*cue", f"gamma*cue*{name}"), [f"the name {name!r}"])


@pytest.mark.parametrize("name", ["V_MAX", "E_0", "M_0", "R_max", "EL", "SIGMA", "null", "Linux", "INT", "lam", "std"])
def test_names_that_only_look_alike_pass(name):
    assert small(**parameters(**{name: 1.0}), **swapped("gamma*cue", f"gamma*cue*{name}")).parameter(name)


@pytest.mark.parametrize("name", ["neuronGroup".lower(), "neurongroup_1", "group", "_hidden", "größe", "xi", "clock"])
def test_names_that_brian2_gives_its_objects_or_cannot_use_are_refused(name):
    other = Population(name, "dy/dt = -y/tau : 1", size=1)
    with pytest.raises(RuleError, match=f"population '{name}': the name '{name}'"):
        small(populations=(*small().populations, other))


@pytest.mark.parametrize(
    "name", ["units_stateupdater", "units_x_trace_monitor", "recurrent_w_snapshots", "units_spikes"]
)
def test_names_of_objects_that_are_made_for_others_are_refused(name):
    other = Population(name, "dy/dt = -y/tau : 1", size=1)
    with pytest.raises(RuleError, match=f"population '{name}': the name '{name}' is used for"):
        small(populations=(*small().populations, other))


@pytest.mark.parametrize("name", ["N", "w", "run", "source", "delay", "state", "connect"])
def test_a_rule_at_the_end_of_a_phase_has_no_name_of_brian2s_synapses(name):
    episodic = hebb(name=name, continuous="", episodic="w += eta*x_pre", at=("learn",))
    check_refused(episodic, [f"rule '{name}': the name '{name}' is"])
    assert small(**hebb(name=name)).rules


@pytest.mark.parametrize(
    "name", ["count", "x_s", "x_total", "x_activity", "rate_max", "tau_m", "exp", "ms", "double", "NULL"]
)
def test_a_value_named_in_statements_changes_nothing_of_the_units(name):
    """Such a name would be written to the variable that the translation adds to the units."""
    check_refused(periodic(f"{name} = eta*x_pre\nw += {name}"), [f"rule 'hebb', line 1 ('{name} = eta*x_pre')"])


def test_variables_of_synapses_have_no_names_of_their_units():
    check_refused(
        continuous("dw/dt = u/tau : 1\ndu/dt = x_pre/tau : 1"),
        ["projection 'recurrent'", "the variable 'u' has the name of a variable of its units"],
    )
    check_refused(
        hebb(spiking=SpikingRule(clocked="dx/dt = -x/tau : 1")),
        ["spiking text 'clocked', line 1", "the variable 'x' has the name of a variable of its units"],
    )


def test_tracebacks_come_without_a_request_to_report_them(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", brian_excepthook)
    plain_tracebacks()
    assert sys.excepthook is sys.__excepthook__
    own = print
    monkeypatch.setattr(sys, "excepthook", own)
    plain_tracebacks()
    assert sys.excepthook is own
