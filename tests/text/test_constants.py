"""Parts of texts that parameters alone decide: refused where they have no value, with default and with given values."""

from __future__ import annotations

import pytest
from brian2 import ms

from brainmem import (
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
    SpikingRule,
    Stimulus,
    arrays,
    simulate,
    sweep,
)
from brainmem.errors import RuleError
from brainmem.text.constant import constant_value, known

NUMBERS = {"a": 2.0, "b": 1.0, "tau": 10 * ms}
USED = "zeros() + 0*(a + b)"


def model(*, equations="dx/dt = -x/tau : 1", current="u_post = w*x_pre : 1 (summed)", a=2.0, **changed) -> MemoryModel:
    """Return a small network with parameters a = 2 and b = 1, of which one part is `changed`."""
    population = {"initial": {"x": changed.pop("initial", "zeros()")}, **changed.pop("population", {})}
    phase = {"duration": "5*ms", "stimuli": ("cue",), "gates": {"open": 1}, **changed.pop("phase", {})}
    stimulus = {"draw": "zeros()", **changed.pop("stimulus", {})}
    rule = changed.pop("rule", None)
    parts = {
        "parameters": (Parameter("N", 3), Parameter("tau", 10 * ms), Parameter("a", a), Parameter("b", 1.0)),
        "populations": (Population("units", f"u : 1\n{equations}", **population),),
        "projections": (Projection("weights", "units", "units", current=current, initial={"w": USED}),),
        "rules": (LearningRule("learn", "weights", **rule),) if rule else (),
        "stimuli": (Stimulus("cue", "units", items=1, **stimulus),),
        "protocol": Protocol((Phase("show", **phase),), (Each("show", items=1),)),
        "rate_dt": "1*ms",
    }
    return MemoryModel("net", **{**parts, **changed})


def clipped(expr):
    return {"equations": f"dx/dt = (-x + {expr})/tau : 1"}


# What is wrong where a is 1, as b is: the part, and the words of the message.
WITHOUT_VALUE = {
    "an equation": ({"equations": "dx/dt = -x/tau/(a-b) : 1"}, "population 'units', line 2", "'a - b', which is 0"),
    "through another": ({"equations": "k = a - b : 1\ndx/dt = -x/tau/k : 1"}, "line 3", "a = 1.0, b = 1.0 and k = 0"),
    "a logarithm": (clipped("log(a - b)"), "line 2", "log(x) needs x > 0"),
    "a root": (clipped("sqrt(a - 1.5)"), "line 2", "sqrt(x) needs x >= 0"),
    "a power": (clipped("(a - 1.5)**0.5"), "line 2", "-0.5 below 0 has no power 0.5"),
    "a negative power": (clipped("x*(a - b)**-1"), "line 2", "a negative power of 0"),
    "an exponential": (clipped("exp(9/(a - b + 0.001))"), "line 2", "larger than any number"),
    "an inverse": (clipped("arcsin(3 - a)"), "line 2", "needs x from -1 to 1"),
    "limits of clip": (clipped("clip(x, b, a - 0.5)"), "line 2", "lower limit 1 lies above its upper limit 0.5"),
    "a rest": (clipped("x % (a - b)"), "line 2", "'a - b', which is 0"),
    "units and time": (clipped("exp(-1*ms/((a - b)*tau))"), "line 2", "a = 1.0, b = 1.0 and tau = 10. ms"),
    "the units' number": (clipped("x/(N - 2 - a)"), "line 2", "N = 3 and a = 1.0"),
    "a current": ({"current": "u_post = w/(a - b) : 1 (summed)"}, "projection 'weights', line 1", "a - b"),
    "a number of units": ({"current": "u_post = w/(N_pre - 2 - a) : 1 (summed)"}, "line 1", "N_pre = 3"),
    "a continuous rule": ({"rule": {"continuous": "dw/dt = x_pre/(a - b)/tau : 1"}}, "rule 'learn', line 1", "a - b"),
    "a periodic rule": ({"rule": {"periodic": "z = a - b\nw += 1/z", "every": "1*ms"}}, "line 2", "z = 0"),
    "an episodic rule": ({"rule": {"episodic": "w /= a - b", "at": ("show",)}}, "line 1", "'a - b', which is 0"),
    "a spiking text": (
        {"rule": {"periodic": "w += 1", "every": "1*ms", "spiking": SpikingRule(on_pre="w += 1/(a - b)")}},
        "rule 'learn', spiking text, line 1",
        "a - b",
    ),
    "a period": ({"rule": {"periodic": "w += 1", "every": "tau/(a - b)"}}, "rule 'learn': every=", "a - b"),
    "bounds": (
        {"rule": {"periodic": "w += 1", "every": "1*ms", "bounds": {"w": (0, "1/(a - b)")}}},
        "rule 'learn': bounds['w']=",
        "a - b",
    ),
    "an observable": ({"observables": (Observable("o", "x/(a - b)", population="units"),)}, "observable 'o'", "a - b"),
    "a condition": (
        {"observables": (Observable("o", "x", population="units"),), "phase": {"until": "o > log(a - b)"}},
        "phase 'show': until=",
        "log(x) needs x > 0",
    ),
    "a draw": ({"stimulus": {"draw": "normal(0, a - 1.5)"}}, "stimulus 'cue': draw=", "deviation, -0.5, is below 0"),
    "a probability": ({"stimulus": {"draw": "binary(a - 1.5)"}}, "stimulus 'cue'", "-0.5, is not between 0 and 1"),
    "a start value": ({"initial": "uniform(1.5, a)"}, "population 'units': initial['x']=", "1.5 lies above"),
    "a start of a phase": ({"phase": {"start": {"x": "uniform(0, 1)/(a - b)"}}}, "phase 'show': start['x']=", "a - b"),
    "a gate": ({"phase": {"gates": {"open": "1/(a - b)"}}}, "phase 'show': gates['open']=", "a - b"),
    "a duration": ({"phase": {"duration": "5*ms/(a - b)"}}, "phase 'show': duration=", "a - b"),
    "the time step": ({"rate_dt": "1*ms/(a - b)"}, "Model 'net': rate_dt=", "a - b"),
    "a limit": ({"limits": (Limit("1/(a - b) > 0", "needed"),)}, "limit '1/(a - b) > 0'", "a - b"),
}


