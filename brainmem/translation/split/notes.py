"""Say how a split rule is read from spikes, and which bias remains, in one line per term."""

from __future__ import annotations

from collections.abc import Iterator

from brainmem.translation.split.core import SplitRule
from brainmem.translation.split.terms import TermReading, UnitNoise, linear

__all__ = ["describe_split"]

SIDES = ("pre", "post")


def describe_split(split: SplitRule, pre: UnitNoise, post: UnitNoise | None = None) -> tuple[str, ...]:
    """Return one line per term: what carries it, where its rates are read, which bias remains.

    Parameters
    ----------
    split : SplitRule
    pre, post : UnitNoise
        Noise of the pre- and the postsynaptic population; one stands for both.
    """
    noises = (pre, post or pre)
    remark = (split.remark,) if split.remark else ()
    terms = (f"{split.variable}: term {term.monomial}: {term.words()}; {_bias(term, *noises)}" for term in split.terms)
    return (*remark, *terms)


def _bias(term: TermReading, pre: UnitNoise, post: UnitNoise) -> str:
    if not term.noise:
        return _own_bias(term, pre, post)
    own = "no bias from the units' own spikes" if term.bias == "0" else _own_bias(term, pre, post)
    return f"{own}; the noise of inputs adds {term.noise}"


def _own_bias(term: TermReading, pre: UnitNoise, post: UnitNoise) -> str:
    if term.bias in ("0", "unknown"):
        return {"0": "no bias", "unknown": "bias unknown"}[term.bias]
    percent = 100 * term.relative_bias(pre, post)
    size = f"{percent:+.2g} %" if percent else "0"
    if pre == post:
        return f"bias {term.bias} = {size} ({pre})"
    parts = list(_by_unit(term, pre, post))
    formula = " ".join(text for text, _, _ in parts)
    return f"bias {formula} = {size} ({'; '.join(f'{name}: {noise}' for _, name, noise in parts)})"


def _by_unit(term: TermReading, pre: UnitNoise, post: UnitNoise) -> Iterator[tuple[str, str, UnitNoise]]:
    """Yield the relative bias that each unit's factors leave, with the rate's name and the unit's noise."""
    for side, name, noise in zip(SIDES, term.rates, (pre, post), strict=True):
        constant, slope = term.coefficients(side)
        if constant or slope:
            text = linear(constant, slope)
            yield f"{text if text[0] in '+-' else f'+{text}'}*b/nu**2 of {name}", name, noise
