"""When sums, rules and neurons are computed within a time step: one model with everything, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, second

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    Stimulus,
    TranslationError,
    arrays,
    simulate,
    translate,
)
from brainmem.translation.schedule import sum_orders

STEP = 1e-3  # seconds
ROUNDS, ITEMS, WAIT, STORE, PERIOD = 2, 3, 5, 8, 3  # the last three in time steps
STRONGEST, C_MAX = 0.3, 0.15

# Two populations of different size and unit, and a pool of one unit that sums over the second and answers to all of it.
WIRED = MemoryModel(
    "wired",
    parameters=(
        Parameter("n_senders", 3),
        Parameter("n_receivers", 2),
        Parameter("items", ITEMS),
        Parameter("rounds", ROUNDS),
        Parameter("tau", 5 * ms),
        Parameter("T_learn", PERIOD * ms),
        Parameter("strongest", STRONGEST),
        Parameter("time_step", 1 * ms),
    ),
    populations=(
        Population(
            "senders",
            """
            back : 1
            drive = cue + back : 1
            phi = 50*Hz*(1 + tanh(drive)) : Hz
            dr/dt = (phi - r)/tau : Hz
            """,
            size="n_senders",
            rate="r",
            drive="drive",
            transfer="phi",
            rate_range=("0*Hz", "100*Hz"),
            initial={"r": "uniform(0, 100)*Hz"},
        ),
        Population(
            "receivers",
            """
            current : 1
            lateral : 1
            shared : 1
            drive = current + lateral - shared : 1
            phi = tanh(drive) : 1
            ds/dt = (phi - s)/tau : 1
            """,
            size="n_receivers",
            rate="s",
            drive="drive",
            transfer="phi",
            rate_range=(-1, 1),
            initial={"s": "uniform(-1, 1)"},
        ),
        Population("pool", "total : 1\nhalf = total/2 : 1", size=1),
    ),
    projections=(
        # Declared and named against the order in which they must be summed.
        Projection("answer", "pool", "receivers", current="shared_post = half_pre : 1 (summed)"),
        Projection("collect", "receivers", "pool", current="total_post = current_pre - s_pre : 1 (summed)"),
        Projection(
            "forward",
            "senders",
            "receivers",
            current="current_post = w*r_pre/(50*Hz) : 1 (summed)",
            variables="w : 1\np : 1",
            initial={"w": "normal(0, 0.5)", "p": "uniform(0.5, 1)"},
        ),
        Projection(
            "sideways",
            "receivers",
            "receivers",
            current="lateral_post = v*s_pre : 1 (summed)",
            variables="v : 1",
            initial={"v": "normal(0, 0.1)"},
            self_connections=True,
        ),
        Projection(
            "backward",
            "receivers",
            "senders",
            current="back_post = c*s_pre : 1 (summed)",
            initial={"c": "uniform(-0.1, 0.1)"},
        ),
    ),
    rules=(
        LearningRule("shrink", "forward", periodic="w = 0.9*w", every="T_learn", order=1),
        LearningRule(
            "squares",
            "forward",
            periodic="p -= p*p*s_post**2/(1 + p*s_post**2)\nw += p*s_post*r_pre/(50*Hz)",
            every="T_learn",
        ),
        LearningRule(
            "hebb",
            "sideways",
            episodic="v += 0.05*s_post*s_pre",
            at=("store",),
            bounds={"v": ("-strongest", "strongest")},
        ),
        LearningRule(
            "drift",
            "backward",
            continuous="dc/dt = (s_pre*r_post/(50*Hz) - c)/(500*ms) : 1",
            bounds={"c": (f"-{C_MAX}", f"{C_MAX}")},
        ),
    ),
    stimuli=(Stimulus("cue", "senders", items="items"),),
    protocol=Protocol(
        phases=(Phase("wait", duration=f"{WAIT}*ms"), Phase("store", duration=f"{STORE}*ms", stimuli=("cue",))),
        schedule=(Repeat("rounds", (Each(("wait", "store"), items="items"),)),),
    ),
    rate_dt="time_step",
)


def step_by_step(start: dict, cues: np.ndarray) -> dict[str, np.ndarray]:
    """The same network in numpy; weights are ``[post, pre]``, rates in Hz, everything reads the step's beginning."""
    r, s, w, p, v, c = (start[name].copy() for name in ("r", "s", "w", "p", "v", "c"))
    found = {name: [value] for name, value in (("w", w), ("p", p), ("v", v), ("c", c))} | {"r": [], "s": []}
    count = 0
    for _ in range(ROUNDS):
        for cue in cues:
            for length, shown in ((WAIT, 0 * cue), (STORE, cue)):
                for _ in range(length):
                    current, back = w @ r / 50, c @ s
                    shared = np.sum(current - s) / 2
                    grown = np.clip(c + STEP / 0.5 * (np.outer(r, s) / 50 - c), -C_MAX, C_MAX)
                    drive = current + v @ s - shared
                    if count % PERIOD == 0:
                        p = p - p * p * s[:, None] ** 2 / (1 + p * s[:, None] ** 2)
                        w = 0.9 * (w + p * np.outer(s, r) / 50)
                    r = r + STEP / 0.005 * (50 * (1 + np.tanh(shown + back)) - r)
                    s = s + STEP / 0.005 * (np.tanh(drive) - s)
                    c, count = grown, count + 1
                    found["r"].append(r)
                    found["s"].append(s)
            v = np.clip(v + 0.05 * np.outer(s, s), -STRONGEST, STRONGEST)
        for name, value in (("w", w), ("p", p), ("v", v), ("c", c)):
            found[name].append(value)
    return {name: np.array(values) for name, values in found.items()}


