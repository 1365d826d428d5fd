"""How a term of a learning rule is read from spikes, and the bias that its reading leaves.

For a unit of M independent cells with mean rate nu, trace s (low-pass with tau, in Hz) and Fano
factor F, let ``b = nu/(2*tau*M)``, the variance of s for Poisson cells. Stationarity of s**n gives,
to first order in b::

    <s**n>                           = nu**n + C(n, 2)*F*nu**(n - 2)*b
    nu*<s**(n - 1) before own spike> = nu**n + (C(n, 2)*F - (n - 1))*nu**(n - 2)*b

The drive carries no noise of the unit's own spikes: factors read from it add no bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb

__all__ = ["CLOCK", "Factor", "Share", "TermReading", "UnitNoise", "choose_reading", "share_term"]

CLOCK = "clock"


@dataclass(frozen=True)
class UnitNoise:
    """What sets the noise of a unit's trace.

    Attributes
    ----------
    F : float
        Fano factor of one cell (1 for Poisson).
    rate_hz : float
        Firing rate of the cells, in Hz.
    cells_per_unit : float
    tau_s : float
        Time constant of the trace, in seconds.
    rate_is : str
        Where `rate_hz` comes from.
    """

    F: float
    rate_hz: float
    cells_per_unit: float
    tau_s: float
    rate_is: str = ""

    @property
    def relative(self) -> float:
        """``b/nu**2``: the variance of the trace over its squared mean, for Poisson cells."""
        return 1 / (2 * self.tau_s * self.rate_hz * self.cells_per_unit)

    def __str__(self) -> str:
        cells = f"{self.cells_per_unit:g} cell{'s' * (self.cells_per_unit != 1)} per unit"
        rate = f"{self.rate_hz:.3g} Hz{self.rate_is and f', {self.rate_is}'}"
        return f"F = {self.F:.3g}, {rate}, {cells}, tau = {1000 * self.tau_s:.3g} ms"


@dataclass(frozen=True)
class Factor:
    """How the power of one unit's rate is read: `event` spikes (0 or 1), `trace` and `drive` factors."""

    event: int = 0
    trace: int = 0
    drive: int = 0

    @property
    def degree(self) -> int:
        """The power of the rate in the term."""
        return self.event + self.trace + self.drive

    @property
    def bias(self) -> tuple[int, int]:
        """(constant, slope in F) of the relative bias, in units of ``b/nu**2``."""
        return -self.event * self.trace, comb(self.event + self.trace, 2)


@dataclass(frozen=True)
class Share:
    """The part `weight` of a term that runs at `event` ("pre" or "post" spikes, or "clock")."""

    event: str
    weight: Fraction
    pre: Factor
    post: Factor

    @property
    def bias(self) -> tuple[int, int]:
        """(constant, slope in F) of the relative bias of both factors."""
        return self.pre.bias[0] + self.post.bias[0], self.pre.bias[1] + self.post.bias[1]


