"""Read a table of numbers from a text file: types of cells first, then separator, header and the meaning of signs."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from brainmem.errors import BrainmemError, ResultError
from brainmem.intake.cells import (
    EMPTY,
    MISSING,
    MOMENT,
    NUMBER,
    TEXT,
    Convention,
    Unclear,
    convention_of,
    kind_of,
    remedy,
)

__all__ = ["PLACE", "Table", "read_table"]

Rows = list[list[str]]
SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "spaces"}
_LOOKED_AT = 200  # lines that tell the separator
_COMMENTS = ("#", "%", "//")
_LABEL = re.compile(r"(times?|timestamps?|t|frames?|index|sample|units?|cells?|id|name|regions?|areas?)\b.*", re.I)
PLACE = re.compile(r"(brain[\s_]?)?(regions?|areas?)([\s_]?names?)?|locations?", re.I)


@dataclass(frozen=True)
class Table:
    """The numbers of a text file, (row, column), NaN where a cell has no value.

    Attributes
    ----------
    heads : tuple of tuple of str
        The header's words of each column; empty without a header.
    rows : tuple of str
        Names of the rows, where the first column holds text; else empty.
    moments : dict of int to list of str
        Columns that hold moments in time, as text; NaN in `values`.
    texts : dict of str to tuple of str
        Columns of text by the words above them, which are in no column of `values`: regions of units.
    notes : tuple of str
        What was decided in reading.
    """

    values: np.ndarray
    source: str
    heads: tuple[tuple[str, ...], ...] = ()
    rows: tuple[str, ...] = ()
    moments: dict[int, list[str]] | None = None
    notes: tuple[str, ...] = ()
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each column, each once; empty without a header."""
        first = [next((word for word in words if word), "") for words in self.heads]
        seen: Counter[str] = Counter()
        found = []
        for name in first:
            found.append(f"{name}.{seen[name]}" if seen[name] else name)
            seen[name] += 1
        return tuple(found)


def read_table(path: Path, *, error: type[BrainmemError] = ResultError) -> Table:
    """Return the numbers of a text file whose columns are separated by tabs, semicolons, commas, bars or spaces.

    Empty lines, and lines that begin with ``#``, ``%`` or ``//``, are left out. Decimal commas are read where they
    can be told from commas between thousands.

    Raises
    ------
    BrainmemError
        Of the type `error`, when the file is empty, holds text among its numbers, or can be read in two ways. The
        message names line, column and cell.
    """
    source = repr(str(path))
    lines, notes = _lines(path, source, error)
    separator = _separator([text for _, text in lines], notes)
    numbers = [number for number, _ in lines]
    rows = [_split(text, separator) for _, text in lines]
    rows = _rectangular(rows, numbers, separator, source, error)
    kinds = [[kind_of(cell) for cell in row] for row in rows]
    count = _header(rows, kinds)
    heads, body, kinds, numbers = rows[:count], rows[count:], kinds[count:], numbers[count:]
    if not body:
        raise error(f"{source} holds no table: there is no line of numbers below its header.")
    if separator not in ",\t;":
        notes.append(f"columns are separated by {SEPARATORS[separator]}")
    if count > 1:
        notes.append(f"its first {count} lines are a header")
    return _typed(body, kinds, heads, numbers, source, notes, error)


def _lines(path: Path, source: str, error: type[BrainmemError]) -> tuple[list[tuple[int, str]], list[str]]:
    """Return the lines that hold cells, each with its number in the file."""
    try:
        raw = path.read_bytes()
    except OSError as reason:
        raise error(f"{source} cannot be read: {reason.strerror}.") from reason
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as reason:
        if b"\0" in raw:
            raise error(f"{source} is no text but binary data: {reason}.") from reason
        text = raw.decode("latin-1")
    notes = [] if wide or _is_utf8(raw) else ["is no UTF-8; its text was read as Latin-1"]
    if "\0" in text:
        raise error(f"{source} is no text but binary data: it has bytes of value 0.")
    found = [(number, line.rstrip("\r\n ")) for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1)]
    filled = [(number, line) for number, line in found if line.strip()]
    found = [(number, line) for number, line in filled if not _is_comment(line)]
    if len(found) < len(filled):
        notes.append(f"{len(filled) - len(found)} lines are comments ({' or '.join(_COMMENTS)}) and were left out")
    if not found:
        raise error(f"{source} holds no table: it has no line that is not empty or a comment.")
    return found, notes


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def _is_comment(line: str) -> bool:
    """Tell whether a line is a comment, and not one whose first cell is Excel's ``#N/A``."""
    first = re.split(r"[\t;,| ]", line.strip(), maxsplit=1)[0].strip("\"'")
    return line.lstrip().startswith(_COMMENTS) and kind_of(first) != MISSING


