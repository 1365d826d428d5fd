"""Trials, regions and missing values of recordings: told apart, marked, or refused with what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainmem import Recording, ResultError, read_recording
from tests.support.tables import cells, csv

STEP = 0.02
VALUES = np.sin(np.linspace(0, 9, 90)[:, None] + np.arange(8)) * np.arange(1, 9)


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
    found = read_recording(csv(tmp_path / "a.csv", {"time": inside, "trial": number, **cells(VALUES)}))
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


SKIPPED = np.delete(np.arange(90), [40, 41])  # a camera that dropped two frames of the second trial


def shown(time):
    """Return activity (time, unit) of a trial, straight between samples."""
    return np.abs(np.asarray(time, float)[:, None] - 0.3) + 0.1 * np.arange(1, 9)


def test_each_trial_is_brought_to_even_times_by_itself(tmp_path):
    """Frames that were skipped in one trial move neither its end nor the trials behind it."""
    number, inside = np.repeat([1, 2, 3], [30, 28, 30]), (STEP * np.tile(np.arange(30), 3))[SKIPPED]
    path = csv(tmp_path / "a.csv", {"time": inside, "trial": number, **cells(shown(inside))})
    running = STEP * SKIPPED
    found = [
        read_recording(path),
        read_recording(csv(tmp_path / "b.csv", {"time": running, **cells(shown(inside))}), resets=(30, 58)),
        read_recording(csv(tmp_path / "c.csv", {"time": inside, **cells(shown(inside))}), resets=(30, 58)),
        read_recording([csv(tmp_path / f"{k}.csv", {"time": inside[number == k], **cells(shown(inside[number == k]))})
                        for k in (1, 2, 3)]),
    ]  # fmt: skip
    wanted = shown(STEP * np.arange(30))
    for item in found:
        assert item.rates.shape == (3, 30, 8)
        assert item.seen is None
        assert item.step == pytest.approx(STEP)
        np.testing.assert_allclose(item.rates, np.stack([wanted / wanted.max(axis=0)] * 3), atol=1e-12)
        assert "samples 0.02 ... 0.06 s apart in 1 of 3 trials were interpolated to every 0.02 s" in str(item)


def test_lengths_of_trials_are_those_after_interpolation():
    times = [np.delete(STEP * np.arange(40), [7, 8]), STEP * np.arange(25)]
    frames = [pd.DataFrame(shown(t), index=pd.Index(t, name="time")) for t in times]
    found = read_recording(frames)
    assert (found.seen >= 0).all(axis=2).sum(axis=1).tolist() == [40, 25]


def test_pauses_between_trials_of_one_series_are_no_gaps(tmp_path):
    time = STEP * np.arange(90) + 5.0 * (np.arange(90) >= 45)
    path = csv(tmp_path / "a.csv", {"time": time, **cells(VALUES)})
    assert read_recording(path, resets=(45,)).rates.shape == (2, 45, 8)
    with pytest.raises(ResultError, match=r"5\.02 s pass after 0\.88 s"):
        read_recording(path)
    again = csv(tmp_path / "b.csv", {"time": STEP * (np.arange(90) % 45), **cells(VALUES)})
    with pytest.raises(ResultError, match=r"times must ascend, .* say so: resets=\(0, 45\)"):
        read_recording(again)


def test_a_column_of_trials_is_no_unit_in_a_table_of_pandas_either():
    frame = pd.DataFrame({"time": STEP * np.arange(90), "trial": np.repeat([0, 1], 45), **cells(VALUES)})
    found = read_recording(frame)
    assert found.rates.shape == (2, 45, 8)
    assert "trial" not in found.units


def test_trials_of_other_units_regions_or_of_one_sample_are_refused(tmp_path):
    with pytest.raises(ResultError, match=r"a trial has 1 sample, and 2 are needed\. Leave it out"):
        read_recording([VALUES, VALUES[:1]], step=STEP)
    paths = [
        csv(
            tmp_path / f"{k}.csv",
            {"time": STEP * np.arange(90), **cells(VALUES)},
            lines=[",".join(["region", *places])],
        )
        for k, places in enumerate(("AAAABBBB", "BBBBAAAA"))
    ]
    with pytest.raises(ResultError, match=r"same units: the regions in .*1\.csv are not those in .*0\.csv"):
        read_recording(paths)
    assert read_recording(paths[:1] * 2).regions == tuple("AAAABBBB")


def test_what_shorter_trials_lack_is_not_missing():
    """Half of a unit's own values decide, and not of those that pad a trial."""
    long, short = VALUES.copy(), VALUES[:30].copy()
    long[:50, 2] = np.nan  # 50 of 120 values, and 50 of 180 with what is padded
    short[:15, 2] = np.nan
    found = read_recording([long, short], step=STEP)
    assert found.dropped["2"] == "65 of 120 values are NaN or infinite, the first at 0 s of trial 0"
    long[:6, 2] = 1
    assert read_recording([long, short], step=STEP).dropped == {}
    below = np.abs(VALUES) + 0.1
    below[29, 3] = -1
    dropped = read_recording([np.abs(VALUES) + 0.1, below[:30]], step=STEP, negative="drop").dropped
    assert dropped["3"].startswith("1 value below 0, the lowest -1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"resets": (0, 200)}, "must lie between 0 and 89"),
        ({"resets": (10, 11)}, "fewer than 2 samples"),
        ({"resets": "trial"}, "must list the numbers of the samples"),
        ({"resets": (30,), "kinds": ("a",)}, "1 name for 2 trials"),
        ({"kinds": 3}, "one name for each trial"),
        ({"regions": {"A": range(4)}}, "units '4', '5', '6', '7' have no region. Name one for them, such as 'other'"),
        ({"regions": {"A": range(8), "B": [3]}}, "unit '3' lies in regions 'A' and 'B'"),
        ({"regions": {"A": ["cell9"]}}, "names the unit 'cell9', which is not there"),
        ({"regions": ("A", "B")}, "2 names, and there are 8 units"),
        ({"regions": "nothing.csv"}, "There is no file 'nothing.csv'"),
        ({"regions": 5}, "regions=5 cannot be read. Give a mapping"),
        ({"normalise": "peak"}, "choose one of 'unit', 'all'"),
        ({"width": 0.1}, "smooths rates of spikes, and the source holds rates"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(options, said):
    with pytest.raises(ResultError, match=said):
        read_recording(VALUES, step=STEP, **options)
