"""Whether a memory was recalled, and how many a network holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from brainmem.errors import ResultError, closest
from brainmem.intake.arguments import NUMBER, RESULT, TEXT, a, optional, takes
from brainmem.measure.checks import array, same_shape
from brainmem.measure.criterion import Criterion
from brainmem.measure.scores import Score, score_of
from brainmem.measure.steps import tabulated

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = [
    "capacity",
    "capacity_bound",
    "mean_rate_name",
    "mean_rates",
    "rate_names",
    "recall_ceiling",
    "recall_table",
    "recalled_fraction",
]


@takes(ResultError, threshold=NUMBER)
def recalled_fraction(overlaps: ArrayLike, *, threshold: float) -> float:
    """Return the fraction of scores above a threshold.

    Parameters
    ----------
    overlaps : (item,) or (item, repeat) float array, dimensionless
        Of repeats each counts for itself: an item that is reached from two random starts of three counts 2/3.
    threshold : float
    """
    return float(np.mean(array(overlaps, "overlaps", least=1) > threshold))


def _is_score(given: Any) -> bool:
    return isinstance(given, str) or callable(given)


@takes(
    ResultError,
    result=RESULT,
    rate=optional(TEXT),
    score=optional(a("the name of a score, or a function of target and state", _is_score)),
    **dict.fromkeys(("phase", "target", "repeats"), optional(TEXT)),
)
def recall_table(
    result: Result,
    *,
    rate: str | None = None,
    phase: str | None = None,
    target: str | None = None,
    score: str | Callable[[np.ndarray, np.ndarray], float] | None = None,
    threshold: float | None = None,
    repeats: str | None = None,
    level: float | None = None,
) -> xr.Dataset:
    """Return how well every item was recalled in every tested epoch of a run, by the criterion of its model.

    The rates averaged over the last part of each test are scored against the target of its item.

    Parameters
    ----------
    result : Result
    rate : str, optional
        Variable whose averages ``mean_<rate>`` are scored; that of the target's units when not given.
    phase, target, score, threshold, repeats, level : optional
        Replace that part of the model's criterion; see `brainmem.Recalled`. `score` may also be a function
        ``f(target, state)`` of two arrays (unit,), the pattern of a test and its mean rates, that returns a number; it
        needs a `threshold` of its own.

    Returns
    -------
    xarray.Dataset
        ``recalled(epoch)``, the fraction of items recalled, and ``score(epoch, item, repeat)``: NaN where an item was
        not tested, 0 where there is no correlation because all units have one rate. A run with ``trials=B`` has
        ``score(epoch, item, repeat, trial)``, and its trials count as so many runs. The attributes are the criterion.

    Raises
    ------
    ResultError
        When the run did not finish, has no such phase, did not record what is needed, or no criterion is known.
    """
    own, score = (score, "overlap") if callable(score) else (None, score)
    if own and threshold is None:
        raise ResultError(
            "A score of your own needs a threshold of its own, above which a test succeeds: threshold=0.5."
        )
    given = {"phase": phase, "target": target, "score": score, "threshold": threshold, "repeats": repeats}
    criterion = Criterion.of(result, **given, level=level)
    if own:
        criterion = replace(criterion, score=getattr(own, "__name__", "score"))
    tests = result.require_complete().by_item().select(phase=criterion.phase)
    patterns = _targets(tests, criterion)
    rates = mean_rates(tests, mean_rate_name(tests, rate, of=patterns))
    _require_averages(rates, criterion.phase)
    wanted = np.asarray(patterns.values, dtype=float)[tests["step_item"].values.astype(int)]
    if wanted.ndim < rates.ndim:  # one target for all trials
        wanted = np.broadcast_to(wanted[:, np.newaxis], rates.shape)
    scores = _by_function(own, rates.values, wanted) if own else score_of(criterion)(rates.values, wanted)
    scores = np.nan_to_num(np.atleast_1d(scores))
    return _tabulate(xr.DataArray(scores, dims=rates.dims[:-1]), tests, criterion)


def _by_function(score: Score, rates: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the scores that a user's own function gives to every test."""
    found, name = np.empty(rates.shape[:-1]), getattr(score, "__name__", score)
    for place in np.ndindex(*found.shape):
        try:
            value = np.asarray(score(wanted[place].copy(), rates[place].copy()))
        except Exception as reason:  # of the user's own
            raise ResultError(
                f"score={name!r} takes the target and the state of a test, and ended with {type(reason).__name__}: "
                f"{reason}"
            ) from reason
        if value.ndim or value.dtype.kind not in "biuf" or not np.isfinite(value):
            raise ResultError(
                f"score={name!r} must return one finite number for the target and the "
                f"state of a test, and returned {value!r} for test {place[0]}."
            )
        found[place] = value
    return found


