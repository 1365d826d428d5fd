"""What a sweep keeps of a result in its place: the outcome of a function, as a file of its own."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import xarray as xr

from brainmem.errors import ResultError, RuleError, quoted
from brainmem.numbers.threads import on_one_thread
from brainmem.results.result import Result
from brainmem.storage.netcdf import read_dataset

__all__ = ["MEASURE", "as_arrays", "check_measure", "compiled", "folder_of", "identity", "kept_at", "measured"]

MEASURE = "measure"  # its name in the definition of a sweep
SINGLE = "single"  # marks a file that holds one array
ABOUT = "about"
OF_RESULTS = ("model", "variant", "protocol", "choices", "seed", "device", "complete", "created", "key")


def check_measure(measure: Callable[[Result], Any], *, alone: bool, what: str = "sweep(): measure") -> None:
    """Check that a function can be found again by other processes and later calls; `alone` is without the former.

    `what` is what messages call it.

    Raises
    ------
    RuleError
        With the reason, and what to do.
    """
    name = getattr(measure, "__qualname__", "")
    if not name:
        raise RuleError(
            f"{what}={quoted(measure)} has no name by which the store could know it. Write a function, "
            "'def f(result): ...', that calls it."
        )
    if _importable(measure):
        return
    if not alone:
        where = "the script or notebook that runs" if measure.__module__ == "__main__" else "another function"
        reason = "is a lambda" if "<lambda>" in name else f"stands in {where}"
        raise RuleError(
            f"{what}={name} {reason}, where other processes cannot import it. Write it as a function of a "
            "file beside the script, and import it from there; or sweep with jobs=1, in this process."
        )
    if not isinstance(measure, FunctionType) or measure.__closure__ or measure.__defaults__ or measure.__kwdefaults__:
        raise RuleError(
            f"{what}={name} depends on values of the place where it was made, which the store could not "
            "tell from others. Write a function of a module that reads nothing but its argument."
        )


def _importable(measure: Any) -> bool:
    """Tell whether another process that imports the function's module finds it there."""
    if measure.__module__ in (None, "__main__"):
        return False
    found: Any = sys.modules.get(measure.__module__)
    for part in measure.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is measure


def identity(measure: Callable[[Result], Any]) -> dict[str, str]:
    """Return by what a store knows a function: its name, and a hash of its text."""
    module = measure.__module__ or ""
    return {
        MEASURE: f"{module}.{measure.__qualname__}",
        "hash of the function measure": hashlib.sha256(_text(measure).encode()).hexdigest()[:20],
    }


def _text(measure: Any) -> str:
    inner = inspect.unwrap(measure)
    try:
        return inspect.getsource(inner)
    except (OSError, TypeError):
        code = getattr(inner, "__code__", None)
        return "" if code is None else f"{code.co_code!r} {code.co_consts!r} {code.co_names!r}"


def compiled(measure: Callable[[Result], Any]) -> str:
    """Return a hash of a function as it runs; its text may be newer, where its module was imported long ago."""
    return hashlib.sha256(repr(_parts(getattr(inspect.unwrap(measure), "__code__", None))).encode()).hexdigest()[:20]


def _parts(code: Any) -> Any:
    if not isinstance(code, CodeType):
        return repr(code)
    return code.co_code, code.co_names, [_parts(value) for value in code.co_consts]


def folder_of(measure: Callable[[Result], Any]) -> str:
    """Return the folder in which Python looks for the module or package of a function, ``""`` for none."""
    module = sys.modules[measure.__module__]
    file = getattr(module, "__file__", None)
    above = module.__name__.count(".") + hasattr(module, "__path__")
    return str(Path(file).absolute().parents[above]) if file else ""


def as_arrays(value: Any) -> xr.DataArray | xr.Dataset:
    """Return what a measure gave as arrays with named dimensions."""
    if isinstance(value, Mapping) and not isinstance(value, xr.Dataset):
        return xr.Dataset({str(name): xr.DataArray(item) for name, item in value.items()})
    return value if isinstance(value, xr.Dataset | xr.DataArray) else xr.DataArray(value)


def measured(measure: Callable[[Result], Any], result: Result) -> xr.Dataset:
    """Return what is kept of a result: what `measure` makes of it, and which run it was.

    Raises
    ------
    ResultError
        When it is nothing that a file can hold.
    """
    try:
        with on_one_thread():
            value = measure(result)
    except Exception as error:
        raise ResultError(f"measure={measure.__qualname__}: {type(error).__name__}: {error}") from error
    found = as_arrays(value)
    single = isinstance(found, xr.DataArray)
    data = found.to_dataset(name=MEASURE) if single else found.copy()
    wrong = [str(name) for name, item in data.variables.items() if item.dtype.kind not in "biufU" and not _texts(item)]
    if wrong:
        raise ResultError(
            f"measure={measure.__qualname__} returned {quoted(value)}, of which {', '.join(wrong)} is neither numbers "
            "nor text. Return a number, an array, an xarray.DataArray or Dataset, or a dict of these."
        )
    data.attrs = {ABOUT: json.dumps(_about(result, measure)), SINGLE: int(single)}
    return data


def _about(result: Result, measure: Callable[[Result], Any]) -> dict[str, Any]:
    """Return which run was measured, and how. It is one attribute, as a file with many takes twice the space."""
    parameters = {name: [item["value"], item["unit"]] for name, item in result.parameters.items()}
    known = {name: result.data.attrs[name] for name in OF_RESULTS if name in result.data.attrs}
    about = {name: item.item() if isinstance(item, np.generic) else item for name, item in known.items()}
    return {**about, "notes": list(result.notes), "parameters": parameters, **identity(measure)}


def _texts(item: Any) -> bool:
    return item.dtype.kind == "O" and all(isinstance(value, str) for value in item.values.ravel())


def kept_at(path: Path) -> xr.DataArray | xr.Dataset:
    """Return what `measured` kept in a file."""
    data = read_dataset(path)
    return data[MEASURE] if data.attrs.get(SINGLE) else xr.Dataset(data.data_vars, data.coords)
