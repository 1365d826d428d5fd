"""Run a paper's claims in one or both variants and put the outcome beside the paper."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from brainmem.engine.device import Device, as_device
from brainmem.errors import BrainmemError, closest, quoted
from brainmem.intake.arguments import CALLABLE, NAMES, count, instance, optional, takes
from brainmem.model.claim import SIZES, VARIANTS, Claim
from brainmem.model.variants import Spiking, Variant, variant_of
from brainmem.models import get_claims, get_model, list_models
from brainmem.results.result import Result
from brainmem.study.claims import Experiment, Finding
from brainmem.study.tables import findings

__all__ = ["Reproduction", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """The outcome of claims: one row per quantity.

    Attributes
    ----------
    rows : tuple of dict
        ``key, statement, quantity, paper, expected_low, expected_high`` and, by variant, ``value, sd, n, passed,
        values, expected_low, expected_high`` (the expectation may differ between variants).
    results : tuple of Result
        The runs of the model's own protocol.
    verdicts : tuple of (key, variant, text)
        What the numbers say of claims that have a ``verdict``.
    """

    model: str
    size: str
    rows: tuple[dict[str, Any], ...]
    results: tuple[Result, ...] = ()
    verdicts: tuple[tuple[str, str, str], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every expectation that was checked holds."""
        return all(row[v]["passed"] is not False for row in self.rows for v in VARIANTS if v in row)

    @property
    def remarks(self) -> list[str]:
        """The verdicts, each as a line of text."""
        return [f"{key}, {variant}: {text}" for key, variant, text in self.verdicts]

    def table(self) -> Table:
        """Return the claims beside the paper, for a terminal."""
        shown = [variant for variant in VARIANTS if any(variant in row for row in self.rows)]
        table = Table(title=Text(f"{self.model}: claims ({self.size} size)"), title_justify="left")
        for column in ("claim", "quantity", "expected", *shown):
            table.add_column(column, overflow="fold")
        for row in self.rows:
            cells = [_cell(row.get(variant)) for variant in shown]
            table.add_row(row["key"], row["quantity"], _expected(row, shown), *cells)
        return table


