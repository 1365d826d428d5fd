"""Changes of weights that wait: which may, and that the numbers are those of the text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Projection,
    Protocol,
    Repeat,
    get_model,
    translate,
)
from brainmem.build.deferral import find_deferral
from brainmem.build.kernels import choose_kernels
from tests.support.dense_models import model_of, rate_units
from tests.support.text_runs import EXACT, SINGLE, check_against_text, initial, run

NORMAL = {"w": "normal(0, 0.3)"}
LEARN = "plastic*eta*(x_post - s_post)"


def projection(sum_text="s_post = w*x_pre : 1 (summed)", **options):
    return Projection("own", "a", "a", current=sum_text, **{"initial": NORMAL, **options})


def one_rule(rule, *, inputs=("s",), size=13, **options):
    return model_of([rate_units("a", size, dict.fromkeys(inputs, "1"))], [projection(**options)], [rule])


def found_in(model):
    return find_deferral(translate(model).connection("own"))


@pytest.mark.parametrize(
    ("text", "products"),
    [
        ("dw/dt = plastic*eta*(x_post - s_post)*(x_pre - s_post*w) : 1", 1),
        ("dw/dt = eta*(x_post*x_pre - 0.3*w) : 1", 1),
        ("dw/dt = eta*(x_post*x_pre + s_post*x_pre**2 - w) : 1", 2),
        ("dw/dt = eta*x_pre : 1", 1),
        ("z = x_pre - s_post*w : 1\ndw/dt = eta*x_post*z : 1", 1),
        ("dw/dt = (eta/N_pre)*(x_post*x_pre - w)/N_post : 1", 1),
        ("dw/dt = eta*x_post*(x_pre - x_pre**2 - tanh(x_pre)) : 1", 1),
        ("dw/dt = eta*(x_post*(x_pre - x_pre**2) - s_post*x_pre**2) : 1", 2),
        ("dw/dt = eta*exp(x_post - 0.1)*exp(x_pre)*x_pre : 1", 1),
    ],
)
def test_a_factor_for_each_row_and_products_of_two_sides_may_wait(text, products):
    found = found_in(one_rule(LearningRule("rule", "own", continuous=text)))
    assert found is not None
    assert len(found.products) == products
    assert found.sums == {"s_post": "x_pre"}
    assert not any("_pre" in post.replace("N_pre", "") or "_post" in pre for post, pre in found.products)


@pytest.mark.parametrize(
    "rule",
    [
        {"continuous": "dw/dt = eta*x_post*(x_pre - w**2) : 1"},
        {"continuous": "dw/dt = eta*x_post*x_pre*int(w < 0.5) : 1"},
        {"continuous": "dw/dt = eta*x_post*(x_pre - tanh(w)) : 1"},
        {"continuous": "dw/dt = eta*exp((x_pre - x_post)/0.1) : 1"},
        {"continuous": "dw/dt = eta*2**(x_pre - x_post) : 1"},
        {"continuous": "dw/dt = eta*(x_pre - x_pre*w) : 1"},
        {"continuous": "dw/dt = eta*tanh(x_post + x_pre) : 1"},
        {"continuous": "dw/dt = eta*(x_post*x_pre + s_post*tanh(x_pre) + x_post**2*x_pre**3) : 1"},
        {"continuous": "dw/dt = eta*(x_post*x_pre - w) : 1", "bounds": {"w": (-1, 1)}},
        {"continuous": "dw/dt = eta*(x_post*x_pre - v) : 1\ndv/dt = eta*(w - v) : 1"},
        {"periodic": "w += 0.1*x_post*x_pre\nw *= 0.9", "every": "delta"},
        {"periodic": "w += 0.1*x_post*x_pre*rand()", "every": "delta"},
        {"periodic": "w += 0.1*x_pre*int(w > 0)", "every": "delta"},
        {"episodic": "w += 0.1*x_post*x_pre", "at": ("learn",)},
    ],
    ids=str,
)
def test_other_changes_do_not_wait(rule):
    more = {"initial": {**NORMAL, "v": "uniform(-1, 1)"}} if "dv/dt" in str(rule) else {}
    variables = "" if "continuous" in rule else "w : 1"
    assert found_in(one_rule(LearningRule("rule", "own", **rule), variables=variables, **more)) is None


def test_sums_that_read_the_weight_in_another_way_keep_it_up_to_date():
    rule = LearningRule("rule", "own", continuous="dw/dt = eta*x_post*x_pre : 1")
    for text in ("w**2*x_pre", "w*x_pre*x_post", "int(w > 0.5)*x_pre", "w*exp(x_pre - x_post)"):
        assert found_in(one_rule(rule, sum_text=f"s_post = {text} : 1 (summed)")) is None
    assert found_in(one_rule(rule, sum_text="s_post = w*x_pre/N_post : 1 (summed)")) is not None


def test_whole_numbers_do_not_wait():
    rule = LearningRule("rule", "own", periodic="w += int(x_pre > 0.5)*int(x_post > 0.5)", every="delta")
    model = one_rule(rule, variables="w : integer", initial={"w": "zeros()"})
    assert found_in(model) is None
    assert run(model, Device(), initial=initial(model)).complete


@pytest.mark.parametrize(("key", "names"), [("kurikawa2020", {"recurrent"}), ("rajan2016", {"plastic", "inverse"})])
def test_the_rules_of_papers_wait_on_standalone_only(key, names):
    translated = translate(get_model(key))
    waiting = {name for name, kernel in choose_kernels(translated, Device()).items() if kernel.deferral}
    assert waiting == names
    assert "wait" in choose_kernels(translated, Device())[min(names)].reason
    for device in (Device(kernels="plain"), Device("runtime", target="cython"), Device("runtime")):
        assert not any(kernel.deferral for kernel in choose_kernels(translated, device).values())


MODELS = {
    "rows scaled, no self-connections": one_rule(
        LearningRule("rule", "own", continuous=f"dw/dt = {LEARN}*(x_pre - s_post*w) : 1"), size=21
    ),
    "self-connections": one_rule(
        LearningRule("rule", "own", continuous=f"dw/dt = {LEARN}*(x_pre - s_post*w) : 1"),
        size=40,
        self_connections=True,
    ),
    "two products, two sums": one_rule(
        LearningRule("rule", "own", continuous="dw/dt = eta*(x_post*x_pre + s_post*x_pre**2 - 0.3*w) : 1"),
        inputs=("s", "s2"),
        sum_text="s_post = w*x_pre : 1 (summed)\ns2_post = 0.5*w*x_pre**2 : 1 (summed)",
        size=37,
    ),
    "every third step": one_rule(
        LearningRule("rule", "own", periodic="w += 0.05*plastic*x_pre*x_post", every="3*delta"),
        variables="w : 1",
        size=17,
    ),
    "a part onto a part, own pairs beside the diagonal": one_rule(
        LearningRule("rule", "own", continuous="dw/dt = eta*(x_post*x_pre - 0.5*w) : 1"),
        size=29,
        source_units="4:27",
        target_units=":19",
    ),
    "one row": model_of(
        [rate_units("a", 30, {"s": "1"}), rate_units("one", 1, {"many": "1"})],
        [
            Projection("own", "a", "one", current="many_post = w*x_pre : 1 (summed)", initial=NORMAL),
            Projection("back", "one", "a", current="s_post = w*x_pre : 1 (summed)", initial=NORMAL),
        ],
        [
            LearningRule("rule", "own", continuous="dw/dt = eta*(x_pre - many_post*w) : 1"),
            LearningRule("other", "back", continuous="dw/dt = eta*(x_post - w) : 1"),
        ],
    ),
}


def beside(models) -> MemoryModel:
    """Return models as one network, each with a number behind its names."""
    populations, projections, rules = [], [], []
    for k, model in enumerate(models):
        populations += [replace(item, name=f"{item.name}{k}") for item in model.populations]
        for item in model.projections:
            ends = {"source": f"{item.source}{k}", "target": f"{item.target}{k}"}
            projections.append(replace(item, name=f"{item.name}{k}", **ends))
        rules += [replace(item, name=f"{item.name}{k}", projection=f"{item.projection}{k}") for item in model.rules]
    return model_of(populations, projections, rules)


@pytest.mark.slow
@pytest.mark.parametrize("device", [Device(), pytest.param(Device(threads=2), marks=pytest.mark.full)], ids=str)
def test_weights_and_rates_are_those_of_the_text(device):
    """Phases last 8, 5 and 4 steps, and weights are recorded after 17."""
    model = beside(MODELS.values())
    translated = translate(model)
    result = run(model, device, initial=initial(model))
    check_against_text(result, model, initial(model), EXACT)
    for k, alone in enumerate(MODELS.values()):
        assert found_in(alone) is not None
        assert find_deferral(translated.connection(f"own{k}")) is not None
        changed = result[f"own{k}_w"].values
        assert np.abs(changed[-1] - changed[0]).max() > 1e-4


@pytest.mark.full
def test_single_precision_stays_with_the_text():
    model = MODELS["rows scaled, no self-connections"]
    drawn = {key: values.astype(np.float32) for key, values in initial(model).items()}
    check_against_text(run(model, Device(float=32), initial=drawn), model, drawn, SINGLE)


@pytest.mark.parametrize(("steps", "resting"), [(7, 0), (8, 0), (8, 3), (9, 3)])
def test_weights_are_recorded_after_any_number_of_changes(steps, resting):
    """With a rest in which the gate is closed, what waits is added before or while nothing changes."""
    model = MODELS["rows scaled, no self-connections"]
    learn, _, rest = model.protocol.phases
    phases = (replace(learn, duration="steps*delta"), replace(rest, duration="resting*delta"))
    shown = ("learn", "rest") if resting else ("learn",)
    numbers = {"steps": steps, **({"resting": resting} if resting else {})}
    model = model.replace(
        parameters=(*model.parameters, *(Parameter(name, 1) for name in numbers)),
        protocol=Protocol(phases[: len(shown)], (Repeat(3, (Each(shown, items=1),)),)),
    )
    result = run(model, Device(), initial=initial(model), parameters=numbers)
    known = tuple(replace(item, value=numbers.get(item.name, item.value)) for item in model.parameters)
    check_against_text(result, model.replace(parameters=known), initial(model), EXACT)


def test_a_closed_gate_leaves_weights_bit_for_bit_even_where_the_change_is_no_number():
    rule = LearningRule("rule", "own", continuous="dw/dt = plastic*eta*x_post/(none*x_post)*x_pre : 1")
    model = one_rule(rule)
    shut = tuple(replace(phase, gates={"plastic": 0}) for phase in model.protocol.phases)
    result = run(model.replace(protocol=replace(model.protocol, phases=shut)), Device())
    np.testing.assert_array_equal(result.own_w.values[-1], result.own_w.values[0])
