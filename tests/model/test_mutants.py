"""Texts of the shipped models, changed at random: each is accepted and translated, or refused by an error of ours."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

import pytest

from brainmem import BrainmemError, LearningRule, MemoryModel, Protocol, Repeat, RuleError, get_model, translate
from brainmem.model.fields import kinds_of
from brainmem.model.parts import parts
from tests.support.small_models import dreams_model, energy_model, squares_model

# What is put into a text, or in place of one of its words.
SIGNS = list("+-*/%()[]{},:=<#\\'\";@._éµ²∂α$^~&|\n\t \0\ud800\u2028\x0c")
WORDS = """** // == != and or not int( exp( rand() xi x w x_pre x_post dw/dt dx/dt t N N_pre i 1 0 2.5 1e-3 1e400 ms
second Hz**2 boolean integer (summed) (shared) (constant) (event-driven) lambda if else for import True None inf nan
clip( sign eye() normal(0,1) first( time item unit elapsed step count sqrt(-1) log(0) 0/0 9**9**9**9 x.T += *= =+ ->
x[0] x' {0} f( max( |x| := ... 0x10 1_0 1j b'x' (yield) __import__('os')"""
PUT = [*SIGNS, *re.split(r"\s", WORDS), "(constant over dt)", "x for x in y", "1 if x else 0"]


def mutated(rng: random.Random, text: str, others: list[str]) -> str:
    """Return a text with one change."""
    pieces, lines = re.findall(r"\w+|\s+|[^\w\s]", text), text.split("\n")
    how = rng.choice(["insert", "replace", "delete", "swap", "line gone", "line twice", "other text"])
    if how == "insert" or len(pieces) < 2:
        place = rng.randrange(len(text) + 1)
        return text[:place] + rng.choice(PUT) + text[place:]
    if how in ("replace", "delete"):
        pieces[rng.randrange(len(pieces))] = rng.choice(PUT) if how == "replace" else ""
        return "".join(pieces)
    if how == "swap":
        one, other = rng.sample(range(len(pieces)), 2)
        pieces[one], pieces[other] = pieces[other], pieces[one]
        return "".join(pieces)
    if how == "other text":
        return rng.choice(others)
    number = rng.randrange(len(lines))
    repeated = [] if how == "line gone" else [lines[number]] * 2
    return "\n".join(lines[:number] + repeated + lines[number + 1 :])


def places(model: MemoryModel) -> Iterator[tuple[Any, str, Any, str]]:
    """Yield every text of a model as (noun, field, key within the field, text); keys of mappings are texts too."""
    for _, noun in parts(model):
        for field in kinds_of(noun):
            value = getattr(noun, field)
            if isinstance(value, str):
                yield noun, field, None, value
            elif hasattr(value, "items"):
                yield from ((noun, field, key, text) for key, text in value.items() if isinstance(text, str))
                yield from ((noun, field, (key,), key) for key in value)


def written(noun: Any, field: str, key: Any, text: str) -> Any:
    """Return a noun with another text in a field."""
    value = getattr(noun, field)
    if isinstance(key, tuple):
        return replace(noun, **{field: {text if name == key[0] else name: item for name, item in value.items()}})
    return replace(noun, **{field: text if key is None else {**value, key: text}})


def swapped(value: Any, old: Any, new: Any) -> Any:
    """Return a value with one noun in place of another."""
    if value is old:
        return new
    if isinstance(value, tuple):
        return tuple(swapped(item, old, new) for item in value)
    if isinstance(value, Protocol | Repeat | LearningRule):
        return replace(value, **{f.name: swapped(getattr(value, f.name), old, new) for f in fields(value)})
    return value


def mutant(rng: random.Random, model: MemoryModel) -> dict[str, Any]:
    """Return the fields of a model with one to four changes in one of its texts."""
    found = [place for place in places(model) if place[0] is not model]
    noun, field, key, text = rng.choice(found)
    for _ in range(rng.choice([1, 1, 2, 4])):
        text = mutated(rng, text, [place[-1] for place in found])
    changed = written(noun, field, key, text)
    own = {item.name: swapped(getattr(model, item.name), noun, changed) for item in fields(model)}
    return own | {"varied": rng.random() < 0.5}


MODELS = {
    "kurikawa2020": (lambda: get_model("kurikawa2020"), 150),
    "energy": (energy_model, 100),
    "squares": (squares_model, 100),
    "dreams": (dreams_model, 100),
    "rajan2016": (lambda: get_model("rajan2016"), 40),
    "rajan2016/choice": (lambda: get_model("rajan2016/choice"), 20),
    "rajan2016/feedback": (lambda: get_model("rajan2016/feedback"), 100),
}


def made(given: dict[str, Any]) -> MemoryModel | str:
    """Return a model, or the message by which it is refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, of texts such as 1if x else 0
            return MemoryModel(**given)
    except RuleError as error:
        return str(error)


@pytest.mark.parametrize("share", [0.25, pytest.param(20, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", MODELS)
def test_a_changed_text_is_accepted_or_refused_by_an_error_that_names_the_model(name, share):
    make, count = MODELS[name]
    count = round(share * count)
    model, rng = make(), random.Random(name)
    found = [made(mutant(rng, model)) for _ in range(count)]
    refused = [outcome for outcome in found if isinstance(outcome, str)]
    assert 0 < len(refused) < count
    assert all(message.startswith("Model ") for message in refused)
    for changed in (outcome for outcome in found if isinstance(outcome, MemoryModel)):
        for variant in ("rate", "spiking"):
            with suppress(BrainmemError):
                assert str(translate(changed, variant))


def test_every_text_of_the_shipped_models_is_mutated():
    model = get_model("kurikawa2020")
    found = {(type(noun).__name__, field) for noun, field, _, _ in places(model)}
    assert {("Population", "equations"), ("LearningRule", "continuous"), ("Phase", "until"), ("Each", "items")} <= found
    rng = random.Random(0)
    assert len({mutated(rng, "dx/dt = (phi - x)/tau : 1", ["x"]) for _ in range(200)}) > 50
