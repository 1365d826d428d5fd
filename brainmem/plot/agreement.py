"""Figures that set the variants, and the paper, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from brainmem.agreement import Comparison
from brainmem.comparison import changes, matched_rates
from brainmem.errors import ResultError
from brainmem.measure import recall_table
from brainmem.measure.recall import mean_rate_name
from brainmem.plot.style import (
    INK,
    VARIANTS,
    as_results,
    by_variant,
    figure,
    identity,
    look,
    styled,
)
from brainmem.result import Result

__all__ = ["comparison", "recall_curve"]

_MOST_POINTS = 6000


@styled
def recall_curve(results: Result | Sequence[Result], **options: Any) -> Figure:
    """Plot the fraction of maps recalled against epochs, rate against spiking, with the spread over seeds.

    Parameters
    ----------
    results : Result or sequence of Result
        Any number of seeds of either variant, of one protocol.
    **options
        As in `measure.recall_table`: threshold, phase, target, rate, score.
    """
    results = as_results(results)
    fig = figure(4.6, 3.2)
    axes = fig.subplots()
    epochs: set[int] = set()
    for variant, group in by_variant(results).items():
        _same_experiment(group)
        tables = [recall_table(result, **options) for result in group]
        epochs.update(tables[0]["epoch"].values.tolist())
        _seed_curves(axes, tables, look(variant))
    axes.set(title=f"{results[0].model}: recall over repeated learning", xlabel="epochs learned")
    axes.set(ylabel="fraction of maps recalled", ylim=(-0.03, 1.05))
    axes.set_xticks(_readable(sorted(epochs)))
    axes.legend(loc="best")
    return fig


def _same_experiment(group: list[Result]) -> None:
    """Refuse to average runs that are not seeds of one experiment."""
    for name in ("model", "parameters", "schedule"):
        if any(getattr(result, name) != getattr(group[0], name) for result in group):
            raise ResultError(
                f"The {group[0].variant} results differ in their {name}; a mean over seeds needs one experiment. "
                "Plot each setting on its own."
            )


def _readable(epochs: list[int]) -> list[int]:
    return epochs if len(epochs) <= 12 else epochs[:: -(-len(epochs) // 10)]


def _seed_curves(axes: Axes, tables: list, style: Mapping[str, str]) -> None:
    epochs = tables[0]["epoch"].values
    values = np.array([table["recalled"].reindex(epoch=epochs).values for table in tables])
    mean, colour = np.nanmean(values, axis=0), style["color"]
    if len(values) > 1:
        sd = np.nanstd(values, axis=0, ddof=1)
        axes.fill_between(epochs, np.clip(mean - sd, 0, 1), np.clip(mean + sd, 0, 1), color=colour, alpha=0.15, lw=0)
        axes.plot(epochs, values.T, color=colour, linewidth=0.6, alpha=0.45)
    seeds = f"{len(values)} seed{'s' * (len(values) > 1)}"
    axes.plot(epochs, mean, marker=style["marker"], color=colour, label=f"{style['label']} ({seeds})")


@styled
def comparison(agreement: Comparison, *, rate: str | None = None) -> Figure:
    """Plot spiking against rate: step averages of every unit by phase, and weight changes of every synapse.

    Parameters
    ----------
    agreement : Comparison
    rate : str, optional
        Rate variable, needed if several were recorded.
    """
    name = mean_rate_name(agreement.rate[0], rate)
    pairs = list(zip(agreement.rate, agreement.spiking, strict=True))
    phases = [item.part for item in agreement.agreements if item.key == "rate_pearson"]
    changed = [item.part for item in agreement.agreements if item.key == "weight_slope" and item.n]
    fig = figure(0.4 + 2.7 * (len(phases) + len(changed)), 3.1)
    panels = np.atleast_1d(fig.subplots(1, len(phases) + len(changed)))
    for axes, phase in zip(panels, phases, strict=False):
        _rates(axes, agreement, [matched_rates(*pair, phase=phase, name=name) for pair in pairs], phase)
    for axes, weights in zip(panels[len(phases) :], changed, strict=True):
        _changes(axes, agreement, [tuple(changes(item, weights) for item in pair) for pair in pairs], weights)
    return fig


def _rates(axes: Axes, agreement: Comparison, matched: list, phase: str) -> None:
    _scatter(axes, matched)
    axes.set(title=f"rates, {phase}", xlabel="rate variant", ylabel="spiking variant")
    identity(axes)
    pearson, nrmse = agreement.get("rate_pearson", phase), agreement.get("rate_nrmse", phase)
    _legend(axes, f"r = {pearson.mean:.3f}\nNRMSE = {nrmse.mean:.3f}")


def _changes(axes: Axes, agreement: Comparison, moved: list, weights: str) -> None:
    _scatter(axes, moved)
    axes.set(title=f"weight changes, {weights}", xlabel="rate variant", ylabel="spiking variant")
    identity(axes)
    slope, correlation = (
        agreement.get("weight_slope", weights).mean,
        agreement.get("weight_correlation", weights).mean,
    )
    axes.axline((0, 0), slope=slope, color=INK, linewidth=1)
    _legend(axes, f"r = {correlation:.3f}\nslope = {slope:.3f}")


def _scatter(axes: Axes, pairs: list) -> None:
    first, second = (np.concatenate([np.ravel(pair[k]) for pair in pairs]) for k in (0, 1))
    keep = np.isfinite(first) & np.isfinite(second) & ((first != 0) | (second != 0))
    first, second = first[keep], second[keep]
    if first.size > _MOST_POINTS:
        some = np.random.default_rng(0).choice(first.size, _MOST_POINTS, replace=False)
        first, second = first[some], second[some]
    colour = VARIANTS["spiking"]["color"]
    axes.scatter(first, second, s=4, color=colour, alpha=0.3, linewidths=0, rasterized=True)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def _legend(axes: Axes, text: str) -> None:
    axes.text(0.04, 0.97, text, transform=axes.transAxes, va="top", fontsize=8.5)
