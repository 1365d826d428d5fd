"""Units that are updated one at a time: fixed points, Boltzmann statistics, fields that follow, refusals."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

import brainmem
from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    Stimulus,
    explain,
    simulate,
    translate,
)
from brainmem.bench.dreams import EPS, hebbian, loop_program
from brainmem.build.kernels import choose_kernels
from brainmem.errors import RuleError, TranslationError
from tests.support.dream_models import (
    COMPILED,
    CYTHON,
    DREAM,
    GLAUBER,
    NUMPY,
    PLAIN,
    RECURRENT,
    SWEEP,
    N,
    by_dream,
    dreams,
    run,
    spins,
    symmetric,
    unlearned,
)
from tests.support.scripts import run_script
from tests.support.start_values import starts_of

DEVICES = [COMPILED, NUMPY, pytest.param(CYTHON, marks=pytest.mark.cython)]


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_every_dream_goes_down_in_energy_to_a_fixed_point_with_fields_that_fit_its_weights(device):
    data = run(dreams(), device, symmetric())
    w, lengths = symmetric(), []
    for k, samples in enumerate(by_dream(data)):
        s, h = data["S"].values[samples], data["h"].values[samples]
        np.testing.assert_allclose(h, s @ w.T, atol=1e-12)  # at the end of every sweep
        energy = -0.5 * np.sum(h * s, axis=1)
        assert np.all(np.diff(energy) <= 1e-12)
        assert np.all(h[-1] * s[-1] >= -1e-9)
        assert np.all(np.abs(s) == 1)
        assert np.all(np.any(np.diff(s[:-1], axis=0) != 0, axis=1)), "it ended later than its first sweep without flips"
        w = unlearned(w, s[-1])
        np.testing.assert_allclose(data["recurrent_w"].values[k + 1], w, atol=1e-12)
        lengths.append(len(s))
    assert np.all(data["flips"].values == 0)
    assert min(lengths) >= 2
    assert len(set(lengths)) > 1


def test_orders_are_fresh_in_every_sweep_and_follow_the_seed():
    one, same, other = (run(dreams(), COMPILED, symmetric(), seed=seed)["S"].values for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or np.any(one != other)
    paired = Protocol((replace(DREAM, paired=True),), (Repeat("dreams", (Each("dream", items=1, repeats=1),)),))
    data = run(dreams(rules=(), protocol=paired), COMPILED, symmetric())  # the same start and weights in every dream
    ends = [tuple(data["S"].values[samples][0]) for samples in by_dream(data)]
    assert len(set(ends)) > 1


RICH = {
    "parameters": (
        Parameter("N", 12),
        Parameter("T", 0.7),
        Parameter("sweep", SWEEP),
        Parameter("rate", 1e-3),
    ),
    "projections": (
        replace(
            RECURRENT,
            current="h_post = w*(2*on_pre - 1)*gain_pre + 0.1*g*S_pre**3 : 1 (summed)\nnorm2_post = w**2 : 1 (summed)",
            variables="g : 1",
            initial={"w": "normal(0, 1)", "g": "normal(0, 1)"},
        ),
    ),
    "rules": (
        LearningRule("hebb", "recurrent", continuous="dw/dt = rate*(S_pre*S_post - h_post*w)/sweep : 1"),
        LearningRule("decay", "recurrent", episodic="g = 0.9*g + 0.01*S_pre*h_post", at=("run",)),
    ),
    "stimuli": (Stimulus("cue", "spins", items=2, draw="signs()"),),
    "protocol": Protocol(
        phases=(Phase("run", duration="20*sweep", stimuli=("cue",), gates={"shown": 1}),),
        schedule=(Repeat(2, (Each("run", items=2),)),),
    ),
}
RICH_UNITS = """
h : 1
norm2 : 1
S : 1
gain : 1
on = (1 + S)/2 : 1
field = (h + 0.5*shown*cue)/sqrt(1 + norm2) : 1
"""


def test_a_projection_of_such_units_is_summed_before_the_sweep_and_updated_after_it():
    readers = Population("readers", "y : 1\ndx/dt = (y - x)/sweep : 1")
    out = Projection("out", "spins", "readers", current="y_post = v*S_pre : 1 (summed)", initial={"v": "zeros()"})
    hebb = LearningRule("hebb", "out", continuous="dv/dt = eps*(x_post - v)*S_pre/sweep : 1")
    model = dreams(populations=(spins(), readers), projections=(RECURRENT, out), rules=(hebb,))
    kernels = choose_kernels(translate(model), COMPILED)
    assert kernels["out"].fused is None
    assert kernels["recurrent"].swept == ("h_post",)
    assert not kernels["out"].swept


@pytest.mark.slow
@pytest.mark.parametrize(
    "own", [pytest.param(False, marks=pytest.mark.full), True], ids=["no self-connections", "self-connections"]
)
def test_matrices_and_lists_of_pairs_give_the_same_numbers(own):
    """The list of pairs is summed by Brian2 itself at every step, which checks sums that follow changes."""
    units = replace(spins("S = 2*int(rand() < 1/(1 + exp(-2*field/T))) - 1", RICH_UNITS))
    units = replace(units, initial={"S": "signs()", "gain": "uniform(0.5, 1.5)"})
    projections = (replace(RICH["projections"][0], self_connections=own),)
    model = dreams(units, **(RICH | {"projections": projections}))
    dense, plain = run(model, COMPILED), run(model, PLAIN)
    for name in ("S", "h", "flips", "recurrent_w", "recurrent_g"):
        np.testing.assert_allclose(dense[name].values, plain[name].values, atol=1e-11, err_msg=name)
    assert np.ptp(dense["recurrent_w"].values, axis=0).max() > 1e-3
    assert dense["flips"].values.max() > 0
    assert np.any(np.diag(dense["recurrent_w"].values[-1]) != 0) == own


def four_spins(sequential: str, sweeps: int) -> MemoryModel:
    parameters = (Parameter("N", 4), Parameter("T", 0.8), Parameter("sweep", SWEEP), Parameter("sweeps", sweeps))
    protocol = Protocol(phases=(Phase("run", duration="sweeps*sweep"),), schedule=(Each("run", items=1),))
    return dreams(spins(sequential), parameters=parameters, rules=(), protocol=protocol)


def counts(states: np.ndarray) -> np.ndarray:
    """Return how often each of the 16 states of four spins occurs."""
    return np.bincount(((states + 1) / 2).astype(int) @ (1 << np.arange(4)), minlength=16)


def boltzmann(w: np.ndarray, temperature: float) -> np.ndarray:
    states = np.array([[2 * (number >> k & 1) - 1 for k in range(4)] for number in range(16)])
    weight = np.exp(0.5 * np.einsum("si,ij,sj->s", states, w, states) / temperature)
    return weight / weight.sum()


def together(w: np.ndarray, temperature: float, sweeps: int) -> np.ndarray:
    """Return states of the same spins when all are updated at once: not Boltzmann's."""
    rng, s, states = np.random.default_rng(0), np.ones(4), []
    for _ in range(sweeps):
        s = np.where(rng.random(4) < 1 / (1 + np.exp(-2 * (w @ s) / temperature)), 1.0, -1.0)
        states.append(s)
    return np.array(states)


