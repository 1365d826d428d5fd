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
    with pytest.raises(ResultError, match=r"same units: .*\(200, 30\), .*\(200, 29\)"):
        read_recording([left, right[:, 1:]], step=STEP)


def test_units_that_cannot_be_used_are_dropped_with_the_reason_and_the_others_stay(tmp_path):
    values = RATES.copy()
    values[50, 3] = np.nan
    values[:, 7] = 0.25
    values[10, 9] = -0.5
    found = read_recording(table(tmp_path / "a.csv", values), negative="drop", missing="drop")
    assert found.units == tuple(f"cell{k}" for k in range(30) if k not in (3, 7, 9))
    assert found.dropped["cell3"].startswith("1 of 200 values is NaN or infinite, the first at 1 s")
    assert found.dropped["cell7"] == "constant, 0.25 at all times"
    assert "1 value below 0, the lowest -0.5" in found.dropped["cell9"]
    assert all(f"dropped unit {name}: {why}" in str(found) for name, why in found.dropped.items())


@pytest.mark.parametrize(("negative", "start"), [("clip", 0.0), ("shift", 0.5)])
def test_negative_values_are_clipped_or_shifted_where_asked(negative, start):
    values = RATES.copy()
    values[:, 4] = np.linspace(-1, 1, len(values))
    found = read_recording(values, step=STEP, negative=negative)
    assert found.dropped == {}
    assert any("below 0 of 1 unit were" in note for note in found.notes)
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
        (RATES, {"step": STEP, "negative": "ignore"}, "choose one of keep, drop, clip, shift"),
        (RATES[:12], {"step": STEP}, r"12 samples are too few; 20 are needed\. Set units_first=True"),
        (RATES[:, 0], {"step": STEP}, r"has shape \(time, unit\)"),
        (RATES[:, :3], {"step": STEP}, "3 of 3 units can be used, and 5 are needed"),
        (-RATES, {"step": STEP, "negative": "drop"}, "0 of 30 units can be used.*unit 0: .* below 0.*and 25 more"),
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
    with pytest.raises(ResultError, match=r"a\.csv', line 4, column 'cell1': 'n/a\?' is no number\. Leave cells"):
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


TABLES = {
    "spaces, no header": lambda rows: "\n".join(" ".join(map(repr, row)) for row in rows),
    "pandas without index": lambda rows: "\n".join(["0,1,2,3,4,5", *(",".join(map(repr, row)) for row in rows)]),
    "pandas with index": lambda rows: "\n".join(
        [",0,1,2,3,4,5", *(",".join([str(k), *map(repr, row)]) for k, row in enumerate(rows))]
    ),
    "byte-order mark and times": lambda rows: (
        "\ufeff"
        + "\n".join(["time,a,b,c,d,e,f", *(",".join([repr(0.02 * k), *map(repr, row)]) for k, row in enumerate(rows))])
    ),
    "semicolons and decimal commas": lambda rows: "\n".join(
        ["a;b;c;d;e;f", *(";".join(map(repr, row)).replace(".", ",") for row in rows)]
    ),
    "comments, blank lines, trailing commas": lambda rows: (
        "# recorded\n\na,b,c,d,e,f\n" + "\n".join(",".join(map(repr, row)) + "," for row in rows)
    ),
    "times in msec": lambda rows: "\n".join(
        ["t (msec),a,b,c,d,e,f", *(",".join([repr(20.0 * k), *map(repr, row)]) for k, row in enumerate(rows))]
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_as_programs_write_them_keep_every_sample_and_unit(name, tmp_path):
    rows = (RATES[:60, :6] + 0.1).tolist()
    (tmp_path / "a.csv").write_text(TABLES[name](rows), encoding="utf-8")
    found = read_recording(tmp_path / "a.csv", **({} if "time" in name else {"step": STEP}))
    assert found.rates.shape == (1, 60, 6)
    assert found.step == pytest.approx(STEP)
    values = np.array(rows)
    np.testing.assert_allclose(found.rates[0], values / values.max(axis=0), rtol=1e-12)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_an_empty_table_says_so(text, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ResultError, match="holds no table"):
        read_recording(tmp_path / "a.csv", step=1)


@pytest.mark.parametrize("header", ["frame,a,b,c,d,e,f", ""])
def test_a_first_column_that_counts_is_no_unit(header, tmp_path):
    rows = [",".join([str(k), *map(repr, row)]) for k, row in enumerate(RATES[:60, :6].tolist())]
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]))
    with pytest.raises(ResultError, match="rises by 1 from row to row, as times or row numbers do"):
        read_recording(tmp_path / "a.csv", step=STEP)


def test_trial_types_need_the_same_times_and_keep_their_order(tmp_path):
    one, other = table(tmp_path / "a.csv"), table(tmp_path / "b.csv", times=2 * STEP * np.arange(200))
    with pytest.raises(ResultError, match=r"same times: those of '?.*b\.csv'? differ from those of .*a\.csv"):
        read_recording([one, other])
    names = [f"trial{k}" for k in range(11)]
    np.savez(tmp_path / "many.npz", step=STEP, **{n: np.roll(RATES, 7 * k, axis=0) for k, n in enumerate(names)})
    found = read_recording(tmp_path / "many.npz")
    for k in range(11):
        np.testing.assert_allclose(found.rates[k], np.roll(RATES, 7 * k, axis=0) / RATES.max(axis=0))


def test_broken_files_gaps_and_slow_samples(tmp_path):
    np.savez(tmp_path / "a.npz", rates=RATES)
    for name, content in (("b.npz", (tmp_path / "a.npz").read_bytes()[:200]), ("c.npy", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ResultError, match="cannot be read as numpy's format"):
            read_recording(tmp_path / name, step=STEP)
    gap = STEP * np.arange(200) + 5.0 * (np.arange(200) > 99)
    with pytest.raises(ResultError, match=r"5\.02 s pass after 1\.98 s. Such a gap is not filled"):
        read_recording(table(tmp_path / "gap.csv", times=gap))
    slow = read_recording(table(tmp_path / "slow.csv", times=20.0 * np.arange(200)))
    assert any("say so (time_ms above a column, or a unit)" in note for note in slow.notes)
    with pytest.raises(ResultError, match="step='10 ms' must be"):
        read_recording(RATES, step="10 ms")


def test_a_unit_may_be_called_t_or_s_unless_it_comes_first(tmp_path):
    rows = [",".join(map(repr, row)) for row in RATES[:60, :6].tolist()]
    (tmp_path / "a.csv").write_text("\n".join(["q,r,s,t,u,v", *rows]))
    assert read_recording(tmp_path / "a.csv", step=STEP).units == tuple("qrstuv")
