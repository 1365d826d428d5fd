"""Commands that say, and measure, what becomes of a model's rules in spikes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brainmem.cli.options import check_writable, device_of, parse_seeds, settings
from brainmem.cli.screen import complain, say
from brainmem.cli.study import DeviceName, Key, Output, Pick, ProtocolName, Set, Threads, Variant
from brainmem.storage.files import replacing

__all__ = ["COMMANDS"]


class Neuron(StrEnum):
    """The spiking cell."""

    lif = "lif"
    affine = "affine"
    poisson = "poisson"


Cell = Annotated[Neuron, typer.Option(help="The spiking cell.")]
Items = Annotated[int, typer.Option(min=0, help="Along how many items of the protocol, once each; 0 for all of it.")]


def explain(
    key: Key,
    variant: Pick = Variant.spiking,
    set: Set = [],  # noqa: B006 - typer copies the default
    neuron: Cell = Neuron.lif,
    details: Annotated[bool, typer.Option(help="Also say how each term of each rule is read.")] = False,
    measure: Annotated[bool, typer.Option(help="Run the model for the sizes of biases.")] = True,
    items: Items = 4,
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    protocol: ProtocolName = None,
) -> None:
    """Say what a time step does, what becomes of rules in spikes, and by how much they are biased."""
    import brainmem

    model = brainmem.get_model(key)
    spiking = brainmem.Spiking(neuron=neuron.value) if variant is Variant.spiking else None
    if spiking and measure and model.rules:
        typer.echo("Running the model for the sizes of biases; --no-measure leaves them out.", err=True)
    text = brainmem.explain(
        model,
        spiking or brainmem.Rate(),
        parameters=settings(set),
        device=device_of(device, threads),
        details=details,
        measured=measure,
        items=items or None,
        protocol=protocol,
    )
    say(text)


def verify(
    key: Key,
    seeds: Annotated[str, typer.Option(help="How many seeds, or which: 3,5,7.")] = "10",
    set: Set = [],  # noqa: B006
    neuron: Cell = Neuron.lif,
    items: Items = 4,
    learned: Annotated[
        bool, typer.Option("--learned", help="Hold the weights with which a rate run ends, not the start weights.")
    ] = False,
    cells: Annotated[
        list[int], typer.Option("--cells", min=1, help="Cells per unit; repeatable. The model's and 4 times as many.")
    ] = [],  # noqa: B006
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    protocol: ProtocolName = None,
    output: Output = None,
) -> None:
    """Measure what each rule would change in rates and in spikes; exits with 1 where spikes are not as expected.

    --output FILE.csv writes the table.
    """
    import brainmem
    from brainmem.cli.progress import progress_bar

    table = None if output is None else check_writable(output)
    with progress_bar(Path(key).name) as report:
        found = brainmem.verify(
            key,
            brainmem.Spiking(neuron=neuron.value),
            parameters=settings(set),
            seeds=parse_seeds(seeds),
            device=device_of(device, threads),
            weights="learned" if learned else None,
            items=items or None,
            cells_per_unit=tuple(cells) or None,
            protocol=protocol,
            progress=report,
        )
    say(str(found))
    if table is not None:
        with replacing(table) as temporary:
            found.to_dataframe().to_csv(temporary, index=False, encoding="utf-8")
        say(f"Saved {table}")
    if not found.passed:
        complain("Some drifts are not as expected.")
        raise typer.Exit(1)


COMMANDS = {"explain": explain, "verify": verify}
