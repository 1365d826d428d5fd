"""The command ``brainmem``: a thin face over the functions of the package."""

from __future__ import annotations

import io
import sys
from typing import Any

import typer
import typer.core

from brainmem.cli import drifts, fits, speed, study, sweeps, tuning, upkeep
from brainmem.cli.screen import complain
from brainmem.errors import BrainmemError

__all__ = ["app"]

INTERRUPTED = 130


class Commands(typer.core.TyperGroup):
    """Commands that end with one red sentence, not a traceback, where brainmem or the user stopped them."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit with 1 on an error of brainmem and with 130 on Ctrl+C."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter shows a question mark
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except BrainmemError as error:
            complain(str(error))
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            complain("Stopped by Ctrl+C. Result files written so far are complete.")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Memory networks and their learning rules, written once, run as rate units and as spiking neurons.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from brainmem import __version__

        typer.echo(f"brainmem {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Take the options that stand before a command."""


for commands in (study, drifts, fits, sweeps, tuning, upkeep, speed):
    for name, command in commands.COMMANDS.items():
        app.command(name)(command)
app.add_typer(upkeep.cache, name="cache")
