"""A sweep's folder, made by hand: what is read from it, how results are arranged, what is refused. No Brian2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from brainmem import Result, ResultError, Sweep, measure
from brainmem.cli import app
from brainmem.sweeps.manifest import Listing, check_listing, forget_error, write_error, write_listing
from tests.support import synthetic

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = {"model": "synthetic2024", "variant": "rate", "device": "cpp_standalone", "hash of the model": "0a"}


def gain(result: Result) -> float:
    """Return the number that `entry` hid in a result."""
    return result.parameter("gain")


def points(values: dict) -> dict:
    """Return the entries of a listing: by key, the parameters and the seed."""
    return {key: {"parameters": parameters, "seed": seed} for key, (parameters, seed) in values.items()}


def add(store: Path, key: str, hidden: float, *, seed: int = 0, items: int = 6) -> None:
    """Put a finished point into a store."""
    made = synthetic.result(seed=seed, parameters={"gain": {"value": hidden, "unit": "1"}})
    made.data.attrs["key"] = key
    Result(made.data.isel(item=slice(items))).save(store / f"{key}.nc")


@pytest.fixture
def grid(tmp_path) -> Path:
    """A store of 2 values of M, 2 of tau and 2 seeds, where one run failed and one is still to do."""
    keys = {
        f"p{i}": ({"M": m, "tau": tau}, seed)
        for i, (m, tau, seed) in enumerate((m, tau, seed) for m in (10, 5) for tau in (0.02, 0.03) for seed in (0, 3))
    }
    store = tmp_path / "store"
    write_listing(store, Listing(DEFINITION, True, {"M": "1", "tau": "second"}, points(keys)))
    for key, (parameters, seed) in keys.items():
        if key not in ("p1", "p6"):
            add(store, key, parameters["M"] + 100 * parameters["tau"] + 0.1 * seed, seed=seed)
    write_error(store / "p1.nc", ValueError("no such thing"))
    return store


def test_a_grid_has_one_dimension_per_parameter_and_one_for_seeds(grid):
    found = Sweep.load(grid).dataset(gain)
    assert isinstance(found, xr.DataArray)
    assert found.dims == ("M", "tau", "seed")
    assert found.name == "gain"
    assert found.tau.attrs["units"] == "second"
    expected = found.M + 100 * found.tau + 0.1 * found.seed
    missing = np.isnan(found.values)
    np.testing.assert_allclose(found.values[~missing], expected.values[~missing])
    assert missing.sum() == 2
    assert np.isnan(found.sel(M=10, tau=0.02, seed=3))
    assert np.isnan(found.sel(M=5, tau=0.03, seed=0))


def test_a_parameter_value_of_which_no_run_succeeded_keeps_its_place(grid):
    for key in ("p4", "p5", "p7"):
        (grid / f"{key}.nc").unlink()
    found = Sweep.load(grid).dataset(gain)
    assert found.M.values.tolist() == [5, 10]
    assert np.isnan(found.sel(M=5)).all()


def test_every_point_says_what_became_of_it(grid):
    found = Sweep.load(grid)
    assert [point.state for point in found.points].count("finished") == 6
    [failed] = found.failed
    assert (dict(failed.parameters), failed.seed) == ({"M": 10, "tau": 0.02}, 3)
    assert failed.error == "ValueError: no such thing"
    assert "6 of 8 points finished, 1 failed" in repr(found)
    assert str(failed) == "M = 10, tau = 0.02, seed 3"
    assert [result.seed for result in found.results()] == [point.seed for point in found.finished]


def test_an_error_is_forgotten_once_its_point_is_finished(grid):
    add(grid, "p1", 1.0)
    assert Sweep.load(grid).failed == ()
    forget_error(grid / "p1.nc")
    assert not list(grid.glob("*.error.json"))
    forget_error(grid / "p1.nc")


def test_dictionaries_and_arrays_become_datasets_with_their_own_dimensions(grid):
    found = Sweep.load(grid).dataset(lambda result: {"gain": gain(result), "w": result.recurrent_w[-1], "ab": [1, 2]})
    assert isinstance(found, xr.Dataset)
    assert found.gain.dims == ("M", "tau", "seed")
    assert found.w.dims == ("M", "tau", "seed", "post", "pre")
    assert found.ab.shape == (2, 2, 2, 2)
    one = Result.load(grid / "p0.nc")
    np.testing.assert_array_equal(found.w.sel(M=10, tau=0.02, seed=0), one.recurrent_w[-1])


def test_labelled_arrays_of_different_length_are_filled_with_nan(tmp_path):
    keys = {f"p{m}": ({"M": m}, 0) for m in (2, 4)}
    write_listing(tmp_path, Listing(DEFINITION, True, {"M": "1"}, points(keys)))
    for key, (parameters, _) in keys.items():
        add(tmp_path, key, 1.0, items=parameters["M"])
    found = Sweep.load(tmp_path).dataset(lambda result: result.cue[:, 0].assign_coords(item=range(len(result.cue))))
    assert found.dims == ("M", "seed", "item")
    assert np.isnan(found.sel(M=2)).sum() == 2
    assert not np.isnan(found.sel(M=4)).any()


@pytest.fixture
def uneven(tmp_path) -> Sweep:
    """Sequences of 2 and of 4 items, with two seeds each."""
    values = {f"p{m}{seed}": ({"M": m}, seed) for m in (2, 4) for seed in (0, 1)}
    write_listing(tmp_path, Listing(DEFINITION, True, {"M": "1"}, points(values)))
    for key, (parameters, seed) in values.items():
        made = synthetic.sequences(seed, items=parameters["M"])
        made.data.attrs["key"] = key
        made.save(tmp_path / f"{key}.nc")
    return Sweep.load(tmp_path)


def pvars(result: Result) -> xr.DataArray:
    return measure.pvar_of_tests(result, phase="recall")


def placed(result: Result) -> xr.DataArray:
    """Return last weights onto each unit, beside a place of the units that differs between seeds."""
    place = np.random.default_rng(result.seed).permutation(synthetic.UNITS)
    norms = xr.DataArray(measure.row_norms(result.recurrent_w.values), dims=("epoch", "unit"))
    return norms.assign_coords(epoch=result.epoch.values, place=("unit", place))


@pytest.mark.parametrize(
    ("function", "sizes"),
    [
        (measure.recall_table, {"epoch": 3, "item": 4, "repeat": 2}),
        (pvars, {"epoch": 3, "item": 4, "repeat": 2}),
        (placed, {"epoch": 4, "unit": synthetic.UNITS}),
        (lambda result: result.R, {"item": 4, "frame": 30, "unit": synthetic.UNITS}),
        (
            lambda result: {"score": measure.recall_table(result)["score"], "mean": 1.0},
            {"epoch": 3, "item": 4, "repeat": 2},
        ),
    ],
)
def test_dimensions_and_coordinates_of_a_measure_stay_in_a_sweep(uneven, function, sizes):
    found = uneven.dataset(function)
    assert dict(found.sizes) == {"M": 2, "seed": 2, **sizes}
    for point, result in zip(uneven.points, uneven.results(), strict=True):
        alone, inside = function(result), found.sel(M=point.parameters["M"], seed=point.seed)
        alone = xr.Dataset(alone) if isinstance(alone, dict) else alone
        own = inside.isel({dim: slice(size) for dim, size in alone.sizes.items()})
        assert own.drop_vars(["M", "seed"]).drop_attrs().equals(_labelled(alone, own))


def _labelled(alone, own):
    """Return what a measure gave, with the numbers that a sweep gives to dimensions without coordinates."""
    numbers = {dim: own[dim].values for dim in alone.dims if dim not in alone.indexes and dim in own.indexes}
    return alone.assign_coords(numbers).drop_attrs()


def test_what_a_shorter_dimension_lacks_is_nan_and_coordinates_that_differ_are_those_of_each_point(uneven):
    found = uneven.dataset(pvars)
    assert found.name == "pvars"
    assert found.sel(M=2, item=[2, 3]).isnull().all()
    assert float(found.sel(M=4, seed=1, epoch=2, item=3, repeat=0)) == pytest.approx(1 - 4 / 20)
    place = uneven.dataset(placed).place
    assert not np.array_equal(place.sel(M=2, seed=0), place.sel(M=2, seed=1))


def test_seeds_alone_are_one_dimension(tmp_path):
    write_listing(tmp_path, Listing(DEFINITION, True, {}, points({f"p{seed}": ({}, seed) for seed in (2, 1)})))
    add(tmp_path, "p2", 7.0, seed=2)
    found = Sweep.load(tmp_path).dataset(gain)
    assert found.dims == ("seed",)
    np.testing.assert_array_equal(found.values, [np.nan, 7.0])


def test_points_of_a_list_stand_along_one_dimension(tmp_path):
    keys = {"a": ({"M": 5, "eps": 0.1}, 0), "b": ({"M": 7, "eps": 0.3}, 0), "c": ({"M": 9, "eps": 0.2}, 0)}
    write_listing(tmp_path, Listing(DEFINITION, False, {"M": "1", "eps": "1"}, points(keys)))
    for key, hidden in (("a", 1.0), ("c", 3.0)):
        add(tmp_path, key, hidden)
    found = Sweep.load(tmp_path).dataset(gain)
    assert found.dims == ("point",)
    np.testing.assert_array_equal(found.values, [1.0, np.nan, 3.0])
    assert found.eps.values.tolist() == [0.1, 0.3, 0.2]


def test_parameters_that_are_several_numbers_are_named_by_text(tmp_path):
    keys = {"a": ({"test_epochs": [1, 2]}, 0), "b": ({"test_epochs": [2]}, 0)}
    write_listing(tmp_path, Listing(DEFINITION, True, {"test_epochs": "1"}, points(keys)))
    add(tmp_path, "a", 4.0)
    assert Sweep.load(tmp_path).dataset(gain).sel(test_epochs="1, 2", seed=0) == 4.0


def test_an_error_in_the_measure_names_the_point(grid):
    with pytest.raises(ZeroDivisionError) as caught:
        Sweep.load(grid).dataset(lambda result: 1 / 0)
    assert "while measuring the point M = 5, tau = 0.02, seed 0" in caught.value.__notes__[0]


def test_several_lists_in_one_store_are_one_sweep(grid):
    more = Listing(DEFINITION, True, {"M": "1", "tau": "second"}, points({"new": ({"M": 20, "tau": 0.02}, 0)}))
    check_listing(grid, more)
    write_listing(grid, more)
    write_listing(grid, more)
    assert len(list(grid.glob("*.sweep.json"))) == 2
    assert Sweep.load(grid).axes == {"M": [5, 10, 20], "tau": [0.02, 0.03], "seed": [0, 3]}


OTHER = {
    "variant: rate there, spiking now": Listing({**DEFINITION, "variant": "spiking"}, True, {"M": "1", "tau": "s"}, {}),
    "the text of the model": Listing({**DEFINITION, "hash of the model": "0b"}, True, {"M": "1", "tau": "s"}, {}),
    r'swept parameters: \["M", "tau"\] there, \["M"\] now': Listing(DEFINITION, True, {"M": "1"}, {}),
    "points: all combinations there, a list now": Listing(DEFINITION, False, {"M": "1", "tau": "s"}, {}),
    "interval: null there, 0.5 now": Listing({**DEFINITION, "interval": 0.5}, True, {"M": "1", "tau": "s"}, {}),
}


@pytest.mark.parametrize("difference", OTHER)
def test_another_sweep_in_the_same_store_is_refused_by_what_differs(grid, difference):
    with pytest.raises(ResultError, match=f"holds another sweep. What differs: {difference}. Values and seeds may"):
        check_listing(grid, OTHER[difference])


def test_a_folder_without_a_sweep_and_one_without_results_say_so(tmp_path, grid):
    with pytest.raises(ResultError, match="holds no sweep"):
        Sweep.load(tmp_path / "nothing")
    for path in grid.glob("*.nc"):
        path.unlink()
    with pytest.raises(ResultError, match=r"No point .* finished\. The first failed: ValueError: no such thing"):
        Sweep.load(grid).dataset(gain)


def test_a_damaged_list_is_named(grid):
    [path] = grid.glob("*.sweep.json")
    path.write_text(path.read_text()[:40])
    with pytest.raises(ResultError, match=r"sweep.json' is no list of a sweep's points, or was damaged"):
        Sweep.load(grid)


def test_status_and_arrays_need_no_brian2(grid):
    code = f"""
