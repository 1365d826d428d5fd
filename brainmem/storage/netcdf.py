"""Write datasets to NetCDF files and read them: whole or not at all, sealed, whatever signal comes meanwhile."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import xarray as xr
from xarray.backends import NetCDF4DataStore
from xarray.backends.locks import HDF5_LOCK, NETCDFC_LOCK, combine_locks

from brainmem.errors import ResultError, closest
from brainmem.storage.files import open_path, replacing
from brainmem.storage.leaving import uninterrupted
from brainmem.storage.seals import read_seal, write_seal

__all__ = ["read_dataset", "write_dataset"]


def write_dataset(data: xr.Dataset, path: str | Path, *, key: str = "") -> Path:
    """Write a dataset to one file and return its path; `key` names the point of a sweep that it belongs to.

    Raises
    ------
    ResultError
        When the file cannot be written.
    """
    path = open_path(path)
    with uninterrupted(), replacing(path) as temporary:
        try:
            _write(data, temporary)
        except RuntimeError as error:  # how the NetCDF library says that it cannot write
            raise _as_os_error(error, temporary) from error
        write_seal(temporary, key)
    return path


def _write(data: xr.Dataset, path: Path) -> None:
    """Write a file that nobody else knows; the libraries below do not stand two threads.

    `Dataset.to_netcdf` takes a lock of the file too, for which it imports dask where that is installed. In a dask
    cluster it asks the scheduler at every access, which takes ten times as long as the writing.
    """
    store = NetCDF4DataStore.open(str(path), mode="w", lock=combine_locks([NETCDFC_LOCK, HDF5_LOCK]))
    try:
        data.dump_to_store(store)
    finally:
        store.close()


def _as_os_error(error: RuntimeError, path: Path) -> OSError:
    """Return the error that writing a file meets, which the NetCDF library does not tell."""
    try:
        with path.open("ab") as file:
            file.write(bytes(2**20))
    except OSError as found:
        return found
    return OSError(errno.EIO, str(error))


def read_dataset(path: str | Path) -> xr.Dataset:
    """Read a file that `write_dataset` wrote.

    Raises
    ------
    ResultError
        When it is missing, damaged or another kind of file.
    """
    path = open_path(path)
    if not os.path.isfile(path):
        raise ResultError(f"There is no result file {str(path)!r}.{_neighbours(path)}")
    try:
        seal = read_seal(path)
        if seal and not seal.intact:
            raise ValueError("its checksum does not fit")
        with uninterrupted():
            return xr.load_dataset(path, engine="netcdf4", decode_times=False, decode_timedelta=False)
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise ResultError(
            f"{str(path)!r} is not a brainmem result, or was damaged: {error}. "
            "Expected a NetCDF file written by Result.save; run the simulation again."
        ) from error


def _neighbours(path: Path) -> str:
    if not os.path.isdir(path.parent):
        return f" The folder {str(path.parent)!r} does not exist either."
    near = sorted(item.name for item in path.parent.glob("*.nc"))
    return closest(path.name, near) or f" Files in that folder: {', '.join(near[:8]) or 'no .nc file'}."
