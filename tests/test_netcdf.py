"""The quick writer of NetCDF: the same file content as xarray's own writer, for every kind of dataset."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import synthetic
import xarray as xr

from brainmem.netcdf import write

READ = {"engine": "h5netcdf", "decode_timedelta": False}
PLAIN = synthetic.result("spiking", traces=True).data
DATASETS = {
    "numbers and text": PLAIN,
    "nothing along one dimension": PLAIN.isel(spike=[]),
    "single values": xr.Dataset({"x": ((), 3.5), "name": ((), "µ")}),
    "small numbers": xr.Dataset({"x": ("i", np.arange(3, dtype="float32")), "n": ("i", np.arange(3, dtype="uint8"))}),
    "not a number": xr.Dataset({"x": ("i", [1.0, np.nan])}, attrs={"share": 0.5}),
    "truth values": PLAIN.assign(recalled=("item", np.arange(synthetic.ITEMS) > 2)),
    "a coordinate without a dimension": PLAIN.assign_coords(name=("item", list("abcdef"))),
    "an attribute with several numbers": PLAIN.assign_attrs(levels=[1, 2, 3]),
    "a table named like a dimension": xr.Dataset({"i": (("i", "j"), np.ones((2, 3)))}),
}


@pytest.mark.parametrize("name", DATASETS)
def test_the_file_reads_as_the_one_that_xarray_writes(name, tmp_path):
    data = DATASETS[name]
    write(data, tmp_path / "ours.nc")
    data.to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
    ours, theirs = (xr.load_dataset(tmp_path / f"{file}.nc", **READ) for file in ("ours", "theirs"))
    xr.testing.assert_identical(ours, theirs)
    assert list(ours.variables) == list(theirs.variables)
    assert {key: value.dtype for key, value in ours.items()} == {key: value.dtype for key, value in theirs.items()}


def test_dimensions_are_marked_as_the_netcdf_library_wants_them(tmp_path):
    write(PLAIN, tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc") as file:
        assert file["unit"].attrs["NAME"] == b"This is a netCDF dimension but not a netCDF variable.        40"
        assert file["epoch"].attrs["NAME"] == b"epoch"
        assert [axis[0].name for axis in file["recurrent_w"].dims] == ["/epoch", "/post", "/pre"]
        numbers = sorted(int(file[name].attrs["_Netcdf4Dimid"]) for name in PLAIN.dims)
        assert numbers == list(range(len(PLAIN.dims)))
