"""Type the cells of a table, and decide which signs in them are decimal and which group thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "EMPTY",
    "MISSING",
    "MOMENT",
    "NUMBER",
    "TEXT",
    "Convention",
    "Unclear",
    "convention_of",
    "kind_of",
    "remedy",
]

EMPTY, MISSING, NUMBER, MOMENT, TEXT = "empty", "missing", "number", "moment", "text"

WORDS = {
    "na", "n/a", "n.a.", "#n/a", "#na", "nan", "-nan", "null", "none", "nil", "missing", "n.d.", "nd", "n.d", "-", "--",
    "---", "?", ".", "*", "#value!", "#div/0!", "#ref!", "#num!", "#name?", "#null!", "<na>", "1.#qnan", "1.#ind",
    "-1.#ind", "nd.", "k.a.", "undefined",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+([.,'\u2019\u00a0\u202f]\d+)*[.,]?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED = {mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}(\{mark}\d{{3}})+", re.ASCII) for mark in ",.'"}
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4})([T ]\d\d?:\d\d(:\d\d([.,]\d+)?)?Z?)?|\d\d?:\d\d(:\d\d([.,]\d+)?)?"
)
_WITH_UNIT = re.compile(r"([+-]?\d[\d.,]*(?:[eE][+-]?\d+)?)\s*([A-Za-zµμ%°][\w/%°]*)")


class Unclear(ValueError):
    """What signs in numbers mean cannot be told; the message names a cell."""


@dataclass(frozen=True)
class Convention:
    """The sign before decimals, and the one between groups of three digits (empty for none)."""

    decimal: str = "."
    thousands: str = ""

    def number(self, cell: str) -> float | None:
        """Return the number of a cell, None where it is none by this convention."""
        text = cell.replace("\u2019", "'").replace("\u00a0", "").replace("\u202f", "").replace("\u2212", "-")
        if self.thousands and self.thousands in text:
            whole, sign, rest = text.partition(self.decimal)
            if not _GROUPED[self.thousands].fullmatch(whole):
                return None
            text = whole.replace(self.thousands, "") + sign + rest
        if self.decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        try:
            return float(text)
        except ValueError:
            return None


@lru_cache(maxsize=100_000)
def kind_of(cell: str) -> str:
    """Return whether a cell is empty, a word for a missing value, a number, a moment in time, or text."""
    if not cell:
        return EMPTY
    if cell.lower() in WORDS:
        return MISSING
    text = cell.replace("\u2212", "-")
    if _NUMBER.fullmatch(text) or re.fullmatch(r"[+-]?inf(inity)?", text.lower()):
        return NUMBER
    return MOMENT if _MOMENT.fullmatch(cell) else TEXT


def convention_of(columns: Iterable[Sequence[str]]) -> Convention:
    """Return what the signs in the numbers of a table mean.

    Parameters
    ----------
    columns : iterable of sequences of str
        The cells of each column that are numbers.

    Raises
    ------
    Unclear
        Where they could mean either, or do not fit together.
    """
    columns = [list(dict.fromkeys(column)) for column in columns]
    cells = [cell.replace("\u2019", "'") for column in columns for cell in column]
    both = [cell for cell in cells if "," in cell and "." in cell]
    commas = [cell for cell in cells if "," in cell and "." not in cell]
    dots = [cell for cell in cells if "." in cell and "," not in cell]
    if both:
        return _of_both(both, commas, dots)
    if commas and dots:
        return _of_either(commas, dots)
    if commas:
        return _of_one(columns, commas, ",")
    if dots:
        return _of_one(columns, dots, ".")
    return Convention(thousands="'" if any("'" in cell for cell in cells) else "")


def _of_both(both: list[str], commas: list[str], dots: list[str]) -> Convention:
    ends = {cell: "," if cell.rindex(",") > cell.rindex(".") else "." for cell in both}
    if len(set(ends.values())) > 1:
        first, second = (next(cell for cell, end in ends.items() if end == mark) for mark in ",.")
        raise Unclear(f"{first!r} has a decimal comma, and {second!r} a decimal point: write all numbers in one way")
    decimal = next(iter(ends.values()))
    found = Convention(decimal, "," if decimal == "." else ".")
    for cell in [*both, *commas, *dots]:
        if found.number(cell) is None:
            raise Unclear(f"{cell!r} and {both[0]!r} do not fit together: write all numbers in one way, without "
                          "signs between thousands")  # fmt: skip
    return found


def _of_either(commas: list[str], dots: list[str]) -> Convention:
    """Decide where some cells have commas and others points."""
    grouped = {mark: all(_grouped(cell, mark) for cell in cells) for mark, cells in ((",", commas), (".", dots))}
    if grouped[","] != grouped["."]:
        return Convention(".", ",") if grouped[","] else Convention(",", ".")
    raise Unclear(
        f"{commas[0]!r} has a comma, and {dots[0]!r} a point: write all decimals in one way, without signs between "
        "thousands"
    )


def _of_one(columns: list[list[str]], cells: list[str], mark: str) -> Convention:
    """Decide where commas or points are the only signs."""
    plain = Convention(mark, "'" if any("'" in cell for cell in cells) else "")
    several = [cell for cell in cells if cell.count(mark) > 1]
    wrong = next((cell for cell in cells if not _grouped(cell, mark)), None)
    if several and wrong is not None:
        raise Unclear(f"{several[0]!r} and {wrong!r} do not fit together: write all numbers without signs between "
                      "thousands")  # fmt: skip
    if several:
        return Convention("." if mark == "," else ",", mark)
    if wrong is not None:
        return plain
    for column in columns:
        without = [cell for cell in column if cell.lstrip("+-").isdecimal()]
        marked = next((cell for cell in column if mark in cell), None)
        if without and marked and all(len(cell.lstrip("+-")) <= 3 for cell in without):
            sign = "comma" if mark == "," else "point"
            raise Unclear(
                f"{marked!r} may be {marked.replace(mark, '')} or {marked.replace(mark, '.')}: every {sign} of the "
                f"table stands before exactly three digits, and cells such as {without[0]!r} have none. Write "
                f"{marked.replace(mark, '')!r} if it groups thousands, or {marked.replace(mark, '.') + '0'!r} if it "
                "stands before decimals"
            )
    return plain


def _grouped(cell: str, mark: str) -> bool:
    return bool(_GROUPED[mark].fullmatch(cell))


def remedy(cell: str, convention: Convention) -> str:
    """Return what to do about a cell that is no number: a sentence."""
    united = _WITH_UNIT.fullmatch(cell)
    if re.fullmatch(r"[+-]?\d+(\.\d*)?[dD][+-]?\d+", cell):
        return f"Write {re.sub('[dD]', 'e', cell)!r}."
    if re.fullmatch(r"(true|false|yes|no)", cell.lower()):
        return "Write 1 or 0."
    if re.fullmatch(r"\(?[+-]?[\d.]+[+-][\d.]+[ij]\)?", cell):
        return "It is complex: write one real number in a cell."
    if united:
        return f"Write {united[1]!r}, and the unit {united[2]!r} in the column's name."
    if kind_of(cell) == NUMBER:
        other = "comma" if convention.decimal == "." else "point"
        own = "point" if convention.decimal == "." else "comma"
        return f"Its {other} does not fit the other cells, which have a decimal {own}: write all numbers in one way."
    if kind_of(cell) == MOMENT:
        return "It is a moment in time: call its column 'time'."
    return "Leave cells without a value empty, or write NA."
