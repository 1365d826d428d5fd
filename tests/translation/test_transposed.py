"""Sums onto the presynaptic side, ``rec_pre = w*y_post``: feedback through the transpose of the weights."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
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
    arrays,
    explain,
    freeze,
    simulate,
    translate,
)
from brainmem.errors import BrainmemError, RuleError

DT, TAU = 0.1, 1.0  # ms
NUMPY, STANDALONE = Device("runtime"), Device("cpp_standalone")
PLAIN = Device("cpp_standalone", kernels="plain")
EVERY = pytest.mark.parametrize(
    "device", [NUMPY, STANDALONE, pytest.param(PLAIN, marks=pytest.mark.full)], ids=["numpy", "dense", "plain"]
)


def subspace(n: int = 9, k: int = 3, items: int = 6, epochs: int = 2) -> MemoryModel:
    """Oja's subspace rule (Oja 1989, eq. 4): dW = eta*(y x' - y y' W)."""
    return MemoryModel(
        "subspace",
        parameters=(
            Parameter("N", n),
            Parameter("K", k),
            Parameter("M", items),
            Parameter("epochs", epochs),
            Parameter("eta", 0.02),
            Parameter("T", 2 * ms),
            Parameter("tau", TAU * ms),
        ),
        populations=(
            Population("inputs", "x = cue : 1\nrec : 1", size="N"),
            Population("outputs", "y = u : 1\nu : 1", size="K"),
        ),
        stimuli=(Stimulus("cue", "inputs", draw="normal(0, 1)"),),
        projections=(
            Projection(
                "forward",
                "inputs",
                "outputs",
                current="u_post = w*x_pre : 1 (summed)\nrec_pre = w*y_post : 1 (summed)",
                initial={"w": "normal(0, 0.3)"},
            ),
        ),
        rules=(LearningRule("oja", "forward", continuous="dw/dt = eta/tau*y_post*(x_pre - rec_pre) : 1"),),
        protocol=Protocol((Phase("show", duration="T", stimuli=("cue",)),), (Repeat("epochs", (Each("show"),)),)),
    )


def subspace_in_numpy(w: np.ndarray, cues: np.ndarray, epochs: int, eta: float = 0.02, steps: int = 20) -> np.ndarray:
    w = w.copy()
    for cue in [*cues] * epochs:
        for _ in range(steps):
            y = w @ cue
            w += DT / TAU * eta * (np.outer(y, cue) - np.outer(y, y) @ w)
    return w


@EVERY
def test_the_subspace_rule_is_that_of_numpy(device):
    result = simulate(subspace(), "rate", seed=3, device=device, record=("weights",))
    w = result.forward_w.values
    for epoch in (1, 2):
        np.testing.assert_allclose(w[epoch], subspace_in_numpy(w[0], result.cue.values, epoch), rtol=1e-12, atol=1e-14)


def test_the_subspace_rule_finds_the_principal_components():
    cues = np.random.default_rng(1).normal(size=(60, 9)) * np.array([3, 2.5, 2, *[0.3] * 6])
    mix, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(9, 9)))
    result = simulate(subspace(items=60, epochs=15), "rate", seed=1, record=("weights",), inputs={"cue": cues @ mix})
    w = result.forward_w.values[-1]
    np.testing.assert_allclose(w @ w.T, np.eye(3), atol=0.03)  # the rule makes the rows orthonormal
    _, vectors = np.linalg.eigh((cues @ mix).T @ (cues @ mix))
    principal = vectors[:, -3:] @ vectors[:, -3:].T
    assert np.trace(principal @ w.T @ w) / 3 > 0.98  # the share of W that lies within their span


def coding(*, plastic: bool = True, parts: bool = False, self_: bool = False, n: int = 11) -> MemoryModel:
    """Return units that predict each other: errors go back through the transpose (Rao & Ballard 1999, eq. 6)."""
    rules = (LearningRule("learn", "back", periodic="w += eta*(err_post - back_pre)*r_pre", every="every"),)
    return MemoryModel(
        "coding",
        parameters=(
            Parameter("N", n),
            Parameter("M", 2),
            Parameter("tau", 5 * ms),
            Parameter("T", 3 * ms),
            *(Parameter("eta", 0.01), Parameter("every", 0.5 * ms))[: 2 * plastic],
        ),
        populations=(
            Population("units", "dr/dt = (-r + tanh(cue + back))/tau : 1\nerr = cue - guess : 1\nguess : 1\nback : 1"),
        ),
        stimuli=(Stimulus("cue", "units", draw="normal(0, 1)"),),
        projections=(
            Projection(
                "back",
                "units",
                "units",
                current="guess_post = w*r_pre : 1 (summed)\nback_pre = w*err_post : 1 (summed)",
                initial={"w": "normal(0, 0.3)"},
                self_connections=self_,
                source_units="2:" if parts else "",
                target_units=":5" if parts else "",
            ),
        ),
        rules=rules if plastic else (),
        protocol=Protocol((Phase("show", duration="T", stimuli=("cue",)),), (Each("show"),)),
    )


