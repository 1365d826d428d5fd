"""The fraction recalled of a run is the same number wherever it is shown: table, figures, comparison, report, demo."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from brainmem import compare, get_model, measure, plot, simulate, write_report
from brainmem.cli.study import _print_recall
from brainmem.models import get_claims
from brainmem.study import demo

VARIANTS = ("rate", "spiking")
QUICK = {"M": 20, "epochs": 5, "test_epochs": (1, 2, 5), "starts": 1}
SHOWN = {"rate": "overlap > 0.85", "spiking": "Pearson r > 0.85"}


@pytest.fixture(scope="module")
def runs():
    """One run of each variant; the other score would give the spiking one another number."""
    found = {variant: simulate("kurikawa2020", variant, parameters=QUICK, seed=0) for variant in VARIANTS}
    assert not np.allclose(table(found["spiking"]), measure.recall_table(found["spiking"], score="overlap")["recalled"])
    return found


def table(result) -> np.ndarray:
    return measure.recall_table(result)["recalled"].values


def by_hand(result) -> list[float]:
    """Return the fraction of maps recalled after each tested epoch, in plain numpy."""
    found = []
    for epoch in QUICK["test_epochs"]:
        tests = (result.step_phase.values == "recall") & (result.step_epoch.values == epoch)
        rates, targets = result.mean_x.values[tests], result.target.values[result.step_item.values[tests]]
        scores = [
            np.mean(x * t) if result.variant == "rate" else np.corrcoef(x, t)[0, 1]
            for x, t in zip(rates, targets, strict=True)
        ]
        found.append(np.mean(np.array(scores) > 0.85))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_table_is_what_the_paper_would_count(runs, variant):
    assert table(runs[variant]) == pytest.approx(by_hand(runs[variant]))


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_figure_shows_the_numbers_of_the_table(runs, variant):
    axes = plot.recall_curve(list(runs.values())).axes[0]
    [line] = [line for line in axes.lines if line.get_label() == f"{variant}: {SHOWN[variant]} (1 seed)"]
    assert line.get_xdata().tolist() == list(QUICK["test_epochs"])
    assert line.get_ydata() == pytest.approx(table(runs[variant]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_as_many_points_lie_above_the_line_as_the_table_counts(runs, variant):
    [_, axes] = plot.overlaps(runs[variant]).axes
    scores = axes.lines[0].get_ydata().reshape(len(QUICK["test_epochs"]), -1)
    threshold = axes.lines[-1].get_ydata()[0]
    assert (scores > threshold).mean(axis=1) == pytest.approx(table(runs[variant]))
    assert axes.get_title(loc="left").splitlines() == ["at recall, each item", f"recalled: {SHOWN[variant]}"]
    assert axes.get_ylabel() == {"rate": "overlap with target", "spiking": "Pearson r with target"}[variant]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_comparison_and_the_report_show_the_numbers_of_the_table(runs, variant, tmp_path):
    comparison = compare(*runs.values())
    page = write_report(tmp_path / "page.html", title="x", comparison=comparison, figures={}).read_text("utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for epoch, wanted in zip(QUICK["test_epochs"], table(runs[variant]), strict=True):
        assert comparison.get(f"recalled_{variant}", epoch=epoch).mean == pytest.approx(wanted)
        cells = re.search(rf"epochs learned .*? {epoch} ([\d.]+) ([\d.]+) -?[\d.]+ ", text)
        assert float(cells[1 + VARIANTS.index(variant)]) == pytest.approx(wanted, abs=5e-4)
    assert f"{variant}: {SHOWN[variant].replace('>', '&gt;')}" in text
    assert "recalled: overlap > 0.85 (rate), Pearson r > 0.85 (spiking)" in str(comparison)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_demonstration_and_the_command_line_show_the_numbers_of_the_table(runs, variant, capsys):
    shown = demo._digit_table({("random to random", 20, variant): runs[variant]})
    text = io.StringIO()
    Console(file=text, width=120).print(shown)
    assert SHOWN[variant] in text.getvalue()
    wanted = [f"{value:.2f}" for value in table(runs[variant])]
    assert re.findall(r"\d\.\d\d", text.getvalue().rsplit("random to random")[-1]) == wanted
    _print_recall(runs[variant])
    said = capsys.readouterr().out
    assert re.findall(r"recalled after epoch \d+: (\d\.\d\d) \((.*)\)", said) == [(v, SHOWN[variant]) for v in wanted]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_claims_count_by_the_criterion_of_the_model(runs, variant, monkeypatch):
    from brainmem.claims import Experiment, findings

    experiment = Experiment(get_model("kurikawa2020"), variant=variant)
    monkeypatch.setattr(Experiment, "trained", lambda self, seed, **parameters: runs[variant])
    capacity = next(claim for claim in get_claims("kurikawa2020") if claim.key == "C1")
    found = {finding.quantity: finding.values for finding in findings(capacity, experiment)}
    assert found["recalled, M=20, n=5"] == pytest.approx([table(runs[variant])[-1]] * 2)
