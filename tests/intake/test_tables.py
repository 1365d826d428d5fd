# ruff: noqa: E501 - one line for each table
"""Numbers and tables as users bring them: converted by what they say of themselves, or refused with the remedy."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xarray as xr
from brian2 import mV, nA

from brainmem import BrainmemError, ResultError, RuleError, arrays, read_recording
from brainmem.intake.cells import Convention, Unclear, convention_of, kind_of
from brainmem.intake.numbers import read_array, read_number, take
from brainmem.intake.tables import read_table
from brainmem.intake.units import SECONDS

RNG = np.random.default_rng(0)
TIMES, RATES = 0.05 * np.arange(60), RNG.random((60, 6))
NAMES = list("abcdef")
SMALL = {"N": 8, "M": 3, "starts": 1, "epochs": 1, "test_epochs": (1,)}
AMPERE = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)


def rows(values, mark=",", shown="{:.4f}", decimal="."):
    return "\n".join(mark.join(shown.format(x).replace(".", decimal) for x in row) for row in values)


def read(folder, text, **how):
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return read_recording(folder / "t.csv", **how)


@pytest.mark.parametrize(
    ("given", "values", "unit"),
    [
        (np.array([1.0, 2.0]) * nA, [1e-9, 2e-9], AMPERE),
        ([1 * nA, 2 * nA], [1e-9, 2e-9], AMPERE),
        (np.timedelta64(50, "ms"), 0.05, SECONDS),
        (pd.Timedelta("50ms"), 0.05, SECONDS),
        (np.ma.masked_equal([1.0, 9.0], 9.0), [1, np.nan], None),
        ([1, None, 2], [1, np.nan, 2], None),
        (pd.Series([1, None], dtype="Int64"), [1, np.nan], None),
        (np.array([True, False]), [1, 0], None),
        (xr.DataArray([1.0, 2.0]), [1, 2], None),
    ],
)
def test_numbers_keep_their_units_and_lose_what_is_masked(given, values, unit):
    found = take(given)
    np.testing.assert_allclose(found.values, values)
    assert found.dimensions == unit


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("1.5", "is not a number but text"),
        (1j, "complex"),
        (np.eye(2) * 1j, "complex"),
        (scipy.sparse.eye(3), "sparse"),
        ([[1, 2], [3]], "ragged"),
        ([1 * nA, 2 * mV], "mixes units"),
        ([1 * nA, 2], "mixes units"),
        (np.array(["2024-01-01"], dtype="M8"), "dates"),
        (np.array(["a"]), "holds text"),
        (pd.DataFrame({"a": [1], "b": ["x"]}), "column 'b'"),
        ({"a": 1}, "no array of numbers"),
        (None, "no array of numbers"),
        (5 * mV, "has the unit V, and A is wanted"),
    ],
)
def test_what_holds_no_numbers_of_the_unit_is_refused(given, said):
    with pytest.raises(RuleError, match=said):
        read_array(given, what="x", dimensions=AMPERE)


def test_quantities_of_another_package_are_converted():
    pq = pytest.importorskip("quantities")
    assert read_number(50 * pq.ms, what="step", dimensions=SECONDS) == pytest.approx(0.05)
    assert take(np.ones(2) * pq.nA).values == pytest.approx([1e-9, 1e-9])
    with pytest.raises(RuleError, match="has the unit V"):
        read_number(5 * pq.mV, what="step", dimensions=SECONDS)


def test_names_of_axes_are_obeyed():
    w = xr.DataArray(RNG.normal(size=(8, 8)) * ~np.eye(8, dtype=bool), dims=("post", "pre"))
    turned = w.transpose("pre", "post")
    one, other = (
        arrays("kurikawa2020", parameters=SMALL, weights={"recurrent": m})["recurrent.w"] for m in (w, turned)
    )
    np.testing.assert_array_equal(one, other)
    with pytest.raises(RuleError, match=r"axes are called \(a, b\)"):
        arrays("kurikawa2020", parameters=SMALL, weights={"recurrent": w.rename(post="a", pre="b")})
    found = read_recording(xr.DataArray(RATES.T, dims=("unit", "time"), coords={"time": TIMES, "unit": NAMES}))
    assert found.rates.shape == (1, 60, 6)
    assert found.units == tuple(NAMES)
    indexed = read_recording(pd.DataFrame(RATES, columns=NAMES, index=pd.to_timedelta(TIMES, unit="s")))
    assert indexed.step == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (["1.5", "2"], Convention(".", "")),
        (["0,5", "2"], Convention(",", "")),
        (["0,123", "1,564"], Convention(",", "")),
        (["1,234,567", "12"], Convention(".", ",")),
        (["1,234.5", "12"], Convention(".", ",")),
        (["1.234,5", "12"], Convention(",", ".")),
        (["1'234.5", "2.5"], Convention(".", "'")),
        (["1,564", "0.5"], Convention(".", ",")),
    ],
)
def test_signs_in_numbers_are_told_apart(cells, rule):
    assert convention_of([cells]) == rule


@pytest.mark.parametrize("cells", [["1,564", "707"], ["1.564", "707"], ["1,234.5", "1.234,5"], ["0,5", "0.5"]])
def test_signs_that_may_mean_either_are_refused(cells):
    with pytest.raises(Unclear):
        convention_of([cells])


def test_cells_are_typed():
    kinds = {"": "empty", "n.d.": "missing", "#N/A": "missing", "-1e-3": "number", "1,5": "number", "\u22121": "number",
             "2024-01-01 10:00": "moment", "5 mV": "text", "0x1": "text"}  # fmt: skip
    assert {cell: kind_of(cell) for cell in kinds} == kinds


FULL = np.c_[TIMES, RATES]
HEAD = ",".join(["time", *NAMES])
READABLE = {
    "spaces and decimal commas": HEAD.replace(",", " ") + "\n" + rows(FULL, " ", decimal=","),
    "quoted decimal commas": HEAD + "\n" + rows(FULL, ",", '"{:.4f}"', ","),
    "Excel's sep=;": "sep=;\n" + HEAD.replace(",", ";") + "\n" + rows(FULL, ";", decimal=","),
    "two header rows": " ,a,b,c,d,e,f\nTime(s)/Cell Status" + ",accepted" * 6 + "\n" + rows(FULL),
    "row of units": HEAD + "\ns" + ",Hz" * 6 + "\n" + rows(FULL),
    "% comment": "% made by MATLAB\n" + HEAD + "\n" + rows(FULL),
    "bars": HEAD.replace(",", "|") + "\n" + rows(FULL, "|"),
    "Windows lines": (HEAD + "\n" + rows(FULL)).replace("\n", "\r\n"),
    "frames beside": "frame," + HEAD + "\n" + rows(np.c_[np.arange(60), FULL]),
    "milliseconds": HEAD.replace("time", "Timestamp [ms]") + "\n" + rows(np.c_[1e3 * TIMES, RATES]),
    "minutes": HEAD.replace("time", "Time (min)") + "\n" + rows(np.c_[TIMES / 60, RATES], shown="{:.8f}"),
    "clock": HEAD + "\n" + "\n".join(f"10:00:{t:06.3f},{row}" for t, row in zip(TIMES, rows(RATES).split("\n"), strict=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", READABLE)
def test_tables_of_many_programs_hold_the_same_units(name, tmp_path):
    found = read(tmp_path, READABLE[name])
    assert found.units == tuple(NAMES)
    assert found.step == pytest.approx(0.05, rel=1e-3)
    np.testing.assert_allclose(found.rates[0], RATES / RATES.max(axis=0), atol=2e-4)


@pytest.mark.parametrize("word", ["NA", "N/A", "#VALUE!", "n.d.", "-", ""])
def test_a_first_line_with_a_missing_value_is_no_header(word, tmp_path):
    found = read(tmp_path, word + rows(RATES)[6:], step=0.05)
    assert found.rates.shape == (1, 60, 6)
    assert np.argwhere(found.seen == 0).tolist() == [[0, 0, 0]]


BAD = {
    "thousands": (rows(1e3 * RATES + 700, "\t", "{:,.0f}"), {}, r"may be 1\d\d\d or 1\.\d\d\d: every comma"),
    "unit in a cell": (rows(RATES) + "\n1 mV,1,1,1,1,1", {}, "line 61, column 1: '1 mV' is no number.* Write '1'"),
    "Fortran": (rows(RATES) + "\n1.0D+00,1,1,1,1,1", {}, r"Write '1.0e\+00'"),
    "short line": (rows(RATES) + "\n1,2", {}, "line 61: it has 2 cells, and most lines have 6"),
    "named rows": ("\n".join(f"c{k},{row}" for k, row in enumerate(rows(RATES.T).split("\n"))), {}, "rows are named"),
    "counter": ("a,b,c,d,e,f,g\n" + rows(np.c_[RATES, np.arange(60)]), {}, "column 'g' rises by 1 from row to row"),
    "two clocks": ("time,a,b,time,c,d,e\n" + rows(np.c_[TIMES, RATES[:, :2], 2 * TIMES, RATES[:, 2:5]]), {}, "different times"),
    "header twice": (HEAD + "\n" + rows(FULL) + "\n" + HEAD, {"step": None}, "header is repeated"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_tables_that_cannot_be_read_say_where_and_what_to_do(name, tmp_path):
    text, how, said = BAD[name]
    with pytest.raises(ResultError, match=said):
        read(tmp_path, text, **{"step": 0.05, **how})


def test_more_units_than_samples_are_doubted(tmp_path):
    np.save(tmp_path / "F.npy", RNG.random((30, 300)))
    assert any("units_first" in note for note in read_recording(tmp_path / "F.npy", step=0.05).notes)
    turned = read_recording(tmp_path / "F.npy", step=0.05, units_first=True)
    assert not any("units_first" in note for note in turned.notes)


@pytest.mark.parametrize("name", ["bom.csv", "semicolons.csv", "tabs.csv", "PLAIN.CSV", "comma.txt"])
def test_stimuli_are_read_by_the_same_reader(name, tmp_path):
    cue = RNG.choice([-1.0, 1.0], size=(3, 8))
    mark = {"semicolons.csv": ";", "tabs.csv": "\t"}.get(name, ",")
    (tmp_path / name).write_text("\ufeff" * (name == "bom.csv") + rows(cue, mark, "{:g}"), encoding="utf-8")
    found = arrays("kurikawa2020", parameters=SMALL, inputs={"cue": tmp_path / name})["table.cue_values"]
    np.testing.assert_array_equal(found[1:4], cue)


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    for path in (tmp_path / "pipe.npy", "/dev/zero", tmp_path):
        with pytest.raises(BrainmemError, match=r"no ordinary file|a folder"):
            arrays("kurikawa2020", parameters=SMALL, inputs={"cue": str(path)})
    (tmp_path / "b.csv").write_bytes(bytes(range(256)))
    with pytest.raises(ResultError, match="binary data"):
        read_table(tmp_path / "b.csv")
