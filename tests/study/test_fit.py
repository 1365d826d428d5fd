"""Fits of recorded activity: the network repeats it, and its numbers belong to the recording's units."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from brainmem import Result, ResultError, RuleError, fit, measure, read_recording, surrogate
from brainmem.cli import app

SHORT = {"p": 0.5, "tests": 3}


@pytest.fixture(scope="module")
def recording():
    """Forty units in a random order, one of which cannot be used."""
    made = surrogate(40, duration=2.0, step=0.02, width=0.15, bvar=0.7, seed=1)
    rates = made.rates[0][:, np.random.default_rng(4).permutation(40)]
    rates[:, 11] = 0.5
    return read_recording(rates, step=0.02)


@pytest.fixture(scope="module")
def fitted(recording):
    return fit(recording, parameters=SHORT, seed=3)


@pytest.mark.slow
def test_the_network_repeats_the_recording_unit_by_unit(recording, fitted):
    assert fitted.rates.shape[2] == 39
    assert fitted.pvar > 0.7
    wanted = recording.resampled(fitted.interval)[0]
    found = fitted.rates[0][: len(wanted)]
    assert measure.pvar(wanted[: len(found)], found) == pytest.approx(fitted.pvar, abs=0.03)
    shuffled = found[:, np.random.default_rng(1).permutation(39)]
    assert measure.pvar(wanted[: len(found)], shuffled) < 0.2


@pytest.mark.slow
def test_the_plastic_units_are_a_random_part_of_the_recording(fitted):
    assert sorted(fitted.order) == list(range(39))
    assert fitted.weights["plastic"].shape == (39, 20)
    assert abs(np.corrcoef(fitted.order, np.arange(39))[0, 1]) < 0.5
    np.testing.assert_allclose(fitted.result.R.values[0], fitted.recording.resampled(0.001)[0][:, fitted.order])


def test_the_fit_says_what_was_dropped_and_how_good_it_is(fitted, tmp_path):
    text = str(fitted)
    assert "dropped unit 11: constant, 0.5 at all times" in text
    assert f"pVar {fitted.pvar:.3f} in test {fitted.best} of 3" in text
    folder = fitted.save(tmp_path / "fit")
    assert {file.name for file in folder.iterdir()} == {
        "fit.html", "rates.npz", "report.txt", "result.nc", "sequences.png", "training.png", "units.png",
    }  # fmt: skip
    assert (folder / "report.txt").read_text() == f"{text}\n"
    with np.load(folder / "rates.npz") as saved:
        np.testing.assert_array_equal(saved["rates"], fitted.rates)
        assert "11" not in saved["units"]
    assert Result.load(folder / "result.nc").seed == 3


def test_two_trial_types_are_learned_by_one_network():
    # As many units as above, so that the program is the same.
    first = surrogate(39, duration=1.5, step=0.02, width=0.15, bvar=0.9, seed=1).rates[0]
    found = fit(np.stack([first, first[:, ::-1]]), parameters={"p": 0.5, "tests": 4}, step=0.02)
    assert found.rates.shape[0] == 2
    assert len(found.tests) == 4
    assert found.pvar > 0.6


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"parameters": {"N": 10}}, RuleError, "N=10 is decided by the recording"),
        ({"parameters": {"T": 1}}, RuleError, "T=1 is decided by the recording"),
        ({"target": "place"}, RuleError, "target='place' must be a stimulus with frames; those are R, h"),
        ({"model": "rajan2016/choice"}, RuleError, "onset are drawn from the same numbers as 'R'"),
        ({"stepp": 0.1}, RuleError, "no argument 'stepp'. Did you mean 'step'"),
        ({"model": "kurikawa2020"}, RuleError, "'R' must be a stimulus with frames; those are none"),
        ({"step": 0.1}, RuleError, "step concerns reading, and the recording has been read already"),
    ],
)
def test_what_cannot_be_fitted_is_refused(recording, options, error, said):
    with pytest.raises(error, match=said):
        fit(recording, **options)


@pytest.mark.slow
def test_the_command_fits_a_table_and_writes_a_folder(recording, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.column_stack([0.02 * np.arange(100), recording.rates[0]])
    np.savetxt("cells.csv", rows, delimiter=",", header=",".join(["time", *recording.units]), comments="")
    lines = [f"{name},{'left' if k < 20 else 'right'}" for k, name in enumerate(recording.units)]
    (tmp_path / "regions.csv").write_text("\n".join(["unit,region", *lines]))
    given = ["--set", "p=0.5", "--set", "tests=3", "--seed", "3", "--regions", "regions.csv"]
    ended = CliRunner().invoke(app, ["fit", "cells.csv", *given])
    assert ended.exit_code == 0, ended.output
    assert "regions: left (20 units), right (19 units)" in ended.output
    assert "<h2>Regions</h2>" in (tmp_path / "fit" / "fit.html").read_text()
    assert "39 units, 100 samples every 0.02 s" in ended.output
    assert "pVar 0." in ended.output
    assert (tmp_path / "fit" / "sequences.png").stat().st_size > 10_000


def test_the_command_says_what_is_wrong_with_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("cells.csv", np.ones((50, 12)), delimiter=",")
    ended = CliRunner().invoke(app, ["fit", "cells.csv"])
    assert ended.exit_code == 1
    assert "Give step=" in ended.output
    ended = CliRunner().invoke(app, ["fit", "cells.csv", "--step", "0.1"])
    assert ended.exit_code == 1
    assert "0 of 12 units can be used" in ended.output
    for option, value in (("--resets", "a,b"), ("--holdout", "some")):
        ended = CliRunner().invoke(app, ["fit", "cells.csv", "--step", "0.1", option, value])
        assert ended.exit_code == 1
        assert f"{option} {value!r}" in ended.output
    assert not (tmp_path / "fit").exists()


def test_a_recording_that_cannot_be_read_is_refused_before_anything_runs():
    with pytest.raises(ResultError, match="samples are too few"):
        fit(np.ones((5, 5)), step=0.1)


def test_a_phase_that_learns_is_no_test_and_a_recording_lasts_longer_than_a_frame(recording):
    short = {"p": 0.5, "tests": 1, "passes": 2}
    with pytest.raises(RuleError, match=r"test='learn' must run once for each trial type .* it ran 2 times"):
        fit(recording, test="learn", parameters=short)
    with pytest.raises(RuleError, match=r"lasts 0\.00198 s, less than two frames"):
        fit(recording.rates[0], step=2e-5)
