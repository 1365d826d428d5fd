"""Commands that look at models, run them, and compare their variants."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from brainmem.cli.options import (
    check_writable,
    device_of,
    make_folder,
    pairs,
    parse_trials,
    records,
    save_result,
    settings,
)
from brainmem.cli.screen import out, print_code, print_table, say
from brainmem.storage.files import file_name

__all__ = ["COMMANDS"]


class Variant(StrEnum):
    """What a model is lowered to."""

    rate = "rate"
    spiking = "spiking"


class Variants(StrEnum):
    """One variant or both."""

    rate = "rate"
    spiking = "spiking"
    both = "both"


class Size(StrEnum):
    """How large an experiment is."""

    quick = "quick"
    full = "full"


Key = Annotated[str, typer.Argument(metavar="KEY", help="A model's name, or the folder of your own model.")]
Set = Annotated[
    list[str], typer.Option("--set", metavar="NAME=VALUE", help="Change a parameter: eps=1e-4, tau=30*ms. Repeatable.")
]
Input = Annotated[
    list[str], typer.Option("--input", metavar="NAME=FILE", help="Patterns from a .npy or .csv file (items, units).")
]
DeviceName = Annotated[str, typer.Option("--device", help="cpp_standalone, runtime, runtime:cython, cuda_standalone.")]
Threads = Annotated[int, typer.Option(help="OpenMP threads of compiled runs; 0 compiles without OpenMP.")]
Pick = Annotated[Variant, typer.Option(help="The paper's own network, or spiking cells.")]
ProtocolName = Annotated[
    str | None,
    typer.Option("--protocol", metavar="NAME", help="One of the model's protocols; the first if not given."),
]
Trials = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER|items",
        help="Independent trials that run at once, or a trial for each item; no rule may act.",
    ),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Where results are written.")]


Record = Annotated[
    list[str],
    typer.Option(
        "--record",
        metavar="NAME[=WHEN]",
        help="weights (if nothing is named), recurrent.w=0,10,last (epochs), spikes, x, end_x=dream. Repeatable.",
    ),
]


def list_() -> None:
    """List the models that ship with brainmem."""
    from brainmem.cli.cards import listing

    print_table(("model", "paper", "protocols", "claims"), listing())


def show(
    key: Key,
    variant: Annotated[Variant | None, typer.Option(help="Print the Brian2 script of this variant.")] = None,
    protocol: ProtocolName = None,
) -> None:
    """Show a model: its card, or with --variant the Brian2 script it is translated to; --protocol shows only one."""
    from brainmem import get_model
    from brainmem.cli.cards import print_card
    from brainmem.translation import translate

    if variant is None:
        print_card(key, protocol)
    else:
        print_code(str(translate(get_model(key), variant.value, protocol=protocol)))


def run(
    key: Key,
    variant: Pick = Variant.rate,
    set: Set = [],  # noqa: B006 - typer copies the default
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Decides everything random.")] = 0,
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    input: Input = [],  # noqa: B006
    record: Record = [],  # noqa: B006
    trials: Trials = None,
    protocol: ProtocolName = None,
    output: Output = None,
    report: Annotated[bool, typer.Option(help="Write a page with figures beside the result.")] = True,
) -> None:
    """Run a model once; save the result (KEY-VARIANT-seedN.nc unless --output names a file) and a page beside it."""
    run = f"{protocol}-{variant.value}" if protocol else variant.value
    name = f"{file_name(Path(key).name)}-{file_name(run)}-seed{seed}.nc"
    path = check_writable(output or Path(name))
    options = {"parameters": settings(set), "inputs": pairs(input, "--input"), "device": device_of(device, threads)}
    options |= {"trials": parse_trials(trials), "protocol": protocol, **({"record": records(record)} if record else {})}
    [result] = _runs([(key, variant.value, seed)], options)
    save_result(result, path)
    _print_recall(result)
    say(f"Saved {path}")
    if report:
        from brainmem import write_report

        title = f"{result.model}: {_protocol(result.protocol)}{result.variant} variant, seed {seed}"
        say(f"Saved {write_report(path.with_suffix('.html'), title=title, results=result)}")


def compare(
    key: Key,
    seeds: Annotated[int, typer.Option(min=1, max=100_000, help="Number of seeds, 0, 1, 2, ...")] = 3,
    set: Set = [],  # noqa: B006
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    input: Input = [],  # noqa: B006
    protocol: ProtocolName = None,
    output: Output = None,
) -> None:
    """Run both variants from the same seeds and say how far they agree; --output DIR keeps results and a report."""
    import brainmem

    folder = None if output is None else make_folder(output)
    options = {"parameters": settings(set), "inputs": pairs(input, "--input"), "device": device_of(device, threads)}
    options["protocol"] = protocol
    todo = [(key, variant.value, seed) for variant in Variant for seed in range(seeds)]
    results = _runs(todo, options, folder)
    comparison = brainmem.compare(results[:seeds], results[seeds:])
    print_table(("quantity", "mean", "sd", "n"), comparison.rows(), title=f"{comparison.model}: rate and spiking")
    for remark in comparison.remarks:
        say(remark)
    if folder is not None:
        title = f"{comparison.model}: rate and spiking"
        page = brainmem.write_report(folder / "report.html", title=title, comparison=comparison)
        say(f"Saved {page}")


def reproduce(
    key: Key,
    size: Annotated[Size, typer.Option(help="Reduced for minutes, or the paper's own size.")] = Size.quick,
    claim: Annotated[list[str], typer.Option("--claim", metavar="C1", help="Only this claim. Repeatable.")] = [],  # noqa: B006
    variant: Annotated[Variants, typer.Option(help="Which variants to check.")] = Variants.both,
    device: DeviceName = "cpp_standalone",
    threads: Threads = 0,
    output: Output = None,
) -> None:
    """Check the paper's claims; exits with 1 when one fails. --output FILE.html writes a report."""
    import brainmem
    from brainmem.cli.screen import complain

    page = None if output is None else check_writable(output)
    found = brainmem.reproduce(
        key,
        size=size.value,
        claims=tuple(claim) or None,
        variant=variant.value,
        device=device_of(device, threads),
        progress=_line,
    )
    out().print(found.table())
    for remark in found.remarks:
        out().print(remark, highlight=False, markup=False)
    if page is not None:
        options = {"claims": found.rows, "notes": found.remarks}
        brainmem.write_report(page, title=f"{found.model}: claims", results=found.results, **options)
        say(f"Saved {page}")
    if not found.passed:
        complain("Some expectations failed.")
        raise typer.Exit(1)


