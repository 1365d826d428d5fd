"""Streams of memories, learned one an epoch and tested all so far, against their weights in numpy."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from brainmem import Each, Protocol, RuleError, measure, simulate
from brainmem.engine.device import Device
from brainmem.numbers.loading import load_given
from brainmem.simulation.jobs import job_of
from brainmem.simulation.ready import make_ready
from brainmem.translation import translate
from tests.support.hopfield_models import hopfield
from tests.support.stream_models import STREAM, stream

NUMPY = "runtime"


@pytest.mark.parametrize(
    ("variant", "device"),
    [("rate", NUMPY), ("rate", "cpp_standalone"), pytest.param("spiking", NUMPY, marks=pytest.mark.full)],
)
def test_a_stream_is_learned_item_by_item_and_tested_as_far_as_it_came(variant, device):
    result = simulate(stream(), variant, seed=2, device=device, parameters={"P": 5})
    memory, w = result.memory.values, np.zeros((30, 30))
    for item, x in enumerate(memory):
        w = (0.6 * w + np.outer(x, x) / 30) * (1 - np.eye(30))
        np.testing.assert_allclose(result.recurrent_w.values[item + 1], w, atol=1e-12)
    tests = result.step_phase.values == "recall"
    epochs, items = result.step_epoch.values[tests], result.step_item.values[tests]
    assert list(zip(epochs, items, strict=True)) == [(k, item) for k in range(1, 6) for item in range(k)]
    table = measure.recall_table(result)
    expected = np.full((5, 5), np.nan)
    expected[epochs - 1, items] = np.mean(result.mean_x.values[tests] * memory[items], axis=1)
    np.testing.assert_allclose(table["score"].values[..., 0], expected)
    fractions = [np.mean(row[: k + 1] > 0.8) for k, row in enumerate(expected)]
    np.testing.assert_allclose(table["recalled"], fractions)
    assert fractions[0] == 1


def test_one_program_runs_streams_of_all_lengths_and_windows():
    windowed = (STREAM[0], Each("recall", items=("maximum(0, epoch - 2)", "epoch")))
    jobs = set()
    for model, count in ((stream(), 2), (stream(), 6), (stream(*windowed), 4)):
        ready = make_ready(translate(model, "rate"), load_given(model, {"P": count}), seed=1, device=Device())
        jobs.add(job_of(ready).key)
    assert len(jobs) == 1


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ((Each("learn", items=("epoch", "epoch + 1")),), ["phase 'learn': it shows item 3 of 'memory' in epoch 3"]),
        ((STREAM[0], Each("recall", items="2*epoch")), ["phase 'recall': start['x'] = 'damaged' reads item 3"]),
    ],
)
def test_items_that_patterns_do_not_have_are_refused_before_anything_runs(body, parts):
    with pytest.raises(RuleError) as error:
        simulate(stream(*body), device=NUMPY, parameters={"P": 3})
    assert all(part in str(error.value) for part in [*parts, "has only 3 rows (items='P')"]), str(error.value)


def test_items_that_the_target_of_recall_does_not_have_are_refused():
    recall = replace(hopfield().protocol.phases[0], start={"x": "uniform(-1, 1)"})
    with pytest.raises(RuleError, match=re.escape("it is scored against item 2 of 'memory', which has only 2 rows")):
        simulate(hopfield(protocol=Protocol((recall,), (Each("recall", items=3),))), device=NUMPY)
