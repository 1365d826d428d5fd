"""One self-contained HTML page about an experiment: what was claimed, measured, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainmem import measure, plot
from brainmem.errors import ResultError
from brainmem.intake.arguments import PATH, RESULTS, TEXT, a, instance, optional, several, takes
from brainmem.measure.criterion import shown_criteria
from brainmem.plot.claims import is_claim
from brainmem.plot.style import by_variant
from brainmem.results.agreement import Comparison, warned
from brainmem.results.result import Result
from brainmem.storage.files import replacing
from brainmem.study.pages import embedded, page_template
from brainmem.study.report_rows import (
    agreement_rows,
    calibration_rows,
    claim_row,
    distinct,
    parameter_rows,
    recalled_rows,
)

__all__ = ["standard_figures", "write_report"]


def _are_figures(given: Any) -> bool:
    """Tell whether a value holds figures by caption, or may yield them."""
    items = list(given.items()) if isinstance(given, Mapping) else given
    if isinstance(items, list | tuple):
        pairs = all(isinstance(item, list | tuple) and len(item) == 2 for item in items)
        return pairs and all(isinstance(name, str) and hasattr(shown, "savefig") for name, shown in items)
    return hasattr(items, "__next__")


@takes(
    ResultError,
    path=PATH,
    title=TEXT,
    results=RESULTS,
    comparison=optional(instance("a Comparison, as compare() returns", Comparison)),
    claims=several("a list of claims, as Reproduction.rows holds", is_claim),
    figures=optional(a("figures by caption, {'caption': figure}", _are_figures)),
    notes=several("a list of texts", lambda note: isinstance(note, str)),
)
def write_report(
    path: str | Path,
    *,
    title: str,
    results: Result | Sequence[Result] = (),
    comparison: Comparison | None = None,
    claims: Sequence[Mapping[str, Any]] = (),
    figures: Mapping[str, Figure] | Iterable[tuple[str, Figure]] | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Write one HTML file that needs no other file, no network and no script.

    Parameters
    ----------
    path : str or Path
        The file is written atomically.
    title : str
    results : Result or sequence of Result
        Runs of either variant; results of `comparison` are added.
    comparison : Comparison, optional
    claims : sequence of mapping
        ``key, statement, quantity, paper, expected_low, expected_high`` and by variant ``rate``, ``spiking``:
        ``{"value", "sd", "n", "passed"}`` or None.
    figures : mapping or iterable of (caption, Figure), optional
        `standard_figures` when not given.
    notes : sequence of str
        Remarks of your own, put before those of the runs.

    Returns
    -------
    Path

    Raises
    ------
    ResultError
        When there is nothing to report, or the folder does not exist.
    """
    path, results = Path(path), _gather(results, comparison)
    if not results and not claims:
        raise ResultError("There is nothing to report: give results, a comparison or claims.")
    if figures is None:
        figures = standard_figures(results, comparison, claims)
    pairs = figures.items() if isinstance(figures, Mapping) else figures
    page = page_template("report.html.jinja").render(
        title=title,
        reference=_reference(results),
        summary=_summary(results, claims),
        incomplete=_incomplete(results),
        warnings=warned(results),
        claims=[claim_row(row) for row in claims],
        agreements=agreement_rows(comparison) if comparison else [],
        recalled=recalled_rows(comparison) if comparison else [],
        criteria=comparison.recalled if comparison else {},
        figures=[(caption, embedded(figure)) for caption, figure in pairs],
        parameters=parameter_rows(results),
        calibrations=calibration_rows(results),
        equations=_texts(results, "equations"),
        schedules=_texts(results, "schedule"),
        notes=list(dict.fromkeys([*notes, *_notes(results, comparison)])),
        versions=sorted({pair for result in results for pair in result.versions.items()}),
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def standard_figures(
    results: Sequence[Result], comparison: Comparison | None = None, claims: Sequence[Mapping[str, Any]] = ()
) -> list[tuple[str, Figure]]:
    """Return the figures that the given results allow, with captions.

    A figure whose data were not recorded is left out.
    """
    drawn: list[tuple[str, Figure]] = []
    if claims:
        drawn.append(
            (
                "Claims: reference, rate and spiking variant. A hollow mark lies outside its tolerance.",
                plot.claims(claims),
            )
        )
    for caption, draw, arguments in _candidates(list(results), comparison):
        try:
            drawn.append((caption, draw(*arguments)))
        except ResultError:
            continue
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            if _finite(results):
                raise
    return drawn


def _finite(results: Sequence[Result]) -> bool:
    """Whether all records of the results are numbers; where they are not, some figures cannot be drawn."""
    records = [item for result in results for item in result.data.data_vars.items()]
    arrays = [array.values for name, array in records if name != "step_fulfilled"]  # nan where nothing could be
    return all(np.isfinite(values).all() for values in arrays if values.dtype.kind == "f")


def _candidates(results: list[Result], comparison: Comparison | None) -> Iterable[tuple[str, Any, tuple]]:
    if results:
        yield (
            "Fraction recalled; thick: mean over seeds, band: their sd, thin: each seed.",
            plot.recall_curve,
            (results,),
        )
    if comparison:
        yield (
            "Spiking against rate variant: a point per unit and step, and per synapse.",
            plot.comparison,
            (comparison,),
        )
    if results:
        yield (
            "Overlap with the target when learning steps end, and the score of every item at recall; black: mean.",
            plot.overlaps,
            (results,),
        )
    for variant, group in by_variant(results).items():
        yield "Fit to the sequence in each test pass; the best is marked.", _training, (variant, group)
        yield f"Weights of the {variant} variant, seed {group[0].seed}.", plot.weights, (group[0],)
        for population, report in group[0].calibration.items():
            yield f"Calibration of the cells of {population}.", plot.fi_curve, (report,)


def _training(variant: str, results: Sequence[Result]) -> Figure:
    """Plot pVar of every test pass; raises ResultError for results without a sequence."""
    curves = {f"{variant}, seed {result.seed}": measure.pvar_of_tests(result) for result in results}
    return plot.pvar_of_tests(curves)


def _gather(results: Result | Sequence[Result], comparison: Comparison | None) -> list[Result]:
    given = [results] if isinstance(results, Result) else list(results)
    compared = [*comparison.rate, *comparison.spiking] if comparison else []
    known = {id(result) for result in given}
    return given + [result for result in compared if id(result) not in known]


def _reference(results: list[Result]) -> str:
    reference = next((result.reference for result in results if result.reference), None)
    if not reference:
        return ""
    year = f"({reference['year']})" if reference.get("year") else ""
    doi = f"doi:{reference['doi']}" if reference.get("doi") else ""
    arxiv = f"arXiv:{reference['arxiv']}" if reference.get("arxiv") else ""
    parts = [
        reference.get("authors", ""),
        reference.get("title", ""),
        reference.get("journal", ""),
        doi,
        arxiv,
    ]
    parts[2] = f"{parts[2]} {year}".strip()
    return ", ".join(part for part in parts if part) + "."


def _summary(results: list[Result], claims: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    cards = []
    if results:
        cards += [
            ("model", distinct(result.model for result in results)),
            ("variants", distinct(by_variant(results))),
            ("device", distinct(result.device for result in results)),
            ("seeds", distinct(sorted({result.seed for result in results}))),
            ("complete", "yes" if all(result.complete for result in results) else "NO"),
            *_criterion(results),
            (
                "run",
                distinct(sorted({result.created[:10] for result in results if result.created})) or "unknown",
            ),
        ]
    for variant in ("rate", "spiking"):
        verdicts = [row[variant].get("passed") for row in claims if row.get(variant)]
        passed = [verdict for verdict in verdicts if verdict is not None]
        if passed:
            cards.append((f"claims, {variant}", f"{sum(map(bool, passed))} of {len(passed)} pass"))
    return cards


def _criterion(results: list[Result]) -> list[tuple[str, str]]:
    """Return the card that says when a memory counts as recalled, by variant where these differ."""
    criteria = {result.variant: measure.Criterion.of(result) for result in results if result.recalled}
    return [("recalled", shown_criteria(criteria))] if criteria else []


def _incomplete(results: list[Result]) -> str:
    runs = [f"{result.variant} seed {result.seed}" for result in results if not result.complete]
    return (
        f"These runs stopped before their protocol ended; their numbers are partial: {', '.join(runs)}." if runs else ""
    )


def _texts(results: list[Result], name: str) -> list[tuple[str, str]]:
    """Return the text of each variant, once: seeds share it."""
    return [
        (variant, text)
        for variant, group in by_variant(results).items()
        for text in dict.fromkeys(getattr(result, name) for result in group)
        if text
    ]


def _notes(results: list[Result], comparison: Comparison | None) -> list[str]:
    """Return the remarks of the runs and the comparison; warnings stand at the top of the page."""
    own = [f"{result.variant}: {n}" for result in results for n in result.notes if n not in result.warnings]
    compared = [note for note in comparison.notes if note not in warned(results)] if comparison else []
    return [*own, *compared]