@pytest.mark.parametrize("what", WITHOUT_VALUE)
def test_what_parameters_leave_without_value_is_refused_when_the_model_is_made(what):
    changes, where, why = WITHOUT_VALUE[what]
    with pytest.raises(RuleError) as caught:
        model(**changes, a=1.0)
    said = str(caught.value)
    assert all(words in said for words in (where, why, "a = 1.0")), said
    assert said.count("Choose other values, or correct the text.") == 1, said  # told once


@pytest.mark.parametrize("what", WITHOUT_VALUE)
def test_the_same_is_refused_with_values_that_are_given_to_a_run(what):
    changes, where, why = WITHOUT_VALUE[what]
    right = model(**changes)
    for variant in ("rate", "spiking"):
        with pytest.raises(RuleError) as caught:
            arrays(right, variant, parameters={"a": 1.0})
        said = str(caught.value)
        assert all(words in said for words in (where, why, "a = 1.0")), said


def test_a_parameter_without_value_is_refused():
    with pytest.raises(RuleError, match=r"parameter 'k': '1 / \(a - b\)' has no value with a = 1.0 and b = 1.0"):
        model(parameters=(*model(a=1.0).parameters, Parameter("k", "1/(a - b)")))
    with pytest.raises(RuleError, match=r"parameter 'a': 'log\(b - 1\)' has no value with b = 1.0"):
        simulate(model(), parameters={"a": "log(b - 1)"})


def test_a_limit_that_says_why_comes_before_what_it_guards():
    guarded = model(equations="dx/dt = -x/tau/(a - b) : 1", limits=(Limit("a > b", "two of them"),))
    with pytest.raises(RuleError, match="two of them"):
        simulate(guarded, parameters={"a": 1.0})


def test_a_point_of_a_sweep_without_value_keeps_its_error(tmp_path):
    right = model(equations="dx/dt = -x/tau/(a - b) : 1")
    with pytest.warns(RuntimeWarning, match="'a - b', which is 0"):
        found = sweep(right, parameters={"a": [1.0, 2.0]}, store=tmp_path, device="runtime", jobs=1)
    assert len(found.failed) == 1
    with pytest.raises(RuleError, match="'a - b', which is 0"):
        sweep(right, parameters={"a": [1.0]}, store=tmp_path / "other", device="runtime", jobs=1)


@pytest.mark.parametrize(
    "expr",
    [
        "x/(x - a)",  # may be any number, as the state is
        "clip(x, 0, inf) + clip(x, -inf, a)",
        "int(x < inf)*x",
        "log(abs(x) + b)",
        "x**(a - b)",
        "(a - 2)**0*x",
        "exprel(a - 2)*x",
        "(x - b)**0.5*int(x > b)",
        "0*x",
        "x  # 1/(a - 2)",
        "clip(x, a, a)",
    ],
)
def test_what_has_a_value_passes(expr):
    text, _, comment = expr.partition("#")
    made = model(equations=f"dx/dt = (-x + {text})/tau : 1  {'#' + comment if comment else ''}")
    arrays(made)
    arrays(made, parameters={"a": 3.0})


@pytest.mark.parametrize(
    "expr",
    ["sqrt(-1)", "log(-1)", "log(0)", "1/0", "1e400", "clip(x, 2, 1)", "0**-1", "(-8)**(1/3.)", "1 % 0", "1 + inf"],
)
def test_numbers_without_value_are_refused(expr):
    with pytest.raises(RuleError, match="population 'units', line 2"):
        model(equations=f"dx/dt = (-x + {expr})/tau : 1")


def test_no_part_of_a_model_without_units_at_one_end_is_computed():
    """A projection from no units has no synapses, which nothing divides."""
    none = Projection("weights", "units", "units", current="u_post = w/N_pre : 1 (summed)", source_units=":n",
                      initial={"w": USED})  # fmt: skip
    parameters = (*model().parameters, Parameter("n", 0))
    arrays(model(projections=(none,), parameters=parameters))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2*a - b", 3.0),
        ("tau/ms", 10.0),
        ("int(a > b and not b > a)", 1.0),
        ("clip(a, 0, b)", 1.0),
        ("floor(a/4) + 7 // 2", 3.0),
        ("-a**2", -4.0),
        ("exp(0)*pi/pi", 1.0),
        ("a*state", None),
        ("rand()", None),
    ],
)
def test_the_value_of_what_is_known(text, value):
    assert constant_value(text, known(NUMBERS)) == (value, "")


RANDOM = {
    "observable": {"observables": (Observable("o", "x*rand()", population="units"),)},
    "until": {"observables": (Observable("o", "x", population="units"),), "phase": {"until": "o > randn()"}},
}


@pytest.mark.parametrize("where", RANDOM)
def test_observables_and_conditions_draw_no_random_numbers(where):
    with pytest.raises(RuleError, match=r"draws a random number, randn?\(\).*\(constant over dt\)"):
        model(**RANDOM[where])
