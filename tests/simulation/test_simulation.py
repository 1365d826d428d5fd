"""One run from text to result: what a user gives, what is recorded, calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms, second

from brainmem import (
    Device,
    Each,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Protocol,
    RuleError,
    Spiking,
    Stimulus,
    TranslationError,
    arrays,
    get_model,
    simulate,
)
from brainmem.engine.stages import watching
from brainmem.numbers.calibration import TOLERANCE, invert

SMALL = {"N": 16, "M": 3, "epochs": 2, "test_epochs": (2,), "starts": 1, "T_learn": "20*tau", "T_recall": "4*tau"}
SMALL |= {"T_average": "2*tau"}
RUNTIME = Device("runtime")
VARIANTS = ("rate", "spiking")
POISSON = Spiking(neuron="poisson")


def run(variant: str = "rate", **options):
    parameters = {**SMALL, **options.pop("parameters", {})}
    return simulate("kurikawa2020", variant, parameters=parameters, device=options.pop("device", Device()), **options)


def signs(shape, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    first, again, other = (run("spiking", seed=seed, device=Device()) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.recurrent_w.values, again.recurrent_w.values)
    assert np.abs(first.recurrent_w.values - other.recurrent_w.values).max() > 0.01


def test_start_weights_are_taken_under_either_name_but_not_under_both():
    w = np.random.default_rng(1).normal(0, 0.2, (16, 16))
    np.fill_diagonal(w, 0)
    named = run(initial={"recurrent.w": w}).recurrent_w.values
    np.testing.assert_array_equal(named, run(weights={"recurrent": w}).recurrent_w.values)
    np.testing.assert_array_equal(named[0], w)
    with pytest.raises(RuleError, match="are the same start values"):
        run(initial={"recurrent.w": w}, weights={"recurrent": w})


def test_slow_traces_are_settled_before_their_noise_is_measured():
    """Regular firing at high rates has a Fano factor far below 1; a trace that still rises would add to it."""
    slow = {
        "tau": 500 * ms,
        "T_learn": 500 * ms,
        "T_recall": 500 * ms,
        "T_average": 100 * ms,
        "epochs": 1,
        "test_epochs": (1,),
    }
    result = run("spiking", parameters=slow, device=Device())
    assert max(result.calibration["units"]["fano"][-8:]) < 0.5


def test_results_know_how_their_model_was_translated():
    spiking = run(Spiking(neuron="poisson", read="trace"), device=RUNTIME)
    assert spiking.options == {"neuron": "poisson", "read": "trace", "pairing": None}
    assert "neuron = poisson" in repr(spiking)
    assert run().options == {}


def test_rates_given_by_the_models_name_start_both_variants():
    x = np.random.default_rng(2).uniform(-1, 1, 16)
    options = {"device": RUNTIME, "initial": {"units.x": x}, "parameters": SMALL}
    rate, spiking = (arrays("kurikawa2020", variant, **options) for variant in ("rate", POISSON))
    np.testing.assert_array_equal(rate["units.x"], x)
    np.testing.assert_allclose(2 * spiking["units.x_s"] - 1, x, atol=1e-12)
    with pytest.raises(RuleError, match="are the same start values"):
        arrays("kurikawa2020", POISSON, **{**options, "initial": {"units.x": x, "units.x_s": (x + 1) / 2}})
    with pytest.raises(RuleError, match=r"rates from -2 to -2 leave the rate_range \(-1, 1\) of 'units'"):
        arrays("kurikawa2020", POISSON, **{**options, "initial": {"units.x": np.full(16, -2)}})


def test_rates_without_start_values_start_at_zero_in_both_variants():
    model = get_model("kurikawa2020")
    model = model.replace(populations=(replace(model.population("units"), initial={}),))
    rate, spiking = (arrays(model, variant, seed=2, device=RUNTIME) for variant in ("rate", POISSON))
    assert "units.x" not in rate  # 0 unless set
    np.testing.assert_array_equal(spiking["units.x_s"], 0.5)  # of -1 ... 1


def test_both_variants_start_from_the_same_patterns_and_weights():
    rate, spiking = run("rate", seed=7), run("spiking", seed=7)
    for name in ("cue", "target", "step_item"):
        np.testing.assert_array_equal(rate[name].values, spiking[name].values)
    np.testing.assert_array_equal(rate.recurrent_w.values[0], spiking.recurrent_w.values[0])
    np.testing.assert_allclose(np.linalg.norm(rate.recurrent_w.values[0], axis=1), 1.0)
    assert not np.diagonal(rate.recurrent_w.values[0]).any()


@pytest.mark.parametrize("ending", ["npy", "csv"])
def test_patterns_are_read_from_files(ending, tmp_path):
    cue, path = signs((3, 16)), tmp_path / f"cue.{ending}"
    if ending == "npy":
        np.save(path, cue)
    else:
        np.savetxt(path, cue, delimiter=",")
    np.testing.assert_array_equal(run(inputs={"cue": path}).cue.values, cue)


def broken(change):
    cue = signs((3, 16))
    change(cue)
    return cue


BAD_INPUTS = {
    "shape": ({"cue": signs((4, 16))}, r"expected shape \(items, unit\) = \(3, 16\), got \(4, 16\)"),
    "nan": ({"cue": broken(lambda c: c.__setitem__((1, 2), np.nan))}, "1 values are not finite.* row 1, column 2"),
    "value": ({"cue": broken(lambda c: c.__setitem__((2, 0), 0.5))}, r"must be one of \(-1, 1\).* 0.5 in row 2"),
    "twice": ({"cue": broken(lambda c: c.__setitem__(2, c[0]))}, "rows 0 and 2 are equal"),
    "name": ({"cu": signs((3, 16))}, "Did you mean 'cue'"),
    "file": ({"cue": "nowhere.npy"}, "no file 'nowhere.npy'"),
    "kind": ({"cue": __file__}, "ends in '.py'; allowed are .npy and .csv"),
    "text": ({"cue": [["a"] * 16] * 3}, "expected an array of numbers"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_patterns_are_refused_with_what_is_wrong_where(case):
    inputs, says = BAD_INPUTS[case]
    with pytest.raises(RuleError, match=says):
        run(inputs=inputs)


def test_more_maps_than_theory_allows_are_refused():
    with pytest.raises(RuleError, match=r"break 'M < 2\*N/\(1 \+ gamma\*\*2\)'"):
        run(parameters={"M": 24})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"weights": {"recurrent": np.zeros((3, 3))}}, r"expected weights \[post, pre\] of shape \(16, 16\)"),
        ({"weights": {"recurent": np.zeros((16, 16))}}, "Did you mean 'recurrent'"),
        ({"initial": {"units.x": np.zeros(3)}}, "expected 16 finite values"),
        ({"record": ("spikes", "xx")}, "names nothing that can be recorded"),
        ({"parameters": {"T_average": "9*tau"}}, "at most the phase's duration"),
        ({"parameters": {"T_learn": "0*tau"}}, "must be longer than 0"),
        ({"parameters": {"epochs": 0}}, "no steps"),
    ],
)
def test_other_bad_arguments_are_refused(options, says):
    with pytest.raises(RuleError, match=says):
        run(**options)


def test_what_is_recorded_in_time_agrees_with_the_averages_of_the_steps():
    result = run(record=("weights", "x"), interval=0.0025, device=RUNTIME)
    step = int(np.flatnonzero(result.step_phase.values == "recall")[0])
    end = result.step_duration.values[: step + 1].sum()
    samples = result.x.values[(result.time.values > end - 0.05 + 1e-6) & (result.time.values < end + 1e-6)]
    np.testing.assert_allclose(samples.mean(axis=0), result.mean_x.values[step], atol=0.02)
    assert result.x.sizes["unit"] == 16


def test_spikes_are_recorded_at_no_more_than_the_refractory_rate():
    result = run("spiking", record=("spikes",), device=RUNTIME)
    seconds = result.step_duration.values.sum()
    counts = np.bincount(result.spike_cell.values.astype(int), minlength=16)
    assert 0 < counts.max() / seconds < 500


def test_the_inverted_f_i_curve_reaches_the_rates_asked_for():
    report = run("spiking").calibration["units"]
    checked, reached = np.array(report["checked"]), np.array(report["reached"])
    inside = (checked >= 0.05) & (checked <= 0.95)
    assert np.abs(reached - checked)[inside].max() <= TOLERANCE == 0.02
    assert report["error"] <= TOLERANCE
    assert report["highest"] >= 1.1 * report["rate_max"]


def test_spike_trains_are_poisson_at_low_rates_and_regular_at_high_ones():
    fano = run("spiking").calibration["units"]["fano"]
    assert 0.85 < fano[1] < 1.1
    assert fano[-1] < 0.35


def test_inverting_a_known_curve_is_exact():
    current = np.linspace(0, 2, 41)
    rate = np.where(current > 0.5, 50 * (current - 0.5), 0.0)
    activity = np.array([0.2, 0.5, 1.0])
    np.testing.assert_allclose(invert(current, rate, 60.0, activity), 0.5 + 60 * activity / 50, atol=1e-9)


def test_a_rate_that_cells_cannot_reach_is_refused():
    with pytest.raises(TranslationError, match="leaves no headroom"):
        run("spiking", parameters={"rate_max": 450 * Hz})


def test_the_notes_of_a_spiking_run_hold_one_verdict_per_rule():
    verdicts = [note for note in run("spiking").notes if note.startswith("rule ")]
    assert len(verdicts) == 1
    assert verdicts[0].startswith("rule 'delta': unbiased in the mean; in the network its rates follow the noise")


def test_the_result_keeps_all_it_took_to_make_it(tmp_path):
    result = run("spiking", seed=3)
    again = type(result).load(result.save(tmp_path / "run.nc"))
    assert again.complete
    assert again.seed == 3
    assert "dw/dt" in again.equations
    assert "units_restart" in again.schedule
    assert again.parameters["tau"]["value"] == pytest.approx(0.025)
    assert again.parameters["tau"]["source"] == "ours"
    assert again.versions["brian2"]


def test_a_probe_aside_leaves_learning_untouched():
    probed, plain = run(parameters={"test_epochs": (1, 2)}), run(parameters={"test_epochs": ()})
    np.testing.assert_array_equal(probed.recurrent_w.values, plain.recurrent_w.values)
    assert get_model("kurikawa2020").protocol.phase("recall").restore


def feedforward(transfer: str, rate_range: tuple) -> MemoryModel:
    """Units that are driven by a constant each and by nothing else."""
    return MemoryModel(
        "feedforward",
        parameters=(
            Parameter("N", 21),
            Parameter("tau", 50 * ms),
            Parameter("T", 4 * second),
            Parameter("T_average", 3.5 * second),
            Parameter("rate_step", 5 * ms),
        ),
        populations=(
            Population(
                "units",
                f"drive = h : 1\nphi = {transfer} : 1\ndr/dt = (phi - r)/tau : 1",
                rate="r",
                drive="drive",
                transfer="phi",
                rate_range=rate_range,
            ),
        ),
        stimuli=(Stimulus("h", "units", items=1, draw="uniform(-1, 1)"),),
        protocol=Protocol((Phase("run", duration="T", average="T_average", stimuli=("h",)),), (Each("run", items=1),)),
        rate_dt="rate_step",
        spiking={"cells_per_unit": 40, "spike_dt": 1 * ms},
    )


TRANSFERS = {
    "tanh": ("tanh(2*drive)", (-1, 1)),
    "logistic": ("1/(1 + exp(-4*drive))", (0, 1)),
    "threshold-linear": ("clip(drive, 0, inf)", (0, 1.2)),
    "square root": ("sqrt(drive*int(drive > 0))", (0, 1.2)),
}


MAPS = [("tanh", "lif"), ("threshold-linear", "lif"), ("tanh", "poisson")]  # a signed, an unbounded rate; both cells
OTHERS = [(name, neuron) for name in TRANSFERS for neuron in ("lif", "poisson") if (name, neuron) not in MAPS]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "neuron"), [*MAPS, *(pytest.param(*case, marks=pytest.mark.full) for case in OTHERS)])
def test_cells_follow_any_transfer_function_given_as_text(name, neuron):
    transfer, rate_range = TRANSFERS[name]
    levels = np.linspace(-0.95, 0.95, 21)[None, :]
    options = {"inputs": {"h": levels}, "device": RUNTIME, "seed": 1}
    model = feedforward(transfer, rate_range)
    exact = simulate(model, "rate", **options).mean_r.values[0]
    spiking = simulate(model, Spiking(neuron=neuron), **options).mean_r.values[0]
    error = (spiking - exact) / (rate_range[1] - rate_range[0])
    counts = 40 * 3.5 * 100 * (exact - rate_range[0]) / (rate_range[1] - rate_range[0])
    allowed = 0.02 + 3 * np.sqrt(np.maximum(counts, 1)) / (40 * 3.5 * 100)
    assert (np.abs(error) < allowed).all()
    assert np.ptp(exact) > 0.8


def test_bounds_hold_at_spike_events_too():
    model = get_model("kurikawa2020")
    (rule,) = model.rules
    free, held = (
        simulate(
            model.replace(rules=(replace(rule, bounds=bounds),)),
            "spiking",
            parameters={**SMALL, "eps": 0.05},
            device=RUNTIME,
            seed=1,
        ).recurrent_w.values[1:]
        for bounds in ({}, {"w": (-0.5, 0.25)})
    )
    assert free.min() < -0.6
    assert free.max() > 0.5
    assert held.min() >= -0.5
    assert 0.2 < held.max() <= 0.25


@pytest.mark.slow
def test_a_watcher_is_told_what_a_run_is_at_and_compiling_only_where_something_is_compiled(own_cache):
    seen: list[list[str]] = []
    for _ in range(2):
        seen.append([])
        with watching(seen[-1].append):
            run("spiking", device=Device())
    assert seen[0][:2] == ["translating", "measuring cells"]
    assert seen[0].count("compiling (first run of this network)") == 2  # the cells measured, and the network
    assert seen[1] == ["translating", "running"]
