"""What phases set when they begin and end, in spiking units: the same in the mean, whatever reads it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms

from brainmem import (
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
    Spiking,
    Stimulus,
    TranslationError,
    simulate,
    translate,
    verify,
)
from brainmem.numbers.loading import load_given
from brainmem.numbers.run import numbers_of

UNIT = "drive = {0} : 1\nphi = clip(drive, 0, 1) : 1\ndr/dt = (phi - r)/tau : 1"
FORM = {"rate": "r", "drive": "drive", "transfer": "phi"}
INPUTS = Population("inputs", UNIT.format("cue"), size="n", **FORM)
OUTPUTS = Population(
    "outputs", "y : 1\ntheta : 1\n" + UNIT.format("y"), size=3, initial={"theta": "0.1 + zeros()"}, **FORM
)
LEARN = Phase("learn", duration="T", stimuli=("cue",), end={"outputs": "theta = (1 - a)*theta + a*r**2"})


def bcm(*phases: Phase, **changes) -> MemoryModel:
    """Return a rule with a sliding threshold, the running mean of squared rates over presentations."""
    phases = phases or (LEARN,)
    parts = {
        "parameters": (
            Parameter("n", 12),
            Parameter("M", 4),
            Parameter("tau", 50 * ms),
            Parameter("eta", 0.2 * Hz),
            Parameter("a", 0.5),
            Parameter("T", 600 * ms),
        ),
        "populations": (INPUTS, OUTPUTS),
        "projections": (
            Projection(
                "f", "inputs", "outputs", current="y_post = w*r_pre : 1 (summed)", initial={"w": "uniform(0.02, 0.15)"}
            ),
        ),
        "rules": (LearningRule("bcm", "f", continuous="dw/dt = eta*r_pre*r_post*(r_post - theta_post) : 1"),),
        "stimuli": (Stimulus("cue", "inputs", draw="uniform(0.1, 0.9)"),),
        "observables": (Observable("threshold", "theta", population="outputs"),),
        "protocol": Protocol(phases, (Repeat(3, (Each(tuple(phase.name for phase in phases)),)),)),
        "rate_dt": "5*ms",
    }
    return MemoryModel("bcm", **(parts | changes))


WITHOUT_MEAN = tuple(item for item in bcm().parameters if item.name != "a")


def reference(result, eta: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Return the thresholds after each presentation and the last weights, of the rate network in numpy."""
    w, cues = result.f_w.values[0].copy(), result.cue.values
    r, x, theta, found = np.zeros(len(w)), np.zeros(12), np.full(len(w), 0.1), []
    for cue in [*cues, *cues, *cues]:
        for _ in range(120):
            y, change = w @ x, eta * np.outer(r * (r - theta), x)
            r, x, w = r + 0.1 * (np.clip(y, 0, 1) - r), x + 0.1 * (np.clip(cue, 0, 1) - x), w + 0.005 * change
        theta = 0.5 * theta + 0.5 * r**2
        found.append(theta.mean())
    return np.array(found), w


@pytest.mark.parametrize("device", ["runtime", "cpp_standalone"])
def test_a_threshold_that_slides_from_presentation_to_presentation(device):
    result = simulate(bcm(), device=device, seed=1)
    thresholds, w = reference(result)
    assert result.threshold.values == pytest.approx(thresholds, rel=1e-12)
    assert np.abs(result.f_w.values[-1] - w).max() < 1e-12