def _separator(lines: list[str], notes: list[str]) -> str:
    """Return the separator with which most cells are numbers; ``sep=;`` in the first line, as Excel reads, says it."""
    said = re.fullmatch(r"\"?sep=(.)\"?", lines[0].strip(), re.I)
    if said:
        return said[1] if said[1] in SEPARATORS else ","
    shown = [*lines[:2], *lines[-_LOOKED_AT:]]
    scores = {mark: _score([_split(line, mark) for line in shown]) for mark in SEPARATORS}
    best = max(scores.values())
    return next(mark for mark, score in scores.items() if score == best)


def _score(rows: Rows) -> tuple[bool, float, bool]:
    """Return how well a separator does: whether there are columns, the share of cells with a value, whether even."""
    widths = Counter(len(row) for row in rows)
    cells = [kind_of(cell) for row in rows[1:] or rows for cell in row]
    typed = sum(kind in (NUMBER, MISSING, EMPTY, MOMENT) for kind in cells) / max(1, len(cells))
    width, often = widths.most_common(1)[0]
    good = width > 1 and typed >= 0.4
    return good, round(typed * often / len(rows), 2), width > 1


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        line = " ".join(line.split())
    try:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [""])
    except csv.Error:
        cells = line.split(separator)
    return [cell.strip().strip("'").strip() for cell in cells]


def _rectangular(rows: Rows, numbers: list[int], separator: str, source: str, error: type[BrainmemError]) -> Rows:
    """Return rows of one width: empty cells behind the last are left out, a header without a name for rows gets one."""
    if re.fullmatch(r"\"?sep=.?\"?", "".join(rows[0]), re.I) and len(rows) > 1:
        del rows[0], numbers[0]
    width = Counter(len(row) for row in rows[-_LOOKED_AT:]).most_common(1)[0][0]
    last = max((k for row in rows for k in range(len(row)) if row[k]), default=0) + 1
    width = min(width, last) if last < width else width
    found = []
    for place, row in enumerate(rows):
        if len(row) == width - 1 and place == 0 and not any(kind_of(cell) == NUMBER for cell in row):
            row = ["", *row]
        if any(row[width:]) or len(row) < width:
            other = next((SEPARATORS[mark] for mark in SEPARATORS if mark != separator and mark in "".join(row)), "")
            hint = f" Are its cells separated by {other}?" if other and len(row) == 1 else ""
            raise error(
                f"{source}, line {numbers[place]}: it has {len(row)} cells, and most lines have {width}. Complete it, "
                f"or mark it as a comment with #.{hint}"
            )
        found.append(row[:width])
    return found


