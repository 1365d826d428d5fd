"""Sizes, links and pairs: values with a text that a script shows, and numbers that say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainmem import freeze, get_model, translate
from brainmem.translation.sizes import ONE, Link, Pairs, Size
from brainmem.translation.trials import connect_arguments

NUMBERS = {"N": 5, "trials": 3, "cells_per_unit": 2}


@pytest.mark.parametrize(
    ("size", "text", "value", "names"),
    [
        (Size("N"), "N", 5, ("N",)),
        (Size("7"), "7", 7, ()),
        (Size("N", cells=True), "N*cells_per_unit", 10, ("N", "cells_per_unit")),
        (Size("N", trials=True), "N*trials", 15, ("N", "trials")),
        (Size("N", cells=True, trials=True), "N*trials*cells_per_unit", 30, ("N", "trials", "cells_per_unit")),
        (Size("1", trials=True), "trials", 3, ("trials",)),
        (Size("1", cells=True, trials=True), "1*trials*cells_per_unit", 6, ("trials", "cells_per_unit")),
    ],
)
def test_a_size_is_a_product_of_units_trials_and_cells(size, text, value, names):
    assert (size.text, size.value(NUMBERS), size.names) == (text, value, names)
    assert eval(size.text, {}, dict(NUMBERS)) == value


@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("trials", [False, True])
@pytest.mark.parametrize("each", ["", "unit", "trial"])
def test_the_text_of_a_link_gives_the_positions_that_are_built(each, trials, cells):
    link = Link("units", "x", each, Size("N", cells=cells or each == "unit", trials=trials))
    if not link.text:
        assert link.positions(NUMBERS) is None
        assert not each or (each == "trial" and not trials)
        return
    names = {"arange": np.arange, "repeat": np.repeat, "tile": np.tile, **NUMBERS}
    np.testing.assert_array_equal(eval(link.text, {}, names), link.positions(NUMBERS))


def test_links_find_the_unit_of_a_cell_and_the_trial_of_a_unit():
    """Cell c of unit i in trial b is element (i*trials + b)*cells + c."""
    size = Size("N", cells=True, trials=True)
    unit, trial, _ = np.unravel_index(np.arange(size.value(NUMBERS)), (5, 3, 2))
    np.testing.assert_array_equal(Link("units", "x", "unit", size).positions(NUMBERS), unit * 3 + trial)
    np.testing.assert_array_equal(Link("trial", "E", "trial", size).positions(NUMBERS), trial)
    no_cells = replace(size, cells=False)
    np.testing.assert_array_equal(Link("trial", "E", "trial", no_cells).positions(NUMBERS), np.tile([0, 1, 2], 5))
    assert Link("protocol", "step").positions(NUMBERS) is None


def test_a_translation_holds_values_and_its_script_their_text():
    model = freeze(get_model("kurikawa2020"), "recall")
    plain, many = translate(model, "spiking"), translate(model, "spiking", trials=3)
    assert plain.group("units_cells").size == Size("N", cells=True)
    assert many.group("units_cells").size == Size("N", cells=True, trials=True)
    assert many.group("protocol").size == ONE
    assert many.sized_by == ("trials", "N", "cells_per_unit")
    assert "index=np.repeat(np.arange(N*trials), cells_per_unit))" in str(many)
    pairs = {item.name: item.pairs for item in plain.connections}
    assert (pairs["recurrent"], pairs["units_output"]) == (Pairs.NO_SELF, Pairs.OWN_CELLS)
    assert connect_arguments(plain.connection("recurrent")) == {"condition": "i != j"}
    assert connect_arguments(many.connection("units_output")) == {"j": "i//cells_per_unit"}
    one_trial = connect_arguments(many.connection("recurrent"))
    assert one_trial == {"j": "trials*k + i % trials for k in range(N_post//trials) if i//trials != k"}
