"""Runs of one protocol of several: the numbers of a model that holds nothing else, and what results know of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from brainmem import (
    Device,
    Result,
    ResultError,
    RuleError,
    Spiking,
    Sweep,
    arrays,
    compare,
    explain,
    freeze,
    get_model,
    script,
    simulate,
    sweep,
    translate,
    verify,
)
from brainmem.claims import Row, near
from brainmem.cli import app
from brainmem.model.claim import Claim
from brainmem.study.claims import Experiment
from brainmem.study.tables import findings
from tests.support.protocol_models import BY_HAND, SPINS, SPINS_BY_HAND, WHOLE

NUMPY = Device("runtime", target="numpy")
POISSON = Spiking(neuron="poisson")


def equal(one: Result, other: Result) -> None:
    assert list(one.data) == list(other.data)
    for name in one.data:
        np.testing.assert_array_equal(one[str(name)].values, other[str(name)].values, err_msg=str(name))


@pytest.mark.parametrize("name", BY_HAND)
def test_a_run_has_the_numbers_of_a_model_that_holds_nothing_else(name):
    run = simulate(WHOLE, protocol=name, seed=2, device=NUMPY, record=("weights", "x"))
    equal(run, simulate(BY_HAND[name], seed=2, device=NUMPY, record=("weights", "x")))
    assert run.protocol == name
    assert not np.array_equal(run.recurrent_w[0], run.recurrent_w[-1])


@pytest.mark.slow
def test_spikes_and_compiled_programs_too():
    for device, variant in ((NUMPY, POISSON), (Device(), "rate")):
        run = simulate(WHOLE, variant, protocol="dream", seed=2, device=device)
        equal(run, simulate(BY_HAND["dream"], variant, seed=2, device=device))


@pytest.mark.parametrize("name", SPINS_BY_HAND)
@pytest.mark.parametrize("device", [NUMPY, pytest.param(Device(), marks=pytest.mark.full)], ids=str)
def test_units_visited_one_at_a_time_draw_no_random_numbers_where_nothing_is_hot(name, device):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(20, 20))
    w = w + w.T - 2 * np.diag(np.diag(w))
    options = {"seed": 4, "device": device, "weights": {"fields": w}, "record": ("weights", "S")}
    run = simulate(SPINS, protocol=name, **options)
    equal(run, simulate(SPINS_BY_HAND[name], **options))
    assert np.isfinite(run.S.values).all()
    if name == "dreams":  # each fell into a fixed point
        assert (run.flips.values == 0).all()
    else:
        np.testing.assert_array_equal(run.fields_w[0], run.fields_w[-1])


def test_every_door_takes_a_protocol():
    model, name = WHOLE, "dream"
    alone = model.with_protocol(name)
    assert script(model, protocol=name) == str(translate(alone)) == str(translate(model, protocol=name))
    given = arrays(model, protocol=name, device=NUMPY)
    assert given.keys() == arrays(alone, device=NUMPY).keys() != arrays(model, device=NUMPY).keys()
    assert "forgetting" in explain(model, POISSON, protocol=name, measured=False)
    assert "forgetting" not in explain(model, POISSON, measured=False)
    doors = (simulate, arrays, script, explain, lambda *args, **more: verify(*args, seeds=1, **more))
    for door in (*doors, lambda *args, **more: sweep(*args, store="never", **more)):
        with pytest.raises(RuleError, match=r"no protocol 'drem'.*Did you mean 'dream'"):
            door(model, protocol="drem")
        with pytest.raises(RuleError, match=r"protocol='dream': it has one protocol, without a name"):
            door("kurikawa2020", protocol="dream")


@pytest.mark.full
def test_one_protocol_is_verified():
    found = verify(WHOLE, POISSON, protocol="scaling", seeds=1, device=NUMPY, cells_per_unit=(1,), items=1)
    assert {row.rule for row in found.rows} == {"norm"}


def test_what_is_given_for_parts_that_are_left_out_is_noted():
    w, x = np.full((12, 12), 0.1) * ~np.eye(12, dtype=bool), np.linspace(-1, 1, 12)
    given = {"parameters": {"tiny": 1e-6, "gain": 2.0}, "initial": {"units.x": x}, "weights": {"recurrent": w}}
    run = simulate(WHOLE, protocol="wake", device=NUMPY, **given)
    assert "parameters= gives tiny, which nothing in the protocol 'wake' uses" in run.notes
    assert (run.parameter("tiny"), run.parameter("gain")) == (1e-6, 2.0)
    np.testing.assert_array_equal(run.recurrent_w[0], w)
    recall = freeze(WHOLE, "show", items=1)
    run = simulate(recall, device=NUMPY, weights={"recurrent": w}, initial={"units.u": x})
    assert "weights= gives recurrent, which nothing in its phases uses" in run.notes
    assert "initial= gives units.u, which nothing in its phases uses" in run.notes
    assert "recurrent_w" not in run
    with pytest.raises(RuleError, match="has no projection with start weights 'recurent'"):
        simulate(WHOLE, device=NUMPY, weights={"recurent": w})


def test_what_is_left_out_cannot_be_recorded():
    said = r"record='u'.*, as nothing in its protocol 'wake' needs the variable units\.u,.*units\.x"
    with pytest.raises(RuleError, match=said):
        simulate(WHOLE, protocol="wake", device=NUMPY, record=("u",))
    with pytest.raises(RuleError, match="as nothing in its phases needs the gate plastic,"):
        simulate(freeze(get_model("kurikawa2020"), "recall"), parameters={"N": 8, "M": 1}, device=NUMPY,
                 record=("plastic",))  # fmt: skip


def test_results_keep_the_protocol_and_those_of_two_are_not_compared(tmp_path):
    runs = {name: simulate(WHOLE, "rate", protocol=name, device=NUMPY) for name in ("dream", "scaling")}
    spikes = simulate(WHOLE, POISSON, protocol="dream", device=NUMPY)
    assert Result.load(runs["dream"].save(tmp_path / "run.nc")).protocol == "dream"
    assert "protocol 'dream'" in repr(runs["dream"])
    assert compare(runs["dream"], spikes).model == "rates"
    with pytest.raises(ResultError, match=r"of two protocols: protocol 'scaling' and protocol 'dream'\. Run both"):
        compare(runs["scaling"], spikes)
    bare = Result(runs["dream"].data.assign_attrs(protocol=""))
    with pytest.raises(ResultError, match="no named one and protocol 'dream'"):
        compare(bare, spikes)
    without = runs["dream"].data.copy()
    del without.attrs["protocol"]  # a file of an earlier version
    assert Result(without).protocol == ""


def test_protocols_are_swept_as_an_axis(tmp_path):
    options = {"device": NUMPY, "jobs": 1, "store": tmp_path / "both", "seeds": 2}
    first = sweep(WHOLE, protocol=["wake"], parameters={"gain": [1.0, 2.0]}, **options)
    assert first.axes == {"protocol": ["wake"], "gain": [1.0, 2.0], "seed": [0, 1]}
    found = sweep(WHOLE, protocol=["wake", "dream"], parameters={"gain": [1.0, 2.0]}, **options)
    assert len(found.finished) == 8
    assert {point.parameters["protocol"] for point in found.points} == {"wake", "dream"}
    assert Sweep.load(tmp_path / "both").axes == found.axes
    activity = found.dataset(lambda result: float(result.activity[-1]))
    assert activity.dims == ("protocol", "gain", "seed")
    alone = simulate(WHOLE, protocol="dream", parameters={"gain": 2.0}, seed=1, device=NUMPY)
    assert float(activity.sel(protocol="dream", gain=2.0, seed=1)) == float(alone.activity[-1])
    with pytest.raises(RuleError, match="no protocol 'drem'"):
        sweep(WHOLE, protocol=["wake", "drem"], **options)
    with pytest.raises(RuleError, match="the protocol is given twice"):
        sweep(WHOLE, protocol="wake", parameters={"protocol": "dream"}, **options)


def test_a_sweep_of_one_protocol_and_points_that_name_theirs(tmp_path):
    options = {"device": NUMPY, "jobs": 1}
    one = sweep(WHOLE, protocol="dream", parameters={"tiny": 1e-6}, store=tmp_path / "one", **options)
    (run,) = one.results()
    assert (run.protocol, one.axes) == ("dream", {"seed": [0]})
    with pytest.raises(ResultError, match=r"holds another sweep.*protocol: dream there, wake now"):
        sweep(WHOLE, store=tmp_path / "one", **options)
    points = [{"protocol": "wake", "tiny": 1e-6}, {"protocol": "scaling"}]
    listed = sweep(WHOLE, parameters=points, store=tmp_path / "listed", **options)
    assert [result.protocol for result in listed.results()] == ["wake", "scaling"]
    assert "parameters= gives tiny" in str(next(listed.results()).notes)


def test_claims_run_the_protocol_of_their_points():
    claim = Claim(
        "C1",
        "Weights change",
        points={"protocol": ["wake", "dream"], "gain": 1.0},
        quantity="steps in {protocol}",
        expected={"wake": near(6, 0.1), "dream": near(8, 0.1)},
        measure=lambda result: result.data.sizes["step"],
    )
    experiment = Experiment(WHOLE, device=NUMPY)
    assert [finding.passed for finding in findings(claim, experiment)] == [True, True]
    assert experiment.trained(0, gain=1.0) is experiment.trained(0, protocol="wake", gain=1.0)
    again = experiment.again(experiment.trained(0, gain=1.0), WHOLE, protocol="dream")
    np.testing.assert_array_equal(again.recurrent_w[0], experiment.trained(0, gain=1.0).recurrent_w[-1])
    row = Claim("C2", "On another model", rows=(Row("steps", None, measure=lambda r: r.data.sizes["step"]),),
                model=WHOLE, points={"protocol": "scaling"})  # fmt: skip
    assert findings(row, Experiment(get_model("kurikawa2020"), device=NUMPY))[0].values == (2.0,)


MODEL = """
from tests.support.protocol_models import WHOLE as model
"""


def test_the_command_line_runs_and_shows_protocols(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.py").write_text(MODEL)

    def said(*words: str) -> str:
        done = CliRunner().invoke(app, [*words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "Protocol dream" in said("show", "mine")
    assert "\nRule hebb" not in said("show", "mine", "--protocol", "dream")
    assert "forgetting" in said("show", "mine", "--protocol", "dream", "--variant", "rate")
    runtime = ("--device", "runtime:numpy")
    assert "protocol dream" in said("run", "mine", "--protocol", "dream", "--no-report", *runtime)
    assert Result.load(tmp_path / "mine-dream-rate-seed0.nc").protocol == "dream"
    assert "forgetting" in said("explain", "mine", "--protocol", "dream", "--no-measure", *runtime)
    swept = said("sweep", "mine", "--protocol", "wake,dream", "--jobs", "1", *runtime)
    assert "wake" in swept
    assert Sweep.load(tmp_path / "mine-wake-dream-rate-sweep").axes["protocol"] == ["dream", "wake"]
    assert "protocols" in said("list")
    wrong = CliRunner().invoke(app, ["run", "mine", "--protocol", "drem", *runtime])
    assert wrong.exit_code != 0
    assert json.loads(Result.load(tmp_path / "mine-dream-rate-seed0.nc").data.attrs["notes"]) == []
