"""Write a dataset of numbers and text as NetCDF, in a tenth of the time that `xarray.Dataset.to_netcdf` takes.

NetCDF 4 is HDF5 in which dimensions are HDF5's dimension scales (NetCDF file format specifications, NetCDF-4/HDF5
format). Sweeps write thousands of small files, and what xarray does around HDF5 would cost more than many runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

__all__ = ["write"]

# The name that NetCDF gives to a dimension scale without values of its own.
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable.{:10d}"


def write(data: xr.Dataset, path: Path) -> None:
    """Write `data` to `path`; kinds of values that a result of brainmem never holds are left to xarray."""
    if not _is_plain(data):
        data.to_netcdf(path, engine="h5netcdf")
        return
    with h5py.File(path, "w", track_order=True) as file:
        _write_attributes(file, data.attrs)
        arrays = {str(name): _dataset(file, str(name), array) for name, array in data.variables.items()}
        scales = {str(name): _scale(file, str(name), size) for name, size in data.sizes.items()}
        for number, (name, scale) in enumerate(scales.items()):
            scale.make_scale(name if name in arrays else _NO_VARIABLE.format(data.sizes[name]))
            scale.attrs["_Netcdf4Dimid"] = np.int32(number)
        for name in arrays.keys() - scales.keys():
            for axis, dimension in enumerate(data.variables[name].dims):
                arrays[name].dims[axis].attach_scale(scales[str(dimension)])


def _is_plain(data: xr.Dataset) -> bool:
    attributes = [data.attrs, *(array.attrs for array in data.variables.values())]
    return all(_is_plain_array(name, array, data) for name, array in data.variables.items()) and all(
        isinstance(value, str | int | float | np.number) for found in attributes for value in found.values()
    )


def _is_plain_array(name: Any, array: xr.Variable, data: xr.Dataset) -> bool:
    own_dimension = name not in data.dims or array.dims == (name,)
    index = name not in data.coords or name in data.dims
    text = array.dtype.kind == "O" and all(isinstance(value, str) for value in array.values.flat)
    return own_dimension and index and (text or array.dtype.kind in "iufU")


def _dataset(file: h5py.File, name: str, array: xr.Variable) -> h5py.Dataset:
    values = array.values if array.dtype.kind in "iuf" else array.values.astype(object)
    made = file.create_dataset(
        name,
        data=values,
        dtype=h5py.string_dtype() if values.dtype == object else None,
        maxshape=_room(array.shape),
    )
    _write_attributes(made, array.attrs)
    return made


def _scale(file: h5py.File, name: str, size: int) -> h5py.Dataset:
    found = file.get(name)
    if isinstance(found, h5py.Dataset):
        return found
    return file.create_dataset(name, (size,), ">f4", maxshape=_room((size,)))


def _room(shape: tuple[int, ...]) -> tuple[int | None, ...] | None:
    """Return the largest shape: NetCDF takes a dimension of length 0 for one that may grow."""
    return tuple(size or None for size in shape) if 0 in shape else None


def _write_attributes(item: h5py.File | h5py.Dataset, attributes: Any) -> None:
    for name, value in attributes.items():
        if isinstance(value, str):
            _write_text(item, str(name), value)
        else:
            item.attrs[str(name)] = np.atleast_1d(value)


def _write_text(item: h5py.File | h5py.Dataset, name: str, text: str) -> None:
    """Do what ``item.attrs[name] = text`` does for a new name, in a third of the time: most attributes are text."""
    kind = h5py.string_dtype()
    in_file, one = h5py.h5t.py_create(kind, logical=True), h5py.h5s.create(h5py.h5s.SCALAR)
    h5py.h5a.create(item.id, name.encode(), in_file, one).write(np.array(text, dtype=kind))
