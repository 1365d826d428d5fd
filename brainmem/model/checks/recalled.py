"""Checks of the criterion by which memories count as recalled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model import nouns
from brainmem.model.checks.draws import NONE
from brainmem.model.checks.place import Place, check_choice, place_of
from brainmem.model.checks.text import ModelText
from brainmem.text import evaluate

__all__ = ["check_named_parts", "check_recalled"]

SCORES = ("overlap", "pearson", "dice")
REPEATS = ("each", "mean")
BY_VARIANT = ("score", "threshold", "repeats", "level")
EXAMPLE = "recalled=Recalled(phase='recall', target='target', score='overlap', threshold=0.85)"


def check_recalled(text: ModelText) -> None:
    """Check what a recall criterion names, and that its threshold is a number that the score of a test may exceed.

    A copy made by `MemoryModel.replace` may leave out the phase and the pattern that the criterion names.
    """
    if text.model.recalled is not None:
        text.found.passes(_check_criterion, text, text.model.recalled)


def _check_criterion(text: ModelText, given: nouns.Recalled) -> None:
    model = text.model
    if not model.varied:
        check_named_parts(model)
    place = _place(model)
    if not isinstance(given.spiking, Mapping):
        raise place.error(f"spiking={given.spiking!r} must be a mapping, such as {{'score': 'pearson'}}.")
    for name in given.spiking:
        check_choice(place, "what differs in the spiking variant, spiking=,", name, BY_VARIANT)
    if given.level is not None and "dice" not in (given.score, given.spiking.get("score")):
        raise place.error(f"level={given.level!r} tells active units, which only score='dice' counts. Leave it out.")
    for variant in ("rate", "spiking"):
        _check_variant(text, place, variant, given.of(variant))


def check_named_parts(model: nouns.Model) -> None:
    """Raise unless the phase and the pattern of a recall criterion exist, and the pattern has rates to be held to."""
    given = model.recalled
    if given is None:
        return
    place = _place(model)
    check_choice(place, "phase", given.phase, [phase.name for phase in model.protocol.phases])
    check_choice(place, "target", given.target, [item.name for item in model.all_patterns])
    target = next(item for item in model.all_patterns if item.name == given.target)
    if target.every:
        raise place.error(
            f"target {target.name!r} changes in time (frames={target.frames!r}), and rates averaged over a "
            "phase have no frames. Name a pattern or stimulus without frames, or measure the fit with an Observable."
        )
    if model.population(target.population).rate is None:
        with_rates = [p.name for p in model.populations if p.rate]
        onto = [item.name for item in model.all_patterns if item.population in with_rates and not item.every]
        raise place.error(
            f"target {target.name!r} belongs to the population {target.population!r}, which has no rate to be scored. "
            f"Patterns and stimuli of populations with a rate: {', '.join(onto) or 'none'}. Or give "
            f"{target.population!r} rate=."
        )


def _place(model: nouns.Model) -> Place:
    place = place_of(model, "recalled")
    if not isinstance(model.recalled, nouns.Recalled):
        raise place.error(f"it must be a Recalled, got {model.recalled!r}. Write {EXAMPLE}.")
    return place


def _check_variant(text: ModelText, place: Place, variant: str, given: Mapping[str, Any]) -> None:
    check_choice(place, "score", given["score"], SCORES)
    check_choice(place, "repeats", given["repeats"], REPEATS)
    _check_level(text, place, given)
    threshold, (low, high) = given["threshold"], _range(text, given)
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not math.isfinite(threshold):
        raise place.error(f"threshold={threshold!r} must be a finite number, such as 0.85.")
    if not low <= float(threshold) < high:
        raise place.error(
            f"threshold={threshold!r} can tell nothing apart: the score {given['score']!r} of the {variant} variant "
            f"lies between {low:g} and {high:g}, and a test succeeds when its score exceeds the threshold."
        )


def _check_level(text: ModelText, place: Place, given: Mapping[str, Any]) -> None:
    """Check the rate above which units count as active."""
    level = given.get("level")
    if given["score"] != "dice":
        if level is not None:
            raise place.error(f"level={level!r} tells active units, which only score='dice' counts. Leave it out.")
        return
    target = next((item for item in text.model.all_patterns if item.name == given["target"]), None)
    owner = target and text.model.population(target.population)
    rates = _rates(text, owner.rate_range) if owner else []
    entry = text.neurons[owner.name].get(owner.rate or "") if owner else None
    if level is None and entry is not None and entry.dimensions is not NONE:
        raise place.error(
            f"score='dice' counts units above a rate, and {entry.name!r} has a unit: give level= in its base SI unit."
        )
    number = 0.5 if level is None else level
    if isinstance(number, bool) or not isinstance(number, Real) or not math.isfinite(number):
        raise place.error(f"level={number!r} must be a finite number, such as 0.5.")
    if rates and not rates[0] <= float(number) < rates[1]:
        raise place.error(
            f"level={number!r} can tell no units apart: rates lie between {rates[0]:g} and {rates[1]:g}, and those "
            "above the level count as active."
        )


def _range(text: ModelText, given: Mapping[str, Any]) -> tuple[float, float]:
    """Return the lowest and highest score, infinite where the values of the target are open."""
    if given["score"] == "pearson":
        return -1.0, 1.0
    if given["score"] == "dice":
        return 0.0, 1.0
    target = next((item for item in text.model.all_patterns if item.name == given["target"]), None)
    if target is None or target.values is None:
        return -math.inf, math.inf
    rates = _rates(text, text.model.population(target.population).rate_range)
    products = [rate * value for rate in rates for value in target.values]
    if not products or not np.all(np.isfinite(products)):  # what is wrong with them is told where it stands
        return -math.inf, math.inf
    return min(products), max(products)


def _rates(text: ModelText, ends: tuple) -> list[float]:
    """Return both ends of a rate range as numbers, none where they are wrong, of which the population's check tells."""
    try:
        low, high = (float(np.asarray(evaluate(str(end), text.values))) for end in ends)
    except (RuleError, TypeError, ValueError):
        return []
    return [low, high]
