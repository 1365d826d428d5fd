"""Draws whose shapes do not fit are refused when the model is made, by what the draw itself would say."""

from __future__ import annotations

import random

import numpy as np
import pytest

from brainmem import Pattern, Population, Projection, RuleError, Stimulus
from brainmem.model.checks.shapes import check_shape
from brainmem.text import draw
from tests.support.small_models import RECURRENT, UNITS, check_refused, phase, recurrent, small, units

CUE = Stimulus("cue", "units")
FILM = Pattern("film", "units", items=3, frames=5, every="tau", draw="filtered_noise(tau)")
OTHERS = Population("others", "u_2 : 1\ny = 2*u_2 : 1", size=4)
OUT = Projection("out", "units", "others", current="u_2_post = w*x_pre : 1 (summed)", initial={"w": "0"})


def two(**changes):
    """Return a model of 10 units that project to 4 others, with a cue of 2 items for the units."""
    return {"populations": (UNITS, OTHERS), "projections": (RECURRENT, OUT), "varied": True, **changes}


def start(text):
    return phase(start={"x": text}) | {"patterns": (FILM,)}


BAD = {
    "cue for weights": (
        recurrent(initial={"w": "cue"}),
        ["projection 'recurrent': initial['w']='cue': its shape is (2, 10); needed is (10, 10), or one number for all"],
    ),
    "outer product the wrong way round": (
        recurrent(initial={"w": "cue @ cue.T/N"}),
        ["initial['w']='cue @ cue.T/N': its shape is (2, 2); needed is (10, 10)"],
    ),
    "product of matrices that do not fit": (
        recurrent(initial={"w": "cue @ cue"}),
        ["initial['w']='cue @ cue': 'cue @ cue' multiplies matrices of shapes (2, 10) and (2, 10), which do not fit"],
    ),
    "a number as a matrix": (recurrent(initial={"w": "cue.T @ N"}), ["'@' multiplies matrices", "Write '*'"]),
    "weights between two populations": (
        two(projections=(RECURRENT, Projection(**{**vars(OUT), "initial": {"w": "cue.T @ cue/N"}}))),
        ["projection 'out': initial['w']='cue.T @ cue/N': its shape is (10, 10); needed is (4, 10)"],
    ),
    "weights of another projection": (
        two(projections=(RECURRENT, Projection(**{**vars(OUT), "initial": {"w": "recurrent_w + normal(0, 1)"}}))),
        ["'recurrent_w + normal(0, 1)' joins arrays of shapes (10, 10) and (4, 10), which do not fit"],
    ),
    "a part of the units": (
        recurrent(source_units=":3", initial={"w": "cue.T @ cue"}),
        ["initial['w']='cue.T @ cue': its shape is (10, 10); needed is (10, 3)"],
    ),
    "a pattern of another population": (
        two(patterns=(Pattern("bias", "others", draw="2*cue"),)),
        ["pattern 'bias': draw='2*cue': its shape is (2, 10); needed is (2, 4), or one number for all"],
    ),
    "another number of items": (
        {"patterns": (Pattern("pair", "units", items=3, draw="cue"),)},
        ["pattern 'pair': draw='cue': its shape is (2, 10); needed is (3, 10)"],
    ),
    "frames in a row": (
        {"patterns": (FILM, Pattern("last", "units", items=3, draw="film"))},
        ["pattern 'last': draw='film': its shape is (3, 5, 10); needed is (3, 10)"],
    ),
    "first frame of what has none": (
        {"patterns": (Pattern("last", "units", draw="first(cue)"),)},
        ["pattern 'last': draw='first(cue)': 'first(cue)' is the first frame of a pattern with frames"],
    ),
    "spread of the wrong shape": (
        {"patterns": (Pattern("pair", "units", items=3, draw="normal(cue, 1)"),)},
        ["joins arrays of shapes (2, 10) and (3, 10), which do not fit"],
    ),
}


@pytest.mark.parametrize("mistake", BAD)
def test_a_shape_that_does_not_fit_is_refused(mistake):
    check_refused(*BAD[mistake])


@pytest.mark.parametrize("text", ["cue @ cue.T", "cue.T", "eye()", "film.T"])
def test_a_start_has_a_row_for_every_item(text):
    with pytest.raises(RuleError, match=r"phase 'learn': start\['x'\]="):
        small(**start(text))


@pytest.mark.parametrize(
    "changes",
    [
        recurrent(initial={"w": "cue.T @ cue/N + normal(0, 1/sqrt(N))"}),
        recurrent(initial={"w": "normal(0, abs(cue.T @ cue))"}),
        recurrent(source_units=":3", target_units="5:", initial={"w": "uniform(0, 1)"}),
        {"patterns": (Pattern("onset", "units", items=3, draw="first(film) + 0.1*unit"), FILM)},
        {"patterns": (Pattern("ramp", "units", draw="unit/N"), Pattern("code", "units", draw="item"))},
        {"patterns": (Pattern("wave", "units", frames=5, every="tau", draw="cue*exp(-time/tau)"),)},
        {"patterns": (Pattern("mean_cue", "units", draw="cue - mean(cue)"),)},
        start("cue"),
        start("0.5*film + normal(0, 1)"),
        units(initial={"x": "uniform(-1, 1)"}),
        two(patterns=(Pattern("bias", "others", draw="sum(cue)/N"),)),
    ],
)
def test_shapes_that_fit_pass(changes):
    assert small(**changes).populations


SHAPES = {"a": (2, 5), "b": (3, 5), "w": (5, 5), "f": (2, 4, 5), "k": ()}
PIECES = (
    "a",
    "b",
    "w",
    "f",
    "k",
    "2",
    "a.T",
    "b.T",
    "(a.T @ b)",
    "first(f)",
    "sum(a)",
    "normal(k, 1)",
    "exp(a)",
    "eye()",
)


def drawn(text, shape) -> bool:
    """Tell whether a text can be drawn."""
    names = {name: np.full(size, 0.5) if size else 0.5 for name, size in SHAPES.items()}
    try:
        draw(text, names=names, rng=np.random.default_rng(0), shape=shape)
    except RuleError:
        return False
    return True


def passes(text, shape) -> bool:
    try:
        check_shape(text, SHAPES, shape)
    except RuleError:
        return False
    return True


@pytest.mark.parametrize("shape", [(5, 5), (2, 5), (3, 5), (5,)])
def test_a_text_passes_where_it_can_be_drawn_and_nowhere_else(shape):
    rng, outcomes = random.Random(0), set()
    texts = [*PIECES, *(f"{one} {sign} {other}" for one in PIECES for other in PIECES for sign in "+*@>")]
    texts += [" + ".join(rng.choices(PIECES, k=3)) for _ in range(300)]
    for text in texts:
        if "eye()" in text and shape != (5, 5):
            continue  # which has a check of its own
        assert passes(text, shape) is drawn(text, shape), text
        outcomes.add(passes(text, shape))
    assert outcomes == {True, False}


def test_sizes_that_are_wrong_are_told_once():
    wrong = two(populations=(UNITS, Population("others", OTHERS.equations, size="K")), stimuli=(CUE,))
    check_refused(wrong, ["population 'others': size 'K' is not one of 'N', 'M'"])
    with pytest.raises(RuleError) as error:
        small(**wrong)
    assert error.value.errors == ()
