"""Text over parameters: evaluate it safely, draw arrays from it, resolve and check a model's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainmem.text.draws import draw
from brainmem.text.expression import evaluate
from brainmem.model.parameters import resolve_parameters
from brainmem.errors import plain_tracebacks

if TYPE_CHECKING:
    from brainmem.model.nouns import MemoryModel

plain_tracebacks()  # these modules are the first to import Brian2

__all__ = ["check_model", "draw", "evaluate", "resolve_parameters"]


def check_model(model: MemoryModel) -> None:
    """Raise a `RuleError` for all that is wrong with a model's text; see `brainmem.model.checks`."""
    from brainmem.model.checks import check_model as check

    check(model)
