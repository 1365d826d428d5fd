"""When a memory counts as recalled: the model's criterion, or one given in its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from brainmem.errors import ResultError, closest, quoted
from brainmem.intake.arguments import RESULT, TEXT, optional, takes

if TYPE_CHECKING:
    from brainmem.results.result import Result

__all__ = ["NAMES_OF_SCORES", "REPEATS", "Criterion", "shown_criteria"]

NAMES_OF_SCORES = {"overlap": "overlap", "pearson": "Pearson r"}
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
    ) -> Criterion:
        """Return the criterion of a result's model, with what is given in place of its own.

        Parameters
        ----------
        result : Result
        phase, target, score, threshold, repeats : optional
            See `brainmem.Recalled`.

        Raises
        ------
        ResultError
            For a score or a way to count repeats that does not exist, a threshold that is no number, or when the model
            has no criterion and not all of it is given.
        """
        given = {"phase": phase, "target": target, "score": score, "threshold": threshold, "repeats": repeats}
        own = {"repeats": "each", **result.recalled}
        return cls(**_checked(result, own | {name: value for name, value in given.items() if value is not None}))

    @property
    def quantity(self) -> str:
        """Name of the score: ``"overlap"`` or ``"Pearson r"``."""
        return NAMES_OF_SCORES[self.score]

    def __str__(self) -> str:
        return f"{self.quantity} > {self.threshold:g}"


def _checked(result: Result, known: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a criterion, after checking that none is missing or wrong."""
    absent = [name for name in _FIELDS if name not in known]
    if absent:
        raise ResultError(_incomplete(result, absent))
    _one_of("score", known["score"], NAMES_OF_SCORES)
    _one_of("repeats", known["repeats"], REPEATS)
    threshold = known["threshold"]
    if (
        isinstance(threshold, bool | np.timedelta64)
        or not isinstance(threshold, int | float | np.integer | np.floating)
        or not -_LARGEST < threshold < _LARGEST
    ):
        raise ResultError(f"threshold must be a finite number, such as 0.85, got {quoted(threshold)}.")
    return known


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
