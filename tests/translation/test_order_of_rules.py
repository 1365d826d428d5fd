"""Rules run by their `order`, then as listed, whatever they are called; checked against the text run in numpy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brainmem import LearningRule, Projection, Spiking, SpikingRule, TranslationError, translate
from brainmem.simulation.description import describe_schedule
from brainmem.translation import schedule
from tests.support.dense_models import model_of, rate_units
from tests.support.text_runs import EXACT, RUNTIME, check_against_text, initial, run

INPUTS = ("u", "v", "q")
# Named against the alphabet, listed against the order of projections; none commutes with the others.
PERIODIC = (
    LearningRule("z_halve", "ru", periodic="w = 0.5*w", every="delta"),
    LearningRule("y_raise", "rv", periodic="w += 0.1*x_pre", every="2*delta"),
    LearningRule("x_add", "ru", periodic="w += 0.1*x_pre*x_post", every="delta", bounds={"w": (-0.4, 0.4)}),
    LearningRule("a_square", "rv", periodic="w = w*w", every="delta"),
    LearningRule("b_shrink", "rq", periodic="w *= 0.8", every="3*delta"),
    LearningRule("a_turn", "rq", periodic="w = 0.3 - w", every="3*delta"),
)


def network(*rules):
    """Return 5 units with one projection for each of three inputs."""
    projections = [
        Projection(
            f"r{s}", "units", "units", current=f"{s}_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 0.5)"}
        )
        for s in INPUTS
    ]
    return model_of([rate_units("units", 5, dict.fromkeys(INPUTS, "1"))], projections, rules)


def episodic(rules):
    return tuple(replace(rule, periodic="", every="", episodic=rule.periodic, at=("learn", "rest")) for rule in rules)


def with_orders(rules, *orders):
    return tuple(replace(rule, order=order) for rule, order in zip(rules, orders, strict=True))


def hebb(name, projection="ru", **options):
    return LearningRule(name, projection, continuous="dw/dt = eta*(x_post*x_pre - 0.3*w) : 1", **options)


CASES = {
    "periodic, as listed": PERIODIC,
    "episodic, as listed": episodic(PERIODIC),
    "periodic, orders beyond every slot": with_orders(PERIODIC, 7, -60, 3, -90, 500, 40),
    "episodic, orders beyond every slot": with_orders(episodic(PERIODIC), 7, -60, 3, -90, 500, 40),
    "before and after a continuous rule": (
        hebb("m_hebb", bounds={"w": (-0.3, 0.3)}),
        *with_orders(PERIODIC[:3], -150, 0, -10),
        *with_orders(episodic(PERIODIC[3:]), 90, 80, 70),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rules_run_by_order_and_then_as_listed(case):
    model = network(*CASES[case])
    check_against_text(run(model, RUNTIME, initial=initial(model)), model, initial(model), EXACT)


def parts(translated):
    """Return (when, order, name) of all that rules run, as Brian2 sorts it."""
    found = [part for item in translated.connections for part in (*item.operations, *item.pathways)]
    return sorted((schedule.SLOTS.index(part.when), part.order, part.name) for part in found)


SPIKING = LearningRule(
    "z_own", "ru", periodic="w = 0.9*w", every="delta", spiking=SpikingRule(on_pre="w += 0.1", on_post="w *= 0.9")
)


@pytest.mark.parametrize("read", ["trace", "event"])
def test_what_rules_run_at_spikes_keeps_the_order_of_the_rules(read):
    added = [rule for rule in PERIODIC if "+=" in rule.periodic and "x_post" in rule.periodic]
    rules = (SPIKING, hebb("y_hebb", "rv", bounds={"w": (-1, 1)}), *added, hebb("a_hebb", "rq", bounds={"w": (-1, 1)}))
    found = parts(translate(network(*rules), Spiking(read=read)))
    names = [name for _, _, name in found if not name.startswith("count")]
    bounds = ["y_hebb_bounds", *(["x_add_bounds"] * (read == "event")), "a_hebb_bounds"]
    assert [name for name in names if name.endswith("_bounds")] == [n for n in bounds if n in names]
    expected = [f"{rule.name}_{side}" for rule in rules for side in ("pre", "post")]
    assert [name for name in names if name.endswith(("_pre", "_post"))] == [n for n in expected if n in names]
    assert {"z_own_pre", "z_own_post"} <= set(names)
    assert len({(when, order) for when, order, _ in found}) == len(found)  # no two in one place


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_the_printed_schedule_lists_rules_in_their_order(variant):
    text = describe_schedule(translate(network(*with_orders(PERIODIC, 7, -60, 3, -90, 500, 40)), variant))
    places = [text.index(f": {name} every") for name in ("a_square", "y_raise", "x_add", "z_halve", "a_turn")]
    assert places == sorted(places)
    assert places[-1] < text.index("b_shrink every")


def test_more_rules_than_a_time_step_has_places_for_are_refused():
    many = [replace(PERIODIC[0], name=f"rule{k}") for k in range(101)]
    assert len(translate(network(*many[:-1])).connection("ru").operations) == 100
    with pytest.raises(TranslationError, match=r"101 periodic rules.*room for 100.*'ru'"):
        translate(network(*many))
    with pytest.raises(TranslationError, match=r"101 episodic rules.*room for 100.*'ru'"):
        translate(network(*episodic(many)))
