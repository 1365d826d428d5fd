"""Check a paper's claims: what an experiment finds, beside what is expected."""

from __future__ import annotations

import inspect
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, TypeVar, overload

import numpy as np

from brainmem.engine.device import Device, as_device
from brainmem.model.memory import MemoryModel
from brainmem.model.protocols import chosen_protocol
from brainmem.model.variants import Spiking
from brainmem.results.result import Result
from brainmem.simulation.simulate import simulate

__all__ = ["Expected", "Experiment", "Finding", "at_least", "at_most", "near", "within"]

Item = TypeVar("Item")
Value = TypeVar("Value")
STANDARD_ERRORS = 3.0
# How progress shows the parameters of a run: of long lists, the first few numbers.
_BRIEFLY = reprlib.Repr()
_BRIEFLY.maxother = 80


@dataclass(frozen=True)
class Expected:
    """An interval in which the mean over seeds must lie.

    `value` is the number expected, where there is one; with `widen` the interval grows to three
    standard errors where these are wider: of the mean, or of its difference from a `value` that is itself a mean
    over `reference_seeds` seeds. `source` says whose number it is.
    """

    low: float
    high: float
    value: float | None = None
    widen: bool = False
    source: str = "reconstruction"
    reference_seeds: int | None = None

    def holds(self, values: Sequence[float]) -> bool:
        """Return whether the mean of `values` lies in the interval."""
        mean = float(np.mean(values))
        low, high = self.low, self.high
        if self.widen and self.value is not None and len(values) > 1:
            share = 1 / len(values) + (1 / self.reference_seeds if self.reference_seeds else 0.0)
            slack = STANDARD_ERRORS * float(np.std(values, ddof=1)) * math.sqrt(share)
            low, high = min(low, self.value - slack), max(high, self.value + slack)
        return bool(low <= mean <= high)


@overload
def near(value: float, tolerance: float, *, source: str = ..., seeds: int | None = None) -> Expected: ...
@overload
def near(value: Mapping, tolerance: Any, *, source: str = ..., seeds: int | None = None) -> dict: ...
def near(value: Any, tolerance: Any, *, source: str = "reconstruction", seeds: int | None = None) -> Any:
    """Expect `value` within `tolerance`, or within three standard errors where these are wider.

    Parameters
    ----------
    value : float, or mapping
        Of a table, a mapping that may hold mappings, each number is expected so.
    tolerance : float, or callable
        For tables it may be a function of the number and the keys that lead to it.
    source : str
    seeds : int, optional
        The number of seeds behind `value`, when it is a measured mean too.
    """
    if isinstance(value, Mapping):
        inner = {key: partial(_keyed, tolerance, key) if callable(tolerance) else tolerance for key in value}
        return {key: near(item, inner[key], source=source, seeds=seeds) for key, item in value.items()}
    allowed: Any = tolerance(value) if callable(tolerance) else tolerance
    allowed = float(allowed)
    return Expected(value - allowed, value + allowed, value, widen=True, source=source, reference_seeds=seeds)


def _keyed(tolerance: Callable[..., Any], key: Any, value: float, *keys: Any) -> Any:
    return tolerance(value, key, *keys)


def within(low: float, high: float, *, source: str = "reconstruction") -> Expected:
    """Expect a mean between `low` and `high`."""
    return Expected(low, high, source=source)


def at_least(low: float, *, source: str = "ours") -> Expected:
    """Expect a mean of at least `low`."""
    return Expected(low, math.inf, source=source)


def at_most(high: float, *, source: str = "ours") -> Expected:
    """Expect a mean of at most `high`."""
    return Expected(-math.inf, high, source=source)


