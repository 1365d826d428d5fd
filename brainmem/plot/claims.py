"""The figure of a paper's claims: reference, rate and spiking value over the tolerance."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from brainmem.errors import ResultError
from brainmem.intake.arguments import several, takes
from brainmem.plot.style import REFERENCE, VARIANTS, figure, styled

__all__ = ["claims", "is_claim", "tolerance"]

_BAND = "#cfe8dd"
_LANES = {"rate": (0.5, 1.0, 0.34), "spiking": (0.0, 0.5, -0.34)}
"""Of each variant's tolerance: lower and upper edge (fraction of the row), and height of its mark."""


def is_claim(row: Any) -> bool:
    """Tell whether a value is one line of a table of claims: with a key, a quantity, and numbers by variant."""
    if not isinstance(row, Mapping) or not all(isinstance(row.get(name), str) for name in ("key", "quantity")):
        return False
    edges = [row.get("expected_low"), row.get("expected_high")]
    for item in (row.get(variant) or {} for variant in VARIANTS):
        if not isinstance(item, Mapping) or (item and not isinstance(item.get("value"), Real)):
            return False
        edges += [item.get(name) for name in ("sd", "expected_low", "expected_high")]
    return all(edge is None or isinstance(edge, Real) for edge in edges)


@takes(ResultError, rows=several("a list of claims, as Reproduction.rows holds", is_claim))
@styled
def claims(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Plot each claim as one line: reference, rate and spiking value over the tolerance band.

    Parameters
    ----------
    rows : sequence of mapping
        ``key, quantity, paper`` (the reference value, or text that is not drawn), ``expected_low``,
        ``expected_high`` (the tolerance; None or infinite is open) and, by variant, ``rate`` and
        ``spiking``: ``{"value", "sd", "n", "passed"}``, perhaps with a tolerance of its own, or None.
    """
    if not rows:
        raise ResultError("There is no claim to plot.")
    fig = figure(7.2, 0.6 + 0.52 * len(rows))
    panels = np.atleast_1d(fig.subplots(len(rows)))
    for axes, row in zip(panels, rows, strict=True):
        _claim(axes, row)
    handles: list[Any] = [_mark(style) for style in (REFERENCE, *VARIANTS.values())]
    handles.append(Patch(color=_BAND, label="within tolerance"))
    fig.legend(handles=handles, loc="outside upper right", ncols=4)
    return fig


def tolerance(row: Mapping[str, Any], variant: str) -> tuple[float, float]:
    """Return the tolerance of a claim in one variant, infinite where open; NaN where there is none."""
    item = row.get(variant) or {}
    low = item.get("expected_low", row.get("expected_low"))
    high = item.get("expected_high", row.get("expected_high"))
    if low is None and high is None:
        return math.nan, math.nan
    return (-math.inf if low is None else float(low), math.inf if high is None else float(high))


def _mark(style: Mapping[str, str]) -> Line2D:
    return Line2D([], [], linestyle="none", color=style["color"], marker=style["marker"], label=style["label"])


def _claim(axes: Axes, row: Mapping[str, Any]) -> None:
    low, high = _limits(_numbers(row))
    for variant, (bottom, top, height) in _LANES.items():
        left, right = tolerance(row, variant)
        if not math.isnan(left):
            axes.axvspan(max(left, low), min(right, high), bottom, top, color=_BAND, linewidth=0)
        _measured(axes, row.get(variant), height, VARIANTS[variant])
    if _is_number(row.get("paper")):
        axes.plot(row["paper"], 0, "D", color=REFERENCE["color"], markersize=5, zorder=3)
    label = "\n".join(textwrap.wrap(f"{row['key']}  {row['quantity']}", 44)[:2])
    axes.set(xlim=(low, high), ylim=(-0.75, 0.75), yticks=[])
    axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", labelsize=7, length=2, pad=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _numbers(row: Mapping[str, Any]) -> Iterator[float]:
    """Yield every number that the axis of a claim must show."""
    yield float(row["paper"]) if _is_number(row.get("paper")) else math.nan
    for variant in VARIANTS:
        yield from tolerance(row, variant)
        item = row.get(variant)
        if item:
            yield from (item["value"] - _spread(item), item["value"] + _spread(item))


def _spread(item: Mapping[str, Any]) -> float:
    sd = item.get("sd")
    return sd if sd is not None and math.isfinite(sd) else 0.0


def _limits(values: Iterator[float]) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    room = 0.15 * (max(finite) - min(finite)) or 0.1 * abs(finite[0]) or 0.1
    return min(finite) - room, max(finite) + room


def _measured(axes: Axes, item: Mapping[str, Any] | None, height: float, style: Mapping[str, str]) -> None:
    """Draw one variant's value: hollow when it failed."""
    if not item or not math.isfinite(item["value"]):
        return
    face = "white" if item.get("passed") is not None and not item["passed"] else style["color"]
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
