"""Figures that set the variants, and the paper, side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from brainmem.agreement import Comparison
from brainmem.comparison import changes, matched_rates
from brainmem.errors import ResultError
from brainmem.measure import recall_table
from brainmem.measure.recall import mean_rate_name
from brainmem.plot.style import (
    INK,
    PAPER,
    VARIANTS,
    as_results,
    by_variant,
    figure,
    identity,
    look,
    styled,
)
from brainmem.result import Result

__all__ = ["claims", "comparison", "recall_curve"]

_MOST_POINTS = 6000
_BAND = "#cfe8dd"


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
        tables = [recall_table(result, **options) for result in group]
        epochs.update(tables[0]["epoch"].values.tolist())
        _seed_curves(axes, tables, look(variant))
    axes.set(title=f"{results[0].model}: recall over repeated learning", xlabel="epochs learned")
    axes.set(ylabel="fraction of maps recalled", ylim=(-0.03, 1.05))
    axes.set_xticks(_readable(sorted(epochs)))
    axes.legend(loc="best")
    return fig


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


@styled
def claims(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Plot each claim of a paper as one line: paper, rate and spiking value over the tolerance band.

    Parameters
    ----------
    rows : sequence of mapping
        ``key, quantity, paper`` (a number, or text that is not drawn), ``expected_low``,
        ``expected_high`` (the tolerance, either may be None) and, by variant, ``rate`` and
        ``spiking``: ``{"value", "sd", "n", "passed"}`` or None.
    """
    if not rows:
        raise ResultError("There is no claim to plot.")
    fig = figure(7.2, 0.6 + 0.52 * len(rows))
    panels = np.atleast_1d(fig.subplots(len(rows)))
    for axes, row in zip(panels, rows, strict=True):
        _claim(axes, row)
    handles: list[Any] = [_mark(style) for style in (PAPER, *VARIANTS.values())]
    handles.append(Patch(color=_BAND, label="within tolerance"))
    fig.legend(handles=handles, loc="outside upper right", ncols=4)
    return fig


def _mark(style: Mapping[str, str]) -> Line2D:
    return Line2D([], [], linestyle="none", color=style["color"], marker=style["marker"], label=style["label"])


def _claim(axes: Axes, row: Mapping[str, Any]) -> None:
    values = [end for item in (row.get("rate"), row.get("spiking")) if item for end in _ends(item)]
    paper = row.get("paper")
    values += [float(paper)] if isinstance(paper, int | float) else []
    bounds = [bound for bound in (row.get("expected_low"), row.get("expected_high")) if bound is not None]
    low, high = _limits([*values, *bounds])
    left, right = row.get("expected_low"), row.get("expected_high")
    axes.axvspan(low if left is None else left, high if right is None else right, color=_BAND, linewidth=0)
    if isinstance(paper, int | float):
        axes.plot(paper, 0, linestyle="none", color=PAPER["color"], marker=PAPER["marker"], markersize=5, zorder=3)
    for height, (variant, style) in zip((0.28, -0.28), VARIANTS.items(), strict=True):
        _measured(axes, row.get(variant), height, style)
    label = "\n".join(textwrap.wrap(f"{row['key']}  {row['quantity']}", 44)[:2])
    axes.set(xlim=(low, high), ylim=(-0.75, 0.75), yticks=[])
    axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", labelsize=7, length=2, pad=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _ends(item: Mapping[str, Any]) -> tuple[float, float]:
    return item["value"] - _spread(item), item["value"] + _spread(item)


def _spread(item: Mapping[str, Any]) -> float:
    sd = item.get("sd")
    return sd if sd is not None and np.isfinite(sd) else 0.0


def _limits(values: Sequence[float]) -> tuple[float, float]:
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    room = 0.15 * (max(finite) - min(finite)) or 0.1 * abs(finite[0]) or 0.1
    return min(finite) - room, max(finite) + room


def _measured(axes: Axes, item: Mapping[str, Any] | None, height: float, style: Mapping[str, str]) -> None:
    """Draw one variant's value: filled when it passed, hollow when it failed."""
    if not item or not np.isfinite(item["value"]):
        return
    face = style["color"] if item.get("passed", True) else "white"
    axes.errorbar(
        item["value"],
        height,
        xerr=_spread(item) or None,
        fmt=style["marker"],
        color=style["color"],
        markersize=5,
        markerfacecolor=face,
        elinewidth=1,
        zorder=4,
    )