def _targets(tests: Result, criterion: Criterion) -> xr.DataArray:
    """Return the rows of the target, after checking that every test can be scored against one."""
    patterns, items = tests[criterion.target], tests["step_item"].values
    if patterns.ndim != 2 + ("trial" in patterns.dims):
        raise ResultError(f"The target {criterion.target!r} changes while it is shown; mean rates have no frames.")
    if (items < 0).any() or items.max() >= len(patterns):
        raise ResultError(
            f"Phase {criterion.phase!r} has steps without an item of {criterion.target!r}; recall cannot be scored "
            f"there. Its items go up to {items.max()}, and {criterion.target!r} has {len(patterns)} rows."
        )
    rows = patterns.values[np.unique(items).astype(int)]
    flat = (rows == rows[..., :1]).all(axis=-1)
    if criterion.score == "pearson" and flat.any():
        raise ResultError(
            f"{np.count_nonzero(flat)} of the {flat.size} patterns of {criterion.target!r} tested are the same in all "
            "units, and nothing correlates with them. Score by the overlap: score='overlap'."
        )
    return patterns


def _require_averages(rates: xr.DataArray, phase: str) -> None:
    absent = np.isnan(rates.values).all(axis=tuple(range(1, rates.ndim)))
    if absent.any():
        raise ResultError(
            f"{np.count_nonzero(absent)} of the {absent.size} steps of phase {phase!r} have no average rates to score "
            "recall by: they ended before their averaging window began, or the run diverged. Test in a phase without "
            "until=, or without average=."
        )


def rate_names(result: Result) -> tuple[str, ...]:
    """Return the rates whose averages over each step were recorded as ``mean_<rate>``: one of each population."""
    return tuple(
        str(name).removeprefix("mean_")
        for name, values in result.data.items()
        if str(name).startswith("mean_") and values.ndim == 2 + ("trial" in values.dims)
    )


def mean_rate_name(result: Result, rate: str | None = None, *, of: xr.DataArray | None = None) -> str:
    """Return the name of the variable that holds the rates averaged over each step.

    Parameters
    ----------
    result : Result
    rate : str, optional
        Which rate; needed if there are several.
    of : xarray.DataArray, optional
        A pattern or stimulus, to whose units the rates must belong.

    Raises
    ------
    ResultError
        When there is none of that name or of these units, or several and no choice.
    """
    names = rate_names(result)
    if rate is not None and rate not in names:
        raise ResultError(
            f"No mean rate of {rate!r} was recorded.{closest(rate, names)} Rates recorded: {_listed(names)}. "
            f"record=('mean_{rate}',) keeps it."
        )
    if not names:
        raise ResultError(
            "The run kept no mean rates, as record=() keeps those of scored phases alone, and it has none of these. "
            "Name them in record, such as record=('mean_x',)."
        )
    found = [name for name in names if rate in (None, name)]
    if of is not None:
        found = [name for name in found if result[f"mean_{name}"].dims[-1] == of.dims[-1]]
        if not found:
            raise ResultError(
                f"{of.name!r} is a pattern of other units ({of.dims[-1]}) than the rates {rate or 'recorded'}; rates "
                f"recorded: {_listed(names)}. Name a pattern of the same population."
            )
    if len(found) != 1:
        raise ResultError(f"Say which rate is meant with rate=...; rates recorded: {_listed(names)}.")
    return f"mean_{found[0]}"


