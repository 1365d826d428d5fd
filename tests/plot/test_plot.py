"""Figures: what they draw, that they leave matplotlib alone, and what they refuse."""

import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from brainmem import measure, plot
from brainmem.errors import ResultError
from brainmem.measure import recall_table
from brainmem.plot.style import VARIANTS
from brainmem.results.comparison import compare
from brainmem.results.result import Result
from tests.support import synthetic
from tests.support.figures import FIGURES, RATE, SEQUENCE, SPIKING, drawn


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_labelled_and_rendered(name):
    fig = FIGURES[name].draw()
    assert isinstance(fig, Figure)
    target = io.BytesIO()
    fig.savefig(target, format="svg")
    assert target.getvalue().count(b"<path") > 10
    if name not in ("digits", "claims", "raster"):
        assert any(axes.get_xlabel() for axes in fig.axes)
        assert any(axes.get_ylabel() for axes in fig.axes)


@pytest.mark.parametrize("name", FIGURES)
def test_no_figure_changes_matplotlibs_settings(name):
    before = dict(matplotlib.rcParams)
    FIGURES[name].draw()
    assert dict(matplotlib.rcParams) == before


def test_drawing_never_imports_pyplot():
    code = (
        "import sys; from brainmem import plot; from tests.support import synthetic; "
        "plot.weights(synthetic.result()).savefig('/dev/null', format='png'); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    folders = [str(path) for path in sys.path if path]
    assert subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {folders}; {code}"]).returncode == 0


def test_all_exported_figures_are_tested():
    assert set(FIGURES) == set(plot.__all__)


def check_data(found, wanted):
    """Compare what panels hold with what they have to, kind by kind."""
    assert [{kind: len(items) for kind, items in panel.items()} for panel in found] == [
        {kind: len(items) for kind, items in panel.items()} for panel in wanted
    ]
    for number, (panel, expected) in enumerate(zip(found, wanted, strict=True)):
        for kind, arrays in expected.items():
            for array, other in zip(panel[kind], arrays, strict=True):
                np.testing.assert_allclose(array, other, rtol=1e-9, atol=1e-12, err_msg=f"panel {number}, {kind}")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_the_numbers_of_its_source(name):
    example = FIGURES[name]
    found, wanted = drawn(example.draw()), example.panels()
    check_data(found, wanted)
    for panel, kind in [(each, kind) for each in found for kind in each]:  # and the check sees each of them
        whole = panel[kind]
        panel[kind] = [0 * array for array in whole]
        with pytest.raises(AssertionError, match=kind):
            check_data(found, wanted)
        panel[kind] = whole


def test_the_recall_curve_draws_the_mean_over_seeds_of_each_variant():
    rates = [synthetic.result("rate", seed, recalled={1: 0, 2: seed, 5: 6}) for seed in (0, 3)]
    axes = plot.recall_curve([*SPIKING, *rates]).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.lines if not line.get_label().startswith("_")}
    assert list(lines) == ["rate: overlap > 0.85 (2 seeds)", "spiking: Pearson r > 0.9 (3 seeds)"]
    assert lines["rate: overlap > 0.85 (2 seeds)"] == pytest.approx([0, 0.25, 1])
    colours = [line.get_color() for line in axes.lines if line.get_label().startswith("rate")]
    assert colours == [VARIANTS["rate"]["color"]]


def test_overlaps_draw_every_learning_step_and_every_map():
    left, right = plot.overlaps(RATE[0]).axes
    assert left.lines[0].get_ydata() == pytest.approx(RATE[0].select(phase="learn").overlap.values)
    assert len(right.lines[0].get_ydata()) == 3 * synthetic.ITEMS * synthetic.STARTS  # each test counts


def test_the_raster_shows_only_spikes_in_its_window():
    _, axes = plot.raster(SPIKING[0], start=0.5, stop=0.75).axes
    times = axes.collections[0].get_offsets()[:, 0]
    wanted = (SPIKING[0].spike_time.values >= 0.5) & (SPIKING[0].spike_time.values <= 0.75)
    assert len(times) == wanted.sum()
    assert axes.get_ylabel() == "cell"


def test_weights_show_norms_and_index_of_each_snapshot():
    result = RATE[0]
    panels = {axes.get_title(loc="left"): axes for axes in plot.weights(result).axes}
    assert {"before learning", "epoch 5"} <= set(panels)
    assert panels["row norm |Jᵢ|"].lines[0].get_ydata() == pytest.approx(
        np.linalg.norm(result.recurrent_w.values, axis=2).mean(axis=1)
    )
    assert len(panels["decorrelation index R"].lines[0].get_ydata()) == 3


