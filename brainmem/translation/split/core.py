"""Split a learning rule on spike events, so that its mean drift stays the rate rule's.

Every rate is ``low + (high - low)*s`` with s in 0 ... 1. The rule is expanded into monomials
``c*s_pre**a*s_post**b``; in each, exactly one factor s becomes the spikes of its unit,
``s -> count/rate_max``, and the others are read just before the spike from the trace, or from the
drive, which carries no noise of the unit's own spikes. Terms without a rate stay clock-driven.
Substituting the trace everywhere instead is wrong for every power of a rate; `terms` has the bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction

import sympy

from brainmem.errors import TranslationError, closest
from brainmem.model.variants import PAIRINGS, READINGS
from brainmem.text.equations import grouped, identifiers, rename
from brainmem.translation.split.correlations import Correlations, noise_of
from brainmem.translation.split.formula import Style, formula
from brainmem.translation.split.monomials import bases, input_term, monomial, prompt, rate_names
from brainmem.translation.split.polynomial import (
    InputPowers,
    RatePolynomial,
    Reader,
    input_powers,
    read_polynomial,
    settle,
)
from brainmem.translation.split.readings import SIDES, RateReading, S, UnitRate, unit_rate
from brainmem.translation.split.terms import CLOCK, Factor, Share, TermReading, choose_reading, share_term

__all__ = ["RateReading", "SplitRule", "TermReading", "split_rule"]


@dataclass(frozen=True)
class SplitRule:
    """A rule as three texts, and how each of its terms is read.

    Attributes
    ----------
    variable : str
    on_pre, on_post : str
        What is added to the variable at a spike of the unit, before the traces change; ``""`` for nothing.
    clocked : str
        What remains of the variable's time derivative; ``""`` for nothing.
    terms : tuple of TermReading
    populations : (str, str)
        The pre- and the postsynaptic population, whose noise sets the bias of the terms.
    remark : str
        What is to be said of the rule as a whole.
    rule : str
        Its name.
    """

    on_pre: str = ""
    on_post: str = ""
    clocked: str = ""
    terms: tuple[TermReading, ...] = ()
    variable: str = ""
    populations: tuple[str, str] = ("", "")
    remark: str = ""
    rule: str = ""


def split_rule(
    variable: str,
    expression: str,
    unit: str = "1",
    *,
    pre: RateReading | None = None,
    post: RateReading | None = None,
    continuous: AbstractSet[str] = frozenset(),
    correlations: Correlations | None = None,
    read: str = "auto",
    pairing: str = "symmetric",
    neuron: str = "lif",
) -> SplitRule:
    """Split ``d{variable}/dt = {expression} : {unit}`` on the spikes of its two units.

    Parameters
    ----------
    variable, expression, unit : str
        The rule, as Brian2 text.
    pre, post : RateReading, optional
        None where that side has no rate.
    continuous : set of str
        Names that are read as they are even if they are a rate's (``{"x_pre"}``).
    correlations : Correlations, optional
        The summed inputs (``u_post``), and how their noise goes with the rates. A unit's firing follows the noise of
        its input at once, its trace does not, so that spikes times input is not rate times input; and an input is
        itself a sum of traces. Terms with one stay clock-driven, on the traces.
    read : {"auto", "event", "drive", "trace"}
        The source of the factors that are not spikes: the trace just before the spike ("event"); for
        repeated factors of one unit the rate expected at its drive ("drive"); no spikes at all, the rule as written on
        the traces ("trace").
        "auto" takes "event" where it has no bias for this neuron, else "drive".
    pairing : {"symmetric", "causal", "anticausal"}
        What carries a term with both rates: half by each, the post spike, or the pre spike. With
        ``read="event"`` and "symmetric", a term with a higher power of one rate is carried by that unit alone.
    neuron : str
        Name of the cell, of which only ``"poisson"`` is known to fire with F = 1.

    Returns
    -------
    SplitRule

    Raises
    ------
    TranslationError
        When a rate occurs inside a function that is no polynomial, or the split would not keep the mean.
    """
    for name, given, allowed in (("read", read, READINGS), ("pairing", pairing, PAIRINGS)):
        _check(name, given, allowed)
    text = " ".join(expression.split())
    owner = f"d{variable}/dt = {text} : {unit}"
    units = _units(pre, post, continuous)
    text = _suffixed(text, units, variable)
    units = {side: reading for side, reading in units.items() if f"{reading.name}_{side}" in identifiers(text)}
    known = correlations or Correlations()
    if not units and not identifiers(text) & known.inputs:
        return SplitRule(clocked=text, terms=(_plain("1"),), variable=variable)
    if read == "trace" or not units:
        return _as_written(variable, text, owner, units, known)
    return _Split(variable, text, owner, units, known, read=read, pairing=pairing, neuron=neuron).result()


def _check(name: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise TranslationError(
            f"split_rule(): {name}={given!r} is not allowed; choose one of "
            f"{', '.join(map(repr, allowed))}.{closest(str(given), allowed)}"
        )


def _units(pre: RateReading | None, post: RateReading | None, continuous: AbstractSet[str]) -> dict[str, RateReading]:
    found = {side: reading for side, reading in zip(SIDES, (pre, post), strict=True) if reading is not None}
    return {side: reading for side, reading in found.items() if f"{reading.name}_{side}" not in continuous}


def _suffixed(text: str, units: Mapping[str, RateReading], variable: str) -> str:
    """Write a rate without suffix, which Brian2 reads from the postsynaptic unit, with it."""
    post = units.get("post")
    if post is None or post.name == variable:
        return text
    return rename(text, {post.name: f"{post.name}_post"})


def _plain(monomial: str) -> TermReading:
    return TermReading(monomial, CLOCK, (Share(CLOCK, Fraction(1), Factor(), Factor()),))


@dataclass(frozen=True)
class _Split:
    """A rule being split: its text and the way its rates are read."""

    variable: str
    text: str
    owner: str
    readings: Mapping[str, RateReading]
    correlations: Correlations
    read: str
    pairing: str
    neuron: str

    def result(self) -> SplitRule:
        reader, units, settled, functions = _opened(self.text, self.owner, self.readings, drive=self.read == "drive")
        polynomial = _expanded(settled, reader, units)
        style = _style(settled, reader, units)
        pieces = tuple(self._pieces(polynomial, reader, units, style, settled))
        terms = tuple(term for term, _ in pieces)
        texts = self._texts(polynomial, pieces, units, style)
        _check_mean(self.owner, settled, texts, reader, self.readings)
        whole = tuple(TermReading(part, "drive", ()) for part in functions)
        on_pre, on_post, clocked = texts
        return SplitRule(on_pre, on_post, clocked, (*terms, *whole), self.variable)

    def _pieces(
        self, polynomial: RatePolynomial, reader: Reader, units: Mapping[str, UnitRate], style: Style, settled: str
    ) -> Iterator[tuple[TermReading, sympy.Expr]]:
        """Yield how each term is read, with its coefficient; what contains a summed input comes apart."""
        everywhere = any(identifiers(text) & self.inputs for text in (*polynomial.first, *polynomial.over))
        powers = _powers(settled, reader, self.readings, self.inputs)
        for degrees, coefficient in sorted(polynomial.coefficients.items()):
            parts = sympy.Add.make_args(sympy.expand(coefficient))
            slow = sum((p for p in parts if everywhere or self._has_input(p, reader)), sympy.Integer(0))
            if coefficient - slow != 0:
                yield self._term(degrees, units, style), coefficient - slow
            if slow != 0:
                found_here = [found for found in powers.get(degrees, [self.text]) if found or everywhere]
                for found in found_here:
                    yield input_term(degrees, found, self._slow(degrees), units, style, self.correlations), slow
                    slow = sympy.Integer(0)

    @property
    def inputs(self) -> AbstractSet[str]:
        """Names of the summed inputs."""
        return self.correlations.inputs

    def _has_input(self, part: sympy.Expr, reader: Reader) -> bool:
        texts = (reader.sources.get(str(item), str(item)) for item in part.free_symbols)
        return any(identifiers(text) & self.inputs for text in texts)

    def _slow(self, degrees: tuple[int, int]) -> tuple[Factor, Factor]:
        """Read the rates of a term with a summed input from traces, repeated ones from the drive where there is one."""
        pre, post = (
            Factor(trace=1, drive=degree - 1) if degree > 1 and self.readings[side].expected else Factor(trace=degree)
            for side, degree in zip(SIDES, degrees, strict=True)
        )
        return pre, post

    def _term(self, degrees: tuple[int, int], units: Mapping[str, UnitRate], style: Style) -> TermReading:
        text = monomial(degrees, units, style)
        if degrees == (0, 0):
            return _plain(text)
        repeated = [units[side] for side, degree in zip(SIDES, degrees, strict=True) if degree > 1]
        missing = [unit.reading.name for unit in repeated if not unit.reading.expected]
        if self.read == "drive" and missing:
            raise TranslationError(
                f"{self.owner}: read='drive' needs the drive of {missing[0]}, which its unit does not have. "
                "Use read='event' or read='trace'."
            )
        read = "event" if missing else self.read
        reading = choose_reading(degrees, read=read, pairing=self.pairing, neuron=self.neuron)
        shares = share_term(degrees, reading=reading, pairing=self.pairing)
        noise = noise_of(shares, {}, bases(units, style), self.correlations, prompt(units))
        return TermReading(text, reading, shares, rate_names(units), noise=noise)

    def _texts(
        self,
        polynomial: RatePolynomial,
        pieces: tuple[tuple[TermReading, sympy.Expr], ...],
        units: Mapping[str, UnitRate],
        style: Style,
    ) -> tuple[str, str, str]:
        """Return the texts added at a pre spike, at a post spike, and the rest of the derivative."""
        sums: dict[str, sympy.Expr] = dict.fromkeys((*SIDES, CLOCK), sympy.Integer(0))
        for term, coefficient in pieces:
            for share in term.shares:
                sums[share.event] += coefficient * _piece(share, units)
        written = []
        for event in (*SIDES, CLOCK):
            reading = self.readings.get(event)
            last = (f"{reading.count}_{event}",) if reading else ()
            over = (grouped(reading.rate_max),) if reading else ()
            written.append(
                formula(sums[event], style, first=polynomial.first, last=last, over=(*over, *polynomial.over))
            )
        return tuple(written)


def _opened(
    text: str, owner: str, readings: Mapping[str, RateReading], *, drive: bool
) -> tuple[Reader, dict[str, UnitRate], str, tuple[str, ...]]:
    """Return a reader for the rule, its units, and its text with functions of rates settled."""
    rates = frozenset(f"{reading.name}_{side}" for side, reading in readings.items())
    reader = Reader(owner, rates)
    units = {side: unit_rate(side, reading, reader) for side, reading in readings.items()}
    drives = {unit.rate.name: unit.drive.name for unit in units.values()} if drive else None
    settled, functions = settle(text, owner, rates, drives)
    return reader, units, settled, functions


def _expanded(text: str, reader: Reader, units: Mapping[str, UnitRate]) -> RatePolynomial:
    return read_polynomial(text, reader, {unit.rate: unit.affine for unit in units.values()}, S)


def _style(text: str, reader: Reader, units: Mapping[str, UnitRate]) -> Style:
    after = {unit.drive.name: unit.rate.name for unit in units.values()}
    return reader.style(text, after)


def _piece(share: Share, units: Mapping[str, UnitRate]) -> sympy.Expr:
    piece = sympy.Rational(share.weight.numerator, share.weight.denominator)
    for side, factor in zip(SIDES, (share.pre, share.post), strict=True):
        if factor.degree:
            piece *= units[side].factor(factor)
    return piece


def _check_mean(
    owner: str, text: str, texts: tuple[str, str, str], reader: Reader, readings: Mapping[str, RateReading]
) -> None:
    """Read the written texts again, put every spike and reading at its mean, and compare with the rule."""
    units = [unit_rate(side, reading, reader, keep_sums=False) for side, reading in readings.items()]
    means = {name: mean for unit in units for name, mean in unit.means(reader).items()}
    rule = reader.expression(text, keep_sums=False)
    split = sum((reader.expression(part, keep_sums=False) for part in texts if part), sympy.Integer(0))
    difference = sympy.expand((split - rule).xreplace(means))
    if difference != 0 and sympy.cancel(difference) != 0:
        raise TranslationError(
            f"{owner}: the split does not keep the mean; it is off by {difference}. "
            "This is an error in brainmem: please report it, and give the rule an explicit SpikingRule meanwhile."
        )


def _powers(
    text: str, reader: Reader, readings: Mapping[str, RateReading], inputs: AbstractSet[str]
) -> dict[tuple[int, int], list[InputPowers]]:
    """Return with which powers of the summed inputs each product of rates occurs."""
    units = [unit_rate(side, reading, reader, keep_sums=False) for side, reading in readings.items()]
    return input_powers(text, reader, {unit.rate: unit.affine for unit in units}, S, inputs)


def _as_written(
    variable: str, text: str, owner: str, readings: Mapping[str, RateReading], known: Correlations
) -> SplitRule:
    """Return the rule as it is, clock-driven on the traces, with the bias of each of its terms."""
    try:
        reader, units, settled, _ = _opened(text, owner, readings, drive=False)
    except TranslationError:
        return SplitRule(clocked=text, terms=(TermReading(text, "trace", (), known=False),), variable=variable)
    style = _style(settled, reader, units)
    powers = _powers(settled, reader, readings, known.inputs)
    terms = tuple(
        input_term((a, b), found, (Factor(trace=a), Factor(trace=b)), units, style, known)
        for a, b in sorted(_expanded(settled, reader, units).coefficients)
        for found in powers.get((a, b), [text])
    )
    return SplitRule(clocked=text, terms=terms, variable=variable)