def mean_rates(steps: Result, name: str) -> xr.DataArray:
    """Return the rates averaged over each step, (step, ..., unit), of steps of which the run kept them.

    Parameters
    ----------
    steps : Result
        Of one phase: ``result.select(phase="recall")``.
    name : str
        ``"mean_x"``.

    Raises
    ------
    ResultError
        When the run did not keep those of all these steps.
    """
    rates = steps[name]
    if rates.dims[0] != "step":
        phases = list(dict.fromkeys(steps["step_phase"].values.tolist()))
        raise ResultError(
            f"The run kept no mean rates {name!r} of the phase {' and '.join(map(repr, phases))}. Record them: "
            f"record=({name!r},) keeps those of all phases, record={{{name!r}: {tuple(phases)!r}}} those of this one."
        )
    return rates


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _tabulate(scores: xr.DataArray, tests: Result, criterion: Criterion) -> xr.Dataset:
    table = tabulated(scores, tests, criterion.phase)
    rows = [_counted(part, criterion.repeats) for part in table.values]
    found = [recalled_fraction(part, threshold=criterion.threshold) for part in rows]
    recalled = xr.DataArray(found, {"epoch": table["epoch"]}, ("epoch",))
    units = {"units": "1"}
    return xr.Dataset(
        {
            "recalled": recalled.assign_attrs(units, long_name=f"fraction recalled ({criterion})"),
            "score": table.assign_attrs(units, long_name=f"{criterion.quantity} with {criterion.target}"),
        },
        attrs=criterion.fields,
    )


def _counted(scores: np.ndarray, repeats: str) -> np.ndarray:
    """Return the scores that count, of one epoch's (item, repeat, ...): of each test, or the mean of an item's."""
    if repeats == "mean":
        scores = np.nanmean(scores[np.isfinite(scores).any(axis=tuple(range(1, scores.ndim)))], axis=1)
    return scores[np.isfinite(scores)]


@takes(ResultError, level=NUMBER)
def capacity(loads: ArrayLike, fractions: ArrayLike, *, level: float = 0.5) -> float:
    """Return the load at which the fraction of recalled maps falls through a level.

    Interpolates linearly between the loads around the first fall.

    Parameters
    ----------
    loads : (load,) float array, ascending
        M/N.
    fractions : (load,) float array
        Fraction of maps recalled.
    level : float

    Returns
    -------
    float
        0 when the fraction lies below the level at every load (the capacity is below the
        smallest), infinity when it never falls (the capacity is beyond the largest).

    Raises
    ------
    ResultError
        For loads that do not ascend, NaN, or different shapes.
    """
    loads, fractions = array(loads, "loads", least=1), array(fractions, "fractions", least=1)
    same_shape(loads, fractions, "loads and fractions")
    if loads.ndim != 1:
        raise ResultError(f"loads must be a list of numbers, got shape {loads.shape}.")
    if np.any(np.diff(loads) <= 0):
        raise ResultError(f"loads must ascend, got {loads.tolist()}.")
    falls = np.flatnonzero((fractions[:-1] >= level) & (fractions[1:] < level))
    if falls.size == 0:
        return np.inf if fractions[-1] >= level else 0.0
    k = falls[0]
    share = (fractions[k] - level) / (fractions[k] - fractions[k + 1])
    return float(loads[k] + share * (loads[k + 1] - loads[k]))


def capacity_bound(gamma: ArrayLike) -> np.ndarray | float:
    """Return the load above which no weights of row norm 1 hold all maps, ``2/(1 + gamma^2)``.

    Parameters
    ----------
    gamma : float array
        Strength of the cue (reconstruction, after Gardner 1988).
    """
    return 2 / (1 + array(gamma, "gamma") ** 2)


def recall_ceiling(gamma: ArrayLike) -> np.ndarray | float:
    """Return the load above which recall from random starts is not expected, about ``1/(1 + gamma^2)``.

    Recall above it means that the state was cued otherwise (reconstruction).

    Parameters
    ----------
    gamma : float array
        Strength of the cue.
    """
    return 1 / (1 + array(gamma, "gamma") ** 2)