def test_weights_without_stimuli_are_drawn_without_the_index():
    bare = Result(RATE[0].data.drop_vars(["cue", "target"]))
    assert "decorrelation index R" not in {axes.get_title(loc="left") for axes in plot.weights(bare).axes}


def test_the_comparison_draws_the_measured_slope():
    panels = plot.comparison(compare(RATE[0], SPIKING[0])).axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "rates, learn",
        "rates, recall",
        "weight changes, recurrent_w",
    ]
    assert "slope = 0.800" in panels[-1].texts[0].get_text()


def test_failed_claims_are_hollow_and_the_paper_is_drawn_where_it_has_a_number():
    first, second, third, last = plot.claims(synthetic.claims()).axes
    faces = [line.get_markerfacecolor() for line in second.lines if line.get_marker() == "s"]
    assert faces == ["white"]
    assert [line.get_marker() for line in first.lines].count("D") == 1
    assert [line.get_marker() for line in second.lines].count("D") == 0
    assert third.patches[0].get_x() == pytest.approx(0.3)
    assert third.patches[1].get_x() == pytest.approx(0.1)
    assert not last.lines
    assert not last.patches


def test_digits_need_pictures_of_one_size():
    with pytest.raises(ResultError, match="do not fill pictures"):
        plot.digits(np.ones((2, 10)), None, None, np.ones((2, 10)))
    with pytest.raises(ResultError, match="one size"):
        plot.digits(np.ones((2, 9)), None, None, np.ones((3, 9)))
    assert len(plot.digits(np.ones((2, 10)), None, None, np.ones((2, 10)), shape=(2, 5)).axes) == 4


@pytest.mark.parametrize(
    ("unit", "factor", "label"),
    [
        (None, 1.0, "current (threshold - reset)"),
        ("1", 1.0, "input"),
        ("amp", 1e-10, "input (pA)"),
        ("metre**-2*kilogram**-1*second**3*amp**2", 1e-9, "input (nS)"),
        ("metre**2*kilogram*second**-3*amp**-1", 1e-2, "input (mV)"),
        ("hertz", 1e3, "input (kHz)"),
        ("metre**-2*amp", 1e-2, "input (m^-2 A)"),
        ("amp", 0.0, "input (A)"),
    ],
)
def test_the_input_of_an_own_cell_has_its_unit_on_the_axis(unit, factor, label):
    report = synthetic.calibration() | ({} if unit is None else {"unit": unit})
    shown = np.array(report["current"])
    report["current"] = (factor * shown).tolist()
    axes = plot.fi_curve(report).axes[0]
    assert axes.get_xlabel() == label
    scale = {"input (pA)": 100, "input (mV)": 10, "input (m^-2 A)": 1e-2, "input (A)": 0}.get(label, 1)
    np.testing.assert_allclose(axes.lines[0].get_xdata(), scale * shown, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.raster(synthetic.result()), r"no variable 'spike_time'.*record=\('spikes',\)"),
        (lambda: plot.raster(SPIKING[0], start=2, stop=1), "0 <= start < stop"),
        (lambda: plot.rates(RATE[0], units=(99,)), "no unit 99; the trace has units 0"),
        (lambda: plot.rates([]), "no result to plot"),
        (lambda: plot.weights(Result(RATE[0].data.drop_vars("recurrent_w"))), r"record=\('weights',\)"),
        (lambda: plot.fi_curve({}), "lacks current, rate, rate_max"),
        (lambda: plot.claims([]), "no claim to plot"),
        (
            lambda: plot.recall_curve([RATE[0], synthetic.result(parameters={"gamma": {"value": 9, "unit": "1"}})]),
            "differ in their parameters",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ResultError, match=message):
        call()


def with_trials(result, count=3):
    """Return a result whose traces and spikes are of several trials, each with another sign and other cells."""
    signs = np.where(np.arange(count) % 2, -1, 1)[None, :, None]
    trial = np.arange(result.spike_cell.size) % count
    data = result.data.drop_vars("x").assign(
        x=(("time", "trial", "unit"), signs * result.x.values[:, None]), spike_trial=("spike", trial)
    )
    return Result(data)


