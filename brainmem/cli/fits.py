"""The command that fits a network to the user's own recording."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brainmem.cli.options import device_of, make_folder, settings
from brainmem.cli.screen import say
from brainmem.cli.study import DeviceName, Set, Threads
from brainmem.errors import BrainmemError

__all__ = ["COMMANDS"]


class Negative(StrEnum):
    """What becomes of values below 0."""

    keep = "keep"
    drop = "drop"
    clip = "clip"
    shift = "shift"


class Normalise(StrEnum):
    """Whose greatest value is 1."""

    unit = "unit"
    all = "all"


class Missing(StrEnum):
    """What becomes of values that are missing."""

    mark = "mark"
    fill = "fill"
    drop = "drop"


Data = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Activity (time, unit): .csv, .npy, .npz or .nwb; one file per trial type."),
]
Step = Annotated[
    float | None, typer.Option(help="Seconds between samples, where the file has no times; of spikes, the bin.")
]
Regions = Annotated[
    Path | None, typer.Option(help="Table with columns unit and region; not needed where FILE has a line 'region'.")
]
Resets = Annotated[str, typer.Option(help="Numbers of the samples at which trials begin: 120,240.")]
Kinds = Annotated[
    str, typer.Option(help="The kind of each trial: left,right,left; or a column of a .nwb file's table of trials.")
]
Holdout = Annotated[str, typer.Option(help="Trials that are only tested: a part (0.2), how many, or which: 3,7.")]
Steps = Annotated[
    int | None, typer.Option(min=1, help="Steps of the network between samples; it learns at samples alone.")
]
Width = Annotated[float | None, typer.Option(help="Seconds: sd of the Gaussian that smooths rates of spikes.")]
Series = Annotated[str, typer.Option(help="Which series of a .nwb file, where it holds several.")]
Cells = Annotated[
    int, typer.Option(min=0, help="Hand the fit over to spiking cells, so many per unit; 0 for rates alone.")
]


def fit(
    data: Data,
    model: Annotated[
        str | None, typer.Option(help="The model that learns them; by the sign of the data and regions when not given.")
    ] = None,
    step: Step = None,
    units_first: Annotated[bool, typer.Option(help="Rows are units.")] = False,
    negative: Annotated[Negative, typer.Option(help="Values below 0: keep, drop the unit, clip, shift.")] = (
        Negative.keep
    ),
    normalise: Annotated[Normalise, typer.Option(help="The peak of each unit is 1, or of all.")] = Normalise.unit,
    missing: Annotated[Missing, typer.Option(help="Missing values: mark, fill, drop the unit.")] = Missing.mark,
    regions: Regions = None,
    resets: Resets = "",
    kinds: Kinds = "",
    holdout: Holdout = "",
    steps: Steps = None,
    width: Width = None,
    series: Series = "",
    spiking: Cells = 0,
    set: Set = [],  # noqa: B006 - typer copies the default
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Decides everything random.")] = 0,
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the fit and its figures.")] = Path("fit"),
) -> None:
    """Teach a network to repeat recorded activity; write the fit, its page and its figures into a folder."""
    import brainmem
    from brainmem.cli.progress import progress_bar

    held = _holdout(holdout)
    recording = brainmem.read_recording(
        [str(path) for path in data],
        step=step, units_first=units_first, negative=negative.value, normalise=normalise.value, missing=missing.value,
        regions=regions, resets=_numbers(resets, "--resets"), kinds=_kinds(kinds), width=width, series=series,
    )  # fmt: skip
    say(str(recording))
    folder = make_folder(output)
    with progress_bar(model or "fit") as report:
        found = brainmem.fit(
            recording, model, holdout=held, steps=steps, parameters=settings(set), seed=seed,
            device=device_of(device, threads), progress=report,
        )  # fmt: skip
    say(str(found).removeprefix(f"{recording}\n"))
    say(f"Saved {found.save(folder)}")
    if spiking:  # behind what has been computed, which is kept where this fails
        cells = found.spiking(spiking)
        say(str(cells))
        say(f"Saved {cells.save(folder)}, spiking.txt and spiking.nc")


def _words(text: str) -> list[str] | None:
    return [word.strip() for word in text.split(",") if word.strip()] or None


def _kinds(text: str) -> list[str] | str | None:
    """Return the kinds of trials, or one word alone, which names the column that tells them."""
    return _words(text) if "," in text else text.strip() or None


def _numbers(text: str, option: str) -> list[int] | None:
    words = _words(text)
    if words and not all(word.isdecimal() for word in words):
        raise BrainmemError(f"{option} {text!r} must list whole numbers, such as 120,240.")
    return [int(word) for word in words] if words else None


def _holdout(text: str) -> float | int | list[int] | None:
    """Return a part of the trials, how many, or with a comma which."""
    if "," in text:
        return _numbers(text, "--holdout")
    try:
        return None if not text else int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise BrainmemError(f"--holdout {text!r} must be a part such as 0.2, a number, or numbers: 3,7.") from None


COMMANDS = {"fit": fit}