@pytest.mark.parametrize(("device", "sweeps"), [(COMPILED, 40_000), (NUMPY, 6_000)], ids=["compiled", "numpy"])
def test_glauber_sweeps_visit_states_with_their_boltzmann_probabilities(device, sweeps):
    w, thin = 1.2 * symmetric(4, seed=5), 8  # by then states are independent
    data = run(four_spins(GLAUBER, sweeps), device, w)
    np.testing.assert_allclose(data["h"].values, data["S"].values @ w.T, atol=1e-13)  # rounding does not add up
    expected = boltzmann(w, 0.8)
    found = counts(data["S"].values[thin::thin])
    assert chisquare(found, expected * found.sum()).pvalue > 1e-3
    wrong = counts(together(w, 0.8, 40_000)[thin::thin])
    assert chisquare(wrong, expected * wrong.sum()).pvalue < 1e-6


@pytest.mark.parametrize("device", [COMPILED, NUMPY], ids=str)
def test_a_tie_keeps_the_state(device):
    w = np.zeros((N, N))
    w[0, 1] = w[1, 0] = 1.0  # all other fields are exactly 0
    data = run(dreams(spins("S = sign(h)"), rules=()), device, w, initial={"spins.S": np.ones(N)})
    for start, samples in zip(starts_of(dreams(), "S", seed=3), by_dream(data), strict=True):
        np.testing.assert_array_equal(
            data["S"].values[samples][:, 2:], np.tile(start[2:], (len(data["S"][samples]), 1))
        )
        assert data["S"].values[samples][-1][0] == data["S"].values[samples][-1][1]