def test_rates_and_spikes_are_drawn_of_one_trial():
    many = [with_trials(result) for result in (RATE[0], SPIKING[0])]
    for trial, sign in ((0, 1), (1, -1)):
        axes = plot.rates(many, units=(5,), trial=trial).axes[0]
        for line, result in zip(axes.lines, (RATE[0], SPIKING[0]), strict=True):
            assert line.get_ydata() == pytest.approx(sign * result.x.values[:, 5])
        assert axes.get_title(loc="left").endswith(f"trial {trial}")
    strip, axes = plot.raster(many[1], trial=2).axes
    assert len(axes.collections[0].get_offsets()) == np.count_nonzero(many[1].spike_trial == 2)
    assert "trial 2" in strip.get_title(loc="left")
    with pytest.raises(ResultError, match=r"no trial 3\. It has trials 0 to 2"):
        plot.raster(many[1], trial=3)
    with pytest.raises(ResultError, match=r"no trial 1\. It has no trials: it was run without trials="):
        plot.rates(RATE[0], trial=1)


def test_recall_figures_count_every_trial():
    result = synthetic.of_trials(RATE[0], 4)
    [axes] = plot.recall_curve(result).axes
    assert axes.lines[0].get_ydata() == pytest.approx(recall_table(result).recalled.values)
    [left, right] = plot.overlaps(Result(result.data.assign(overlap=result.mean_x.mean("unit")))).axes
    assert len(right.lines[0].get_ydata()) == 3 * synthetic.ITEMS * synthetic.STARTS * 4
    assert len(left.lines) >= 4


def test_the_points_at_recall_are_what_counts():
    result = synthetic.of_trials(SPIKING[0], 3)
    scores = recall_table(result).score.values
    [_, axes] = plot.overlaps(result, observable="step_duration").axes
    assert axes.lines[0].get_ydata() == pytest.approx(scores.mean(axis=2).ravel())
    assert axes.get_title(loc="left") == "at recall, each item (mean of its tests)\nrecalled: Pearson r > 0.9"
    [_, axes] = plot.overlaps(result, observable="step_duration", repeats="each", score="overlap").axes
    assert axes.get_title(loc="left") == "at recall, each test\nrecalled: overlap > 0.9"
    assert axes.lines[0].get_ydata() == pytest.approx(recall_table(result, score="overlap").score.values.ravel())


def test_pvars_of_trials_are_drawn_with_their_mean():
    table = np.array([[0.1, 0.3], [0.8, 0.6], [0.9, 0.1]])
    lines = plot.pvar_of_tests({"noisy": table}).axes[0].lines
    assert [line.get_ydata().tolist() for line in lines[:2]] == table.T.tolist()
    assert lines[2].get_ydata() == pytest.approx([0.2, 0.7, 0.5])
    assert lines[3].get_xdata().tolist() == [2]


def test_sequences_are_sorted_by_the_centre_of_mass_of_the_first():
    shuffled = SEQUENCE[:, np.random.default_rng(2).permutation(30)]
    first, second = (axes.images[0].get_array() for axes in plot.sequences(shuffled, shuffled).axes[:2])
    peaks = np.asarray(first).argmax(axis=1)
    assert np.all(np.diff(peaks) >= 0)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: plot.sequences(SEQUENCE, SEQUENCE[:, :4]), "of the same units"),
        (lambda: plot.sequences(np.ones(5)), r"\(time, unit\)"),
        (lambda: plot.pvar_curve([0.1, 0.2], {"a": [0.5]}), "'a' has"),
    ],
)
def test_figures_of_sequences_refuse_arrays_that_do_not_fit(draw, said):
    with pytest.raises(ResultError, match=said):
        draw()


def test_units_without_data_are_counted_and_not_drawn():
    rng = np.random.default_rng(0)
    targets = rng.random((2, 30, 6))
    rates = targets + 0.2 * rng.random((2, 30, 6))
    targets[..., 2], targets[..., 4] = np.nan, 0.5
    shares = measure.unit_pvar(targets, rates)
    fig = plot.unit_fits(targets, rates, names=tuple("abcdef"))
    axes = fig.axes[0]
    assert axes.get_title(loc="left") == "units (2 without data)"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.sort(shares[np.isfinite(shares)])[::-1])
    best, worst = "abcdef"[int(np.nanargmax(shares))], "abcdef"[int(np.nanargmin(shares))]
    assert fig.axes[1].get_title(loc="left") == f"best: unit {best}, pVar {np.nanmax(shares):.2f}"
    assert fig.axes[3].get_title(loc="left") == f"worst: unit {worst}, pVar {np.nanmin(shares):.2f}"
    np.testing.assert_array_equal(fig.axes[1].lines[0].get_ydata(), targets[0, :, "abcdef".index(best)])
    with pytest.raises(ResultError, match="hold no unit that changes"):
        plot.unit_fits(np.full((5, 2), np.nan), np.ones((5, 2)))
