"""When a memory counts as recalled: the model's criterion, or one given in its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from brainmem.errors import ResultError, closest, quoted
from brainmem.intake.arguments import RESULT, TEXT, optional, takes

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = ["NAMES_OF_SCORES", "REPEATS", "Criterion", "shown_criteria"]

NAMES_OF_SCORES = {"overlap": "overlap", "pearson": "Pearson r", "dice": "Dice similarity"}
LEVEL = 0.5  # of rates, above which a unit counts as active
_LARGEST = 1e300
REPEATS = ("each", "mean")
_FIELDS = ("phase", "target", "score", "threshold")
_EXAMPLE = {"phase": "recall", "target": "target", "score": "overlap", "threshold": 0.85}


@dataclass(frozen=True)
class Criterion:
    """The phase that tests, the pattern recalled, and the score that a test must exceed; see `brainmem.Recalled`.

    ``str(criterion)`` is ``"overlap > 0.85"``.
    """

    phase: str
    target: str
    score: str
    threshold: float
    repeats: str = "each"
    level: float | None = None  # of a score of active units alone

    @classmethod
    @takes(ResultError, result=RESULT, **dict.fromkeys(("phase", "target", "score", "repeats"), optional(TEXT)))
    def of(
        cls,
        result: Result,
        *,
        phase: str | None = None,
        target: str | None = None,
        score: str | None = None,
        threshold: float | None = None,
        repeats: str | None = None,
        level: float | None = None,
    ) -> Criterion:
        """Return the criterion of a result's model, with what is given in place of its own.

        Parameters
        ----------
        result : Result
        phase, target, score, threshold, repeats, level : optional
            See `brainmem.Recalled`.

        Raises
        ------
        ResultError
            For a score or a way to count repeats that does not exist, a threshold that is no number, or when the model
            has no criterion and not all of it is given.
        """
        given = {"phase": phase, "target": target, "score": score, "threshold": threshold, "repeats": repeats}
        given |= {"level": level}
        own = {"repeats": "each", **result.recalled}
        known = own | {name: value for name, value in given.items() if value is not None}
        if level is None and known.get("score") != "dice":
            known.pop("level", None)
        return cls(**_checked(result, known))

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that say something, by name, as `brainmem.Recalled.of` returns them."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def quantity(self) -> str:
        """Name of the score, such as ``"Pearson r"``."""
        return NAMES_OF_SCORES.get(self.score, self.score)

    def __str__(self) -> str:
        return f"{self.quantity} > {self.threshold:g}"


def _checked(result: Result, known: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a criterion, after checking that none is missing or wrong."""
    absent = [name for name in _FIELDS if name not in known]
    if absent:
        raise ResultError(_incomplete(result, absent))
    _one_of("score", known["score"], NAMES_OF_SCORES)
    _one_of("repeats", known["repeats"], REPEATS)
    dice = known["score"] == "dice"
    if not dice and known.get("level") is not None:
        raise ResultError(f"level={quoted(known['level'])} tells active units, which only score='dice' counts.")
    known["level"] = known.get("level", LEVEL) if dice else None
    for name, value in (("threshold", known["threshold"]), ("level", known["level"])):
        if not _is_finite(value) and not (name == "level" and not dice):
            raise ResultError(f"{name} must be a finite number, such as 0.85, got {quoted(value)}.")
    return known


def _is_finite(given: Any) -> bool:
    if isinstance(given, bool | np.timedelta64) or not isinstance(given, int | float | np.integer | np.floating):
        return False
    return bool(-_LARGEST < given < _LARGEST)


def shown_criteria(criteria: Mapping[str, Criterion]) -> str:
    """Return criteria by variant as one line: ``"overlap > 0.85 (rate), Pearson r > 0.85 (spiking)"``."""
    if len(set(criteria.values())) == 1:
        return str(next(iter(criteria.values())))
    return ", ".join(f"{criterion} ({variant})" for variant, criterion in criteria.items())


def _incomplete(result: Result, absent: list[str]) -> str:
    example = ", ".join(f"{name}={value!r}" for name, value in _EXAMPLE.items())
    return (
        f"The model {result.model!r} does not say when a memory counts as recalled ({', '.join(absent)} missing). "
        f"Declare it in the model, MemoryModel(..., recalled=Recalled({example})), or give it here: "
        f"{', '.join(f'{name}={_EXAMPLE[name]!r}' for name in absent)}."
    )


def _one_of(name: str, given: Any, allowed: Collection[str]) -> None:
    if given not in allowed:
        raise ResultError(f"{name} must be one of {', '.join(allowed)}, got {given!r}.{closest(str(given), allowed)}")
