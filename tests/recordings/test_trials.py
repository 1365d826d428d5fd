"""Trials, regions and missing values of recordings: told apart, marked, or refused with what to do."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import Recording, ResultError, read_recording

STEP = 0.02
VALUES = np.sin(np.linspace(0, 9, 90)[:, None] + np.arange(8)) * np.arange(1, 9)


def csv(path, columns, *, lines=()):
    """Write columns by name as a table, with further lines below the header."""
    rows = [",".join(columns), *lines]
    rows += [",".join(str(value) for value in row) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(rows))
    return path


def cells(values=VALUES):
    return {f"cell{k}": column for k, column in enumerate(values.T)}


def test_values_below_0_are_kept_and_the_greatest_size_is_1():
    found = read_recording(VALUES, step=STEP)
    np.testing.assert_allclose(np.abs(found.rates).max(axis=(0, 1)), 1)
    np.testing.assert_allclose(found.rates[0], VALUES / np.abs(VALUES).max(axis=0))
    assert found.signed
    assert "8 of 8 units have values below 0, which were kept" in str(found)
    whole = read_recording(VALUES, step=STEP, normalise="all")
    np.testing.assert_allclose(whole.rates[0], VALUES / np.abs(VALUES).max())
    assert "all units were divided by the greatest value of all" in str(whole)


def test_units_of_both_signs_beside_positive_ones_are_one_recording():
    mixed = VALUES.copy()
    mixed[:, :4] = np.abs(mixed[:, :4])
    assert "4 of 8 units have values below 0" in str(read_recording(mixed, step=STEP))
    shifted = read_recording(mixed, step=STEP, negative="shift")
    assert not shifted.signed


def test_one_series_is_taken_apart_where_trials_begin():
    found = read_recording(VALUES, step=STEP, resets=(30, 50))
    assert found.rates.shape == (3, 40, 8)
    scale = np.abs(VALUES).max(axis=0)
    np.testing.assert_allclose(found.rates[1, :20], VALUES[30:50] / scale)
    np.testing.assert_allclose(found.rates[1, 20:], np.tile(VALUES[49] / scale, (20, 1)))
    assert found.seen[1, :, 0].tolist() == [1] * 20 + [-1] * 20
    assert found.kinds == ("all",) * 3
    assert "3 trials of 20 ... 40 samples" in str(found)
    same = read_recording(VALUES, step=STEP, resets=range(0, 90, 30))
    assert same.seen is None


def test_a_column_of_trials_says_where_they_begin_also_with_times_of_each(tmp_path):
    number, inside = np.repeat([1, 2, 3], 30), np.tile(STEP * np.arange(30), 3)
    found = read_recording(csv(tmp_path / "a.csv", {"time": inside, "trial": number, **cells()}))
    assert found.rates.shape == (3, 30, 8)
    assert found.step == pytest.approx(STEP)
    np.testing.assert_allclose(found.rates.reshape(90, 8), VALUES / np.abs(VALUES).max(axis=0))
    assert "column 'trial' says where 3 trials begin" in str(found)


def test_trials_in_a_list_may_have_other_lengths_and_kinds():
    found = read_recording([VALUES, VALUES[:50]], step=STEP, kinds=("left", "right"))
    assert found.rates.shape == (2, 90, 8)
    assert (found.seen[1, 50:] == -1).all()
    assert (found.seen[1, :50] == 1).all()
    assert "kinds of trials: left (1), right (1)" in str(found)


def test_missing_values_are_marked_filled_or_drop_their_unit():
    gaps = VALUES.copy()
    gaps[10:13, 2] = np.nan
    gaps[:60, 5] = np.inf
    found = read_recording(gaps, step=STEP)
    assert list(found.dropped) == ["5"]
    assert (found.seen == 0).sum() == 3
    between = np.interp([10, 11, 12], [9, 13], VALUES[[9, 13], 2]) / np.abs(np.delete(VALUES[:, 2], [10, 11, 12])).max()
    np.testing.assert_allclose(found.rates[0, 10:13, 2], between)
    assert "3 values of 1 unit are missing and were filled, and not taught" in str(found)
    assert read_recording(gaps, step=STEP, missing="fill").seen is None
    assert list(read_recording(gaps, step=STEP, missing="drop").dropped) == ["2", "5"]


def test_frames_between_samples_are_marked_where_either_is_missing():
    seen = np.ones((1, 4, 1), int)
    seen[0, 1], seen[0, 3] = 0, -1
    found = Recording(np.arange(4.0).reshape(1, 4, 1) / 3, 0.1, ("a",), seen=seen)
    assert found.marks(0.05)[0, :, 0].tolist() == [1, 0, 0, 0, 1, -1]
    assert found.marks(0.1)[0, :, 0].tolist() == [1, 0, 1]


def test_regions_come_from_a_mapping_names_a_table_a_line_or_a_column(tmp_path):
    wanted = ("V1",) * 5 + ("PPC",) * 3
    given = [
        {"V1": range(5), "PPC": ["5", "6", "7"]},
        wanted,
        np.array(wanted),
        csv(tmp_path / "r.csv", {"unit": list(range(8)), "region": wanted}),
    ]
    for regions in given:
        assert read_recording(VALUES, step=STEP, regions=regions).regions == wanted
    line = ",".join(["region", *wanted])
    below = csv(tmp_path / "line.csv", {"time": STEP * np.arange(90), **cells()}, lines=[line])
    assert read_recording(below).regions == wanted
    rows = [["unit", "region", *map(str, range(90))]]
    rows += [[f"c{k}", wanted[k], *map(repr, map(float, VALUES[:, k]))] for k in range(8)]
    (tmp_path / "rows.csv").write_text("\n".join(map(",".join, rows)))
    turned = read_recording(tmp_path / "rows.csv", step=STEP, units_first=True)
    assert (turned.regions, turned.units[:2]) == (wanted, ("c0", "c1"))
    (tmp_path / "numbers.csv").write_text("\n".join(",".join(row).removeprefix("c") for row in rows))
    numbered = read_recording(tmp_path / "numbers.csv", step=STEP, units_first=True)
    assert (numbered.regions, numbered.units[:2]) == (wanted, ("0", "1"))
    np.testing.assert_array_equal(numbered.rates, turned.rates)


def test_units_that_are_dropped_take_their_regions_with_them():
    flat = VALUES.copy()
    flat[:, 1] = 2
    found = read_recording(flat, step=STEP, regions=list("AABBAABB"))
    assert found.regions == tuple("ABBAABB")
    assert found.with_regions({"A": ["0", "1", "2"], "B": range(3, 8)}).regions == tuple("AABBBBB")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"resets": (0, 200)}, "must lie between 0 and 89"),
        ({"resets": (10, 11)}, "fewer than 2 samples"),
        ({"resets": "trial"}, "must list the numbers of the samples"),
        ({"resets": (30,), "kinds": ("a",)}, "1 names for 2 trials"),
        ({"kinds": 3}, "one name for each trial"),
        ({"regions": {"A": range(4)}}, "units '4', '5', '6', '7' have no region. Name one for them, such as 'other'"),
        ({"regions": {"A": range(8), "B": [3]}}, "unit '3' lies in regions 'A' and 'B'"),
        ({"regions": {"A": ["cell9"]}}, "names the unit 'cell9', which is not there"),
        ({"regions": ("A", "B")}, "2 names, and 8 units"),
        ({"regions": "nothing.csv"}, "There is no file 'nothing.csv'"),
        ({"regions": 5}, "regions=5 cannot be read. Give a mapping"),
        ({"normalise": "peak"}, "choose one of 'unit', 'all'"),
        ({"width": 0.1}, "smooths rates of spikes, and the source holds rates"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(options, said):
    with pytest.raises(ResultError, match=said):
        read_recording(VALUES, step=STEP, **options)
