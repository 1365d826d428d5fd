"""Commands that look after results, compiled programs and the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brainmem.cli.screen import complain, out, print_table, say
from brainmem.errors import ResultError

__all__ = ["COMMANDS", "cache"]

MARKS = {"ok": "green", "missing": "yellow", "problem": "red"}


def doctor() -> None:
    """Say what this machine has of what brainmem needs; exits with 1 on a problem."""
    from rich.table import Table
    from rich.text import Text

    from brainmem.engine.doctor import doctor as examine

    findings = examine()
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, status, detail in findings:
        table.add_row(name, Text(status, style=MARKS.get(status, "")), Text(detail))
    out().print(table)
    if any(status == "problem" for _, status, _ in findings):
        raise typer.Exit(1)


def status(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of results.")] = Path()) -> None:
    """Say how far the sweeps in a folder are, and list its other result files and what was left unfinished."""
    import warnings

    from brainmem.cli.inventory import inventory, stores
    from brainmem.cli.sweeps import print_sweep
    from brainmem.sweeps.store import Sweep

    listed: set[Path] = set()
    for store in stores(folder):
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                found = Sweep.load(store)
        except ResultError as error:
            complain(str(error))
        else:
            for warning in said:
                complain(str(warning.message))
            print_sweep(found)
            listed |= {point.path for point in found.points}
    rows = inventory(folder, leave_out=listed)
    if listed and not rows:
        return
    if not rows:
        say(f"No result files (*.nc) in {folder}")
        return
    print_table(("file", "model", "variant", "seed", "state", "age"), rows)


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path("demo"),
) -> None:
    """Learn and recall in both variants; write figures, an index page and the results."""
    from brainmem.study.demo import demo as show

    show(output)


cache = typer.Typer(no_args_is_help=True, help="Compiled programs kept for the next run.")


@cache.command()
def info() -> None:
    """Say where compiled programs are kept and how much room they take."""
    from brainmem.engine.cache import cache_info

    found = cache_info()
    say(f"{found.folder}: {found.entries} programs, {found.size / 2**20:.1f} of {found.limit / 2**20:.0f} MB")


@cache.command()
def clear() -> None:
    """Remove all compiled programs that no run is using."""
    from brainmem.engine.cache import clear_cache

    say(f"Removed {clear_cache()} programs")


COMMANDS = {"status": status, "doctor": doctor, "demo": demo}
