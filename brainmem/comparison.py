"""How far the spiking variant of a model agrees with its rate variant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from brainmem import measure
from brainmem.agreement import Agreement, Comparison
from brainmem.errors import ResultError
from brainmem.measure.recall import mean_rate_name
from brainmem.result import Result

__all__ = ["Agreement", "Comparison", "changes", "compare", "matched_rates"]


def compare(
    rate_results: Result | Sequence[Result],
    spiking_results: Result | Sequence[Result],
    *,
    rate: str | None = None,
    recall: str = "recall",
    target: str = "target",
    threshold: float = 0.85,
    score: str = "overlap",
) -> Comparison:
    """Compare the two variants of a model, seed by seed.

    Rates averaged over each step are compared within every phase (steps are matched by item,
    epoch and repeat): Pearson's correlation of each unit over steps, averaged over units, and the
    root mean square difference over the sd of the rate variant. Weight changes ``w(end) - w(start)``
    are compared over synapses when both variants start from the same weights. Recall is compared
    epoch by epoch when the model has it.

    Parameters
    ----------
    rate_results, spiking_results : Result or sequence of Result
        Finished runs; paired by seed.
    rate : str, optional
        Rate variable to compare, needed if several were recorded.
    recall, target : str
        Phase that tests recall, and the stimulus recalled.
    threshold, score
        As in `measure.recall_table`.

    Returns
    -------
    Comparison

    Raises
    ------
    ResultError
        For different models, parameters, stimuli, unpaired seeds, or unfinished runs.
    """
    pairs = _pairs(_listed(rate_results, "rate"), _listed(spiking_results, "spiking"))
    for pair in pairs:
        _check_pair(*pair)
    name = mean_rate_name(pairs[0][0], rate)
    recall_options = {"phase": recall, "target": target, "rate": name.removeprefix("mean_")}
    recall_options |= {"threshold": threshold, "score": score}
    notes: list[str] = []
    agreements = [*_rates(pairs, name), *_weights(pairs, notes), *_recall(pairs, notes, **recall_options)]
    return Comparison(
        model=pairs[0][0].model,
        seeds=tuple(pair[0].seed for pair in pairs),
        agreements=tuple(agreements),
        rate=tuple(pair[0] for pair in pairs),
        spiking=tuple(pair[1] for pair in pairs),
        notes=tuple(notes),
    )


def matched_rates(rate: Result, spiking: Result, *, phase: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the step averages of both variants in one phase, (step, unit) each, in the same order of steps.

    Steps that only one of them executed, or that ended before their averaging window, are left out.
    """
    first, second = rate.select(phase=phase), spiking.select(phase=phase)
    place = {step: k for k, step in enumerate(_steps(second))}
    shared = [(k, place[step]) for k, step in enumerate(_steps(first)) if step in place]
    if not shared:
        raise ResultError(f"The two variants have no step of phase {phase!r} in common (item, epoch, repeat).")
    rows, columns = map(list, zip(*shared, strict=True))
    both = first[name].values[rows], second[name].values[columns]
    averaged = np.isfinite(both[0]).all(axis=1) & np.isfinite(both[1]).all(axis=1)
    return both[0][averaged], both[1][averaged]


def changes(result: Result, weights: str) -> np.ndarray:
    """Return ``w(last snapshot) - w(first snapshot)``, (post, pre)."""
    values = result[weights].values
    return values[-1] - values[0]


def _listed(results: Result | Sequence[Result], variant: str) -> list[Result]:
    results = [results] if isinstance(results, Result) else list(results)
    if not results:
        raise ResultError(f"There is no {variant} result to compare.")
    for result in results:
        if not isinstance(result, Result):
            raise ResultError(f"compare takes results, got {type(result).__name__}; load files with Result.load.")
        if result.variant != variant:
            raise ResultError(f"Expected {variant} results, got a {result.variant} one (seed {result.seed}).")
        result.require_complete()
    return results


