"""Tune parameters of a model by a stated budget, every evaluation a point of a sweep."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainmem.engine.device import Device
from brainmem.errors import ResultError, RuleError, TranslationError
from brainmem.intake.arguments import (
    CALLABLE,
    MAPPING,
    PATH,
    SEED,
    SEEDS,
    SPAN,
    WHOLE,
    one_of,
    optional,
    seeds_of,
    several,
    takes,
)
from brainmem.intake.records import RECORD, Asked
from brainmem.model.memory import MemoryModel
from brainmem.model.variants import Spiking, Variant, variant_of
from brainmem.models import get_model
from brainmem.numbers.loading import RUN
from brainmem.results.result import Result
from brainmem.storage.files import check_folder
from brainmem.sweeps.axes import Axis
from brainmem.sweeps.measured import check_measure, kept_at
from brainmem.sweeps.points import PROTOCOL, cell_of, with_choice
from brainmem.sweeps.pool import kept_workers
from brainmem.sweeps.search import METHODS, SearchEnded, search
from brainmem.sweeps.space import Reader, read_space, read_starts
from brainmem.sweeps.store import Point, Sweep
from brainmem.sweeps.sweep import Progress, sweep
from brainmem.sweeps.tuned import Evaluation, Tuned, check_kept, keep

__all__ = ["tune"]

Values = tuple[Any, ...]  # of a point, one for each axis


def _is_point(given: Any) -> bool:
    return isinstance(given, Mapping) and all(isinstance(name, str) for name in given)


@takes(
    RuleError,
    **{name: RUN[name] for name in ("model", "parameters", "device", "inputs", "weights", "initial", "protocol")},
    objective=CALLABLE,
    space=MAPPING,
    seeds=SEEDS,
    store=PATH,
    starts=optional(several("a list of points, such as [{'eta': 0.1}]", _is_point)),
    budget=WHOLE,
    method=one_of(*METHODS),
    record=RECORD,
    interval=optional(SPAN),
    random_seed=SEED,
    progress=optional(CALLABLE),
)
def tune(
    model: MemoryModel | str,
    objective: Callable[[Result], Any],
    space: Mapping[str, Any],
    *,
    variant: Variant | str = "rate",
    seeds: int | Iterable[int] = 3,
    store: str | Path,
    starts: Sequence[Mapping[str, Any]] | None = None,
    budget: int = 100,
    method: str = "evolution",
    parameters: Mapping[str, Any] | None = None,
    protocol: str | None = None,
    device: Device | str | None = None,
    jobs: int | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    record: Asked = ("weights",),
    interval: Any = None,
    random_seed: int = 0,
    progress: Progress | None = None,
) -> Tuned:
    """Look for the parameters at which `objective` is greatest, within a budget of evaluations.

    Every evaluation is a point of the sweep in the folder `store`, run with every seed, and what the objective returned
    is kept in place of the results. The same call resumes a tuning that was stopped, and a larger budget extends it:
    the points depend on the arguments and on the values found, and what the store has is not run again.

    Parameters
    ----------
    model : MemoryModel or str
    objective : callable
        Takes a `Result` and returns one number, greater is better; its mean over `seeds` counts. It is what `sweep`
        takes as ``measure``: a function of a module. A point of which a run fails, or gives nan or infinity, is worse
        than all others, and counts as an evaluation.
    space : mapping
        What each parameter may be: bounds ``(low, high)``, ``(low, high, "log")`` where ratios count, or a list of
        values or of options of a choice. Bounds have the unit of the parameter and are allowed themselves; a parameter
        that is a whole number stays one, and others are tried with four digits.
    variant : {"rate", "spiking"}, Rate or Spiking
    seeds : int or iterable of int
        The training seeds, which decide patterns, orders and noise: ``3`` stands for 0, 1 and 2. The best of many
        points is better with them than with others; numbers to report need other seeds.
    store : path
        Made if missing. It refuses to mix tunings that differ in more than their budget.
    starts : sequence of mappings, optional
        Points that are evaluated first, such as a paper's; ``{}`` is the model's own. What a point leaves out is what
        the model has.
    budget : int
        How many points may be evaluated, starts included; each costs one run for every seed. A point that is met again
        costs nothing.
    method : {"evolution", "sobol"}
        Differential evolution, from the best of `starts` and 24 points of a Sobol sequence; or that sequence alone,
        which covers the space evenly.
    parameters, protocol
        What holds at every point; see `simulate`.
    device, jobs, inputs, weights, initial, record, interval
        See `sweep`; objectives find in their result what `record` asks for.
    random_seed : int
        Decides which points the search tries.
    progress : callable, optional
        Called with the numbers of finished, failed and all runs.

    Returns
    -------
    Tuned
        Its best point, and all others; ``print(tuned)`` says what to make of it.

    Raises
    ------
    RuleError, TranslationError
        For a space that the model does not have, or numbers that no point could run with.
    ResultError
        When the store holds another tuning, or all of the first points failed.
    """
    check_measure(objective, alone=jobs == 1, what="tune(): objective")
    model = get_model(model) if isinstance(model, str) else model
    variant, seeds, starts = variant_of(variant), list(seeds_of(seeds)), starts or ()
    fixed = with_choice(model, parameters or {}, protocol)
    reader = Reader.of(model, variant, fixed, space)
    axes = read_space(space, reader)
    first = read_starts(starts, axes, reader)
    if len(first) > budget:
        raise RuleError(f"tune(): budget={budget} does not reach for the {len(first)} points of starts. Raise it.")
    about = {
        "model": model.name,
        "variant": variant.name,
        "options": variant.options if isinstance(variant, Spiking) else {},
        **cell_of(variant),
        "protocol": fixed.get(PROTOCOL, ""),
        "objective": objective.__qualname__,
        "method": method,
        "random_seed": random_seed,
        "seeds": seeds,
        "starts": [_written(axes, values) for values in first],
        "fixed": {name: str(value) for name, value in {**fixed, **variant.parameters}.items() if name != PROTOCOL},
    }
    found = Tuned(check_folder(store), json.loads(json.dumps(about)), axes, budget, ())
    check_kept(found)
    run = partial(
        sweep, model, variant, seeds=seeds, store=store, device=device, jobs=jobs, inputs=inputs, weights=weights,
        initial=initial, record=record, interval=interval, measure=objective,
    )  # fmt: skip
    ledger = _Ledger(found, fixed, run, progress)
    with kept_workers():
        search(ledger, len(axes), method=method, seed=random_seed, starts=ledger.places(first))
    return ledger.closed()


def _written(axes: Sequence[Axis], values: Values) -> dict[str, Any]:
    return {axis.name: axis.written(value) for axis, value in zip(axes, values, strict=True)}


@dataclass(frozen=True)
class _Ledger:
    """The points that have been evaluated; called with places of the unit cube, it evaluates what is new."""

    empty: Tuned
    fixed: Mapping[str, Any]
    run: Callable[..., Sweep]
    progress: Progress | None
    done: dict[Values, Evaluation] = field(default_factory=dict)
    given: dict[bytes, Values] = field(default_factory=dict)  # points that stand for a place exactly

    def places(self, points: Sequence[Values]) -> np.ndarray:
        """Return the places of given points, shape (point, axis), which are then evaluated as they are."""
        axes = self.empty.axes
        rows = [[axis.place(value) for axis, value in zip(axes, values, strict=True)] for values in points]
        places = np.array(rows, float).reshape(len(points), len(axes))
        self.given.update((_name(place), values) for place, values in zip(places, points, strict=True))
        return places

    def __call__(self, places: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the values at places, shape (n,), and how many places were new.

        Raises
        ------
        SearchEnded
            When the budget is used up.
        """
        points = [self._point(place) for place in places]
        new = [values for values in dict.fromkeys(points) if values not in self.done]
        if new:
            self._evaluate(new[: self.empty.budget - len(self.done)])
        if len(self.done) >= self.empty.budget:
            raise SearchEnded
        return np.array([_worth(self.done[values]) for values in points]), len(new)

    def _point(self, place: np.ndarray) -> Values:
        values = tuple(axis.at(float(number)) for axis, number in zip(self.empty.axes, place, strict=True))
        return self.given.get(_name(place), values)

    def _evaluate(self, points: list[Values]) -> None:
        begun = not self.done
        self.done.update(zip(points, self._evaluated(points), strict=True))
        found = self._found()
        if begun and len(found.failed) == len(points):
            raise ResultError(
                f"tune(): each of the first {len(points)} points failed, so that nothing can be tuned. The first, "
                f"{_written(found.axes, points[0])}: {found.failed[0].error}"
            )
        keep(found)

    def _evaluated(self, points: list[Values]) -> list[Evaluation]:
        seeds = self.empty.about["seeds"]
        before, failed = len(self.done) * len(seeds), sum(np.isnan(item.values).sum() for item in self.done.values())

        def report(finished: int, wrong: int, total: int) -> None:
            if self.progress is not None:
                self.progress(before - failed + finished, failed + wrong, self.empty.budget * len(seeds))

        given = [{**self.fixed, **_written(self.empty.axes, values)} for values in points]
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".* points failed", category=RuntimeWarning)  # said at last
                found = self.run(parameters=given, progress=report)
        except (RuleError, TranslationError) as error:
            return self._refused(points, error)
        runs = [found.points[k : k + len(seeds)] for k in range(0, len(found.points), len(seeds))]
        return [_evaluation(self._named(values), own) for values, own in zip(points, runs, strict=True)]

    def _refused(self, points: list[Values], error: Exception) -> list[Evaluation]:
        """Return evaluations of points of which none could be prepared; of the first points, raise `error`."""
        if not self.done:
            raise error
        if len(points) > 1:
            return [item for values in points for item in self._evaluated([values])]
        missing = (float("nan"),) * len(self.empty.about["seeds"])
        return [Evaluation(self._named(points[0]), missing, f"{type(error).__name__}: {error}")]

    def _named(self, values: Values) -> dict[str, Any]:
        return {axis.name: value for axis, value in zip(self.empty.axes, values, strict=True)}

    def _found(self) -> Tuned:
        return replace(self.empty, evaluations=tuple(self.done.values()))

    def closed(self) -> Tuned:
        """Return what was found, and warn of what failed."""
        found = self._found()
        if found.failed:
            warnings.warn(f"tune(): {found.verdicts[0]}", RuntimeWarning, stacklevel=4)
        return found


def _name(place: np.ndarray) -> bytes:
    """Return by what a place is known that scipy has scaled there and back."""
    return np.round(place, 9).tobytes()


def _worth(item: Evaluation) -> float:
    return -np.inf if item.error else float(np.mean(item.values))


def _evaluation(point: Mapping[str, Any], runs: Sequence[Point]) -> Evaluation:
    values, errors = zip(*map(_value, runs), strict=True)
    return Evaluation(point, values, next(filter(None, errors), ""))


def _value(run: Point) -> tuple[float, str]:
    """Return what the objective gave for a run, and why it is nan."""
    if run.state != "finished":
        return float("nan"), run.error or run.fault
    value = kept_at(run.path)
    if not isinstance(value, xr.DataArray) or value.ndim or value.dtype.kind not in "biuf":
        shown = f"shape {value.shape}" if isinstance(value, xr.DataArray) else f"the names {', '.join(map(str, value))}"
        raise RuleError(f"tune(): the objective must return one number, and returned something of {shown}.")
    number = float(value)
    return (number, "") if np.isfinite(number) else (float("nan"), f"the objective is {number}")
