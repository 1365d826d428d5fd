"""Random starts of phases: fresh in every step of the protocol or paired over epochs, the same on every device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms
from scipy.stats import kstest

import brainmem
from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    freeze,
    simulate,
    translate,
)
from brainmem.text import draw
from brainmem.text.counter import counter_normal, counter_uniform
from tests.support.start_values import starts_of

DEVICES = [
    Device("runtime"),
    Device("cpp_standalone"),
    pytest.param(Device("cpp_standalone", float=32), marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
N = 7
FLIPPED = "cue*(1 - 2*binary(a)) + normal(0, 1) + uniform(-1, 2)*signs()"
SHOW = Phase("show", duration="1*ms", start={"x": FLIPPED, "y": "normal(0, uniform(0, 1))*volt"})
REST = Phase("rest", duration="1*ms", start={"x": "normal(a, 1/N)"})
SCHEDULE = (Repeat(3, (Each("show", items=2, repeats=2), Each("rest", items=1))), Each("show", items=2, repeats=2))


def model(*phases: Phase, schedule=SCHEDULE) -> MemoryModel:
    return MemoryModel(
        "starting",
        parameters=(Parameter("N", N), Parameter("a", 0.3)),
        populations=(Population("u", "dx/dt = 0*x/ms : 1\ndy/dt = 0*y/ms : volt"),),
        patterns=(Pattern("cue", "u", items=2),),
        protocol=Protocol(phases or (SHOW, REST), schedule),
        rate_dt="1*ms",
    )


def run(text: MemoryModel, device: Device | str = "runtime", **options) -> brainmem.Result:
    return simulate(text, device=device, record=("x", "y"), interval=1 * ms, seed=4, **options)


@pytest.mark.parametrize("trials", [None, 3])
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_devices_draw_the_numbers_that_numpy_draws(device, trials):
    result = run(model(), device, trials=trials)
    for name in ("x", "y"):
        wanted = starts_of(model(), name, seed=4, trials=trials)
        sets = np.isfinite(wanted).all(axis=tuple(range(1, wanted.ndim)))
        assert result[name].values[sets] == pytest.approx(wanted[sets], abs=1e-6 if device.float == 32 else 1e-14)


def test_starts_are_fresh_in_every_step_and_also_outside_of_repeats():
    starts = starts_of(model(), "x", seed=4)
    assert len(np.unique(starts.round(9), axis=0)) == len(starts) == 3 * 5 + 4
    assert not np.array_equal(starts, starts_of(model(), "x", seed=5))
    assert np.array_equal(starts, starts_of(model(), "x", seed=4))


def test_paired_starts_come_again_in_every_epoch():
    result = run(model(replace(SHOW, paired=True), REST))
    shown, rest = result.step_phase.values == "show", result.step_phase.values == "rest"
    x = result.x.values
    assert np.array_equal(x[shown].reshape(4, 4, N), np.tile(x[shown][:4], (4, 1, 1)))
    assert len(np.unique(x[shown][:4], axis=0)) == 4
    assert len(np.unique(x[rest], axis=0)) == 3


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_what_a_device_cannot_draw_comes_from_a_table_that_is_as_long_as_the_protocol(device):
    phase = Phase("show", duration="1*ms", start={"x": "int(permutation() < 3) + 0*binary(a)"})
    text = model(phase, schedule=(Repeat(20, (Each("show", items=2),)),))
    result = run(text, device)
    assert (result.x.values.sum(axis=1) == 3).all()
    assert len(np.unique(result.x.values, axis=0)) > 15
    assert result.x.values == pytest.approx(starts_of(text, "x", seed=4))
    assert "x_start(" in str(translate(text))


DAMAGED = {
    "cue*(1 - 2*(permutation() < 2)) + 0*a": True,
    "cue*(1 - 2*(uniform(0, 1) < a and not normal(0, 1) > 0.5))": False,
    "(0.2 < uniform(0, 1) < 0.7) - (normal(0, 1) > 0 or uniform(0, 1) < a) + int(normal(0, 1) > 0)": False,
    "cue*(1 - 2*(signs() > 0)) + 0*a": True,  # Brian2's algebra does not compare with what int() gives
}

CONDITIONS = [pytest.param(text, marks=[pytest.mark.full] * (k > 1)) for k, text in enumerate(DAMAGED)]


@pytest.mark.parametrize("text", CONDITIONS)
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_conditions_are_1_and_0_on_every_device(text, device):
    changed = model(Phase("show", duration="1*ms", start={"x": text}), schedule=(Repeat(4, (Each("show", items=2),)),))
    result = run(changed, device)
    wanted = starts_of(changed, "x", seed=4)
    np.testing.assert_array_equal(result.x.values, wanted)
    assert len(np.unique(wanted, axis=0)) > 4  # drawn anew every time
    assert ("x_start(" in str(translate(changed))) is DAMAGED[text]
    if "permutation" in text:
        assert (wanted != np.tile(result.cue.values, (4, 1))).sum(axis=1).tolist() == [2] * 8


def test_conditions_count_as_numbers_in_every_draw():
    rng, names = np.random.default_rng(0), {"x": np.arange(4.0)}

    def found(text: str) -> list[float]:
        return draw(text, names=names, rng=rng, shape=(4,)).tolist()

    assert found("(x < 2) + (x < 3)") == [2, 2, 1, 0]
    assert found("1 - (x < 2) - (x < 1)") == [-1, 0, 1, 1]
    assert found("-(x < 2)") == [-1, -1, 0, 0]
    assert found("sum(x < 3)*(not x < 1)") == [0, 3, 3, 3]
    assert found("(x > 0 and x < 3)/2") == [0, 0.5, 0.5, 0]


def test_places_on_a_ring_go_from_minus_half_of_it_up_to_half():
    rng, x = np.random.default_rng(0), np.arange(-12.0, 12.5, 0.5)
    found = draw("ring(x, 8)", names={"x": x}, rng=rng, shape=x.shape)
    assert (found >= -4).all()
    assert (found < 4).all()
    np.testing.assert_allclose(np.exp(2j * np.pi * found / 8), np.exp(2j * np.pi * x / 8), atol=1e-12)


def test_long_protocols_need_no_table_of_starts():
    text = model(schedule=(Repeat(200, (Each("show", items=2), Each("rest", items=1))),))
    numbers = brainmem.arrays(text)
    assert max(array.size for array in numbers.values()) <= 1024
    assert "counter_uniform" in str(translate(text))


def test_training_with_noise_meets_another_noise_in_every_epoch():
    spins = Population("spins", "h : 1\nS : 1", sequential="S = sign(S)")
    rec = Projection("r", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "zeros()"})
    count = LearningRule("add", "r", episodic="w += S_pre*S_post", at=("noisy",))
    noisy = Phase("noisy", duration="1*second", start={"S": "signs()"})
    text = MemoryModel(
        "noise",
        parameters=(Parameter("N", 20),),
        populations=(spins,),
        projections=(rec,),
        rules=(count,),
        protocol=Protocol((noisy,), (Repeat(400, (Each("noisy", items=1),)),)),
        rate_dt="1*second",
    )
    w = simulate(text, device="runtime").r_w.values[-1][~np.eye(20, dtype=bool)]
    assert np.abs(w).max() < 5 * 20
    assert np.std(w) == pytest.approx(np.sqrt(400), rel=0.15)  # 400 for one state that comes again
    fixed = text.replace(protocol=Protocol((replace(noisy, paired=True),), text.protocol.schedule))
    w = simulate(fixed, device="runtime").r_w.values[-1][~np.eye(20, dtype=bool)]
    assert (np.abs(w) == 400).all()


def test_the_shipped_recall_tests_are_paired_over_epochs():
    recall = brainmem.get_model("kurikawa2020").protocol.phase("recall")
    assert recall.paired
    assert freeze(brainmem.get_model("kurikawa2020"), "recall").protocol.phase("recall").paired


def test_the_printed_script_draws_the_same_starts(tmp_path, monkeypatch):
    text = model()
    np.savez(tmp_path / "arrays.npz", **brainmem.arrays(text, seed=4))
    script = str(translate(text)).replace("network.run(", "monitor = StateMonitor(u, 'x', record=True, clock=clock, "
        "when='end', order=1000, name='m')\nnetwork.add(monitor)\nnetwork.run(")  # fmt: skip
    monkeypatch.chdir(tmp_path)
    space: dict = {"__name__": "script"}
    import brian2

    found = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    try:
        exec(compile(script, str(tmp_path / "script.py"), "exec"), space)
    finally:
        brian2.prefs.codegen.target = found
    assert np.asarray(space["monitor"].x).T[:19] == pytest.approx(run(text).x.values)


def test_the_counter_generator_is_uniform_normal_and_free_of_correlations():
    rows, units = np.arange(400)[:, None], np.arange(250)[None]
    drawn = counter_uniform(3, rows, units, 0, 5)
    assert kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    others = [counter_uniform(*key) for key in ((4, rows, units, 0, 5), (3, rows, units, 1, 5), (3, rows, units, 0, 6))]
    others += [np.roll(drawn, 1, axis=0), np.roll(drawn, 1, axis=1)]
    for other in others:
        assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(drawn.size)
    assert kstest(counter_normal(3, rows, units, 0, 5).ravel(), "norm").pvalue > 1e-3
