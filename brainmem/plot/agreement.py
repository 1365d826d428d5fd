"""Figures that set the variants, and the paper, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from brainmem.errors import ResultError
from brainmem.intake.arguments import ANYTHING, RESULTS, TEXT, instance, optional, takes
from brainmem.measure import Criterion, recall_table
from brainmem.measure.recall import mean_rate_name, rate_names
from brainmem.plot.style import (
    INK,
    VARIANTS,
    as_results,
    axis_label,
    by_variant,
    figure,
    identity,
    look,
    styled,
)
from brainmem.results.agreement import Agreement, Comparison
from brainmem.results.pairing import Pair, changes, matched_rates, other_curves
from brainmem.results.result import Result

__all__ = ["comparison", "recall_curve"]

_MOST_POINTS = 6000
_MOST_COLUMNS = 4


@takes(
    ResultError,
    results=RESULTS,
    **dict.fromkeys(("rate", "phase", "target", "score", "repeats", "threshold"), ANYTHING),
)
@styled
def recall_curve(results: Result | Sequence[Result], **criterion: Any) -> Figure:
    """Plot the fraction recalled against epochs, rate against spiking, with the spread over seeds.

    Parameters
    ----------
    results : Result or sequence of Result
        Any number of seeds of either variant, of one protocol.
    **criterion
        Replaces the model's recall criterion, or a part of it: phase, target, score, threshold, repeats, and the rate
        scored, as in `measure.recall_table`.
    """
    results = as_results(results)
    fig = figure(4.6, 3.3)
    axes = fig.subplots()
    tables = {variant: _tables(group, criterion) for variant, group in by_variant(results).items()}
    epochs = sorted({epoch for group in tables.values() for table in group for epoch in table["epoch"].values.tolist()})
    for variant, group in tables.items():
        _seed_curves(axes, group, epochs, look(variant))
    axes.set(title=f"{results[0].model}: recall over repeated learning", xlabel="epochs learned")
    axes.set(ylabel="fraction recalled", ylim=(-0.03, 1.05))
    axes.set_xticks(_readable(epochs))
    axes.legend(loc="best")
    return fig


def _tables(group: list[Result], criterion: Mapping[str, Any]) -> list[xr.Dataset]:
    """Return the tables of one variant's seeds; runs that are not seeds of one experiment are refused."""
    tables = [recall_table(result, **criterion) for result in group]
    for result, table in zip(group, tables, strict=True):
        settings = ("model", "parameters", "schedule")
        different = [name for name in settings if getattr(result, name) != getattr(group[0], name)]
        different += ["curves"] if other_curves(result, group[0]) else []
        different += ["recall criterion"] if table.attrs != tables[0].attrs else []
        if different:
            raise ResultError(
                f"The {group[0].variant} results differ in their {different[0]}; a mean over seeds needs one "
                "experiment. Plot each setting on its own."
            )
    return tables


