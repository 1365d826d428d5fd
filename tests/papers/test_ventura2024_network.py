"""The network of Ventura (2024) against loops in plain numpy, which visit the same units in the same orders."""

from __future__ import annotations

import numpy as np
import pytest
from brainmem.models.ventura2024 import reference

from brainmem import get_model, measure, simulate, site_order, translate

SMALL = {"N": 24, "P": 6, "eps": 0.02, "x_max": 0.005, "dx": 0.0025}
DEVICES = [
    "runtime",
    pytest.param("cpp_standalone", marks=pytest.mark.full),
    pytest.param("runtime:cython", marks=pytest.mark.cython),
]


def settled(J: np.ndarray, x: np.ndarray, sweep: int, seed: int) -> tuple[np.ndarray, int]:
    """Return the fixed point that sweeps lead to from time step `sweep` on, and how many they were."""
    x, first = x.copy(), sweep
    while True:
        still = True
        for i in site_order(len(x), sweep, seed=seed):
            h = J[i] @ x
            if h * x[i] < 0 and abs(h) > 1e-12:
                x[i], still = -x[i], False
        sweep += 1
        if still:
            return x, sweep - first


@pytest.mark.parametrize("device", DEVICES)
def test_unlearning_is_repeated_flip_by_flip(device):
    run = simulate("ventura2024", protocol="unlearning", parameters=SMALL, seed=5, device=device,
                   record=("couplings.w", "end_x"))  # fmt: skip
    states, patterns, sweep = run.end_x.values, run.memory.values, 0
    J = np.zeros((24, 24))
    for phase, x, took in zip(run.step_phase.values, states, np.rint(run.step_duration.values), strict=True):
        if phase == "kick":
            kicked = x
        elif phase == "relax":
            expected, sweeps = settled(J, kicked, sweep, 5)
            np.testing.assert_array_equal(x, expected)
            assert sweeps == took
        if phase in ("learn", "dream"):
            J += (1 if phase == "learn" else -SMALL["eps"]) / 24 * np.outer(x, x)
            np.fill_diagonal(J, 0)
        sweep += int(took)
    np.testing.assert_allclose(run.couplings_w.values[-1], J, atol=1e-14)
    np.testing.assert_allclose(run.couplings_w.values[1], measure.hebb(patterns), atol=1e-15)


@pytest.mark.slow
def test_dreams_take_off_whole_numbers_and_stabilities_are_those_of_the_couplings():
    run = simulate("ventura2024", protocol="unlearning", parameters={"N": 60, "x_max": 0.1}, seed=2)
    J, patterns = run.couplings_w.values, run.memory.values
    dreams = (run.step_phase.values == "dream").sum()
    assert np.array_equal(J, J.transpose(0, 2, 1))
    assert not J[:, range(60), range(60)].any()
    taken = (J[-1] - measure.hebb(patterns))[~np.eye(60, dtype=bool)] * 60 / 0.01
    np.testing.assert_allclose(taken, np.rint(taken), atol=1e-9)
    assert set(np.rint(taken).astype(int) % 2) == {dreams % 2}
    looks = run.step_phase.values == "judge"
    delta = [measure.stability(J[-1], patterns), measure.stability(measure.hebb(patterns), patterns)]
    for found, rows in zip(delta, (run.stability_min.values[looks][-18:], run.stability_min.values[looks][:18]),
                           strict=True):  # fmt: skip
        np.testing.assert_allclose(rows, found.min(axis=1), atol=1e-6)
    assert np.isnan(run.stability_min.values[~looks]).all()
    assert delta[0].min() > delta[1].min()


@pytest.mark.parametrize("protocol", list(get_model("ventura2024").protocols))
def test_an_algorithm_holds_its_own_rules_alone(protocol):
    text = str(translate(get_model("ventura2024"), protocol=protocol))
    rules = {
        "plus": protocol not in ("recall",),
        "wrong_post": protocol in ("noise", "fixed_points"),
        "weak_post": protocol == "perceptron",
        "log(": protocol in ("warm_unlearning", "boltzmann", "divergence", "two_phase", "regularised"),
    }
    for name, held in rules.items():
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        assert any(name in line for line in lines) == held, name


def test_a_margin_is_reached_or_reported():
    sizes = {"N": 40, "alpha": 0.3}
    run = simulate("ventura2024", protocol="perceptron", parameters={**sizes, "kappa": 0.5}, seed=1)
    assert run.repeats[0]["fulfilled"]
    least = measure.stability(run.couplings_w.values[-1], run.memory.values).min()
    assert 0.5 <= least < 0.6
    far = simulate("ventura2024", protocol="perceptron", parameters={**sizes, "kappa": 3.0, "rounds": 30}, seed=1)
    assert any("ran all of its 30 epochs before its condition held" in text for text in far.warnings)
    assert not far.repeats[0]["fulfilled"]


def test_the_sign_not_flipped_makes_stabilities_worse():
    run = simulate("ventura2024", protocol="unlearning", parameters={"N": 60, "eps": -0.01, "x_max": 0.1}, seed=2)
    looks = run.stability_min.values[run.step_phase.values == "judge"].reshape(-1, 18).min(axis=1)
    assert looks[-1] < looks[0] - 0.5


def taught(seed: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """Return sizes and inputs of a run on 400 samples of a small teacher, and their moments without the diagonal."""
    rng = np.random.default_rng(seed)
    p = reference.distribution(reference.teacher("SK", 8, 1.0, rng))
    states = reference.all_states(8)[rng.choice(p.size, 400, p=p)]
    return {"inputs": {"memory": states}, "seed": seed}, states.T @ states / 400, p


def test_two_phases_that_sample_follow_the_exact_sleep():
    data, C, p = taught(0)
    sizes = {"N": 8, "P": 400, "u": 0.3, "eta": 5e-4, "sweeps": 30}
    J = simulate("ventura2024", protocol="two_phase", parameters=sizes, **data).couplings_w.values[-1]
    np.testing.assert_allclose(J, reference.two_phase(C, 1.0, u=0.3, eta=5e-4), atol=0.03)
    assert reference.divergence(p, reference.distribution(J)) < 0.2 * reference.divergence(p, reference.distribution(C))


@pytest.mark.slow
def test_the_penalty_leads_to_its_own_couplings_and_not_to_those_without():
    data, C, _ = taught(0)
    exact, plain = (reference.boltzmann_machine(C, g=g, nudge=0.1).J for g in (0.3, 0.0))
    J = 0 * C
    for lam, steps in ((0.003, 20_000), (4e-4, 60_000)):
        sizes = {"N": 8, "P": 400, "g": 0.3, "b": 1.1, "lam": lam, "steps": steps, "sweeps": 20}
        run = simulate("ventura2024", protocol="regularised", parameters=sizes, weights={"couplings": J}, **data)
        J = run.couplings_w.values[-1]
    assert np.linalg.norm(J - exact) < np.linalg.norm(J - plain) / 2  # single samples are noisy


def test_a_few_sweeps_from_the_data_lead_near_the_machine():
    data, C, p = taught(0)
    sizes = {"N": 8, "P": 400, "lam": 0.005, "steps": 20_000}
    J = simulate("ventura2024", protocol="divergence", parameters=sizes, **data).couplings_w.values[-1]
    assert measure.cosine(J, reference.boltzmann_machine(C).J) > 0.95
    assert reference.divergence(p, reference.distribution(J)) < 0.2  # uniform: 1.9