def test_a_field_below_the_tie_of_a_text_flips_nothing():
    data = run(dreams(rules=()), COMPILED, 1e-9 * symmetric(), parameters={"tie": 1e-6})
    assert np.all(data["step_duration"].values == 1)
    assert np.all(np.abs(data["S"].values) == 1)


def test_the_printed_script_runs_in_plain_brian2_and_gets_the_same_numbers(tmp_path):
    numbers = brainmem.arrays(dreams(), seed=3, weights={"recurrent": symmetric()})
    text = str(translate(dreams()))
    steps = int(run(dreams(), NUMPY, symmetric())["step_duration"].values.sum())
    # Our devices stop when the protocol is complete; the script goes on for its longest duration.
    text = text.replace('float(arrays["duration"])', f"{float(steps)}")
    out = run_script(tmp_path, text, numbers, {"w": "recurrent.w", "S": "spins.S"})
    data = run(dreams(), NUMPY, symmetric())
    np.testing.assert_array_equal(out["S"], data["S"].values[-1])
    matrix = np.zeros((N, N))
    matrix[~np.eye(N, dtype=bool)] = out["w"]
    np.testing.assert_allclose(matrix.T, data["recurrent_w"].values[-1], atol=1e-14)


def test_two_layers_without_synapses_of_their_own_are_swept_in_turn():
    """A layer whose units do not project to each other needs no corrections: a restricted Boltzmann machine."""
    layers = tuple(
        Population(name, f"{field} : 1\n{state} : 1", sequential=f"{state} = sign({field})", initial={state: "signs()"})
        for name, field, state in (("visible", "a", "v"), ("hidden", "b", "s"))
    )
    projections = (
        Projection("up", "visible", "hidden", current="b_post = w*v_pre : 1 (summed)", initial={"w": "normal(0, 1)"}),
        Projection("down", "hidden", "visible", current="a_post = w*s_pre : 1 (summed)", initial={"w": "normal(0, 1)"}),
    )
    protocol = Protocol(phases=(Phase("run", duration="3*sweep"),), schedule=(Each("run", items=1),))
    parts = {"populations": layers, "projections": projections, "rules": (), "observables": (), "protocol": protocol}
    model = dreams().replace(**parts)
    for device in (COMPILED, NUMPY):
        data = simulate(model, device=device, seed=1, record=("v", "s", "a", "b"), interval=SWEEP).data
        v, s = data["v"].values, data["s"].values
        w_up, w_down = (data[f"{name}_w"].values[0] for name in ("up", "down"))
        np.testing.assert_allclose(data["a"].values, s @ w_down.T)  # fields are those of the states beside them,
        np.testing.assert_allclose(data["b"].values, v @ w_up.T)
        np.testing.assert_array_equal(v[1:], np.sign(data["a"].values[:-1]))  # and the next sweep follows them
        np.testing.assert_array_equal(s[1:], np.sign(data["b"].values[:-1]))
        assert np.any(v[1] != v[0]) or np.any(s[1] != s[0])


def test_explain_says_what_a_visit_does_and_how_fields_follow():
    text = explain(dreams())
    assert "visit every unit once, in a fresh random order: S = sign(h + tie*S)" in text
    assert "at once h_post += S_change_pre*w (recurrent)" in text
    assert "these sums are formed anew where anything else has changed what they read" in text
    assert "read the states that the sweep has left" in text


