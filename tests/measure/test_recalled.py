"""The recall criterion of a model: what it may say, where it goes, and the numbers that it gives."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Choice,
    Device,
    Each,
    MemoryModel,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Result,
    ResultError,
    RuleError,
    Spiking,
    Stimulus,
    freeze,
    get_model,
    measure,
    simulate,
)
from brainmem.measure import criterion
from brainmem.model.checks import recalled as check
from tests.support import synthetic

ROOT = Path(__file__).resolve().parents[2]
NUMPY = Device("runtime", target="numpy")
KURIKAWA = get_model("kurikawa2020")
CRITERION = KURIKAWA.recalled

# A second model: two layers, of which the second recalls a pattern that was stored with the one shown to the first


def layer(name: str, size: int, inputs: str, drive: str) -> Population:
    return Population(
        name,
        f"{inputs}\ndrive = {drive} : 1\nphi = 40*Hz*(1 + tanh(drive)) : Hz\ndr/dt = (phi - r)/tau : Hz",
        size=size,
        rate="r",
        drive="drive",
        transfer="phi",
        rate_range=("0*Hz", "80*Hz"),
    )


ASK = Phase("ask", duration="60*ms", stimuli=("word",), average="40*ms")
ASSOCIATOR = MemoryModel(
    "associator",
    parameters=(Parameter("tau", 10 * ms), Parameter("K", 3), Parameter("time_step", 1 * ms)),
    populations=(layer("words", 24, "", "word"), layer("pictures", 30, "h : 1", "h")),
    projections=(
        Projection(
            "meaning",
            "words",
            "pictures",
            current="h_post = w*(r_pre/(40*Hz) - 1) : 1 (summed)",
            initial={"w": "picture.T @ word/10 + normal(0, 0.4)"},
        ),
    ),
    patterns=(Pattern("picture", "pictures", items="K", values=(-1, 1)),),
    stimuli=(Stimulus("word", "words", items="K"),),
    protocol=Protocol(
        (Phase("ask", duration="60*ms", stimuli=("word",), average="40*ms"),), (Each("ask", items="K", repeats=2),)
    ),
    recalled=Recalled(
        phase="ask",
        target="picture",
        score="pearson",
        threshold=0.8,
        spiking={"score": "overlap", "threshold": 20, "repeats": "mean"},
    ),
    rate_dt="time_step",
    spiking={"spike_dt": 1 * ms},
)


@pytest.fixture(scope="module", params=["rate", Spiking(neuron="poisson")], ids=["rate", "spiking"])
def asked(request):
    return simulate(ASSOCIATOR, request.param, device=NUMPY, seed=2)


def scores(result: Result, name: str) -> np.ndarray:
    """Return the scores of each step, in plain numpy."""
    rates, targets = result.mean_pictures_r.values, result.picture.values[result.step_item.values]
    if name == "overlap":
        return (rates * targets).mean(axis=1)
    return np.array([np.corrcoef(x, t)[0, 1] for x, t in zip(rates, targets, strict=True)])


def test_a_model_with_two_layers_scores_the_one_that_the_target_belongs_to(asked):
    table = measure.recall_table(asked)
    name, threshold = {"rate": ("pearson", 0.8), "spiking": ("overlap", 20)}[asked.variant]
    wanted = scores(asked, name).reshape(3, 2)
    np.testing.assert_allclose(table.score.values[0], wanted, rtol=1e-10)
    counted = wanted.mean(axis=1) if asked.variant == "spiking" else wanted
    assert float(table.recalled[0]) == np.mean(counted > threshold)
    assert 0 < float(table.recalled[0]) < 1
    assert table.attrs == asked.recalled == ASSOCIATOR.recalled.of(asked.variant)


def test_what_is_given_replaces_that_part_of_the_criterion_only(asked):
    score = "overlap" if asked.variant == "rate" else "pearson"
    table = measure.recall_table(asked, score=score, threshold=0.5, repeats="each")
    np.testing.assert_allclose(table.score.values.ravel(), scores(asked, score), rtol=1e-10)
    assert float(table.recalled[0]) == np.mean(scores(asked, score) > 0.5)
    assert (table.attrs["phase"], table.attrs["target"]) == ("ask", "picture")
    with pytest.raises(ResultError, match=r"'picture' is a pattern of other units \(pictures_unit\).*words_r"):
        measure.recall_table(asked, rate="words_r")
    with pytest.raises(ResultError, match=r"score must be one of overlap, pearson, dice, got 'overlpa'\. Did you mean"):
        measure.recall_table(asked, score="overlpa")
    with pytest.raises(ResultError, match="repeats must be one of each, mean"):
        measure.recall_table(asked, repeats="all")
    with pytest.raises(ResultError, match="threshold must be a finite number"):
        measure.recall_table(asked, threshold="0.8")


def test_the_criterion_is_read_from_a_file_without_brian2_and_without_the_model(asked, tmp_path):
    path = asked.save(tmp_path / "asked.nc")
    code = (
        "import sys; sys.modules['brian2'] = None\n"
        "from brainmem import Result, measure, plot; result = Result.load(sys.argv[1])\n"
        "print(result.recalled); print(float(measure.recall_table(result).recalled[0])); plot.recall_curve(result)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(asked.recalled), str(float(measure.recall_table(asked).recalled[0]))]
    assert "recalled: phase = ask, target = picture" in repr(Result.load(path))


# Where it goes


def test_copies_keep_the_criterion():
    only = Protocol((replace(KURIKAWA.protocol.phase("learn"), until=""),), (Each("learn"),))
    for copy in (
        KURIKAWA.replace(name="other"),
        KURIKAWA.replace(protocol=only),
        KURIKAWA.replace(protocol=only, stimuli=KURIKAWA.stimuli, observables=()),
        freeze(KURIKAWA, "recall"),
        freeze(KURIKAWA, "learn"),
    ):
        assert copy.recalled == CRITERION
    other = Recalled(phase="learn", target="cue", score="pearson", threshold=0.1)
    assert KURIKAWA.replace(recalled=other).recalled == other
    assert KURIKAWA.replace(recalled=None).recalled is None


def test_every_form_of_a_model_with_choices_has_the_criterion():
    pick = Choice("strength", {"weak": "gamma/2", "strong": "gamma"})
    units = KURIKAWA.population("units")
    text = units.equations.replace("gamma*cue", "strength*cue")
    model = KURIKAWA.replace(choices=(pick,), populations=(replace(units, equations=text),))
    assert model.choose(strength="strong").recalled == CRITERION
    assert freeze(model, "recall").recalled == CRITERION
    with pytest.raises(RuleError, match="recalled: target 'targte'"):
        model.replace(recalled=replace(CRITERION, target="targte"))
    with pytest.raises(RuleError, match="recalled: score 'r'"):
        model.replace(recalled=replace(CRITERION, score="r"))


def test_a_run_of_a_model_without_a_criterion_asks_for_one():
    bare = simulate(ASSOCIATOR.replace(recalled=None), device=NUMPY, seed=2)
    assert bare.recalled == {}
    with pytest.raises(ResultError, match=r"'associator' does not say when.*recalled=Recalled\(phase='recall'.*phase="):
        measure.recall_table(bare)
    with pytest.raises(ResultError, match=r"\(target, threshold missing\).*target='target', threshold=0.85\.$"):
        measure.recall_table(bare, phase="ask", score="pearson")
    given = ASSOCIATOR.recalled.of("rate")
    table = measure.recall_table(bare, **given)
    assert table.equals(measure.recall_table(simulate(ASSOCIATOR, device=NUMPY, seed=2)))


# What may be said

WRONG = {
    "no criterion": ("overlap > 0.85", ["it must be a Recalled, got 'overlap > 0.85'", "Recalled(phase='recall'"]),
    "phase": ({"phase": "recal"}, ["phase 'recal' is not one of 'learn', 'recall'", "Did you mean 'recall'?"]),
    "target": ({"target": "targets"}, ["target 'targets' is not one of 'cue', 'target'", "Did you mean 'target'?"]),
    "score": ({"score": "correlation"}, ["score 'correlation' is not one of 'overlap', 'pearson'"]),
    "repeats": ({"repeats": "all"}, ["repeats 'all' is not one of 'each', 'mean'"]),
    "text": ({"threshold": "0.85"}, ["threshold='0.85' must be a finite number"]),
    "truth": ({"threshold": True}, ["threshold=True must be a finite number"]),
    "infinite": ({"threshold": float("nan")}, ["threshold=nan must be a finite number"]),
    "overlap out of reach": ({"threshold": 1.0}, ["threshold=1.0", "score 'overlap' of the rate variant", "-1 and 1"]),
    "correlation out of reach": (
        {"threshold": -2, "score": "pearson"},
        ["threshold=-2", "score 'pearson' of the rate variant", "-1 and 1"],
    ),
    "of the spiking variant": ({"spiking": {"threshold": 1.2}}, ["threshold=1.2", "of the spiking variant"]),
    "score of the spiking variant": ({"spiking": {"score": "r"}}, ["score 'r' is not one of"]),
    "phase of the spiking variant": ({"spiking": {"phase": "learn"}}, ["'phase' is not one of 'score', 'threshold'"]),
    "no mapping": ({"spiking": "pearson"}, ["spiking='pearson' must be a mapping, such as {'score': 'pearson'}"]),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("varied", [False, True])
def test_a_wrong_criterion_is_refused_when_the_model_is_made(case, varied):
    changes, parts = WRONG[case]
    given = changes if isinstance(changes, str) else replace(CRITERION, **changes)
    fields = {name: getattr(KURIKAWA, name) for name in KURIKAWA.__dataclass_fields__}
    with pytest.raises(RuleError) as raised:
        KURIKAWA.replace(recalled=given) if varied else MemoryModel(**{**fields, "recalled": given})
    assert str(raised.value).startswith("Model 'kurikawa2020', recalled: ")
    assert [part for part in parts if part not in str(raised.value)] == []


def test_a_target_needs_rates_and_no_frames():
    helper = Population("gain", "c = 1 : 1", size=1)
    film = Stimulus("film", "units", frames=3, every="tau", draw="zeros()")
    label = Pattern("label", "gain", draw="zeros()")
    parts = {"populations": (*KURIKAWA.populations, helper), "patterns": (label,)}
    model = KURIKAWA.replace(**parts, stimuli=(*KURIKAWA.stimuli, film), recalled=None)
    with pytest.raises(RuleError, match=r"target 'film' changes in time \(frames=3\)"):
        model.replace(recalled=replace(CRITERION, target="film"))
    with pytest.raises(
        RuleError, match=r"'gain', which has no rate to be scored\. Patterns and stimuli .*: cue, target"
    ):
        model.replace(recalled=replace(CRITERION, target="label"))


def test_an_overlap_may_exceed_1_where_rates_have_a_unit_or_targets_any_value():
    assert ASSOCIATOR.recalled.of("spiking")["threshold"] == 20
    with pytest.raises(RuleError, match=r"threshold=80 can tell nothing apart.*between -80 and 80"):
        ASSOCIATOR.replace(recalled=replace(ASSOCIATOR.recalled, spiking={"score": "overlap", "threshold": 80}))
    free = tuple(replace(item, values=None) for item in KURIKAWA.stimuli)
    assert KURIKAWA.replace(stimuli=free, recalled=replace(CRITERION, threshold=7, spiking={})).recalled.threshold == 7


def test_checks_and_measures_know_the_same_words():
    assert set(check.SCORES) == set(measure.scores.SCORES) == set(criterion.NAMES_OF_SCORES)
    assert check.REPEATS == criterion.REPEATS


# How tests count


def test_repeats_count_each_for_itself_or_by_their_mean():
    result = synthetic.result(recalled={1: 0, 2: 3, 5: 6})
    rates = result.mean_x.values.copy()
    tests = (result.step_phase == "recall").values & (result.step_repeat == 1).values
    rates[tests] *= 0.9  # 0.855 in the second start of each item, 0.95 in the first
    result = Result(result.data.assign(mean_x=(("step", "unit"), rates)))
    last = [
        measure.recall_table(result, threshold=t, repeats=r).recalled.values[-1]
        for t in (0.88, 0.91)
        for r in criterion.REPEATS
    ]
    assert last == [0.5, 1.0, 0.5, 0.0]
    assert measure.recall_table(result, threshold=0.88, repeats="mean").recalled.values.tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("repeats", criterion.REPEATS)
def test_trials_count_as_so_many_runs(repeats):
    result = synthetic.of_trials(synthetic.result(), 4, noise=0.8)
    apart = [measure.recall_table(result.select(trial=k), threshold=0.9, repeats=repeats).recalled for k in range(4)]
    together = measure.recall_table(result, threshold=0.9, repeats=repeats).recalled
    np.testing.assert_allclose(together.values, np.mean(apart, axis=0))
    assert 0 < together.values[1] < together.values[2] < 1


def test_a_state_that_is_the_same_in_all_units_recalls_nothing():
    result = synthetic.result("spiking", recalled={1: 6, 2: 6, 5: 6})
    rates = result.mean_x.values.copy()
    rates[(result.step_phase == "recall").values & (result.step_item == 0).values] = 0.3
    table = measure.recall_table(Result(result.data.assign(mean_x=(("step", "unit"), rates))))
    assert table.score.sel(item=0).values.tolist() == [[0, 0]] * 3
    assert table.recalled.values == pytest.approx([5 / 6] * 3)


def test_targets_that_nothing_correlates_with_are_refused():
    result = synthetic.result("spiking")
    target = result.target.values.copy()
    target[4] = 1.0
    flat = Result(result.data.assign(target=(("item", "unit"), target)))
    with pytest.raises(ResultError, match="1 of the 6 patterns of 'target' tested are the same in all units"):
        measure.recall_table(flat)
    assert measure.recall_table(flat, score="overlap").score.shape == (3, 6, 2)


def test_tests_that_ended_before_their_average_are_no_misses():
    result = synthetic.result()
    rates = result.mean_x.values.copy()
    rates[np.flatnonzero(result.step_phase == "recall")[:5]] = np.nan
    early = Result(result.data.assign(mean_x=(("step", "unit"), rates)))
    with pytest.raises(ResultError, match="5 of the 36 steps of phase 'recall' have no average"):
        measure.recall_table(early)