import sys
sys.modules["brian2"] = None
from brainmem import Sweep
from brainmem.cli import app
print(Sweep.load({str(grid)!r}).dataset(lambda result: result.parameter("gain")).sel(M=5, tau=0.02, seed=0).item())
app(["status", {str(grid)!r}])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert float(first) == 7.0
    assert [line.split() for line in lines if line.startswith("10 ")] == [
        ["10", "0.02", "1", "of", "2"],
        ["10", "0.03", "2", "of", "2"],
    ]
    assert "failed at M = 10, tau = 0.02, seed 3: ValueError: no such thing" in lines


def test_status_shows_sweeps_and_other_results_side_by_side(grid):
    synthetic.result(seed=9).save(grid / "other.nc")
    (grid / ".p6.nc.0123456789ab.tmp").touch()
    text = CliRunner().invoke(app, ["status", str(grid.parent)]).stdout
    assert "6 of 8 points finished" in text
    assert "other.nc" in text
    assert "unfinished" in text
    assert "p0.nc" not in text


def test_status_goes_on_after_a_damaged_list(grid):
    broken = grid.parent / "broken"
    broken.mkdir()
    (broken / "0.sweep.json").write_text("{")
    done = CliRunner().invoke(app, ["status", str(grid.parent)])
    assert "broken/0.sweep.json' is no list of a sweep's points" in done.stderr
    assert "6 of 8 points finished" in done.stdout