@dataclass(frozen=True)
class TermReading:
    """One monomial of a rule in the rates, and how the spiking variant reads it.

    Attributes
    ----------
    monomial : str
        The term without its coefficient, e.g. ``"r_pre*r_post**2"``; ``"1"`` when no rate occurs.
    reading : {"event", "drive", "trace", "clock"}
        The source of the rate factors other than the one replaced by spikes.
    shares : tuple of Share
        The events that carry the term; their weights sum to 1. Empty when a function of rates is read as a whole.
    rates : (str, str)
        Names of the pre- and the postsynaptic rate.
    known : bool
        Whether the bias is known; False for a function of rates or inputs that is read from traces.
    noise : str
        What the noise of the units' summed inputs adds to the term; see `correlations`.
    """

    monomial: str
    reading: str
    shares: tuple[Share, ...]
    rates: tuple[str, str] = ("", "")
    known: bool = True
    noise: str = ""

    @property
    def events(self) -> tuple[str, ...]:
        """The events that carry the term."""
        return tuple(share.event for share in self.shares)

    def coefficients(self, side: str) -> tuple[Fraction, Fraction]:
        """Return (constant, slope in F) of the relative bias by one unit's factors, in units of its ``b/nu**2``."""
        biases = [(share.weight, getattr(share, side).bias) for share in self.shares]
        constant = sum((weight * bias[0] for weight, bias in biases), Fraction(0))
        slope = sum((weight * bias[1] for weight, bias in biases), Fraction(0))
        return constant, slope

    @property
    def bias(self) -> str:
        """The bias of the monomial, all rates being nu, over F, nu and ``b = nu/(2*tau*M)``."""
        pre, post = self.coefficients("pre"), self.coefficients("post")
        constant, slope = pre[0] + post[0], pre[1] + post[1]
        if not self.known:
            return "unknown"
        if not constant and not slope:
            return "0"
        degree = self.shares[0].pre.degree + self.shares[0].post.degree
        power = {0: "", 1: "*nu"}.get(degree - 2, f"*nu**{degree - 2}")
        return f"{linear(constant, slope)}{power}*b"

    def relative_bias(self, pre: UnitNoise, post: UnitNoise | None = None) -> float:
        """Return the bias as a fraction of the term, to first order in ``1/(tau*nu*M)``.

        Each unit's factors count with the noise of its own population; `post` is `pre` where only one is given.
        """
        total = 0.0
        for side, noise in (("pre", pre), ("post", post or pre)):
            constant, slope = self.coefficients(side)
            total += (float(constant) + float(slope) * noise.F) * noise.relative
        return total

    def words(self) -> str:
        """Return in words what carries the term and where its other factors are read."""
        if not self.shares:
            return f"read as a whole from the {self.reading}"
        if self.events == (CLOCK,):
            sources = self._sources(self.shares[0])
            return f"clock-driven{sources and f', {sources}'}"
        return "; ".join(self._share(share) for share in self.shares)

    def _share(self, share: Share) -> str:
        part = "" if share.weight == 1 else "half " if share.weight == Fraction(1, 2) else f"{share.weight} "
        sources = self._sources(share)
        return f"{part}at {share.event} spikes{sources and f', {sources}'}"

    def _sources(self, share: Share) -> str:
        pairs = zip(self.rates, (share.pre, share.post), strict=True)
        return ", ".join(text for name, factor in pairs if (text := _source(name, factor)))


def _source(name: str, factor: Factor) -> str:
    read = [kind for kind, power in (("trace", factor.trace), ("drive", factor.drive)) if power]
    return f"{name} from its {' and '.join(read)}" if read else ""


def linear(constant: Fraction, slope: Fraction) -> str:
    """Return ``constant + slope*F`` as a factor: ``+F``, ``-(1 - F)``, ``(3*F - 2)``."""
    scaled = "F" if slope == 1 else f"{slope}*F"
    if not constant:
        return f"+{scaled}"
    if not slope:
        return str(constant)
    if slope == 1 and constant == -1:
        return "-(1 - F)"
    return f"({scaled} {'+' if constant > 0 else '-'} {abs(constant)})"


def choose_reading(degrees: tuple[int, int], *, read: str, pairing: str, neuron: str) -> str:
    """Return "event" or "drive" for a term with these powers of the two rates.

    "auto" takes the event reading where it leaves no bias: for Poisson neurons F = 1; a LIF neuron may have any F.
    """
    if max(degrees) <= 1 or read == "event":
        return "event"
    if read == "drive" or neuron != "poisson":
        return "drive"
    shares = share_term(degrees, reading="event", pairing=pairing)
    return "event" if all(sum(share.bias) == 0 for share in shares) else "drive"


def share_term(degrees: tuple[int, int], *, reading: str, pairing: str) -> tuple[Share, ...]:
    """Return which spikes carry a term with these powers of the two rates, and how its other factors are read."""
    carriers = _carriers(degrees, reading, pairing)
    weight = Fraction(1, len(carriers))
    return tuple(
        Share(
            side,
            weight,
            *(
                _factor(degree, reading, carries=side == own)
                for own, degree in zip(("pre", "post"), degrees, strict=True)
            ),
        )
        for side in carriers
    )


def _carriers(degrees: tuple[int, int], reading: str, pairing: str) -> tuple[str, ...]:
    a, b = degrees
    if not (a and b):
        return ("pre",) if a else ("post",)
    if pairing != "symmetric":
        return ("post",) if pairing == "causal" else ("pre",)
    if reading == "event" and a != b:
        return ("pre",) if a > b else ("post",)
    return ("pre", "post")


def _factor(degree: int, reading: str, *, carries: bool) -> Factor:
    """One factor is the spike or, on the side that does not carry the term, the trace; the rest as `reading` says."""
    event, rest = int(carries), degree - int(carries)
    trace = rest if reading == "event" else min(rest, int(not carries))
    return Factor(event, trace, rest - trace)
