"""Values at which variables may start: what is drawn or given is held against them, in runs, phases and trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Each,
    Limit,
    MemoryModel,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    RuleError,
    freeze,
    simulate,
)
from tests.support.hopfield_models import hopfield

FLIP = "memory*(1 - 2*(permutation() < damage))"
RUN: dict[str, Any] = {"device": "runtime", "seed": 1}


def spins(start: str = FLIP, *, repeats: int = 1, **changes: Any) -> MemoryModel:
    """Return a Hopfield network of units that are updated one at a time."""
    units: dict[str, Any] = {"values": {"S": (-1, 1)}, "sequential": "S = sign(h + tie*S)", **changes}
    phase = Phase("recall", duration="5*second", start={"S": start} if start else {})
    return MemoryModel(
        "spins",
        parameters=(Parameter("N", 20), Parameter("P", 3), Parameter("tie", 1e-12), Parameter("damage", 2)),
        patterns=(Pattern("memory", "spins", items="P"),),
        populations=(Population("spins", "h : 1\nS : 1", **units),),
        projections=(
            Projection(
                "fields",
                "spins",
                "spins",
                current="h_post = w*S_pre : 1 (summed)",
                initial={"w": "sum_items(memory_post*memory_pre)/N"},
            ),
        ),
        protocol=Protocol((phase,), (Each("recall", items="P", repeats=repeats),)),
        limits=(Limit("damage <= N", "no more units can be flipped than there are"),),
        rate_dt="1*second",
        varied=True,  # a parameter may be left without a use
    )


def potts(start: str = "round(uniform(-0.5, 2.5))", initial: str = "1 - 1") -> MemoryModel:
    """Return rate units beside a colour of three, which gates their input, and a mask of 0 and 1 that phases set."""
    units = Population(
        "units",
        "colour : 1\nmask : 1\nx_in = mask*int(colour == 1) : 1\ndx/dt = (x_in - x)/tau : 1",
        initial={"colour": initial},
        values={"colour": (0, 1, 2), "mask": (0, 1)},
    )
    go = Phase("go", duration="2*ms", start={"mask": start})
    return MemoryModel(
        "potts",
        parameters=(Parameter("N", 9), Parameter("tau", 2 * ms)),
        populations=(units,),
        protocol=Protocol((go,), (Repeat(2, (Each("go", items=2),)),)),
        rate_dt="1*ms",
    )


def said_by(model: MemoryModel, **options) -> str:
    with pytest.raises(RuleError) as error:
        simulate(model, **{**RUN, **options})
    return str(error.value)


def test_states_that_are_allowed_run():
    assert simulate(spins(), **RUN)
    assert simulate(spins(""), initial={"spins.S": np.where(np.arange(20) % 3, 1, -1)}, **RUN)
    assert simulate(spins("", initial={"S": "signs()"}), **RUN)
    assert simulate(potts("binary(0.5)", "round(uniform(-0.5, 2.5))"), **RUN)


WRONG = {
    "start of a phase": (
        spins("0.5*memory"),
        {},
        ["phase 'recall', start['S']='0.5*memory', gives 'S' the value", "0.5 in item 0, unit 0, and 59 more",
         "It may start at -1 or 1 alone (values= of population 'spins')", "It reads memory"],
    ),
    "a pattern that is given": (
        spins("memory"),
        {"inputs": {"memory": np.where(np.arange(60).reshape(3, 20) == 43, 0.3, 1)}},
        ["start['S']='memory', gives 'S' the value 0.3 in item 2, unit 3. It", "check what inputs= or"],
    ),
    "drawn on the device, over a pattern that is given": (
        spins("memory*(1 - 2*binary(0.1))", repeats=2),
        {"inputs": {"memory": np.where(np.arange(60).reshape(3, 20) == 43, 0, 1)}},
        ["gives 'S' the value 0 in item 2, unit 3"],
    ),
    "drawn on the device": (spins("binary(0.5)"), {}, ["start['S']='binary(0.5)', gives 'S' the value 0 in item 0"]),
    "initial= of a run": (
        spins(""),
        {"initial": {"spins.S": np.where(np.arange(20) == 4, 0.5, 1)}},
        ["initial 'spins.S' gives 'S' the value 0.5 in unit 4. It may start at -1 or 1 alone"],
    ),
    "initial= of the population": (
        spins("", initial={"S": "binary(0.5)"}),
        {},
        ["population 'spins', initial['S']='binary(0.5)', gives 'S' the value 0 in unit"],
    ),
    "nothing sets it": (
        spins(""),
        {},
        ["nothing sets 'S' when the run begins, so that it starts at 0", "initial={'S': ...}"],
    ),
    "three colours": (
        potts("binary(0.5)", "4"),
        {},
        ["initial['colour']='4', gives 'colour' the value 4", "0 or 1 or 2"],
    ),
    "a mask": (potts(), {}, ["phase 'go', start['mask']=", "gives 'mask' the value 2", "It may start at 0 or 1 alone"]),
    "a mask given": (
        potts("binary(0.5)"),
        {"initial": {"units.colour": np.arange(9) % 4}},
        ["initial 'units.colour' gives 'colour' the value 3 in unit 3, and 1 more that are wrong"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_other_values_are_refused_with_the_variable_the_first_of_them_and_its_place(case):
    model, options, parts = WRONG[case]
    said = said_by(model, **options)
    assert said.startswith(f"Model {model.name!r}: ")
    assert [part for part in parts if part not in said] == [], said


def test_statements_and_visits_are_the_models_own():
    first = spins("").protocol.phases[0]
    model = spins("", sequential="S = 0.5*int(h > tie)")
    begun = replace(first, begin={"spins": "S = 1"})
    assert simulate(model.replace(protocol=Protocol((begun,), model.protocol.schedule)), **RUN)


def signed(start: str = "damaged") -> MemoryModel:
    model = hopfield(start)
    return model.replace(populations=(replace(model.populations[0], values={"x": (-1, 1)}),))


def test_trials_are_held_against_them_each_for_itself():
    model = freeze(signed(), "recall", items="P")
    damaged = np.ones((2, 3, 30))
    damaged[1, 2, 7] = 0.25
    said = said_by(model, trials=3, inputs={"damaged": damaged})
    assert "gives 'x' the value 0.25 in item 1, trial 2, unit 7" in said
    x = np.ones((3, 30))
    x[1, 4] = 0
    said = said_by(freeze(signed("damaged"), "recall", items="P"), trials=3, initial={"units.x": x})
    assert "initial 'units.x' gives 'x' the value 0 in trial 1, unit 4" in said


@pytest.mark.slow
def test_rates_of_spiking_cells_take_all_values_between_but_what_phases_set_is_the_same_in_both_variants():
    quick = {"variant": "spiking", "parameters": {"N": 6}, **RUN}
    assert simulate(signed(), initial={"units.x": np.linspace(-0.5, 0.5, 6)}, **quick)
    wrong = {"damaged": np.full((2, 6), 0.5)}
    for variant in ("rate", "spiking"):
        with pytest.raises(RuleError, match=r"start\['x'\]='damaged', gives 'x' the value 0.5 in item 0"):
            simulate(signed(), inputs=wrong, **{**quick, "variant": variant})


FIELDS = {
    "no such variable": ({"s": (-1, 1)}, ["values='s' is no variable that keeps a value", "Did you mean 'S'?"]),
    "a sum": ({"h": (-1, 1)}, ["values='h' is no variable that keeps a value"]),
    "none": ({"S": ()}, ["values['S']=() must be finite numbers"]),
    "not finite": ({"S": (1, float("nan"))}, ["must be finite numbers"]),
    "text": ({"S": "+-"}, ["must be a mapping from variables to finite numbers, such as {'S': (-1, 1)}"]),
    "no mapping": ((-1, 1), ["must be a mapping from variables to finite numbers"]),
}


@pytest.mark.parametrize("case", FIELDS)
def test_what_is_no_set_of_values_is_refused_when_the_model_is_made(case):
    values, parts = FIELDS[case]
    with pytest.raises(RuleError) as error:
        spins(values=values)
    said = str(error.value)
    assert said.startswith("Model 'spins', population 'spins'")
    assert [part for part in parts if part not in said] == [], said


def test_values_of_a_rate_lie_within_its_range():
    units = replace(hopfield().populations[0], values={"x": (-1, 2)})
    with pytest.raises(RuleError, match=r"values\['x'\]=\(-1, 2\): 2 lies outside of rate_range=\(-1, 1\)"):
        hopfield(populations=(units,))


def test_the_card_shows_them():
    assert "values of S    -1, 1" in str(spins())


def test_an_author_limits_how_many_units_are_flipped():
    assert simulate(spins(), parameters={"damage": 20}, **RUN)
    said = said_by(spins(), parameters={"damage": 21})
    assert said == (
        "Model 'spins': the parameters (N = 20, damage = 21) break 'damage <= N': no more units can be flipped than "
        "there are."
    )


def test_a_broken_limit_shows_the_parameters_that_it_names_and_no_others():
    model = spins().replace(Parameter("d", 3), Limit("damage < 5", "few"))  # "d" is a part of "damage"
    assert "the parameters (damage = 6) break" in said_by(model, parameters={"damage": 6})