def test_status_shows_damaged_and_foreign_results_and_every_other_point(grid):
    content = (grid / "p0.nc").read_bytes()
    (grid / "p0.nc").write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    (grid / "p2.nc").write_bytes((grid / "p3.nc").read_bytes())
    (grid / "p1.error.json").write_text('{"kind": "Devi')
    found = Sweep.load(grid)
    assert [point.path.stem for point in found.damaged] == ["p0", "p2"]
    assert np.isnan(found.dataset(gain)).sum() == 4
    text = CliRunner().invoke(app, ["status", str(grid)]).stdout
    assert "4 of 8 points finished, 1 failed, 2 damaged" in text
    assert "damaged at M = 10, tau = 0.02, seed 0, p0.nc: the file was damaged: its checksum does not fit" in text
    assert "p2.nc: the file is the result of another run, p3; the same sweep runs it again" in text
    assert "the file that says why, p1.error.json, was damaged" in text


def test_a_damaged_list_hides_no_point_of_another(grid):
    more = Listing(DEFINITION, True, {"M": "1", "tau": "second"}, points({"new": ({"M": 20, "tau": 0.02}, 0)}))
    write_listing(grid, more)
    [path] = [path for path in grid.glob("*.sweep.json") if '"new"' in path.read_text()]
    path.write_text(path.read_text().replace("20", "21"))
    with pytest.warns(RuntimeWarning, match="Run the same sweep again, which writes its list anew"):
        assert len(Sweep.load(grid).points) == 8
    done = CliRunner().invoke(app, ["status", str(grid)])
    assert "6 of 8 points finished" in done.stdout
    assert path.name in done.stderr
    write_listing(grid, more)
    assert len(Sweep.load(grid).points) == 9
