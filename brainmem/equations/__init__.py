"""Text over parameters: evaluate it safely, draw arrays from it, resolve and check a model's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainmem.equations.draws import draw
from brainmem.equations.expression import evaluate
from brainmem.equations.parameters import resolve_parameters
from brainmem.errors import plain_tracebacks

if TYPE_CHECKING:
    from brainmem.spec import MemoryModel

plain_tracebacks()  # these modules are the first to import Brian2

__all__ = ["check_model", "draw", "evaluate", "resolve_parameters"]


def check_model(model: MemoryModel) -> None:
    """Raise a `RuleError` for all that is wrong with a model's text; see `brainmem.checks`."""
    from brainmem.checks import check_model as check

    check(model)