@pytest.fixture(scope="module", params=["numpy", "cpp_standalone"])
def pair(request):
    """A run, and the same in numpy."""
    device = Device("runtime", target="numpy") if request.param == "numpy" else Device()
    result = simulate(
        WIRED, seed=2, device=device, record=("weights", "senders.r", "receivers.s"), interval=STEP * second
    )
    given = arrays(WIRED, seed=2)
    start = {name: given[f"{owner}.{name}"] for owner, name in (("senders", "r"), ("receivers", "s"))}
    for owner, name in (("forward", "w"), ("forward", "p"), ("sideways", "v"), ("backward", "c")):
        start[name] = result[f"{owner}_{name}"].values[0]
    return result, step_by_step(start, result.cue.values)


def test_states_follow_numpy_step_by_step(pair):
    result, expected = pair
    assert len(expected["r"]) == ROUNDS * ITEMS * (WAIT + STORE)
    np.testing.assert_allclose(result.r.values, expected["r"], atol=1e-10)
    np.testing.assert_allclose(result.s.values, expected["s"], atol=1e-12)


def test_periodic_statements_run_in_order_at_every_period(pair):
    result, expected = pair
    np.testing.assert_allclose(result.forward_p.values, expected["p"], atol=1e-12)
    np.testing.assert_allclose(result.forward_w.values, expected["w"], atol=1e-12)


def test_episodic_changes_are_made_when_their_phase_ends_and_are_in_the_weights_recorded_then(pair):
    result, expected = pair
    np.testing.assert_allclose(result.sideways_v.values, expected["v"], atol=1e-12)
    assert np.abs(result.sideways_v.values[1]).max() < STRONGEST  # so that every change is seen


def test_continuous_changes_stay_within_their_bounds(pair):
    result, expected = pair
    np.testing.assert_allclose(result.backward_c.values, expected["c"], atol=1e-12)


@pytest.mark.parametrize(("name", "bound"), [("sideways_v", STRONGEST), ("backward_c", C_MAX)])
def test_bounds_are_reached_and_never_passed(pair, name, bound):
    sizes = np.abs(pair[0][name].values[-1])
    assert sizes.max() == bound > sizes.min()


def test_results_carry_the_units_of_rates_and_the_sizes_of_populations(pair):
    result, _ = pair
    assert result.mean_r.attrs["units"] == result.r.attrs["units"] == "hertz"
    assert result.mean_s.attrs["units"] == result.s.attrs["units"] == "1"
    assert result.r.dims == ("time", "senders_unit")
    assert result.mean_s.sizes["receivers_unit"] == 2
    assert result.forward_w.dims == ("epoch", "forward_post", "forward_pre")
    assert result.forward_w.shape == (1 + ROUNDS, 2, 3)


FAST, GAIN = 0.3, 2.0  # of a step, of the rate


