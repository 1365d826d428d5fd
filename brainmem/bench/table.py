"""Rows of a benchmark as a table for readers and as data for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from brainmem.bench.machine import describe_machine
from brainmem.bench.registry import Effort
from brainmem.bench.rounds import MET, MISSED, Row, spread

__all__ = ["record", "table"]

COLUMNS = ("what", "N", "ours", "unit", "peer", "ratio", "goal", "")
COLOURS = {MET: "green", MISSED: "red", "": ""}


def table(rows: Iterable[Row]) -> Table:
    """Return the rows, one line per peer; a ratio is our time over the peer's, median and quartiles of the rounds."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        shown.add_column(column, justify="right" if column in ("N", "ours") else "left")
    before = None
    for row in rows:
        here = (row.case.name, row.size)
        first = _first_cells(row) if here != before else ("", "", "", "")
        shown.add_row(*first, row.peer, *_judged_cells(row))
        before = here
    return shown


def _first_cells(row: Row) -> tuple[str, str, str, str]:
    case = row.case
    ours = spread(row.ours).median * case.scale(row.size)
    return case.what, str(row.size), f"{ours:.3g}", case.unit


def _judged_cells(row: Row) -> tuple[str, str, Text]:
    ratio, goal = row.ratio, row.goal
    limit = f"at most {goal.at_most:.3g}" if goal else ""
    return f"{ratio.median:.3g} [{ratio.low:.3g}, {ratio.high:.3g}]", limit, Text(row.verdict, COLOURS[row.verdict])


def record(rows: Sequence[Row], effort: Effort) -> dict[str, Any]:
    """Return rows and machine as values that JSON can hold; times are in seconds of each round."""
    return {
        "machine": describe_machine(),
        "rounds": effort.rounds,
        "tiny": effort.tiny,
        "rows": [_record(row) for row in rows],
    }


def _record(row: Row) -> dict[str, Any]:
    return {
        "case": row.case.name,
        "what": row.case.what,
        "size": row.size,
        "float": row.case.float,
        "peer": row.peer,
        "unit": row.case.unit,
        "unit_per_second": row.case.scale(row.size),
        "ours": list(row.ours),
        "theirs": list(row.theirs),
        "ratios": [_finite(value) for value in row.ratios],
        "ratio": {name: _finite(value) for name, value in asdict(row.ratio).items()},
        "at_most": row.goal.at_most if row.goal else None,
        "verdict": row.verdict or None,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
