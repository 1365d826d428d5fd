"""Patterns in the program: none of what nobody is shown is passed to the device, but the rows it starts from."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import Device, arrays, get_model, sweep, translate
from brainmem.engine.cache import cache_info
from brainmem.numbers.loading import load_given
from brainmem.simulation.jobs import job_of
from brainmem.simulation.ready import make_ready
from tests.support.hopfield_models import hopfield

FRESH = "memory*(1 - 2*binary(damage))"


def tables(model, variant="rate") -> set[str]:
    return {table.name for table in translate(model, variant).tables}


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_patterns_are_no_part_of_the_program(variant):
    names = tables(hopfield(), variant)
    assert not {name for name in names if name.startswith(("memory", "damaged"))}
    assert any(name.endswith("_start") for name in names)
    assert "memory" not in str(translate(hopfield(), variant))


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_the_device_gets_the_table_from_which_it_draws_starts(variant):
    model = hopfield(FRESH)
    names = tables(model, variant)
    assert {"memory_values", "step_item"} <= names
    assert not names & {"memory_row", "damaged_values"}
    assert not any(name.endswith("_start") and "x" in name for name in names)
    found = arrays(model, variant, seed=3)
    assert found["table.memory_values"].shape[-1] == 30
    rows = np.asarray(found["table.memory_values"]).reshape(-1, 30)
    assert not rows[0].any()
    assert set(np.unique(rows[1:3])) == {-1, 1}


def test_what_phases_do_not_show_is_not_passed_to_the_device_in_the_papers():
    for name in ("rajan2016", "rajan2016/choice", "rajan2016/feedback"):
        model = get_model(name)
        assert {table for table in tables(model) if table.endswith("_values")} == {"R_values", "h_values"}


@pytest.mark.parametrize("start", ["damaged", FRESH])
@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_the_number_of_memories_is_no_part_of_the_program(start, variant):
    device = Device()
    jobs = []
    for count in (2, 5, 9):
        given = load_given(hopfield(start), {"P": count})
        jobs.append(job_of(make_ready(translate(hopfield(start), variant), given, seed=1, device=device)))
    assert len({repr(job.payload) for job in jobs}) == 1


@pytest.mark.parametrize("start", ["damaged", FRESH])
def test_a_sweep_over_memories_compiles_one_program(start, own_cache, tmp_path):
    found = sweep(hopfield(start), parameters={"P": [1, 2, 3]}, store=tmp_path / "store", jobs=1)
    assert [result.memory.shape for result in found.results()] == [(1, 30), (2, 30), (3, 30)]
    assert cache_info().entries == 1