def stored_rates(current: str, **frames: str) -> MemoryModel:
    """Return units whose rate is a function of their current, remembered in `store` and in what is observed of it."""
    return MemoryModel(
        "stored",
        parameters=(Parameter("N", 4), Parameter("tau", STEP / FAST * second), Parameter("time_step", STEP * second)),
        populations=(
            Population(
                "units",
                f"u : 1\ndc/dt = (-c + u + cue)/tau : 1\n{current}",
                rate="r",
                drive="c",
                transfer="r",
                rate_range=(-1, 1),
                initial={"c": "uniform(-1, 1)"},
            ),
        ),
        projections=(
            Projection("rec", "units", "units", current="u_post = w*r_pre : 1 (summed)", initial={"w": "normal(0, 1)"}),
        ),
        rules=(LearningRule("store", "rec", episodic="w += 0.5*r_post*r_pre", at=("show",)),),
        stimuli=(Stimulus("cue", "units", items=2, **frames),),
        observables=(Observable("power", "r**2", population="units"),),
        protocol=Protocol((Phase("show", duration="3*time_step", stimuli=("cue",)),), (Each("show", items=2),)),
        rate_dt="time_step",
    )


@pytest.mark.parametrize(
    ("rate", "device"),
    [
        (f"r = tanh({GAIN}*c) : 1", "numpy"),
        (f"r = tanh({GAIN}*c) : 1 (constant over dt)", "numpy"),
        (f"r = tanh({GAIN}*c + 0*elapsed/tau) : 1", "numpy"),
        (f"r = tanh({GAIN}*c) : 1", "cpp_standalone"),
    ],
)
def test_what_runs_at_the_end_of_a_step_reads_the_rates_at_its_end(rate, device):
    device = Device("runtime", target="numpy") if device == "numpy" else Device()
    model = stored_rates(rate)
    result = simulate(model, seed=3, device=device, record=("weights", "r", "c"), interval=STEP * second)
    given = arrays(model, seed=3)
    c, w = given["units.c"].copy(), np.zeros((4, 4))
    w.T[~np.eye(4, dtype=bool)] = given["rec.w"]
    rates, means, powers, absent = [], [], [], np.eye(4, dtype=bool)
    for cue in result.cue.values:
        for _ in range(3):
            c = c + FAST * (-c + w @ np.tanh(GAIN * c) + cue)
            rates.append(np.tanh(GAIN * c))
        means.append(np.mean(rates[-3:], axis=0))
        powers.append(np.mean(rates[-1] ** 2))
        w = np.where(absent, 0, w + 0.5 * np.outer(rates[-1], rates[-1]))
    exact = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(result.r.values, rates, **exact)
    np.testing.assert_allclose(result.mean_r.values, means, **exact)
    np.testing.assert_allclose(result.power.values, powers, **exact)
    np.testing.assert_allclose(result.rec_w.values[-1], w, **exact)


def test_a_rate_that_changes_with_time_is_evaluated_before_every_step():
    model = stored_rates("r = tanh(c)*int(elapsed < 1.5*time_step) : 1")
    result = simulate(model, seed=3, device="runtime", record=("r", "c"), interval=STEP * second)
    cues, c = result.cue.values, arrays(model, seed=3)["units.c"].copy()
    w = np.zeros((4, 4))
    w.T[~np.eye(4, dtype=bool)] = arrays(model, seed=3)["rec.w"]
    for step, cue in enumerate(cues[:1].repeat(3, axis=0)):
        c = c + FAST * (-c + w @ (np.tanh(c) * (step < 2)) + cue)
        np.testing.assert_allclose(result.c.values[step], c, rtol=1e-12)
        np.testing.assert_allclose(result.r.values[step], np.tanh(c) * (step < 2), rtol=1e-12)


def test_a_rate_that_reads_frames_is_evaluated_before_every_step():
    model = stored_rates("r = tanh(c + cue) : 1", frames="3", every="time_step")
    result = simulate(model, seed=3, device="runtime", record=("r", "c"), interval=STEP * second)
    c, w = arrays(model, seed=3)["units.c"].copy(), np.zeros((4, 4))
    w.T[~np.eye(4, dtype=bool)] = arrays(model, seed=3)["rec.w"]
    for step, cue in enumerate(result.cue.values[0]):
        c = c + FAST * (-c + w @ np.tanh(c + cue) + cue)
        np.testing.assert_allclose(result.c.values[step], c, rtol=1e-12)
        np.testing.assert_allclose(result.r.values[step], np.tanh(c + cue), rtol=1e-12)


def test_sums_that_read_other_sums_come_after_them():
    made = {name: order for item in translate(WIRED).connections for name, (_, order) in item.summed_order.items()}
    assert made["current_post"] < made["total_post"] < made["shared_post"]


def test_sums_that_read_each_other_are_refused():
    with pytest.raises(TranslationError, match=r"a\.x -> b\.y -> a\.x|b\.y -> a\.x -> b\.y"):
        sum_orders({"a.x": {"b.y"}, "b.y": {"a.x"}})
