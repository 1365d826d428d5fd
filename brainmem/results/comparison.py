"""How far the spiking variant of a model agrees with its rate variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from brainmem import measure
from brainmem.errors import ResultError
from brainmem.intake.arguments import NUMBER, RESULTS, TEXT, optional, takes
from brainmem.measure import Criterion, recall_table
from brainmem.measure.agreement import is_constant
from brainmem.measure.recall import mean_rate_name, rate_names
from brainmem.results.agreement import Agreement, Comparison, Measured, Notes, measured, nothing, warned
from brainmem.results.chance import HOW, statistics
from brainmem.results.pairing import Matched, Pair, aligned_rates, changes, matched_rates, paired
from brainmem.results.result import Result

__all__ = ["Agreement", "Comparison", "changes", "compare", "matched_rates"]

Arrays = tuple[np.ndarray, np.ndarray]
Tables = tuple[xr.Dataset, xr.Dataset]

NO_AVERAGE = "(it ended before its averaging window began, or the run diverged)"


@takes(
    ResultError,
    **dict.fromkeys(("rate_results", "spiking_results"), RESULTS),
    **dict.fromkeys(("rate", "phase", "target", "score", "repeats"), optional(TEXT)),
    threshold=optional(NUMBER),
)
def compare(
    rate_results: Result | Sequence[Result],
    spiking_results: Result | Sequence[Result],
    *,
    rate: str | None = None,
    phase: str | None = None,
    target: str | None = None,
    score: str | None = None,
    threshold: float | None = None,
    repeats: str | None = None,
) -> Comparison:
    """Compare the two variants of a model, seed by seed.

    Rates averaged over each step are compared within every phase (steps are matched by item, epoch and repeat, trials
    one by one): Pearson's correlation of each unit over steps and trials, averaged over units, and the root mean
    square difference over the sd of the rate variant. Weight changes ``w(end) - w(start)`` are compared over synapses
    when both variants start from the same weights. Recall is compared epoch by epoch, each variant by its criterion.

    Steps that begin from random values and no pattern, or go on from such a step, and that are no tests of recall, end
    in attractors that chance decides in both variants. Their rates are compared as statistics: the distribution of
    rates, the mean products of two units' rates, and how close the state comes to the target of recall.

    Parameters
    ----------
    rate_results, spiking_results : Result or sequence of Result
        Finished runs; paired by seed.
    rate : str, optional
        Compare the rates of one population only. Of several, each is compared when not given.
    phase, target, score, threshold, repeats : optional
        Replace that part of the model's recall criterion, in both variants; see `brainmem.Recalled`.

    Returns
    -------
    Comparison
        Its notes say what could not be compared and why, and repeat the warnings of the results.

    Raises
    ------
    ResultError
        For different models, parameters, curves, patterns or numbers of trials, unpaired seeds, unfinished runs, or a
        rate or criterion that does not fit the results.
    """
    pairs, notes = paired(rate_results, spiking_results), Notes()
    given = {"phase": phase, "target": target, "score": score, "threshold": threshold, "repeats": repeats}
    tables = _recall_tables(pairs, notes, {name: value for name, value in given.items() if value is not None})
    _note_values(pairs[0], notes)
    agreements = [*_rates(pairs, rate, notes), *_weights(pairs, notes), *_recall(pairs, tables, notes)]
    return Comparison(
        model=pairs[0][0].model,
        seeds=tuple(pair[0].seed for pair in pairs),
        agreements=tuple(agreements),
        rate=tuple(pair[0] for pair in pairs),
        spiking=tuple(pair[1] for pair in pairs),
        notes=(*notes.texts(), *warned(result for pair in pairs for result in pair)),
        recalled=_criteria(tables),
    )


def _note_values(pair: Pair, notes: Notes) -> None:
    """Note the parameters that the model gives another value in the spiking variant."""
    own = {name: item for name, item in pair[1].parameters.items() if "in_rate" in item}
    if own:
        shown = ", ".join(f"{name} ({item['in_rate']} and {item['value']})" for name, item in own.items())
        notes.add(f"the model has other parameters in the two variants: {shown}")


# Rates


def _rates(pairs: list[Pair], rate: str | None, notes: Notes) -> Iterator[Agreement]:
    names = list(dict.fromkeys(name for pair in pairs for result in pair for name in rate_names(result)))
    if rate is not None:
        mean_rate_name(pairs[0][0], rate)  # refuses one that was not recorded
    for name in names if rate is None else [rate]:
        lacking = [result.variant for pair in pairs for result in pair if name not in rate_names(result)]
        if lacking:
            notes.add(f"rates {name!r} are not compared: they are missing in results of the {lacking[0]} variant")
            continue
        yield from _rates_of(name, name if len(names) > 1 else None, pairs, notes)


def _rates_of(name: str, label: str | None, pairs: list[Pair], notes: Notes) -> Iterator[Agreement]:
    phases = dict.fromkeys(phase for pair in pairs for result in pair for phase in result["step_phase"].values.tolist())
    for phase in phases:
        aligned = {pair[0].seed: _aligned(pair, phase, name, notes) for pair in pairs}
        yield from statistics(pairs, phase, name, label, {seed: _chance(item) for seed, item in aligned.items()}, notes)
        what = f"rates {name!r} in phase {phase!r}"
        matched = {seed: _cued(item, what, seed, notes) for seed, item in aligned.items()}
        if all(both is None for both in matched.values()):
            continue
        for key, meaning, function in (
            ("rate_pearson", "Pearson correlation of a unit's rates over steps and trials, mean over units", _pearson),
            ("rate_nrmse", "rms difference of the rates over the sd of the rate variant", _nrmse),
        ):
            yield measured(Agreement(key, phase, meaning, (), rate=label), function, matched, notes)


def _aligned(pair: Pair, phase: str, name: str, notes: Notes) -> Matched | None:
    """Return the averages of both variants, None where one did not run the phase."""
    seed, what = pair[0].seed, f"rates {name!r} in phase {phase!r}"
    try:
        found = aligned_rates(*pair, phase=phase, name=f"mean_{name}")
    except ResultError as reason:
        notes.add(f"{what} are not compared: {reason}", seed)
        return None
    if found.unmatched:
        notes.add(f"{what}: {found.unmatched} steps that only one variant executed are left out", seed)
    if found.uncued.any():
        steps = "all" if found.uncued.all() else f"{np.count_nonzero(found.uncued)} of {len(found.uncued)}"
        notes.add(f"{what}: {steps} steps {HOW}", seed)
    return found


def _chance(found: Matched | None) -> Matched | None:
    """Return the steps whose state is chance and that have an average in both variants, None without any."""
    chosen = found and found.only(found.uncued & found.averaged)
    return chosen if chosen and len(chosen.rate) else None


def _cued(found: Matched | None, what: str, seed: int, notes: Notes) -> Arrays | None:
    """Return the other averages of both variants, (step and trial, unit), or None, and note what was left out."""
    if found is None or found.uncued.all():
        return None
    cued = found.only(~found.uncued)
    kept = cued.only(cued.averaged)
    if not len(kept.rate):
        notes.add(f"{what} are not compared: no step has an average in both variants {NO_AVERAGE}", seed)
        return None
    if left_out := len(cued.rate) - len(kept.rate):
        notes.add(f"{what}: {left_out} of {len(cued.rate)} steps are left out, without an average {NO_AVERAGE}", seed)
    units = kept.rate.shape[-1]
    return kept.rate.reshape(-1, units), kept.spiking.reshape(-1, units)


def _pearson(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    if len(rate) < 2:
        return nothing("there is one step only, and a correlation over steps needs two")
    values = np.asarray(measure.pearson(rate, spiking, axis=0))
    varying = np.isfinite(values)
    if not varying.any():
        return nothing("no unit has rates that vary over steps in both variants")
    still = np.count_nonzero(~varying)
    said = f"leaves out {still} of {len(values)} units, whose rate does not vary over steps" if still else ""
    return float(values[varying].mean()), said


def _nrmse(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    if is_constant(rate):
        return nothing("the rates of the rate variant are the same in all units and steps")
    return measure.nrmse(spiking, rate), ""


# Weights


def _weights(pairs: list[Pair], notes: Notes) -> Iterator[Agreement]:
    names = dict.fromkeys(name for pair in pairs for result in pair for name in _weight_names(result))
    for name in names:
        reason = _incomparable(pairs, name)
        if reason:
            notes.add(f"changes of {name} are not compared: {reason}")
        else:
            yield from _changes({pair[0].seed: _moved(*pair, name) for pair in pairs}, name, notes)


def _weight_names(result: Result) -> list[str]:
    return [str(name) for name, item in result.data.items() if item.dims[:1] == ("epoch",) and item.ndim == 3]


def _incomparable(pairs: list[Pair], name: str) -> str:
    """Return why weight changes cannot be compared, or nothing."""
    if any(name not in result for pair in pairs for result in pair):
        return "they were not recorded by both; ask for record=('weights',)"
    if any(len(result[name]) < 2 for pair in pairs for result in pair):
        return "only the start was recorded, as in runs with trials; runs that learn take record=('weights',)"
    if not all(_same_start(*pair, name) for pair in pairs):
        return "the variants started from different weights"
    if not any(first.size for pair in pairs for first in _moved(*pair, name)):
        return "neither variant changed them"
    return ""


def _same_start(rate: Result, spiking: Result, name: str) -> bool:
    if rate[name].shape[1:] != spiking[name].shape[1:]:
        return False
    return np.allclose(rate[name].values[0], spiking[name].values[0], rtol=1e-6, atol=1e-12, equal_nan=True)


def _moved(rate: Result, spiking: Result, name: str) -> Arrays:
    """Return the changes of the synapses that exist and changed in either variant, (synapse,) each."""
    first, second = changes(rate, name), changes(spiking, name)
    moved = np.isfinite(first) & np.isfinite(second) & ((first != 0) | (second != 0))
    return first[moved], second[moved]


def _changes(moved: dict[int, Arrays], name: str, notes: Notes) -> Iterator[Agreement]:
    for key, meaning, function in (
        ("weight_correlation", "Pearson correlation of weight changes over synapses", _correlation),
        ("weight_slope", "slope of the spiking variant's weight changes on the rate variant's", _slope),
        ("weight_norm_ratio", "norm of all weight changes, spiking over rate", _norm_ratio),
    ):
        yield measured(Agreement(key, name, meaning, ()), function, moved, notes)


def _correlation(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    if rate.size < 2:
        return nothing(f"{rate.size or 'no'} synapse changed, and a correlation over synapses needs two")
    value = float(measure.pearson(rate, spiking))
    return (value, "") if np.isfinite(value) else nothing("one variant changed all synapses alike")


def _slope(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    if rate.size < 2 or is_constant(rate):
        return nothing("the rate variant changed all synapses alike, or none")
    return float(np.mean((rate - rate.mean()) * (spiking - spiking.mean())) / np.var(rate)), ""


def _norm_ratio(rate: np.ndarray, spiking: np.ndarray) -> Measured:
    norm = np.linalg.norm(rate)
    return (float(np.linalg.norm(spiking) / norm), "") if norm else nothing("the rate variant changed no synapse")


# Recall


def _recall_tables(pairs: list[Pair], notes: Notes, given: dict[str, Any]) -> list[Tables]:
    """Return the table of each result; none, with a note, for a model or a run without tests of recall."""
    if not given and not any(result.recalled for pair in pairs for result in pair):
        notes.add("recall is not compared: the model has no recall criterion, MemoryModel(recalled=...)")
        return []
    try:
        for result, other in (both for pair in pairs for both in zip(pair, pairs[0], strict=True)):
            _require_equal(Criterion.of(result, **given), Criterion.of(other, **given), result, other)
        return [(recall_table(rate, **given), recall_table(spiking, **given)) for rate, spiking in pairs]
    except ResultError as reason:
        if given:
            raise
        notes.add(f"recall is not compared: {reason}")
        return []


def _require_equal(one: Criterion, other: Criterion, result: Result, first: Result) -> None:
    if one != other:
        raise ResultError(
            f"The {result.variant} results were made with different recall criteria: {one!r} (seed {result.seed}) and "
            f"{other!r} (seed {first.seed}). Give compare the criterion, such as score='overlap', threshold=0.85."
        )


def _criteria(tables: list[Tables]) -> dict[str, Criterion]:
    if not tables:
        return {}
    return {name: Criterion(**table.attrs) for name, table in zip(("rate", "spiking"), tables[0], strict=True)}


def _recall(pairs: list[Pair], tables: list[Tables], notes: Notes) -> Iterator[Agreement]:
    criteria = _criteria(tables)
    epochs = sorted({epoch for pair in tables for table in pair for epoch in table["epoch"].values.tolist()})
    if len(set(criteria.values())) > 1:
        notes.add(
            "memories of the two variants count as recalled by different criteria; compare(..., score=, threshold=, "
            "repeats=) judges both by one"
        )
    for epoch in epochs:
        found = {pair[0].seed: _fractions(both, epoch) for pair, both in zip(pairs, tables, strict=True)}
        for key, meaning, function in (
            ("recalled_rate", f"fraction recalled, rate variant: {criteria['rate']}", _first),
            ("recalled_spiking", f"fraction recalled, spiking variant: {criteria['spiking']}", _second),
            ("recalled_difference", "recalled by spiking minus by rate", _difference),
        ):
            yield measured(Agreement(key, criteria["rate"].phase, meaning, (), epoch), function, found, notes)


def _fractions(tables: Tables, epoch: int) -> tuple[float, ...]:
    return tuple(float(table["recalled"].reindex(epoch=[epoch])[0]) for table in tables)


def _first(rate: float, _: float) -> Measured:
    return _tested(rate)


def _second(_: float, spiking: float) -> Measured:
    return _tested(spiking)


def _difference(rate: float, spiking: float) -> Measured:
    return _tested(spiking - rate)


def _tested(value: float) -> Measured:
    return (value, "") if np.isfinite(value) else nothing("nothing was tested in this epoch")
