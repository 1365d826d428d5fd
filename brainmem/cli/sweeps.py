"""The command that sweeps parameters, and how a sweep is shown."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainmem.cli.options import (
    device_of,
    pairs,
    parse_part,
    parse_protocols,
    parse_seeds,
    parse_trials,
    records,
    sweep_settings,
)
from brainmem.cli.screen import complain, print_table, say
from brainmem.cli.study import DeviceName, Input, Key, Pick, Record, Threads, Trials, Variant

if TYPE_CHECKING:
    from brainmem.sweeps.store import Point, Sweep

__all__ = ["COMMANDS", "print_sweep"]

Set = Annotated[
    list[str],
    typer.Option("--set", metavar="NAME=VALUES", help="Sweep a parameter: eps=1e-4,3e-4. One value holds for all."),
]
Seeds = Annotated[str, typer.Option(metavar="SEEDS", help="How many (0, 1, 2, ...), or which: 3,5,7.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Runs at a time; as many as there are cores if not given.")]
Protocols = Annotated[
    str | None,
    typer.Option("--protocol", metavar="NAMES", help="Which of the model's protocols; several are swept: wake,sleep."),
]
Index = Annotated[
    str | None,
    typer.Option(
        "--index", metavar="K/N", help="Run only the K-th of N parts of the points, for jobs that share a store."
    ),
]
Store = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="The folder of results; KEY-VARIANT-sweep if not given.")
]


def sweep(
    key: Key,
    variant: Pick = Variant.rate,
    set: Set = [],  # noqa: B006 - typer copies the default
    seeds: Seeds = "1",
    jobs: Jobs = None,
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    input: Input = [],  # noqa: B006
    record: Record = [],  # noqa: B006
    trials: Trials = None,
    protocol: Protocols = None,
    index: Index = None,
    store: Store = None,
) -> None:
    """Run all combinations of values and seeds; the same command resumes, more values extend. 1 if a point failed."""
    import warnings

    from brainmem import get_model
    from brainmem import sweep as run_sweep
    from brainmem.cli.progress import counting_bar

    part = parse_part(index)
    name = Path(key).name
    named = "-".join([name, *([protocol.replace(",", "-")] if protocol else []), variant.value])
    with counting_bar(name) as report, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* points failed", category=RuntimeWarning)  # shown below
        found = run_sweep(
            get_model(key),
            variant.value,
            parameters=sweep_settings(set),
            seeds=parse_seeds(seeds),
            store=store or Path(f"{named}-sweep"),
            device=device_of(device, threads),
            jobs=jobs,
            inputs=pairs(input, "--input"),
            trials=parse_trials(trials),
            protocol=parse_protocols(protocol),
            part=part,
            progress=report,
            record=records(record) or ("weights",),
        )
    print_sweep(found, recall=True)
    if found.failed:
        complain(f"{len(found.failed)} points failed; the same command tries them again.")
        raise typer.Exit(1)


def print_sweep(found: Sweep, *, recall: bool = False) -> None:
    """Print how many points of each parameter combination are finished, and why others failed."""
    say(repr(found).splitlines()[0].strip("<>"), style="bold")
    criterion = _criterion(found) if recall else ""
    rows = [_row(list(points), bool(criterion)) for _, points in groupby(found.points, key=_combination)]
    print_table((*found.units, "finished", *([f"recalled: {criterion}"] if criterion else [])), rows)
    for error, points in groupby(sorted(found.failed, key=_error), key=_error):
        first, *others = points
        say(f"failed at {first}{f' and {len(others)} more' if others else ''}: {error}")
    for point in found.damaged:
        say(f"damaged at {point}, {point.path.name}: {point.fault}; the same sweep runs it again")


def _error(point: Point) -> str:
    return point.error or ""


def _combination(point: Point) -> str:
    return repr(dict(point.parameters))


def _row(points: list[Point], recall: bool) -> list[str]:
    values = [str(value) for value in points[0].parameters.values()]
    finished = [point for point in points if point.state == "finished"]
    shown = _recalled(finished) if recall and finished else []
    return [*values, f"{len(finished)} of {len(points)}", *shown]


def _criterion(found: Sweep) -> str:
    """Return when a memory counts as recalled, nothing for a model that does not say."""
    from brainmem import Result, measure

    result = Result.load(found.finished[0].path) if found.finished else None
    return str(measure.Criterion.of(result)) if result and result.recalled else ""


def _recalled(points: list[Point]) -> list[str]:
    """Return the fraction recalled at the last test, over seeds, where there was one."""
    import numpy as np

    from brainmem import BrainmemError, Result, measure

    try:
        values = [float(measure.recall_table(Result.load(point.path))["recalled"][-1]) for point in points]
    except BrainmemError:
        return []
    spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return [f"{np.mean(values):.2f}{spread}"]


COMMANDS = {"sweep": sweep}
