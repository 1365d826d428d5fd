"""Figures of activity: spikes, rates in time, overlaps over a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from brainmem.errors import ResultError
from brainmem.intake.arguments import ANYTHING, RESULT, RESULTS, SEED, SPAN, TEXT, optional, several, takes
from brainmem.measure import Criterion, recall_table
from brainmem.plot.style import (
    INK,
    PALE,
    as_results,
    axis_label,
    by_variant,
    figure,
    look,
    reference_line,
    styled,
)
from brainmem.results.result import Result

__all__ = ["overlaps", "raster", "rates"]

COUNTED = {"each": "each test", "mean": "each item (mean of its tests)"}
_PHASE_COLOURS = ("#009E73", "#CC79A7", "#F0E442", "#56B4E9", "#E69F00")
_STRIP_ALPHA = 0.5
_MOST_BOUNDARIES = 60


@takes(ResultError, result=RESULT, start=SPAN, stop=optional(SPAN), trial=SEED)
@styled
def raster(result: Result, *, start: float = 0.0, stop: float | None = None, trial: int = 0) -> Figure:
    """Plot the spikes of every unit or cell in time, under a strip that shows the phases.

    Parameters
    ----------
    result : Result
        With recorded spikes.
    start, stop : float, seconds
        Window; `stop` None is the end of the run.
    trial : int
        Which of several trials is shown.
    """
    result, shown_trial = _one_trial(result, trial)
    times, rows, noun = _spikes(result)
    start, stop = _window(start, stop, float(np.sum(result["step_duration"].values)))
    shown = (times >= start) & (times <= stop)
    fig = figure(7.2, 3.6)
    strip, axes = fig.subplots(2, sharex=True, height_ratios=[1, 14])
    colour = look(result.variant)["color"]
    axes.scatter(times[shown], rows[shown], s=3, marker="|", linewidths=0.7, color=colour, rasterized=True)
    axes.set(xlabel="time (s)", ylabel=noun, xlim=(start, stop))
    axes.margins(y=0.02)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    _phase_strip(strip, result, start, stop)
    strip.set_title(f"{result.model}, {result.variant} variant, seed {result.seed}{shown_trial}: spikes")
    return fig


def _one_trial(result: Result, trial: int) -> tuple[Result, str]:
    """Return a result of one trial, and what a title says of it: nothing for a run without trials."""
    if "trial" not in result.data.dims and trial == 0:
        return result, ""
    return result.select(trial=trial), f", trial {trial}"


def _spikes(result: Result) -> tuple[np.ndarray, np.ndarray, str]:
    noun = "cell" if "spike_cell" in result and "spike_unit" not in result else "unit"
    return result["spike_time"].values, result[f"spike_{noun}"].values, noun


def _window(start: float, stop: float | None, end: float) -> tuple[float, float]:
    stop = end if stop is None else stop
    if not 0 <= start < stop:
        raise ResultError(
            f"The window must have 0 <= start < stop, got {start!r} s to {stop!r} s (the run: {end:g} s)."
        )
    return start, stop


def _phase_strip(axes: Axes, result: Result, start: float, stop: float) -> None:
    """Draw one coloured bar per step, and its item where there is room."""
    ends = np.cumsum(result["step_duration"].values)
    begins = ends - result["step_duration"].values
    phases = list(dict.fromkeys(result["step_phase"].values.tolist()))
    colours = {phase: _PHASE_COLOURS[k % len(_PHASE_COLOURS)] for k, phase in enumerate(phases)}
    shown = np.flatnonzero((ends > start) & (begins < stop))
    names = result["step_phase"].values[shown].tolist()
    axes.bar(
        begins[shown],
        1,
        width=(ends - begins)[shown],
        align="edge",
        linewidth=0.6,
        edgecolor="white",
        color=[colours[name] for name in names],
        alpha=_STRIP_ALPHA,
    )
    if len(shown) <= 25:
        for k in shown:
            middle = float(max(begins[k], start) + min(ends[k], stop)) / 2
            axes.text(middle, 0.45, f"{int(result['step_item'].values[k])}", ha="center", va="center", fontsize=7)
    handles = [Patch(facecolor=colours[name], alpha=_STRIP_ALPHA, label=name) for name in phases if name in names]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 0.9), ncols=len(handles), handlelength=1)
    axes.set(ylim=(0, 1), yticks=[])
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False)


@takes(
    ResultError,
    results=RESULTS,
    rate=TEXT,
    units=several("a list of whole numbers, such as (0, 1)", lambda unit: isinstance(unit, int | np.integer)),
    start=SPAN,
    stop=optional(SPAN),
    trial=SEED,
)
@styled
def rates(
    results: Result | Sequence[Result],
    *,
    rate: str = "x",
    units: Sequence[int] = (0, 1, 2, 3),
    start: float = 0.0,
    stop: float | None = None,
    trial: int = 0,
) -> Figure:
    """Plot rates of a few units in time, variants over each other, one panel per unit.

    Parameters
    ----------
    results : Result or sequence of Result
        With `rate` recorded in time; usually one of each variant, same seed.
    rate : str
    units : sequence of int
    start, stop : float, seconds
    trial : int
        Which of several trials is shown.
    """
    results, (shown_trial, *_) = zip(*(_one_trial(result, trial) for result in as_results(results)), strict=True)
    traces = [result[rate] for result in results]
    start, stop = _window(start, stop, max(float(result["time"].values[-1]) for result in results))
    if not len(units):
        raise ResultError("rates(): units=() names no unit. Give at least one, such as (0,).")
    fig = figure(7.2, 0.7 + 0.85 * len(units))
    panels = np.atleast_1d(fig.subplots(len(units), sharex=True, sharey=True))
    for axes, unit in zip(panels, units, strict=True):
        for result, trace in zip(results, traces, strict=True):
            style = look(result.variant)
            _trace(axes, result["time"].values, trace.values, unit, color=style["color"], label=style["label"])
        axes.set_ylabel(f"unit {unit}", rotation=0, ha="right", va="center")
        axes.yaxis.set_major_locator(MaxNLocator(3))
    panels[0].set_title(f"{results[0].model}: rate {axis_label(traces[0], rate)}{shown_trial}")
    panels[0].legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=len(results))
    panels[-1].set(xlabel="time (s)", xlim=(start, stop))
    return fig


def _trace(axes: Axes, time: np.ndarray, values: np.ndarray, unit: int, **style: Any) -> None:
    if not 0 <= unit < values.shape[1]:
        raise ResultError(f"There is no unit {unit}; the trace has units 0 ... {values.shape[1] - 1}.")
    axes.plot(time, values[:, unit], linewidth=1.1, **style)


@takes(
    ResultError,
    results=RESULTS,
    observable=TEXT,
    learn=TEXT,
    **dict.fromkeys(("rate", "phase", "target", "score", "repeats", "threshold"), ANYTHING),
)
@styled
def overlaps(
    results: Result | Sequence[Result], *, observable: str = "overlap", learn: str = "learn", **criterion: Any
) -> Figure:
    """Plot the overlap at the end of every learning step, and the score of every item at recall by epoch.

    Parameters
    ----------
    results : Result or sequence of Result
        One panel pair per variant; of several seeds of a variant the first is shown.
    observable : str
        Observable read at the ends of learning steps.
    learn : str
        The phase that learns.
    **criterion
        Replaces the model's recall criterion, or a part of it, as in `measure.recall_table`.
    """
    shown = {variant: group[0] for variant, group in by_variant(as_results(results)).items()}
    fig = figure(7.2, 0.6 + 2.3 * len(shown))
    panels = fig.subplots(len(shown), 2, squeeze=False, sharey="col", width_ratios=[1.25, 1])
    for (left, right), (variant, result) in zip(panels, shown.items(), strict=True):
        _learning_overlaps(left, result.by_item().select(phase=learn), observable)
        left.set_ylabel(f"{variant}\n{observable}")
        _scores(right, recall_table(result, **criterion), look(variant)["color"])
    panels[0][0].set_title("at the end of each learning step")
    panels[-1][0].set_xlabel("learning step")
    panels[-1][1].set_xlabel("epochs learned")
    return fig


def _learning_overlaps(axes: Axes, steps: Result, observable: str) -> None:
    values, epochs = steps[observable].values, steps["step_epoch"].values
    axes.plot(values, ".", markersize=3.5, color=look(steps.variant)["color"])
    boundaries = np.flatnonzero(np.diff(epochs)) + 0.5
    if len(boundaries) <= _MOST_BOUNDARIES:
        for place in boundaries:
            axes.axvline(place, color=PALE, linewidth=0.7, zorder=0)
    axes.margins(x=0.02)


def _scores(axes: Axes, table: xr.Dataset, colour: str) -> None:
    """Draw the scores that count in every tested epoch, and the line above which an item counts as recalled."""
    criterion, scores = Criterion(**table.attrs), table["score"]
    counted = "each item" if scores.sizes["repeat"] == 1 else COUNTED[criterion.repeats]
    if criterion.repeats == "mean":
        scores = scores.mean("repeat")
    values = scores.values.reshape(len(scores), -1)
    places = np.arange(len(values))
    spread = np.linspace(-0.25, 0.25, values.shape[1]) if values.shape[1] > 1 else np.zeros(1)
    axes.plot((places[:, None] + spread).ravel(), values.ravel(), ".", color=colour, alpha=0.65, markersize=4)
    axes.hlines(np.nanmean(values, axis=1), places - 0.33, places + 0.33, color=INK, linewidth=1.6)
    reference_line(axes, criterion.threshold)
    axes.set_title(f"at recall, {counted}\nrecalled: {criterion}")
    axes.set_ylabel(f"{criterion.quantity} with {criterion.target}")
    axes.set_xticks(places, [str(epoch) for epoch in table["epoch"].values])
