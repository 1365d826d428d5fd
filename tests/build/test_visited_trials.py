"""Many trials of units that are updated one at a time: each repeated alone in plain numpy, each with its own stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import brainmem
from brainmem import (
    Each,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Stimulus,
    freeze,
    site_draws,
    site_order,
    translate,
)
from brainmem.errors import TranslationError
from tests.support.dream_models import COMPILED, CYTHON, NUMPY, PLAIN, SWEEP, dreams, run, spins, symmetric
from tests.support.scripts import run_script
from tests.support.start_values import starts_of

SIZE, TRIALS, ITEMS = 16, 5, 3
OTHERS = [pytest.param(CYTHON, marks=pytest.mark.cython), pytest.param(PLAIN, marks=pytest.mark.full)]
DEVICES = [COMPILED, NUMPY, *OTHERS]
RELAX = Phase("relax", duration="9*sweep", until="flips < 0.5", start={"S": "signs()"}, average="9*sweep")


def relaxing(phase: Phase = RELAX, sequential: str = "S = sign(h + tie*S)", **changes) -> MemoryModel:
    """Return a network that relaxes from random starts, without learning."""
    projection = Projection(
        "recurrent",
        "spins",
        "spins",
        current="h_post = w*S_pre : 1 (summed)\nnorm2_post = w**2 : 1 (summed)",
        initial={"w": "normal(0, 1/sqrt(N))"},
    )
    parts = {
        "parameters": (Parameter("N", SIZE), Parameter("T", 0.7), Parameter("tie", 1e-12), Parameter("sweep", SWEEP)),
        "rules": (),
        "projections": (projection,),
        "observables": (
            Observable("flips", "int(S_change != 0)", population="spins", reduce="sum"),
            Observable("stability", "S*h/sqrt(norm2)", population="spins", reduce="mean"),
        ),
        "protocol": Protocol((phase,), (Each("relax", items=ITEMS),)),
    }
    model = dreams(spins(sequential, "h : 1\nnorm2 : 1\nS : 1"), **(parts | changes))
    return freeze(model, "relax", items=ITEMS)


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_each_trial_is_repeated_alone_and_rests_from_its_own_stop_on(device):
    model, w, begin = relaxing(), symmetric(SIZE), 0
    data = run(model, device, w, trials=TRIALS, record=("S", "h"))
    starts = starts_of(model, "S", seed=3, trials=TRIALS)
    for step in range(ITEMS):
        length = int(data["step_duration"].values[step])
        for trial in range(TRIALS):
            s, states, moved = starts[step, trial].copy(), [], True
            while moved:
                before = s.copy()
                for k in site_order(SIZE, begin + len(states), seed=3, trial=trial):
                    s[k] = np.sign(w[k] @ s)
                states.append(s.copy())
                moved = np.any(s != before)
            stop = len(states)
            expected = states + [s] * (length - stop)
            np.testing.assert_array_equal(data["S"].values[begin : begin + length, trial], expected)
            np.testing.assert_allclose(data["mean_S"].values[step, trial], np.mean(states, axis=0))
            stability = np.mean(s * (w @ s) / np.sqrt(np.sum(w**2, axis=1)))
            np.testing.assert_allclose(data["stability"].values[step, trial], stability)
            assert data["trial_duration"].values[step, trial] == stop
        begin += length
    np.testing.assert_allclose(data["h"].values, data["S"].values @ w.T, atol=1e-12)
    np.testing.assert_array_equal(data["step_duration"], data["trial_duration"].max("trial"))
    assert np.all(data["trial_duration"].min("trial") < data["step_duration"])
    assert np.all(data["flips"].values == 0)
    assert np.all(data["trial_fulfilled"].values == 1)


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_each_trial_draws_numbers_of_its_own(device):
    """Spins at a temperature, that stop where their sum is large; not all trials do before the phase is over."""
    phase = replace(RELAX, duration="6*sweep", until="abs(total) > 7", average="")
    total = Observable("total", "S", population="spins", reduce="sum")
    glauber = "S = 2*int(rand() < 1/(1 + exp(-2*(h + 0.1*randn())/T))) - 1"
    w = symmetric(SIZE)
    data = run(relaxing(phase, glauber, observables=(total,)), device, w, trials=TRIALS, record=("S",))
    s, going, begins = np.ones((TRIALS, SIZE)), np.ones(TRIALS, dtype=bool), np.cumsum(data["step_duration"].values)
    starts, step = starts_of(relaxing(), "S", seed=3, trials=TRIALS), -1
    for sweep, states in enumerate(data["S"].values):
        if sweep in {0, *begins[:-1]}:
            step, going = step + 1, np.ones(TRIALS, dtype=bool)
            s = starts[step].copy()
        for trial in np.flatnonzero(going):
            first, second = (
                site_draws(SIZE, sweep, k, seed=3, trial=trial, kind=kind) for k, kind in enumerate(("rand", "randn"))
            )
            for k in site_order(SIZE, sweep, seed=3, trial=trial):
                chance = 1 / (1 + np.exp(-2 * (w[k] @ s[trial] + 0.1 * second[k]) / 0.7))
                s[trial, k] = 1 if first[k] < chance else -1
        np.testing.assert_array_equal(states, s)
        going &= np.abs(s.sum(axis=1)) <= 7
    fulfilled = data["trial_fulfilled"].values
    assert 0 < fulfilled.mean() < 1
    np.testing.assert_array_equal(data["step_fulfilled"].values, fulfilled.min(axis=1))


def test_the_first_trial_is_the_run_without_trials():
    phase = replace(RELAX, until="", average="")
    one, many = (run(relaxing(phase), NUMPY, symmetric(SIZE), trials=trials)["S"].values for trials in (None, 3))
    np.testing.assert_array_equal(many[:, 0], one)
    assert np.any(many[:, 1] != one)


@pytest.mark.full
def test_a_printed_script_of_trials_gets_the_same_numbers(tmp_path):
    model, given = relaxing(), {"weights": {"recurrent": symmetric(SIZE)}, "trials": TRIALS}
    data = run(model, NUMPY, symmetric(SIZE), trials=TRIALS)
    text = str(translate(model, trials=TRIALS))
    text = text.replace('float(arrays["duration"])', f"{float(data['step_duration'].sum())}")
    found = (
        run_script(tmp_path, text, brainmem.arrays(model, seed=3, **given), {"S": "spins.S"})["S"]
        .reshape(SIZE, TRIALS)
        .T
    )
    np.testing.assert_array_equal(found, data["S"].values[-1])


def refused(match: str, model: MemoryModel) -> None:
    with pytest.raises(TranslationError, match=match):
        translate(model, trials=2)


def test_what_would_go_on_in_a_stopped_trial_is_refused_with_the_reason():
    slow = Population("slow", "dx/dt = -x/sweep : 1")
    populations = (*relaxing().populations, slow)
    refused(r"population 'slow', whose 'x' changes in time.*would go on", relaxing().replace(populations=populations))
    translate(relaxing(replace(RELAX, until="")).replace(populations=populations), trials=2)
    film = Stimulus("film", "spins", items=ITEMS, draw="signs()", every="sweep", frames=2)
    units = spins("S = sign(h + 0.1*film)", "h : 1\nnorm2 : 1\nS : 1")
    shown = relaxing(replace(RELAX, stimuli=("film",)), populations=(units,), stimuli=(film,))
    refused("stimulus 'film', whose frames change in time", shown)
    taken = spins("S = sign(h + going)", "h : 1\nnorm2 : 1\nS : 1\ngoing : 1")
    refused(
        "uses the name 'going'", relaxing(populations=(replace(taken, initial={"S": "signs()", "going": "signs()"}),))
    )
