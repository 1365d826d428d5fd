"""Collect the errors of a model, so that one message tells all of them and none that only follows from another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import Any

from brainmem.errors import RuleError

__all__ = ["Findings"]


class Findings:
    """The errors found so far.

    The block of ``with found:`` may raise one: it is noted, and the checks go on behind the block.

    Attributes
    ----------
    errors : list of RuleError
    follows : list of RuleError
        Those that are not told: each is about a name for which an error was told where it is declared.
    """

    def __init__(self) -> None:
        self.errors: list[RuleError] = []
        self.follows: list[RuleError] = []
        self._lost: set[str] = set()
        self._blind = False

    def __enter__(self) -> Findings:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if isinstance(error, RuleError):
            self.note(error)
            return True
        return False

    def note(self, error: RuleError) -> None:
        """Add an error, which may consist of several."""
        for single in error.errors or (error,):
            (self.follows if self._is_lost(single) else self.errors).append(single)

    def beside(self) -> Findings:
        """Return findings of another check of the same texts: none so far, about names that are lost here too."""
        other = Findings()
        other._lost, other._blind = set(self._lost), self._blind
        return other

    def passes(self, check: Callable[..., Any], *given: Any) -> bool:
        """Run a check, and return whether it raised no error."""
        with self:
            check(*given)
            return True
        return False

    def lose(self, *texts: Any) -> None:
        """Tell no more about the names in these texts, which may declare them but cannot be read as they stand."""
        for text in texts:
            if not isinstance(text, str):  # it might have declared any name
                self._blind = True
                continue
            names = set(re.findall(r"[^\W\d]\w*", unicodedata.normalize("NFKC", _without_marks(text))))
            self._lost |= names | {name.removeprefix("d") for name in names}

    def knows(self, name: str) -> bool:
        """Tell whether nothing is wrong with the text that may declare a name."""
        return not (self._blind or {name, name.removesuffix("_pre").removesuffix("_post")} & self._lost)

    def _is_lost(self, error: BaseException | None) -> bool:
        while error is not None:
            if isinstance(error, RuleError) and error.about and not self.knows(error.about):
                return True
            error = error.__cause__
        return False

    def __bool__(self) -> bool:
        return bool(self.errors or self.follows)

    def close(self, where: str = "") -> None:
        """Raise what was found: a single error as it is, several in one message that begins with `where`."""
        single = {str(error): error for error in self.errors or self.follows}
        if len(single) == 1:
            raise next(iter(single.values()))
        if single:
            parts = list(dict.fromkeys(map(_part, single)))
            ordered = sorted(single, key=lambda message: (parts.index(_part(message)), _line(message)))
            raise RuleError(_listed(where, ordered), errors=(single[message] for message in ordered))


def _part(message: str) -> str:
    """Return the part of the model that a message is about, such as ``"rule 'hebb'"``."""
    found = re.match(r"Model '.*?', (\w+ '[^']*')", message)
    return found[1] if found else ""


def _line(message: str) -> int:
    found = re.search(r", line (\d+) \(", message)
    return int(found[1]) if found else 0


def _listed(where: str, messages: list[str]) -> str:
    short = [message.removeprefix(where).removeprefix(",").removeprefix(":").strip() for message in messages]
    lines = (f"{number}. {message}".replace("\n", "\n     ") for number, message in enumerate(short, 1))
    return "\n  ".join([f"{where} has {len(short)} errors:".strip(), *lines])


def _without_marks(text: str) -> str:
    """Return a text without dots, hats and bars over its letters."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
