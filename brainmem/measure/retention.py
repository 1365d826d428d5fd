"""What is kept of a stream of items: by the age of the memory, and after every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from brainmem.errors import ResultError, closest, quoted
from brainmem.intake.arguments import TEXT, a, optional, takes
from brainmem.measure.recall import recall_table

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = ["retention"]


def _is_source(given: Any) -> bool:
    table = (
        isinstance(given, xr.Dataset) and "score" in given and given["score"].dims[:3] == ("epoch", "item", "repeat")
    )
    return table or type(given).__name__ == "Result"


@takes(
    ResultError,
    source=a("a Result, or the table that recall_table() returns", _is_source),
    learned=optional(TEXT),
)
def retention(source: Result | xr.Dataset, *, learned: str | None = None) -> xr.Dataset:
    """Return the fraction of items recalled by their age, and how many are kept after every epoch.

    The age of an item that is tested in epoch k and was learned in epoch j is k - j, its mean over the items that have
    this age in some epoch is ``c(age) = <recalled_j(j + age)>_j``.

    Parameters
    ----------
    source : Result or xarray.Dataset
        A run, or its `recall_table`, by whose criterion an item is recalled.
    learned : str, optional
        The phase that learns, of a run: ages count from the last epoch in which the item came in it, and tests before
        the first are left out. Without it ages count from the epoch in which the item is first tested.

    Returns
    -------
    xarray.Dataset
        ``retained(age)``, the fraction recalled; ``tests(age)``, over how many items and epochs it is the mean;
        ``kept(epoch)``, how many of the items tested are recalled. Of repeats and trials each counts for its part.

    Raises
    ------
    ResultError
        For a phase that the run does not have, or in which none of the items tested comes before its test.
    """
    if isinstance(source, xr.Dataset):
        if learned is not None:
            raise ResultError(f"learned={learned!r} names a phase of a run: give the Result in place of its table.")
        table = source
    else:
        table = recall_table(source)
    recalled = _recalled(table)
    tested = np.isfinite(recalled)
    epochs = table["epoch"].values
    born = _first_tests(epochs, tested) if learned is None else _last_learned(source, learned, table)
    ages = np.where(tested, epochs[:, np.newaxis] - born, np.nan)
    counted = ages >= 0
    if not counted.any():
        raise ResultError(f"No item comes in phase {learned!r} before it is tested, so that none has an age.")
    found = np.unique(ages[counted])
    groups = [recalled[counted & (ages == age)] for age in found]
    sizes = {"units": "1"}
    age = xr.Variable("age", found.astype(int), {"units": "1", "long_name": "epochs since the item was learned"})
    data = {
        "retained": ("age", [float(part.mean()) for part in groups], sizes | {"long_name": "fraction recalled"}),
        "tests": ("age", [part.size for part in groups], sizes | {"long_name": "items and epochs"}),
        "kept": ("epoch", np.nansum(recalled, axis=1), sizes | {"long_name": "items recalled"}),
    }
    return xr.Dataset(data, {"age": age, "epoch": epochs}, attrs=table.attrs)


def _recalled(table: xr.Dataset) -> np.ndarray:
    """Return how much of each item counts as recalled, 0 ... 1, (epoch, item), NaN where it was not tested."""
    scores, threshold = table["score"].values, table.attrs["threshold"]
    there = np.isfinite(scores)
    if table.attrs["repeats"] == "mean":
        count = there.sum(axis=2, keepdims=True)
        scores = np.divide(
            np.where(there, scores, 0).sum(axis=2, keepdims=True), count, np.full(count.shape, np.nan), where=count > 0
        )
        there = np.isfinite(scores)
    axes = tuple(range(2, scores.ndim))
    number, above = there.sum(axis=axes), (there & (scores > threshold)).sum(axis=axes)
    return np.divide(above, number, np.full(number.shape, np.nan), where=number > 0)


def _first_tests(epochs: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Return the epoch in which each item is first tested, (1, item)."""
    return epochs[np.argmax(tested, axis=0)][np.newaxis]


def _last_learned(result: Any, phase: str, table: xr.Dataset) -> np.ndarray:
    """Return the last epoch, up to each, in which each item came in a phase, (epoch, item), NaN for none."""
    result = result.by_item()
    phases = result["step_phase"].values
    if phase not in phases:
        known = list(dict.fromkeys(phases.tolist()))
        raise ResultError(
            f"learned={quoted(phase)} is no phase of the run.{closest(phase, known)} Phases: {', '.join(known)}."
        )
    steps = phases == phase
    when, items = result["step_epoch"].values[steps], result["step_item"].values[steps]
    born = np.full((table.sizes["epoch"], table.sizes["item"]), np.nan)
    for row, epoch in enumerate(table["epoch"].values):
        for column, item in enumerate(table["item"].values):
            before = when[(items == item) & (when <= epoch)]
            born[row, column] = before.max() if before.size else np.nan
    return born
