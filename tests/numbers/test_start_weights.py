"""Start weights as sums over items of patterns, and outer products, against plain numpy."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from brian2 import ms

from brainmem import MemoryModel, Parameter, Pattern, Phase, Population, Projection, RuleError, simulate
from brainmem.model.checks.shapes import check_shape
from brainmem.numbers.loading import load_given
from brainmem.numbers.run import numbers_of
from brainmem.text import draw
from brainmem.text.item_sums import Rows, weight_forms
from brainmem.translation import translate
from tests.support.hopfield_models import hopfield

EXACT = {"rtol": 1e-12, "atol": 1e-13}
SELF = np.eye(30, dtype=bool)


def stored(text: str, *patterns: Pattern, **changes) -> MemoryModel:
    """Return the associative network with other start weights, and further patterns."""
    model = hopfield()
    projection = replace(model.projections[0], initial={"w": text}, **changes)
    return model.replace(projections=(projection,), patterns=(*model.patterns, *patterns))


def drawn(model: MemoryModel, *, seed: int = 3, inputs=None, **parameters) -> tuple[dict[str, np.ndarray], Any]:
    """Return the start weights and the patterns of a run."""
    numbers = numbers_of(translate(model), load_given(model, parameters, inputs=inputs), seed)
    return numbers.weights, numbers.patterns


HEBB = [
    "sum_items(memory_post*memory_pre)/N",
    "sum_items(outer(memory, memory))/N",
    "sum_items(outer(memory, memory/N))",
    "sum_items(memory_post*memory_pre/N + 0*item)",
    "memory.T @ memory/N",
]


@pytest.mark.parametrize("text", HEBB)
def test_hebbian_weights_are_sums_over_the_memories(text):
    weights, patterns = drawn(stored(text), P=4)
    wanted = sum(np.multiply.outer(row, row) for row in patterns["memory"]) / 30
    np.testing.assert_allclose(weights["recurrent.w"], np.where(SELF, 0, wanted), **EXACT)


def test_a_compiled_program_starts_with_them():
    result = simulate(stored(HEBB[1]), device="cpp_standalone", seed=3, record=("weights",))
    memory = result.memory.values
    np.testing.assert_allclose(result.recurrent_w.values[0], np.where(SELF, 0, memory.T @ memory / 30), **EXACT)


def test_rows_that_are_shifted_by_a_mean_and_weighted_by_their_item():
    text = "sum_items(0.5**item*(memory_post - damage)*(clip(memory_pre, 0, 1) - 0.5)/(N*damage))"
    weights, patterns = drawn(stored(text, self_connections=True), P=3)
    parts = [0.5**k * np.outer(row - 0.1, np.clip(row, 0, 1) - 0.5) / 3 for k, row in enumerate(patterns["memory"])]
    np.testing.assert_allclose(weights["recurrent.w"], sum(parts), **EXACT)


def test_row_norm_scales_them():
    weights, _ = drawn(stored(HEBB[0], row_norm=2.0), P=4)
    np.testing.assert_allclose(np.linalg.norm(weights["recurrent.w"], axis=1), 2, **EXACT)


def test_parts_of_a_population_take_their_units_of_the_patterns():
    for text in (HEBB[0], HEBB[1], HEBB[3]):
        weights, patterns = drawn(stored(text, target_units="20:", source_units=":25"), P=4)
        whole = np.where(SELF, 0, patterns["memory"].T @ patterns["memory"] / 30)
        np.testing.assert_allclose(weights["recurrent.w"], whole[20:, :25], **EXACT)


RING = "sum_items(A*exp(-ring(place_post - place_pre, N)**2/(2*sigma**2)) - inhibition)"


def maps(**changes) -> MemoryModel:
    """Return a network that holds several rings: the places of the units on each are a permutation of their numbers."""
    cells = Population(
        "cells",
        "u : 1\nphi = clip(u, 0, 1) : 1\ndr/dt = (phi - r)/tau : 1",
        rate="r",
        drive="u",
        transfer="phi",
    )
    parts: dict[str, Any] = {
        "parameters": (
            Parameter("N", 40),
            Parameter("maps", 3),
            Parameter("A", 0.5),
            Parameter("sigma", 3.0),
            Parameter("inhibition", 0.07),
            Parameter("tau", 10 * ms),
        ),
        "populations": (cells,),
        "patterns": (Pattern("place", "cells", items="maps", draw="permutation()"),),
        "projections": (
            Projection("bump", "cells", "cells", current="u_post = w*r_pre : 1 (summed)", initial={"w": RING}),
        ),
        "protocol": Phase("hold", duration="60*tau", start={"r": "exp(-ring(place - N/4, N)**2/(2*sigma**2))"}),
        "rate_dt": "0.1*tau",
    }
    return MemoryModel("maps", **{**parts, **changes})


def test_ring_attractors_of_several_maps_are_sums_over_the_places_of_the_units():
    weights, patterns = drawn(maps())
    wanted = np.zeros((40, 40))
    for place in patterns["place"]:
        assert sorted(place) == list(range(40))
        for post in range(40):
            for pre in range(40):
                apart = abs(place[post] - place[pre])
                wanted[post, pre] += 0.5 * np.exp(-(min(apart, 40 - apart) ** 2) / 18) - 0.07
    np.testing.assert_allclose(weights["bump.w"], np.where(np.eye(40), 0, wanted), **EXACT)


@pytest.mark.full
def test_a_bump_stays_on_the_map_on_which_it_starts():
    result = simulate(
        maps(),
        device="runtime",
        seed=1,
        record=("r",),
        interval=10 * ms,
        parameters={"maps": 2, "A": 0.3, "inhibition": 0.05},
    )
    place, last = result.place.values, result.r.values[-1]
    order = np.exp(2j * np.pi * place / 40)
    size = np.abs((order * last).sum(axis=1)) / last.sum()
    assert size[0] > 0.8 > 0.5 > size[1]
    assert np.angle((order[0] * last).sum()) / (2 * np.pi) * 40 == pytest.approx(10, abs=2)


def test_sequences_are_outer_products_of_the_next_memory_with_this_one():
    following = Pattern("following", "units", items="P", draw="shifted(memory, 1)")
    last = "(1 - int(item == P - 1))"  # no link from the last to the first
    for text, ends in ((f"sum_items({last}*outer(following, memory))/N", True), ("following.T @ memory/N", False)):
        weights, patterns = drawn(stored(text, following, self_connections=True), P=4)
        memory = patterns["memory"]
        links = [np.outer(memory[(k + 1) % 4], memory[k]) for k in range(3 if ends else 4)]
        np.testing.assert_allclose(weights["recurrent.w"], sum(links) / 30, **EXACT)


def test_patterns_of_fewer_items_may_stand_beside_those_that_are_summed():
    text = "sum_items(exp(-(memory_post - memory_pre)**2))"
    weights, patterns = drawn(stored(text, Pattern("cue", "units", items=1)), P=3)
    wanted = sum(np.exp(-(np.subtract.outer(row, row) ** 2)) for row in patterns["memory"])
    np.testing.assert_allclose(weights["recurrent.w"], np.where(SELF, 0, wanted), **EXACT)


OTHERS = Population("others", "v : 1\ny = 2*v : 1", size=7)
TO_OTHERS = Projection(
    "out",
    "units",
    "others",
    current="v_post = w*x_pre : 1 (summed)",
    initial={"w": "sum_items(outer(answer, memory))/N"},
)


def test_patterns_of_two_populations_are_associated():
    model = hopfield()
    model = model.replace(
        populations=(*model.populations, OTHERS),
        projections=(*model.projections, TO_OTHERS),  # with weights of 0
        patterns=(*model.patterns, Pattern("answer", "others", items="P", draw="normal(0, 1)")),
    )
    for text in ("sum_items(outer(answer, memory))/N", "sum_items(answer_post*memory_pre)/N"):
        changed = model.replace(projections=(model.projections[0], replace(TO_OTHERS, initial={"w": text})))
        weights, patterns = drawn(changed, P=3)
        np.testing.assert_allclose(weights["out.w"], patterns["answer"].T @ patterns["memory"] / 30, **EXACT)


def test_outer_products_of_drawn_vectors_are_of_low_rank():
    one, _ = drawn(stored("outer(normal(0, 1), uniform(0, 1))", self_connections=True))
    assert np.linalg.matrix_rank(one["recurrent.w"]) == 1
    assert len(np.unique(one["recurrent.w"])) == 900
    three, patterns = drawn(stored("sum_items(outer(normal(0, 1), memory))", self_connections=True), P=3)
    w = three["recurrent.w"]
    assert np.linalg.matrix_rank(w) == 3
    inside = np.linalg.lstsq(patterns["memory"].T, w.T, rcond=None)[0]
    np.testing.assert_allclose(w, inside.T @ patterns["memory"], atol=1e-10)


def test_draws_within_a_sum_are_drawn_for_each_item():
    weights, _ = drawn(stored("sum_items(0*memory_pre + normal(0, 1))", self_connections=True), P=50)
    assert weights["recurrent.w"].std() == pytest.approx(np.sqrt(50), rel=0.1)


def test_a_given_pattern_is_summed(tmp_path):
    memory = np.where(np.arange(60).reshape(2, 30) % 7 < 3, 1.0, -1.0)
    np.save(tmp_path / "memory.npy", memory)
    for given in (memory, tmp_path / "memory.npy"):
        weights, _ = drawn(stored(HEBB[0]), inputs={"memory": given})
        np.testing.assert_allclose(weights["recurrent.w"], np.where(SELF, 0, memory.T @ memory / 30), **EXACT)


@pytest.mark.parametrize("text", ["sum_items(a_post*b_pre)", "sum_items(exp(-(a_post - b_pre)**2))"])
def test_no_array_of_all_items_and_pairs_is_made(text):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(60, 300)), rng.normal(size=(60, 200))
    forms = weight_forms(Rows({"a": a}, {"b": b}), rng, (300, 200))
    tracemalloc.start()
    found = draw(text, names={"a": a, "b": b}, rng=rng, shape=(300, 200), forms=forms)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * found.nbytes  # all items at once would be 60
    wanted = a.T @ b if "exp" not in text else np.exp(-((a[:, :, None] - b[:, None]) ** 2)).sum(axis=0)
    np.testing.assert_allclose(found, wanted, **EXACT)


def test_vectors_of_another_length_than_there_are_units_are_refused():
    rng = np.random.default_rng(0)
    forms = weight_forms(Rows({}, {}), rng, (5, 4))
    for text, said in (("outer(a, 1)", "'a' has the shape (3,), and there are 5 post"), ("outer(1, a)", "are 4 pre")):
        with pytest.raises(RuleError) as error:
            draw(text, names={"a": np.ones(3)}, rng=rng, shape=(5, 4), forms=forms)
        assert said in str(error.value)
    with pytest.raises(RuleError, match=r"'a' has the shape \(3,\), and needed is \(5,\)"):
        check_shape("outer(a, 1)", {"a": (3,)}, (5, 4))


def two_of(text: str, **others) -> dict[str, Any]:
    """Return parts of the network with a pattern of five items, one with frames, and one of other units."""
    patterns = (
        *hopfield().patterns,
        Pattern("five", "units", items=5),
        Pattern("film", "units", items="P", frames=3, every="tau"),
        Pattern("answer", "others", items="P"),
    )
    projection = replace(hopfield().projections[0], initial={"w": text}, **others)
    return {
        "patterns": patterns,
        "projections": (projection, TO_OTHERS),
        "populations": (*hopfield().populations, OTHERS),
        "varied": True,
    }


REFUSED = {
    "sum_items(memory_post*five_pre)": ["different numbers of items", "'memory' has 2 (items='P')", "'five' has 5"],
    "sum_items(answer_post*memory_pre)": [
        "'answer_post' reads 'answer', a pattern of 'others', but the postsynaptic units of 'recurrent' are those of "
        "'units'"
    ],
    "sum_items(outer(memory, answer))": ["the second part of outer(x, y) reads 'answer', a pattern of 'others'"],
    "outer(1, memory)": ["outer(x, y) takes vectors, and 'memory' has one for every item: write sum_items(outer(...))"],
    "sum_items(memory_post*memory)": ["the row of one item of 'memory'", "Write memory_post or memory_pre"],
    "sum_items(memry_post*memory_pre)": ["'memry' is no pattern of theirs", "Did you mean 'memory'?"],
    "sum_items(outer(memory_post, memory))": ["outer(x, y) takes vectors: write memory for memory_post"],
    "sum_items(film_post*memory_pre)": ["'film' has frames", "draw='first(film)'"],
    "sum_items(1/N)": ["'sum_items(1 / N)' sums over the items of patterns, and reads none"],
    "memory_post*memory_pre": ["'memory_post' is the row of one item", "sum_items("],
    "item*1.0": ["'item' is the number of an item, which only sum_items(...) has"],
    "sum_items(sum_items(memory_post))": ["stands within sum_items(...)"],
    "sum_items(memory_post, memory_pre)": ["sum_items takes 1 argument, got 2"],
    "shifted(memory, 1).T @ memory": ["unknown function 'shifted'", "It belongs in the draw of a pattern or stimulus"],
    "ring(normal(0, 1), 0)": ["the length of the ring, 0, is not above 0"],
    "sum_items(ring(memory_post, tau))": ["units do not fit"],
}


@pytest.mark.parametrize("text", REFUSED)
def test_sums_that_cannot_be_formed_are_refused_with_names_and_remedy(text):
    with pytest.raises(RuleError) as error:
        hopfield(**two_of(text))
    said = str(error.value)
    assert said.startswith("Model 'hopfield', projection 'recurrent': initial['w']=")
    assert [part for part in REFUSED[text] if part not in said] == [], said


def test_numbers_of_items_are_checked_again_with_the_parameters_of_a_run():
    model = stored("sum_items(outer(two, memory))", Pattern("two", "units", items=2))
    with pytest.raises(RuleError) as error:
        drawn(model, P=3)
    assert "projection 'recurrent', initial['w']" in str(error.value)
    assert "memory has 3, two has 2" in str(error.value)


def test_sums_and_outer_products_belong_in_start_weights():
    with pytest.raises(RuleError, match=r"unknown function 'sum_items'. It belongs in the start weights of a proj"):
        hopfield("sum_items(memory)")
    with pytest.raises(RuleError, match=r"unknown function 'outer'. It belongs in the start weights of a projection"):
        hopfield(patterns=(*hopfield().patterns, Pattern("bad", "units", draw="outer(memory, memory)", items=2)))


def test_weights_that_all_trials_share_are_no_sums_over_patterns_of_each():
    memory = np.random.default_rng(0).choice([-1.0, 1.0], (2, 3, 30))
    with pytest.raises(RuleError, match="made from 'memory', of which every trial has its own"):
        simulate(stored(HEBB[0]), trials=3, inputs={"memory": memory}, device="runtime")