@takes(
    BrainmemError,
    key=instance("the name of a model", str, Path),
    claims=optional(NAMES),
    device=optional(instance("a Device, or the name of one", Device, str)),
    jobs=optional(count(1)),
    progress=optional(CALLABLE),
)
def reproduce(
    key: str,
    *,
    size: str = "quick",
    claims: tuple[str, ...] | None = None,
    variant: Variant | str = "both",
    device: Device | str | None = None,
    jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Reproduction:
    """Check the claims of the model `key`.

    Parameters
    ----------
    key : str
        A model of `list_models`.
    size : {"quick", "full"}
        Reduced numbers of maps, epochs and seeds, or the paper's own.
    claims : tuple of str, optional
        Keys of claims (``("C1",)``); all when not given.
    variant : {"rate", "spiking", "both"}, Rate or Spiking
    device, jobs, progress
        See `brainmem.claims.Experiment`. `progress` is also told the numbers of a claim when it ends.

    Raises
    ------
    BrainmemError
        For a size, claim or variant that does not exist, or a model without claims. An error of one claim of several
        becomes a row of the outcome, which has then not passed.
    """
    _one_of("size", size, SIZES)
    if isinstance(variant, str):
        _one_of("variant", variant, (*VARIANTS, "both"))
    both = isinstance(variant, str) and variant == "both"
    model = get_model(key)
    chosen = _chosen(key, claims)
    variants = VARIANTS if both else (variant_of(variant).name,)
    spiking = variant if isinstance(variant, Spiking) else Spiking()
    jobs = max(1, os.cpu_count() or 1) if jobs is None else jobs
    experiments = {
        name: Experiment(model, size, name, spiking, device, jobs // len(variants), progress) for name in variants
    }
    found = _findings(chosen, experiments, together=jobs > 1 and as_device(device).name != "runtime")
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for claim in chosen:
        for name in variants:
            for finding in found[name][claim.key]:
                row = rows.setdefault((claim.key, finding.quantity), _row(claim, finding))
                row[name] = _outcome(finding)
    runs = [run for experiment in experiments.values() for run in experiment.trained_runs.values()]
    verdicts = tuple(
        (claim.key, name, _verdict(claim, found[name][claim.key]))
        for claim in chosen
        for name in variants
        if claim.verdict is not None and found[name][claim.key]
    )
    return Reproduction(model.name, size, tuple(rows.values()), tuple(runs), verdicts)


def _verdict(claim: Claim, found: tuple[Finding, ...]) -> str:
    """Return what a claim says of its own numbers; the numbers are kept where that fails."""
    try:
        return str(claim.verdict({item.quantity: item.mean for item in found})) if claim.verdict else ""
    except Exception as error:
        return f"no verdict: its function failed with {type(error).__name__}: {error}"


def _findings(
    claims: list[Claim], experiments: dict[str, Experiment], *, together: bool
) -> dict[str, dict[str, tuple[Finding, ...]]]:
    """Run every claim in every variant, the variants at the same time if `together`.

    One that fails among several says so, and the numbers of the others are kept. Whoever watches is told the numbers of
    a claim when it ends, as others may take hours.
    """

    def of_claim(claim: Claim, experiment: Experiment) -> tuple[Finding, ...]:
        try:
            found = findings(claim, experiment)
        except Exception as error:
            if len(claims) == 1:
                raise
            found = (Finding(f"no result: {type(error).__name__}: {error}", (math.nan,), failed=True),)
        if experiment.progress is not None:
            for finding in found:
                experiment.progress(f"{claim.key}, {experiment.variant}: {_line(finding)}")
        return found

    def run(experiment: Experiment) -> dict[str, tuple[Finding, ...]]:
        return {claim.key: of_claim(claim, experiment) for claim in claims}

    if not together:
        return {name: run(experiment) for name, experiment in experiments.items()}
    with ThreadPoolExecutor(len(experiments)) as pool:
        return dict(zip(experiments, pool.map(run, experiments.values()), strict=True))


def _chosen(key: str, wanted: tuple[str, ...] | None) -> list[Claim]:
    available = {claim.key: claim for claim in get_claims(key)}
    if not available:
        having = ", ".join(name for name in list_models() if get_claims(name))
        raise BrainmemError(
            f"{str(key)!r} has no claims yet, so there is nothing to reproduce; models with claims: {having}. "
            f"Write them in a claims.py beside its model.py, or run the model with simulate({str(key)!r})."
        )
    for name in wanted or ():
        if name not in available:
            raise BrainmemError(
                f"{key!r} has no claim {name!r}; its claims are {', '.join(available)}.{closest(name, available)}"
            )
    return [claim for name, claim in available.items() if not wanted or name in wanted]


def _one_of(what: str, given: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(given, str) or given not in allowed:
        raise BrainmemError(
            f"reproduce(): {what}={quoted(given)} is not allowed; choose one of {', '.join(allowed)}."
            f"{closest(str(given), allowed)}"
        )


def _row(claim: Claim, finding: Finding) -> dict[str, Any]:
    expected = finding.expected
    return {
        "key": claim.key,
        "statement": claim.statement,
        "quantity": finding.quantity,
        "paper": "" if expected is None or expected.value is None else expected.value,
        "expected_low": None if expected is None else expected.low,
        "expected_high": None if expected is None else expected.high,
        "source": "" if expected is None else expected.source,
    }


def _outcome(finding: Finding) -> dict[str, Any]:
    expected = finding.expected
    return {
        "value": finding.mean,
        "sd": finding.sd,
        "n": len(finding.values),
        "passed": finding.passed,
        "values": list(finding.values),
        "expected_low": None if expected is None else expected.low,
        "expected_high": None if expected is None else expected.high,
    }


def _line(finding: Finding) -> str:
    if finding.failed:
        return finding.quantity
    outcome = {True: ", as expected", False: ", not as expected", None: ""}[finding.passed]
    spread = "" if len(finding.values) < 2 else f" +- {finding.sd:.2g} (n={len(finding.values)})"
    return f"{finding.quantity}: {_shown(finding.mean)}{spread}{outcome}"


def _cell(outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return ""
    mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: " "}[outcome["passed"]]
    spread = "" if outcome["n"] < 2 else f" ± {outcome['sd']:.2f}"
    return f"{mark} {_shown(outcome['value'])}{spread} (n={outcome['n']})"


def _shown(value: float) -> str:
    """Return a number with three decimals, or three digits where these would show nothing of it."""
    return f"{value:.3g}" if 0 < abs(value) < 0.0005 else f"{value:.3f}"


def _expected(row: dict[str, Any], shown: list[str]) -> str:
    intervals = {v: (row[v]["expected_low"], row[v]["expected_high"]) for v in shown if v in row}
    texts = {v: _interval(*interval) for v, interval in intervals.items()}
    if len(set(texts.values())) <= 1:
        return next(iter(texts.values()), "")
    return "; ".join(f"{v} {text}" for v, text in texts.items())


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "reported"
    if low == float("-inf"):
        return f"<= {high:.3g}"
    return f">= {low:.3g}" if high == float("inf") else f"{low:.3g} ... {high:.3g}"
