"""One look for all figures: colours safe for colour-blind readers, the same for a variant everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainmem.errors import ResultError
from brainmem.results.result import Result

__all__ = [
    "GREY",
    "INK",
    "PALE",
    "REFERENCE",
    "VARIANTS",
    "as_results",
    "axis_label",
    "by_variant",
    "figure",
    "identity",
    "look",
    "reference_line",
    "remark",
    "styled",
]

_DASHED = (0, (4, 3))
INK, GREY, PALE = "#222222", "#8a8a8a", "#d9d9d9"
REFERENCE = {"color": INK, "marker": "D", "label": "reference"}
VARIANTS = {
    "rate": {"color": "#0072B2", "marker": "o", "label": "rate"},
    "spiking": {"color": "#D55E00", "marker": "s", "label": "spiking"},
}
"""Colour (Okabe & Ito 2008), marker and label of each variant."""

_RC: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "image.cmap": "RdBu_r",
    "svg.fonttype": "path",
    "text.parse_math": False,  # dollar signs in the user's names are no formulas
    "figure.facecolor": "white",
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Run a drawing function under this style, and leave matplotlib's settings as they were."""

    @functools.wraps(draw)
    def draw_styled(*args: Any, **options: Any) -> Figure:
        with matplotlib.rc_context(_RC):
            return draw(*args, **options)

    return draw_styled


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches that belongs to no window."""
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def look(variant: str) -> dict[str, str]:
    """Return colour, marker and label of a variant."""
    return VARIANTS.get(variant, {"color": INK, "marker": "^", "label": variant})


def as_results(results: Result | Sequence[Result]) -> list[Result]:
    """Return one result or several as a list, and refuse an empty one."""
    results = [results] if isinstance(results, Result) else list(results)
    if not results:
        raise ResultError("There is no result to plot.")
    return results


def by_variant(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return results grouped by variant, rate first."""
    groups: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda item: item.variant != "rate"):
        groups.setdefault(result.variant, []).append(result)
    return groups


def axis_label(array: xr.DataArray, name: str = "") -> str:
    """Return a variable's name with its unit, for an axis."""
    text = name or str(array.attrs.get("long_name") or array.name)
    unit = array.attrs.get("units", "")
    return f"{text} ({unit})" if unit not in ("", "1") else text


def remark(axes: Axes, text: str, xy: tuple[float, float], *, at_value: bool = False, **options: Any) -> None:
    """Write a small grey remark at a fraction of the axes (`at_value`: y in data units)."""
    where = ("axes fraction", "data") if at_value else "axes fraction"
    axes.annotate(text, xy, xycoords=where, fontsize=7.5, color=GREY, **options)


def reference_line(axes: Axes, y: float) -> None:
    """Draw a dashed grey line at a value to compare with."""
    axes.axhline(y, color=GREY, linewidth=0.9, linestyle=_DASHED, zorder=0)


def identity(axes: Axes) -> None:
    """Make both axes of a scatter plot alike and draw the line of agreement."""
    low = min(axes.get_xlim()[0], axes.get_ylim()[0])
    high = max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([low, high], [low, high], color=GREY, linewidth=0.9, linestyle=_DASHED, zorder=0)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