def coding_in_numpy(w: np.ndarray, cues: np.ndarray, *, plastic: bool, parts: bool, self_: bool) -> tuple:
    n = cues.shape[1]
    pre, post = (np.arange(2, n), np.arange(5)) if parts else (np.arange(n), np.arange(n))
    present = np.ones(w.shape) if self_ else 1.0 * np.not_equal.outer(post, pre)
    w, r, rates = w * present, np.zeros(n), []
    for cue in cues:
        for step in range(30):
            guess, back = np.zeros(n), np.zeros(n)
            guess[post] = w @ r[pre]
            e = cue - guess
            back[pre] = w.T @ e[post]
            new = r + DT / 5 * (-r + np.tanh(cue + back))
            if plastic and step % 5 == 0:
                w = w + present * 0.01 * np.subtract.outer(e[post], back[pre]) * r[pre]
            r = new
        rates.append(r)
    return w, np.array(rates)


@EVERY
@pytest.mark.parametrize("form", [{"parts": True}, {"self_": True}, {"n": 30}], ids=["subsets", "self", "larger"])
def test_feedback_through_the_transpose_is_that_of_numpy(device, form):
    model = coding(**form)
    result = simulate(model, "rate", seed=5, device=device, record=("weights", "units.r"), interval=3 * ms)
    w = result.back_w.values
    given = {"plastic": True, "parts": False, "self_": False} | {k: v for k, v in form.items() if k != "n"}
    final, _ = coding_in_numpy(np.nan_to_num(w[0]), result.cue.values, **given)
    np.testing.assert_allclose(np.nan_to_num(w[-1]), final, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("device", [NUMPY, STANDALONE], ids=["numpy", "standalone"])
@pytest.mark.parametrize("form", [{"parts": True}, {"self_": True}, {"n": 30}], ids=["subsets", "self", "larger"])
def test_trials_sum_onto_the_presynaptic_side_as_single_runs_do(device, form):
    model = freeze(coding(**form, plastic=False), "show")
    rng = np.random.default_rng(0)
    cues = rng.normal(size=(2, 5, form.get("n", 11)))
    many = simulate(
        model, "rate", seed=5, device=device, trials=5, inputs={"cue": cues}, record=("units.r",), interval=1 * ms
    )
    for trial in (0, 4):
        one = simulate(
            model, "rate", seed=5, device=NUMPY, inputs={"cue": cues[:, trial]}, record=("units.r",), interval=1 * ms
        )
        np.testing.assert_allclose(many.r.sel(trial=trial).values, one.r.values, rtol=1e-11, atol=1e-13)


@EVERY
def test_a_recorded_sum_is_formed_from_what_is_recorded_beside_it(device):
    plastic = subspace(epochs=1)
    kept = tuple(item for item in plastic.parameters if item.name not in ("eta", "tau"))
    model = plastic.replace(rules=(), parameters=kept)
    record = ("weights", "inputs.rec", "outputs.y", "inputs.x")
    result = simulate(model, "rate", seed=2, device=device, record=record, interval=0.7 * ms)
    w = result.forward_w.values[0]
    np.testing.assert_allclose(result.y.values, result.x.values @ w.T, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(result.rec.values, result.y.values @ w, rtol=1e-12, atol=1e-13)


@pytest.mark.cython
def test_cython_gives_the_same_numbers():
    cython = Device("runtime", target="cython")
    for model, name in ((subspace(), "forward_w"), (coding(parts=True), "back_w"), (coding(n=30), "back_w")):
        runs = [simulate(model, "rate", seed=5, device=d, record=("weights",))[name] for d in (cython, STANDALONE)]
        np.testing.assert_allclose(runs[0].values, runs[1].values, rtol=1e-12, atol=1e-14)
    model = freeze(coding(n=30, plastic=False), "show")
    cues = np.random.default_rng(0).normal(size=(2, 5, 30))
    runs = [
        simulate(model, "rate", seed=5, device=d, trials=5, inputs={"cue": cues}, record=("units.r",))
        for d in (cython, STANDALONE)
    ]
    np.testing.assert_allclose(runs[0].r.values, runs[1].r.values, rtol=1e-12, atol=1e-14)


def rated(**changes) -> MemoryModel:
    """Return the subspace rule with outputs that have a rate, so that it has a spiking variant."""
    model = subspace(n=12, items=4)
    outputs = Population(
        "outputs",
        "dy/dt = (-y + phi)/tau : 1\nphi = tanh(u) : 1\nu : 1",
        size="K",
        rate="y",
        drive="u",
        transfer="phi",
        rate_range=(-1, 1),
    )
    return model.replace(populations=(model.populations[0], outputs), **changes)


def test_the_spiking_variant_knows_how_the_noise_of_the_sum_goes_with_the_unit():
    text = str(explain(rated(), "spiking", details=True, measured=False))
    assert "w: term rec_pre*(y_post + 1)" in text
    assert "the noise of inputs adds w*Var(y_post)" in text


@pytest.mark.slow
@pytest.mark.parametrize("current", ["h_pre = w*r_post : 1 (summed)", "h_post = w*r_pre : 1 (summed)"])
def test_drives_start_where_the_model_says_in_spikes_too(current):
    """In the current form a drive is a filtered input and a sum, which runs over either end of the synapses."""
    model = MemoryModel(
        "current",
        parameters=(Parameter("N", 6), Parameter("tau", 20 * ms), Parameter("T", 1 * ms)),
        populations=(
            Population(
                "units",
                "du/dt = (-u + h)/tau : 1\nh : 1\nr = tanh(u) : 1",
                rate="r",
                drive="u",
                transfer="r",
                rate_range=(-1, 1),
                initial={"u": "uniform(-1, 1)"},
            ),
        ),
        projections=(Projection("loop", "units", "units", current=current, initial={"w": "normal(0, 1)"}),),
        protocol=Phase("go", duration="T"),
    )
    given = arrays(model, "rate", seed=1)
    found = arrays(model, "spiking", seed=1)
    w = simulate(model, "rate", seed=1, device=NUMPY, record=("weights",)).loop_w.values[0]
    matrix = np.nan_to_num(w).T if "h_pre" in current else np.nan_to_num(w)
    np.testing.assert_allclose(
        found["units.u_input"] + matrix @ (2 * found["units.r_s"] - 1), given["units.u"], rtol=1e-12, atol=1e-14
    )


def test_the_translation_shows_the_sum_as_brian2_writes_it():
    for variant in ("rate", "spiking"):
        printed = str(translate(rated(), variant))
        assert "rec_pre = w*y_post : 1 (summed)" in printed
        assert 'forward.summed_updaters["rec_pre"].when' in printed


@pytest.mark.parametrize(
    ("current", "message"),
    [
        ("y_pre = w*y_post : 1 (summed)", "'y' is not declared to be summed into by population 'inputs'"),
        ("rec_pre = w*y_post : volt (summed)", "but population 'inputs' declares 'rec' with unit"),
        ("rec_pre = w*rec_pre : 1 (summed)", "the value of 'rec_pre' depends on itself"),
    ],
)
def test_wrong_sums_onto_the_source_are_refused(current, message):
    model = subspace()
    projection = Projection("forward", "inputs", "outputs", current=current, initial={"w": "normal(0, 1)"})
    with pytest.raises(BrainmemError, match=message):
        translate(model.replace(projections=(projection,)), "rate")


def test_two_projections_do_not_sum_into_one_variable_from_both_ends():
    model = subspace()
    back = Projection(
        "back", "outputs", "inputs", current="rec_post = v*y_pre : 1 (summed)", initial={"v": "normal(0, 1)"}
    )
    with pytest.raises(RuleError, match="'rec' of 'inputs' is summed by projection 'forward' already"):
        model.replace(projections=(*model.projections, back))


def test_a_sweep_over_the_units_takes_no_sum_onto_presynaptic_units():
    with pytest.raises(RuleError, match="'h_pre' is summed onto presynaptic units"):
        MemoryModel(
            "swept",
            parameters=(Parameter("N", 5), Parameter("T", 1 * ms)),
            populations=(Population("units", "S : 1\nh : 1", sequential="S = sign(h)"),),
            projections=(
                Projection(
                    "recurrent",
                    "units",
                    "units",
                    current="h_pre = w*S_post : 1 (summed)",
                    initial={"w": "normal(0, 1)"},
                ),
            ),
            protocol=Phase("relax", duration="T"),
            rate_dt="1*ms",
        )
