"""The command that fits a network to the user's own recording."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brainmem.cli.options import device_of, make_folder, settings
from brainmem.cli.screen import say
from brainmem.cli.study import DeviceName, Set, Threads

__all__ = ["COMMANDS"]


class Negative(StrEnum):
    """What becomes of units with values below 0."""

    drop = "drop"
    clip = "clip"
    shift = "shift"


def fit(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Rates (time, unit) as .csv, .npy or .npz; one file per trial type."),
    ],
    model: Annotated[str, typer.Option(help="The model that learns them.")] = "rajan2016",
    step: Annotated[
        float | None, typer.Option(help="Seconds between samples, where the file has no column of times.")
    ] = None,
    units_first: Annotated[bool, typer.Option(help="Rows are units.")] = False,
    negative: Annotated[Negative, typer.Option(help="Units with values below 0: drop, clip or shift them.")] = (
        Negative.drop
    ),
    set: Set = [],  # noqa: B006 - typer copies the default
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Decides everything random.")] = 0,
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the fit and its figures.")] = Path("fit"),
) -> None:
    """Teach a network to repeat recorded activity; write the fit, its figures and what was dropped into a folder."""
    import brainmem
    from brainmem.cli.progress import progress_bar

    recording = brainmem.read_recording(
        [str(path) for path in data], step=step, units_first=units_first, negative=negative.value
    )
    say(str(recording))
    folder = make_folder(output)
    with progress_bar(model) as report:
        found = brainmem.fit(
            recording,
            model,
            parameters=settings(set),
            seed=seed,
            device=device_of(device, threads),
            progress=report,
        )
    say(str(found).removeprefix(f"{recording}\n"))
    say(f"Saved {found.save(folder)}")


COMMANDS = {"fit": fit}
