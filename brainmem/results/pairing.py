"""Pair the results of two variants: by seed, step by step, trial by trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import ResultError
from brainmem.measure.recall import mean_rates
from brainmem.results.result import Result

__all__ = ["Matched", "Pair", "aligned_rates", "changes", "matched_rates", "other_curves", "paired"]

Pair = tuple[Result, Result]


@dataclass(frozen=True)
class Matched:
    """The step averages of both variants, step by step.

    Attributes
    ----------
    rate, spiking : (step, [trial,] unit) arrays
        NaN where a step has no average.
    uncued : (step,) array of bool
        Where what the state reaches is chance: it goes back to random values and to no pattern, in either variant.
    unmatched : int
        How many steps only one variant ran.
    """

    rate: np.ndarray
    spiking: np.ndarray
    uncued: np.ndarray
    unmatched: int

    def only(self, steps: np.ndarray) -> Matched:
        """Return some of the steps."""
        return replace(self, rate=self.rate[steps], spiking=self.spiking[steps], uncued=self.uncued[steps])

    @property
    def averaged(self) -> np.ndarray:
        """Where a step has an average in both variants, (step,)."""
        finite = np.isfinite(self.rate) & np.isfinite(self.spiking)
        return np.asarray(finite.reshape(len(finite), -1).all(axis=1))


def paired(rate_results: Result | Sequence[Result], spiking_results: Result | Sequence[Result]) -> list[Pair]:
    """Return (rate, spiking) results of each seed, in ascending order of seeds.

    Raises
    ------
    ResultError
        For unfinished runs, seeds that only one variant has, and pairs that are not the same experiment: other models,
        parameters, patterns or numbers of trials.
    """
    first = _by_seed(_listed(rate_results, "rate"))
    second = _by_seed(_listed(spiking_results, "spiking"))
    if set(first) != set(second):
        raise ResultError(
            f"Results are paired by seed, but the rate variant has seeds {sorted(first)} and the spiking "
            f"variant {sorted(second)}. Run both with the same seeds, or leave out the unpaired."
        )
    pairs = [(first[seed], second[seed]) for seed in sorted(first)]
    for pair in pairs:
        _check_pair(*pair)
        _check_same_settings(pairs[0][0], pair[0], f"seeds {pairs[0][0].seed} and {pair[0].seed}")
    return pairs


def matched_rates(rate: Result, spiking: Result, *, phase: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the step averages of both variants in one phase, in the same order of steps and trials.

    Parameters
    ----------
    rate, spiking : Result
    phase : str
    name : str
        Variable with the averages, ``"mean_x"``.

    Returns
    -------
    rate, spiking : (step, unit) or (step, trial, unit) float arrays
        Steps that only one variant executed, or that ended before their averaging window, are left out.

    Raises
    ------
    ResultError
        When no step of that phase was executed by both.
    """
    matched = aligned_rates(rate, spiking, phase=phase, name=name)
    matched = matched.only(matched.averaged & ~matched.uncued)
    return matched.rate, matched.spiking


def aligned_rates(rate: Result, spiking: Result, *, phase: str, name: str) -> Matched:
    """Return the averages of both variants in one phase; steps are matched by their item, epoch and repeat."""
    for ran, other in ((rate, spiking), (spiking, rate)):
        if phase in ran["step_phase"].values and phase not in other["step_phase"].values:
            raise ResultError(f"Only the {ran.variant} variant ran the phase {phase!r}.")
    first, second = rate.select(phase=phase), spiking.select(phase=phase)
    place = {step: k for k, step in enumerate(_steps(second))}
    shared = [(k, place[step]) for k, step in enumerate(_steps(first)) if step in place]
    if not shared:
        raise ResultError(f"No step of the phase {phase!r} has the same item, epoch and repeat in both variants.")
    rows, columns = map(list, zip(*shared, strict=True))
    unmatched = len(_steps(first)) + len(_steps(second)) - 2 * len(shared)
    uncued = _uncued(first)[rows] | _uncued(second)[columns]
    means, others = mean_rates(first, name).values, mean_rates(second, name).values
    return Matched(means[rows], others[columns], uncued, unmatched)


