"""A `Repeat` that ends by its condition, on the device, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms

from brainmem import Each, ResultError, RuleError, simulate
from tests.support.counting_models import EPOCH, counting, perceptron

NUMPY = "runtime"
DEVICES = pytest.mark.parametrize("device", [NUMPY, "cpp_standalone"])


def goals(model, seed: int) -> np.ndarray:
    """Return the goals that the units of a run count up to: those of a run in which they are recorded."""
    return simulate(model, seed=seed, device=NUMPY, record=("goal",), interval=1 * ms).goal.values[0]


def counted(goal: np.ndarray, rounds: int, each: int = 2) -> list[float]:
    """Return the errors of each epoch until one has none."""
    n, errors = 0.0, []
    while len(errors) < rounds and not (errors and errors[-1] < 0.5):
        errors.append(0.0)
        for _ in range(each):
            n += 0.5
            errors[-1] += np.sum(n < goal)
    return errors


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_epochs_end_when_the_condition_holds_and_the_schedule_goes_on(variant):
    model = counting(before=(Each("rest", items=1),))
    errors = counted(goals(model, 3), 12)
    assert 1 < len(errors) < 12
    step = {"spike_dt": 1 * ms} if variant == "spiking" else {}
    found = simulate(model, variant, parameters=step, seed=3, device=NUMPY, record=("n",), interval=1 * ms)
    assert found.complete
    assert found.repeats == [
        {"until": "errors < allowed", "times": 12, "epochs": len(errors), "fulfilled": True},
    ]
    epochs = np.repeat(np.arange(len(errors)) + 1, 3)
    np.testing.assert_array_equal(found.step_epoch, [1, *epochs, 1, 1])
    np.testing.assert_array_equal(found.step_item, [0, *[0, 0, 1] * len(errors), 0, 1])
    phases = ["rest", *["reset", "count", "count"] * len(errors), "rest", "rest"]
    np.testing.assert_array_equal(found.step_phase, phases)
    np.testing.assert_allclose(found.step_duration, [{"rest": 3e-3, "reset": 1e-3, "count": 2e-3}[p] for p in phases])
    np.testing.assert_array_equal(found.errors.values[3:-2:3], errors)
    np.testing.assert_allclose(found.n.values[-1], len(errors))
    np.testing.assert_allclose(found.time.values[-1], found.step_duration.values.sum())
    assert not found.notes


def test_a_repeat_that_runs_out_of_epochs_says_so_or_is_an_error():
    found = simulate(counting(), parameters={"rounds": 3}, seed=3, device=NUMPY)
    assert found.repeats == [{"until": "errors < allowed", "times": 3, "epochs": 3, "fulfilled": False}]
    assert found.data.sizes["step"] == 11
    assert "a Repeat ran all of its 3 epochs before its condition held (errors < allowed)" in found.warnings
    with pytest.raises(ResultError, match=r"a Repeat must end by its condition .* 3 epochs.*'rounds'") as error:
        simulate(counting(must_end=True), parameters={"rounds": 3}, seed=3, device=NUMPY)
    assert error.value.result.data.sizes["step"] == 11
    assert simulate(counting(must_end=True), seed=3, device=NUMPY).repeats[0]["fulfilled"]


def test_a_condition_that_holds_in_the_last_epoch_is_fulfilled():
    rounds = len(counted(goals(counting(), 3), 12))
    found = simulate(counting(), parameters={"rounds": rounds}, seed=3, device=NUMPY)
    assert found.repeats[0] | {"until": ""} == {"until": "", "times": rounds, "epochs": rounds, "fulfilled": True}


@pytest.mark.parametrize(
    ("probed", "device"), [((12,), NUMPY), ((1, 12), "cpp_standalone"), (tuple(range(1, 13)), NUMPY), ((2,), NUMPY)]
)
def test_tests_beside_the_protocol_restore_the_state_wherever_epochs_are_cut(probed, device):
    """The last planned epoch ends with a probe, the one with which the condition holds may not; and a probe follows."""
    body = (*EPOCH, Each("probe", items=1, epochs=probed))
    model = counting(body=body, after=(Each("probe", items=2), Each("rest", items=1)))
    found = simulate(model, seed=3, device=device, record=("end_n",))
    probe = found.step_phase.values == "probe"
    np.testing.assert_array_equal(found.end_n.values[probe], 100)
    counts = np.cumsum(found.step_phase.values == "count")[~probe] / 2
    np.testing.assert_array_equal(found.end_n.values[~probe], counts[:, None] + np.zeros(4))
    assert found.repeats[0]["fulfilled"]
    assert found.repeats[0]["epochs"] < 12


def test_repeats_one_after_the_other_are_cut_each_by_its_own_condition():
    model = counting()
    first = model.protocol.schedule[0]
    one = model.replace(protocol=type(model.protocol)(model.protocol.phases, (first, first, Each("rest", items=1))))
    found = simulate(one, seed=3, device=NUMPY)
    rounds = len(counted(goals(model, 3), 12))
    assert [item["epochs"] for item in found.repeats] == [rounds, 1]
    assert found.step_phase.values[-1] == "rest"


def test_of_trials_the_condition_must_hold_in_all():
    model = counting()
    found = simulate(model, seed=3, device=NUMPY, trials=3, record=("goal",), interval=1 * ms)
    goal = found.goal.values[0]
    assert goal.shape == (3, 4)
    assert found.repeats[0]["epochs"] == max(len(counted(row, 12)) for row in goal)
    assert len({len(counted(row, 12)) for row in goal}) > 1


def learned(cue: np.ndarray, label: np.ndarray, rounds: int = 40, rate: float = 0.1) -> list[tuple[float, np.ndarray]]:
    """Return errors and weights after each epoch of the perceptron's rule."""
    w, found = np.zeros((label.shape[1], cue.shape[1])), []
    for _ in range(rounds):
        errors = 0
        for x, y in zip(cue, label, strict=True):
            miss = (w @ x * y <= 0).astype(float)
            errors += miss.sum()
            w = w + rate * np.outer(miss * y, x)
        found.append((errors, w))
        if errors < 0.5:
            break
    return found


