"""Figures of sequences, as readers of Rajan, Harvey & Tank (2016) know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from brainmem import measure
from brainmem.errors import ResultError, quoted
from brainmem.intake.arguments import NAMES, NUMBER, takes
from brainmem.intake.numbers import read_array, take
from brainmem.measure.checks import array
from brainmem.plot.style import GREY, VARIANTS, figure, reference_line, styled

__all__ = ["pvar_curve", "pvar_of_tests", "sequences", "weight_bands"]

_LONGEST = 1e9  # seconds between samples
_COLOURS = (VARIANTS["rate"]["color"], VARIANTS["spiking"]["color"], "#009E73", "#CC79A7")


@takes(ResultError, names=NAMES)
@styled
def sequences(
    *rates: ArrayLike,
    steps: float | Sequence[float] = 1.0,
    names: Sequence[str] = (),
    order: ArrayLike | None = None,
) -> Figure:
    """Plot the rates of all units in time, one column of images for each array, units sorted by centre of mass.

    Rates of both signs are sorted by their peak, and have colours of both signs.

    Parameters
    ----------
    rates : (time, unit) or (trial type, time, unit) float arrays
        Such as the target, the network before learning and after it; a row of images for each trial type.
    steps : float, or one for each array
        Seconds between samples.
    names : sequence of str
        Titles of the columns.
    order : (unit,) int array, optional
        Units from top to bottom; by the centre of mass of the first array's activity when not given, or the time of its
        peak where there are rates below 0.

    Raises
    ------
    ResultError
        For arrays that do not have the same units and trial types.
    """
    tables = [array(item, f"rates {k}") for k, item in enumerate(rates)]
    spans = array(steps, "steps")
    tables = [item[None] if item.ndim == 2 else item for item in tables]
    shapes = {item.shape[:1] + item.shape[-1:] for item in tables}
    if len(shapes) != 1 or any(item.ndim != 3 for item in tables):
        raise ResultError(
            f"Rates must be arrays (time, unit) or (trial type, time, unit) of the same units; got shapes "
            f"{[item.shape for item in tables]}."
        )
    if spans.size not in (1, len(tables)) or not ((spans > 0) & (spans < _LONGEST)).all():
        raise ResultError(f"steps={steps!r} must be one time above 0, or one for each of the {len(tables)} arrays.")
    steps = [float(step) for step in np.broadcast_to(spans.ravel(), len(tables))]
    order = None if order is None else array(order, "order")
    if order is not None and sorted(np.ravel(order).tolist()) != list(range(tables[0].shape[-1])):
        raise ResultError(f"order must hold each of the {tables[0].shape[-1]} units once, got {order}.")
    order = None if order is None else order.ravel().astype(int)
    if order is None:
        order = _by_time(tables[0])
    trials = len(tables[0])
    fig = figure(1.2 + 2.5 * len(tables), 0.7 + 2.5 * trials)
    panels = fig.subplots(trials, len(tables), squeeze=False, sharex=True, sharey=True)
    top = float(np.quantile(np.abs(tables[0]), 0.999)) or 1.0
    signed = bool(tables[0].min() < 0)
    colours = {"cmap": "RdBu_r", "vmin": -top} if signed else {"cmap": "magma", "vmin": 0}
    for column, (table, step) in enumerate(zip(tables, steps, strict=True)):
        for trial in range(trials):
            axes = panels[trial, column]
            units = table.shape[-1]
            extent = (0, step * table.shape[1], units, 0)
            image = axes.imshow(
                table[trial][:, order].T, aspect="auto", vmax=top, extent=extent, interpolation="nearest", **colours
            )  # fmt: skip
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        panels[0, column].set_title(names[column] if column < len(names) else "")
        panels[-1, column].set_xlabel("time (s)")
    for trial in range(trials):
        panels[trial, 0].set_ylabel("unit, sorted" if trials == 1 else f"unit, sorted (trial type {trial})")
    bar = fig.colorbar(image, ax=panels, shrink=0.8, aspect=24, extend="both" if signed else "max")
    bar.set_label("rate")
    bar.outline.set_visible(False)
    return fig


def _by_time(rates: np.ndarray) -> np.ndarray:
    """Return the order of units by when they are active, over all trials."""
    if rates.min() < 0:
        return np.argsort(np.argmax(rates.sum(axis=0), axis=0), kind="stable")
    return np.argsort(measure.centre_of_mass(rates.sum(axis=0)), kind="stable")


@styled
def pvar_of_tests(pvars: ArrayLike | Mapping[str, ArrayLike]) -> Figure:
    """Plot pVar of every test pass during learning; the best one is marked.

    Parameters
    ----------
    pvars : (epoch, ...) xarray.DataArray, (test,) or (test, trial) float array, or a mapping of labels to such
        What `measure.pvar_of_tests` returns. Items, repeats and trials are drawn as thin lines, their mean as the line.
    """
    given = pvars if isinstance(pvars, Mapping) else {"": pvars}
    given = {name: _by_test(values) for name, values in given.items()}
    empty = [name for name, values in given.items() if _is_empty(values)]
    if not given or empty:
        raise ResultError("pvars holds no test pass to plot.")
    curves = {str(name): array(values, f"pvars {name}".strip()) for name, values in given.items()}
    fig = figure(4.2, 2.8)
    axes = fig.subplots()
    for (label, values), colour in zip(curves.items(), _cycled(len(curves)), strict=True):
        table = np.atleast_1d(np.asarray(values, dtype=float))
        table = table.reshape(len(table), -1)
        values = table.mean(axis=1)
        tests, best = np.arange(1, len(values) + 1), int(np.argmax(values))
        if table.shape[1] > 1:
            axes.plot(tests, table, color=colour, linewidth=0.6, alpha=0.45)
        axes.plot(tests, values, "o-", color=colour, label=label or None, markersize=3)
        axes.plot(tests[best], values[best], "o", markersize=9, markerfacecolor="none", color=colour)
    _pvar_axis(axes, [np.asarray(v, dtype=float) for v in curves.values()])
    axes.set(xlabel="test pass", title="fit during learning (best marked)")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if any(curves):
        axes.legend(loc="lower right")
    return fig


def _by_test(values: Any) -> Any:
    """Return pVar of a measure as (test, item and so on); an item that a test left out has the mean of the others."""
    if not isinstance(values, xr.DataArray) or "epoch" not in values.dims:
        return values
    table = values.transpose("epoch", ...).values.reshape(values.sizes["epoch"], -1)
    return np.where(np.isnan(table), np.nanmean(table, axis=1, keepdims=True), table)


@styled
def pvar_curve(fractions: ArrayLike, pvars: Mapping[str, ArrayLike]) -> Figure:
    """Plot pVar against the fraction of plastic synapses.

    Parameters
    ----------
    fractions : (p,) float array
        Above 0.
    pvars : mapping of str to (p,) or (p, seed) float array
        Curves by label; several seeds are drawn as points, their mean as the line.
    """
    fractions = array(fractions, "fractions", least=1)
    if not isinstance(pvars, Mapping):
        raise ResultError(f"pvars={quoted(pvars)} must be a mapping from labels to curves.")
    if not pvars or fractions.ndim != 1 or np.any(fractions <= 0):
        raise ResultError("fractions must be above 0, their axis is logarithmic, and pvars must hold a curve.")
    ranked = np.argsort(fractions)
    fig = figure(4.2, 3.0)
    axes = fig.subplots()
    for (label, values), colour in zip(pvars.items(), _cycled(len(pvars)), strict=True):
        values = read_array(values, what=f"pvars {label!r}", error=ResultError)
        if values.ndim not in (1, 2) or values.shape[:1] != fractions.shape:
            raise ResultError(f"pvars: {label!r} has {values.shape[:1]} fractions, and {fractions.shape} are given.")
        table = (values[:, None] if values.ndim == 1 else values)[ranked]
        axes.plot(fractions[ranked], np.nanmean(table, axis=1), color=colour, label=label)
        axes.plot(
            np.repeat(fractions[ranked], table.shape[1]), table.ravel(), "o", color=colour, markersize=3, alpha=0.7
        )
    axes.set_xscale("log")
    _pvar_axis(axes, [take(v).values for v in pvars.values()])
    axes.set(xlabel="fraction p of plastic synapses", title="a small fraction suffices")
    axes.legend(loc="lower right")
    return fig


@takes(ResultError, mark=NUMBER)
@styled
def weight_bands(
    after: ArrayLike, before: ArrayLike | None = None, *, place: ArrayLike, width: int = 20, mark: float = 0.5
) -> Figure:
    """Plot weights against the distance of their units in the sequence: mean of each band, and its spread.

    Parameters
    ----------
    after, before : (post, pre) float arrays
        With `before`, the bands before learning are drawn beside those after it.
    place : (unit,) float array
        Position of each unit in the sequence.
    width : int
        Of a band, in units.
    mark : float
        Fraction of the offsets shown, about the diagonal.
    """
    if after is None:
        raise ResultError("weight_bands(): after=None; give the weights after learning.")
    shown = [(name, matrix) for name, matrix in (("before learning", before), ("after", after)) if matrix is not None]
    fig = figure(0.8 + 3.2 * len(shown), 3.0)
    panels = np.atleast_1d(fig.subplots(1, len(shown), sharey=True))
    for axes, (name, matrix), colour in zip(panels, shown, _COLOURS[-len(shown) :], strict=True):
        bands = measure.band_structure(matrix, place, width=width)
        inside = np.abs(bands.offset) <= mark * len(np.asarray(place)) + width
        offset, mean, sd = bands.offset[inside], bands.mean[inside], bands.sd[inside]
        axes.fill_between(offset, mean - sd, mean + sd, color=colour, alpha=0.15, linewidth=0, label="sd of the band")
        axes.plot(offset, mean, "o-", color=colour, markersize=3, label="mean")
        reference_line(axes, 0.0)
        axes.axvline(0, color=GREY, linewidth=0.7)
        axes.set(title=name, xlabel="post - pre, units")
    panels[0].set_ylabel("weight J")
    panels[-1].legend(loc="upper right")
    return fig


def _is_empty(values: ArrayLike) -> bool:
    return values.size == 0 if isinstance(values, np.ndarray) else isinstance(values, list | tuple) and not values


def _cycled(count: int) -> list[str]:
    return [_COLOURS[k % len(_COLOURS)] for k in range(count)]


def _pvar_axis(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    """Show 0 ... 1 and, below 0, as far as half of the values of the lowest curve reach."""
    finite = [np.ravel(item)[np.isfinite(np.ravel(item))] for item in curves]
    low = min([0.0, *(float(np.median(item)) for item in finite if item.size)])
    axes.set_ylim(1.1 * low - 0.02, 1.02)
    reference_line(axes, 0.0)
    axes.set_ylabel("pVar")
