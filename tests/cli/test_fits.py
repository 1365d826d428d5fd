"""The command that fits a recording: what it saves, in which order, and what it passes on."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from brainmem import RuleError, surrogate
from brainmem.cli import app
from brainmem.study import handover

QUICK = ["--set", "p=0.5", "--set", "tests=1", "--set", "passes=1"]


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """Write a table of two trials, and go to its folder."""
    monkeypatch.chdir(tmp_path)
    made = surrogate(12, duration=1.2, step=0.02, width=0.15, seed=1)
    rows = np.column_stack([0.02 * np.arange(60), np.repeat([1, 2], 30), made.rates[0]])
    header = ",".join(["time", "trial", *(f"cell{name}" for name in made.units)])
    np.savetxt("cells.csv", rows, delimiter=",", header=header, comments="")
    return tmp_path


@pytest.mark.slow
def test_a_fit_is_saved_before_cells_are_made_that_may_fail(cells, monkeypatch):
    def fails(*_, **__):
        raise RuleError("no cells today.")

    monkeypatch.setattr(handover, "in_spikes", fails)
    ended = CliRunner().invoke(app, ["fit", "cells.csv", "--spiking", "4", *QUICK])
    assert ended.exit_code == 1
    assert "no cells today." in ended.output
    assert "Saved fit" in ended.output
    assert {"fit.html", "report.txt", "result.nc", "rates.npz"} <= {file.name for file in (cells / "fit").iterdir()}


@pytest.mark.slow
def test_cells_are_saved_beside_the_fit(cells, monkeypatch):
    def made(fit, *, cells_per_unit):
        rates = fit.rates
        return handover.SpikingFit(fit, fit.result, cells_per_unit, np.array([[0.5, 0.7]]), rates, fit.interval)

    monkeypatch.setattr(handover, "in_spikes", made)
    ended = CliRunner().invoke(app, ["fit", "cells.csv", "--spiking", "4", *QUICK])
    assert ended.exit_code == 0, ended.output
    assert "spiking cells, 4 per unit: pVar 0.600" in ended.output
    assert (cells / "fit" / "spiking.txt").read_text().startswith("spiking cells, 4 per unit: pVar 0.600")
    assert (cells / "fit" / "spiking.nc").exists()


def test_options_on_trials_are_passed_on(cells):
    ended = CliRunner().invoke(app, ["fit", "cells.csv", "--holdout", "1", "--kinds", "go,go", *QUICK])
    assert ended.exit_code == 0, ended.output
    assert "of 1 trial held out" in ended.output
    ended = CliRunner().invoke(app, ["fit", "cells.csv", "--kinds", "side", *QUICK])
    assert ended.exit_code == 1
    assert "kinds='side' must hold one name for each trial" in " ".join(ended.output.split())
    for holdout, said in (("1.0", "holdout=1.0 must be a part"), ("2", "holdout=2 of 2 trials are too many")):
        ended = CliRunner().invoke(app, ["fit", "cells.csv", "--holdout", holdout, *QUICK])
        assert ended.exit_code == 1
        assert said in " ".join(ended.output.split())