@dataclass(frozen=True)
class Finding:
    """One measured quantity: a value per seed, and what is expected (None: reported only); or an error that came up."""

    quantity: str
    values: tuple[float, ...]
    expected: Expected | None = None
    failed: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(float(value) for value in np.atleast_1d(self.values)))

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(np.mean(self.values))

    @property
    def sd(self) -> float:
        """Standard deviation over seeds; nan for one seed."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan

    @property
    def passed(self) -> bool | None:
        """Whether the expectation holds; None where there is none."""
        if self.failed:
            return False
        return None if self.expected is None else self.expected.holds(self.values)


@dataclass
class Experiment:
    """What a claim's experiment is given: the size, variant and device, and a way to run the model.

    Attributes
    ----------
    model : MemoryModel
    size : {"quick", "full"}
    variant : {"rate", "spiking"}
    spiking : Spiking
        How the spiking variant is translated.
    device : Device
    jobs : int
        Runs at a time; compiled runs are processes of their own.
    progress : callable, optional
        Called with a line of text when a run ends.
    trained_runs : dict
        Runs made by `trained`, shared between claims.
    measured, guard : dict, Lock
        What `once` has measured, shared between claims, and what keeps it in order.
    """

    model: MemoryModel
    size: str = "quick"
    variant: str = "rate"
    spiking: Spiking = field(default_factory=Spiking)
    device: Device | str | None = None
    jobs: int = 1
    progress: Callable[[str], None] | None = None
    trained_runs: dict[tuple, Result] = field(default_factory=dict)
    measured: dict[tuple, Future] = field(default_factory=dict)
    guard: Any = field(default_factory=Lock, repr=False)

    @property
    def full(self) -> bool:
        """Whether the claim is checked at the paper's own size."""
        return self.size == "full"

    def seeds(self, quick: int, full: int) -> range:
        """Return the seeds for this size."""
        return range(full if self.full else quick)

    def trained(self, seed: int, *, protocol: str | None = None, **parameters: Any) -> Result:
        """Run a protocol of the model, its first or only one when not given.

        The same seed, protocol and parameters run once for all claims.
        """
        protocol = chosen_protocol(self.model, protocol).name or None
        key = (
            self.model.name,
            self.variant,
            protocol,
            seed,
            tuple(sorted((name, repr(value)) for name, value in parameters.items())),
        )
        if key not in self.trained_runs:
            named: dict[str, Any] = {"protocol": protocol} if protocol else {}
            self.trained_runs[key] = self.simulate(seed=seed, parameters=parameters, **named)
        return self.trained_runs[key]

    def once(self, function: Callable[..., Value], seed: int, **point: Any) -> Value:
        """Return ``function(self, seed, **point)``, a measure that several claims take: it runs once for all.

        A value that is left out is the default; who asks for what is being measured waits for it.
        """
        given = inspect.signature(function).bind(self, seed, **point)
        given.apply_defaults()
        values = (repr(given.args[2:]), *sorted((name, repr(value)) for name, value in given.kwargs.items()))
        key = (function.__module__, function.__qualname__, self.model.name, self.variant, seed, values)
        with self.guard:
            first = key not in self.measured
            measured = self.measured.setdefault(key, Future())
        if first:
            try:
                measured.set_result(function(self, seed, **point))
            except BaseException as error:
                del self.measured[key]
                measured.set_exception(error)
        return measured.result()

    def again(self, trained: Result, model: MemoryModel, *, epoch: int = -1, **options: Any) -> Result:
        """Run another protocol with the weights, the stimuli and the seed of a run.

        Parameters
        ----------
        trained : Result
        model : MemoryModel
            Has weights and stimuli of the same names.
        epoch : int
            Which of the weights recorded; the last ones when not given, 0 for those before learning.
        options
            See `simulate`; weights and inputs given here go before those of the run.
        """
        weights = {item.name: f"{item.name}_w" for item in model.projections if f"{item.name}_w" in trained}
        held = {name: trained[recorded].values[epoch] for name, recorded in weights.items()}
        inputs = {item.name: trained[item.name].values for item in model.all_patterns if item.name in trained}
        options["weights"] = {**held, **options.get("weights", {})}
        options["inputs"] = {**inputs, **options.get("inputs", {})}
        return self.simulate(**{"model": model, "seed": trained.seed, **options})

    def simulate(self, *, model: MemoryModel | None = None, **options: Any) -> Result:
        """Run the model (or a changed copy of it) in this experiment's variant, on its device; see `simulate`."""
        chosen = model or self.model
        variant = self.spiking if self.variant == "spiking" else self.variant
        result = simulate(chosen, variant, device=self.device, **options)
        if self.progress is not None:
            shown = {name: options[name] for name in ("protocol",) if options.get(name)}
            shown |= options.get("parameters") or {}
            settings = ", ".join(
                f"{name}={value if isinstance(value, str) else _BRIEFLY.repr(value)}" for name, value in shown.items()
            )
            self.progress(f"{chosen.name} {self.variant} seed {options.get('seed', 0)} {settings}")
        return result

    def each(self, function: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
        """Return ``[function(item) for item in items]``, `jobs` at a time on compiled devices.

        The first item runs alone, so that a binary that the others share is built once.
        """
        todo = list(items)
        if not todo:
            return []
        first, rest = function(todo[0]), todo[1:]
        if as_device(self.device).name == "runtime" or self.jobs < 2:
            return [first, *map(function, rest)]
        with ThreadPoolExecutor(self.jobs) as pool:
            return [first, *pool.map(function, rest)]
