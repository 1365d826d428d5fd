"""Read a table of numbers, with or without a header and a column of times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from brainmem.errors import ResultError

__all__ = ["Table", "read_table"]

_UNIT = r"(s|secs?|seconds?|ms|msecs?|milliseconds?)"
_TIME = re.compile(rf"^(?:times?|timestamps?)(?:[\s_]*[\[(]?\s*{_UNIT}\s*[\])]?)?$", re.I)
# So short that a unit may be called this; a first column is not.
_SHORT = re.compile(rf"^(?:t(?:[\s_]*[\[(]?\s*{_UNIT}\s*[\])]?)?|{_UNIT})$", re.I)
# Times and numbers of rows rise in even steps, to this part of a step.
_EVEN = 1e-3


@dataclass(frozen=True)
class Table:
    """The numbers of a table, (row, column), without its times; `times` are in seconds, `names` empty or by column."""

    values: np.ndarray
    names: tuple[str, ...] = ()
    times: np.ndarray | None = None


def read_table(path: Path) -> Table:
    """Return the numbers of a text file whose columns are separated by tabs, semicolons, commas or spaces.

    Empty lines and lines that begin with ``#`` are left out. A column that is called ``time`` (``time_ms``,
    ``time (s)``), or a first one called ``t``, ``t_ms``, ``seconds`` or ``ms``, holds times.

    Raises
    ------
    ResultError
        When the file is empty, holds text among its numbers, or has a column of row numbers or times without saying so.
    """
    lines = _lines(path)
    separator = next((mark for mark in "\t;," if mark in lines[0]), r"\s+")
    cells = [cell.strip().strip("\"'") for cell in re.split(separator, lines[0].strip())]
    decimal = "," if separator in ("\t", ";") and "," in "".join(lines[1:]) and "." not in "".join(lines[1:]) else "."
    named = not all(_number(cell.replace(decimal, ".")) for cell in cells) or _counted(cells)
    frame = _frame(path, lines, separator, decimal, named=named)
    numbers = _numbers(path, frame, named=named)
    times = _time_column(list(frame.columns)) if named else None
    table = numbers.drop(columns=[times] if times else [])
    if times is None:
        _refuse_counter(path, numbers, named=named)
    return Table(
        table.to_numpy(dtype=float),
        tuple(table.columns) if named else (),
        None if times is None else numbers[times].to_numpy(dtype=float) * _scale(times),
    )


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ResultError(f"{str(path)!r} is no text in UTF-8: {error}") from error
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise ResultError(f"{str(path)!r} holds no table: it has no line that is not empty or a comment.")
    return lines


def _frame(path: Path, lines: list[str], separator: str, decimal: str, *, named: bool) -> pd.DataFrame:
    text = "\n".join(line.strip() if len(separator) > 1 else line for line in lines)
    try:
        frame = pd.read_csv(
            StringIO(text),
            header=0 if named else None,
            sep=separator,
            decimal=decimal,
            index_col=False,
            skipinitialspace=True,
            engine="python" if len(separator) > 1 else "c",
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise ResultError(f"{str(path)!r} cannot be read as a table: {error}") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    unnamed = [
        k for k, name in enumerate(frame.columns) if name.startswith("Unnamed") and frame.iloc[:, k].isna().all()
    ]
    frame = frame.drop(columns=frame.columns[unnamed])
    if len(frame.columns) and frame.columns[0].startswith("Unnamed") and _rises_by_one(frame.iloc[:, 0]):
        frame = frame.iloc[:, 1:]  # the numbers of rows that pandas writes
    return frame


def _numbers(path: Path, frame: pd.DataFrame, *, named: bool) -> pd.DataFrame:
    numbers = frame.apply(pd.to_numeric, errors="coerce")
    wrong = np.argwhere((numbers.isna() & frame.notna()).to_numpy())
    if len(wrong):
        row, column = wrong[0]
        where = f"column {frame.columns[column]!r}" if named else f"column {column + 1}"
        raise ResultError(
            f"{str(path)!r}: {len(wrong)} cells are no numbers, the first is {str(frame.iat[row, column])!r} in row "
            f"{row + 1} of the numbers, {where}. Leave cells without a value empty."
        )
    return numbers


def _refuse_counter(path: Path, numbers: pd.DataFrame, *, named: bool) -> None:
    """Refuse a first column that rises in even steps: it holds times or row numbers, no rates."""
    first = numbers.iloc[:, 0].to_numpy(dtype=float) if numbers.shape[1] else np.zeros(0)
    steps = np.diff(first)
    if len(steps) > 2 and np.all(steps > 0) and np.ptp(steps) <= _EVEN * steps.mean():
        name = f"column {numbers.columns[0]!r}" if named else "its first column"
        raise ResultError(
            f"{str(path)!r}: {name} rises by {steps.mean():g} from row to row, as times or row numbers do. Call it "
            "'time' (seconds) or 'time_ms' in a header if it holds times; remove it if it numbers the rows."
        )


def _rises_by_one(values: pd.Series) -> bool:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    return len(numbers) > 1 and bool(np.all(np.diff(numbers) == 1))


def _counted(cells: list[str]) -> bool:
    """Whether a first line is 0, 1, 2, ...: the names that pandas gives to columns."""
    cells = cells[1:] if cells and not cells[0] else cells
    return len(cells) > 1 and cells == [str(k) for k in range(len(cells))]


def _number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _time_column(names: list[str]) -> str | None:
    short = [name for name in names[:1] if _SHORT.match(name)]
    return next((name for name in names if _TIME.match(name)), short[0] if short else None)


def _scale(name: str) -> float:
    match = _TIME.match(name) or _SHORT.match(name)
    unit = "".join(group or "" for group in match.groups()) if match else ""
    return 1e-3 if unit.lower().startswith("m") else 1.0