def _uncued(result: Result) -> np.ndarray:
    if "step_uncued" not in result:
        return np.zeros(result.data.sizes["step"], dtype=bool)
    return result["step_uncued"].values > 0


def changes(result: Result, weights: str) -> np.ndarray:
    """Return ``w(last snapshot) - w(first snapshot)``, (post, pre)."""
    values = result[weights].values
    return values[-1] - values[0]


def _steps(result: Result) -> list[tuple[int, ...]]:
    """Return epoch, item and repeat of each step, and how many steps before had the same."""
    columns = [result[f"step_{name}"].values.tolist() for name in ("epoch", "item", "repeat")]
    seen: Counter[tuple[int, ...]] = Counter()
    found = []
    for step in zip(*columns, strict=True):
        found.append((*step, seen[step]))
        seen[step] += 1
    return found


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
    return [_plain(result) for result in results]


def _plain(result: Result) -> Result:
    """Return a result of one trial, or of trials that show an item each, as one of a run without trials."""
    result = result.by_item()
    return Result(result.data.squeeze("trial")) if result.data.sizes.get("trial") == 1 else result


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
    _check_same_settings(rate, spiking, "the rate and the spiking run")
    trials = [result.data.sizes.get("trial", 1) for result in (rate, spiking)]
    if trials[0] != trials[1]:
        raise ResultError(
            f"Trials are compared one by one, but with seed {rate.seed} the rate run has {trials[0]} and the spiking "
            f"run {trials[1]}. Run both with the same trials=..."
        )
    for name in _patterns(rate):
        if name in spiking and not np.array_equal(rate[name].values, spiking[name].values):
            raise ResultError(f"The runs with seed {rate.seed} have different tables {name!r}; give both the same.")


def _check_same_settings(one: Result, other: Result, which: str) -> None:
    """Refuse results of two models, or of other protocols, parameters, curves or forms of one.

    `which` says what they are.
    """
    if one.model != other.model:
        raise ResultError(f"Cannot compare two models: {one.model!r} and {other.model!r}.")
    if one.protocol != other.protocol:
        ran, then = (f"protocol {item.protocol!r}" if item.protocol else "no named one" for item in (one, other))
        raise ResultError(
            f"Results of {one.model!r}, {which}, are of two protocols: {ran} and {then}. Run both with the same "
            "protocol=..."
        )
    first, second = one.parameters, other.parameters
    same = one.variant == other.variant
    different = [
        f"{name} ({first[name]['value']} and {second[name]['value']})"
        for name in first
        if name in second and _unequal(first[name], second[name], same=same)
    ]
    forms, others = one.choices, other.choices
    different += [f"{name} ({forms[name]} and {others.get(name)})" for name in forms if forms[name] != others.get(name)]
    if different:
        raise ResultError(
            f"Results of {one.model!r}, {which}, differ in parameters: {', '.join(different)}. "
            "Run both with the same parameters."
        )
    if curves := other_curves(one, other):
        raise ResultError(
            f"Results of {one.model!r}, {which}, differ in curves: {', '.join(curves)}. Run both with the same curves."
        )


def other_curves(one: Result, other: Result) -> list[str]:
    """Return the curves that have other points in two results, or that only one has, and what differs in each."""
    first, second = one.curves, other.curves
    found = []
    for name in {**first, **second}:
        if name not in first or name not in second:
            found.append(f"{name} (of one only)")
            continue
        parts = [part for part in ("x", "y", "zero_at") if _axis(first[name], part) != _axis(second[name], part)]
        found += [f"{name} (other {' and '.join(parts)})"] if parts else []
    return found


def _axis(curve: Mapping[str, Any], part: str) -> tuple[Any, Any]:
    """Return the numbers of an axis and their unit."""
    return curve.get(part), curve.get(f"{part}_unit")


def _unequal(first: dict, second: dict, *, same: bool) -> bool:
    """Tell whether two runs have other values of a parameter; of two variants, other ones than the model gives them."""
    values = [record["value"] if same else record.get("in_rate", record["value"]) for record in (first, second)]
    return values[0] != values[1] or first.get("unit") != second.get("unit")


def _patterns(result: Result) -> Iterator[str]:
    return (str(name) for name, values in result.data.items() if values.dims and str(values.dims[0]).endswith("item"))
