"""Where a text stands, for the errors about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from brainmem.errors import RuleError, closest
from brainmem.model.nouns import Model

__all__ = ["Place", "check_choice", "left_side", "listed", "place_of"]


@dataclass(frozen=True)
class Place:
    """An object of a model, and the text of it that is being checked."""

    where: str
    text: str = ""

    def error(self, reason: str, *, line: int = 0, about: str = "") -> RuleError:
        """Return the error for the numbered line of the text (0: for all of it); see `RuleError` for `about`."""
        if line:
            where = f"{self.where}, line {line} ({self.lines[line - 1].strip()!r})"
            return RuleError(f"{where}: {reason}", about=about)
        return RuleError(f"{self.where}: {reason}", about=about)

    @property
    def lines(self) -> list[str]:
        """The lines as written, from the first that is not empty."""
        return self.text.lstrip("\n\r \t").splitlines()

    @property
    def statements(self) -> list[tuple[int, str]]:
        """The lines that hold text, numbered from 1, without comments."""
        bare = ((number, line.split("#")[0].strip()) for number, line in enumerate(self.lines, 1))
        return [(number, line) for number, line in bare if line]

    def line_of(self, name: str) -> int:
        """Return the number of the line that defines a variable, 0 if none does."""
        pattern = re.compile(rf"^(d{re.escape(name)}\s*/\s*dt|{re.escape(name)})\s*[=:]")
        return next((number for number, line in self.statements if pattern.match(line)), 0)


def place_of(model: Model, kind: str, name: str = "", text: str = "") -> Place:
    """Return the place of a named part of a model, such as ``place_of(model, "population", "units")``."""
    part = f"{kind} {name!r}" if name else kind
    return Place(f"Model {model.name!r}, {part}", text)


def left_side(line: str) -> str:
    """Return the part of a line that names what it defines or changes."""
    return re.split(r"[-+*/]?=|:", line, maxsplit=1)[0]


def listed(names: Iterable[str]) -> str:
    """Return names for a message, ``"none"`` if there are none."""
    return ", ".join(names) or "none"


def check_choice(place: Place, field: str, given: object, allowed: Iterable[str]) -> None:
    """Raise unless `given` is one of the allowed names."""
    allowed = list(allowed)
    if given not in allowed:
        near = closest(str(given), allowed)
        reason = f"{field} {given!r} is not one of {listed(map(repr, allowed))}.{near}"
        raise place.error(reason, about=str(given))