@pytest.mark.slow
def test_it_slides_alike_in_spikes_which_square_what_they_expect():
    """With the square of the trace in place of it, thresholds gain the variance of the trace."""
    weak = replace(bcm().projections[0], initial={"w": "uniform(0.02, 0.1)"})
    many = bcm(populations=(INPUTS, replace(OUTPUTS, size=60)), projections=(weak,))
    codes = [op.code for op in translate(many, "spiking").group("outputs").operations]
    assert any("theta = (1 - a) * theta + a * (r * r_expected)" in code for code in codes)
    slow = {"parameters": {"eta": 0.02 * Hz}}
    first = simulate(many, device="runtime", seed=1, **slow)
    thresholds, w = reference(first, eta=0.02)
    same = {"inputs": {"cue": first.cue.values}, "weights": {"f": first.f_w.values[0]}}
    gain = {}
    for squared in (False, True):
        parts = {"rules": (replace(many.rules[0], read="trace"),)} if squared else {}
        runs = [
            simulate(many.replace(**parts), Spiking(neuron="poisson"), seed=seed, **same, **slow) for seed in (1, 2)
        ]
        gain[squared] = np.mean([run.threshold.values - thresholds for run in runs])
        learned = np.mean([run.f_w.values[-1] - run.f_w.values[0] for run in runs])
        assert squared or learned == pytest.approx(np.mean(w - first.f_w.values[0]), rel=0.1)
    assert abs(gain[False]) < 0.012
    assert gain[True] > 0.02


@pytest.mark.slow
def test_verify_sets_for_both_networks_what_phases_set():
    """Observables that statements read are taken of each network."""
    kept = replace(LEARN, end={"outputs": "old = r*level; theta = (1 - a)*theta + a*old"})
    built = bcm(kept, observables=(Observable("level", "r", population="outputs"),))
    drifts = verify(built, seeds=3, cells_per_unit=(8,), items=2)
    replayed = [row.along.value for row in drifts.rows if row.replayed]
    assert replayed
    assert max(map(abs, replayed)) < 0.05, str(drifts)
    assert "rule 'bcm', w: unbiased in the mean" in str(drifts)


@pytest.mark.slow
def test_a_square_of_what_was_kept_reads_what_was_expected_of_it():
    """Set aside with the state, and with start values of its own."""
    ending = replace(LEARN, end={"outputs": "kept = r; kept *= 2"})
    test = Phase("test", duration="T", restore=True)
    outputs = replace(
        OUTPUTS, equations=OUTPUTS.equations + "\nkept : 1", initial={"kept": "0.5 + zeros()", "theta": "0"}
    )
    rule = LearningRule("bcm", "f", episodic="w += eta*second*r_pre*kept_post**2*theta_post", at=("learn",))
    built = bcm(ending, test, populations=(INPUTS, outputs), rules=(rule,), parameters=WITHOUT_MEAN)
    translated = translate(built, "spiking")
    (path,) = translated.connection("f").pathways
    assert "kept_post * kept_expected_post" in path.code
    group = translated.group("outputs")
    (ending,) = (op.code for op in group.operations if op.event == "end_of_learn")
    assert ending.splitlines() == ["kept_expected = r_expected", "kept = r", "kept_expected *= 2", "kept *= 2"]
    assert "kept_expected_kept : 1" in group.equations
    assert {"kept", "kept_expected"} <= {item.variable for item in translated.initial if item.owner == "outputs"}
    result = simulate(built, "spiking", seed=1, record=("kept", "kept_expected"), interval=100 * ms)
    assert np.abs(result.kept.values - result.kept_expected.values).max() < 0.6
    assert (result.kept.values != result.kept_expected.values).any()


def test_what_only_a_result_reads_stays_what_the_cells_did():
    ending = replace(LEARN, end={"outputs": "theta = r**2"})
    rule = LearningRule("bcm", "f", continuous="dw/dt = eta*r_pre*r_post : 1")
    translated = translate(bcm(ending, rules=(rule,), parameters=WITHOUT_MEAN), "spiking")
    assert any(op.code == "theta = r**2" for op in translated.group("outputs").operations)
    assert translated.reported == ("threshold",)


