"""How the commands print: plain text when piped, rich on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

__all__ = ["complain", "out", "print_code", "print_table", "say"]

PIPED_WIDTH = 160


def out() -> Console:
    """Return the console of standard output; piped output is wide, so that rows stay on one line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def say(text: str = "", *, style: str = "") -> None:
    """Print text as it is; brackets in it are no markup."""
    out().print(Text(text, style=style), soft_wrap=True)


def complain(text: str) -> None:
    """Print an error to standard error, in red on a terminal."""
    Console(stderr=True, highlight=False).print(Text(text, style="red"), soft_wrap=True)


def print_code(text: str) -> None:
    """Print Python text, coloured on a terminal."""
    console = out()
    if console.is_terminal:
        console.print(Syntax(text, "python", background_color="default", word_wrap=True))
    else:
        console.print(Text(text), soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Print rows of text under their columns' names."""
    table = Table(
        title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    out().print(table)