def _readable(epochs: list[int]) -> list[int]:
    return epochs if len(epochs) <= 12 else epochs[:: -(-len(epochs) // 10)]


def _seed_curves(axes: Axes, tables: list[xr.Dataset], epochs: list[int], style: Mapping[str, str]) -> None:
    values = np.array([table["recalled"].reindex(epoch=epochs).values for table in tables])
    tested = np.isfinite(values).any(axis=0)
    shown, values = np.array(epochs)[tested], values[:, tested]
    mean, colour = np.nanmean(values, axis=0), style["color"]
    if len(values) > 1:
        sd = np.nanstd(values, axis=0, ddof=1)
        axes.fill_between(shown, np.clip(mean - sd, 0, 1), np.clip(mean + sd, 0, 1), color=colour, alpha=0.15, lw=0)
        axes.plot(shown, values.T, color=colour, linewidth=0.6, alpha=0.45)
    seeds = f"{len(values)} seed{'s' * (len(values) > 1)}"
    label = f"{style['label']}: {Criterion(**tables[0].attrs)} ({seeds})"
    axes.plot(shown, mean, marker=style["marker"], color=colour, label=label)


@takes(ResultError, agreement=instance("a Comparison, as compare() returns", Comparison), rate=optional(TEXT))
@styled
def comparison(agreement: Comparison, *, rate: str | None = None) -> Figure:
    """Plot spiking against rate: step averages of every unit by phase, and weight changes of every synapse.

    Parameters
    ----------
    agreement : Comparison
    rate : str, optional
        Draw the rates of one population only; of several, each is drawn when not given.

    Raises
    ------
    ResultError
        When nothing was compared, or not that rate.
    """
    pairs = list(zip(agreement.rate, agreement.spiking, strict=True))
    if rate is not None:
        mean_rate_name(agreement.rate[0], rate)
    drawn = [item for item in agreement.agreements if item.key == "rate_pearson"]
    rates = [item for item in drawn if rate in (None, item.rate, _only(pairs))]
    changed = [item.part for item in agreement.agreements if item.key == "weight_slope"]
    count = len(rates) + len(changed)
    if not count:
        raise ResultError(f"The comparison of {agreement.model!r} holds no rates and no weight changes to plot.")
    columns = min(_MOST_COLUMNS, count)
    rows = -(-count // columns)
    fig = figure(0.4 + 2.7 * columns, 3.1 * rows)
    panels = np.ravel(np.asarray(fig.subplots(rows, columns, squeeze=False)))
    for axes, item in zip(panels, rates, strict=False):
        _rates(axes, agreement, item, pairs)
    for axes, weights in zip(panels[len(rates) :], changed, strict=False):
        _changes(axes, agreement, weights, pairs)
    for axes in panels[count:]:
        axes.set_axis_off()
    return fig


def _only(pairs: list[Pair]) -> str | None:
    """Return the name of the rate that was recorded, None for several."""
    names = rate_names(pairs[0][0])
    return names[0] if len(names) == 1 else None


def _rates(axes: Axes, agreement: Comparison, item: Agreement, pairs: list[Pair]) -> None:
    name = mean_rate_name(pairs[0][0], item.rate or _only(pairs))
    _scatter(axes, _matched(pairs, item.part, name))
    title = "rates" if item.rate is None else item.rate
    _label(axes, f"{title}, {item.part}", agreement.rate[0][name])
    nrmse = agreement.get("rate_nrmse", item.part, rate=item.rate)
    _legend(axes, {"r": item.mean, "NRMSE": nrmse.mean})


def _matched(pairs: list[Pair], phase: str, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the rates of the pairs that both ran the phase."""
    both = [pair for pair in pairs if all(phase in result["step_phase"].values for result in pair)]
    return [matched_rates(*pair, phase=phase, name=name) for pair in both]


def _changes(axes: Axes, agreement: Comparison, weights: str, pairs: list[Pair]) -> None:
    _scatter(axes, [tuple(changes(item, weights) for item in pair) for pair in pairs])
    _label(axes, f"weight changes, {weights}", agreement.rate[0][weights])
    slope, correlation = (agreement.get(key, weights).mean for key in ("weight_slope", "weight_correlation"))
    if np.isfinite(slope):
        axes.axline((0, 0), slope=slope, color=INK, linewidth=1)
    _legend(axes, {"r": correlation, "slope": slope})


def _label(axes: Axes, title: str, values: xr.DataArray) -> None:
    axes.set(title=title, xlabel=axis_label(values, "rate variant"), ylabel=axis_label(values, "spiking variant"))
    identity(axes)


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


def _legend(axes: Axes, numbers: Mapping[str, float]) -> None:
    text = "\n".join(f"{name} = {value:.3f}" for name, value in numbers.items() if np.isfinite(value))
    axes.text(0.04, 0.97, text, transform=axes.transAxes, va="top", fontsize=8.5)
