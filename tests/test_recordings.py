"""Recordings: every format gives the same rates, and what cannot be used is named."""

from __future__ import annotations

import re

import numpy as np
import pytest

from brainmem import Recording, ResultError, read_recording, surrogate

STEP = 0.02
RATES = surrogate(30, duration=4.0, step=STEP, width=0.3, seed=2).rates[0]


def table(path, values=RATES, *, header="time", times=None, separator=","):
    """Write a table of rates, with a column of times unless `header` is empty."""
    times = STEP * np.arange(len(values)) if times is None else times
    names = [f"cell{k}" for k in range(values.shape[1])]
    lines = [separator.join([header, *names])] if header else []
    for time, row in zip(times, values, strict=True):
        cells = [repr(float(value)) for value in row]
        lines.append(separator.join([repr(float(time)), *cells] if header else cells))
    path.write_text("\n".join(lines))
    return path


def same_rates(found):
    np.testing.assert_allclose(found.rates[0], RATES / RATES.max(axis=0), atol=1e-12)
    assert found.step == pytest.approx(STEP)
    assert found.dropped == {}
    return found


def test_every_source_gives_the_same_rates(tmp_path):
    np.save(tmp_path / "a.npy", RATES)
    np.savez(tmp_path / "timed.npz", rates=RATES, time=STEP * np.arange(len(RATES)))
    np.savez(tmp_path / "stepped.npz", rates=RATES, step=STEP)
    same_rates(read_recording(RATES, step=STEP))
    same_rates(read_recording(RATES.T, step=STEP, units_first=True))
    same_rates(read_recording(tmp_path / "a.npy", step=STEP))
    same_rates(read_recording(str(tmp_path / "timed.npz")))
    same_rates(read_recording(tmp_path / "stepped.npz"))
    assert same_rates(read_recording(table(tmp_path / "a.csv"))).units[:2] == ("cell0", "cell1")
    same_rates(read_recording(table(tmp_path / "b.csv", separator=";", header="t (s)")))
    milliseconds = 1e3 * STEP * np.arange(len(RATES))
    same_rates(read_recording(table(tmp_path / "c.csv", header="Time_ms", times=milliseconds)))
    same_rates(read_recording(table(tmp_path / "d.csv", header=""), step=STEP))


def test_a_neo_signal_brings_its_own_times():
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    signal = neo.AnalogSignal(RATES * pq.Hz, sampling_period=20 * pq.ms)
    same_rates(read_recording(signal))
    uneven = neo.IrregularlySampledSignal(STEP * np.arange(len(RATES)) * pq.s, RATES, units="Hz")
    same_rates(read_recording(uneven))


def test_trial_types_are_arrays_of_a_file_entries_of_a_list_or_the_first_axis(tmp_path):
    left, right = RATES, RATES[::-1].copy()
    np.savez(tmp_path / "both.npz", left=left, right=right, dt=STEP)
    found = [
        read_recording(tmp_path / "both.npz"),
        read_recording([left, right], step=STEP),
        read_recording(np.stack([left, right]), step=STEP),
        read_recording([table(tmp_path / "left.csv", left), table(tmp_path / "right.csv", right)]),
    ]
    for item in found:
        assert item.rates.shape == (2, 200, 30)
        np.testing.assert_allclose(item.rates, found[0].rates)
    assert "2 trial types" in str(found[0])
    with pytest.raises(ResultError, match=r"same units and as many samples: .*\(200, 30\), .*\(200, 29\)"):
        read_recording([left, right[:, 1:]], step=STEP)


def test_units_that_cannot_be_used_are_dropped_with_the_reason_and_the_others_stay(tmp_path):
    values = RATES.copy()
    values[50, 3] = np.nan
    values[:, 7] = 0.25
    values[10, 9] = -0.5
    found = read_recording(table(tmp_path / "a.csv", values))
    assert found.units == tuple(f"cell{k}" for k in range(30) if k not in (3, 7, 9))
    assert found.dropped["cell3"].startswith("1 of 200 values are NaN or infinite, the first at 1 s")
    assert found.dropped["cell7"] == "constant, 0.25 at all times"
    assert "1 values below 0, the lowest -0.5" in found.dropped["cell9"]
    assert all(f"dropped unit {name}: {why}" in str(found) for name, why in found.dropped.items())


