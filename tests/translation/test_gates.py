"""A shut gate keeps a rule from acting, on every device and whatever its text gives; `during` names phases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    explain,
    freeze,
    simulate,
    translate,
)
from brainmem.errors import RuleError
from brainmem.text.statements import changes_of
from brainmem.translation.gates import vanishes

RUNTIME = Device("runtime")
# Each case stands alone on the runtime device; compiled, all of them are rules of one network.
COMPILED = [
    Device("cpp_standalone"),
    pytest.param(Device("cpp_standalone", kernels="plain"), marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
APART = ~np.eye(3, dtype=bool)
UNITS = Population(
    "u", "h : 1\nphi = h : 1\ndx/dt = (phi - x)/beat : 1\nonce = learn/(x + h) : 1", rate="x", drive="h", transfer="phi"
)
REC = Projection(
    "rec",
    "u",
    "u",
    current="h_post = w*x_pre : 1 (summed)",
    variables="w : 1\nn : 1",
    initial={"w": "zeros()"},
)
COUNT = LearningRule("counting", "rec", episodic="n += 1", at=("shut",))
SHUT, OPEN = Phase("shut", duration="2*beat"), Phase("open", duration="beat", gates={"learn": 1})


def model(*rules: LearningRule, phases=(SHUT, OPEN), **changes) -> MemoryModel:
    used = " ".join(rule.text for rule in rules)
    units = UNITS if "once" in used else replace(UNITS, equations="\n".join(UNITS.equations.splitlines()[:3]))
    projection = replace(REC, variables="n : 1", initial={}) if "dw/dt" in used else REC
    parts = {
        "parameters": (Parameter("N", 3), Parameter("beat", "1*ms")),
        "populations": (units,),
        "projections": (projection,),
        "rules": (*rules, COUNT),
        "protocol": Protocol(phases, tuple(Each(phase.name, items=1) for phase in phases)),
        "rate_dt": "beat",
    }
    return MemoryModel("gated", **(parts | changes))


# While the gate is shut, n is 0: what the gates multiply is not finite. Open, each changes w by 1.
GATED = {
    "continuous": {"continuous": "dw/dt = learn/(n*beat) : 1"},
    "continuous, through a subexpression": {"continuous": "z = learn/n : 1\ndw/dt = z/beat : 1"},
    "continuous, two variables": {"continuous": "dw/dt = learn/(n*beat) : 1\ndq/dt = learn*log(n)/beat : 1"},
    "continuous, bounded": {"continuous": "dw/dt = 3*learn/(n*beat) : 1", "bounds": {"w": ("-1", "1")}},
    "periodic": {"periodic": "w += learn/n", "every": "beat"},
    "periodic, a name of its own": {"periodic": "z = 1/n\nw += learn*z", "every": "beat"},
    "periodic, set": {"periodic": "w = w + learn*sqrt(1/n)", "every": "beat"},
    "episodic": {"episodic": "w += learn/n", "at": ("shut", "open")},
}


@pytest.mark.parametrize("case", GATED)
def test_a_shut_gate_keeps_a_rule_from_acting(case):
    # The last phase begins after n has become 1. The episodic rule runs at the end of the shut phase together with the
    # count, in the order listed.
    w = simulate(model(LearningRule("r", "rec", **GATED[case])), device=RUNTIME).rec_w.values
    assert np.isfinite(w).all() or case != "episodic"
    assert (w[1][APART] == 0).all()
    assert w[-1][APART] == pytest.approx(1.0)


DURING = {
    "continuous": {"continuous": "dw/dt = 1/(n*beat) : 1"},
    "periodic": {"periodic": "w += 1/n", "every": "beat"},
    "periodic, set": {"periodic": "w = 1/n", "every": "beat"},
    "periodic, a factor": {"periodic": "w = w/n\nw += 1", "every": "beat"},
}


@pytest.mark.parametrize("case", DURING)
def test_a_rule_acts_during_the_phases_that_it_names_and_is_not_evaluated_in_others(case):
    rule = LearningRule("r", "rec", during=("open",), **DURING[case])
    w = simulate(model(rule, phases=(SHUT, replace(OPEN, gates={}))), device=RUNTIME).rec_w.values
    assert (w[1][APART] == 0).all()
    assert w[-1][APART] == pytest.approx(1.0)


TWO_GATES = {"continuous": "dw/dt = one*other/(n*beat) : 1"}
INSIDE = {"periodic": "w += once_post", "every": "beat"}
ALL = {
    **GATED,
    **{f"{case}, during": {**form, "during": ("open",)} for case, form in DURING.items()},
    "two gates": TWO_GATES,
    "inside a variable": INSIDE,
}


def together(forms: dict[str, dict]) -> MemoryModel:
    """Return a network in which each rule has a projection of its own."""
    summed = [f"h{k}" for k in range(len(forms))]
    lines = [*(f"{name} : 1" for name in summed), f"h = {' + '.join(summed)} : 1", *UNITS.equations.splitlines()[1:]]
    units = replace(UNITS, equations="\n".join(lines).replace("learn/", "never/"))
    projections, rules = [], []
    for k, form in enumerate(forms.values()):
        own = {"variables": "n : 1", "initial": {}} if "continuous" in form else {}
        current = f"h{k}_post = w*x_pre : 1 (summed)"
        projections.append(replace(REC, name=f"rec{k}", current=current, **own))
        rules.append(LearningRule(f"r{k}", f"rec{k}", **form))
        rules.append(replace(COUNT, name=f"counting{k}", projection=f"rec{k}"))
    shut = replace(SHUT, gates={"one": 1, "other": 0, "never": 0})
    phases = (shut, replace(OPEN, gates={"learn": 1, "one": 1, "other": 1}))
    return model(phases=phases, populations=(units,), projections=tuple(projections), rules=tuple(rules))


@pytest.mark.slow
@pytest.mark.parametrize("device", COMPILED, ids=str)
def test_shut_gates_keep_all_rules_of_a_network_from_acting(device):
    result = simulate(together(ALL), device=device)
    for k, case in enumerate(ALL):
        w = result[f"rec{k}_w"].values
        assert np.isfinite(w).all() or case != "episodic"
        assert (w[1][APART] == 0).all(), case
        assert w[-1][APART] == pytest.approx(0.0 if case == "inside a variable" else 1.0), case


def spiking_model(*gates: dict) -> MemoryModel:
    """Return a spiking network with a rule for each way in which a gate is given."""
    units = Population(
        "u", "h : 1\nphi = clip(h + 1, 0, 1) : 1\ndx/dt = (phi - x)/tau : 1", rate="x", drive="h", transfer="phi"
    )
    first = replace(REC, name="rec0", variables="n : 1", initial={})
    projections = (first, *(replace(first, name=f"rec{k}", current="") for k in range(1, len(gates))))
    rules = []
    for projection, gate in zip(projections, gates, strict=True):
        text = f"dw/dt = {'' if gate else 'learn*'}x_pre*x_post/(n*tau) : 1"
        rules.append(LearningRule(f"r_{projection.name}", projection.name, continuous=text, **gate))
        rules.append(replace(COUNT, name=f"counting_{projection.name}", projection=projection.name))
    opened = {} if all(gates) else {"learn": 1}
    return model(
        phases=(Phase("shut", duration="60*ms"), Phase("open", duration="60*ms", gates=opened)),
        populations=(units,),
        projections=projections,
        parameters=(Parameter("N", 3), Parameter("tau", 20 * ms)),
        rules=tuple(rules),
        rate_dt="1*ms",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "gates"),
    [
        pytest.param(RUNTIME, [{"during": ("open",)}], id="during, runtime", marks=pytest.mark.full),
        pytest.param(RUNTIME, [{}], id="gate, runtime", marks=pytest.mark.full),
        pytest.param(COMPILED[0], [{"during": ("open",)}, {}], id="both, compiled"),
        pytest.param(Device(kernels="plain"), [{"during": ("open",)}, {}], id="both, plain", marks=pytest.mark.full),
    ],
)
def test_statements_at_spikes_are_not_evaluated_behind_a_shut_gate(device, gates):
    result = simulate(spiking_model(*gates), "spiking", device=device, seed=2)
    for k in range(len(gates)):
        w = result[f"rec{k}_w"].values
        assert (w[1][APART] == 0).all()
        assert np.isfinite(w).all()
        assert w[-1][APART].mean() == pytest.approx(60 / 20, rel=0.5)


def test_two_gates_each_shut_a_rule():
    rule = LearningRule("r", "rec", **TWO_GATES)
    phases = (replace(SHUT, gates={"one": 1, "other": 0}), replace(OPEN, gates={"one": 1, "other": 1}))
    w = simulate(model(rule, phases=phases), device=RUNTIME).rec_w.values
    assert (w[1] == 0).all()
    assert w[-1][APART] == pytest.approx(1)


def test_a_gate_inside_a_variable_of_the_units_shuts_too():
    rule = LearningRule("r", "rec", **INSIDE)
    w = simulate(model(rule, phases=(SHUT, replace(OPEN, gates={"learn": 0}))), device=RUNTIME).rec_w.values
    assert (w == 0).all()


def test_trials_and_freezing_count_a_rule_whose_gate_is_shut_as_not_acting():
    shut = Protocol((SHUT, OPEN), (Each("shut", items=1),))
    for case, form in list(GATED.items())[::3]:  # a continuous, a bounded, and a rule that sets
        text = model(LearningRule("r", "rec", **form), protocol=shut).replace(rules=(LearningRule("r", "rec", **form),))
        assert simulate(text, device="runtime", trials=2).mean_x.sizes["trial"] == 2, case
        with pytest.raises(RuleError, match="may change 'rec' in the phase 'open'"):
            simulate(text.replace(protocol=Protocol((SHUT, OPEN), (Each("open", items=1),))), trials=2)
    during = LearningRule("r", "rec", periodic="w = 1/n", every="beat", during=("open",))
    text = model(during, protocol=shut).replace(rules=(during,))
    assert simulate(text, device="runtime", trials=2).mean_x.sizes["trial"] == 2
    assert not freeze(text, "open", items=1).rules


def test_what_cannot_become_no_number_stays_an_equation():
    text = str(translate(model(LearningRule("r", "rec", continuous="dw/dt = learn*x_pre*x_post/beat : 1"))))
    assert "dw/dt = learn_post*x_pre*x_post/beat : 1 (clock-driven)" in text
    text = str(translate(model(LearningRule("r", "rec", continuous="dw/dt = learn/(n*beat) : 1"))))
    assert "w += dt*(learn_post/(n*beat))" in text
    assert "'rec_open': 'learn != 0'" in text


def test_explain_says_what_nothing_evaluates_behind_which_gate():
    rule = LearningRule("r", "rec", continuous="dw/dt = x_pre*x_post/beat : 1", during=("open",))
    assert "Where r_during_post is 0 nothing changes and nothing is evaluated." in explain(model(rule))


def test_changes_of_statements_are_written_out():
    assert changes_of("z = 1/n\nw += g*z\nw *= 2\nq = q + 1", {"w", "q"}) == [
        "g * (1 / n)",
        "w*((2) - 1)",
        "(q + 1) - q",
    ]
    assert changes_of("w = clip(w + g*x, 0, 1)", {"w"}) == ["(w + g * x) - w"]
    assert vanishes("g * (1 / n)", frozenset({"g"}))
    assert not vanishes("g/(1 + g) + w", frozenset({"g"}))
    assert not vanishes("x", frozenset({"g"}))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"during": ("opne",)}, "during 'opne' is not one of.*Did you mean 'open'"),
        ({"during": "open"}, r"during='open' must be a tuple of phase names"),
        ({"continuous": "", "episodic": "w += 1", "at": ("open",), "during": ("open",)}, "episodic one runs by at="),
    ],
)
def test_wrong_phases_are_refused(wrong, match):
    with pytest.raises(RuleError, match=match):
        model(LearningRule("r", "rec", **({"continuous": "dw/dt = 1/beat : 1", "during": ("open",)} | wrong)))
