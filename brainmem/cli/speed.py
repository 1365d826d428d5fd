"""The command that measures brainmem beside its peers."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainmem.cli.options import check_writable
from brainmem.cli.screen import complain, out, say
from brainmem.storage.files import replacing

if TYPE_CHECKING:
    from brainmem.bench import Case, Effort, Row

__all__ = ["COMMANDS"]


class Size(StrEnum):
    """How large the networks are."""

    full = "full"
    tiny = "tiny"


Only = Annotated[str, typer.Option(metavar="CASE,CASE", help="Only these cases: static, plastic, rank_one, ...")]
Pick = Annotated[Size, typer.Option(help="The sizes of the goals, or each case once at a tiny size, to see it work.")]
Rounds = Annotated[int, typer.Option(min=1, help="Times that everything is measured, in turn.")]
File = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every time measured to this file.")]


def bench(only: Only = "", size: Pick = Size.full, rounds: Rounds = 7, json_file: File = None) -> None:
    """Measure the time per step beside its peers, one thread each; exits with 1 when a goal is missed.

    numpy and plain Brian2 take part always, JAX and ANNarchy where they are installed (extra "bench").
    """
    from brainmem.bench import Effort, choose
    from brainmem.bench.cases import CASES
    from brainmem.bench.table import table

    chosen = choose(CASES, [name.strip() for name in only.split(",") if name.strip()])
    file = None if json_file is None else check_writable(json_file, "--json")
    effort = Effort(1, 0.0, tiny=True, say=_line) if size is Size.tiny else Effort(rounds, say=_line)
    rows = _measured(chosen, effort, file)
    out().print(table(rows))
    if file is not None:
        say(f"Saved {file}")
    _finish(rows)


def _measured(cases: tuple[Case, ...], effort: Effort, file: Path | None) -> list[Row]:
    """Measure; what was measured so far is in `file` when somebody loses patience."""
    from brainmem.bench import measure_case
    from brainmem.bench.table import record

    rows: list[Row] = []
    for case in cases:
        for size in (case.tiny,) if effort.tiny else case.sizes:
            rows += measure_case(case, size, effort)
            if file is not None:
                with replacing(file) as temporary:
                    temporary.write_text(json.dumps(record(rows, effort), indent=1) + "\n", encoding="utf-8")
    return rows


def _finish(rows: list[Row]) -> None:
    from brainmem.bench.engines import ENGINES, installed

    absent = dict.fromkeys(package for name, (_, package) in ENGINES.items() if not installed(name))
    if absent:
        say(f"Not installed here: {', '.join(absent)}. Install them with: pip install 'brainmem[bench]'")
    missed = [row for row in rows if row.verdict == "missed"]
    if missed:
        names = ", ".join(dict.fromkeys(f"{row.case.name} against {row.peer} at N={row.size}" for row in missed))
        complain(f"Goals missed: {names}.")
        raise typer.Exit(1)


def _line(text: str) -> None:
    """Show one line of progress on standard error."""
    typer.echo(text, err=True)


COMMANDS: dict[str, Any] = {"bench": bench}
