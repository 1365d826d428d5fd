"""How far a rule's drift in spikes is expected to be from the rate rule's, from runs without cells.

Each run sets the deterministic part (what spikes and traces do while rates change) and the noise of spikes apart: see
`counts`. Drifts are compared over all synapses at once, by their projection on the rate rule's drift::

    along = <(spiking - rate)*rate> / <rate**2>        shift = <spiking - rate> / sqrt(<rate**2>)

A rule whose drift is 5 % too large has along = .05; one that adds the same everywhere has a shift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from brainmem.simulation.verdicts import percent
from brainmem.verification.drifts import Drift, Key, Outcome, Trial

__all__ = ["ALL", "Bias", "Estimate", "Expectation", "along_and_shift", "expectation", "over_phases"]

ALL = "all phases"
PAIRS = (2, 16)  # of runs with opposite noise: fewest and most
WORK = 2e9  # synapses times time steps that they may take together
Measure = tuple[float, float]  # along and shift
Run = tuple[int, bool, int]  # number of the trial or pair, whether rates are replayed, sign of the noise


@dataclass(frozen=True)
class Estimate:
    """A mean over runs and its standard error, as fractions of the rate rule's drift."""

    value: float
    error: float

    @classmethod
    def of(cls, values: np.ndarray) -> Estimate:
        """Return the mean of several runs; the error of a single one is not known."""
        error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        return cls(float(np.mean(values)), error)

    def __str__(self) -> str:
        error = "" if np.isnan(self.error) else f" +- {100 * self.error:.2g}"
        return f"{percent(self.value).removesuffix(' %')}{error} %"


@dataclass(frozen=True)
class Bias:
    """What is expected of a rule's drift, as fractions of the rate rule's.

    Attributes
    ----------
    lead : (float, float)
        Along and shift without any noise: spikes lead their traces while rates change.
    noise : (Estimate, Estimate)
        What the noise of spikes adds, with the rates of the rate network in the cells.
    network : (Estimate, Estimate)
        Both, in a network that goes its own way: noise changes the rates, and spikes follow the noise of their inputs.
    """

    lead: Measure
    noise: tuple[Estimate, Estimate]
    network: tuple[Estimate, Estimate]

    @property
    def total(self) -> tuple[Estimate, Estimate]:
        """Lead and noise together, at the rates of the rate network."""
        along, shift = (
            replace(noise, value=lead + noise.value) for lead, noise in zip(self.lead, self.noise, strict=True)
        )
        return along, shift

    @property
    def lead_along(self) -> float:
        """Part of the drift that comes from changes of the rates."""
        return self.lead[0]

    @property
    def noise_along(self) -> float:
        """Part of the drift that comes from the noise of spikes."""
        return self.noise[0].value

    @property
    def noise_shift(self) -> float:
        """What the noise of spikes adds at all synapses alike."""
        return self.noise[1].value

    @property
    def network_along(self) -> float:
        """How far the drift is off in the free network."""
        return self.network[0].value


def along_and_shift(drift: Drift) -> Measure:
    """Return how far the spiking drift is off, along the rate rule's and on average; nan where that has none."""
    off, scale = drift.spiking - drift.rate, float(np.mean(drift.rate**2))
    if not scale:
        return float("nan"), float("nan")
    return float(np.mean(off * drift.rate)) / scale, float(np.mean(off)) / scale**0.5


def over_phases(drifts: Mapping[Key, Drift]) -> dict[Key, Drift]:
    """Return drifts with their sum over all phases, under the name `ALL`, where there are several."""
    found = dict(drifts)
    for rule, variable in dict.fromkeys((rule, variable) for rule, variable, _ in drifts):
        parts = [drift for (*owner, _), drift in drifts.items() if owner == [rule, variable]]
        if len(parts) < 2:
            continue
        found[rule, variable, ALL] = Drift(
            np.sum([part.spiking for part in parts], axis=0),
            np.sum([part.rate for part in parts], axis=0),
            sum(part.seconds for part in parts),
        )
    return found


@dataclass(frozen=True)
class Expectation:
    """What runs without cells let expect.

    Attributes
    ----------
    biases : dict of Key to Bias
        For every rule, variable and phase.
    noise : dict of str to float
        Which part of each reported observable is noise of spikes.
    """

    biases: Mapping[Key, Bias]
    noise: Mapping[str, float]

    def of_rule(self, rule: str) -> dict[str, Bias]:
        """Return the biases of a rule's variables over all phases."""
        found: dict[str, Bias] = {}
        for (name, variable, phase), bias in self.biases.items():
            if name == rule and (variable not in found or phase == ALL):
                found[variable] = bias
        return found


def expectation(trials: Sequence[Trial]) -> Expectation:
    """Return what trials of an experiment without cells let expect of one with cells.

    Each trial runs without noise, and several times with noise and its opposite, more often where that is quick.
    """
    pairs = int(np.clip(WORK / trials[0].work, *PAIRS))
    executable = trials[0].experiment.executable(trials[0])
    runs: list[Run] = [(place, True, 0) for place in range(len(trials))]
    runs += [(pair, replay, sign) for pair in range(pairs) for replay in (True, False) for sign in (1, -1)]

    def outcome(run: Run) -> Outcome:
        place, replay, scatter = run
        trial = trials[place % len(trials)]
        seed = trial.seed + place // len(trials)  # of the noise
        found = trial.run(executable, replay=replay, scatter=scatter, seed=seed)
        return replace(found, drifts=over_phases(found.drifts))

    with ThreadPoolExecutor(max_workers=trials[0].experiment.at_once) as pool:
        found = dict(zip(runs, pool.map(outcome, runs), strict=True))
    drifts = {run: item.drifts for run, item in found.items()}
    keys = dict.fromkeys(key for run in runs for key in drifts[run])
    biases = {key: _bias(key, drifts, len(trials), pairs) for key in keys}
    return Expectation(
        biases, {name: _noise(name, found, len(trials), pairs) for name in trials[0].experiment.reported}
    )


def _noise(name: str, outcomes: Mapping[Run, Outcome], trials: int, pairs: int) -> float:
    """Return which part of an observable's mean is noise."""
    noisy = np.array(
        [np.mean([outcomes[pair, True, sign].observed[name] for sign in (1, -1)]) for pair in range(pairs)]
    )
    still = np.array([outcomes[pair % trials, True, 0].observed[name] for pair in range(pairs)])
    scale = float(np.mean(np.abs(noisy)))
    return float(np.mean(noisy - still)) / scale if scale else 0.0


def _bias(key: Key, runs: Mapping[Run, Mapping[Key, Drift]], trials: int, pairs: int) -> Bias:
    still = np.array([along_and_shift(runs[place, True, 0][key]) for place in range(trials)])
    noisy = {replay: np.array([_both(key, runs, pair, replay) for pair in range(pairs)]) for replay in (True, False)}
    before = still[np.arange(pairs) % trials]
    noise = [Estimate.of(column) for column in (noisy[True] - before).T]
    network = [Estimate.of(column) for column in noisy[False].T]
    along, shift = still.mean(axis=0)
    return Bias((float(along), float(shift)), (noise[0], noise[1]), (network[0], network[1]))


def _both(key: Key, runs: Mapping[Run, Mapping[Key, Drift]], pair: int, replay: bool) -> Measure:
    """Return the drift in the mean of a run and the one with the opposite noise."""
    one, two = (runs[pair, replay, sign][key] for sign in (1, -1))
    return along_and_shift(replace(one, spiking=(one.spiking + two.spiking) / 2))
