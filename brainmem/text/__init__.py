"""Brian2 text as values: read lines of equations, evaluate expressions safely, draw arrays."""

from brainmem.errors import plain_tracebacks
from brainmem.text.draws import draw
from brainmem.text.expression import evaluate

plain_tracebacks()  # these modules are the first to import Brian2

__all__ = ["draw", "evaluate"]
