"""Figures of what was learned, and of how spiking cells were calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from brainmem import measure
from brainmem.errors import ResultError
from brainmem.intake.arguments import MAPPING, RESULT, TEXT, optional, takes
from brainmem.intake.units import unit_name
from brainmem.measure.checks import array
from brainmem.plot.style import GREY, figure, look, reference_line, remark, styled
from brainmem.results.result import Result

__all__ = ["fi_curve", "weights"]

_NUMBERS = {"current", "rate", "rate_max", "checked", "reached", "fano", "error"}
_BASE = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


@takes(ResultError, result=RESULT, variable=optional(TEXT), targets=TEXT, cues=TEXT)
@styled
def weights(result: Result, *, variable: str | None = None, targets: str = "target", cues: str = "cue") -> Figure:
    """Plot weight matrices over epochs, their row norms, and how decorrelated the memories are.

    Parameters
    ----------
    result : Result
        With weights recorded after every epoch.
    variable : str, optional
        Weight variable, (epoch, post, pre); needed if there are several.
    targets, cues : str
        Patterns for the decorrelation index, which is left out when a result has none.
    """
    variable = variable or _only_weights(result)
    values, epochs = result[variable].values, result["epoch"].values
    if values.ndim != 3 or len(values) != len(epochs):
        raise ResultError(f"variable={variable!r} holds no weights (epoch, post, pre), but has shape {values.shape}.")
    last = len(epochs) - 1
    chosen = np.unique([0, min(1, last), (1 + last) // 2, last])
    fig = figure(7.2, 4.8)
    upper, lower = np.ravel(np.asarray(fig.subfigures(2, height_ratios=[1.05, 1])))
    _matrices(upper, values[chosen], epochs[chosen], str(variable))
    index = _decorrelation(result, values, targets, cues)
    panels = np.atleast_1d(lower.subplots(1, 1 if index is None else 2))
    _row_norms(panels[0], values, epochs, look(result.variant)["color"])
    if index is not None:
        _index(panels[1], index, epochs, look(result.variant))
    return fig


def _only_weights(result: Result) -> str:
    names = [str(name) for name, item in result.data.items() if item.dims[:1] == ("epoch",) and item.ndim == 3]
    if len(names) == 1:
        return names[0]
    if not names:
        raise ResultError("The result holds no weights; record them with simulate(..., record=('weights',)).")
    raise ResultError(f"Say which weights to plot with variable=...: {', '.join(names)}.")


def _matrices(fig: Any, matrices: np.ndarray, epochs: np.ndarray, name: str) -> None:
    panels = np.atleast_1d(fig.subplots(1, len(matrices), sharex=True, sharey=True))
    limit = float(np.nanquantile(np.abs(matrices), 0.995)) or 1.0
    for axes, matrix, epoch in zip(panels, matrices, epochs, strict=True):
        image = axes.imshow(matrix, vmin=-limit, vmax=limit, interpolation="nearest", aspect="equal")
        axes.set_title("before learning" if epoch == 0 else f"epoch {epoch}")
        axes.set_xlabel("presynaptic unit")
        axes.spines[:].set_visible(True)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(3, integer=True))
    panels[0].set_ylabel("postsynaptic unit")
    bar = fig.colorbar(image, ax=panels, shrink=0.8, aspect=18, extend="both")
    bar.set_label(name.replace("_", " "))
    bar.outline.set_visible(False)


def _row_norms(axes: Axes, values: np.ndarray, epochs: np.ndarray, colour: str) -> None:
    norms = measure.row_norms(np.nan_to_num(values))
    axes.fill_between(
        epochs, norms.min(axis=1), norms.max(axis=1), color=colour, alpha=0.18, linewidth=0, label="range"
    )
    axes.plot(epochs, norms.mean(axis=1), "o-", color=colour, label="mean over units")
    axes.set(title="row norm |Jᵢ|", xlabel="epochs learned", ylabel="Euclidean norm")
    _from_zero(axes, 1.25 * norms.max())
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.legend(loc="lower left", ncols=2)


def _decorrelation(result: Result, values: np.ndarray, targets: str, cues: str) -> list[float] | None:
    """Return R by snapshot, or None where it does not exist (no such patterns, other sizes, dependent patterns)."""
    if targets not in result or cues not in result:
        return None
    patterns = result[targets].values, result[cues].values
    try:
        return [measure.decorrelation_index(np.nan_to_num(matrix), *patterns) for matrix in values]
    except ResultError:
        return None


def _index(axes: Axes, index: list[float], epochs: np.ndarray, style: Mapping[str, str]) -> None:
    learned = epochs > 0 if len(epochs) > 1 else epochs >= 0
    axes.plot(epochs[learned], np.array(index)[learned], marker=style["marker"], color=style["color"])
    axes.set(title="decorrelation index R", xlabel="epochs learned", ylabel="off / on diagonal")
    _from_zero(axes, 1.15 * max(np.array(index)[learned]))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    remark(axes, "0: pseudo-inverse memory", (0.98, 0.04), ha="right")


def _from_zero(axes: Axes, top: float) -> None:
    """Let an axis reach from 0 to `top`, or to where it likes if a run that diverged leaves no such number."""
    axes.set_ylim(0, top if np.isfinite(top) and top > 0 else None)


@takes(ResultError, calibration=MAPPING)
@styled
def fi_curve(calibration: Mapping[str, Any]) -> Figure:
    """Plot a measured f-I curve and how well its inverse meets the rates asked for.

    Parameters
    ----------
    calibration : mapping
        One population's report, ``result.calibration["units"]``: ``current`` (in base SI units where there is a
        ``unit``, that of an own cell's input), ``rate`` (Hz), ``rate_max`` (Hz) and, if present, ``checked`` and
        ``reached`` (activities), ``fano``, ``error``.
    """
    absent = [name for name in ("current", "rate", "rate_max") if name not in calibration]
    if absent:
        held = ", ".join(map(str, calibration)) or "nothing"
        raise ResultError(
            f"This calibration lacks {', '.join(absent)}; it holds {held}. "
            "Pass one population's report, e.g. result.calibration['units']."
        )
    calibration = dict(calibration)
    for name in _NUMBERS & set(calibration):
        calibration[name] = array(calibration[name], f"calibration[{name!r}]") if np.size(calibration[name]) else ()
    checked = len(calibration.get("checked", ())) > 0
    _check_lengths(calibration, ("current", "rate"))
    _check_lengths(calibration, ("checked", "reached", "fano") if checked else ())
    fig = figure(7.2 if checked else 3.8, 2.7)
    panels = np.atleast_1d(fig.subplots(1, 1 + 2 * checked))
    _curve(panels[0], calibration)
    if checked:
        _deviation(panels[1], calibration)
        _fano(panels[2], calibration)
    return fig


def _check_lengths(calibration: Mapping[str, Any], names: tuple[str, ...]) -> None:
    shapes = {name: np.shape(calibration.get(name, ())) for name in names}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ResultError(f"This calibration needs lists of one length; it holds {found}.")


def _curve(axes: Axes, calibration: Mapping[str, Any]) -> None:
    current, label = _input(calibration)
    axes.plot(current, calibration["rate"], "o-", color=look("spiking")["color"], markersize=3)
    reference_line(axes, calibration["rate_max"])
    remark(axes, "activity 1", (0.02, calibration["rate_max"]), at_value=True, va="bottom")
    axes.set(title="measured f-I curve", xlabel=label, ylabel="rate (Hz)")
    axes.margins(y=0.08)


def _input(calibration: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    """Return the inputs of a curve and the label of their axis: a unit that is neither large nor small, or none.

    Reports of LIF cells have no unit, and their inputs are in units of threshold minus reset.
    """
    current = np.asarray(calibration["current"], dtype=float)
    if "unit" not in calibration:
        return current, "current (threshold - reset)"
    unit = str(calibration["unit"])
    if unit == "1":
        return current, "input"
    symbol = _symbol(unit)
    if not symbol.isalpha():  # a product of units
        return current, f"input ({symbol})"
    power = _power(float(np.abs(current).max(initial=0.0)))
    return current / 10.0**power, f"input ({_PREFIXES[power]}{symbol})"


def _symbol(unit: str) -> str:
    """Return what to call a unit that Brian2 writes as a product of base units: ``A``, ``V``, ``kg m^2``."""
    powers = [0.0] * len(_BASE)
    for part in unit.replace("**", "^").split("*"):
        name, _, power = part.partition("^")
        if name not in (*_BASE, "hertz"):
            return unit
        powers[_BASE.index("second" if name == "hertz" else name)] = float(power or 1) * (-1 if name == "hertz" else 1)
    return unit_name(tuple(powers))


def _power(largest: float) -> int:
    """Return the power of 1000 with which the largest of numbers is between 1 and 1000, as a power of ten."""
    if not 0 < largest < np.inf:
        return 0
    return int(np.clip(3 * np.floor(np.log10(largest) / 3 + 1e-9), min(_PREFIXES), max(_PREFIXES)))


def _deviation(axes: Axes, calibration: Mapping[str, Any]) -> None:
    asked, reached = np.array(calibration["checked"]), np.array(calibration["reached"])
    axes.axhline(0, color=GREY, linewidth=0.9)
    axes.plot(asked, 100 * (reached - asked), "o-", color=look("spiking")["color"], markersize=3)
    limit = 1.4 * max(float(np.abs(100 * (reached - asked)).max()), 0.5)
    axes.set(title="reached - asked", xlabel="activity asked for", ylabel="% of activity 1", ylim=(-limit, limit))
    if "error" in calibration:
        remark(axes, f"largest error {100 * calibration['error']:.2f} %", (0.97, 0.05), ha="right")


def _fano(axes: Axes, calibration: Mapping[str, Any]) -> None:
    reference_line(axes, 1)
    remark(axes, "Poisson", (0.97, 1), at_value=True, ha="right", va="bottom")
    axes.plot(calibration["checked"], calibration["fano"], "o-", color=look("spiking")["color"], markersize=3)
    axes.set(title="Fano factor", xlabel="activity", ylabel="F", ylim=(0, 1.15 * max(1, *calibration["fano"])))