def _pairs(rates: list[Result], spikings: list[Result]) -> list[tuple[Result, Result]]:
    first, second = _by_seed(rates), _by_seed(spikings)
    if set(first) != set(second):
        raise ResultError(
            f"Results are paired by seed, but the rate variant has seeds {sorted(first)} and the spiking "
            f"variant {sorted(second)}. Run both with the same seeds, or leave out the unpaired."
        )
    return [(first[seed], second[seed]) for seed in sorted(first)]


def _by_seed(results: list[Result]) -> dict[int, Result]:
    found: dict[int, Result] = {}
    for result in results:
        if result.options != results[0].options:
            raise ResultError(
                f"The {result.variant} results were translated differently: {result.options} (seed {result.seed}) and "
                f"{results[0].options} (seed {results[0].seed}). Compare one translation at a time."
            )
        if result.seed in found:
            raise ResultError(f"Two {result.variant} results have the seed {result.seed}; give each seed once.")
        found[result.seed] = result
    return found


def _check_pair(rate: Result, spiking: Result) -> None:
    if rate.model != spiking.model:
        raise ResultError(f"Cannot compare two models: {rate.model!r} and {spiking.model!r}.")
    first, second = rate.parameters, spiking.parameters
    different = [
        f"{name} ({first[name]['value']} and {second[name]['value']})"
        for name in first
        if name in second and _unequal(first[name], second[name])
    ]
    forms, others = rate.choices, spiking.choices
    different += [f"{name} ({forms[name]} and {others.get(name)})" for name in forms if forms[name] != others.get(name)]
    if different:
        raise ResultError(
            f"The rate and the spiking run of {rate.model!r} differ in parameters: {', '.join(different)}. "
            "Run both with the same parameters."
        )
    for name in _stimuli(rate):
        if name in spiking and not np.array_equal(rate[name].values, spiking[name].values):
            raise ResultError(f"The runs with seed {rate.seed} saw different stimuli {name!r}; give both the same.")


def _unequal(first: dict, second: dict) -> bool:
    return first["value"] != second["value"] or first.get("unit") != second.get("unit")


def _stimuli(result: Result) -> Iterator[str]:
    return (str(name) for name, values in result.data.items() if values.dims and str(values.dims[0]).endswith("item"))


def _steps(result: Result) -> list[tuple[int, ...]]:
    """Return epoch, item and repeat of each step, and how many steps before had the same."""
    columns = [result[f"step_{name}"].values.tolist() for name in ("epoch", "item", "repeat")]
    seen: Counter[tuple[int, ...]] = Counter()
    found = []
    for step in zip(*columns, strict=True):
        found.append((*step, seen[step]))
        seen[step] += 1
    return found


def _rates(pairs: list[tuple[Result, Result]], name: str) -> Iterator[Agreement]:
    phases = dict.fromkeys(pairs[0][0]["step_phase"].values.tolist())
    for phase in phases:
        matched = [matched_rates(*pair, phase=phase, name=name) for pair in pairs]
        pearson = tuple(_unit_pearson(*both) for both in matched)
        yield Agreement(
            "rate_pearson",
            phase,
            "Pearson correlation of a unit's rates over steps, mean over units",
            pearson,
        )
        nrmse = tuple(_nrmse(*both) for both in matched)
        yield Agreement("rate_nrmse", phase, "rms difference of the rates over the sd of the rate variant", nrmse)


def _unit_pearson(rate: np.ndarray, spiking: np.ndarray) -> float:
    if len(rate) < 2:
        return float("nan")
    values = measure.pearson(rate, spiking, axis=0)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _nrmse(rate: np.ndarray, spiking: np.ndarray) -> float:
    return measure.nrmse(spiking, rate) if np.std(rate) > 0 else float("nan")


