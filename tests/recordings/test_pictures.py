"""Pictures as patterns: folders of image files against numpy, and the bundled digits in two sets."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

import brainmem
from brainmem import ResultError, RuleError, digits, patterns_from_images, simulate
from brainmem.study.demo import binary_digits
from tests.support.hopfield_models import hopfield
from tests.support.pictures import GREY, write_picture, write_pictures

FLAT = GREY.reshape(3, 20)


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "faces")


def test_pixels_come_row_by_row_from_the_top_left_and_files_in_the_order_of_their_numbers(folder):
    found = patterns_from_images(folder)
    wanted = np.where(np.median(FLAT, axis=1, keepdims=True) < FLAT, 1, -1)
    np.testing.assert_array_equal(found.values, wanted)
    np.testing.assert_array_equal(found.values[1].reshape(4, 5)[0], wanted[1, :5])  # the first row of the picture
    assert found.dims == ("item", "unit")
    assert found.file.values.tolist() == ["face1.png", "face2.pgm", "face10.bmp"]
    assert found.attrs["shape"] == [4, 5]
    assert found.attrs["orientation"] == "row by row from the top left"
    assert (found.attrs["threshold"], found.attrs["values"], found.attrs["resampled"]) == ("median", [-1, 1], 0)


THRESHOLDS = {
    "mean": np.greater(FLAT, FLAT.mean(axis=1, keepdims=True)),
    "pixel": np.greater(FLAT, FLAT.mean(axis=0)),
    0.3: FLAT / 255 > 0.3,
}


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_thresholds_split_the_pixels_as_stated(folder, threshold):
    found = patterns_from_images(folder, threshold=threshold, values=(0, 2), size=(4, 5))
    np.testing.assert_array_equal(found.values, 2 * THRESHOLDS[threshold])


def test_a_picture_of_which_most_is_bright_is_split_by_its_median_too(tmp_path):
    for name, dark in (("a.png", 3), ("b.png", 17)):
        write_picture(tmp_path / name, np.arange(20).reshape(4, 5) >= dark)
    found = patterns_from_images(tmp_path)
    assert (found.values == 1).sum(axis=1).tolist() == [17, 3]


def test_what_a_picture_is_stored_as_does_not_matter(tmp_path):
    levels = GREY[0]
    write_picture(tmp_path / "1.png", levels)
    write_picture(tmp_path / "2.png", levels.astype(np.uint16) * 257)  # 16 bits
    write_picture(tmp_path / "3.pgm", levels.astype(np.uint16) * 257)
    write_picture(tmp_path / "4.tif", np.dstack([levels] * 3))  # colours
    write_picture(tmp_path / "5.png", np.dstack([levels, np.full_like(levels, 255)]))  # opaque
    Image.fromarray(levels).quantize(20).save(tmp_path / "6.gif")
    turned = Image.fromarray(np.rot90(levels))  # as a camera held sideways stores it, with a note
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "7.png", exif=exif)
    for name, found in zip("1234567", patterns_from_images(tmp_path, size=(4, 5)).values, strict=True):
        np.testing.assert_array_equal(found, np.where(np.median(levels) < FLAT[0], 1, -1), err_msg=name)


def test_what_is_transparent_stands_over_white(tmp_path):
    ink = np.arange(20).reshape(4, 5) % 3 == 0
    write_picture(tmp_path / "ink.png", np.dstack([0 * GREY[0], np.where(ink, 255, 0).astype(np.uint8)]))
    found = patterns_from_images(tmp_path, values=(1, -1))
    np.testing.assert_array_equal(found.values[0], np.where(ink, 1, -1).ravel())


def test_pictures_are_resampled_only_where_that_is_asked_for(folder):
    large = np.kron(GREY[0], np.ones((2, 2), dtype=np.uint8))
    write_picture(folder / "face3.png", large)
    with pytest.raises(ResultError, match=r"size=\(4, 5\), but face3.png has 8 x 10"):
        patterns_from_images(folder, size=(4, 5))
    found = patterns_from_images(folder, size=(4, 5), resample=True)
    np.testing.assert_array_equal(found.sel(item=2).values, found.sel(item=0).values)  # face1, face2, face3, face10
    assert found.attrs["resampled"] == 1


def one(name: str, levels: np.ndarray, **options):
    """Return what adds a picture to a folder."""
    return lambda folder: write_picture(folder / name, levels, **options)


def empty(folder):
    for path in folder.iterdir():
        path.unlink()
    (folder / "notes.txt").write_text("none", encoding="utf-8")


def torn(folder):
    path = folder / "face1.png"
    path.write_bytes(path.read_bytes()[:60])


def film(folder):
    frames = [Image.fromarray(levels) for levels in GREY]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])


BAD = {
    "empty": (empty, {}, ["is a folder without pictures", "it holds notes.txt"]),
    "torn": (torn, {}, ["'face1.png' cannot be read as a picture"]),
    "no picture": (lambda f: (f / "x.png").write_bytes(b"no"), {}, ["x.png' cannot be read as a picture"]),
    "sizes": (one("x.png", GREY[0][:3]), {}, ["face1.png has 4 x 5, but x.png has 3 x 5", "resample=True"]),
    "turned": (lambda f: None, {"size": (5, 4)}, ["size=(5, 4), but face1.png has 4 x 5", "It is turned"]),
    "even": (one("x.png", 0 * GREY[0] + 51), {}, ["all pixels of x.png are alike, at level 0.2", "Leave it out"]),
    "level": (lambda f: None, {"threshold": 0.99}, ["face1.png lie between", "one side of threshold=0.99 (3 pict"]),
    "film": (film, {}, ["film.gif' holds 3 pictures"]),
    "numbers": (one("x.tif", GREY[0].astype(np.float32)), {}, ["x.tif' holds numbers and no grey levels"]),
    "no size": (lambda f: None, {"resample": True}, ["resample=True needs size="]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_pattern_is_refused(folder, case):
    change, options, said = BAD[case]
    change(folder)
    with pytest.raises(ResultError) as error:
        patterns_from_images(folder, **options)
    assert [part for part in ("patterns_from_images()", *said) if part not in str(error.value)] == [], str(error.value)


def test_a_folder_stands_for_the_table_of_a_pattern_of_two_values(folder):
    (folder / "labels.csv").write_text("1,2,3", encoding="utf-8")
    options = {"device": "runtime", "parameters": {"N": 20, "P": 3}}
    read = simulate(hopfield(), inputs={"memory": folder}, **options)
    given = simulate(hopfield(), inputs={"memory": patterns_from_images(folder)}, **options)
    np.testing.assert_array_equal(read.memory.values, patterns_from_images(folder).values)
    np.testing.assert_array_equal(read.mean_x.values, given.mean_x.values)
    note = next(note for note in read.notes if "3 pictures of 4 x 5 pixels" in note)
    assert "row by row from the top left; pixels above the median of their picture are 1, the others -1" in note
    assert "left out: labels.csv" in note


def test_a_folder_is_refused_for_a_pattern_that_is_not_of_two_values(folder):
    with pytest.raises(RuleError, match=r"pattern 'damaged': .* is a folder.*has values=None.*patterns_from_images"):
        simulate(hopfield(), inputs={"damaged": folder}, device="runtime")


def test_pictures_of_another_number_or_size_than_the_model_has_are_refused(folder):
    with pytest.raises(RuleError, match=r"expected shape \(items, unit\) = \(2, 30\), got \(3, 20\). Set 'P' and"):
        simulate(hopfield(), inputs={"memory": folder}, device="runtime")


def test_digits_come_in_two_sets_that_share_no_picture():
    train, held_out = digits(20, held_out=7, classes=(3, 8), seed=4)
    assert train.label.values.tolist() == [3, 8] * 10
    assert held_out.label.values.tolist() == [3, 8, 3, 8, 3, 8, 3]
    assert not set(train.sample.values) & set(held_out.sample.values)
    assert train.attrs["shape"] == [8, 8]
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(labels[train.sample.values], train.label.values)
    mean = pixels[train.sample.values].mean(axis=0)  # of the training pictures alone
    for table in (train, held_out):
        np.testing.assert_array_equal(table.values, np.where(pixels[table.sample.values] > mean, 1, -1))


def test_digits_follow_their_seed_and_their_threshold():
    one, other, third = (digits(10, seed=seed, threshold=0.5, values=(0, 1))[0] for seed in (1, 1, 2))
    assert one.identical(other)
    assert not np.array_equal(one.sample.values, third.sample.values)
    from sklearn.datasets import load_digits

    pixels = load_digits(return_X_y=True)[0][one.sample.values]
    np.testing.assert_array_equal(one.values, (pixels > 8) * 1.0)


def test_more_digits_than_there_are_are_refused():
    with pytest.raises(ResultError, match="need more pictures of a digit than the 174 that there are"):
        digits(1700, held_out=100)


def test_digits_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ResultError, match=r"pip install 'brainmem\[data\]'"):
        brainmem.digits(3)


def test_the_demonstration_shows_the_same_digits_as_before():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    found, names = binary_digits()
    np.testing.assert_array_equal(found, np.where(pixels > pixels.mean(axis=0), 1, -1))
    np.testing.assert_array_equal(names, labels)
