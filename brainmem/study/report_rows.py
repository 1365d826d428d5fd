"""What the tables of a report say: claims, agreements, parameters, calibrations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from brainmem.plot.claims import tolerance
from brainmem.results.agreement import Agreement, Comparison
from brainmem.results.result import Result

__all__ = ["agreement_rows", "calibration_rows", "claim_row", "distinct", "parameter_rows", "recalled_rows"]


def distinct(values: Iterable[Any]) -> str:
    """Return values as text, each once."""
    return ", ".join(dict.fromkeys(map(str, values)))


def claim_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of one claim: what is expected and what was measured, by variant."""
    return {
        "key": row["key"],
        "statement": row.get("statement", ""),
        "quantity": row.get("quantity", ""),
        "reference": _number(row.get("paper", "")),
        "source": row.get("source", ""),
        "rate": _measured(row, "rate"),
        "spiking": _measured(row, "spiking"),
    }


def _tolerance(low: float, high: float) -> str:
    """Return an interval as text, of which either side may be open."""
    if math.isinf(low):
        return f"≤ {_number(high)}"
    return f"≥ {_number(low)}" if math.isinf(high) else f"{_number(low)} … {_number(high)}"


def _measured(row: Mapping[str, Any], variant: str) -> dict[str, str] | None:
    item = row.get(variant)
    if not item:
        return None
    sd, n = item.get("sd"), item.get("n")
    spread = f" ± {sd:.2g}" if sd is not None and math.isfinite(sd) else ""
    passed = item.get("passed")
    mark = "" if passed is None else "pass" if passed else "fail"
    seeds = f"{n} seed{'s' if n != 1 else ''}" if n else ""
    low, high = tolerance(row, variant)
    wanted = "" if math.isnan(low) else f"expected {_tolerance(low, high)}"
    below = ", ".join(part for part in (wanted, seeds) if part)
    return {"text": _number(item["value"]) + spread, "mark": mark, "below": below}


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def agreement_rows(comparison: Comparison) -> list[tuple[str, str, int, str]]:
    """Return rows (quantity, mean and sd, seeds, meaning) of all that is not followed over epochs."""
    return [
        (item.label, _spread(item), item.n, item.meaning)
        for item in comparison.agreements
        if item.epoch is None and item.n
    ]


def recalled_rows(comparison: Comparison) -> list[tuple[int | None, list[str]]]:
    """Return rows (epoch, [rate, spiking, difference])."""
    followed = [item for item in comparison.agreements if item.epoch is not None]
    epochs = dict.fromkeys(item.epoch for item in followed)
    return [(epoch, [_spread(item) for item in followed if item.epoch == epoch]) for epoch in epochs]


def _spread(item: Agreement) -> str:
    return f"{item.mean:.3f}" + (f" ± {item.sd:.3f}" if item.n > 1 else "")


def parameter_rows(results: list[Result]) -> list[dict[str, str]]:
    """Return name, value, meaning and source of each parameter; all its values where results differ."""
    rows: dict[str, dict[str, Any]] = {}
    for result in results:
        for name, record in result.parameters.items():
            row = rows.setdefault(name, {"name": name, "values": [], **record})
            row["values"].append(_quantity(record))
        for name, option in {**result.choices, **({"protocol": result.protocol} if result.protocol else {})}.items():
            rows.setdefault(name, {"values": [], "meaning": "form of the model"})["values"].append(option)
    return [
        {
            "name": name,
            "value": distinct(row["values"]),
            "meaning": row.get("meaning", ""),
            "source": row.get("source", ""),
        }
        for name, row in rows.items()
    ]


def _quantity(record: Mapping[str, Any]) -> str:
    value, unit = record["value"], record.get("unit", "")
    text = ", ".join(map(_number, value)) if isinstance(value, list | tuple) else _number(value)
    return text if unit in ("", "1") else f"{text} {unit}"


def calibration_rows(results: list[Result]) -> list[tuple[str, dict[str, str]]]:
    """Return the f-I calibration of each population, of the first result that has one."""
    found: dict[str, dict[str, str]] = {}
    for result in results:
        for population, report in result.calibration.items():
            found.setdefault(population, _calibration(report))
    return list(found.items())


def _calibration(report: Mapping[str, Any]) -> dict[str, str]:
    rate_max, highest = report.get("rate_max", math.nan), report.get("highest", math.nan)
    fano = report.get("fano") or [math.nan]
    return {
        "rate at activity 1": f"{rate_max:.4g} Hz",
        "highest calibrated rate": f"{highest:.4g} Hz",
        "range used": f"{rate_max / highest:.0%}" if math.isfinite(highest) else "unknown",
        "largest error": f"{report['error']:.2%} of activity 1" if "error" in report else "unknown",
        "Fano factor": f"{min(fano):.2f} … {max(fano):.2f}",
    }