@pytest.mark.parametrize(("negative", "start"), [("clip", 0.0), ("shift", 0.5)])
def test_negative_values_are_clipped_or_shifted_where_asked(negative, start):
    values = RATES.copy()
    values[:, 4] = np.linspace(-1, 1, len(values))
    found = read_recording(values, step=STEP, negative=negative)
    assert found.dropped == {}
    assert any("below 0 of 1 units" in note for note in found.notes)
    assert found.rates[0, 100, 4] == pytest.approx(start, abs=0.01)
    assert found.rates.min() == 0
    assert found.rates.max() == 1


def test_uneven_times_are_interpolated_and_noted(tmp_path):
    rng = np.random.default_rng(5)
    times = STEP * (np.arange(200) + rng.uniform(-0.3, 0.3, 200))
    smooth = 1.5 + np.sin(2 * np.pi * times[:, None] / 2 + np.arange(8))
    found = read_recording(table(tmp_path / "a.csv", smooth, times=times))
    assert any("interpolated" in note for note in found.notes)
    even = times[0] + found.step * np.arange(found.rates.shape[1])
    exact = 1.5 + np.sin(2 * np.pi * even[:, None] / 2 + np.arange(8))
    np.testing.assert_allclose(found.rates[0], exact / smooth.max(axis=0), atol=0.01)


def test_resampling_interpolates_between_samples_and_never_reads_beyond_the_last():
    ramp = np.linspace(0, 1, 101)[:, None] * np.ones(6)
    found = Recording(ramp[None], 0.01, tuple("abcdef"))
    fine = found.resampled(0.001)
    assert fine.shape == (1, 1000, 6)
    np.testing.assert_allclose(fine[0, :, 2], 0.001 * np.arange(1000), atol=1e-12)
    assert found.duration == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("nothing.csv", {}, "There is no file 'nothing.csv'"),
        (RATES, {}, "Give step="),
        (RATES, {"step": -1}, "step=-1 must be"),
        (RATES, {"step": STEP, "negative": "ignore"}, "choose one of drop, clip, shift"),
        (RATES[:12], {"step": STEP}, r"12 samples are too few; 20 are needed\. Set units_first=True"),
        (RATES[:, 0], {"step": STEP}, r"has shape \(time, unit\)"),
        (RATES[:, :3], {"step": STEP}, "3 of 3 units can be used, and 5 are needed"),
        (-RATES, {"step": STEP}, "0 of 30 units can be used.*unit 0: .* below 0.*and 25 more"),
        ("words", {"step": STEP}, "no file"),
        ([["a", "b"]], {"step": STEP}, "expected an array of numbers"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(source, options, said):
    with pytest.raises(ResultError, match=said):
        read_recording(source, **options)


def test_a_cell_that_is_no_number_is_named_by_line_and_column(tmp_path):
    path = table(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[2], "n/a?", 1)
    path.write_text("\n".join(lines))
    with pytest.raises(ResultError, match="1 cells are no numbers, the first is 'n/a\\?' in line 4, column 'cell1'"):
        read_recording(path)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (np.zeros(200), "times must ascend, and sample 1 has 0 s after 0 s"),
        (np.r_[STEP * np.arange(199), np.nan], "times must ascend, and sample 199 has nan s"),
    ],
)
def test_times_that_do_not_ascend_are_refused(tmp_path, times, said):
    with pytest.raises(ResultError, match=re.escape(said)):
        read_recording(table(tmp_path / "a.csv", times=times))


def test_a_step_that_contradicts_the_times_is_refused(tmp_path):
    with pytest.raises(ResultError, match=r"step=0\.5, but its times are 0\.02 s apart"):
        read_recording(table(tmp_path / "a.csv"), step=0.5)


def test_a_file_of_another_kind_and_one_with_several_shapes_are_refused(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"MATLAB")
    with pytest.raises(ResultError, match=r"ends in '\.mat'; recordings are read from \.npy, \.npz and \.csv"):
        read_recording(tmp_path / "a.mat")
    np.savez(tmp_path / "a.npz", one=RATES, two=RATES[:50])
    with pytest.raises(ResultError, match=r"arrays of one shape .* found one \(200, 30\), two \(50, 30\)"):
        read_recording(tmp_path / "a.npz")
    (tmp_path / "b.npy").write_bytes(b"broken")
    with pytest.raises(ResultError, match="cannot be read as numpy's format"):
        read_recording(tmp_path / "b.npy", step=1)