@DEVICES
def test_a_perceptron_stops_after_its_first_epoch_without_error(device):
    found = simulate(perceptron(), seed=2, device=device)
    expected = learned(found.cue.values, found.label.values)
    assert 2 < len(expected) < 40
    assert found.repeats[0]["epochs"] == len(expected)
    np.testing.assert_array_equal(found.forward_w.epoch, np.arange(len(expected) + 1))
    np.testing.assert_allclose(found.forward_w.values[1:], [w for _, w in expected], atol=1e-12)
    np.testing.assert_array_equal(found.errors.values[8::9], [errors for errors, _ in expected])


def test_epochs_keep_their_planned_numbers_behind_a_cut():
    model = perceptron()
    schedule = (*model.protocol.schedule, Each("reset", items=1))
    model = model.replace(protocol=type(model.protocol)(model.protocol.phases, schedule))
    found = simulate(model, seed=2, device=NUMPY)
    epochs = found.repeats[0]["epochs"]
    np.testing.assert_array_equal(found.forward_w.epoch, [*range(epochs + 1), 41])
    np.testing.assert_array_equal(found.forward_w.values[-1], found.forward_w.values[-2])


REFUSED = {
    "elapsed": ({"until": "elapsed > 3*ms"}, "elapsed.*time belongs to a phase"),
    "variable": ({"until": "err < 1"}, "a condition reads observables"),
    "number": ({"until": "errors"}, "errors"),
    "unknown": ({"until": "mistakes < 1"}, "mistakes"),
    "nothing to end by": ({"until": "", "must_end": True}, "must_end=True needs a condition"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_conditions_that_cannot_be_read_are_refused(case):
    changes, reason = REFUSED[case]
    with pytest.raises(RuleError, match=reason):
        counting(**changes)


def test_the_card_shows_the_condition():
    assert "rounds times, until errors < allowed, an epoch each:" in str(counting())
    assert "until errors < allowed, or it is an error, an epoch each:" in str(counting(must_end=True))