@pytest.mark.slow
def test_a_rate_is_set_by_its_trace():
    begun = replace(LEARN, begin={"inputs": "r = 0.5*r"}, end={"outputs": "theta = a; r *= 0.5"})
    built = bcm(begun, rules=(LearningRule("bcm", "f", continuous="dw/dt = eta*r_pre*r_post**2 : 1"),))
    built = built.replace(populations=(INPUTS, replace(OUTPUTS, rate_range=(0, 2))))
    codes = {op.event: op.code for op in translate(built, "spiking").group("inputs").operations}
    assert codes["begin_of_learn"].splitlines() == ["r_expected = 0.5*r_expected", "r_s = ((0.5*r) - (0))/((1) - (0))"]
    codes = {op.event: op.code for op in translate(built, "spiking").group("outputs").operations}
    assert codes["end_of_learn"].splitlines() == [
        "theta = a",
        "r_expected = r_expected * (0.5)",
        "r_s = ((r * (0.5)) - (0))/((2) - (0))",
    ]
    result = simulate(
        built,
        Spiking(neuron="poisson"),
        device="runtime",
        seed=1,
        record=("inputs.r", "outputs.r"),
        interval=0.5 * ms,
    )
    r, step = result.outputs_r.values, 1200
    before, after = r[step - 2].mean(), r[step - 1].mean()
    assert after == pytest.approx(before / 2, rel=0.1)
    assert result.inputs_r.values[step].mean() == pytest.approx(result.inputs_r.values[step - 1].mean() / 2, rel=0.1)


def test_cells_begin_anew_where_statements_move_their_rates():
    def settles(phase: Phase) -> list[float]:
        built = bcm(phase, Phase("other", duration="T"))
        numbers = numbers_of(translate(built, "spiking"), load_given(built, {}), 1)
        return list(numbers.arrays["table.outputs_settle"][:6])

    rest = {"end": {"outputs": "theta = a"}}
    assert settles(replace(LEARN, **rest, begin={"outputs": "r = 0.5*r"})) == [1, 0, 1, 0, 1, 0]
    assert settles(replace(LEARN, end={"outputs": "theta = a; r = 0.5*r"})) == [1, 1, 0, 1, 0, 1]
    assert settles(replace(LEARN, **rest)) == [1, 0, 0, 0, 0, 0]


CURRENT = Population(
    "units",
    "u : 1\nkept : 1\nr = clip(v, 0, 1) : 1\ndv/dt = (u - v)/tau : 1",
    rate="r",
    drive="v",
    transfer="r",
    initial={"v": "0.5 + zeros()"},
)


def current(phase: Phase) -> MemoryModel:
    return MemoryModel(
        "m",
        parameters=(Parameter("N", 6), Parameter("tau", 50 * ms)),
        populations=(CURRENT,),
        projections=(
            Projection(
                "p", "units", "units", current="u_post = w*r_pre : 1 (summed)", initial={"w": "uniform(0, 0.3)"}
            ),
        ),
        protocol=Protocol((phase,), (Repeat(2, (Each("go", items=1),)),)),
        rate_dt="1*ms",
    )


@pytest.mark.slow
def test_a_drive_that_filters_spikes_is_not_set_but_read_at_the_end():
    go = Phase("go", duration="200*ms")
    for moment, text, what in (
        ("begin", "v = 0", "set"),
        ("end", "v = kept", "set"),
        ("begin", "kept = v", "read there"),
    ):
        own = {"kept = v": "kept = v"}.get(text, f"{text}; kept = 1")
        built = current(replace(go, **{moment: {"units": own}}))
        assert simulate(built, device="runtime").complete
        with pytest.raises(TranslationError, match=rf"phase 'go', {moment}\['units'\].*cannot be {what}"):
            translate(built, "spiking")
    built = current(replace(go, end={"units": "kept = v"}, begin={"units": "kept = 2*r"}))
    rate = simulate(built, device="runtime", seed=1, record=("kept",), interval=1 * ms)
    spiking = simulate(
        built, "spiking", device="runtime", seed=1, parameters={"cells_per_unit": 50}, record=("kept", "v"),
        interval=0.5 * ms,
    )  # fmt: skip
    assert np.abs(spiking.kept.values[399] - spiking.v.values[399]).max() < 1e-12
    assert np.abs(spiking.kept.values[399] - rate.kept.values[199]).max() < 0.1
