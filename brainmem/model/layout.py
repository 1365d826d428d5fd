"""Lines of a given width: prose is filled, expressions are broken before an operator, tables are aligned."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["aligned", "broken", "columns", "prose"]

DEEPER = 4
"""By how much the further lines of a broken one are indented."""
GAP = "  "


def broken(text: str, width: int, *, indent: int = 0) -> list[str]:
    """Return a text as lines of at most `width` characters, broken outside of as many brackets as can be.

    A part that no space or operator divides stays whole, however long it is.
    """
    lines, left = [], indent
    while len(text) + left > width and (place := _break(text, width - left)):
        lines.append(" " * left + text[:place].rstrip())
        text, left = text[place:].lstrip(), indent + DEEPER
    return [*lines, " " * left + text]


def _break(text: str, width: int) -> int:
    """Return where to begin a new line, not in the line's first third if possible; 0 for nowhere."""
    places = list(_places(text))
    fitting = [place for place in places if place[-1] <= width] or places[:1]
    late = [place for place in fitting if place[-1] > width // 3] or fitting
    if not late:
        return 0
    best = min(place[:2] for place in late)
    return max(place[-1] for place in late if place[:2] == best)


def _places(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield (depth in brackets, rank, place) of each space and operator that a line may begin with."""
    depth = 0
    for place, character in enumerate(text):
        after = text[place + 1 : place + 2]
        if character == " " and place and after not in (" ", "=", ":") and text[place - 1] not in "+-=<>*/:":
            yield depth, 0 if depth and text[place - 1] == "," else 1, place
        elif character in "*/" and place and "*" not in (text[place - 1], after):
            yield depth, 2, place
        depth += (character in "([{") - (character in ")]}")


def prose(text: str, width: int) -> list[str]:
    """Return a text with the line ends that it has, or filled where one of its lines is too long."""
    lines = [line.rstrip() for line in text.splitlines()]
    if max(map(len, lines), default=0) <= width:
        return lines
    return [line for paragraph in _paragraphs(lines) for line in _filled(paragraph, width)]


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Yield paragraphs, empty lines, items of lists and headings with the rule below them, each as one line."""
    paragraph = ""
    for line in lines:
        if paragraph and (not line or line.startswith("- ") or set(line) == {"-"}):
            yield paragraph
            paragraph = ""
        if not line or set(line) == {"-"}:
            yield line
        else:
            paragraph = f"{paragraph} {line.strip()}".strip()
    if paragraph:
        yield paragraph


def _filled(paragraph: str, width: int) -> list[str]:
    hanging = "  " if paragraph.startswith("- ") else ""
    lines = textwrap.wrap(paragraph, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def aligned(pairs: Iterable[tuple[str, str]], width: int) -> list[str]:
    """Return lines ``what  text`` with the texts below each other; pairs without text are left out."""
    shown = [pair for pair in pairs if pair[1]]
    room = min(max((len(what) for what, _ in shown), default=0), width // 3)
    return [line for what, text in shown for line in _beside(what, text, room, width)]


def _beside(what: str, text: str, room: int, width: int) -> list[str]:
    first, *others = broken(text, width - room - 2 * len(GAP))
    below = [f"{GAP}{' ' * room}{GAP}{line}" for line in others]
    if len(what) > room:
        return [f"{GAP}{what}", f"{GAP}{' ' * room}{GAP}{first}", *below]
    return [f"{GAP}{what:<{room}}{GAP}{first}", *below]


def columns(names: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, wide: int) -> list[str]:
    """Return a table whose column `wide` takes the room that the others leave, on several lines where it is short."""
    natural = [max(len(row[k]) for row in [names, *rows]) for k in range(len(names))]
    others = sum(natural) - natural[wide] + len(GAP) * len(names)
    room = [*natural]
    room[wide] = max(min(natural[wide], width - others), len(names[wide]), 16)
    return [line for row in [names, *rows] for line in _row(row, room, wide)]


def _row(cells: Sequence[str], room: Sequence[int], wide: int) -> list[str]:
    parts = textwrap.wrap(cells[wide], room[wide], break_on_hyphens=False) or [""]
    lines = []
    for k, part in enumerate(parts):
        shown = [part if i == wide else cell * (k == 0) for i, cell in enumerate(cells)]
        lines.append(GAP + GAP.join(f"{cell:<{size}}" for cell, size in zip(shown, room, strict=True)).rstrip())
    return lines