def _header(rows: Rows, kinds: list[list[str]]) -> int:
    """Return how many lines stand above the numbers."""
    below = kinds[min(len(kinds) - 1, 4) :] if len(kinds) > 8 else kinds[-max(1, len(kinds) // 2) :]
    numeric = [sum(row[k] != TEXT for row in below) >= 0.5 * len(below) for k in range(len(kinds[0]))]
    for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        texts = [k for k, found in enumerate(kind) if found == TEXT and numeric[k]]
        numbers = [k for k, found in enumerate(kind) if found == NUMBER and numeric[k]]
        if place == 0 and len(rows) > 1 and (_counted(row) or any(map(PLACE.fullmatch, row))):
            continue
        if not numbers and not texts and EMPTY in kind and MISSING not in kind:
            continue
        titled = any(_LABEL.fullmatch(row[k]) for k in texts)
        if not texts or not (len(texts) > len(numbers) or (titled and place == 0)):
            return place
    return len(rows)


def _counted(cells: list[str]) -> bool:
    """Tell whether a line is 0, 1, 2, ...: the names that pandas gives to columns."""
    cells = cells[1:] if cells and kind_of(cells[0]) != NUMBER else cells
    return len(cells) > 1 and cells == [str(k) for k in range(len(cells))]


def _typed(
    body: Rows, kinds: list[list[str]], heads: Rows, numbers: list[int], source: str, notes: list[str],
    error: type[BrainmemError],
) -> Table:  # fmt: skip
    columns = [list(column) for column in zip(*body, strict=True)]
    sorts = [list(column) for column in zip(*kinds, strict=True)]
    words = tuple(zip(*heads, strict=True)) if heads else ()
    kept = [k for k, sort in enumerate(sorts) if any(kind != EMPTY for kind in sort) or (words and any(words[k]))]
    texts = {k: name for k in kept if (name := _text_column(sorts[k], words[k] if words else ()))}
    kept = [k for k in kept if k not in texts]
    rows: tuple[str, ...] = ()
    if len(kept) > 1 and _share(sorts[kept[0]], TEXT) > 0.5:
        rows, kept = tuple(columns[kept[0]]), kept[1:]
    moments = {place: columns[k] for place, k in enumerate(kept) if _share(sorts[k], MOMENT) > 0.5}
    plain = [k for place, k in enumerate(kept) if place not in moments]
    try:
        rule = convention_of([c for c, s in zip(columns[k], sorts[k], strict=True) if s == NUMBER] for k in plain)
    except Unclear as reason:
        raise error(f"{source}{_place_of(reason, columns, plain, words, numbers)}: {reason}.") from reason.__cause__
    values = np.full((len(body), len(kept)), np.nan)
    for place, k in enumerate(kept):
        if place not in moments:
            values[:, place] = _numbers(columns[k], sorts[k], rule, k, words, numbers, source, error)
    _say(notes, rule, [sorts[k] for k in kept], [columns[k] for k in kept])
    heads_kept = tuple(words[k] for k in kept) if words else ()
    named = {name: tuple(columns[k]) for k, name in texts.items()}
    return Table(values, source, heads_kept, rows, moments, tuple(notes), named)


def _text_column(kinds: Sequence[str], words: Sequence[str]) -> str:
    """Return the word above a column of text that names regions; nothing for other columns."""
    name = next((word for word in words if word), "")
    return name if PLACE.fullmatch(name) and _share(kinds, TEXT) > 0.5 else ""


def _share(kinds: Sequence[str], wanted: str) -> float:
    given = [kind for kind in kinds if kind != EMPTY]
    return sum(kind == wanted for kind in given) / max(1, len(given))


def _numbers(
    cells: list[str], kinds: list[str], rule: Convention, column: int,
    words: Sequence[tuple[str, ...]], numbers: list[int], source: str, error: type[BrainmemError],
) -> list[float]:  # fmt: skip
    found, wrong = [], []
    for place, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
        value = np.nan if kind in (EMPTY, MISSING) else rule.number(cell) if kind == NUMBER else None
        if value is None:
            wrong.append(place)
        found.append(np.nan if value is None else value)
    if wrong:
        first = cells[wrong[0]]
        several = f"; {len(wrong)} cells of the column are no numbers" if len(wrong) > 1 else ""
        again = words and first in words[column]
        advice = "The header is repeated there: take that line out." if again else remedy(first, rule)
        if len(wrong) > 0.5 * len(cells):
            advice = "The column holds text: take it out."
        raise error(
            f"{source}, line {numbers[wrong[0]]}, {_column_name(column, words)}: {first!r} is no number{several}. "
            f"{advice}"
        )
    return found


def _column_name(column: int, words: Sequence[tuple[str, ...]]) -> str:
    name = next((word for word in words[column] if word), "") if words else ""
    return f"column {name!r}" if name else f"column {column + 1}"


def _place_of(
    reason: Exception, columns: list[list[str]], plain: list[int], words: Sequence[tuple[str, ...]], numbers: list[int]
) -> str:
    """Return line and column of the first cell that a message quotes."""
    quoted = re.match(r"'([^']*)'", str(reason))
    for k in plain:
        if quoted and quoted[1] in columns[k]:
            return f", line {numbers[columns[k].index(quoted[1])]}, {_column_name(k, words)}"
    return ""


def _say(notes: list[str], rule: Convention, kinds: list[list[str]], columns: list[list[str]]) -> None:
    if rule.decimal == "," and rule.thousands != ".":
        notes.append("commas were read as decimal signs")
    if rule.thousands:
        sign = {",": "commas", ".": "points", "'": "apostrophes"}[rule.thousands]
        notes.append(f"{sign} were read as signs between thousands")
    missing = Counter(
        cell for kind, column in zip(kinds, columns, strict=True) for s, cell in zip(kind, column, strict=True)
        if s == MISSING and cell.lower() != "nan"
    )  # fmt: skip
    if missing:
        shown = ", ".join(f"{word!r} ({count})" for word, count in missing.most_common(4))
        notes.append(f"cells without a value: {shown}")
