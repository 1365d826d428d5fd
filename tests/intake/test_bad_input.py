"""Odd values for every argument of every public function: accepted, or refused by an error of ours that names it."""

from __future__ import annotations

import os
import subprocess
import time
import warnings
from typing import Any

import pytest

import brainmem
from brainmem import BrainmemError, DeviceError
from brainmem.intake.arguments import takes
from tests.support import bad_input

LONGEST = 10.0  # seconds of one call


# What messages call an argument, where they do not use its name.
SAME = {
    "source": "array recording pandas xarray",
    "recording": "array pandas xarray",
    "before": "weights place",
    "path": "file folder",
    "name": "file folder variable",
    "rates": "activity",
    "weights": "place variable",
    "patterns": "variable",
    "cue": "rows",
    "target": "rows",
    "misfit": "pvar",
    "phase": "pvar",
    "key": "model agreement",
    "store": "sweep",
    "part": "agreement",
    "epoch": "item",
    "after": "weights place",
    "recalled_rate": "rows",
    "recalled_spiking": "rows",
    "inputs": "stimulus",
    "value": "stimulus weights initial parameter",
}


class Reached(DeviceError):
    """Raised in place of building a network: whatever was given has been accepted."""


@pytest.fixture
def no_run(monkeypatch):
    """Let nothing be built or compiled: what gets as far as that counts as accepted."""

    def reached(*args: Any, **kwargs: Any):
        raise Reached("reached")

    for module in ("simulation.simulate", "sweeps.sweep", "verification.drifts"):
        monkeypatch.setattr(f"brainmem.{module}.prepare", reached, raising=False)
    monkeypatch.setattr("brainmem.simulation.ready.calibrate", reached)
    monkeypatch.setattr("brainmem.study.claims.Experiment.run", reached, raising=False)

    def started(*args: Any, **kwargs: Any):
        raise AssertionError(f"a process was started: {args}")

    monkeypatch.setattr(subprocess, "Popen", started)


def outcome(call: bad_input.Call, argument: str, value: Any) -> str:
    """Return what became of a call: ``""`` if that is right."""
    begun = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(argument, value)
    except Reached:
        pass
    except BrainmemError as error:
        names = {argument, call.name.partition("(")[0], call.name.rpartition(".")[2], *argument.split("_")}
        names |= set(SAME.get(argument, "").split())
        text = str(error).lower()
        if "(" in call.name:
            names |= set(call.name.strip(")").partition("(")[2].split())
        if not any(name.lower() in text or name.lower().rstrip("s") in text for name in names):
            return f"the message names neither function nor argument: {str(error)[:120]!r}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:120]}"
    taken = time.perf_counter() - begun
    return f"took {taken:.1f} s" if taken > LONGEST else ""


def cases(folder, every: int):
    """Yield (call, argument, name of the odd value), each `every`-th of them."""
    names = list(bad_input.odd_values())
    number = 0
    for call in bad_input.calls(folder):
        for argument in call.good:
            for name in names:
                number += 1
                if number % every == 0:
                    yield call, argument, name


def _wrong(folder, every: int) -> tuple[int, dict[str, str]]:
    found, count = {}, 0
    here = os.getcwd()
    os.chdir(folder)  # a name may be taken for a path
    try:
        for call, argument, name in cases(folder, every):
            count += 1
            said = outcome(call, argument, bad_input.odd_values()[name])
            if said:
                found[f"{call.name}: {argument}={name}"] = said
    finally:
        os.chdir(here)
    return count, found


@pytest.mark.slow
def test_odd_arguments_are_accepted_or_refused_by_name(no_run, tmp_path):
    count, found = _wrong(tmp_path, 29)
    assert count > 300
    assert found == {}


@pytest.mark.full
def test_every_odd_argument_is_accepted_or_refused_by_name(no_run, tmp_path):
    count, found = _wrong(tmp_path, 1)
    print(f"{count} odd arguments")
    assert count >= 1000
    assert found == {}


def test_a_decorator_that_names_no_argument_is_noticed():
    with pytest.raises(TypeError, match="no argument 'b'"):
        takes(BrainmemError, b=None)(lambda a: a)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "named", "words"),
    [
        (
            ("kurikawa2020",),
            {"sed": 3},
            r"simulate\(\) has no argument 'sed'. Did you mean 'seed'\? Its arguments are",
        ),
        ((), {}, r"simulate\(\): missing a required argument: 'model'. Its arguments are model, variant,"),
        (("kurikawa2020", "rate", 1), {}, r"simulate\(\): too many positional arguments. Its arguments are model,"),
    ],
)
def test_arguments_that_a_function_has_not_are_refused_with_those_it_has(given, named, words):
    with pytest.raises(TypeError, match=words):
        brainmem.simulate(*given, **named)


def test_cases_cover_every_public_function(tmp_path):
    covered = {call.name.partition("(")[0].partition(".")[0] for call in bad_input.calls(tmp_path)}
    functions = {name for name in brainmem.__all__ if name.islower() and callable(getattr(brainmem, name))}
    assert functions - covered <= {"list_models"}
    shown = {call.name for call in bad_input.calls(tmp_path)}
    for module in (brainmem.measure, brainmem.plot):
        names = {name for name in module.__all__ if name.islower()}
        assert {f"{module.__name__.rpartition('.')[2]}.{name}" for name in names} <= shown


ODD_TEXTS = [
    "",
    " ",
    "x",
    "-1",
    "0",
    "nan",
    "1e400",
    "1" * 400,
    "a=b",
    "=",
    "N=",
    "N=1j",
    "N=[1,2]",
    "N=9**9",
    "tau=5*mV",
    "../x",
    "[/red]",
    "N='a'",
    "N=(1,",
]
OPTIONS = {
    "run": ["--set", "--seed", "--device", "--threads", "--input", "--trials", "--variant", "--output"],
    "explain": ["--set", "--device", "--neuron", "--items"],
    "verify": ["--set", "--seeds", "--items", "--cells"],
    "compare": ["--set", "--seeds", "--input"],
    "sweep": ["--set", "--seeds", "--jobs", "--device", "--record"],
    "reproduce": ["--size", "--claim", "--variant"],
    "fit": ["--step", "--negative", "--model", "--set"],
    "show": ["--variant"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.full)])
def test_odd_texts_on_the_command_line_end_with_a_sentence(every, no_run, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from brainmem.cli import app

    monkeypatch.chdir(tmp_path)
    wrong = {}
    for number, (command, options) in enumerate(OPTIONS.items()):
        for place, option in enumerate(options):
            for text in ODD_TEXTS[(number + place) % every :: every]:  # each text meets some options of each command
                output = [] if option == "--output" else ["--output", "out"] if command in ("sweep", "fit") else []
                done = CliRunner().invoke(app, [command, "kurikawa2020", option, text, *output])
                if not isinstance(done.exception, SystemExit | None):
                    wrong[f"{command} {option} {text[:20]!r}"] = repr(done.exception)[:150]
    for command in ("show", "run", "explain", "fit", "status", "reproduce"):
        for text in ODD_TEXTS:
            done = CliRunner().invoke(app, [command, text])
            if not isinstance(done.exception, SystemExit | None):
                wrong[f"{command} {text[:20]!r}"] = repr(done.exception)[:150]
    assert wrong == {}
