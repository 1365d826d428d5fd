"""How the noise of a unit's summed input reaches the terms of a learning rule.

The input ``u = sum_k w_k*x_k`` of independent units carries the noise of their traces, whose correlation decays with
the time constant tau of the trace. The unit's spikes follow it at once, its trace follows with the same tau. The rate
expected at the drive follows it at once where the rate is a function of the drive (prompt), and else as the trace does.
To first order in the noise, with phi' the slope of the transfer, stationarity gives for the covariances of one unit's

    input and trace or expected rate    phi'*Var(u)/2       input and prompt rate    phi'*Var(u)
    trace and any other reading         phi'**2*Var(u)/2    spikes and prompt rate   phi'**2*Var(u)
    expected rate and any other reading phi'**2*Var(u)/2    prompt rate twice        phi'**2*Var(u)

(spikes: with what is read just before them), and for a synapse of weight w onto the unit

    input and trace of pre  w*Var(x_pre)          trace of post and of pre  w*phi'*Var(x_pre)/2
    spikes of post and trace of pre  w*phi'*Var(x_pre)    spikes of pre and any reading of post  0

where ``Var(x) = F*b`` in the unit of x. What is equal in mean only for constant inputs is off by these covariances.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

from brainmem.translation.split.terms import Share

__all__ = ["Correlations", "noise_of"]

HALF, ONE = Fraction(1, 2), Fraction(1)
# Share of the drive's noise in the product of two readings of one unit's rate.
OWN = {
    frozenset(("event", "trace")): HALF,
    frozenset(("trace",)): HALF,
    frozenset(("trace", "prompt")): HALF,
    frozenset(("event", "prompt")): ONE,
    frozenset(("prompt",)): ONE,
    frozenset(("event", "expected")): HALF,
    frozenset(("trace", "expected")): HALF,
    frozenset(("expected",)): HALF,
}
# The same for a postsynaptic and a presynaptic reading, in units of w*phi'*Var(x_pre).
ACROSS = {
    ("event", "trace"): ONE,
    ("trace", "trace"): HALF,
    ("prompt", "trace"): ONE,
    ("expected", "trace"): HALF,
}
FILTERED = ("trace", "expected")  # readings that follow the drive behind the filter of the trace


@dataclass(frozen=True)
class Correlations:
    """The summed inputs that a projection's synapses may read, and their covariances as text.

    Attributes
    ----------
    inputs : frozenset of str
        Names such as ``u_post``: summed inputs, drives, and what follows them at once.
    drives : dict of str to str
        By side, the variance of that unit's drive: ``{"post": "Var(u_post)"}``.
    with_drive : dict of str to str
        By input, its covariance with the drive of its own unit: ``{"u_post": "Var(u_post)"}``.
    with_trace : dict of str to str
        By input, its covariance with the trace of the unit at the other end: ``{"u_post": "w*Var(x_pre)"}``.
    across : str
        Covariance of the postsynaptic drive with the presynaptic trace: ``"w*Var(x_pre)"``; empty for none.
    """

    inputs: frozenset[str] = frozenset()
    drives: Mapping[str, str] = field(default_factory=dict)
    with_drive: Mapping[str, str] = field(default_factory=dict)
    with_trace: Mapping[str, str] = field(default_factory=dict)
    across: str = ""


@dataclass(frozen=True)
class _Factor:
    """One factor of a term as it is read: kind ``input``, ``event``, ``trace``, ``expected`` or ``prompt``."""

    kind: str
    side: str
    text: str


def noise_of(
    shares: tuple[Share, ...],
    inputs: Mapping[str, int],
    bases: Mapping[str, str],
    known: Correlations,
    prompt: Collection[str] = (),
) -> str:
    """Return what the noise of inputs adds to a term, ``""`` for nothing.

    Parameters
    ----------
    shares : tuple of Share
        The parts of the term, each with how its rates are read.
    inputs : mapping of str to int
        Powers of the summed inputs in the term.
    bases : mapping of str to str
        By side, the rate as the term writes it, such as ``"(x_post + 1)"``.
    known : Correlations
    prompt : collection of str
        The sides whose expected rate follows the drive at once.
    """
    total: dict[str, Fraction] = {}
    for share in shares:
        factors = _factors(share, inputs, bases, prompt)
        for one, two in combinations(range(len(factors)), 2):
            pair = _covariance(factors[one], factors[two], known)
            if pair is not None:
                number, covariance = pair
                rest = [factor.text for place, factor in enumerate(factors) if place not in (one, two)]
                text = "*".join([covariance, *rest])
                total[text] = total.get(text, Fraction(0)) + share.weight * number
    return " + ".join(_product(number, text) for text, number in total.items())


def _factors(
    share: Share, inputs: Mapping[str, int], bases: Mapping[str, str], prompt: Collection[str]
) -> list[_Factor]:
    found = [_Factor("input", _side(name), name) for name, power in inputs.items() for _ in range(power)]
    for side in ("pre", "post"):
        read = getattr(share, side)
        kinds = ["event"] * read.event + ["trace"] * read.trace
        kinds += ["prompt" if side in prompt else "expected"] * read.drive
        found += [_Factor(kind, side, bases.get(side, "")) for kind in kinds]
    return found


def _side(name: str) -> str:
    return "pre" if name.endswith("_pre") else "post"


def _covariance(one: _Factor, two: _Factor, known: Correlations) -> tuple[Fraction, str] | None:
    if two.kind == "input":
        one, two = two, one
    if one.kind == "input":
        return _of_input(one, two, known)
    if one.side == two.side:
        variance = known.drives.get(one.side)
        number = OWN[frozenset((one.kind, two.kind))] if variance else Fraction(0)
        return (number, f"phi'**2*{variance}") if number else None
    post, pre = (one, two) if one.side == "post" else (two, one)
    number = ACROSS.get((post.kind, pre.kind)) if known.across else None
    return (number, f"phi'*{known.across}") if number else None


def _of_input(one: _Factor, two: _Factor, known: Correlations) -> tuple[Fraction, str] | None:
    if two.kind == "input":
        names = sorted((one.text, two.text))
        return (ONE, f"Var({one.text})" if one.text == two.text else f"Cov({', '.join(names)})")
    if one.side == two.side:
        shared = known.with_drive.get(one.text)
        return (HALF if two.kind in FILTERED else ONE, f"phi'*{shared}") if shared else None
    shared = known.with_trace.get(one.text) if two.kind == "trace" else None
    return (ONE, shared) if shared else None


def _product(number: Fraction, text: str) -> str:
    times = "" if number.numerator == 1 else f"{number.numerator}*"
    return f"{times}{text}" + (f"/{number.denominator}" if number.denominator != 1 else "")