def test_the_spiking_variant_refuses_with_the_reason():
    with pytest.raises(TranslationError, match=r"'spins': its units are updated one.*rate variant keeps its visits"):
        translate(dreams(), "spiking")


def refused(match: str, population: Population | None = None, **changes) -> None:
    with pytest.raises(RuleError, match=match):
        dreams(population, **changes)


def current(text: str) -> dict:
    return {"projections": (replace(RECURRENT, current=text),)}


def test_a_statement_must_set_a_state_of_the_units():
    refused("sets 'Q', which is no state.*Declared so: h, S", spins("Q = sign(h)"))
    refused("sets 'p', which is no state", spins("p = sign(h)", "h : 1\nS : 1\np = 2*h : 1"))
    refused("is no statement 'S = ...'", spins("S += h"))
    refused("is no statement 'S = ...'", spins("S == h"))
    refused("sequential= is one statement", spins("S = sign(h)\nh = 0"))
    refused("true or false", replace(spins("S = h > 0", "h : 1\nS : boolean"), initial={}))


def test_a_statement_reads_its_own_units_and_no_time():
    refused("all visits of a sweep happen at one time", spins("S = sign(h*sin(t/second))"))
    refused("reads 't'", spins("S = sign(p)", "h : 1\nS : 1\np = h*sin(t/second) : 1"))
    refused("reads 'i'", spins("S = sign(h + 0.1*i)"))
    refused("unknown name 'field'", spins("S = sign(field)"))
    refused("known only after the visit", spins("S = sign(h + S_change)"))
    others = (spins("S = sign(h + x)"), Population("others", "dx/dt = -x/sweep : 1"))
    refused("'x' belongs to population 'others'", populations=others)
    refused("unit", spins("S = sign(h)*second"))


def test_a_sign_inside_another_expression_is_refused_for_its_third_value():
    refused(r"sign\(0\) is 0.*int\(h > 0\)", spins("S = (1 + sign(h))/2"))
    refused(r"sign\(0\) is 0", spins("S = sign(h)*sign(h + 1)"))


def test_a_sum_that_cannot_follow_one_unit_is_refused_with_the_reason():
    refused("reads 'S_post', which a visit changes too", **current("h_post = w*S_pre*S_post : 1 (summed)"))
    both = current("h_post = w*S_pre : 1 (summed)\nk_post = w*S_pre*h_pre : 1 (summed)")
    refused("'k_post' reads 'h_pre', which a visit changes too", spins(equations="h : 1\nk : 1\nS : 1"), **both)
    through = spins(equations="h : 1\nS : 1\nflipped = -S : 1")
    refused("reads 'S_post'", through, **current("h_post = w*S_pre*flipped_post : 1 (summed)"))
    two = (RECURRENT, replace(RECURRENT, name="second_one", current="k_post = w*S_pre : 1 (summed)"))
    refused("Make them one projection", spins(equations="h : 1\nk : 1\nS : 1"), projections=two)
    stored = spins("S = sign(h)", "h : 1\nS : 1\non = (1 + S)/2 : 1 (constant over dt)")
    refused("'on' is stored once per time step, but 'S' changes at every visit", stored)


def test_a_variable_called_like_the_change_of_a_state_is_refused():
    refused("'S_change' is what the last visit", spins(equations="h : 1\nS : 1\nS_change : 1"))


def test_roles_of_relaxing_units_are_refused():
    refused("neither drive= nor transfer=", spins(drive="h"))


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_the_loop_that_dreams_are_compared_with_unlearns_fixed_points(tmp_path):
    size, w = 50, hebbian(50)
    subprocess.run(loop_program(size, tmp_path)(1), check=True, stdout=subprocess.DEVNULL)
    change = np.fromfile(tmp_path / "end").reshape(size, size) - w
    s = np.sign(-change[0] + (np.arange(size) == 0))  # the state up to its sign
    np.testing.assert_allclose(change, unlearned(w, s, EPS) - w, atol=1e-15)
    assert np.all((w @ s) * s >= -1e-9)
