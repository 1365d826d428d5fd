"""Regions of units: from a mapping, names, a table, a line or a column; units are numbered as they were given."""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import ResultError, read_recording
from tests.support.tables import cells, csv

STEP = 0.02
VALUES = np.sin(np.linspace(0, 9, 90)[:, None] + np.arange(8)) * np.arange(1, 9)


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
    below = csv(tmp_path / "line.csv", {"time": STEP * np.arange(90), **cells(VALUES)}, lines=[line])
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


@pytest.fixture
def named():
    """Return a recording of units with names, whose second unit was dropped."""
    flat = VALUES.copy()
    flat[:, 1] = 2
    pd = pytest.importorskip("pandas")
    return read_recording(pd.DataFrame(cells(flat), index=pd.Index(STEP * np.arange(90), name="time")))


def test_numbers_of_units_are_those_of_the_recording_as_it_was_given(named):
    assert list(named.dropped) == ["cell1"]
    assert named.numbers == (0, 2, 3, 4, 5, 6, 7)
    wanted = ("A", "A", "A", "B", "B", "B", "B")
    mask = np.arange(8) < 4
    for regions in (
        {"A": range(4), "B": range(4, 8)},
        {"A": [0, 2, 3], "B": np.arange(4, 8)},
        {"A": slice(4), "B": slice(4, None)},
        {"A": mask, "B": (~mask).tolist()},
        {" A ": ["cell0", "cell1", " cell2", "cell3"], "B": ["cell4", "cell5", "cell6", "cell7"]},
        list("AAAABBBB"),
        wanted,
    ):
        assert named.with_regions(regions).regions == wanted


def test_a_region_whose_units_were_all_dropped_is_said_to_be_left_out(named):
    given = {"A": [0, 2, 3], "C": [1], "B": range(4, 8)}
    found = named.with_regions(given)
    assert set(found.regions) == {"A", "B"}
    assert "region 'C' is left out: all of its units, 1, were dropped" in str(found)
    flat = VALUES.copy()
    flat[:, 1] = 2
    assert "region 'C' is left out" in str(read_recording(flat, step=STEP, regions=given))
    assert str(found.with_regions(given)).count("is left out") == 1


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        ({"A": range(9)}, r"names the unit 8, which is not there\. The units are .* numbered from 0 to 7"),
        ({"A": []}, r"regions\['A'\] names no unit\. Leave the region out"),
        ({"A": [True, False]}, "is a mask of 2 entries, and the recording was given with 8 units"),
        ({"A": [0, 2, 3, 4, 5, 6]}, "unit 'cell7' has no region. Name one for it, such as 'other'"),
        ([True] * 8, "cannot be read. Give a mapping"),
        (["A"] * 6, "has 6 names, and there are 8 units, 7 of them kept"),
        ({"A": [1.5]}, "1.5 is neither the name of a unit nor its number"),
    ],
)
def test_regions_that_do_not_fit_are_refused(named, regions, said):
    with pytest.raises(ResultError, match=said):
        named.with_regions(regions)
