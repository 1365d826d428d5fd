"""What is claimed of a rule in the spiking variant, in one sentence that a person can act on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from brainmem.model.nouns import LearningRule
from brainmem.translation.dependence import multiplies_followers, reads_rates
from brainmem.translation.split.core import SplitRule
from brainmem.translation.split.terms import CLOCK, TermReading, UnitNoise
from brainmem.translation.text import Translation

__all__ = ["SMALL", "Verdict", "percent", "verdicts"]

SMALL = 0.01  # of the rate rule's drift; below it a rule counts as unbiased
NETWORK = 0.05  # from which on the free network's own part is told

POISSON = UnitNoise(F=1.0, rate_hz=1.0, cells_per_unit=1, tau_s=1.0)
ASKED = "read='trace' takes traces as they are, with their noise"
TRACES = "traces carry noise, and their powers the variance of it"
WHOLE = "a function of rates is read from traces as a whole"
SHARED = "factors follow the noise of the same spikes, through sums and states"
SPIKES = "a spike depends on the trace before it where the Fano factor is not 1"
ASSIGNS = "it assigns, so that its terms are not told apart"


class Expected(Protocol):
    """What is expected of one variable of a rule, as fractions of the rate rule's drift; see `verification.bias`."""

    @property
    def lead_along(self) -> float: ...
    @property
    def noise_along(self) -> float: ...
    @property
    def noise_shift(self) -> float: ...
    @property
    def network_along(self) -> float: ...


@dataclass(frozen=True)
class Verdict:
    """What the text of a rule lets expect.

    Attributes
    ----------
    rule : str
    kind : {"same", "own", "unbiased", "biased"}
        It reads no rate; it has a spiking text of its author's own; all its terms are right in the mean; some may not
        be.
    reasons : tuple of str
        Why terms may be biased.
    inputs : bool
        Whether it reads sums of noisy rates beside rates that follow them: with given rates that adds nothing, in the
        network it may.
    otherwise : str
        Why the whole may be biased where no term is by itself.
    affine : bool
        Whether it reads affine cells, which do not quite fire at the rates asked for.
    """

    rule: str
    kind: str
    reasons: tuple[str, ...] = ()
    inputs: bool = False
    otherwise: str = SHARED
    affine: bool = False

    def __str__(self) -> str:
        return f"rule {self.rule!r}: {self._words()}"

    def _words(self) -> str:
        if self.kind == "same":
            return "reads no rate: the same in both variants"
        if self.kind == "own":
            return "has a spiking text of its author's own, of which nothing is claimed; verify() measures it"
        if self.kind == "unbiased":
            network = "; in the network its rates follow the noise of inputs that it reads, which may add to its drift"
            fired = " for the rates at which its affine cells fire, not quite those asked for" if self.affine else ""
            return f"unbiased in the mean{fired}{network if self.inputs else ''}"
        return f"may be biased, because {' and '.join(self.reasons)}; explain() says by how much, verify() measures it"

    def lines(self, biases: Mapping[str, Expected]) -> tuple[str, ...]:
        """Return the verdict with the bias that is expected of each of the rule's variables."""
        if self.kind == "same" or not biases:
            return (str(self),)
        return tuple(self._measured(variable, expected) for variable, expected in biases.items())

    def _measured(self, variable: str, expected: Expected) -> str:
        if math.isnan(expected.noise_along):
            return f"rule {self.rule!r}, {variable}: the rate rule changes nothing along the protocol looked at"
        parts = list(self._sizes(expected))
        total = expected.lead_along + expected.noise_along
        if abs(expected.network_along - total) >= NETWORK:
            off = percent(expected.network_along)
            parts.append(f"in the free network, where noise also changes rates, its drift is off by roughly {off}")
        return f"rule {self.rule!r}, {variable}: {'; '.join(parts)}"

    def _sizes(self, expected: Expected) -> Iterator[str]:
        noise, lead, shift = expected.noise_along, expected.lead_along, expected.noise_shift
        if self.kind == "own":
            yield f"has a spiking text of its author's own, whose drift is off by about {percent(lead + noise)}"
            return
        because = f", because {' and '.join(self.reasons or (self.otherwise,))}"
        if abs(noise) >= SMALL:
            yield f"biased by about {percent(noise)}{because}"
        elif abs(shift) >= SMALL:
            yield f"biased by about {percent(shift)} of its rms drift at all synapses alike{because}"
        if abs(lead) >= SMALL:
            what = "affine cells, which miss the rates asked for" if self.affine else "traces across jumps of the rates"
            yield f"reads {what}, which changes its drift by about {percent(lead)}"
        elif abs(noise) < SMALL and abs(shift) < SMALL:
            yield "unbiased in the mean"


def percent(fraction: float) -> str:
    """Return a signed percentage with two digits."""
    value = 100 * fraction
    return f"{value:+.0f} %" if abs(value) >= 10 else f"{value:+.2g} %"


def verdicts(translated: Translation) -> tuple[Verdict, ...]:
    """Return one verdict for each rule of a spiking variant."""
    return tuple(_verdict(translated, rule) for rule in translated.model.rules)


def _verdict(translated: Translation, rule: LearningRule) -> Verdict:
    if not reads_rates(translated.model, rule):
        return Verdict(rule.name, "same")
    if rule.spiking is not None:
        return Verdict(rule.name, "own")
    splits = [split for split in translated.splits if split.rule == rule.name]
    poisson = translated.neuron == "poisson"
    reasons = tuple(dict.fromkeys(reason for split in splits for reason in _reasons(split, poisson=poisson)))
    inputs = any(term.noise for split in splits for term in split.terms)
    asked = (translated.options.get("read") or rule.read) == "trace"
    if asked:
        reasons = tuple(ASKED if reason == TRACES else reason for reason in reasons)
    if not any(split.variable for split in splits):
        reasons = (*reasons, ASSIGNS)
    if multiplies_followers(translated.model, rule):
        reasons = (*reasons, SHARED)
    kind, affine = "biased" if reasons else "unbiased", translated.neuron == "affine"
    return Verdict(rule.name, kind, reasons, inputs, ASKED if asked else SHARED, affine)


def _reasons(split: SplitRule, *, poisson: bool) -> Iterator[str]:
    for term in split.terms:
        if not term.known:
            yield WHOLE
        elif term.bias != "0" and not (poisson and term.relative_bias(POISSON) == 0):
            yield TRACES if _on_traces(term) else SPIKES


def _on_traces(term: TermReading) -> bool:
    return all(share.event == CLOCK for share in term.shares)