def _protocol(name: str) -> str:
    return f"protocol {name}, " if name else ""


def _line(text: str) -> None:
    """Show one line of progress on standard error."""
    typer.echo(text, err=True)


def _runs(todo: list[tuple[str, str, int]], options: dict[str, Any], folder: Path | None = None) -> list[Any]:
    """Simulate each (model, variant, seed) under one progress bar, and save each in `folder` as it ends."""
    from brainmem import get_model, simulate
    from brainmem.cli.progress import progress_bar

    results = []
    with progress_bar(f"{Path(todo[0][0]).name}") as report:
        for done, (key, variant, seed) in enumerate(todo):

            def part(completed: float, done: int = done) -> None:
                report((done + completed) / len(todo))

            results.append(simulate(get_model(key), variant, seed=seed, progress=part, **options))
            if folder is not None:
                save_result(results[-1], folder / f"{file_name(results[-1].model)}-{variant}-seed{seed}.nc")
    return results


def _print_recall(result: Any) -> None:
    """Print the fraction recalled in each tested epoch, where the model has such tests."""
    from brainmem import BrainmemError, measure

    state = "complete" if result.complete else "ended early"
    variant = f"{_protocol(result.protocol)}{result.variant} variant"
    say(f"{result.model}, {variant}, seed {result.seed}, on {result.device}: {state}")
    for warning in result.warnings:
        say(f"  warning: {warning}")
    try:
        recalled = measure.recall_table(result)["recalled"]
    except BrainmemError:
        return
    criterion = measure.Criterion.of(result)
    for epoch, fraction in zip(recalled["epoch"].values, recalled.values, strict=True):
        say(f"  recalled after epoch {int(epoch)}: {float(fraction):.2f} ({criterion})")


COMMANDS = {
    "list": list_,
    "show": show,
    "run": run,
    "compare": compare,
    "reproduce": reproduce,
}