def _weights(pairs: list[tuple[Result, Result]], notes: list[str]) -> Iterator[Agreement]:
    first = pairs[0][0].data
    names = [str(name) for name, item in first.items() if item.dims[:1] == ("epoch",) and item.ndim == 3]
    for name in names:
        reason = _incomparable(pairs, name)
        if reason:
            notes.append(f"changes of {name} are not compared: {reason}")
        else:
            yield from _changes([_moved(*pair, name) for pair in pairs], name)


def _incomparable(pairs: list[tuple[Result, Result]], name: str) -> str:
    """Return why weight changes cannot be compared, or nothing."""
    if any(name not in result or len(result[name]) < 2 for pair in pairs for result in pair):
        return "they were not recorded by both; ask for record=('weights',)"
    if not all(_same_start(*pair, name) for pair in pairs):
        return "the variants started from different weights"
    return ""


def _same_start(rate: Result, spiking: Result, name: str) -> bool:
    if rate[name].shape[1:] != spiking[name].shape[1:]:
        return False
    return np.allclose(rate[name].values[0], spiking[name].values[0], rtol=1e-6, atol=1e-12, equal_nan=True)


def _moved(rate: Result, spiking: Result, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the changes of the synapses that exist and changed in either variant, (synapse,) each."""
    first, second = changes(rate, name), changes(spiking, name)
    moved = np.isfinite(first) & np.isfinite(second) & ((first != 0) | (second != 0))
    return first[moved], second[moved]


def _changes(moved: list[tuple[np.ndarray, np.ndarray]], name: str) -> Iterator[Agreement]:
    for key, meaning, value in (
        ("weight_correlation", "Pearson correlation of weight changes over synapses", _correlation),
        ("weight_slope", "slope of the spiking variant's weight changes on the rate variant's", _slope),
        ("weight_norm_ratio", "norm of all weight changes, spiking over rate", _norm_ratio),
    ):
        yield Agreement(key, name, meaning, tuple(value(*both) for both in moved))


def _correlation(rate: np.ndarray, spiking: np.ndarray) -> float:
    return float(measure.pearson(rate, spiking)) if rate.size > 1 else float("nan")


def _slope(rate: np.ndarray, spiking: np.ndarray) -> float:
    variance = np.var(rate) if rate.size else 0
    return float(np.mean((rate - rate.mean()) * (spiking - spiking.mean())) / variance) if variance else float("nan")


def _norm_ratio(rate: np.ndarray, spiking: np.ndarray) -> float:
    norm = np.linalg.norm(rate)
    return float(np.linalg.norm(spiking) / norm) if norm else float("nan")


def _recall(pairs: list[tuple[Result, Result]], notes: list[str], **options) -> Iterator[Agreement]:
    absent = options["phase"] not in pairs[0][0]["step_phase"].values or options["target"] not in pairs[0][0]
    if absent:
        notes.append(f"recall is not compared: no phase {options['phase']!r} with a stimulus {options['target']!r}")
        return
    tables = [tuple(measure.recall_table(result, **options)["recalled"] for result in pair) for pair in pairs]
    for epoch in tables[0][0]["epoch"].values.tolist():
        both = np.array([[float(table.reindex(epoch=[epoch])[0]) for table in pair] for pair in tables])
        yield from _recalled(both, options["phase"], epoch)


def _recalled(both: np.ndarray, phase: str, epoch: int) -> Iterable[Agreement]:
    """Yield the three recall agreements of one epoch from fractions (seed, variant)."""
    rate, spiking = both.T.tolist()
    difference = (both[:, 1] - both[:, 0]).tolist()
    yield Agreement("recalled_rate", phase, "fraction of maps recalled, rate variant", tuple(rate), epoch)
    yield Agreement("recalled_spiking", phase, "fraction of maps recalled, spiking variant", tuple(spiking), epoch)
    yield Agreement("recalled_difference", phase, "recalled by spiking minus by rate", tuple(difference), epoch)
