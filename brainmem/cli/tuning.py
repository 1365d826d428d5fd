"""The command that tunes parameters."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from brainmem.cli.options import device_of, pairs, parse_seeds, parse_value, records, settings
from brainmem.cli.screen import say
from brainmem.cli.study import DeviceName, Input, Key, Pick, Record, Set, Threads, Variant
from brainmem.cli.sweeps import Jobs
from brainmem.errors import BrainmemError

__all__ = ["COMMANDS", "function_of", "space_of"]


class Method(StrEnum):
    """How points are chosen."""

    evolution = "evolution"
    sobol = "sobol"


def tune(
    key: Key,
    objective: Annotated[
        str, typer.Option(metavar="MODULE:FUNCTION", help="Makes a number of a result, greater is better: mine:score.")
    ],
    space: Annotated[
        list[str], typer.Option(metavar="NAME=LOW:HIGH", help="What to tune: eta=1e-3:1:log, theta=0:0.2, rule=a,b.")
    ],
    variant: Pick = Variant.rate,
    set: Set = [],  # noqa: B006 - typer copies the default
    seeds: Annotated[str, typer.Option(metavar="SEEDS", help="How many training seeds, or which: 100,101.")] = "3",
    budget: Annotated[int, typer.Option(min=1, help="Points that may be evaluated, each with every seed.")] = 100,
    method: Annotated[Method, typer.Option(help="Differential evolution, or a Sobol sequence.")] = Method.evolution,
    random_seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Decides which points are tried.")] = 0,
    jobs: Jobs = None,
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    input: Input = [],  # noqa: B006
    record: Record = [],  # noqa: B006
    protocol: Annotated[str | None, typer.Option(metavar="NAME", help="Which of the model's protocols.")] = None,
    store: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder; KEY-VARIANT-tuned if not given.")
    ] = None,
) -> None:
    """Look for the best parameters within a budget; the same command resumes, a larger budget goes on."""
    from brainmem import get_model
    from brainmem import tune as run_tune
    from brainmem.cli.progress import counting_bar

    name = Path(key).name
    with counting_bar(name) as report:
        found = run_tune(
            get_model(key),
            function_of(objective),
            space_of(space),
            variant=variant.value,
            parameters=settings(set),
            seeds=parse_seeds(seeds),
            store=store or Path(f"{name}-{variant.value}-tuned"),
            budget=budget,
            method=method.value,
            random_seed=random_seed,
            device=device_of(device, threads),
            jobs=jobs,
            inputs=pairs(input, "--input"),
            record=records(record) or ("weights",),
            protocol=protocol,
            progress=report,
        )
    say(str(found))


def function_of(text: str) -> Callable[[Any], Any]:
    """Return the function that ``module:function`` names; modules of the working folder are found too.

    Raises
    ------
    BrainmemError
        When there is none.
    """
    module, sign, name = text.partition(":")
    if not (sign and module and name.isidentifier()):
        raise BrainmemError(
            f"--objective {text!r}: write MODULE:FUNCTION, such as mine:score for mine.py in this folder."
        )
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BrainmemError(f"--objective {text!r}: {error}.") from error


def space_of(given: Iterable[str]) -> dict[str, Any]:
    """Return the space that ``name=low:high``, ``name=low:high:log`` or ``name=a,b`` tell.

    >>> space_of(["eta=1e-3:1:log", "tau=5 ms:50 ms", "rule=hebb,delta"])
    {'eta': (0.001, 1, 'log'), 'tau': ('5*ms', '50*ms'), 'rule': ['hebb', 'delta']}
    """
    found: dict[str, Any] = {}
    for name, text in pairs(given, "--space").items():
        if ":" in text:
            low, high, *scale = text.split(":")
            found[name] = (parse_value(low.strip(), name), parse_value(high.strip(), name), *map(str.strip, scale))
        else:
            found[name] = [parse_value(part.strip(), name) for part in text.split(",")]
    return found


COMMANDS = {"tune": tune}
